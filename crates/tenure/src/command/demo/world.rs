//! What the demo begins with.

use super::EMAIL;
use crate::error::Failure;
use serde_json::json;
use std::sync::Arc;
use tenure_plan::gallery;
use tenure_playground::Person;
use tenure_scim::Document;
use tenure_scim::patch::MemberRef;
use tenure_store::account::{self, Role};
use tenure_store::{Actor, Error, Kind, Store, Tx, WorkspaceId};
use tenure_store::{application, assignment, job, resource, token, workspace};

/// Workspace with the people.
pub(super) const SOURCE: &str = "Northwind Mills";
/// Workspace that receives them.
pub(super) const TARGET: &str = "Exium";
/// The application in [`SOURCE`] that stands for [`TARGET`].
pub(super) const APPLICATION: &str = "Exium";
/// The group that is given the application.
pub(super) const EVERYBODY: &str = "All staff";
/// People at the beginning.
pub(super) const PEOPLE: usize = 200;
/// People of one transaction.
const BATCH: usize = 50;
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What was created.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    pub(super) source: WorkspaceId,
    pub(super) target: WorkspaceId,
    pub(super) application: i64,
}

/// The two workspaces with their owner, and the application between them, switched off.
pub(super) async fn found(store: &Store, url: &str, password: &str) -> Result<World, Failure> {
    let hash = crate::command::admin::hash(password.to_owned()).await?;
    let template = gallery::template("exium")
        .ok_or_else(|| Failure::failed("the gallery has no entry for Exium"))?;
    let config = serde_json::to_string(&template.config)?;
    let tenant_url = format!("{url}/scim");
    let world = store
        .write(Actor::system(), move |tx| {
            let source = workspace::create(tx, SOURCE)?.id;
            let target = workspace::create(tx, TARGET)?.id;
            let owner = account::create(tx, EMAIL, "Demo", &hash)?;
            account::join(tx, source, &owner.id, Role::Owner)?;
            account::join(tx, target, &owner.id, Role::Owner)?;
            let (_, secret) = token::create(tx, target, SOURCE, None)?;
            let created = application::create(
                tx,
                source,
                APPLICATION,
                template.id,
                &tenant_url,
                Some(&secret),
                &config,
            )?;
            Ok(World {
                source,
                target,
                application: created.key,
            })
        })
        .await?;
    Ok(world)
}

/// Fills the directory, gives the application to everybody and switches it on. Returns the people's ids.
pub(super) async fn populate(
    store: &Store,
    world: &World,
    people: &[Person],
) -> Result<Vec<String>, Failure> {
    let world = *world;
    let staff: Arc<[Person]> = people.iter().take(PEOPLE).cloned().collect();
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < staff.len() {
        let (staff, known) = (Arc::clone(&staff), ids.clone());
        let batch = move |tx: &mut Tx<'_>| hire(tx, world.source, &staff, known.clone());
        ids = store.write(Actor::system(), batch).await?;
    }
    let members = ids.clone();
    store
        .write(Actor::system(), move |tx| {
            for group in tenure_playground::groups(&staff) {
                let refs: Vec<MemberRef> = group
                    .members
                    .iter()
                    .filter_map(|index| members.get(*index))
                    .map(|id| member(id))
                    .collect();
                let mut document = Document::new();
                document.insert(
                    "schemas".to_owned(),
                    json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]),
                );
                document.insert("displayName".to_owned(), group.display_name.clone().into());
                let stored = resource::create(tx, world.source, Kind::Group, &document, &refs)?;
                if group.display_name == EVERYBODY {
                    assignment::add(tx, world.source, world.application, stored.rid)?;
                }
            }
            job::start(tx, world.source, world.application)
        })
        .await?;
    Ok(ids)
}

/// A reference to a user.
pub(super) fn member(id: &str) -> MemberRef {
    MemberRef {
        value: id.to_owned(),
        kind: Some("User".to_owned()),
    }
}

/// Adds the next batch of people after those whose ids are known.
fn hire(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    people: &[Person],
    mut ids: Vec<String>,
) -> Result<Vec<String>, Error> {
    for person in people.iter().skip(ids.len()).take(BATCH) {
        let document = document(person, &ids);
        ids.push(resource::create(tx, workspace, Kind::User, &document, &[])?.id);
    }
    Ok(ids)
}

/// The document of a person with the manager put in: managers come before their reports.
pub(super) fn document(person: &Person, ids: &[String]) -> Document {
    let mut document = person.document.clone();
    let manager = person.manager.and_then(|index| ids.get(index));
    if let (Some(id), Some(enterprise)) = (
        manager,
        document
            .get_mut(ENTERPRISE)
            .and_then(serde_json::Value::as_object_mut),
    ) {
        enterprise.insert("manager".to_owned(), json!({ "value": id }));
    }
    document
}
