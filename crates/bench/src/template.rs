//! Requests with placeholders: `{n}` a running number, `{random}` a number, `{id}` a line of a file.

/// What a placeholder stands for in one request.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// `{n}`.
    pub number: u64,
    /// `{random}`.
    pub random: u64,
    /// `{id}`.
    pub id: &'a str,
}

/// A text in pieces.
#[derive(Debug, Clone)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Number,
    Random,
    Id,
}

impl Template {
    /// Cuts a text at its placeholders. Other braces, as in JSON, stay what they are.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = [
                ("{n}", Piece::Number),
                ("{random}", Piece::Random),
                ("{id}", Piece::Id),
            ]
            .into_iter()
            .find_map(|(name, piece)| Some((piece, rest.strip_prefix(name)?)));
            if let Some((piece, behind)) = found {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(piece);
                rest = behind;
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        pieces.push(Piece::Text(plain));
        Self(pieces)
    }

    /// Whether lines of a file are needed.
    #[must_use]
    pub fn wants_ids(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Id))
    }

    /// Appends the filled text.
    pub fn fill(&self, values: Values<'_>, out: &mut String) {
        use std::fmt::Write as _;
        for piece in &self.0 {
            // Writing to a string cannot fail.
            let _ = match piece {
                Piece::Text(text) => out.write_str(text),
                Piece::Number => write!(out, "{}", values.number),
                Piece::Random => write!(out, "{}", values.random),
                Piece::Id => out.write_str(values.id),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_kept() {
        let template = Template::parse(r#"{"a":"{n}-{id}","b":{"c":{random}}}é{"#);
        assert!(template.wants_ids());
        let values = Values {
            number: 7,
            random: 9,
            id: "x",
        };
        let mut text = String::from(">");
        template.fill(values, &mut text);
        assert_eq!(text, r#">{"a":"7-x","b":{"c":9}}é{"#);
        assert!(!Template::parse("/Users/{n}").wants_ids());
    }
}
