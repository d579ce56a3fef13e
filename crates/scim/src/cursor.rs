//! Reading of filter and path texts with exact positions in errors.

use crate::{ScimError, ScimType};

/// A position in a text, and which keyword its errors carry.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    scim_type: ScimType,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, scim_type: ScimType) -> Self {
        Self {
            text,
            at: 0,
            scim_type,
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The error for a byte position; people count characters from 1.
    pub(crate) fn error(&self, at: usize, message: &str) -> ScimError {
        let position = self
            .text
            .get(..at)
            .map_or(0, |before| before.chars().count())
            + 1;
        let what = if self.scim_type == ScimType::InvalidPath {
            "path"
        } else {
            "filter"
        };
        ScimError::bad_request(
            self.scim_type,
            format!("The {what} cannot be read at character {position}: {message}"),
        )
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(crate) fn eat(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    /// Takes characters while they satisfy the condition; may be empty.
    pub(crate) fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|character| !accept(character))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Takes a word of letters if it is this keyword, in any case.
    pub(crate) fn keyword(&mut self, word: &str) -> bool {
        let start = self.at;
        // The whole name, so that `not-before` is not read as `not`.
        let found = self.take_while(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '$' | '-' | '_' | '.' | ':')
        });
        if found.eq_ignore_ascii_case(word) {
            return true;
        }
        self.at = start;
        false
    }

    /// Takes a possibly qualified attribute name; may be empty.
    pub(crate) fn name(&mut self) -> &'a str {
        let qualified = self
            .rest()
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        self.take_while(|character| {
            character.is_ascii_alphanumeric()
                || matches!(character, '$' | '-' | '_' | '.' | ':')
                || (qualified && matches!(character, '+' | '/' | '%' | '~' | '@'))
        })
    }

    /// Takes a JSON string with its quotes; the opening quote has been seen.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, ScimError> {
        let mut escaped = false;
        for (index, character) in self.rest().char_indices().skip(1) {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let text = self.rest().get(..=index).unwrap_or_default();
                    self.at += index + 1;
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err(self.error(self.at, "the string has no closing quote"))
    }
}
