//! The values of one multi-valued (or single complex) attribute while a PATCH works on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::{
    Document, ScimError,
    deviation::Notes,
    filter::{CompareOperator, Filter, matches_element},
    limits,
    normalize::{Normalizer, invalid, is_primary},
    schema::{Attribute, AttributeType},
    value,
};

/// Sub-attributes to set; `None` unassigns.
pub(super) type Changes = BTreeMap<String, Option<Value>>;

/// Adds elements; what is there already stays as it is, and gains the sub-attributes that are new.
pub(super) fn add(
    attribute: &Attribute,
    elements: &mut Vec<Value>,
    added: Vec<Value>,
) -> Result<(), ScimError> {
    crate::normalize::at_most_one_primary(attribute, &added)?;
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, element) in elements.iter().enumerate() {
        by_key
            .entry(identity(attribute, element))
            .or_default()
            .push(index);
    }
    for element in added {
        let key = identity(attribute, &element);
        let candidates = by_key.entry(key).or_default();
        let same = candidates.iter().copied().find(|&index| {
            elements
                .get(index)
                .is_some_and(|present| is_same_use(present, &element))
        });
        let makes_primary = is_primary(&element);
        let index = same.unwrap_or(elements.len());
        match (elements.get_mut(index), element) {
            (Some(Value::Object(present)), Value::Object(element)) => add_missing(present, element),
            (Some(_), _) => {}
            (None, element) => {
                candidates.push(index);
                elements.push(element);
            }
        }
        if makes_primary {
            only_primary(elements, index);
        }
    }
    Ok(())
}

/// Refuses more values than an attribute can have.
pub(super) fn check_count(attribute: &Attribute, elements: &[Value]) -> Result<(), ScimError> {
    let limit = limits::ATTRIBUTE_VALUES;
    if elements.len() > limit {
        let detail = format!("`{}` can have at most {limit} values.", attribute.name);
        return Err(invalid(detail));
    }
    Ok(())
}

fn add_missing(present: &mut Document, element: Document) {
    for (name, value) in element {
        // The spelling of a value that is there already stays.
        if name != "value" || !present.contains_key("value") {
            present.insert(name, value);
        }
    }
}

/// What makes two values the same: the key of `value` where there is one, else the whole.
fn identity(attribute: &Attribute, element: &Value) -> String {
    if attribute.kind != AttributeType::Complex {
        return value::key(attribute, element).unwrap_or_default();
    }
    let of_value = attribute.sub_attribute("value").zip(element.get("value"));
    match of_value.and_then(|(sub, found)| value::key(sub, found)) {
        Some(key) => format!("v{key}"),
        None => format!("e{}", element_key(attribute, element)),
    }
}

fn element_key(attribute: &Attribute, element: &Value) -> String {
    let keys = attribute.sub_attributes.iter().map(|sub| {
        let found = element.get(&sub.name);
        found.and_then(|found| value::key(sub, found))
    });
    format!("{:?}", keys.collect::<Vec<_>>())
}

/// The same address may be listed for work and for home; with one `type` missing it is the same entry.
fn is_same_use(present: &Value, element: &Value) -> bool {
    match (
        present.get("type").and_then(Value::as_str),
        element.get("type").and_then(Value::as_str),
    ) {
        (Some(present), Some(element)) => present.eq_ignore_ascii_case(element),
        _ => true,
    }
}

/// Removes the listed values: an element goes if a listed one agrees in every sub-attribute that names it.
pub(super) fn remove_listed(attribute: &Attribute, elements: &mut Vec<Value>, listed: &[Value]) {
    let whole = listed.iter().filter(|wanted| !wanted.is_object());
    let whole: HashSet<String> = whole.map(|wanted| identity(attribute, wanted)).collect();
    let objects = listed.iter().filter_map(Value::as_object);
    let named: Vec<Named> = objects.map(|wanted| naming(attribute, wanted)).collect();
    // Keys are computed once and looked up, since both lists can be long.
    let mut groups: BTreeMap<Vec<usize>, HashSet<Vec<Option<&str>>>> = BTreeMap::new();
    for keys in &named {
        let (subs, keys) = keys.iter().map(|(sub, key)| (*sub, key.as_deref())).unzip();
        groups.entry(subs).or_default().insert(keys);
    }
    elements.retain(|element| {
        if !whole.is_empty() && whole.contains(&identity(attribute, element)) {
            return false;
        }
        let subs = attribute.sub_attributes.iter();
        let own: Vec<Option<Option<String>>> = subs
            .map(|sub| element.get(&sub.name).map(|found| value::key(sub, found)))
            .collect();
        let key = |&sub: &usize| own.get(sub)?.as_ref().map(|key| key.as_deref());
        !groups.iter().any(|(subs, wanted)| {
            let keys: Option<Vec<Option<&str>>> = subs.iter().map(key).collect();
            keys.is_some_and(|keys| wanted.contains(&keys))
        })
    });
}

/// Which sub-attributes name a value, by their position, and their keys.
type Named = Vec<(usize, Option<String>)>;

/// `value` and `type` name a value that has a `value`; any other is named by all that it has.
fn naming(attribute: &Attribute, wanted: &Document) -> Named {
    let has_value = wanted.contains_key("value");
    let subs = attribute.sub_attributes.iter().enumerate();
    subs.filter(|(_, sub)| !has_value || matches!(sub.name.as_str(), "value" | "type"))
        .filter_map(|(index, sub)| Some((index, value::key(sub, wanted.get(&sub.name)?))))
        .collect()
}

/// What an operation on these values costs, in bytes that are looked at: all of them are read, some for each term of
/// the filter.
pub(super) fn effort(values: Option<&Value>, filter: Option<&Filter>) -> usize {
    // What a value costs by itself, and how much longer it takes to fold text that is not ASCII.
    const EACH: usize = 256;
    const FOLDING: usize = 8;
    let elements = match values {
        None => &[],
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    let length = |value: &Value| match value.as_str() {
        Some(text) if text.is_ascii() => text.len(),
        Some(text) => text.len().saturating_mul(FOLDING),
        None => 0,
    };
    let bytes = |element: &Value| match element {
        Value::Object(object) => object.values().map(length).sum(),
        simple => length(simple),
    };
    let all: usize = elements.iter().map(|element| EACH + bytes(element)).sum();
    let (terms, literals) = filter.map_or((0, 0), Filter::size);
    all.saturating_mul(1 + terms)
        .saturating_add(elements.len().saturating_mul(literals))
}

/// Indexes of the elements that a filter selects; all without one.
pub(super) fn select(
    attribute: &Attribute,
    elements: &[Value],
    filter: Option<&Filter>,
) -> Vec<usize> {
    let is_selected = |element: &Value| match (element, filter) {
        (Value::Object(element), Some(filter)) => matches_element(filter, attribute, element),
        (Value::Object(_), None) => true,
        _ => false,
    };
    let all = elements.iter().enumerate();
    all.filter(|(_, element)| is_selected(element))
        .map(|(index, _)| index)
        .collect()
}

/// Sets and unassigns sub-attributes of one value.
pub(super) fn merge(object: &mut Document, changes: &Changes) {
    let points_elsewhere = changes
        .get("value")
        .is_some_and(|new| new.as_ref() != object.get("value"));
    if points_elsewhere && !changes.contains_key("$ref") {
        // The old reference would name another resource than the new `value`.
        object.shift_remove("$ref");
    }
    for (name, value) in changes {
        match value {
            Some(value) => {
                object.insert(name.clone(), value.clone());
            }
            None => {
                object.shift_remove(name);
            }
        }
    }
}

/// Applies changes to the selected elements.
pub(super) fn merge_selected(
    attribute: &Attribute,
    elements: &mut [Value],
    selected: &[usize],
    changes: &Changes,
) -> Result<(), ScimError> {
    let makes_primary = changes.get("primary") == Some(&Some(Value::Bool(true)));
    if makes_primary && selected.len() > 1 {
        return Err(invalid(format!(
            "Only one value of `{}` can be primary.",
            attribute.name
        )));
    }
    for &index in selected {
        if let Some(Value::Object(object)) = elements.get_mut(index) {
            merge(object, changes);
        }
    }
    if let (true, Some(&index)) = (makes_primary, selected.first()) {
        only_primary(elements, index);
    }
    Ok(())
}

/// Makes every other primary value an ordinary one (RFC 7644 section 3.5.2).
fn only_primary(elements: &mut [Value], primary: usize) {
    for (index, element) in elements.iter_mut().enumerate() {
        if index != primary
            && is_primary(element)
            && let Value::Object(object) = element
        {
            object.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

/// The value that a filter describes, if it consists of `eq` terms joined by `and` only.
pub(super) fn described(
    attribute: &Attribute,
    filter: &Filter,
    notes: &mut Notes,
) -> Result<Option<Changes>, ScimError> {
    let mut object = Document::new();
    if !collect_terms(filter, &mut object) {
        return Ok(None);
    }
    Normalizer { notes }
        .sub_attributes(attribute, Value::Object(object))
        .map(Some)
}

fn collect_terms(filter: &Filter, object: &mut Document) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| collect_terms(term, object)),
        Filter::Compare {
            path,
            operator: CompareOperator::Eq,
            value,
        } => {
            let name = path.attribute.to_ascii_lowercase();
            // Two terms about one sub-attribute describe nothing.
            object
                .insert(name, value.clone())
                .is_none_or(|before| before == *value)
        }
        _ => false,
    }
}
