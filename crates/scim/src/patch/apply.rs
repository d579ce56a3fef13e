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
    deviation::{Deviation, Notes},
    limits,
    normalize::{Normalizer, invalid, missing_sub_attribute, simple},
    path::{Path, Resolved},
    schema::{Attribute, AttributeType, Mutability, ResourceType},
    validate::{arrange, check_required, in_order},
};

/// What applying needs, and what it writes down.
pub(super) struct Work<'w> {
    pub(super) resource_type: &'w ResourceType,
    pub(super) id: &'w str,
    pub(super) strict_paths: bool,
    /// What the operations have cost so far.
    pub(super) effort_bytes: usize,
    pub(super) notes: &'w mut Notes,
}

impl Work<'_> {
    /// The document after all operations.
    pub(super) fn all(
        &mut self,
        document: &Document,
        operations: &[Operation],
    ) -> Result<Document, ScimError> {
        let mut after = document.clone();
        for operation in operations {
            self.one(&mut after, operation)?;
        }
        let after = arrange(self.resource_type, after);
        check_required(self.resource_type, &after)?;
        Ok(after)
    }

    fn one(&mut self, document: &mut Document, operation: &Operation) -> Result<(), ScimError> {
        let path = &operation.path;
        let resource_type = self.resource_type;
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
            let is_same = operation.value.as_ref().and_then(Value::as_str) == Some(self.id);
            if !is_same {
                return Err(read_only(path));
            }
            self.notes.insert(Deviation::ReadOnlyUnchanged);
            return Ok(());
        }
        let container = match resolved.extension {
            None => document,
            Some(urn) => match object_entry(document, urn) {
                Some(object) => object,
                None => return Err(invalid(format!("`{urn}` must be an object."))),
            },
        };
        let effort = values::effort(container.get(&attribute.name), path.filter.as_deref());
        self.effort_bytes = self.effort_bytes.saturating_add(effort);
        if self.effort_bytes > limits::PATCH_EFFORT_BYTES {
            let detail = format!(
                "The PATCH has too many operations on the many values of `{}`: send fewer at a time.",
                attribute.name
            );
            return Err(ScimError::bad_request(ScimType::TooMany, detail));
        }
        Target {
            resolved,
            path,
            container,
            strict_paths: self.strict_paths,
            notes: self.notes,
        }
        .apply(operation)
    }
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
    strict_paths: bool,
    notes: &'t mut Notes,
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
    fn accept_unchanged(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let current = self.container.get(&self.resolved.attribute.name);
        let current = match self.resolved.sub {
            Some(sub) => current.and_then(|value| value.get(&sub.name)),
            None => current,
        };
        let is_same = operation.kind != OperationKind::Remove
            && self.path.filter.is_none()
            && current.is_some()
            && operation.value.as_ref() == current;
        if !is_same {
            return Err(read_only(self.path));
        }
        self.notes.insert(Deviation::ReadOnlyUnchanged);
        Ok(())
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
                self.notes.insert(Deviation::RemoveWithValue);
                let listed = self.normalizer().elements(attribute, listed.clone())?;
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
        if attribute.kind == AttributeType::Complex && !attribute.multi_valued {
            return self.merge_single(value);
        }
        if kind == OperationKind::Add && attribute.multi_valued {
            let added = self.normalizer().elements(attribute, value)?;
            let mut elements = self.elements();
            values::add(attribute, &mut elements, added)?;
            return self.store(elements);
        }
        match self.normalizer().attribute(attribute, value)? {
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
            self.note_empty_text(&value);
            self.container.shift_remove(&attribute.name);
            return Ok(());
        }
        // A list of one, as for a multi-valued attribute.
        let value = match value {
            Value::Array(mut values) if values.len() == 1 => {
                self.notes.insert(Deviation::ListForSingle);
                values.pop().unwrap_or_default()
            }
            value => value,
        };
        let value = dotted(attribute, value, self.notes);
        let changes = self.normalizer().sub_attributes(attribute, value)?;
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
        let mut elements = self.elements();
        let selected = values::select(attribute, &elements, filter);
        let clears = value.is_null() || (value.as_str() == Some("") && self.resolved.sub.is_none());
        if clears {
            self.note_empty_text(&value);
            return self.remove_part();
        }
        let changes = self.changes(value)?;
        if !selected.is_empty() {
            self.check_immutable(&elements, &selected, &changes)?;
            values::merge_selected(attribute, &mut elements, &selected, &changes)?;
            return self.store(elements);
        }
        if changes.values().all(Option::is_none) {
            return Ok(());
        }
        let described = match filter {
            Some(_) if self.strict_paths => None,
            Some(filter) => values::described(attribute, filter, self.notes)?,
            None => Some(Changes::new()),
        };
        // A single value that does not match must not be overwritten by a new one.
        let is_taken = !attribute.multi_valued && !elements.is_empty();
        let mut created = described
            .filter(|_| !is_taken)
            .ok_or_else(|| no_target(self.path))?;
        self.notes
            .deviations
            .insert_if(filter.is_some(), Deviation::ValuePathCreated);
        created.extend(changes);
        elements.push(Value::Object(Document::new()));
        let last = elements.len() - 1;
        values::merge_selected(attribute, &mut elements, &[last], &created)?;
        self.store(elements)
    }

    fn changes(&mut self, value: Value) -> Result<Changes, ScimError> {
        if let Some(sub) = self.resolved.sub {
            let value = simple(sub, value, &self.path.to_string(), self.notes)?;
            return Ok(Changes::from([(sub.name.clone(), value)]));
        }
        let value = match value {
            Value::Array(mut values) if values.len() == 1 => {
                self.notes.insert(Deviation::ListForSingle);
                values.pop().unwrap_or_default()
            }
            Value::Array(_) => {
                return Err(invalid(format!(
                    "`{}` takes one value, not a list.",
                    self.path
                )));
            }
            value => value,
        };
        let attribute = self.resolved.attribute;
        self.normalizer().sub_attributes(attribute, value)
    }

    fn normalizer(&mut self) -> Normalizer<'_> {
        Normalizer { notes: self.notes }
    }

    fn note_empty_text(&mut self, value: &Value) {
        self.notes
            .deviations
            .insert_if(value.is_string(), Deviation::EmptyText);
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

/// Turns keys such as `name.givenName` inside the value of `name` into plain names.
fn dotted(attribute: &Attribute, value: Value, notes: &mut Notes) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let mut plain = |key: String| match key.split_once('.') {
        Some((first, rest)) if first.eq_ignore_ascii_case(&attribute.name) => {
            notes.insert(Deviation::DottedKey);
            rest.to_owned()
        }
        _ => key,
    };
    Value::Object(
        object
            .into_iter()
            .map(|(key, value)| (plain(key), value))
            .collect(),
    )
}
