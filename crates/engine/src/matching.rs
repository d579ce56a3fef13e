//! Finding an object at the target.

use crate::{
    code,
    pages::Pages,
    target::{Failure, ReadTarget},
};
use serde_json::{Map, Value};
use std::collections::HashMap;
use tenure_plan::{
    config::ObjectKind,
    dialect::{match_request, read_request, search_key, search_keys},
    facts::Found,
};

/// Attribute and value pairs, in the order in which they are tried.
pub(crate) type Queries = Vec<(String, String)>;
/// Hits of one query that are kept: more than one are as bad as many.
const HITS: usize = 10;

/// Asks with each attribute and value in order; the first hit wins, as it is by now.
pub(crate) async fn find(
    target: &ReadTarget,
    kind: ObjectKind,
    queries: &[(String, String)],
) -> Result<Found, Failure> {
    if !target.dialect().filters {
        let found = search(target, kind, &[queries]).await?;
        return Ok(found.into_iter().next().unwrap_or(Found::Nothing));
    }
    for (attribute, value) in queries {
        let exchange = target
            .read(&match_request(target.dialect(), kind, attribute, value))
            .await;
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

/// Finds objects by reading all that the target has, in one go for all of them: for targets without filters. One result for
/// each of `wanted`.
pub(crate) async fn search(
    target: &ReadTarget,
    kind: ObjectKind,
    wanted: &[&[(String, String)]],
) -> Result<Vec<Found>, Failure> {
    // Attribute → value → ids of those that have it.
    let mut hits: HashMap<&str, HashMap<String, Vec<String>>> = HashMap::new();
    for (attribute, value) in wanted.iter().copied().flatten() {
        let values = hits.entry(attribute.as_str()).or_default();
        values.insert(search_key(attribute, value), Vec::new());
    }
    let mut pages = Pages::new(kind, false);
    while let Some(documents) = pages.next(target).await? {
        for document in &documents {
            let id = id_of(document)?;
            for (attribute, values) in &mut hits {
                for key in search_keys(attribute, document) {
                    if let Some(ids) = values.get_mut(&key)
                        && ids.len() < HITS
                        && !ids.contains(&id)
                    {
                        ids.push(id.clone());
                    }
                }
            }
        }
    }
    if !pages.is_complete() {
        return Err(Failure::incompatible(
            "the target does not filter, and it does not list all that it has, so that nobody can be matched safely",
            Some(200),
        ));
    }
    let mut found = Vec::with_capacity(wanted.len());
    for queries in wanted {
        found.push(first_hit(target, kind, queries, &hits).await?);
    }
    Ok(found)
}

/// The first attribute that has a hit decides; a single hit counts if it is still there and still the one.
async fn first_hit(
    target: &ReadTarget,
    kind: ObjectKind,
    queries: &[(String, String)],
    hits: &HashMap<&str, HashMap<String, Vec<String>>>,
) -> Result<Found, Failure> {
    for (attribute, value) in queries {
        let key = search_key(attribute, value);
        let ids = hits
            .get(attribute.as_str())
            .and_then(|values| values.get(&key));
        match ids.map_or(&[][..], Vec::as_slice) {
            [] => {}
            [id] => {
                if let Some(document) = read(target, kind, id).await?
                    && search_keys(attribute, &document).contains(&key)
                {
                    return Ok(Found::One {
                        id: id.clone(),
                        document,
                        attribute: attribute.clone(),
                    });
                }
            }
            ids => {
                return Ok(Found::Many {
                    attribute: attribute.clone(),
                    ids: ids.to_vec(),
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
    let request = read_request(target.dialect(), kind, target_id);
    match target.read(&request).await.result {
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
