//! What happens to one object: the event table, matching, nulls, references, determinism.

use serde_json::{Map, Value, json};
use tenure_plan::{
    Action, ApplicationConfig, Facts, Operation, Outcome, Planned, compile,
    config::{Apply, Clause, Mapping, ObjectKind, Scope, ScopingFilter, Source},
    facts::{Entitlement, Found, Link, SourceObject},
    gallery::template,
    member_operation, plan,
};

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// Everything that decides a plan, with the ordinary case as default: Ada, active, assigned, not linked.
struct Setup {
    config: ApplicationConfig,
    kind: ObjectKind,
    source: Option<Value>,
    entitlement: Entitlement,
    link: Option<Link>,
    found: Option<Found>,
}

impl Setup {
    fn user() -> Self {
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
        }
    }

    fn group() -> Self {
        Self {
            kind: ObjectKind::Group,
            source: Some(json!({ "displayName": "Sales", "externalId": "g-7" })),
            ..Self::user()
        }
    }

    /// Linked to `t-1`, which has what the source has.
    fn linked() -> Self {
        Self::user().link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true }),
        )
    }

    fn link(mut self, managed: bool, known: Value) -> Self {
        self.link = Some(Link {
            target_id: "t-1".to_owned(),
            known: map(known),
            managed,
        });
        self
    }

    fn unmanaged(mut self) -> Self {
        self.link.as_mut().unwrap().managed = false;
        self
    }

    fn source(mut self, name: &str, value: Value) -> Self {
        self.source.as_mut().unwrap()[name] = value;
        self
    }

    fn deleted(self) -> Self {
        Self {
            source: None,
            ..self
        }
    }

    fn unassigned(self) -> Self {
        Self {
            entitlement: Entitlement::default(),
            ..self
        }
    }

    fn found(self, found: Found) -> Self {
        Self {
            found: Some(found),
            ..self
        }
    }

    fn config(mut self, change: impl FnOnce(&mut ApplicationConfig)) -> Self {
        change(&mut self.config);
        self
    }

    fn map_title(self, text: &str) -> Self {
        let source = Source::Expression(text.to_owned());
        self.config(|config| title(config).source = source)
    }

    fn plan(&self) -> Planned {
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
            references: &|id| (id == "s-boss").then(|| "t-boss".to_owned()),
            now_us: 0,
        };
        plan(&compiled, &facts)
    }

    /// The outcome in one line.
    #[track_caller]
    fn check(&self, wanted: &str) {
        assert_eq!(summary(&self.plan().outcome), wanted);
    }

    #[track_caller]
    fn operation(&self) -> Operation {
        match self.plan().outcome {
            Outcome::Operation(operation) => *operation,
            other => panic!("no operation: {other:?}"),
        }
    }
}

fn title(config: &mut ApplicationConfig) -> &mut Mapping {
    config
        .users
        .mappings
        .iter_mut()
        .find(|mapping| mapping.target == "title")
        .unwrap()
}

fn summary(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Match(queries) => format!("match {queries:?}"),
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

fn one(document: Value) -> Found {
    Found::One {
        id: "t-5".to_owned(),
        document: map(document),
        attribute: "userName".to_owned(),
    }
}

const NOT_ENTITLED: &str = "skip NotEffectivelyEntitled";
const SKIPPED: &str = "skip EntrySynchronizationSkipped";
const DISABLE: &str = "Disable t-1: active true>false";

fn no_soft_delete(config: &mut ApplicationConfig) {
    config.dialect.soft_delete = false;
}

fn only_sales(config: &mut ApplicationConfig) {
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

#[test]
fn leaving_scope_disables_once() {
    Setup::linked()
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked()
        .config(only_sales)
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked().unassigned().unmanaged().check(NOT_ENTITLED);
    Setup::linked()
        .unassigned()
        .link(true, json!({ "active": false }))
        .check("skip RedundantExport, unmanaged");
    Setup::user().unassigned().check(NOT_ENTITLED);
    Setup::linked()
        .unassigned()
        .config(|config| config.skip_out_of_scope_deletions = true)
        .check("skip NotEffectivelyEntitled, unmanaged");
    Setup::linked()
        .unassigned()
        .config(|config| config.users.actions.update = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
    Setup::linked()
        .unassigned()
        .config(|config| {
            config
                .users
                .mappings
                .retain(|mapping| mapping.target != "active")
        })
        .check("skip EntrySynchronizationSkipped, unmanaged");
    Setup::linked()
        .unassigned()
        .config(no_soft_delete)
        .check("Delete t-1");
    Setup::linked()
        .unassigned()
        .config(no_soft_delete)
        .config(|config| config.users.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
}

#[test]
fn scope_all_needs_no_assignment() {
    Setup::linked()
        .unassigned()
        .config(|config| config.scope = Scope::All)
        .check("skip RedundantExport");
    let via = Entitlement {
        direct: false,
        via_groups: vec!["Sales".to_owned()],
    };
    Setup {
        entitlement: via,
        ..Setup::linked()
    }
    .check("skip RedundantExport");
}

#[test]
fn a_direct_mapping_of_active_disables_too() {
    let direct = |config: &mut ApplicationConfig| {
        let active = config
            .users
            .mappings
            .iter_mut()
            .find(|mapping| mapping.target == "active")
            .unwrap();
        active.source = Source::Attribute("accountEnabled".to_owned());
    };
    Setup::linked()
        .unassigned()
        .config(direct)
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked()
        .source("active", json!(false))
        .config(direct)
        .check(DISABLE);
    Setup::linked().config(direct).check("skip RedundantExport");
}

#[test]
fn inactive_people() {
    let inactive = |setup: Setup| setup.source("active", json!(false));
    inactive(Setup::linked()).check(DISABLE);
    inactive(Setup::linked())
        .source("title", json!("Chef"))
        .check("Disable t-1: active true>false; title ->\"Chef\"");
    inactive(Setup::user()).check(NOT_ENTITLED);
    inactive(Setup::user())
        .found(one(json!({ "userName": "ada@x.example" })))
        .check(NOT_ENTITLED);
    inactive(Setup::linked()).unmanaged().check(NOT_ENTITLED);
    inactive(Setup::linked())
        .config(no_soft_delete)
        .check("Delete t-1");
    inactive(Setup::linked())
        .link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": "False" }),
        )
        .check("skip RedundantExport");
    // A change of name while inactive is an ordinary update.
    inactive(Setup::linked())
        .link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada", "active": false }),
        )
        .check("Update t-1: displayName \"Ada\">\"Ada Okafor\"");
}

#[test]
fn a_broken_mapping_does_not_keep_access() {
    let broken = |setup: Setup| setup.map_title("Error(\"no title\")");
    broken(Setup::linked()).check("fail MappingEvaluationFailed");
    broken(Setup::linked())
        .source("active", json!(false))
        .check(DISABLE);
    broken(Setup::linked())
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
}

#[test]
fn a_missing_active_counts_as_true() {
    let mut setup = Setup::linked();
    setup
        .source
        .as_mut()
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("active");
    setup.check("skip RedundantExport");
}

#[test]
fn deleted_in_the_source() {
    Setup::linked().deleted().check("Delete t-1");
    assert_eq!(
        Setup::linked().deleted().operation().display_name,
        "Ada Okafor"
    );
    Setup::linked().deleted().unmanaged().check(SKIPPED);
    Setup::user().deleted().check(SKIPPED);
    Setup::linked()
        .deleted()
        .config(|config| config.users.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
}

#[test]
fn coming_back_into_scope() {
    Setup::linked()
        .link(
            false,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": false }),
        )
        .check("Update t-1: active false>true");
    Setup::linked()
        .unmanaged()
        .check("skip RedundantExport, link t-1");
}

#[test]
fn groups() {
    let linked =
        || Setup::group().link(true, json!({ "displayName": "Sales", "externalId": "g-7" }));
    Setup::group().check("match [(\"displayName\", \"Sales\")]");
    Setup::group()
        .found(Found::Nothing)
        .check("Create new: displayName ->\"Sales\"; externalId ->\"g-7\"");
    linked().check("skip RedundantExport");
    linked()
        .source("displayName", json!("Sales EMEA"))
        .check("Update t-1: displayName \"Sales\">\"Sales EMEA\"");
    linked().unassigned().check("Delete t-1");
    linked().deleted().check("Delete t-1");
    linked()
        .unassigned()
        .config(|config| config.groups.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
    linked()
        .config(|config| config.groups.enabled = false)
        .check(SKIPPED);
}

#[test]
fn matching() {
    let second = |config: &mut ApplicationConfig| {
        config.users.mappings[1].matching = Some(3);
        config
            .users
            .mappings
            .iter_mut()
            .find(|mapping| mapping.target.starts_with("emails"))
            .unwrap()
            .matching = Some(2);
    };
    Setup::user().check("match [(\"userName\", \"ada@x.example\")]");
    Setup::user()
        .config(second)
        .source("emails", json!([{ "value": "a@x.example" }]))
        .check("match [(\"userName\", \"ada@x.example\"), (\"emails[type eq \\\"work\\\"].value\", \"a@x.example\"), (\"displayName\", \"Ada Okafor\")]");
    Setup::user()
        .source("userName", Value::Null)
        .check("skip ImportSkipped");
    Setup::user().found(Found::Nothing).check(
        "Create new: userName ->\"ada@x.example\"; displayName ->\"Ada Okafor\"; active ->true",
    );
    Setup::user()
        .found(Found::Nothing)
        .config(|config| config.users.actions.create = false)
        .check(SKIPPED);
    let same = json!({ "id": "t-5", "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "Boss" });
    Setup::user()
        .found(one(same.clone()))
        .check("skip RedundantExport, link t-5");
    Setup::user()
        .found(one(same.clone()))
        .source("displayName", json!("Ada"))
        .check("Update t-5: displayName \"Ada Okafor\">\"Ada\"");
    Setup::user()
        .found(one(same))
        .source("displayName", json!("Ada"))
        .config(|config| config.users.actions.update = false)
        .check("skip EntrySynchronizationSkipped, link t-5");
    Setup::user()
        .found(one(
            json!({ "userName": "Ada@X.example", "displayName": "Ada Okafor", "active": "true" }),
        ))
        .check("Update t-5: userName \"Ada@X.example\">\"ada@x.example\"");
    let many = Setup::user().found(Found::Many {
        attribute: "userName".to_owned(),
        ids: vec!["t-5".to_owned(), "t-6".to_owned()],
    });
    many.check("fail DuplicateTargetEntries");
    let Outcome::Fail { reason, .. } = many.plan().outcome else {
        panic!("must fail")
    };
    assert!(reason.contains("t-5, t-6"), "{reason}");
}

#[test]
fn what_is_known_after_a_match() {
    let operation = Setup::user()
        .found(one(json!({ "userName": "ada@x.example", "title": "Boss" })))
        .operation();
    let wanted = json!({ "userName": "ada@x.example", "title": "Boss", "displayName": "Ada Okafor", "active": true });
    assert_eq!(Value::Object(operation.known_after), wanted);
}

#[test]
fn required_values() {
    let by_mail = |config: &mut ApplicationConfig| {
        config.users.mappings[0].matching = None;
        config.users.mappings[1].matching = Some(1);
    };
    Setup::user()
        .config(by_mail)
        .source("userName", json!(""))
        .found(Found::Nothing)
        .check("fail MissingValues");
}

#[test]
fn nulls_defaults_and_empty_values() {
    let known = json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "Chef" });
    let linked = || Setup::linked().link(true, known.clone());
    let default = |config: &mut ApplicationConfig| title(config).default = Some(json!("Staff"));
    let create =
        "Create new: userName ->\"ada@x.example\"; displayName ->\"Ada Okafor\"; active ->true";
    // Null leaves the target alone, an empty value clears it.
    linked().check("skip RedundantExport");
    linked()
        .source("title", json!(""))
        .check("Update t-1: title \"Chef\">-");
    linked()
        .map_title("IIF(IsPresent([title]), [title], \"\")")
        .check("Update t-1: title \"Chef\">-");
    Setup::linked()
        .source("title", json!(""))
        .check("skip RedundantExport");
    // The default counts at creation only.
    linked().config(default).check("skip RedundantExport");
    Setup::linked()
        .config(default)
        .check("skip RedundantExport");
    Setup::user().found(Found::Nothing).check(create);
    Setup::user()
        .found(Found::Nothing)
        .config(default)
        .check(&format!("{create}; title ->\"Staff\""));
    Setup::user()
        .found(Found::Nothing)
        .config(default)
        .map_title("IgnoreFlowIfNullOrEmpty([title])")
        .check(create);
    linked()
        .map_title("IgnoreFlowIfNullOrEmpty([nickName])")
        .source("nickName", json!(""))
        .check("skip RedundantExport");
    // A mapping without a source fills what is empty, and nothing else.
    let none = |config: &mut ApplicationConfig| {
        title(config).source = Source::None;
        title(config).default = Some(json!("Staff"));
    };
    Setup::linked()
        .config(none)
        .check("Update t-1: title ->\"Staff\"");
    linked().config(none).check("skip RedundantExport");
    assert!(
        !linked()
            .source("title", json!(""))
            .operation()
            .known_after
            .contains_key("title")
    );
}

#[test]
fn only_at_creation() {
    let once = |config: &mut ApplicationConfig| title(config).apply = Apply::OnCreate;
    Setup::linked()
        .config(once)
        .source("title", json!("Chef"))
        .check("skip RedundantExport");
    let created = Setup::user()
        .config(once)
        .source("title", json!("Chef"))
        .found(Found::Nothing)
        .operation();
    assert_eq!(created.known_after.get("title"), Some(&json!("Chef")));
}

#[test]
fn values_fit_their_target() {
    Setup::linked()
        .map_title("[emails]")
        .source("emails", json!([{ "value": "a@x" }, { "value": "b@x" }]))
        .check("fail SchemaPropertyCanOnlyAcceptValue");
    Setup::linked()
        .map_title("IsPresent([userName])")
        .check("Update t-1: title ->\"True\"");
    let active = |text: &str| {
        let source = Source::Expression(text.to_owned());
        Setup::linked().config(|config| {
            config
                .users
                .mappings
                .iter_mut()
                .find(|mapping| mapping.target == "active")
                .unwrap()
                .source = source
        })
    };
    active("Not([IsSoftDeleted])").check("skip RedundantExport");
    active("Not([IsSoftDeleted])")
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
    active("\"maybe\"").check("fail SchemaPropertyCanOnlyAcceptValue");
    let roles = |config: &mut ApplicationConfig| {
        let source = Source::Expression("Split([title], \";\")".to_owned());
        config.users.mappings.push(Mapping {
            target: "roles".to_owned(),
            source,
            default: None,
            apply: Apply::Always,
            matching: None,
        });
    };
    Setup::linked().link(true, json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "a;b" })).source("title", json!("a;b")).config(roles).check("Update t-1: roles ->[{\"value\":\"a\"},{\"value\":\"b\"}]");
}

#[test]
fn mail_falls_back() {
    let mail = |emails: Value| Setup::linked().source("emails", emails);
    let update =
        |address: &str| format!("Update t-1: emails[type eq \"work\"].value ->\"{address}\"");
    mail(json!([{ "value": "h@x", "type": "home" }, { "value": "w@x", "type": "work" }]))
        .check(&update("w@x"));
    mail(json!([{ "value": "h@x", "type": "home" }, { "value": "p@x", "primary": true }]))
        .check(&update("p@x"));
    mail(json!([{ "value": "h@x", "type": "home" }])).check(&update("h@x"));
    mail(json!([])).check("skip RedundantExport");
}

#[test]
fn references() {
    let managed_by = |setup: Setup, id: &str| {
        setup.source(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "manager": { "value": id } }),
        )
    };
    managed_by(Setup::linked(), "s-boss").check(&format!("Update t-1: {MANAGER} ->\"t-boss\""));
    let missing = managed_by(Setup::linked(), "s-new").plan();
    let Outcome::Skip {
        code: "RedundantExport",
        unresolved,
        ..
    } = &missing.outcome
    else {
        panic!("{missing:?}")
    };
    assert_eq!(
        (
            unresolved[0].attribute.as_str(),
            unresolved[0].source_id.as_str()
        ),
        (MANAGER, "s-new")
    );
    assert!(
        missing
            .steps
            .iter()
            .any(|step| step.kind == "referenceResolution" && step.status == "warning")
    );
    let created = managed_by(Setup::user(), "s-new")
        .found(Found::Nothing)
        .operation();
    assert_eq!(created.unresolved.len(), 1);
    assert!(!created.known_after.contains_key(MANAGER));
    // The account that matching finds has its manager as a complex value.
    let document = json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "t-boss", "displayName": "B" } } });
    managed_by(Setup::user(), "s-boss")
        .found(one(document))
        .check("skip RedundantExport, link t-5");
}

#[test]
fn the_story_is_told() {
    let planned = Setup::linked().config(only_sales).unassigned().plan();
    let names: Vec<(&str, &str)> = planned
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.status.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("EntryImportUpdate", "success"),
            ("EntrySynchronizationScoping", "skipped"),
            ("EntrySynchronizationUpdate", "success")
        ]
    );
    let scoping = &planned.steps[1].details;
    assert_eq!(scoping["Active in the source system"], "True");
    assert_eq!(scoping["Assigned to the application"], "False");
    assert_eq!(scoping["Scoping filter evaluation passed"], "False");
    let result: Value =
        serde_json::from_str(scoping["ScopeEvaluationResult"].as_str().unwrap()).unwrap();
    assert_eq!(
        result["Sales people"]["clauses"][0],
        json!({ "attribute": "department", "operator": "EQUALS", "value": "Sales", "actual": null, "passed": false })
    );
    assert_eq!(
        planned.steps[0].details["attributes"]["userName"],
        "ada@x.example"
    );
    let created = Setup::user().found(Found::Nothing).plan();
    let kinds: Vec<&str> = created
        .steps
        .iter()
        .map(|step| step.kind.as_str())
        .collect();
    assert_eq!(kinds, ["import", "scoping", "matching", "processing"]);
    let skipped = Setup::user().unassigned().plan();
    let last = skipped.steps.last().unwrap();
    assert_eq!(
        (last.name.as_str(), &last.details["SkipReason"]),
        ("EntrySynchronizationSkip", &json!("NotEffectivelyEntitled"))
    );
    assert_eq!(last.description, "not assigned to the application");
}

#[test]
fn redacted_values_stay_out_of_the_story() {
    let setup = Setup::linked()
        .map_title("Redact([title])")
        .source("title", json!("secret-7"));
    let planned = setup.plan();
    let story = serde_json::to_string(&planned.steps).unwrap();
    assert!(
        !story.contains("secret-7") && story.contains("[Redact]"),
        "{story}"
    );
    let change = &setup.operation().changes[0];
    assert_eq!(
        (change.after.clone(), change.shown_after()),
        (Some(json!("secret-7")), Some(json!("[Redact]")))
    );
}

#[test]
fn members() {
    let link = Setup::linked().link.unwrap();
    let operation = member_operation(
        "g-1",
        &link,
        "Sales",
        vec!["t-2".to_owned()],
        vec!["t-3".to_owned(), "t-4".to_owned()],
    );
    assert_eq!(
        (
            operation.action,
            operation.kind,
            operation.target_id.as_deref()
        ),
        (Action::Members, ObjectKind::Group, Some("t-1"))
    );
    assert_eq!(operation.reason, "1 new in the group, 2 not in it any more");
    assert!(!operation.action.takes_access() && !operation.unmanage_after);
}

fn check_filter(attribute: &str, operator: &str, value: &str, passes: bool) {
    let clause = Clause {
        attribute: attribute.to_owned(),
        operator: operator.to_owned(),
        value: Some(value.to_owned()),
    };
    let filter = ScopingFilter {
        title: "F".to_owned(),
        clauses: vec![clause],
    };
    let setup = Setup::linked().config(|config| config.users.filters = vec![filter]);
    let setup = setup
        .source("title", json!("Head Chef"))
        .source("nickName", json!("42"))
        .source("roles", json!([{ "value": "cook" }, { "value": "buyer" }]));
    let scoped = setup.plan().steps[1].status == "success";
    assert_eq!(scoped, passes, "{attribute} {operator} {value}");
}

#[test]
fn scoping_operators() {
    for (attribute, operator, value, passes) in [
        ("title", "EQUALS", "Head Chef", true),
        ("title", "equals", "head chef", false),
        ("jobTitle", "NOT EQUALS", "Cook", true),
        ("title", "NOT_EQUALS", "Head Chef", false),
        ("department", "NOT EQUALS", "Sales", false),
        ("title", "Includes", "ad C", true),
        ("title", "ENDS_WITH", "Chef", true),
        ("title", "endswith", "Head", false),
        ("nickName", "Greater_Than", "41", true),
        ("nickName", "Greater_Than", "42", false),
        ("nickName", "Greater_Than_OR_EQUALS", "42", true),
        ("title", "Greater_Than", "1", false),
        ("active", "IS TRUE", "", true),
        ("active", "IS FALSE", "", false),
        ("active", "EQUALS", "True", true),
        ("department", "IS NULL", "", true),
        ("title", "IS NULL", "", false),
        ("title", "IS NOT NULL", "", true),
        ("department", "IS NOT NULL", "", false),
        ("title", "REGEX MATCH", "C.ef$", true),
        ("title", "REGEX MATCH", "^Chef", false),
        ("title", "NOT REGEX MATCH", "^Chef", true),
        ("department", "NOT REGEX MATCH", "x", false),
        ("nickName", "&", "41, 42", true),
        ("nickName", "!&", "41, 42", false),
        ("roles", "EQUALS", "buyer", true),
        ("roles", "NOT EQUALS", "buyer", false),
    ] {
        check_filter(attribute, operator, value, passes);
    }
}

#[test]
fn clauses_are_and_filters_are_or() {
    let clause = |attribute: &str, value: &str| Clause {
        attribute: attribute.to_owned(),
        operator: "EQUALS".to_owned(),
        value: Some(value.to_owned()),
    };
    let filter = |clauses| ScopingFilter {
        title: "F".to_owned(),
        clauses,
    };
    let with = |filters: Vec<ScopingFilter>| {
        Setup::linked().config(|config| config.users.filters = filters)
    };
    let (right, wrong) = (
        clause("displayName", "Ada Okafor"),
        clause("displayName", "Eva"),
    );
    with(vec![filter(vec![right.clone(), wrong.clone()])])
        .unmanaged()
        .check(NOT_ENTITLED);
    with(vec![filter(vec![wrong]), filter(vec![right])]).check("skip RedundantExport");
}

/// The same content with its members in another order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .rev()
                .map(|(name, value)| (name.clone(), reversed(value)))
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

proptest::proptest! {
    #[test]
    fn same_input_same_plan(
        title in "[a-zA-Z ]{0,12}", active: bool, direct: bool, managed: bool, known_title in proptest::option::of("[a-z]{0,6}"), linked: bool
    ) {
        let mut setup = Setup::linked().source("title", json!(title)).source("active", json!(active));
        setup.entitlement.direct = direct;
        setup = setup.link(managed, json!({ "title": known_title, "active": true, "userName": "ada@x.example" }));
        if !linked {
            setup.link = None;
            setup.found = Some(one(json!({ "title": known_title, "userName": "ada@x.example" })));
        }
        let first = setup.plan();
        proptest::prop_assert_eq!(&first, &setup.plan());
        setup.source = setup.source.as_ref().map(reversed);
        if let Some(link) = &mut setup.link {
            link.known = map(reversed(&Value::Object(link.known.clone())));
        }
        let second = setup.plan();
        proptest::prop_assert_eq!(&first.outcome, &second.outcome);
        proptest::prop_assert_eq!(serde_json::to_string(&first.steps).unwrap(), serde_json::to_string(&second.steps).unwrap());
        // Nothing unmanaged, and nobody outside of the scope, is ever changed.
        if let Outcome::Operation(operation) = &second.outcome {
            proptest::prop_assert!(direct || (linked && managed && operation.action == Action::Disable));
        }
    }

    #[test]
    fn a_plan_converges(title in "[a-zA-Z ]{0,12}", active: bool, display in "[a-z]{1,5}") {
        let setup = Setup::linked().source("title", json!(title)).source("active", json!(active)).source("displayName", json!(display));
        if let Outcome::Operation(operation) = setup.plan().outcome {
            let after = setup.link(true, Value::Object(operation.known_after));
            proptest::prop_assert_eq!(summary(&after.plan().outcome), "skip RedundantExport");
        }
    }
}
