//! Functions that change letters: case and diacritics.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    evaluate::{Arguments, Evaluator},
    text::map_text,
};
use serde_json::Value;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    function(
        "NormalizeDiacritics(source)",
        "Letters without accents and other marks.",
        (1, 1),
        &[],
        normalize_diacritics,
    ),
    function(
        "PCase(source, wordSeparators?)",
        "Each word with a capital first letter and the rest small.",
        (1, 2),
        &[],
        proper_case,
    ),
    function(
        "ToLower(source, culture?)",
        "Small letters.",
        (1, 2),
        &[],
        to_lower,
    ),
    function(
        "ToUpper(source, culture?)",
        "Capital letters.",
        (1, 2),
        &[],
        to_upper,
    ),
];

/// One letter for one letter, whatever stands around it: `ß` has no capital letter of its own and stays.
fn upper(character: char) -> char {
    let mut cased = character.to_uppercase();
    match (cased.next(), cased.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

fn lower(character: char) -> char {
    let mut cased = character.to_lowercase();
    match (cased.next(), cased.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

fn to_lower(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let turkic = turkic(evaluator, arguments)?;
    map_text(evaluator, arguments, |text| {
        text.chars()
            .map(|character| match character {
                'I' if turkic => 'ı',
                'İ' if turkic => 'i',
                other => lower(other),
            })
            .collect()
    })
}

fn to_upper(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let turkic = turkic(evaluator, arguments)?;
    map_text(evaluator, arguments, |text| {
        text.chars()
            .map(|character| match character {
                'i' if turkic => 'İ',
                other => upper(other),
            })
            .collect()
    })
}

/// Whether the culture is Turkish or Azerbaijani, where the letter i has other cases. No other culture has a rule of
/// its own.
fn turkic(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<bool, ExpressionError> {
    let culture = evaluator
        .text(arguments, 1)?
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut subtags = culture.split('-');
    let language = subtags.next().unwrap_or_default();
    let fits = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_language =
        (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_culture = is_language && subtags.all(fits);
    if !culture.is_empty() && !is_culture {
        return Err(arguments.error_at(
            1,
            format!("\"{culture}\" is not a culture; write one as \"tr-TR\""),
        ));
    }
    Ok(matches!(language, "tr" | "az"))
}

fn proper_case(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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
                cased.push(upper(character));
            } else {
                cased.push(lower(character));
            }
            first = separates(character);
        }
        cased
    })
}

fn normalize_diacritics(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
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
