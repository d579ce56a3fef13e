//! Which source attribute feeds a target attribute when nobody says otherwise.

use crate::{
    config::{Actions, ApplicationConfig, Apply, Mapping, ObjectConfig, ObjectKind, Scope, Source},
    dialect::Dialect,
    source::resolve,
    target::{ENTERPRISE, TargetPath},
};

/// Whether a person has access, from everything that can take it away.
const ACTIVE: &str = r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#;
/// The directory's own external id where there is one, so that a person keeps it when moving between directories.
const EXTERNAL_ID: &str = "Coalesce([externalId], [objectId])";
const FORMATTED_NAME: &str = r#"Join(" ", [givenName], [surname])"#;

/// Target attributes with another name at the source than at the target.
const NAMED: [(&str, &str); 12] = [
    ("name.givenName", "givenName"),
    ("name.familyName", "surname"),
    ("emails[type eq \"work\"].value", "mail"),
    ("phoneNumbers[type eq \"work\"].value", "telephoneNumber"),
    ("phoneNumbers[type eq \"mobile\"].value", "mobile"),
    (
        "phoneNumbers[type eq \"fax\"].value",
        "facsimileTelephoneNumber",
    ),
    ("addresses[type eq \"work\"].streetAddress", "streetAddress"),
    ("addresses[type eq \"work\"].locality", "city"),
    ("addresses[type eq \"work\"].region", "state"),
    ("addresses[type eq \"work\"].postalCode", "postalCode"),
    ("addresses[type eq \"work\"].country", "country"),
    ("emails[type eq \"other\"].value", "otherMails"),
];

/// The mapping of an attribute of a person, if the directory has something for it. Whole lists are left to the
/// administrator: what they mean differs from application to application.
pub(super) fn for_people(target: &str) -> Option<Mapping> {
    match target {
        "active" => return Some(expression(target, ACTIVE)),
        "externalId" => return Some(expression(target, EXTERNAL_ID)),
        "name.formatted" => return Some(expression(target, FORMATTED_NAME)),
        _ => {}
    }
    if let Some((_, source)) = NAMED.iter().find(|(known, _)| *known == target) {
        return Some(attribute(target, source));
    }
    if let Some(name) = target
        .strip_prefix(ENTERPRISE)
        .and_then(|rest| rest.strip_prefix(':'))
    {
        return Some(attribute(target, name));
    }
    let path = TargetPath::parse(target).ok()?;
    if path.schema.is_some() || path.is_list() || is_role(&path) {
        return None;
    }
    resolve(ObjectKind::User, target).ok()?;
    Some(attribute(target, target))
}

/// The roles of the directory need not be those of the application.
fn is_role(path: &TargetPath) -> bool {
    ["roles", "entitlements"]
        .iter()
        .any(|name| path.attribute.eq_ignore_ascii_case(name))
}

/// Mappings of groups to these target attributes.
pub(super) fn group_mappings(targets: &[&str], by: &[&str]) -> Vec<Mapping> {
    let mappings = targets.iter().filter_map(|target| {
        let mut mapping = match *target {
            "externalId" => expression(target, EXTERNAL_ID),
            "displayName" | "members" => attribute(target, target),
            _ => return None,
        };
        mapping.matching = precedence(by, target);
        Some(mapping)
    });
    mappings.collect()
}

/// Place in a list of matching attributes, counted from 1.
pub(super) fn precedence(by: &[&str], target: &str) -> Option<u32> {
    let index = by.iter().position(|name| *name == target)?;
    u32::try_from(index + 1).ok()
}

pub(super) fn config(users: Vec<Mapping>, groups: Vec<Mapping>) -> ApplicationConfig {
    let object = |mappings| ObjectConfig {
        enabled: true,
        actions: Actions {
            create: true,
            update: true,
            delete: true,
        },
        filters: Vec::new(),
        mappings,
    };
    ApplicationConfig {
        scope: Scope::Assigned,
        users: object(users),
        groups: object(groups),
        skip_out_of_scope_deletions: false,
        deletion_threshold: None,
        notification_email: None,
        notify: true,
        interval_minutes: 40,
        default_domain: None,
        dialect: Dialect::default(),
    }
}

pub(super) fn attribute(target: &str, source: &str) -> Mapping {
    mapping(target, Source::Attribute(source.to_owned()))
}

fn expression(target: &str, text: &str) -> Mapping {
    mapping(target, Source::Expression(text.to_owned()))
}

/// The attribute of the same name finds existing objects.
pub(super) fn matching(name: &str, precedence: u32) -> Mapping {
    Mapping {
        matching: Some(precedence),
        ..attribute(name, name)
    }
}

fn mapping(target: &str, source: Source) -> Mapping {
    Mapping {
        target: target.to_owned(),
        source,
        default: None,
        apply: Apply::Always,
        matching: None,
    }
}
