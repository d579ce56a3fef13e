//! For how long the provisioning log is kept.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_store::{
    Error,
    setting::{self, Settings},
};

use super::{
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/w/{workspace}/logs/options", get(show).post(save))
}

fn form(settings: &Settings) -> Form {
    Form::new(vec![
        Field::new("number", "days", "Days")
            .value(settings.keep_provisioning_days.to_string())
            .required()
            .help("1 to 3,650. A cycle can be undone for as long as it is kept."),
    ])
}

#[derive(Template)]
#[template(path = "log_options.html")]
struct OptionsPage {
    shell: Shell,
    form: Form,
}

fn page(member: &Member, form: Form, status: StatusCode) -> Result<Response, Failure> {
    let shell = member.shell("Settings of the provisioning logs", "logs");
    page::show_with(status, &OptionsPage { shell, form })
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let settings = app
        .store
        .read(move |tx| setting::get(tx, workspace))
        .await?;
    page(&member, form(&settings), StatusCode::OK)
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let mut form = form(&Settings::default());
    form.fill(&fields);
    let days = fields.text("days").parse().unwrap_or(0);
    let workspace = member.workspace.id;
    let written = app
        .store
        .write(member.actor(), move |tx| {
            let settings = Settings {
                keep_provisioning_days: days,
                ..setting::get(tx, workspace)?
            };
            setting::set(tx, workspace, &settings)
        })
        .await;
    match written {
        Ok(()) => {
            let to = format!("{}/logs?notice=saved", member.root());
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Invalid(_)) => {
            form.fail("days", "Give a whole number of days, 1 to 3,650.");
            page(&member, form, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(other) => Err(other.into()),
    }
}
