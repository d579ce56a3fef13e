//! Changes of a group's members within a write.

use super::{Stored, parked, write};
use crate::{
    Error, Kind, Tx, WorkspaceId, audit as log,
    membership::{self, Found},
    rules::{Rules, UnknownMembers},
    schema::Types,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tenure_scim::patch::{MemberChange, MemberRef};

/// Who joined and who left, by internal number.
#[derive(Default)]
pub(super) struct Changed {
    added: Vec<i64>,
    removed: Vec<i64>,
    /// How many did not exist and were left out or kept aside.
    pub(super) unknown: usize,
}

impl Changed {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Performs the changes in order.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    stored: &Stored,
    changes: &[MemberChange],
    rules: &Rules,
) -> Result<Changed, Error> {
    let mut changed = Changed::default();
    let mut run = Run {
        tx,
        workspace,
        group: stored.rid,
        rules,
        changed: &mut changed,
    };
    for change in changes {
        run.one(change)?;
    }
    Ok(changed)
}

struct Run<'r, 't> {
    tx: &'r mut Tx<'t>,
    workspace: WorkspaceId,
    group: i64,
    rules: &'r Rules,
    changed: &'r mut Changed,
}

impl Run<'_, '_> {
    fn one(&mut self, change: &MemberChange) -> Result<(), Error> {
        match change {
            MemberChange::Add(members) => {
                let rids = self.resolve(members)?;
                self.add(&rids)
            }
            MemberChange::Remove(ids) => {
                let rids = membership::resolve_present(self.tx, self.workspace, ids)?;
                parked::forget(self.tx, self.workspace, self.group, ids)?;
                self.remove(&rids)
            }
            MemberChange::RemoveMatching(filter) => {
                let rids =
                    super::query::members_matching(self.tx, self.workspace, self.group, filter)?;
                self.remove(&rids)
            }
            MemberChange::Clear => {
                self.check_clear()?;
                let rids = membership::rids(self.tx, self.workspace, self.group)?;
                parked::forget_all(self.tx, self.workspace, self.group)?;
                self.remove(&rids)
            }
            MemberChange::Replace(members) => {
                parked::forget_all(self.tx, self.workspace, self.group)?;
                let wanted = self.resolve(members)?;
                let keep: BTreeSet<i64> = wanted.iter().copied().collect();
                let mut gone = membership::rids(self.tx, self.workspace, self.group)?;
                gone.retain(|rid| !keep.contains(rid));
                self.remove(&gone)?;
                self.add(&wanted)
            }
        }
    }

    /// A removal without values is rare and mostly a mistake of the client: a large group is not emptied by it unless
    /// its token says so.
    fn check_clear(&mut self) -> Result<(), Error> {
        let limit = self.rules.cleared_members;
        let members = membership::count(self.tx, self.workspace, self.group)?;
        if members <= limit {
            return Ok(());
        }
        Err(write::too_many(format!(
            "This would remove all {members} members; the token allows {limit} at once. Name the members to remove, or raise the limit in the token's settings."
        )))
    }

    fn add(&mut self, rids: &[i64]) -> Result<(), Error> {
        let added = membership::add(self.tx, self.workspace, self.group, rids)?;
        self.changed.added.extend(added);
        Ok(())
    }

    fn remove(&mut self, rids: &[i64]) -> Result<(), Error> {
        let removed = membership::remove(self.tx, self.workspace, self.group, rids)?;
        self.changed.removed.extend(removed);
        Ok(())
    }

    fn resolve(&mut self, members: &[MemberRef]) -> Result<Vec<i64>, Error> {
        let Found { rids, unknown } =
            membership::resolve(self.tx, self.workspace, self.group, members)?;
        if unknown.is_empty() {
            return Ok(rids);
        }
        self.changed.unknown += unknown.len();
        match self.rules.unknown_members {
            UnknownMembers::Refuse => return Err(membership::unknown_members(&unknown)),
            UnknownMembers::Skip => {}
            UnknownMembers::Park => {
                parked::park(self.tx, self.workspace, self.group, &unknown)?;
            }
        }
        Ok(rids)
    }
}

/// One audit row for what joined and one for what left, with at most 20 ids each.
pub(super) fn audit(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    types: &Types,
    stored: &Stored,
    changed: &Changed,
) -> Result<(), Error> {
    for (verb, rids) in [
        ("member.add", &changed.added),
        ("member.remove", &changed.removed),
    ] {
        if rids.is_empty() {
            continue;
        }
        let mut ids = Vec::new();
        for rid in rids.iter().take(20) {
            if let Some((member, _)) = super::by_rid(tx, workspace, *rid)? {
                ids.push(Value::String(member.id));
            }
        }
        let detail = json!({ "count": rids.len(), "members": ids }).to_string();
        let action = write::action(Kind::Group, verb);
        log::append(
            tx,
            workspace,
            &action,
            &write::object(types, stored),
            &detail,
        )?;
    }
    Ok(())
}
