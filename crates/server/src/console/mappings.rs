//! "Mappings" and "Scoping filters": tables to read, and the configuration as text to change.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_plan::{
    ApplicationConfig,
    config::{Mapping, ObjectConfig, Source},
    entra::{Imported, Warning},
    gallery,
};
use tenure_store::{
    application::{self, Application},
    job::Job,
};

use super::{
    applications::{self, Head},
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    provisioning,
    visitor::{Member, Submission},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/w/{workspace}/apps/{app}/provisioning/mappings",
        get(show).post(save),
    )
}

/// A mapping as a row.
struct MappingRow {
    source: String,
    source_kind: &'static str,
    target: String,
    matching: String,
    apply: &'static str,
    default: String,
}

fn row(mapping: &Mapping) -> MappingRow {
    let (source, source_kind) = match &mapping.source {
        Source::Attribute(name) => (name.clone(), "Direct"),
        Source::Constant(value) => (value.to_string(), "Constant"),
        Source::Expression(text) => (text.clone(), "Expression"),
        Source::None => (String::new(), "None"),
    };
    MappingRow {
        source,
        source_kind,
        target: mapping.target.clone(),
        matching: mapping
            .matching
            .map(|precedence| precedence.to_string())
            .unwrap_or_default(),
        apply: mapping.apply.label(),
        default: mapping
            .default
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

/// One object type.
struct Section {
    title: &'static str,
    enabled: bool,
    actions: String,
    rows: Vec<MappingRow>,
    /// Title and the clauses as words.
    filters: Vec<(String, String)>,
}

fn section(title: &'static str, config: &ObjectConfig) -> Section {
    let actions = [
        (config.actions.create, "Create"),
        (config.actions.update, "Update"),
        (config.actions.delete, "Delete"),
    ];
    let actions: Vec<&str> = actions
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, word)| *word)
        .collect();
    let filters = config.filters.iter().map(|filter| {
        let clauses: Vec<String> = filter
            .clauses
            .iter()
            .map(|clause| {
                let value = clause.value.as_deref().unwrap_or_default();
                format!("{} {} {value}", clause.attribute, clause.operator)
                    .trim_end()
                    .to_owned()
            })
            .collect();
        (filter.title.clone(), clauses.join(" AND "))
    });
    Section {
        title,
        enabled: config.enabled,
        actions: if actions.is_empty() {
            "None".into()
        } else {
            actions.join(", ")
        },
        rows: config.mappings.iter().map(row).collect(),
        filters: filters.collect(),
    }
}

#[derive(Template)]
#[template(path = "mappings.html")]
pub(super) struct MappingsPage {
    shell: Shell,
    head: Head,
    sections: Vec<Section>,
    version: i64,
    form: Form,
    /// What an imported schema lost; nothing is saved yet.
    imported: Option<Vec<Warning>>,
}

fn form(text: String) -> Form {
    Form::new(vec![
        Field::new("textarea", "config", "Configuration as JSON")
            .value(text)
            .help("Attribute mappings, scoping filters, target object actions and the dialect of the target."),
    ])
}

fn show_config(config: &ApplicationConfig) -> Result<String, Failure> {
    serde_json::to_string_pretty(config).map_err(|error| Failure::Internal(error.to_string()))
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let config = provisioning::config(&application)?;
    let standard = member.query("defaults") == "yes";
    let default = gallery::template(&application.gallery_id).filter(|_| standard);
    let text = show_config(
        default
            .as_ref()
            .map_or(&config, |template| &template.config),
    )?;
    page::show(&MappingsPage {
        shell: member.shell(&format!("Mappings of {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "mappings"),
        sections: vec![
            section("Users", &config.users),
            section("Groups", &config.groups),
        ],
        version: application.version,
        form: form(text),
        imported: None,
    })
}

/// What a schema becomes, ready to be saved.
pub(super) fn show_imported(
    member: &Member,
    application: &Application,
    job: &Job,
    imported: Imported,
) -> Result<Response, Failure> {
    let Imported { config, warnings } = imported;
    let mut form = form(show_config(&config)?);
    for problem in tenure_plan::compile(&config).err().unwrap_or_default() {
        form.fail("", format!("{}: {}", problem.place, problem.message));
    }
    page::show(&MappingsPage {
        shell: member.shell(&format!("Mappings of {}", application.name), "apps"),
        head: Head::new(member, application, job, "mappings"),
        sections: vec![
            section("Users", &config.users),
            section("Groups", &config.groups),
        ],
        version: application.version,
        form,
        imported: Some(warnings),
    })
}

/// Reads and checks a configuration; every problem goes to the form.
fn check(text: &str, form: &mut Form) -> Option<ApplicationConfig> {
    match serde_json::from_str::<ApplicationConfig>(text) {
        Err(error) => {
            form.fail("config", format!("The text could not be read: {error}."));
            None
        }
        Ok(config) => {
            let problems = tenure_plan::compile(&config).err().unwrap_or_default();
            for problem in &problems {
                form.fail("", format!("{}: {}", problem.place, problem.message));
            }
            problems.is_empty().then_some(config)
        }
    }
}

/// The configuration in the editor, or the page that says what is wrong with it.
pub(super) fn checked(
    member: &Member,
    application: &Application,
    job: &Job,
    fields: &Fields,
) -> Result<Result<ApplicationConfig, Box<MappingsPage>>, Failure> {
    let version: i64 = fields
        .text("version")
        .parse()
        .map_err(|_| Failure::Changed)?;
    let mut form = form(fields.raw("config").to_owned());
    if let Some(config) = check(fields.raw("config"), &mut form) {
        return Ok(Ok(config));
    }
    let present = provisioning::config(application)?;
    Ok(Err(Box::new(MappingsPage {
        shell: member.shell(&format!("Mappings of {}", application.name), "apps"),
        head: Head::new(member, application, job, "mappings"),
        sections: vec![
            section("Users", &present.users),
            section("Groups", &present.groups),
        ],
        version,
        form,
        imported: None,
    })))
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, job) = applications::load(&app, &member).await?;
    let version: i64 = fields
        .text("version")
        .parse()
        .map_err(|_| Failure::Changed)?;
    let config = match checked(&member, &application, &job, &fields)? {
        Ok(config) => config,
        Err(page) => return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &*page),
    };
    let text =
        serde_json::to_string(&config).map_err(|error| Failure::Internal(error.to_string()))?;
    let (workspace, key, name) = (
        member.workspace.id,
        application.key,
        application.name.clone(),
    );
    app.store
        .write(member.actor(), move |tx| {
            application::update(tx, workspace, key, version, &name, &text)
        })
        .await?;
    let to = format!(
        "{}/apps/{}/provisioning/mappings?notice=mappings",
        member.root(),
        application.id
    );
    Ok(Redirect::to(&to).into_response())
}
