//! `bulkId:x` in paths and bodies: what stands for the id of a resource that another operation creates.

use std::{collections::BTreeSet, ops::Range};

use serde_json::Value;

use super::{Method, Operation};
use crate::Document;

const PREFIX: &str = "bulkId:";

impl Operation {
    /// The bulkIds that path and body refer to: any string that is nothing but `bulkId:x`, the end of a `$ref`, and
    /// quoted strings in the paths of a PATCH.
    #[must_use]
    pub fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        found.extend(in_path(&self.path).and_then(|range| name(&self.path, range)));
        for (key, value) in &self.data {
            self.collect(key, value, &mut found);
        }
        found
    }

    fn collect(&self, key: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => found.extend(
                self.places(key, text)
                    .into_iter()
                    .filter_map(|range| name(text, range)),
            ),
            Value::Array(values) => values
                .iter()
                .for_each(|value| self.collect(key, value, found)),
            Value::Object(members) => members
                .iter()
                .for_each(|(key, value)| self.collect(key, value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Where in a string a reference stands, with its prefix.
    fn places(&self, key: &str, text: &str) -> Vec<Range<usize>> {
        if text.starts_with(PREFIX) {
            return std::iter::once(0..text.len()).collect();
        }
        if key.eq_ignore_ascii_case("$ref") {
            return in_path(text).into_iter().collect();
        }
        if self.method == Method::Patch && key.eq_ignore_ascii_case("path") {
            return in_quotes(text);
        }
        Vec::new()
    }

    /// Path and body with ids in place of references.
    ///
    /// # Errors
    ///
    /// The first bulkId that has no id.
    pub fn resolve(
        &self,
        id: &impl Fn(&str) -> Option<String>,
    ) -> Result<(String, Document), String> {
        let mut path = self.path.clone();
        if let Some(range) = in_path(&path) {
            put(&mut path, vec![range], id)?;
        }
        let mut data = self.data.clone();
        for (key, value) in data.iter_mut() {
            self.fill(key, value, id)?;
        }
        Ok((path, data))
    }

    fn fill(
        &self,
        key: &str,
        value: &mut Value,
        id: &impl Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        match value {
            Value::String(text) => {
                let places = self.places(key, text);
                put(text, places, id)
            }
            Value::Array(values) => values
                .iter_mut()
                .try_for_each(|value| self.fill(key, value, id)),
            Value::Object(members) => members
                .iter_mut()
                .try_for_each(|(key, value)| self.fill(key, value, id)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// The operation without the values that refer to a bulkId that has to wait: an element of a list, or else the
    /// whole attribute. The second value says whether anything was left out.
    #[must_use]
    pub fn without(&self, waits: &impl Fn(&str) -> bool) -> (Self, bool) {
        let mut pruned = self.clone();
        let mut left_out = false;
        self.prune(&mut pruned.data, waits, &mut left_out);
        (pruned, left_out)
    }

    /// Takes out attributes of a document or of an extension.
    fn prune(&self, object: &mut Document, waits: &impl Fn(&str) -> bool, left_out: &mut bool) {
        object.retain(|key, value| {
            let goes = match value {
                Value::Object(extension) if is_urn(key) => {
                    self.prune(extension, waits, left_out);
                    false
                }
                Value::Array(values) => {
                    let before = values.len();
                    values.retain(|value| !self.holds(key, value, waits));
                    *left_out |= values.len() < before;
                    false
                }
                value => self.holds(key, value, waits),
            };
            *left_out |= goes;
            !goes
        });
    }

    fn holds(&self, key: &str, value: &Value, waits: &impl Fn(&str) -> bool) -> bool {
        let mut found = BTreeSet::new();
        self.collect(key, value, &mut found);
        found.iter().any(|name| waits(name))
    }
}

fn is_urn(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// The bulkId at a place.
fn name(text: &str, range: Range<usize>) -> Option<String> {
    text.get(range)?
        .strip_prefix(PREFIX)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// The last segment of a path, if it is a reference.
fn in_path(path: &str) -> Option<Range<usize>> {
    let path = path.trim_end_matches('/');
    let start = path.rfind('/')? + 1;
    path.get(start..)?
        .starts_with(PREFIX)
        .then_some(start..path.len())
}

/// What stands between quotes, as in `members[value eq "bulkId:x"]`.
fn in_quotes(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + open + 1;
        let Some(length) = text.get(start..).and_then(|rest| rest.find('"')) else {
            break;
        };
        let range = start..start + length;
        if text
            .get(range.clone())
            .is_some_and(|inner| inner.starts_with(PREFIX))
        {
            places.push(range);
        }
        at = start + length + 1;
    }
    places
}

/// Puts ids at places, from the last to the first, so that the earlier ones stay where they are.
fn put(
    text: &mut String,
    places: Vec<Range<usize>>,
    id: &impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    for range in places.into_iter().rev() {
        let Some(name) = name(text, range.clone()) else {
            continue;
        };
        let id = id(&name).ok_or(name)?;
        text.replace_range(range, &id);
    }
    Ok(())
}
