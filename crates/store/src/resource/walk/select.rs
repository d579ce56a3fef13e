//! The places of a list whose filter the index decides.

use tenure_scim::path::Resolved;

use super::{Key, Part, Position};
use crate::{
    Error, Tx,
    connection::{Row, Value as Parameter},
    resource::{
        compile::{Condition, indexed},
        query::key_column,
    },
};

fn bind(parameters: &mut Vec<Parameter>, value: impl Into<Parameter>) -> String {
    parameters.push(value.into());
    format!("${}", parameters.len())
}

fn place(row: &Row) -> Result<Position, Error> {
    let key = match row.0.first() {
        Some(Parameter::Integer(number)) => Key::Integer(*number),
        Some(Parameter::Text(text)) => Key::Text(text.clone()),
        _ => Key::None,
    };
    Ok(Position {
        key,
        rid: row.integer(1)?,
    })
}

impl Part<'_> {
    /// For few matches: all of them are found, sorted and cut.
    pub(super) fn select_few(
        &self,
        tx: &mut Tx<'_>,
        from: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Vec<Position>, Error> {
        // A bare `r.rid` would make the database look through all resources behind the position instead.
        let column = if self.filter.is_some() {
            "r.rid + 0"
        } else {
            "r.rid"
        };
        self.sorted(tx, from, column, parameters)
    }

    /// For many matches: along an index from the position on, as far as there is one.
    pub(super) fn select_many(
        &self,
        tx: &mut Tx<'_>,
        condition: &Condition,
        parameters: Vec<Parameter>,
    ) -> Result<Vec<Position>, Error> {
        let sort = self.walk.sort.as_ref().and_then(|(path, ascending)| {
            let target = path.resolve(self.resource_type).filter(indexed)?;
            let single = !target.attribute.multi_valued && !target.leaf().multi_valued;
            single.then_some((target, *ascending))
        });
        let Some((target, ascending)) = sort else {
            return self.sorted(tx, &self.from(condition), "r.rid", parameters);
        };
        let after = self.walk.after.as_ref();
        let value = after.filter(|position| position.key != Key::None);
        let bare = after.filter(|position| position.key == Key::None);
        let limit = self.limit();
        let mut places = Vec::new();
        if ascending {
            if bare.is_none() {
                places =
                    self.with_value(tx, condition, parameters.clone(), target, value, limit)?;
            }
            let left = limit.saturating_sub(places.len() as u64);
            if left > 0 {
                places.extend(self.without_value(tx, condition, parameters, target, bare, left)?);
            }
        } else {
            if value.is_none() {
                places =
                    self.without_value(tx, condition, parameters.clone(), target, bare, limit)?;
            }
            let left = limit.saturating_sub(places.len() as u64);
            if left > 0 {
                places.extend(self.with_value(tx, condition, parameters, target, value, left)?);
            }
        }
        Ok(places)
    }

    /// Along the values of the sorted attribute.
    fn with_value(
        &self,
        tx: &mut Tx<'_>,
        condition: &Condition,
        mut parameters: Vec<Parameter>,
        target: Resolved<'_>,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<Position>, Error> {
        let ascending = self.walk.sort.as_ref().is_none_or(|(_, up)| *up);
        let (beyond, direction) = if ascending {
            (">", "ASC")
        } else {
            ("<", "DESC")
        };
        let name = bind(&mut parameters, target.index_name());
        let behind = match after {
            Some(Position {
                key: Key::Text(text),
                rid,
            }) => {
                let (value, rid) = (bind(&mut parameters, text), bind(&mut parameters, *rid));
                format!(
                    " AND v.value {beyond}= {value} AND (v.value {beyond} {value} OR v.rid > {rid})"
                )
            }
            _ => String::new(),
        };
        let limit = bind(&mut parameters, limit);
        // CROSS JOIN keeps SQLite from beginning with the resources.
        let sql = format!(
            "SELECT v.value, v.rid FROM resource_index v CROSS JOIN resource r \
             WHERE v.workspace_id = $1 AND v.kind = $2 AND v.attribute = {name}{behind} \
             AND r.workspace_id = $1 AND r.rid = v.rid AND r.kind = $2 AND r.deleted_us IS NULL AND ({}) \
             ORDER BY v.value {direction}, v.rid LIMIT {limit}",
            condition.sql
        );
        tx.query(&sql, &parameters)?.iter().map(place).collect()
    }

    /// What has no value for the sorted attribute, in the order of creation.
    fn without_value(
        &self,
        tx: &mut Tx<'_>,
        condition: &Condition,
        mut parameters: Vec<Parameter>,
        target: Resolved<'_>,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<Position>, Error> {
        let name = bind(&mut parameters, target.index_name());
        let rid = bind(&mut parameters, after.map_or(0, |position| position.rid));
        let limit = bind(&mut parameters, limit);
        let sql = format!(
            "SELECT NULL, r.rid {} AND r.rid > {rid} AND NOT EXISTS \
             (SELECT 1 FROM resource_index v WHERE v.workspace_id = $1 AND v.rid = r.rid AND v.attribute = {name}) \
             ORDER BY r.rid LIMIT {limit}",
            self.from(condition)
        );
        tx.query(&sql, &parameters)?.iter().map(place).collect()
    }

    /// Whatever matches, sorted. `rid` is how the number of a resource is written where it is compared.
    fn sorted(
        &self,
        tx: &mut Tx<'_>,
        from: &str,
        rid: &str,
        mut parameters: Vec<Parameter>,
    ) -> Result<Vec<Position>, Error> {
        let key = self.walk.sort.as_ref().and_then(|(path, ascending)| {
            let column = key_column(self.resource_type, path, &mut parameters)?;
            Some((column, *ascending))
        });
        let (column, order) = match &key {
            None => ("NULL", "l.rid"),
            Some((column, true)) => (column.as_str(), "l.sorted ASC NULLS LAST, l.rid"),
            Some((column, false)) => (column.as_str(), "l.sorted DESC NULLS FIRST, l.rid"),
        };
        let after = match (&self.walk.after, &self.walk.sort) {
            (None, _) => String::new(),
            (Some(position), None) => {
                format!(" AND {rid} > {}", bind(&mut parameters, position.rid))
            }
            // A type without the attribute has only resources without a value.
            (Some(position), Some((_, ascending))) => {
                let last = bind(&mut parameters, position.rid);
                let value = match &position.key {
                    Key::None => None,
                    Key::Integer(number) => Some(bind(&mut parameters, *number)),
                    Key::Text(text) => Some(bind(&mut parameters, text)),
                };
                let after = format!("{rid} > {last}");
                format!(
                    " AND ({})",
                    behind(column, &after, value.as_deref(), *ascending)
                )
            }
        };
        let limit = bind(&mut parameters, self.limit());
        let sql = format!(
            "SELECT l.sorted, l.rid FROM (SELECT {column} AS sorted, r.rid AS rid {from}{after}) l ORDER BY {order} LIMIT {limit}"
        );
        tx.query(&sql, &parameters)?.iter().map(place).collect()
    }
}

/// The condition for what comes after a position; `after` is the one among equal values.
fn behind(column: &str, after: &str, value: Option<&str>, ascending: bool) -> String {
    match (value, ascending) {
        (Some(value), true) => {
            format!("{column} > {value} OR ({column} = {value} AND {after}) OR {column} IS NULL")
        }
        (Some(value), false) => {
            format!("{column} < {value} OR ({column} = {value} AND {after})")
        }
        (None, true) => format!("{column} IS NULL AND {after}"),
        (None, false) => format!("{column} IS NOT NULL OR {after}"),
    }
}
