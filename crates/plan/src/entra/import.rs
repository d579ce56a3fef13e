//! From a schema to a configuration.

mod definition;
mod filter;
mod mapping;

use super::{Imported, Warnings, short};
use crate::{
    ApplicationConfig, Problem,
    config::{Actions, ObjectConfig, ObjectKind},
};
use definition::Definitions;
use serde_json::{Map, Value};

/// What a source directory is called that a schema of an application begins with.
const ENTRA: [&str; 2] = ["Azure Active Directory", "Microsoft Entra ID"];

const SCHEMA: &[&str] = &["id", "version", "directories", "synchronizationRules"];
const RULE: &[&str] = &[
    "id",
    "name",
    "editable",
    "priority",
    "sourceDirectoryName",
    "targetDirectoryName",
    "objectMappings",
    "metadata",
    "containerFilter",
    "groupFilter",
];
/// Members of a rule that limit whom it is about.
const NARROWING: [&str; 2] = ["containerFilter", "groupFilter"];
const OBJECT: &[&str] = &[
    "id",
    "name",
    "enabled",
    "flowTypes",
    "sourceObjectName",
    "targetObjectName",
    "scope",
    "attributeMappings",
    "metadata",
];
/// Metadata of an object mapping that changes nothing about what is provisioned.
const HARMLESS: [&str; 2] = ["IsCustomerDefined", "ExcludeFromReporting"];

/// What is noted while a schema is read.
#[derive(Default)]
struct Notes {
    warnings: Warnings,
    problems: Vec<Problem>,
}

impl Notes {
    fn warn(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.warnings.add(place, message);
    }

    fn refuse(&mut self, place: impl Into<String>, message: impl Into<String>) {
        if self.problems.len() < super::limits::WARNINGS {
            self.problems.push(Problem {
                place: place.into(),
                message: message.into(),
            });
        }
    }

    /// Warns of members that nobody knows and that say something.
    fn unknown(&mut self, place: &str, map: &Map<String, Value>, known: &[&str]) {
        for name in foreign(map, known) {
            self.warn(
                join(place, &short(name)),
                "This member is not known and was left out",
            );
        }
    }

    /// Refuses them, where they may decide who is provisioned.
    fn refuse_unknown(&mut self, place: &str, map: &Map<String, Value>, known: &[&str]) {
        for name in foreign(map, known) {
            self.refuse(
                join(place, &short(name)),
                "This member is not known, and it may decide who is provisioned; remove it if it does not",
            );
        }
    }

    /// A list, which may be absent.
    fn list<'a>(&mut self, place: &str, map: &'a Map<String, Value>, name: &str) -> &'a [Value] {
        match map.get(name) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(values)) => values,
            Some(_) => {
                self.refuse(join(place, name), "This must be a list");
                &[]
            }
        }
    }
}

/// Members that are not among the known ones and that say something.
fn foreign<'a>(map: &'a Map<String, Value>, known: &'a [&str]) -> impl Iterator<Item = &'a String> {
    map.iter()
        .filter(|(name, value)| {
            !known.contains(&name.as_str()) && !name.starts_with('@') && says_something(value, 0)
        })
        .map(|(name, _)| name)
}

/// Whether there is more than empty lists and the like.
fn says_something(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
        _ if depth > 8 => true,
        Value::Array(values) => values.iter().any(|value| says_something(value, depth + 1)),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| !name.starts_with('@') && says_something(value, depth + 1)),
    }
}

fn join(place: &str, member: &str) -> String {
    if place.is_empty() {
        member.to_owned()
    } else {
        format!("{place}.{member}")
    }
}

/// The text of a member; empty when it is absent or no text.
fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An object mapping that could be used.
struct Candidate<'a> {
    place: String,
    target_directory: &'a str,
    map: &'a Map<String, Value>,
}

impl Candidate<'_> {
    fn enabled(&self) -> bool {
        self.map.get("enabled") != Some(&Value::Bool(false))
    }
}

pub(super) fn import(schema: &Value, base: &ApplicationConfig) -> Result<Imported, Vec<Problem>> {
    let mut notes = Notes::default();
    let mut config = base.clone();
    match find_schema(schema) {
        Some((place, schema)) => read(place, schema, &mut config, &mut notes),
        None => notes.refuse(
            "synchronizationRules",
            "This is not a synchronization schema: it has no list of rules",
        ),
    }
    if notes.problems.is_empty() {
        Ok(Imported {
            config,
            warnings: notes.warnings.done(),
        })
    } else {
        Err(notes.problems)
    }
}

/// The schema itself, or that of a job or template.
fn find_schema(value: &Value) -> Option<(&'static str, &Map<String, Value>)> {
    let has_rules =
        |map: &&Map<String, Value>| map.get("synchronizationRules").is_some_and(Value::is_array);
    let outer = value.as_object()?;
    let inner = || outer.get("schema").and_then(Value::as_object);
    Some(("", outer))
        .filter(|(_, map)| has_rules(map))
        .or_else(|| inner().filter(has_rules).map(|map| ("schema", map)))
}

fn read(
    place: &str,
    schema: &Map<String, Value>,
    config: &mut ApplicationConfig,
    notes: &mut Notes,
) {
    notes.unknown(place, schema, SCHEMA);
    let (users, groups) = candidates(place, schema, notes);
    let definitions = |candidate: &Candidate<'_>| {
        let object = text(candidate.map, "targetObjectName");
        Definitions::find(schema, candidate.target_directory, object)
    };
    match choose(users, "people", notes) {
        None => notes.refuse(
            join(place, "synchronizationRules"),
            "No rule takes the object `User` of Microsoft Entra ID to an application, so there is nothing to import",
        ),
        Some(users) => {
            let known = definitions(&users);
            config.users = object(ObjectKind::User, &users, &known, notes);
        }
    }
    match choose(groups, "groups", notes) {
        None => {
            if config.groups.enabled {
                notes.warn(
                    join(place, "synchronizationRules"),
                    "The schema has no mapping of groups, so groups are switched off; their mappings are left as they were",
                );
            }
            config.groups.enabled = false;
        }
        Some(groups) => {
            let known = definitions(&groups);
            config.groups = object(ObjectKind::Group, &groups, &known, notes);
        }
    }
}

/// Object mappings of people and of groups, those of the first rule first.
fn candidates<'a>(
    place: &str,
    schema: &'a Map<String, Value>,
    notes: &mut Notes,
) -> (Vec<Candidate<'a>>, Vec<Candidate<'a>>) {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for (place, rule) in rules(place, schema, notes) {
        notes.unknown(&place, rule, RULE);
        for name in NARROWING {
            if rule.get(name).is_some_and(|value| says_something(value, 0)) {
                notes.refuse(
                    join(&place, name),
                    "This has no counterpart, and without it more objects would be provisioned; remove it, and write it as an ordinary filter",
                );
            }
        }
        for entry in notes.list(&place, rule, "metadata") {
            metadata(&join(&place, "metadata"), entry, notes);
        }
        let source = text(rule, "sourceDirectoryName");
        if !source.is_empty() && !ENTRA.iter().any(|name| name.eq_ignore_ascii_case(source)) {
            notes.warn(
                join(&place, "sourceDirectoryName"),
                format!(
                    "The rule reads from `{}` and not from Microsoft Entra ID, so it was left out",
                    short(source)
                ),
            );
            continue;
        }
        for (index, map) in notes
            .list(&place, rule, "objectMappings")
            .iter()
            .enumerate()
        {
            let place = format!("{place}.objectMappings[{index}]");
            let Some(map) = map.as_object() else {
                notes.refuse(place, "An object mapping must be a JSON object");
                continue;
            };
            let candidate = Candidate {
                place,
                target_directory: text(rule, "targetDirectoryName"),
                map,
            };
            match text(map, "sourceObjectName").to_ascii_lowercase().as_str() {
                "user" => users.push(candidate),
                "group" => groups.push(candidate),
                other => notes.warn(
                    join(&candidate.place, "sourceObjectName"),
                    format!(
                        "Objects `{}` are not provisioned, only users and groups; the mapping was left out",
                        short(other)
                    ),
                ),
            }
        }
    }
    (users, groups)
}

/// Rules with their places, in the order in which they count.
fn rules<'a>(
    place: &str,
    schema: &'a Map<String, Value>,
    notes: &mut Notes,
) -> Vec<(String, &'a Map<String, Value>)> {
    let mut rules = Vec::new();
    for (index, rule) in notes
        .list(place, schema, "synchronizationRules")
        .iter()
        .enumerate()
    {
        let place = join(place, &format!("synchronizationRules[{index}]"));
        match rule.as_object() {
            Some(rule) => rules.push((place, rule)),
            None => notes.refuse(place, "A rule must be a JSON object"),
        }
    }
    rules.sort_by_key(|(_, rule)| {
        let priority = rule.get("priority").and_then(Value::as_i64);
        priority.unwrap_or(i64::MAX)
    });
    rules
}

/// The first that is enabled, or else the first. An application has one mapping of each kind.
fn choose<'a>(
    mut candidates: Vec<Candidate<'a>>,
    what: &str,
    notes: &mut Notes,
) -> Option<Candidate<'a>> {
    let chosen = candidates
        .iter()
        .position(Candidate::enabled)
        .unwrap_or_default();
    if candidates.is_empty() {
        return None;
    }
    let chosen = candidates.remove(chosen);
    for other in candidates {
        notes.warn(
            other.place,
            format!(
                "An application has one mapping of {what}, and {} was taken; this one was left out",
                chosen.place
            ),
        );
    }
    Some(chosen)
}

fn object(
    kind: ObjectKind,
    candidate: &Candidate<'_>,
    definitions: &Definitions<'_>,
    notes: &mut Notes,
) -> ObjectConfig {
    let (place, map) = (&candidate.place, candidate.map);
    notes.unknown(place, map, OBJECT);
    for entry in notes.list(place, map, "metadata") {
        metadata(&join(place, "metadata"), entry, notes);
    }
    let enabled = match map.get("enabled") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(enabled)) => *enabled,
        Some(_) => {
            notes.refuse(join(place, "enabled"), "This must be true or false");
            false
        }
    };
    ObjectConfig {
        enabled,
        actions: actions(place, map, notes),
        filters: filter::read(kind, place, map, notes),
        mappings: mapping::read(kind, place, map, definitions, notes),
    }
}

/// `Add, Update, Delete`; all of them when nothing is said.
fn actions(place: &str, map: &Map<String, Value>, notes: &mut Notes) -> Actions {
    let mut actions = Actions {
        create: false,
        update: false,
        delete: false,
    };
    let words = match map.get("flowTypes") {
        None | Some(Value::Null) => "Add, Update, Delete",
        Some(Value::String(words)) => words,
        Some(_) => {
            notes.refuse(
                join(place, "flowTypes"),
                "This must be a text such as `Add, Update, Delete`",
            );
            ""
        }
    };
    for word in words.split(',').map(str::trim) {
        match word.to_ascii_lowercase().as_str() {
            "add" => actions.create = true,
            "update" => actions.update = true,
            "delete" => actions.delete = true,
            "" | "none" => {}
            _ => notes.refuse(
                join(place, "flowTypes"),
                format!("`{}` is none of Add, Update and Delete", short(word)),
            ),
        }
    }
    actions
}

fn metadata(place: &str, entry: &Value, notes: &mut Notes) {
    let member = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let (key, value) = (member("key"), member("value"));
    let plain = value.trim_matches('"').to_ascii_lowercase();
    let quiet = matches!(plain.as_str(), "" | "false" | "default" | "null" | "none");
    if !quiet && !HARMLESS.iter().any(|known| known.eq_ignore_ascii_case(key)) {
        notes.warn(
            format!("{place}[{}]", short(key)),
            format!(
                "The value `{}` has no counterpart and was left out",
                short(value)
            ),
        );
    }
}
