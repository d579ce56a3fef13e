//! Filters: text to tree, and tree against document (RFC 7644 section 3.4.2.2).
//!
//! The logic has two values: an attribute without a value matches `ne`, `eq null` tests for it, and `not` is
//! plain negation. On a multi-valued attribute a comparison holds if it holds for any value.
//!
//! ```
//! use serde_json::json;
//! use tenure_scim::{filter::Filter, schema::SchemaSet};
//!
//! let filter = Filter::parse(r#"emails[type eq "work"].value sw "mira" and not(active eq false)"#).unwrap();
//! let document = json!({"emails": [{"type": "work", "value": "Mira@mills.example"}], "active": true});
//! filter.check(SchemaSet::user()).unwrap();
//! assert!(filter.matches(SchemaSet::user(), document.as_object().unwrap()));
//! ```

mod address;
mod check;
mod evaluate;
mod narrow;
pub(crate) mod parse;
pub(crate) use check::inside as check_inside;
pub(crate) use evaluate::{elements, leaf_values, matches_element};
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::{
    Deviation, Deviations, Document, ScimError, ScimType, path::AttributePath, schema::ResourceType,
};

/// Attribute operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOperator {
    /// Identical.
    Eq,
    /// Not identical, or without a value.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl CompareOperator {
    const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The keyword as filters write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(word))
    }
}

/// A parsed filter. `Display` gives the canonical text, which parses to the same tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of two or more.
    And(Vec<Filter>),
    /// Any of two or more.
    Or(Vec<Filter>),
    /// The contrary.
    Not(Box<Filter>),
    /// A comparison with a JSON string, number, boolean or null.
    Compare {
        /// What is compared.
        path: AttributePath,
        /// How.
        operator: CompareOperator,
        /// With what.
        value: Value,
    },
    /// `pr`: there is a non-empty value.
    Present(AttributePath),
    /// `attr[filter]`; names inside are sub-attributes.
    ValuePath {
        /// The complex attribute.
        path: AttributePath,
        /// What one and the same value must satisfy.
        filter: Box<Filter>,
    },
}

/// A filter as one of several resource types sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Narrowed {
    /// Every resource of the type matches.
    Everything,
    /// None does.
    Nothing,
    /// Those that match this, which [`Filter::check`] accepts for the type.
    Matching(Filter),
}

impl Filter {
    /// Parses a filter. Limits: see [`crate::limits`].
    ///
    /// # Errors
    ///
    /// `invalidFilter` with the position.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        parse::filter(text, ScimType::InvalidFilter)
    }

    /// Refuses unknown attributes, wrong literal types and impossible operators.
    ///
    /// # Errors
    ///
    /// `invalidFilter` that names the attribute.
    pub fn check(&self, resource_type: &ResourceType) -> Result<(), ScimError> {
        check::filter(self, resource_type)
    }

    /// What is tolerated in the filter for a resource type.
    #[must_use]
    pub fn deviations(&self, resource_type: &ResourceType) -> Deviations {
        match self {
            Self::And(operands) | Self::Or(operands) => {
                let mut all = Deviations::default();
                for operand in operands {
                    all.extend(operand.deviations(resource_type));
                }
                all
            }
            Self::Not(inner) => inner.deviations(resource_type),
            Self::Compare { path, .. } | Self::Present(path) | Self::ValuePath { path, .. } => {
                let mut found = Deviations::default();
                let is_alias = path.resolve_exact(resource_type).is_none()
                    && path.resolve(resource_type).is_some();
                found.insert_if(is_alias, Deviation::EmailAlias);
                found
            }
        }
    }

    /// [`Filter::check`] over several resource types: an attribute that none of them defines has no value, and is
    /// fine; what is wrong for every type that defines it is refused.
    ///
    /// # Errors
    ///
    /// `invalidFilter` that names the attribute.
    pub fn check_any(&self, types: &[&ResourceType]) -> Result<(), ScimError> {
        narrow::check_any(self, types)
    }

    /// What the filter means for one of several types, with what the type decides by itself worked out: attributes
    /// that it does not define, comparisons that it cannot make, `meta.resourceType`.
    ///
    /// ```
    /// use tenure_scim::{filter::{Filter, Narrowed}, schema::SchemaSet};
    /// let filter = Filter::parse(r#"meta.resourceType eq "User" and userName sw "m" or members pr"#).unwrap();
    /// let of_users = Filter::parse(r#"userName sw "m""#).unwrap();
    /// assert_eq!(filter.narrow(SchemaSet::user()), Narrowed::Matching(of_users));
    /// ```
    #[must_use]
    pub fn narrow(&self, resource_type: &ResourceType) -> Narrowed {
        narrow::narrow(self, resource_type)
    }

    /// Turns comparisons by `eq` and `ne` with the address of a resource (`meta.location`, `members.$ref`,
    /// `groups.$ref`) into comparisons with its id. `base_url` is the SCIM root without a slash at its end.
    ///
    /// ```
    /// use tenure_scim::filter::Filter;
    /// let filter = Filter::parse(r#"meta.location eq "https://id.mills.example/scim/Users/7b1c""#).unwrap();
    /// assert_eq!(filter.by_id("https://id.mills.example/scim").to_string(), r#"id eq "7b1c""#);
    /// ```
    #[must_use]
    pub fn by_id(self, base_url: &str) -> Self {
        address::by_id(self, base_url)
    }

    /// Whether a full document (with `id`, `meta`, `members` if the filter needs them) matches. Call `check` first:
    /// what `check` refuses matches nothing here.
    #[must_use]
    pub fn matches(&self, resource_type: &ResourceType, document: &Document) -> bool {
        evaluate::matches(self, resource_type, document)
    }

    /// Comparisons, and the bytes of their literals.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Self::And(operands) | Self::Or(operands) => {
                let sizes = operands.iter().map(Self::size);
                sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
            }
            Self::Not(inner) | Self::ValuePath { filter: inner, .. } => inner.size(),
            Self::Compare { value, .. } => (1, value.as_str().map_or(0, str::len)),
            Self::Present(_) => (1, 0),
        }
    }

    /// How deep parentheses and brackets are nested in the canonical text.
    fn parentheses(&self) -> usize {
        let deepest = |operands: &[Self], in_and| {
            let depths = operands
                .iter()
                .map(|operand| usize::from(operand.is_enclosed(in_and)) + operand.parentheses());
            depths.max().unwrap_or(0)
        };
        match self {
            Self::And(operands) => deepest(operands, true),
            Self::Or(operands) => deepest(operands, false),
            Self::Not(inner) | Self::ValuePath { filter: inner, .. } => 1 + inner.parentheses(),
            Self::Compare { .. } | Self::Present(_) => 0,
        }
    }

    /// Whether an operand is written in parentheses: a bare one would read as part of the operator around it.
    fn is_enclosed(&self, in_and: bool) -> bool {
        match self {
            Self::Or(_) => true,
            Self::And(_) => in_and,
            _ => false,
        }
    }

    fn list(formatter: &mut fmt::Formatter<'_>, operands: &[Self], word: &str) -> fmt::Result {
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                write!(formatter, " {word} ")?;
            }
            if operand.is_enclosed(word == "and") {
                write!(formatter, "({operand})")?;
            } else {
                write!(formatter, "{operand}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(operands) => Self::list(formatter, operands, "and"),
            Self::Or(operands) => Self::list(formatter, operands, "or"),
            Self::Not(inner) => write!(formatter, "not ({inner})"),
            Self::Compare {
                path,
                operator,
                value,
            } => {
                write!(formatter, "{path} {} {value}", operator.as_str())
            }
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::ValuePath { path, filter } => write!(formatter, "{path}[{filter}]"),
        }
    }
}
