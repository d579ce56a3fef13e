//! What a reply, or its absence, means for an object.

use crate::{
    load::{Context, Hint, object_kind},
    matching,
    page::{Sent, confirmed},
    record::{EscrowEffect, Line, LinkEffect, Record, Tally, export_step, waiting_for, word},
    run::Halt,
    target::{Exchange, Failure, FailureKind, ReadTarget},
};
use serde_json::{Map, Value};
use tenure_plan::{Action, Operation, facts::Found};
use tenure_store::run::OperationState;

/// How an operation ended.
pub(crate) enum Verdict {
    /// Nothing more to do.
    Done(Box<Record>),
    /// Plan the object again with what was learnt.
    Again {
        rid: i64,
        hint: Box<Hint>,
        record: Option<Box<Record>>,
    },
    /// The cycle cannot go on.
    Halt {
        number: i64,
        state: OperationState,
        halt: Halt,
    },
}

/// Judges a sent operation; `last`: it must not be planned again in this page.
pub(crate) async fn settle(
    reader: &ReadTarget,
    context: &Context,
    mut sent: Sent,
    last: bool,
) -> Verdict {
    let failure = sent
        .exchanges
        .last()
        .and_then(|exchange| exchange.result.as_ref().err().cloned());
    let Some(failure) = failure else {
        return success(reader, context, sent, last).await;
    };
    if let Some(halt) = Halt::from_failure(&failure) {
        return Verdict::Halt {
            number: sent.number,
            state: state_after(&failure),
            halt,
        };
    }
    if failure.kind == FailureKind::Lost || failure.status.is_some_and(|status| status < 300) {
        return lost(reader, context, sent, failure, last).await;
    }
    match sent.operation.action {
        Action::Delete | Action::Disable if failure.is_status(404) => {
            gone(reader, sent, &failure).await
        }
        Action::Update if failure.is_status(404) && !last => gone(reader, sent, &failure).await,
        Action::Create if failure.is_status(409) && !last => {
            match find_created(reader, context, &sent.operation).await {
                Ok(found @ Found::One { .. }) => {
                    let hint = Hint {
                        forget_link: sent.loaded.hint.forget_link,
                        found: Some(found),
                        ..Hint::default()
                    };
                    again(&sent, OperationState::Rejected, hint, None)
                }
                Ok(_) => failed(&mut sent, OperationState::Rejected, &failure),
                Err(other) => match Halt::from_failure(&other) {
                    Some(halt) => Verdict::Halt {
                        number: sent.number,
                        state: OperationState::Rejected,
                        halt,
                    },
                    None => failed(&mut sent, OperationState::Rejected, &failure),
                },
            }
        }
        _ => {
            let state = state_after(&failure);
            failed(&mut sent, state, &failure)
        }
    }
}

/// A server that failed may have done its work before it failed: the next cycle finds out.
pub(crate) fn state_after(failure: &Failure) -> OperationState {
    if failure.kind == FailureKind::Lost || failure.status.is_some_and(|status| status >= 500) {
        OperationState::Unknown
    } else {
        OperationState::Rejected
    }
}

/// Something on the way may have answered 404. Nobody keeps access, or gets a second account, because of that: the target
/// has to say it twice.
async fn gone(reader: &ReadTarget, mut sent: Sent, failure: &Failure) -> Verdict {
    let target_id = sent.operation.target_id.clone().unwrap_or_default();
    match matching::read(reader, object_kind(sent.loaded.kind), &target_id).await {
        Ok(None) if sent.operation.action == Action::Update => {
            let hint = Hint {
                forget_link: true,
                ..Hint::default()
            };
            again(&sent, OperationState::Rejected, hint, Some(failure))
        }
        Ok(None) => {
            let mut record = done(&sent, Some("the account was gone already"));
            record.link = LinkEffect::Remove;
            Verdict::Done(record)
        }
        Ok(Some(_)) => failed(&mut sent, OperationState::Rejected, failure),
        Err(other) => match Halt::from_failure(&other) {
            Some(halt) => Verdict::Halt {
                number: sent.number,
                state: OperationState::Rejected,
                halt,
            },
            None => failed(&mut sent, OperationState::Rejected, failure),
        },
    }
}

/// The id in the answer; `None`: there is no answer with a resource.
fn answered_id(sent: &Sent) -> Option<Result<String, Failure>> {
    let answer = sent.exchanges.last()?.result.as_ref().ok()?;
    answer.document.as_ref().map(matching::id_of)
}

/// A create of which the answer does not say what became of it.
pub(crate) fn uncertain_create(sent: &Sent) -> Option<Operation> {
    let is_certain = matches!(answered_id(sent), Some(Ok(_)));
    (sent.operation.action == Action::Create && !is_certain).then(|| sent.operation.clone())
}

async fn success(reader: &ReadTarget, context: &Context, sent: Sent, last: bool) -> Verdict {
    if sent.operation.action != Action::Create {
        return Verdict::Done(done(&sent, None));
    }
    match answered_id(&sent) {
        Some(Ok(id)) => created(&sent, &id),
        Some(Err(failure)) => lost(reader, context, sent, failure, last).await,
        None => {
            let failure =
                Failure::incompatible("the target answered a create without a resource", None);
            lost(reader, context, sent, failure, last).await
        }
    }
}

/// It may have been carried out: reading the target tells, sending again never happens before.
async fn lost(
    reader: &ReadTarget,
    context: &Context,
    mut sent: Sent,
    failure: Failure,
    last: bool,
) -> Verdict {
    let kind = object_kind(sent.loaded.kind);
    let found = match (&sent.operation.action, &sent.operation.target_id) {
        (Action::Create, _) => find_created(reader, context, &sent.operation).await,
        (_, Some(target_id)) => matching::read(reader, kind, target_id)
            .await
            .map(|account| {
                account.map_or(Found::Nothing, |document| Found::One {
                    id: target_id.clone(),
                    document,
                    attribute: "id".to_owned(),
                })
            }),
        (_, None) => Err(failure.clone()),
    };
    let found = match found {
        Ok(found) => found,
        Err(other) => {
            return match Halt::from_failure(&other) {
                Some(halt) => Verdict::Halt {
                    number: sent.number,
                    state: OperationState::Unknown,
                    halt,
                },
                None => failed(&mut sent, OperationState::Unknown, &failure),
            };
        }
    };
    match (sent.operation.action, found) {
        (Action::Create, found @ Found::One { .. }) if !last => {
            let hint = Hint {
                forget_link: sent.loaded.hint.forget_link,
                found: Some(found),
                recovered: true,
                ..Hint::default()
            };
            again(&sent, OperationState::Reconciled, hint, None)
        }
        (Action::Delete, Found::Nothing) => {
            Verdict::Done(done(&sent, Some("the reply was lost; the account is gone")))
        }
        (Action::Update | Action::Disable, Found::Nothing) if !last => again(
            &sent,
            OperationState::Reconciled,
            Hint {
                forget_link: true,
                ..Hint::default()
            },
            Some(&failure),
        ),
        // An account that was being taken over is ours by now, whatever matching would say a moment later.
        (Action::Update, found @ Found::One { .. })
            if !last && sent.loaded.present_link().is_none() =>
        {
            let hint = Hint {
                forget_link: sent.loaded.hint.forget_link,
                found: Some(found),
                ..Hint::default()
            };
            again(&sent, OperationState::Reconciled, hint, None)
        }
        (Action::Update, Found::One { document, .. }) if !last => {
            let hint = Hint {
                account: Some(document),
                ..Hint::default()
            };
            again(&sent, OperationState::Reconciled, hint, None)
        }
        // The search may lag behind; whether there is an account is found out later.
        (Action::Create, _) => failed(&mut sent, OperationState::Unknown, &failure),
        // Ending access is idempotent and is sent once more at the next attempt; nothing else may be sent blindly.
        _ => failed(&mut sent, OperationState::Reconciled, &failure),
    }
}

/// Looks for what a create may have made: by the matching attributes, and where these do not decide by `externalId`, which
/// nobody else has. Not every target can search for that.
pub(crate) async fn find_created(
    reader: &ReadTarget,
    context: &Context,
    operation: &Operation,
) -> Result<Found, Failure> {
    let attributes: Vec<&str> = context.compiled.matching_attributes(operation.kind);
    let found = matching::find(reader, operation.kind, &values(&attributes, operation)).await?;
    if matches!(found, Found::One { .. }) {
        return Ok(found);
    }
    let own = values(&["externalId"], operation);
    match matching::find(reader, operation.kind, &own).await {
        Ok(one @ Found::One { .. }) => Ok(one),
        Ok(_) => Ok(found),
        Err(failure) if Halt::from_failure(&failure).is_some() => Err(failure),
        Err(_) => Ok(found),
    }
}

/// What a create gives these attributes.
pub(crate) fn values(attributes: &[&str], operation: &Operation) -> Vec<(String, String)> {
    attributes
        .iter()
        .filter_map(|attribute| match operation.known_after.get(*attribute)? {
            Value::String(text) => Some(((*attribute).to_owned(), text.clone())),
            value @ (Value::Number(_) | Value::Bool(_)) => {
                Some(((*attribute).to_owned(), value.to_string()))
            }
            _ => None,
        })
        .collect()
}

fn again(sent: &Sent, state: OperationState, hint: Hint, failure: Option<&Failure>) -> Verdict {
    let mut record = Record::new(&sent.loaded, Tally::Nothing);
    record.operations = confirmed(state, sent);
    record.forget_link = false;
    if state == OperationState::Reconciled && !hint.forget_link {
        record.link = doubtful(sent).unwrap_or(record.link);
    }
    if let Some(failure) = failure {
        let mut steps = sent.loaded.planned.steps.clone();
        steps.push(export_step(&sent.operation, &sent.exchanges, Some(failure)));
        record.line = Some(line(
            sent,
            "warning",
            Some(failure.code),
            Some("the account is gone at the target; it is matched again".to_owned()),
            steps,
        ));
    }
    Verdict::Again {
        rid: sent.loaded.rid,
        hint: Box::new(hint),
        record: Some(Box::new(record)),
    }
}

fn failed(sent: &mut Sent, state: OperationState, failure: &Failure) -> Verdict {
    let mut steps = std::mem::take(&mut sent.loaded.planned.steps);
    steps.push(export_step(&sent.operation, &sent.exchanges, Some(failure)));
    let mut record = Record::failed(&sent.loaded, word(sent.operation.action), failure, steps);
    record.operations = confirmed(state, sent);
    if let Some(line) = &mut record.line {
        line.changes.clone_from(&sent.operation.changes);
        line.duration_ms = duration_ms(&sent.exchanges);
    }
    if failure.kind == FailureKind::Lost {
        record.link = doubtful(sent).unwrap_or(record.link);
    }
    Verdict::Done(Box::new(record))
}

/// After a change of an account whose reply was lost: what the target has now is not known, so that the next plan reads it
/// first. If it was to be taken over, it is ours from now on: who leaves next must not keep what we gave.
fn doubtful(sent: &Sent) -> Option<LinkEffect> {
    if !matches!(sent.operation.action, Action::Update | Action::Disable) {
        return None;
    }
    Some(LinkEffect::Put {
        target_id: sent.operation.target_id.clone()?,
        known: Map::new(),
        managed: sent.loaded.present_link().is_none_or(|link| link.managed),
    })
}

fn created(sent: &Sent, id: &str) -> Verdict {
    let mut record = done(sent, None);
    record.link = LinkEffect::Put {
        target_id: id.to_owned(),
        known: sent.operation.known_after.clone(),
        managed: !sent.operation.unmanage_after,
    };
    if let Some(line) = &mut record.line {
        id.clone_into(&mut line.target_id);
    }
    Verdict::Done(record)
}

fn done(sent: &Sent, note: Option<&str>) -> Box<Record> {
    let operation = &sent.operation;
    let mut record = Record::new(&sent.loaded, Tally::of(operation.action));
    record.operations = confirmed(
        if note.is_some() {
            OperationState::Reconciled
        } else {
            OperationState::Confirmed
        },
        sent,
    );
    record.link = match (operation.action, &operation.target_id) {
        (Action::Delete, _) => LinkEffect::Remove,
        (Action::Members, _) | (_, None) => LinkEffect::Keep,
        (_, Some(target_id)) => LinkEffect::Put {
            target_id: target_id.clone(),
            known: operation.known_after.clone(),
            managed: !operation.unmanage_after,
        },
    };
    record.waiting = Some(waiting_for(&operation.unresolved));
    record.escrow = EscrowEffect::Clear;
    let mut steps = sent.loaded.planned.steps.clone();
    steps.push(export_step(operation, &sent.exchanges, None));
    let reason = note.map_or_else(
        || operation.reason.clone(),
        |note| format!("{}; {note}", operation.reason),
    );
    record.line = Some(line(sent, "success", None, Some(reason), steps));
    Box::new(record)
}

fn line(
    sent: &Sent,
    status: &str,
    error_code: Option<&str>,
    reason: Option<String>,
    steps: Vec<tenure_plan::facts::LogStep>,
) -> Line {
    Line {
        action: word(sent.operation.action).to_owned(),
        status: status.to_owned(),
        target_id: sent.operation.target_id.clone().unwrap_or_default(),
        error_code: error_code.map(str::to_owned),
        reason,
        steps,
        changes: sent.operation.changes.clone(),
        duration_ms: duration_ms(&sent.exchanges),
    }
}

pub(crate) fn duration_ms(exchanges: &[Exchange]) -> u64 {
    exchanges.iter().map(|exchange| exchange.duration_ms).sum()
}
