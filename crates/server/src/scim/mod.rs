//! The SCIM API (RFC 7644) over the store.
//!
//! A request goes through `route` (which endpoint), `bearer` (which workspace), one of `resources`, `search` and
//! `discovery`, and comes back through `render` or `error`. Refusals come in the order 401, 403, 404, 412, 415, 400,
//! 409, so that a stranger learns nothing from a body that was judged too early.

mod bearer;
mod body;
mod bulk;
mod cursor;
mod discovery;
mod error;
mod etag;
mod limits;
mod log;
mod query;
mod render;
mod resources;
mod route;
mod search;
mod stream;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ACCEPT, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, LOCATION},
        request::Parts,
    },
    response::Response,
};
use tenure_store::{Actor, Kind, schema::Types, token::Principal};

pub(crate) use bearer::{bearer, touch};
pub(crate) use error::error_response;
pub(crate) use log::RequestLog;

use tokio::sync::Semaphore;

use crate::{
    App,
    metrics::{Requests, Route},
};
use error::{Refusal, SCIM_JSON};
use log::{Follower, Record};
use route::Endpoint;

/// What SCIM handlers share.
#[derive(Debug)]
struct Scim {
    app: App,
    /// SCIM root that clients see, without a slash at its end.
    base_url: Arc<str>,
    touches: bearer::Touches,
    /// Places for bulk requests.
    bulks: Semaphore,
    log: Arc<RequestLog>,
    requests: Requests,
}

/// An authenticated request, its body aside.
struct Call<'a> {
    scim: &'a Scim,
    principal: Principal,
    types: Arc<Types>,
    parts: Parts,
    record: Arc<Record>,
}

impl Call<'_> {
    fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    fn header(&self, name: &HeaderName) -> Option<String> {
        let value = self.parts.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn actor(&self) -> Actor {
        Actor {
            kind: "token".to_owned(),
            id: self.principal.token_id.clone(),
            name: self.principal.token_name.clone(),
        }
    }
}

/// Answers every path under `/scim`.
pub(crate) fn service(app: App, log: Arc<RequestLog>, requests: Requests) -> Router {
    let base_url = format!("{}/scim", app.config.public_url).into();
    let scim = Scim {
        app,
        base_url,
        touches: bearer::Touches::default(),
        bulks: Semaphore::new(limits::BULKS),
        log,
        requests,
    };
    Router::new().fallback(handle).with_state(Arc::new(scim))
}

async fn handle(State(scim): State<Arc<Scim>>, request: Request) -> Response {
    let plain_json = wants_plain_json(request.headers());
    let head = request.method() == Method::HEAD;
    let (follower, mut request) = Follower::begin(&scim.log, request);
    if head {
        *request.method_mut() = Method::GET;
    }
    let mut response = answer(&scim, follower.record(), request)
        .await
        .unwrap_or_else(|refusal| {
            follower.record().refused(refusal.error());
            refusal.into_response()
        });
    if plain_json && response.headers().contains_key(CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if head {
        without_body(&mut response);
    }
    follower.finish(response)
}

async fn answer(scim: &Scim, record: &Arc<Record>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let public = route::find(parts.uri.path(), &Types::standard());
    let route = parts.extensions.get::<Route>().cloned().unwrap_or_default();
    if let Some(endpoint) = &public {
        route.set(endpoint.template());
    }
    if public == Some(Endpoint::ServiceProviderConfig) {
        return discovery::configuration(scim, &parts);
    }
    let client = bearer::authenticate(&scim.app.store, &scim.touches, &parts.headers).await?;
    record.identify(&client);
    let bearer::Client {
        principal, types, ..
    } = client;
    let Some(endpoint) = route::find(parts.uri.path(), &types) else {
        return Err(Refusal::status(404, "There is no such endpoint."));
    };
    route.set(endpoint.template());
    let method = parts.method.clone();
    let call = Call {
        scim,
        principal,
        types,
        parts,
        record: Arc::clone(record),
    };
    let operation = endpoint.operation(&method);
    let answer = answer_call(call, endpoint, method, body).await;
    if let Some((resource, operation)) = operation {
        let status = match &answer {
            Ok(response) => response.status().as_u16(),
            Err(refusal) => refusal.error().status,
        };
        scim.requests.operation(resource, operation, status);
    }
    answer
}

async fn answer_call(
    call: Call<'_>,
    endpoint: Endpoint,
    method: Method,
    body: Body,
) -> Result<Response, Refusal> {
    if endpoint != Endpoint::Me {
        return dispatch(call, endpoint, method, body).await;
    }
    let Some(me) = call.principal.options.me.clone() else {
        return Err(Refusal::status(
            501,
            "`/Me` is not supported with this token: it stands for no person. An administrator can change that.",
        ));
    };
    let response = dispatch(call, Endpoint::Resource(Kind::User, me), method, body).await;
    response.map(with_location)
}

/// For `/Me`: where the resource really is (RFC 7644 section 3.11).
fn with_location(mut response: Response) -> Response {
    if let Some(location) = response.headers().get(CONTENT_LOCATION).cloned() {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

async fn dispatch(
    call: Call<'_>,
    endpoint: Endpoint,
    method: Method,
    body: Body,
) -> Result<Response, Refusal> {
    match (endpoint, method) {
        (Endpoint::Root, Method::GET) => search::list_all(call).await,
        (Endpoint::RootSearch, Method::POST) => search::search_all(call, body).await,
        (Endpoint::Bulk, Method::POST) => bulk::run(call, body).await,
        (Endpoint::Collection(kind), Method::GET) => search::list(call, kind).await,
        (Endpoint::Collection(kind), Method::POST) => resources::create(call, kind, body).await,
        (Endpoint::Search(kind), Method::POST) => search::search(call, kind, body).await,
        (Endpoint::Resource(kind, id), Method::GET) => resources::get(call, kind, id).await,
        (Endpoint::Resource(kind, id), Method::PUT) => {
            resources::replace(call, kind, id, body).await
        }
        (Endpoint::Resource(kind, id), Method::PATCH) => {
            resources::patch(call, kind, id, body).await
        }
        (Endpoint::Resource(kind, id), Method::DELETE) => resources::delete(call, kind, id).await,
        (Endpoint::Schemas(id), Method::GET) => discovery::schemas(&call, id.as_deref()),
        (Endpoint::ResourceTypes(name), Method::GET) => {
            discovery::resource_types(&call, name.as_deref())
        }
        (endpoint, _) => Err(Refusal::method_not_allowed(endpoint.allow())),
    }
}

/// Whether a client takes `application/json` and does not say that it takes SCIM's own type.
fn wants_plain_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let mut types = accept
        .split(',')
        .filter_map(|range| range.split(';').next())
        .map(str::trim);
    let plain = |media_type: &str| media_type.eq_ignore_ascii_case("application/json");
    types.clone().any(plain)
        && !types.any(|media_type| {
            ["application/scim+json", "application/*", "*/*"]
                .iter()
                .any(|scim| media_type.eq_ignore_ascii_case(scim))
        })
}

/// For HEAD: the headers of the GET, its length included.
fn without_body(response: &mut Response) {
    if let Some(length) = response.body().size_hint().exact() {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

/// JSON text as an answer.
fn json_response(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    response
}
