//! From what is stored to what is sent: the body as it is, with `id`, `meta`, members or groups put in.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tenure_scim::{
    Document, ScimError, ScimType,
    project::Projection,
    schema::{ResourceType, Returned},
    value::format_time_us,
};
use tenure_store::{Error, Kind, Tx, WorkspaceId, membership, resource::Stored, schema::Types};

use super::{etag, limits};

/// A resource ready to be sent.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Absolute URI.
    pub(super) location: String,
    /// For the ETag.
    pub(super) version: i64,
    /// JSON text.
    pub(super) text: String,
}

/// How resources of one kind are shown to one client.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The client's workspace.
    pub(super) workspace: WorkspaceId,
    /// Users, groups or another type.
    pub(super) kind: Kind,
    /// The workspace's types.
    pub(super) types: Arc<Types>,
    /// The type of this kind.
    pub(super) resource_type: Arc<ResourceType>,
    /// What the client asked to see.
    pub(super) projection: Projection,
    /// SCIM root without a slash at its end.
    pub(super) base_url: Arc<str>,
}

/// An element of `members` or `groups`.
#[derive(Debug, Serialize)]
struct Reference<'a> {
    value: &'a str,
    #[serde(rename = "$ref")]
    reference: String,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    display: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    resource_type: &'a str,
    created: String,
    last_modified: String,
    location: &'a str,
    version: String,
}

impl View {
    /// Whether members (of a group) or groups (of a user) are part of the answer.
    pub(super) fn shows_references(&self) -> bool {
        self.reference_attribute()
            .is_some_and(|name| self.projection.includes(&self.resource_type, name))
    }

    /// Renders a resource within the transaction it was read in. `room` is how many references the answer may still
    /// take.
    pub(super) fn render(
        &self,
        tx: &mut Tx<'_>,
        stored: &Stored,
        room: &mut u64,
    ) -> Result<Rendered, Error> {
        let references = if self.shows_references() {
            self.references(tx, stored, room)?
        } else {
            None
        };
        self.render_with(stored, references.as_deref())
    }

    /// Renders a resource with the JSON array of its members or groups.
    pub(super) fn render_with(
        &self,
        stored: &Stored,
        references: Option<&str>,
    ) -> Result<Rendered, Error> {
        let location = self.location(self.kind, &stored.id);
        let meta = Meta {
            resource_type: &self.resource_type.name,
            created: format_time_us(stored.created_us),
            last_modified: format_time_us(stored.modified_us),
            location: &location,
            version: etag::format(stored.version),
        };
        let text = self.text(stored, references, &meta)?;
        Ok(Rendered {
            location,
            version: stored.version,
            text,
        })
    }

    fn text(
        &self,
        stored: &Stored,
        references: Option<&str>,
        meta: &Meta<'_>,
    ) -> Result<String, Error> {
        if self.projection.is_default()
            && !self.may_hold_secret(&stored.body)
            && let Some(text) = splice(
                stored,
                self.reference_attribute().unwrap_or_default(),
                references,
                meta,
            )?
        {
            return Ok(text);
        }
        self.assemble(stored, references, meta)
    }

    /// The attribute that is kept beside the document.
    fn reference_attribute(&self) -> Option<&'static str> {
        match self.kind {
            Kind::User => Some("groups"),
            Kind::Group => Some("members"),
            Kind::Custom(_) => None,
        }
    }

    /// Where a resource is.
    pub(super) fn location(&self, kind: Kind, id: &str) -> String {
        // Members and groups are users and groups, which every workspace has.
        let endpoint = self.types.of(kind).map_or("", |found| &found.endpoint);
        format!("{}{endpoint}/{id}", self.base_url)
    }

    /// Whether the text contains the name of an attribute that is not shown by default. It may be a mere value; then
    /// the slow way gives the same answer.
    fn may_hold_secret(&self, body: &str) -> bool {
        let schemas = std::iter::once(&self.resource_type.schema).chain(
            self.resource_type
                .extensions
                .iter()
                .map(|extension| &extension.schema),
        );
        let mut attributes = schemas
            .flat_map(|schema| &schema.attributes)
            .flat_map(|attribute| std::iter::once(attribute).chain(&attribute.sub_attributes));
        attributes.any(|attribute| {
            matches!(attribute.returned, Returned::Never | Returned::Request)
                && body.contains(&format!("\"{}\"", attribute.name))
        })
    }

    /// The JSON array of members or groups; `None` when there are none, which SCIM does not tell from absence.
    fn references(
        &self,
        tx: &mut Tx<'_>,
        stored: &Stored,
        room: &mut u64,
    ) -> Result<Option<String>, Error> {
        let mut array = String::new();
        match self.kind {
            Kind::User => {
                for group in membership::groups_of(tx, self.workspace, stored.rid)? {
                    let kind = if group.direct { "direct" } else { "indirect" };
                    self.push(&mut array, Kind::Group, &group.id, kind, &group.display)?;
                }
            }
            Kind::Group => self.members(tx, stored, room, &mut array)?,
            Kind::Custom(_) => {}
        }
        if array.is_empty() {
            return Ok(None);
        }
        array.push(']');
        Ok(Some(array))
    }

    fn members(
        &self,
        tx: &mut Tx<'_>,
        stored: &Stored,
        room: &mut u64,
        array: &mut String,
    ) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let members =
                membership::members(tx, self.workspace, stored.rid, after, limits::MEMBERS_CHUNK)?;
            let Some(last) = members.last() else {
                return Ok(());
            };
            after = last.rid;
            let read = u64::try_from(members.len()).unwrap_or(u64::MAX);
            *room = room.checked_sub(read).ok_or_else(too_many_members)?;
            for member in &members {
                self.push_member(array, member)?;
            }
            if read < u64::from(limits::MEMBERS_CHUNK) {
                return Ok(());
            }
        }
    }

    /// Appends a member to a JSON array that is not closed yet.
    pub(super) fn push_member(
        &self,
        array: &mut String,
        member: &membership::MemberRow,
    ) -> Result<(), Error> {
        let kind = self.types.name(member.kind);
        let display = if self.names_members() {
            member.display.as_str()
        } else {
            ""
        };
        self.push(array, member.kind, &member.id, &kind, display)
    }

    /// Whether the client asked for `members.display`, which is `returned: request`.
    fn names_members(&self) -> bool {
        let asked = self.projection.attributes.iter().flatten();
        asked
            .into_iter()
            .any(|name| name.to_ascii_lowercase().ends_with("members.display"))
    }

    fn push(
        &self,
        array: &mut String,
        kind: Kind,
        id: &str,
        shown: &str,
        display: &str,
    ) -> Result<(), Error> {
        array.push(if array.is_empty() { '[' } else { ',' });
        let reference = Reference {
            value: id,
            reference: self.location(kind, id),
            kind: shown,
            display,
        };
        array.push_str(&to_json(&reference)?);
        Ok(())
    }

    /// The general way: parse, put everything in, cut.
    fn assemble(
        &self,
        stored: &Stored,
        references: Option<&str>,
        meta: &Meta<'_>,
    ) -> Result<String, Error> {
        let mut body = stored.document()?;
        let mut document = Document::new();
        if let Some(schemas) = body.shift_remove("schemas") {
            document.insert("schemas".to_owned(), schemas);
        }
        document.insert("id".to_owned(), Value::String(stored.id.clone()));
        document.append(&mut body);
        if let (Some(references), Some(attribute)) = (references, self.reference_attribute()) {
            let references: Value = serde_json::from_str(references).map_err(render_error)?;
            document.insert(attribute.to_owned(), references);
        }
        document.insert(
            "meta".to_owned(),
            serde_json::to_value(meta).map_err(render_error)?,
        );
        self.projection.apply(&self.resource_type, &mut document);
        to_json(&document)
    }
}

/// The quick way for the default representation: text is put between text, no JSON is parsed. `None` when the stored
/// text does not begin as it always should.
fn splice(
    stored: &Stored,
    attribute: &str,
    references: Option<&str>,
    meta: &Meta<'_>,
) -> Result<Option<String>, Error> {
    // Schema URNs contain no bracket, so the first one ends the list.
    let Some(inner) = stored
        .body
        .strip_prefix("{\"schemas\":[")
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        return Ok(None);
    };
    let Some((schemas, rest)) = inner.split_once(']') else {
        return Ok(None);
    };
    let id = to_json(&stored.id)?;
    let meta = to_json(meta)?;
    let mut text = String::with_capacity(
        stored.body.len() + meta.len() + references.map_or(0, str::len) + 128,
    );
    for part in ["{\"schemas\":[", schemas, "],\"id\":", &id, rest] {
        text.push_str(part);
    }
    if let Some(references) = references {
        for part in [",\"", attribute, "\":", references] {
            text.push_str(part);
        }
    }
    for part in [",\"meta\":", &meta, "}"] {
        text.push_str(part);
    }
    Ok(Some(text))
}

fn too_many_members() -> Error {
    let detail = "The groups have too many members for one answer; ask with `excludedAttributes=members` or for fewer groups.";
    ScimError::bad_request(ScimType::TooMany, detail).into()
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(render_error)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function of map_err"
)]
fn render_error(error: serde_json::Error) -> Error {
    Error::Database(format!("a stored resource cannot be rendered: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(body: &str) -> Stored {
        Stored {
            rid: 1,
            id: "7b1c".to_owned(),
            kind: Kind::User,
            version: 3,
            created_us: 0,
            modified_us: 1_500_000,
            body: body.to_owned(),
        }
    }

    fn view() -> View {
        View {
            workspace: WorkspaceId(1),
            kind: Kind::User,
            types: Types::standard(),
            resource_type: Arc::clone(Types::standard().of(Kind::User).unwrap()),
            projection: Projection::default(),
            base_url: "https://id.mills.example/scim".into(),
        }
    }

    fn meta(stored: &Stored) -> Meta<'static> {
        Meta {
            resource_type: "User",
            created: format_time_us(stored.created_us),
            last_modified: format_time_us(stored.modified_us),
            location: "https://id.mills.example/scim/Users/7b1c",
            version: etag::format(stored.version),
        }
    }

    /// Both ways must give the same text.
    fn check(body: &str, references: Option<&str>, expect_splice: bool) {
        let stored = stored(body);
        let spliced = splice(&stored, "groups", references, &meta(&stored)).unwrap();
        assert_eq!(spliced.is_some(), expect_splice, "{body}");
        let assembled = view()
            .assemble(&stored, references, &meta(&stored))
            .unwrap();
        assert_eq!(spliced.unwrap_or_else(|| assembled.clone()), assembled);
        assert!(
            assembled.contains(r#""meta":{"resourceType":"User","created":"1970-01-01T00:00:00"#),
            "{assembled}"
        );
    }

    #[test]
    fn splice_and_assembly_agree() {
        let schemas = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]"#;
        check(&format!("{schemas}}}"), None, true);
        check(
            &format!(r#"{schemas},"userName":"a]}}\"","active":true}}"#),
            None,
            true,
        );
        let groups =
            r#"[{"value":"g","$ref":"https://id.mills.example/scim/Groups/g","type":"direct"}]"#;
        check(
            &format!(r#"{schemas},"userName":"mira"}}"#),
            Some(groups),
            true,
        );
        check(r#"{"userName":"mira"}"#, None, false);
    }

    #[test]
    fn passwords_are_not_shown_even_if_stored() {
        let schemas = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]"#;
        for (body, shown) in [
            (
                format!(r#"{schemas},"userName":"mira","password":"hidden"}}"#),
                "mira",
            ),
            // A mere value goes the slow way, too; the answer is the same.
            (format!(r#"{schemas},"userName":"password"}}"#), "password"),
        ] {
            let stored = stored(&body);
            let text = view().text(&stored, None, &meta(&stored)).unwrap();
            assert!(
                text.contains(&format!("\"userName\":\"{shown}\"")),
                "{text}"
            );
            assert!(!text.contains("hidden"), "{text}");
        }
    }
}
