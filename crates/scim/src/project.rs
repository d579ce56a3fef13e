//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9).

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    Document, ScimError, ScimType,
    path::AttributePath,
    schema::{Attribute, ResourceType, Returned, Schema, common_attributes, find},
};

/// What a client asked to see.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{project::Projection, schema::SchemaSet};
///
/// let projection = Projection::from_parameters(Some("userName, name.givenName"), None).unwrap();
/// let mut document = json!({"id": "7b1c", "userName": "mira", "name": {"givenName": "Mira", "familyName": "O"}, "active": true})
///     .as_object().unwrap().clone();
/// projection.apply(SchemaSet::user(), &mut document);
/// assert_eq!(json!(document), json!({"id": "7b1c", "userName": "mira", "name": {"givenName": "Mira"}}));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Projection {
    /// `attributes`.
    pub attributes: Option<Vec<String>>,
    /// `excludedAttributes`.
    pub excluded: Option<Vec<String>>,
}

/// Which part of an attribute a list of names selects.
#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Subs(BTreeSet<String>),
}

/// Selected attributes by schema (`None` for the base) and registered name.
type Selection = BTreeMap<(Option<String>, String), Part>;

impl Projection {
    /// From the two query parameters. Names are separated by commas; empty parameters count as absent.
    ///
    /// # Errors
    ///
    /// Both at once is 400 `invalidValue`.
    pub fn from_parameters(
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let names = |text: &str| {
            let names = text
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            names.map(str::to_owned).collect::<Vec<String>>()
        };
        let attributes = attributes.map(names).filter(|names| !names.is_empty());
        let excluded = excluded.map(names).filter(|names| !names.is_empty());
        Self {
            attributes,
            excluded,
        }
        .checked()
    }

    /// Refuses a projection that names both, such as one from the arrays of a SearchRequest.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue`.
    pub fn checked(self) -> Result<Self, ScimError> {
        if self.attributes.is_some() && self.excluded.is_some() {
            return Err(ScimError::bad_request(
                ScimType::InvalidValue,
                "`attributes` and `excludedAttributes` cannot be used together.",
            ));
        }
        Ok(self)
    }

    /// Whether a top-level attribute (`members`, `groups`) will be in the answer, so that it need not be read otherwise.
    #[must_use]
    pub fn includes(&self, resource_type: &ResourceType, attribute: &str) -> bool {
        let Some(attribute) = resource_type.attribute(attribute) else {
            return false;
        };
        self.view(resource_type).part(None, attribute).is_some()
    }

    /// Whether the default representation is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.attributes.is_none() && self.excluded.is_none()
    }

    /// Cuts a full document. `returned: never` attributes are always removed, as are names that no schema has.
    pub fn apply(&self, resource_type: &ResourceType, document: &mut Document) {
        let view = self.view(resource_type);
        for (key, value) in std::mem::take(document) {
            if let Some(attribute) = resource_type.attribute(&key) {
                if let Some(value) = view.cut(None, attribute, value) {
                    document.insert(key, value);
                }
            } else if let (Some(extension), Value::Object(object)) =
                (resource_type.extension(&key), value)
            {
                let schema = &extension.schema;
                let kept: Document = object
                    .into_iter()
                    .filter_map(|(name, value)| {
                        let attribute = schema.attribute(&name)?;
                        view.cut(Some(&schema.id), attribute, value)
                            .map(|value| (name, value))
                    })
                    .collect();
                if !kept.is_empty() {
                    document.insert(key, Value::Object(kept));
                }
            }
        }
    }

    fn view(&self, resource_type: &ResourceType) -> View {
        let select = |names: &Option<Vec<String>>| {
            names.as_ref().map(|names| selection(resource_type, names))
        };
        View {
            only: select(&self.attributes),
            without: select(&self.excluded),
        }
    }
}

struct View {
    only: Option<Selection>,
    without: Option<Selection>,
}

/// What stays of an attribute.
enum Kept<'v> {
    All,
    Only(&'v BTreeSet<String>),
    Without(&'v BTreeSet<String>),
}

impl View {
    fn part(&self, extension: Option<&str>, attribute: &Attribute) -> Option<Kept<'_>> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        let is_always = |sub: &Attribute| sub.returned == Returned::Always;
        let always = !attribute.is_secret() && attribute.sub_attributes.iter().any(is_always);
        self.asked(extension, attribute)
            .or_else(|| always.then_some(Kept::Only(NONE)))
    }

    fn asked(&self, extension: Option<&str>, attribute: &Attribute) -> Option<Kept<'_>> {
        let key = (extension.map(str::to_owned), attribute.name.clone());
        // RFC 7643 gives `meta` as `default`; `id` and `schemas` are `always`.
        match attribute.returned {
            Returned::Never => return None,
            Returned::Always => return Some(Kept::All),
            Returned::Default | Returned::Request => {}
        }
        if let Some(only) = &self.only {
            return only.get(&key).map(|part| match part {
                Part::Whole => Kept::All,
                Part::Subs(subs) => Kept::Only(subs),
            });
        }
        if attribute.returned == Returned::Request {
            return None;
        }
        match self.without.as_ref().and_then(|without| without.get(&key)) {
            Some(Part::Whole) => None,
            Some(Part::Subs(subs)) => Some(Kept::Without(subs)),
            None => Some(Kept::All),
        }
    }

    fn cut(&self, extension: Option<&str>, attribute: &Attribute, value: Value) -> Option<Value> {
        let kept = self.part(extension, attribute)?;
        match value {
            // An empty list, such as the members of a new group, is shown as it was given.
            Value::Array(values) if values.is_empty() => Some(Value::Array(values)),
            Value::Array(values) => {
                let values: Vec<Value> = values
                    .into_iter()
                    .filter(|value| !value.is_array())
                    .filter_map(|value| cut_element(&kept, attribute, value))
                    .collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
            value => cut_element(&kept, attribute, value),
        }
    }
}

fn cut_element(kept: &Kept<'_>, attribute: &Attribute, value: Value) -> Option<Value> {
    let Value::Object(object) = value else {
        return Some(value);
    };
    let stays = |name: &str| {
        let Some(sub) = find(&attribute.sub_attributes, name) else {
            return false;
        };
        match (sub.returned, kept) {
            (Returned::Never, _) => false,
            (Returned::Always, _) => true,
            (Returned::Request, Kept::All | Kept::Without(_)) => false,
            (_, Kept::All) => true,
            (_, Kept::Only(subs)) => subs.contains(&sub.name),
            (_, Kept::Without(subs)) => !subs.contains(&sub.name),
        }
    };
    let object: Document = object.into_iter().filter(|(name, _)| stays(name)).collect();
    (!object.is_empty()).then_some(Value::Object(object))
}

/// Resolves names; unknown ones select nothing.
fn selection(resource_type: &ResourceType, names: &[String]) -> Selection {
    let mut selection = Selection::new();
    for name in names {
        if let Some(schema) = resource_type.schema_of(name) {
            select_schema(&mut selection, resource_type, schema);
            continue;
        }
        let Ok(path) = AttributePath::parse(name) else {
            continue;
        };
        let Some(resolved) = path.resolve_exact(resource_type) else {
            continue;
        };
        let key = (
            resolved.extension.map(str::to_owned),
            resolved.attribute.name.clone(),
        );
        let part = selection
            .entry(key)
            .or_insert_with(|| Part::Subs(BTreeSet::new()));
        match (resolved.sub, part) {
            (None, part) => *part = Part::Whole,
            (Some(sub), Part::Subs(subs)) => {
                subs.insert(sub.name.clone());
            }
            (Some(_), Part::Whole) => {}
        }
    }
    selection
}

fn select_schema(selection: &mut Selection, resource_type: &ResourceType, schema: &Schema) {
    let is_base = schema.id == resource_type.schema.id;
    let common = common_attributes().iter().filter(|_| is_base);
    let urn = (!is_base).then(|| schema.id.clone());
    let all = common.chain(&schema.attributes);
    selection.extend(all.map(|attribute| ((urn.clone(), attribute.name.clone()), Part::Whole)));
}
