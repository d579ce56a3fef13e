//! Functions over text.

use super::{
    ExpressionError,
    evaluate::{Arguments, Evaluator, text_of, too_large},
    limits,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::fmt::Write as _;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

type Evaluated = Result<Value, ExpressionError>;

/// Null stays null; anything else goes through `change`.
fn map_text(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    change: impl FnOnce(&str) -> String,
) -> Evaluated {
    Ok(evaluator
        .text(arguments, 0)?
        .map_or(Value::Null, |text| Value::from(change(&text))))
}

pub(super) fn append(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let suffix = evaluator.text(arguments, 1)?.unwrap_or_default();
    map_text(evaluator, arguments, |source| format!("{source}{suffix}"))
}

pub(super) fn join(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let separator = evaluator.text(arguments, 0)?.unwrap_or_default();
    let mut joined = String::new();
    for index in 1..arguments.count() {
        let values = match evaluator.value(arguments, index)? {
            Value::Array(values) => values,
            single => vec![single],
        };
        for value in values {
            let part = text_of(&value)
                .map_err(|message| arguments.error(format!("Parameter {}: {message}", index + 1)))?
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

pub(super) fn left(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let text = evaluator.text(arguments, 0)?.unwrap_or_default();
    let count = required_integer(evaluator, arguments, 1)?;
    Ok(Value::from(
        usize::try_from(count).map_or(text.clone(), |count| text.chars().take(count).collect()),
    ))
}

pub(super) fn mid(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let start = required_integer(evaluator, arguments, 1)?;
    let length = required_integer(evaluator, arguments, 2)?;
    let (Ok(start @ 1..), Ok(length)) = (usize::try_from(start), usize::try_from(length)) else {
        return Err(arguments.error("Mid counts characters from 1 and takes a length of 0 or more"));
    };
    map_text(evaluator, arguments, |text| {
        text.chars().skip(start - 1).take(length).collect()
    })
}

pub(super) fn word(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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

pub(super) fn strip_spaces(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| text.replace(' ', ""))
}

pub(super) fn trim(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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

pub(super) fn to_lower(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let turkic = turkic(evaluator, arguments)?;
    map_text(evaluator, arguments, |text| {
        if turkic {
            text.replace('I', "ı").replace('İ', "i").to_lowercase()
        } else {
            text.to_lowercase()
        }
    })
}

pub(super) fn to_upper(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let turkic = turkic(evaluator, arguments)?;
    map_text(evaluator, arguments, |text| {
        if turkic {
            text.replace('i', "İ").to_uppercase()
        } else {
            text.to_uppercase()
        }
    })
}

/// Turkish and Azerbaijani are the cultures in which the letter i has other cases.
fn turkic(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<bool, ExpressionError> {
    let culture = evaluator
        .text(arguments, 1)?
        .unwrap_or_default()
        .to_ascii_lowercase();
    Ok(matches!(culture.split('-').next(), Some("tr" | "az")))
}

pub(super) fn proper_case(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let separators = evaluator.text(arguments, 1)?;
    let separates = |character: char| match &separators {
        Some(separators) => separators.contains(character),
        None => !character.is_alphanumeric() && !is_combining_mark(character),
    };
    map_text(evaluator, arguments, |text| {
        let mut cased = String::with_capacity(text.len());
        let mut first = true;
        for character in text.chars() {
            if first {
                cased.extend(character.to_uppercase());
            } else {
                cased.extend(character.to_lowercase());
            }
            first = separates(character);
        }
        cased
    })
}

pub(super) fn normalize_diacritics(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Evaluated {
    map_text(evaluator, arguments, |text| {
        let mut plain = String::with_capacity(text.len());
        for character in text
            .nfd()
            .filter(|&character| !is_combining_mark(character))
        {
            match character {
                'æ' => plain.push_str("ae"),
                'Æ' => plain.push_str("AE"),
                'ø' | 'œ' => plain.push_str("oe"),
                'Ø' | 'Œ' => plain.push_str("OE"),
                'ß' => plain.push_str("ss"),
                'ı' => plain.push('i'),
                'ł' => plain.push('l'),
                'Ł' => plain.push('L'),
                other => plain.push(other),
            }
        }
        plain
    })
}

pub(super) fn in_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let (Some(text), Some(wanted)) = (evaluator.text(arguments, 0)?, evaluator.text(arguments, 1)?)
    else {
        return Ok(Value::Null);
    };
    let start = evaluator.integer(arguments, 2)?.unwrap_or(1);
    let Ok(start @ 1..) = usize::try_from(start) else {
        return Err(arguments.error("InStr counts characters from 1"));
    };
    let ignore_case = evaluator.text(arguments, 3)?.as_deref() == Some("vbTextCompare");
    let fold = |text: &str| -> Vec<char> {
        text.chars()
            .map(|character| {
                if ignore_case {
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

pub(super) fn split(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(text) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let delimiter = evaluator.text(arguments, 1)?.unwrap_or_default();
    if delimiter.is_empty() {
        return Err(arguments.error("Split needs a delimiter that is not empty"));
    }
    Ok(Value::Array(
        text.split(&delimiter)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect(),
    ))
}

pub(super) fn to_base64(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        STANDARD.encode(bytes)
    })
}

pub(super) fn from_base64(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(text) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| arguments.error("The value is not base64"))?;
    let encoding = evaluator
        .text(arguments, 1)?
        .unwrap_or_else(|| "Unicode".to_owned());
    let decoded = match encoding.as_str() {
        "Unicode" => String::from_utf16(
            &bytes
                .chunks(2)
                .map(|pair| {
                    u16::from_le_bytes([
                        pair.first().copied().unwrap_or(0),
                        pair.get(1).copied().unwrap_or(0),
                    ])
                })
                .collect::<Vec<_>>(),
        )
        .ok(),
        "ASCII" | "UTF8" => String::from_utf8(bytes).ok(),
        other => {
            return Err(arguments.error(format!(
                "\"{other}\" is not an encoding; use Unicode, ASCII or UTF8"
            )));
        }
    };
    decoded
        .map(Value::from)
        .ok_or_else(|| arguments.error(format!("The decoded bytes are not {encoding} text")))
}

pub(super) fn to_utf8_hex(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| {
        text.bytes()
            .fold(String::with_capacity(text.len() * 2), |mut digits, byte| {
                // Writing to a String cannot fail.
                let _ = write!(digits, "{byte:02X}");
                digits
            })
    })
}

fn required_integer(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<i64, ExpressionError> {
    evaluator.integer(arguments, index)?.ok_or_else(|| {
        arguments.error(format!(
            "Parameter {} must be a whole number, but has no value",
            index + 1
        ))
    })
}
