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
    let mut new = Document::new();
    if patch::apply(SchemaSet::user(), "", &mut new, &operations).is_err() {
        return Err(to_blame(line, &names, &operations));
    }
    if !new.contains_key("userName") {
        return Err(in_column(line, name_column, "the userName is empty"));
    }
    let new = validate::create(SchemaSet::user(), new)
        .map_err(|error| BadLine::new(line, error.detail))?
        .document;
    row(line, new, Change::Set(operations), manager)
}

/// Which column the schema refuses: found one by one, because applying each alone is slow for the many good rows.
fn to_blame(line: u64, names: &[&str], operations: &[Operation]) -> BadLine {
    let mut document = Document::new();
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
