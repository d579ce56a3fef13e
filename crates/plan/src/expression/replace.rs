//! `Replace` and its five modes.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    evaluate::{Arguments, Evaluator, too_large},
    limits,
    pattern::{Pattern, compile_pattern},
};
use serde_json::Value;

pub(super) static FUNCTIONS: [Function; 1] = [function(
    "Replace(source, oldValue?, regexPattern?, regexGroupName?, replacementValue?, replacementAttributeName?, template?)",
    "The source with a text or the matches of a regular expression replaced.",
    (5, 7),
    &[1, 2, 3, 4],
    replace,
)];

const SOURCE: usize = 0;
const OLD_VALUE: usize = 1;
const PATTERN: usize = 2;
const GROUP: usize = 3;
const REPLACEMENT: usize = 4;
const REPLACEMENT_ATTRIBUTE: usize = 5;
const TEMPLATE: usize = 6;
/// Which parameters are present chooses the mode.
fn replace(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<Value, ExpressionError> {
    let has = |index| arguments.has(index);
    if has(PATTERN) && has(GROUP) && has(REPLACEMENT_ATTRIBUTE) {
        return extract(evaluator, arguments);
    }
    let Some(source) = evaluator.text(arguments, SOURCE)? else {
        return Ok(Value::Null);
    };
    let replaced = if has(PATTERN) && has(REPLACEMENT) {
        let replacement = evaluator.text(arguments, REPLACEMENT)?.unwrap_or_default();
        let pattern = pattern(evaluator, arguments)?;
        match evaluator.text(arguments, GROUP)? {
            Some(group) => replace_group(&pattern, &source, &group, &replacement, arguments)?,
            None => replace_all(&pattern, &source, &replacement, arguments)?,
        }
    } else if has(OLD_VALUE) && has(TEMPLATE) {
        let template = evaluator.text(arguments, TEMPLATE)?.unwrap_or_default();
        let old = evaluator.text(arguments, OLD_VALUE)?.unwrap_or_default();
        replace_text(&template, &old, &source, arguments)?
    } else if has(OLD_VALUE) && has(REPLACEMENT) {
        let replacement = evaluator.text(arguments, REPLACEMENT)?.unwrap_or_default();
        let old = evaluator.text(arguments, OLD_VALUE)?.unwrap_or_default();
        replace_text(&source, &old, &replacement, arguments)?
    } else {
        return Err(arguments.error(
            "Replace needs an old value with a replacement or a template, or a pattern with a replacement, or a pattern with a group and a replacement attribute",
        ));
    };
    Ok(Value::from(replaced))
}

fn pattern(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<Pattern, ExpressionError> {
    if let Some(pattern) = arguments.pattern {
        return Ok(pattern.clone());
    }
    let text = evaluator.text(arguments, PATTERN)?.unwrap_or_default();
    compile_pattern(&text).map_err(|message| arguments.error_at(PATTERN, message))
}

/// The source if it has a value, else the group's text in the replacement attribute.
fn extract(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
) -> Result<Value, ExpressionError> {
    if let Some(source) = evaluator
        .text(arguments, SOURCE)?
        .filter(|source| !source.is_empty())
    {
        return Ok(Value::from(source));
    }
    let Some(other) = evaluator.text(arguments, REPLACEMENT_ATTRIBUTE)? else {
        return Ok(Value::Null);
    };
    let group = evaluator.text(arguments, GROUP)?.unwrap_or_default();
    check_input(&other, arguments)?;
    let pattern = pattern(evaluator, arguments)?;
    known_group(&pattern, &group, arguments)?;
    let found = pattern
        .captures(&other)
        .and_then(|captures| captures.name(&group).map(|hit| hit.as_str().to_owned()));
    Ok(found.map_or(Value::Null, Value::from))
}

/// Finding all matches can take time in the square of the length, so long values are refused.
fn check_input(text: &str, arguments: Arguments<'_>) -> Result<(), ExpressionError> {
    if text.len() > limits::PATTERN_INPUT_BYTES {
        let most = limits::PATTERN_INPUT_BYTES / 1024;
        return Err(arguments.error(format!(
            "A value longer than {most} KiB cannot be searched with a regular expression"
        )));
    }
    Ok(())
}

fn known_group(
    pattern: &Pattern,
    group: &str,
    arguments: Arguments<'_>,
) -> Result<(), ExpressionError> {
    if pattern.capture_names().flatten().any(|name| name == group) {
        return Ok(());
    }
    Err(arguments.error_at(
        GROUP,
        format!(
            "The regular expression `{}` has no group named \"{group}\"",
            pattern.as_str()
        ),
    ))
}

/// Output that refuses to grow beyond the limit while it is being built.
struct Bounded<'a> {
    text: String,
    arguments: Arguments<'a>,
}

impl Bounded<'_> {
    fn push(&mut self, part: &str) -> Result<(), ExpressionError> {
        self.text.push_str(part);
        if self.text.len() > limits::OUTPUT_BYTES {
            return Err(too_large(self.arguments.position));
        }
        Ok(())
    }
}

fn replace_text(
    text: &str,
    old: &str,
    new: &str,
    arguments: Arguments<'_>,
) -> Result<String, ExpressionError> {
    if old.is_empty() {
        return Ok(text.to_owned());
    }
    let mut output = Bounded {
        text: String::new(),
        arguments,
    };
    for (index, part) in text.split(old).enumerate() {
        if index > 0 {
            output.push(new)?;
        }
        output.push(part)?;
    }
    Ok(output.text)
}

fn replace_all(
    pattern: &Pattern,
    source: &str,
    replacement: &str,
    arguments: Arguments<'_>,
) -> Result<String, ExpressionError> {
    check_input(source, arguments)?;
    let pieces = pieces(pattern, replacement);
    let mut output = Bounded {
        text: String::new(),
        arguments,
    };
    let mut end = 0;
    for captures in pattern.captures_iter(source) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        output.push(source.get(end..whole.start()).unwrap_or_default())?;
        for piece in &pieces {
            match piece {
                Piece::Text(text) => output.push(text)?,
                Piece::Group(index) => {
                    output.push(captures.get(*index).map_or("", |hit| hit.as_str()))?;
                }
                Piece::Before => output.push(source.get(..whole.start()).unwrap_or_default())?,
                Piece::After => output.push(source.get(whole.end()..).unwrap_or_default())?,
                Piece::Source => output.push(source)?,
            }
        }
        end = whole.end();
    }
    output.push(source.get(end..).unwrap_or_default())?;
    Ok(output.text)
}

/// Part of a replacement.
enum Piece<'a> {
    Text(&'a str),
    /// What a group matched; group 0 is the whole match.
    Group(usize),
    Before,
    After,
    Source,
}

/// Takes a replacement apart. Besides text there are `$1`, `${1}`, `${name}`, `$$`, `$&` (the match), `` $` `` and `$'`
/// (what is before and behind it), `$+` (the last group) and `$_` (the source). A reference to a group that does not exist
/// is text, as is any other dollar sign.
fn pieces<'a>(pattern: &Pattern, replacement: &'a str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = replacement;
    while let Some((text, behind)) = rest.split_once('$') {
        pieces.push(Piece::Text(text));
        let (piece, length) = reference(pattern, behind);
        pieces.push(piece);
        rest = behind.get(length..).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// What a dollar sign means, and how many bytes behind it belong to it.
fn reference<'a>(pattern: &Pattern, behind: &str) -> (Piece<'a>, usize) {
    let groups = pattern.captures_len();
    let single = match behind.chars().next() {
        Some('$') => Some(Piece::Text("$")),
        Some('&') => Some(Piece::Group(0)),
        Some('`') => Some(Piece::Before),
        Some('\'') => Some(Piece::After),
        Some('+') => Some(Piece::Group(groups - 1)),
        Some('_') => Some(Piece::Source),
        _ => None,
    };
    if let Some(piece) = single {
        return (piece, 1);
    }
    let by_number = |digits: &str| digits.parse().ok().filter(|&index: &usize| index < groups);
    let by_name = |name: &str| {
        pattern
            .capture_names()
            .position(|known| known == Some(name))
    };
    let inner = behind
        .strip_prefix('{')
        .and_then(|inner| inner.split_once('}'))
        .map(|(inner, _)| inner);
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (found, length) = match inner {
        Some(inner) => (by_number(inner).or_else(|| by_name(inner)), inner.len() + 2),
        None => (by_number(behind.get(..digits).unwrap_or_default()), digits),
    };
    found.map_or((Piece::Text("$"), 0), |index| (Piece::Group(index), length))
}

fn replace_group(
    pattern: &Pattern,
    source: &str,
    group: &str,
    replacement: &str,
    arguments: Arguments<'_>,
) -> Result<String, ExpressionError> {
    known_group(pattern, group, arguments)?;
    check_input(source, arguments)?;
    let mut output = Bounded {
        text: String::new(),
        arguments,
    };
    let mut end = 0;
    for hit in pattern
        .captures_iter(source)
        .filter_map(|captures| captures.name(group))
    {
        output.push(source.get(end..hit.start()).unwrap_or_default())?;
        output.push(replacement)?;
        end = hit.end();
    }
    output.push(source.get(end..).unwrap_or_default())?;
    Ok(output.text)
}
