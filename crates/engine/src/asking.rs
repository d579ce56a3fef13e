//! The questions that planning has to the target before a page of objects can be planned to the end.

use crate::{
    code,
    load::{Hint, Loaded, object_kind},
    matching::{self, Queries},
    run::{Halt, Run},
    target::{Failure, FailureKind, ReadTarget},
};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use tenure_plan::{Outcome, config::ObjectKind, facts::Found};
use tenure_store::{ledger, resource};

impl Run<'_> {
    /// Does the reading that planning asked for, and plans again.
    pub(crate) async fn ask_target(
        &self,
        loaded: Vec<Loaded>,
        taken: &mut HashMap<String, i64>,
    ) -> Result<(Vec<Loaded>, Vec<(Loaded, Failure)>), Halt> {
        // Whose account changes in this page has it until then, even who leaves or has just been deleted.
        for one in loaded.iter().filter(|one| self.changes_account(one)) {
            if let Some(link) = one.present_link() {
                taken.insert(link.target_id.clone(), one.rid);
            }
        }
        let (asking, known): (Vec<_>, Vec<_>) = loaded
            .into_iter()
            .partition(|one| one.needs_read || matches!(one.planned.outcome, Outcome::Match(_)));
        let (mut ready, mut refused) = (Vec::new(), Vec::new());
        // Found after a refused or lost create: it may be the account that somebody else of this page just got.
        for one in known {
            match self.duplicate_source(&one, &one.hint, taken).await? {
                Some(failure) => refused.push((one, failure)),
                None => ready.push(one),
            }
        }
        if asking.is_empty() {
            return Ok((ready, refused));
        }
        let reader = self.reach.reader();
        let concurrency = self.concurrency();
        let mut listed = self.find_listed(&asking).await?;
        if !reader.dialect().filters {
            search(reader, &asking, &mut listed).await;
        }
        let answers: Vec<(Loaded, Hint)> = stream::iter(asking.into_iter().map(|one| {
            let known = listed.remove(&one.rid);
            ask(reader.clone(), one, known)
        }))
        .buffer_unordered(concurrency)
        .collect()
        .await;
        let mut again = Vec::new();
        for (loaded, mut hint) in answers {
            if let Some(failure) = hint.failure.take() {
                refused.push((loaded, failure));
            } else if let Some(failure) = self.duplicate_source(&loaded, &hint, taken).await? {
                refused.push((loaded, failure));
            } else {
                again.push((loaded.rid, hint));
            }
        }
        again.sort_by_key(|(rid, _)| *rid);
        for loaded in self.load(again).await? {
            // A vanished account: matching has to be done as well.
            if matches!(loaded.planned.outcome, Outcome::Match(_)) {
                let (loaded, hint) = ask(reader.clone(), loaded, None).await;
                match (
                    hint.failure.clone(),
                    self.duplicate_source(&loaded, &hint, taken).await?,
                ) {
                    (Some(failure), _) | (None, Some(failure)) => refused.push((loaded, failure)),
                    (None, None) => ready.extend(self.load(vec![(loaded.rid, hint)]).await?),
                }
            } else {
                ready.push(loaded);
            }
        }
        Ok((ready, refused))
    }

    fn changes_account(&self, one: &Loaded) -> bool {
        let is_held = self.hold.is_some() && !self.approved.contains(&one.rid);
        let changes = one.needs_read || matches!(one.planned.outcome, Outcome::Operation(_));
        changes && !(one.takes_access() && is_held)
    }

    /// Two source objects must not share one account.
    async fn duplicate_source(
        &self,
        loaded: &Loaded,
        hint: &Hint,
        taken: &mut HashMap<String, i64>,
    ) -> Result<Option<Failure>, Halt> {
        let Some(Found::One { id, attribute, .. }) = &hint.found else {
            return Ok(None);
        };
        let (workspace, application, kind, target_id) = (
            self.context.workspace,
            self.context.application,
            loaded.kind,
            id.clone(),
        );
        let owner = self
            .engine
            .store
            .read(move |tx| {
                let owner = ledger::source_of(tx, workspace, application, &target_id)?;
                // The link of a deleted object does not keep an account from its next owner.
                Ok(match owner {
                    Some(source_id)
                        if resource::get(tx, workspace, kind, &source_id)?.is_some() =>
                    {
                        Some(source_id)
                    }
                    _ => None,
                })
            })
            .await?;
        let first = *taken.entry(id.clone()).or_insert(loaded.rid);
        let is_other = owner.is_some_and(|owner| owner != loaded.source_id) || first != loaded.rid;
        Ok(is_other.then(|| Failure {
            kind: FailureKind::Answered,
            code: code::DUPLICATE_SOURCE,
            message: format!("the account {id} at the target, found by {attribute}, belongs to another object of the directory. {}", code::advice(code::DUPLICATE_SOURCE)),
            status: None,
            retry_after_s: None,
        }))
    }
}

/// Matches those that are not in `listed` yet by reading all that a target without filters has, once for all of them.
async fn search(
    reader: &ReadTarget,
    asking: &[Loaded],
    listed: &mut HashMap<i64, Result<Found, Failure>>,
) {
    for kind in [ObjectKind::User, ObjectKind::Group] {
        let wanted: Vec<(i64, &Queries)> = asking
            .iter()
            .filter(|one| object_kind(one.kind) == kind && !listed.contains_key(&one.rid))
            .filter_map(|one| match &one.planned.outcome {
                Outcome::Match(queries) => Some((one.rid, queries)),
                _ => None,
            })
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let queries: Vec<&[(String, String)]> = wanted
            .iter()
            .map(|(_, queries)| queries.as_slice())
            .collect();
        let found = matching::search(reader, kind, &queries).await;
        for (at, (rid, _)) in wanted.iter().enumerate() {
            let found = match &found {
                Ok(found) => Ok(found.get(at).cloned().unwrap_or(Found::Nothing)),
                Err(failure) => Err(failure.clone()),
            };
            listed.insert(*rid, found);
        }
    }
}

/// Matches, or reads the linked account. `listed`: what matching by a listing gave.
async fn ask(
    reader: ReadTarget,
    loaded: Loaded,
    listed: Option<Result<Found, Failure>>,
) -> (Loaded, Hint) {
    let kind = object_kind(loaded.kind);
    let mut hint = Hint {
        refresh: false,
        ..loaded.hint.clone()
    };
    let mut learn = |found: Result<Found, Failure>| match found {
        Ok(found) => hint.found = Some(found),
        Err(failure) => hint.failure = Some(failure),
    };
    match (&loaded.planned.outcome, listed, loaded.present_link()) {
        (Outcome::Match(_), Some(found), _) => learn(found),
        (Outcome::Match(queries), None, _) => learn(matching::find(&reader, kind, queries).await),
        (_, _, Some(link)) => match matching::read(&reader, kind, &link.target_id).await {
            Ok(Some(account)) => hint.account = Some(account),
            Ok(None) => hint.forget_link = true,
            Err(failure) => hint.failure = Some(failure),
        },
        _ => {}
    }
    (loaded, hint)
}
