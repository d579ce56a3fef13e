//! Users and groups by id, and their creation (RFC 7644 sections 3.3, 3.4.1, 3.5 and 3.6).

use std::sync::Arc;

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_LOCATION, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION},
    },
    response::Response,
};
use tenure_scim::{Document, ScimError, patch as scim_patch, project::Projection, validate};
use tenure_store::{
    Error, Kind, Tx, membership,
    resource::{self, Stored},
    token::PatchAnswer,
};

use super::{
    Call, body,
    error::Refusal,
    etag, json_response, limits,
    query::Parameters,
    render::{Rendered, View},
};

/// RFC 7240; `return=minimal` asks for an answer without body.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a change or a read gives back.
enum Outcome {
    /// The representation.
    Full(Rendered),
    /// Only the version: nothing to show, or too much.
    Version(i64),
}

impl Call<'_> {
    /// How this client sees resources of a kind.
    pub(super) fn view(&self, kind: Kind, projection: Projection) -> Result<View, Refusal> {
        Ok(View {
            workspace: self.principal.workspace,
            kind,
            resource_type: Arc::clone(self.types.of(kind)?),
            types: Arc::clone(&self.types),
            projection,
            base_url: self.scim.base_url.clone(),
        })
    }

    fn projection(&self) -> Result<Projection, ScimError> {
        Parameters::from_query(self.query())?.projection()
    }

    /// Refuses a request whose parameters or body are bad, but not before the resource exists and has the version
    /// that the client named: 404 and 412 come before 415 and 400.
    async fn refuse(&self, kind: Kind, id: String, refusal: Refusal) -> Refusal {
        let workspace = self.principal.workspace;
        let found = self
            .scim
            .app
            .store
            .read(move |tx| existing(tx, workspace, kind, &id))
            .await;
        match found {
            Err(error) => error.into(),
            Ok(stored) => match self.header(&IF_MATCH) {
                Some(tags) if !etag::matches(&tags, stored.version) => Refusal::status(
                    412,
                    "The resource has another version than `If-Match` names.",
                ),
                _ => refusal,
            },
        }
    }
}

/// POST `/Users`, `/Groups`.
pub(super) async fn create(call: Call<'_>, kind: Kind, body: Body) -> Result<Response, Refusal> {
    let document = body::read_object(&call.parts.headers, body).await?;
    let view = call.view(kind, call.projection()?)?;
    let validated = validate::create(&view.resource_type, document)?;
    if !validated.ignored.is_empty() {
        tracing::debug!(
            count = validated.ignored.len(),
            "unknown attributes ignored"
        );
    }
    let members = validated.members.unwrap_or_default();
    let rules = call.principal.options.rules.clone();
    let write = move |tx: &mut Tx<'_>| {
        let document = &validated.document;
        let written = resource::create_with(tx, view.workspace, kind, document, &members, &rules)?;
        view.render(tx, &written.stored, &mut room())
    };
    let rendered = call.scim.app.store.write(call.actor(), write).await?;
    respond(StatusCode::CREATED, Outcome::Full(rendered))
}

/// GET by id.
pub(super) async fn get(call: Call<'_>, kind: Kind, id: String) -> Result<Response, Refusal> {
    let projection = match call.projection() {
        Ok(projection) => projection,
        Err(error) => return Err(call.refuse(kind, id, error.into()).await),
    };
    let view = call.view(kind, projection)?;
    let known = call.header(&IF_NONE_MATCH);
    let read = move |tx: &mut Tx<'_>| {
        let stored = existing(tx, view.workspace, kind, &id)?;
        if known
            .as_deref()
            .is_some_and(|tags| etag::matches(tags, stored.version))
        {
            return Ok(Outcome::Version(stored.version));
        }
        Ok(Outcome::Full(view.render(tx, &stored, &mut room())?))
    };
    let outcome = call.scim.app.store.read(read).await?;
    let status = match outcome {
        Outcome::Full(_) => StatusCode::OK,
        Outcome::Version(_) => StatusCode::NOT_MODIFIED,
    };
    respond(status, outcome)
}

/// PUT.
pub(super) async fn replace(
    call: Call<'_>,
    kind: Kind,
    id: String,
    body: Body,
) -> Result<Response, Refusal> {
    let input = async {
        let document = body::read_object(&call.parts.headers, body).await?;
        Ok((document, call.projection()?))
    };
    let (document, projection): (Document, Projection) = match input.await {
        Ok(input) => input,
        Err(refusal) => return Err(call.refuse(kind, id, refusal).await),
    };
    let view = call.view(kind, projection)?;
    let if_match = call.header(&IF_MATCH);
    let rules = call.principal.options.rules.clone();
    let write = move |tx: &mut Tx<'_>| {
        let if_match = if_match.as_deref();
        let written =
            resource::replace_with(tx, view.workspace, kind, &id, if_match, &document, &rules)?;
        view.render(tx, &written.stored, &mut room())
    };
    let rendered = call.scim.app.store.write(call.actor(), write).await?;
    respond(StatusCode::OK, Outcome::Full(rendered))
}

/// PATCH. The answer has the resource, but not a large group unless the client names attributes.
pub(super) async fn patch(
    call: Call<'_>,
    kind: Kind,
    id: String,
    body: Body,
) -> Result<Response, Refusal> {
    let input = async {
        let document = body::read_object(&call.parts.headers, body).await?;
        let request = scim_patch::parse(call.types.of(kind)?, &document)?;
        Ok((request, call.projection()?))
    };
    let (request, projection): (scim_patch::PatchRequest, Projection) = match input.await {
        Ok(input) => input,
        Err(refusal) => return Err(call.refuse(kind, id, refusal).await),
    };
    let view = call.view(kind, projection)?;
    let if_match = call.header(&IF_MATCH);
    let options = call.principal.options.clone();
    let minimal = call
        .header(&PREFER)
        .is_some_and(|prefer| prefers_minimal(&prefer));
    let write = move |tx: &mut Tx<'_>| {
        let if_match = if_match.as_deref();
        let stored = resource::patch_with(
            tx,
            view.workspace,
            kind,
            &id,
            if_match,
            &request,
            &options.rules,
        )?
        .stored;
        let named = view.projection.attributes.is_some();
        let empty = match options.patch_answer {
            PatchAnswer::Automatic => minimal || is_large(tx, &view, &stored)?,
            PatchAnswer::Resource => minimal,
            PatchAnswer::Empty => true,
        };
        if !named && empty {
            return Ok(Outcome::Version(stored.version));
        }
        Ok(Outcome::Full(view.render(tx, &stored, &mut room())?))
    };
    let outcome = call.scim.app.store.write(call.actor(), write).await?;
    let status = match outcome {
        Outcome::Full(_) => StatusCode::OK,
        Outcome::Version(_) => StatusCode::NO_CONTENT,
    };
    respond(status, outcome)
}

/// DELETE.
pub(super) async fn delete(call: Call<'_>, kind: Kind, id: String) -> Result<Response, Refusal> {
    let workspace = call.principal.workspace;
    let if_match = call.header(&IF_MATCH);
    let write =
        move |tx: &mut Tx<'_>| resource::delete(tx, workspace, kind, &id, if_match.as_deref());
    match call.scim.app.store.write(call.actor(), write).await {
        Err(Error::Scim(error)) if error.status == 404 && call.principal.options.repeat_deletes => {
        }
        outcome => outcome?,
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn existing(
    tx: &mut Tx<'_>,
    workspace: tenure_store::WorkspaceId,
    kind: Kind,
    id: &str,
) -> Result<Stored, Error> {
    resource::get(tx, workspace, kind, id)?.ok_or_else(|| Error::NotFound(id.to_owned()))
}

/// Whether a group has so many members that sending them would make every change slow.
fn is_large(tx: &mut Tx<'_>, view: &View, stored: &Stored) -> Result<bool, Error> {
    Ok(view.kind == Kind::Group
        && view.shows_references()
        && membership::count(tx, view.workspace, stored.rid)? > limits::MEMBERS_PATCH_ANSWER)
}

fn prefers_minimal(prefer: &str) -> bool {
    prefer
        .split([',', ';'])
        .any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

fn room() -> u64 {
    limits::MEMBERS_ANSWER
}

/// The answer with its version; where the resource is goes into Location only when it is new (RFC 7644 section 3.3).
fn respond(status: StatusCode, outcome: Outcome) -> Result<Response, Refusal> {
    let (version, mut response) = match outcome {
        Outcome::Version(version) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            (version, response)
        }
        Outcome::Full(rendered) => {
            let name = if status == StatusCode::CREATED {
                LOCATION
            } else {
                CONTENT_LOCATION
            };
            let location = HeaderValue::from_str(&rendered.location).map_err(|_| {
                Refusal::status(
                    500,
                    "The public URL of this server cannot be sent in a header.",
                )
            })?;
            let mut response = json_response(status, rendered.text);
            response.headers_mut().insert(name, location);
            (rendered.version, response)
        }
    };
    if let Ok(tag) = HeaderValue::from_str(&etag::format(version)) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}
