//! Scoping filters: clauses joined by AND inside a filter, filters joined by OR.

use crate::{
    config::Clause,
    expression::compile_pattern,
    operation::REDACTED,
    source::{SourcePath, SourceView},
};
use regex::Regex;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every operator with its label.
const OPERATORS: [(&str, Operator); 14] = [
    ("EQUALS", Operator::Equals),
    ("NOT EQUALS", Operator::NotEquals),
    ("Includes", Operator::Includes),
    ("ENDS_WITH", Operator::EndsWith),
    ("Greater_Than", Operator::GreaterThan),
    ("Greater_Than_OR_EQUALS", Operator::GreaterThanOrEquals),
    ("IS TRUE", Operator::IsTrue),
    ("IS FALSE", Operator::IsFalse),
    ("IS NULL", Operator::IsNull),
    ("IS NOT NULL", Operator::IsNotNull),
    ("REGEX MATCH", Operator::RegexMatch),
    ("NOT REGEX MATCH", Operator::NotRegexMatch),
    ("&", Operator::Within),
    ("!&", Operator::NotWithin),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    Includes,
    EndsWith,
    GreaterThan,
    GreaterThanOrEquals,
    IsTrue,
    IsFalse,
    IsNull,
    IsNotNull,
    RegexMatch,
    NotRegexMatch,
    /// The attribute's value occurs inside the configured text.
    Within,
    NotWithin,
}

impl Operator {
    fn is_unary(self) -> bool {
        matches!(
            self,
            Self::IsTrue | Self::IsFalse | Self::IsNull | Self::IsNotNull
        )
    }
}

/// Labels of the operators, in the order to offer them.
#[must_use]
pub fn operators() -> Vec<&'static str> {
    OPERATORS.iter().map(|(label, _)| *label).collect()
}

/// Whether an operator takes no value.
#[must_use]
pub fn is_unary(label: &str) -> bool {
    find(label).is_some_and(Operator::is_unary)
}

fn find(label: &str) -> Option<Operator> {
    let plain = |text: &str| text.replace([' ', '_'], "").to_ascii_lowercase();
    let wanted = plain(label);
    OPERATORS
        .iter()
        .find(|(known, _)| plain(known) == wanted)
        .map(|(_, operator)| *operator)
}

/// A clause ready to be evaluated.
#[derive(Debug)]
pub(crate) struct CompiledClause {
    clause: Clause,
    path: SourcePath,
    operator: Operator,
    pattern: Option<Regex>,
    number: i64,
}

/// A filter ready to be evaluated.
#[derive(Debug)]
pub(crate) struct CompiledFilter {
    pub(crate) title: String,
    pub(crate) clauses: Vec<CompiledClause>,
}

/// Checks one clause; the message says what to change.
pub(crate) fn compile_clause(clause: &Clause, path: SourcePath) -> Result<CompiledClause, String> {
    let operator = find(&clause.operator).ok_or_else(|| {
        format!(
            "There is no operator `{}`; use one of {}",
            clause.operator,
            operators().join(", ")
        )
    })?;
    if path == SourcePath::SoftDeleted {
        return Err("IsSoftDeleted is computed from the scope, so a scoping filter cannot use it; use `active`".to_owned());
    }
    let value = clause.value.as_deref().unwrap_or_default();
    if !operator.is_unary() && value.is_empty() {
        return Err(format!("The operator {} needs a value", clause.operator));
    }
    let pattern = match operator {
        Operator::RegexMatch | Operator::NotRegexMatch => Some(compile_pattern(value)?),
        _ => None,
    };
    let number = match operator {
        Operator::GreaterThan | Operator::GreaterThanOrEquals => {
            value.trim().parse().map_err(|_| {
                format!(
                    "The operator {} compares whole numbers, and \"{value}\" is none",
                    clause.operator
                )
            })?
        }
        _ => 0,
    };
    Ok(CompiledClause {
        clause: clause.clone(),
        path,
        operator,
        pattern,
        number,
    })
}

/// What one clause said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClauseResult {
    /// Source attribute.
    pub attribute: String,
    /// Operator as configured.
    pub operator: String,
    /// Configured value.
    pub value: Option<String>,
    /// The object's value.
    pub actual: Option<Value>,
    /// Whether the clause holds.
    pub passed: bool,
}

/// What one filter said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilterResult {
    /// The filter's title.
    pub title: String,
    /// Whether all clauses hold.
    pub passed: bool,
    /// Each clause.
    pub clauses: Vec<ClauseResult>,
}

/// What all filters said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScopeResult {
    /// Whether any filter passed, or there is none.
    pub passed: bool,
    /// Each filter.
    pub filters: Vec<FilterResult>,
}

impl ScopeResult {
    /// Without the values of attributes (in lower case) that must not be shown.
    pub(crate) fn redacted(mut self, hidden: &BTreeSet<String>) -> Self {
        let clauses = self
            .filters
            .iter_mut()
            .flat_map(|filter| &mut filter.clauses);
        for clause in clauses {
            if hidden.contains(&clause.attribute.trim().to_ascii_lowercase()) {
                clause.actual = clause.actual.take().map(|_| Value::from(REDACTED));
            }
        }
        self
    }
}

pub(crate) fn evaluate(filters: &[CompiledFilter], view: &SourceView<'_>) -> ScopeResult {
    let filters: Vec<FilterResult> = filters
        .iter()
        .map(|filter| evaluate_filter(filter, view))
        .collect();
    ScopeResult {
        passed: filters.is_empty() || filters.iter().any(|filter| filter.passed),
        filters,
    }
}

fn evaluate_filter(filter: &CompiledFilter, view: &SourceView<'_>) -> FilterResult {
    let clauses: Vec<ClauseResult> = filter
        .clauses
        .iter()
        .map(|compiled| {
            let actual = view
                .read_named(&compiled.clause.attribute, &compiled.path)
                .filter(|value| value != &Value::from(""));
            ClauseResult {
                attribute: compiled.clause.attribute.clone(),
                operator: compiled.clause.operator.clone(),
                value: compiled.clause.value.clone(),
                passed: holds(compiled, actual.as_ref()),
                actual,
            }
        })
        .collect();
    FilterResult {
        title: filter.title.clone(),
        passed: clauses.iter().all(|clause| clause.passed),
        clauses,
    }
}

/// A missing attribute fails every clause but IS NULL. Of several values one has to fit, and for a negated operator none.
fn holds(compiled: &CompiledClause, actual: Option<&Value>) -> bool {
    let Some(actual) = actual else {
        return compiled.operator == Operator::IsNull;
    };
    let texts = texts(actual);
    let wanted = compiled.clause.value.as_deref().unwrap_or_default();
    let any = |fits: &dyn Fn(&str) -> bool| texts.iter().any(|text| fits(text));
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let matches = |text: &str| {
        compiled
            .pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(text))
    };
    match compiled.operator {
        Operator::Equals => any(&|text| text == wanted) || equals_boolean(actual, wanted),
        Operator::NotEquals => !(any(&|text| text == wanted) || equals_boolean(actual, wanted)),
        Operator::Includes => any(&|text| text.contains(wanted)),
        Operator::EndsWith => any(&|text| text.ends_with(wanted)),
        Operator::GreaterThan => {
            any(&|text| number(text).is_some_and(|number| number > compiled.number))
        }
        Operator::GreaterThanOrEquals => {
            any(&|text| number(text).is_some_and(|number| number >= compiled.number))
        }
        Operator::IsTrue => any(&|text| text.eq_ignore_ascii_case("true")),
        Operator::IsFalse => any(&|text| text.eq_ignore_ascii_case("false")),
        Operator::IsNull => false,
        Operator::IsNotNull => true,
        Operator::RegexMatch => any(&matches),
        Operator::NotRegexMatch => !any(&matches),
        Operator::Within => any(&|text| wanted.contains(text)),
        Operator::NotWithin => !any(&|text| wanted.contains(text)),
    }
}

/// `active EQUALS true` in any spelling of case.
fn equals_boolean(actual: &Value, wanted: &str) -> bool {
    actual
        .as_bool()
        .is_some_and(|actual| wanted.eq_ignore_ascii_case(if actual { "true" } else { "false" }))
}

/// The values as text; of complex values the `value`.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(true) => vec!["True".to_owned()],
        Value::Bool(false) => vec!["False".to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(map) => map
            .get("value")
            .filter(|inner| !inner.is_object() && !inner.is_array())
            .map(texts)
            .unwrap_or_default(),
        Value::Null => Vec::new(),
    }
}
