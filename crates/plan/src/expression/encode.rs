//! Functions that change how a value is written: base64, hexadecimal, security identifiers.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    evaluate::{Arguments, Evaluator},
    text::map_text,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::fmt::Write as _;

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    function(
        "ConvertFromBase64(source, encoding?)",
        "Text from base64; the encoding is Unicode, ASCII or UTF8.",
        (1, 2),
        &[],
        from_base64,
    ),
    function(
        "ConvertToBase64(source)",
        "Base64 of the text in UTF-16, low byte first.",
        (1, 1),
        &[],
        to_base64,
    ),
    function(
        "ConvertToUTF8Hex(source)",
        "The UTF-8 bytes in hexadecimal.",
        (1, 1),
        &[],
        to_utf8_hex,
    ),
    function(
        "StringFromSid(source)",
        "A Windows security identifier, `S-1-5-…`, from its bytes in base64.",
        (1, 1),
        &[],
        string_from_sid,
    ),
];

fn to_base64(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        STANDARD.encode(bytes)
    })
}

fn from_base64(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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

fn to_utf8_hex(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    map_text(evaluator, arguments, |text| {
        text.bytes()
            .fold(String::with_capacity(text.len() * 2), |mut digits, byte| {
                // Writing to a String cannot fail.
                let _ = write!(digits, "{byte:02X}");
                digits
            })
    })
}

/// Revision, number of parts, authority in 6 bytes, then each part in 4 bytes, low byte first.
fn string_from_sid(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(text) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| arguments.error_at(0, "The value is not base64"))?;
    sid_text(&bytes)
        .map(Value::from)
        .ok_or_else(|| arguments.error_at(0, "The bytes are not a Windows security identifier"))
}

fn sid_text(bytes: &[u8]) -> Option<String> {
    let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
    let (authority, parts) = rest.split_first_chunk::<6>()?;
    if parts.len() != usize::from(count) * 4 {
        return None;
    }
    let authority = authority
        .iter()
        .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let mut text = format!("S-{revision}-{authority}");
    for part in parts.as_chunks::<4>().0 {
        // Writing to a String cannot fail.
        let _ = write!(text, "-{}", u32::from_le_bytes(*part));
    }
    Some(text)
}
