//! Lists over one or several types, page by page from where the page before ended: the cost of a page does not grow
//! with its distance from the start, and what is created or deleted meanwhile neither repeats nor hides others.

mod select;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tenure_scim::{
    Document,
    filter::{Filter, Narrowed},
    index,
    path::AttributePath,
    schema::ResourceType,
};

use super::{
    Stored,
    compile::{Compiler, Condition, Lookup, indexed},
    query::{SCANNED, Scan, check_depth},
};
use crate::{
    Error, Kind, Tx, WorkspaceId,
    connection::{Value as Parameter, values},
    schema,
};

/// When so many match, a page is looked for resource by resource.
const MANY: u64 = 50_000;

/// What a resource is sorted by. The order of the variants is that of an ascending list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Integer(i64),
    Text(String),
    /// No value, or a list that is not sorted.
    None,
}

/// A place in a list: behind a resource, whether or not that still exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    key: Key,
    rid: i64,
}

impl Position {
    fn compare(&self, other: &Self, ascending: bool) -> Ordering {
        let keys = self.key.cmp(&other.key);
        // Missing values come last in ascending order (RFC 7644 section 3.4.2.3); equal ones in that of creation.
        (if ascending { keys } else { keys.reverse() }).then(self.rid.cmp(&other.rid))
    }
}

/// What to list. `filter` must have passed [`Filter::check`] or [`Filter::check_any`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Walk {
    /// Which resources; none: all.
    pub filter: Option<Filter>,
    /// Attribute path, and whether ascending; none: in the order of creation.
    pub sort: Option<(AttributePath, bool)>,
    /// Behind what to begin; none: at the start.
    pub after: Option<Position>,
    /// How many to leave out there.
    pub skip: u64,
    /// Most resources to return.
    pub count: u64,
    /// How many there are, if that has been counted already.
    pub total: Option<u64>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// All that match, as far as has been counted.
    pub total: u64,
    /// Those of this part.
    pub items: Vec<Stored>,
    /// Where the next part begins; none after the last one.
    pub next: Option<Position>,
}

/// Lists resources of some types together.
///
/// # Errors
///
/// `Scim` 400 `tooMany` when the index cannot narrow the filter to 100,000 documents in all, 400 `invalidValue` when
/// more than 100,000 would have to be left out.
pub fn walk(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kinds: &[Kind],
    walk: &Walk,
) -> Result<Step, Error> {
    let types = schema::types(tx, workspace)?;
    let ascending = walk.sort.as_ref().is_none_or(|(_, ascending)| *ascending);
    let mut parts = Vec::new();
    for kind in kinds {
        let resource_type = types.of(*kind)?;
        let filter = match walk
            .filter
            .as_ref()
            .map(|filter| filter.narrow(resource_type))
        {
            Some(Narrowed::Nothing) => continue,
            Some(Narrowed::Everything) | None => None,
            Some(Narrowed::Matching(filter)) => Some(filter),
        };
        parts.push(Part {
            workspace,
            kind: *kind,
            resource_type,
            filter,
            walk,
        });
    }
    let (total, mut found) = find(tx, &parts, walk)?;
    found.sort_by(|a, b| a.compare(b, ascending));
    let skip = usize::try_from(walk.skip).unwrap_or(usize::MAX);
    let count = usize::try_from(walk.count).unwrap_or(usize::MAX);
    let rest = found.get(skip..).unwrap_or_default();
    let page = rest.get(..count).unwrap_or(rest);
    let mut items = Vec::with_capacity(page.len());
    for place in page {
        if let Some((stored, false)) = super::by_rid(tx, workspace, place.rid)? {
            items.push(stored);
        }
    }
    let next = (rest.len() > page.len())
        .then(|| page.last().cloned())
        .flatten();
    Ok(Step { total, items, next })
}

/// How many there are, and the places of the first ones of each type, one more than are wanted.
fn find(tx: &mut Tx<'_>, parts: &[Part<'_>], walk: &Walk) -> Result<(u64, Vec<Position>), Error> {
    let (mut total, mut found) = (0_u64, Vec::new());
    let mut room = SCANNED;
    let mut selects = Vec::new();
    for part in parts {
        let (condition, parameters) = part.condition(Lookup::Set);
        let from = part.from(&condition);
        let count = match (&part.filter, condition.exact) {
            (Some(filter), false) => {
                let scan = Scan {
                    workspace: part.workspace,
                    resource_type: part.resource_type,
                    filter,
                    from: &from,
                    parameters: &parameters,
                };
                let (count, places) = part.scan(tx, &scan, &mut room)?;
                found.extend(places);
                count
            }
            _ if walk.total.is_some() => 0,
            _ => tx.count(&format!("SELECT count(*) {from}"), &parameters)?,
        };
        total = total.saturating_add(count);
        if condition.exact {
            selects.push((part, from, parameters));
        }
    }
    let total = walk.total.unwrap_or(total);
    if walk.count == 0 || walk.skip >= total {
        return Ok((total, Vec::new()));
    }
    check_depth(walk.skip)?;
    for (part, from, parameters) in selects {
        found.extend(if total > MANY {
            let (condition, parameters) = part.condition(Lookup::Each);
            part.select_many(tx, &condition, parameters)?
        } else {
            part.select_few(tx, &from, parameters)?
        });
    }
    Ok((total, found))
}

/// What one type has to a list.
struct Part<'a> {
    workspace: WorkspaceId,
    kind: Kind,
    resource_type: &'a ResourceType,
    filter: Option<Filter>,
    walk: &'a Walk,
}

impl Part<'_> {
    fn condition(&self, lookup: Lookup) -> (Condition, Vec<Parameter>) {
        let mut parameters = values![self.workspace, self.kind].to_vec();
        let condition = match &self.filter {
            None => Condition {
                sql: "1 = 1".to_owned(),
                exact: true,
            },
            Some(filter) => Compiler {
                resource_type: self.resource_type,
                parameters: &mut parameters,
                lookup,
            }
            .compile(filter),
        };
        (condition, parameters)
    }

    fn from(&self, condition: &Condition) -> String {
        format!(
            "FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NULL AND ({})",
            condition.sql
        )
    }

    /// How many places are of interest.
    fn limit(&self) -> u64 {
        self.walk
            .skip
            .saturating_add(self.walk.count)
            .saturating_add(1)
    }

    fn scan(
        &self,
        tx: &mut Tx<'_>,
        scan: &Scan<'_>,
        room: &mut usize,
    ) -> Result<(u64, Vec<Position>), Error> {
        let ascending = self
            .walk
            .sort
            .as_ref()
            .is_none_or(|(_, ascending)| *ascending);
        // In the order of creation the documents before the position need not be read again, nor those behind the
        // page; in any other order all have to be seen.
        let known = self.walk.total.is_some() && self.walk.sort.is_none();
        let start = match &self.walk.after {
            Some(position) if known => position.rid,
            _ => 0,
        };
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let (mut total, mut places) = (0, Vec::new());
        scan.run(tx, start, room, |stored, document| {
            total += 1;
            let place = Position {
                key: self.key(stored, document),
                rid: stored.rid,
            };
            let is_behind = |position: &Position| place.compare(position, ascending).is_gt();
            if self.walk.after.as_ref().is_none_or(is_behind) {
                places.push(place);
            }
            !known || places.len() < limit
        })?;
        Ok((total, places))
    }

    /// What a document is sorted by, as the index has it.
    fn key(&self, stored: &Stored, document: &Document) -> Key {
        let Some((path, _)) = &self.walk.sort else {
            return Key::None;
        };
        let Some(target) = path.resolve(self.resource_type) else {
            return Key::None;
        };
        let sub = path.sub.as_deref().unwrap_or_default().to_ascii_lowercase();
        match (target.attribute.name.as_str(), sub.as_str()) {
            ("id", _) => Key::Text(stored.id.clone()),
            ("meta", "created") => Key::Integer(stored.created_us),
            ("meta", "lastmodified") => Key::Integer(stored.modified_us),
            _ if !indexed(&target) => Key::None,
            _ => index::sort_key(target, document)
                .map_or(Key::None, |key| Key::Text(index::cut(key))),
        }
    }
}
