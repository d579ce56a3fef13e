//! The console: server-rendered pages that work without JavaScript.
//!
//! Where to begin: [`visitor`] says who asks and proves that a form was sent from our own page, [`page`] holds the
//! frame around every page, [`form`] the fields of forms; every other module is one family of pages. A handler
//! authorises by its extractor, makes one store or engine call, and renders one template.
//!
//! Security stands on four legs that no page repeats: the templates escape everything, the extractors check
//! session, membership, role, origin and form token, the server's layers forbid inline code and caching, and every
//! unknown or foreign id gives the same 404.

mod accounts;
mod applications;
mod assets;
mod assignments;
mod audit;
mod credentials;
mod deleted;
mod directory;
mod entra;
mod entry;
mod failure;
mod form;
mod gallery;
mod held;
mod home;
mod log_options;
mod logs;
mod mappings;
mod notifications;
mod on_demand;
mod page;
mod plans;
mod provisioning;
mod request_detail;
mod requests;
mod resources;
mod schemas;
mod session_pages;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod tokens;
mod visitor;
mod why;
mod words;

use axum::Router;

use crate::App;

/// Routes of the console, without prefix: `/`, `/setup`, `/sign-up`, `/sign-in`, `/w/{workspace}/…`, `/assets/…`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .merge(assets::routes())
        .merge(entry::routes())
        .merge(session_pages::routes())
        .merge(home::routes())
        .merge(settings::routes())
        .merge(notifications::routes())
        .merge(directory::routes())
        .merge(deleted::routes())
        .merge(resources::routes())
        .merge(schemas::routes())
        .merge(requests::routes())
        .merge(request_detail::routes())
        .merge(tokens::routes())
        .merge(gallery::routes())
        .merge(applications::routes())
        .merge(assignments::routes())
        .merge(provisioning::routes())
        .merge(status::routes())
        .merge(plans::routes())
        .merge(accounts::routes())
        .merge(held::routes())
        .merge(mappings::routes())
        .merge(on_demand::routes())
        .merge(log_options::routes())
        .merge(logs::routes())
        .merge(why::routes())
        .merge(audit::routes())
        .fallback(failure::not_found)
}

/// Routes whose forms may have [`crate::limits::SCHEMA_FORM_BYTES`].
pub(crate) fn large() -> Router<App> {
    entra::routes()
}
