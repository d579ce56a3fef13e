//! Mappings as Entra ID's synchronization schema: to download, and to paste.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tenure_plan::entra::{self, Exported, Warning};

use super::{
    applications::{self, Head},
    failure::Failure,
    form::{Field, Form},
    mappings,
    page::{self, Shell},
    provisioning,
    visitor::{Member, Submission},
};
use crate::App;

/// A schema is larger than any other form, so these routes have a limit of their own.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/w/{workspace}/apps/{app}/provisioning/mappings/entra",
            get(show).post(import),
        )
        .route(
            "/w/{workspace}/apps/{app}/provisioning/mappings/entra/entra-schema.json",
            get(download),
        )
}

#[derive(Template)]
#[template(path = "entra.html")]
struct EntraPage {
    shell: Shell,
    head: Head,
    warnings: Vec<Warning>,
    form: Form,
}

fn form() -> Form {
    Form::new(vec![
        Field::new("textarea", "schema", "Schema as JSON")
            .help("What the portal of Entra ID exports, or Microsoft Graph gives at /synchronization/jobs/{id}/schema.")
            .required(),
    ])
}

async fn exported(app: &App, member: &Member) -> Result<Exported, Failure> {
    let (application, _) = applications::load(app, member).await?;
    let config = provisioning::config(&application)?;
    Ok(entra::export(&config))
}

async fn render(
    app: &App,
    member: &Member,
    status: StatusCode,
    form: Form,
) -> Result<Response, Failure> {
    let (application, job) = applications::load(app, member).await?;
    let page = EntraPage {
        shell: member.shell(&format!("Entra schema of {}", application.name), "apps"),
        head: Head::new(member, &application, &job, "mappings"),
        warnings: exported(app, member).await?.warnings,
        form,
    };
    page::show_with(status, &page)
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    render(&app, &member, StatusCode::OK, form()).await
}

async fn download(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let exported = exported(&app, &member).await?;
    let text = serde_json::to_string_pretty(&exported.schema)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"entra-schema.json\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// Shows what a schema becomes; nothing is stored before that is sent from there.
async fn import(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, job) = applications::load(&app, &member).await?;
    let base = provisioning::config(&application)?;
    let text = fields.raw("schema").to_owned();
    // A schema may have a thousand patterns to compile.
    let imported = tokio::task::spawn_blocking(move || entra::import(&text, &base))
        .await
        .map_err(|error| Failure::Internal(error.to_string()))?;
    match imported {
        Ok(imported) => mappings::show_imported(&member, &application, &job, imported),
        Err(problems) => {
            let mut form = form();
            form.fill(&fields);
            for problem in problems {
                let text = if problem.place.is_empty() {
                    problem.message
                } else {
                    format!("{}: {}", problem.place, problem.message)
                };
                form.fail("", text);
            }
            render(&app, &member, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
    }
}
