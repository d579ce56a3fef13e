//! The frame around every page and how a page becomes a response.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{assets, failure::Failure};

/// What the frame of a page shows: title, navigation, the person, and a notice about what was just done.
#[derive(Debug, Clone, Default)]
pub(super) struct Shell {
    pub(super) title: String,
    /// Which entry of the navigation is the present one.
    pub(super) section: &'static str,
    pub(super) workspace: String,
    pub(super) slug: String,
    pub(super) role: &'static str,
    pub(super) can_write: bool,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) csrf: String,
    /// `light`, `dark`, or empty for the system's.
    pub(super) theme: &'static str,
    pub(super) demo: bool,
    /// Path of the present page, for forms that come back to it.
    pub(super) here: String,
    pub(super) notice: &'static str,
}

impl Shell {
    /// The frame of a page without a workspace.
    pub(super) fn plain(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// Path of the workspace: `/w/acme`.
    pub(super) fn root(&self) -> String {
        format!("/w/{}", self.slug)
    }

    pub(super) fn css(&self) -> &'static str {
        assets::url("app.css")
    }

    pub(super) fn js(&self) -> &'static str {
        assets::url("app.js")
    }

    pub(super) fn icon(&self) -> &'static str {
        assets::url("icon.svg")
    }

    /// First letters of the first and the last word of the name.
    pub(super) fn initials(&self) -> String {
        super::words::initials(&self.name)
    }
}

/// The text for a notice code from the address. Only these texts exist, so an address cannot put words on a page.
pub(super) fn notice(code: &str) -> &'static str {
    match code {
        "saved" => "Saved.",
        "restored" => "Brought back, with the same id. Provisioning looks at it again.",
        "on" => "Provisioning is on. The initial cycle starts now.",
        "off" => "Provisioning is off. Nothing is sent any more.",
        "revoked" => "The token is revoked. Clients that use it are refused from now on.",
        "added" => "The application is added.",
        "assigned" => "Assigned.",
        "unassigned" => "The assignment is removed.",
        "run" => "A cycle starts now.",
        "planning" => {
            "The plan is being made. It appears in this list; load the page again in a moment."
        }
        "applied" => "The plan is carried out. Its cycle is in this list.",
        "allowed" => "Allowed. The next cycle carries it out and starts now.",
        "restarted" => "Provisioning restarts: everything that was chosen is evaluated again.",
        "deleted" => "The application is deleted. Accounts at the target stay as they are.",
        "mappings" => "The mappings are saved. The next cycle evaluates everything again.",
        "signed-out" => "You are signed out.",
        _ => "",
    }
}

/// A page as a response with status 200.
pub(super) fn show(page: &impl Template) -> Result<Response, Failure> {
    show_with(StatusCode::OK, page)
}

/// A page as a response with any status: 422 for a form that comes back with errors.
pub(super) fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    Ok(html(status, page.render()?))
}

/// HTML text as a response.
pub(super) fn html(status: StatusCode, text: String) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        text,
    )
        .into_response()
}
