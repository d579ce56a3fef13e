//! Reading the whole target: what differs from what it should be becomes a plan, and accounts that nobody manages are
//! listed. Nothing is sent but reads.

use crate::{
    engine::{Engine, EngineError, Prepared, Taken},
    guard,
    lease::HeldLease,
    load::{self, Hint, Loaded, object_kind},
    matching,
    pages::Pages,
    record::{Tally, word},
    run::{Halt, Reach, Run},
    target::Failure,
};
use serde_json::{Map, Value};
use std::{collections::HashSet, time::Duration};
use tenure_plan::{Operation, Outcome, facts::Found, member_operation};
use tenure_store::{
    Actor, Error, Kind, Tx, WorkspaceId, change,
    job::Job,
    ledger, resource,
    run::{self, Basis, Cycle, CycleKind},
    stranger::{self, Standing, Stranger},
};

/// Linked accounts that a listing leaves out and that are asked for one by one. More than that means that the listing is
/// not complete, and then nothing is concluded from it.
const MISSING: usize = 1_000;
/// Links read at a time.
const LINKS: u32 = 1_000;

/// Runs it.
pub(crate) async fn run(
    engine: &Engine,
    workspace: WorkspaceId,
    application: i64,
    patience: Duration,
) -> Result<Cycle, EngineError> {
    let Taken {
        prepared,
        held,
        job,
    } = engine.take(workspace, application, patience).await?;
    let outcome = with_lease(engine, prepared, &held, &job).await;
    held.give_back(&job).await?;
    outcome
}

async fn with_lease(
    engine: &Engine,
    prepared: Prepared,
    held: &HeldLease,
    job: &Job,
) -> Result<Cycle, EngineError> {
    let (lease, interrupted) = (held.lease().clone(), job.cycle_id.clone());
    let (workspace, config) = (job.workspace, prepared.application.config.clone());
    let cycle = engine
        .store
        .write(Actor::system(), move |tx| {
            run::abandon(tx, &lease, interrupted.as_deref())?;
            let cycle = run::begin(tx, &lease, CycleKind::Drift, 0)?;
            let basis = Basis {
                head: change::head(tx, workspace)?,
                config: config.clone(),
                undoes: None,
            };
            run::set_basis(tx, &lease, &cycle.id, &basis)?;
            Ok(cycle)
        })
        .await?;
    // Nobody stops it; the sender lives as long as the run.
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let reach = Reach::Read(engine.target(&prepared));
    let mut run = Run::new(engine, prepared, held, reach, cycle, stop);
    let result = run.look_at_everything().await;
    run.end_of_drift(result).await
}

/// What one type of the target looked like.
#[derive(Default)]
struct Seen {
    /// Some group showed members, so that a group without any has none.
    shows_members: bool,
    /// Linked groups that showed no members.
    without_members: Vec<i64>,
    notes: Vec<String>,
}

/// What a page of the target comes to.
#[derive(Default)]
struct Findings {
    operations: Vec<(i64, Operation)>,
    strangers: Vec<Stranger>,
    equal: u64,
    failed: u64,
    without_members: Vec<i64>,
}

impl Findings {
    fn take(&mut self, loaded: &Loaded) {
        match &loaded.planned.outcome {
            Outcome::Operation(operation) => {
                self.operations
                    .push((loaded.rid, operation.as_ref().clone()));
            }
            Outcome::Skip { .. } => self.equal += 1,
            Outcome::Match(_) | Outcome::Choose(_) | Outcome::Fail { .. } => self.failed += 1,
        }
    }
}

impl Run<'_> {
    async fn look_at_everything(&mut self) -> Result<Vec<String>, Halt> {
        let mut notes = Vec::new();
        for kind in guard::kinds(&self.context) {
            let mut seen = Seen::default();
            let mut pages = Pages::new(object_kind(kind), true);
            self.list(kind, &mut pages, &mut seen).await?;
            if pages.is_complete() {
                self.missing(kind, &pages, &mut seen).await?;
            } else {
                seen.notes.push(format!(
                    "the listing of {}s did not come to an end, so nothing is said about those that are missing",
                    object_kind(kind).resource_type()
                ));
            }
            self.groups_without_members(&mut seen).await?;
            notes.append(&mut seen.notes);
        }
        Ok(notes)
    }

    /// Reads all pages.
    async fn list(&mut self, kind: Kind, pages: &mut Pages, seen: &mut Seen) -> Result<(), Halt> {
        while let Some(documents) = pages.next(self.reach.reader()).await.map_err(halt)? {
            self.check_stop()?;
            self.total = self.total.max(pages.total());
            self.compare(kind, documents, seen).await?;
        }
        Ok(())
    }

    async fn compare(
        &mut self,
        kind: Kind,
        documents: Vec<Map<String, Value>>,
        seen: &mut Seen,
    ) -> Result<(), Halt> {
        seen.shows_members |= documents.iter().any(|one| one.contains_key("members"));
        let count = u64::try_from(documents.len()).unwrap_or(u64::MAX);
        let context = self.context.clone();
        let findings = self
            .engine
            .store
            .read(move |tx| {
                let mut findings = Findings::default();
                for document in &documents {
                    judge(tx, &context, kind, document, &mut findings)?;
                }
                Ok(findings)
            })
            .await?;
        seen.without_members.extend(&findings.without_members);
        self.keep(findings, count).await
    }

    /// Stores what a page came to.
    async fn keep(&mut self, findings: Findings, done: u64) -> Result<(), Halt> {
        for (_, operation) in &findings.operations {
            Tally::of(operation.action).add_to(&mut self.counts);
        }
        self.counts.skipped += findings.equal;
        self.counts.failed += findings.failed;
        self.done += done;
        self.total = self.total.max(self.done);
        let rows = findings
            .operations
            .iter()
            .map(|(rid, operation)| {
                let body = serde_json::to_string(operation).map_err(|error| {
                    Error::Invalid(format!("the plan cannot be stored: {error}"))
                })?;
                Ok((*rid, word(operation.action).to_owned(), body))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let (lease, cycle_id, counts) = (self.lease(), self.cycle.id.clone(), self.counts);
        let (done, total, strangers) = (self.done, self.total, findings.strangers);
        self.write(move |tx| {
            run::plan(tx, &lease, &cycle_id, &rows)?;
            stranger::add(tx, &lease, &cycle_id, &strangers)?;
            run::progress(tx, &lease, &cycle_id, done, total, &counts)
        })
        .await?;
        Ok(())
    }

    /// Linked accounts that were not listed: asked for one by one, because a listing may miss what changes meanwhile.
    async fn missing(&mut self, kind: Kind, pages: &Pages, seen: &mut Seen) -> Result<(), Halt> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let (mut after, mut missing) = (0, Vec::new());
        loop {
            let links = self
                .engine
                .store
                .read(move |tx| ledger::managed(tx, workspace, application, kind, after, LINKS))
                .await?;
            let Some(last) = links.last() else { break };
            after = last.rid;
            missing.extend(links.into_iter().filter(|link| !pages.has(&link.target_id)));
            if missing.len() > MISSING {
                seen.notes.push(format!(
                    "more than {MISSING} linked {}s are not in the target's listing: nothing is concluded from that",
                    object_kind(kind).resource_type()
                ));
                return Ok(());
            }
        }
        for link in missing {
            self.check_stop()?;
            let account = matching::read(self.reach.reader(), object_kind(kind), &link.target_id)
                .await
                .map_err(halt)?;
            let hint = Hint {
                forget_link: account.is_none(),
                found: account.is_none().then_some(Found::Nothing),
                account,
                ..Hint::default()
            };
            let mut findings = Findings::default();
            for loaded in self.load(vec![(link.rid, hint)]).await? {
                findings.take(&loaded);
            }
            self.keep(findings, 0).await?;
        }
        Ok(())
    }

    /// A group without the attribute has no members, unless the target never shows them.
    async fn groups_without_members(&mut self, seen: &mut Seen) -> Result<(), Halt> {
        let groups = std::mem::take(&mut seen.without_members);
        if groups.is_empty() {
            return Ok(());
        }
        if !seen.shows_members {
            seen.notes.push(
                "the target shows no members of any group, so memberships were not compared"
                    .to_owned(),
            );
            return Ok(());
        }
        let context = self.context.clone();
        let findings = self
            .engine
            .store
            .read(move |tx| {
                let mut findings = Findings::default();
                for rid in &groups {
                    members(tx, &context, *rid, &[], &mut findings)?;
                }
                Ok(findings)
            })
            .await?;
        self.keep(findings, 0).await
    }

    async fn end_of_drift(
        &mut self,
        result: Result<Vec<String>, Halt>,
    ) -> Result<Cycle, EngineError> {
        let (lease, cycle_id, complete) = (self.lease(), self.cycle.id.clone(), result.is_ok());
        if !matches!(result, Err(Halt::Store(Error::StaleFence))) {
            self.write(move |tx| stranger::keep(tx, &lease, &cycle_id, complete))
                .await?;
        }
        let notes = result
            .as_ref()
            .map_or_else(|_| String::new(), |notes| notes.join("; "));
        let message = Some(notes).filter(|notes| !notes.is_empty());
        self.finish(result.map(drop), message).await
    }
}

/// Every failure ends a look at the target: half a listing proves nothing.
fn halt(failure: Failure) -> Halt {
    Halt::from_failure(&failure).unwrap_or(Halt::Unreachable(failure))
}

/// One account of the target.
fn judge(
    tx: &mut Tx<'_>,
    context: &load::Context,
    kind: Kind,
    document: &Map<String, Value>,
    findings: &mut Findings,
) -> Result<(), Error> {
    let (workspace, application) = (context.workspace, context.application);
    let target_id = document
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let link = ledger::of_target(tx, workspace, application, kind, target_id)?;
    let Some(link) = link.filter(|link| link.managed) else {
        let stranger = stranger(tx, context, kind, target_id, document)?;
        findings.strangers.push(stranger);
        return Ok(());
    };
    let hint = Hint {
        account: Some(document.clone()),
        ..Hint::default()
    };
    let Some(loaded) = load::load(tx, context, link.rid, &hint)? else {
        return Ok(());
    };
    findings.take(&loaded);
    if kind == Kind::Group && context.compiled.provisions_members() && !loaded.deleted {
        match document.get("members").and_then(Value::as_array) {
            Some(present) => {
                let present: Vec<String> = present
                    .iter()
                    .filter_map(|member| member.get("value")?.as_str().map(str::to_owned))
                    .collect();
                members(tx, context, link.rid, &present, findings)?;
            }
            None => findings.without_members.push(link.rid),
        }
    }
    Ok(())
}

/// Members that are missing, and members that we brought or could have brought and that do not belong there. Others are not
/// ours to judge.
fn members(
    tx: &mut Tx<'_>,
    context: &load::Context,
    rid: i64,
    present: &[String],
    findings: &mut Findings,
) -> Result<(), Error> {
    let (workspace, application) = (context.workspace, context.application);
    let Some(link) = ledger::get(tx, workspace, application, rid)? else {
        return Ok(());
    };
    let Some((group, _)) = resource::by_rid(tx, workspace, rid)? else {
        return Ok(());
    };
    let (rightful, wrong) = ledger::rightful_members(tx, workspace, application, rid, present)?;
    let there: HashSet<&String> = present.iter().collect();
    let absent: Vec<String> = rightful
        .into_iter()
        .map(|(_, target_id)| target_id)
        .filter(|target_id| !there.contains(target_id))
        .collect();
    let wrong: Vec<String> = wrong.into_iter().map(|(_, target_id)| target_id).collect();
    let size = context.compiled.config.dialect.members_per_operation();
    let planner_link = load::planner_link(&link);
    let operation = |add: &[String], remove: &[String]| {
        member_operation(
            &group.id,
            &planner_link,
            &group.label(),
            add.to_vec(),
            remove.to_vec(),
        )
    };
    for part in wrong.chunks(size) {
        findings.operations.push((rid, operation(&[], part)));
    }
    for part in absent.chunks(size) {
        findings.operations.push((rid, operation(part, &[])));
    }
    Ok(())
}

/// An account that nobody manages, with who in the directory it could belong to.
fn stranger(
    tx: &mut Tx<'_>,
    context: &load::Context,
    kind: Kind,
    target_id: &str,
    document: &Map<String, Value>,
) -> Result<Stranger, Error> {
    let name = ["userName", "displayName"]
        .iter()
        .find_map(|name| document.get(*name).and_then(Value::as_str))
        .unwrap_or(target_id)
        .to_owned();
    let values = context
        .compiled
        .matching_values(object_kind(kind), document);
    let mut stranger = Stranger {
        kind,
        target_id: target_id.to_owned(),
        name,
        active: document.get("active").and_then(Value::as_bool),
        standing: Standing::Local,
        rid: None,
    };
    let Some(rid) = stranger::candidate(tx, context.workspace, kind, &values)? else {
        return Ok(stranger);
    };
    stranger.rid = Some(rid);
    let Some(loaded) = load::load(tx, context, rid, &Hint::default())? else {
        return Ok(stranger);
    };
    stranger.standing = match (&loaded.link, &loaded.planned.outcome) {
        (Some(link), _) if link.target_id != target_id => Standing::Second,
        (None, Outcome::Match(_)) => Standing::Assigned,
        _ => Standing::Unassigned,
    };
    Ok(stranger)
}
