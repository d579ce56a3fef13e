//! Recursive descent over the grammar of RFC 7644 section 3.4.2.2, as corrected by errata 7319 and 7322.

use serde_json::{Number, Value};

use super::{CompareOperator, Filter};
use crate::{
    ScimError, ScimType,
    cursor::Cursor,
    limits,
    path::{AttributePath, is_name},
};

/// Parses a whole text.
pub(crate) fn filter(text: &str, scim_type: ScimType) -> Result<Filter, ScimError> {
    let mut cursor = Cursor::new(text, scim_type);
    if text.chars().count() > limits::FILTER_CHARS {
        let message = format!("it is longer than {} characters", limits::FILTER_CHARS);
        return Err(cursor.error(0, &message));
    }
    let mut parser = Parser {
        cursor: &mut cursor,
        in_brackets: false,
        nodes: 0,
    };
    let filter = parser.disjunction(0)?;
    match cursor.peek() {
        None => Ok(filter),
        Some(')') => Err(cursor.error(cursor.at(), "there is no `(` for this `)`")),
        Some(found) => {
            let message = format!("`and`, `or` or the end was expected, not `{found}`");
            Err(cursor.error(cursor.at(), &message))
        }
    }
}

/// Reads `[filter]`; the cursor stands at the opening bracket.
pub(crate) fn brackets(cursor: &mut Cursor<'_>) -> Result<Filter, ScimError> {
    Parser {
        cursor,
        in_brackets: false,
        nodes: 0,
    }
    .brackets(0)
}

/// Reads `.name` after a closing bracket, if there is one.
pub(crate) fn sub_after_brackets(cursor: &mut Cursor<'_>) -> Result<Option<String>, ScimError> {
    if !cursor.eat('.') {
        return Ok(None);
    }
    let start = cursor.at();
    let name = cursor.name();
    if is_name(name) {
        Ok(Some(name.to_owned()))
    } else {
        Err(cursor.error(
            start,
            "the name of a sub-attribute was expected after the dot",
        ))
    }
}

struct Parser<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    in_brackets: bool,
    nodes: usize,
}

impl Parser<'_, '_> {
    fn disjunction(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.list(depth, "or", Filter::Or, Self::conjunction)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.list(depth, "and", Filter::And, Self::factor)
    }

    fn list(
        &mut self,
        depth: usize,
        word: &str,
        combine: fn(Vec<Filter>) -> Filter,
        operand: fn(&mut Self, usize) -> Result<Filter, ScimError>,
    ) -> Result<Filter, ScimError> {
        let first = operand(self, depth)?;
        self.cursor.skip_spaces();
        if !self.cursor.keyword(word) {
            return Ok(first);
        }
        self.count()?;
        let mut operands = vec![first, operand(self, depth)?];
        self.cursor.skip_spaces();
        while self.cursor.keyword(word) {
            operands.push(operand(self, depth)?);
            self.cursor.skip_spaces();
        }
        Ok(combine(operands))
    }

    fn factor(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.cursor.skip_spaces();
        if self.cursor.eat('(') {
            return self.group(depth);
        }
        if self.cursor.keyword("not") {
            self.cursor.skip_spaces();
            if !self.cursor.eat('(') {
                return Err(self
                    .cursor
                    .error(self.cursor.at(), "`not` must be followed by `(`"));
            }
            self.count()?;
            return self.group(depth).map(|inner| Filter::Not(Box::new(inner)));
        }
        self.expression(depth)
    }

    /// Reads up to the closing parenthesis; the opening one has been taken.
    fn group(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let depth = self.deeper(depth)?;
        let inner = self.disjunction(depth)?;
        if self.cursor.eat(')') {
            return Ok(inner);
        }
        Err(self
            .cursor
            .error(self.cursor.at(), "a closing `)` is missing"))
    }

    fn expression(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.count()?;
        let start = self.cursor.at();
        let path = AttributePath::read(self.cursor)?;
        if self.in_brackets && (path.schema.is_some() || path.sub.is_some()) {
            return Err(self
                .cursor
                .error(start, "only names of sub-attributes can stand in brackets"));
        }
        let after_name = self.cursor.at();
        self.cursor.skip_spaces();
        if self.cursor.peek() != Some('[') {
            return self.comparison(path, after_name);
        }
        if path.sub.is_some() {
            let message = "only an attribute can have brackets, not a sub-attribute";
            return Err(self.cursor.error(self.cursor.at(), message));
        }
        let inner = self.brackets(depth)?;
        let Some(sub) = sub_after_brackets(self.cursor)? else {
            return Ok(Filter::ValuePath {
                path,
                filter: Box::new(inner),
            });
        };
        // `emails[type eq "work"].value eq "x"` is not in the grammar, but has only one sensible meaning.
        self.count()?;
        let name = AttributePath {
            schema: None,
            attribute: sub,
            sub: None,
        };
        let at = self.cursor.at();
        let comparison = self.comparison(name, at)?;
        let filter = match inner {
            Filter::And(mut operands) => {
                operands.push(comparison);
                Filter::And(operands)
            }
            other => {
                self.count()?;
                Filter::And(vec![other, comparison])
            }
        };
        // An `or` before the comparison is written in parentheses, so it is one level deeper than it was read.
        self.within(depth + 1 + filter.parentheses())?;
        Ok(Filter::ValuePath {
            path,
            filter: Box::new(filter),
        })
    }

    fn brackets(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let start = self.cursor.at();
        if self.in_brackets {
            return Err(self
                .cursor
                .error(start, "brackets cannot stand inside of brackets"));
        }
        let depth = self.deeper(depth)?;
        self.cursor.eat('[');
        self.in_brackets = true;
        let inner = self.disjunction(depth)?;
        self.in_brackets = false;
        if self.cursor.eat(']') {
            return Ok(inner);
        }
        Err(self
            .cursor
            .error(self.cursor.at(), "a closing `]` is missing"))
    }

    fn comparison(&mut self, path: AttributePath, after_name: usize) -> Result<Filter, ScimError> {
        self.cursor.skip_spaces();
        let start = self.cursor.at();
        let word = self
            .cursor
            .take_while(|character| character.is_ascii_alphabetic());
        if word.is_empty() {
            let at = if self.cursor.is_at_end() {
                after_name
            } else {
                start
            };
            return Err(self
                .cursor
                .error(at, &format!("an operator is missing after `{path}`")));
        }
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) = CompareOperator::from_keyword(word) else {
            let message = format!(
                "`{word}` is not an operator; use eq, ne, co, sw, ew, gt, ge, lt, le or pr"
            );
            return Err(self.cursor.error(start, &message));
        };
        self.cursor.skip_spaces();
        let value = self.literal()?;
        Ok(Filter::Compare {
            path,
            operator,
            value,
        })
    }

    fn literal(&mut self) -> Result<Value, ScimError> {
        let start = self.cursor.at();
        if self.cursor.peek() == Some('"') {
            let quoted = self.cursor.quoted()?;
            let text: String = serde_json::from_str(quoted).map_err(|_| {
                self.cursor
                    .error(start, "the string is not a valid JSON string")
            })?;
            return if text.contains('\0') {
                Err(self
                    .cursor
                    .error(start, "the string contains a NUL character"))
            } else {
                Ok(Value::String(text))
            };
        }
        let word = self.cursor.take_while(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '-' | '+' | '.')
        });
        let value = match word.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => number(word).map(Value::Number),
        };
        value.ok_or_else(|| {
            let message =
                "a value was expected: a string in double quotes, a number, true, false or null";
            self.cursor.error(start, message)
        })
    }

    fn deeper(&self, depth: usize) -> Result<usize, ScimError> {
        self.within(depth + 1).map(|()| depth + 1)
    }

    fn within(&self, depth: usize) -> Result<(), ScimError> {
        if depth > limits::FILTER_DEPTH {
            let message = format!("it is nested deeper than {} levels", limits::FILTER_DEPTH);
            return Err(self.cursor.error(self.cursor.at(), &message));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), ScimError> {
        self.nodes += 1;
        if self.nodes > limits::FILTER_NODES {
            let message = format!("it has more than {} parts", limits::FILTER_NODES);
            return Err(self.cursor.error(self.cursor.at(), &message));
        }
        Ok(())
    }
}

/// A JSON number. Fractions are read by the standard library, which is exact to the last bit, so that a printed
/// filter parses to the same tree.
fn number(word: &str) -> Option<Number> {
    serde_json::from_str::<Number>(word).ok()?;
    if let Ok(number) = word.parse::<i64>() {
        return Some(number.into());
    }
    match word.parse::<u64>() {
        Ok(number) => Some(number.into()),
        Err(_) => Number::from_f64(word.parse().ok()?),
    }
}
