//! The expression language of attribute mappings: calls such as `Join(" ", [givenName], [surname])`.
//!
//! An expression is parsed once, when a configuration is compiled, and evaluated for every object. Parsing
//! and evaluation are bounded (see [`limits`]), so that an administrator's expression cannot stall a cycle.

mod case;
mod catalogue;
mod condition;
mod date;
mod date_format;
mod encode;
mod evaluate;
mod generate;
mod multi;
mod outline;
mod parse;
mod pattern;
mod replace;
mod roles;
mod text;
mod token;

use serde_json::Value;

pub use catalogue::{FunctionInfo, functions};
use evaluate::Evaluator;
pub(crate) use outline::{Part, PartKind, parameter_names, quoted};
use parse::Node;
pub(crate) use pattern::compile_pattern;

/// Bounds of the language.
pub mod limits {
    /// Longest expression, in characters.
    pub const EXPRESSION_CHARACTERS: usize = 10_000;
    /// Deepest nesting of calls.
    pub const DEPTH: usize = 32;
    /// Most steps of one evaluation: a node visited is one, and so is each value of a list that a node gives.
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
    /// `SelectUniqueValue`: the first of these that nobody has at the target; none of them is empty.
    Candidates(Vec<String>),
}

/// What an evaluation depends on besides the object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting<'a> {
    /// The cycle's time in microseconds since 1970, for `Now`.
    pub now_us: i64,
    /// Where `Guid` and `RandomString` take their values from: the same seed gives the same value. Who knows the
    /// seed knows the value.
    pub seed: &'a str,
    /// What `DefaultDomain` gives.
    pub default_domain: Option<&'a str>,
}

/// What an expression may look at.
pub trait Attributes {
    /// Value of a source attribute, `None` when absent. Multi-valued attributes are arrays.
    fn get(&self, name: &str) -> Option<Value>;

    /// The value with all sub-attributes, for the role functions. As [`get`](Self::get), unless that leaves some out.
    fn get_whole(&self, name: &str) -> Option<Value> {
        self.get(name)
    }
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

    /// Evaluates; [`Value::Null`] means that there is no value.
    ///
    /// # Errors
    /// A value of the wrong kind (a list where one text is needed, a word where a number is needed), or a limit
    /// exceeded; with the place of the call or of the parameter.
    pub fn evaluate(
        &self,
        attributes: &dyn Attributes,
        setting: &Setting<'_>,
    ) -> Result<Flow, ExpressionError> {
        let mut evaluator = Evaluator::new(attributes, setting);
        let value = evaluator.evaluate(&self.root)?;
        Ok(match value {
            Value::Null if evaluator.ignored => Flow::Ignore,
            Value::Array(candidates) if self.selects_unique() => Flow::Candidates(
                candidates
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            ),
            value => Flow::Value(value),
        })
    }

    /// Whether the target decides which value it is (`SelectUniqueValue`).
    #[must_use]
    pub fn selects_unique(&self) -> bool {
        self.is_call_of(parse::UNIQUE)
    }

    /// Whether values are only ever added at the target (`AppRoleAssignmentsComplex`).
    pub(crate) fn only_adds(&self) -> bool {
        self.is_call_of("AppRoleAssignmentsComplex")
    }

    fn is_call_of(&self, name: &str) -> bool {
        matches!(&self.root, Node::Call { function, .. } if function.name() == name)
    }

    /// Whether a function of this name is called anywhere.
    pub(crate) fn calls(&self, name: &str) -> bool {
        let mut calls = false;
        self.root.visit(&mut |node| {
            calls |= matches!(node, Node::Call { function, .. } if function.name() == name);
        });
        calls
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
        self.calls("Redact")
    }
}
