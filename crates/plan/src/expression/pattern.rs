//! Regular expressions as administrators know them from .NET, run in linear time.

use super::limits;
use regex::{Regex, RegexBuilder};

/// A compiled regular expression.
pub(crate) type Pattern = Regex;

/// Compiles a pattern, or says in a sentence why it cannot be used.
pub(crate) fn compile_pattern(text: &str) -> Result<Pattern, String> {
    let translated = translate(text)?;
    RegexBuilder::new(&translated)
        .size_limit(limits::PATTERN_BYTES)
        .build()
        .map_err(|error| explain(text, &error))
}

/// Writes what .NET writes differently, and refuses what would silently mean something else here.
fn translate(text: &str) -> Result<String, String> {
    let mut translator = Translator {
        whole: text,
        rest: text,
        output: String::with_capacity(text.len()),
    };
    while let Some(character) = translator.take() {
        translator.outside(character)?;
    }
    Ok(translator.output)
}

struct Translator<'a> {
    whole: &'a str,
    rest: &'a str,
    output: String,
}

impl Translator<'_> {
    fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let first = characters.next()?;
        self.rest = characters.as_str();
        Some(first)
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A character that is not in a class.
    fn outside(&mut self, character: char) -> Result<(), String> {
        match character {
            '\\' => match self.take() {
                // The end of the text, or the line break at its end.
                Some('Z') => self.output.push_str("(?:\\n?\\z)"),
                Some('G') => return Err(self.refusal("`\\G`")),
                escaped => self.escaped(escaped),
            },
            '(' if self.take_if("?#") => {
                let (_, rest) = self.rest.split_once(')').unwrap_or_default();
                self.rest = rest;
            }
            '(' if self.rest.starts_with("?'") => self.quoted_name(),
            '{' if !is_repetition(self.rest) => self.output.push_str("\\{"),
            '[' => return self.class(),
            other => self.output.push(other),
        }
        Ok(())
    }

    fn escaped(&mut self, character: Option<char>) {
        self.output.push('\\');
        self.output.extend(character);
    }

    /// `(?'name'` is `(?<name>`.
    fn quoted_name(&mut self) {
        let named = self.rest.strip_prefix("?'");
        match named.and_then(|named| named.split_once('\'')) {
            Some((name, rest)) => {
                self.output.push_str("(?<");
                self.output.push_str(name);
                self.output.push('>');
                self.rest = rest;
            }
            None => self.output.push('('),
        }
    }

    /// Copies a class. In .NET an opening bracket, `&` and `~` are ordinary characters in it.
    fn class(&mut self) -> Result<(), String> {
        self.output.push('[');
        if self.take_if("^") {
            self.output.push('^');
        }
        // A closing bracket at the beginning is one of the characters.
        if self.take_if("]") {
            self.output.push_str("\\]");
        }
        while let Some(character) = self.take() {
            match character {
                ']' => {
                    self.output.push(']');
                    return Ok(());
                }
                '\\' => {
                    let escaped = self.take();
                    self.escaped(escaped);
                }
                '-' if self.rest.starts_with('[') => {
                    return Err(self.refusal("the subtraction of a class"));
                }
                '-' if self.rest.starts_with('-') => {
                    return Err(self.refusal("`--` in a class"));
                }
                '[' | '&' | '~' => self.escaped(Some(character)),
                other => self.output.push(other),
            }
        }
        Ok(())
    }

    fn refusal(&self, what: &str) -> String {
        format!(
            "The regular expression `{}` uses {what}, which is not available",
            self.whole
        )
    }
}

/// Whether `{2}`, `{2,}` or `{2,3}` goes on here; any other brace is an ordinary character.
fn is_repetition(rest: &str) -> bool {
    let Some((counts, _)) = rest.split_once('}') else {
        return false;
    };
    let (first, second) = counts.split_once(',').unwrap_or((counts, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !first.is_empty() && digits(first) && digits(second)
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
