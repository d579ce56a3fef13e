//! Style sheet, script and icon, embedded in the program and served under a URL that contains their hash.

use std::{collections::HashMap, fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::failure::Failure;
use crate::App;

/// Characters of the hash in a URL; enough to tell versions apart.
const HASH_CHARS: usize = 16;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// File name to URL.
static URLS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let url = format!("/assets/{}/{name}", hash(&name)?);
            Some((name.into_owned(), url))
        })
        .collect()
});

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{hash}/{name}", get(file))
}

/// URL of an asset; the empty text for a name that does not exist.
pub(super) fn url(name: &str) -> &'static str {
    URLS.get(name).map_or("", String::as_str)
}

fn hash(name: &str) -> Option<String> {
    let digest = Files::get(name)?.metadata.sha256_hash();
    let mut text = digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    text.truncate(HASH_CHARS);
    Some(text)
}

/// A file whose hash is not the present one is a leftover of another version: not found rather than wrong.
async fn file(Path((wanted, name)): Path<(String, String)>) -> Result<Response, Failure> {
    if hash(&name).as_deref() != Some(wanted.as_str()) {
        return Err(Failure::NotFound);
    }
    let file = Files::get(&name).ok_or(Failure::NotFound)?;
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, file.data).into_response())
}
