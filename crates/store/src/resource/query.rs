//! Filter, sort and page. The index narrows, the evaluator decides.

use super::{
    COLUMNS, Stored,
    compile::{Compiler, Condition, Lookup},
    from_row,
    write::too_many,
};
use crate::{
    Error, Kind, Tx, WorkspaceId,
    connection::{Value as Parameter, values},
    membership, schema,
};
use serde_json::json;
use tenure_scim::{
    Document, ScimError, ScimType,
    filter::Filter,
    index,
    path::AttributePath,
    schema::{ResourceType, SchemaSet},
    value::format_time_us,
};

/// Documents that one query may evaluate.
pub(super) const SCANNED: usize = 100_000;
const SCAN_PAGE: u32 = 500;
/// Resources that a page may be away from the start of its list.
const DEEP: u64 = 100_000;

/// A query. `filter` must have passed [`Filter::check`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Which resources; none: all.
    pub filter: Option<Filter>,
    /// Attribute path, and whether ascending.
    pub sort: Option<(AttributePath, bool)>,
    /// From 1.
    pub start_index: u64,
    /// Most resources to return.
    pub count: u64,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// All that match.
    pub total: u64,
    /// Those of this page.
    pub items: Vec<Stored>,
}

/// Finds resources. Unsorted results are in the order of creation.
///
/// # Errors
///
/// `Scim` 400 `tooMany` when the index cannot narrow the filter to 100,000 documents, 400 `invalidValue` for a
/// `start_index` beyond 100,000 that has resources.
pub fn query(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    query: &Query,
) -> Result<Page, Error> {
    let types = schema::types(tx, workspace)?;
    let resource_type = types.of(kind)?;
    let mut parameters = values![workspace, kind].to_vec();
    let condition = query.filter.as_ref().map_or_else(
        || Condition {
            sql: "1 = 1".to_owned(),
            exact: true,
        },
        |filter| {
            Compiler {
                resource_type,
                parameters: &mut parameters,
                lookup: Lookup::Set,
            }
            .compile(filter)
        },
    );
    let from = format!(
        "FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NULL AND ({})",
        condition.sql
    );
    match (&query.filter, condition.exact) {
        (Some(filter), false) => evaluated(
            tx,
            workspace,
            resource_type,
            query,
            filter,
            &from,
            &parameters,
        ),
        _ => decided(tx, resource_type, query, &from, parameters),
    }
}

/// Refuses to count off more than [`DEEP`] resources for each page.
pub(super) fn check_depth(skip: u64) -> Result<(), Error> {
    if skip < DEEP {
        return Ok(());
    }
    let detail = format!(
        "`startIndex` can be at most {DEEP}; use `cursor` to page through a list that is longer."
    );
    Err(Error::Scim(ScimError::bad_request(
        ScimType::InvalidValue,
        detail,
    )))
}

fn order(
    resource_type: &ResourceType,
    sort: Option<&(AttributePath, bool)>,
    parameters: &mut Vec<Parameter>,
) -> String {
    let Some((path, ascending)) = sort else {
        return "r.rid".to_owned();
    };
    let direction = if *ascending {
        "ASC NULLS LAST"
    } else {
        "DESC NULLS FIRST"
    };
    match key_column(resource_type, path, parameters) {
        Some(key) => format!("{key} {direction}, r.rid"),
        None => "r.rid".to_owned(),
    }
}

/// The value that a resource is sorted by; `None` when its type does not define the attribute.
pub(super) fn key_column(
    resource_type: &ResourceType,
    path: &AttributePath,
    parameters: &mut Vec<Parameter>,
) -> Option<String> {
    let target = path.resolve(resource_type)?;
    let sub = path.sub.as_deref().unwrap_or_default().to_ascii_lowercase();
    Some(match (target.attribute.name.as_str(), sub.as_str()) {
        ("id", _) => "r.id".to_owned(),
        ("meta", "created") => "r.created_us".to_owned(),
        ("meta", "lastmodified") => "r.modified_us".to_owned(),
        _ => {
            parameters.push(target.index_name().into());
            let name = parameters.len();
            // Of several values the primary one counts, else the first (RFC 7644 section 3.4.2.3).
            let first = if target.attribute.multi_valued
                && target.attribute.sub_attribute("primary").is_some()
            {
                let base = target.index_name();
                let primary = base
                    .rsplit_once('.')
                    .map_or(base.as_str(), |(attribute, _)| attribute)
                    .to_owned()
                    + ".primary";
                parameters.push(primary.into());
                format!(
                    "EXISTS (SELECT 1 FROM resource_index p WHERE p.workspace_id = $1 AND p.rid = s.rid AND p.attribute = ${} \
                     AND p.element = s.element AND p.value = 'true') DESC, ",
                    parameters.len()
                )
            } else {
                String::new()
            };
            format!(
                "(SELECT s.value FROM resource_index s WHERE s.workspace_id = $1 AND s.rid = r.rid AND s.attribute = ${name} \
                 ORDER BY {first}s.element LIMIT 1)"
            )
        }
    })
}

fn decided(
    tx: &mut Tx<'_>,
    resource_type: &ResourceType,
    query: &Query,
    from: &str,
    mut parameters: Vec<Parameter>,
) -> Result<Page, Error> {
    let total = tx.count(&format!("SELECT count(*) {from}"), &parameters)?;
    let skip = query.start_index.max(1) - 1;
    if query.count == 0 || skip >= total {
        return Ok(Page {
            total,
            items: Vec::new(),
        });
    }
    check_depth(skip)?;
    let order = order(resource_type, query.sort.as_ref(), &mut parameters);
    parameters.push(query.count.into());
    parameters.push(skip.into());
    let (limit, offset) = (parameters.len() - 1, parameters.len());
    let items = tx
        .query(
            &format!("SELECT {COLUMNS} {from} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}"),
            &parameters,
        )?
        .iter()
        .map(from_row)
        .collect::<Result<_, _>>()?;
    Ok(Page { total, items })
}

fn evaluated(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    resource_type: &ResourceType,
    query: &Query,
    filter: &Filter,
    from: &str,
    parameters: &[Parameter],
) -> Result<Page, Error> {
    let sort = query
        .sort
        .as_ref()
        .and_then(|(path, up)| Some((path.resolve(resource_type)?, *up)));
    let mut found: Vec<(Option<String>, i64)> = Vec::new();
    let scan = Scan {
        workspace,
        resource_type,
        filter,
        from,
        parameters,
    };
    let mut room = SCANNED;
    scan.run(tx, 0, &mut room, |stored, document| {
        let key = sort
            .as_ref()
            .and_then(|(target, _)| index::sort_key(*target, document));
        found.push((key, stored.rid));
        true
    })?;
    if let Some((_, ascending)) = sort {
        // Missing values come last in ascending order (RFC 7644 section 3.4.2.3).
        found.sort_by(|a, b| {
            let keys = (a.0.is_none(), &a.0).cmp(&(b.0.is_none(), &b.0));
            (if ascending { keys } else { keys.reverse() }).then(a.1.cmp(&b.1))
        });
    }
    let skip = usize::try_from(query.start_index.max(1) - 1).unwrap_or(usize::MAX);
    let take = usize::try_from(query.count).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    for (_, rid) in found.iter().skip(skip).take(take) {
        if let Some((stored, _)) = super::by_rid(tx, workspace, *rid)? {
            items.push(stored);
        }
    }
    Ok(Page {
        total: found.len() as u64,
        items,
    })
}

/// A filter that is decided by reading documents.
pub(super) struct Scan<'a> {
    pub(super) workspace: WorkspaceId,
    pub(super) resource_type: &'a ResourceType,
    pub(super) filter: &'a Filter,
    /// `FROM` and `WHERE` that select a superset.
    pub(super) from: &'a str,
    pub(super) parameters: &'a [Parameter],
}

impl Scan<'_> {
    /// Calls `each` for what matches, by number after `after`, until it says that it has enough. `room` is how many
    /// documents may still be read.
    pub(super) fn run(
        &self,
        tx: &mut Tx<'_>,
        after: i64,
        room: &mut usize,
        mut each: impl FnMut(&Stored, &Document) -> bool,
    ) -> Result<(), Error> {
        let (first, limit) = (self.parameters.len() + 1, self.parameters.len() + 2);
        let sql = format!(
            "SELECT {COLUMNS} {} AND r.rid > ${first} ORDER BY r.rid LIMIT ${limit}",
            self.from
        );
        let names = Names::of(self.filter);
        let mut last = after;
        loop {
            let mut bound = self.parameters.to_vec();
            bound.push(last.into());
            bound.push(SCAN_PAGE.into());
            let rows = tx.query(&sql, &bound)?;
            *room = room.checked_sub(rows.len()).ok_or_else(|| {
                too_many(format!(
                    "no index narrows {} to {SCANNED} resources; add a condition with eq or sw on an indexed attribute",
                    self.filter
                ))
            })?;
            for row in &rows {
                let stored = from_row(row)?;
                last = stored.rid;
                let document = full(tx, self.workspace, self.resource_type, &stored, names)?;
                if self.filter.matches(self.resource_type, &document) && !each(&stored, &document) {
                    return Ok(());
                }
            }
            if rows.len() < SCAN_PAGE as usize {
                return Ok(());
            }
        }
    }
}

/// Which derived attributes a filter names; only these are read for evaluation.
#[derive(Clone, Copy, Default)]
struct Names {
    members: bool,
    groups: bool,
}

impl Names {
    fn of(filter: &Filter) -> Self {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => {
                parts
                    .iter()
                    .map(Self::of)
                    .fold(Self::default(), |a, b| Self {
                        members: a.members || b.members,
                        groups: a.groups || b.groups,
                    })
            }
            Filter::Not(inner) => Self::of(inner),
            Filter::Present(path)
            | Filter::Compare { path, .. }
            | Filter::ValuePath { path, .. } => Self {
                members: path.attribute.eq_ignore_ascii_case("members"),
                groups: path.attribute.eq_ignore_ascii_case("groups"),
            },
        }
    }
}

fn full(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    resource_type: &ResourceType,
    stored: &Stored,
    names: Names,
) -> Result<Document, Error> {
    let mut document = stored.document()?;
    document.insert("id".into(), stored.id.clone().into());
    document.insert(
        "meta".into(),
        json!({
            "resourceType": resource_type.name,
            "created": format_time_us(stored.created_us),
            "lastModified": format_time_us(stored.modified_us),
            "version": stored.etag(),
        }),
    );
    if names.members && stored.kind == Kind::Group {
        let mut members = Vec::new();
        let mut after = 0;
        loop {
            let page = membership::members(tx, workspace, stored.rid, after, 1000)?;
            let Some(last) = page.last() else { break };
            after = last.rid;
            members.extend(
                page.iter()
                    .map(|m| json!({"value": m.id, "display": m.display, "type": m.kind.key()})),
            );
        }
        document.insert("members".into(), members.into());
    }
    if names.groups && stored.kind == Kind::User {
        let groups: Vec<_> = membership::groups_of(tx, workspace, stored.rid)?
            .iter()
            .map(|g| json!({"value": g.id, "display": g.display, "type": if g.direct { "direct" } else { "indirect" }}))
            .collect();
        document.insert("groups".into(), groups.into());
    }
    Ok(document)
}

/// Members of a group that match a filter on a member's sub-attributes.
pub(super) fn members_matching(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    filter: &Filter,
) -> Result<Vec<i64>, Error> {
    let path = AttributePath {
        schema: None,
        attribute: "members".into(),
        sub: None,
    };
    let filter = Filter::ValuePath {
        path,
        filter: Box::new(filter.clone()),
    };
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = membership::members(tx, workspace, group, after, 1000)?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.rid;
        for member in &page {
            let mut document = Document::new();
            let value =
                json!([{"value": member.id, "display": member.display, "type": member.kind.key()}]);
            document.insert("members".into(), value);
            if filter.matches(SchemaSet::group(), &document) {
                found.push(member.rid);
            }
        }
    }
}
