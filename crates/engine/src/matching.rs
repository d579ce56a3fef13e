//! Finding an object at the target.

use crate::{
    code,
    target::{Failure, ReadTarget},
};
use serde_json::{Map, Value};
use tenure_plan::{
    config::ObjectKind,
    dialect::{match_request, read_request},
    facts::Found,
};

/// Asks with each attribute and value in order; the first hit wins, as it is by now.
pub(crate) async fn find(
    target: &ReadTarget,
    kind: ObjectKind,
    queries: &[(String, String)],
) -> Result<Found, Failure> {
    for (attribute, value) in queries {
        let exchange = target.read(&match_request(kind, attribute, value)).await;
        let answer = exchange.result.map_err(|failure| match failure.status {
            Some(404) => Failure::incompatible(
                "the target answered 404 to a search; it must answer 200 with an empty list",
                Some(404),
            ),
            _ => failure,
        })?;
        let mut resources = resources(answer.document.unwrap_or_default())?;
        if let Some(stranger) = resources
            .iter()
            .find(|resource| contradicts(resource, attribute, value))
        {
            let id = stranger
                .get("id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            return Err(Failure::incompatible(
                &format!(
                    "asked for {attribute} eq \"{value}\", the target answered with {id}, which has another {attribute}: it ignores the filter"
                ),
                Some(200),
            ));
        }
        match resources.len() {
            0 => {}
            1 => {
                let id = id_of(&resources.remove(0))?;
                // The index may lag behind: only the resource itself shows what has to be changed, and whether it is still
                // there and still the one.
                if let Some(document) = read(target, kind, &id).await?
                    && !contradicts(&document, attribute, value)
                {
                    return Ok(Found::One {
                        id,
                        document,
                        attribute: attribute.clone(),
                    });
                }
            }
            _ => {
                let ids = resources.iter().map(id_of).collect::<Result<_, _>>()?;
                return Ok(Found::Many {
                    attribute: attribute.clone(),
                    ids,
                });
            }
        }
    }
    Ok(Found::Nothing)
}

/// Reads the account of a link; `None` when it is gone.
pub(crate) async fn read(
    target: &ReadTarget,
    kind: ObjectKind,
    target_id: &str,
) -> Result<Option<Map<String, Value>>, Failure> {
    match target.read(&read_request(kind, target_id)).await.result {
        Ok(answer) => Ok(Some(answer.document.unwrap_or_default())),
        Err(failure) if failure.is_status(404) && failure.code == code::INVALID_ANCHOR => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The resources of a ListResponse.
pub(crate) fn resources(mut body: Map<String, Value>) -> Result<Vec<Map<String, Value>>, Failure> {
    let total = body.get("totalResults").and_then(Value::as_u64);
    let list = match body.remove("Resources") {
        Some(Value::Array(list)) => list,
        None if total == Some(0) => Vec::new(),
        _ => {
            return Err(Failure::incompatible(
                "the target answered a search with something that is not a ListResponse",
                Some(200),
            ));
        }
    };
    list.into_iter()
        .map(|resource| match resource {
            Value::Object(resource) => Ok(resource),
            _ => Err(Failure::incompatible(
                "the target answered a search with a list of things that are not resources",
                Some(200),
            )),
        })
        .collect()
}

/// The id that the target gave a resource.
pub(crate) fn id_of(document: &Map<String, Value>) -> Result<String, Failure> {
    match document.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        _ => Err(Failure::incompatible(
            "the target answered with a resource that has no id",
            Some(200),
        )),
    }
}

/// A resource that plainly has another value: only simple attributes can be judged here.
fn contradicts(resource: &Map<String, Value>, attribute: &str, value: &str) -> bool {
    let present = resource
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(attribute))
        .map(|(_, value)| value);
    match present {
        Some(Value::String(text)) => text.to_lowercase() != value.to_lowercase(),
        _ => false,
    }
}
