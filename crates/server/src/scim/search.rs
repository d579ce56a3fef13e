//! Queries: GET at a resource type or at the root, and POST to `/.search` (RFC 7644 sections 3.4.2 and 3.4.3), by
//! index or by cursor (RFC 9865).

use std::fmt::Write as _;

use axum::{body::Body, http::StatusCode, response::Response};
use tenure_scim::{discovery::LIST_RESPONSE, schema::ResourceType};
use tenure_store::{
    Error, Kind, Tx,
    resource::{self, Stored},
};

use super::{
    Call, body, cursor::Place, error::Refusal, json_response, limits, query::Parameters,
    render::View,
};

/// GET `/Users` and `/Groups`.
pub(super) async fn list(call: Call<'_>, kind: Kind) -> Result<Response, Refusal> {
    let parameters = Parameters::from_query(call.query())?;
    page(&call, kind, &parameters).await
}

/// POST `/Users/.search` and `/Groups/.search`.
pub(super) async fn search(call: Call<'_>, kind: Kind, body: Body) -> Result<Response, Refusal> {
    let document = body::read_object(&call.parts.headers, body).await?;
    let parameters = Parameters::from_search(&document)?;
    page(&call, kind, &parameters).await
}

async fn page(call: &Call<'_>, kind: Kind, parameters: &Parameters) -> Result<Response, Refusal> {
    let view = call.view(kind, parameters.projection()?)?;
    call.record
        .note(parameters.deviations(&[&view.resource_type]));
    if parameters.cursor()?.is_some() {
        return part(call, vec![view], parameters).await;
    }
    let query = parameters.query(&view.resource_type, &call.scim.base_url)?;
    let start_index = query.start_index;
    let (total, resources) = call
        .scim
        .app
        .store
        .read(move |tx| {
            let page = resource::query(tx, view.workspace, kind, &query)?;
            let texts = render(tx, std::slice::from_ref(&view), &page.items)?;
            Ok((page.total, texts))
        })
        .await?;
    let next = Next::Index(start_index);
    Ok(json_response(
        StatusCode::OK,
        list_text(total, &next, &resources),
    ))
}

/// GET at the root: resources of all types in the order of creation, or sorted across types.
pub(super) async fn list_all(call: Call<'_>) -> Result<Response, Refusal> {
    let parameters = Parameters::from_query(call.query())?;
    page_of_all(&call, &parameters).await
}

/// POST `/.search` at the root.
pub(super) async fn search_all(call: Call<'_>, body: Body) -> Result<Response, Refusal> {
    let document = body::read_object(&call.parts.headers, body).await?;
    let parameters = Parameters::from_search(&document)?;
    page_of_all(&call, &parameters).await
}

async fn page_of_all(call: &Call<'_>, parameters: &Parameters) -> Result<Response, Refusal> {
    let projection = parameters.projection()?;
    let views = call
        .types
        .iter()
        .map(|(kind, _)| call.view(kind, projection.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let users = call.types.of(Kind::User)?;
    call.record.note(parameters.deviations(&[users]));
    part(call, views, parameters).await
}

/// A part of a list over the types of some views, by cursor or by index.
async fn part(
    call: &Call<'_>,
    views: Vec<View>,
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    let types: Vec<&ResourceType> = views.iter().map(|view| &*view.resource_type).collect();
    let kinds: Vec<Kind> = views.iter().map(|view| view.kind).collect();
    let start = parameters.walk(&types, &call.scim.base_url)?;
    let count = parameters.count()?;
    let cursor = parameters.cursor()?.map(str::to_owned);
    let workspace = call.principal.workspace;
    let read = move |tx: &mut Tx<'_>| {
        let mut walk = start.clone();
        let place = Place::new(workspace, &kinds, &walk);
        if let Some(cursor) = cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            place.resume(tx, cursor, count, &mut walk)?;
        }
        let step = resource::walk(tx, workspace, &kinds, &walk)?;
        let next = match (&cursor, step.next) {
            (None, _) => Next::Index(walk.skip.saturating_add(1)),
            (Some(_), None) => Next::End,
            (Some(_), Some(position)) => {
                Next::Cursor(place.cursor(tx, position, step.total, walk.count)?)
            }
        };
        let texts = render(tx, &views, &step.items)?;
        Ok(list_text(step.total, &next, &texts))
    };
    let text = call.scim.app.store.read(read).await?;
    Ok(json_response(StatusCode::OK, text))
}

/// Resources as text, each as its view wants it.
fn render(tx: &mut Tx<'_>, views: &[View], items: &[Stored]) -> Result<Vec<String>, Error> {
    let mut room = limits::MEMBERS_ANSWER;
    let mut texts = Vec::with_capacity(items.len());
    for stored in items {
        if let Some(view) = views.iter().find(|view| view.kind == stored.kind) {
            texts.push(view.render(tx, stored, &mut room)?.text);
        }
    }
    Ok(texts)
}

/// How a list goes on.
enum Next {
    /// By index; this is the one of the first resource.
    Index(u64),
    /// By this cursor.
    Cursor(String),
    /// It was paged by cursor and has ended.
    End,
}

/// A ListResponse around rendered resources; `Resources` is there even when it is empty.
fn list_text(total: u64, next: &Next, resources: &[String]) -> String {
    let length: usize = resources.iter().map(|resource| resource.len() + 1).sum();
    let mut text = String::with_capacity(length + 512);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#"{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},"#
    );
    let _ = match next {
        Next::Index(start_index) => write!(text, r#""startIndex":{start_index},"#),
        // A cursor has no character that JSON would escape.
        Next::Cursor(cursor) => write!(text, r#""nextCursor":"{cursor}","#),
        Next::End => Ok(()),
    };
    let _ = write!(text, r#""itemsPerPage":{},"Resources":["#, resources.len());
    for (number, resource) in resources.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(resource);
    }
    text.push_str("]}");
    text
}
