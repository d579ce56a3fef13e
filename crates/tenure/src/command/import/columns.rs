//! Which column goes into which attribute.

use crate::error::Failure;
use serde_json::Value;
use tenure_scim::path::Path;
use tenure_scim::schema::{AttributeType, Mutability, SchemaSet};

/// Names that people give to columns, folded, and the attribute that is meant. `manager` takes a userName.
const NAMES: &[(&str, &str)] = &[
    ("username", "userName"),
    ("login", "userName"),
    ("userprincipalname", "userName"),
    ("upn", "userName"),
    ("email", "emails[type eq \"work\"].value"),
    ("mail", "emails[type eq \"work\"].value"),
    ("emailaddress", "emails[type eq \"work\"].value"),
    ("workemail", "emails[type eq \"work\"].value"),
    ("givenname", "name.givenName"),
    ("firstname", "name.givenName"),
    ("middlename", "name.middleName"),
    ("familyname", "name.familyName"),
    ("lastname", "name.familyName"),
    ("surname", "name.familyName"),
    ("displayname", "displayName"),
    ("fullname", "displayName"),
    ("name", "displayName"),
    ("nickname", "nickName"),
    ("title", "title"),
    ("jobtitle", "title"),
    ("usertype", "userType"),
    ("active", "active"),
    ("enabled", "active"),
    ("accountenabled", "active"),
    ("externalid", "externalId"),
    ("language", "preferredLanguage"),
    ("preferredlanguage", "preferredLanguage"),
    ("locale", "locale"),
    ("timezone", "timezone"),
    ("phone", "phoneNumbers[type eq \"work\"].value"),
    ("telephone", "phoneNumbers[type eq \"work\"].value"),
    ("phonenumber", "phoneNumbers[type eq \"work\"].value"),
    ("telephonenumber", "phoneNumbers[type eq \"work\"].value"),
    ("mobile", "phoneNumbers[type eq \"mobile\"].value"),
    ("mobilephone", "phoneNumbers[type eq \"mobile\"].value"),
    ("street", "addresses[type eq \"work\"].streetAddress"),
    ("streetaddress", "addresses[type eq \"work\"].streetAddress"),
    ("city", "addresses[type eq \"work\"].locality"),
    ("state", "addresses[type eq \"work\"].region"),
    ("region", "addresses[type eq \"work\"].region"),
    ("postalcode", "addresses[type eq \"work\"].postalCode"),
    ("zip", "addresses[type eq \"work\"].postalCode"),
    ("country", "addresses[type eq \"work\"].country"),
    (
        "department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    ),
    (
        "division",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    ),
    (
        "organization",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    ),
    (
        "company",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    ),
    (
        "costcenter",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    ),
    (
        "employeenumber",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    ),
    (
        "employeeid",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    ),
    ("manager", MANAGER),
];

/// Path of the attribute whose value is the id of another user.
pub(super) const MANAGER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// Left out.
    Ignored,
    /// The userName of the manager.
    Manager,
    /// An attribute of the path; the flag says that it is a boolean.
    Attribute { path: Box<Path>, boolean: bool },
}

/// Columns of a file.
#[derive(Debug)]
pub(super) struct Columns {
    /// Header names and what they are, in the file's order.
    pub(super) all: Vec<(String, Column)>,
}

/// A name without what people write differently.
fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, ' ' | '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn attribute(text: &str) -> Option<Column> {
    let path = Path::parse(text).ok()?;
    let resolved = path.attribute.resolve(SchemaSet::user())?;
    let is_manager = resolved.extension.is_some() && resolved.attribute.name == "manager";
    if is_manager {
        return Some(Column::Manager);
    }
    let leaf = resolved.sub.unwrap_or(resolved.attribute);
    if leaf.mutability == Mutability::ReadOnly || leaf.kind == AttributeType::Complex {
        return None;
    }
    Some(Column::Attribute {
        boolean: leaf.kind == AttributeType::Boolean,
        path: Box::new(path),
    })
}

fn column(name: &str) -> Option<Column> {
    let wanted = folded(name);
    NAMES
        .iter()
        .find(|(known, _)| *known == wanted)
        .and_then(|(_, path)| attribute(path))
        .or_else(|| attribute(name))
}

impl Columns {
    /// Resolves a header. `map` holds `COLUMN=ATTRIBUTE`.
    pub(super) fn resolve(
        header: &[String],
        map: &[String],
        ignore_unknown: bool,
    ) -> Result<Self, Failure> {
        let given = map
            .iter()
            .map(|entry| given(header, entry))
            .collect::<Result<Vec<_>, _>>()?;
        let mut all = Vec::new();
        let mut unknown = Vec::new();
        for name in header {
            let chosen = given
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, to)| to.clone());
            match chosen.or_else(|| column(name)) {
                Some(column) => all.push((name.clone(), column)),
                None => {
                    unknown.push(format!("\"{name}\""));
                    all.push((name.clone(), Column::Ignored));
                }
            }
        }
        if !unknown.is_empty() && !ignore_unknown {
            return Err(
                Failure::usage(format!("unknown columns: {}", unknown.join(", ")))
                    .hint("give --map \"COLUMN=ATTRIBUTE\" for each, or --ignore-unknown-columns"),
            );
        }
        if !unknown.is_empty() {
            crate::output::note(&format!("ignored columns: {}", unknown.join(", ")));
        }
        let columns = Self { all };
        columns.check()?;
        Ok(columns)
    }

    fn check(&self) -> Result<(), Failure> {
        for (position, (name, column)) in self.all.iter().enumerate() {
            let same = self
                .all
                .iter()
                .skip(position + 1)
                .find(|(_, other)| *column != Column::Ignored && column == other);
            if let Some((other, _)) = same {
                return Err(Failure::usage(format!(
                    "columns \"{name}\" and \"{other}\" go into the same attribute"
                ))
                .hint(format!("leave one out with --map \"{other}=-\"")));
            }
        }
        if !self.all.iter().any(|(_, column)| is_user_name(column)) {
            return Err(Failure::usage("no column for userName")
                .hint("name a column userName, or give --map \"COLUMN=userName\""));
        }
        Ok(())
    }
}

/// Whether a column holds the userName.
pub(super) fn is_user_name(column: &Column) -> bool {
    matches!(column, Column::Attribute { path, .. }
        if path.filter.is_none() && path.attribute.sub.is_none() && path.attribute.attribute.eq_ignore_ascii_case("userName"))
}

/// One `COLUMN=ATTRIBUTE`.
fn given(header: &[String], entry: &str) -> Result<(String, Column), Failure> {
    let (name, to) = entry
        .rsplit_once('=')
        .ok_or_else(|| Failure::usage(format!("--map \"{entry}\" is not COLUMN=ATTRIBUTE")))?;
    if !header.iter().any(|column| column == name) {
        return Err(Failure::usage(format!(
            "--map \"{entry}\": the file has no column \"{name}\""
        ))
        .hint(format!("it has: {}", header.join(", "))));
    }
    let column = match to {
        "" | "-" => Some(Column::Ignored),
        to => column(to),
    };
    column
        .map(|column| (name.to_owned(), column))
        .ok_or_else(|| {
            Failure::usage(format!(
                "--map \"{entry}\": a user has no attribute \"{to}\" that can be set"
            ))
        })
}

/// The value of a cell.
pub(super) fn value(boolean: bool, cell: &str) -> Result<Value, String> {
    if !boolean {
        return Ok(cell.into());
    }
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "1" | "active" | "enabled" => Ok(true.into()),
        "false" | "no" | "0" | "inactive" | "disabled" => Ok(false.into()),
        _ => Err(format!("\"{cell}\" is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &[&str], map: &[&str], expected: Result<&[&str], &str>) {
        let own = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        let columns = Columns::resolve(&own(header), &own(map), false);
        match (columns, expected) {
            (Ok(columns), Ok(expected)) => {
                let seen: Vec<String> = columns
                    .all
                    .iter()
                    .map(|(_, column)| match column {
                        Column::Ignored => "-".to_owned(),
                        Column::Manager => "manager".to_owned(),
                        Column::Attribute { path, .. } => path.to_string(),
                    })
                    .collect();
                assert_eq!(seen, expected, "{header:?}");
            }
            (Err(failure), Err(expected)) => {
                assert!(failure.message.contains(expected), "{}", failure.message);
            }
            (columns, _) => panic!("{header:?}: {columns:?}"),
        }
    }

    #[test]
    fn every_known_name_is_an_attribute() {
        for (name, path) in NAMES {
            assert!(attribute(path).is_some(), "{name}: {path}");
            assert_eq!(*name, folded(name));
        }
    }

    #[test]
    fn columns_are_understood() {
        check(
            &[
                "User Name",
                "E-Mail",
                "first_name",
                "Manager",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
            ],
            &[],
            Ok(&[
                "userName",
                "emails[type eq \"work\"].value",
                "name.givenName",
                "manager",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
            ]),
        );
        check(&["login", "Shoe"], &["Shoe=-"], Ok(&["userName", "-"]));
        check(
            &["id", "Who"],
            &["Who=userName", "id=externalId"],
            Ok(&["externalId", "userName"]),
        );
        check(
            &["login", "Shoe", "Hat"],
            &[],
            Err("unknown columns: \"Shoe\", \"Hat\""),
        );
        check(&["login", "upn"], &[], Err("\"login\" and \"upn\""));
        check(&["mail"], &[], Err("no column for userName"));
        check(&["login"], &["Shoe=title"], Err("no column \"Shoe\""));
        check(
            &["login", "Shoe"],
            &["Shoe=meta.created"],
            Err("no attribute \"meta.created\""),
        );
    }
}
