//! Characters to tokens.

use super::ExpressionError;
use std::ops::Range;

/// Comparison operators in the condition of `IIF` and `CBool`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Attribute(String),
    Text(String),
    Number(i64),
    Open,
    Close,
    Comma,
    Compare(Comparison),
    End,
}

/// A token and the offset of its first character.
pub(super) type Placed = (Token, usize);

pub(super) fn tokenize(text: &str) -> Result<Vec<Placed>, ExpressionError> {
    let characters: Vec<char> = text.chars().collect();
    let mut scanner = Scanner {
        characters: &characters,
        at: 0,
    };
    let mut tokens = Vec::new();
    loop {
        let placed = scanner.next()?;
        let end = placed.0 == Token::End;
        tokens.push(placed);
        if end {
            return Ok(tokens);
        }
    }
}

/// Each attribute of a text: from its first to behind its last character, and its name.
pub(super) fn attributes(text: &str) -> Result<Vec<(Range<usize>, String)>, ExpressionError> {
    let characters: Vec<char> = text.chars().collect();
    let mut scanner = Scanner {
        characters: &characters,
        at: 0,
    };
    let mut found = Vec::new();
    loop {
        match scanner.next()? {
            (Token::End, _) => return Ok(found),
            (Token::Attribute(name), start) => found.push((start..scanner.at, name)),
            _ => {}
        }
    }
}

struct Scanner<'a> {
    characters: &'a [char],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let hit = self.peek() == Some(wanted);
        if hit {
            self.at += 1;
        }
        hit
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(character) = self.peek().filter(|&character| accept(character)) {
            taken.push(character);
            self.at += 1;
        }
        taken
    }

    fn next(&mut self) -> Result<Placed, ExpressionError> {
        self.take_while(char::is_whitespace);
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok((Token::End, start));
        };
        self.at += 1;
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '"' => self.text(start)?,
            '[' => self.attribute(start)?,
            '=' => Token::Compare(Comparison::Equal),
            '<' | '>' => Token::Compare(self.inequality(first)),
            '&' => self.hexadecimal(start)?,
            '-' | '0'..='9' => self.number(first, start)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                self.at = start;
                Token::Name(
                    self.take_while(|character| {
                        character.is_ascii_alphanumeric() || character == '_'
                    }),
                )
            }
            other => {
                return Err(ExpressionError::new(
                    start,
                    format!(
                        "`{other}` is not expected here; put text in double quotes and attributes in [brackets]"
                    ),
                ));
            }
        };
        Ok((token, start))
    }

    fn inequality(&mut self, first: char) -> Comparison {
        match (first, self.peek()) {
            ('<', Some('>')) => {
                self.at += 1;
                Comparison::NotEqual
            }
            ('<', Some('=')) => {
                self.at += 1;
                Comparison::LessOrEqual
            }
            ('<', _) => Comparison::Less,
            (_, Some('=')) => {
                self.at += 1;
                Comparison::GreaterOrEqual
            }
            _ => Comparison::Greater,
        }
    }

    fn text(&mut self, start: usize) -> Result<Token, ExpressionError> {
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '"' => return Ok(Token::Text(text)),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        self.at += 1;
                        text.push(escaped);
                    }
                    _ => {
                        return Err(ExpressionError::new(
                            self.at - 1,
                            "A backslash in text must be followed by `\"` or `\\`; write `\\\\` for one backslash",
                        ));
                    }
                },
                other => text.push(other),
            }
        }
        Err(ExpressionError::new(
            start,
            "The text that begins here has no closing double quote",
        ))
    }

    /// Brackets nest and may hold quoted text, because a SCIM path has both: `[emails[type eq "work"].value]`.
    fn attribute(&mut self, start: usize) -> Result<Token, ExpressionError> {
        let mut name = String::new();
        let mut open = 1_usize;
        let mut quoted = false;
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '"' => quoted = !quoted,
                '[' if !quoted => open += 1,
                ']' if !quoted => open -= 1,
                _ => {}
            }
            if open == 0 {
                let name = name.trim();
                if name.is_empty() {
                    return Err(ExpressionError::new(
                        start,
                        "The brackets are empty; write an attribute name in them",
                    ));
                }
                return Ok(Token::Attribute(name.to_owned()));
            }
            name.push(character);
        }
        Err(ExpressionError::new(
            start,
            "The attribute that begins here has no closing bracket",
        ))
    }

    fn hexadecimal(&mut self, start: usize) -> Result<Token, ExpressionError> {
        if !(self.take_if('H') || self.take_if('h')) {
            return Err(ExpressionError::new(
                start,
                "`&` only begins a hexadecimal number such as `&HFF`; use Append or Join to put texts together",
            ));
        }
        let digits = self.take_while(|character| character.is_ascii_hexdigit());
        i64::from_str_radix(&digits, 16)
            .map(Token::Number)
            .map_err(|_| {
                ExpressionError::new(
                    start,
                    "This is not a hexadecimal number between &H0 and &H7FFFFFFFFFFFFFFF",
                )
            })
    }

    fn number(&mut self, first: char, start: usize) -> Result<Token, ExpressionError> {
        let digits = format!(
            "{first}{}",
            self.take_while(|character| character.is_ascii_digit())
        );
        digits.parse().map(Token::Number).map_err(|_| {
            ExpressionError::new(
                start,
                format!("`{digits}` is not a whole number of at most 64 bits"),
            )
        })
    }
}
