//! `tenure application why`.

use crate::cli::{Objects, OfApplication};
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::Value;
use tenure_engine::Why;
use tenure_plan::why::{AttributeStory, Effect};

pub(super) async fn run(
    session: &Session,
    of: &OfApplication,
    objects: &Objects,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let (kind, name) = super::cycle::one(objects)?;
    let rid = session
        .store
        .read(move |tx| tenure_store::resource::rid_of(tx, workspace, kind, &name))
        .await?;
    let why = super::engine(session)
        .why(workspace, application.key, rid)
        .await?;
    session
        .out
        .result(&serde_json::to_value(&why)?, || tree(&why))?;
    Ok(Exit::Done)
}

/// The answer as an indented tree.
fn tree(why: &Why) -> String {
    let mut lines = vec![why.summary.clone(), String::new()];
    scope(why, &mut lines);
    account(why, &mut lines);
    lines.push("Attributes".to_owned());
    lines.extend(why.explanation.attributes.iter().map(attribute));
    lines.push(format!("Next: {} ({})", why.next.action, why.next.reason));
    for change in &why.next.changes {
        lines.push(format!(
            "  {}: {} → {}",
            change.attribute,
            value(change.before.as_ref()),
            value(change.after.as_ref())
        ));
    }
    if let Some(failing) = &why.failing {
        lines.push(format!(
            "Failing since {}: {} {} (attempt {}, next {})",
            failing.since, failing.code, failing.message, failing.attempts, failing.next_attempt
        ));
    }
    history(why, &mut lines);
    let lines: Vec<String> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n")
}

fn mark(good: bool) -> &'static str {
    if good { "yes" } else { "no" }
}

fn scope(why: &Why, lines: &mut Vec<String>) {
    let scope = &why.explanation.scope;
    lines.push(format!(
        "In scope: {} ({})",
        mark(scope.passed),
        scope.reason
    ));
    lines.push(format!("  exists in the directory: {}", mark(scope.exists)));
    lines.push(format!("  active in the directory: {}", mark(scope.active)));
    if scope.everybody {
        lines.push("  everybody is in scope".to_owned());
    } else {
        lines.push(format!(
            "  assigned directly: {}",
            mark(scope.assigned_directly)
        ));
        for group in &scope.assigned_through {
            lines.push(format!("  assigned through {group}"));
        }
    }
    for filter in &scope.filters {
        lines.push(format!(
            "  filter {}: {}",
            filter.title,
            mark(filter.passed)
        ));
        for clause in &filter.clauses {
            lines.push(format!(
                "    {} {} {}: {} (it is {})",
                clause.attribute,
                clause.operator,
                clause.value.as_deref().unwrap_or_default(),
                mark(clause.passed),
                value(clause.actual.as_ref())
            ));
        }
    }
}

fn account(why: &Why, lines: &mut Vec<String>) {
    match &why.account {
        Some(account) => lines.push(format!(
            "Account: {} ({}, last changed {})",
            account.target_id,
            if account.managed {
                "managed"
            } else {
                "not managed any more"
            },
            account.updated
        )),
        None => lines.push("Account: none is known".to_owned()),
    }
    for one in &why.explanation.matching {
        lines.push(format!(
            "  is looked for by {} = {}",
            one.attribute, one.value
        ));
    }
    if let Some(members) = &why.members {
        lines.push(format!(
            "  members: {} to add, {} to remove",
            members.to_add, members.to_remove
        ));
    }
    if why.provisioning.answer_lost {
        lines.push("  a request was sent whose answer was never seen".to_owned());
    }
}

fn attribute(story: &AttributeStory) -> String {
    let inputs: Vec<String> = story
        .inputs
        .iter()
        .map(|input| format!("{} = {}", input.name, value(input.value.as_ref())))
        .collect();
    let effect = match story.effect {
        Effect::Same => "same",
        Effect::Set => "set",
        Effect::Clear => "clear",
        Effect::Left => "left alone",
        Effect::Waiting => "waiting",
        Effect::Choose => "to be chosen",
        Effect::Failed => "failed",
    };
    let mut line = format!(
        "  {} ← {} [{}] ⇒ {} (target: {}): {effect}",
        story.target,
        story.source,
        inputs.join(", "),
        value(story.wanted.as_ref()),
        value(story.known.as_ref())
    );
    if !story.note.is_empty() {
        line.push_str(&format!("; {}", story.note));
    }
    line
}

fn history(why: &Why, lines: &mut Vec<String>) {
    if let Some(answer) = &why.last_answer {
        lines.push(format!(
            "Last answer of the target: {} {}",
            answer.at, answer.description
        ));
        for request in answer.requests.as_array().into_iter().flatten() {
            let text = |name: &str| value(request.get(name));
            lines.push(format!(
                "  {} {} → {}",
                text("method"),
                text("path"),
                text("status")
            ));
        }
    }
    lines.push("Log".to_owned());
    for line in &why.log {
        let code = line.code.as_deref().unwrap_or_default();
        let reason = line.reason.as_deref().unwrap_or_default();
        lines.push(format!(
            "  {} {} {} {code} {reason} {}",
            line.at, line.action, line.status, line.id
        ));
    }
}

fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
