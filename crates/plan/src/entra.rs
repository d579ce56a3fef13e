//! The synchronization schema of Microsoft Entra ID: the JSON that its portal exports and Microsoft Graph calls
//! `synchronizationSchema`.
//!
//! A schema says which attributes flow where, under which conditions, and what may be done at the target. [`import`]
//! puts that into a configuration, [`export`] writes it for Entra. What else a configuration has (who is assigned, the
//! interval, limits, the dialect) is no part of a schema and stays as it was.
//!
//! Nothing is lost silently: whatever has no counterpart is a [`Warning`] with its place. What decides who is
//! provisioned is never left out; if it cannot be read, there is no import.

mod export;
mod import;
mod names;
mod source;

use crate::{ApplicationConfig, Problem};
use serde::Serialize;
use serde_json::Value;

/// Bounds of a schema.
pub mod limits {
    /// Largest text of a schema, in bytes.
    pub const TEXT_BYTES: usize = 2 * 1024 * 1024;
    /// Most warnings that are listed; one more says how many there are beyond.
    pub const WARNINGS: usize = 500;
}

/// Something that the other side has no counterpart for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where: `synchronizationRules[0].objectMappings[1].attributeMappings[3].source` of a schema, or
    /// `users.mappings[3].source` of a configuration.
    pub place: String,
    /// What is different now, and what can be done about it.
    pub message: String,
}

/// What a schema became.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The configuration. It need not compile: what is missing in it may stand elsewhere.
    pub config: ApplicationConfig,
    /// What could not be carried over.
    pub warnings: Vec<Warning>,
}

/// What a configuration became.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The schema. It has no ids: those belong to the Entra tenant.
    pub schema: Value,
    /// What Entra ID has no counterpart for.
    pub warnings: Vec<Warning>,
}

/// Reads the text of a schema into a configuration; what a schema says nothing about is taken from `base`.
///
/// Also takes a job or template that has the schema as its `schema`.
///
/// # Errors
/// Text that is too long or no schema, and whatever must not be guessed: filters and switches that cannot be read, a
/// schema without users.
pub fn import(text: &str, base: &ApplicationConfig) -> Result<Imported, Vec<Problem>> {
    let problem = |message: String| {
        vec![Problem {
            place: String::new(),
            message,
        }]
    };
    if text.len() > limits::TEXT_BYTES {
        return Err(problem(format!(
            "The schema has more than {} bytes",
            limits::TEXT_BYTES
        )));
    }
    // Editors on Windows begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let schema = serde_json::from_str(text)
        .map_err(|error| problem(format!("The text is not JSON: {error}")))?;
    import_value(&schema, base)
}

/// As [`import`], from JSON that has been read already.
///
/// # Errors
/// As [`import`], but for the text.
pub fn import_value(schema: &Value, base: &ApplicationConfig) -> Result<Imported, Vec<Problem>> {
    import::import(schema, base)
}

/// Writes a configuration as a schema.
#[must_use]
pub fn export(config: &ApplicationConfig) -> Exported {
    export::export(config)
}

/// Warnings in the making.
#[derive(Debug, Default)]
struct Warnings {
    list: Vec<Warning>,
    left_out: usize,
}

impl Warnings {
    fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        if self.list.len() < limits::WARNINGS {
            self.list.push(Warning {
                place: place.into(),
                message: message.into(),
            });
        } else {
            self.left_out += 1;
        }
    }

    fn done(mut self) -> Vec<Warning> {
        if self.left_out > 0 {
            self.list.push(Warning {
                place: String::new(),
                message: format!("There are {} more warnings", self.left_out),
            });
        }
        self.list
    }
}

/// At most 100 characters of a text, for messages.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(100).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
