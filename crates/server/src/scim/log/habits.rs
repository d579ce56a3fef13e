//! What is tolerated in path, query and headers.

use axum::http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE},
    request::Parts,
};
use tenure_scim::{Deviation, Deviations};

/// Query parameters that SCIM defines, in lower case.
pub(super) const PARAMETERS: [&str; 8] = [
    "filter",
    "sortby",
    "sortorder",
    "startindex",
    "count",
    "cursor",
    "attributes",
    "excludedattributes",
];

/// Everything that can be seen before the body is read.
pub(super) fn of_request(parts: &Parts) -> Deviations {
    let mut found = Deviations::default();
    of_path(parts.uri.path(), &mut found);
    of_query(parts.uri.query().unwrap_or_default(), &mut found);
    of_headers(&parts.method, &parts.headers, &mut found);
    found
}

fn of_path(path: &str, found: &mut Deviations) {
    found.insert_if(path.contains("//"), Deviation::RepeatedSlash);
    let is_root = path.trim_matches('/').split('/').count() <= 2;
    found.insert_if(path.ends_with('/') && !is_root, Deviation::TrailingSlash);
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let versions = segments.skip(1).take_while(|segment| *segment == "v2");
    found.insert_if(versions.count() > 1, Deviation::RepeatedVersion);
}

fn of_query(query: &str, found: &mut Deviations) {
    let mut names = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty());
    let unknown = names.any(|name| {
        !PARAMETERS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    });
    found.insert_if(unknown, Deviation::UnknownParameter);
}

/// The media types in a header, without parameters.
fn media_types(header: Option<&HeaderValue>) -> impl Iterator<Item = &str> {
    let text = header.and_then(|value| value.to_str().ok());
    text.unwrap_or_default()
        .split(',')
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .filter(|range| !range.is_empty())
}

fn of_headers(method: &Method, headers: &HeaderMap, found: &mut Deviations) {
    if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        match media_types(headers.get(CONTENT_TYPE)).next() {
            None => found.insert(Deviation::MissingContentType),
            Some(given) => found.insert_if(
                !given.eq_ignore_ascii_case("application/scim+json"),
                Deviation::ContentType,
            ),
        }
    }
    let takes_scim = |range: &str| {
        ["application/scim+json", "application/*", "*/*"]
            .iter()
            .any(|fit| range.eq_ignore_ascii_case(fit))
    };
    let accept = headers.get(ACCEPT);
    let refuses = accept.is_some() && !media_types(accept).any(takes_scim);
    found.insert_if(refuses, Deviation::Accept);
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn check(method: &str, uri: &str, headers: &[(&str, &str)], expected: &[&str]) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found: Vec<&str> = of_request(&parts).iter().map(Deviation::code).collect();
        assert_eq!(found, expected, "{method} {uri} {headers:?}");
    }

    #[test]
    fn paths_and_queries() {
        for uri in [
            "/scim",
            "/scim/",
            "/scim/v2/",
            "/scim/v2/Users?filter=a%20pr&sortBy=b&startIndex=1",
            "/scim/Users?Count=1&",
        ] {
            check("GET", uri, &[], &[]);
        }
        check("GET", "/scim//Users", &[], &["repeated-slash"]);
        check("GET", "/scim/v2/v2/Users", &[], &["repeated-version"]);
        check("GET", "/scim/v2/Users/", &[], &["trailing-slash"]);
        check(
            "GET",
            "/scim/Users?aadOptscim062020",
            &[],
            &["unknown-parameter"],
        );
        check(
            "GET",
            "/scim/v2/v2//Users/?a=1",
            &[],
            &[
                "repeated-slash",
                "repeated-version",
                "trailing-slash",
                "unknown-parameter",
            ],
        );
    }

    #[test]
    fn headers() {
        let scim = ("content-type", "application/SCIM+json; charset=utf-8");
        check("POST", "/scim/Users", &[scim], &[]);
        check("POST", "/scim/Users", &[], &["missing-content-type"]);
        check(
            "PATCH",
            "/scim/Users/1",
            &[("content-type", "application/json")],
            &["content-type"],
        );
        check(
            "DELETE",
            "/scim/Users/1",
            &[("content-type", "text/plain")],
            &[],
        );
        for accept in [
            "*/*",
            "application/json, application/scim+json;q=0.5",
            "application/*",
        ] {
            check("GET", "/scim/Users", &[("accept", accept)], &[]);
        }
        for accept in ["application/json", "text/html, text/plain", ""] {
            check("GET", "/scim/Users", &[("accept", accept)], &["accept"]);
        }
    }
}
