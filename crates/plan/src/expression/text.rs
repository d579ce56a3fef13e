//! Functions over text.

use super::{
    ExpressionError,
    catalogue::{Function, MANY, function},
    evaluate::{Arguments, Evaluator, text_of, too_large},
    limits,
};
use serde_json::Value;

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 10] = [
    function(
        "Append(source, suffix)",
        "The source with a suffix behind it.",
        (2, 2),
        &[],
        append,
    ),
    function(
        "DNComponent(name, number)",
        "The value of one part of a distinguished name, counted from 1.",
        (2, 2),
        &[],
        component,
    ),
    function(
        "InStr(value1, value2, start?, compareType?)",
        "Position of value2 in value1 from 1; 0 when absent.",
        (2, 4),
        &[],
        in_string,
    ),
    function(
        "Join(separator, source1, source2, …)",
        "All sources that have a value, with the separator between them.",
        (2, MANY),
        &[],
        join,
    ),
    function(
        "Left(string, numChars)",
        "The first characters.",
        (2, 2),
        &[],
        left,
    ),
    function(
        "Mid(source, start, length)",
        "Characters from a position, counted from 1.",
        (3, 3),
        &[],
        mid,
    ),
    function(
        "Split(source, delimiter)",
        "The parts of a text as a list, without spaces around them.",
        (2, 2),
        &[],
        split,
    ),
    function(
        "StripSpaces(source)",
        "The text without spaces.",
        (1, 1),
        &[],
        strip_spaces,
    ),
    function(
        "Trim(value)",
        "The text, or each text of a list, without white space at both ends.",
        (1, 1),
        &[],
        trim,
    ),
    function(
        "Word(string, wordNumber, delimiters)",
        "One word, counted from 1.",
        (3, 3),
        &[],
        word,
    ),
];

/// Null stays null; anything else goes through `change`.
pub(super) fn map_text(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    change: impl FnOnce(&str) -> String,
) -> Evaluated {
    Ok(evaluator
        .text(arguments, 0)?
        .map_or(Value::Null, |text| Value::from(change(&text))))
}

fn append(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let suffix = evaluator.text(arguments, 1)?.unwrap_or_default();
    map_text(evaluator, arguments, |source| format!("{source}{suffix}"))
}

fn join(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let separator = evaluator.text(arguments, 0)?.unwrap_or_default();
    let mut joined = String::new();
    for index in 1..arguments.count() {
        let values = match evaluator.value(arguments, index)? {
            Value::Array(values) => values,
            single => vec![single],
        };
        for value in values {
            let part = text_of(&value)
                .map_err(|message| arguments.parameter(index, message))?
                .unwrap_or_default();
            if part.is_empty() {
                continue;
            }
            if !joined.is_empty() {
                joined.push_str(&separator);
            }
            joined.push_str(&part);
            if joined.len() > limits::OUTPUT_BYTES {
                return Err(too_large(arguments.position));
            }
        }
    }
    Ok(Value::from(joined))
}

fn left(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let text = evaluator.text(arguments, 0)?.unwrap_or_default();
    let count = required_integer(evaluator, arguments, 1)?;
    Ok(Value::from(
        usize::try_from(count).map_or(text.clone(), |count| text.chars().take(count).collect()),
    ))
}

fn mid(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let start = required_integer(evaluator, arguments, 1)?;
    let length = required_integer(evaluator, arguments, 2)?;
    let Ok(start @ 1..) = usize::try_from(start) else {
        return Err(arguments.error_at(1, "Mid counts characters from 1"));
    };
    let Ok(length) = usize::try_from(length) else {
        return Err(arguments.error_at(2, "Mid takes a length of 0 or more"));
    };
    map_text(evaluator, arguments, |text| {
        text.chars().skip(start - 1).take(length).collect()
    })
}

fn word(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let text = evaluator.text(arguments, 0)?.unwrap_or_default();
    let number = required_integer(evaluator, arguments, 1)?;
    let delimiters = evaluator.text(arguments, 2)?.unwrap_or_default();
    let words = text
        .split(|character| delimiters.contains(character))
        .filter(|word| !word.is_empty());
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    let found = index.and_then(|index| words.into_iter().nth(index));
    Ok(Value::from(found.unwrap_or_default()))
}

fn strip_spaces(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| text.replace(' ', ""))
}

fn trim(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    match evaluator.value(arguments, 0)? {
        Value::Array(values) => Ok(Value::Array(
            values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Value::from(text.trim()),
                    other => other,
                })
                .collect(),
        )),
        Value::String(text) => Ok(Value::from(text.trim())),
        other => Ok(other),
    }
}

fn in_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let (Some(text), Some(wanted)) = (evaluator.text(arguments, 0)?, evaluator.text(arguments, 1)?)
    else {
        return Ok(Value::Null);
    };
    let start = evaluator.integer(arguments, 2)?.unwrap_or(1);
    let Ok(start @ 1..) = usize::try_from(start) else {
        return Err(arguments.error_at(2, "InStr counts characters from 1"));
    };
    let ignores_case = ignores_case(evaluator, arguments, 3)?;
    let fold = |text: &str| -> Vec<char> {
        text.chars()
            .map(|character| {
                if ignores_case {
                    character.to_lowercase().next().unwrap_or(character)
                } else {
                    character
                }
            })
            .collect()
    };
    let (text, wanted) = (fold(&text), fold(&wanted));
    Ok(Value::from(position_of(&text, &wanted, start)))
}

/// 1-based position of `wanted` at or after `start`, 0 when absent. Searches as UTF-8, so in linear time.
fn position_of(text: &[char], wanted: &[char], start: usize) -> usize {
    let Some(rest) = text.get(start - 1..) else {
        return 0;
    };
    let (rest, wanted): (String, String) = (rest.iter().collect(), wanted.iter().collect());
    let offset = rest
        .find(&wanted)
        .and_then(|bytes| rest.get(..bytes))
        .map(|before| before.chars().count());
    offset.map_or(0, |offset| start + offset)
}

fn split(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(text) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let delimiter = evaluator.text(arguments, 1)?.unwrap_or_default();
    if delimiter.is_empty() {
        return Err(arguments.error_at(1, "Split needs a delimiter that is not empty"));
    }
    Ok(Value::Array(
        text.split(&delimiter)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect(),
    ))
}

pub(super) fn required_integer(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<i64, ExpressionError> {
    evaluator.integer(arguments, index)?.ok_or_else(|| {
        arguments.error_at(
            index,
            format!(
                "Parameter {} must be a whole number, but has no value",
                index + 1
            ),
        )
    })
}

/// Whether the parameter is `vbTextCompare`; blank is `vbBinaryCompare`.
pub(super) fn ignores_case(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<bool, ExpressionError> {
    match evaluator.text(arguments, index)?.as_deref() {
        None | Some("vbBinaryCompare") => Ok(false),
        Some("vbTextCompare") => Ok(true),
        Some(other) => Err(arguments.error_at(
            index,
            format!("\"{other}\" is not a way to compare; use vbTextCompare or vbBinaryCompare"),
        )),
    }
}

/// `CN=Ana Ruiz,OU=Sales` has the components `Ana Ruiz` and `Sales`; a backslash protects the character behind it.
fn component(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(text) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let number = required_integer(evaluator, arguments, 1)?;
    let mut components = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let protected = match character {
            '\\' => characters.next(),
            ',' => {
                components.push(String::new());
                continue;
            }
            other => Some(other),
        };
        if let Some(component) = components.last_mut() {
            component.extend(protected);
        }
    }
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    let found = index
        .and_then(|index| components.get(index))
        .and_then(|component| component.split_once('='));
    Ok(Value::from(
        found.map(|(_, value)| value.trim()).unwrap_or_default(),
    ))
}
