//! A small SCIM service on loopback with switches for everything that goes wrong in practice.

use super::limits::{self, Limits};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tenure_scim::{
    filter::Filter,
    patch::{self, MemberChange},
    schema::SchemaSet,
};
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "s3cret-token";

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers with this status and does nothing.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    Throttle(u64),
    /// Does what was asked, and the reply is lost.
    LoseReply,
    /// Does what was asked, and answers 500 nevertheless.
    Break,
    /// 200 with a web page.
    Html,
    /// Does what was asked twice, as a proxy that repeats a request does.
    Twice,
    /// Answers a search as it would have been answered before the last write.
    Stale,
    /// Does what was asked and never answers.
    Hang,
}

#[derive(Debug, Clone)]
struct Plan {
    method: &'static str,
    path: &'static str,
    /// How often; `usize::MAX`: always.
    times: usize,
    fault: Fault,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) users: BTreeMap<String, Map<String, Value>>,
    pub(crate) groups: BTreeMap<String, Map<String, Value>>,
    pub(crate) requests: Vec<String>,
    pub(crate) revoked: bool,
    /// The header `Authorization` that lets in; `None`: the secret as bearer token.
    pub(crate) accepts: Option<String>,
    /// The header of each request.
    pub(crate) shown: Vec<String>,
    /// So many more requests until what lets in is revoked.
    pub(crate) revoke_after: Option<usize>,
    pub(crate) ignores_filters: bool,
    /// What it cannot do.
    pub(crate) limits: Limits,
    /// Bodies of the writing requests, with the verb and media types of each.
    pub(crate) bodies: Vec<Sent>,
    at_once: usize,
    pub(crate) most_at_once: usize,
    /// Lists nobody, although everybody can be read.
    pub(crate) hides_users: bool,
    /// An account that somebody else makes just before the next create.
    pub(crate) appears: Option<Map<String, Value>>,
    next: u64,
    plans: Vec<Plan>,
    /// The process that sends is to die with this request (counted down), before or after it is carried out.
    pub(crate) crash: Option<Crash>,
    /// What a stale search sees.
    before: Box<(Resources, Resources)>,
}

/// A writing request.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) content_type: String,
    pub(crate) accept: String,
    pub(crate) body: Value,
}

type Resources = BTreeMap<String, Map<String, Value>>;

/// Death of the sender in the middle of a request.
#[derive(Debug, Clone)]
pub(crate) struct Crash {
    pub(crate) requests: usize,
    pub(crate) carried_out: bool,
    pub(crate) now: Arc<tokio::sync::Notify>,
}

impl World {
    pub(crate) fn writes(&self) -> Vec<&String> {
        self.requests
            .iter()
            .filter(|request| !request.starts_with("GET"))
            .collect()
    }

    pub(crate) fn user(&self, user_name: &str) -> Option<&Map<String, Value>> {
        self.users
            .values()
            .find(|user| user["userName"] == user_name)
    }

    pub(crate) fn group(&self, display_name: &str) -> Option<&Map<String, Value>> {
        self.groups
            .values()
            .find(|group| group["displayName"] == display_name)
    }

    /// Sorted user names of a group's members.
    pub(crate) fn members(&self, display_name: &str) -> Vec<String> {
        let members = self
            .group(display_name)
            .and_then(|group| group.get("members"))
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut names: Vec<String> = members
            .iter()
            .map(|member| {
                self.users[member["value"].as_str().unwrap()]["userName"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Target {
    world: Arc<Mutex<World>>,
    pub(crate) url: String,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scim", listener.local_addr().unwrap());
        let target = Self {
            world: Arc::default(),
            url,
        };
        let router = Router::new().fallback(handle).with_state(target.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        target
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn fail(
        &self,
        method: &'static str,
        path: &'static str,
        times: usize,
        fault: Fault,
    ) {
        self.world().plans.push(Plan {
            method,
            path,
            times,
            fault,
        });
    }

    pub(crate) fn heal(&self) {
        self.world().plans.clear();
    }
}

async fn handle(
    State(target): State<Target>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (busy, at_once) = {
        let mut world = target.world();
        world.at_once += 1;
        world.most_at_once = world.most_at_once.max(world.at_once);
        (world.limits.busy, world.at_once)
    };
    let response = match busy {
        Some((_, most)) if at_once > most => Some(error(429, "too many at once")),
        _ => respond(&target, &method, &uri, &headers, &body),
    };
    if let Some((ms, _)) = busy {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    target.world().at_once -= 1;
    match response {
        Some(response) => response,
        // The sender is dead, or waits in vain.
        None => std::future::pending().await,
    }
}

/// `None`: no answer, ever.
fn respond(
    target: &Target,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<Response> {
    let crash = {
        let mut world = target.world();
        match &mut world.crash {
            Some(crash) if crash.requests == 0 => world.crash.take(),
            Some(crash) => {
                crash.requests -= 1;
                None
            }
            None => None,
        }
    };
    match crash {
        None => answer_or_fail(target, method, uri, headers, body),
        Some(crash) => {
            if crash.carried_out {
                answer_or_fail(target, method, uri, headers, body);
            }
            crash.now.notify_one();
            None
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The answer of a fault that does nothing.
fn refusal(fault: Fault) -> Option<Response> {
    match fault {
        Fault::Status(status) => Some(error(status, "as planned")),
        Fault::Throttle(seconds) => Some(
            (
                StatusCode::TOO_MANY_REQUESTS,
                [("retry-after", seconds.to_string())],
                "",
            )
                .into_response(),
        ),
        Fault::Html => Some(
            (
                StatusCode::OK,
                [("content-type", "text/html")],
                "<html>Sign in</html>",
            )
                .into_response(),
        ),
        Fault::LoseReply | Fault::Break | Fault::Twice | Fault::Stale | Fault::Hang => None,
    }
}

/// Whether the token is the right one, which it may be for so many more requests only.
fn lets_in(world: &mut World, headers: &HeaderMap) -> bool {
    let token = header(headers, "authorization");
    world.shown.push(token.clone());
    if let Some(left) = world.revoke_after {
        world.revoke_after = left.checked_sub(1);
        if left == 0 {
            world.accepts = Some("nothing".to_owned());
        }
    }
    let bearer = format!("Bearer {SECRET}");
    !world.revoked && token == *world.accepts.as_ref().unwrap_or(&bearer)
}

fn answer_or_fail(
    target: &Target,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<Response> {
    let mut world = target.world();
    world.requests.push(format!("{method} {uri}"));
    let at = world.requests.len() - 1;
    if !lets_in(&mut world, headers) {
        return Some(error(401, "unknown token"));
    }
    let path = uri.path().trim_start_matches("/scim/").to_owned();
    let planned = world.plans.iter_mut().find(|plan| {
        plan.times > 0
            && plan.method == method.as_str()
            && uri
                .to_string()
                .trim_start_matches("/scim/")
                .starts_with(plan.path)
    });
    let fault = planned.map(|plan| {
        plan.times = plan.times.saturating_sub(1);
        plan.fault
    });
    if std::env::var("TENURE_SEED").is_ok() {
        let body = String::from_utf8_lossy(body).into_owned();
        world.requests[at].push_str(&format!(" {fault:?} {body}"));
    }
    if let Some(refusal) = fault.and_then(refusal) {
        return Some(refusal);
    }
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    if world.limits.plain_json && header(headers, "accept").contains("scim") {
        return Some(error(406, "JSON only"));
    }
    if method != Method::GET {
        world.bodies.push(Sent {
            method: method.to_string(),
            content_type: header(headers, "content-type"),
            accept: header(headers, "accept"),
            body: Value::Object(body.clone()),
        });
    }
    if method == Method::POST
        && let Some(account) = world.appears.take()
    {
        world
            .users
            .insert(account["id"].as_str().unwrap().to_owned(), account);
    }
    let query = uri.query().unwrap_or_default();
    let response = if fault == Some(Fault::Stale) && method == Method::GET && !path.contains('/') {
        let now = (world.users.clone(), world.groups.clone());
        (world.users, world.groups) = *world.before.clone();
        let response = answer(&mut world, method, &path, query, body);
        (world.users, world.groups) = now;
        response
    } else {
        if method != Method::GET {
            *world.before = (world.users.clone(), world.groups.clone());
        }
        let response = answer(&mut world, method, &path, query, body.clone());
        if fault == Some(Fault::Twice) && method != Method::GET {
            answer(&mut world, method, &path, query, body);
        }
        response
    };
    spoil(fault, response)
}

/// What becomes of an answer on its way back.
fn spoil(fault: Option<Fault>, response: Response) -> Option<Response> {
    match fault {
        Some(Fault::Break) => Some(error(500, "too late")),
        Some(Fault::Hang) => None,
        Some(Fault::LoseReply) => {
            let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
            Some(
                Response::builder()
                    .status(response.status())
                    .body(Body::from_stream(broken))
                    .unwrap(),
            )
        }
        _ => Some(response),
    }
}

fn answer(
    world: &mut World,
    method: &Method,
    path: &str,
    query: &str,
    body: Map<String, Value>,
) -> Response {
    let (collection, id) = path
        .split_once('/')
        .map_or((path, None), |(collection, id)| (collection, Some(id)));
    let is_user = collection == "Users";
    let next = world.next;
    let limits = &world.limits;
    if let Some((status, why)) = limits.refusal(method, collection, query) {
        return error(status, why);
    }
    let hides_members = limits.hides_members;
    let resources = match collection {
        "Users" => &mut world.users,
        "Groups" => &mut world.groups,
        _ => return error(404, "no such endpoint"),
    };
    let resource_type = if is_user {
        SchemaSet::user()
    } else {
        SchemaSet::group()
    };
    match (method.as_str(), id) {
        ("GET", None) => list(world, is_user, query),
        ("GET", Some(id)) => resources.get(id).map_or_else(
            || error(404, "gone"),
            |resource| scim(200, &limits::shown(resource, hides_members)),
        ),
        ("PUT", Some(id)) => {
            let Some(resource) = resources.get_mut(id) else {
                return error(404, "gone");
            };
            *resource = body;
            resource.insert("id".to_owned(), id.into());
            scim(200, &Value::Object(resource.clone()))
        }
        ("POST", None) => {
            let name = if is_user { "userName" } else { "displayName" };
            if resources
                .values()
                .any(|resource| resource.get(name) == body.get(name))
            {
                return error(409, "the name is taken");
            }
            let id = format!("t{next}");
            let mut resource = body;
            resource.insert("id".to_owned(), id.clone().into());
            resources.insert(id, resource.clone());
            world.next += 1;
            scim(201, &Value::Object(resource))
        }
        ("PATCH", Some(id)) => {
            let Some(resource) = resources.get_mut(id) else {
                return error(404, "gone");
            };
            let request = patch::parse(resource_type, &body).unwrap();
            patch::apply(resource_type, id, resource, &request.operations).unwrap();
            request
                .members
                .into_iter()
                .for_each(|change| change_members(resource, change));
            StatusCode::NO_CONTENT.into_response()
        }
        ("DELETE", Some(id)) => match resources.remove(id) {
            Some(_) => {
                // An account that is gone is in no group any more.
                for group in world.groups.values_mut() {
                    change_members(group, MemberChange::Remove(vec![id.to_owned()]));
                }
                StatusCode::NO_CONTENT.into_response()
            }
            None => error(404, "gone"),
        },
        _ => error(405, "not here"),
    }
}

fn list(world: &World, is_user: bool, query: &str) -> Response {
    let (resources, resource_type) = if is_user {
        (&world.users, SchemaSet::user())
    } else {
        (&world.groups, SchemaSet::group())
    };
    let hidden = world.hides_users && is_user;
    let filter = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "filter")
        .map(|(_, value)| Filter::parse(&value).unwrap());
    let found: Vec<Value> = resources
        .values()
        .filter(|_| !hidden)
        .filter(|resource| {
            world.ignores_filters
                || filter
                    .as_ref()
                    .is_none_or(|filter| filter.matches(resource_type, resource))
        })
        .map(|resource| limits::shown(resource, world.limits.hides_members))
        .collect();
    let total = found.len();
    let found = limits::paged(&world.limits, found, query);
    scim(
        200,
        &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total, "Resources": found }),
    )
}

fn change_members(resource: &mut Map<String, Value>, change: MemberChange) {
    let members = resource
        .entry("members")
        .or_insert_with(|| json!([]))
        .as_array_mut()
        .unwrap();
    match change {
        MemberChange::Add(added) => {
            for member in added {
                members.retain(|present| present["value"] != member.value);
                members.push(json!({ "value": member.value }));
            }
        }
        MemberChange::Remove(removed) => {
            members.retain(|present| !removed.iter().any(|id| present["value"] == *id));
        }
        other => panic!("not sent by the engine: {other:?}"),
    }
}

fn scim(status: u16, body: &Value) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        [("content-type", "application/scim+json")],
        body.to_string(),
    )
        .into_response()
}

fn error(status: u16, detail: &str) -> Response {
    scim(
        status,
        &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail }),
    )
}
