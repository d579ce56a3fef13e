//! What attributes of people and groups are called at Entra ID and here.

use crate::{config::ObjectKind, expression::Expression, source::resolve};

/// Attributes that configurations call by their SCIM name: at Entra, here.
const RENAMED: [(&str, &str); 7] = [
    ("userPrincipalName", "userName"),
    ("accountEnabled", "active"),
    ("jobTitle", "title"),
    ("employeeId", "employeeNumber"),
    ("employeeType", "userType"),
    ("companyName", "organization"),
    (
        "physicalDeliveryOfficeName",
        "addresses[type eq \"other\"].formatted",
    ),
];

/// Attributes of people with the same name on both sides.
const OF_PEOPLE: [&str; 21] = [
    "objectId",
    "IsSoftDeleted",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mailNickname",
    "telephoneNumber",
    "mobile",
    "facsimileTelephoneNumber",
    "streetAddress",
    "city",
    "state",
    "postalCode",
    "country",
    "department",
    "manager",
    "preferredLanguage",
    "originalUserPrincipalName",
    "otherMails",
    "proxyAddresses",
];
const ROLES: &str = "appRoleAssignments";

/// Attributes of groups with the same name on both sides.
const OF_GROUPS: [&str; 4] = ["objectId", "IsSoftDeleted", "displayName", "members"];

/// What an attribute of Entra is called here. Unknown names stay as they are.
pub(super) fn from_entra(kind: ObjectKind, name: &str) -> String {
    let name = name.trim();
    let renamed = RENAMED
        .iter()
        .find(|(entra, _)| kind == ObjectKind::User && entra.eq_ignore_ascii_case(name));
    renamed.map_or(name, |(_, here)| here).to_owned()
}

/// What a source attribute is called at Entra, or `Err` with the same name if Entra has no such attribute.
pub(super) fn to_entra(kind: ObjectKind, name: &str) -> Result<String, String> {
    let name = name.trim();
    let known: Vec<&str> = match kind {
        ObjectKind::User => OF_PEOPLE.into_iter().chain([ROLES]).collect(),
        ObjectKind::Group => OF_GROUPS.to_vec(),
    };
    let people = kind == ObjectKind::User;
    let renamed = RENAMED.iter().filter(|_| people);
    if let Some((entra, _)) = renamed
        .clone()
        .find(|(_, here)| here.eq_ignore_ascii_case(name))
    {
        return Ok((*entra).to_owned());
    }
    let mut all = known.into_iter().chain(renamed.map(|(entra, _)| *entra));
    if all.clone().any(|entra| entra.eq_ignore_ascii_case(name)) {
        return Ok(name.to_owned());
    }
    // Another way to write the same place: `name.givenName` for `givenName`.
    let path = resolve(kind, name).map_err(|_| name.to_owned())?;
    all.find(|entra| resolve(kind, entra).is_ok_and(|other| other == path))
        .map(str::to_owned)
        .ok_or_else(|| name.to_owned())
}

/// An expression with Entra's names as one with ours; text that is no expression stays as it is.
pub(super) fn expression_from_entra(kind: ObjectKind, text: &str) -> String {
    Expression::parse(text).map_or_else(
        |_| text.to_owned(),
        |expression| expression.renamed(&|name| from_entra(kind, name)),
    )
}
