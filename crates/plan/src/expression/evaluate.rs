//! Tree to value.

use super::{
    Attributes, ExpressionError, limits, parse::Node, pattern::Pattern, token::Comparison,
};
use serde_json::Value;
use std::cmp::Ordering;

/// State of one evaluation.
pub(super) struct Evaluator<'a> {
    attributes: &'a dyn Attributes,
    pub(super) now_us: i64,
    /// `IgnoreFlowIfNullOrEmpty` met an empty value; counts if the whole result is empty.
    pub(super) ignored: bool,
    steps: usize,
}

/// The arguments of one call, not evaluated yet.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    nodes: &'a [Option<Node>],
    pub(super) position: usize,
    pub(super) pattern: Option<&'a Pattern>,
}

impl<'a> Arguments<'a> {
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, index: usize) -> Option<&'a Node> {
        self.nodes.get(index).and_then(Option::as_ref)
    }

    /// Whether the slot is filled.
    pub(super) fn has(&self, index: usize) -> bool {
        self.node(index).is_some()
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.position, message)
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(attributes: &'a dyn Attributes, now_us: i64) -> Self {
        Self {
            attributes,
            now_us,
            ignored: false,
            steps: 0,
        }
    }

    pub(super) fn evaluate(&mut self, node: &Node) -> Result<Value, ExpressionError> {
        self.steps += 1;
        let (value, position) = match node {
            Node::Text(text) => return Ok(Value::from(text.as_str())),
            Node::Number(number) => return Ok(Value::from(*number)),
            Node::EnumName(name) => return Ok(Value::from(name.as_str())),
            Node::Attribute { name, position } => {
                (self.attributes.get(name).unwrap_or(Value::Null), *position)
            }
            Node::Compare {
                left,
                comparison,
                right,
                position,
            } => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                (
                    Value::Bool(compare(&left, *comparison, &right, *position)?),
                    *position,
                )
            }
            Node::Call {
                function,
                arguments,
                position,
                pattern,
            } => {
                if self.steps > limits::STEPS {
                    return Err(ExpressionError::new(
                        *position,
                        format!("The expression takes more than {} steps", limits::STEPS),
                    ));
                }
                let arguments = Arguments {
                    nodes: arguments,
                    position: *position,
                    pattern: pattern.as_ref(),
                };
                ((function.implementation)(self, arguments)?, *position)
            }
        };
        check_size(&value, position)?;
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
        text_of(&value)
            .map_err(|message| arguments.error(format!("Parameter {}: {message}", index + 1)))
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
            arguments.error(format!(
                "Parameter {} must be a whole number, not \"{text}\"",
                index + 1
            ))
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
