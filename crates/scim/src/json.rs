//! Reading JSON from outside with limits: depth, duplicate keys, size.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::{Document, ScimError, ScimType, limits};

/// Parses a body into an object. The limits are those of [`crate::limits`] that begin with `JSON_`.
///
/// # Errors
///
/// 400 `invalidSyntax` for malformed JSON (with line and column), duplicate keys, sizes and depth over the
/// limits, NUL characters, or anything but an object.
///
/// ```
/// use tenure_scim::json::parse_object;
/// assert_eq!(parse_object(br#"{"userName": "mira"}"#).unwrap()["userName"], "mira");
/// let error = parse_object(br#"{"active": true, "active": false}"#).unwrap_err();
/// assert!(error.detail.contains("`active` occurs twice"));
/// ```
pub fn parse_object(bytes: &[u8]) -> Result<Document, ScimError> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(ScimError::bad_request(
            ScimType::InvalidSyntax,
            "The body must be a JSON object.",
        )),
    }
}

/// Parses any JSON value under the same limits.
///
/// # Errors
///
/// As [`parse_object`], but any value is taken.
pub fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let weight = Cell::new(0);
    let parsed = Limited {
        depth: 0,
        weight: &weight,
    }
    .deserialize(&mut deserializer);
    parsed
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            // serde_json adds line and column itself.
            ScimError::bad_request(
                ScimType::InvalidSyntax,
                format!("The body is not valid JSON: {error}."),
            )
        })
}

/// A value at some depth: 0 is the whole body.
#[derive(Clone, Copy)]
struct Limited<'w> {
    depth: usize,
    /// About how many bytes of memory the body takes so far.
    weight: &'w Cell<usize>,
}

/// What a value takes, whatever is in it, with the room that a growing list holds ready.
const VALUE_BYTES: usize = 64;
/// What an object takes with its first key: its text may have eight bytes.
const OBJECT_BYTES: usize = 512;
/// What each key takes beside its text.
const KEY_BYTES: usize = 96;

impl Limited<'_> {
    /// Counts memory: a small text must not become large in memory.
    fn weigh<E: Error>(self, bytes: usize) -> Result<(), E> {
        let weight = self.weight.get().saturating_add(bytes);
        self.weight.set(weight);
        if weight > limits::JSON_MEMORY_BYTES {
            return Err(E::custom(
                "it has too many values; send less in one request",
            ));
        }
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        self.weigh(VALUE_BYTES + text.len())?;
        checked(text)
    }

    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= limits::JSON_DEPTH {
            let limit = limits::JSON_DEPTH;
            return Err(E::custom(format_args!(
                "it is nested deeper than {limit} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            weight: self.weight,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Limited<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn checked<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        return Err(E::custom("a string contains a NUL character"));
    }
    if text.len() > limits::JSON_STRING_BYTES {
        let limit = limits::JSON_STRING_BYTES;
        return Err(E::custom(format_args!(
            "a string is longer than {limit} bytes"
        )));
    }
    Ok(())
}

impl<'de> Visitor<'de> for Limited<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.text(value).map(|()| value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.text(&value).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            if values.len() >= limits::JSON_ARRAY_ITEMS {
                let limit = limits::JSON_ARRAY_ITEMS;
                return Err(A::Error::custom(format_args!(
                    "an array has more than {limit} elements"
                )));
            }
            self.weigh(VALUE_BYTES)?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        self.weigh(OBJECT_BYTES)?;
        let mut object = Document::new();
        while let Some(key) = items.next_key::<String>()? {
            checked(&key)?;
            self.weigh(KEY_BYTES + key.len())?;
            if object.contains_key(&key) {
                let key = crate::path::shorten(&key);
                return Err(A::Error::custom(format_args!(
                    "the key `{key}` occurs twice"
                )));
            }
            if object.len() >= limits::JSON_KEYS {
                let limit = limits::JSON_KEYS;
                return Err(A::Error::custom(format_args!(
                    "an object has more than {limit} keys"
                )));
            }
            object.insert(key, items.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str, part: &str) {
        let error = parse_object(body.as_bytes()).unwrap_err();
        assert_eq!(
            (error.status, error.scim_type),
            (400, Some(ScimType::InvalidSyntax))
        );
        assert!(error.detail.contains(part), "{}", error.detail);
    }

    #[test]
    fn malformed_bodies_are_refused_with_their_position() {
        refused("", "line 1 column 0");
        refused("{\n  \"a\": }", "line 2 column 8");
        refused("[1]", "must be a JSON object");
        refused("{} x", "trailing characters");
        refused(r#"{"a": {"b": 1, "b": 2}}"#, "`b` occurs twice at line 1");
        refused(r#"{"a": "x\u0000"}"#, "NUL");
        refused(r#"{"a\u0000": 1}"#, "NUL");
        refused(r#"{"a": "\ud800"}"#, "hex escape");
        refused(r#"{"a": NaN}"#, "expected value");
        refused(r#"{"a": 1e999}"#, "number out of range");
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let nested = |depth: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        assert!(parse_object(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
        refused(&nested(limits::JSON_DEPTH + 1), "nested deeper");
        refused(&nested(limits::JSON_DEPTH * 100), "nested deeper");
        let text = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
        assert!(parse_object(text(limits::JSON_STRING_BYTES).as_bytes()).is_ok());
        refused(&text(limits::JSON_STRING_BYTES + 1), "longer than");
        let keys = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|key| format!("\"k{key}\":1")).collect();
            format!("{{{}}}", pairs.join(","))
        };
        assert!(parse_object(keys(limits::JSON_KEYS).as_bytes()).is_ok());
        refused(&keys(limits::JSON_KEYS + 1), "more than");
        // Eight bytes each, but six hundred in memory.
        let objects = |count: usize| {
            let part = vec!["{\"a\":0}"; 50_000].join(",");
            format!("{{\"x\":[{}]}}", vec![format!("[{part}]"); count].join(","))
        };
        assert!(parse_object(objects(1).as_bytes()).is_ok());
        refused(&objects(2), "too many values");
    }

    #[test]
    fn values_and_their_order_are_kept() {
        let body = r#"{"z":1,"a":[null,true,-2,1.5,"é\n"],"m":{}}"#;
        let object = parse_object(body.as_bytes()).unwrap();
        assert_eq!(Value::Object(object).to_string(), body);
    }
}
