//! Large groups, sent while their members are read: memory does not grow with the group.
//!
//! The members come from several short reads, not from one snapshot: a member that joins or leaves while the answer
//! is on its way may or may not be in it, as with pages (RFC 7644 section 3.4.2.4). The ETag is that of the beginning,
//! so a client that asks again with it learns of such a change.

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::Value;
use tenure_scim::Document;
use tenure_store::{Error, Kind, Store, Tx, membership, resource::Stored};

use super::{limits, render::View};

/// A representation without its members, cut open where they belong.
#[derive(Debug)]
pub(super) struct Frame {
    view: View,
    rid: i64,
    /// Absolute URI.
    pub(super) location: String,
    /// For the ETag.
    pub(super) version: i64,
    before: String,
    after: String,
}

/// What is sent next.
enum Stage {
    Before,
    /// Members after this number; whether some were sent already.
    Members(i64, bool),
    Done,
}

impl View {
    /// The frame of a group that is too large to be put together in memory; `None` for everything else.
    pub(super) fn frame(&self, tx: &mut Tx<'_>, stored: &Stored) -> Result<Option<Frame>, Error> {
        if self.kind != Kind::Group
            || !self.shows_references()
            || !membership::exceeds(tx, self.workspace, stored.rid, limits::MEMBERS_STREAMED)?
        {
            return Ok(None);
        }
        const OPEN: &str = "\"members\":[";
        let rendered = self.render_with(stored, Some("[]"))?;
        // Quotes within strings are escaped, so this is the attribute itself.
        let Some(at) = rendered.text.rfind("\"members\":[]") else {
            return Ok(None);
        };
        let (before, after) = rendered.text.split_at(at + OPEN.len());
        Ok(Some(Frame {
            view: self.clone(),
            rid: stored.rid,
            before: before.to_owned(),
            after: after.to_owned(),
            location: rendered.location,
            version: rendered.version,
        }))
    }

    /// Members after a number as JSON without brackets, and the number of the last one if more may follow.
    fn members_after(
        &self,
        tx: &mut Tx<'_>,
        group: i64,
        after: i64,
    ) -> Result<(String, Option<i64>), Error> {
        let limit = limits::MEMBERS_CHUNK;
        let members = membership::members(tx, self.workspace, group, after, limit)?;
        let mut array = String::new();
        for member in &members {
            self.push_member(&mut array, member)?;
        }
        let full = members.len() == limit as usize;
        let next = members.last().filter(|_| full).map(|last| last.rid);
        if !array.is_empty() {
            array.push(']');
            if !self.projection.is_default() {
                array = self.cut_members(&array)?;
            }
        }
        let inner = array
            .strip_prefix('[')
            .and_then(|array| array.strip_suffix(']'));
        Ok((inner.unwrap_or_default().to_owned(), next))
    }

    /// The part of each member that the client asked for.
    fn cut_members(&self, array: &str) -> Result<String, Error> {
        let damaged = |error: serde_json::Error| Error::Database(error.to_string());
        let members: Value = serde_json::from_str(array).map_err(damaged)?;
        let mut document = Document::from_iter([("members".to_owned(), members)]);
        self.projection.apply(&self.resource_type, &mut document);
        let members = document.remove("members").unwrap_or_default();
        serde_json::to_string(&members).map_err(damaged)
    }
}

impl Frame {
    /// The body: each part is read when the one before it has been sent.
    pub(super) fn into_body(self, store: Store) -> Body {
        let Self {
            view,
            rid,
            before,
            after,
            ..
        } = self;
        let state = (Stage::Before, view, store, before, after);
        Body::from_stream(stream::unfold(
            state,
            move |(stage, view, store, before, after)| async move {
                let (part, stage) = match stage {
                    Stage::Before => (Ok(Bytes::from(before.clone())), Stage::Members(0, false)),
                    Stage::Members(last, begun) => {
                        let reader = view.clone();
                        let read = store
                            .read(move |tx| reader.members_after(tx, rid, last))
                            .await;
                        match read {
                            Ok((mut text, next)) => {
                                if begun && !text.is_empty() {
                                    text.insert(0, ',');
                                }
                                let begun = begun || !text.is_empty();
                                match next {
                                    Some(last) => {
                                        (Ok(Bytes::from(text)), Stage::Members(last, begun))
                                    }
                                    None => {
                                        text.push_str(&after);
                                        (Ok(Bytes::from(text)), Stage::Done)
                                    }
                                }
                            }
                            // The connection is cut, so that nobody takes the part for the whole.
                            Err(error) => {
                                tracing::error!(%error, "an answer ended early");
                                (Err(error), Stage::Done)
                            }
                        }
                    }
                    Stage::Done => return None,
                };
                Some((part, (stage, view, store, before, after)))
            },
        ))
    }
}
