//! The directory, random changes to it, and what a target must look like after them.

use crate::{dice::Dice, network::Network, service::Service};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tenure_scim::{patch, patch::MemberRef, schema::SchemaSet};
use tenure_store::{
    Actor, Error, Kind, Store, Tx, WorkspaceId,
    resource::{self, Stored},
};

struct Person {
    stored: Stored,
    /// `userName` without its domain.
    name: String,
    display_name: String,
    active: bool,
}

struct Group {
    stored: Stored,
    members: BTreeSet<u32>,
}

pub(crate) struct Directory {
    store: Store,
    workspace: WorkspaceId,
    dice: Dice,
    network: Network,
    people: BTreeMap<u32, Person>,
    groups: BTreeMap<String, Group>,
    /// Names that somebody had.
    free: Vec<String>,
    /// Names that somebody has or had.
    used: BTreeSet<String>,
    made: u32,
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

pub(crate) fn user_name(name: &str) -> String {
    format!("{name}@example.org")
}

impl Directory {
    pub(crate) fn new(store: Store, workspace: WorkspaceId, dice: Dice, network: Network) -> Self {
        Self {
            store,
            workspace,
            dice,
            network,
            people: BTreeMap::new(),
            groups: BTreeMap::new(),
            free: Vec::new(),
            used: BTreeSet::new(),
            made: 0,
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.write(Actor::system(), f).await.unwrap()
    }

    pub(crate) async fn add(&mut self, name: String) {
        self.network.tell(|| format!("+ {name}"));
        let document = object(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name(&name), "displayName": name, "active": true,
            "emails": [{ "type": "work", "value": user_name(&name), "primary": true }],
        }));
        let workspace = self.workspace;
        let stored = self
            .write(move |tx| resource::create(tx, workspace, Kind::User, &document, &[]))
            .await;
        self.used.insert(name.clone());
        let person = Person {
            stored,
            display_name: name.clone(),
            name,
            active: true,
        };
        self.people.insert(self.made, person);
        self.made += 1;
    }

    pub(crate) async fn add_group(&mut self, name: &str) {
        self.network.tell(|| format!("+ group {name}"));
        let schema = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let document = object(json!({ "schemas": [schema], "displayName": name }));
        let workspace = self.workspace;
        let none: Vec<MemberRef> = Vec::new();
        let stored = self
            .write(move |tx| resource::create(tx, workspace, Kind::Group, &document, &none))
            .await;
        let group = Group {
            stored,
            members: BTreeSet::new(),
        };
        self.groups.insert(name.to_owned(), group);
    }

    async fn patch(&self, stored: &Stored, operation: Value) {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = object(json!({ "schemas": [schema], "Operations": [operation] }));
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

    async fn replace(&self, stored: &Stored, path: &str, value: Value) {
        self.network
            .tell(|| format!("~ {} {path} = {value}", stored.id));
        self.patch(
            stored,
            json!({ "op": "replace", "path": path, "value": value }),
        )
        .await;
    }

    async fn delete(&self, stored: &Stored) {
        let (workspace, kind, id) = (self.workspace, stored.kind, stored.id.clone());
        self.write(move |tx| resource::delete(tx, workspace, kind, &id, None))
            .await;
    }

    /// Something happens. The first person always stays: an empty directory alone would hold everything.
    pub(crate) async fn change(&mut self) {
        let keys: Vec<u32> = self.people.keys().copied().skip(1).collect();
        let somebody = self.dice.pick(&keys).copied();
        let what = self.dice.roll(14);
        match (what, somebody) {
            (0..=2, _) | (_, None) => self.add(format!("person{}", self.made)).await,
            (3 | 4, Some(key)) => {
                let display_name = format!("{} {}", self.people[&key].name, self.dice.roll(1000));
                self.replace(
                    &self.people[&key].stored,
                    "displayName",
                    json!(display_name),
                )
                .await;
                self.people.get_mut(&key).unwrap().display_name = display_name;
            }
            (5 | 6, Some(key)) => {
                let active = !self.people[&key].active;
                self.replace(&self.people[&key].stored, "active", json!(active))
                    .await;
                self.people.get_mut(&key).unwrap().active = active;
            }
            (7 | 8, Some(key)) => self.leave(key).await,
            (9, Some(key)) => self.rename(key).await,
            (10, _) => match self.free.pop() {
                Some(name) => self.add(name).await,
                None => self.add(format!("person{}", self.made)).await,
            },
            (11, _) if self.dice.one_in(3) => self.change_groups().await,
            (_, Some(key)) => self.join_or_part(key).await,
        }
    }

    async fn leave(&mut self, key: u32) {
        let person = self.people.remove(&key).unwrap();
        self.network.tell(|| format!("- {}", person.name));
        self.delete(&person.stored).await;
        for group in self.groups.values_mut() {
            group.members.remove(&key);
        }
        self.free.push(person.name);
    }

    async fn rename(&mut self, key: u32) {
        let name = format!("renamed{}", self.made);
        self.made += 1;
        let stored = &self.people[&key].stored;
        self.replace(stored, "userName", json!(user_name(&name)))
            .await;
        self.used.insert(name.clone());
        let person = self.people.get_mut(&key).unwrap();
        self.free.push(std::mem::replace(&mut person.name, name));
    }

    async fn change_groups(&mut self) {
        let name = format!("group{}", self.dice.roll(3));
        match self.groups.remove(&name) {
            None => self.add_group(&name).await,
            Some(group) => {
                self.network.tell(|| format!("- group {name}"));
                self.delete(&group.stored).await;
            }
        }
    }

    async fn join_or_part(&mut self, key: u32) {
        let names: Vec<String> = self.groups.keys().cloned().collect();
        let Some(name) = self.dice.pick(&names) else {
            return;
        };
        let (group, id) = (&self.groups[name], &self.people[&key].stored.id);
        let is_member = group.members.contains(&key);
        let operation = if is_member {
            json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })
        } else {
            json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
        };
        self.network.tell(|| {
            let verb = if is_member { "leaves" } else { "joins" };
            format!("~ {} {verb} {name}", self.people[&key].name)
        });
        self.patch(&group.stored, operation).await;
        let members = &mut self.groups.get_mut(name).unwrap().members;
        if is_member {
            members.remove(&key);
        } else {
            members.insert(key);
        }
    }

    /// Who has this `userName` now.
    pub(crate) fn rid(&self, wanted: &str) -> Option<i64> {
        let mut people = self.people.values();
        let found = people.find(|person| user_name(&person.name) == wanted);
        found.map(|person| person.stored.rid)
    }

    /// What must hold when it is quiet: everybody has what the directory says, once, and nobody else has anything.
    /// `earlier`: accounts that were there before provisioning began.
    pub(crate) fn check(&self, service: &Service, earlier: &BTreeMap<String, Map<String, Value>>) {
        // Who is not active does not take over an account.
        let is_left = |person: &Person, account: &Map<String, Value>| {
            let id = account["id"].as_str().unwrap();
            !person.active && earlier.get(id) == Some(account)
        };
        let poisoned = |name: &str| service.poison.as_deref() == Some(&*user_name(name));
        for person in self
            .people
            .values()
            .filter(|person| !poisoned(&person.name))
        {
            let accounts = service.now.named(&user_name(&person.name));
            match accounts.as_slice() {
                // Who is not active never gets an account in the first place.
                [] => assert!(!person.active, "{} has no account", person.name),
                [account] => {
                    if !is_left(person, account) {
                        let shown = (account["active"].as_bool(), account["displayName"].as_str());
                        let wanted = (Some(person.active), Some(&*person.display_name));
                        assert_eq!(shown, wanted, "{}", person.name);
                    }
                }
                several => panic!("{} has {} accounts", person.name, several.len()),
            }
        }
        let living: BTreeSet<String> = self
            .people
            .values()
            .map(|person| user_name(&person.name))
            .collect();
        for (id, account) in &service.now.users {
            let name = account["userName"].as_str().unwrap();
            let is_strange = service.strangers.contains_key(id) || earlier.contains_key(id);
            assert!(is_strange || living.contains(name), "{name} is still there");
        }
        for (id, account) in earlier {
            let name = account["userName"].as_str().unwrap();
            if !self.used.contains(name.trim_end_matches("@example.org")) {
                assert_eq!(
                    service.now.users.get(id),
                    Some(account),
                    "{name} was touched"
                );
            }
        }
        for (name, group) in &self.groups {
            let mut expected: Vec<String> = group
                .members
                .iter()
                .map(|key| &self.people[key])
                .filter(|person| !poisoned(&person.name))
                .filter(|person| {
                    let accounts = service.now.named(&user_name(&person.name));
                    accounts.iter().any(|account| !is_left(person, account))
                })
                .map(|person| user_name(&person.name))
                .collect();
            expected.sort();
            let mut members = service.now.members(name);
            for members in &mut members {
                // Nobody waits until the last attempt at whom the service never accepts.
                members.retain(|name| service.poison.as_ref() != Some(name));
            }
            assert_eq!(members, vec![expected], "members of {name}");
        }
        assert_eq!(
            service.now.groups.len(),
            self.groups.len(),
            "{:?}",
            service.now.groups
        );
    }
}
