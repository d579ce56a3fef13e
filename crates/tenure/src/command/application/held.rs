//! `tenure application held` and `allow-deletes`.

use crate::cli::OfApplication;
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output::{self, time};
use serde_json::{Value, json};
use tenure_engine::STAGED;
use tenure_store::{Tx, WorkspaceId, escrow, resource};

/// Held objects that are shown.
const SHOWN: u32 = 1_000;

/// Name, reason and time of each, and how many there are.
type Held = (u64, Vec<(String, String, i64)>);

fn held(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Held, tenure_store::Error> {
    let count = escrow::held_count(tx, workspace, key, STAGED)?;
    let mut rows = Vec::new();
    for one in escrow::held(tx, workspace, key, STAGED, 0, SHOWN)? {
        let name = resource::by_rid(tx, workspace, one.rid)?
            .map(|(stored, _)| stored.label())
            .unwrap_or_default();
        rows.push((name, one.message, one.first_us));
    }
    Ok((count, rows))
}

pub(super) async fn list(session: &Session, of: &OfApplication) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let key = application.key;
    let (count, rows) = session
        .store
        .read(move |tx| held(tx, workspace, key))
        .await?;
    let documents: Vec<Value> = rows
        .iter()
        .map(|(name, reason, since_us)| json!({ "name": name, "reason": reason, "since": time(*since_us) }))
        .collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, reason, since_us)| vec![name.clone(), reason.clone(), time(*since_us)])
        .collect();
    session.out.list(
        &json!({ "count": count, "held": documents }),
        &["NAME", "REASON", "SINCE"],
        &cells,
    )?;
    Ok(Exit::Done)
}

pub(super) async fn allow(
    session: &Session,
    of: &OfApplication,
    expected: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let key = application.key;
    let allowed = session
        .store
        .write(session.actor.clone(), move |tx| {
            escrow::approve(tx, workspace, key, STAGED, expected)
        })
        .await?;
    session.out.result(
        &json!({ "application": application.name, "allowed": allowed }),
        || {
            format!(
                "allowed {allowed} operations of {}; they are carried out by the next cycle",
                output::plain(&application.name)
            )
        },
    )?;
    Ok(Exit::Done)
}
