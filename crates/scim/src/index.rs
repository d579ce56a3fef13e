//! Which values of a document a store indexes, folded exactly as the filter evaluator compares them.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{
    Document,
    filter::leaf_values,
    limits,
    path::Resolved,
    schema::{Attribute, AttributeType, ResourceType, Uniqueness, common_attributes},
    value,
};

/// One indexed value.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{index, schema::SchemaSet};
///
/// let document = json!({"userName": "Mira", "emails": [{"value": "A@mills.example"}]});
/// let entries = index::entries(SchemaSet::user(), document.as_object().unwrap());
/// let found: Vec<_> = entries.iter().map(|entry| (entry.attribute.as_str(), entry.key.as_str())).collect();
/// assert_eq!(found, [("username", "mira"), ("emails.value", "a@mills.example")]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Lower-case path: `username`, `emails.value`, `urn:…:user:department`.
    pub attribute: String,
    /// Comparison key from [`crate::value`]: folded text, `true`/`false`, or a sortable form for dates and numbers.
    /// An empty string has the empty key: it is a value for `eq`, but `pr` does not match it.
    pub key: String,
    /// Which element of a multi-valued attribute, from 0.
    pub element: u32,
}

/// A value that must be unique in the workspace and type; two of them collide when attribute and key are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueEntry {
    /// Lower-case path.
    pub attribute: String,
    /// Comparison key, not cut.
    pub key: String,
    /// The value as the client wrote it, for messages.
    pub shown: String,
}

/// All index entries of a document: every simple string, boolean, number, date and reference attribute and
/// sub-attribute of the schemas and `externalId`, but not `password`, `id` and `meta`. Keys are cut at [`crate::limits::INDEX_KEY_CHARS`].
#[must_use]
pub fn entries(resource_type: &ResourceType, document: &Document) -> Vec<IndexEntry> {
    let mut entries = Vec::new();
    for target in stored_attributes(resource_type) {
        for (element, value) in (0u32..).zip(crate::filter::elements(
            target.extension,
            target.attribute,
            document,
        )) {
            push_element(&mut entries, target, element, value);
        }
    }
    entries
}

fn push_element(entries: &mut Vec<IndexEntry>, target: Resolved<'_>, element: u32, value: &Value) {
    if target.attribute.kind != AttributeType::Complex {
        entries.extend(entry(target, target.attribute, element, value));
        return;
    }
    let readable = target.attribute.sub_attributes.iter();
    for sub in readable.filter(|sub| !sub.is_secret()) {
        if let Some(value) = value.get(&sub.name) {
            entries.extend(entry(
                Resolved {
                    sub: Some(sub),
                    ..target
                },
                sub,
                element,
                value,
            ));
        }
    }
}

fn entry(
    target: Resolved<'_>,
    leaf: &Attribute,
    element: u32,
    value: &Value,
) -> Option<IndexEntry> {
    if leaf.kind == AttributeType::Binary {
        return None;
    }
    let key = cut(value::key(leaf, value)?);
    Some(IndexEntry {
        attribute: target.index_name(),
        key,
        element,
    })
}

/// Cuts a key to the length that the index holds. A store cuts the key of a filter in the same way.
#[must_use]
pub fn cut(mut key: String) -> String {
    if let Some((end, _)) = key.char_indices().nth(limits::INDEX_KEY_CHARS) {
        key.truncate(end);
    }
    key
}

/// The values of attributes with uniqueness `server` or `global`.
#[must_use]
pub fn unique(resource_type: &ResourceType, document: &Document) -> Vec<UniqueEntry> {
    let mut entries = Vec::new();
    for target in stored_attributes(resource_type) {
        let subs = target.attribute.sub_attributes.iter().map(Some);
        for sub in std::iter::once(None).chain(subs) {
            let resolved = Resolved { sub, ..target };
            let leaf = sub.unwrap_or(target.attribute);
            let is_unique = leaf.uniqueness != Uniqueness::None && !leaf.is_secret();
            if !is_unique || leaf.kind == AttributeType::Complex {
                continue;
            }
            for value in leaf_values(&resolved, document) {
                let Some(key) = value::key(leaf, value) else {
                    continue;
                };
                let shown = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                entries.push(UniqueEntry {
                    attribute: resolved.index_name(),
                    key,
                    shown,
                });
            }
        }
    }
    entries
}

/// The key to sort a document by: that of the primary value of a multi-valued attribute, or else of its first
/// (RFC 7644 section 3.4.2.3). `None` without a value, which sorts last in ascending order, and for what is never returned.
#[must_use]
pub fn sort_key(target: Resolved<'_>, document: &Document) -> Option<String> {
    if target.is_secret() {
        return None;
    }
    let values: Vec<&Value> =
        crate::filter::elements(target.extension, target.attribute, document).collect();
    let is_primary = |value: &&&Value| value.get("primary") == Some(&Value::Bool(true));
    let chosen = values.iter().find(is_primary).or_else(|| values.first())?;
    let leaf = target.leaf();
    if std::ptr::eq(leaf, target.attribute) {
        value::key(leaf, chosen)
    } else {
        value::key(leaf, chosen.get(&leaf.name)?)
    }
}

/// Attributes that may be in a stored document.
fn stored_attributes(resource_type: &ResourceType) -> impl Iterator<Item = Resolved<'_>> {
    let common = common_attributes()
        .iter()
        .filter(|attribute| attribute.name == "externalId");
    let base = common.chain(&resource_type.schema.attributes);
    let base = base.map(|attribute| Resolved {
        extension: None,
        attribute,
        sub: None,
    });
    let extended = resource_type.extensions.iter().flat_map(|extension| {
        extension
            .schema
            .attributes
            .iter()
            .map(|attribute| Resolved {
                extension: Some(extension.schema.id.as_str()),
                attribute,
                sub: None,
            })
    });
    base.chain(extended)
        .filter(|target| !target.attribute.is_secret())
}
