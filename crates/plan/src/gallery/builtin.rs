//! Entries that are written by hand.

use super::{
    AddressSource, Authentication, Confidence, Leaving, Template,
    mapping::{attribute, config, for_people, group_mappings, matching},
};

fn blank(id: &'static str, name: &'static str) -> Template {
    Template {
        id,
        name,
        category: "",
        description: String::new(),
        tenant_url: "",
        tenant_url_pattern: "",
        address: AddressSource::Customer,
        authentication: Authentication::Bearer,
        authentication_note: String::new(),
        speaks_scim: true,
        takes_patch: true,
        page_size: None,
        leaving: Leaving::Disable,
        unmapped: Vec::new(),
        required: vec!["userName".to_owned()],
        notes: Vec::new(),
        confidence: None,
        sources: Vec::new(),
        config: config(Vec::new(), Vec::new()),
    }
}

pub(super) fn custom() -> Template {
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
    let groups = group_mappings(&["displayName", "externalId", "members"], &["displayName"]);
    Template {
        description: "Any application with a SCIM 2.0 endpoint. Enter its Tenant URL and a token, and adjust the mappings to what it understands.".to_owned(),
        config: config(users, groups),
        ..blank("custom", "Custom SCIM application")
    }
}

pub(super) fn exium() -> Template {
    let mut users = common();
    users.extend([
        attribute("timezone", "timezone"),
        attribute("userType", "userType"),
    ]);
    let groups = group_mappings(&["displayName", "members"], &["displayName"]);
    Template {
        category: "security",
        description: "Secure network access for people and sites. Creates and disables accounts in an Exium workspace, keeps their attributes current and provisions groups with their members.".to_owned(),
        tenant_url: "https://subapi.exium.net/scim",
        tenant_url_pattern: "https://subapi.exium.net/scim",
        address: AddressSource::Documented,
        confidence: Some(Confidence::High),
        config: config(users, groups),
        ..blank("exium", "Exium")
    }
}

/// What both entries map of a person.
fn common() -> Vec<crate::config::Mapping> {
    let mut mappings = vec![matching("userName", 1)];
    mappings.extend(
        [
            "displayName",
            "active",
            "emails[type eq \"work\"].value",
            "name.givenName",
            "name.familyName",
            "addresses[type eq \"work\"].streetAddress",
            "addresses[type eq \"work\"].locality",
            "addresses[type eq \"work\"].region",
            "addresses[type eq \"work\"].postalCode",
            "addresses[type eq \"work\"].country",
            "phoneNumbers[type eq \"work\"].value",
            "externalId",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ]
        .into_iter()
        .filter_map(for_people),
    );
    mappings
}
