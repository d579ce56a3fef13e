//! Paths of mapped attributes: where a value lives in a SCIM document.

use serde_json::{Map, Value};
use tenure_scim::{
    filter::{CompareOperator, Filter},
    path::Path,
};

/// URN of the enterprise extension of users (RFC 7643 section 4.3).
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CORE_PREFIX: &str = "urn:ietf:params:scim:schemas:core:2.0:";
/// Multi-valued attributes of the core schemas (RFC 7643 sections 4.1.2 and 4.2).
const MULTI_VALUED: [&str; 10] = [
    "emails",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509certificates",
    "members",
];

/// `[urn:]attribute[conditions][.sub]`, the subset of PATCH paths that names one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetPath {
    /// Extension URN; `None` for the base schema.
    pub(crate) schema: Option<String>,
    pub(crate) attribute: String,
    /// `sub eq value`, all of which hold for the element of a multi-valued attribute.
    pub(crate) conditions: Vec<(String, Value)>,
    pub(crate) sub: Option<String>,
}

impl TargetPath {
    /// A path without extension and conditions.
    pub(crate) fn simple(attribute: &str) -> Self {
        Self {
            schema: None,
            attribute: attribute.to_owned(),
            conditions: Vec::new(),
            sub: None,
        }
    }

    /// Reads a path, or says why it cannot be used.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = Path::parse(text.trim())
            .map_err(|error| format!("`{text}` is not an attribute path: {error}"))?;
        let mut conditions = Vec::new();
        if let Some(filter) = &path.filter {
            collect(filter, &mut conditions).map_err(|message| format!("`{text}`: {message}"))?;
        }
        let schema = path
            .attribute
            .schema
            .filter(|urn| !starts_with_ignoring_case(urn, CORE_PREFIX));
        Ok(Self {
            schema,
            attribute: path.attribute.attribute,
            conditions,
            sub: path.attribute.sub,
        })
    }

    /// Whether this is the base attribute `name`, without conditions.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.schema.is_none()
            && self.conditions.is_empty()
            && self.sub.is_none()
            && self.attribute.eq_ignore_ascii_case(name)
    }

    /// Whether the value is the id of another object.
    pub(crate) fn is_reference(&self) -> bool {
        let sub_fits = self
            .sub
            .as_deref()
            .is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        self.attribute.eq_ignore_ascii_case("manager") && self.conditions.is_empty() && sub_fits
    }

    /// Whether a whole list belongs here, as far as the core schemas tell.
    pub(crate) fn is_list(&self) -> bool {
        let bare = self.schema.is_none() && self.conditions.is_empty() && self.sub.is_none();
        bare && MULTI_VALUED.contains(&self.attribute.to_ascii_lowercase().as_str())
    }

    /// Whether the type of the value is known from RFC 7643.
    pub(crate) fn is_standard(&self) -> bool {
        self.schema
            .as_deref()
            .is_none_or(|urn| urn.eq_ignore_ascii_case(ENTERPRISE))
    }

    /// Whether the value is a boolean in the core schemas.
    pub(crate) fn is_boolean(&self) -> bool {
        self.is("active")
            || (self.is_standard()
                && self
                    .sub
                    .as_deref()
                    .is_some_and(|sub| sub.eq_ignore_ascii_case("primary")))
    }

    /// Whether both paths lead into the same element of a multi-valued attribute.
    pub(crate) fn same_element(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.attribute.eq_ignore_ascii_case(&other.attribute)
            && self.conditions == other.conditions
    }

    /// The value at this place of a document; empty lists count as none.
    pub(crate) fn read(&self, document: &Map<String, Value>) -> Option<Value> {
        let base = match &self.schema {
            Some(urn) => get(document, urn)?.as_object()?,
            None => document,
        };
        let value = get(base, &self.attribute)?;
        if self.conditions.is_empty() {
            return present(self.read_sub(value)?);
        }
        let elements = value.as_array()?;
        let element = elements.iter().find(|element| {
            self.conditions
                .iter()
                .all(|condition| holds(element, condition))
        })?;
        present(self.read_sub(element)?)
    }

    fn read_sub(&self, value: &Value) -> Option<Value> {
        let Some(sub) = &self.sub else {
            return Some(value.clone());
        };
        match value {
            Value::Object(map) => get(map, sub).cloned(),
            Value::Array(elements) => Some(Value::Array(
                elements
                    .iter()
                    .filter_map(|element| get(element.as_object()?, sub).cloned())
                    .collect(),
            )),
            _ => None,
        }
    }
}

fn present(value: Value) -> Option<Value> {
    match &value {
        Value::Null => None,
        Value::Array(elements) if elements.is_empty() => None,
        _ => Some(value),
    }
}

pub(crate) fn holds(element: &Value, (sub, wanted): &(String, Value)) -> bool {
    let Some(actual) = element.as_object().and_then(|map| get(map, sub)) else {
        return false;
    };
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    text(actual).eq_ignore_ascii_case(&text(wanted))
}

fn collect(filter: &Filter, conditions: &mut Vec<(String, Value)>) -> Result<(), String> {
    match filter {
        Filter::Compare { path, operator: CompareOperator::Eq, value } => {
            let name = path.attribute.clone();
            // Some write `primary eq "True"`; the value is a boolean nevertheless.
            let boolean = value.as_str().filter(|_| name.eq_ignore_ascii_case("primary")).and_then(|text| text.to_ascii_lowercase().parse().ok());
            conditions.push((name, boolean.map_or_else(|| value.clone(), Value::Bool)));
            Ok(())
        }
        Filter::And(parts) => parts.iter().try_for_each(|part| collect(part, conditions)),
        _ => Err("only `eq`, joined by `and`, can choose the element, as in `emails[type eq \"work\"].value`".to_owned()),
    }
}

/// Member of an object, names compared without case.
pub(crate) fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| {
        map.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
