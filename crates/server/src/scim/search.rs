//! Queries: GET at a resource type, and POST to `/.search` (RFC 7644 sections 3.4.2 and 3.4.3).

use std::fmt::Write as _;

use axum::{body::Body, http::StatusCode, response::Response};
use tenure_scim::discovery::LIST_RESPONSE;
use tenure_store::{Kind, Tx, resource};

use super::{Call, body, error::Refusal, json_response, limits, query::Parameters};

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
    let query = parameters.query(&view.resource_type)?;
    let start_index = query.start_index;
    let (total, resources) = call
        .scim
        .app
        .store
        .read(move |tx| {
            let page = resource::query(tx, view.workspace, kind, &query)?;
            let mut room = limits::MEMBERS_ANSWER;
            let mut texts = Vec::with_capacity(page.items.len());
            for stored in &page.items {
                texts.push(view.render(tx, stored, &mut room)?.text);
            }
            Ok((page.total, texts))
        })
        .await?;
    Ok(json_response(
        StatusCode::OK,
        list_text(total, start_index, &resources),
    ))
}

/// GET at the root: all users, then all groups.
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

/// A page of users and groups one after the other. Filters and orders over both would have to be evaluated and merged
/// across types; they are refused instead of answered in part.
async fn page_of_all(call: &Call<'_>, parameters: &Parameters) -> Result<Response, Refusal> {
    if parameters.selects() {
        let detail = "Filters and orders over all resource types are not supported; ask at `/Users` or `/Groups`.";
        return Err(Refusal::status(501, detail));
    }
    let query = parameters.query(call.types.of(Kind::User)?)?;
    let projection = parameters.projection()?;
    let views = call
        .types
        .iter()
        .map(|(kind, _)| call.view(kind, projection.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let start_index = query.start_index;
    let read = move |tx: &mut Tx<'_>| {
        let (mut skip, mut room) = (query.start_index.saturating_sub(1), limits::MEMBERS_ANSWER);
        let (mut left, mut total) = (query.count, 0_u64);
        let mut texts = Vec::new();
        for view in &views {
            let part = resource::Query {
                start_index: skip.saturating_add(1),
                count: left,
                ..resource::Query::default()
            };
            let page = resource::query(tx, view.workspace, view.kind, &part)?;
            for stored in &page.items {
                texts.push(view.render(tx, stored, &mut room)?.text);
            }
            left = query
                .count
                .saturating_sub(u64::try_from(texts.len()).unwrap_or(u64::MAX));
            skip = skip.saturating_sub(page.total);
            total = total.saturating_add(page.total);
        }
        Ok((total, texts))
    };
    let (total, resources) = call.scim.app.store.read(read).await?;
    Ok(json_response(
        StatusCode::OK,
        list_text(total, start_index, &resources),
    ))
}

/// A ListResponse around rendered resources; `Resources` is there even when it is empty.
fn list_text(total: u64, start_index: u64, resources: &[String]) -> String {
    let length: usize = resources.iter().map(|resource| resource.len() + 1).sum();
    let mut text = String::with_capacity(length + 192);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#"{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},"startIndex":{start_index},"itemsPerPage":{},"Resources":["#,
        resources.len(),
    );
    for (number, resource) in resources.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(resource);
    }
    text.push_str("]}");
    text
}
