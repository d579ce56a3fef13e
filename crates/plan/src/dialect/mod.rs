//! An operation as requests for this target.

mod body;
pub(crate) mod check;
mod fit;
mod patch;
mod replace;

pub use fit::{search_key, search_keys};
pub use replace::{Unsafe, replacement};

use crate::{
    config::ObjectKind,
    operation::{Action, Operation},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most members of one operation where groups are replaced as a whole: there the size of a request does not depend on it.
const MEMBERS_PER_PUT: usize = 1000;

/// How a target wants to be spoken to. Defaults are strict RFC 7644.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// How accounts are changed. Default `patch`.
    pub user_updates: Updates,
    /// How groups and their members are changed. Default `patch`.
    pub group_updates: Updates,
    /// Whether a PATCH names each attribute with `path` (true), or sends values without a path where that means the same
    /// (false). Default true.
    pub patch_paths: bool,
    /// Whether a PATCH sends booleans as the texts `True` and `False`. Default false.
    pub boolean_texts: bool,
    /// Members of one group PATCH. Default 100, 1 to 1000.
    pub members_per_patch: usize,
    /// Remove a member by `members[value eq "…"]` (true) or by a value list. Default true.
    pub remove_member_by_path: bool,
    /// Whether taking away access is `active: false` (true) or DELETE. Default true.
    pub soft_delete: bool,
    /// Whether the target answers `filter`; otherwise objects are found by reading all of them. Default true.
    pub filters: bool,
    /// Whether the target takes `excludedAttributes`. Default true.
    pub excluded_attributes: bool,
    /// Whether the target has groups at all; otherwise none are provisioned. Default true.
    pub groups: bool,
    /// Whether a group is shown with its members; otherwise nobody asks for them. Default true.
    pub shows_members: bool,
    /// Resources of one page of a listing. Default 100, 1 to 1000.
    pub page_size: u32,
    /// The `startIndex` of the first resource. Default 1, as in RFC 7644 section 3.4.2.4; some count from 0.
    pub first_index: u64,
    /// Media type of what is sent and asked for. Default `scim`.
    pub media_type: MediaType,
    /// Requests in flight. Default 8, 1 to 64. Fewer while the target is busy.
    pub concurrency: usize,
    /// Requests per second, 0.01 to 1000; `None`: no limit of ours. Default `None`.
    pub requests_per_second: Option<f64>,
    /// Seconds until a search surely shows a new account. For so long after a create whose reply was lost, the account is not
    /// created again when a search does not find it. Default 60, 0 to 3600; more count as 3600.
    pub search_lag_s: u32,
}

/// How objects are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Updates {
    /// With what changes (RFC 7644 section 3.5.2).
    #[default]
    Patch,
    /// As a whole (section 3.5.1): read, changed and sent back, so that what is not ours stays as it is.
    Put,
}

/// Media type of requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// `application/scim+json`.
    #[default]
    Scim,
    /// `application/json`.
    Json,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            user_updates: Updates::Patch,
            group_updates: Updates::Patch,
            patch_paths: true,
            boolean_texts: false,
            members_per_patch: 100,
            remove_member_by_path: true,
            soft_delete: true,
            filters: true,
            excluded_attributes: true,
            groups: true,
            shows_members: true,
            page_size: 100,
            first_index: 1,
            media_type: MediaType::Scim,
            concurrency: 8,
            requests_per_second: None,
            search_lag_s: 60,
        }
    }
}

impl Dialect {
    /// Whether this operation replaces the resource, so that it is not performed by [`requests`] but by reading the
    /// resource, [`replacement`] and PUT.
    #[must_use]
    pub fn replaces(&self, operation: &Operation) -> bool {
        let updates = match operation.kind {
            ObjectKind::User => self.user_updates,
            ObjectKind::Group => self.group_updates,
        };
        let is_change = matches!(
            operation.action,
            Action::Update | Action::Disable | Action::Members
        );
        updates == Updates::Put && is_change
    }

    /// Members of one operation on a group.
    #[must_use]
    pub fn members_per_operation(&self) -> usize {
        match self.group_updates {
            Updates::Patch => self.members_per_patch.clamp(1, 1000),
            Updates::Put => MEMBERS_PER_PUT,
        }
    }

    /// What a reading of groups without members adds to a query.
    fn exclusion(&self, kind: ObjectKind, members: bool) -> Option<&'static str> {
        let left_out = kind == ObjectKind::Group && !(members && self.shows_members);
        (left_out && self.excluded_attributes).then_some("excludedAttributes=members")
    }
}

/// HTTP verb of a SCIM request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Read or query.
    Get,
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// A request relative to the Tenant URL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Verb.
    pub method: Method,
    /// `Users/…`, with a query already percent-encoded.
    pub path: String,
    /// JSON body.
    pub body: Option<Value>,
}

impl Request {
    /// A reading request.
    #[must_use]
    pub fn get(path: String) -> Self {
        Self {
            method: Method::Get,
            path,
            body: None,
        }
    }
}

/// The requests that perform an operation, in order. A membership operation may need several; one that
/// [`replaces`](Dialect::replaces) has none.
#[must_use]
pub fn requests(dialect: &Dialect, operation: &Operation) -> Vec<Request> {
    if dialect.replaces(operation) {
        return Vec::new();
    }
    let resource = resource(
        operation.kind,
        operation.target_id.as_deref().unwrap_or_default(),
    );
    match operation.action {
        Action::Create => vec![Request {
            method: Method::Post,
            path: collection(operation.kind).to_owned(),
            body: Some(body::create_body(operation)),
        }],
        Action::Delete => vec![Request {
            method: Method::Delete,
            path: resource,
            body: None,
        }],
        Action::Update | Action::Disable => {
            let operations = patch::attribute_operations(dialect, operation);
            patch::patch(&resource, &operations).into_iter().collect()
        }
        Action::Members => patch::member_operations(dialect, operation)
            .into_iter()
            .filter_map(|operations| patch::patch(&resource, &operations))
            .collect(),
    }
}

/// `PUT {Users|Groups}/{id}` with a document that [`replacement`] made.
#[must_use]
pub fn put_request(kind: ObjectKind, target_id: &str, document: Value) -> Request {
    Request {
        method: Method::Put,
        path: resource(kind, target_id),
        body: Some(document),
    }
}

/// `GET {Users|Groups}?filter=attribute eq "value"`, groups with `excludedAttributes=members`; value escaped by RFC 7644.
///
/// An attribute with a value filter, `emails[type eq "work"].value`, becomes `emails[type eq "work" and value eq "…"]`,
/// because section 3.4.2.2 has no sub-attribute behind the brackets.
#[must_use]
pub fn match_request(dialect: &Dialect, kind: ObjectKind, attribute: &str, value: &str) -> Request {
    let literal = quote(value);
    let filter = match attribute.rsplit_once("].") {
        Some((element, sub)) => format!("{element} and {sub} eq {literal}]"),
        None => format!("{attribute} eq {literal}"),
    };
    let mut path = format!("{}?filter={}", collection(kind), encode(&filter));
    append(&mut path, '&', dialect.exclusion(kind, false));
    Request::get(path)
}

/// `GET {Users|Groups}/{id}`, groups with `excludedAttributes=members`.
#[must_use]
pub fn read_request(dialect: &Dialect, kind: ObjectKind, target_id: &str) -> Request {
    let mut path = resource(kind, target_id);
    append(&mut path, '?', dialect.exclusion(kind, false));
    Request::get(path)
}

/// `GET {Users|Groups}/{id}`: everything that the target shows, which is what a PUT has to send back.
#[must_use]
pub fn read_whole_request(kind: ObjectKind, target_id: &str) -> Request {
    Request::get(resource(kind, target_id))
}

/// `GET {Users|Groups}?startIndex=…&count=…` (RFC 7644 section 3.4.2.4). Groups without `members` have
/// `excludedAttributes=members`.
#[must_use]
pub fn list_request(
    dialect: &Dialect,
    kind: ObjectKind,
    start_index: u64,
    count: u32,
    members: bool,
) -> Request {
    let mut path = format!(
        "{}?startIndex={start_index}&count={count}",
        collection(kind)
    );
    append(&mut path, '&', dialect.exclusion(kind, members));
    Request::get(path)
}

fn append(path: &mut String, separator: char, parameter: Option<&str>) {
    if let Some(parameter) = parameter {
        path.push(separator);
        path.push_str(parameter);
    }
}

fn collection(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "Users",
        ObjectKind::Group => "Groups",
    }
}

fn resource(kind: ObjectKind, target_id: &str) -> String {
    format!("{}/{}", collection(kind), encode(target_id))
}

/// A text as a JSON string, which is what a filter literal is (RFC 7644 section 3.4.2.2).
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
