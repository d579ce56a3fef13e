//! Who calls the API: an API token of a workspace.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenure_scim::json;
use tenure_store::{
    Actor, WorkspaceId,
    token::{self, Principal, Scope},
};

use super::problem::Problem;
use crate::{
    App,
    scim::{bearer, touch},
};

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller {
    principal: Principal,
}

impl Caller {
    /// The token's workspace: the only one that exists for this request.
    pub(super) fn workspace(&self) -> WorkspaceId {
        self.principal.workspace
    }

    /// For the audit log.
    pub(super) fn actor(&self) -> Actor {
        Actor {
            kind: "token".to_owned(),
            id: self.principal.token_id.clone(),
            name: self.principal.token_name.clone(),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let secret = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|header| bearer(header.to_str().ok()?))
            .ok_or_else(Problem::unauthorized)?
            .to_owned();
        let found = app
            .store
            .read(move |tx| token::authenticate(tx, &secret, Scope::Api))
            .await?;
        let principal = found.ok_or_else(Problem::unauthorized)?;
        if principal.touch {
            touch(app.store.clone(), &principal, &parts.headers);
        }
        Ok(Self { principal })
    }
}

/// Query parameters as a structure.
#[derive(Debug)]
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(parameters)| Self(parameters))
            .map_err(|error| Problem::invalid(error.body_text()))
    }
}

/// A JSON body within the limits that hold everywhere.
#[derive(Debug)]
pub(super) struct Body(pub(super) Value);

impl FromRequest<App> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, app).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let limit = crate::limits::API_BODY_BYTES;
                let detail = format!("The body is larger than {limit} bytes.");
                return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
            }
            Problem::new(
                StatusCode::BAD_REQUEST,
                "The body could not be read to its end.",
            )
        })?;
        Ok(Self(json::parse(&bytes)?))
    }
}

impl Body {
    /// The body as a structure.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        // Serde would also take a list of the values in order.
        if !self.0.is_object() {
            return Err(Problem::invalid("The body must be an object."));
        }
        serde_json::from_value(self.0).map_err(|error| Problem::invalid(error.to_string()))
    }
}
