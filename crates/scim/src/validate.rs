//! From a request body to a canonical document (RFC 7643 section 2, RFC 7644 sections 3.3 and 3.5.1).
//!
//! ```
//! use serde_json::json;
//! use tenure_scim::{schema::SchemaSet, validate};
//!
//! let body = json!({"username": "mira", "active": "True", "shoeSize": 38});
//! let validated = validate::create(SchemaSet::user(), body.as_object().unwrap().clone()).unwrap();
//! assert_eq!(validated.document["userName"], "mira");
//! assert_eq!(validated.document["active"], true);
//! assert_eq!(validated.ignored, ["shoeSize"]);
//! ```

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{
    Document, ScimError, ScimType,
    deviation::{Deviation, Deviations, Notes},
    normalize::{Normalizer, invalid, twice},
    patch::{MemberRef, members},
    path::shorten,
    schema::{Attribute, Mutability, ResourceType, Schema, common_attributes},
};

/// A validated body: the document without `id`, `meta`, `members`, `groups`; the members of a group beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// The canonical document: registered spelling, types of the schema, no unassigned attributes, `schemas` complete.
    pub document: Document,
    /// `None` when the body did not mention members.
    pub members: Option<Vec<MemberRef>>,
    /// Names of attributes and schemas that were dropped because unknown.
    pub ignored: Vec<String>,
    /// What was tolerated.
    pub deviations: Deviations,
}

/// Refuses what [`create`], [`replace`] and PATCH only ignore, for clients that want to know.
///
/// # Errors
///
/// 400 `invalidSyntax` that names the first unknown attribute or schema.
pub fn refuse_unknown(ignored: &[String]) -> Result<(), ScimError> {
    match ignored.first() {
        None => Ok(()),
        Some(name) => Err(ScimError::bad_request(
            ScimType::InvalidSyntax,
            format!("`{name}` is not an attribute or schema of this resource."),
        )),
    }
}

/// Validates a POST body: spelling of names, types (strings for booleans tolerated), required attributes, read-only
/// values dropped, unknown attributes dropped and reported, `schemas` completed, at most one primary.
///
/// # Errors
///
/// 400 `invalidValue` or `invalidSyntax` that names the attribute.
pub fn create(resource_type: &ResourceType, body: Document) -> Result<Validated, ScimError> {
    let validated = read(resource_type, body)?;
    check_required(resource_type, &validated.document)?;
    Ok(validated)
}

/// Validates a PUT body against the current document: clears omitted readWrite attributes, keeps omitted
/// immutable and writeOnly ones, refuses a changed immutable one.
///
/// # Errors
///
/// As [`create`], and 400 `mutability` for a changed immutable attribute.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{schema::SchemaSet, validate};
///
/// let current = json!({"userName": "mira", "title": "Weaver"}).as_object().unwrap().clone();
/// let body = json!({"userName": "mira.okafor"}).as_object().unwrap().clone();
/// let replaced = validate::replace(SchemaSet::user(), &current, body).unwrap().document;
/// assert_eq!(replaced["userName"], "mira.okafor");
/// assert_eq!(replaced.get("title"), None);
/// ```
pub fn replace(
    resource_type: &ResourceType,
    current: &Document,
    body: Document,
) -> Result<Validated, ScimError> {
    let mut validated = read(resource_type, body)?;
    keep(
        &resource_type.schema.attributes,
        current,
        &mut validated.document,
    )?;
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        let Some(Value::Object(before)) = current.get(urn) else {
            continue;
        };
        let mut after = match validated.document.remove(urn) {
            Some(Value::Object(object)) => object,
            _ => Document::new(),
        };
        keep(&extension.schema.attributes, before, &mut after)?;
        if !after.is_empty() {
            validated.document.insert(urn.clone(), Value::Object(after));
        }
    }
    validated.document = arrange(resource_type, validated.document);
    check_required(resource_type, &validated.document)?;
    Ok(validated)
}

fn keep(
    attributes: &[Attribute],
    before: &Document,
    after: &mut Document,
) -> Result<(), ScimError> {
    for attribute in attributes {
        let Some(old) = before.get(&attribute.name) else {
            continue;
        };
        match (attribute.mutability, after.get(&attribute.name)) {
            (Mutability::Immutable, Some(new)) if new != old => {
                return Err(ScimError::bad_request(
                    ScimType::Mutability,
                    format!("`{}` cannot be changed once it is set.", attribute.name),
                ));
            }
            (Mutability::Immutable | Mutability::WriteOnly | Mutability::ReadOnly, None) => {
                after.insert(attribute.name.clone(), old.clone());
            }
            _ => {}
        }
    }
    Ok(())
}

fn read(resource_type: &ResourceType, body: Document) -> Result<Validated, ScimError> {
    let mut notes = Notes::default();
    let mut document = Document::new();
    let mut members = None;
    let mut has_schemas = false;
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            notes.spelling(&key, "schemas");
            has_schemas = check_schemas(resource_type, &value, &mut notes)?;
        } else if let Some(extension) = resource_type.extension(&key) {
            notes
                .deviations
                .insert_if(is_scim_11(&key), Deviation::Scim11Urn);
            let object = read_extension(&extension.schema, value, &mut notes)?;
            if !object.is_empty() {
                insert(&mut document, &extension.schema.id, Value::Object(object))?;
            }
        } else if let Some(attribute) = resource_type.attribute(&key) {
            notes.spelling(&key, &attribute.name);
            if members::is_members(resource_type, attribute) {
                let read = members::read(value, &mut notes.deviations)?;
                if members.replace(read).is_some() {
                    return Err(twice(&attribute.name));
                }
            } else if let Some(value) = read_attribute(attribute, value, &mut notes)? {
                insert(&mut document, &attribute.name, value)?;
            }
        } else {
            notes.unknown_attribute(shorten(&key));
        }
    }
    notes
        .deviations
        .insert_if(!has_schemas, Deviation::MissingSchemas);
    Ok(Validated {
        document: arrange(resource_type, document),
        members,
        ignored: notes.ignored,
        deviations: notes.deviations,
    })
}

fn insert(document: &mut Document, name: &str, value: Value) -> Result<(), ScimError> {
    match document.insert(name.to_owned(), value) {
        Some(_) => Err(twice(name)),
        None => Ok(()),
    }
}

fn read_attribute(
    attribute: &Attribute,
    value: Value,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    if attribute.mutability == Mutability::ReadOnly {
        notes.insert(Deviation::ReadOnlySent);
        return Ok(None);
    }
    let value = Normalizer { notes }.attribute(attribute, value)?;
    if attribute.is_secret() {
        // Taken and not kept; of the wrong type it is wrong all the same.
        notes.insert(Deviation::PasswordSent);
        return Ok(None);
    }
    Ok(value)
}

fn read_extension(schema: &Schema, value: Value, notes: &mut Notes) -> Result<Document, ScimError> {
    let given = match value {
        Value::Object(given) => given,
        Value::Null => return Ok(Document::new()),
        _ => return Err(invalid(format!("`{}` must be an object.", schema.id))),
    };
    let mut object = Document::new();
    for (key, value) in given {
        match schema.attribute(&key) {
            None => notes.unknown_attribute(format!("{}:{}", schema.id, shorten(&key))),
            Some(attribute) => {
                notes.spelling(&key, &attribute.name);
                if let Some(value) = read_attribute(attribute, value, notes)? {
                    insert(&mut object, &attribute.name, value)?;
                }
            }
        }
    }
    Ok(object)
}

/// Whether any schema is named, all of them being acceptable.
fn check_schemas(
    resource_type: &ResourceType,
    value: &Value,
    notes: &mut Notes,
) -> Result<bool, ScimError> {
    let urns = match value {
        Value::Array(urns) => urns.as_slice(),
        Value::Null => &[],
        single => {
            notes.insert(Deviation::SingleForList);
            std::slice::from_ref(single)
        }
    };
    for urn in urns {
        let Some(urn) = urn.as_str() else {
            let detail = "`schemas` must be a list of URNs.".to_owned();
            return Err(ScimError::bad_request(ScimType::InvalidSyntax, detail));
        };
        if resource_type.is_base_schema(urn) || resource_type.extension(urn).is_some() {
            notes
                .deviations
                .insert_if(is_scim_11(urn), Deviation::Scim11Urn);
            continue;
        }
        let lower = urn.to_ascii_lowercase();
        let is_other_type = lower.starts_with("urn:ietf:params:scim:schemas:core:2.0:")
            || lower.starts_with("urn:ietf:params:scim:api:");
        if is_other_type {
            return Err(invalid(format!(
                "`schemas` names `{}`, but this is a {}: use `{}`.",
                shorten(urn),
                resource_type.name,
                resource_type.schema.id
            )));
        }
        notes.insert(Deviation::UnknownSchema);
        notes.ignored.push(shorten(urn));
    }
    Ok(!urns.is_empty())
}

pub(crate) fn is_scim_11(urn: &str) -> bool {
    urn.get(..17)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:scim:schemas:"))
}

/// Puts a document into the order of the schemas, completes `schemas` and drops empty extensions.
pub(crate) fn arrange(resource_type: &ResourceType, mut document: Document) -> Document {
    let mut urns = vec![Value::String(resource_type.schema.id.clone())];
    let mut extensions = Vec::new();
    for extension in &resource_type.extensions {
        if let Some(Value::Object(object)) = document.remove(&extension.schema.id)
            && !object.is_empty()
        {
            urns.push(Value::String(extension.schema.id.clone()));
            let object = in_order(&extension.schema.attributes, object);
            extensions.push((extension.schema.id.clone(), Value::Object(object)));
        }
    }
    document.insert("schemas".to_owned(), Value::Array(urns));
    let mut arranged = Document::new();
    let known = common_attributes()
        .iter()
        .chain(&resource_type.schema.attributes);
    for attribute in known {
        if let Some(value) = document.remove(&attribute.name) {
            arranged.insert(attribute.name.clone(), value);
        }
    }
    arranged.extend(extensions);
    arranged.extend(document);
    arranged
}

/// Puts an object into the order of its attributes.
pub(crate) fn in_order(attributes: &[Attribute], mut object: Document) -> Document {
    let mut arranged = Document::new();
    for attribute in attributes {
        if let Some(value) = object.remove(&attribute.name) {
            arranged.insert(attribute.name.clone(), value);
        }
    }
    arranged.extend(object);
    arranged
}

pub(crate) fn check_required(
    resource_type: &ResourceType,
    document: &Document,
) -> Result<(), ScimError> {
    let missing = |attributes: &[Attribute], document: &Document| {
        let mut required = attributes
            .iter()
            .filter(|attribute| attribute.required && !attribute.is_dropped());
        required
            .find(|attribute| !document.contains_key(&attribute.name))
            .map(|found| found.name.clone())
    };
    let base = missing(&resource_type.schema.attributes, document);
    let name = base.or_else(|| {
        resource_type.extensions.iter().find_map(|extension| {
            let object = document
                .get(&extension.schema.id)
                .and_then(Value::as_object);
            match object {
                None if !extension.required => None,
                None => Some(extension.schema.id.clone()),
                Some(object) => missing(&extension.schema.attributes, object),
            }
        })
    });
    match name {
        Some(name) => Err(invalid(format!("`{name}` is required."))),
        None => Ok(()),
    }
}
