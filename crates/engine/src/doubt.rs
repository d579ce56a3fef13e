//! Accounts that perhaps exist: a create was sent, its reply was lost, and a search does not show the account, which proves
//! nothing for a while. Creating it again, or for somebody who has got the same name since, could make two accounts.

use crate::{
    load::{Context, Loaded, search_lag_us},
    record::{EscrowEffect, Record},
    run::Run,
    settle,
    target::Failure,
};
use std::collections::HashMap;
use tenure_plan::{Action, Operation, Outcome, config::ObjectKind, dialect::search_key};

/// Why nobody knows whether an account was created.
pub(crate) enum Doubt {
    /// The target did not answer the search for it.
    Unanswered,
    /// A search may not show it before this time.
    Until(i64),
}

/// By what an account would be found: type, attribute and value.
type Key = (ObjectKind, String, String);

/// Accounts that perhaps were created, each with the object that it is for and when a search must show it.
#[derive(Debug, Default)]
pub(crate) struct Doubts(HashMap<Key, Vec<(i64, i64)>>);

impl Doubts {
    /// Adds what a create may have made that was sent then.
    pub(crate) fn add(&mut self, context: &Context, rid: i64, operation: &Operation, sent_us: i64) {
        let until_us = sent_us + search_lag_us(context);
        for key in keys(context, operation) {
            self.0.entry(key).or_default().push((rid, until_us));
        }
    }

    /// Until when an account that another object's create may have made could be the one that is to be created.
    fn of_another(
        &self,
        context: &Context,
        rid: i64,
        operation: &Operation,
        now_us: i64,
    ) -> Option<i64> {
        if self.0.is_empty() {
            return None;
        }
        keys(context, operation)
            .filter_map(|key| self.0.get(&key))
            .flatten()
            .filter(|(of, until_us)| *of != rid && *until_us > now_us)
            .map(|(_, until_us)| *until_us)
            .max()
    }
}

fn keys(context: &Context, operation: &Operation) -> impl Iterator<Item = Key> {
    let kind = operation.kind;
    let attributes = context.compiled.matching_attributes(kind);
    settle::values(&attributes, operation)
        .into_iter()
        .map(move |(attribute, value)| {
            let value = search_key(&attribute, &value);
            (kind, attribute, value)
        })
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
        let now_us = self.engine.store.now_us();
        let until_us = one.in_question_until_us.or_else(|| {
            self.doubts
                .of_another(&self.context, one.rid, operation, now_us)
        });
        until_us.map(Doubt::Until)
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
