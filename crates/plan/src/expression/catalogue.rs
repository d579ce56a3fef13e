//! Which functions exist.

use super::{
    ExpressionError, case, condition, date, encode,
    evaluate::{Arguments, Evaluator},
    generate, multi, replace, roles, text,
};
use serde_json::Value;

/// A function as help for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FunctionInfo {
    /// Its name; case matters.
    pub name: &'static str,
    /// How it is written; parameters with `?` may be left blank.
    pub signature: &'static str,
    /// What it gives, in one line.
    pub description: &'static str,
}

type Implementation = fn(&mut Evaluator<'_>, Arguments<'_>) -> Result<Value, ExpressionError>;

/// A function as the evaluator needs it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) signature: &'static str,
    description: &'static str,
    pub(super) minimum: usize,
    pub(super) maximum: usize,
    /// Slots below `minimum` that may still be blank.
    pub(super) optional: &'static [usize],
    pub(super) implementation: Implementation,
}

/// The maximum of a function that takes any number of parameters.
pub(super) const MANY: usize = usize::MAX;

/// Signature, description, fewest and most parameters, which of the needed ones may be blank, implementation.
pub(super) const fn function(
    signature: &'static str,
    description: &'static str,
    (minimum, maximum): (usize, usize),
    optional: &'static [usize],
    implementation: Implementation,
) -> Function {
    Function {
        signature,
        description,
        minimum,
        maximum,
        optional,
        implementation,
    }
}

impl Function {
    /// What stands before the parenthesis of the signature.
    pub(super) fn name(&self) -> &'static str {
        self.signature.split('(').next().unwrap_or_default()
    }
}

fn all() -> impl Iterator<Item = &'static Function> {
    text::FUNCTIONS
        .iter()
        .chain(&case::FUNCTIONS)
        .chain(&encode::FUNCTIONS)
        .chain(&replace::FUNCTIONS)
        .chain(&condition::FUNCTIONS)
        .chain(&multi::FUNCTIONS)
        .chain(&date::FUNCTIONS)
        .chain(&generate::FUNCTIONS)
        .chain(&roles::FUNCTIONS)
}

/// All functions, by name.
#[must_use]
pub fn functions() -> Vec<FunctionInfo> {
    let mut known: Vec<FunctionInfo> = all()
        .map(|function| FunctionInfo {
            name: function.name(),
            signature: function.signature,
            description: function.description,
        })
        .collect();
    known.sort_by_key(|info| info.name.to_ascii_lowercase());
    known
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name() == name)
}

/// The message for an unknown function.
pub(super) fn suggestion(name: &str) -> String {
    let nearest = all()
        .map(Function::name)
        .map(|known| (distance(&known.to_lowercase(), &name.to_lowercase()), known))
        .min();
    match nearest {
        Some((distance, known)) if distance <= 3 => {
            format!("There is no function {name}; did you mean {known}?")
        }
        _ => format!("There is no function {name}"),
    }
}

/// Edit distance (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in left.chars().take(64).enumerate() {
        let mut diagonal = line;
        let mut previous = line + 1;
        let mut next = vec![previous];
        for (&right, &above) in right.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(left != right);
            previous = cost.min(above + 1).min(previous + 1);
            next.push(previous);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
