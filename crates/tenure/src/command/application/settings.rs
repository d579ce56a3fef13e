//! `tenure application show`, `credentials` and `config`.

use super::authentication;
use crate::cli::{AuthenticationFlags, OfApplication, Secret};
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output::{self, time};
use serde_json::{Value, json};
use tenure_plan::ApplicationConfig;
use tenure_store::{application, assignment, job};

/// Most bytes of a configuration.
pub(super) const CONFIG_BYTES: usize = 1024 * 1024;

pub(super) async fn show(session: &Session, of: &OfApplication) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let key = application.key;
    let (job, (users, groups)) = session
        .store
        .read(move |tx| {
            Ok((
                job::get(tx, workspace, key)?,
                assignment::count(tx, workspace, key)?,
            ))
        })
        .await?;
    let config: Value = serde_json::from_str(&application.config)?;
    let state = super::status::state_word(job.state);
    let scope = config
        .get("scope")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let document = json!({
        "id": application.id,
        "name": application.name,
        "gallery": application.gallery_id,
        "tenant_url": application.tenant_url,
        "authentication": application.authentication,
        "has_secret": application.has_secret,
        "state": state,
        "scope": scope,
        "assigned_users": users,
        "assigned_groups": groups,
        "version": application.version,
        "created": time(application.created_us),
    });
    session.out.result(&document, || {
        let secret = if application.has_secret {
            "set"
        } else {
            "not set"
        };
        [
            ("Name", output::plain(&application.name)),
            ("Id", application.id.clone()),
            ("Gallery", application.gallery_id.clone()),
            ("Tenant URL", output::plain(&application.tenant_url)),
            ("Auth", application.authentication.method().to_owned()),
            ("Secret", secret.to_owned()),
            ("State", state.to_owned()),
            ("Scope", scope.clone()),
            ("Assigned", format!("{users} users, {groups} groups")),
            ("Created", time(application.created_us)),
        ]
        .map(|(label, value)| format!("{label:11} {value}"))
        .join("\n")
    })?;
    Ok(Exit::Done)
}

pub(super) async fn credentials(
    session: &Session,
    of: &OfApplication,
    tenant_url: Option<String>,
    flags: &AuthenticationFlags,
    secret: &Secret,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let method = authentication::apply(flags, &application.authentication)?;
    let secret = authentication::secret(secret, &method)?;
    if tenant_url.is_none() && secret.is_none() && !authentication::is_given(flags) {
        return Err(Failure::usage("nothing to change")
            .hint("give --tenant-url, --auth with its flags, or --secret-token, --secret-token-env or --secret-file"));
    }
    let tenant_url = tenant_url.unwrap_or(application.tenant_url);
    super::check_url("--tenant-url", &tenant_url)?;
    let key = application.key;
    let changed = session
        .store
        .write(session.actor.clone(), move |tx| {
            let secret = secret.as_deref();
            application::set_authentication(tx, workspace, key, &tenant_url, &method, secret)
        })
        .await?;
    if !changed.has_secret && application.has_secret {
        output::note(
            "Host, token endpoint or method have changed, so the old secret was removed. Set the new one with --secret-token -.",
        );
    } else if !changed.has_secret {
        output::note("No secret is stored. Set one with --secret-token -.");
    }
    session.out.result(
        &json!({
            "id": changed.id,
            "name": changed.name,
            "tenant_url": changed.tenant_url,
            "authentication": changed.authentication,
            "has_secret": changed.has_secret,
        }),
        || {
            format!(
                "changed the credentials of {}",
                output::plain(&changed.name)
            )
        },
    )?;
    Ok(Exit::Done)
}

pub(super) async fn config(
    session: &Session,
    of: &OfApplication,
    set: Option<&str>,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let Some(from) = set else {
        let config: Value = serde_json::from_str(&application.config)?;
        let text = if session.out.json {
            config.to_string()
        } else {
            serde_json::to_string_pretty(&config)?
        };
        output::line(&text)?;
        return Ok(Exit::Done);
    };
    let config = serde_json::to_string(&checked(&crate::command::read_file(from, CONFIG_BYTES)?)?)?;
    if config == application.config {
        return super::answer(session, &application, "unchanged");
    }
    let (key, version, name) = (application.key, application.version, application.name);
    let changed = session
        .store
        .write(session.actor.clone(), move |tx| {
            application::update(tx, workspace, key, version, &name, &config)
        })
        .await?;
    super::answer(session, &changed, "configured")
}

/// The configuration, if the planner can work with it; otherwise every problem with its place.
pub(super) fn checked(text: &str) -> Result<ApplicationConfig, Failure> {
    let config: ApplicationConfig = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("not a configuration: {error}")))?;
    compiled(&config)?;
    Ok(config)
}

/// Every problem that the planner has with a configuration, with its place.
pub(super) fn compiled(config: &ApplicationConfig) -> Result<(), Failure> {
    let Err(problems) = tenure_plan::compile(config) else {
        return Ok(());
    };
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {}: {}", problem.place, problem.message))
        .collect();
    Err(Failure::usage(format!(
        "the configuration was not changed\n{}",
        lines.join("\n")
    )))
}
