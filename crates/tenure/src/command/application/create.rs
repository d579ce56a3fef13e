//! `tenure application create`.

use crate::cli::{ApplicationCreate, Scope};
use crate::command::Session;
use crate::error::{Exit, Failure};
use serde_json::json;
use tenure_plan::config::Scope as PlanScope;
use tenure_plan::gallery;
use tenure_store::application;

pub(super) async fn run(session: &Session, arguments: ApplicationCreate) -> Result<Exit, Failure> {
    let template = gallery::template(&arguments.gallery).ok_or_else(|| {
        let ids: Vec<&str> = gallery::templates()
            .iter()
            .map(|template| template.id)
            .collect();
        Failure::not_found(format!(
            "gallery entry \"{}\" does not exist",
            arguments.gallery
        ))
        .hint(format!("there are: {}", ids.join(", ")))
    })?;
    let tenant_url = match arguments.tenant_url {
        Some(url) => url,
        None if !template.tenant_url.is_empty() => template.tenant_url.to_owned(),
        None => {
            return Err(Failure::usage(
                "--tenant-url is needed for this gallery entry",
            ));
        }
    };
    super::check_url(&tenant_url)?;
    let workspace = session.workspace(&arguments.at.workspace).await?.id;
    let secret = super::secret(&arguments.secret)?;
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
            application::create(
                tx,
                workspace,
                &name,
                gallery,
                &tenant_url,
                secret.as_deref(),
                &config,
            )
        })
        .await?;
    session.out.result(
        &json!({
            "id": created.id,
            "name": created.name,
            "gallery": created.gallery_id,
            "tenant_url": created.tenant_url,
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
