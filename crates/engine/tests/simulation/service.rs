//! A SCIM service that is correct, with an index that may lag behind.

use crate::network::Request;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};
use tenure_scim::{
    filter::Filter,
    patch::{self, MemberChange},
    schema::SchemaSet,
};
use tokio::time::Instant;

/// Longest time for which a search does not see a write.
pub(crate) const LAG_AT_MOST: Duration = Duration::from_mins(5);

pub(crate) type Resources = BTreeMap<String, Map<String, Value>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) users: Resources,
    pub(crate) groups: Resources,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) now: Content,
    /// Refuses a second account with the same name.
    pub(crate) is_unique: bool,
    /// How long searches do not see a write.
    pub(crate) lag: Duration,
    /// Nobody of the directory: an account that only this service knows, and must not be touched.
    pub(crate) strangers: Resources,
    /// Accounts whose creation is always refused.
    pub(crate) poison: Option<String>,
    /// Accounts that lost access since somebody last looked.
    pub(crate) losses: Vec<String>,
    /// What was there, when, newest last.
    past: Vec<(Instant, Content)>,
    made: u32,
    /// Requests that were to change something.
    pub(crate) writes: u64,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn scim(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/scim+json",
            retry_after_s: None,
            body: body.to_string().into_bytes(),
        }
    }

    fn nothing() -> Self {
        Self {
            body: Vec::new(),
            ..Self::scim(204, &Value::Null)
        }
    }

    pub(crate) fn error(status: u16, detail: &str) -> Self {
        let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
        Self::scim(
            status,
            &json!({ "schemas": [schema], "status": status.to_string(), "detail": detail }),
        )
    }

    pub(crate) fn page() -> Self {
        Self {
            content_type: "text/html",
            body: b"<html>Sign in</html>".to_vec(),
            ..Self::scim(200, &Value::Null)
        }
    }

    /// Only the first half arrives.
    pub(crate) fn cut(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }
}

impl Service {
    pub(crate) fn new(is_unique: bool, lag: Duration, strangers: Resources) -> Self {
        Self {
            now: Content {
                users: strangers.clone(),
                groups: BTreeMap::new(),
            },
            is_unique,
            lag,
            strangers,
            poison: None,
            losses: Vec::new(),
            past: Vec::new(),
            made: 0,
            writes: 0,
        }
    }

    /// As a search would be answered that does not see the last write.
    pub(crate) fn stale(&mut self, request: &Request) -> Answer {
        match self.past.last() {
            // No index lags behind for ever.
            Some((at, before)) if request.filter.is_some() && at.elapsed() < self.lag => {
                search(before, request)
            }
            _ => self.answer(request),
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        if request.method == "GET" {
            return self.read(request);
        }
        self.writes += 1;
        self.past.push((Instant::now(), self.now.clone()));
        if self.past.len() > 50 {
            self.past.remove(0);
        }
        let answer = self.write(request);
        for (id, stranger) in &self.strangers {
            assert_eq!(
                self.now.users.get(id),
                Some(stranger),
                "{request:?} changed somebody's account that is not managed"
            );
        }
        answer
    }

    fn read(&self, request: &Request) -> Answer {
        if let Some((collection, id)) = request.path.split_once('/') {
            let resources = self.now.collection(collection);
            return match resources.and_then(|resources| resources.get(id)) {
                Some(resource) => Answer::scim(200, &Value::Object(resource.clone())),
                None => Answer::error(404, "no such resource"),
            };
        }
        // A search reads an index that lags behind, a listing does not.
        let lag = match request.filter {
            Some(_) => self.lag,
            None => Duration::ZERO,
        };
        let seen = Instant::now().checked_sub(lag);
        // The state at that moment is what the first write after it replaced.
        let content = self
            .past
            .iter()
            .find(|(at, _)| seen.is_none_or(|seen| *at > seen))
            .map_or(&self.now, |(_, content)| content);
        search(content, request)
    }

    fn write(&mut self, request: &Request) -> Answer {
        let (collection, id) = match request.path.split_once('/') {
            Some((collection, id)) => (collection, Some(id)),
            None => (request.path.as_str(), None),
        };
        let is_user = collection == "Users";
        let Some(resources) = self.now.collection_mut(collection) else {
            return Answer::error(404, "no such endpoint");
        };
        match (request.method.as_str(), id) {
            ("POST", None) => {
                let name = if is_user { "userName" } else { "displayName" };
                let wanted = request.body.get(name).cloned().unwrap_or_default();
                if self.poison.as_deref() == wanted.as_str() {
                    return Answer::error(400, "not this one");
                }
                let is_taken = resources
                    .values()
                    .any(|resource| resource.get(name) == Some(&wanted));
                if is_taken && self.is_unique {
                    return Answer::error(409, "the name is taken");
                }
                let id = format!("t{}", self.made);
                self.made += 1;
                let mut resource = request.body.clone();
                resource.insert("id".to_owned(), id.clone().into());
                resources.insert(id, resource.clone());
                Answer::scim(201, &Value::Object(resource))
            }
            ("PATCH", Some(id)) => match resources.get_mut(id) {
                None => Answer::error(404, "no such resource"),
                Some(resource) => {
                    let was_active = is_active(resource);
                    change(is_user, id, resource, &request.body);
                    if is_user && was_active && !is_active(resource) {
                        self.losses.push(id.to_owned());
                    }
                    Answer::nothing()
                }
            },
            ("PUT", Some(id)) => match resources.get_mut(id) {
                None => Answer::error(404, "no such resource"),
                Some(resource) => {
                    let was_active = is_active(resource);
                    resource.clone_from(&request.body);
                    resource.insert("id".to_owned(), id.into());
                    if is_user && was_active && !is_active(resource) {
                        self.losses.push(id.to_owned());
                    }
                    Answer::scim(200, &Value::Object(resource.clone()))
                }
            },
            ("DELETE", Some(id)) => match resources.remove(id) {
                None => Answer::error(404, "no such resource"),
                Some(resource) => {
                    // Who has lost access already loses nothing more.
                    if !is_user || is_active(&resource) {
                        self.losses.push(id.to_owned());
                    }
                    let gone = vec![id.to_owned()];
                    for group in self.now.groups.values_mut() {
                        change_members(group, MemberChange::Remove(gone.clone()));
                    }
                    Answer::nothing()
                }
            },
            _ => Answer::error(405, "not here"),
        }
    }
}

pub(crate) fn is_active(resource: &Map<String, Value>) -> bool {
    resource.get("active") == Some(&Value::Bool(true))
}

impl Content {
    fn collection(&self, name: &str) -> Option<&Resources> {
        match name {
            "Users" => Some(&self.users),
            "Groups" => Some(&self.groups),
            _ => None,
        }
    }

    fn collection_mut(&mut self, name: &str) -> Option<&mut Resources> {
        match name {
            "Users" => Some(&mut self.users),
            "Groups" => Some(&mut self.groups),
            _ => None,
        }
    }

    /// All accounts with a name.
    pub(crate) fn named(&self, user_name: &str) -> Vec<&Map<String, Value>> {
        self.users
            .values()
            .filter(|user| user.get("userName").and_then(Value::as_str) == Some(user_name))
            .collect()
    }

    /// Sorted user names of the members of a group; `None`: no such group, `Err`: several.
    pub(crate) fn members(&self, display_name: &str) -> Vec<Vec<String>> {
        self.groups
            .values()
            .filter(|group| group.get("displayName").and_then(Value::as_str) == Some(display_name))
            .map(|group| {
                let members = group.get("members").and_then(Value::as_array);
                let mut names: Vec<String> = members
                    .into_iter()
                    .flatten()
                    .map(|member| {
                        let id = member["value"].as_str().unwrap();
                        let user = self.users.get(id);
                        user.map_or_else(
                            || format!("nobody {id}"),
                            |user| user["userName"].as_str().unwrap().to_owned(),
                        )
                    })
                    .collect();
                names.sort();
                names
            })
            .collect()
    }
}

fn search(content: &Content, request: &Request) -> Answer {
    let Some(resources) = content.collection(&request.path) else {
        return Answer::error(404, "no such endpoint");
    };
    let resource_type = resource_type(request.path == "Users");
    let filter = request
        .filter
        .as_deref()
        .map(|filter| Filter::parse(filter).unwrap());
    let found: Vec<Value> = resources
        .values()
        .filter(|resource| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.matches(resource_type, resource))
        })
        .map(|resource| Value::Object(resource.clone()))
        .collect();
    let page: Vec<&Value> = found
        .iter()
        .skip(request.start_index.saturating_sub(1))
        .take(request.count.unwrap_or(100).min(5))
        .collect();
    let schema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    Answer::scim(
        200,
        &json!({
            "schemas": [schema], "totalResults": found.len(), "startIndex": request.start_index,
            "itemsPerPage": page.len(), "Resources": page,
        }),
    )
}

fn resource_type(is_user: bool) -> &'static tenure_scim::schema::ResourceType {
    if is_user {
        SchemaSet::user()
    } else {
        SchemaSet::group()
    }
}

fn change(is_user: bool, id: &str, resource: &mut Map<String, Value>, body: &Map<String, Value>) {
    let resource_type = resource_type(is_user);
    let request = patch::parse(resource_type, body).unwrap();
    patch::apply(resource_type, id, resource, &request.operations).unwrap();
    for members in request.members {
        change_members(resource, members);
    }
}

fn change_members(resource: &mut Map<String, Value>, change: MemberChange) {
    let members = resource
        .entry("members")
        .or_insert_with(|| json!([]))
        .as_array_mut()
        .unwrap();
    match change {
        MemberChange::Add(added) => {
            for member in added {
                members.retain(|present| present["value"] != member.value);
                members.push(json!({ "value": member.value }));
            }
        }
        MemberChange::Remove(removed) => {
            members.retain(|present| !removed.iter().any(|id| present["value"] == *id));
        }
        other => panic!("not sent by the engine: {other:?}"),
    }
}
