//! Finding out by reading how a target wants to be spoken to. Nothing is written there, and what a target says about itself
//! counts less than what it does.

use crate::{
    connection::{self, Check, check, judge, random_guid},
    matching,
    target::{Answer, Exchange, Failure, ReadTarget},
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tenure_plan::{
    config::ObjectKind,
    dialect::{Dialect, MediaType, Request, Updates, list_request, match_request},
};

/// Most resources asked for at once.
const LARGE_PAGE: u32 = 1000;

/// What a target was found to want.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// The target answers as a SCIM service, so that the rest means something.
    pub passed: bool,
    /// One sentence for people.
    pub summary: String,
    /// The requests, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Where the target differs from the dialect that is configured.
    pub findings: Vec<Finding>,
    /// The configured dialect with the findings.
    pub dialect: Dialect,
}

/// A field of the dialect that should be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name within `dialect`.
    pub field: String,
    /// As configured.
    pub before: Value,
    /// As found.
    pub after: Value,
    /// What shows it.
    pub evidence: String,
}

/// Asks.
pub(crate) async fn probe(target: &ReadTarget) -> ProbeReport {
    let mut probe = Probe {
        target: target.clone(),
        learned: target.dialect().clone(),
        checks: Vec::new(),
        evidence: BTreeMap::new(),
        first_user: None,
    };
    let outcome = probe.run().await;
    probe.report(target.dialect(), &outcome)
}

struct Probe {
    target: ReadTarget,
    learned: Dialect,
    checks: Vec<Check>,
    evidence: BTreeMap<&'static str, String>,
    first_user: Option<Map<String, Value>>,
}

/// A page of a listing.
struct Page {
    resources: Vec<Map<String, Value>>,
    total: u64,
}

impl Probe {
    async fn run(&mut self) -> Result<(), Failure> {
        if let Some((check, result)) = connection::sign_in(&self.target).await {
            self.checks.push(check);
            result?;
        }
        let total = self.users().await?;
        self.filter().await;
        self.pages(total).await;
        self.first_index(total).await;
        self.groups().await;
        self.self_description().await;
        self.schemas().await;
        Ok(())
    }

    /// The first account, and how many there are.
    async fn users(&mut self) -> Result<u64, Failure> {
        let request = list_request(
            &self.learned,
            ObjectKind::User,
            self.learned.first_index,
            1,
            false,
        );
        let mut exchange = self.target.read(&request).await;
        if matches!(exchange.status(), Some(406 | 415))
            && self.learned.media_type == MediaType::Scim
        {
            self.note("List users", &exchange, None);
            let json = Dialect {
                media_type: MediaType::Json,
                ..self.learned.clone()
            };
            let other = self.target.speaking(json.clone());
            let again = other.read(&request).await;
            if again.result.is_ok() {
                self.evidence.insert(
                    "media_type",
                    "it refuses `application/scim+json` and answers to `application/json`"
                        .to_owned(),
                );
                (self.target, self.learned) = (other, json);
            }
            exchange = again;
        }
        let page = page(&exchange);
        self.note("List users", &exchange, page.as_ref().err());
        let page = page?;
        let says_text =
            |user: &Map<String, Value>| user.get("active").is_some_and(Value::is_string);
        if page.resources.iter().any(says_text) {
            self.learned.boolean_texts = true;
            self.evidence
                .insert("boolean_texts", "it shows `active` as a text".to_owned());
        }
        self.first_user = page.resources.into_iter().next();
        Ok(page.total)
    }

    /// A search for nobody has to find nobody, and one for somebody who is listed has to find that one.
    async fn filter(&mut self) {
        let request = match_request(&self.learned, ObjectKind::User, "userName", &random_guid());
        let exchange = self.target.read(&request).await;
        let mut verdict = judge(&exchange);
        self.note("Search for nobody", &exchange, verdict.as_ref().err());
        if verdict.is_ok() {
            verdict = self.filter_for_first().await;
        }
        match verdict {
            Ok(()) => self.learn_filters(true, "a search finds whom it should and nobody else"),
            // It said no, or something that is not true. Trouble of another kind proves nothing.
            Err(failure)
                if failure
                    .status
                    .is_some_and(|status| status < 500 && !matches!(status, 401 | 403 | 429))
                    || failure.is_status(501) =>
            {
                self.learn_filters(false, &failure.message);
            }
            Err(_) => {}
        }
    }

    async fn filter_for_first(&mut self) -> Result<(), Failure> {
        let known = self.first_user.as_ref().and_then(|user| {
            let name = user.get("userName")?.as_str()?;
            Some((matching::id_of(user).ok()?, name.to_owned()))
        });
        let Some((id, name)) = known else {
            return Ok(());
        };
        let request = match_request(&self.learned, ObjectKind::User, "userName", &name);
        let exchange = self.target.read(&request).await;
        let verdict = page(&exchange).and_then(|page| {
            let ids: Vec<_> = page
                .resources
                .iter()
                .filter_map(|one| matching::id_of(one).ok())
                .collect();
            if ids == [id] {
                Ok(())
            } else {
                Err(Failure::incompatible(
                    &format!(
                        "a search for a user who is listed finds {} others instead of that one",
                        ids.len()
                    ),
                    Some(200),
                ))
            }
        });
        self.note(
            "Search for a listed user",
            &exchange,
            verdict.as_ref().err(),
        );
        verdict
    }

    fn learn_filters(&mut self, filters: bool, evidence: &str) {
        self.learned.filters = filters;
        self.evidence.insert("filters", evidence.to_owned());
    }

    /// How many resources it gives at once.
    async fn pages(&mut self, total: u64) {
        let request = list_request(
            &self.learned,
            ObjectKind::User,
            self.learned.first_index,
            LARGE_PAGE,
            false,
        );
        let exchange = self.target.read(&request).await;
        let page = page(&exchange);
        self.note("List many users", &exchange, page.as_ref().err());
        let Ok(page) = page else { return };
        let given = u32::try_from(page.resources.len()).unwrap_or(u32::MAX);
        if given > 0 && u64::from(given) < total && given <= LARGE_PAGE {
            self.learned.page_size = given;
            self.evidence.insert(
                "page_size",
                format!("asked for {LARGE_PAGE} of {total} users, it gives {given}"),
            );
        }
    }

    /// A target that counts from 1 takes 0 as 1 (RFC 7644 section 3.4.2.4).
    async fn first_index(&mut self, total: u64) {
        if total < 2 {
            return;
        }
        let mut first = Vec::new();
        for index in [0, 1] {
            let request = list_request(&self.learned, ObjectKind::User, index, 1, false);
            let exchange = self.target.read(&request).await;
            let page = page(&exchange);
            self.note(
                &format!("List from index {index}"),
                &exchange,
                page.as_ref().err(),
            );
            let id = page
                .ok()
                .and_then(|page| matching::id_of(page.resources.first()?).ok());
            let Some(id) = id else { return };
            first.push(id);
        }
        let counts_from_0 = first.first() != first.last();
        self.learned.first_index = u64::from(!counts_from_0);
        self.evidence.insert(
            "first_index",
            if counts_from_0 {
                "index 0 and index 1 are different users".to_owned()
            } else {
                "index 0 and index 1 are the same user".to_owned()
            },
        );
    }

    async fn groups(&mut self) {
        let size = self.learned.page_size.min(100);
        let (first_index, mut asked) = (self.learned.first_index, self.learned.clone());
        for excludes in [true, false] {
            asked.excluded_attributes = excludes;
            let request = list_request(&asked, ObjectKind::Group, first_index, 1, false);
            let exchange = self.target.read(&request).await;
            let page = page(&exchange);
            self.note("List groups", &exchange, page.as_ref().err());
            match (page, exchange.status()) {
                (Ok(_), _) => {
                    self.learned.groups = true;
                    self.learned.excluded_attributes = excludes;
                    self.evidence.insert("groups", "it lists groups".to_owned());
                    self.evidence.insert(
                        "excluded_attributes",
                        if excludes {
                            "it takes `excludedAttributes`".to_owned()
                        } else {
                            "it lists groups only without `excludedAttributes`".to_owned()
                        },
                    );
                    break;
                }
                (Err(_), Some(404 | 501)) => {
                    self.learned.groups = false;
                    let evidence = "it has no `/Groups`".to_owned();
                    self.evidence.insert("groups", evidence);
                    return;
                }
                (Err(_), Some(400)) if excludes => {}
                (Err(_), _) => return,
            }
        }
        asked.shows_members = true;
        let request = list_request(&asked, ObjectKind::Group, first_index, size, true);
        let exchange = self.target.read(&request).await;
        let page = page(&exchange);
        self.note("List groups with members", &exchange, page.as_ref().err());
        let has_members = |group: &Map<String, Value>| matches!(group.get("members"), Some(Value::Array(members)) if !members.is_empty());
        if page.is_ok_and(|page| page.resources.iter().any(has_members)) {
            self.learned.shows_members = true;
            let evidence = "it shows members of groups".to_owned();
            self.evidence.insert("shows_members", evidence);
        }
    }

    /// Only what it says it cannot do is believed.
    async fn self_description(&mut self) {
        let exchange = self.read("ServiceProviderConfig").await;
        let Ok(Answer {
            document: Some(body),
            ..
        }) = &exchange.result
        else {
            return self.note("ServiceProviderConfig", &exchange, None);
        };
        if body.get("patch").and_then(|patch| patch.get("supported")) == Some(&Value::Bool(false)) {
            for field in ["user_updates", "group_updates"] {
                let evidence = "its ServiceProviderConfig says that it has no PATCH".to_owned();
                self.evidence.insert(field, evidence);
            }
            self.learned.user_updates = Updates::Put;
            self.learned.group_updates = Updates::Put;
        }
        let most = body
            .get("filter")
            .and_then(|filter| filter.get("maxResults"))
            .and_then(Value::as_u64)
            .and_then(|most| u32::try_from(most).ok());
        if let Some(most) = most.filter(|most| (1..self.learned.page_size).contains(most)) {
            self.learned.page_size = most;
            let evidence = format!("its ServiceProviderConfig says that it gives at most {most}");
            self.evidence.insert("page_size", evidence);
        }
        self.note("ServiceProviderConfig", &exchange, None);
    }

    /// Whether it says that accounts can be disabled. Deleting instead is for people to decide.
    async fn schemas(&mut self) {
        let mut exchange = self.read("Schemas").await;
        let lists_users = |schema: &&Map<String, Value>| {
            schema.get("id").and_then(Value::as_str)
                == Some("urn:ietf:params:scim:schemas:core:2.0:User")
        };
        let listed = page(&exchange)
            .map(|page| page.resources)
            .unwrap_or_default();
        let attributes = listed
            .iter()
            .find(lists_users)
            .and_then(|schema| schema.get("attributes")?.as_array());
        let is_active =
            |attribute: &Value| attribute.get("name").and_then(Value::as_str) == Some("active");
        let lacks_active = attributes.is_some_and(|all| !all.iter().any(is_active));
        if lacks_active && self.learned.soft_delete {
            exchange.result = Err(Failure::incompatible(
                "its users have no `active`, so that disabling them may do nothing; soft_delete: false deletes accounts instead",
                Some(200),
            ));
        }
        self.note("Schemas", &exchange, None);
    }

    async fn read(&self, path: &str) -> Exchange {
        self.target.read(&Request::get(path.to_owned())).await
    }

    fn note(&mut self, name: &str, exchange: &Exchange, failure: Option<&Failure>) {
        let failure = failure.or(exchange.result.as_ref().err());
        let detail =
            failure.map_or_else(|| "answered".to_owned(), |failure| failure.message.clone());
        self.checks
            .push(check(name.to_owned(), failure.is_none(), detail, exchange));
    }

    fn report(self, present: &Dialect, outcome: &Result<(), Failure>) -> ProbeReport {
        let fields = |dialect: &Dialect| serde_json::to_value(dialect).unwrap_or_default();
        let (before, after) = (fields(present), fields(&self.learned));
        let findings: Vec<Finding> = self
            .evidence
            .iter()
            .filter(|(field, _)| before.get(**field) != after.get(**field))
            .map(|(field, evidence)| Finding {
                field: (*field).to_owned(),
                before: before.get(*field).cloned().unwrap_or_default(),
                after: after.get(*field).cloned().unwrap_or_default(),
                evidence: evidence.clone(),
            })
            .collect();
        let summary = match (outcome, findings.len()) {
            (Err(failure), _) => failure.message.clone(),
            (Ok(()), 0) => "The target is as its dialect says.".to_owned(),
            (Ok(()), 1) => "The target differs from its dialect in one point.".to_owned(),
            (Ok(()), count) => format!("The target differs from its dialect in {count} points."),
        };
        ProbeReport {
            passed: outcome.is_ok(),
            summary,
            checks: self.checks,
            findings,
            dialect: self.learned,
        }
    }
}

fn page(exchange: &Exchange) -> Result<Page, Failure> {
    let body = match &exchange.result {
        Ok(answer) => answer.document.clone().unwrap_or_default(),
        Err(failure) => return Err(failure.clone()),
    };
    let total = body.get("totalResults").and_then(Value::as_u64);
    let resources = matching::resources(body)?;
    let count = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    Ok(Page {
        resources,
        total: total.unwrap_or(count),
    })
}
