//! From a line of the file to a user that can be written.

use super::columns::{Column, Columns, MANAGER, is_user_name, value};
use super::lines::{BadLine, Lines};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead};
use tenure_scim::patch::{self, Operation, OperationKind};
use tenure_scim::path::Path;
use tenure_scim::schema::SchemaSet;
use tenure_scim::{Document, ScimError, json as scim_json, validate};

/// What a row says about a user that exists.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Attributes to set; others stay.
    Set(Vec<Operation>),
    /// The whole document.
    Replace(Document),
}

/// A row that passed every check that needs no directory.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) user_name: String,
    /// The user when it is new.
    pub(super) new: Document,
    /// The user when it exists.
    pub(super) change: Change,
    /// userName of the manager.
    pub(super) manager: Option<String>,
}

/// userNames seen in the file, as 128 bits each: names themselves would make memory grow with their length.
pub(super) struct Names {
    seen: HashSet<u128>,
    keys: (RandomState, RandomState),
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            seen: HashSet::new(),
            keys: (RandomState::new(), RandomState::new()),
        }
    }

    fn key(&self, name: &str) -> u128 {
        let folded = name.to_lowercase();
        (u128::from(self.keys.0.hash_one(&folded)) << 64)
            | u128::from(self.keys.1.hash_one(&folded))
    }

    /// Remembers a name; false when it was there.
    pub(super) fn insert(&mut self, name: &str) -> bool {
        let key = self.key(name);
        self.seen.insert(key)
    }

    /// Whether the name was in the file.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.seen.contains(&self.key(name))
    }
}

/// The rows of a file in order.
pub(super) struct Rows<R> {
    pub(super) lines: Lines<R>,
    shape: Shape,
}

/// What a line is.
#[derive(Debug)]
pub(super) enum Shape {
    Csv { columns: Columns, delimiter: u8 },
    Jsonl,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(lines: Lines<R>, shape: Shape) -> Self {
        Self { lines, shape }
    }

    /// The next row or bad line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, BadLine>>> {
        match &self.shape {
            Shape::Csv { columns, delimiter } => {
                let record = self.lines.record(*delimiter, Some(columns.all.len()))?;
                Ok(record.map(|(line, record)| csv_row(columns, line, &record?)))
            }
            Shape::Jsonl => loop {
                match self.lines.next()? {
                    Some((_, Ok(text))) if text.iter().all(u8::is_ascii_whitespace) => {}
                    Some((line, text)) => {
                        return Ok(Some(text.and_then(|text| json_row(line, &text))));
                    }
                    None => return Ok(None),
                }
            },
        }
    }
}

fn in_column(line: u64, column: &str, message: impl Into<String>) -> BadLine {
    BadLine {
        line,
        column: Some(column.to_owned()),
        message: message.into(),
    }
}

fn csv_row(columns: &Columns, line: u64, cells: &[Vec<u8>]) -> Result<Row, BadLine> {
    let mut operations = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut manager = None;
    let mut name_column = "userName";
    for ((name, column), cell) in columns.all.iter().zip(cells) {
        if is_user_name(column) {
            name_column = name;
        }
        if *column == Column::Ignored {
            continue;
        }
        let cell = std::str::from_utf8(cell).map_err(|error| {
            in_column(
                line,
                name,
                format!("not UTF-8 at byte {}", error.valid_up_to() + 1),
            )
        })?;
        let cell = cell.trim();
        match column {
            _ if cell.is_empty() => {}
            Column::Ignored => {}
            Column::Manager => manager = Some(cell.to_owned()),
            Column::Attribute { path, boolean } => {
                let value =
                    value(*boolean, cell).map_err(|message| in_column(line, name, message))?;
                names.push(name);
                operations.push(set(path, value));
            }
        }
    }
    if !names.contains(&name_column) {
        return Err(in_column(line, name_column, "the userName is empty"));
    }
    let mut new = Document::new();
    if patch::apply(SchemaSet::user(), "", &mut new, &operations).is_err() {
        return Err(to_blame(line, &names, &operations));
    }
    let new = validate::create(SchemaSet::user(), new)
        .map_err(|error| BadLine::new(line, error.detail))?
        .document;
    row(line, new, Change::Set(operations), manager)
}

/// Which column the schema refuses: found one by one, because applying each alone is slow for the many good rows.
fn to_blame(line: u64, names: &[&str], operations: &[Operation]) -> BadLine {
    let mut document = Document::new();
    // What every user must have; otherwise the first column would be blamed for the lack of it.
    document.insert("userName".to_owned(), json!("somebody"));
    for (name, operation) in names.iter().zip(operations) {
        let alone = std::slice::from_ref(operation);
        if let Err(error) = patch::apply(SchemaSet::user(), "", &mut document, alone) {
            return in_column(line, name, error.detail);
        }
    }
    BadLine::new(line, "the columns contradict each other")
}

fn json_row(line: u64, text: &[u8]) -> Result<Row, BadLine> {
    let bad = |error: ScimError| BadLine::new(line, error.detail);
    let body = scim_json::parse_object(text).map_err(bad)?;
    let validated = validate::create(SchemaSet::user(), body.clone()).map_err(bad)?;
    if !validated.ignored.is_empty() {
        let message = format!("unknown attributes: {}", validated.ignored.join(", "));
        return Err(BadLine::new(line, message));
    }
    row(line, validated.document, Change::Replace(body), None)
}

fn row(line: u64, new: Document, change: Change, manager: Option<String>) -> Result<Row, BadLine> {
    let user_name = new
        .get("userName")
        .and_then(Value::as_str)
        .ok_or_else(|| BadLine::new(line, "the userName is missing"))?
        .to_owned();
    Ok(Row {
        line,
        user_name,
        new,
        change,
        manager,
    })
}

fn set(path: &Path, value: Value) -> Operation {
    Operation {
        kind: OperationKind::Replace,
        path: path.clone(),
        value: Some(value),
    }
}

/// Sets the manager to a user of this id.
pub(super) fn set_manager(id: &str) -> Result<Operation, ScimError> {
    Ok(set(&Path::parse(MANAGER)?, json!({ "value": id })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Good rows as their new documents, bad ones as `line column: message`.
    fn read(text: &[u8], csv: bool) -> (Vec<Value>, Vec<String>) {
        let mut lines = Lines::new(text);
        let shape = if csv {
            let (_, header) = lines.record(b',', None).unwrap().unwrap();
            let names: Vec<String> = header
                .unwrap()
                .into_iter()
                .map(|name| String::from_utf8(name).unwrap())
                .collect();
            Shape::Csv {
                columns: Columns::resolve(&names, &[], false).unwrap(),
                delimiter: b',',
            }
        } else {
            Shape::Jsonl
        };
        let mut rows = Rows::new(lines, shape);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().unwrap() {
            match row {
                Ok(row) => good.push(Value::Object(row.new)),
                Err(line) => {
                    let column = line.column.unwrap_or_default();
                    bad.push(format!("{} {column}: {}", line.line, line.message));
                }
            }
        }
        (good, bad)
    }

    #[test]
    fn csv_becomes_documents() {
        let text = "Login,E-Mail,First name,department,active,phone,mobile,city\n\
            ada,ada@a.example, Ada ,Mills,No,1,2,Oslo\nbo,,,,,,,\n";
        let (good, bad) = read(text.as_bytes(), true);
        assert_eq!(bad, Vec::<String>::new());
        let ada = &good[0];
        assert_eq!(ada["userName"], "ada");
        assert_eq!(
            ada["emails"],
            json!([{ "value": "ada@a.example", "type": "work" }])
        );
        assert_eq!(ada["name"]["givenName"], "Ada");
        assert_eq!(ada["active"], false);
        assert_eq!(ada["phoneNumbers"].as_array().unwrap().len(), 2);
        assert_eq!(
            ada["addresses"],
            json!([{ "type": "work", "locality": "Oslo" }])
        );
        assert_eq!(
            ada["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"],
            "Mills"
        );
        assert!(ada["schemas"].as_array().unwrap().len() == 2, "{ada}");
        let (good_late, bad) = read(b"title,userName\nBoss,zed\n", true);
        assert_eq!(
            (good_late[0]["title"].as_str(), bad.len()),
            (Some("Boss"), 0),
            "{bad:?}"
        );
        assert_eq!(
            good[1].as_object().unwrap().len(),
            2,
            "empty cells give nothing: {}",
            good[1]
        );
    }

    #[test]
    fn bad_cells_name_line_and_column() {
        let text = b"userName,active,title\na,perhaps,\n,yes,\nb,yes,\xff\nc,yes\n";
        let (good, bad) = read(text, true);
        assert!(good.is_empty(), "{good:?}");
        assert_eq!(
            bad,
            [
                "2 active: \"perhaps\" is neither true nor false",
                "3 userName: the userName is empty",
                "4 title: not UTF-8 at byte 1",
                "5 : the line has 2 fields, the header has 3",
            ]
        );
    }

    #[test]
    fn jsonl_lines() {
        let text = b"{\"userName\":\"a\",\"active\":\"False\"}\n\n{\n{\"title\":\"x\"}\n{\"userName\":\"b\",\"shoe\":1}\n[]";
        let (good, bad) = read(text, false);
        assert_eq!(good[0]["active"], false);
        let lines: Vec<&str> = bad
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(lines, ["3", "4", "5", "6"], "{bad:?}");
        assert!(bad[2].ends_with("unknown attributes: shoe"), "{bad:?}");
    }

    #[test]
    fn names_fold_case() {
        let mut names = Names::new();
        assert!(names.insert("Björn"));
        assert!(!names.insert("BJÖRN"));
        assert!(names.contains("björn") && !names.contains("bjorn"));
    }
}
