//! Functions that decide: conditions, nulls, conversions.

use super::{
    ExpressionError,
    catalogue::{Function, MANY, function},
    evaluate::{Arguments, Evaluator, equal, text_of},
};
use serde_json::Value;

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 15] = [
    function(
        "BitAnd(value1, value2)",
        "The bits that two whole numbers have in common.",
        (2, 2),
        &[],
        bit_and,
    ),
    function(
        "CBool(expression)",
        "True when the expression is true or a number other than 0.",
        (1, 1),
        &[],
        to_bool,
    ),
    function(
        "Coalesce(source1, source2, …)",
        "The first parameter that has a value.",
        (1, MANY),
        &[],
        coalesce,
    ),
    function(
        "CRef(value)",
        "A text as a reference to the object with that id.",
        (1, 1),
        &[],
        to_reference,
    ),
    function(
        "CStr(value)",
        "A number or boolean as text.",
        (1, 1),
        &[],
        to_string,
    ),
    function(
        "Error(message)",
        "Fails the object with this message.",
        (1, 1),
        &[],
        fail,
    ),
    function(
        "IgnoreFlowIfNullOrEmpty(expression)",
        "The value; when empty, the attribute is not written at all.",
        (1, 1),
        &[],
        ignore_flow,
    ),
    function(
        "IIF(condition, valueIfTrue, valueIfFalse)",
        "One of two values, by a condition.",
        (3, 3),
        &[1, 2],
        iif,
    ),
    function(
        "IsNull(expression)",
        "True when there is no value.",
        (1, 1),
        &[],
        is_null,
    ),
    function(
        "IsNullOrEmpty(expression)",
        "True when there is no value or an empty text.",
        (1, 1),
        &[],
        is_null_or_empty,
    ),
    function(
        "IsPresent(expression)",
        "True when there is a value that is not empty.",
        (1, 1),
        &[],
        is_present,
    ),
    function(
        "IsString(expression)",
        "True when the value can be read as text.",
        (1, 1),
        &[],
        is_string,
    ),
    function(
        "Not(source)",
        "False when the source is True, else True.",
        (1, 1),
        &[],
        not,
    ),
    function(
        "Redact(value)",
        "The value itself, hidden in the provisioning logs.",
        (1, 1),
        &[],
        redact,
    ),
    function(
        "Switch(source, defaultValue?, key1, value1, …)",
        "The value behind the first key that equals the source.",
        (2, MANY),
        &[1],
        switch,
    ),
];

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

fn iif(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let condition = evaluator.value(arguments, 0)?;
    evaluator.value(arguments, if truth(&condition) { 1 } else { 2 })
}

fn switch(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let source = evaluator.value(arguments, 0)?;
    for index in (2..arguments.count()).step_by(2) {
        let key = evaluator.value(arguments, index)?;
        if equal(&source, &key).map_err(|message| arguments.parameter(index, message))? {
            return evaluator.value(arguments, index + 1);
        }
    }
    evaluator.value(arguments, 1)
}

fn coalesce(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    for index in 0..arguments.count() {
        let value = evaluator.value(arguments, index)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

fn is_null(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(evaluator.value(arguments, 0)?.is_null()))
}

fn is_null_or_empty(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(is_empty(&evaluator.value(arguments, 0)?)))
}

fn is_present(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(!is_empty(&evaluator.value(arguments, 0)?)))
}

fn is_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(
        text_of(&evaluator.value(arguments, 0)?).is_ok_and(|text| text.is_some()),
    ))
}

/// `True` becomes false, anything else true.
fn not(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let value = evaluator.value(arguments, 0)?;
    let is_true = text_of(&value)
        .is_ok_and(|text| text.is_some_and(|text| text.eq_ignore_ascii_case("true")));
    Ok(Value::Bool(!is_true))
}

fn to_bool(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(Value::Bool(truth(&evaluator.value(arguments, 0)?)))
}

fn to_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(evaluator
        .text(arguments, 0)?
        .map_or(Value::Null, Value::from))
}

fn ignore_flow(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let value = evaluator.value(arguments, 0)?;
    if is_empty(&value) {
        evaluator.ignored = true;
        return Ok(Value::Null);
    }
    Ok(value)
}

fn bit_and(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    match (
        evaluator.integer(arguments, 0)?,
        evaluator.integer(arguments, 1)?,
    ) {
        (Some(left), Some(right)) => Ok(Value::from(left & right)),
        _ => Ok(Value::Null),
    }
}

fn fail(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let message = evaluator.text(arguments, 0)?.unwrap_or_default();
    Err(arguments.error(message))
}

/// The value itself; that it must not be logged is a property of the expression.
fn redact(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    evaluator.value(arguments, 0)
}

/// The engine translates the id when the target attribute is a reference.
fn to_reference(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    to_string(evaluator, arguments)
}
