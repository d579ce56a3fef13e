//! Reading request bodies: type, size, time, JSON.

use axum::{
    body::Body,
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    },
};
use http_body_util::BodyExt as _;
use tenure_scim::{Document, ScimError, ScimType, json, limits::BULK_BYTES};

use super::error::Refusal;
use crate::limits;

/// Media types that clients use for SCIM messages.
const ACCEPTED: [&str; 3] = ["application/scim+json", "application/json", "text/json"];

/// Reads a body as a JSON object.
///
/// # Errors
/// 415 for another media type or a compressed body, 413 for too much, 408 for too slow, 400 for malformed JSON.
pub(super) async fn read_object(headers: &HeaderMap, body: Body) -> Result<Document, Refusal> {
    let limit = Limit {
        bytes: limits::SCIM_BODY_BYTES,
        name: None,
    };
    read_limited(headers, body, limit).await
}

/// [`read_object`] for a bulk request, which may be larger.
///
/// # Errors
/// As [`read_object`]; 413 names `maxPayloadSize`.
pub(super) async fn read_bulk(headers: &HeaderMap, body: Body) -> Result<Document, Refusal> {
    let limit = Limit {
        bytes: BULK_BYTES,
        name: Some("maxPayloadSize"),
    };
    read_limited(headers, body, limit).await
}

/// The most that a body may have.
#[derive(Debug, Clone, Copy)]
struct Limit {
    bytes: usize,
    /// What the configuration calls it.
    name: Option<&'static str>,
}

async fn read_limited(headers: &HeaderMap, body: Body, limit: Limit) -> Result<Document, Refusal> {
    check_type(headers)?;
    let bytes = read(headers, body, limit).await?;
    Ok(json::parse_object(&bytes)?)
}

fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|encoding| encoding != "identity")
    {
        return Err(Refusal::status(
            415,
            "Compressed bodies are not accepted; send the body without Content-Encoding.",
        ));
    }
    let Some(header) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    if header.to_str().is_ok_and(is_json) {
        return Ok(());
    }
    Err(Refusal::status(
        415,
        "Send the body as `application/scim+json` or `application/json` in UTF-8.",
    ))
}

/// Whether a Content-Type is JSON in UTF-8; an empty one counts as none.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let known = media_type.is_empty()
        || ACCEPTED
            .iter()
            .any(|accepted| media_type.eq_ignore_ascii_case(accepted));
    known
        && parts
            .filter_map(charset)
            .all(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim()
        .eq_ignore_ascii_case("charset")
        .then(|| value.trim().trim_matches('"'))
}

async fn read(headers: &HeaderMap, mut body: Body, limit: Limit) -> Result<Vec<u8>, Refusal> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit.bytes) {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
    loop {
        let Ok(frame) = tokio::time::timeout(limits::BODY_IDLE, body.frame()).await else {
            return Err(Refusal::status(408, "The body arrived too slowly."));
        };
        let Some(frame) = frame else { return Ok(bytes) };
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "request body ended early");
            ScimError::bad_request(
                ScimType::InvalidSyntax,
                "The body could not be read to its end.",
            )
        })?;
        if let Some(data) = frame.data_ref() {
            if bytes.len().saturating_add(data.len()) > limit.bytes {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(data);
        }
    }
}

fn too_large(limit: Limit) -> Refusal {
    let Limit { bytes, name } = limit;
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    let detail = format!("The body is larger than {bytes} bytes{name}; send less in one request.");
    Refusal::status(413, &detail)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use axum::body::{Bytes, HttpBody};
    use http_body_util::combinators::UnsyncBoxBody;

    use super::*;

    /// A client that sends nothing after its headers.
    struct Stalled;

    impl HttpBody for Stalled {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_bodies_are_given_up() {
        let started = tokio::time::Instant::now();
        let body = Body::new(UnsyncBoxBody::new(Stalled));
        let refusal = read_object(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refusal.into_response().status(), 408);
        assert_eq!(started.elapsed().as_secs(), limits::BODY_IDLE.as_secs());
    }

    #[test]
    fn content_types() {
        for (content_type, expected) in [
            ("application/scim+json", true),
            ("Application/SCIM+JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"; x=y", true),
            ("text/json", true),
            ("", true),
            ("application/json; charset=utf-16", false),
            ("application/xml", false),
            ("text/plain", false),
            ("application/jsonp", false),
        ] {
            assert_eq!(is_json(content_type), expected, "{content_type}");
        }
    }
}
