//! A joiner, a mover and a leaver, told as they arrive at the other side.

use super::world::{EVERYBODY, TARGET, World, document, member};
use crate::command::{by_name, find};
use crate::error::Failure;
use crate::output;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tenure_playground::Person;
use tenure_scim::Document;
use tenure_scim::patch::{self, MemberChange, PatchRequest};
use tenure_scim::schema::SchemaSet;
use tenure_store::{Actor, Error, Kind, Store, Tx, resource, run};

/// Longest time the whole story may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks at the other side.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const DEPARTMENT: &str = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";

pub(super) async fn tell(
    store: &Store,
    world: &World,
    people: &[Person],
    ids: &[String],
) -> Result<(), Failure> {
    let teller = Teller {
        store,
        world: *world,
        deadline: Instant::now() + PATIENCE,
    };
    teller.beginning().await?;
    let ([joiner], [.., mover, leaver]) = (
        people.get(ids.len()..).unwrap_or_default(),
        people.get(..ids.len()).unwrap_or_default(),
    ) else {
        return Err(Failure::failed("there are too few people for a story"));
    };
    teller.joiner(joiner, ids).await?;
    teller.mover(mover).await?;
    teller.leaver(leaver).await
}

struct Teller<'a> {
    store: &'a Store,
    world: World,
    deadline: Instant,
}

impl Teller<'_> {
    /// The first cycle, which brings everybody over.
    async fn beginning(&self) -> Result<(), Failure> {
        let began = Instant::now();
        let (workspace, key) = (self.world.source, self.world.application);
        loop {
            let cycles = self
                .store
                .read(move |tx| run::list(tx, workspace, key, 10))
                .await?;
            if let Some(cycle) = cycles.iter().find(|cycle| cycle.ended_us.is_some()) {
                let counts = &cycle.counts;
                let text = format!(
                    "initial cycle {}: {} created, {} updated, {} failed in {TARGET} after {}",
                    cycle.status,
                    counts.created,
                    counts.updated,
                    counts.failed,
                    seconds(began)
                );
                if cycle.status != "completed" {
                    let reason = cycle.message.as_deref().unwrap_or("");
                    return Err(Failure::failed(format!("{text}: {reason}")));
                }
                return output::line(&text);
            }
            self.pause("the initial cycle").await?;
        }
    }

    async fn joiner(&self, person: &Person, ids: &[String]) -> Result<(), Failure> {
        let began = Instant::now();
        let workspace = self.world.source;
        let document = document(person, ids);
        self.store
            .write(Actor::system(), move |tx| {
                let user = resource::create(tx, workspace, Kind::User, &document, &[])?;
                let group = find(tx, workspace, Kind::Group, EVERYBODY)?;
                let request = PatchRequest {
                    members: vec![MemberChange::Add(vec![member(&user.id)])],
                    ..PatchRequest::default()
                };
                resource::patch(tx, workspace, Kind::Group, &group.id, None, &request)
            })
            .await?;
        self.arrives(person, "joiner", |user| user.is_some())
            .await?;
        say("joiner", person, "account created", began)
    }

    async fn mover(&self, person: &Person) -> Result<(), Failure> {
        let began = Instant::now();
        let department = if person.department == "Finance" {
            "Logistics"
        } else {
            "Finance"
        };
        // As after a wedding.
        let name = format!("{}-Lindholm", display_name(person));
        self.change(
            person,
            json!([
                { "op": "replace", "path": "displayName", "value": name },
                {
                    "op": "replace",
                    "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                    "value": department,
                },
            ]),
        )
        .await?;
        self.arrives(person, "mover", |user| {
            user.is_some_and(|user| {
                user.pointer(DEPARTMENT).and_then(Value::as_str) == Some(department)
                    && user.get("displayName").and_then(Value::as_str) == Some(&name)
            })
        })
        .await?;
        let what = format!(
            "department {} → {department}, name updated",
            person.department
        );
        say("mover", person, &what, began)
    }

    async fn leaver(&self, person: &Person) -> Result<(), Failure> {
        let began = Instant::now();
        self.change(
            person,
            json!([{ "op": "replace", "path": "active", "value": false }]),
        )
        .await?;
        self.arrives(person, "leaver", |user| {
            user.is_some_and(|user| user.get("active") == Some(&Value::Bool(false)))
        })
        .await?;
        say("leaver", person, "account disabled", began)
    }

    async fn change(&self, person: &Person, operations: Value) -> Result<(), Failure> {
        let mut body = Document::new();
        body.insert(
            "schemas".to_owned(),
            json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]),
        );
        body.insert("Operations".to_owned(), operations);
        let request = patch::parse(SchemaSet::user(), &body).map_err(Error::from)?;
        let (workspace, name) = (self.world.source, person.user_name().to_owned());
        self.store
            .write(Actor::system(), move |tx| {
                let user = find(tx, workspace, Kind::User, &name)?;
                resource::patch(tx, workspace, Kind::User, &user.id, None, &request)
            })
            .await?;
        Ok(())
    }

    /// Waits until the person's account at the other side is as wanted.
    async fn arrives(
        &self,
        person: &Person,
        who: &str,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Result<(), Failure> {
        loop {
            let (workspace, name) = (self.world.target, person.user_name().to_owned());
            let account = move |tx: &mut Tx<'_>| {
                let page = resource::query(tx, workspace, Kind::User, &by_name(Kind::User, &name))?;
                page.items
                    .first()
                    .map(resource::Stored::document)
                    .transpose()
            };
            let account = self.store.read(account).await?.map(Value::Object);
            if wanted(account.as_ref()) {
                return Ok(());
            }
            self.pause(&format!("the {who} {}", display_name(person)))
                .await?;
        }
    }

    async fn pause(&self, what: &str) -> Result<(), Failure> {
        if Instant::now() > self.deadline {
            return Err(Failure::failed(format!(
                "{what} did not arrive in {TARGET} within {} s",
                PATIENCE.as_secs()
            ))
            .hint("`tenure log list` with the demo's data directory shows what happened"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }
}

fn display_name(person: &Person) -> &str {
    person
        .document
        .get("displayName")
        .and_then(Value::as_str)
        .unwrap_or_else(|| person.user_name())
}

fn seconds(began: Instant) -> String {
    format!("{:.1} s", began.elapsed().as_secs_f64())
}

fn say(who: &str, person: &Person, what: &str, began: Instant) -> Result<(), Failure> {
    output::line(&format!(
        "{who:7} {} → {what} in {TARGET} after {}",
        output::plain(display_name(person)),
        seconds(began)
    ))
}
