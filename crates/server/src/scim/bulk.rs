//! Bulk requests (RFC 7644 section 3.7): each operation goes the way of a single request, within a savepoint, so
//! that one that fails leaves nothing.
//!
//! Operations are committed in chunks. One transaction for all of them would keep everybody else from writing until
//! the last one is done; one for each would sync the disk a thousand times. A bulk request is not atomic anyway, so
//! that what a chunk has committed stands whatever comes after it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::{body::Body, http::StatusCode, response::Response};
use serde_json::{Value, json};
use tenure_scim::{
    ScimError, ScimType,
    bulk::{self, BULK_RESPONSE, BulkRequest, Method, Operation},
    project::Projection,
};
use tenure_store::{Error, Kind, Tx, schema::Types, token::Options};

use super::{
    Call, body,
    error::Refusal,
    etag, json_response, limits,
    log::Record,
    render::View,
    resources::{Change, What, precondition},
    route::{self, Endpoint},
};

/// POST `/Bulk`.
pub(super) async fn run(call: Call<'_>, body: Body) -> Result<Response, Refusal> {
    // A few at a time: each may take tens of megabytes while it is carried out.
    let _place = call.scim.bulks.acquire().await.map_err(|_| Error::Busy)?;
    let document = body::read_bulk(&call.parts.headers, body).await?;
    let request = bulk::parse(document)?;
    let views = call
        .types
        .iter()
        .map(|(kind, _)| call.view(kind, Projection::default()))
        .collect::<Result<Vec<_>, _>>()?;
    let run = Arc::new(Run {
        types: Arc::clone(&call.types),
        options: call.principal.options.clone(),
        base_url: Arc::clone(&call.scim.base_url),
        views,
        request,
        record: Arc::clone(&call.record),
    });
    let mut results: Vec<Option<Done>> = run.request.operations.iter().map(|_| None).collect();
    let mut progress = Progress::default();
    for units in chunks(bulk::units(&run.request.operations)) {
        if run.is_over(&progress) {
            break;
        }
        let (here, before) = (Arc::clone(&run), progress.clone());
        let write = move |tx: &mut Tx<'_>| here.chunk(tx, &units, before.clone());
        match call.scim.app.store.write(call.actor(), write).await {
            Ok((after, done)) => {
                progress = after;
                for (index, done) in done {
                    results[index] = Some(done);
                }
            }
            Err(error) => {
                let refusal = Refusal::from(error);
                if results.iter().all(Option::is_none) {
                    return Err(refusal);
                }
                run.fail_rest(&refusal.into_error(), &progress, &mut results);
                break;
            }
        }
    }
    for (operation, done) in run.request.operations.iter().zip(&results) {
        if let Some(done) = done {
            let (resource, name) = run.name(operation);
            call.scim.requests.operation(resource, name, done.status);
        }
    }
    let operations: Vec<Value> = run
        .request
        .operations
        .iter()
        .zip(&results)
        .filter_map(|(operation, done)| Some(done.as_ref()?.shown(operation)))
        .collect();
    let answer = json!({"schemas": [BULK_RESPONSE], "Operations": operations});
    Ok(json_response(StatusCode::OK, answer.to_string()))
}

/// Groups units into transactions.
fn chunks(units: Vec<Vec<usize>>) -> Vec<Vec<Vec<usize>>> {
    let mut chunks: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut room = 0;
    for unit in units {
        match chunks.last_mut() {
            Some(chunk) if unit.len() <= room => {
                room -= unit.len();
                chunk.push(unit);
            }
            _ => {
                room = limits::BULK_CHUNK.saturating_sub(unit.len());
                chunks.push(vec![unit]);
            }
        }
    }
    chunks
}

/// What happened to an operation.
#[derive(Debug)]
struct Done {
    status: u16,
    location: Option<String>,
    version: Option<i64>,
    error: Option<ScimError>,
}

impl Done {
    /// As a bulk response has it (RFC 7644 section 3.7.3).
    fn shown(&self, operation: &Operation) -> Value {
        let mut shown = json!({});
        if let Some(location) = &self.location {
            shown["location"] = location.as_str().into();
        }
        shown["method"] = operation.method.as_str().into();
        if let Some(id) = &operation.bulk_id {
            shown["bulkId"] = id.as_str().into();
        }
        if let Some(version) = self.version {
            shown["version"] = etag::format(version).into();
        }
        shown["status"] = self.status.to_string().into();
        if let Some(error) = &self.error {
            shown["response"] = error.body();
        }
        shown
    }
}

/// What later operations need to know of earlier ones.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// Ids by bulkId.
    ids: HashMap<String, String>,
    errors: u64,
}

/// A bulk request on its way.
#[derive(Debug)]
struct Run {
    types: Arc<Types>,
    options: Options,
    base_url: Arc<str>,
    views: Vec<View>,
    request: BulkRequest,
    record: Arc<Record>,
}

/// Results by index of the operation.
type Results = Vec<(usize, Done)>;

impl Run {
    fn is_over(&self, progress: &Progress) -> bool {
        self.request
            .fail_on_errors
            .is_some_and(|limit| progress.errors >= limit)
    }

    /// Carries out units within a transaction.
    fn chunk(
        &self,
        tx: &mut Tx<'_>,
        units: &[Vec<usize>],
        mut progress: Progress,
    ) -> Result<(Progress, Results), Error> {
        let mut results = Results::new();
        for unit in units {
            if self.is_over(&progress) {
                break;
            }
            self.unit(tx, unit, &mut progress, &mut results)?;
        }
        Ok((progress, results))
    }

    /// Carries out a unit as a whole.
    ///
    /// # Errors
    /// Only those after which the transaction must not go on.
    fn unit(
        &self,
        tx: &mut Tx<'_>,
        unit: &[usize],
        progress: &mut Progress,
        results: &mut Results,
    ) -> Result<(), Error> {
        let mut at = unit.first().copied().unwrap_or_default();
        let whole = tx.savepoint(|tx| self.circle(tx, unit, &progress.ids, &mut at));
        let error = match whole {
            Ok((done, ids)) => {
                results.extend(done);
                progress.ids.extend(ids);
                return Ok(());
            }
            Err(
                error @ (Error::Busy
                | Error::Full
                | Error::StaleFence
                | Error::Seal
                | Error::Database(_)),
            ) => return Err(error),
            Err(error) => Refusal::from(error).into_error(),
        };
        for index in unit {
            let error = if *index == at {
                error.clone()
            } else {
                let detail = format!(
                    "Operations[{at}], which this one and others refer to in a circle, failed: {}",
                    error.detail
                );
                ScimError::status(409, detail)
            };
            results.push((*index, self.failed(*index, error, progress)));
            progress.errors += 1;
        }
        Ok(())
    }

    /// Carries out the operations of a unit. In a circle a resource is created without the references to those that
    /// do not exist yet; they are put in when all are there. `at` is the operation at work.
    fn circle(
        &self,
        tx: &mut Tx<'_>,
        unit: &[usize],
        known: &HashMap<String, String>,
        at: &mut usize,
    ) -> Result<(Results, HashMap<String, String>), Error> {
        let names: HashSet<&str> = unit
            .iter()
            .map(|index| &self.request.operations[*index])
            .filter(|operation| operation.method == Method::Post)
            .filter_map(|operation| operation.bulk_id.as_deref())
            .collect();
        let mut created: HashMap<String, String> = HashMap::new();
        let mut results = Results::new();
        let mut incomplete = Vec::new();
        for index in unit {
            *at = *index;
            let operation = &self.request.operations[*index];
            let waits = |name: &str| names.contains(name) && !created.contains_key(name);
            let lookup = |name: &str| created.get(name).or_else(|| known.get(name)).cloned();
            let (done, id) = if operation.references().iter().any(|name| waits(name)) {
                let (part, _) = operation.without(&waits);
                incomplete.push(results.len());
                self.single(tx, &part, &lookup)?
            } else {
                self.single(tx, operation, &lookup)?
            };
            results.push((*index, done));
            if let (Method::Post, Some(name)) = (operation.method, &operation.bulk_id) {
                created.insert(name.clone(), id);
            }
        }
        for position in incomplete {
            let Some((index, done)) = results.get_mut(position) else {
                continue;
            };
            *at = *index;
            let lookup = |name: &str| created.get(name).or_else(|| known.get(name)).cloned();
            done.version = self.complete(tx, &self.request.operations[*index], &lookup)?;
        }
        Ok((results, created))
    }

    /// Writes a resource of a circle again, now with all of its references.
    fn complete(
        &self,
        tx: &mut Tx<'_>,
        operation: &Operation,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<i64>, Error> {
        let (path, data) = self.resolve(operation, lookup)?;
        let (kind, _) = self.target(operation.method, &path)?;
        let id = operation.bulk_id.as_deref().and_then(lookup);
        let what = What::Replace(id.unwrap_or_default(), data);
        let change = Change {
            view: self.view(kind)?,
            options: &self.options,
            if_match: None,
            if_none_match: None,
            what: &what,
            record: &self.record,
        };
        Ok(change.apply(tx)?.map(|stored| stored.version))
    }

    /// Carries out one operation; also gives the id of its resource.
    fn single(
        &self,
        tx: &mut Tx<'_>,
        operation: &Operation,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<(Done, String), Error> {
        let (path, data) = self.resolve(operation, lookup)?;
        let (kind, id) = self.target(operation.method, &path)?;
        let view = self.view(kind)?;
        let mut if_match = operation.version.as_deref();
        let (status, what) = match operation.method {
            Method::Post => {
                if_match = None;
                (201, What::create(&view.resource_type, data)?)
            }
            Method::Put => (200, What::Replace(id.clone(), data)),
            Method::Patch => match What::patch(&view.resource_type, id.clone(), &data) {
                Ok(what) => (200, what),
                Err(error) => {
                    precondition(tx, view.workspace, kind, &id, if_match)?;
                    return Err(error.into());
                }
            },
            Method::Delete => (204, What::Delete(id.clone())),
        };
        let change = Change {
            view,
            options: &self.options,
            if_match,
            if_none_match: None,
            what: &what,
            record: &self.record,
        };
        let stored = change.apply(tx)?;
        let version = stored.as_ref().map(|stored| stored.version);
        let id = stored.map_or(id, |stored| stored.id);
        let done = Done {
            status,
            location: Some(view.location(kind, &id)),
            version,
            error: None,
        };
        Ok((done, id))
    }

    /// What an operation does to which kind of resource, for people who watch the server.
    fn name(&self, operation: &Operation) -> (&'static str, &'static str) {
        let path = self.relative(&operation.path);
        let endpoint = path.and_then(|path| route::find(&format!("/scim/{path}"), &self.types));
        let resource = match endpoint {
            Some(Endpoint::Collection(kind) | Endpoint::Resource(kind, _)) => route::resource(kind),
            _ => "none",
        };
        let name = match operation.method {
            Method::Post => "create",
            Method::Put => "replace",
            Method::Patch => "patch",
            Method::Delete => "delete",
        };
        (resource, name)
    }

    fn resolve(
        &self,
        operation: &Operation,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<(String, tenure_scim::Document), ScimError> {
        operation.resolve(lookup).map_err(|name| {
            let is_created = |other: &Operation| {
                other.method == Method::Post && other.bulk_id.as_deref() == Some(name.as_str())
            };
            let why = if self.request.operations.iter().any(is_created) {
                "its operation failed"
            } else {
                "no operation of this request creates it"
            };
            let detail = format!("`bulkId:{name}` stands for no resource: {why}.");
            ScimError::bad_request(ScimType::InvalidValue, detail)
        })
    }

    /// The kind and the id that a path names; the id is empty for a creation.
    fn target(&self, method: Method, path: &str) -> Result<(Kind, String), ScimError> {
        let endpoint = self
            .relative(path)
            .and_then(|path| route::find(&format!("/scim/{path}"), &self.types));
        match (endpoint, method) {
            (Some(Endpoint::Collection(kind)), Method::Post) => Ok((kind, String::new())),
            (Some(Endpoint::Resource(kind, id)), Method::Put | Method::Patch | Method::Delete) => {
                Ok((kind, id))
            }
            (Some(_), _) => Err(ScimError::status(
                405,
                "A bulk request can POST to a resource type, and PUT, PATCH and DELETE a resource.",
            )),
            (None, _) => Err(ScimError::status(404, "There is no such endpoint.")),
        }
    }

    /// The part of a path after the SCIM root; `None` for the URL of another server.
    fn relative<'p>(&self, path: &'p str) -> Option<&'p str> {
        let path = path.trim();
        let path = path.split_once(['?', '#']).map_or(path, |(path, _)| path);
        let after = |path: &'p str, base: &str| {
            path.strip_prefix(base)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some((_, after_scheme)) = self.base_url.split_once("://")
            && path.contains("://")
        {
            let (_, path) = path.split_once("://")?;
            return after(path, after_scheme);
        }
        let (_, root) = self.base_url.split_once("://")?;
        let root = root.split_once('/').map_or("", |(_, root)| root);
        let path = path.trim_start_matches('/');
        Some(after(path, root).unwrap_or(path))
    }

    fn view(&self, kind: Kind) -> Result<&View, Error> {
        self.views
            .iter()
            .find(|view| view.kind == kind)
            .ok_or_else(|| Error::NotFound("the resource type".into()))
    }

    /// The result of an operation that failed; it has a location unless nothing was there before (RFC 7644 section
    /// 3.7.3).
    fn failed(&self, index: usize, error: ScimError, progress: &Progress) -> Done {
        let operation = &self.request.operations[index];
        let location = (operation.method != Method::Post).then(|| {
            let lookup = |name: &str| progress.ids.get(name).cloned();
            let path = operation
                .resolve(&lookup)
                .map_or_else(|_| operation.path.clone(), |(path, _)| path);
            match self.target(operation.method, &path) {
                Ok((kind, id)) => self
                    .view(kind)
                    .map_or(path, |view| view.location(kind, &id)),
                Err(_) => path,
            }
        });
        Done {
            status: error.status,
            location,
            version: None,
            error: Some(error),
        }
    }

    /// For what is left when the store gives up.
    fn fail_rest(&self, error: &ScimError, progress: &Progress, results: &mut [Option<Done>]) {
        for (index, result) in results.iter_mut().enumerate() {
            if result.is_none() {
                *result = Some(self.failed(index, error.clone(), progress));
            }
        }
    }
}
