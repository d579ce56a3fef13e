//! A workspace with shorthands, for the tests of this folder.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses some of it, and a test ends where something fails"
)]

pub(crate) mod engine;
pub(crate) mod fixture;

use engine::{Engine, Place, engine};
use serde_json::{Value, json};
use tenure_scim::{
    Document,
    filter::Filter,
    patch::{self, MemberRef, PatchRequest},
    schema::{ResourceType, SchemaSet},
    validate,
};
use tenure_store::{
    Actor, Error, Kind, Store, Tx, WorkspaceId, application,
    audit::{self, AuditEntry},
    change::{self, Change},
    membership, resource,
    resource::{Page, Query, Step, Stored, Walk},
    workspace,
};

/// A store with one workspace.
pub(crate) struct Directory {
    pub(crate) store: Store,
    pub(crate) workspace: WorkspaceId,
}

/// The standard type of a kind.
pub(crate) fn standard(kind: Kind) -> &'static ResourceType {
    match kind {
        Kind::Group => SchemaSet::group(),
        _ => SchemaSet::user(),
    }
}

pub(crate) fn document(value: Value) -> Document {
    match value {
        Value::Object(document) => document,
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn user(name: &str) -> Document {
    let body = document(json!({ "userName": name }));
    validate::create(SchemaSet::user(), body).unwrap().document
}

pub(crate) fn group(name: &str) -> Document {
    let body = document(json!({ "displayName": name }));
    validate::create(SchemaSet::group(), body).unwrap().document
}

pub(crate) fn json_body(stored: &Stored) -> Value {
    serde_json::from_str(&stored.body).unwrap()
}

pub(crate) fn patch_request(kind: Kind, operations: &Value) -> PatchRequest {
    let body = document(json!({ "Operations": operations }));
    patch::parse(standard(kind), &body).unwrap()
}

/// An empty store.
pub(crate) fn store(writers: usize) -> Store {
    match engine() {
        Engine::Sqlite => Store::open_in_memory().unwrap(),
        Engine::Postgres => Place::kept_store(writers),
    }
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self::in_store(store(0), "First")
    }

    /// With one writer thread, as SQLite has it, where PostgreSQL might have several.
    pub(crate) fn with_one_writer() -> Self {
        Self::in_store(store(1), "First")
    }

    pub(crate) fn in_store(store: Store, name: &str) -> Self {
        let name = name.to_owned();
        let created = store.write_blocking(Actor::system(), move |tx| workspace::create(tx, &name));
        Self {
            workspace: created.unwrap().id,
            store,
        }
    }

    pub(crate) fn write<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.store.write_blocking(Actor::system(), f)
    }

    pub(crate) fn create(&self, kind: Kind, body: Document) -> Result<Stored, Error> {
        let workspace = self.workspace;
        self.write(move |tx| resource::create(tx, workspace, kind, &body, &[]))
    }

    pub(crate) fn create_group(&self, name: &str, members: &[&str]) -> Result<Stored, Error> {
        let (workspace, body) = (self.workspace, group(name));
        let members: Vec<MemberRef> = members
            .iter()
            .map(|id| MemberRef {
                value: (*id).to_owned(),
                kind: None,
            })
            .collect();
        self.write(move |tx| resource::create(tx, workspace, Kind::Group, &body, &members))
    }

    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<Stored> {
        let (workspace, id) = (self.workspace, id.to_owned());
        self.store
            .read_blocking(move |tx| resource::get(tx, workspace, kind, &id))
            .unwrap()
    }

    pub(crate) fn by_rid(&self, rid: i64) -> Option<(Stored, bool)> {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| resource::by_rid(tx, workspace, rid))
            .unwrap()
    }

    pub(crate) fn patch(
        &self,
        kind: Kind,
        id: &str,
        if_match: Option<&str>,
        operations: &Value,
    ) -> Result<(Stored, bool), Error> {
        let request = patch_request(kind, operations);
        let (workspace, id, tag) = (self.workspace, id.to_owned(), if_match.map(str::to_owned));
        self.write(move |tx| resource::patch(tx, workspace, kind, &id, tag.as_deref(), &request))
    }

    pub(crate) fn replace(
        &self,
        kind: Kind,
        id: &str,
        body: Document,
    ) -> Result<(Stored, bool), Error> {
        let (workspace, id) = (self.workspace, id.to_owned());
        self.write(move |tx| resource::replace(tx, workspace, kind, &id, None, &body))
    }

    pub(crate) fn delete(&self, kind: Kind, id: &str) -> Result<(), Error> {
        let (workspace, id) = (self.workspace, id.to_owned());
        self.write(move |tx| resource::delete(tx, workspace, kind, &id, None))
    }

    pub(crate) fn count(&self, kind: Kind) -> u64 {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| resource::count(tx, workspace, kind))
            .unwrap()
    }

    pub(crate) fn query(&self, kind: Kind, query: Query) -> Result<Page, Error> {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| resource::query(tx, workspace, kind, &query))
    }

    /// All parts of a list, from where the walk begins.
    pub(crate) fn walk(&self, kinds: &[Kind], mut walk: Walk) -> Vec<Stored> {
        let mut items = Vec::new();
        loop {
            let step = self.step(kinds, &walk).unwrap();
            items.extend(step.items);
            walk.total = Some(step.total);
            walk.after = step.next;
            if walk.after.is_none() {
                return items;
            }
        }
    }

    pub(crate) fn step(&self, kinds: &[Kind], walk: &Walk) -> Result<Step, Error> {
        let (workspace, kinds, walk) = (self.workspace, kinds.to_vec(), walk.clone());
        self.store
            .read_blocking(move |tx| resource::walk(tx, workspace, &kinds, &walk))
    }

    /// Labels of all matches.
    pub(crate) fn find(&self, kind: Kind, filter: &str) -> Vec<String> {
        let filter = Filter::parse(filter).unwrap();
        filter.check(standard(kind)).unwrap();
        let query = Query {
            filter: Some(filter),
            sort: None,
            start_index: 1,
            count: 1000,
        };
        let page = self.query(kind, query).unwrap();
        assert_eq!(page.total, page.items.len() as u64);
        page.items.iter().map(Stored::label).collect()
    }

    pub(crate) fn by_name(&self, kind: Kind, attribute: &str, name: &str) -> Stored {
        let filter = Filter::parse(&format!("{attribute} eq \"{name}\"")).unwrap();
        let query = Query {
            filter: Some(filter),
            sort: None,
            start_index: 1,
            count: 1,
        };
        self.query(kind, query).unwrap().items.remove(0)
    }

    pub(crate) fn feed(&self, after: i64) -> Vec<Change> {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| change::read(tx, workspace, after, 1000))
            .unwrap()
    }

    pub(crate) fn head(&self) -> i64 {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| change::head(tx, workspace))
            .unwrap()
    }

    /// Newest first.
    pub(crate) fn audit(&self) -> Vec<AuditEntry> {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| audit::list(tx, workspace, None, 1000))
            .unwrap()
    }

    pub(crate) fn member_rows(&self, rid: i64) -> Vec<membership::MemberRow> {
        let workspace = self.workspace;
        self.store
            .read_blocking(move |tx| membership::members(tx, workspace, rid, 0, 1000))
            .unwrap()
    }

    pub(crate) fn members(&self, rid: i64) -> Vec<String> {
        let workspace = self.workspace;
        let members = self
            .store
            .read_blocking(move |tx| membership::members(tx, workspace, rid, 0, 1000));
        members
            .unwrap()
            .into_iter()
            .map(|member| member.id)
            .collect()
    }

    pub(crate) fn groups_of(&self, rid: i64) -> Vec<(String, bool)> {
        let workspace = self.workspace;
        let groups = self
            .store
            .read_blocking(move |tx| membership::groups_of(tx, workspace, rid));
        groups
            .unwrap()
            .into_iter()
            .map(|group| (group.display, group.direct))
            .collect()
    }

    pub(crate) fn application(&self, name: &str) -> i64 {
        let (workspace, name) = (self.workspace, name.to_owned());
        self.write(move |tx| {
            let url = "https://target.example/scim";
            application::create(tx, workspace, &name, "custom", url, Some("hunter2"), "{}")
        })
        .unwrap()
        .key
    }
}
