//! Regular expressions that run in linear time.

use super::limits;
use regex::{Regex, RegexBuilder};

/// A compiled regular expression.
pub(crate) type Pattern = Regex;

/// Compiles a pattern, or says in a sentence why it cannot be used.
pub(crate) fn compile_pattern(text: &str) -> Result<Pattern, String> {
    RegexBuilder::new(text)
        .size_limit(limits::PATTERN_BYTES)
        .build()
        .map_err(|error| explain(text, &error))
}

fn explain(text: &str, error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return format!(
            "The regular expression `{text}` is too large; use smaller repetition counts"
        );
    }
    let cause = error.to_string();
    if cause.contains("look-around") {
        return format!(
            "The regular expression `{text}` uses look-ahead or look-behind, which is not available; capture the text around the match in a group instead"
        );
    }
    if cause.contains("backreference") {
        return format!(
            "The regular expression `{text}` refers back to a group, which is not available"
        );
    }
    let last = cause
        .lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    format!("The regular expression `{text}` cannot be read: {last}")
}
