//! One line of `data/gallery.json`, and what follows from it.

use super::{
    AddressSource, Authentication, Confidence, Leaving, Template,
    mapping::{config, for_people, group_mappings, precedence},
};
use crate::config::{Actions, ApplicationConfig, Mapping};
use serde::Deserialize;

const DATA: &str = include_str!("../../data/gallery.json");

/// What most applications take, for those that do not say.
const USUAL: [&str; 7] = [
    "userName",
    "active",
    "displayName",
    "name.givenName",
    "name.familyName",
    "emails[type eq \"work\"].value",
    "externalId",
];

/// What is known about an application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    id: &'static str,
    name: &'static str,
    category: &'static str,
    #[serde(default = "yes")]
    scim: bool,
    /// With `{placeholders}` for what only the customer knows.
    #[serde(default)]
    address: &'static str,
    #[serde(default = "customer")]
    address_from: AddressSource,
    auth: Authentication,
    #[serde(default)]
    auth_note: String,
    /// Attributes of people.
    users: Vec<String>,
    #[serde(default)]
    required: Vec<String>,
    /// There are more attributes than these.
    #[serde(default)]
    incomplete: bool,
    /// Attributes by which people can be found, the best first.
    #[serde(default)]
    match_users: Vec<String>,
    /// Absent: not known.
    takes_groups: Option<bool>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    match_groups: Vec<String>,
    /// Absent: all actions.
    user_actions: Option<Vec<ActionName>>,
    group_actions: Option<Vec<ActionName>>,
    #[serde(default = "unknown")]
    leaving: Leaving,
    requests_per_second: Option<usize>,
    members_per_request: Option<usize>,
    page_size: Option<u32>,
    #[serde(default)]
    patch: bool,
    /// Whether PATCH paths may have a filter in brackets.
    #[serde(default = "yes")]
    filter_paths: bool,
    #[serde(default)]
    notes: Vec<String>,
    confidence: Confidence,
    #[serde(default)]
    sources: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    Create,
    Update,
    Delete,
}

fn yes() -> bool {
    true
}

fn customer() -> AddressSource {
    AddressSource::Customer
}

fn unknown() -> Leaving {
    Leaving::Unknown
}

/// All entries. The data is part of the program, and a test reads it.
pub(super) fn read() -> Vec<Entry> {
    serde_json::from_str(DATA).unwrap_or_default()
}

impl Entry {
    pub(super) fn into_template(self) -> Template {
        let (users, unmapped) = self.people();
        let config = self.config(users);
        Template {
            id: self.id,
            name: self.name,
            category: self.category,
            description: self.description(),
            tenant_url: if self.address.contains('{') {
                ""
            } else {
                self.address
            },
            tenant_url_pattern: self.address,
            address: self.address_from,
            authentication: self.auth,
            authentication_note: self.auth_note,
            speaks_scim: self.scim,
            takes_patch: self.patch,
            page_size: self.page_size,
            leaving: self.leaving,
            unmapped,
            required: self.required,
            notes: self.notes,
            confidence: Some(self.confidence),
            sources: self.sources,
            config,
        }
    }

    fn description(&self) -> String {
        if !self.scim {
            return "Has no SCIM endpoint that people could be sent to, so it cannot be added."
                .to_owned();
        }
        let groups = match self.takes_groups {
            Some(true) => "People and groups.",
            Some(false) => "People; no groups.",
            None => "People; whether it takes groups is not known.",
        };
        let attributes = match (self.users.len(), self.incomplete) {
            (0, _) => "Its attributes are not public, so the usual ones are mapped.".to_owned(),
            (count, true) => format!("{count} attributes are known, and there may be more."),
            (count, false) => format!("{count} attributes."),
        };
        format!("{groups} {attributes}")
    }

    /// Mappings of people, and the attributes without one.
    fn people(&self) -> (Vec<Mapping>, Vec<String>) {
        let targets = or_usual(&self.users, &USUAL);
        let by = or_usual(&self.match_users, &["userName"]);
        let (mut mappings, mut unmapped) = (Vec::new(), Vec::new());
        for target in targets {
            let has_filter = target.contains('[');
            match for_people(target).filter(|_| self.filter_paths || !has_filter) {
                Some(mapping) => mappings.push(Mapping {
                    matching: precedence(&by, target),
                    ..mapping
                }),
                None => unmapped.push(target.to_owned()),
            }
        }
        // An application that disables accounts takes `active`, even where a list of its attributes leaves it out.
        let has_active = mappings.iter().any(|mapping| mapping.target == "active");
        if self.leaving == Leaving::Disable && !has_active {
            mappings.extend(for_people("active"));
        }
        (mappings, unmapped)
    }

    fn config(&self, users: Vec<Mapping>) -> ApplicationConfig {
        let targets = or_usual(&self.groups, &["displayName", "members"]);
        let by = or_usual(&self.match_groups, &["displayName"]);
        let mut config = config(users, group_mappings(&targets, &by));
        config.users.enabled = self.scim;
        config.groups.enabled = self.scim && self.takes_groups == Some(true);
        config.users.actions = actions(self.user_actions.as_deref());
        config.groups.actions = actions(self.group_actions.as_deref());
        config.dialect.soft_delete = self.leaving != Leaving::Delete;
        config.dialect.remove_member_by_path = self.filter_paths;
        if let Some(members) = self.members_per_request {
            config.dialect.members_per_patch = members;
        }
        if let Some(rate) = self.requests_per_second {
            let most = u32::try_from(rate).unwrap_or(u32::MAX);
            config.dialect.requests_per_second = Some(f64::from(most).clamp(0.01, 1000.0));
            // An answer takes about half a second or less.
            config.dialect.concurrency = (rate / 2).clamp(1, config.dialect.concurrency);
        }
        config
    }
}

fn or_usual<'a>(names: &'a [String], usual: &[&'a str]) -> Vec<&'a str> {
    if names.is_empty() {
        usual.to_vec()
    } else {
        names.iter().map(String::as_str).collect()
    }
}

fn actions(names: Option<&[ActionName]>) -> Actions {
    let has = |name| names.is_none_or(|names| names.contains(&name));
    Actions {
        create: has(ActionName::Create),
        update: has(ActionName::Update),
        delete: has(ActionName::Delete),
    }
}
