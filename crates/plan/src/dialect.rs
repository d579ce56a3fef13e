//! An operation as requests for this target.

use crate::{
    config::ObjectKind,
    operation::{Action, Change, Operation},
    target::TargetPath,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";

/// How a target wants to be spoken to. Defaults are strict RFC 7644.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// Members of one group PATCH. Default 100, 1 to 1000.
    pub members_per_patch: usize,
    /// Requests in flight. Default 8, 1 to 64.
    pub concurrency: usize,
    /// Whether taking away access is `active: false` (true) or DELETE. Default true.
    pub soft_delete: bool,
    /// Remove a member by `members[value eq "…"]` (true) or by a value list. Default true.
    pub remove_member_by_path: bool,
    /// Seconds until a search surely shows a new account. For so long after a create whose reply was lost, the account is not
    /// created again when a search does not find it. Default 60, 0 to 3600; more count as 3600.
    pub search_lag_s: u32,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            members_per_patch: 100,
            concurrency: 8,
            soft_delete: true,
            remove_member_by_path: true,
            search_lag_s: 60,
        }
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

/// The requests that perform an operation, in order. A membership operation may need several.
#[must_use]
pub fn requests(dialect: &Dialect, operation: &Operation) -> Vec<Request> {
    let collection = collection(operation.kind);
    let resource = format!(
        "{collection}/{}",
        encode(operation.target_id.as_deref().unwrap_or_default())
    );
    match operation.action {
        Action::Create => vec![Request {
            method: Method::Post,
            path: collection.to_owned(),
            body: Some(create_body(operation)),
        }],
        Action::Delete => vec![Request {
            method: Method::Delete,
            path: resource,
            body: None,
        }],
        Action::Update | Action::Disable => patch(&resource, &attribute_operations(operation))
            .into_iter()
            .collect(),
        Action::Members => member_operations(dialect, operation)
            .into_iter()
            .filter_map(|operations| patch(&resource, &operations))
            .collect(),
    }
}

/// `GET {Users|Groups}?filter=attribute eq "value"`, groups with `excludedAttributes=members`; value escaped by RFC 7644.
///
/// An attribute with a value filter, `emails[type eq "work"].value`, becomes `emails[type eq "work" and value eq "…"]`,
/// because section 3.4.2.2 has no sub-attribute behind the brackets.
#[must_use]
pub fn match_request(kind: ObjectKind, attribute: &str, value: &str) -> Request {
    let literal = quote(value);
    let filter = match attribute.rsplit_once("].") {
        Some((element, sub)) => format!("{element} and {sub} eq {literal}]"),
        None => format!("{attribute} eq {literal}"),
    };
    let exclude = if kind == ObjectKind::Group {
        "&excludedAttributes=members"
    } else {
        ""
    };
    Request {
        method: Method::Get,
        path: format!("{}?filter={}{exclude}", collection(kind), encode(&filter)),
        body: None,
    }
}

/// `GET {Users|Groups}/{id}`, groups with `excludedAttributes=members`.
#[must_use]
pub fn read_request(kind: ObjectKind, target_id: &str) -> Request {
    let exclude = if kind == ObjectKind::Group {
        "?excludedAttributes=members"
    } else {
        ""
    };
    Request {
        method: Method::Get,
        path: format!("{}/{}{exclude}", collection(kind), encode(target_id)),
        body: None,
    }
}

/// `GET {Users|Groups}?startIndex=…&count=…` (RFC 7644 section 3.4.2.4); `start_index` from 1. Groups without `members` have
/// `excludedAttributes=members`.
#[must_use]
pub fn list_request(kind: ObjectKind, start_index: u64, count: u32, members: bool) -> Request {
    let exclude = if kind == ObjectKind::Group && !members {
        "&excludedAttributes=members"
    } else {
        ""
    };
    Request {
        method: Method::Get,
        path: format!(
            "{}?startIndex={start_index}&count={count}{exclude}",
            collection(kind)
        ),
        body: None,
    }
}

fn collection(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "Users",
        ObjectKind::Group => "Groups",
    }
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

fn patch(resource: &str, operations: &[Value]) -> Option<Request> {
    if operations.is_empty() {
        return None;
    }
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    Some(Request {
        method: Method::Patch,
        path: resource.to_owned(),
        body: Some(body),
    })
}

/// The planner only lets paths through that parse; a path stored by an older version is taken as a plain name.
fn path_of(attribute: &str) -> TargetPath {
    TargetPath::parse(attribute).unwrap_or_else(|_| TargetPath::simple(attribute))
}

/// What goes over the wire: a manager is a complex value with the id in `value`.
fn wire_value(path: &TargetPath, value: &Value) -> Value {
    if path.is_reference() && path.sub.is_none() && !value.is_object() {
        return json!({ "value": value });
    }
    value.clone()
}

fn create_body(operation: &Operation) -> Value {
    let mut schemas = vec![Value::from(format!(
        "{CORE}{}",
        operation.kind.resource_type()
    ))];
    let mut body = Map::new();
    for change in &operation.changes {
        let Some(after) = &change.after else { continue };
        let path = path_of(&change.attribute);
        if let Some(urn) = path.schema.as_deref().map(Value::from)
            && !schemas.contains(&urn)
        {
            schemas.push(urn);
        }
        merge(
            &mut body,
            nested(&path, wire_value(&path, after)),
            &path.conditions,
        );
    }
    mark_primary(&mut body);
    let mut document = Map::from_iter([("schemas".to_owned(), Value::Array(schemas))]);
    document.extend(body);
    Value::Object(document)
}

/// A document that holds only this value.
fn nested(path: &TargetPath, value: Value) -> Map<String, Value> {
    let single = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
    let inner = match &path.sub {
        Some(sub) => Value::Object(single(sub, value)),
        None => value,
    };
    let placed = if path.conditions.is_empty() {
        inner
    } else {
        let mut element: Map<String, Value> = path.conditions.iter().cloned().collect();
        match inner {
            Value::Object(members) => element.extend(members),
            other => element.extend(single("value", other)),
        }
        json!([element])
    };
    let document = single(&path.attribute, placed);
    match &path.schema {
        Some(urn) => single(urn, Value::Object(document)),
        None => document,
    }
}

/// Puts one document into another; elements that agree on the conditions become one.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>, conditions: &[(String, Value)]) {
    for (name, value) in from {
        let known = into
            .keys()
            .find(|key| key.eq_ignore_ascii_case(&name))
            .cloned()
            .unwrap_or(name);
        match (into.get_mut(&known), value) {
            (Some(Value::Object(present)), Value::Object(members)) => {
                merge(present, members, conditions);
            }
            (Some(Value::Array(present)), Value::Array(elements)) => {
                for element in elements {
                    merge_element(present, element, conditions);
                }
            }
            (_, value) => {
                into.insert(known, value);
            }
        }
    }
}

fn merge_element(present: &mut Vec<Value>, element: Value, conditions: &[(String, Value)]) {
    let agrees = |candidate: &&mut Value| {
        conditions
            .iter()
            .all(|(sub, wanted)| candidate.get(sub) == Some(wanted))
    };
    match (
        present
            .iter_mut()
            .find(agrees)
            .and_then(Value::as_object_mut),
        element,
    ) {
        (Some(known), Value::Object(members)) if !conditions.is_empty() => known.extend(members),
        (_, element) => present.push(element),
    }
}

/// A new account's work address is its primary one, unless the mappings say which is.
fn mark_primary(body: &mut Map<String, Value>) {
    let Some(emails) = body.get_mut("emails").and_then(Value::as_array_mut) else {
        return;
    };
    if emails.iter().any(|email| email.get("primary").is_some()) {
        return;
    }
    let work = emails
        .iter_mut()
        .find(|email| email.get("type").and_then(Value::as_str) == Some("work"));
    if let Some(work) = work.and_then(Value::as_object_mut) {
        work.insert("primary".to_owned(), Value::Bool(true));
    }
}

fn attribute_operations(operation: &Operation) -> Vec<Value> {
    let mut operations = Vec::new();
    let mut added: Vec<TargetPath> = Vec::new();
    for change in &operation.changes {
        let path = path_of(&change.attribute);
        if is_new_element(operation, &path) {
            if !added.iter().any(|known| known.same_element(&path)) {
                operations.extend(add_element(operation, &path));
                added.push(path);
            }
            continue;
        }
        operations.push(match (&change.before, &change.after) {
            (_, None) => json!({ "op": "remove", "path": change.attribute }),
            (Some(_), Some(_)) if !change.added.is_empty() => json!({ "op": "add", "path": change.attribute, "value": change.added }),
            (None, Some(after)) => json!({ "op": "add", "path": change.attribute, "value": wire_value(&path, after) }),
            (Some(_), Some(after)) => json!({ "op": "replace", "path": change.attribute, "value": wire_value(&path, after) }),
        });
    }
    operations
}

/// Changes that lead into the same element, and whether the target had a value there before.
fn element_changes<'a>(
    operation: &'a Operation,
    path: &'a TargetPath,
) -> impl Iterator<Item = (&'a Change, TargetPath)> {
    operation
        .changes
        .iter()
        .map(|change| (change, path_of(&change.attribute)))
        .filter(move |(_, other)| other.same_element(path))
}

/// Whether no element fits the path's filter yet. A filter that hits nothing is an error in RFC 7644 section
/// 3.5.2, so the element has to be added as a whole.
fn is_new_element(operation: &Operation, path: &TargetPath) -> bool {
    if path.conditions.is_empty()
        || element_changes(operation, path).any(|(change, _)| change.before.is_some())
    {
        return false;
    }
    let changed = |name: &str| {
        operation
            .changes
            .iter()
            .any(|change| change.attribute == name)
    };
    !operation
        .known_after
        .keys()
        .any(|name| !changed(name) && path_of(name).same_element(path))
}

fn add_element(operation: &Operation, path: &TargetPath) -> Option<Value> {
    let mut document = Map::new();
    for (change, other) in element_changes(operation, path) {
        if let Some(after) = &change.after {
            merge(
                &mut document,
                nested(
                    &TargetPath {
                        schema: None,
                        ..other.clone()
                    },
                    wire_value(&other, after),
                ),
                &other.conditions,
            );
        }
    }
    let (attribute, value) = document.into_iter().next()?;
    let name = match &path.schema {
        Some(urn) => format!("{urn}:{attribute}"),
        None => attribute,
    };
    Some(json!({ "op": "add", "path": name, "value": value }))
}

/// PATCH operations for members, one list per request.
fn member_operations(dialect: &Dialect, operation: &Operation) -> Vec<Vec<Value>> {
    let size = dialect.members_per_patch.max(1);
    let values =
        |ids: &[String]| -> Vec<Value> { ids.iter().map(|id| json!({ "value": id })).collect() };
    let adds = operation
        .add_members
        .chunks(size)
        .map(|ids| vec![json!({ "op": "add", "path": "members", "value": values(ids) })]);
    let removes = operation.remove_members.chunks(size).map(|ids| {
        if dialect.remove_member_by_path {
            ids.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq {}]", quote(id)) })).collect()
        } else {
            vec![json!({ "op": "remove", "path": "members", "value": values(ids) })]
        }
    });
    adds.chain(removes).collect()
}
