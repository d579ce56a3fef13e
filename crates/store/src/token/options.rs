//! How the server treats the client that uses a token. Clients differ; every default is the safe reading of the
//! standard.

use serde::{Deserialize, Serialize};

use crate::{Error, Tx, WorkspaceId, audit, connection::values, rules::Rules};

/// What a PATCH answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchAnswer {
    /// 200 with the resource, but 204 for a group of more than 1,000 members.
    #[default]
    Automatic,
    /// Always 200 with the resource.
    Resource,
    /// Always 204 without a body, unless the request names attributes.
    Empty,
}

/// Options of a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// How writes are treated.
    pub rules: Rules,
    /// What a PATCH answers.
    pub patch_answer: PatchAnswer,
    /// Deleting what is deleted already is 204 instead of 404.
    pub repeat_deletes: bool,
}

impl Options {
    /// From the column; empty text stands for the defaults.
    pub(super) fn from_text(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map_err(|error| {
            Error::Database(format!("the options of a token are damaged: {error}"))
        })
    }

    fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Database(error.to_string()))
    }
}

/// Changes the options of a token.
///
/// # Errors
///
/// `NotFound`.
pub fn set_options(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    id: &str,
    options: &Options,
) -> Result<(), Error> {
    let row = tx.first(
        "SELECT name, options FROM token WHERE workspace_id = $1 AND id = $2",
        values![workspace, id],
    )?;
    let row = row.ok_or_else(|| Error::NotFound("the token".into()))?;
    let (name, before) = (row.text(0)?, Options::from_text(&row.text(1)?)?);
    if before == *options {
        return Ok(());
    }
    let text = options.to_text()?;
    tx.execute(
        "UPDATE token SET options = $3 WHERE workspace_id = $1 AND id = $2",
        values![workspace, id, &text],
    )?;
    audit::append(
        tx,
        workspace,
        "token.update",
        &format!("Token {name}"),
        &text,
    )
}
