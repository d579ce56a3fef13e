//! A record as a line of CSV (RFC 4180).

use std::borrow::Cow;

use serde_json::Value;
use tenure_scim::value::format_time_us;
use tenure_store::{Error, log::Entry};

use super::record::{Names, kind, modified, recommendation};

const HEADER: [&str; 19] = [
    "id",
    "activityDateTime",
    "application",
    "applicationId",
    "cycleId",
    "changeId",
    "action",
    "status",
    "kind",
    "sourceName",
    "sourceId",
    "targetId",
    "errorCode",
    "reason",
    "recommendation",
    "durationMilliseconds",
    "initiatedBy",
    "modifiedProperties",
    "steps",
];

/// A cell that no spreadsheet takes for a formula: names come from whoever may write to the directory.
fn cell(text: &str) -> Cow<'_, str> {
    let starts = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.trim_start_matches(' ').starts_with(starts) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Lines for these records, after the header if it is wanted.
pub(super) fn lines(entries: &[Entry], names: &Names, header: bool) -> Result<Vec<u8>, Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let failed = |error: csv::Error| Error::Database(error.to_string());
    if header {
        writer.write_record(HEADER).map_err(failed)?;
    }
    for entry in entries {
        let (application_id, application) = names.of(entry.application);
        let (at, duration) = (format_time_us(entry.at_us), entry.duration_ms.to_string());
        let modified = Value::Array(modified(entry)).to_string();
        let cells = [
            &entry.id,
            &at,
            application,
            application_id,
            &entry.cycle_id,
            &entry.change_id,
            &entry.action,
            &entry.status,
            kind(entry.kind),
            &entry.source_name,
            &entry.source_id,
            &entry.target_id,
            entry.error_code.as_deref().unwrap_or_default(),
            entry.reason.as_deref().unwrap_or_default(),
            recommendation(entry),
            &duration,
            &entry.initiated_by,
            &modified,
            &entry.steps,
        ];
        writer
            .write_record(cells.map(cell).iter().map(|cell| cell.as_bytes()))
            .map_err(failed)?;
    }
    writer
        .into_inner()
        .map_err(|error| Error::Database(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn formulas_become_text() {
        for (text, expected) in [
            ("Ada", "Ada"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
