//! From mappings to target values, and the difference between two sets of them.

use crate::{
    compile::{CompiledMapping, CompiledObject, CompiledSource},
    config::Apply,
    expression::{Flow, Setting},
    operation::{Change, Unresolved},
    source::SourceView,
    target::TargetPath,
};
use serde_json::{Map, Value};

/// Why a value cannot be exported: error code, sentence.
pub(crate) type Failure = (&'static str, String);

/// What a mapping wants for its target attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Desired {
    Set(Value),
    /// The source gave an empty value on purpose.
    Clear,
    /// The source gives nothing: the target is left alone, but a default counts at creation.
    Nothing,
    /// Not written, not even a default.
    Ignore,
    /// The first of these that nobody has at the target.
    Candidates(Vec<String>),
}

/// Desired values of an object, in the order of the mappings.
pub(crate) struct DesiredValues<'a> {
    pub(crate) values: Vec<(&'a CompiledMapping, Desired)>,
    pub(crate) unresolved: Vec<Unresolved>,
}

/// What the mappings are evaluated with.
pub(crate) struct Evaluation<'a> {
    pub(crate) view: &'a SourceView<'a>,
    pub(crate) references: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) now_us: i64,
    pub(crate) seed: &'a str,
    pub(crate) default_domain: Option<&'a str>,
}

impl Evaluation<'_> {
    pub(crate) fn all<'m>(&self, object: &'m CompiledObject) -> Result<DesiredValues<'m>, Failure> {
        let mut desired = DesiredValues {
            values: Vec::new(),
            unresolved: Vec::new(),
        };
        for mapping in &object.mappings {
            let value = self.resolved(mapping, &mut desired.unresolved)?;
            desired.values.push((mapping, value));
        }
        Ok(desired)
    }

    /// The value of one mapping, references as target ids.
    pub(crate) fn resolved(
        &self,
        mapping: &CompiledMapping,
        unresolved: &mut Vec<Unresolved>,
    ) -> Result<Desired, Failure> {
        let value = self.one(mapping)?;
        if mapping.path.is_reference() {
            return Ok(self.resolve(mapping, value, unresolved));
        }
        Ok(value)
    }

    /// The value of one mapping; of a reference still the source id.
    pub(crate) fn one(&self, mapping: &CompiledMapping) -> Result<Desired, Failure> {
        let value = match &mapping.source {
            CompiledSource::None => return Ok(Desired::Nothing),
            CompiledSource::Constant(value) => value.clone(),
            CompiledSource::Attribute(_, path) => self.view.read(path).unwrap_or(Value::Null),
            CompiledSource::Expression(expression) => {
                let seed = format!("{}\n{}", self.seed, mapping.target.to_lowercase());
                let setting = Setting {
                    now_us: self.now_us,
                    seed: &seed,
                    default_domain: self.default_domain,
                };
                match expression.evaluate(self.view, &setting) {
                    Ok(Flow::Value(value)) => value,
                    Ok(Flow::Ignore) => return Ok(Desired::Ignore),
                    Ok(Flow::Candidates(values)) if values.is_empty() => Value::Null,
                    Ok(Flow::Candidates(values)) => return Ok(Desired::Candidates(values)),
                    Err(error) => {
                        // The message may quote the value.
                        let why = if mapping.redacted {
                            format!("see position {}", error.position)
                        } else {
                            error.to_string()
                        };
                        return Err((
                            "MappingEvaluationFailed",
                            format!(
                                "The expression for {} cannot be evaluated: {why}",
                                mapping.target
                            ),
                        ));
                    }
                }
            }
        };
        match value {
            Value::Null => Ok(Desired::Nothing),
            Value::String(text) if text.is_empty() => Ok(Desired::Clear),
            Value::Array(values) if values.is_empty() => Ok(Desired::Clear),
            value => coerce(mapping, value).map(Desired::Set),
        }
    }

    fn resolve(
        &self,
        mapping: &CompiledMapping,
        desired: Desired,
        unresolved: &mut Vec<Unresolved>,
    ) -> Desired {
        let Desired::Set(Value::String(source_id)) = desired else {
            return desired;
        };
        match (self.references)(&source_id) {
            Some(target_id) => Desired::Set(Value::from(target_id)),
            None => {
                unresolved.push(Unresolved {
                    attribute: mapping.target.clone(),
                    source_id,
                });
                Desired::Ignore
            }
        }
    }
}

/// Brings a value to the type of its target attribute, as far as RFC 7643 tells it.
pub(crate) fn coerce(mapping: &CompiledMapping, value: Value) -> Result<Value, Failure> {
    let path = &mapping.path;
    if path.is_list() {
        let values = match value {
            Value::Array(values) => values,
            single => vec![single],
        };
        return Ok(Value::Array(
            values
                .into_iter()
                .map(|value| {
                    if value.is_object() {
                        value
                    } else {
                        Value::Object(Map::from_iter([("value".to_owned(), value)]))
                    }
                })
                .collect(),
        ));
    }
    if !path.is_standard() {
        return Ok(value);
    }
    let value = single(mapping, value)?;
    if path.is_boolean() {
        return boolean(mapping, &value);
    }
    Ok(match value {
        Value::Bool(true) => Value::from("True"),
        Value::Bool(false) => Value::from("False"),
        Value::Number(number) => Value::from(number.to_string()),
        Value::Object(map) if path.is_reference() => {
            map.get("value").cloned().unwrap_or(Value::Null)
        }
        other => other,
    })
}

fn single(mapping: &CompiledMapping, value: Value) -> Result<Value, Failure> {
    match value {
        Value::Array(mut values) if values.len() == 1 => Ok(values.pop().unwrap_or(Value::Null)),
        Value::Array(values) => Err((
            "SchemaPropertyCanOnlyAcceptValue",
            format!(
                "{} takes one value, but the source gives {}; choose one with Item or join them with Join",
                mapping.target,
                values.len()
            ),
        )),
        other => Ok(other),
    }
}

fn boolean(mapping: &CompiledMapping, value: &Value) -> Result<Value, Failure> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_ascii_lowercase);
    match text.as_str() {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        _ => Err((
            "SchemaPropertyCanOnlyAcceptValue",
            format!(
                "{} is true or false, but the mapping gives {value}",
                mapping.target
            ),
        )),
    }
}

/// Changes that lead from what is known to what is desired, and what is known afterwards.
pub(crate) struct Difference {
    pub(crate) changes: Vec<Change>,
    pub(crate) known_after: Map<String, Value>,
}

/// Everything to send with a create.
pub(crate) fn creation(values: &[(&CompiledMapping, Desired)]) -> Result<Difference, Failure> {
    let mut difference = Difference {
        changes: Vec::new(),
        known_after: Map::new(),
    };
    for (mapping, desired) in values {
        let after = match desired {
            Desired::Set(value) => Some(value.clone()),
            Desired::Nothing => default(mapping)?,
            // Candidates have been tried before; without a free one there is no creation.
            Desired::Clear | Desired::Ignore | Desired::Candidates(_) => None,
        };
        difference.record(mapping, None, after);
    }
    Ok(difference)
}

/// What to change on an account with these known values.
pub(crate) fn update(
    object: &CompiledObject,
    values: &[(&CompiledMapping, Desired)],
    known: &Map<String, Value>,
) -> Result<Difference, Failure> {
    let mut difference = Difference {
        changes: Vec::new(),
        known_after: carried_over(object, known),
    };
    for (mapping, desired) in values {
        let before = known_value(known, &mapping.target);
        let Some(after) = flowing(mapping, desired, before)? else {
            continue;
        };
        if let (true, Some(Value::Array(present)), Some(Value::Array(wanted))) =
            (only_gains(mapping.apply), before, &after)
        {
            difference.gain(mapping, present, wanted);
        } else {
            difference.record(mapping, before, after);
        }
    }
    Ok(difference)
}

/// Whether a list only gets longer.
fn only_gains(apply: Apply) -> bool {
    matches!(apply, Apply::AddValues | Apply::NeverRemove)
}

/// What an update wants: nothing to write, or a value, or (inner `None`) no value.
fn flowing(
    mapping: &CompiledMapping,
    desired: &Desired,
    before: Option<&Value>,
) -> Result<Option<Option<Value>>, Failure> {
    let is_list = matches!(before, Some(Value::Array(_)));
    let applies = match mapping.apply {
        Apply::Always => true,
        Apply::NeverRemove => *desired != Desired::Clear,
        Apply::AddValues => *desired != Desired::Clear && (before.is_none() || is_list),
        Apply::IfEmpty => before.is_none(),
        Apply::OnCreate => false,
    };
    if !applies {
        return Ok(None);
    }
    Ok(match desired {
        Desired::Set(value) => Some(Some(value.clone())),
        Desired::Clear => Some(None),
        // A mapping without a source fills what is empty; any other leaves the target alone.
        Desired::Nothing if before.is_none() && matches!(mapping.source, CompiledSource::None) => {
            Some(default(mapping)?)
        }
        Desired::Nothing | Desired::Ignore | Desired::Candidates(_) => None,
    })
}

impl Difference {
    fn record(&mut self, mapping: &CompiledMapping, before: Option<&Value>, after: Option<Value>) {
        let unchanged = match (before, &after) {
            (Some(before), Some(after)) => same(before, after),
            (None, None) => true,
            _ => false,
        };
        if unchanged {
            return;
        }
        match &after {
            Some(value) => self
                .known_after
                .insert(mapping.target.clone(), value.clone()),
            None => self.known_after.shift_remove(&mapping.target),
        };
        let change = Change {
            attribute: mapping.target.clone(),
            before: before.cloned(),
            after,
            added: Vec::new(),
            redacted: mapping.redacted,
        };
        self.changes.push(change);
    }

    /// Adds to a list what it does not have yet.
    fn gain(&mut self, mapping: &CompiledMapping, present: &[Value], wanted: &[Value]) {
        let added: Vec<Value> = wanted
            .iter()
            .filter(|wanted| !present.iter().any(|present| same_element(present, wanted)))
            .cloned()
            .collect();
        if added.is_empty() {
            return;
        }
        let after = Value::Array([present, &added].concat());
        self.known_after
            .insert(mapping.target.clone(), after.clone());
        self.changes.push(Change {
            attribute: mapping.target.clone(),
            before: Some(Value::Array(present.to_vec())),
            after: Some(after),
            added,
            redacted: mapping.redacted,
        });
    }
}

fn default(mapping: &CompiledMapping) -> Result<Option<Value>, Failure> {
    match &mapping.default {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value) => coerce(mapping, value.clone()).map(Some),
    }
}

/// Known values of attributes that are still mapped, under today's spelling.
fn carried_over(object: &CompiledObject, known: &Map<String, Value>) -> Map<String, Value> {
    object
        .mappings
        .iter()
        .filter_map(|mapping| {
            Some((
                mapping.target.clone(),
                known_value(known, &mapping.target)?.clone(),
            ))
        })
        .collect()
}

/// What is known about a target attribute; an empty text counts as nothing.
pub(crate) fn known_value<'a>(known: &'a Map<String, Value>, target: &str) -> Option<&'a Value> {
    crate::target::get(known, target).filter(|value| !value.is_null() && value != &&Value::from(""))
}

/// The mapped values of an account's document.
pub(crate) fn known_from(
    object: &CompiledObject,
    document: &Map<String, Value>,
) -> Map<String, Value> {
    object
        .mappings
        .iter()
        .filter_map(|mapping| {
            Some((
                mapping.target.clone(),
                simplify(&mapping.path, mapping.path.read(document)?),
            ))
        })
        .collect()
}

/// A manager is known by id only.
fn simplify(path: &TargetPath, value: Value) -> Value {
    match value {
        Value::Object(map) if path.is_reference() => {
            map.get("value").cloned().unwrap_or(Value::Null)
        }
        other => other,
    }
}

/// Whether two elements of a list are the same value; what else is said about it does not matter.
fn same_element(left: &Value, right: &Value) -> bool {
    let value = |element: &Value| {
        let members = element.as_object()?;
        crate::target::get(members, "value").cloned()
    };
    match (value(left), value(right)) {
        (Some(left), Some(right)) => same(&left, &right),
        _ => same(left, right),
    }
}

/// Whether no request is needed: booleans and numbers may come back as text, texts are compared exactly.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => &number.to_string() == text,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        _ => left == right,
    }
}
