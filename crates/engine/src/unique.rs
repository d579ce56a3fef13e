//! Values that nobody has at the target yet: the candidates of `SelectUniqueValue` are tried in order.

use crate::{
    load::{Hint, Loaded, object_kind},
    matching,
    run::{Halt, Run},
    target::{Failure, ReadTarget},
};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, HashSet};
use tenure_plan::{Candidates, Outcome, config::ObjectKind, facts::Found};

/// Target attribute → the candidate that is free, none when all are taken.
pub(crate) type Chosen = BTreeMap<String, Option<String>>;
/// Attributes and values, in lower case, given to others of the same page, whose accounts do not exist yet.
type Reserved = HashSet<(String, String)>;

impl Run<'_> {
    /// Asks the target for those that wait for a free value, and plans them again. The second list could not be asked.
    pub(crate) async fn choose(
        &self,
        loaded: Vec<Loaded>,
    ) -> Result<(Vec<Loaded>, Vec<(Loaded, Failure)>), Halt> {
        let (mut waiting, mut ready): (Vec<_>, Vec<_>) = loaded
            .into_iter()
            .partition(|one| matches!(one.planned.outcome, Outcome::Choose(_)));
        let mut refused = Vec::new();
        let mut reserved = Reserved::new();
        // Each round settles at least the first of those that want the same value.
        while !waiting.is_empty() {
            let calls = waiting
                .into_iter()
                .map(|one| ask(self.reach.reader().clone(), one, &reserved));
            let mut answers: Vec<(Loaded, Result<Chosen, Failure>)> = stream::iter(calls)
                .buffer_unordered(self.concurrency())
                .collect()
                .await;
            answers.sort_by_key(|(one, _)| one.rid);
            waiting = Vec::new();
            let mut again = Vec::new();
            for (one, answer) in answers {
                let chosen = match answer {
                    Ok(chosen) => chosen,
                    Err(failure) => {
                        refused.push((one, failure));
                        continue;
                    }
                };
                let keys: Vec<_> = chosen
                    .iter()
                    .filter_map(|(attribute, value)| Some(key(attribute, value.as_ref()?)))
                    .collect();
                if keys.iter().any(|key| reserved.contains(key)) {
                    waiting.push(one);
                } else {
                    reserved.extend(keys);
                    let hint = Hint {
                        chosen: Some(chosen),
                        ..one.hint
                    };
                    again.push((one.rid, hint));
                }
            }
            ready.extend(self.load(again).await?);
        }
        Ok((ready, refused))
    }
}

async fn ask(
    reader: ReadTarget,
    one: Loaded,
    reserved: &Reserved,
) -> (Loaded, Result<Chosen, Failure>) {
    let answer = match &one.planned.outcome {
        Outcome::Choose(open) => {
            first_free(&reader, object_kind(one.kind), open, |attribute, value| {
                reserved.contains(&key(attribute, value))
            })
            .await
        }
        _ => Ok(Chosen::new()),
    };
    (one, answer)
}

/// For each attribute, the first candidate that is not reserved and that nobody has at the target.
pub(crate) async fn first_free(
    reader: &ReadTarget,
    kind: ObjectKind,
    open: &[Candidates],
    is_reserved: impl Fn(&str, &str) -> bool,
) -> Result<Chosen, Failure> {
    let mut chosen = Chosen::new();
    for Candidates { attribute, values } in open {
        let mut free = None;
        for value in values {
            if is_reserved(attribute, value) {
                continue;
            }
            let query = [(attribute.clone(), value.clone())];
            if matching::find(reader, kind, &query).await? == Found::Nothing {
                free = Some(value.clone());
                break;
            }
        }
        chosen.insert(attribute.clone(), free);
    }
    Ok(chosen)
}

fn key(attribute: &str, value: &str) -> (String, String) {
    (attribute.to_lowercase(), value.to_lowercase())
}
