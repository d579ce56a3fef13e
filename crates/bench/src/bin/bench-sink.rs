//! A fast SCIM target that counts what it is asked, in memory. It keeps what is created and believes every change.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Largest page.
const PAGE: usize = 1000;
/// What is compared in a filter: the two attributes that provisioning matches by.
const KEYS: [&str; 2] = ["userName", "externalId"];

#[derive(Default)]
struct Target {
    kinds: HashMap<String, Kind>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    by_request: HashMap<&'static str, u64>,
    last_write_us: u64,
    members_added: u64,
    members_removed: u64,
}

/// Users or groups. Ids are places in the list.
#[derive(Default)]
struct Kind {
    documents: Vec<Option<Box<str>>>,
    by_key: [HashMap<Box<str>, u32>; 2],
}

type Shared = Arc<Mutex<Target>>;
type Parameters = Query<HashMap<String, String>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/counts", get(counts))
        .route("/scim/{kind}", get(list).post(create))
        .route(
            "/scim/{kind}/{id}",
            get(read).patch(change).put(change).delete(remove),
        )
        .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(Shared::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

impl Target {
    fn count(&mut self, request: &'static str) {
        *self.counts.by_request.entry(request).or_default() += 1;
        if !matches!(request, "list" | "query" | "read") {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            self.counts.last_write_us =
                now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
        }
    }
}

/// With the lock for `work` only.
fn locked<R>(target: &Shared, work: impl FnOnce(&mut Target) -> R) -> R {
    work(&mut target.lock().unwrap_or_else(PoisonError::into_inner))
}

fn scim(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/scim+json")];
    (status, kind, body).into_response()
}

fn not_found() -> Response {
    let error = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "404",
        "detail": "no such resource",
    });
    scim(StatusCode::NOT_FOUND, error.to_string())
}

/// What was asked so far, and when the last change was carried out.
async fn counts(State(target): State<Shared>) -> Json<Value> {
    locked(&target, |target| {
        let documents: HashMap<&String, usize> = target
            .kinds
            .iter()
            .map(|(name, kind)| (name, kind.documents.iter().flatten().count()))
            .collect();
        let counts = &target.counts;
        Json(json!({
            "requests": counts.by_request.values().sum::<u64>(),
            "by_request": counts.by_request,
            "last_write_us": counts.last_write_us,
            "members_added": counts.members_added,
            "members_removed": counts.members_removed,
            "documents": documents,
        }))
    })
}

/// `attribute eq "value"`, as provisioning asks.
fn equality(filter: &str) -> Option<(&str, String)> {
    let (attribute, value) = filter.split_once(" eq ")?;
    Some((attribute, serde_json::from_str(value).ok()?))
}

async fn list(
    State(target): State<Shared>,
    Path(kind): Path<String>,
    Query(parameters): Parameters,
) -> Response {
    let number = |name: &str| {
        parameters
            .get(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let body = locked(&target, |target| {
        let filter = parameters.get("filter");
        target.count(if filter.is_some() { "query" } else { "list" });
        let kind = target.kinds.entry(kind).or_default();
        let first = number("startIndex").unwrap_or(1).max(1) - 1;
        let (total, page): (usize, Vec<&str>) = match filter {
            Some(filter) => {
                let found = kind.find(filter);
                (usize::from(found.is_some()), found.into_iter().collect())
            }
            None => {
                let count = number("count").unwrap_or(100).min(PAGE);
                let rest = kind.documents.get(first..).unwrap_or_default();
                let page = rest.iter().take(count).flatten().map(AsRef::as_ref);
                (kind.documents.len(), page.collect())
            }
        };
        format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":{total},"startIndex":{},"itemsPerPage":{},"Resources":[{}]}}"#,
            first + 1,
            page.len(),
            page.join(",")
        )
    });
    scim(StatusCode::OK, body)
}

impl Kind {
    fn find(&self, filter: &str) -> Option<&str> {
        let (attribute, value) = equality(filter)?;
        let place = KEYS
            .iter()
            .zip(&self.by_key)
            .find(|(key, _)| key.eq_ignore_ascii_case(attribute))
            .and_then(|(_, map)| map.get(value.to_lowercase().as_str()))?;
        self.documents.get(*place as usize)?.as_deref()
    }

    fn get(&self, id: &str) -> Option<&str> {
        self.documents.get(id.parse::<usize>().ok()?)?.as_deref()
    }

    /// Keeps a document with its id in front.
    fn add(&mut self, text: &str, document: &Value) -> &str {
        let place = self.documents.len();
        for (key, map) in KEYS.iter().zip(&mut self.by_key) {
            if let (Some(value), Ok(place)) = (document[key].as_str(), u32::try_from(place)) {
                map.insert(value.to_lowercase().into(), place);
            }
        }
        let rest = text.trim_start().strip_prefix('{').unwrap_or("}");
        let kept = format!(r#"{{"id":"{place}",{rest}"#);
        self.documents.push(Some(kept.into_boxed_str()));
        self.documents
            .last()
            .and_then(Option::as_deref)
            .unwrap_or_default()
    }
}

async fn create(State(target): State<Shared>, Path(kind): Path<String>, body: Bytes) -> Response {
    let parsed = std::str::from_utf8(&body)
        .ok()
        .and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)));
    let Some((text, document)) = parsed.filter(|(_, document)| document.is_object()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = locked(&target, |target| {
        target.count("create");
        target
            .kinds
            .entry(kind)
            .or_default()
            .add(text, &document)
            .to_owned()
    });
    scim(StatusCode::CREATED, answer)
}

async fn read(State(target): State<Shared>, Path((kind, id)): Path<(String, String)>) -> Response {
    let found = locked(&target, |target| {
        target.count("read");
        target.kinds.get(&kind)?.get(&id).map(str::to_owned)
    });
    found.map_or_else(not_found, |body| scim(StatusCode::OK, body))
}

async fn change(
    State(target): State<Shared>,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (added, removed) = members(&document);
    let is_known = locked(&target, |target| {
        target.count("change");
        target.counts.members_added += added;
        target.counts.members_removed += removed;
        target
            .kinds
            .get(&kind)
            .is_some_and(|kind| kind.get(&id).is_some())
    });
    if is_known {
        StatusCode::NO_CONTENT.into_response()
    } else {
        not_found()
    }
}

/// Members that a PATCH adds and removes.
fn members(patch: &Value) -> (u64, u64) {
    let (mut added, mut removed) = (0, 0);
    for operation in patch["Operations"].as_array().into_iter().flatten() {
        let is_of_members = operation["path"]
            .as_str()
            .is_some_and(|path| path.starts_with("members"));
        if !is_of_members {
            continue;
        }
        let values = operation["value"].as_array().map_or(1, Vec::len) as u64;
        match operation["op"].as_str() {
            Some("remove") => removed += values,
            _ => added += values,
        }
    }
    (added, removed)
}

async fn remove(
    State(target): State<Shared>,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    let removed = locked(&target, |target| {
        target.count("delete");
        let place: usize = id.parse().ok()?;
        target
            .kinds
            .get_mut(&kind)?
            .documents
            .get_mut(place)?
            .take()
    });
    removed.map_or_else(not_found, |_| StatusCode::NO_CONTENT.into_response())
}
