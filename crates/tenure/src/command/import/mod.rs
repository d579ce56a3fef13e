//! `tenure import`: a file of users, line by line and with flat memory.

mod columns;
mod groups;
mod lines;
mod rows;
mod write;

use super::Session;
use super::progress::Progress;
use crate::cli::{Format, Import};
use crate::error::{Exit, Failure};
use crate::output;
use columns::Columns;
use lines::{BadLine, Lines};
use rows::{Names, Row, Rows, Shape};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use write::{Outcome, Target};

/// Rows of one transaction.
const BATCH: usize = 200;
/// Errors that the JSON document lists; stderr has them all.
const ERRORS: usize = 1000;

/// An import on its way.
struct Run<'a> {
    session: &'a Session,
    target: Target,
    file: &'a Path,
    progress: Progress,
    bytes: u64,
    counts: Counts,
    names: Names,
    /// Lines whose manager was not in the directory when they were written, and whether the line changed something.
    waiting: HashSet<u64>,
    unchanged_waiting: HashSet<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    created: u64,
    updated: u64,
    unchanged: u64,
    failed: u64,
    errors: Vec<Value>,
}

pub(crate) async fn run(session: &Session, arguments: Import) -> Result<Exit, Failure> {
    let workspace = session.workspace(&arguments.at.workspace).await?.id;
    // Headers first: a file that cannot be used is refused before anything is written.
    let rows = open(&arguments)?;
    let group_file = arguments
        .groups
        .as_deref()
        .map(groups::GroupFile::open)
        .transpose()?;
    let bytes = std::fs::metadata(&arguments.file)?.len();
    let mut run = Run {
        session,
        target: Target {
            workspace,
            on_conflict: arguments.on_conflict,
            dry_run: arguments.dry_run,
        },
        file: &arguments.file,
        progress: Progress::new("Importing", bytes),
        bytes,
        counts: Counts::default(),
        names: Names::new(),
        waiting: HashSet::new(),
        unchanged_waiting: HashSet::new(),
    };
    run.users(rows).await?;
    if !run.waiting.is_empty() {
        run.managers(open(&arguments)?).await?;
    }
    let group_counts = match (group_file, &arguments.groups) {
        (Some(file), Some(path)) => Some(run.groups(file, path).await?),
        _ => None,
    };
    let Run {
        counts, progress, ..
    } = run;
    drop(progress);
    summary(session, &counts, group_counts.as_ref(), arguments.dry_run)
}

/// Opens the file, reads the header of a CSV file.
fn open(arguments: &Import) -> Result<Rows<BufReader<File>>, Failure> {
    let path = &arguments.file;
    let file = File::open(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::not_found(message),
            _ => Failure::failed(message),
        }
    })?;
    let mut lines = Lines::new(BufReader::new(file));
    let by_ending = || match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => Format::Jsonl,
        _ => Format::Csv,
    };
    if arguments.format.unwrap_or_else(by_ending) == Format::Jsonl {
        return Ok(Rows::new(lines, Shape::Jsonl));
    }
    let delimiter = match arguments.delimiter.as_bytes() {
        [byte] => *byte,
        b"tab" | b"\\t" => b'\t',
        _ => return Err(Failure::usage("--delimiter is one character or `tab`")),
    };
    let header = match lines.record(delimiter, None)? {
        Some((_, Ok(header))) => header,
        Some((_, Err(bad))) => return Err(Failure::usage(describe(path, &bad))),
        None => return Err(Failure::usage(format!("{} is empty", path.display()))),
    };
    let header = header
        .into_iter()
        .map(|name| String::from_utf8(name).map(|name| name.trim().to_owned()))
        .collect::<Result<Vec<String>, _>>()
        .map_err(|_| Failure::usage(format!("the header of {} is not UTF-8", path.display())))?;
    let columns = Columns::resolve(&header, &arguments.map, arguments.ignore_unknown_columns)?;
    Ok(Rows::new(lines, Shape::Csv { columns, delimiter }))
}

/// `FILE:LINE: column "x": …`
fn describe(file: &Path, bad: &BadLine) -> String {
    let column = bad
        .column
        .as_ref()
        .map_or(String::new(), |name| format!("column \"{name}\": "));
    output::plain(&format!(
        "{}:{}: {column}{}",
        file.display(),
        bad.line,
        bad.message
    ))
}

impl Run<'_> {
    async fn users(&mut self, mut rows: Rows<BufReader<File>>) -> Result<(), Failure> {
        let mut batch: Vec<Row> = Vec::new();
        while let Some(row) = rows.next()? {
            match row {
                Err(bad) => self.failed(self.file, &bad),
                Ok(row) if !self.names.insert(&row.user_name) => {
                    let message = format!("\"{}\" is in the file already", row.user_name);
                    self.failed(
                        self.file,
                        &BadLine {
                            column: Some("userName".to_owned()),
                            ..BadLine::new(row.line, message)
                        },
                    );
                }
                Ok(row) => batch.push(row),
            }
            if batch.len() == BATCH {
                self.write(std::mem::take(&mut batch)).await?;
                self.show(rows.lines.bytes);
            }
        }
        self.write(batch).await
    }

    async fn write(&mut self, batch: Vec<Row>) -> Result<(), Failure> {
        let lines: Vec<u64> = batch.iter().map(|row| row.line).collect();
        let written = write::batch(self.session, self.target, batch).await?;
        for (line, (outcome, waits)) in lines.into_iter().zip(written) {
            if waits {
                self.waiting.insert(line);
            }
            match outcome {
                Outcome::Created => self.counts.created += 1,
                Outcome::Updated => self.counts.updated += 1,
                Outcome::Unchanged => {
                    self.counts.unchanged += 1;
                    if waits {
                        self.unchanged_waiting.insert(line);
                    }
                }
                Outcome::Failed(bad) => self.failed(self.file, &bad),
            }
        }
        Ok(())
    }

    /// Reads the file again for the rows whose manager came later.
    async fn managers(&mut self, mut rows: Rows<BufReader<File>>) -> Result<(), Failure> {
        let mut batch = Vec::new();
        while let Some(row) = rows.next()? {
            let waiting = row.ok().filter(|row| self.waiting.contains(&row.line));
            let Some((row, manager)) =
                waiting.and_then(|row| row.manager.clone().map(|manager| (row, manager)))
            else {
                continue;
            };
            if self.target.dry_run && self.names.contains(&manager) {
                self.count_manager(row.line);
                continue;
            }
            batch.push((row.line, row.user_name, manager));
            if batch.len() == BATCH {
                self.set_managers(std::mem::take(&mut batch)).await?;
                self.show(rows.lines.bytes);
            }
        }
        self.set_managers(batch).await
    }

    async fn set_managers(&mut self, batch: Vec<(u64, String, String)>) -> Result<(), Failure> {
        let lines: Vec<u64> = batch.iter().map(|(line, _, _)| *line).collect();
        let results = write::managers(self.session, self.target, batch).await?;
        for (line, result) in lines.into_iter().zip(results) {
            match result {
                Ok(true) => self.count_manager(line),
                Ok(false) => {}
                // The user itself was written and is counted; the line is not done all the same.
                Err(bad) => self.failed(self.file, &bad),
            }
        }
        Ok(())
    }

    /// A user that was unchanged so far has got another manager.
    fn count_manager(&mut self, line: u64) {
        if self.unchanged_waiting.remove(&line) {
            self.counts.unchanged -= 1;
            self.counts.updated += 1;
        }
    }

    async fn groups(
        &mut self,
        file: groups::GroupFile,
        path: &Path,
    ) -> Result<groups::Counts, Failure> {
        let (session, workspace) = (self.session, self.target.workspace);
        let dry_run = self.target.dry_run.then_some(&self.names);
        let mut bad_lines = Vec::new();
        let counts = groups::run(session, workspace, file, dry_run, |bad| {
            bad_lines.push(bad.clone());
        })
        .await?;
        for bad in bad_lines {
            self.tell(path, &bad);
        }
        Ok(counts)
    }

    fn failed(&mut self, file: &Path, bad: &BadLine) {
        self.counts.failed += 1;
        self.tell(file, bad);
    }

    fn tell(&mut self, file: &Path, bad: &BadLine) {
        self.progress.note(&describe(file, bad));
        if self.counts.errors.len() < ERRORS {
            self.counts.errors.push(json!({
                "file": file.display().to_string(),
                "line": bad.line,
                "column": bad.column,
                "message": bad.message,
            }));
        }
    }

    fn show(&mut self, bytes: u64) {
        let counts = &self.counts;
        let done = counts.created + counts.updated + counts.unchanged;
        let message = format!("{done} users  {} failed", counts.failed);
        self.progress.set(bytes, self.bytes, &message);
    }
}

fn summary(
    session: &Session,
    counts: &Counts,
    groups: Option<&groups::Counts>,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let mut document = json!({
        "dry_run": dry_run,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "failed": counts.failed,
        "errors": counts.errors,
    });
    let mut text = format!(
        "{}{} created, {} updated, {} unchanged, {} failed",
        if dry_run { "nothing written: " } else { "" },
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.failed
    );
    if let Some(groups) = groups {
        document["groups"] = json!({
            "created": groups.created,
            "memberships": groups.memberships,
            "failed": groups.failed,
        });
        text.push_str(&format!(
            "; {} groups created, {} memberships, {} failed",
            groups.created, groups.memberships, groups.failed
        ));
    }
    session.out.result(&document, || text)?;
    let failed = counts.failed + groups.map_or(0, |groups| groups.failed);
    let good = counts.created + counts.updated + counts.unchanged;
    Ok(match (failed, good) {
        (0, _) => Exit::Done,
        (_, 0) => Exit::Failed,
        _ => Exit::Partly,
    })
}
