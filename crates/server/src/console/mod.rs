//! The console: server-rendered pages that work without JavaScript.
//!
//! Where to begin: [`visitor`] says who asks and proves that a form was sent from our own page, [`page`] holds the
//! frame around every page, [`form`] the fields of forms; every other module is one family of pages. A handler
//! authorises by its extractor, makes one store or engine call, and renders one template.
//!
//! Security stands on four legs that no page repeats: the templates escape everything, the extractors check
//! session, membership, role, origin and form token, the layer below forbids inline code and caching, and every
//! unknown or foreign id gives the same 404.

mod applications;
mod assets;
mod assignments;
mod audit;
mod directory;
mod entry;
mod failure;
mod form;
mod gallery;
mod home;
mod logs;
mod mappings;
mod on_demand;
mod page;
mod provisioning;
mod session_pages;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod visitor;
mod words;

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};

use crate::App;

/// Nothing inline, nothing from elsewhere, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Routes of the console, without prefix: `/`, `/setup`, `/sign-up`, `/sign-in`, `/w/{workspace}/…`, `/assets/…`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .merge(assets::routes())
        .merge(entry::routes())
        .merge(session_pages::routes())
        .merge(home::routes())
        .merge(settings::routes())
        .merge(directory::routes())
        .merge(gallery::routes())
        .merge(applications::routes())
        .merge(assignments::routes())
        .merge(provisioning::routes())
        .merge(status::routes())
        .merge(mappings::routes())
        .merge(on_demand::routes())
        .merge(logs::routes())
        .merge(audit::routes())
        .fallback(failure::not_found)
        .layer(middleware::from_fn(guard_headers))
}

/// Puts the protective headers on every answer; a header that a handler has set itself stays.
async fn guard_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
