//! Looking at everything a cycle would do before the first request: who leaves, what needs nothing, and whether so many
//! accounts would lose access that something must be wrong.

use crate::{
    load::{self, Context, Hint, Loaded},
    run::{Halt, Run},
};
use std::{collections::BTreeSet, sync::Arc};
use tenure_plan::{Outcome, config::ObjectKind};
use tenure_store::{Error, Kind, Tx, assignment, escrow, job, job::Lease, ledger, resource};

/// Objects read per transaction.
const CHUNK: usize = 500;

/// The objects of an incremental cycle in the order of their turn.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Those that lose access.
    pub(crate) leavers: Vec<i64>,
    pub(crate) users: Vec<i64>,
    pub(crate) groups: Vec<i64>,
    /// Groups, of those asked for, whose members differ.
    pub(crate) member_groups: BTreeSet<i64>,
}

impl Survey {
    pub(crate) fn is_empty(&self) -> bool {
        self.leavers.is_empty()
            && self.users.is_empty()
            && self.groups.is_empty()
            && self.member_groups.is_empty()
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = i64> + '_ {
        self.leavers
            .iter()
            .chain(&self.users)
            .chain(&self.groups)
            .copied()
    }

    fn add(&mut self, one: &Loaded) {
        match one.kind {
            _ if one.takes_access() => self.leavers.push(one.rid),
            Kind::Group => self.groups.push(one.rid),
            Kind::User | Kind::Custom(_) => self.users.push(one.rid),
        }
    }
}

/// What to look at.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) objects: BTreeSet<i64>,
    /// Of these, the ones that came from work rows: rows that need nothing are removed while looking.
    pub(crate) work: BTreeSet<i64>,
    /// Looked at in any case, because something of them has to be cleared.
    pub(crate) always: BTreeSet<i64>,
    pub(crate) member_groups: BTreeSet<i64>,
}

/// Plans without any request.
pub(crate) async fn survey(
    store: &tenure_store::Store,
    context: &Context,
    lease: &Lease,
    wanted: &Wanted,
) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    let objects: Vec<i64> = wanted.objects.iter().copied().collect();
    for chunk in objects.chunks(CHUNK) {
        let rids = chunk.to_vec();
        let work: Vec<i64> = chunk
            .iter()
            .copied()
            .filter(|rid| wanted.work.contains(rid))
            .collect();
        let always: BTreeSet<i64> = chunk
            .iter()
            .copied()
            .filter(|rid| wanted.always.contains(rid))
            .collect();
        let (context, lease, members) = (
            context.clone(),
            lease.clone(),
            context.compiled.provisions_members(),
        );
        // Only a write transaction can be sure that no new work row is removed together with the old one.
        let active = if work.is_empty() {
            store
                .read(move |tx| active(tx, &context, &rids, &always))
                .await?
        } else {
            store
                .write_background(tenure_store::Actor::system(), move |tx| {
                    let active = active(tx, &context, &rids, &always)?;
                    // A group whose members differ keeps its row until a cursor has it.
                    let differing = if members {
                        differing(tx, &context, &work)?
                    } else {
                        Vec::new()
                    };
                    let needed: BTreeSet<i64> =
                        active.iter().map(|one| one.rid).chain(differing).collect();
                    let inert: Vec<i64> = work
                        .iter()
                        .copied()
                        .filter(|rid| !needed.contains(rid))
                        .collect();
                    job::work_done(tx, &lease, &inert)?;
                    Ok(active)
                })
                .await?
        };
        active.iter().for_each(|one| survey.add(one));
    }
    if context.compiled.provisions_members() {
        let groups: Vec<i64> = wanted.member_groups.iter().copied().collect();
        for chunk in groups.chunks(CHUNK) {
            let (context, rids) = (context.clone(), chunk.to_vec());
            survey
                .member_groups
                .extend(store.read(move |tx| differing(tx, &context, &rids)).await?);
        }
    }
    Ok(survey)
}

fn active(
    tx: &mut Tx<'_>,
    context: &Context,
    rids: &[i64],
    always: &BTreeSet<i64>,
) -> Result<Vec<Loaded>, Error> {
    let mut active = Vec::new();
    for rid in rids {
        if let Some(one) = load::load(tx, context, *rid, &Hint::default())?
            && (always.contains(rid) || !is_inert(&one))
        {
            active.push(one);
        }
    }
    Ok(active)
}

fn is_inert(one: &Loaded) -> bool {
    match &one.planned.outcome {
        Outcome::Skip {
            unmanage,
            link,
            unresolved,
            ..
        } => {
            !unmanage
                && link.is_none()
                && unresolved.is_empty()
                && !(one.deleted && one.link.is_some())
                && !one.needs_read
        }
        _ => false,
    }
}

fn differing(tx: &mut Tx<'_>, context: &Context, groups: &[i64]) -> Result<Vec<i64>, Error> {
    let mut differing = Vec::new();
    for rid in groups {
        let is_linked = ledger::get(tx, context.workspace, context.application, *rid)?
            .is_some_and(|link| link.managed && link.kind == Kind::Group);
        if is_linked {
            let (add, remove) =
                ledger::member_difference(tx, context.workspace, context.application, *rid, 1)?;
            if !add.is_empty() || !remove.is_empty() {
                differing.push(*rid);
            }
        }
    }
    Ok(differing)
}

impl Run<'_> {
    /// Decides whether operations that take access are held in this cycle. `leavers`: who they are, if known.
    pub(crate) async fn guard(&mut self, leavers: Option<&[i64]>) -> Result<(), Halt> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let (live_users, linked_users, approved) = self
            .engine
            .store
            .read(move |tx| {
                Ok((
                    resource::count(tx, workspace, Kind::User)?,
                    ledger::counts(tx, workspace, application)?.0,
                    escrow::approved(tx, workspace, application)?,
                ))
            })
            .await?;
        self.approved = Arc::new(approved.into_iter().collect());
        if live_users == 0 && linked_users > 0 {
            self.hold = Some("the directory is empty".to_owned());
            return Ok(());
        }
        let Some(threshold) = self.context.compiled.config.deletion_threshold else {
            return Ok(());
        };
        self.losses_left = Some(threshold);
        let leavers = match leavers {
            Some(leavers) => leavers
                .iter()
                .filter(|rid| !self.approved.contains(rid))
                .count(),
            None => self.count_leavers().await?,
        };
        if leavers > usize::try_from(threshold).unwrap_or(usize::MAX) {
            self.hold = Some(format!(
                "{leavers} accounts would be disabled or deleted in one cycle, more than the threshold of {threshold}"
            ));
        }
        Ok(())
    }

    async fn count_leavers(&self) -> Result<usize, Halt> {
        let mut leavers = 0;
        for kind in [Kind::User, Kind::Group] {
            if !self.context.compiled.provisions(load::object_kind(kind)) {
                continue;
            }
            let mut after = 0;
            loop {
                self.check_stop()?;
                let (context, approved) = (self.context.clone(), self.approved.clone());
                let (count, last) = self
                    .engine
                    .store
                    .read(move |tx| {
                        let rids = candidates(tx, &context, kind, after)?;
                        let leaving = active(tx, &context, &rids, &BTreeSet::new())?
                            .iter()
                            .filter(|one| one.takes_access() && !approved.contains(&one.rid))
                            .count();
                        Ok((leaving, rids.last().copied()))
                    })
                    .await?;
                leavers += count;
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(leavers)
    }
}

fn candidates(
    tx: &mut Tx<'_>,
    context: &Context,
    kind: Kind,
    after: i64,
) -> Result<Vec<i64>, Error> {
    let all = context.compiled.config.scope == tenure_plan::config::Scope::All;
    assignment::candidates(
        tx,
        context.workspace,
        context.application,
        kind,
        all,
        after,
        u32::try_from(CHUNK).unwrap_or(u32::MAX),
    )
}

/// The types that a cycle handles, in order.
pub(crate) fn kinds(context: &Context) -> Vec<Kind> {
    [
        (Kind::User, ObjectKind::User),
        (Kind::Group, ObjectKind::Group),
    ]
    .into_iter()
    .filter(|(_, kind)| context.compiled.provisions(*kind))
    .map(|(kind, _)| kind)
    .collect()
}
