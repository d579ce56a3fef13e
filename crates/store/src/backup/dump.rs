//! Making a backup.

use super::{
    LEFT_OUT, Manifest,
    format::{FORMAT, Header, TableHeader, Totals, Writer},
    on_present,
    whole::{Depth, Whole},
};
use crate::{Error, TimeUs, migrate, node};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

/// What a backup is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Put the master key into the file: whoever has the file then has all secrets.
    pub key: bool,
    /// Replace a file of that name.
    pub overwrite: bool,
    /// The present time.
    pub now_us: TimeUs,
}

/// Backs up a database into a file that only its owner may read. The file appears under its name when it is whole and on disk.
/// Servers go on meanwhile. The schema may be older than this version's.
///
/// # Errors
///
/// `NotFound` when there is no database, `Conflict` when the file exists, `Invalid` when the database was made by a newer
/// version or the key is wanted and is another one, `Database` when the database is damaged or anything else fails.
pub fn create(
    directory: &Path,
    database: Option<&str>,
    file: &Path,
    wanted: Wanted,
) -> Result<Manifest, Error> {
    if !wanted.overwrite && file.try_exists().unwrap_or(true) {
        return Err(taken(file));
    }
    let random = node::hex(&node::random::<4>()?);
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{random}.partial"));
    let draft = file.with_file_name(name);
    let result = into_draft(directory, database, &draft, wanted)
        .and_then(|manifest| name_it(&draft, file, wanted).map(|()| manifest));
    if result.is_err() {
        // Best effort: its name says that it is not whole.
        let _ = std::fs::remove_file(&draft);
    }
    result
}

fn taken(file: &Path) -> Error {
    Error::Conflict(format!("{} exists already", file.display()))
}

fn into_draft(
    directory: &Path,
    database: Option<&str>,
    draft: &Path,
    wanted: Wanted,
) -> Result<Manifest, Error> {
    node::private_file(draft)?;
    let out = OpenOptions::new()
        .write(true)
        .open(draft)
        .map_err(|error| node::io("write", draft, &error))?;
    let (out, manifest) = write(directory, database, out, wanted)?;
    File::sync_all(&out).map_err(|error| node::io("sync", draft, &error))?;
    Ok(manifest)
}

fn name_it(draft: &Path, file: &Path, wanted: Wanted) -> Result<(), Error> {
    if wanted.overwrite {
        std::fs::rename(draft, file).map_err(|error| node::io("create", file, &error))?;
        return node::sync_directory_of(file);
    }
    match node::publish(draft, file)? {
        true => Ok(()),
        false => Err(taken(file)),
    }
}

/// [`create`] without a file: whoever reads has to see to it that all of it arrives. Returns the writer.
///
/// # Errors
///
/// As [`create`].
pub fn write<W: Write + Send>(
    directory: &Path,
    database: Option<&str>,
    out: W,
    wanted: Wanted,
) -> Result<(W, Manifest), Error> {
    let key = node::present_key(directory)?;
    let engine = if database.is_some() {
        "postgres"
    } else {
        "sqlite"
    };
    on_present(directory, database, |whole| {
        let header = header(whole, engine, key, wanted)?;
        dump(whole, header, out)
    })
}

fn header(
    whole: &mut dyn Whole,
    engine: &str,
    key: Option<[u8; 32]>,
    wanted: Wanted,
) -> Result<Header, Error> {
    let schema = migrate::present(whole)?;
    if schema > migrate::newest() {
        return Err(Error::Invalid(format!(
            "this database has migration {schema}, made by a newer version of Tenure; use that version"
        )));
    }
    let damages = whole.damages(Depth::Quick)?;
    if let Some(first) = damages.first() {
        return Err(Error::Database(format!(
            "the database is damaged, and a backup of it would not be whole: {first}"
        )));
    }
    let tables = whole.tables()?;
    let present = key.as_ref().map(migrate::fingerprint);
    let known = match tables.iter().any(|table| table.name == "master_key") {
        true => migrate::known_key(whole)?,
        // Older databases do not remember it.
        false => None,
    };
    let fingerprint = known.or(present.clone());
    if wanted.key && (present.is_none() || present != fingerprint) {
        return Err(Error::Invalid(
            "the data directory does not have the master.key of this database".into(),
        ));
    }
    Ok(Header {
        tenure_backup: FORMAT,
        tenure: env!("CARGO_PKG_VERSION").to_owned(),
        engine: engine.to_owned(),
        created_us: wanted.now_us,
        schema,
        key: fingerprint,
        master_key: key.filter(|_| wanted.key).map(|key| node::hex(&key)),
        tables: tables
            .iter()
            .filter(|table| !LEFT_OUT.contains(&table.name.as_str()))
            .map(TableHeader::of)
            .collect(),
    })
}

fn dump<W: Write>(whole: &mut dyn Whole, header: Header, out: W) -> Result<(W, Manifest), Error> {
    let mut writer = Writer::begin(out, &header)?;
    let mut totals = Totals::default();
    let tables = whole.tables()?;
    for table in &tables {
        if LEFT_OUT.contains(&table.name.as_str()) {
            continue;
        }
        writer.table(&table.name)?;
        let mut count = 0;
        whole.each_row(&table.select(), &mut |row| {
            count += 1;
            writer.row(&row)
        })?;
        totals.rows.insert(table.name.clone(), count);
        if let Some(column) = &table.identity {
            let last = whole.last_number(&table.name, column)?;
            totals.last.insert(table.name.clone(), last);
        }
    }
    let (out, bytes, sha256) = writer.finish(totals.clone())?;
    Ok((out, Manifest::new(header, totals, bytes, sha256)))
}
