//! Tree to value.

use super::{
    Attributes, ExpressionError, Setting, limits,
    parse::{Node, Slot},
    pattern::Pattern,
    token::Comparison,
};
use serde_json::Value;
use std::cmp::Ordering;

/// State of one evaluation.
pub(super) struct Evaluator<'a> {
    attributes: &'a dyn Attributes,
    pub(super) setting: &'a Setting<'a>,
    /// `IgnoreFlowIfNullOrEmpty` met an empty value; counts if the whole result is empty.
    pub(super) ignored: bool,
    /// Nodes visited and values of lists read.
    steps: usize,
}

/// The arguments of one call, not evaluated yet.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    slots: &'a [Slot],
    pub(super) position: usize,
    pub(super) pattern: Option<&'a Pattern>,
}

impl<'a> Arguments<'a> {
    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    fn node(&self, index: usize) -> Option<&'a Node> {
        self.slots.get(index).and_then(|slot| slot.node.as_ref())
    }

    /// Whether the slot is filled.
    pub(super) fn has(&self, index: usize) -> bool {
        self.node(index).is_some()
    }

    /// About the call as a whole.
    pub(super) fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.position, message)
    }

    /// About one parameter, at its place.
    pub(super) fn error_at(&self, index: usize, message: impl Into<String>) -> ExpressionError {
        let position = self
            .slots
            .get(index)
            .map_or(self.position, |slot| slot.position);
        ExpressionError::new(position, message)
    }

    /// As [`error_at`](Self::error_at), with the number of the parameter before the message.
    pub(super) fn parameter(
        &self,
        index: usize,
        message: impl std::fmt::Display,
    ) -> ExpressionError {
        self.error_at(index, format!("Parameter {}: {message}", index + 1))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(attributes: &'a dyn Attributes, setting: &'a Setting<'a>) -> Self {
        Self {
            attributes,
            setting,
            ignored: false,
            steps: 0,
        }
    }

    pub(super) fn evaluate(&mut self, node: &Node) -> Result<Value, ExpressionError> {
        let position = node.position();
        self.step(1, position)?;
        let value = match node {
            Node::Text { text, .. } | Node::EnumName { name: text, .. } => {
                return Ok(Value::from(text.as_str()));
            }
            Node::Number { number, .. } => return Ok(Value::from(*number)),
            Node::Attribute { name, .. } => self.attributes.get(name).unwrap_or(Value::Null),
            Node::Compare {
                left,
                comparison,
                right,
                ..
            } => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                Value::Bool(compare(&left, *comparison, &right, position)?)
            }
            Node::Call {
                function,
                arguments,
                pattern,
                ..
            } => {
                let arguments = Arguments {
                    slots: arguments,
                    position,
                    pattern: pattern.as_ref(),
                };
                (function.implementation)(self, arguments)?
            }
        };
        self.check(&value, position)?;
        Ok(value)
    }

    fn step(&mut self, steps: usize, position: usize) -> Result<(), ExpressionError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > limits::STEPS {
            return Err(ExpressionError::new(
                position,
                format!(
                    "The expression takes more than {} steps; every value of a list is one",
                    limits::STEPS
                ),
            ));
        }
        Ok(())
    }

    fn check(&mut self, value: &Value, position: usize) -> Result<(), ExpressionError> {
        if let Value::Array(values) = value {
            self.step(values.len(), position)?;
        }
        check_size(value, position)
    }

    /// The argument with the sub-attributes of its values, if it is an attribute.
    pub(super) fn whole(
        &mut self,
        arguments: Arguments<'_>,
        index: usize,
    ) -> Result<Value, ExpressionError> {
        let Some(Node::Attribute { name, position }) = arguments.node(index) else {
            return self.value(arguments, index);
        };
        let value = self.attributes.get_whole(name).unwrap_or(Value::Null);
        self.check(&value, *position)?;
        Ok(value)
    }

    /// Value of an argument; a blank or missing slot is null.
    pub(super) fn value(
        &mut self,
        arguments: Arguments<'_>,
        index: usize,
    ) -> Result<Value, ExpressionError> {
        arguments
            .node(index)
            .map_or(Ok(Value::Null), |node| self.evaluate(node))
    }

    /// Text of an argument, `None` for null.
    pub(super) fn text(
        &mut self,
        arguments: Arguments<'_>,
        index: usize,
    ) -> Result<Option<String>, ExpressionError> {
        let value = self.value(arguments, index)?;
        text_of(&value).map_err(|message| arguments.parameter(index, message))
    }

    /// Whole number of an argument, `None` for null or blank.
    pub(super) fn integer(
        &mut self,
        arguments: Arguments<'_>,
        index: usize,
    ) -> Result<Option<i64>, ExpressionError> {
        let Some(text) = self.text(arguments, index)? else {
            return Ok(None);
        };
        text.trim().parse().map(Some).map_err(|_| {
            arguments.error_at(
                index,
                format!(
                    "Parameter {} must be a whole number, not \"{text}\"",
                    index + 1
                ),
            )
        })
    }
}

/// The text of a single value as the language sees it; null has none.
pub(super) fn text_of(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(true) => Ok(Some("True".to_owned())),
        Value::Bool(false) => Ok(Some("False".to_owned())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Array(values) => match values.as_slice() {
            [] => Ok(None),
            [one] if !one.is_array() => text_of(one),
            several => Err(format!(
                "one value is needed, but there are {}; use Item or Join",
                several.len()
            )),
        },
        Value::Object(map) => match map.get("value") {
            Some(inner @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => text_of(inner),
            _ => Err(
                "a simple value is needed, but this one has sub-attributes; name one of them"
                    .to_owned(),
            ),
        },
    }
}

/// Equality of the language: null is the empty text, and booleans equal `true` and `false` in any case.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    let (left_text, right_text) = (
        text_of(left)?.unwrap_or_default(),
        text_of(right)?.unwrap_or_default(),
    );
    if left.is_boolean() || right.is_boolean() {
        return Ok(left_text.eq_ignore_ascii_case(&right_text));
    }
    Ok(left_text == right_text)
}

fn compare(
    left: &Value,
    comparison: Comparison,
    right: &Value,
    position: usize,
) -> Result<bool, ExpressionError> {
    let failed = |message| ExpressionError::new(position, message);
    let equal = equal(left, right).map_err(failed)?;
    let order = order(left, right).map_err(failed)?;
    Ok(match comparison {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
    })
}

/// By number when both are whole numbers, else by text.
fn order(left: &Value, right: &Value) -> Result<Ordering, String> {
    let (left, right) = (
        text_of(left)?.unwrap_or_default(),
        text_of(right)?.unwrap_or_default(),
    );
    match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => Ok(left.cmp(&right)),
        _ => Ok(left.cmp(&right)),
    }
}

fn check_size(value: &Value, position: usize) -> Result<(), ExpressionError> {
    if size(value) > limits::OUTPUT_BYTES {
        return Err(too_large(position));
    }
    Ok(())
}

pub(super) fn too_large(position: usize) -> ExpressionError {
    ExpressionError::new(
        position,
        format!(
            "The value is larger than {} KiB",
            limits::OUTPUT_BYTES / 1024
        ),
    )
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        _ => 0,
    }
}
