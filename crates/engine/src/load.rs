//! Reading one object with everything about it, and planning it in the same snapshot.

use crate::{target::Failure, unique::Chosen};
use serde_json::{Map, Value};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};
use tenure_plan::{
    Action, Compiled, Facts, Operation, Outcome, Planned,
    config::ObjectKind,
    facts::{self, Entitlement, Found, SourceObject},
    plan,
    planner::skip,
};
use tenure_store::{Error, Kind, Tx, WorkspaceId, assignment, ledger, resource, run};

/// Which application, and how it is configured.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) workspace: WorkspaceId,
    pub(crate) application: i64,
    pub(crate) compiled: Arc<Compiled>,
    /// The application's opaque id: what `Guid` and `RandomString` give differs from application to application.
    pub(crate) seed: String,
}

/// What is known about an object beyond the store, from requests made a moment ago.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hint {
    /// The linked account is gone: plan as if there were no link.
    pub(crate) forget_link: bool,
    /// Matching gave this.
    pub(crate) found: Option<Found>,
    /// The linked account as the target showed it a moment ago.
    pub(crate) account: Option<Map<String, Value>>,
    /// Which candidates are free at the target.
    pub(crate) chosen: Option<Chosen>,
    /// What we know about the account may be wrong: read it first.
    pub(crate) refresh: bool,
    /// The account was created by a request whose reply was lost.
    pub(crate) recovered: bool,
    /// The target could not be asked.
    pub(crate) failure: Option<Failure>,
}

/// A planned object.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) rid: i64,
    pub(crate) kind: Kind,
    pub(crate) source_id: String,
    pub(crate) name: String,
    pub(crate) deleted: bool,
    pub(crate) link: Option<ledger::Link>,
    /// The linked account has to be read before anything is sent.
    pub(crate) needs_read: bool,
    pub(crate) planned: Planned,
    pub(crate) hint: Hint,
    /// It is to be created, but may have been already: until then a search that does not find it proves nothing.
    pub(crate) in_question_until_us: Option<i64>,
}

impl Loaded {
    /// Whether the next step takes access away.
    pub(crate) fn takes_access(&self) -> bool {
        matches!(&self.planned.outcome, Outcome::Operation(operation) if operation.action.takes_access())
    }

    /// The link that counts: none once the account is known to be gone.
    pub(crate) fn present_link(&self) -> Option<&ledger::Link> {
        if self.hint.forget_link {
            None
        } else {
            self.link.as_ref()
        }
    }
}

/// Resources of other types than users and groups never get here: [`load`] does not know them.
pub(crate) fn object_kind(kind: Kind) -> ObjectKind {
    match kind {
        Kind::Group => ObjectKind::Group,
        Kind::User | Kind::Custom(_) => ObjectKind::User,
    }
}

/// The values that the ledger keeps as text; unreadable ones count as unknown and are read from the target again.
pub(crate) fn known(link: &ledger::Link) -> Map<String, Value> {
    serde_json::from_str(&link.known).unwrap_or_default()
}

pub(crate) fn planner_link(link: &ledger::Link) -> facts::Link {
    facts::Link {
        target_id: link.target_id.clone(),
        known: known(link),
        managed: link.managed,
        fresh: false,
    }
}

/// Reads and plans; `None` when there never was such an object in this workspace.
pub(crate) fn load(
    tx: &mut Tx<'_>,
    context: &Context,
    rid: i64,
    hint: &Hint,
) -> Result<Option<Loaded>, Error> {
    let read = with_facts(tx, context, rid, hint, |facts| {
        plan(&context.compiled, facts)
    })?;
    let Some((object, planned)) = read else {
        return Ok(None);
    };
    let needs_read = object.is_stale && depends_on_known(&planned.outcome);
    let in_question_until_us = match &planned.outcome {
        Outcome::Operation(operation) if operation.action == Action::Create => {
            in_question(tx, context, rid)?
        }
        _ => None,
    };
    let name = object.stored.label();
    Ok(Some(Loaded {
        rid,
        kind: object.stored.kind,
        source_id: object.stored.id,
        name,
        deleted: object.deleted,
        link: object.link,
        needs_read,
        planned,
        hint: hint.clone(),
        in_question_until_us,
    }))
}

pub(crate) fn search_lag_us(context: &Context) -> i64 {
    i64::from(context.compiled.config.dialect.search_lag_s.min(3600)) * 1_000_000
}

/// Until when an earlier create whose reply was lost may still show in a search.
fn in_question(tx: &mut Tx<'_>, context: &Context, rid: i64) -> Result<Option<i64>, Error> {
    let stored = run::unresolved_of(tx, context.workspace, context.application, rid)?;
    let until_us = stored
        .iter()
        .find(|stored| {
            serde_json::from_str::<Operation>(&stored.body)
                .is_ok_and(|operation| operation.action == Action::Create)
        })
        .map(|stored| stored.planned_us + search_lag_us(context));
    Ok(until_us.filter(|until_us| *until_us > tx.now_us()))
}

/// An object as it was read.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) stored: resource::Stored,
    pub(crate) deleted: bool,
    pub(crate) link: Option<ledger::Link>,
    /// What the ledger knows about the account may be wrong.
    is_stale: bool,
}

/// Reads an object and gives the facts about it to a function; `None` when there never was such an object in this
/// workspace.
pub(crate) fn with_facts<T>(
    tx: &mut Tx<'_>,
    context: &Context,
    rid: i64,
    hint: &Hint,
    consider: impl FnOnce(&Facts<'_>) -> T,
) -> Result<Option<(Object, T)>, Error> {
    let (workspace, application) = (context.workspace, context.application);
    let Some((stored, deleted)) = resource::by_rid(tx, workspace, rid)? else {
        return Ok(None);
    };
    if matches!(stored.kind, Kind::Custom(_)) {
        return Ok(None);
    }
    let link = ledger::get(tx, workspace, application, rid)?;
    let entitlement = if deleted {
        Entitlement::default()
    } else {
        entitlement(tx, context, rid)?
    };
    let source = if deleted {
        None
    } else {
        Some(SourceObject {
            id: stored.id.clone(),
            document: stored.document()?,
        })
    };
    let used_link = link
        .as_ref()
        .filter(|_| !hint.forget_link && hint.found.is_none())
        .map(|link| {
            let link = planner_link(link);
            match &hint.account {
                Some(account) => facts::Link {
                    known: context
                        .compiled
                        .known_from(object_kind(stored.kind), account),
                    fresh: true,
                    ..link
                },
                None => link,
            }
        });
    let now_us = tx.now_us();
    let lookup = RefCell::new(Lookup {
        tx,
        known: BTreeMap::new(),
        error: None,
    });
    let references = |source_id: &str| lookup.borrow_mut().target_id(context, source_id);
    let facts = Facts {
        kind: object_kind(stored.kind),
        source_id: &stored.id,
        source: source.as_ref(),
        entitlement: &entitlement,
        link: used_link.as_ref(),
        found: hint.found.as_ref(),
        chosen: hint.chosen.as_ref(),
        references: &references,
        now_us,
        seed: &format!("{}\n{}", context.seed, stored.id),
    };
    let considered = consider(&facts);
    if let Some(error) = lookup.into_inner().error {
        return Err(error);
    }
    let is_stale = used_link
        .as_ref()
        .is_some_and(|link| !link.fresh && (link.known.is_empty() || hint.refresh));
    let object = Object {
        stored,
        deleted,
        link,
        is_stale,
    };
    Ok(Some((object, considered)))
}

/// Ending access is sent whatever the account looks like; everything else is a difference to what is there.
fn depends_on_known(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Operation(operation) => operation.action == Action::Update,
        Outcome::Skip { code, unmanage, .. } => *code == skip::REDUNDANT_EXPORT && !unmanage,
        Outcome::Match(_) | Outcome::Choose(_) | Outcome::Fail { .. } => false,
    }
}

fn entitlement(tx: &mut Tx<'_>, context: &Context, rid: i64) -> Result<Entitlement, Error> {
    let entitled = assignment::entitled(tx, context.workspace, context.application, rid)?;
    Ok(Entitlement {
        direct: entitled.direct,
        via_groups: entitled.via_groups,
    })
}

/// Looks references up while planning; the planner's question has no place for an error, so the first one is kept.
struct Lookup<'t, 'a> {
    tx: &'t mut Tx<'a>,
    known: BTreeMap<String, Option<String>>,
    error: Option<Error>,
}

impl Lookup<'_, '_> {
    fn target_id(&mut self, context: &Context, source_id: &str) -> Option<String> {
        if let Some(known) = self.known.get(source_id) {
            return known.clone();
        }
        let asked = ledger::target_ids(
            self.tx,
            context.workspace,
            context.application,
            &[source_id.to_owned()],
        );
        let target_id = match asked {
            Ok(found) => found.into_iter().next().map(|(_, target_id)| target_id),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        };
        self.known.insert(source_id.to_owned(), target_id.clone());
        target_id
    }
}
