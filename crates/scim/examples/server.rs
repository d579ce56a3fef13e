//! A SCIM server for users and groups over a map in memory: `cargo run -p tenure-scim --example server`, then
//! `curl -d '{"userName": "mira"}' http://127.0.0.1:8080/scim/v2/Users`.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use axum::extract::{Path, Query as Pairs, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Bytes, routing::get};
use serde_json::Value;
use tenure_scim::schema::{ResourceType, SchemaSet};
use tenure_scim::{ScimError, discovery, json::parse_object, query::Query, resource::Resource};
use tokio::sync::Mutex;

const BASE: &str = "http://127.0.0.1:8080/scim/v2";

/// Resources by endpoint and id.
type Map = BTreeMap<(String, String), Resource>;
type Directory = State<Arc<Mutex<Map>>>;
type Key = Path<(String, String)>;
type Parameters = Pairs<Vec<(String, String)>>;
type Answer = Result<Response, Refusal>;

struct Refusal(ScimError);

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, json(&self.0.body())).into_response()
    }
}

fn json(body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/scim+json")];
    (kind, body.to_string()).into_response()
}

fn not_found() -> ScimError {
    ScimError::status(404, "There is no such resource.")
}

fn kind(endpoint: &str) -> Result<&'static Arc<ResourceType>, ScimError> {
    SchemaSet::standard().at(endpoint).ok_or_else(not_found)
}

fn now_us() -> i64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(elapsed.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

fn show(kind: &ResourceType, resource: &Resource, query: &Query) -> Response {
    let mut shown = resource.shown(kind, BASE);
    query.projection.apply(kind, &mut shown);
    let location = (header::LOCATION, resource.location(kind, BASE));
    let headers = [(header::ETAG, resource.entity_tag()), location];
    (headers, json(&shown.into())).into_response()
}

fn check_match(resource: &Resource, headers: &HeaderMap) -> Result<(), ScimError> {
    let if_match = headers.get(header::IF_MATCH);
    resource.check_match(if_match.and_then(|value| value.to_str().ok()))
}

/// Stores a resource if its unique values are free.
fn store(map: &mut Map, key: (String, String), new: &Resource) -> Result<(), ScimError> {
    let others = map.iter().filter(|((endpoint, _), _)| *endpoint == key.0);
    new.check_unique(kind(&key.0)?, others.map(|(_, other)| other))?;
    map.insert(key, new.clone());
    Ok(())
}

async fn list(map: Directory, Path(endpoint): Path<String>, Pairs(pairs): Parameters) -> Answer {
    if let Some(found) = discovery::find(SchemaSet::standard(), BASE, &endpoint) {
        return Ok(json(&found));
    }
    let kind = kind(&endpoint)?;
    let query = Query::from_pairs(kind, pairs)?;
    let map = map.lock().await;
    let all = map.iter().filter(|((other, _), _)| *other == endpoint);
    let all = all.map(|(_, resource)| resource.shown(kind, BASE));
    Ok(json(&query.list(kind, all.collect())))
}

async fn create(map: Directory, Path(endpoint): Path<String>, body: Bytes) -> Answer {
    let kind = kind(&endpoint)?;
    let mut map = map.lock().await;
    let id = format!("{:x}-{:x}", now_us(), map.len());
    let resource = Resource::create(kind, &id, parse_object(&body)?, now_us())?;
    store(&mut map, (endpoint, id), &resource)?;
    let shown = show(kind, &resource, &Query::default());
    Ok((StatusCode::CREATED, shown).into_response())
}

async fn read(map: Directory, Path(key): Key, Pairs(pairs): Parameters) -> Answer {
    let path = format!("{}/{}", key.0, key.1);
    if let Some(found) = discovery::find(SchemaSet::standard(), BASE, &path) {
        return Ok(json(&found));
    }
    let kind = kind(&key.0)?;
    let query = Query::from_pairs(kind, pairs)?;
    let map = map.lock().await;
    Ok(show(kind, map.get(&key).ok_or_else(not_found)?, &query))
}

async fn set(map: Directory, key: Key, method: Method, head: HeaderMap, body: Bytes) -> Answer {
    let kind = kind(&key.0.0)?;
    let mut map = map.lock().await;
    let mut resource = map.get(&key.0).cloned().ok_or_else(not_found)?;
    check_match(&resource, &head)?;
    let body = parse_object(&body)?;
    match method {
        Method::PUT => resource.replace(kind, body, now_us())?,
        _ => resource.patch(kind, &body, now_us())?,
    };
    store(&mut map, key.0, &resource)?;
    Ok(show(kind, &resource, &Query::default()))
}

async fn delete(map: Directory, Path(key): Key, headers: HeaderMap) -> Answer {
    let mut map = map.lock().await;
    check_match(map.get(&key).ok_or_else(not_found)?, &headers)?;
    map.remove(&key);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The server with an empty directory.
pub(crate) fn router() -> Router {
    let one = get(read).put(set).patch(set).delete(delete);
    let routes = Router::new().route("/{endpoint}", get(list).post(create));
    let routes = routes.route("/{endpoint}/{id}", one);
    Router::new()
        .nest("/scim/v2", routes)
        .with_state(Arc::default())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, router()).await
}
