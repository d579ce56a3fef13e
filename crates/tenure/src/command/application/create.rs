//! `tenure application create`.

use crate::cli::{ApplicationCreate, Scope};
use crate::command::Session;
use crate::error::{Exit, Failure};
use serde_json::json;
use tenure_plan::config::Scope as PlanScope;
use tenure_plan::gallery;
use tenure_store::application::{self, Authentication};

use super::authentication;

pub(super) async fn run(session: &Session, arguments: ApplicationCreate) -> Result<Exit, Failure> {
    let template = gallery::template(&arguments.gallery).ok_or_else(|| {
        let ids: Vec<&str> = similar(&arguments.gallery);
        Failure::not_found(format!(
            "gallery entry \"{}\" does not exist",
            arguments.gallery
        ))
        .hint(format!("try one of: {}", ids.join(", ")))
    })?;
    if !template.speaks_scim {
        return Err(Failure::usage(format!(
            "{} cannot be added: {}",
            template.name, template.description
        )));
    }
    let tenant_url = match arguments.tenant_url {
        Some(url) => url,
        None if !template.tenant_url.is_empty() => template.tenant_url.to_owned(),
        None => {
            let failure = Failure::usage("--tenant-url is needed for this gallery entry");
            return Err(match template.tenant_url_pattern {
                "" => failure.hint("copy it from the application"),
                pattern => failure.hint(format!("it has the form {pattern}")),
            });
        }
    };
    super::check_url("--tenant-url", &tenant_url)?;
    let workspace = session.workspace(&arguments.at.workspace).await?.id;
    let method = authentication::apply(&arguments.authentication, &Authentication::Bearer)?;
    let secret = authentication::secret(&arguments.secret, &method)?;
    let mut config = template.config;
    config.scope = match arguments.scope {
        Scope::Assigned => PlanScope::Assigned,
        Scope::All => PlanScope::All,
    };
    let config = serde_json::to_string(&config)?;
    let (name, gallery) = (arguments.name, template.id);
    let created = session
        .store
        .write(session.actor.clone(), move |tx| {
            let (url, secret) = (&tenant_url, secret.as_deref());
            if method == Authentication::Bearer {
                return application::create(tx, workspace, &name, gallery, url, secret, &config);
            }
            let created = application::create(tx, workspace, &name, gallery, url, None, &config)?;
            application::set_authentication(tx, workspace, created.key, url, &method, secret)
        })
        .await?;
    session.out.result(
        &json!({
            "id": created.id,
            "name": created.name,
            "gallery": created.gallery_id,
            "tenant_url": created.tenant_url,
            "authentication": created.authentication,
            "has_secret": created.has_secret,
        }),
        || {
            format!(
                "created application {} ({})",
                crate::output::plain(&created.name),
                created.id
            )
        },
    )?;
    Ok(Exit::Done)
}

/// A few entries whose name has the word, or begins like it; `custom` is always possible.
fn similar(word: &str) -> Vec<&'static str> {
    let beginning: String = word.chars().take(3).collect();
    let found = [gallery::search(word), gallery::search(&beginning)];
    let mut ids: Vec<&str> = found
        .iter()
        .find(|found| !found.is_empty())
        .into_iter()
        .flatten()
        .map(|template| template.id)
        .filter(|id| *id != "custom")
        .take(8)
        .collect();
    ids.push("custom");
    ids
}
