//! Operations against a document.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Operation, OperationKind,
    parse::attribute_path,
    values::{self, Changes},
};
use crate::{
    Document, ScimError, ScimType,
    normalize::{Normalizer, invalid, missing_sub_attribute, simple},
    path::{Path, Resolved},
    schema::{Attribute, AttributeType, Mutability, ResourceType},
    validate::{arrange, check_required, in_order},
};

/// The document after all operations.
pub(super) fn all(
    resource_type: &ResourceType,
    id: &str,
    document: &Document,
    operations: &[Operation],
) -> Result<Document, ScimError> {
    let mut after = document.clone();
    for operation in operations {
        one(resource_type, id, &mut after, operation)?;
    }
    let after = arrange(resource_type, after);
    check_required(resource_type, &after)?;
    Ok(after)
}

fn one(
    resource_type: &ResourceType,
    id: &str,
    document: &mut Document,
    operation: &Operation,
) -> Result<(), ScimError> {
    let path = &operation.path;
    let resolved = path.attribute.resolve_exact(resource_type).ok_or_else(|| {
        let detail = format!("`{path}` is not an attribute of {}.", resource_type.name);
        ScimError::bad_request(ScimType::InvalidPath, detail)
    })?;
    let attribute = resolved.attribute;
    // `schemas` follows from the attributes in use; secrets are not kept.
    let is_secret = resolved.sub.unwrap_or(attribute).is_secret();
    if attribute.name == "schemas" || attribute.is_secret() || is_secret {
        return Ok(());
    }
    if attribute.name == "id" && resolved.extension.is_none() {
        let is_same = operation.value.as_ref().and_then(Value::as_str) == Some(id);
        return if is_same {
            Ok(())
        } else {
            Err(read_only(path))
        };
    }
    let container = match resolved.extension {
        None => document,
        Some(urn) => match object_entry(document, urn) {
            Some(object) => object,
            None => return Err(invalid(format!("`{urn}` must be an object."))),
        },
    };
    Target {
        resolved,
        path,
        container,
    }
    .apply(operation)
}

fn object_entry<'d>(document: &'d mut Document, urn: &str) -> Option<&'d mut Document> {
    document
        .entry(urn)
        .or_insert_with(|| Value::Object(Document::new()))
        .as_object_mut()
}

fn read_only(path: &Path) -> ScimError {
    ScimError::bad_request(ScimType::Mutability, format!("`{path}` is read-only."))
}

fn unchangeable(path: &Path) -> ScimError {
    let detail = format!("`{path}` cannot be changed once it is set.");
    ScimError::bad_request(ScimType::Mutability, detail)
}

fn no_target(path: &Path) -> ScimError {
    ScimError::bad_request(ScimType::NoTarget, format!("`{path}` selects no value."))
}

/// What an operation works on: one attribute in the object that holds it.
struct Target<'t> {
    resolved: Resolved<'t>,
    path: &'t Path,
    container: &'t mut Document,
}

impl Target<'_> {
    fn apply(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        if self.is_read_only() {
            return self.accept_unchanged(operation);
        }
        let before = self.container.get(&attribute.name).cloned();
        match operation.kind {
            OperationKind::Remove => self.remove(operation.value.as_ref())?,
            kind => self.write(kind, operation.value.clone().unwrap_or_default())?,
        }
        let after = self.container.get(&attribute.name);
        if attribute.mutability == Mutability::Immutable
            && before.is_some()
            && before.as_ref() != after
        {
            return Err(unchangeable(self.path));
        }
        if attribute.required && after.is_none() {
            let detail = format!("`{}` is required.", attribute_path(self.path));
            return Err(match operation.kind {
                OperationKind::Remove => ScimError::bad_request(ScimType::Mutability, detail),
                _ => invalid(detail),
            });
        }
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        let sub = self.resolved.sub.map(|sub| sub.mutability);
        self.resolved.attribute.mutability == Mutability::ReadOnly
            || sub == Some(Mutability::ReadOnly)
    }

    /// Some clients send back what they read; only a different value is an attempt to change it.
    fn accept_unchanged(&self, operation: &Operation) -> Result<(), ScimError> {
        let current = self.container.get(&self.resolved.attribute.name);
        let current = match self.resolved.sub {
            Some(sub) => current.and_then(|value| value.get(&sub.name)),
            None => current,
        };
        let is_same = operation.kind != OperationKind::Remove
            && self.path.filter.is_none()
            && current.is_some()
            && operation.value.as_ref() == current;
        if is_same {
            Ok(())
        } else {
            Err(read_only(self.path))
        }
    }

    fn is_whole(&self) -> bool {
        self.resolved.sub.is_none() && self.path.filter.is_none()
    }

    fn remove(&mut self, value: Option<&Value>) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        let listed = value.filter(|value| !value.is_null() && attribute.multi_valued);
        match (self.is_whole(), listed) {
            (true, Some(listed)) => {
                let mut elements = self.elements();
                let listed = normalizer(&mut Vec::new()).elements(attribute, listed.clone())?;
                values::remove_listed(attribute, &mut elements, &listed);
                self.store(elements)
            }
            (true, None) => {
                self.container.shift_remove(&attribute.name);
                Ok(())
            }
            (false, _) => self.remove_part(),
        }
    }

    fn remove_part(&mut self) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        let mut elements = self.elements();
        let selected = values::select(attribute, &elements, self.path.filter.as_deref());
        match self.resolved.sub {
            Some(sub) => {
                let is_set = |&index: &usize| {
                    elements
                        .get(index)
                        .is_some_and(|found| found.get(&sub.name).is_some())
                };
                if sub.mutability == Mutability::Immutable && selected.iter().any(is_set) {
                    return Err(unchangeable(self.path));
                }
                if sub.required && !selected.is_empty() {
                    let detail = format!("`{}` is required.", self.path);
                    return Err(ScimError::bad_request(ScimType::Mutability, detail));
                }
                let changes = Changes::from([(sub.name.clone(), None)]);
                values::merge_selected(attribute, &mut elements, &selected, &changes)?;
            }
            None => {
                let mut index = 0;
                elements.retain(|_| {
                    index += 1;
                    selected.binary_search(&(index - 1)).is_err()
                });
            }
        }
        self.store(elements)
    }

    fn write(&mut self, kind: OperationKind, value: Value) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        if !self.is_whole() {
            return self.write_part(value);
        }
        let mut ignored = Vec::new();
        if attribute.kind == AttributeType::Complex && !attribute.multi_valued {
            return self.merge_single(value);
        }
        if kind == OperationKind::Add && attribute.multi_valued {
            let added = normalizer(&mut ignored).elements(attribute, value)?;
            let mut elements = self.elements();
            values::add(attribute, &mut elements, added)?;
            return self.store(elements);
        }
        match normalizer(&mut ignored).attribute(attribute, value)? {
            Some(value) => self.container.insert(attribute.name.clone(), value),
            None => self.container.shift_remove(&attribute.name),
        };
        Ok(())
    }

    /// Sub-attributes that are not mentioned stay (RFC 7644 section 3.5.2.3), also within a path-less value.
    fn merge_single(&mut self, value: Value) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        let clears = value.is_null() || value.as_str() == Some("");
        if clears {
            self.container.shift_remove(&attribute.name);
            return Ok(());
        }
        // A list of one, as for a multi-valued attribute.
        let value = match value {
            Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
            value => value,
        };
        let changes =
            normalizer(&mut Vec::new()).sub_attributes(attribute, dotted(attribute, value))?;
        let mut elements = self.elements();
        if elements.is_empty() {
            elements.push(Value::Object(Document::new()));
        }
        self.check_immutable(&elements, &[0], &changes)?;
        values::merge_selected(attribute, &mut elements, &[0], &changes)?;
        self.store(elements)
    }

    /// Writes to a sub-attribute, to selected values, or to a sub-attribute of selected values.
    fn write_part(&mut self, value: Value) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        let filter = self.path.filter.as_deref();
        let mut ignored = Vec::new();
        let mut elements = self.elements();
        let selected = values::select(attribute, &elements, filter);
        let clears = value.is_null() || (value.as_str() == Some("") && self.resolved.sub.is_none());
        if clears {
            return self.remove_part();
        }
        let changes = self.changes(value, &mut ignored)?;
        if !selected.is_empty() {
            self.check_immutable(&elements, &selected, &changes)?;
            values::merge_selected(attribute, &mut elements, &selected, &changes)?;
            return self.store(elements);
        }
        if changes.values().all(Option::is_none) {
            return Ok(());
        }
        let described = match filter {
            Some(filter) => values::described(attribute, filter, &mut ignored)?,
            None => Some(Changes::new()),
        };
        // A single value that does not match must not be overwritten by a new one.
        let is_taken = !attribute.multi_valued && !elements.is_empty();
        let mut created = described
            .filter(|_| !is_taken)
            .ok_or_else(|| no_target(self.path))?;
        created.extend(changes);
        elements.push(Value::Object(Document::new()));
        let last = elements.len() - 1;
        values::merge_selected(attribute, &mut elements, &[last], &created)?;
        self.store(elements)
    }

    fn changes(&self, value: Value, ignored: &mut Vec<String>) -> Result<Changes, ScimError> {
        if let Some(sub) = self.resolved.sub {
            let value = simple(sub, value, &self.path.to_string())?;
            return Ok(Changes::from([(sub.name.clone(), value)]));
        }
        let value = match value {
            Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
            Value::Array(_) => {
                return Err(invalid(format!(
                    "`{}` takes one value, not a list.",
                    self.path
                )));
            }
            value => value,
        };
        normalizer(ignored).sub_attributes(self.resolved.attribute, value)
    }

    fn check_immutable(
        &self,
        elements: &[Value],
        selected: &[usize],
        changes: &Changes,
    ) -> Result<(), ScimError> {
        let fixed = self.resolved.attribute.sub_attributes.iter();
        for sub in fixed.filter(|sub| sub.mutability == Mutability::Immutable) {
            let Some(new) = changes.get(&sub.name) else {
                continue;
            };
            let mut present = selected
                .iter()
                .filter_map(|&index| elements.get(index)?.get(&sub.name));
            if present.any(|old| Some(old) != new.as_ref()) {
                return Err(unchangeable(self.path));
            }
        }
        Ok(())
    }

    /// The present values; a single value is a list of at most one.
    fn elements(&self) -> Vec<Value> {
        match self.container.get(&self.resolved.attribute.name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(elements)) => elements.clone(),
            Some(single) => vec![single.clone()],
        }
    }

    fn store(&mut self, mut elements: Vec<Value>) -> Result<(), ScimError> {
        let attribute = self.resolved.attribute;
        let is_empty = |element: &Value| element.as_object().is_some_and(Document::is_empty);
        elements.retain(|element| !is_empty(element));
        for object in elements.iter_mut().filter_map(Value::as_object_mut) {
            *object = in_order(&attribute.sub_attributes, std::mem::take(object));
        }
        // Two values can become alike; one of them is enough (RFC 7643 section 2.4).
        let mut seen = HashSet::new();
        elements.retain(|element| seen.insert(element.to_string()));
        for object in elements.iter().filter_map(Value::as_object) {
            if let Some(missing) = missing_sub_attribute(attribute, object) {
                return Err(invalid(format!(
                    "`{}.{missing}` is required.",
                    attribute.name
                )));
            }
        }
        values::check_count(attribute, &elements)?;
        let name = attribute.name.clone();
        let value = if attribute.multi_valued {
            (!elements.is_empty()).then_some(Value::Array(elements))
        } else {
            elements.pop()
        };
        match value {
            Some(value) => self.container.insert(name, value),
            None => self.container.shift_remove(&name),
        };
        Ok(())
    }
}

fn normalizer(ignored: &mut Vec<String>) -> Normalizer<'_> {
    Normalizer { ignored }
}

/// Turns keys such as `name.givenName` inside the value of `name` into plain names.
fn dotted(attribute: &Attribute, value: Value) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let plain = |key: String| match key.split_once('.') {
        Some((first, rest)) if first.eq_ignore_ascii_case(&attribute.name) => rest.to_owned(),
        _ => key,
    };
    Value::Object(
        object
            .into_iter()
            .map(|(key, value)| (plain(key), value))
            .collect(),
    )
}
