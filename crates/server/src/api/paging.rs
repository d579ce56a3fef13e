//! What lists of the API have in common: pages by cursor, and times as parameters.

use axum::Json;
use serde_json::Value;
use tenure_scim::value::parse_time_us;
use tenure_store::TimeUs;

use super::problem::Problem;

/// Rows of a page when the caller does not say, and at most.
const ROWS: u32 = 100;
const ROWS_MAX: u32 = 1000;

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    limit: u32,
}

impl Page {
    /// A page of as many rows as the caller wants, within bounds.
    pub(super) fn new(limit: Option<u32>) -> Self {
        let limit = limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
        Self { limit }
    }

    /// Rows to read: one more than are shown tells whether there is another page.
    pub(super) fn rows(self) -> u32 {
        self.limit + 1
    }

    /// The rows that were read as an answer. The position of the last one shown is where the next page begins.
    pub(super) fn answer<T>(
        self,
        mut found: Vec<T>,
        position: impl FnOnce(&T) -> String,
        show: impl Fn(&T) -> Value,
    ) -> Json<Value> {
        let shown = self.limit as usize;
        let more = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| more).map(position);
        super::page(found.iter().map(show).collect(), next)
    }
}

/// The time that a parameter gives.
pub(super) fn time(name: &str, text: Option<&String>) -> Result<Option<TimeUs>, Problem> {
    text.map(|text| {
        parse_time_us(text).ok_or_else(|| {
            Problem::invalid(format!("`{name}` is a time such as 2026-11-24T20:30:40Z."))
        })
    })
    .transpose()
}
