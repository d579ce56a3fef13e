//! What becomes of a request in the request log.
//!
//! A [`Record`] follows each request: it notes who called, what was tolerated and how it ended, keeps the beginning of
//! both bodies, and gives all that to the [`RequestLog`] when the last byte of the answer is gone. From there on
//! nothing touches the request: redaction and writing happen later, in the background.

mod buffer;
mod habits;
mod redact;
mod tap;
mod write;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::Request,
    http::{
        Method,
        header::{HeaderMap, USER_AGENT},
    },
    response::Response,
};
use tenure_scim::{Deviation, Deviations, ScimError};
use tenure_store::{
    WorkspaceId,
    resource::Written,
    rules::{Rules, UnknownMembers},
    schema::Types,
    setting::Settings,
};

pub(crate) use buffer::RequestLog;

use super::bearer::Client;
use crate::{layer::observe::REQUEST_ID, limits};

/// Bytes that are kept of a body.
const BODY_BYTES: usize = 16 * 1024;
/// Characters that are kept of a path, a query string, a user agent.
const TEXT_CHARS: usize = 2048;
/// Names of unknown attributes that are kept of a request.
const NAMES: usize = 8;

/// Who called, and what the workspace wants to keep.
#[derive(Debug, Clone)]
struct Caller {
    workspace: WorkspaceId,
    token_id: String,
    token_name: String,
    types: Arc<Types>,
    settings: Settings,
}

/// The beginning of a body.
#[derive(Debug, Default)]
struct Kept {
    /// At most [`BODY_BYTES`].
    bytes: Vec<u8>,
    /// Length of the whole, as far as it went by.
    total: usize,
}

impl Kept {
    fn keep(&mut self, data: &[u8]) {
        let room = BODY_BYTES.saturating_sub(self.bytes.len());
        let kept = data.get(..room.min(data.len())).unwrap_or_default();
        self.bytes.extend_from_slice(kept);
        self.total = self.total.saturating_add(data.len());
    }
}

/// All that is known of a request, not yet fit for the log.
#[derive(Debug, Default)]
struct Raw {
    caller: Option<Caller>,
    at_us: i64,
    request_id: String,
    method: Method,
    path: String,
    query: String,
    agent: String,
    status: u16,
    error: Option<ScimError>,
    duration_us: i64,
    deviations: Deviations,
    /// Unknown attributes and schemas.
    names: Vec<String>,
    request: Kept,
    response: Kept,
}

/// Which body goes by.
#[derive(Debug, Clone, Copy)]
enum Side {
    Request,
    Response,
}

/// Follows one request.
#[derive(Debug)]
pub(super) struct Record {
    log: Arc<RequestLog>,
    started: Instant,
    raw: Mutex<Raw>,
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

fn header(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> String {
    let value = headers.get(name).map(axum::http::HeaderValue::as_bytes);
    cut(&String::from_utf8_lossy(value.unwrap_or_default()))
}

impl Record {
    /// Begins to follow a request, whose body goes through the record from now on.
    pub(super) fn begin(log: &Arc<RequestLog>, request: Request) -> (Arc<Self>, Request) {
        let (parts, body) = request.into_parts();
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let raw = Raw {
            at_us: i64::try_from(at.as_micros()).unwrap_or(i64::MAX),
            request_id: header(&parts.headers, REQUEST_ID),
            method: parts.method.clone(),
            path: cut(parts.uri.path()),
            query: cut(parts.uri.query().unwrap_or_default()),
            agent: header(&parts.headers, USER_AGENT),
            deviations: habits::of_request(&parts),
            ..Raw::default()
        };
        let record = Arc::new(Self {
            log: Arc::clone(log),
            started: Instant::now(),
            raw: Mutex::new(raw),
        });
        let body = tap::tap(body, &record, Side::Request);
        (record, Request::from_parts(parts, body))
    }

    fn raw(&self) -> MutexGuard<'_, Raw> {
        // Plain data: a panic elsewhere leaves it usable.
        self.raw.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who calls. Requests of unknown callers belong to no workspace and are not logged.
    pub(super) fn identify(&self, client: &Client) {
        self.raw().caller = Some(Caller {
            workspace: client.principal.workspace,
            token_id: client.principal.token_id.clone(),
            token_name: client.principal.token_name.clone(),
            types: Arc::clone(&client.types),
            settings: client.settings.clone(),
        });
    }

    /// Notes what was tolerated.
    pub(super) fn note(&self, deviations: Deviations) {
        self.raw().deviations.extend(deviations);
    }

    /// Notes what was tolerated in a body, with the names of unknown attributes and schemas.
    pub(super) fn tolerated(&self, deviations: Deviations, names: &[String]) {
        let mut raw = self.raw();
        raw.deviations.extend(deviations);
        for name in names {
            if raw.names.len() < NAMES && !raw.names.contains(name) {
                raw.names.push(name.clone());
            }
        }
    }

    /// Notes what the store tolerated.
    pub(super) fn written(&self, written: &Written, rules: &Rules) {
        let mut deviations = written.deviations;
        let members = match rules.unknown_members {
            UnknownMembers::Park => Deviation::UnknownMembersParked,
            UnknownMembers::Skip | UnknownMembers::Refuse => Deviation::UnknownMembersSkipped,
        };
        deviations.insert_if(written.unknown_members > 0, members);
        self.tolerated(deviations, &written.ignored);
    }

    /// Notes why the request is refused.
    pub(super) fn refused(&self, error: &ScimError) {
        self.raw().error = Some(error.clone());
    }

    /// Ends the clock; the body of the answer goes through the record from now on.
    pub(super) fn finish(self: &Arc<Self>, response: Response) -> Response {
        let mut raw = self.raw();
        raw.status = response.status().as_u16();
        raw.duration_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        if raw.caller.is_none() {
            return response;
        }
        drop(raw);
        response.map(|body| tap::tap(body, self, Side::Response))
    }

    /// Keeps a part of a body, if the workspace wants that.
    fn keep(&self, side: Side, data: &[u8]) {
        let mut raw = self.raw();
        let Raw {
            caller,
            request,
            response,
            ..
        } = &mut *raw;
        let logs = |caller: &Caller| caller.settings.request_log;
        if caller.as_ref().is_some_and(logs) {
            match side {
                Side::Request => request.keep(data),
                Side::Response => response.keep(data),
            }
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let mut raw = std::mem::take(self.raw.get_mut().unwrap_or_else(PoisonError::into_inner));
        if raw.status == 0 {
            // Nobody finished it: it panicked, took too long, or the client went away.
            let elapsed = self.started.elapsed();
            raw.duration_us = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
            raw.status = match elapsed >= limits::REQUEST {
                _ if std::thread::panicking() => 500,
                true => 503,
                false => 0,
            };
        }
        self.log.push(raw);
    }
}
