//! Matching by one listing of the target in place of a query for each person: a full cycle with many people to match reads
//! the whole target once, keeps it in the store, and looks there.

use crate::{
    load::{Loaded, object_kind},
    matching::Queries,
    pages::Pages,
    run::{Halt, Run},
    target::Failure,
};
use serde_json::{Map, Value};
use std::collections::HashMap;
use tenure_plan::{Outcome, config::Scope, facts::Found};
use tenure_store::{
    Error, Kind, assignment, ledger,
    listing::{self, Listed},
};

/// A target may have this many times as many accounts as there are people to match; with more, asking is cheaper.
const TIMES: u64 = 20;
/// Accounts forgotten in one transaction.
const FORGOTTEN: u32 = 5_000;

impl Run<'_> {
    /// Reads the target if that is cheaper than asking for each person. What is read is valid for this cycle.
    pub(crate) async fn list_target(&mut self, kind: Kind) -> Result<(), Halt> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let all = self.context.compiled.config.scope == Scope::All;
        let unlinked = self
            .engine
            .store
            .read(move |tx| {
                let candidates =
                    assignment::candidate_count(tx, workspace, application, kind, all)?;
                let (users, groups) = ledger::counts(tx, workspace, application)?;
                let linked = if kind == Kind::Group { groups } else { users };
                Ok(candidates.saturating_sub(linked))
            })
            .await?;
        // There is no other way at a target without filters.
        let may_ask = self.reach.reader().dialect().filters;
        let from = if may_ask {
            self.engine.limits.listing_from
        } else {
            1
        };
        if unlinked < from {
            return Ok(());
        }
        let mut pages = Pages::new(object_kind(kind), false);
        loop {
            self.check_stop()?;
            let page = match pages.next(self.reach.reader()).await {
                Ok(page) => page,
                Err(failure) => {
                    return match Halt::from_failure(&failure) {
                        Some(halt) => Err(halt),
                        // A target that cannot list is asked for each person.
                        None => Ok(()),
                    };
                }
            };
            let Some(documents) = page else { break };
            if may_ask && pages.total() > unlinked.saturating_mul(TIMES) {
                return Ok(());
            }
            self.keep_listed(kind, documents).await?;
        }
        if pages.is_complete() {
            self.listed.insert(kind);
        }
        Ok(())
    }

    async fn keep_listed(
        &self,
        kind: Kind,
        documents: Vec<Map<String, Value>>,
    ) -> Result<(), Error> {
        let accounts: Vec<Listed> = documents
            .into_iter()
            .filter_map(|document| {
                Some(Listed {
                    target_id: document.get("id")?.as_str()?.to_owned(),
                    values: self
                        .context
                        .compiled
                        .matching_values(object_kind(kind), &document),
                    document: Value::Object(document).to_string(),
                })
            })
            .collect();
        let lease = self.lease();
        self.write(move |tx| listing::add(tx, &lease, kind, &accounts))
            .await
    }

    /// Removes what this or a former cycle listed.
    pub(crate) async fn forget_listed(&mut self) -> Result<(), Error> {
        self.listed.clear();
        loop {
            let lease = self.lease();
            if !self
                .write(move |tx| listing::forget(tx, &lease, FORGOTTEN))
                .await?
            {
                return Ok(());
            }
        }
    }

    /// What the listing has for those that want to be matched, by rid; for others the target has to be asked.
    pub(crate) async fn find_listed(
        &self,
        loaded: &[Loaded],
    ) -> Result<HashMap<i64, Result<Found, Failure>>, Error> {
        let wanted: Vec<(i64, Kind, Queries)> = loaded
            .iter()
            .filter(|one| self.listed.contains(&one.kind))
            .filter_map(|one| match &one.planned.outcome {
                Outcome::Match(queries) => Some((one.rid, one.kind, queries.clone())),
                _ => None,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let context = self.context.clone();
        self.engine
            .store
            .read(move |tx| {
                let mut found = HashMap::new();
                for (rid, kind, queries) in &wanted {
                    found.insert(*rid, Ok(first_hit(tx, &context, *kind, queries)?));
                }
                Ok(found)
            })
            .await
    }
}

/// The first attribute that has a hit decides, as with queries.
fn first_hit(
    tx: &mut tenure_store::Tx<'_>,
    context: &crate::load::Context,
    kind: Kind,
    queries: &[(String, String)],
) -> Result<Found, Error> {
    for (attribute, value) in queries {
        let mut hits = Vec::new();
        for (id, text) in listing::find(
            tx,
            context.workspace,
            context.application,
            kind,
            attribute,
            value,
            10,
        )? {
            let document: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
            // `externalId` is the only matching attribute whose case counts (RFC 7643 section 3.1).
            let fits = !attribute.eq_ignore_ascii_case("externalId")
                || document.get("externalId").and_then(Value::as_str) == Some(value);
            if fits {
                hits.push((id, document));
            }
        }
        match hits.len() {
            0 => {}
            1 => {
                if let Some((id, document)) = hits.pop() {
                    return Ok(Found::One {
                        id,
                        document,
                        attribute: attribute.clone(),
                    });
                }
            }
            _ => {
                return Ok(Found::Many {
                    attribute: attribute.clone(),
                    ids: hits.into_iter().map(|(id, _)| id).collect(),
                });
            }
        }
    }
    Ok(Found::Nothing)
}
