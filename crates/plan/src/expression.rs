//! The expression language (provisioning-engine note 5).
use serde_json::Value;

/// Why an expression could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{message} (at position {position})")]
pub struct ExpressionError { pub message: String, /// Character offset from 0.
    pub position: usize }

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression { /// The text it was parsed from.
    pub text: String }

/// What an expression may look at.
pub trait Attributes { /// Value of a source attribute, `None` when absent.
    fn get(&self, name: &str) -> Option<Value>; }

impl Expression {
    /// Parses a call, a bare `[attribute]` or a constant.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> { let _ = text; todo!() }
    /// Evaluates. `Value::Null` means no value. `now_us` is the cycle's time.
    pub fn evaluate(&self, attributes: &dyn Attributes, now_us: i64) -> Result<Value, ExpressionError> { let _ = (attributes, now_us); todo!() }
    /// Source attributes it mentions, in order, without duplicates.
    #[must_use]
    pub fn attributes(&self) -> Vec<String> { todo!() }
}
