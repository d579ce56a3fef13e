//! "Schemas": what users, groups and the workspace's own resource types consist of.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tenure_scim::schema::{Attribute, Definition, Mutability, Uniqueness};
use tenure_store::{
    Error, resource,
    schema::{self, Types},
};

use super::{
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words,
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/settings/schemas", get(show).post(save))
        .route("/w/{workspace}/settings/schemas/attribute", post(add))
}

/// A resource type as a row.
struct TypeRow {
    name: String,
    endpoint: String,
    schema: String,
    extensions: Vec<String>,
    count: String,
    /// Path of the page that lists its resources.
    path: String,
}

/// An attribute as a row.
struct AttributeRow {
    name: String,
    kind: String,
    notes: String,
    description: String,
}

struct SchemaSection {
    id: String,
    name: String,
    attributes: Vec<AttributeRow>,
}

fn attribute_rows(attributes: &[Attribute], prefix: &str, rows: &mut Vec<AttributeRow>) {
    for attribute in attributes {
        let mut notes = Vec::new();
        if attribute.required {
            notes.push("required".to_owned());
        }
        if attribute.uniqueness != Uniqueness::None {
            notes.push("unique".to_owned());
        }
        if attribute.case_exact {
            notes.push("case matters".to_owned());
        }
        if attribute.mutability != Mutability::ReadWrite {
            notes.push(attribute.mutability.as_str().to_owned());
        }
        let list = if attribute.multi_valued { ", list" } else { "" };
        rows.push(AttributeRow {
            name: format!("{prefix}{}", attribute.name),
            kind: format!("{}{list}", attribute.kind.as_str()),
            notes: notes.join(", "),
            description: attribute.description.clone(),
        });
        let prefix = format!("{prefix}{}.", attribute.name);
        attribute_rows(&attribute.sub_attributes, &prefix, rows);
    }
}

fn sections(types: &Types) -> Vec<SchemaSection> {
    types
        .definition
        .schemas
        .iter()
        .map(|schema| {
            let mut attributes = Vec::new();
            attribute_rows(&schema.attributes, "", &mut attributes);
            SchemaSection {
                id: schema.id.clone(),
                name: schema.name.clone(),
                attributes,
            }
        })
        .collect()
}

#[derive(Template)]
#[template(path = "schemas.html")]
struct SchemasPage {
    shell: Shell,
    types: Vec<TypeRow>,
    sections: Vec<SchemaSection>,
    version: i64,
    add: Form,
    edit: Form,
}

/// Types that the form offers; complex attributes are written as JSON.
const TYPES: [(&str, &str); 7] = [
    ("string", "Text"),
    ("boolean", "Yes or no"),
    ("integer", "Whole number"),
    ("decimal", "Number"),
    ("dateTime", "Date and time"),
    ("reference", "Reference (URI)"),
    ("binary", "Binary (base64)"),
];

fn add_form(member: &Member) -> Form {
    let urn = format!("urn:{}:params:scim:User", namespace(&member.workspace.slug));
    Form::new(vec![
        Field::choice(
            "select",
            "type",
            "Of",
            &[("User", "Users"), ("Group", "Groups")],
        )
        .value("User"),
        Field::new("text", "schema", "Schema URN")
            .value(urn)
            .help("An extension schema. A new URN makes a new schema.")
            .required(),
        Field::new("text", "name", "Attribute name")
            .placeholder("badgeNumber")
            .help("A letter followed by letters, digits, - and _.")
            .required(),
        Field::choice("select", "kind", "Type", &TYPES).value("string"),
        Field::new("text", "description", "Description"),
        Field::new("checkbox", "list", "Several values"),
        Field::new(
            "checkbox",
            "unique",
            "No two resources may have the same value",
        ),
        Field::new("checkbox", "required", "Required"),
    ])
}

/// A slug as the namespace of a URN, which has letters, digits and hyphens, at least two.
fn namespace(slug: &str) -> String {
    let short: String = slug.chars().take(30).collect();
    format!("x-{}", short.trim_end_matches('-'))
}

fn edit_form(text: String) -> Form {
    Form::new(vec![
        Field::new("textarea", "definition", "Definition as JSON")
            .value(text)
            .help("Schemas and resource types as /Schemas and /ResourceTypes show them. The same text goes through the API at /api/v1/schema."),
    ])
}

fn pretty(definition: &Definition) -> Result<String, Failure> {
    serde_json::to_string_pretty(&definition.to_json())
        .map_err(|error| Failure::Internal(error.to_string()))
}

/// Forms that come back, because what was typed cannot be done.
#[derive(Default)]
struct Typed {
    add: Option<Form>,
    edit: Option<(Form, i64)>,
}

async fn render(app: &App, member: &Member, typed: Typed) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let (types, counts) = app
        .store
        .read(move |tx| {
            let types = schema::types(tx, workspace)?;
            let mut counts = Vec::new();
            for (kind, _) in types.iter() {
                counts.push(resource::count(tx, workspace, kind)?);
            }
            Ok((types, counts))
        })
        .await?;
    let rows = types
        .iter()
        .zip(counts)
        .map(|((kind, resource_type), count)| TypeRow {
            name: resource_type.name.clone(),
            endpoint: resource_type.endpoint.clone(),
            schema: resource_type.schema.id.clone(),
            extensions: resource_type
                .extensions
                .iter()
                .map(|extension| extension.schema.id.clone())
                .collect(),
            count: words::number(count),
            path: match kind {
                tenure_store::Kind::Custom(_) => {
                    format!("{}/resources{}", member.root(), resource_type.endpoint)
                }
                kind => format!("{}/{}", member.root(), words::kind_path(kind)),
            },
        })
        .collect();
    let failed = typed.add.is_some() || typed.edit.is_some();
    let (edit, version) = match typed.edit {
        Some(edit) => edit,
        None => (edit_form(pretty(&types.definition)?), types.version),
    };
    let mut shell = member.shell("Schemas", "settings");
    shell.here = format!("{}/settings/schemas", member.root());
    let page = SchemasPage {
        shell,
        types: rows,
        sections: sections(&types),
        version,
        add: typed.add.unwrap_or_else(|| add_form(member)),
        edit,
    };
    let status = if failed {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page::show_with(status, &page)
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    render(&app, &member, Typed::default()).await
}

/// Writes a definition; the text of a refusal comes back for the form.
async fn write(
    app: &App,
    member: &Member,
    definition: Definition,
    version: i64,
) -> Result<Option<String>, Failure> {
    let workspace = member.workspace.id;
    let outcome = app
        .store
        .write(member.actor(), move |tx| {
            schema::set(tx, workspace, &definition, Some(version)).map(|_| ())
        })
        .await;
    match outcome {
        Ok(()) => Ok(None),
        Err(Error::Scim(error)) if error.status == 412 => Err(Failure::Changed),
        Err(Error::Scim(error)) => Ok(Some(error.detail)),
        Err(other) => Err(other.into()),
    }
}

fn saved(member: &Member) -> Response {
    let to = format!("{}/settings/schemas?notice=saved", member.root());
    Redirect::to(&to).into_response()
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let version: i64 = fields
        .text("version")
        .parse()
        .map_err(|_| Failure::Changed)?;
    let mut form = edit_form(fields.raw("definition").to_owned());
    let parsed = tenure_scim::json::parse(fields.raw("definition").as_bytes())
        .and_then(|value| Definition::parse(&value));
    let problem = match parsed {
        Ok(definition) => write(&app, &member, definition, version).await?,
        Err(error) => Some(error.detail),
    };
    let Some(problem) = problem else {
        return Ok(saved(&member));
    };
    form.fail("definition", problem);
    let typed = Typed {
        edit: Some((form, version)),
        ..Typed::default()
    };
    render(&app, &member, typed).await
}

/// The definition with one more attribute.
fn extended(definition: &Definition, fields: &Fields) -> Value {
    let mut value = definition.to_json();
    let urn = fields.text("schema");
    let attribute = json!({
        "name": fields.text("name"),
        "type": fields.text("kind"),
        "description": fields.text("description"),
        "multiValued": fields.ticked("list"),
        "required": fields.ticked("required"),
        "uniqueness": if fields.ticked("unique") { "server" } else { "none" },
    });
    let same = |value: &Value, key: &str, text: &str| {
        value[key]
            .as_str()
            .is_some_and(|found| found.eq_ignore_ascii_case(text))
    };
    if let Some(schemas) = value["schemas"].as_array_mut() {
        match schemas.iter_mut().find(|schema| same(schema, "id", &urn)) {
            Some(schema) => {
                if let Some(attributes) = schema["attributes"].as_array_mut() {
                    attributes.push(attribute);
                }
            }
            None => schemas.push(json!({"id": urn, "attributes": [attribute]})),
        }
    }
    let name = fields.text("type");
    let extension = json!({"schema": urn, "required": false});
    if let Some(types) = value["resourceTypes"].as_array_mut() {
        match types.iter_mut().find(|one| same(one, "name", &name)) {
            None => types.push(json!({"name": name, "schemaExtensions": [extension]})),
            Some(found) => {
                if let Some(extensions) = found["schemaExtensions"].as_array_mut()
                    && !extensions.iter().any(|one| same(one, "schema", &urn))
                {
                    extensions.push(extension);
                }
            }
        }
    }
    value
}

async fn add(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let mut form = add_form(&member);
    form.fill(&fields);
    form.check_required(&fields);
    let workspace = member.workspace.id;
    let types = app
        .store
        .read(move |tx| schema::types(tx, workspace))
        .await?;
    if !form.failed() {
        let problem = match Definition::parse(&extended(&types.definition, &fields)) {
            Ok(definition) => write(&app, &member, definition, types.version).await?,
            Err(error) => Some(error.detail),
        };
        match problem {
            None => return Ok(saved(&member)),
            Some(problem) => form.fail("", problem),
        }
    }
    let typed = Typed {
        add: Some(form),
        ..Typed::default()
    };
    render(&app, &member, typed).await
}
