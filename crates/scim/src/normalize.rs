//! From a value that a client sent to the value that is stored: types, spelling of names, tolerated forms.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    Document, ScimError, ScimType,
    deviation::{Deviation, Notes},
    json, limits,
    path::shorten,
    schema::{Attribute, AttributeType, Uniqueness},
    value,
};

/// Reads values and writes down what was tolerated on the way.
pub(crate) struct Normalizer<'i> {
    pub(crate) notes: &'i mut Notes,
}

pub(crate) fn invalid(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidValue, detail)
}

impl Normalizer<'_> {
    /// The whole value of an attribute; `None` means unassigned.
    pub(crate) fn attribute(
        &mut self,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        if !attribute.multi_valued {
            return self.element(attribute, value);
        }
        let elements = self.elements(attribute, value)?;
        at_most_one_primary(attribute, &elements)?;
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    /// The values of a multi-valued attribute; a single one stands for a list. Duplicates are dropped.
    pub(crate) fn elements(
        &mut self,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Vec<Value>, ScimError> {
        let values = match self.unwrap_text(attribute, value) {
            Value::Array(values) => values,
            value => {
                let is_list = value.is_null();
                self.notes
                    .deviations
                    .insert_if(!is_list, Deviation::SingleForList);
                vec![value]
            }
        };
        let name = &attribute.name;
        if values.len() > limits::ATTRIBUTE_VALUES {
            let limit = limits::ATTRIBUTE_VALUES;
            return Err(invalid(format!(
                "`{name}` can have at most {limit} values."
            )));
        }
        let mut elements: Vec<Value> = Vec::with_capacity(values.len());
        let mut seen = HashSet::new();
        for value in values {
            if value.is_array() {
                return Err(invalid(format!(
                    "`{name}` must be a list of values, not of lists."
                )));
            }
            if let Some(element) = self.element(attribute, value)?
                && seen.insert(element.to_string())
            {
                elements.push(element);
            }
        }
        Ok(elements)
    }

    /// One value of an attribute.
    pub(crate) fn element(
        &mut self,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        if value.is_null() {
            return Ok(None);
        }
        if attribute.kind != AttributeType::Complex {
            return simple(attribute, value, &attribute.name, self.notes);
        }
        let object = self.complex(attribute, value)?;
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    /// The assigned sub-attributes of a complex value, in the order of the schema.
    pub(crate) fn complex(
        &mut self,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Document, ScimError> {
        let mut given = self.sub_attributes(attribute, value)?;
        let mut object = Document::new();
        for sub in &attribute.sub_attributes {
            if let Some(Some(value)) = given.remove(&sub.name) {
                object.insert(sub.name.clone(), value);
            }
        }
        if let Some(missing) = missing_sub_attribute(attribute, &object) {
            return Err(invalid(format!(
                "`{}.{missing}` is required.",
                attribute.name
            )));
        }
        Ok(object)
    }

    /// The sub-attributes that a complex value mentions; `None` for those that it unassigns.
    pub(crate) fn sub_attributes(
        &mut self,
        attribute: &Attribute,
        value: Value,
    ) -> Result<std::collections::BTreeMap<String, Option<Value>>, ScimError> {
        let name = &attribute.name;
        let object = match self.unwrap_text(attribute, value) {
            Value::Object(object) => self.unwrap_value(attribute, object),
            Value::String(text) if text.is_empty() => {
                self.notes.insert(Deviation::EmptyText);
                Document::new()
            }
            // A bare value where `{"value": …}` is defined, as Entra ID sends for `manager`.
            bare @ (Value::String(_) | Value::Number(_))
                if attribute.sub_attribute("value").is_some() =>
            {
                self.notes.insert(Deviation::StringForComplex);
                Document::from_iter([("value".to_owned(), bare)])
            }
            _ => {
                return Err(invalid(format!(
                    "`{name}` must be an object of sub-attributes."
                )));
            }
        };
        let mut found = std::collections::BTreeMap::new();
        for (key, value) in object {
            let Some(sub) = attribute.sub_attribute(&key) else {
                self.notes
                    .unknown_attribute(format!("{name}.{}", shorten(&key)));
                continue;
            };
            self.notes.spelling(&key, &sub.name);
            if sub.is_dropped() {
                self.notes.insert(Deviation::ReadOnlySent);
                continue;
            }
            let value = match value {
                Value::Null => None,
                value => simple(sub, value, &format!("{name}.{}", sub.name), self.notes)?,
            };
            if found.insert(sub.name.clone(), value).is_some() {
                return Err(twice(&format!("{name}.{}", sub.name)));
            }
        }
        Ok(found)
    }

    /// The whole value as JSON text within its own `value`, as Entra ID sends application roles:
    /// `{"value": "{\"id\": …, \"value\": \"25\", \"displayName\": \"Foreman\"}"}`.
    fn unwrap_value(&mut self, attribute: &Attribute, mut object: Document) -> Document {
        let inner = match object.get("value").and_then(Value::as_str) {
            Some(text) if text.trim_start().starts_with('{') => json::parse_object(text.as_bytes()),
            _ => return object,
        };
        let Some(mut inner) = inner.ok().filter(|inner| inner.contains_key("value")) else {
            return object;
        };
        self.notes.insert(Deviation::JsonInString);
        object.remove("value");
        for (from, to) in [
            ("value", "value"),
            ("displayName", "display"),
            ("type", "type"),
        ] {
            if attribute.sub_attribute(to).is_some()
                && !object.contains_key(to)
                && let Some(value) = inner.remove(from)
            {
                object.insert(to.to_owned(), value);
            }
        }
        object
    }

    /// Some connectors send complex values as JSON text in a string (`"{\"value\":\"admin\"}"`).
    fn unwrap_text(&mut self, attribute: &Attribute, value: Value) -> Value {
        match value {
            Value::String(text)
                if attribute.kind == AttributeType::Complex
                    && text.trim_start().starts_with(['{', '[']) =>
            {
                match json::parse(text.as_bytes()) {
                    Ok(value) => {
                        self.notes.insert(Deviation::JsonInString);
                        value
                    }
                    Err(_) => Value::String(text),
                }
            }
            value => value,
        }
    }
}

pub(crate) fn twice(name: &str) -> ScimError {
    let detail = format!("`{name}` occurs twice in different spellings.");
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

pub(crate) fn missing_sub_attribute<'a>(
    attribute: &'a Attribute,
    object: &Document,
) -> Option<&'a str> {
    let mut required = attribute
        .sub_attributes
        .iter()
        .filter(|sub| sub.required && !sub.is_dropped());
    let missing = required.find(|sub| !object.contains_key(&sub.name));
    missing
        .filter(|_| !object.is_empty())
        .map(|sub| sub.name.as_str())
}

/// `primary` is true at most once (RFC 7643 section 2.4).
pub(crate) fn at_most_one_primary(
    attribute: &Attribute,
    elements: &[Value],
) -> Result<(), ScimError> {
    let primaries = elements
        .iter()
        .filter(|element| is_primary(element))
        .count();
    if primaries > 1 {
        return Err(invalid(format!(
            "Only one value of `{}` can be primary.",
            attribute.name
        )));
    }
    Ok(())
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// A simple value; `None` when it stands for no value.
pub(crate) fn simple(
    attribute: &Attribute,
    value: Value,
    shown: &str,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    let wrong = |expected: &str| Err(invalid(format!("`{shown}` must be {expected}.")));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (
            AttributeType::Reference | AttributeType::DateTime | AttributeType::Binary,
            Value::String(text),
        ) if text.is_empty() => {
            notes.insert(Deviation::EmptyText);
            Ok(None)
        }
        (AttributeType::String, Value::String(text)) => {
            text_value(attribute, &text, shown)?;
            Ok(Some(Value::String(text)))
        }
        (AttributeType::Reference, Value::String(text)) => {
            text_value(attribute, &text, shown)?;
            if text.chars().any(char::is_control) {
                return wrong("a URI");
            }
            Ok(Some(Value::String(text)))
        }
        (AttributeType::Boolean, value) => match value::boolean(&value) {
            Some(boolean) => {
                notes
                    .deviations
                    .insert_if(value.is_string(), Deviation::StringBoolean);
                Ok(Some(Value::Bool(boolean)))
            }
            None => wrong("true or false"),
        },
        (AttributeType::DateTime, Value::String(text)) => match value::parse_time_us(&text) {
            Some(time_us) => Ok(Some(Value::String(value::format_time_us(time_us)))),
            None => wrong("a date and time such as 2026-11-24T20:30:40Z"),
        },
        (AttributeType::Binary, Value::String(text)) => {
            text_value(attribute, &text, shown)?;
            match value::decode_base64(&text) {
                Some(_) => Ok(Some(Value::String(text))),
                None => wrong("base64"),
            }
        }
        (AttributeType::Integer, Value::Number(number)) => match value::integer(&number.into()) {
            Some(number) => Ok(Some(number.into())),
            None => wrong("a whole number"),
        },
        (AttributeType::Decimal, value @ Value::Number(_)) => Ok(Some(value)),
        (AttributeType::String, _) => wrong("a string"),
        (AttributeType::Reference, _) => wrong("a URI"),
        (AttributeType::DateTime, _) => wrong("a date and time such as 2026-11-24T20:30:40Z"),
        (AttributeType::Binary, _) => wrong("base64"),
        (AttributeType::Integer, _) => wrong("a whole number"),
        (AttributeType::Decimal, _) => wrong("a number"),
        (AttributeType::Complex, _) => wrong("an object"),
    }
}

fn text_value(attribute: &Attribute, text: &str, shown: &str) -> Result<(), ScimError> {
    if text.len() > limits::JSON_STRING_BYTES {
        let limit = limits::JSON_STRING_BYTES;
        return Err(invalid(format!("`{shown}` is longer than {limit} bytes.")));
    }
    if text.contains('\0') {
        return Err(invalid(format!(
            "`{shown}` must not contain NUL characters."
        )));
    }
    if attribute.required && text.trim().is_empty() {
        return Err(invalid(format!("`{shown}` must not be empty.")));
    }
    if attribute.uniqueness != Uniqueness::None && text.chars().any(char::is_control) {
        return Err(invalid(format!(
            "`{shown}` must not contain control characters."
        )));
    }
    Ok(())
}
