//! One request of the request log.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::Value;
use tenure_scim::Deviation;
use tenure_store::request_log::{self, Entry};

use super::{
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words::{self, Badge, Moment},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/w/{workspace}/settings/requests/{id}", get(show))
}

/// JSON text as people read it; what is not JSON stays as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The request as a command for a terminal. The token is never known; its place is `$TOKEN`.
fn curl(entry: &Entry, public_url: &str) -> String {
    let mut url = format!("{public_url}{}", entry.path);
    if !entry.query.is_empty() {
        url.push('?');
        url.push_str(&entry.query);
    }
    let mut lines = vec![match entry.method.as_str() {
        "HEAD" => format!("curl --head {}", quoted(&url)),
        method => format!("curl -X {method} {}", quoted(&url)),
    }];
    lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    if !entry.request.is_empty() {
        lines.push("-H 'Content-Type: application/scim+json'".to_owned());
        lines.push(format!("--data {}", quoted(&entry.request)));
    }
    lines.join(" \\\n  ")
}

/// What an error means for an administrator.
fn meaning(entry: &Entry) -> &'static str {
    match (entry.status, entry.scim_type.as_str()) {
        (0, _) => "The client went away before it had an answer. Its timeout may be too short.",
        (200..400, _) => "",
        (409, _) | (_, "uniqueness") => {
            "Another user or group has the value that must be unique. Find it in the directory and change one of the two, or let the client match it instead of creating it again."
        }
        (404, _) => {
            "There is no such endpoint or resource. The client may keep the id of something that was deleted here."
        }
        (412, _) => "The resource has changed since the client read it.",
        (413, _) | (_, "tooMany") => {
            "The request or its answer is larger than this server allows. The token page has the limit for removing members."
        }
        (415, _) => "The body is not JSON, or compressed.",
        (_, "mutability") => {
            "The client tries to change what is read-only or can be set only once."
        }
        (_, "noTarget") => {
            "The path of a PATCH selects nothing. The options of the token decide whether such a value is created."
        }
        (_, "invalidPath" | "invalidFilter") => {
            "A path or a filter names an attribute that is not in the schemas, or is malformed."
        }
        (400, _) => {
            "The body or a parameter is not what the schemas say. The text of the error names the place."
        }
        (405 | 501, _) => {
            "The endpoint does not have this method, or the server does not support the feature."
        }
        (503, _) => "The server was busy; clients try again.",
        (500.., _) => "The server failed. Its own log has the reason under the request id.",
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    shell: Shell,
    at: Moment,
    badge: Badge,
    length: String,
    meaning: &'static str,
    /// Code and explanation.
    deviations: Vec<(String, &'static str)>,
    request: String,
    response: String,
    curl: String,
    entry: Entry,
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let found = app
        .store
        .read(move |tx| request_log::get(tx, workspace, &id))
        .await?;
    let entry = found
        .filter(|entry| entry.lost == 0)
        .ok_or(Failure::NotFound)?;
    let deviations = entry.deviations.iter().map(|code| {
        let text = Deviation::from_code(code).map_or("", Deviation::text);
        (code.clone(), text)
    });
    page::show(&RequestPage {
        shell: member.shell("Request", "settings"),
        at: words::moment(entry.at_us),
        badge: words::request_badge(entry.status),
        length: words::duration(entry.duration_us),
        meaning: meaning(&entry),
        deviations: deviations.collect(),
        request: pretty(&entry.request),
        response: pretty(&entry.response),
        curl: curl(&entry, &app.config.public_url),
        entry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_a_shell() {
        let entry = Entry {
            method: "POST".to_owned(),
            path: "/scim/Users".to_owned(),
            query: "filter=a&b=$(x)".to_owned(),
            request: "{\"userName\":\"o'hara $HOME\"}".to_owned(),
            ..Entry::default()
        };
        assert_eq!(
            curl(&entry, "https://t.example"),
            "curl -X POST 'https://t.example/scim/Users?filter=a&b=$(x)' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H 'Content-Type: application/scim+json' \\\n  --data '{\"userName\":\"o'\\''hara $HOME\"}'"
        );
        let read = Entry {
            method: "HEAD".to_owned(),
            path: "/scim/Users".to_owned(),
            ..Entry::default()
        };
        assert_eq!(
            curl(&read, ""),
            "curl --head '/scim/Users' \\\n  -H \"Authorization: Bearer $TOKEN\""
        );
    }
}
