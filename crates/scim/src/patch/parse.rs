//! From a PatchOp body to operations that each have a path.

use std::sync::Arc;

use serde_json::Value;

use super::{Operation, OperationKind, PatchRequest, members};
use crate::{
    Document, ScimError, ScimType,
    deviation::{Deviation, Deviations},
    filter::check_inside,
    limits,
    normalize::{invalid, twice},
    path::{AttributePath, Path, Resolved, shorten},
    schema::{Attribute, AttributeType, Mutability, ResourceType, Schema},
    validate::is_scim_11,
};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

/// A member of the message in any case; in two cases it would be open which one counts.
fn field<'b>(
    object: &'b Document,
    name: &str,
    deviations: &mut Deviations,
) -> Result<Option<&'b Value>, ScimError> {
    let mut found = object
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let Some((key, value)) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(twice(name));
    }
    if key != name {
        deviations.insert(Deviation::OperationsCase);
    }
    Ok(Some(value))
}

pub(super) fn request(
    resource_type: &ResourceType,
    body: &Document,
) -> Result<PatchRequest, ScimError> {
    let mut deviations = Deviations::default();
    check_message(body, &mut deviations)?;
    let operations = match field(body, "Operations", &mut deviations)? {
        Some(Value::Array(operations)) => operations.as_slice(),
        Some(single @ Value::Object(_)) => {
            deviations.insert(Deviation::SingleOperation);
            std::slice::from_ref(single)
        }
        Some(_) => return Err(syntax("`Operations` must be a list of operations.")),
        None => return Err(syntax("`Operations` is missing.")),
    };
    if operations.is_empty() {
        return Err(syntax("`Operations` must have at least one operation."));
    }
    if operations.len() > limits::PATCH_OPERATIONS {
        let detail = format!(
            "A PATCH can have at most {} operations.",
            limits::PATCH_OPERATIONS
        );
        return Err(ScimError::bad_request(ScimType::TooMany, detail));
    }
    let mut reader = Reader {
        resource_type,
        request: PatchRequest {
            deviations,
            ..PatchRequest::default()
        },
    };
    for (index, operation) in operations.iter().enumerate() {
        reader.operation(operation).map_err(|error| ScimError {
            detail: format!("Operations[{index}]: {}", error.detail),
            ..error
        })?;
    }
    Ok(reader.request)
}

fn check_message(body: &Document, deviations: &mut Deviations) -> Result<(), ScimError> {
    let is_patch_op = |urn: &Value| {
        urn.as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP))
    };
    let schemas = field(body, "schemas", deviations)?;
    let (right, deviation) = match schemas {
        None | Some(Value::Null) => (true, Some(Deviation::MissingSchemas)),
        Some(Value::Array(urns)) if urns.is_empty() => (true, Some(Deviation::MissingSchemas)),
        Some(Value::Array(urns)) => (urns.iter().any(is_patch_op), None),
        Some(single) => (is_patch_op(single), Some(Deviation::SingleForList)),
    };
    deviation
        .into_iter()
        .for_each(|found| deviations.insert(found));
    if right {
        Ok(())
    } else {
        Err(syntax(format!("`schemas` must be `{PATCH_OP}`.")))
    }
}

struct Reader<'t> {
    resource_type: &'t ResourceType,
    request: PatchRequest,
}

impl Reader<'_> {
    fn operation(&mut self, operation: &Value) -> Result<(), ScimError> {
        let object = operation
            .as_object()
            .ok_or_else(|| syntax("An operation must be an object."))?;
        let deviations = &mut self.request.deviations;
        let kind = kind(object, deviations)?;
        let value = field(object, "value", deviations)?.cloned();
        let path = match field(object, "path", deviations)? {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                return Err(ScimError::bad_request(
                    ScimType::InvalidPath,
                    "`path` must be a string.",
                ));
            }
        };
        let value = match (kind, value) {
            (OperationKind::Remove, value) => value,
            (_, Some(value)) => Some(value),
            (_, None) => {
                return Err(invalid(format!("`{}` needs a `value`.", kind_name(kind))));
            }
        };
        match (path, value) {
            (Some(text), value) => self.with_path(kind, text, value),
            (None, _) if kind == OperationKind::Remove => Err(ScimError::bad_request(
                ScimType::NoTarget,
                "`remove` needs a `path`.",
            )),
            (None, Some(Value::Object(attributes))) => self.without_path(kind, attributes),
            (None, _) => Err(invalid(
                "Without a `path`, `value` must be an object of attributes.".to_owned(),
            )),
        }
    }

    fn with_path(
        &mut self,
        kind: OperationKind,
        text: &str,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if let Some(schema) = self.whole_schema(text) {
            return self.whole(kind, &schema, value);
        }
        let path = Path::parse(text)?;
        let resource_type = self.resource_type;
        let resolved = path.attribute.resolve_exact(resource_type).ok_or_else(|| {
            let detail = format!(
                "`{}` is not an attribute of {}.",
                shorten(text),
                resource_type.name
            );
            ScimError::bad_request(ScimType::InvalidPath, detail)
        })?;
        self.spelling(&path, resolved);
        self.push(kind, path, resolved, value)
    }

    /// The schema, if the path is nothing but its URN. A URN such as `urn:scim:schemas:core:1.0` is not a path.
    fn whole_schema(&self, text: &str) -> Option<Arc<Schema>> {
        self.resource_type.schema_of(text.trim()).cloned()
    }

    /// An operation on an extension as a whole is one on each of its attributes.
    fn whole(
        &mut self,
        kind: OperationKind,
        schema: &Schema,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let clears = kind == OperationKind::Remove || value.as_ref().is_none_or(Value::is_null);
        if clears && self.resource_type.is_base_schema(&schema.id) {
            return Err(ScimError::bad_request(
                ScimType::Mutability,
                "The base schema cannot be removed.",
            ));
        }
        if clears {
            for attribute in &schema.attributes {
                if attribute.mutability != Mutability::ReadOnly {
                    let path = qualified(schema, &attribute.name);
                    self.with_path(OperationKind::Remove, &path, None)?;
                }
            }
            return Ok(());
        }
        let Some(Value::Object(attributes)) = value else {
            return Err(invalid(format!(
                "The value of `{}` must be an object.",
                schema.id
            )));
        };
        for (key, value) in attributes {
            let is_qualified = key.contains(':');
            let path = if is_qualified {
                key
            } else {
                qualified(schema, &key)
            };
            self.attribute(kind, &path, value)?;
        }
        Ok(())
    }

    fn without_path(&mut self, kind: OperationKind, attributes: Document) -> Result<(), ScimError> {
        attributes
            .into_iter()
            .try_for_each(|(key, value)| self.attribute(kind, &key, value))
    }

    /// One member of a path-less value. Its key may be dotted, qualified, a schema URN or a value path; unknown
    /// keys are dropped, as in a POST.
    fn attribute(&mut self, kind: OperationKind, key: &str, value: Value) -> Result<(), ScimError> {
        if let Some(schema) = self.whole_schema(key) {
            return self.whole(kind, &schema, Some(value));
        }
        let Ok(path) = Path::parse(key) else {
            self.unknown(key);
            return Ok(());
        };
        let Some(resolved) = path.attribute.resolve_exact(self.resource_type) else {
            self.unknown(key);
            return Ok(());
        };
        self.spelling(&path, resolved);
        self.key_form(&path);
        // What a client read and sends back is not a wish to change it; a different `id` is.
        let attribute = resolved.attribute;
        let is_read_only = attribute.mutability == Mutability::ReadOnly
            || resolved
                .sub
                .is_some_and(|sub| sub.mutability == Mutability::ReadOnly);
        if attribute.name == "schemas" || (is_read_only && attribute.name != "id") {
            let deviations = &mut self.request.deviations;
            deviations.insert_if(is_read_only, Deviation::ReadOnlySent);
            return Ok(());
        }
        self.push(kind, path, resolved, Some(value))
    }

    fn push(
        &mut self,
        kind: OperationKind,
        path: Path,
        resolved: Resolved<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let attribute = resolved.attribute;
        if let Some(filter) = &path.filter {
            if attribute.kind != AttributeType::Complex {
                let detail = format!("`{}` has no sub-attributes to filter by.", attribute.name);
                return Err(ScimError::bad_request(ScimType::InvalidPath, detail));
            }
            check_inside(filter, attribute)?;
        }
        if resolved.extension.is_none() && members::is_members(self.resource_type, attribute) {
            let deviations = &mut self.request.deviations;
            let changes = members::changes(kind, &path, value, deviations)?;
            self.request.members.extend(changes);
            return Ok(());
        }
        if kind == OperationKind::Remove {
            check_removal(&path, resolved)?;
        }
        // Passwords are taken and not kept.
        if attribute.is_secret() || resolved.sub.is_some_and(Attribute::is_secret) {
            self.request.deviations.insert(Deviation::PasswordSent);
            return Ok(());
        }
        self.request
            .operations
            .push(Operation { kind, path, value });
        Ok(())
    }

    fn unknown(&mut self, key: &str) {
        self.request.deviations.insert(Deviation::UnknownAttribute);
        self.request.ignored.push(shorten(key));
    }

    /// Notes names in another case, and the URNs of SCIM 1.1.
    fn spelling(&mut self, path: &Path, resolved: Resolved<'_>) {
        let attribute = &path.attribute;
        let sub = attribute.sub.as_ref().zip(resolved.sub);
        let differs = attribute.attribute != resolved.attribute.name
            || sub.is_some_and(|(given, sub)| *given != sub.name);
        let deviations = &mut self.request.deviations;
        deviations.insert_if(differs, Deviation::AttributeCase);
        let is_old = attribute.schema.as_deref().is_some_and(is_scim_11);
        deviations.insert_if(is_old, Deviation::Scim11Urn);
    }

    /// Notes what else than a plain name a key is.
    fn key_form(&mut self, path: &Path) {
        let deviations = &mut self.request.deviations;
        let has_filter = path.filter.is_some();
        deviations.insert_if(has_filter, Deviation::ValuePathKey);
        let is_dotted = path.attribute.sub.is_some() && !has_filter;
        deviations.insert_if(is_dotted, Deviation::DottedKey);
        deviations.insert_if(path.attribute.schema.is_some(), Deviation::QualifiedKey);
    }
}

fn qualified(schema: &Schema, name: &str) -> String {
    format!("{}:{name}", schema.id)
}

fn check_removal(path: &Path, resolved: Resolved<'_>) -> Result<(), ScimError> {
    let target = resolved.sub.unwrap_or(resolved.attribute);
    let is_read_only = [resolved.attribute, target]
        .iter()
        .any(|part| part.mutability == Mutability::ReadOnly);
    if is_read_only || (target.required && path.filter.is_none()) || target.name == "schemas" {
        let why = if is_read_only {
            "it is read-only"
        } else {
            "it is required"
        };
        let detail = format!("`{path}` cannot be removed: {why}.");
        return Err(ScimError::bad_request(ScimType::Mutability, detail));
    }
    Ok(())
}

fn kind(operation: &Document, deviations: &mut Deviations) -> Result<OperationKind, ScimError> {
    let known = "`op` must be add, remove or replace";
    let text = match field(operation, "op", deviations)? {
        Some(Value::String(text)) => text,
        Some(_) => return Err(syntax(format!("{known}."))),
        None => return Err(syntax(format!("`op` is missing; {known}."))),
    };
    let kind = match text.trim().to_ascii_lowercase().as_str() {
        "add" => OperationKind::Add,
        "remove" => OperationKind::Remove,
        "replace" => OperationKind::Replace,
        _ => return Err(syntax(format!("{known}, not `{}`.", shorten(text)))),
    };
    deviations.insert_if(text != kind_name(kind), Deviation::OperationCase);
    Ok(kind)
}

fn kind_name(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Add => "add",
        OperationKind::Remove => "remove",
        OperationKind::Replace => "replace",
    }
}

/// The path of an attribute as messages show it.
pub(super) fn attribute_path(path: &Path) -> AttributePath {
    AttributePath {
        sub: None,
        ..path.attribute.clone()
    }
}
