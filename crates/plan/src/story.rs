//! The steps of a plan, as the provisioning log tells them.

use crate::{
    compile::{CompiledMapping, CompiledObject, CompiledSource},
    config::ObjectKind,
    expression::Attributes as _,
    facts::{Entitlement, LogStep},
    operation::{Change, REDACTED, Unresolved},
    scope::ScopeResult,
    source::SourceView,
};
use serde_json::{Map, Value, json};

fn step(
    name: &str,
    kind: &str,
    status: &str,
    description: String,
    details: Map<String, Value>,
) -> LogStep {
    LogStep {
        name: name.to_owned(),
        kind: kind.to_owned(),
        status: status.to_owned(),
        description,
        details,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn flag(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// The source attributes that the configuration looks at, without those that have no value.
pub(crate) fn import(
    kind: ObjectKind,
    compiled: &CompiledObject,
    view: &SourceView<'_>,
    display_name: &str,
    linked: bool,
) -> LogStep {
    let mut attributes = Map::new();
    for (lower, (name, path)) in &compiled.names {
        // Whether access ends is the scoping step's subject.
        if matches!(path, crate::source::SourcePath::SoftDeleted) {
            continue;
        }
        if let Some(value) = view.get(name) {
            attributes.insert(
                name.clone(),
                if compiled.redacted.contains(lower) {
                    Value::from(REDACTED)
                } else {
                    value
                },
            );
        }
    }
    let name = if linked {
        "EntryImportUpdate"
    } else {
        "EntryImportAdd"
    };
    step(
        name,
        "import",
        "success",
        format!(
            "Read {} '{display_name}' from the directory",
            kind.resource_type()
        ),
        object(json!({ "attributes": attributes })),
    )
}

pub(crate) fn import_deleted(kind: ObjectKind, source_id: &str) -> LogStep {
    let description = format!(
        "{} '{source_id}' does not exist in the directory any more",
        kind.resource_type()
    );
    step(
        "EntryImportDelete",
        "import",
        "success",
        description,
        object(json!({ "objectId": source_id })),
    )
}

pub(crate) fn scoping(
    active: bool,
    sync_all: bool,
    entitlement: &Entitlement,
    result: &ScopeResult,
) -> LogStep {
    let passed = active && (sync_all || entitlement.assigned()) && result.passed;
    let described: Map<String, Value> = result
        .filters
        .iter()
        .map(|filter| (filter.title.clone(), json!(filter)))
        .collect();
    let details = json!({
        "Active in the source system": flag(active),
        "Assigned to the application": flag(entitlement.assigned()),
        "Scope is all users and groups": flag(sync_all),
        "Scoping filter evaluation passed": flag(result.passed),
        "ScopeEvaluationResult": Value::Object(described).to_string(),
        "assignedThrough": entitlement.via_groups,
    });
    let description = if passed {
        "The object is in scope"
    } else {
        "The object is not in scope"
    };
    step(
        "EntrySynchronizationScoping",
        "scoping",
        if passed { "success" } else { "skipped" },
        description.to_owned(),
        object(details),
    )
}

pub(crate) fn matching(status: &str, description: String, details: Value) -> LogStep {
    step(
        "EntryImport",
        "matching",
        status,
        description,
        object(details),
    )
}

/// The mapping table: what was there, what was wanted.
pub(crate) fn processing(
    compiled: &CompiledObject,
    changes: &[Change],
    known: &Map<String, Value>,
    creating: bool,
) -> LogStep {
    let rows: Vec<Value> = compiled
        .mappings
        .iter()
        .map(|mapping| row(mapping, changes, known))
        .collect();
    let name = if creating {
        "EntrySynchronizationAdd"
    } else {
        "EntrySynchronizationUpdate"
    };
    let description = match changes.len() {
        0 => "All mapped attributes are up to date".to_owned(),
        1 => "1 attribute differs".to_owned(),
        count => format!("{count} attributes differ"),
    };
    step(
        name,
        "processing",
        "success",
        description,
        object(json!({ "attributes": rows })),
    )
}

fn row(mapping: &CompiledMapping, changes: &[Change], known: &Map<String, Value>) -> Value {
    let source = match &mapping.source {
        CompiledSource::Attribute(name, _) => name.clone(),
        CompiledSource::Constant(value) => value.to_string(),
        CompiledSource::Expression(expression) => expression.text.clone(),
        CompiledSource::None => String::new(),
    };
    let before = crate::values::known_value(known, &mapping.target).map(|value| {
        if mapping.redacted {
            Value::from(REDACTED)
        } else {
            value.clone()
        }
    });
    let change = changes
        .iter()
        .find(|change| change.attribute == mapping.target);
    let after = change.map_or_else(|| before.clone(), Change::shown_after);
    json!({ "target": mapping.target, "source": source, "before": before, "after": after, "changed": change.is_some() })
}

pub(crate) fn unresolved(references: &[Unresolved]) -> LogStep {
    let names: Vec<String> = references
        .iter()
        .map(|reference| format!("{} to {}", reference.attribute, reference.source_id))
        .collect();
    let description = format!(
        "UnableToResolveReferenceAttributeValue: cannot set {} yet, because the object has no account at the target; it is set when that arrives",
        names.join(", ")
    );
    step(
        "EntrySynchronizationReferences",
        "referenceResolution",
        "warning",
        description,
        object(json!({ "unresolved": references })),
    )
}

pub(crate) fn skip(code: &str, reason: &str) -> LogStep {
    step(
        "EntrySynchronizationSkip",
        "processing",
        "skipped",
        reason.to_owned(),
        object(json!({ "SkipReason": code })),
    )
}

pub(crate) fn fail(code: &str, reason: &str) -> LogStep {
    step(
        "EntrySynchronizationError",
        "processing",
        "failure",
        reason.to_owned(),
        object(json!({ "errorCode": code })),
    )
}
