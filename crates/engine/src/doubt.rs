//! Accounts that perhaps exist: a create was sent, its reply was lost, and a search does not show the account, which proves
//! nothing for a while. Creating it again, or for somebody who has got the same name since, could make two accounts.

use crate::{
    load::{Context, Loaded, search_lag_us},
    record::{EscrowEffect, Record},
    run::Run,
    settle,
    target::Failure,
};
use tenure_plan::{Action, Operation, Outcome, config::ObjectKind, dialect::search_key};

/// Why nobody knows whether an account was created.
pub(crate) enum Doubt {
    /// The target did not answer the search for it.
    Unanswered,
    /// A search may not show it before this time.
    Until(i64),
}

/// An account that perhaps was created.
#[derive(Debug)]
pub(crate) struct Doubted {
    /// For whom.
    rid: i64,
    kind: ObjectKind,
    /// By what it would be found.
    keys: Vec<(String, String)>,
    /// When a search must show it.
    until_us: i64,
}

impl Doubted {
    /// Of a create that was sent then; `None`: the operation is no create.
    pub(crate) fn of(
        context: &Context,
        rid: i64,
        operation: &Operation,
        sent_us: i64,
    ) -> Option<Self> {
        (operation.action == Action::Create).then(|| Self {
            rid,
            kind: operation.kind,
            keys: keys(context, operation),
            until_us: sent_us + search_lag_us(context),
        })
    }
}

fn keys(context: &Context, operation: &Operation) -> Vec<(String, String)> {
    let attributes = context.compiled.matching_attributes(operation.kind);
    settle::values(&attributes, operation)
        .into_iter()
        .map(|(attribute, value)| {
            let key = search_key(&attribute, &value);
            (attribute, key)
        })
        .collect()
}

impl Run<'_> {
    /// Whether the account that is to be created may be there already.
    pub(crate) fn in_question(&self, one: &Loaded) -> Option<Doubt> {
        let Outcome::Operation(operation) = &one.planned.outcome else {
            return None;
        };
        if operation.action != Action::Create {
            return None;
        }
        if self.unanswered.contains(&one.rid) {
            return Some(Doubt::Unanswered);
        }
        let until_us = one
            .in_question_until_us
            .or_else(|| self.of_somebody_else(one.rid, operation));
        until_us.map(Doubt::Until)
    }

    fn of_somebody_else(&self, rid: i64, operation: &Operation) -> Option<i64> {
        if self.doubted.is_empty() {
            return None;
        }
        let (now_us, own) = (self.engine.store.now_us(), keys(&self.context, operation));
        self.doubted
            .iter()
            .filter(|other| {
                other.rid != rid
                    && other.kind == operation.kind
                    && other.until_us > now_us
                    && other.keys.iter().any(|key| own.contains(key))
            })
            .map(|other| other.until_us)
            .max()
    }
}

/// Tried again a little later.
pub(crate) fn postponed(loaded: &Loaded, doubt: &Doubt) -> Record {
    let failure = Failure::lost(
        "the reply to an earlier create with these matching values was lost, and a search does not find the account; it may still show up, so that it is created a little later only",
    );
    let mut record = Record::failed(loaded, "create", &failure, loaded.planned.steps.clone());
    if let Doubt::Until(until_us) = doubt {
        record.escrow = EscrowEffect::Postpone {
            code: failure.code.to_owned(),
            message: failure.message,
            until_us: *until_us,
        };
    }
    record
}
