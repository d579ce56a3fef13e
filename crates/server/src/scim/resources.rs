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
use tenure_scim::{
    Deviation, Document, ScimError,
    patch::{self as scim_patch, PatchRequest},
    project::Projection,
    schema::ResourceType,
    validate::{self, Validated},
};
use tenure_store::{
    Error, Kind, Store, Tx, WorkspaceId, membership,
    resource::{self, Stored},
    token::{Options, PatchAnswer},
};

use super::{
    Call, body,
    error::Refusal,
    etag, json_response, limits,
    log::Record,
    query::Parameters,
    render::{Rendered, View},
    stream::Frame,
};

/// RFC 7240; `return=minimal` asks for an answer without body.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a change or a read gives back.
enum Outcome {
    /// The representation.
    Full(Rendered),
    /// The representation of a large group, whose members are read while it is sent.
    Large(Frame),
    /// Only the version: nothing to show, or too much.
    Version(i64),
    /// The resource is gone.
    Gone,
}

/// What is to be done to a resource, read from a request.
#[derive(Debug)]
pub(super) enum What {
    /// POST.
    Create(Validated),
    /// PUT of a document at an id; it is validated against what is stored.
    Replace(String, Document),
    /// PATCH at an id.
    Patch(String, PatchRequest),
    /// DELETE of an id.
    Delete(String),
}

impl What {
    /// The id of the resource; none for a creation.
    fn id(&self) -> Option<&str> {
        match self {
            Self::Create(_) => None,
            Self::Replace(id, _) | Self::Patch(id, _) | Self::Delete(id) => Some(id),
        }
    }

    /// A creation.
    ///
    /// # Errors
    /// 400 as validation says.
    pub(super) fn create(
        resource_type: &ResourceType,
        document: Document,
    ) -> Result<Self, ScimError> {
        Ok(Self::Create(validate::create(resource_type, document)?))
    }

    /// A PATCH.
    ///
    /// # Errors
    /// 400 as the parser says.
    pub(super) fn patch(
        resource_type: &ResourceType,
        id: String,
        document: &Document,
    ) -> Result<Self, ScimError> {
        Ok(Self::Patch(id, scim_patch::parse(resource_type, document)?))
    }
}

/// A change of one resource, alone or within a bulk request.
#[derive(Debug)]
pub(super) struct Change<'c> {
    /// Which workspace and kind, and how the result is shown.
    pub(super) view: &'c View,
    /// How the client wants to be treated.
    pub(super) options: &'c Options,
    /// Entity tags that the resource must have.
    pub(super) if_match: Option<&'c str>,
    /// Entity tags that the resource must not have.
    pub(super) if_none_match: Option<&'c str>,
    /// What to do.
    pub(super) what: &'c What,
    /// Learns what was tolerated.
    pub(super) record: &'c Record,
}

impl Change<'_> {
    /// Carries it out. `None`: the resource is gone.
    ///
    /// # Errors
    /// As the store says: 404, 412, 400, 409.
    pub(super) fn apply(&self, tx: &mut Tx<'_>) -> Result<Option<Stored>, Error> {
        let (workspace, kind) = (self.view.workspace, self.view.kind);
        let (if_match, rules) = (self.if_match, &self.options.rules);
        if let (Some(tags), Some(id)) = (self.if_none_match, self.what.id()) {
            refuse_known(tx, workspace, kind, id, tags)?;
        }
        let written = match self.what {
            What::Create(validated) => {
                self.record
                    .tolerated(validated.deviations, &validated.ignored);
                if rules.strict_attributes {
                    validate::refuse_unknown(&validated.ignored)?;
                }
                let members = validated.members.as_deref().unwrap_or_default();
                resource::create_with(tx, workspace, kind, &validated.document, members, rules)?
            }
            What::Replace(id, document) => {
                resource::replace_with(tx, workspace, kind, id, if_match, document, rules)?
            }
            What::Patch(id, request) => {
                let kept = self.without_unchanged(tx, id, request)?;
                let request = kept.as_ref().unwrap_or(request);
                self.record.tolerated(request.deviations, &request.ignored);
                resource::patch_with(tx, workspace, kind, id, if_match, request, rules)?
            }
            What::Delete(id) => {
                return match resource::delete(tx, workspace, kind, id, if_match) {
                    Err(Error::Scim(error))
                        if error.status == 404 && self.options.repeat_deletes =>
                    {
                        self.record
                            .note([Deviation::RepeatedDelete].into_iter().collect());
                        Ok(None)
                    }
                    outcome => outcome.map(|()| None),
                };
            }
        };
        self.record.written(&written, rules);
        Ok(Some(written.stored))
    }

    /// The request without operations that set values of the server to what they are; `None` if it has none of them.
    fn without_unchanged(
        &self,
        tx: &mut Tx<'_>,
        id: &str,
        request: &PatchRequest,
    ) -> Result<Option<PatchRequest>, Error> {
        let view = self.view;
        if !request.sets_read_only(&view.resource_type) {
            return Ok(None);
        }
        let Some(stored) = resource::get(tx, view.workspace, view.kind, id)? else {
            return Ok(None);
        };
        let whole = View {
            projection: Projection {
                excluded: Some(vec!["members".to_owned()]),
                ..Projection::default()
            },
            ..view.clone()
        };
        let mut room = limits::MEMBERS_ANSWER;
        let rendered = whole.render(tx, &stored, &mut room)?;
        let shown: Document = serde_json::from_str(&rendered.text)
            .map_err(|error| Error::Database(error.to_string()))?;
        let mut kept = request.clone();
        kept.drop_unchanged(&view.resource_type, &shown);
        Ok(Some(kept))
    }

    fn outcome(&self, tx: &mut Tx<'_>, stored: &Stored, minimal: bool) -> Result<Outcome, Error> {
        let view = self.view;
        if matches!(self.what, What::Patch(..)) && view.projection.attributes.is_none() {
            let empty = match self.options.patch_answer {
                PatchAnswer::Automatic => minimal || is_large(tx, view, stored)?,
                PatchAnswer::Resource => minimal,
                PatchAnswer::Empty => true,
            };
            if empty {
                return Ok(Outcome::Version(stored.version));
            }
        }
        shown(tx, view, stored)
    }
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
        let if_match = self.header(&IF_MATCH);
        let check =
            move |tx: &mut Tx<'_>| precondition(tx, workspace, kind, &id, if_match.as_deref());
        match self.scim.app.store.read(check).await {
            Err(error) => error.into(),
            Ok(()) => refusal,
        }
    }

    /// Carries out a change in a transaction of its own and answers.
    async fn perform(
        &self,
        kind: Kind,
        projection: Projection,
        what: What,
    ) -> Result<Response, Refusal> {
        let view = self.view(kind, projection)?;
        let options = self.principal.options.clone();
        let if_match = self.header(&IF_MATCH);
        let if_none_match = self.header(&IF_NONE_MATCH);
        let minimal = self
            .header(&PREFER)
            .is_some_and(|prefer| prefers_minimal(&prefer));
        let full = match what {
            What::Create(_) => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        let record = Arc::clone(&self.record);
        let write = move |tx: &mut Tx<'_>| {
            let change = Change {
                view: &view,
                record: &record,
                options: &options,
                if_match: if_match.as_deref(),
                if_none_match: if_none_match.as_deref(),
                what: &what,
            };
            match change.apply(tx)? {
                None => Ok(Outcome::Gone),
                Some(stored) => change.outcome(tx, &stored, minimal),
            }
        };
        let outcome = self.scim.app.store.write(self.actor(), write).await?;
        let status = match outcome {
            Outcome::Full(_) | Outcome::Large(_) => full,
            Outcome::Version(_) | Outcome::Gone => StatusCode::NO_CONTENT,
        };
        respond(&self.scim.app.store, status, outcome)
    }
}

/// Refuses a change of a resource that has one of the named versions (RFC 9110 section 13.1.2).
fn refuse_known(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    tags: &str,
) -> Result<(), Error> {
    let stored = resource::get(tx, workspace, kind, id)?;
    match stored {
        Some(stored) if etag::matches(tags, stored.version) => Err(ScimError::status(
            412,
            "The resource has a version that `If-None-Match` names.",
        )
        .into()),
        // What does not exist is refused with 404 in a moment.
        _ => Ok(()),
    }
}

/// Whether a resource exists and has a version that the client named.
///
/// # Errors
/// `NotFound`, or 412.
pub(super) fn precondition(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Error> {
    let stored = existing(tx, workspace, kind, id)?;
    match if_match {
        Some(tags) if !etag::matches(tags, stored.version) => Err(ScimError::status(
            412,
            "The resource has another version than `If-Match` names.",
        )
        .into()),
        _ => Ok(()),
    }
}

/// POST `/Users`, `/Groups`.
pub(super) async fn create(call: Call<'_>, kind: Kind, body: Body) -> Result<Response, Refusal> {
    let document = body::read_object(&call.parts.headers, body).await?;
    let projection = call.projection()?;
    let what = What::create(call.types.of(kind)?, document)?;
    call.perform(kind, projection, what).await
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
        shown(tx, &view, &stored)
    };
    let outcome = call.scim.app.store.read(read).await?;
    let status = match outcome {
        Outcome::Full(_) | Outcome::Large(_) => StatusCode::OK,
        Outcome::Version(_) | Outcome::Gone => StatusCode::NOT_MODIFIED,
    };
    respond(&call.scim.app.store, status, outcome)
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
    match input.await {
        Ok((document, projection)) => {
            let what = What::Replace(id, document);
            call.perform(kind, projection, what).await
        }
        Err(refusal) => Err(call.refuse(kind, id, refusal).await),
    }
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
        let what = What::patch(call.types.of(kind)?, id.clone(), &document)?;
        Ok((what, call.projection()?))
    };
    match input.await {
        Ok((what, projection)) => call.perform(kind, projection, what).await,
        Err(refusal) => Err(call.refuse(kind, id, refusal).await),
    }
}

/// DELETE.
pub(super) async fn delete(call: Call<'_>, kind: Kind, id: String) -> Result<Response, Refusal> {
    call.perform(kind, Projection::default(), What::Delete(id))
        .await
}

fn existing(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
) -> Result<Stored, Error> {
    resource::get(tx, workspace, kind, id)?.ok_or_else(|| Error::NotFound(id.to_owned()))
}

/// Whether a group has so many members that sending them would make every change slow.
fn is_large(tx: &mut Tx<'_>, view: &View, stored: &Stored) -> Result<bool, Error> {
    Ok(view.kind == Kind::Group
        && view.shows_references()
        && membership::exceeds(tx, view.workspace, stored.rid, limits::MEMBERS_PATCH_ANSWER)?)
}

fn prefers_minimal(prefer: &str) -> bool {
    prefer
        .split([',', ';'])
        .any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

/// The representation of a resource; a large group's in parts.
fn shown(tx: &mut Tx<'_>, view: &View, stored: &Stored) -> Result<Outcome, Error> {
    if let Some(frame) = view.frame(tx, stored)? {
        return Ok(Outcome::Large(frame));
    }
    let mut room = limits::MEMBERS_ANSWER;
    Ok(Outcome::Full(view.render(tx, stored, &mut room)?))
}

/// The answer with its version; where the resource is goes into Location only when it is new (RFC 7644 section 3.3).
fn respond(store: &Store, status: StatusCode, outcome: Outcome) -> Result<Response, Refusal> {
    let empty = || {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    };
    let (version, location, mut response) = match outcome {
        Outcome::Gone => return Ok(empty()),
        Outcome::Version(version) => (version, None, empty()),
        Outcome::Full(rendered) => {
            let response = json_response(status, rendered.text);
            (rendered.version, Some(rendered.location), response)
        }
        Outcome::Large(frame) => {
            let (version, location) = (frame.version, frame.location.clone());
            let response = json_response(status, frame.into_body(store.clone()));
            (version, Some(location), response)
        }
    };
    if let Some(location) = location {
        let name = if status == StatusCode::CREATED {
            LOCATION
        } else {
            CONTENT_LOCATION
        };
        let location = HeaderValue::from_str(&location).map_err(|_| {
            Refusal::status(
                500,
                "The public URL of this server cannot be sent in a header.",
            )
        })?;
        response.headers_mut().insert(name, location);
    }
    if let Ok(tag) = HeaderValue::from_str(&etag::format(version)) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}
