//! The one place where values are folded, compared and ordered; index and evaluator both call it.
use crate::schema::Attribute;
use serde_json::Value;

/// Comparison key of a string: NFC of the case-folded text when `case_exact` is false, else NFC of the text.
#[must_use]
pub fn text_key(text: &str, case_exact: bool) -> String { let _ = (text, case_exact); todo!() }

/// Comparison key of any simple value of an attribute: text as [`text_key`], booleans `true`/`false`, dates as a
/// sortable UTC instant, integers and decimals in a form whose byte order is numeric order. `None` when the value does not fit the type.
#[must_use]
pub fn key(attribute: &Attribute, value: &Value) -> Option<String> { let _ = (attribute, value); todo!() }

/// A time in microseconds since 1970 as SCIM writes it: `2026-11-24T20:30:40.123Z`.
#[must_use]
pub fn format_time_us(time_us: i64) -> String { let _ = time_us; todo!() }
