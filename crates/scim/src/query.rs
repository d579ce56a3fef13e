//! What a list request asks for (RFC 7644 section 3.4.2), and the answer for resources that are in memory.

use serde_json::Value;

use crate::{
    Document, ScimError, ScimType, discovery, filter::Filter, index, limits, normalize::invalid,
    path::AttributePath, project::Projection, schema::ResourceType,
};

/// A list request: which resources, in which order, which page of them, and what of each.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{query::Query, schema::SchemaSet};
///
/// let parameters = [("filter", "userName sw \"m\""), ("sortBy", "userName"), ("count", "1"), ("attributes", "userName")];
/// let query = Query::from_pairs(SchemaSet::user(), parameters).unwrap();
/// let people = ["mira", "ada", "milo"].map(|name| json!({"userName": name}).as_object().unwrap().clone());
/// let answer = query.list(SchemaSet::user(), people.to_vec());
/// assert_eq!(answer["totalResults"], 2);
/// assert_eq!(answer["Resources"], json!([{"userName": "milo"}]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `filter`, which makes sense for the resource type.
    pub filter: Option<Filter>,
    /// `sortBy`, an attribute of the resource type.
    pub sort_by: Option<AttributePath>,
    /// Whether `sortOrder` is `descending`.
    pub descending: bool,
    /// `startIndex`, from 1.
    pub start_index: usize,
    /// `count`, at most [`limits::PAGE_MAX`].
    pub count: usize,
    /// `attributes` and `excludedAttributes`.
    pub projection: Projection,
}

impl Default for Query {
    /// The first page of everything.
    fn default() -> Self {
        Self {
            filter: None,
            sort_by: None,
            descending: false,
            start_index: 1,
            count: limits::PAGE_MAX as usize,
            projection: Projection::default(),
        }
    }
}

impl Query {
    /// Reads query parameters, decoded and with names in any case; unknown ones are ignored, as are empty values. A
    /// `startIndex` below 1 is 1, a `count` below 0 is 0; without one it is [`limits::PAGE_MAX`].
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter` or `invalidValue`, the latter also for a parameter that is given twice.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        resource_type: &ResourceType,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ScimError> {
        const NAMES: [&str; 7] = [
            "filter",
            "sortBy",
            "sortOrder",
            "startIndex",
            "count",
            "attributes",
            "excludedAttributes",
        ];
        let mut values: [Option<String>; 7] = [const { None }; 7];
        for (name, value) in pairs {
            let named = NAMES.iter().zip(&mut values);
            let mut named = named.filter(|(known, _)| known.eq_ignore_ascii_case(name.as_ref()));
            if let Some((name, slot)) = named.next()
                && slot.replace(value.as_ref().trim().to_owned()).is_some()
            {
                return Err(invalid(format!("`{name}` is given twice.")));
            }
        }
        let given = values.map(|value| value.filter(|text| !text.is_empty()));
        let [
            filter,
            sort_by,
            order,
            start_index,
            count,
            attributes,
            excluded,
        ] = &given;
        let filter = filter.as_deref().map(Filter::parse).transpose()?;
        if let Some(filter) = &filter {
            filter.check(resource_type)?;
        }
        let sort_by = sort_by.as_deref();
        let most = i64::from(limits::PAGE_MAX);
        let count = integer("count", count.as_deref())?.unwrap_or(most);
        let start_index = integer("startIndex", start_index.as_deref())?.unwrap_or(1);
        Ok(Self {
            filter,
            sort_by: sort_by
                .map(|text| sortable(resource_type, text))
                .transpose()?,
            descending: is_descending(order.as_deref())?,
            start_index: usize::try_from(start_index.max(1)).unwrap_or(usize::MAX),
            count: usize::try_from(count.clamp(0, most)).unwrap_or_default(),
            projection: Projection::from_parameters(attributes.as_deref(), excluded.as_deref())?,
        })
    }

    /// The ListResponse for resources in memory, which are full documents as clients see them.
    #[must_use]
    pub fn list(&self, resource_type: &ResourceType, mut resources: Vec<Document>) -> Value {
        if let Some(filter) = &self.filter {
            resources.retain(|document| filter.matches(resource_type, document));
        }
        let sort_by = self.sort_by.as_ref();
        if let Some(target) = sort_by.and_then(|path| path.resolve(resource_type)) {
            // Without a value: last in ascending order, first in descending order (RFC 7644 section 3.4.2.3).
            resources.sort_by_cached_key(|document| {
                let key = index::sort_key(target, document);
                (key.is_none(), key)
            });
            if self.descending {
                resources.reverse();
            }
        }
        let total = resources.len();
        let page = resources
            .into_iter()
            .skip(self.start_index.saturating_sub(1));
        let page = page.take(self.count).map(|mut document| {
            self.projection.apply(resource_type, &mut document);
            Value::Object(document)
        });
        discovery::list_response(page.collect(), total, self.start_index)
    }
}

fn sortable(resource_type: &ResourceType, text: &str) -> Result<AttributePath, ScimError> {
    let path = AttributePath::parse(text).ok().filter(|path| {
        let resolved = path.resolve(resource_type);
        resolved.is_some_and(|resolved| !resolved.is_secret())
    });
    path.ok_or_else(|| invalid("`sortBy` names no attribute that can be sorted by.".to_owned()))
}

fn is_descending(order: Option<&str>) -> Result<bool, ScimError> {
    match order.map(str::to_ascii_lowercase).as_deref() {
        None | Some("ascending") => Ok(false),
        Some("descending") => Ok(true),
        Some(_) => Err(invalid(
            "`sortOrder` is `ascending` or `descending`.".to_owned(),
        )),
    }
}

/// An integer of any length; what does not fit into 64 bits becomes the nearest that does.
fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let detail = format!("`{name}` must be a whole number.");
        return Err(ScimError::bad_request(ScimType::InvalidValue, detail));
    }
    let nearest = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Ok(Some(text.parse().unwrap_or(nearest)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::SchemaSet;

    fn people() -> Vec<Document> {
        let people = json!([
            {"id": "1", "userName": "mira", "title": "Weaver", "emails": [{"value": "z@b"}, {"value": "a@b", "primary": true}]},
            {"id": "2", "userName": "Ada"},
            {"id": "3", "userName": "milo", "title": "dyer", "emails": [{"value": "m@b"}]},
        ]);
        let people = people.as_array().unwrap().iter();
        people.map(|one| one.as_object().unwrap().clone()).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], ids: &[&str], total: usize) {
        let query = Query::from_pairs(SchemaSet::user(), pairs.iter().copied()).unwrap();
        let answer = query.list(SchemaSet::user(), people());
        let resources = answer["Resources"].as_array().unwrap();
        let found: Vec<&str> = resources
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect();
        assert_eq!(found, ids);
        assert_eq!(answer["totalResults"], total);
        assert_eq!(answer["itemsPerPage"], ids.len());
    }

    #[track_caller]
    fn refused(pairs: &[(&str, &str)], scim_type: ScimType, part: &str) {
        let error = Query::from_pairs(SchemaSet::user(), pairs.iter().copied()).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(scim_type)));
        assert!(error.detail.contains(part), "{}", error.detail);
    }

    #[test]
    fn resources_are_chosen_sorted_and_paged() {
        check(&[], &["1", "2", "3"], 3);
        check(
            &[("shoe", "1"), ("filter", ""), ("sortBy", " ")],
            &["1", "2", "3"],
            3,
        );
        check(&[("FILTER", "userName sw \"M\"")], &["1", "3"], 2);
        check(&[("sortBy", "userName")], &["2", "3", "1"], 3);
        check(
            &[("sortBy", "userName"), ("sortOrder", "Descending")],
            &["1", "3", "2"],
            3,
        );
        check(&[("sortBy", "title")], &["3", "1", "2"], 3);
        check(
            &[("sortBy", "title"), ("sortOrder", "descending")],
            &["2", "1", "3"],
            3,
        );
        check(&[("sortBy", "emails")], &["1", "3", "2"], 3);
        check(&[("startIndex", "2"), ("count", "1")], &["2"], 3);
        check(&[("startIndex", "0"), ("count", "-1")], &[], 3);
        check(
            &[("startIndex", "-99999999999999999999"), ("count", "2")],
            &["1", "2"],
            3,
        );
        check(&[("startIndex", "99999999999999999999")], &[], 3);
    }

    #[test]
    fn only_what_was_asked_for_is_shown() {
        let query = Query::from_pairs(SchemaSet::user(), [("excludedAttributes", "emails,title")]);
        let answer = query.unwrap().list(SchemaSet::user(), people());
        assert_eq!(
            answer["Resources"][0],
            json!({"id": "1", "userName": "mira"})
        );
    }

    #[test]
    fn nonsense_is_refused() {
        use ScimType::{InvalidFilter, InvalidValue};
        refused(&[("filter", "shoe pr")], InvalidFilter, "not an attribute");
        refused(&[("filter", "a")], InvalidFilter, "operator");
        refused(&[("sortBy", "shoe")], InvalidValue, "sortBy");
        refused(&[("sortBy", "password")], InvalidValue, "sortBy");
        refused(&[("sortOrder", "up")], InvalidValue, "sortOrder");
        refused(&[("count", "ten")], InvalidValue, "count");
        refused(&[("startIndex", "-")], InvalidValue, "startIndex");
        refused(&[("count", "1"), ("Count", "2")], InvalidValue, "twice");
        refused(
            &[("attributes", "id"), ("excludedAttributes", "title")],
            InvalidValue,
            "together",
        );
    }
}
