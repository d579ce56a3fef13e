//! Query strings and search requests: what is asked for, in which order, which part of it.

use serde_json::Value;
use tenure_scim::{
    Deviation, Deviations, Document, ScimError, ScimType,
    filter::Filter,
    limits,
    path::AttributePath,
    project::Projection,
    schema::{AttributeType, ResourceType, Returned},
};
use tenure_store::resource::{self, Walk};

/// Schema of a search request (RFC 7644 section 3.4.3).
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The query parameters that SCIM defines; others are ignored (RFC 7644 section 3.4.2).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    /// `filter`.
    pub(super) filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
    cursor: Option<String>,
}

impl Parameters {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name.to_ascii_lowercase().as_str() {
            "filter" => &mut self.filter,
            "sortby" => &mut self.sort_by,
            "sortorder" => &mut self.sort_order,
            "startindex" => &mut self.start_index,
            "count" => &mut self.count,
            "attributes" => &mut self.attributes,
            "excludedattributes" => &mut self.excluded_attributes,
            "cursor" => &mut self.cursor,
            _ => return None,
        })
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), ScimError> {
        let Some(field) = self.field(name) else {
            return Ok(());
        };
        // Two filters, of which one would be ignored, could show more than was asked for.
        if field.replace(value).is_some() {
            return Err(invalid(format!("`{name}` is given twice.")));
        }
        Ok(())
    }

    /// Reads a query string; `+` is a space, because most HTTP libraries write it so.
    ///
    /// # Errors
    /// 400 `invalidValue` for text that is not UTF-8 and for a parameter that is given twice.
    pub(super) fn from_query(query: &str) -> Result<Self, ScimError> {
        let mut parameters = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = percent_decode(name, true).zip(percent_decode(value, true));
            let Some((name, value)) = decoded else {
                return Err(invalid("The query string is not UTF-8.".to_owned()));
            };
            parameters.set(&name, value)?;
        }
        Ok(parameters)
    }

    /// Reads a search request (RFC 7644 section 3.4.3).
    ///
    /// # Errors
    /// 400 `invalidSyntax` for another message, 400 `invalidValue` for a value of the wrong type.
    pub(super) fn from_search(body: &Document) -> Result<Self, ScimError> {
        let mut parameters = Self::default();
        for (name, value) in body {
            if name.eq_ignore_ascii_case("schemas") {
                check_schemas(value)?;
            } else if !value.is_null() && parameters.field(name).is_some() {
                parameters.set(name, search_text(name, value)?)?;
            }
        }
        Ok(parameters)
    }

    /// What the answer shows of each resource.
    pub(super) fn projection(&self) -> Result<Projection, ScimError> {
        Projection::from_parameters(
            self.attributes.as_deref(),
            self.excluded_attributes.as_deref(),
        )
    }

    /// The store's query for a resource type.
    ///
    /// # Errors
    /// 400: `invalidFilter`, `invalidValue`.
    pub(super) fn query(
        &self,
        resource_type: &ResourceType,
        base_url: &str,
    ) -> Result<resource::Query, ScimError> {
        let filter = self.filter()?.map(|filter| filter.by_id(base_url));
        if let Some(filter) = &filter {
            filter.check(resource_type)?;
        }
        Ok(resource::Query {
            filter,
            sort: self.sort(&[resource_type])?,
            start_index: self.start_index()?,
            count: self.count()?.unwrap_or(limits::PAGE_DEFAULT.into()),
        })
    }

    /// The start of a list over resource types: with one type as [`Parameters::query`], with several an attribute that
    /// a type does not define has no value there (RFC 7644 section 3.4.2.1).
    ///
    /// # Errors
    /// 400: `invalidFilter`, `invalidValue`.
    pub(super) fn walk(&self, types: &[&ResourceType], base_url: &str) -> Result<Walk, ScimError> {
        let filter = self.filter()?.map(|filter| filter.by_id(base_url));
        match (&filter, types) {
            (Some(filter), [one]) => filter.check(one)?,
            (Some(filter), types) => filter.check_any(types)?,
            (None, _) => {}
        }
        Ok(Walk {
            filter,
            sort: self.sort(types)?,
            skip: self.start_index()? - 1,
            count: self.count()?.unwrap_or(limits::PAGE_DEFAULT.into()),
            ..Walk::default()
        })
    }

    /// The cursor, if the client pages by cursor; empty for the first page.
    ///
    /// # Errors
    /// 400 `invalidValue` when it gives an index, too.
    pub(super) fn cursor(&self) -> Result<Option<&str>, ScimError> {
        let cursor = self.cursor.as_deref();
        if cursor.is_some() && self.start_index()? > 1 {
            return Err(invalid(
                "Give either `cursor` or `startIndex`, not both.".to_owned(),
            ));
        }
        Ok(cursor)
    }

    /// `count` within its limits.
    ///
    /// # Errors
    /// 400 `invalidValue`, or `invalidCount` together with a cursor (RFC 9865 section 2.1).
    pub(super) fn count(&self) -> Result<Option<u64>, ScimError> {
        let count = integer("count", self.count.as_deref()).map_err(|mut error| {
            if self.cursor.is_some() {
                error.scim_type = Some(ScimType::InvalidCount);
            }
            error
        })?;
        Ok(count.map(|count| count.clamp(0, limits::PAGE_MAX.into()).unsigned_abs()))
    }

    fn filter(&self) -> Result<Option<Filter>, ScimError> {
        self.filter.as_deref().map(parse_filter).transpose()
    }

    /// What is tolerated in the parameters of a list over some types.
    pub(super) fn deviations(&self, types: &[&ResourceType]) -> Deviations {
        let given =
            |name: &str, text: &Option<String>| integer(name, text.as_deref()).ok().flatten();
        let mut found = Deviations::default();
        if let Ok(Some(filter)) = self.filter() {
            types
                .iter()
                .for_each(|resource_type| found.extend(filter.deviations(resource_type)));
            // It was understood, but not as it stands.
            let as_sent = self.filter.as_deref().filter(|text| text.contains('%'));
            let is_encoded_twice = as_sent.is_some_and(|text| Filter::parse(text).is_err());
            found.insert_if(is_encoded_twice, Deviation::DoubleEncoding);
        }
        let start_index = given("startIndex", &self.start_index);
        let is_below_one = start_index.is_some_and(|start_index| start_index < 1);
        found.insert_if(is_below_one, Deviation::StartIndex);
        let count = given("count", &self.count).unwrap_or_default();
        found.insert_if(count < 0, Deviation::CountNegative);
        let most = i64::from(limits::PAGE_MAX);
        found.insert_if(count > most, Deviation::CountAboveMaximum);
        found
    }

    /// From 1.
    fn start_index(&self) -> Result<u64, ScimError> {
        let index = integer("startIndex", self.start_index.as_deref())?;
        Ok(index.unwrap_or(1).max(1).unsigned_abs())
    }

    fn sort(&self, types: &[&ResourceType]) -> Result<Option<(AttributePath, bool)>, ScimError> {
        let Some(sort_by) = self.sort_by.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let is_known = |path: &AttributePath| {
            let mut found = types.iter().filter_map(|one| path.resolve(one)).peekable();
            found.peek().is_some()
                && found.all(|target| {
                    target.attribute.returned != Returned::Never
                        && target.leaf().kind != AttributeType::Complex
                })
        };
        let path = AttributePath::parse(sort_by)
            .ok()
            .filter(is_known)
            .ok_or_else(|| {
                invalid("`sortBy` names no attribute that can be sorted by.".to_owned())
            })?;
        let ascending = match self.sort_order.as_deref() {
            None | Some("") => true,
            Some(order) if order.eq_ignore_ascii_case("ascending") => true,
            Some(order) if order.eq_ignore_ascii_case("descending") => false,
            Some(_) => {
                return Err(invalid(
                    "`sortOrder` is `ascending` or `descending`.".to_owned(),
                ));
            }
        };
        Ok(Some((path, ascending)))
    }
}

/// A filter, also one that was percent-encoded twice.
fn parse_filter(text: &str) -> Result<Filter, ScimError> {
    let error = match Filter::parse(text) {
        Ok(filter) => return Ok(filter),
        Err(error) => error,
    };
    let is_encoded = ["%20", "%22"].iter().any(|sign| text.contains(sign));
    let decoded = percent_decode(text, false).filter(|_| is_encoded);
    decoded
        .and_then(|text| Filter::parse(&text).ok())
        .ok_or(error)
}

fn invalid(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidValue, detail)
}

fn check_schemas(value: &Value) -> Result<(), ScimError> {
    let is_search = |value: &Value| {
        value
            .as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST))
    };
    let fits = match value {
        Value::Array(items) => items.is_empty() || items.iter().any(is_search),
        Value::Null => true,
        other => is_search(other),
    };
    if fits {
        return Ok(());
    }
    Err(ScimError::bad_request(
        ScimType::InvalidSyntax,
        format!("`schemas` has to contain `{SEARCH_REQUEST}`."),
    ))
}

/// A parameter of a search request as the text it has in a query string.
fn search_text(name: &str, value: &Value) -> Result<String, ScimError> {
    let wrong = || invalid(format!("`{name}` has a value of the wrong type."));
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(items) => {
            let names: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Ok(names.ok_or_else(wrong)?.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(wrong()),
    }
}

/// An integer of any length; what does not fit into 64 bits becomes the nearest that does.
fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(format!("`{name}` has to be an integer.")));
    }
    let saturated = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Ok(Some(text.parse().unwrap_or(saturated)))
}

/// Decodes `%xx`, and `+` where it means a space; a `%` without two hexadecimal digits stays. `None` unless the
/// result is UTF-8.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) if plus_is_space => decoded.push(b' '),
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = tail;
                }
                _ => decoded.push(byte),
            },
            _ => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).ok()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenure_scim::schema::SchemaSet;

    use super::*;

    fn page(query: &str) -> Result<(u64, u64), u16> {
        let parameters = Parameters::from_query(query).map_err(|error| error.status)?;
        let query = parameters
            .query(SchemaSet::user(), "https://id.mills.example/scim")
            .map_err(|error| error.status)?;
        Ok((query.start_index, query.count))
    }

    #[test]
    fn paging() {
        let max = i64::MAX.unsigned_abs();
        let cases = [
            ("", Ok((1, 100))),
            ("aadOptscim062020&startIndex=3&count=7", Ok((3, 7))),
            ("startIndex=0&count=-4", Ok((1, 0))),
            ("startIndex=-5&count=1000", Ok((1, 1000))),
            ("STARTINDEX=+2&Count=1001", Ok((2, 1000))),
            ("startIndex=99999999999999999999&count=0", Ok((max, 0))),
            ("startIndex=-99999999999999999999", Ok((1, 100))),
            ("startIndex=one", Err(400)),
            ("count=1.5", Err(400)),
            ("count=1&count=1", Err(400)),
            ("filter=%ff", Err(400)),
            ("other=%ff", Err(400)),
        ];
        for (query, expected) in cases {
            assert_eq!(page(query), expected, "{query}");
        }
    }

    #[test]
    fn plus_and_percent() {
        assert_eq!(
            percent_decode("a+b%20c%2Bd%zz%", true).as_deref(),
            Some("a b c+d%zz%")
        );
        assert_eq!(percent_decode("%C3%A4+", false).as_deref(), Some("ä+"));
        assert_eq!(percent_decode("%C3", false), None);
        assert_eq!(percent_decode("%+1", false).as_deref(), Some("%+1"));
    }

    #[test]
    fn sort_refuses_what_is_never_shown() {
        for (query, accepted) in [
            ("sortBy=name.familyName&sortOrder=Descending", true),
            ("sortOrder=sideways", true),
            ("sortBy=emails", true),
            ("sortBy=name", false),
            ("sortBy=password", false),
            ("sortBy=shoeSize", false),
            ("sortBy=userName&sortOrder=sideways", false),
        ] {
            assert_eq!(page(query).is_ok(), accepted, "{query}");
        }
    }

    #[test]
    fn search_requests() {
        let read = |body: Value| Parameters::from_search(body.as_object().unwrap());
        let parameters = read(json!({
            "schemas": [SEARCH_REQUEST], "attributes": ["userName", "id"], "startIndex": 2, "count": "5", "filter": null,
        }))
        .unwrap();
        let expected = Parameters {
            attributes: Some("userName,id".to_owned()),
            start_index: Some("2".to_owned()),
            count: Some("5".to_owned()),
            ..Parameters::default()
        };
        assert_eq!(parameters, expected);
        for wrong in [
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}),
            json!({"attributes": [1]}),
            json!({"filter": true}),
            json!({"count": 1, "Count": 2}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
