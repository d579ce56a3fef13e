//! `tenure expression`.

use super::read_file;
use crate::cli::{Expression as Command, ObjectType, TestExpression};
use crate::error::{Exit, Failure};
use crate::output::{self, Output};
use serde_json::{Map, Value, json};
use tenure_plan::{
    config::ObjectKind,
    expression::{Expression, ExpressionError, Flow, Setting},
    facts::SourceObject,
    source::SourceView,
};

/// Most bytes of an object.
const OBJECT_BYTES: usize = 1024 * 1024;

pub(super) fn run(out: Output, command: Command) -> Result<Exit, Failure> {
    let Command::Test(arguments) = command;
    let object = match &arguments.attributes {
        Some(from) => read_object(from)?,
        None => blank(),
    };
    let parsed = match Expression::parse(&arguments.expression) {
        Ok(parsed) => parsed,
        Err(error) => return wrong(out, &arguments.expression, &error, Exit::Usage),
    };
    match evaluate(&parsed, &arguments, &object) {
        Ok(flow) => {
            let (value, kind) = described(flow);
            out.result(&json!({ "value": value, "type": kind }), || match kind {
                "none" | "ignored" => kind.to_owned(),
                _ => format!("{kind} {value}"),
            })?;
            Ok(Exit::Done)
        }
        Err(error) => wrong(out, &arguments.expression, &error, Exit::Failed),
    }
}

fn evaluate(
    parsed: &Expression,
    arguments: &TestExpression,
    object: &SourceObject,
) -> Result<Flow, ExpressionError> {
    let view = SourceView::as_named(object_kind(arguments.kind), object);
    let setting = Setting {
        now_us: jiff::Timestamp::now().as_microsecond(),
        seed: "",
        default_domain: arguments.default_domain.as_deref(),
    };
    parsed.evaluate(&view, &setting)
}

/// The value and what it is.
fn described(flow: Flow) -> (Value, &'static str) {
    match flow {
        Flow::Ignore => (Value::Null, "ignored"),
        Flow::Candidates(values) => (Value::from(values), "candidates"),
        Flow::Value(value) => {
            let kind = match &value {
                Value::Null => "none",
                Value::String(_) => "text",
                Value::Number(_) => "number",
                Value::Bool(_) => "boolean",
                Value::Array(_) => "list",
                Value::Object(_) => "complex",
            };
            (value, kind)
        }
    }
}

/// With `--json` the mistake is the result; otherwise it is shown below the expression.
fn wrong(out: Output, text: &str, error: &ExpressionError, exit: Exit) -> Result<Exit, Failure> {
    if out.json {
        let document = json!({ "error": { "message": error.message, "position": error.position } });
        output::line(&document.to_string())?;
        return Ok(exit);
    }
    let mut message = error.to_string();
    if !text.contains(char::is_control) {
        message = format!("{message}\n  {text}\n  {}^", " ".repeat(error.position));
    }
    Err(Failure::new(exit, message))
}

pub(super) fn object_kind(kind: ObjectType) -> ObjectKind {
    match kind {
        ObjectType::User => ObjectKind::User,
        ObjectType::Group => ObjectKind::Group,
    }
}

fn blank() -> SourceObject {
    SourceObject {
        id: String::new(),
        document: Map::new(),
    }
}

/// The object in a file.
pub(super) fn read_object(from: &str) -> Result<SourceObject, Failure> {
    let text = read_file(from, OBJECT_BYTES)?;
    let document: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{from} is not a JSON object: {error}")))?;
    let id = document.get("id").and_then(Value::as_str);
    Ok(SourceObject {
        id: id.unwrap_or_default().to_owned(),
        document,
    })
}
