//! Names of source attributes: SCIM paths, and the Entra names administrators know (`userPrincipalName`, `givenName`, `mail`, …).

use crate::{
    config::ObjectKind,
    expression::Attributes,
    facts::SourceObject,
    target::{ENTERPRISE, TargetPath, get},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A source attribute, resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SourcePath {
    /// A place in the document.
    Document(TargetPath),
    Id,
    /// Missing counts as true.
    Active,
    /// Computed: out of scope, inactive or deleted.
    SoftDeleted,
    /// Work address, else the primary one, else the first.
    Mail,
    /// User name up to the `@`.
    MailNickname,
}

impl SourcePath {
    /// Whether the attribute says that access ends.
    pub(crate) fn tells_access(&self) -> bool {
        matches!(self, Self::Active | Self::SoftDeleted)
    }
}

/// Names used by a configuration, in lower case, with how they are written there.
pub(crate) type Names = BTreeMap<String, (String, SourcePath)>;

/// Attributes of the core and enterprise user schemas (RFC 7643 sections 3.1, 4.1 and 4.3).
const USER: [&str; 22] = [
    "userName",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "externalId",
    "meta",
    "schemas",
];
const ENTERPRISE_USER: [&str; 6] = [
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
    "manager",
];
const GROUP: [&str; 4] = ["displayName", "externalId", "meta", "schemas"];

/// Names known from Microsoft Entra ID → SCIM path; `:` in front: enterprise extension.
const ALIASES: [(&str, &str); 25] = [
    ("userPrincipalName", "userName"),
    ("originalUserPrincipalName", "userName"),
    ("givenName", "name.givenName"),
    ("surname", "name.familyName"),
    ("middleName", "name.middleName"),
    ("jobTitle", "title"),
    ("employeeType", "userType"),
    ("employeeId", ":employeeNumber"),
    ("companyName", ":organization"),
    ("telephoneNumber", "phoneNumbers[type eq \"work\"].value"),
    ("businessPhones", "phoneNumbers[type eq \"work\"].value"),
    ("mobile", "phoneNumbers[type eq \"mobile\"].value"),
    ("mobilePhone", "phoneNumbers[type eq \"mobile\"].value"),
    (
        "facsimileTelephoneNumber",
        "phoneNumbers[type eq \"fax\"].value",
    ),
    ("faxNumber", "phoneNumbers[type eq \"fax\"].value"),
    ("streetAddress", "addresses[type eq \"work\"].streetAddress"),
    ("city", "addresses[type eq \"work\"].locality"),
    ("state", "addresses[type eq \"work\"].region"),
    ("postalCode", "addresses[type eq \"work\"].postalCode"),
    ("country", "addresses[type eq \"work\"].country"),
    (
        "physicalDeliveryOfficeName",
        "addresses[type eq \"other\"].formatted",
    ),
    ("officeLocation", "addresses[type eq \"other\"].formatted"),
    ("proxyAddresses", "emails[type eq \"other\"].value"),
    ("appRoleAssignments", "roles"),
    ("otherMails", "emails[type eq \"other\"].value"),
];

/// Source attribute names to offer for a kind of object, the short ones first.
#[must_use]
pub fn names(kind: ObjectKind) -> Vec<String> {
    let mut names: Vec<&str> = vec!["id", "objectId", "externalId", "displayName"];
    if kind == ObjectKind::User {
        names.extend([
            "active",
            "accountEnabled",
            "IsSoftDeleted",
            "mail",
            "mailNickname",
        ]);
        names.extend(ALIASES.iter().map(|(alias, _)| *alias));
        names.extend(ENTERPRISE_USER);
        names.extend(USER.iter().filter(|name| {
            !matches!(
                **name,
                "meta" | "schemas" | "name" | "externalId" | "displayName"
            )
        }));
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Finds what a name means, or says that there is no such attribute.
pub(crate) fn resolve(kind: ObjectKind, name: &str) -> Result<SourcePath, String> {
    let lower = name.to_ascii_lowercase();
    match (lower.as_str(), kind) {
        ("id" | "objectid", _) => return Ok(SourcePath::Id),
        ("active" | "accountenabled", ObjectKind::User) => return Ok(SourcePath::Active),
        ("issoftdeleted", _) => return Ok(SourcePath::SoftDeleted),
        ("mail", ObjectKind::User) => return Ok(SourcePath::Mail),
        ("mailnickname", ObjectKind::User) => return Ok(SourcePath::MailNickname),
        _ => {}
    }
    if kind == ObjectKind::User
        && let Some(path) = user_path(&lower)
    {
        return TargetPath::parse(&path).map(SourcePath::Document);
    }
    let path = TargetPath::parse(name)?;
    let known: &[&str] = if kind == ObjectKind::User {
        &USER
    } else {
        &GROUP
    };
    if path.schema.is_none()
        && !known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&path.attribute))
    {
        return Err(format!(
            "There is no source attribute `{name}`; attributes of an extension begin with its URN"
        ));
    }
    Ok(SourcePath::Document(path))
}

/// Path behind an alias or an attribute of the enterprise extension.
fn user_path(lower: &str) -> Option<String> {
    let enterprise = |name: &str| format!("{ENTERPRISE}:{name}");
    if let Some(name) = ENTERPRISE_USER
        .iter()
        .find(|name| name.eq_ignore_ascii_case(lower))
    {
        return Some(enterprise(name));
    }
    let (_, path) = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(lower))?;
    Some(
        path.strip_prefix(':')
            .map_or_else(|| (*path).to_owned(), enterprise),
    )
}

/// Whether the object is active at the source; a missing `active` counts as true, and groups always are.
#[must_use]
pub fn is_active(kind: ObjectKind, document: &Map<String, Value>) -> bool {
    if kind == ObjectKind::Group {
        return true;
    }
    match get(document, "active") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(text)) => !text.eq_ignore_ascii_case("false"),
        _ => true,
    }
}

/// A source object as expressions see it.
pub struct SourceView<'a> {
    kind: ObjectKind,
    source: &'a SourceObject,
    soft_deleted: bool,
    names: Option<&'a Names>,
    /// Members of the document count under their own names first: `{"givenName": "Ada"}` has `[givenName]`.
    as_named: bool,
}

impl<'a> SourceView<'a> {
    /// An object on its own, for trying an expression.
    #[must_use]
    pub fn new(kind: ObjectKind, source: &'a SourceObject) -> Self {
        Self {
            kind,
            source,
            soft_deleted: !is_active(kind, &source.document),
            names: None,
            as_named: false,
        }
    }

    /// An object that somebody wrote for a trial: a SCIM document, or attributes under the names that expressions and
    /// filters use, or both.
    #[must_use]
    pub fn as_named(kind: ObjectKind, source: &'a SourceObject) -> Self {
        Self {
            as_named: true,
            ..Self::new(kind, source)
        }
    }

    pub(crate) fn planned(
        kind: ObjectKind,
        source: &'a SourceObject,
        soft_deleted: bool,
        names: &'a Names,
    ) -> Self {
        Self {
            kind,
            source,
            soft_deleted,
            names: Some(names),
            as_named: false,
        }
    }

    /// The value of a resolved name.
    pub(crate) fn read_named(&self, name: &str, path: &SourcePath) -> Option<Value> {
        self.written(name).or_else(|| self.read(path))
    }

    fn written(&self, name: &str) -> Option<Value> {
        if !self.as_named {
            return None;
        }
        get(&self.source.document, name.trim()).cloned()
    }

    /// The value as it is in the document: lists of complex values stay complex.
    pub(crate) fn read(&self, path: &SourcePath) -> Option<Value> {
        let document = &self.source.document;
        match path {
            SourcePath::Document(path) => path.read(document),
            SourcePath::Id => Some(Value::from(self.source.id.as_str())),
            SourcePath::Active => Some(Value::Bool(!self.soft_deleted)),
            SourcePath::SoftDeleted => Some(Value::Bool(self.soft_deleted)),
            SourcePath::Mail => mail(document),
            SourcePath::MailNickname => {
                let user_name = get(document, "userName")?.as_str()?;
                Some(Value::from(
                    user_name.split('@').next().unwrap_or(user_name),
                ))
            }
        }
    }
}

impl Attributes for SourceView<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        self.get_whole(name).map(flatten)
    }

    fn get_whole(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.written(name) {
            return Some(value);
        }
        let known = self
            .names
            .and_then(|names| names.get(&name.to_ascii_lowercase()));
        match known {
            Some((_, path)) => self.read(path),
            None => self.read(&resolve(self.kind, name).ok()?),
        }
    }
}

/// `[{"value": "a"}, {"value": "b"}]` as `["a", "b"]`, `{"value": "a"}` as `"a"`.
fn flatten(value: Value) -> Value {
    match value {
        Value::Array(elements) => Value::Array(elements.into_iter().map(flatten).collect()),
        Value::Object(map) => match get(&map, "value") {
            Some(inner) => inner.clone(),
            None => Value::Object(map),
        },
        other => other,
    }
}

fn mail(document: &Map<String, Value>) -> Option<Value> {
    let emails: Vec<&Map<String, Value>> = get(document, "emails")?
        .as_array()?
        .iter()
        .filter_map(Value::as_object)
        .collect();
    let work = |email: &&&Map<String, Value>| {
        get(email, "type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let primary = |email: &&&Map<String, Value>| get(email, "primary") == Some(&Value::Bool(true));
    let chosen = emails
        .iter()
        .find(work)
        .or_else(|| emails.iter().find(primary))
        .or_else(|| emails.first())?;
    get(chosen, "value").cloned()
}
