//! The scope of an object mapping. It decides who is provisioned, so whatever cannot be read is refused.

use super::{Notes, join, says_something, text};
use crate::{
    compile::limits,
    config::{Clause, ObjectKind, ScopingFilter},
    entra::{names, short},
    scope::compile_clause,
    source::resolve,
};
use serde_json::{Map, Value};

pub(super) fn read(
    kind: ObjectKind,
    place: &str,
    map: &Map<String, Value>,
    notes: &mut Notes,
) -> Vec<ScopingFilter> {
    let place = join(place, "scope");
    let scope = match map.get("scope") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Object(scope)) => scope,
        Some(_) => {
            notes.refuse(place, "A scope must be a JSON object or null");
            return Vec::new();
        }
    };
    notes.refuse_unknown(
        &place,
        scope,
        &["groups", "inputFilterGroups", "categoryFilterGroups"],
    );
    for name in ["inputFilterGroups", "categoryFilterGroups"] {
        if scope
            .get(name)
            .is_some_and(|value| says_something(value, 0))
        {
            notes.refuse(
                join(&place, name),
                "Filters of this kind have no counterpart, and without them more objects would be provisioned; write them as ordinary filters (`groups`) and import again",
            );
        }
    }
    let groups = notes.list(&place, scope, "groups");
    if groups.len() > limits::FILTERS {
        notes.refuse(
            join(&place, "groups"),
            format!("At most {} filters are possible", limits::FILTERS),
        );
        return Vec::new();
    }
    let filters = groups.iter().enumerate();
    filters
        .map(|(index, group)| {
            filter(
                kind,
                &format!("{place}.groups[{index}]"),
                index,
                group,
                notes,
            )
        })
        .collect()
}

fn filter(
    kind: ObjectKind,
    place: &str,
    index: usize,
    group: &Value,
    notes: &mut Notes,
) -> ScopingFilter {
    let empty = Map::new();
    let group = group.as_object().unwrap_or(&empty);
    notes.refuse_unknown(place, group, &["name", "clauses"]);
    let clauses = notes.list(place, group, "clauses");
    if clauses.is_empty() || clauses.len() > limits::FILTERS {
        notes.refuse(
            join(place, "clauses"),
            format!("A filter has 1 to {} clauses", limits::FILTERS),
        );
        return ScopingFilter {
            title: String::new(),
            clauses: Vec::new(),
        };
    }
    let title = match group.get("name") {
        Some(Value::String(title)) => title.clone(),
        _ => format!("Filter {}", index + 1),
    };
    let clauses = clauses.iter().enumerate();
    let clauses = clauses
        .filter_map(|(index, value)| {
            let place = format!("{place}.clauses[{index}]");
            let clause = clause(kind, &place, value, notes);
            let checked = clause.and_then(|clause| {
                let path = resolve(kind, &clause.attribute)?;
                compile_clause(&clause, path).map(|_| clause)
            });
            checked.map_err(|message| notes.refuse(place, message)).ok()
        })
        .collect();
    ScopingFilter { title, clauses }
}

fn clause(
    kind: ObjectKind,
    place: &str,
    value: &Value,
    notes: &mut Notes,
) -> Result<Clause, String> {
    let map = value.as_object().ok_or("A clause must be a JSON object")?;
    notes.refuse_unknown(
        place,
        map,
        &["operatorName", "sourceOperandName", "targetOperand"],
    );
    let operand = map
        .get("targetOperand")
        .filter(|operand| !operand.is_null());
    if let Some(operand) = operand.and_then(Value::as_object) {
        notes.refuse_unknown(&join(place, "targetOperand"), operand, &["values"]);
    }
    let values = operand.map_or(Some(&Value::Null), |operand| operand.get("values"));
    let value = match values {
        None | Some(Value::Null) => None,
        Some(Value::Array(values)) => match values.as_slice() {
            [] => None,
            [Value::String(text)] => Some(text.clone()),
            [_] => return Err("The value of a clause must be a text".to_owned()),
            _ => {
                return Err(format!(
                    "The clause has {} values, and it is not known how they belong together; write one clause or filter for each",
                    values.len()
                ));
            }
        },
        Some(_) => return Err("The values of a clause must be a list".to_owned()),
    };
    let attribute = text(map, "sourceOperandName");
    if attribute.trim().is_empty() {
        return Err("The clause names no attribute".to_owned());
    }
    Ok(Clause {
        attribute: names::from_entra(kind, attribute),
        operator: short(text(map, "operatorName")),
        value,
    })
}
