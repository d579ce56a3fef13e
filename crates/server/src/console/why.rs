//! "Why": one person or group at one application, from the directory's values to the target's last answer.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::Value;
use tenure_engine::{EngineError, Why};
use tenure_plan::why::{AttributeStory, Effect};
use tenure_scim::value::parse_time_us;
use tenure_store::{Kind, resource};

use super::{
    applications::{self, Head},
    failure::Failure,
    logs::plain,
    page::{self, Shell},
    visitor::Member,
    words::{self, Badge, Moment},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/apps/{app}/why/users/{id}", get(user))
        .route("/w/{workspace}/apps/{app}/why/groups/{id}", get(group))
}

/// One attribute on its way.
struct AttributeRow {
    target: String,
    matching: bool,
    source: String,
    /// Source attributes with their values.
    inputs: Vec<(String, String)>,
    wanted: String,
    known: String,
    badge: Badge,
    note: String,
}

impl From<&AttributeStory> for AttributeRow {
    fn from(story: &AttributeStory) -> Self {
        let (tone, word) = match story.effect {
            Effect::Same => ("ok", "Same"),
            Effect::Set => ("run", "Is set"),
            Effect::Clear => ("run", "Is cleared"),
            Effect::Left => ("mute", "Left alone"),
            Effect::Waiting => ("warn", "Waits"),
            Effect::Choose => ("run", "Is chosen"),
            Effect::Failed => ("bad", "Failed"),
        };
        Self {
            target: story.target.clone(),
            matching: story.matching.is_some(),
            source: story.source.clone(),
            inputs: story
                .inputs
                .iter()
                .map(|input| (input.name.clone(), shown(input.value.as_ref())))
                .collect(),
            wanted: shown(story.wanted.as_ref()),
            known: shown(story.known.as_ref()),
            badge: Badge { tone, word },
            note: story.note.clone(),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "–".to_owned(), plain)
}

fn verdict(passed: bool) -> Badge {
    let (tone, word) = if passed { ("ok", "Yes") } else { ("off", "No") };
    Badge { tone, word }
}

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    shell: Shell,
    head: Head,
    why: Why,
    kind_path: &'static str,
    attributes: Vec<AttributeRow>,
    /// Target attributes that have no value on either side.
    empty: Vec<String>,
    /// Attribute, before, after.
    changes: Vec<(String, String, String)>,
    /// Method, path, status.
    requests: Vec<(String, String, String)>,
}

impl WhyPage {
    fn yes(passed: &bool) -> Badge {
        verdict(*passed)
    }

    fn result(status: &str) -> Badge {
        words::result_badge(status)
    }

    fn at(time: &str) -> Moment {
        words::moment(parse_time_us(time).unwrap_or(i64::MIN))
    }

    fn next(action: &str) -> &'static str {
        match action {
            "create" => "An account is created.",
            "update" => "The account is brought up to date.",
            "disable" => "The account is disabled.",
            "delete" => "The account is deleted.",
            "match" => "An account is looked for.",
            "choose" => "Free values are looked for, then an account is created.",
            "fail" => "The object cannot be provisioned.",
            _ => "Nothing is sent.",
        }
    }

    fn state(word: &str) -> &'static str {
        match word {
            "active" => "On",
            "paused" => "Off",
            "quarantined" => "In quarantine",
            _ => "Off, never switched on",
        }
    }

    fn shown(value: &Option<Value>) -> String {
        shown(value.as_ref())
    }
}

async fn show(app: &App, member: &Member, kind: Kind) -> Result<Response, Failure> {
    let (application, job) = applications::load(app, member).await?;
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let rid = app
        .store
        .read(move |tx| resource::rid_of(tx, workspace, kind, &id))
        .await?;
    let why = match app.engine.why(workspace, application.key, rid).await {
        Ok(why) => why,
        Err(EngineError::Store(error)) => return Err(error.into()),
        // Only a configuration that cannot be read is left; its page says what is wrong.
        Err(error) => {
            tracing::warn!(%error, "a configuration cannot be read");
            return Err(Failure::NotFound);
        }
    };
    let requests = why.last_answer.iter().flat_map(|answer| {
        let requests = answer.requests.as_array().into_iter().flatten();
        requests.map(|request| {
            let text = |name: &str| shown(request.get(name));
            (text("method"), text("path"), text("status"))
        })
    });
    let (empty, told): (Vec<_>, Vec<_>) =
        why.explanation.attributes.iter().partition(|one| {
            one.effect == Effect::Left && one.wanted.is_none() && one.known.is_none()
        });
    let changes = why.next.changes.iter().map(|change| {
        (
            change.attribute.clone(),
            shown(change.before.as_ref()),
            shown(change.after.as_ref()),
        )
    });
    page::show(&WhyPage {
        shell: member.shell(&format!("Why: {} at {}", why.name, why.application), "apps"),
        head: Head::new(member, &application, &job, "logs"),
        kind_path: words::kind_path(kind),
        attributes: told.into_iter().map(AttributeRow::from).collect(),
        empty: empty.into_iter().map(|one| one.target.clone()).collect(),
        changes: changes.collect(),
        requests: requests.collect(),
        why,
    })
}

async fn user(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    show(&app, &member, Kind::User).await
}

async fn group(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    show(&app, &member, Kind::Group).await
}
