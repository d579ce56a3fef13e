//! People as a file to import.

use crate::{ENTERPRISE, Person};
use serde_json::Value;

/// A column: its name and where its value stands in the document, as a JSON pointer.
const COLUMNS: [(&str, &str); 19] = [
    ("userName", "/userName"),
    ("first name", "/name/givenName"),
    ("last name", "/name/familyName"),
    ("displayName", "/displayName"),
    ("email", "/emails/0/value"),
    ("phone", "/phoneNumbers/0/value"),
    ("title", "/title"),
    ("department", "department"),
    ("employeeNumber", "employeeNumber"),
    ("costCenter", "costCenter"),
    ("street", "/addresses/0/streetAddress"),
    ("city", "/addresses/0/locality"),
    ("region", "/addresses/0/region"),
    ("postalCode", "/addresses/0/postalCode"),
    ("country", "/addresses/0/country"),
    ("timezone", "/timezone"),
    ("userType", "/userType"),
    ("preferredLanguage", "/preferredLanguage"),
    ("active", "/active"),
];

/// The header line, without line end. The last column, `manager`, holds the manager's `userName`.
pub fn csv_header() -> String {
    let mut names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    names.push("manager");
    names.join(",")
}

/// One person's line (RFC 4180), without line end; `manager` is the manager's `userName` or empty.
pub fn csv_line(person: &Person, manager: &str) -> String {
    let mut cells: Vec<String> = COLUMNS
        .iter()
        .map(|(_, place)| cell(value(person, place)))
        .collect();
    cells.push(quoted(manager));
    cells.join(",")
}

/// A whole file: header and a line for each person, each ended by a line feed.
pub fn csv(people: &[Person]) -> String {
    let mut text = csv_header();
    text.push('\n');
    for person in people {
        let manager = person.manager.and_then(|index| people.get(index));
        text.push_str(&csv_line(person, manager.map_or("", Person::user_name)));
        text.push('\n');
    }
    text
}

fn value<'a>(person: &'a Person, place: &str) -> Option<&'a Value> {
    let Some((first, rest)) = place
        .strip_prefix('/')
        .map(|path| path.split_once('/').unwrap_or((path, "")))
    else {
        return person.document.get(ENTERPRISE)?.get(place);
    };
    let value = person.document.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        value.pointer(&format!("/{rest}"))
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_person_has_a_full_line() {
        let people = crate::people(100, 7);
        let text = csv(&people);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 101);
        assert!(lines[0].starts_with("userName,first name,last name,"));
        for (person, line) in people.iter().zip(&lines[1..]) {
            assert!(line.starts_with(person.user_name()), "{line}");
            // No cell is empty, except that the first person has no manager.
            assert!(!line.contains(",,"), "{line}");
            assert_eq!(line.ends_with(','), person.manager.is_none(), "{line}");
        }
        assert!(lines[2].ends_with(people[people[1].manager.unwrap()].user_name()));
    }

    #[test]
    fn cells_with_marks_are_quoted() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
