//! What of a request may be kept: never a secret, and where the workspace wants it so, nothing personal.
//!
//! Bodies may be cut, malformed, or of no known shape, so they are read by a reader that takes what it gets
//! ([`tree`]), and what is written is decided value by value. In doubt a value is replaced.

#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tenure_scim::{
    filter::Filter,
    path::Path,
    schema::{Attribute, Returned},
};
use tenure_store::schema::Types;

use super::{super::query::percent_decode, habits};
use tree::Node;

/// What stands for a value that is not kept.
pub(super) const REPLACED: &str = "***";
/// What stands for the part of a body that was cut off.
const CUT: &str = "…";
/// Longest text that can be a name.
const NAME_CHARS: usize = 200;
/// Values that are taken out of error texts.
const REMOVED: usize = 1000;

/// Keys whose text says something about the message and nothing about a person, if it is a mere word.
const STRUCTURAL: [&str; 14] = [
    "schemas",
    "op",
    "type",
    "resourcetype",
    "scimtype",
    "status",
    "method",
    "sortby",
    "sortorder",
    "attributes",
    "excludedattributes",
    "created",
    "lastmodified",
    "meta",
];
/// Keys whose numbers say nothing about a person.
const COUNTS: [&str; 5] = [
    "totalresults",
    "startindex",
    "itemsperpage",
    "count",
    "failonerrors",
];

/// Replaces what may not be kept.
#[derive(Debug)]
pub(super) struct Redactor<'s> {
    /// Names of attributes that are never returned, in lower case.
    secrets: &'s BTreeSet<String>,
    /// Whether personal values are replaced, too.
    personal: bool,
    /// Texts that were replaced.
    removed: Vec<String>,
}

/// Names of the attributes that are never returned, in lower case.
pub(super) fn secrets(types: &Types) -> BTreeSet<String> {
    fn collect(attributes: &[Attribute], names: &mut BTreeSet<String>) {
        for attribute in attributes {
            if attribute.returned == Returned::Never {
                names.insert(attribute.name.to_ascii_lowercase());
            }
            collect(&attribute.sub_attributes, names);
        }
    }
    // Whatever the schemas say.
    let mut names = BTreeSet::from(["password".to_owned()]);
    for (_, resource_type) in types.iter() {
        collect(&resource_type.schema.attributes, &mut names);
        for extension in &resource_type.extensions {
            collect(&extension.schema.attributes, &mut names);
        }
    }
    names
}

impl<'s> Redactor<'s> {
    pub(super) fn new(secrets: &'s BTreeSet<String>, personal: bool) -> Self {
        Self {
            secrets,
            personal,
            removed: Vec::new(),
        }
    }

    /// The beginning of a body as JSON text; empty for an empty body. `total` is the length of the whole.
    pub(super) fn body(&mut self, kept: &[u8], total: usize) -> String {
        if total == 0 {
            return String::new();
        }
        let Some(node) = tree::read(kept) else {
            return Value::from(format!("not JSON, {total} bytes")).to_string();
        };
        self.value("", node).to_string()
    }

    fn remove(&mut self, node: Node) -> Value {
        match node {
            Node::Text(text) if !text.is_empty() => {
                if self.removed.len() < REMOVED && text.len() > 1 {
                    self.removed.push(text);
                }
            }
            Node::List(nodes, _) => nodes.into_iter().for_each(|node| {
                self.remove(node);
            }),
            Node::Object(members, _) => members.into_iter().for_each(|(_, node)| {
                self.remove(node);
            }),
            Node::Text(_) | Node::Number(_) | Node::Bool(_) | Node::Null => {}
        }
        REPLACED.into()
    }

    /// `key` is that of the object around the value, also for the items of a list.
    fn value(&mut self, key: &str, node: Node) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Bool(value) => value.into(),
            Node::Number(number) => {
                if self.personal && !COUNTS.contains(&key.to_ascii_lowercase().as_str()) {
                    0.into()
                } else {
                    Value::Number(number)
                }
            }
            Node::Text(text) => self.text(key, text),
            Node::List(nodes, complete) => {
                let mut items: Vec<Value> = nodes
                    .into_iter()
                    .map(|node| self.value(key, node))
                    .collect();
                if !complete {
                    items.push(CUT.into());
                }
                Value::Array(items)
            }
            Node::Object(members, complete) => self.object(members, complete),
        }
    }

    fn object(&mut self, members: Vec<(String, Node)>, complete: bool) -> Value {
        let mut paths = members
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("path"))
            .peekable();
        // The `path` of a PATCH operation may be in the part that was cut off.
        let is_unclear = !complete && paths.peek().is_none();
        let names_secret = paths.any(|(_, path)| match path {
            Node::Text(path) => self.mentions_secret(path),
            _ => true,
        });
        let mut object = Map::new();
        for (key, node) in members {
            let is_value = key.eq_ignore_ascii_case("value");
            let value = if self.mentions_secret(&key) || (is_value && (names_secret || is_unclear))
            {
                self.remove(node)
            } else {
                self.value(&key, node)
            };
            object.insert(self.key(key), value);
        }
        if !complete {
            object.insert(CUT.into(), CUT.into());
        }
        Value::Object(object)
    }

    /// Keys are names of attributes, or paths in the form of names.
    fn key(&mut self, key: String) -> String {
        if !self.personal && !self.mentions_secret(&key) {
            return key;
        }
        path(&key).unwrap_or_else(|| {
            self.removed.push(key);
            REPLACED.to_owned()
        })
    }

    fn text(&mut self, key: &str, text: String) -> Value {
        let lower = key.to_ascii_lowercase();
        let is_query = matches!(lower.as_str(), "path" | "filter");
        // A name can be written with escapes inside of JSON inside of a string.
        let is_json = text.trim_start().starts_with(['{', '[', '"']);
        let hides_secret = (self.mentions_secret(&text) && (is_query || is_json))
            || (is_json && text.contains("\\u"));
        if !self.personal && lower == "detail" {
            return self.detail(&text).into();
        }
        if text.is_empty() || (!self.personal && !hides_secret) {
            return text.into();
        }
        let kept = match lower.as_str() {
            "path" if text.starts_with('/') && !hides_secret => Some(text.clone()),
            "path" => path(&text),
            "filter" => filter(&text),
            "id" | "value" if is_uuid(&text) => Some(text.clone()),
            structural if STRUCTURAL.contains(&structural) && is_word(&text) => Some(text.clone()),
            _ => None,
        };
        match kept {
            Some(kept) => kept.into(),
            None => self.remove(Node::Text(text)),
        }
    }

    fn mentions_secret(&self, text: &str) -> bool {
        text.split(|character: char| !(character.is_alphanumeric() || "_-$".contains(character)))
            .any(|word| self.secrets.contains(&word.to_ascii_lowercase()))
    }

    /// A query string: values of parameters that SCIM does not define are never kept, they may be anybody's secret.
    pub(super) fn query(&mut self, query: &str) -> String {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let shown = pairs.map(|pair| match pair.split_once('=') {
            None => self.parameter_name(pair),
            Some((name, value)) => {
                let value = self.parameter(name, value);
                format!("{}={value}", self.parameter_name(name))
            }
        });
        shown.collect::<Vec<_>>().join("&")
    }

    fn parameter_name(&self, name: &str) -> String {
        let is_harmless = is_word(name) && name.len() <= 64;
        let is_harmless = is_harmless || (!self.personal && !self.mentions_secret(name));
        if is_harmless { name } else { REPLACED }.to_owned()
    }

    fn parameter(&mut self, name: &str, value: &str) -> String {
        let lower = name.to_ascii_lowercase();
        if !habits::PARAMETERS.contains(&lower.as_str()) {
            return REPLACED.to_owned();
        }
        let Some(text) = percent_decode(value, true) else {
            return REPLACED.to_owned();
        };
        if !self.personal && !self.mentions_secret(&text) {
            return value.to_owned();
        }
        let kept = match lower.as_str() {
            "filter" => filter(&text).map(|filter| encode(&filter)),
            "cursor" => None,
            _ => (is_word(&text) || text.split(',').all(|name| is_word(name.trim())))
                .then(|| value.to_owned()),
        };
        kept.unwrap_or_else(|| REPLACED.to_owned())
    }

    /// The text of an error, without the values that were replaced in the body.
    pub(super) fn detail(&self, detail: &str) -> String {
        let mut text = detail.to_owned();
        for removed in &self.removed {
            // Errors show a text as it is or as JSON writes it.
            let json = Value::from(removed.as_str()).to_string();
            for form in [removed.as_str(), json.trim_matches('"')] {
                if !form.is_empty() && text.contains(form) {
                    text = text.replace(form, REPLACED);
                }
            }
        }
        if self.personal {
            text = without_quoted(&text);
        }
        text
    }
}

/// Replaces what stands in double quotes, and in backticks what is not the name of something.
fn without_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(start);
        let quote = if from.starts_with('"') { '"' } else { '`' };
        let inner = from.get(1..).unwrap_or_default();
        // The last one counts: what is quoted may itself contain quotes.
        let end = match quote {
            '"' => inner.rfind('"'),
            _ => inner.find('`'),
        };
        shown.push_str(before);
        shown.push(quote);
        let Some(end) = end else {
            shown.push_str(REPLACED);
            return shown;
        };
        let (quoted, after) = inner.split_at(end);
        match path(quoted) {
            Some(path) if quote == '`' => shown.push_str(&path),
            _ => shown.push_str(REPLACED),
        }
        shown.push(quote);
        rest = after.get(1..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

fn is_word(text: &str) -> bool {
    text.len() <= NAME_CHARS
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-.:$+".contains(character))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .chars()
            .all(|character| character.is_ascii_hexdigit() || character == '-')
}

/// A path without the literals of its filter; `None` if it is none.
fn path(text: &str) -> Option<String> {
    let mut path = Path::parse(text).ok()?;
    path.filter = path
        .filter
        .map(|filter| Box::new(without_literals(*filter)));
    Some(path.to_string()).filter(|text| text.len() <= NAME_CHARS)
}

/// A filter without its literals; `None` if it is none.
fn filter(text: &str) -> Option<String> {
    Some(without_literals(Filter::parse(text).ok()?).to_string())
}

fn without_literals(filter: Filter) -> Filter {
    match filter {
        Filter::And(operands) => Filter::And(operands.into_iter().map(without_literals).collect()),
        Filter::Or(operands) => Filter::Or(operands.into_iter().map(without_literals).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(without_literals(*inner))),
        Filter::Compare {
            path,
            operator,
            value,
        } => Filter::Compare {
            path,
            operator,
            value: match value {
                Value::String(_) => REPLACED.into(),
                Value::Number(_) => 0.into(),
                other => other,
            },
        },
        Filter::Present(path) => Filter::Present(path),
        Filter::ValuePath { path, filter } => Filter::ValuePath {
            path,
            filter: Box::new(without_literals(*filter)),
        },
    }
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
