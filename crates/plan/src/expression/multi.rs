//! Functions over multi-valued attributes.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    evaluate::{Arguments, Evaluator, text_of},
    text::ignores_case,
};
use serde_json::Value;
use std::collections::HashSet;

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    function(
        "Contains(attribute, value, compareType?)",
        "Position of a value in a multi-valued attribute from 1; 0 when absent.",
        (2, 3),
        &[],
        contains,
    ),
    function(
        "Count(attribute)",
        "How many values a multi-valued attribute has.",
        (1, 1),
        &[],
        count,
    ),
    function(
        "Item(attribute, index)",
        "One value of a multi-valued attribute, counted from 1.",
        (2, 2),
        &[],
        item,
    ),
    function(
        "RemoveDuplicates(attribute)",
        "Each value once, in the order of first appearance.",
        (1, 1),
        &[],
        remove_duplicates,
    ),
];

/// A single value is a list of one, null an empty list.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        single => vec![single],
    }
}

fn count(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::from(list(evaluator.value(arguments, 0)?).len()))
}

fn item(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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
        arguments.error_at(
            1,
            format!(
                "There is no item {index}; the list has items 1 to {}",
                values.len()
            ),
        )
    })
}

fn remove_duplicates(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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

fn contains(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let values = list(evaluator.value(arguments, 0)?);
    let wanted = evaluator.text(arguments, 1)?.unwrap_or_default();
    let ignores_case = ignores_case(evaluator, arguments, 2)?;
    let fold = |text: String| {
        if ignores_case {
            text.to_lowercase()
        } else {
            text
        }
    };
    let wanted = fold(wanted);
    for (index, value) in values.iter().enumerate() {
        let text = text_of(value).map_err(|message| arguments.parameter(0, message))?;
        if text.is_some_and(|text| fold(text) == wanted) {
            return Ok(Value::from(index + 1));
        }
    }
    Ok(Value::from(0))
}
