//! An operation as requests to the target: one after the other, or as a replacement of what the target has.

use crate::{
    code, matching,
    run::{Halt, Run},
    target::{Exchange, Failure, FailureKind, WriteTarget},
};
use tenure_plan::{
    Operation,
    config::ObjectKind,
    dialect::{self, put_request, read_whole_request, replacement},
};
use tenure_store::{ledger, run::Intent};

/// What happened to an operation's requests.
pub(crate) struct Performed {
    /// Up to the first failure.
    pub(crate) exchanges: Vec<Exchange>,
    /// A writing request was repeated, because its reply was lost.
    pub(crate) was_repeated: bool,
}

impl Performed {
    /// How many requests may have changed something.
    pub(crate) fn writes(&self) -> usize {
        let writes = self.exchanges.iter().filter(|one| one.method != "GET");
        writes.count()
    }

    fn push(&mut self, exchange: Exchange) -> bool {
        let has_failed = exchange.result.is_err();
        self.exchanges.push(exchange);
        has_failed
    }
}

/// Sends what the operation wants. `exported`: the members that the group surely has got. `repeats`: doing it twice does no
/// harm, so that what may be lost is sent once more.
pub(crate) async fn perform(
    writer: &WriteTarget,
    intent: &Intent,
    operation: &Operation,
    exported: &[String],
    repeats: bool,
) -> Performed {
    let dialect = writer.reader().dialect();
    let mut performed = Performed {
        exchanges: Vec::new(),
        was_repeated: false,
    };
    if dialect.replaces(operation) {
        replace(writer, intent, operation, exported, &mut performed).await;
        if repeats && is_lost(performed.exchanges.last()) && performed.writes() > 0 {
            performed.exchanges.clear();
            performed.was_repeated = true;
            replace(writer, intent, operation, exported, &mut performed).await;
        }
        return performed;
    }
    for request in dialect::requests(dialect, operation) {
        let mut exchange = writer.perform(intent, &request).await;
        if repeats && is_lost(Some(&exchange)) {
            performed.was_repeated = true;
            exchange = writer.perform(intent, &request).await;
        }
        if performed.push(exchange) {
            break;
        }
    }
    performed
}

fn is_lost(exchange: Option<&Exchange>) -> bool {
    exchange.is_some_and(
        |exchange| matches!(&exchange.result, Err(failure) if failure.kind == FailureKind::Lost),
    )
}

/// Reads, changes and sends back, so that what is not ours stays as it is.
async fn replace(
    writer: &WriteTarget,
    intent: &Intent,
    operation: &Operation,
    exported: &[String],
    performed: &mut Performed,
) {
    let target_id = operation.target_id.clone().unwrap_or_default();
    let request = read_whole_request(operation.kind, &target_id);
    let mut exchange = writer.reader().read(&request).await;
    let present = match &exchange.result {
        Ok(answer) => answer.document.clone().unwrap_or_default(),
        Err(_) => return performed.exchanges.push(exchange),
    };
    let document = match matching::id_of(&present) {
        Ok(id) if id == target_id => {
            replacement(operation, &present, exported).map_err(|refusal| Failure {
                kind: FailureKind::Answered,
                code: code::INCOMPATIBLE,
                message: refusal.0,
                status: None,
                retry_after_s: None,
            })
        }
        Ok(other) => Err(Failure::incompatible(
            &format!("asked for {target_id}, the target answered with {other}"),
            Some(200),
        )),
        Err(failure) => Err(failure),
    };
    match document {
        Ok(document) => {
            performed.exchanges.push(exchange);
            if let Some(document) = document {
                let request = put_request(operation.kind, &target_id, document.into());
                let put = writer.perform(intent, &request).await;
                performed.exchanges.push(put);
            }
        }
        Err(failure) => {
            exchange.result = Err(failure);
            performed.exchanges.push(exchange);
        }
    }
}

impl Run<'_> {
    /// The members that a group surely has got, if the operation replaces the group.
    pub(crate) async fn exported(
        &self,
        rid: i64,
        operation: &Operation,
    ) -> Result<Vec<String>, Halt> {
        let replaces = self.context.compiled.config.dialect.replaces(operation);
        if operation.kind != ObjectKind::Group || !replaces {
            return Ok(Vec::new());
        }
        let (workspace, application) = (self.context.workspace, self.context.application);
        let exported = self
            .engine
            .store
            .read(move |tx| ledger::sure_members(tx, workspace, application, rid))
            .await?;
        Ok(exported)
    }
}
