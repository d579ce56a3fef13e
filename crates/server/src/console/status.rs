//! How a job is doing: the card with the progress bar, its fragment for polling, the list of cycles, and starting one.

use askama::{Template, filters::HtmlSafe};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tenure_store::{
    TimeUs,
    application::Application,
    escrow,
    job::{self, Job, Reset, State as JobState},
    ledger,
    run::{self, Cycle},
};

use super::{
    applications::{self, Head},
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    settings::ConfirmPage,
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

/// Cycles of the list.
const CYCLES: u32 = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/w/{workspace}/apps/{app}/provisioning/status",
            get(fragment),
        )
        .route("/w/{workspace}/apps/{app}/provisioning/run", post(run_now))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/restart",
            get(ask_restart).post(restart),
        )
        .route("/w/{workspace}/apps/{app}/provisioning/cycles", get(cycles))
}

/// A cycle as it is shown.
pub(super) struct CycleView {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) status: String,
    pub(super) badge: Badge,
    pub(super) started: Moment,
    pub(super) length: String,
    pub(super) percent: String,
    pub(super) value: u64,
    pub(super) max: u64,
    pub(super) counts: run::Counts,
    pub(super) message: String,
    pub(super) is_plan: bool,
    /// It wrote to the target.
    pub(super) can_undo: bool,
}

pub(super) fn view(cycle: Cycle, now_us: TimeUs) -> CycleView {
    let completed = cycle.status == "completed";
    // A bar that is not finished must not look finished, and one without objects must not look empty at its end.
    let max = cycle.total.max(1);
    let value = if completed {
        max
    } else {
        cycle.done.min(max.saturating_sub(1))
    };
    CycleView {
        kind: words::cycle_kind(cycle.kind),
        badge: words::cycle_badge(&cycle.status),
        started: words::moment(cycle.started_us),
        length: words::duration(cycle.ended_us.unwrap_or(now_us) - cycle.started_us),
        percent: words::percent(&cycle),
        value,
        max,
        counts: cycle.counts,
        is_plan: cycle.kind.is_plan(),
        can_undo: !cycle.kind.is_plan()
            && cycle.ended_us.is_some()
            && cycle.counts.created
                + cycle.counts.updated
                + cycle.counts.disabled
                + cycle.counts.deleted
                > 0,
        message: cycle.message.unwrap_or_default(),
        status: cycle.status,
        id: cycle.id,
    }
}

/// The status card; also what polling fetches.
#[derive(Template)]
#[template(path = "part/status.html")]
pub(super) struct StatusCard {
    root: String,
    badge: Badge,
    on: bool,
    started: bool,
    cycle: Option<CycleView>,
    next: String,
    retries: u64,
    held: u64,
    linked_users: String,
    linked_groups: String,
    quarantine: Option<Quarantine>,
    /// Why a restore has switched it off.
    restored: Option<String>,
}

/// The template escapes what it shows.
impl HtmlSafe for StatusCard {}

struct Quarantine {
    code: String,
    reason: String,
    since: Option<Moment>,
    next: String,
}

fn quarantine(job: &Job, now_us: TimeUs) -> Option<Quarantine> {
    (job.state == JobState::Quarantined).then(|| Quarantine {
        code: job.quarantine_code.clone().unwrap_or_default(),
        reason: job.quarantine_reason.clone().unwrap_or_default(),
        since: job.quarantined_since_us.map(words::moment),
        next: next_run(job, now_us),
    })
}

fn restored(job: &Job) -> Option<String> {
    let is_restored = job.quarantine_code.as_deref() == Some(job::RESTORED_CODE);
    (job.state == JobState::Paused && is_restored)
        .then(|| job.quarantine_reason.clone().unwrap_or_default())
}

fn next_run(job: &Job, now_us: TimeUs) -> String {
    if job.run_at_us <= now_us {
        "now".into()
    } else {
        words::relative(now_us, job.run_at_us)
    }
}

/// Reads what the card shows.
pub(super) async fn card(
    app: &App,
    member: &Member,
    application: &Application,
) -> Result<StatusCard, Failure> {
    let (workspace, key) = (member.workspace.id, application.key);
    let configured = !application.tenant_url.is_empty();
    let root = format!("{}/apps/{}", member.root(), application.id);
    let card = app
        .store
        .read(move |tx| {
            let now_us = tx.now_us();
            let job = job::get(tx, workspace, key)?;
            let cycle = run::list(tx, workspace, key, 1)?.pop();
            let (users, groups) = ledger::counts(tx, workspace, key)?;
            Ok(StatusCard {
                root: root.clone(),
                badge: words::job_badge(&job, configured),
                on: matches!(job.state, JobState::Active | JobState::Quarantined),
                started: job.state != JobState::NotStarted,
                next: next_run(&job, now_us),
                quarantine: quarantine(&job, now_us),
                restored: restored(&job),
                cycle: cycle.map(|cycle| view(cycle, now_us)),
                retries: escrow::count(tx, workspace, key)?,
                held: escrow::held_count(tx, workspace, key, tenure_engine::STAGED)?,
                linked_users: words::number(users),
                linked_groups: words::number(groups),
            })
        })
        .await?;
    Ok(card)
}

async fn fragment(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &member).await?;
    page::show(&card(&app, &member, &application).await?)
}

/// Makes the job due; the scheduler runs it.
async fn run_now(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let (application, job) = applications::load(&app, &member).await?;
    if !matches!(job.state, JobState::Active | JobState::Quarantined) {
        return Err(Failure::Changed);
    }
    let (workspace, key) = (member.workspace.id, application.key);
    let keep = Reset {
        watermark: false,
        escrows: false,
        quarantine: false,
        links: false,
    };
    app.store
        .write(member.actor(), move |tx| {
            job::restart(tx, workspace, key, keep)
        })
        .await?;
    Ok(Redirect::to(&format!(
        "{}/apps/{}/provisioning?notice=run",
        member.root(),
        application.id
    ))
    .into_response())
}

fn restart_form() -> Form {
    Form::new(vec![
        Field::new("checkbox", "watermark", "Read everything again")
            .help("The next cycle is an initial one and looks at every user and group in scope.")
            .value("on"),
        Field::new("checkbox", "escrows", "Retry failed objects at once")
            .help("Forgets the waiting times of objects that failed.")
            .value("on"),
        Field::new("checkbox", "quarantine", "Leave quarantine")
            .help("The job runs at its normal pace again; it returns to quarantine if the cause is still there.")
            .value("on"),
    ])
}

async fn ask_restart(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &member).await?;
    page::show(&ConfirmPage {
        shell: member.shell("Restart provisioning", "apps"),
        lines: vec![format!(
            "Choose what {} forgets before the next cycle. Accounts at the target are matched, not created twice.",
            application.name
        )],
        form: restart_form(),
        button: "Restart provisioning",
        back: format!("{}/apps/{}/provisioning", member.root(), application.id),
    })
}

async fn restart(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = applications::load(&app, &member).await?;
    let (workspace, key) = (member.workspace.id, application.key);
    let reset = Reset {
        watermark: fields.ticked("watermark"),
        escrows: fields.ticked("escrows"),
        quarantine: fields.ticked("quarantine"),
        links: false,
    };
    app.store
        .write(member.actor(), move |tx| {
            job::restart(tx, workspace, key, reset)
        })
        .await?;
    let to = format!(
        "{}/apps/{}/provisioning?notice=restarted",
        member.root(),
        application.id
    );
    Ok(Redirect::to(&to).into_response())
}

#[derive(Template)]
#[template(path = "cycles.html")]
struct CyclesPage {
    shell: Shell,
    head: Head,
    cycles: Vec<CycleView>,
}

async fn cycles(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let (workspace, key) = (member.workspace.id, application.key);
    let (now_us, cycles) = app
        .store
        .read(move |tx| Ok((tx.now_us(), run::list(tx, workspace, key, CYCLES)?)))
        .await?;
    page::show(&CyclesPage {
        shell: member.shell(&format!("Cycles of {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "cycles"),
        cycles: cycles
            .into_iter()
            .map(|cycle| view(cycle, now_us))
            .collect(),
    })
}
