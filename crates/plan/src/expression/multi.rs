//! Functions over multi-valued attributes.

use super::{
    ExpressionError,
    evaluate::{Arguments, Evaluator},
};
use serde_json::Value;
use std::collections::HashSet;

type Evaluated = Result<Value, ExpressionError>;

/// A single value is a list of one, null an empty list.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        single => vec![single],
    }
}

pub(super) fn count(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::from(list(evaluator.value(arguments, 0)?).len()))
}

pub(super) fn item(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let values = list(evaluator.value(arguments, 0)?);
    if values.is_empty() {
        return Ok(Value::Null);
    }
    let index = evaluator.integer(arguments, 1)?.unwrap_or(0);
    let found = usize::try_from(index)
        .ok()
        .and_then(|index| index.checked_sub(1))
        .and_then(|index| values.get(index));
    found.cloned().ok_or_else(|| {
        arguments.error(format!(
            "There is no item {index}; the list has items 1 to {}",
            values.len()
        ))
    })
}

pub(super) fn remove_duplicates(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Evaluated {
    match evaluator.value(arguments, 0)? {
        Value::Array(values) => {
            let mut seen = HashSet::new();
            Ok(Value::Array(
                values
                    .into_iter()
                    .filter(|value| seen.insert(value.to_string()))
                    .collect(),
            ))
        }
        other => Ok(other),
    }
}
