//! What a cycle has to look at, and where an interrupted one goes on.

use crate::{
    cycle::Wish,
    engine::{Engine, EngineError, Prepared},
    guard::{self, Survey, Wanted},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tenure_store::{
    Error, Kind, change,
    change::What,
    escrow, job,
    job::{Job, Lease, State},
    run::{self, CycleKind},
};

/// Feed rows read at a time.
const FEED_CHUNK: u32 = 1_000;
/// Queued work and due escrows taken into one cycle.
const WORK: u32 = 10_000;
/// Resume position, as it is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Configuration that the position belongs to; another one starts anew.
    pub(crate) version: i64,
    /// Of a full cycle; otherwise it only keeps work.
    pub(crate) full: bool,
    /// Feed position at the start: the watermark of the cycle.
    pub(crate) head: i64,
    pub(crate) phase: Phase,
    /// Last object dealt with in this phase.
    pub(crate) after: i64,
    /// Taken from the work queue and not dealt with yet.
    #[serde(default)]
    pub(crate) work: Vec<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    #[default]
    Users,
    Groups,
    Members,
    /// What changed, for incremental cycles; what was queued meanwhile, for initial ones.
    Changes,
}

impl Cursor {
    pub(crate) fn text(&self) -> String {
        serde_json::to_value(self).unwrap_or_default().to_string()
    }
}

/// What a cycle has to look at.
pub(crate) struct Agenda {
    pub(crate) kind: CycleKind,
    pub(crate) cursor: Cursor,
    pub(crate) survey: Survey,
    pub(crate) work: BTreeSet<i64>,
    /// A request that nobody knows the fate of, an unhealthy job, a cycle that died: there is something to do in any case.
    pub(crate) must_run: bool,
}

impl Cursor {
    /// Of a full cycle that has done nothing yet.
    fn start(version: i64, head: i64) -> Self {
        Self {
            version,
            full: true,
            head,
            ..Self::default()
        }
    }
}

impl Agenda {
    pub(crate) fn is_idle(&self) -> bool {
        self.kind == CycleKind::Incremental && self.survey.is_empty() && !self.must_run
    }
}
/// Decides between initial and incremental, and collects what the latter has to look at.
pub(crate) async fn agenda(
    engine: &Engine,
    prepared: &Prepared,
    lease: &Lease,
    job: &Job,
    wish: &Wish,
) -> Result<Agenda, EngineError> {
    let (workspace, application) = (job.workspace, job.application);
    let version = prepared.application.version;
    let saved: Option<Cursor> = job
        .cycle_cursor
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let (head, floor, has_unresolved) = engine
        .store
        .read(move |tx| {
            Ok((
                change::head(tx, workspace)?,
                change::floor(tx, workspace)?,
                !run::unresolved(tx, workspace, application, 0, 1)?.is_empty(),
            ))
        })
        .await?;
    let full = |kind, cursor| Agenda {
        kind,
        cursor,
        survey: Survey::default(),
        work: BTreeSet::new(),
        must_run: true,
    };
    if wish.dry_run {
        return Ok(full(CycleKind::DryRun, Cursor::start(version, head)));
    }
    let Some(watermark) = job.watermark.filter(|watermark| *watermark >= floor) else {
        let cursor = saved
            .filter(|saved| saved.full && saved.version == version)
            .unwrap_or_else(|| Cursor::start(version, head));
        return Ok(full(CycleKind::Initial, cursor));
    };
    let mut wanted = Wanted {
        objects: BTreeSet::new(),
        work: BTreeSet::new(),
        always: BTreeSet::new(),
        member_groups: BTreeSet::new(),
    };
    read_feed(engine, job, watermark, head, &mut wanted).await?;
    let left = saved.map(|saved| saved.work).unwrap_or_default();
    wanted.objects.extend(&left);
    wanted.member_groups.extend(&left);
    collect_work(engine, lease, &mut wanted).await?;
    let due = engine
        .store
        .read(move |tx| escrow::due(tx, workspace, application, WORK))
        .await?;
    for one in due {
        wanted.objects.insert(one.rid);
        wanted.always.insert(one.rid);
        if one.kind == Kind::Group {
            wanted.member_groups.insert(one.rid);
        }
    }
    let survey = guard::survey(&engine.store, &prepared.context, lease, &wanted).await?;
    let must_run = has_unresolved || job.state == State::Quarantined || job.cycle_id.is_some();
    let cursor = Cursor {
        full: false,
        phase: Phase::Changes,
        work: left,
        ..Cursor::start(version, head)
    };
    Ok(Agenda {
        kind: CycleKind::Incremental,
        cursor,
        survey,
        work: wanted.work,
        must_run,
    })
}

pub(crate) async fn read_feed(
    engine: &Engine,
    job: &Job,
    watermark: i64,
    head: i64,
    wanted: &mut Wanted,
) -> Result<(), Error> {
    let (workspace, mut position) = (job.workspace, watermark);
    while position < head {
        let rows = engine
            .store
            .read(move |tx| change::read(tx, workspace, position, FEED_CHUNK))
            .await?;
        let Some(last) = rows.last() else { break };
        position = last.seq;
        for row in rows {
            match row.what {
                What::Created | What::Updated | What::Deleted => {
                    wanted.objects.insert(row.rid);
                }
                // Who is in a group also decides who is entitled.
                What::MemberAdded | What::MemberRemoved => {
                    wanted.objects.extend(row.other);
                    wanted.member_groups.insert(row.rid);
                }
            }
        }
    }
    Ok(())
}

pub(crate) async fn collect_work(
    engine: &Engine,
    lease: &Lease,
    wanted: &mut Wanted,
) -> Result<(), Error> {
    let lease = lease.clone();
    let work = engine
        .store
        .read(move |tx| job::work(tx, &lease, WORK))
        .await?;
    for (rid, kind) in work {
        wanted.objects.insert(rid);
        wanted.work.insert(rid);
        if kind == Kind::Group {
            wanted.member_groups.insert(rid);
        }
    }
    Ok(())
}
