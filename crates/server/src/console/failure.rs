//! What a page answers when it cannot do what it was asked: one small page per status, the same for every cause.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::page::{self, Shell};

/// Why a request is not answered with its page.
#[derive(Debug)]
pub(super) enum Failure {
    /// No such thing, or not this person's: the two must look alike.
    NotFound,
    /// The person may look but not change.
    ReadOnly,
    /// The form was not sent from our own page, or the session behind it is over.
    Forged,
    /// Nobody is signed in; afterwards to this path.
    SignIn { next: String },
    /// The form is larger than any of ours.
    TooLarge,
    /// The store cannot take the request now.
    Busy,
    /// There is no room left to write.
    Full,
    /// Somebody else changed the same thing meanwhile.
    Changed,
    /// Our fault; the text goes to the log only.
    Internal(String),
}

impl From<tenure_store::Error> for Failure {
    fn from(error: tenure_store::Error) -> Self {
        use tenure_store::Error;
        match error {
            Error::NotFound(_) => Self::NotFound,
            Error::Busy => Self::Busy,
            Error::Full => Self::Full,
            Error::Conflict(_) | Error::StaleFence => Self::Changed,
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    text: String,
    next: &'static str,
}

/// For paths that no page has.
pub(super) async fn not_found() -> Failure {
    Failure::NotFound
}

impl Failure {
    fn words(&self) -> (StatusCode, &'static str, String, &'static str) {
        match self {
            Self::NotFound | Self::SignIn { .. } => (
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is nothing here, or it belongs to a workspace that you are not a member of.".into(),
                "Check the address, or start again from your workspace.",
            ),
            Self::ReadOnly => (
                StatusCode::FORBIDDEN,
                "You may look, but not change",
                "Changing this needs the role Owner or Admin in this workspace. Yours is Auditor.".into(),
                "Ask an owner of the workspace to make the change or to give you the role.",
            ),
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "This form could not be accepted",
                "It was not sent from a page of this server, or your session ended in the meantime. Nothing was changed.".into(),
                "Go back, reload the page, and send the form again.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The form is too large",
                "A form may have at most 256 KiB. Nothing was changed.".into(),
                "Go back and shorten the text.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is busy",
                "The request could not be taken right now. Nothing was changed.".into(),
                "Try again in a moment.",
            ),
            Self::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server's disk is full",
                "Nothing was changed. What is stored can still be read.".into(),
                "Tell whoever runs this server; once there is room again, it goes on by itself.",
            ),
            Self::Changed => (
                StatusCode::CONFLICT,
                "Somebody else changed this meanwhile",
                "Your change would overwrite a newer one, so nothing was changed.".into(),
                "Go back, reload the page, and make the change again.",
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on this server",
                "The page could not be made. The cause is in the server's log.".into(),
                "Try again; if it stays, tell whoever runs this server.",
            ),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            return Redirect::to(&format!("/sign-in?next={}", super::words::encode(next)))
                .into_response();
        }
        if let Self::Internal(cause) = &self {
            tracing::error!(cause, "a console page failed");
        }
        let (status, title, text, next) = self.words();
        let page = ErrorPage {
            shell: Shell::plain(title),
            status: status.as_u16(),
            text,
            next,
        };
        match page.render() {
            Ok(html) => page::html(status, html),
            Err(_) => (status, title).into_response(),
        }
    }
}
