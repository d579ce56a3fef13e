//! What a target cannot do.

use axum::http::Method;
use serde_json::{Map, Value};

/// A target that is not as the standard says.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) no_patch: bool,
    pub(crate) no_filter: bool,
    pub(crate) no_groups: bool,
    /// Resources of one page; 0: all.
    pub(crate) page: usize,
    pub(crate) counts_from_0: bool,
    /// Refuses `application/scim+json`.
    pub(crate) plain_json: bool,
    pub(crate) no_excluded_attributes: bool,
    /// Groups are shown without members.
    pub(crate) hides_members: bool,
    /// Milliseconds until a reply; more than so many requests at once are refused with 429.
    pub(crate) busy: Option<(u64, usize)>,
}

impl Limits {
    /// Status and reason.
    pub(crate) fn refusal(
        &self,
        method: &Method,
        collection: &str,
        query: &str,
    ) -> Option<(u16, &'static str)> {
        let has = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes()).any(|(given, _)| given == name)
        };
        if self.no_patch && method == Method::PATCH {
            return Some((501, "no PATCH"));
        }
        if self.no_groups && collection == "Groups" {
            return Some((404, "no groups"));
        }
        if self.no_excluded_attributes && has("excludedAttributes") {
            return Some((400, "unknown parameter"));
        }
        (self.no_filter && has("filter")).then_some((400, "no filter"))
    }
}

pub(crate) fn shown(resource: &Map<String, Value>, hides_members: bool) -> Value {
    let mut resource = resource.clone();
    if hides_members {
        resource.remove("members");
    }
    Value::Object(resource)
}

pub(crate) fn paged(limits: &Limits, found: Vec<Value>, query: &str) -> Vec<Value> {
    if limits.page == 0 {
        return found;
    }
    let number = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let first = usize::from(!limits.counts_from_0);
    let skip = number("startIndex").unwrap_or(first).saturating_sub(first);
    let count = number("count").map_or(limits.page, |count| count.min(limits.page));
    found.into_iter().skip(skip).take(count).collect()
}
