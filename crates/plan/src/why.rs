//! What the planner decides from, laid open for one object: scope, matching and each attribute.
//!
//! Nothing here decides anything: the numbers and words come from the functions that plan.

use crate::{
    Compiled, Facts,
    compile::{CompiledMapping, CompiledObject, CompiledSource},
    config::{Apply, Scope},
    expression::Attributes as _,
    operation::{Change, REDACTED},
    planner::scope_reason,
    scope::{FilterResult, evaluate},
    source::{SourceView, is_active},
    values::{Desired, Evaluation, creation, known_value, update},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything that is known about an object without asking the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether it is to have an account.
    pub scope: ScopeStory,
    /// Target attributes and values by which an account is looked for, in order.
    pub matching: Vec<MatchStory>,
    /// Each mapped attribute; empty when the object does not exist any more.
    pub attributes: Vec<AttributeStory>,
}

/// Whether an object is to have an account, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeStory {
    /// In scope and active.
    pub passed: bool,
    /// A clause for people: `assigned directly`.
    pub reason: String,
    /// Whether it exists in the directory.
    pub exists: bool,
    /// Whether it is active in the directory.
    pub active: bool,
    /// Whether objects of this type are provisioned at all.
    pub provisioned: bool,
    /// Everybody is in scope, whatever is assigned.
    pub everybody: bool,
    /// Assigned directly.
    pub assigned_directly: bool,
    /// Names of assigned groups that it is a member of.
    pub assigned_through: Vec<String>,
    /// Scoping filters, of which one has to pass, with the values that they met.
    pub filters: Vec<FilterResult>,
}

/// A question to the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchStory {
    /// Target attribute.
    pub attribute: String,
    /// Value looked for, as it may be shown.
    pub value: String,
}

/// What becomes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The target has the value already.
    Same,
    /// The value is set.
    Set,
    /// The value is taken away.
    Clear,
    /// The target's value is left as it is.
    Left,
    /// A reference to somebody who has no account yet.
    Waiting,
    /// The first value that nobody has at the target; which one, only the target knows.
    Choose,
    /// The mapping cannot be evaluated.
    Failed,
}

/// A value that a mapping reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Source attribute.
    pub name: String,
    /// Its value as it may be shown; `None`: it has none.
    pub value: Option<Value>,
}

/// How a target attribute gets its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeStory {
    /// Target attribute.
    pub target: String,
    /// Source attribute, expression or constant, as configured.
    pub source: String,
    /// The source attributes that are read.
    pub inputs: Vec<Input>,
    /// When the mapping applies.
    pub apply: &'static str,
    /// Precedence as a matching attribute.
    pub matching: Option<u32>,
    /// What the mapping gives now, as it may be shown.
    pub wanted: Option<Value>,
    /// What is known to be at the target, as it may be shown.
    pub known: Option<Value>,
    /// What becomes of it.
    pub effect: Effect,
    /// Why, where that is not plain; may be empty.
    pub note: String,
}

/// Lays open what [`plan`](crate::plan()) decides from with the same facts.
#[must_use]
pub fn explain(config: &Compiled, facts: &Facts<'_>) -> Explanation {
    let object = config.object(facts.kind);
    let everybody = config.config.scope == Scope::All;
    let mut scope = ScopeStory {
        passed: false,
        reason: "deleted in the directory".to_owned(),
        exists: facts.source.is_some(),
        active: false,
        provisioned: object.enabled,
        everybody,
        assigned_directly: facts.entitlement.direct,
        assigned_through: facts.entitlement.via_groups.clone(),
        filters: Vec::new(),
    };
    let Some(source) = facts.source else {
        return Explanation {
            scope,
            matching: Vec::new(),
            attributes: Vec::new(),
        };
    };
    let active = is_active(facts.kind, &source.document);
    let view = SourceView::planned(facts.kind, source, !active, &object.names);
    let filters = evaluate(&object.filters, &view).redacted(&object.redacted);
    let entitled = (everybody || facts.entitlement.assigned()) && filters.passed;
    scope.active = active;
    scope.passed = object.enabled && entitled && active;
    scope.reason = if object.enabled {
        scope_reason(facts.entitlement, active, everybody, &filters)
    } else {
        format!("{}s are not provisioned", facts.kind.resource_type())
    };
    scope.filters = filters.filters;
    let view = SourceView::planned(facts.kind, source, !(active && entitled), &object.names);
    let evaluation = Evaluation {
        view: &view,
        references: facts.references,
        now_us: facts.now_us,
        seed: facts.seed,
        default_domain: config.config.default_domain.as_deref(),
    };
    let known = facts.link.map(|link| &link.known);
    let only_access = !entitled && facts.link.is_some();
    let attributes = object
        .mappings
        .iter()
        .map(|mapping| attribute(object, mapping, &evaluation, known, only_access))
        .collect();
    Explanation {
        scope,
        matching: matching(object, &evaluation),
        attributes,
    }
}

fn matching(object: &CompiledObject, evaluation: &Evaluation<'_>) -> Vec<MatchStory> {
    object
        .matching()
        .filter_map(|mapping| {
            let value = match evaluation.one(mapping).ok()? {
                Desired::Set(Value::String(text)) => text,
                Desired::Set(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                _ => return None,
            };
            Some(MatchStory {
                attribute: mapping.target.clone(),
                value: if mapping.redacted {
                    REDACTED.to_owned()
                } else {
                    value
                },
            })
        })
        .collect()
}

/// A value, or what stands for it.
fn shown(value: Value, hidden: bool) -> Value {
    if hidden { Value::from(REDACTED) } else { value }
}

/// The source as configured, and what it reads.
fn source(
    object: &CompiledObject,
    mapping: &CompiledMapping,
    view: &SourceView<'_>,
) -> (String, Vec<Input>) {
    let input = |name: &str, value: Option<Value>| {
        let hidden = mapping.redacted || object.redacted.contains(&name.to_ascii_lowercase());
        Input {
            name: name.to_owned(),
            value: value.map(|value| shown(value, hidden)),
        }
    };
    match &mapping.source {
        CompiledSource::None => (String::new(), Vec::new()),
        CompiledSource::Constant(value) => (value.to_string(), Vec::new()),
        CompiledSource::Attribute(name, path) => (name.clone(), vec![input(name, view.read(path))]),
        CompiledSource::Expression(expression) => {
            let inputs = expression
                .attributes()
                .iter()
                .map(|name| input(name, view.get(name)))
                .collect();
            (expression.text.clone(), inputs)
        }
    }
}

fn attribute(
    object: &CompiledObject,
    mapping: &CompiledMapping,
    evaluation: &Evaluation<'_>,
    known: Option<&Map<String, Value>>,
    only_access: bool,
) -> AttributeStory {
    let (source, inputs) = source(object, mapping, evaluation.view);
    let mut unresolved = Vec::new();
    let desired = evaluation.resolved(mapping, &mut unresolved);
    let before = known.and_then(|known| known_value(known, &mapping.target));
    let mut story = AttributeStory {
        target: mapping.target.clone(),
        source,
        inputs,
        apply: mapping.apply.label(),
        matching: mapping.matching,
        wanted: None,
        known: before.map(|value| shown(value.clone(), mapping.redacted)),
        effect: Effect::Failed,
        note: String::new(),
    };
    let desired = match desired {
        Ok(desired) => desired,
        Err((code, reason)) => {
            story.note = format!("{code}: {reason}");
            return story;
        }
    };
    if let Desired::Set(value) = &desired {
        story.wanted = Some(shown(value.clone(), mapping.redacted));
    }
    if let Some(reference) = unresolved.first() {
        story.effect = Effect::Waiting;
        story.note = format!("{} has no account at the target yet", reference.source_id);
        return story;
    }
    if only_access && !mapping.tells_access {
        story.effect = Effect::Left;
        "the object is not in scope, so only its access changes".clone_into(&mut story.note);
        return story;
    }
    let values = [(mapping, desired)];
    let difference = match known {
        Some(known) => update(object, &values, known),
        None => creation(&values),
    };
    match difference {
        Err((code, reason)) => story.note = format!("{code}: {reason}"),
        Ok(difference) => {
            let [(_, desired)] = &values;
            conclude(
                &mut story,
                mapping,
                desired,
                difference.changes.first(),
                known.is_some(),
            );
        }
    }
    story
}

/// Effect and note of an attribute whose mapping could be evaluated.
fn conclude(
    story: &mut AttributeStory,
    mapping: &CompiledMapping,
    desired: &Desired,
    change: Option<&Change>,
    linked: bool,
) {
    let (effect, note) = match (change, desired) {
        (_, Desired::Candidates(values)) if !linked => {
            let list = if mapping.redacted {
                REDACTED.to_owned()
            } else {
                values.join(", ")
            };
            (
                Effect::Choose,
                format!("the first that is free at the target: {list}"),
            )
        }
        (Some(change), _) => {
            story.wanted = change.shown_after();
            let effect = if change.after.is_some() {
                Effect::Set
            } else {
                Effect::Clear
            };
            let note = match desired {
                Desired::Nothing => "the mapping's default, because the source gives no value",
                _ if !change.added.is_empty() => "values are added, none is taken away",
                _ => "",
            };
            (effect, note.to_owned())
        }
        (None, Desired::Set(_))
            if linked && mapping.apply != Apply::Always && story.wanted != story.known =>
        {
            (
                Effect::Left,
                format!("the mapping applies: {}", mapping.apply.label()),
            )
        }
        (None, Desired::Set(_)) => (Effect::Same, String::new()),
        (None, Desired::Clear) if story.known.is_none() => (Effect::Same, String::new()),
        (None, Desired::Clear) => (
            Effect::Left,
            format!("the mapping applies: {}", mapping.apply.label()),
        ),
        (None, Desired::Nothing) => (
            Effect::Left,
            "the source gives no value, so the target is left alone".to_owned(),
        ),
        (None, Desired::Ignore) => (
            Effect::Left,
            "the expression says that nothing is to be written".to_owned(),
        ),
        (None, Desired::Candidates(_)) => (
            Effect::Left,
            "unique values are chosen once, at creation".to_owned(),
        ),
    };
    story.effect = effect;
    story.note = note;
}
