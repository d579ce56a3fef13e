//! The file: JSON lines. A header, each table's rows as arrays, totals, and at last the SHA-256 of all lines before.

use super::whole::{Column, Table, Type};
use crate::{
    Error,
    connection::{Row, Value},
    node::hex,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
};

/// Version of the format.
pub(super) const FORMAT: u32 = 1;
/// Longest line, so that a file that is no backup does not fill the memory.
const LINE: u64 = 256 * 1024 * 1024;
const BUFFER: usize = 1 << 20;

/// The first line. Not for logs: it may hold the key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Header {
    pub(super) tenure_backup: u32,
    pub(super) tenure: String,
    pub(super) engine: String,
    pub(super) created_us: i64,
    /// Number of the last migration.
    pub(super) schema: i64,
    /// Fingerprint of the master key, if it is known.
    pub(super) key: Option<String>,
    /// The master key itself, in hexadecimal digits, if it was wanted in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) master_key: Option<String>,
    pub(super) tables: Vec<TableHeader>,
}

/// A table as the header announces it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableHeader {
    pub(super) name: String,
    /// Name and type of each column.
    pub(super) columns: Vec<(String, String)>,
}

impl TableHeader {
    pub(super) fn of(table: &Table) -> Self {
        let columns = table.columns.iter();
        Self {
            name: table.name.clone(),
            columns: columns
                .map(|column| (column.name.clone(), column.kind.as_str().to_owned()))
                .collect(),
        }
    }

    pub(super) fn columns(&self) -> Result<Vec<Column>, Error> {
        let columns = self.columns.iter().map(|(name, kind)| {
            Ok(Column {
                name: name.clone(),
                kind: Type::from_text(kind)
                    .ok_or_else(|| damaged("a column has a type that does not exist"))?,
            })
        });
        columns.collect()
    }
}

/// Begins a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    table: String,
}

/// The last line but one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Totals {
    /// Rows of each table.
    pub(super) rows: BTreeMap<String, u64>,
    /// The last number that each table with numbers of its own gave.
    pub(super) last: BTreeMap<String, i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    totals: Totals,
}

pub(super) fn damaged(what: &str) -> Error {
    Error::Invalid(format!("the backup is damaged: {what}"))
}

fn unwritable(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Error::Full;
    }
    Error::Database(format!("the backup cannot be written: {error}"))
}

fn checksum_line(digest: &[u8]) -> String {
    format!("{{\"sha256\":\"{}\"}}\n", hex(digest))
}

/// Writes a backup.
pub(super) struct Writer<W: Write> {
    out: BufWriter<W>,
    hash: Sha256,
    line: Vec<u8>,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W, header: &Header) -> Result<Self, Error> {
        let mut writer = Self {
            out: BufWriter::with_capacity(BUFFER, out),
            hash: Sha256::new(),
            line: Vec::new(),
            bytes: 0,
        };
        writer.document(header)?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, name: &str) -> Result<(), Error> {
        self.document(&Begin {
            table: name.to_owned(),
        })
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<(), Error> {
        self.line.clear();
        let separators = std::iter::once(b'[').chain(std::iter::repeat(b','));
        for (value, separator) in row.0.iter().zip(separators) {
            self.line.push(separator);
            cell(&mut self.line, value).map_err(|error| unwritable(&error))?;
        }
        self.line.push(b']');
        self.end_line()
    }

    /// Writes totals and checksum. Returns what was written to, the number of bytes and the checksum.
    pub(super) fn finish(mut self, totals: Totals) -> Result<(W, u64, String), Error> {
        self.document(&End { totals })?;
        let digest = self.hash.clone().finalize();
        let line = checksum_line(&digest);
        self.out
            .write_all(line.as_bytes())
            .map_err(|error| unwritable(&error))?;
        let out = self
            .out
            .into_inner()
            .map_err(|error| unwritable(error.error()))?;
        Ok((out, self.bytes + line.len() as u64, hex(&digest)))
    }

    fn document(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, document)
            .map_err(|error| Error::Database(error.to_string()))?;
        self.end_line()
    }

    fn end_line(&mut self) -> Result<(), Error> {
        self.line.push(b'\n');
        if self.line.len() as u64 > LINE {
            return Err(Error::Database(format!(
                "a row has more than {LINE} bytes and does not fit into a backup"
            )));
        }
        self.hash.update(&self.line);
        self.bytes += self.line.len() as u64;
        self.out
            .write_all(&self.line)
            .map_err(|error| unwritable(&error))
    }
}

fn cell(line: &mut Vec<u8>, value: &Value) -> std::io::Result<()> {
    match value {
        Value::Null => line.write_all(b"null"),
        Value::Integer(number) => write!(line, "{number}"),
        Value::Workspace(workspace) => write!(line, "{}", workspace.0),
        Value::Text(text) => serde_json::to_writer(line, text).map_err(std::io::Error::other),
        Value::Bytes(bytes) => write!(line, "{{\"hex\":\"{}\"}}", hex(bytes)),
    }
}

/// Reads a backup from its beginning to its end.
pub(super) struct Reading {
    file: BufReader<File>,
    hash: Sha256,
    line: Vec<u8>,
    /// The line at hand has not been used yet.
    pending: bool,
    bytes: u64,
    pub(super) header: Header,
}

impl Reading {
    /// Opens the file and reads the header.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let cannot = |error: std::io::Error| {
            Error::Invalid(format!("cannot read {}: {error}", path.display()))
        };
        let mut file = BufReader::with_capacity(BUFFER, File::open(path).map_err(cannot)?);
        let (mut line, mut hash) = (Vec::new(), Sha256::new());
        read_line(&mut file, &mut line)?;
        let foreign = || Error::Invalid(format!("{} is no backup of Tenure", path.display()));
        if !line.starts_with(b"{\"tenureBackup\":") {
            return Err(foreign());
        }
        let version: serde_json::Value = serde_json::from_slice(&line).map_err(|_| foreign())?;
        if version
            .get("tenureBackup")
            .and_then(serde_json::Value::as_u64)
            != Some(FORMAT.into())
        {
            return Err(Error::Invalid(
                "this backup has a format that this version of Tenure does not know".into(),
            ));
        }
        let header: Header =
            serde_json::from_value(version).map_err(|_| damaged("its header is wrong"))?;
        hash.update(&line);
        Ok(Self {
            file,
            hash,
            bytes: line.len() as u64,
            line,
            pending: false,
            header,
        })
    }

    /// Goes on to the next line, unless the one at hand was not used.
    fn advance(&mut self) -> Result<(), Error> {
        if self.pending {
            self.pending = false;
            return Ok(());
        }
        read_line(&mut self.file, &mut self.line)?;
        self.hash.update(&self.line);
        self.bytes += self.line.len() as u64;
        Ok(())
    }

    pub(super) fn table(&mut self, name: &str) -> Result<(), Error> {
        self.advance()?;
        match serde_json::from_slice::<Begin>(&self.line) {
            Ok(begin) if begin.table == name => Ok(()),
            _ => Err(damaged(&format!(
                "the table {name} is not where it should be"
            ))),
        }
    }

    /// The next row of the table at hand.
    pub(super) fn row(&mut self, columns: &[Column]) -> Result<Option<Row>, Error> {
        self.advance()?;
        if self.line.first() == Some(&b'{') {
            self.pending = true;
            return Ok(None);
        }
        let cells: Cells =
            serde_json::from_slice(&self.line).map_err(|_| damaged("a row cannot be read"))?;
        let fits = cells.0.len() == columns.len()
            && cells.0.iter().zip(columns).all(|(value, column)| {
                matches!(
                    (value, column.kind),
                    (Value::Null, _)
                        | (Value::Integer(_), Type::Integer)
                        | (Value::Text(_), Type::Text)
                        | (Value::Bytes(_), Type::Bytes)
                )
            });
        if !fits {
            return Err(damaged("a row does not fit its table"));
        }
        Ok(Some(Row(cells.0)))
    }

    /// Reads what is behind the last table, and checks the checksum. Returns it with the number of bytes.
    pub(super) fn end(mut self) -> Result<(Totals, u64, String), Error> {
        self.advance()?;
        let end: End =
            serde_json::from_slice(&self.line).map_err(|_| damaged("its totals are missing"))?;
        let digest = self.hash.finalize();
        read_line(&mut self.file, &mut self.line)?;
        // Compared as bytes, so that nothing of this line can differ either.
        if self.line != checksum_line(&digest).as_bytes() {
            return Err(damaged("its checksum is another one"));
        }
        let mut more = [0];
        if !matches!(self.file.read(&mut more), Ok(0)) {
            return Err(damaged("something follows its end"));
        }
        Ok((
            end.totals,
            self.bytes + self.line.len() as u64,
            hex(&digest),
        ))
    }
}

/// One line with its end.
fn read_line(file: &mut BufReader<File>, line: &mut Vec<u8>) -> Result<(), Error> {
    line.clear();
    // What one huge line needed is not kept for the small ones behind it.
    line.shrink_to(BUFFER);
    file.take(LINE)
        .read_until(b'\n', line)
        .map_err(|error| Error::Database(format!("the backup cannot be read: {error}")))?;
    match line.last() {
        Some(b'\n') => Ok(()),
        _ => Err(damaged("it ends too early")),
    }
}

/// The values of a row.
struct Cells(Vec<Value>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = Cells;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Cells, A::Error> {
                let mut cells = Vec::new();
                while let Some(Cell(value)) = from.next_element()? {
                    cells.push(value);
                }
                Ok(Cells(cells))
            }
        }
        from.deserialize_seq(Row)
    }
}

struct Cell(Value);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Cell;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell(Value::Null))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell(Value::Integer(number)))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Cell, E> {
                let number = i64::try_from(number).map_err(E::custom)?;
                Ok(Cell(Value::Integer(number)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Cell, A::Error> {
                use serde::de::Error as _;
                let bytes = match from.next_entry::<String, String>()? {
                    Some((name, digits)) if name == "hex" => unhex(&digits),
                    _ => None,
                };
                if from.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom("more than bytes"));
                }
                let bytes = bytes.ok_or_else(|| A::Error::custom("no bytes"))?;
                Ok(Cell(Value::Bytes(bytes)))
            }
        }
        from.deserialize_any(One)
    }
}

/// The bytes of lower-case hexadecimal digits.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect()
}
