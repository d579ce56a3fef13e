//! `tenure application`.

mod accounts;
mod authentication;
mod create;
mod cycle;
mod held;
mod plan;
mod probe;
mod schema;
mod settings;
mod status;
mod why;

pub(crate) use status::state_word;

use super::Session;
use crate::cli::{Application as Command, Objects, OfApplication};
use crate::error::{Exit, Failure};
use serde_json::{Value, json};
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_store::application::{self, Application};
use tenure_store::{Kind, WorkspaceId, assignment, job};

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create(arguments) => create::run(session, arguments).await,
        Command::List { at } => status::list(session, &at.workspace).await,
        Command::Show(of) => settings::show(session, &of).await,
        Command::Start(of) => switch(session, &of, true).await,
        Command::Stop(of) => switch(session, &of, false).await,
        Command::Status(of) => status::run(session, &of).await,
        Command::Restart {
            of,
            forget_links,
            keep_watermark,
        } => {
            let reset = job::Reset {
                watermark: !keep_watermark,
                escrows: true,
                quarantine: true,
                links: forget_links,
            };
            restart(session, &of, reset).await
        }
        Command::Run { of, dry_run, wait } => cycle::run(session, &of, dry_run, wait).await,
        Command::Plan { of, config, wait } => {
            plan::plan(session, &of, config.as_deref(), wait).await
        }
        Command::Apply {
            of,
            plan,
            yes,
            wait,
        } => plan::apply(session, &of, &plan, yes, wait).await,
        Command::Undo {
            of,
            cycle,
            user,
            group,
            attribute,
            delete_created,
            wait,
        } => {
            let only = plan::Only {
                user,
                group,
                attribute,
                delete_created,
            };
            plan::undo(session, &of, &cycle, only, wait).await
        }
        Command::Drift { of, wait } => plan::drift(session, &of, wait).await,
        Command::Accounts {
            of,
            standing,
            after,
        } => accounts::list(session, &of, standing.as_deref(), after).await,
        Command::Held(of) => held::list(session, &of).await,
        Command::AllowDeletes { of, expect } => held::allow(session, &of, expect).await,
        Command::Test(of) => cycle::test(session, &of).await,
        Command::Probe { of, save } => probe::run(session, &of, save).await,
        Command::Provision {
            of,
            objects,
            dry_run,
        } => cycle::provision(session, &of, &objects, dry_run).await,
        Command::Why { of, objects } => why::run(session, &of, &objects).await,
        Command::Assign { of, objects } => assign(session, &of, objects, true).await,
        Command::Unassign { of, objects } => assign(session, &of, objects, false).await,
        Command::Credentials {
            of,
            tenant_url,
            authentication,
            secret,
        } => settings::credentials(session, &of, tenant_url, &authentication, &secret).await,
        Command::Config { of, set } => settings::config(session, &of, set.as_deref()).await,
        Command::Schema(command) => schema::run(session, command).await,
        Command::Delete { of, yes } => delete(session, &of, yes).await,
    }
}

/// An application of a workspace, by name or id.
pub(super) async fn find(
    session: &Session,
    workspace: WorkspaceId,
    name: &str,
) -> Result<Application, Failure> {
    let wanted = name.to_owned();
    let found = session
        .store
        .read(move |tx| application::find(tx, workspace, &wanted))
        .await?;
    found.ok_or_else(|| {
        Failure::not_found(format!("application \"{name}\" does not exist"))
            .hint("`tenure application list` shows those of the workspace")
    })
}

async fn resolve(
    session: &Session,
    of: &OfApplication,
) -> Result<(WorkspaceId, Application), Failure> {
    let workspace = session.workspace(&of.at.workspace).await?.id;
    let application = find(session, workspace, &of.application).await?;
    Ok((workspace, application))
}

/// The way out for commands. Whoever can read the data directory decides where requests go.
fn egress() -> Egress {
    Egress::new(Policy::AllowPrivate)
}

fn engine(session: &Session) -> Engine {
    Engine::new(session.store.clone(), egress())
}

/// Refuses a URL that no request would be sent to. The URL is not repeated: it may hold a password.
fn check_url(flag: &str, url: &str) -> Result<(), Failure> {
    egress()
        .check(url)
        .map(|_| ())
        .map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

async fn switch(session: &Session, of: &OfApplication, on: bool) -> Result<Exit, Failure> {
    let (workspace, application) = resolve(session, of).await?;
    let key = application.key;
    session
        .store
        .write(session.actor.clone(), move |tx| {
            if on {
                job::start(tx, workspace, key)
            } else {
                job::stop(tx, workspace, key)
            }
        })
        .await?;
    answer(
        session,
        &application,
        if on { "started" } else { "stopped" },
    )
}

async fn restart(
    session: &Session,
    of: &OfApplication,
    reset: job::Reset,
) -> Result<Exit, Failure> {
    let (workspace, application) = resolve(session, of).await?;
    let key = application.key;
    session
        .store
        .write(session.actor.clone(), move |tx| {
            job::restart(tx, workspace, key, reset)
        })
        .await?;
    answer(session, &application, "restarted")
}

fn answer(session: &Session, application: &Application, done: &str) -> Result<Exit, Failure> {
    session.out.result(
        &json!({ "application": application.name, "id": application.id, "result": done }),
        || format!("{done} {}", crate::output::plain(&application.name)),
    )?;
    Ok(Exit::Done)
}

async fn delete(session: &Session, of: &OfApplication, yes: bool) -> Result<Exit, Failure> {
    let (workspace, application) = resolve(session, of).await?;
    if !yes {
        return Err(Failure::usage(format!(
            "application \"{}\" was not deleted",
            application.name
        ))
        .hint("give --yes to delete it with its log; accounts at the target stay"));
    }
    let key = application.key;
    session
        .store
        .write(session.actor.clone(), move |tx| {
            application::delete(tx, workspace, key)
        })
        .await?;
    answer(session, &application, "deleted")
}

/// Names with the kind they are of.
fn names(objects: Objects) -> Vec<(Kind, String)> {
    let users = objects.user.into_iter().map(|name| (Kind::User, name));
    let groups = objects.group.into_iter().map(|name| (Kind::Group, name));
    users.chain(groups).collect()
}

async fn assign(
    session: &Session,
    of: &OfApplication,
    objects: Objects,
    given: bool,
) -> Result<Exit, Failure> {
    let (workspace, application) = resolve(session, of).await?;
    let key = application.key;
    let names = names(objects);
    let count = names.len();
    // All or nothing: a name that does not exist leaves every assignment as it was.
    let changed = session
        .store
        .write(session.actor.clone(), move |tx| {
            let mut ids: Vec<String> = Vec::new();
            for (kind, name) in &names {
                let stored = super::find(tx, workspace, *kind, name)?;
                if given {
                    assignment::add(tx, workspace, key, stored.rid)?;
                } else {
                    assignment::remove(tx, workspace, key, stored.rid)?;
                }
                ids.push(stored.id);
            }
            Ok(ids)
        })
        .await?;
    let word = if given { "assigned" } else { "unassigned" };
    let mut document = json!({ "application": application.name });
    document[word] = changed.into_iter().map(Value::from).collect();
    session
        .out
        .result(&document, || format!("{word} {count}"))?;
    Ok(Exit::Done)
}
