//! A workspace with an application, and the target that it provisions to.

pub(crate) mod issuer;
pub(crate) mod limits;
pub(crate) mod target;

use serde_json::{Map, Value, json};
use std::time::Duration;
use target::{SECRET, Target};
use tenure_egress::{Egress, Policy};
use tenure_engine::{Engine, Limits};
use tenure_plan::{ApplicationConfig, config::Scope, gallery};
use tenure_scim::{patch, patch::MemberRef, schema::SchemaSet};
use tenure_store::{
    Actor, Error, Kind, Store, Tx, WorkspaceId, application, assignment, escrow, job, log,
    resource::{self, Stored},
    run::{Counts, Cycle},
    workspace,
};

/// Everything that a test needs.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) target: Target,
    pub(crate) workspace: WorkspaceId,
    pub(crate) application: i64,
}

/// Short waits: what is waited for is loopback.
pub(crate) fn limits() -> Limits {
    Limits {
        call_timeout: Duration::from_secs(5),
        patience: Duration::from_millis(50),
        throttle_wait: Duration::from_secs(2),
        backoff_first: Duration::from_millis(1),
        backoff_most: Duration::from_millis(5),
        listing_from: 500,
    }
}

pub(crate) fn engine(store: &Store) -> Engine {
    Engine::new(store.clone(), Egress::new(Policy::AllowPrivate)).with_limits(limits())
}

impl Bench {
    /// The custom template, everybody in scope.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl Fn(&mut ApplicationConfig)) -> Self {
        let target = Target::start().await;
        let store = Store::open_in_memory().unwrap();
        let mut config = gallery::template("custom").unwrap().config;
        config.scope = Scope::All;
        config.groups.enabled = true;
        // It shows at once what it has.
        config.dialect.search_lag_s = 0;
        change(&mut config);
        let (url, config) = (target.url.clone(), serde_json::to_string(&config).unwrap());
        let (workspace, application) = store
            .write(Actor::system(), move |tx| {
                let workspace = workspace::create(tx, "Test")?.id;
                let application = application::create(
                    tx,
                    workspace,
                    "Target",
                    "custom",
                    &url,
                    Some(SECRET),
                    &config,
                )?;
                Ok((workspace, application.key))
            })
            .await
            .unwrap();
        let engine = engine(&store);
        Self {
            store,
            engine,
            target,
            workspace,
            application,
        }
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.write(Actor::system(), f).await.unwrap()
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.read(f).await.unwrap()
    }

    pub(crate) async fn user(&self, name: &str) -> Stored {
        self.user_with(name, json!({})).await
    }

    pub(crate) async fn user_with(&self, name: &str, more: Value) -> Stored {
        let mut document = object(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{name}@example.org"), "displayName": name, "active": true,
            "emails": [{ "type": "work", "value": format!("{name}@example.org"), "primary": true }],
        }));
        document.extend(object(more));
        let workspace = self.workspace;
        self.write(move |tx| resource::create(tx, workspace, Kind::User, &document, &[]))
            .await
    }

    pub(crate) async fn users(&self, count: usize) -> Vec<Stored> {
        let mut users = Vec::new();
        for number in 0..count {
            users.push(self.user(&format!("user{number:03}")).await);
        }
        users
    }

    pub(crate) async fn group(&self, name: &str, members: &[&Stored]) -> Stored {
        let document = object(
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name }),
        );
        let members: Vec<MemberRef> = members
            .iter()
            .map(|member| MemberRef {
                value: member.id.clone(),
                kind: None,
            })
            .collect();
        let workspace = self.workspace;
        self.write(move |tx| resource::create(tx, workspace, Kind::Group, &document, &members))
            .await
    }

    pub(crate) async fn patch(&self, stored: &Stored, operations: Value) {
        let body = object(
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations }),
        );
        let resource_type = if stored.kind == Kind::User {
            SchemaSet::user()
        } else {
            SchemaSet::group()
        };
        let request = patch::parse(resource_type, &body).unwrap();
        let (workspace, kind, id) = (self.workspace, stored.kind, stored.id.clone());
        self.write(move |tx| resource::patch(tx, workspace, kind, &id, None, &request))
            .await;
    }

    pub(crate) async fn replace(&self, stored: &Stored, path: &str, value: Value) {
        self.patch(
            stored,
            json!([{ "op": "replace", "path": path, "value": value }]),
        )
        .await;
    }

    pub(crate) async fn join(&self, group: &Stored, member: &Stored) {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": member.id }] }]);
        self.patch(group, add).await;
    }

    pub(crate) async fn leave(&self, group: &Stored, member: &Stored) {
        let path = format!("members[value eq \"{}\"]", member.id);
        self.patch(group, json!([{ "op": "remove", "path": path }]))
            .await;
    }

    pub(crate) async fn delete(&self, stored: &Stored) {
        let (workspace, kind, id) = (self.workspace, stored.kind, stored.id.clone());
        self.write(move |tx| resource::delete(tx, workspace, kind, &id, None))
            .await;
    }

    pub(crate) async fn assign(&self, stored: &Stored) {
        let (workspace, application, rid) = (self.workspace, self.application, stored.rid);
        self.write(move |tx| assignment::add(tx, workspace, application, rid))
            .await;
    }

    pub(crate) async fn unassign(&self, stored: &Stored) {
        let (workspace, application, rid) = (self.workspace, self.application, stored.rid);
        self.write(move |tx| assignment::remove(tx, workspace, application, rid))
            .await;
    }

    pub(crate) async fn cycle(&self) -> Cycle {
        self.run(false).await
    }

    pub(crate) async fn run(&self, dry_run: bool) -> Cycle {
        self.engine
            .run_cycle(
                self.workspace,
                self.application,
                dry_run,
                Duration::from_secs(5),
            )
            .await
            .unwrap()
    }

    /// As if an administrator started the job over: nothing waits, everything is looked at.
    pub(crate) async fn restart(&self) {
        let (workspace, application) = (self.workspace, self.application);
        let reset = job::Reset {
            watermark: true,
            escrows: true,
            quarantine: true,
            links: false,
        };
        self.write(move |tx| job::restart(tx, workspace, application, reset))
            .await;
    }

    pub(crate) async fn job(&self) -> job::Job {
        let (workspace, application) = (self.workspace, self.application);
        self.read(move |tx| job::get(tx, workspace, application))
            .await
    }

    pub(crate) async fn log(&self) -> Vec<log::Entry> {
        let (workspace, application) = (self.workspace, self.application);
        self.read(move |tx| {
            log::list(
                tx,
                workspace,
                &log::LogQuery {
                    application: Some(application),
                    limit: 1000,
                    ..Default::default()
                },
            )
        })
        .await
    }

    pub(crate) async fn escrow(&self, stored: &Stored) -> Option<escrow::Escrow> {
        let (workspace, application, rid) = (self.workspace, self.application, stored.rid);
        self.read(move |tx| escrow::get(tx, workspace, application, rid))
            .await
    }

    /// What was sent since the last call.
    pub(crate) fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.target.world().requests)
    }
}

impl Bench {
    pub(crate) async fn config(&self) -> ApplicationConfig {
        let (workspace, key) = (self.workspace, self.application);
        let stored = self
            .read(move |tx| application::get(tx, workspace, key))
            .await;
        serde_json::from_str(&stored.config).unwrap()
    }

    pub(crate) async fn configure(&self, change: impl Fn(&mut ApplicationConfig)) {
        let mut config = self.config().await;
        change(&mut config);
        let (workspace, key, text) = (
            self.workspace,
            self.application,
            serde_json::to_string(&config).unwrap(),
        );
        self.write(move |tx| {
            let now = application::get(tx, workspace, key)?;
            application::update(tx, workspace, key, now.version, &now.name, &text)
        })
        .await;
    }
}

/// created, updated, disabled, deleted, failed.
pub(crate) fn tally(counts: Counts) -> [u64; 5] {
    [
        counts.created,
        counts.updated,
        counts.disabled,
        counts.deleted,
        counts.failed,
    ]
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}
