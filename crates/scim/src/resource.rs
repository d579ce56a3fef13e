//! A resource as a whole: its document and what is kept beside it, for servers that hold resources in memory.
//!
//! A server with a database does the same steps itself, with members as rows.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::{
    Document, ScimError, index,
    patch::{self, MemberRef},
    schema::ResourceType,
    validate::{self, Validated},
    value::format_time_us,
};

/// A resource with its members and metadata. Times are in microseconds since 1970 and come from the caller.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{resource::Resource, schema::SchemaSet};
///
/// let body = json!({"userName": "mira"}).as_object().unwrap().clone();
/// let mut user = Resource::create(SchemaSet::user(), "7b1c", body, 0).unwrap();
/// let body = json!({"Operations": [{"op": "add", "path": "title", "value": "Weaver"}]});
/// assert!(user.patch(SchemaSet::user(), body.as_object().unwrap(), 1_500_000).unwrap());
/// let shown = user.shown(SchemaSet::user(), "https://id.mills.example/scim/v2");
/// assert_eq!(shown["title"], "Weaver");
/// assert_eq!(shown["meta"], json!({
///     "resourceType": "User",
///     "created": "1970-01-01T00:00:00.000Z",
///     "lastModified": "1970-01-01T00:00:01.500Z",
///     "location": "https://id.mills.example/scim/v2/Users/7b1c",
///     "version": "W/\"2\"",
/// }));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Id, given by the server.
    pub id: String,
    /// Canonical document.
    pub document: Document,
    /// Members of a group.
    pub members: Vec<MemberRef>,
    /// Time of creation.
    pub created_us: i64,
    /// Time of the last change.
    pub modified_us: i64,
    /// Counts the states, from 1.
    pub version: u64,
}

impl Resource {
    /// A new resource from the body of a POST.
    ///
    /// # Errors
    ///
    /// As [`validate::create`].
    pub fn create(
        resource_type: &ResourceType,
        id: &str,
        body: Document,
        now_us: i64,
    ) -> Result<Self, ScimError> {
        let validated = validate::create(resource_type, body)?;
        Ok(Self {
            id: id.to_owned(),
            document: validated.document,
            members: validated.members.unwrap_or_default(),
            created_us: now_us,
            modified_us: now_us,
            version: 1,
        })
    }

    /// Replaces the resource by the body of a PUT; `Ok(false)` when nothing changed. On error it is as before.
    ///
    /// # Errors
    ///
    /// As [`validate::replace`].
    pub fn replace(
        &mut self,
        resource_type: &ResourceType,
        body: Document,
        now_us: i64,
    ) -> Result<bool, ScimError> {
        let Validated {
            document, members, ..
        } = validate::replace(resource_type, &self.document, body)?;
        let members = members.unwrap_or_default();
        let changed = document != self.document || members != self.members;
        (self.document, self.members) = (document, members);
        self.touch(changed, now_us);
        Ok(changed)
    }

    /// Applies the body of a PATCH; `Ok(false)` when nothing changed. On error the resource is as before.
    ///
    /// # Errors
    ///
    /// As [`patch::parse`] and [`patch::apply`].
    pub fn patch(
        &mut self,
        resource_type: &ResourceType,
        body: &Document,
        now_us: i64,
    ) -> Result<bool, ScimError> {
        let request = patch::parse(resource_type, body)?;
        let document = &mut self.document;
        let changed = patch::apply(resource_type, &self.id, document, &request.operations)?
            | patch::change_members(resource_type, &mut self.members, &request.members);
        self.touch(changed, now_us);
        Ok(changed)
    }

    fn touch(&mut self, changed: bool, now_us: i64) {
        if changed {
            self.modified_us = now_us;
            self.version = self.version.saturating_add(1);
        }
    }

    /// Refuses values that must be unique and that another resource of the type has.
    ///
    /// # Errors
    ///
    /// 409 `uniqueness` that names the attribute.
    pub fn check_unique<'r>(
        &self,
        resource_type: &ResourceType,
        others: impl IntoIterator<Item = &'r Resource>,
    ) -> Result<(), ScimError> {
        let own = index::unique(resource_type, &self.document);
        let others = others.into_iter().filter(|other| other.id != self.id);
        for taken in others.flat_map(|other| index::unique(resource_type, &other.document)) {
            let collides = |entry: &&index::UniqueEntry| {
                entry.attribute == taken.attribute && entry.key == taken.key
            };
            if let Some(entry) = own.iter().find(collides) {
                let detail = format!("`{}` of {} is taken.", entry.attribute, resource_type.name);
                return Err(ScimError::uniqueness(detail));
            }
        }
        Ok(())
    }

    /// Refuses a request whose If-Match header does not name the present version.
    ///
    /// # Errors
    ///
    /// 412.
    pub fn check_match(&self, if_match: Option<&str>) -> Result<(), ScimError> {
        if if_match.is_none_or(|header| self.is_named_by(header)) {
            return Ok(());
        }
        let detail = "The resource has changed: read it again.";
        Err(ScimError::status(412, detail))
    }

    /// Whether an If-Match or If-None-Match header names the present version. Opaque tags are compared, although RFC 9110
    /// wants strong ones for If-Match: SCIM's own examples use weak tags there.
    #[must_use]
    pub fn is_named_by(&self, header: &str) -> bool {
        let weak = self.entity_tag();
        let strong = format!("\"{}\"", self.version);
        let mut tags = header.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag == weak || tag == strong)
    }

    /// The weak entity tag of the present version (RFC 7644 section 3.14).
    #[must_use]
    pub fn entity_tag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// Absolute URI; `base_url` is the SCIM root without a slash at its end.
    #[must_use]
    pub fn location(&self, resource_type: &ResourceType, base_url: &str) -> String {
        format!("{base_url}{}/{}", resource_type.endpoint, self.id)
    }

    /// The full document with `id`, `meta` and members, which filters see and projections cut.
    #[must_use]
    pub fn shown(&self, resource_type: &ResourceType, base_url: &str) -> Document {
        let mut shown = self.document.clone();
        shown.insert("id".to_owned(), self.id.as_str().into());
        if !self.members.is_empty() {
            let members = self.members.iter().map(member);
            shown.insert("members".to_owned(), members.collect());
        }
        let meta = json!({
            "resourceType": resource_type.name,
            "created": format_time_us(self.created_us),
            "lastModified": format_time_us(self.modified_us),
            "location": self.location(resource_type, base_url),
            "version": self.entity_tag(),
        });
        shown.insert("meta".to_owned(), meta);
        shown
    }
}

fn member(member: &MemberRef) -> Value {
    match &member.kind {
        Some(kind) => json!({"value": member.value, "type": kind}),
        None => json!({"value": member.value}),
    }
}
