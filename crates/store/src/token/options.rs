//! How the server treats the client that uses a token. Clients differ; every default is the safe reading of the
//! standard.

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Tx, WorkspaceId, audit, connection::values, resource, rules::Rules};

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
    /// Id of the user that `/Me` stands for (RFC 7644 section 3.11); without one, `/Me` is 501.
    pub me: Option<String>,
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
/// `NotFound`, and `Invalid` when `me` is no user of the workspace.
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
    if let Some(me) = &options.me
        && resource::get(tx, workspace, Kind::User, me)?.is_none()
    {
        return Err(Error::Invalid(format!("no user has the id {me:?}")));
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
