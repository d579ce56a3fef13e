//! `tenure user` and `tenure group`.

use super::Session;
use crate::cli::{Deleted, Group as GroupCommand, One, Restore, Search, User as UserCommand};
use crate::error::{Exit, Failure};
use crate::output::{self, time};
use serde_json::{Value, json};
use tenure_scim::patch;
use tenure_scim::schema::SchemaSet;
use tenure_store::resource::{self, Stored};
use tenure_store::{Kind, WorkspaceId, membership};

/// Members that `group get` prints.
const MEMBERS: u32 = 1000;

pub(crate) async fn users(session: &Session, command: UserCommand) -> Result<Exit, Failure> {
    match command {
        UserCommand::List(search) => list(session, search, Kind::User, "users").await?,
        UserCommand::Get(one) => get(session, &one.at.workspace, Kind::User, one.name).await?,
        UserCommand::SetActive { one, active } => {
            let workspace = session.workspace(&one.at.workspace).await?.id;
            set_active(session, workspace, one.name, active).await?;
        }
        UserCommand::Delete { one, yes } => delete(session, one, yes, Kind::User).await?,
        UserCommand::Deleted(list) => deleted(session, list, Kind::User).await?,
        UserCommand::Restore(restore) => self::restore(session, restore, Kind::User).await?,
    }
    Ok(Exit::Done)
}

pub(crate) async fn groups(session: &Session, command: GroupCommand) -> Result<Exit, Failure> {
    match command {
        GroupCommand::List(search) => list(session, search, Kind::Group, "groups").await?,
        GroupCommand::Get(one) => get(session, &one.at.workspace, Kind::Group, one.name).await?,
        GroupCommand::Delete { one, yes } => delete(session, one, yes, Kind::Group).await?,
        GroupCommand::Deleted(list) => deleted(session, list, Kind::Group).await?,
        GroupCommand::Restore(restore) => self::restore(session, restore, Kind::Group).await?,
    }
    Ok(Exit::Done)
}

async fn delete(session: &Session, one: One, yes: bool, kind: Kind) -> Result<(), Failure> {
    if !yes {
        let mut failure = Failure::usage(format!("\"{}\" was not deleted", one.name));
        failure = failure.hint(match kind {
            Kind::User => "give --yes to delete; `user set-active NAME false` only blocks",
            _ => "give --yes to delete",
        });
        return Err(failure);
    }
    let workspace = session.workspace(&one.at.workspace).await?.id;
    let id = session
        .store
        .write(session.actor.clone(), move |tx| {
            let stored = super::find(tx, workspace, kind, &one.name)?;
            resource::delete(tx, workspace, kind, &stored.id, None)?;
            Ok(stored.id)
        })
        .await?;
    session
        .out
        .result(&json!({ "id": id, "deleted": true }), || {
            format!("deleted {id}")
        })
}

async fn deleted(session: &Session, list: Deleted, kind: Kind) -> Result<(), Failure> {
    let workspace = session.workspace(&list.at.workspace).await?.id;
    let found = session
        .store
        .read(move |tx| resource::deleted(tx, workspace, kind, None, list.limit))
        .await?;
    let documents: Vec<Value> = found
        .iter()
        .map(|one| {
            json!({
                "id": one.stored.id,
                "name": one.stored.label(),
                "deleted": time(one.deleted_us),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|one| {
            vec![
                one.stored.label(),
                time(one.deleted_us),
                one.stored.id.clone(),
            ]
        })
        .collect();
    session.out.list(
        &json!({ "deleted": documents }),
        &["NAME", "DELETED", "ID"],
        &rows,
    )
}

async fn restore(session: &Session, restore: Restore, kind: Kind) -> Result<(), Failure> {
    let workspace = session.workspace(&restore.at.workspace).await?.id;
    let stored = session
        .store
        .write(session.actor.clone(), move |tx| {
            resource::restore(tx, workspace, kind, &restore.id)
        })
        .await?;
    let label = output::plain(&stored.label());
    session
        .out
        .result(&json!({ "id": stored.id, "restored": true }), || {
            format!("restored {label} ({})", stored.id)
        })
}

async fn list(session: &Session, search: Search, kind: Kind, member: &str) -> Result<(), Failure> {
    let workspace = session.workspace(&search.at.workspace).await?.id;
    let (found, total) = session
        .store
        .read(move |tx| {
            let found = resource::search(tx, workspace, kind, &search.text, None, search.limit)?;
            Ok((found, resource::count(tx, workspace, kind)?))
        })
        .await?;
    let documents = found
        .iter()
        .map(document)
        .collect::<Result<Vec<Value>, _>>()?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .zip(&documents)
        .map(|(stored, document)| {
            let shown = |name: &str| {
                document.get(name).map_or(String::new(), |value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), ToOwned::to_owned)
                })
            };
            vec![
                stored.label(),
                shown("displayName"),
                shown("active"),
                stored.id.clone(),
                time(stored.modified_us),
            ]
        })
        .collect();
    session.out.list(
        &json!({ "total": total, member: documents }),
        &["NAME", "DISPLAY NAME", "ACTIVE", "ID", "CHANGED"],
        &rows,
    )
}

async fn get(session: &Session, workspace: &str, kind: Kind, name: String) -> Result<(), Failure> {
    let workspace = session.workspace(workspace).await?.id;
    let (stored, members) = session
        .store
        .read(move |tx| {
            let stored = super::find(tx, workspace, kind, &name)?;
            let members = match kind {
                Kind::Group => membership::members(tx, workspace, stored.rid, 0, MEMBERS)?,
                Kind::User | Kind::Custom(_) => Vec::new(),
            };
            Ok((stored, members))
        })
        .await?;
    let mut document = document(&stored)?;
    if kind == Kind::Group {
        document["members"] = members
            .iter()
            .map(|member| json!({ "value": member.id, "display": member.display }))
            .collect();
    }
    output::line(&if session.out.json {
        document.to_string()
    } else {
        serde_json::to_string_pretty(&document)?
    })
}

async fn set_active(
    session: &Session,
    workspace: WorkspaceId,
    name: String,
    active: bool,
) -> Result<(), Failure> {
    let mut body = tenure_scim::Document::new();
    body.insert(
        "schemas".to_owned(),
        json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]),
    );
    body.insert(
        "Operations".to_owned(),
        json!([{ "op": "replace", "path": "active", "value": active }]),
    );
    let request = patch::parse(SchemaSet::user(), &body).map_err(tenure_store::Error::from)?;
    let (stored, changed) = session
        .store
        .write(session.actor.clone(), move |tx| {
            let stored = super::find(tx, workspace, Kind::User, &name)?;
            resource::patch(tx, workspace, Kind::User, &stored.id, None, &request)
        })
        .await?;
    let label = output::plain(&stored.label());
    session.out.result(
        &json!({ "id": stored.id, "active": active, "changed": changed }),
        || format!("{label} {} active", if active { "is" } else { "is not" }),
    )
}

/// The SCIM document of a resource with its id, without members and groups.
fn document(stored: &Stored) -> Result<Value, Failure> {
    let mut document = stored.document()?;
    document.insert("id".to_owned(), stored.id.clone().into());
    document.insert(
        "meta".to_owned(),
        json!({
            "created": time(stored.created_us),
            "lastModified": time(stored.modified_us),
            "version": format!("W/\"{}\"", stored.version),
        }),
    );
    Ok(Value::Object(document))
}
