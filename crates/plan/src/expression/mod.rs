//! The expression language of attribute mappings: calls such as `Join(" ", [givenName], [surname])`.
//!
//! An expression is parsed once, when a configuration is compiled, and evaluated for every object. Parsing
//! and evaluation are bounded (see [`limits`]), so that an administrator's expression cannot stall a cycle.

mod catalogue;
mod condition;
mod date;
mod date_format;
mod evaluate;
mod multi;
mod parse;
mod pattern;
mod replace;
mod text;
mod token;

use serde_json::Value;

pub use catalogue::{FunctionInfo, functions};
use evaluate::Evaluator;
use parse::Node;
pub(crate) use pattern::compile_pattern;

/// Bounds of the language.
pub mod limits {
    /// Longest expression, in characters.
    pub const EXPRESSION_CHARACTERS: usize = 10_000;
    /// Deepest nesting of calls.
    pub const DEPTH: usize = 32;
    /// Most nodes visited in one evaluation.
    pub const STEPS: usize = 10_000;
    /// Largest intermediate or final value, in bytes of text.
    pub const OUTPUT_BYTES: usize = 64 * 1024;
    /// Longest value that a regular expression is applied to, in bytes.
    pub const PATTERN_INPUT_BYTES: usize = 16 * 1024;
    /// Largest compiled regular expression, in bytes.
    pub const PATTERN_BYTES: usize = 1024 * 1024;
}

/// Why an expression could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{message} (at position {position})")]
pub struct ExpressionError {
    /// What is wrong and what to do, for people.
    pub message: String,
    /// Character offset from 0.
    pub position: usize,
}

impl ExpressionError {
    pub(crate) fn new(position: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position,
        }
    }
}

/// What an evaluation gives to the mapping.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// The value; [`Value::Null`] means that there is none.
    Value(Value),
    /// `IgnoreFlowIfNullOrEmpty` asked not to write the attribute at all, not even its default.
    Ignore,
}

/// What an expression may look at.
pub trait Attributes {
    /// Value of a source attribute, `None` when absent. Multi-valued attributes are arrays.
    fn get(&self, name: &str) -> Option<Value>;
}

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The text it was parsed from.
    pub text: String,
    root: Node,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Expression {
    /// Parses a call, a bare `[attribute]` or a constant.
    ///
    /// # Errors
    /// Text outside of the grammar, an unknown function, a wrong number of parameters, an unusable constant
    /// regular expression, or a limit exceeded; always with the place.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let root = parse::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            root,
        })
    }

    /// Evaluates. [`Value::Null`] means no value. `now_us` is the cycle's time in microseconds since 1970.
    ///
    /// # Errors
    /// A value of the wrong kind (a list where one text is needed, a word where a number is needed), or a limit exceeded.
    pub fn evaluate(
        &self,
        attributes: &dyn Attributes,
        now_us: i64,
    ) -> Result<Value, ExpressionError> {
        match self.evaluate_flow(attributes, now_us)? {
            Flow::Value(value) => Ok(value),
            Flow::Ignore => Ok(Value::Null),
        }
    }

    /// As [`evaluate`](Self::evaluate), but tells "no value" from "do not write the attribute".
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_flow(
        &self,
        attributes: &dyn Attributes,
        now_us: i64,
    ) -> Result<Flow, ExpressionError> {
        let mut evaluator = Evaluator::new(attributes, now_us);
        let value = evaluator.evaluate(&self.root)?;
        if value.is_null() && evaluator.ignored {
            return Ok(Flow::Ignore);
        }
        Ok(Flow::Value(value))
    }

    /// Source attributes it mentions, in order, without duplicates (compared without case).
    #[must_use]
    pub fn attributes(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.root.visit(&mut |node| {
            if let Node::Attribute { name, .. } = node
                && !names.iter().any(|known| known.eq_ignore_ascii_case(name))
            {
                names.push(name.clone());
            }
        });
        names
    }

    /// Whether the value must not appear in logs (`Redact`).
    #[must_use]
    pub fn redacted(&self) -> bool {
        let mut redacted = false;
        self.root.visit(&mut |node| {
            if let Node::Call { function, .. } = node {
                redacted |= function.info.name == "Redact";
            }
        });
        redacted
    }
}
