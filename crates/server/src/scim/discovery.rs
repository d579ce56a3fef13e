//! What the server can do (RFC 7644 section 4). The configuration is public, the rest needs a token.

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use serde_json::Value;
use tenure_scim::discovery;

use super::{Call, Scim, error::Refusal, json_response, query::Parameters, route::Endpoint};

/// GET `/ServiceProviderConfig`.
pub(super) fn configuration(scim: &Scim, parts: &Parts) -> Result<Response, Refusal> {
    if parts.method != Method::GET {
        return Err(Refusal::method_not_allowed(
            Endpoint::ServiceProviderConfig.allow(),
        ));
    }
    refuse_filter(parts.uri.query().unwrap_or_default())?;
    Ok(json_response(
        StatusCode::OK,
        discovery::service_provider_config(&scim.base_url).to_string(),
    ))
}

/// GET `/Schemas` and `/Schemas/{urn}`; URNs are compared without case.
pub(super) fn schemas(call: &Call<'_>, id: Option<&str>) -> Result<Response, Refusal> {
    refuse_filter(call.query())?;
    answer(discovery::schemas(&call.types.set, &call.scim.base_url), id)
}

/// GET `/ResourceTypes` and `/ResourceTypes/{name}`.
pub(super) fn resource_types(call: &Call<'_>, name: Option<&str>) -> Result<Response, Refusal> {
    refuse_filter(call.query())?;
    answer(
        discovery::resource_types(&call.types.set, &call.scim.base_url),
        name,
    )
}

/// A filter here is 403, so that nobody takes the whole list for its result.
fn refuse_filter(query: &str) -> Result<(), Refusal> {
    let filtered =
        Parameters::from_query(query).is_ok_and(|parameters| parameters.filter.is_some());
    if filtered {
        return Err(Refusal::status(
            403,
            "Filters are not allowed at discovery endpoints.",
        ));
    }
    Ok(())
}

fn answer(all: Vec<Value>, id: Option<&str>) -> Result<Response, Refusal> {
    let Some(id) = id else {
        let total = all.len();
        return Ok(json_response(
            StatusCode::OK,
            discovery::list_response(all, total, 1).to_string(),
        ));
    };
    let wanted = |value: &&Value| {
        value["id"]
            .as_str()
            .is_some_and(|found| found.eq_ignore_ascii_case(id))
    };
    let found = all
        .iter()
        .find(wanted)
        .ok_or_else(|| Refusal::status(404, "There is no such resource."))?;
    Ok(json_response(StatusCode::OK, found.to_string()))
}
