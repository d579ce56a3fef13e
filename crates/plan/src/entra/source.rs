//! The source of an attribute mapping: an attribute, a constant, or a call as text and as a tree.

use crate::expression::{Expression, Part, PartKind, limits, parameter_names, quoted};
use serde_json::{Map, Value, json};

/// The source of a mapping as Entra writes it.
pub(super) fn attribute(name: &str) -> Value {
    json!({ "type": "Attribute", "name": name, "expression": format!("[{name}]"), "parameters": [] })
}

pub(super) fn constant(text: &str) -> Value {
    json!({ "type": "Constant", "name": text, "expression": quoted(text), "parameters": [] })
}

pub(super) fn expression(expression: &Expression) -> Value {
    tree(&expression.outline())
}

fn tree(part: &Part) -> Value {
    let parameters: Vec<Value> = part
        .parameters
        .iter()
        .map(|(key, part)| json!({ "key": key, "value": tree(part) }))
        .collect();
    match part.kind {
        PartKind::Attribute => attribute(&part.name),
        // Entra writes numbers and enumerated words of a tree as quoted constants, too.
        PartKind::Constant => constant(&part.name),
        PartKind::Call => json!({
            "type": "Function",
            "name": part.name,
            "expression": part.text,
            "parameters": parameters,
        }),
    }
}

/// Puts a tree together to the text of an expression.
pub(super) fn text_of(source: &Map<String, Value>, depth: usize) -> Result<String, String> {
    if depth > limits::DEPTH {
        return Err(format!(
            "Calls are nested deeper than {} levels",
            limits::DEPTH
        ));
    }
    let text = |member: &str| {
        source
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let name = text("name");
    match text("type").to_ascii_lowercase().as_str() {
        "attribute" if !name.is_empty() => Ok(format!("[{name}]")),
        "constant" => Ok(constant_text(source, name)),
        "function" if !name.is_empty() => call(source, name, depth),
        _ => Err(
            "A part of the tree is neither an attribute nor a constant nor a function".to_owned(),
        ),
    }
}

/// Numbers and enumerated words are constants in a tree, but not texts in an expression.
fn constant_text(source: &Map<String, Value>, name: &str) -> String {
    let bare = match source.get("name") {
        Some(Value::Number(number)) => number.to_string(),
        _ => name.to_owned(),
    };
    let is_bare = |text: &str| matches!(Expression::parse(text).map(|parsed| parsed.outline()), Ok(part) if part.kind == PartKind::Constant && part.name == text);
    if is_bare(&bare) { bare } else { quoted(&bare) }
}

fn call(source: &Map<String, Value>, name: &str, depth: usize) -> Result<String, String> {
    const NOTHING: &[Value] = &[];
    let given = source.get("parameters").and_then(Value::as_array);
    let given = given.map_or(NOTHING, Vec::as_slice);
    let names = parameter_names(name).unwrap_or_default();
    // `switchValue` stands for everything behind the default, which may be blank.
    let first_unnamed = if name == "Switch" { 2 } else { 0 };
    let mut slots: Vec<String> = Vec::new();
    for parameter in given {
        let key = parameter
            .get("key")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let value = parameter.get("value").and_then(Value::as_object);
        let value = text_of(value.ok_or("A parameter has no value")?, depth + 1)?;
        let named = names
            .iter()
            .position(|known| known.eq_ignore_ascii_case(key));
        let at = match named {
            Some(index) if index >= slots.len() => index,
            _ => slots.len().max(first_unnamed),
        };
        slots.resize(at, String::new());
        slots.push(value);
    }
    Ok(format!("{name}({})", slots.join(", ")))
}

/// The first attribute or constant of a tree that the text of its expression, in lower case, does not have: somebody
/// has changed one of the two.
pub(super) fn unmentioned(
    source: &Map<String, Value>,
    expression: &str,
    depth: usize,
) -> Option<String> {
    if depth > limits::DEPTH {
        return None;
    }
    let text = |member: &str| {
        let text = source.get(member).and_then(Value::as_str);
        text.unwrap_or_default()
    };
    let name = text("name").trim();
    let has = |wanted: &str| expression.contains(&wanted.to_lowercase());
    match text("type").to_ascii_lowercase().as_str() {
        "attribute" if !has(name) => return Some(format!("[{name}]")),
        "constant" if !has(name) && !has(quoted(name).trim_matches('"')) => {
            return Some(name.to_owned());
        }
        _ => {}
    }
    let parameters = source.get("parameters").and_then(Value::as_array);
    parameters
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter.get("value")?.as_object())
        .find_map(|value| unmentioned(value, expression, depth + 1))
}
