//! Functions that decide: conditions, nulls, conversions.

use super::{
    ExpressionError,
    evaluate::{Arguments, Evaluator, equal, text_of},
};
use serde_json::Value;

type Evaluated = Result<Value, ExpressionError>;

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// True: a true boolean, a number other than 0, or the text `true`.
fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            text.eq_ignore_ascii_case("true")
                || text.trim().parse::<f64>().is_ok_and(|number| number != 0.0)
        }
        _ => false,
    }
}

pub(super) fn iif(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let condition = evaluator.value(arguments, 0)?;
    evaluator.value(arguments, if truth(&condition) { 1 } else { 2 })
}

pub(super) fn switch(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let source = evaluator.value(arguments, 0)?;
    for index in (2..arguments.count()).step_by(2) {
        let key = evaluator.value(arguments, index)?;
        if equal(&source, &key).map_err(|message| arguments.error(format!("Switch: {message}")))? {
            return evaluator.value(arguments, index + 1);
        }
    }
    evaluator.value(arguments, 1)
}

pub(super) fn coalesce(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    for index in 0..arguments.count() {
        let value = evaluator.value(arguments, index)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

pub(super) fn is_null(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(evaluator.value(arguments, 0)?.is_null()))
}

pub(super) fn is_null_or_empty(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Evaluated {
    Ok(Value::Bool(is_empty(&evaluator.value(arguments, 0)?)))
}

pub(super) fn is_present(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(!is_empty(&evaluator.value(arguments, 0)?)))
}

pub(super) fn is_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(
        text_of(&evaluator.value(arguments, 0)?).is_ok_and(|text| text.is_some()),
    ))
}

/// `True` becomes false, anything else true.
pub(super) fn not(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let value = evaluator.value(arguments, 0)?;
    let is_true = text_of(&value)
        .is_ok_and(|text| text.is_some_and(|text| text.eq_ignore_ascii_case("true")));
    Ok(Value::Bool(!is_true))
}

pub(super) fn to_bool(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(truth(&evaluator.value(arguments, 0)?)))
}

pub(super) fn to_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(evaluator
        .text(arguments, 0)?
        .map_or(Value::Null, Value::from))
}

pub(super) fn ignore_flow(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let value = evaluator.value(arguments, 0)?;
    if is_empty(&value) {
        evaluator.ignored = true;
        return Ok(Value::Null);
    }
    Ok(value)
}

pub(super) fn bit_and(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    match (
        evaluator.integer(arguments, 0)?,
        evaluator.integer(arguments, 1)?,
    ) {
        (Some(left), Some(right)) => Ok(Value::from(left & right)),
        _ => Ok(Value::Null),
    }
}

pub(super) fn fail(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let message = evaluator.text(arguments, 0)?.unwrap_or_default();
    Err(arguments.error(message))
}

/// The value itself; that it must not be logged is a property of the expression.
pub(super) fn redact(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    evaluator.value(arguments, 0)
}
