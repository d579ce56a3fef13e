//! `Replace` and its five modes.

use super::{
    ExpressionError,
    evaluate::{Arguments, Evaluator, too_large},
    limits,
    pattern::{Pattern, compile_pattern},
};
use serde_json::Value;

const SOURCE: usize = 0;
const OLD_VALUE: usize = 1;
const PATTERN: usize = 2;
const GROUP: usize = 3;
const REPLACEMENT: usize = 4;
const REPLACEMENT_ATTRIBUTE: usize = 5;
const TEMPLATE: usize = 6;
/// Most that one match may grow to before the limit on the whole value is looked at.
const LARGEST_EXPANSION_BYTES: usize = 4 * 1024 * 1024;

/// Which parameters are present chooses the mode.
pub(super) fn replace(
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
    compile_pattern(&text).map_err(|message| arguments.error(message))
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
    Err(arguments.error(format!(
        "The regular expression `{}` has no group named \"{group}\"",
        pattern.as_str()
    )))
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
        // Each reference may bring in the whole match.
        let most = replacement.len() + replacement.matches('$').count().saturating_mul(whole.len());
        if most > LARGEST_EXPANSION_BYTES {
            return Err(too_large(arguments.position));
        }
        captures.expand(replacement, &mut output.text);
        output.push("")?;
        end = whole.end();
    }
    output.push(source.get(end..).unwrap_or_default())?;
    Ok(output.text)
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
