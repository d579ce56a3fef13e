//! Cursors (RFC 9865): where a list goes on, kept by the client.
//!
//! A cursor is sealed under the store's key and bound to workspace, resource types, filter and order. Nobody can make
//! one, use one elsewhere, or read from it the name that the page before ended with, which would stand in the logs
//! of every proxy. It gives no access: each page is a request with its own token.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tenure_scim::{ScimError, ScimType, limits::CURSOR_SECONDS};
use tenure_store::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    resource::{Position, Walk},
};

/// What a list is a list of, as far as cursors are concerned: the attributes that are shown may change on the way.
#[derive(Debug)]
pub(super) struct Place(String);

/// What a cursor holds.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    position: Position,
    total: u64,
    count: u64,
    issued_us: TimeUs,
}

impl Place {
    /// The place of a list.
    pub(super) fn new(workspace: WorkspaceId, kinds: &[Kind], walk: &Walk) -> Self {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.key()).collect();
        let sort = walk
            .sort
            .as_ref()
            .map_or_else(String::new, |(path, ascending)| {
                format!("{path} {ascending}")
            });
        let filter = walk
            .filter
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        // The filter is last, because only it can contain the separator.
        Self(format!(
            "cursor 1|{}|{}|{sort}|{filter}",
            workspace.0,
            kinds.join(",")
        ))
    }

    /// The cursor for what comes after a position.
    pub(super) fn cursor(
        &self,
        tx: &Tx<'_>,
        position: Position,
        total: u64,
        count: u64,
    ) -> Result<String, Error> {
        let content = Content {
            position,
            total,
            count,
            issued_us: tx.now_us(),
        };
        let text =
            serde_json::to_string(&content).map_err(|error| Error::Database(error.to_string()))?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(tx.seal_token(&self.0, &text)?))
    }

    /// Goes on where a cursor says. `count` is the one of this request, if it has one.
    ///
    /// # Errors
    /// 400: `invalidCursor` for one that was not made here for this list, `expiredCursor`, `invalidCount` for a count
    /// that is not that of the first page.
    pub(super) fn resume(
        &self,
        tx: &Tx<'_>,
        cursor: &str,
        count: Option<u64>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let content = self.open(tx, cursor).ok_or_else(|| {
            refuse(
                ScimType::InvalidCursor,
                "The cursor is not one of this list; begin again with an empty `cursor`.",
            )
        })?;
        let age_us = tx.now_us().saturating_sub(content.issued_us);
        if age_us > i64::from(CURSOR_SECONDS) * 1_000_000 {
            return Err(refuse(
                ScimType::ExpiredCursor,
                "The cursor is too old; begin again with an empty `cursor`.",
            ));
        }
        if count.is_some_and(|count| count != content.count) {
            return Err(refuse(
                ScimType::InvalidCount,
                "`count` has to stay the same from page to page.",
            ));
        }
        walk.after = Some(content.position);
        walk.total = Some(content.total);
        walk.count = content.count;
        Ok(())
    }

    fn open(&self, tx: &Tx<'_>, cursor: &str) -> Option<Content> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let text = tx.open_token(&self.0, &sealed).ok()?;
        serde_json::from_str(&text).ok()
    }
}

fn refuse(scim_type: ScimType, detail: &str) -> Error {
    ScimError::bad_request(scim_type, detail).into()
}

#[cfg(test)]
mod tests {
    use tenure_store::{Actor, Store};

    use super::*;

    /// The keyword with which a cursor of some age is refused.
    fn resume(age_seconds: i64, cut: usize) -> Option<ScimType> {
        let store = Store::open_in_memory().unwrap();
        let read = store.write_blocking(Actor::system(), move |tx| {
            let place = Place::new(WorkspaceId(1), &[Kind::User], &Walk::default());
            let content = serde_json::json!({
                "position": {"key": "mira", "rid": 7}, "total": 9, "count": 3,
                "issued_us": tx.now_us() - age_seconds * 1_000_000,
            });
            let sealed = tx.seal_token(&place.0, &content.to_string())?;
            let cursor = BASE64_URL_SAFE_NO_PAD.encode(&sealed[cut..]);
            let mut walk = Walk::default();
            place.resume(tx, &cursor, None, &mut walk)?;
            assert_eq!((walk.total, walk.count), (Some(9), 3));
            Ok(())
        });
        match read {
            Ok(()) => None,
            Err(Error::Scim(error)) => error.scim_type,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn cursors_expire() {
        assert_eq!(resume(0, 0), None);
        assert_eq!(resume(3599, 0), None);
        assert_eq!(resume(3601, 0), Some(ScimType::ExpiredCursor));
        assert_eq!(resume(0, 1), Some(ScimType::InvalidCursor));
        assert_eq!(resume(3601, 40), Some(ScimType::InvalidCursor));
    }
}
