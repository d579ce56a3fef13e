//! Data on stdout, everything else on stderr.

use crate::error::Failure;
use comfy_table::{Cell, ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// Whether colours may be used: not with `NO_COLOR` or a dumb terminal.
pub(crate) fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
}

/// How a command shows its result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON document instead of text.
    pub(crate) json: bool,
}

impl Output {
    /// The result as one JSON document, or as lines of text.
    pub(crate) fn result(
        self,
        document: &Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            line(&document.to_string())
        } else {
            line(&text())
        }
    }

    /// A list as one JSON document, or as a table (tab-separated when stdout is not a terminal).
    pub(crate) fn list(
        self,
        document: &Value,
        header: &[&str],
        rows: &[Vec<String>],
    ) -> Result<(), Failure> {
        if self.json {
            return line(&document.to_string());
        }
        if !std::io::stdout().is_terminal() {
            return rows.iter().try_for_each(|row| {
                let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
                line(&cells.join("\t"))
            });
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(header.iter().map(Cell::new));
        for row in rows {
            table.add_row(row.iter().map(|cell| plain(cell)));
        }
        line(&table.to_string())
    }
}

/// One line on stdout, at once.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()?;
    Ok(())
}

/// One line for people on stderr.
pub(crate) fn note(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The failure of a command.
pub(crate) fn failure(failure: &Failure) {
    if failure.message.is_empty() {
        return;
    }
    let paint = std::io::stderr().is_terminal() && colours();
    let label = |name: &str, code: &str| {
        if paint {
            format!("\u{1b}[{code}m{name}\u{1b}[0m")
        } else {
            name.to_owned()
        }
    };
    note(&format!(
        "{} {}",
        label("error:", "1;31"),
        plain_lines(&failure.message)
    ));
    if let Some(hint) = &failure.hint {
        note(&format!("{} {}", label("hint:", "1;36"), plain_lines(hint)));
    }
}

/// Text without control characters: names from a directory must not steer the terminal or break the line.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// [`plain`], but lines stay lines.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// A point in time as RFC 3339 in UTC, to the second; empty when it is out of range.
pub(crate) fn time(at_us: tenure_store::TimeUs) -> String {
    jiff::Timestamp::from_second(at_us.div_euclid(1_000_000))
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// [`time`] of something that may not have happened.
pub(crate) fn time_value(at_us: Option<tenure_store::TimeUs>) -> Value {
    at_us.map_or(Value::Null, |at_us| time(at_us).into())
}
