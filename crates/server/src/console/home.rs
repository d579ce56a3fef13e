//! Home of a workspace: is everything well, and what is next.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use tenure_store::{
    Error, Kind, TimeUs, Tx, WorkspaceId, application, assignment,
    audit::{self, AuditEntry},
    job::{self, State as JobState},
    resource, token,
};

use super::{
    audit::AuditRow,
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words,
};
use crate::App;

/// Most entries of "Needs attention".
const ATTENTION: usize = 8;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}", get(home))
        .route("/w/{workspace}/help", get(help))
}

/// Something that is wrong, worst first, with the way to mend it.
#[derive(Debug, Clone)]
struct Attention {
    tone: &'static str,
    title: String,
    text: String,
    href: String,
    link: &'static str,
}

/// A step towards a working workspace.
struct Step {
    done: bool,
    title: &'static str,
    text: &'static str,
    href: String,
    link: &'static str,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    users: String,
    groups: String,
    applications: String,
    tokens: String,
    attention: Vec<Attention>,
    sending: Vec<Step>,
    receiving: Vec<Step>,
    recent: Vec<AuditRow>,
}

/// What the page reads in one snapshot.
struct Facts {
    users: u64,
    groups: u64,
    applications: u64,
    tokens: u64,
    token_used: bool,
    first: Option<String>,
    assigned: bool,
    connected: bool,
    switched_on: bool,
    attention: Vec<Attention>,
    recent: Vec<AuditEntry>,
}

fn read(tx: &mut Tx<'_>, workspace: WorkspaceId, root: &str) -> Result<Facts, Error> {
    let now_us = tx.now_us();
    let applications = application::list(tx, workspace)?;
    let tokens = token::list(tx, workspace)?;
    let living = |token: &&token::Token| {
        token.revoked_us.is_none() && token.expires_us.is_none_or(|end| end > now_us)
    };
    let mut facts = Facts {
        users: resource::count(tx, workspace, Kind::User)?,
        groups: resource::count(tx, workspace, Kind::Group)?,
        applications: applications.len() as u64,
        tokens: tokens.iter().filter(living).count() as u64,
        token_used: tokens.iter().any(|token| token.last_used_us.is_some()),
        first: applications
            .first()
            .map(|application| application.id.clone()),
        assigned: false,
        connected: applications
            .iter()
            .any(|application| application.has_secret),
        switched_on: false,
        attention: Vec::new(),
        recent: audit::list(tx, workspace, None, 8)?,
    };
    for application in &applications {
        let job = job::get(tx, workspace, application.key)?;
        facts.switched_on |= job.state != JobState::NotStarted;
        if !facts.assigned {
            facts.assigned = assignment::count(tx, workspace, application.key)? != (0, 0);
        }
        if job.state == JobState::Quarantined {
            facts.attention.push(Attention {
                tone: "bad",
                title: format!("{} is in quarantine", application.name),
                text: job
                    .quarantine_reason
                    .unwrap_or_else(|| "The job is unhealthy and runs less often.".into()),
                href: format!("{root}/apps/{}/provisioning", application.id),
                link: "See what to do",
            });
        }
    }
    facts.attention.extend(
        tokens
            .iter()
            .filter_map(|token| expiring(token, now_us, root)),
    );
    facts.attention.truncate(ATTENTION);
    Ok(facts)
}

fn expiring(token: &token::Token, now_us: TimeUs, root: &str) -> Option<Attention> {
    let badge = words::token_badge(token, now_us);
    let expires_us = token
        .expires_us
        .filter(|_| matches!(badge.word, "Expires soon" | "Expired"))?;
    let verb = if badge.word == "Expired" {
        "expired"
    } else {
        "expires"
    };
    Some(Attention {
        tone: badge.tone,
        title: format!(
            "The token {} {verb} {}",
            token.name,
            words::relative(now_us, expires_us)
        ),
        text: "Create a second token, give it to the client, then revoke this one.".into(),
        href: format!("{root}/settings/scim"),
        link: "Manage tokens",
    })
}

fn sending(facts: &Facts, root: &str) -> Vec<Step> {
    let app = facts.first.as_ref().map(|id| format!("{root}/apps/{id}"));
    let below = |path: &str| {
        app.as_ref()
            .map_or_else(|| format!("{root}/apps"), |app| format!("{app}{path}"))
    };
    vec![
        Step {
            done: facts.applications > 0,
            title: "Add an application",
            text: "Choose it from the gallery, or add any SCIM 2.0 application.",
            href: format!("{root}/gallery"),
            link: "New application",
        },
        Step {
            done: facts.connected,
            title: "Connect it",
            text: "Enter the Tenant URL and the credentials, then test the connection.",
            href: below("/provisioning"),
            link: "Admin Credentials",
        },
        Step {
            done: facts.assigned,
            title: "Assign one or two people",
            text: "Start small: provision one person on demand and look at every step.",
            href: below("/assignments"),
            link: "Users and groups",
        },
        Step {
            done: facts.switched_on,
            title: "Turn provisioning on",
            text: "The initial cycle starts at once; changes follow within seconds.",
            href: below("/provisioning"),
            link: "Provisioning",
        },
    ]
}

fn receiving(facts: &Facts, root: &str) -> Vec<Step> {
    let settings = format!("{root}/settings/scim");
    vec![
        Step {
            done: facts.tokens > 0,
            title: "Create a SCIM 2.0 bearer token",
            text: "An identity provider signs in with it.",
            href: settings.clone(),
            link: "SCIM Configuration",
        },
        Step {
            done: facts.token_used,
            title: "Receive the first request",
            text: "Give the Tenant URL and the token to your identity provider and test the connection there.",
            href: settings,
            link: "Tenant URL",
        },
    ]
}

async fn home(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, root) = (member.workspace.id, member.root());
    let asked = root.clone();
    let facts = app
        .store
        .read(move |tx| read(tx, workspace, &asked))
        .await?;
    let mut sending = sending(&facts, &root);
    let mut receiving = receiving(&facts, &root);
    for steps in [&mut sending, &mut receiving] {
        if steps.iter().all(|step| step.done) {
            steps.clear();
        }
    }
    page::show(&HomePage {
        shell: member.shell("Home", "home"),
        users: words::number(facts.users),
        groups: words::number(facts.groups),
        applications: words::number(facts.applications),
        tokens: words::number(facts.tokens),
        attention: facts.attention,
        sending,
        receiving,
        recent: facts.recent.into_iter().map(AuditRow::from).collect(),
    })
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    shell: Shell,
    tenant_url: String,
}

async fn help(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let tenant_url = format!("{}/scim", app.config.public_url);
    page::show(&HelpPage {
        shell: member.shell("Help", "help"),
        tenant_url,
    })
}
