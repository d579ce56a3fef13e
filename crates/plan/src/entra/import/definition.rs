//! What a schema says about the attributes of the target.

use super::text;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Attributes of a target object, by name in lower case.
pub(super) struct Definitions<'a>(HashMap<String, &'a Map<String, Value>>);

impl<'a> Definitions<'a> {
    pub(super) fn find(schema: &'a Map<String, Value>, directory: &str, object: &str) -> Self {
        let attributes = named(schema, "directories", directory)
            .and_then(|directory| named(directory, "objects", object))
            .and_then(|object| object.get("attributes")?.as_array());
        let attributes = attributes
            .into_iter()
            .flatten()
            .filter_map(Value::as_object);
        Self(
            attributes
                .map(|attribute| (text(attribute, "name").to_ascii_lowercase(), attribute))
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Definition<'a> {
        Definition(self.0.get(&name.to_ascii_lowercase()).copied())
    }
}

fn named<'a>(
    parent: &'a Map<String, Value>,
    list: &str,
    name: &str,
) -> Option<&'a Map<String, Value>> {
    let members = parent.get(list)?.as_array()?;
    members
        .iter()
        .filter_map(Value::as_object)
        .find(|member| text(member, "name").eq_ignore_ascii_case(name))
}

/// What a schema says about one attribute, if anything.
#[derive(Clone, Copy)]
pub(super) struct Definition<'a>(Option<&'a Map<String, Value>>);

impl<'a> Definition<'a> {
    fn text(self, member: &str) -> &'a str {
        self.0.map_or("", |map| text(map, member))
    }

    fn is(self, member: &str, wanted: &str) -> bool {
        self.text(member).eq_ignore_ascii_case(wanted)
    }

    /// `Boolean` or `Integer`, if the attribute is of such a type.
    pub(super) fn typed(self) -> Option<&'static str> {
        ["Boolean", "Integer"]
            .into_iter()
            .find(|kind| self.is("type", kind))
    }

    /// A text in the type of the attribute; text that does not fit stays text.
    pub(super) fn value(self, text: &str) -> Value {
        let typed = match self.typed() {
            Some("Boolean") => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
            // `007` would not come back as it was.
            Some(_) => text
                .parse::<i64>()
                .ok()
                .filter(|number| number.to_string() == text)
                .map(Value::from),
            None => None,
        };
        typed.unwrap_or_else(|| text.into())
    }

    /// What else it says that Tenure does not do.
    pub(super) fn concerns(self) -> Vec<&'static str> {
        let flag = |member: &str| {
            self.0
                .is_some_and(|map| map.get(member) == Some(&Value::Bool(true)))
        };
        let mut concerns = Vec::new();
        if flag("flowNullValues") {
            concerns.push("lets missing values flow, but a value that goes away is left alone at the target; give an expression that yields \"\" to clear it");
        }
        if !self.text("defaultValue").is_empty() {
            concerns.push(
                "has a default value of its own, which was left out; give the mapping a default",
            );
        }
        if self.is("mutability", "Immutable") {
            concerns.push("can be set only once at the target, but changes would be sent; apply the mapping `on_create`");
        }
        if self.is("mutability", "ReadOnly") {
            concerns.push("cannot be written at the target; remove the mapping");
        }
        concerns
    }
}
