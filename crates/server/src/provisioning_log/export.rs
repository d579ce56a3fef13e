//! The provisioning log as a file: read and written piece by piece, so that memory does not grow with it.

use axum::{
    body::Body,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use tenure_store::{
    Error, Store, WorkspaceId,
    log::{self, LogQuery},
};

use super::{
    csv,
    record::{Names, record},
};

/// Records of a piece.
const PIECE: u32 = 200;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One line a record, with changed attributes and steps as JSON texts.
    Csv,
    /// One array of records.
    Json,
}

impl Format {
    /// The format of a word: `csv`, `json`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Media type.
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// Name that a browser saves the file under.
    fn attachment(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"provisioning-logs.csv\"",
            Self::Json => "attachment; filename=\"provisioning-logs.json\"",
        }
    }
}

/// An export under way, newest records first. Records that arrive meanwhile are not in it.
#[derive(Debug)]
pub struct Export {
    store: Store,
    workspace: WorkspaceId,
    query: LogQuery,
    format: Format,
    names: Names,
    begun: bool,
    done: bool,
}

impl Export {
    /// Begins an export of what a query finds; its limit and position do not count.
    ///
    /// # Errors
    ///
    /// `Database`.
    pub async fn begin(
        store: Store,
        workspace: WorkspaceId,
        format: Format,
        query: LogQuery,
    ) -> Result<Self, Error> {
        let names = store.read(move |tx| Names::read(tx, workspace)).await?;
        Ok(Self {
            store,
            workspace,
            query: LogQuery {
                before: None,
                limit: PIECE,
                ..query
            },
            format,
            names,
            begun: false,
            done: false,
        })
    }

    /// The next piece of the file; `None`: that was all.
    ///
    /// # Errors
    ///
    /// `Database`, `Busy`: the file is not complete.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.done {
            return Ok(None);
        }
        let (workspace, query) = (self.workspace, self.query.clone());
        let entries = self
            .store
            .read(move |tx| log::list(tx, workspace, &query))
            .await?;
        self.done = entries.len() < PIECE as usize;
        self.query.before = entries.last().map(|last| last.id.clone());
        let first = !std::mem::replace(&mut self.begun, true);
        let piece = match self.format {
            Format::Csv => csv::lines(&entries, &self.names, first)?,
            Format::Json => {
                let records: Vec<String> = entries
                    .iter()
                    .map(|entry| record(entry, &self.names).to_string())
                    .collect();
                let open = match (first, records.is_empty()) {
                    (true, _) => "[\n",
                    (false, true) => "",
                    (false, false) => ",\n",
                };
                let close = if self.done { "\n]\n" } else { "" };
                format!("{open}{}{close}", records.join(",\n")).into_bytes()
            }
        };
        Ok(Some(piece))
    }

    /// As an answer that is read while it is sent.
    pub(crate) fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.format.media_type()),
            (CONTENT_DISPOSITION, self.format.attachment()),
        ];
        let pieces = stream::unfold(Some(self), |export| async {
            let mut export = export?;
            match export.next().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(export))),
                // The connection is cut, so that nobody takes the part for the whole.
                Err(error) => {
                    tracing::error!(%error, "an export ended early");
                    Some((Err(error), None))
                }
            }
        });
        (headers, Body::from_stream(pieces)).into_response()
    }
}
