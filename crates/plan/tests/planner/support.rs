//! One object in its ordinary state, to be varied by the tests.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tenure_plan::{
    ApplicationConfig, Facts, Operation, Outcome, Planned, compile,
    config::{Clause, Mapping, ObjectKind, ScopingFilter, Source},
    facts::{Entitlement, Found, Link, SourceObject},
    gallery::template,
    plan,
};

pub(crate) const MANAGER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// Everything that decides a plan, with the ordinary case as default: Ada, active, assigned, not linked.
pub(crate) struct Setup {
    pub(crate) config: ApplicationConfig,
    pub(crate) kind: ObjectKind,
    pub(crate) source: Option<Value>,
    pub(crate) entitlement: Entitlement,
    pub(crate) link: Option<Link>,
    pub(crate) found: Option<Found>,
    pub(crate) chosen: Option<BTreeMap<String, Option<String>>>,
}

impl Setup {
    pub(crate) fn user() -> Self {
        let mut config = template("custom").unwrap().config;
        config.users.mappings.retain(|mapping| {
            [
                "userName",
                "displayName",
                "active",
                "title",
                "emails[type eq \"work\"].value",
                MANAGER,
            ]
            .contains(&mapping.target.as_str())
        });
        Self {
            config,
            kind: ObjectKind::User,
            source: Some(
                json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true }),
            ),
            entitlement: Entitlement {
                direct: true,
                via_groups: Vec::new(),
            },
            link: None,
            found: None,
            chosen: None,
        }
    }

    pub(crate) fn group() -> Self {
        Self {
            kind: ObjectKind::Group,
            source: Some(json!({ "displayName": "Sales", "externalId": "g-7" })),
            ..Self::user()
        }
    }

    /// Linked to `t-1`, which has what the source has.
    pub(crate) fn linked() -> Self {
        Self::user().link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true }),
        )
    }

    pub(crate) fn link(mut self, managed: bool, known: Value) -> Self {
        self.link = Some(Link {
            target_id: "t-1".to_owned(),
            known: map(known),
            managed,
            fresh: false,
        });
        self
    }

    pub(crate) fn unmanaged(mut self) -> Self {
        self.link.as_mut().unwrap().managed = false;
        self
    }

    pub(crate) fn source(mut self, name: &str, value: Value) -> Self {
        self.source.as_mut().unwrap()[name] = value;
        self
    }

    pub(crate) fn deleted(self) -> Self {
        Self {
            source: None,
            ..self
        }
    }

    pub(crate) fn unassigned(self) -> Self {
        Self {
            entitlement: Entitlement::default(),
            ..self
        }
    }

    pub(crate) fn found(self, found: Found) -> Self {
        Self {
            found: Some(found),
            ..self
        }
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut ApplicationConfig)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn map_title(self, text: &str) -> Self {
        let source = Source::Expression(text.to_owned());
        self.config(|config| title(config).source = source)
    }

    pub(crate) fn plan(&self) -> Planned {
        let compiled = compile(&self.config).unwrap();
        let source = self.source.clone().map(|document| SourceObject {
            id: "s-1".to_owned(),
            document: map(document),
        });
        let facts = Facts {
            kind: self.kind,
            source_id: "s-1",
            source: source.as_ref(),
            entitlement: &self.entitlement,
            link: self.link.as_ref(),
            found: self.found.as_ref(),
            chosen: self.chosen.as_ref(),
            references: &|id| (id == "s-boss").then(|| "t-boss".to_owned()),
            now_us: 0,
            seed: "app_1 s-1",
        };
        plan(&compiled, &facts)
    }

    /// The outcome in one line.
    #[track_caller]
    pub(crate) fn check(&self, wanted: &str) {
        assert_eq!(summary(&self.plan().outcome), wanted);
    }

    #[track_caller]
    pub(crate) fn operation(&self) -> Operation {
        match self.plan().outcome {
            Outcome::Operation(operation) => *operation,
            other => panic!("no operation: {other:?}"),
        }
    }
}

pub(crate) fn title(config: &mut ApplicationConfig) -> &mut Mapping {
    config
        .users
        .mappings
        .iter_mut()
        .find(|mapping| mapping.target == "title")
        .unwrap()
}

pub(crate) fn summary(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Match(queries) => format!("match {queries:?}"),
        Outcome::Choose(open) => {
            let open: Vec<String> = open
                .iter()
                .map(|one| format!("{} of {:?}", one.attribute, one.values))
                .collect();
            format!("choose {}", open.join("; "))
        }
        Outcome::Operation(operation) => {
            let show =
                |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
            let changes: Vec<String> = operation
                .changes
                .iter()
                .map(|change| {
                    format!(
                        "{} {}>{}",
                        change.attribute,
                        show(&change.before),
                        show(&change.after)
                    )
                })
                .collect();
            let target = operation.target_id.as_deref().unwrap_or("new");
            let end = if operation.unmanage_after {
                ", then unmanaged"
            } else {
                ""
            };
            let parts = if changes.is_empty() {
                String::new()
            } else {
                format!(": {}", changes.join("; "))
            };
            format!("{:?} {target}{parts}{end}", operation.action)
        }
        Outcome::Skip {
            code,
            unmanage,
            link,
            ..
        } => {
            let unmanage = if *unmanage { ", unmanaged" } else { "" };
            let link = link
                .as_ref()
                .map_or(String::new(), |(id, _)| format!(", link {id}"));
            format!("skip {code}{unmanage}{link}")
        }
        Outcome::Fail { code, .. } => format!("fail {code}"),
    }
}

pub(crate) fn one(document: Value) -> Found {
    Found::One {
        id: "t-5".to_owned(),
        document: map(document),
        attribute: "userName".to_owned(),
    }
}

pub(crate) const NOT_ENTITLED: &str = "skip NotEffectivelyEntitled";

pub(crate) const SKIPPED: &str = "skip EntrySynchronizationSkipped";

pub(crate) fn only_sales(config: &mut ApplicationConfig) {
    let clause = Clause {
        attribute: "department".to_owned(),
        operator: "EQUALS".to_owned(),
        value: Some("Sales".to_owned()),
    };
    config.users.filters.push(ScopingFilter {
        title: "Sales people".to_owned(),
        clauses: vec![clause],
    });
}
