//! `tenure application accounts`.

use crate::cli::OfApplication;
use crate::command::Session;
use crate::error::{Exit, Failure};
use serde_json::{Value, json};
use tenure_store::{
    Kind, resource,
    stranger::{self, Standing},
};

/// Accounts of a page.
const PAGE: u32 = 1_000;

pub(super) async fn list(
    session: &Session,
    of: &OfApplication,
    standing: Option<&str>,
    after: i64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let key = application.key;
    let wanted = Standing::ALL
        .into_iter()
        .find(|one| Some(one.as_str()) == standing);
    let (counts, rows) = session
        .store
        .read(move |tx| {
            let mut rows = Vec::new();
            for (number, one) in stranger::list(tx, workspace, key, wanted, after, PAGE)? {
                let fits = match one.rid {
                    Some(rid) => {
                        resource::by_rid(tx, workspace, rid)?.map(|(stored, _)| stored.label())
                    }
                    None => None,
                };
                rows.push((number, one, fits.unwrap_or_default()));
            }
            Ok((stranger::counts(tx, workspace, key)?, rows))
        })
        .await?;
    let kind = |kind: Kind| if kind == Kind::Group { "group" } else { "user" };
    let documents: Vec<Value> = rows
        .iter()
        .map(|(number, one, fits)| {
            json!({
                "number": number, "kind": kind(one.kind), "name": one.name, "target_id": one.target_id,
                "active": one.active, "standing": one.standing.as_str(), "fits": fits,
            })
        })
        .collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|(_, one, fits)| {
            vec![
                one.name.clone(),
                kind(one.kind).to_owned(),
                one.standing.as_str().to_owned(),
                fits.clone(),
                match one.active {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "",
                }
                .to_owned(),
                one.target_id.clone(),
            ]
        })
        .collect();
    let counts: serde_json::Map<String, Value> = counts
        .into_iter()
        .map(|(standing, count)| (standing.as_str().to_owned(), count.into()))
        .collect();
    let is_full = rows.len() == PAGE as usize;
    let next = rows.last().map(|(number, ..)| *number).filter(|_| is_full);
    session.out.list(
        &json!({ "counts": counts, "accounts": documents, "next": next }),
        &["NAME", "KIND", "STANDING", "FITS", "ACTIVE", "ID"],
        &cells,
    )?;
    Ok(Exit::Done)
}
