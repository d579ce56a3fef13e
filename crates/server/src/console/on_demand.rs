//! "Provision on demand": one user or group through the whole pipeline, told in four cards.

use askama::Template;
use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use tenure_engine::{EngineError, OnDemandResult};
use tenure_plan::facts::LogStep;
use tenure_store::{Error, resource};

use super::{
    applications::{self, Head},
    assignments,
    directory::ResourceRow,
    failure::Failure,
    logs::{self, ChangeRow},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Badge},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/w/{workspace}/apps/{app}/provisioning/on-demand",
        get(pick).post(provision),
    )
}

#[derive(Template)]
#[template(path = "on_demand.html")]
struct PickPage {
    shell: Shell,
    head: Head,
    q: String,
    hits: Vec<ResourceRow>,
    connected: bool,
    problem: String,
}

async fn pick_page(
    app: &App,
    member: &Member,
    q: String,
    problem: String,
) -> Result<PickPage, Failure> {
    let (application, job) = applications::load(app, member).await?;
    let (workspace, asked) = (member.workspace.id, q.clone());
    let hits = app
        .store
        .read(move |tx| assignments::search(tx, workspace, &asked))
        .await?;
    Ok(PickPage {
        shell: member.shell(
            &format!("Provision on demand to {}", application.name),
            "apps",
        ),
        head: Head::new(member, &application, &job, "on-demand"),
        q,
        hits,
        connected: !application.tenant_url.is_empty(),
        problem,
    })
}

async fn pick(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let q = member.query("q");
    page::show(&pick_page(&app, &member, q, String::new()).await?)
}

/// One of the four cards.
struct Card {
    number: u8,
    title: String,
    badge: Badge,
    reached: bool,
    /// Description and details of each step.
    steps: Vec<(String, Vec<(String, String)>)>,
}

/// Which card tells a step of the pipeline.
fn card_of(kind: &str) -> u8 {
    match kind {
        "import" => 1,
        "scoping" => 2,
        "matching" => 3,
        _ => 4,
    }
}

fn cards(kind: &str, steps: &[LogStep]) -> Vec<Card> {
    let titles = [
        format!("Import {kind}"),
        format!("Determine if {kind} is in scope"),
        format!("Match {kind} between source and target"),
        "Perform action".to_owned(),
    ];
    (1..=4)
        .zip(titles)
        .map(|(number, title)| {
            let own: Vec<&LogStep> = steps
                .iter()
                .filter(|step| card_of(&step.kind) == number)
                .collect();
            let worst = ["failure", "warning", "skipped", "success"]
                .into_iter()
                .find(|status| own.iter().any(|step| step.status == *status));
            Card {
                number,
                title,
                badge: worst.map_or(
                    Badge {
                        tone: "mute",
                        word: "Not reached",
                    },
                    words::result_badge,
                ),
                reached: worst.is_some(),
                steps: own
                    .iter()
                    .map(|step| (step.description.clone(), logs::details(&step.details)))
                    .collect(),
            }
        })
        .collect()
}

#[derive(Template)]
#[template(path = "on_demand_result.html")]
struct ResultPage {
    shell: Shell,
    head: Head,
    name: String,
    badge: Badge,
    action: &'static str,
    reason: String,
    code: String,
    target_id: String,
    length: String,
    dry_run: bool,
    cards: Vec<Card>,
    changes: Vec<ChangeRow>,
    log_id: String,
    kind: &'static str,
    id: String,
}

async fn provision(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, job) = applications::load(&app, &member).await?;
    let dry_run = fields.ticked("dry_run");
    if fields.raw("object").is_empty() {
        let page = pick_page(
            &app,
            &member,
            fields.text("q"),
            "Choose a user or a group first.".into(),
        )
        .await?;
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let (kind_word, id) = fields.raw("object").split_once(' ').unwrap_or_default();
    let (kind, id) = (assignments::kind_word(kind_word)?, id.to_owned());
    let (workspace, asked) = (member.workspace.id, id.clone());
    let stored = app
        .store
        .read(move |tx| {
            resource::get(tx, workspace, kind, &asked)?
                .ok_or_else(|| Error::NotFound(format!("{} {asked}", words::kind(kind))))
        })
        .await?;
    let result = match app
        .engine
        .on_demand(workspace, application.key, stored.rid, dry_run)
        .await
    {
        Ok(result) => result,
        Err(EngineError::Store(error)) => return Err(error.into()),
        Err(other) => {
            let page = pick_page(&app, &member, fields.text("q"), other.to_string()).await?;
            return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let lower = words::kind(kind).to_lowercase();
    let OnDemandResult {
        status,
        action,
        display_name,
        target_id,
        error_code,
        reason,
        steps,
        changes,
        log_id,
        duration_ms,
        ..
    } = result;
    page::show(&ResultPage {
        shell: member.shell(&format!("{display_name} to {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "on-demand"),
        name: display_name,
        badge: words::result_badge(&status),
        action: words::action(&action),
        reason,
        code: error_code.unwrap_or_default(),
        target_id: target_id.unwrap_or_default(),
        length: words::duration(i64::try_from(duration_ms).unwrap_or(i64::MAX / 1000) * 1000),
        dry_run,
        cards: cards(&lower, &steps),
        changes: changes.iter().map(ChangeRow::from).collect(),
        log_id: log_id.unwrap_or_default(),
        kind: words::kind(kind),
        id,
    })
}
