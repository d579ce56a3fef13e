//! Application templates: custom SCIM and the gallery.

use crate::config::{Actions, ApplicationConfig, Apply, Mapping, ObjectConfig, Scope, Source};
use crate::dialect::Dialect;

/// A gallery entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Stable id, as stored.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// What it is, in a sentence or two.
    pub description: &'static str,
    /// Pattern of the Tenant URL, empty when only the customer knows it.
    pub tenant_url: &'static str,
    /// What a new application begins with.
    pub config: ApplicationConfig,
}

/// `custom` first, then `exium`.
#[must_use]
pub fn templates() -> Vec<Template> {
    vec![custom(), exium()]
}

/// By id.
#[must_use]
pub fn template(id: &str) -> Option<Template> {
    templates().into_iter().find(|template| template.id == id)
}

/// Whether a person has access, from everything that can take it away.
const ACTIVE: &str = r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#;
/// The directory's own external id where there is one, so that a person keeps it when moving between directories.
const EXTERNAL_ID: &str = "Coalesce([externalId], [objectId])";

fn custom() -> Template {
    let mut users = common();
    users.extend([
        attribute("title", "title"),
        attribute("preferredLanguage", "preferredLanguage"),
        attribute("phoneNumbers[type eq \"mobile\"].value", "mobile"),
        attribute(
            "phoneNumbers[type eq \"fax\"].value",
            "facsimileTelephoneNumber",
        ),
        attribute(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
            "employeeNumber",
        ),
        attribute(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "manager",
        ),
    ]);
    let groups = vec![
        matching("displayName"),
        expression("externalId", EXTERNAL_ID),
        attribute("members", "members"),
    ];
    Template {
        id: "custom",
        name: "Custom SCIM application",
        description: "Any application with a SCIM 2.0 endpoint. Enter its Tenant URL and a token, and adjust the mappings to what it understands.",
        tenant_url: "",
        config: config(users, groups),
    }
}

fn exium() -> Template {
    let mut users = common();
    users.extend([
        attribute("timezone", "timezone"),
        attribute("userType", "userType"),
    ]);
    let groups = vec![matching("displayName"), attribute("members", "members")];
    Template {
        id: "exium",
        name: "Exium",
        description: "Secure network access for people and sites. Creates and disables accounts in an Exium workspace, keeps their attributes current and provisions groups with their members.",
        tenant_url: "https://subapi.exium.net/scim",
        config: config(users, groups),
    }
}

/// What both entries map of a person.
fn common() -> Vec<Mapping> {
    vec![
        matching("userName"),
        attribute("displayName", "displayName"),
        expression("active", ACTIVE),
        attribute("emails[type eq \"work\"].value", "mail"),
        attribute("name.givenName", "givenName"),
        attribute("name.familyName", "surname"),
        attribute("addresses[type eq \"work\"].streetAddress", "streetAddress"),
        attribute("addresses[type eq \"work\"].locality", "city"),
        attribute("addresses[type eq \"work\"].region", "state"),
        attribute("addresses[type eq \"work\"].postalCode", "postalCode"),
        attribute("addresses[type eq \"work\"].country", "country"),
        attribute("phoneNumbers[type eq \"work\"].value", "telephoneNumber"),
        expression("externalId", EXTERNAL_ID),
        attribute(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "department",
        ),
    ]
}

fn config(users: Vec<Mapping>, groups: Vec<Mapping>) -> ApplicationConfig {
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
        interval_minutes: 40,
        default_domain: None,
        dialect: Dialect::default(),
    }
}

fn attribute(target: &str, source: &str) -> Mapping {
    mapping(target, Source::Attribute(source.to_owned()))
}

fn expression(target: &str, text: &str) -> Mapping {
    mapping(target, Source::Expression(text.to_owned()))
}

/// The attribute of the same name finds existing objects.
fn matching(name: &str) -> Mapping {
    Mapping {
        matching: Some(1),
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
