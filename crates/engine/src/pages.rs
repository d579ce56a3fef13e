//! Reading everything that a target has, page by page.

use crate::{
    matching,
    target::{Failure, ReadTarget},
};
use serde_json::{Map, Value};
use std::collections::HashSet;
use tenure_plan::{config::ObjectKind, dialect::list_request};

/// Resources of one type that are read; a target that has more is not read to its end.
const MOST: usize = 5_000_000;

/// Where a listing is.
pub(crate) struct Pages {
    kind: ObjectKind,
    members: bool,
    /// Resources before the next page.
    passed: u64,
    ids: HashSet<String>,
    total: Option<u64>,
    ended: bool,
    complete: bool,
}

impl Pages {
    /// `members`: with the members of groups.
    pub(crate) fn new(kind: ObjectKind, members: bool) -> Self {
        Self {
            kind,
            members,
            passed: 0,
            ids: HashSet::new(),
            total: None,
            ended: false,
            complete: false,
        }
    }

    /// The next resources, each once; `None` at the end.
    pub(crate) async fn next(
        &mut self,
        target: &ReadTarget,
    ) -> Result<Option<Vec<Map<String, Value>>>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let dialect = target.dialect();
        let (start, count) = (dialect.first_index + self.passed, dialect.page_size);
        let request = list_request(dialect, self.kind, start, count, self.members);
        let body = target.read(&request).await.result?;
        let body = body.document.unwrap_or_default();
        self.total = body.get("totalResults").and_then(Value::as_u64);
        let listed = matching::resources(body)?;
        let count = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let mut fresh = Vec::with_capacity(listed.len());
        for document in listed {
            if self.ids.insert(matching::id_of(&document)?) {
                fresh.push(document);
            }
        }
        self.passed += count;
        let known = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        self.complete = match self.total {
            Some(total) => known >= total,
            None => count == 0,
        };
        // A page without anything new would be followed by the same page for ever.
        self.ended = self.complete || fresh.is_empty() || self.ids.len() >= MOST;
        Ok(Some(fresh))
    }

    /// Whether the target gave all that it said it had.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// How many there are, as the target says.
    pub(crate) fn total(&self) -> u64 {
        self.total.unwrap_or(0)
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}
