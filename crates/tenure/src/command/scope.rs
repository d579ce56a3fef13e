//! `tenure scope`.

use super::{
    expression::{object_kind, read_object},
    read_file,
};
use crate::cli::{ObjectType, Scoping as Command};
use crate::error::{Exit, Failure};
use crate::output::Output;
use serde_json::{Value, json};
use tenure_plan::{
    compile::try_filters,
    config::ScopingFilter,
    scope::{ClauseResult, ScopeResult},
    source::SourceView,
};

/// Most bytes of the filters.
const FILTERS_BYTES: usize = 1024 * 1024;

pub(super) fn run(out: Output, command: Command) -> Result<Exit, Failure> {
    let Command::Test(arguments) = command;
    if arguments.filters == "-" && arguments.attributes == "-" {
        return Err(Failure::usage(
            "only one of --filters and --attributes can be read from stdin",
        ));
    }
    let filters = read_filters(&arguments.filters, arguments.kind)?;
    let object = read_object(&arguments.attributes)?;
    let kind = object_kind(arguments.kind);
    let view = SourceView::as_named(kind, &object);
    let result = try_filters(&filters, kind, &view).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.place, problem.message))
            .collect();
        Failure::usage(lines.join("\n"))
    })?;
    let document = json!({ "inScope": result.passed, "filters": result.filters });
    out.result(&document, || explain(&result))?;
    Ok(Exit::Done)
}

/// A list, `{"filters": […]}`, or the configuration of an application.
fn read_filters(from: &str, kind: ObjectType) -> Result<Vec<ScopingFilter>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("{from} has no scoping filters: {error}"))
            .hint("write [{\"title\": \"Sales\", \"clauses\": [{\"attribute\": \"department\", \"operator\": \"EQUALS\", \"value\": \"Sales\"}]}]")
    };
    let text = read_file(from, FILTERS_BYTES)?;
    let document: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let of_kind = document.get(match kind {
        ObjectType::User => "users",
        ObjectType::Group => "groups",
    });
    let filters = match of_kind.unwrap_or(&document) {
        list @ Value::Array(_) => list,
        object => object
            .get("filters")
            .ok_or_else(|| wrong(&"there is no list"))?,
    };
    serde_json::from_value(filters.clone()).map_err(|error| wrong(&error))
}

/// What decided: the filter that passes, or the first clause of each that does not hold.
fn explain(result: &ScopeResult) -> String {
    if result.filters.is_empty() {
        return "in scope: there are no filters".to_owned();
    }
    if let Some(filter) = result.filters.iter().find(|filter| filter.passed) {
        return format!("in scope: the filter \"{}\" lets it pass", filter.title);
    }
    let reasons = result.filters.iter().map(|filter| {
        let failed = filter.clauses.iter().find(|clause| !clause.passed);
        format!(
            "  {}: {}",
            filter.title,
            failed.map(clause_text).unwrap_or_default()
        )
    });
    let lines: Vec<String> = std::iter::once("not in scope: no filter lets it pass".to_owned())
        .chain(reasons)
        .collect();
    lines.join("\n")
}

fn clause_text(clause: &ClauseResult) -> String {
    let wanted = clause
        .value
        .as_deref()
        .filter(|value| !value.is_empty())
        .map(|value| format!(" {}", Value::from(value)))
        .unwrap_or_default();
    let actual = clause
        .actual
        .as_ref()
        .map_or("nothing".to_owned(), Value::to_string);
    format!(
        "{} {}{wanted} does not hold; it has {actual}",
        clause.attribute, clause.operator
    )
}
