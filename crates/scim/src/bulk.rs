//! Bulk requests (RFC 7644 section 3.7): reading them, and the order in which their operations can be carried out.
//!
//! ```
//! use serde_json::json;
//! use tenure_scim::bulk;
//!
//! let body = json!({"Operations": [
//!     {"method": "POST", "path": "/Groups", "bulkId": "team", "data": {"members": [{"value": "bulkId:mira"}]}},
//!     {"method": "post", "path": "/Users", "bulkId": "mira", "data": {"userName": "mira"}},
//! ]});
//! let request = bulk::parse(body.as_object().unwrap().clone()).unwrap();
//! // The user first, because the group names it.
//! assert_eq!(bulk::units(&request.operations), [vec![1], vec![0]]);
//! ```

mod order;
mod references;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::Value;

use crate::{Document, ScimError, ScimType, limits, path::shorten, value};

pub use order::units;

/// Schema of a bulk request.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Schema of the answer.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The name as HTTP writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub method: Method,
    /// The name that other operations of the request refer to; always there for [`Method::Post`].
    pub bulk_id: Option<String>,
    /// Endpoint or resource, as written; may end in `bulkId:x`.
    pub path: String,
    /// Entity tag that the resource must have.
    pub version: Option<String>,
    /// Body; empty for [`Method::Delete`].
    pub data: Document,
}

/// A bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// After how many failed operations to stop; at least 1.
    pub fail_on_errors: Option<u64>,
    /// The operations, in the order of the request.
    pub operations: Vec<Operation>,
}

/// Reads a bulk request. What is wrong with the body of an operation is not looked at: that fails the operation, not
/// the request.
///
/// # Errors
///
/// 413 that names `maxOperations`, or 400 `invalidSyntax` that names the operation by its index from 0.
pub fn parse(mut body: Document) -> Result<BulkRequest, ScimError> {
    check_schemas(take(&mut body, "schemas").as_ref())?;
    let fail_on_errors = match take(&mut body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(count) => Some(at_least_one(&count)?),
    };
    let operations = match take(&mut body, "Operations") {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        Some(Value::Array(_)) => {
            return Err(syntax("`Operations` must have at least one operation."));
        }
        Some(_) => return Err(syntax("`Operations` must be a list of operations.")),
        None => return Err(syntax("`Operations` is missing.")),
    };
    if operations.len() > limits::BULK_OPERATIONS {
        let (found, limit) = (operations.len(), limits::BULK_OPERATIONS);
        let detail =
            format!("The request has {found} operations, more than maxOperations ({limit}).");
        return Err(ScimError::status(413, detail));
    }
    let operations = operations
        .into_iter()
        .enumerate()
        .map(|(index, operation)| {
            read(operation).map_err(|error| ScimError {
                detail: format!("Operations[{index}]: {}", error.detail),
                ..error
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    check_unique(&operations)?;
    Ok(BulkRequest {
        fail_on_errors,
        operations,
    })
}

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

/// Takes a member out, its name compared without case.
fn take(object: &mut Document, name: &str) -> Option<Value> {
    let key = object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))?
        .clone();
    object.shift_remove(&key)
}

fn check_schemas(schemas: Option<&Value>) -> Result<(), ScimError> {
    let is_bulk = |urn: &Value| {
        urn.as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST))
    };
    let right = match schemas {
        None | Some(Value::Null) => true,
        Some(Value::Array(urns)) => urns.is_empty() || urns.iter().any(is_bulk),
        Some(single) => is_bulk(single),
    };
    if right {
        Ok(())
    } else {
        Err(syntax(format!("`schemas` must be `{BULK_REQUEST}`.")))
    }
}

fn at_least_one(count: &Value) -> Result<u64, ScimError> {
    value::integer(count)
        .and_then(|count| u64::try_from(count).ok())
        .filter(|count| *count > 0)
        .ok_or_else(|| syntax("`failOnErrors` must be a whole number from 1."))
}

fn text(object: &mut Document, name: &str) -> Result<Option<String>, ScimError> {
    match take(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(syntax(format!("`{name}` must be a string."))),
    }
}

fn read(operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut object) = operation else {
        return Err(syntax("An operation must be an object."));
    };
    let known = "`method` must be POST, PUT, PATCH or DELETE";
    let word = text(&mut object, "method")?.ok_or_else(|| syntax(format!("{known}.")))?;
    let method = Method::ALL
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(word.trim()))
        .ok_or_else(|| syntax(format!("{known}, not `{}`.", shorten(&word))))?;
    let path = text(&mut object, "path")?
        .filter(|path| !path.trim().is_empty())
        .ok_or_else(|| syntax("`path` is missing."))?;
    let bulk_id = text(&mut object, "bulkId")?;
    let usable = |id: &String| !id.is_empty() && id.len() <= limits::BULK_ID_BYTES;
    if bulk_id.as_ref().is_some_and(|id| !usable(id)) {
        let limit = limits::BULK_ID_BYTES;
        return Err(syntax(format!("`bulkId` must have 1 to {limit} bytes.")));
    }
    if bulk_id.is_none() && method == Method::Post {
        return Err(syntax("A POST needs a `bulkId`."));
    }
    let version = text(&mut object, "version")?;
    let data = match (take(&mut object, "data"), method) {
        (_, Method::Delete) => Document::new(),
        (Some(Value::Object(data)), _) => data,
        (None | Some(Value::Null), _) => {
            return Err(syntax(format!("A {} needs `data`.", method.as_str())));
        }
        (Some(_), _) => return Err(syntax("`data` must be an object.")),
    };
    Ok(Operation {
        method,
        bulk_id,
        path,
        version,
        data,
    })
}

fn check_unique(operations: &[Operation]) -> Result<(), ScimError> {
    let mut seen = HashMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let Some(id) = operation.bulk_id.as_deref() else {
            continue;
        };
        if let Some(first) = seen.insert(id, index) {
            let id = shorten(id);
            return Err(syntax(format!(
                "Operations[{index}]: `bulkId` {id:?} is that of Operations[{first}] already."
            )));
        }
    }
    Ok(())
}
