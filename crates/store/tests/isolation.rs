//! One workspace never sees another: by the statements, and by calling everything with foreign ids.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test ends where something fails, also in its helpers"
)]

mod common;

use std::{collections::BTreeSet, path::Path};

use common::{Directory, group, patch_request, user};
use serde_json::json;
use tenure_scim::patch::MemberRef;
use tenure_store::{
    Actor, Error, Kind, Tx, account, application, assignment, audit, change, escrow, job, ledger,
    log, membership,
    resource::{self, Query},
    run, token, workspace,
};

/// Tables without a workspace, and those that are looked into before one is known.
const GLOBAL: [&str; 7] = [
    "workspace",
    "account",
    "session",
    "setup_link",
    "sign_in_failure",
    "migration",
    "attribute",
];

/// Statements that span workspaces on purpose: start of each.
const SPANNING: [&str; 9] = [
    // Whose token is this? The answer is the workspace.
    "SELECT workspace_id, id, name, last_used_us, options FROM token",
    // The workspaces of one person.
    "SELECT w.id, w.public_id, w.slug, w.name, w.created_us, m.role",
    // The scheduler serves all.
    "SELECT j.workspace_id, j.application, j.lease_owner",
    // So does whoever sends mail.
    "SELECT n.workspace_id, n.id, n.lease_owner",
    // The operator's numbers, see `overview`: counts and ages, nothing that tells whose they are.
    "SELECT j.state, CASE WHEN",
    "SELECT MIN(c.at_us) FROM job",
    "SELECT e.code, COUNT(*) FROM escrow",
    "SELECT COUNT(*) FROM job_work",
    "SELECT CASE WHEN n.attempts > 0",
];

fn tables() -> BTreeSet<String> {
    let schema = concat!(
        include_str!("../migrations/0001_base.sql"),
        include_str!("../migrations/0003_receiving.sql"),
        include_str!("../migrations/0004_provisioning.sql"),
        include_str!("../migrations/0005_credentials.sql"),
    );
    let names = schema
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE TABLE "));
    names
        .map(|name| name.trim_end_matches(" (").to_owned())
        .collect()
}

/// String literals of a source file, good enough for our own code: no raw strings, no quotes in characters.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code: String = source
        .split("#[cfg(test)]")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rest = code.as_str();
    while let Some(start) = rest.find('"') {
        let text = &rest[start + 1..];
        let mut end = 0;
        let bytes = text.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        found.push(text[..end].split_whitespace().collect::<Vec<_>>().join(" "));
        rest = &text[(end + 1).min(text.len())..];
    }
    found
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

/// How often a table is used, and how often its workspace is bound.
fn check(statement: &str, tables: &BTreeSet<String>) -> Result<bool, String> {
    let words: Vec<&str> = statement
        .split(|c: char| !(c.is_alphanumeric() || "_.$".contains(c)))
        .filter(|word| !word.is_empty())
        .collect();
    let mut uses = 0;
    for pair in words.windows(2) {
        let is_use = matches!(pair[0], "FROM" | "JOIN" | "INTO" | "UPDATE");
        if is_use && tables.contains(pair[1]) && !GLOBAL.contains(&pair[1]) {
            uses += 1;
        }
    }
    if uses == 0 {
        return Ok(false);
    }
    if SPANNING.iter().any(|start| statement.starts_with(start)) {
        return Ok(true);
    }
    let compact = statement.replace(' ', "");
    // Directly, or by being the same as that of a row whose workspace is bound.
    let bound = compact.matches("workspace_id=$1").count()
        + ["m", "l", "a", "w", "e", "j", "v"]
            .iter()
            .map(|alias| {
                compact
                    .matches(&format!("workspace_id={alias}.workspace_id"))
                    .count()
            })
            .sum::<usize>();
    // The beginning of a statement, which its users complete: see `prefixes_are_completed`.
    if compact.starts_with("SELECT") && !compact.contains("WHERE") {
        return Ok(false);
    }
    // Rows are inserted with the workspace as `$1`, or from a row that was found by it.
    let columns = compact.split('(').nth(1).unwrap_or_default();
    let columns = columns.split(')').next().unwrap_or_default();
    let place = columns
        .split(',')
        .position(|column| column == "workspace_id");
    let values = compact.split("VALUES(").nth(1).unwrap_or_default();
    let value = place.and_then(|place| values.split([',', ')']).nth(place));
    let is_insert = compact.starts_with("INSERT");
    let from_row = place == Some(0)
        && [
            "SELECTworkspace_id,",
            "SELECTm.workspace_id,",
            "SELECTl.workspace_id,",
            "SELECTDISTINCTw.workspace_id,",
        ]
        .iter()
        .any(|start| compact.contains(start));
    let inserted =
        usize::from(is_insert && (value.is_some_and(|value| value.starts_with('$')) || from_row));
    if bound + inserted >= uses {
        Ok(true)
    } else {
        Err(format!(
            "{uses} uses of tables, {bound} bound to a workspace: {statement}"
        ))
    }
}

#[test]
fn each_statement_binds_its_workspace() {
    let tables = tables();
    assert!(tables.contains("resource") && tables.len() > 20);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let statements: Vec<String> = sources(&folder)
        .iter()
        .flat_map(|source| literals(source))
        .collect();
    let mut checked = 0;
    let mut wrong = Vec::new();
    for statement in &statements {
        match check(statement, &tables) {
            Ok(used) => checked += usize::from(used),
            Err(message) => wrong.push(message),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "only {checked} statements were found");
}

/// What begins with a shared list of columns goes on with the workspace.
#[test]
fn prefixes_are_completed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let completed: Vec<String> = sources(&folder)
        .iter()
        .flat_map(|source| literals(source))
        // The workspaces themselves.
        .filter(|text| {
            !["{COLUMNS} WHERE {column} = $1", "{COLUMNS} WHERE id = $1"].contains(&text.as_str())
        })
        .filter(|text| text.starts_with("{COLUMNS} WHERE") || text.starts_with("{SELECT} WHERE"))
        .collect();
    assert!(!completed.is_empty());
    for text in completed {
        assert!(text.contains("workspace_id = $1"), "{text}");
    }
}

#[test]
fn the_check_notices_what_is_missing() {
    let tables = tables();
    for (statement, ok) in [
        (
            "SELECT rid FROM resource WHERE workspace_id = $1 AND id = $2",
            true,
        ),
        ("SELECT rid FROM resource WHERE id = $1", false),
        (
            "SELECT r.rid FROM member m JOIN resource r ON r.rid = m.member_rid WHERE m.workspace_id = $1",
            false,
        ),
        ("INSERT INTO token (workspace_id, id) VALUES ($1, $2)", true),
        ("INSERT INTO token (id) VALUES ($1)", false),
        ("UPDATE job SET state = 1 WHERE application = $2", false),
        ("DELETE FROM session WHERE hash = $1", true),
    ] {
        assert_eq!(check(statement, &tables).is_ok(), ok, "{statement}");
    }
}

/// Two workspaces in one store; everything below is done in the second with ids of the first.
struct Two {
    mine: Directory,
    theirs: Directory,
}

impl Two {
    fn new() -> Self {
        let mine = Directory::new();
        let theirs = Directory::in_store(mine.store.clone(), "Second");
        Self { mine, theirs }
    }
}

fn foreign_resources_do_not_exist() {
    let two = Two::new();
    let ada = two.mine.create(Kind::User, user("ada")).unwrap();
    let team = two.mine.create_group("Team", &[&ada.id]).unwrap();
    let theirs = &two.theirs;
    assert_eq!(theirs.get(Kind::User, &ada.id), None);
    assert_eq!(theirs.by_rid(ada.rid), None);
    assert!(theirs.members(team.rid).is_empty() && theirs.groups_of(ada.rid).is_empty());
    assert_eq!(
        (theirs.count(Kind::User), theirs.count(Kind::Group)),
        (0, 0)
    );
    let before = (
        two.mine.get(Kind::User, &ada.id),
        two.mine.feed(0),
        two.mine.audit(),
    );
    let not_found = |error: Error| matches!(error, Error::Scim(error) if error.status == 404);
    let patch = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
    assert!(not_found(
        theirs.patch(Kind::User, &ada.id, None, &patch).unwrap_err()
    ));
    assert!(not_found(
        theirs
            .replace(Kind::User, &ada.id, user("eve"))
            .unwrap_err()
    ));
    assert!(not_found(theirs.delete(Kind::User, &ada.id).unwrap_err()));
    let refused = theirs.create_group("Team", &[&ada.id]).unwrap_err();
    assert!(
        matches!(refused, Error::Scim(error) if error.status == 400),
        "a foreign member"
    );
    assert_eq!(
        (
            two.mine.get(Kind::User, &ada.id),
            two.mine.feed(0),
            two.mine.audit()
        ),
        before
    );
    for filter in [
        "userName eq \"ada\"",
        "userName pr",
        "not (userName eq \"x\")",
        "userName ne \"x\"",
        "schemas pr",
        "meta.created gt \"2000-01-01T00:00:00Z\"",
        "emails[not (value eq \"x\")] or userName pr",
    ] {
        assert!(theirs.find(Kind::User, filter).is_empty(), "{filter}");
    }
    let filter = format!("id eq \"{}\" or groups.value eq \"{}\"", ada.id, team.id);
    assert!(theirs.find(Kind::User, &filter).is_empty());
    let filter = format!("members.value eq \"{}\"", ada.id);
    assert!(theirs.find(Kind::Group, &filter).is_empty());
    // The same name is free here, and my groups do not show in their searches.
    let eve = theirs.create(Kind::User, user("ada")).unwrap();
    assert_eq!(two.mine.find(Kind::User, "userName pr").len(), 1);
    let workspace = theirs.workspace;
    let found = theirs
        .store
        .read_blocking(move |tx| resource::search(tx, workspace, Kind::User, "ad", None, 10));
    assert_eq!(found.unwrap(), [eve]);
    let feed = theirs.feed(0);
    assert!(feed.iter().all(|change| change.rid != ada.rid) && feed.len() == 1);
}

fn foreign_members_cannot_be_added_or_removed() {
    let two = Two::new();
    let ada = two.mine.create(Kind::User, user("ada")).unwrap();
    let team = two.mine.create_group("Team", &[&ada.id]).unwrap();
    let other = two.theirs.create_group("Other", &[]).unwrap();
    let request = patch_request(
        Kind::Group,
        &json!([{"op": "add", "path": "members", "value": [{"value": ada.id}]}]),
    );
    let (workspace, id) = (two.theirs.workspace, other.id.clone());
    let added = two
        .theirs
        .write(move |tx| resource::patch(tx, workspace, Kind::Group, &id, None, &request));
    assert!(added.is_err());
    let path = format!("members[value eq \"{}\"]", ada.id);
    let remove = json!([{"op": "remove", "path": path}]);
    let (_, changed) = two
        .theirs
        .patch(Kind::Group, &other.id, None, &remove)
        .unwrap();
    assert!(!changed);
    assert_eq!(two.mine.members(team.rid), [ada.id]);
    let members = [MemberRef {
        value: team.id,
        kind: None,
    }];
    let created = two
        .theirs
        .write(move |tx| resource::create(tx, workspace, Kind::Group, &group("X"), &members));
    assert!(created.is_err());
}

fn foreign_applications_do_not_exist() {
    let two = Two::new();
    let ada = two.mine.create(Kind::User, user("ada")).unwrap();
    let key = two.mine.application("Payroll");
    let mine = two.mine.workspace;
    let rid = ada.rid;
    let cycle = two
        .mine
        .write(move |tx| {
            job::start(tx, mine, key)?;
            assignment::add(tx, mine, key, rid)?;
            let lease = job::claim(tx, mine, key, 1_000_000_000)?.unwrap();
            escrow::put(tx, &lease, rid, Kind::User, "X", "x", 0)?;
            let link = ledger::Link {
                rid,
                source_id: "s".to_owned(),
                kind: Kind::User,
                target_id: "t".to_owned(),
                known: "{}".to_owned(),
                managed: true,
                updated_us: 0,
            };
            ledger::put(tx, &lease, &link)?;
            let cycle = run::begin(tx, &lease, run::CycleKind::Initial, 1)?;
            let numbers = run::plan(
                tx,
                &lease,
                &cycle.id,
                &[(rid, "create".to_owned(), "{}".to_owned())],
            )?;
            run::intend(tx, &lease, &numbers)?;
            Ok(cycle.id)
        })
        .unwrap();
    let theirs = two.theirs.workspace;
    two.theirs
        .write(move |tx| {
            type Call = fn(&mut Tx<'_>, tenure_store::WorkspaceId, i64) -> Result<(), Error>;
            let calls: [(&str, Call); 10] = [
                ("get", |tx, w, k| application::get(tx, w, k).map(drop)),
                ("update", |tx, w, k| {
                    application::update(tx, w, k, 1, "X", "{}").map(drop)
                }),
                ("set_credentials", |tx, w, k| {
                    application::set_credentials(tx, w, k, "x", None).map(drop)
                }),
                ("set_authentication", |tx, w, k| {
                    let basic = application::Authentication::Basic {
                        user_name: "x".to_owned(),
                    };
                    application::set_authentication(tx, w, k, "x", &basic, None).map(drop)
                }),
                ("secret", |tx, w, k| application::secret(tx, w, k).map(drop)),
                ("delete", application::delete),
                ("job", |tx, w, k| job::get(tx, w, k).map(drop)),
                ("start", job::start),
                ("stop", job::stop),
                ("remove", |tx, w, k| assignment::remove(tx, w, k, 1)),
            ];
            for (name, call) in calls {
                let answer = call(tx, theirs, key);
                assert!(
                    matches!(answer, Err(Error::NotFound(_))),
                    "{name}: {answer:?}"
                );
            }
            assert!(assignment::add(tx, theirs, key, rid).is_err());
            assert!(matches!(
                job::claim(tx, theirs, key, 1),
                Err(Error::NotFound(_))
            ));
            assert!(
                application::find(tx, theirs, "Payroll")?.is_none()
                    && application::list(tx, theirs)?.is_empty()
            );
            assert!(assignment::list(tx, theirs, key, 0, 10)?.is_empty());
            assert_eq!(assignment::count(tx, theirs, key)?, (0, 0));
            assert_eq!(
                assignment::entitled(tx, theirs, key, rid)?,
                assignment::Entitled::default()
            );
            for all in [false, true] {
                assert!(
                    assignment::candidates(tx, theirs, key, Kind::User, all, 0, 10)?.is_empty()
                );
                assert_eq!(
                    assignment::candidate_count(tx, theirs, key, Kind::User, all)?,
                    0
                );
            }
            assert!(
                escrow::get(tx, theirs, key, rid)?.is_none()
                    && escrow::due(tx, theirs, key, 10)?.is_empty()
            );
            assert!(escrow::count(tx, theirs, key)? == 0);
            assert!(ledger::get(tx, theirs, key, rid)?.is_none());
            assert!(ledger::target_ids(tx, theirs, key, &["s".to_owned()])?.is_empty());
            assert!(ledger::source_of(tx, theirs, key, "t")?.is_none());
            assert_eq!(ledger::counts(tx, theirs, key)?, (0, 0));
            assert_eq!(
                ledger::member_difference(tx, theirs, key, rid, 10)?,
                (vec![], vec![])
            );
            assert!(
                run::list(tx, theirs, key, 10)?.is_empty()
                    && run::get(tx, theirs, &cycle)?.is_none()
            );
            assert!(run::unresolved(tx, theirs, key, 0, 10)?.is_empty());
            assert!(run::operations(tx, theirs, &cycle, 0, 10)?.is_empty());
            let query = log::LogQuery {
                application: Some(key),
                limit: 10,
                ..Default::default()
            };
            assert!(log::list(tx, theirs, &query)?.is_empty());
            assert_eq!(change::prune(tx, theirs, 0)?, 0);
            assert_eq!(membership::count(tx, theirs, rid)?, 0);
            Ok(())
        })
        .unwrap();
    let still = two.mine.store.read_blocking(move |tx| {
        Ok((
            job::get(tx, mine, key)?.state,
            application::secret(tx, mine, key)?,
            escrow::count(tx, mine, key)?,
        ))
    });
    assert_eq!(
        still.unwrap(),
        (job::State::Active, Some("hunter2".to_owned()), 1)
    );
}

fn tokens_members_and_audit_rows_belong_to_one_workspace() {
    let two = Two::new();
    let (mine, theirs) = (two.mine.workspace, two.theirs.workspace);
    let (created, secret) = two
        .mine
        .write(move |tx| token::create(tx, mine, "Okta", None))
        .unwrap();
    let ada = two
        .mine
        .write(move |tx| {
            let ada = account::create(tx, "a@x", "Ada", "h")?;
            account::join(tx, mine, &ada.id, account::Role::Owner)?;
            Ok(ada)
        })
        .unwrap();
    let id = created.id.clone();
    let revoked = two.theirs.write(move |tx| token::revoke(tx, theirs, &id));
    assert!(matches!(revoked, Err(Error::NotFound(_))));
    let (id, account_id) = (created.id.clone(), ada.id.clone());
    two.theirs
        .write(move |tx| {
            token::touch(tx, theirs, &id, Some("x"))?;
            assert!(token::list(tx, theirs)?.is_empty());
            assert!(
                account::role(tx, theirs, &account_id)?.is_none()
                    && account::members(tx, theirs)?.is_empty()
            );
            assert_eq!(audit::list(tx, theirs, None, 10)?.len(), 1);
            assert_eq!(audit::verify(tx, theirs)?, 1);
            assert_eq!(
                (change::head(tx, theirs)?, change::floor(tx, theirs)?),
                (0, 0)
            );
            Ok(())
        })
        .unwrap();
    let secret_of = secret.clone();
    let principal = two
        .theirs
        .store
        .read_blocking(move |tx| token::authenticate(tx, &secret_of, token::Scope::Scim))
        .unwrap();
    assert_eq!(principal.unwrap().workspace, mine);
    let listed = two
        .mine
        .store
        .read_blocking(move |tx| token::list(tx, mine))
        .unwrap();
    assert_eq!((listed[0].last_used_us, listed[0].revoked_us), (None, None));
    assert_eq!(two.mine.audit().len(), 3);
    let page = two
        .theirs
        .query(
            Kind::User,
            Query {
                count: 10,
                ..Query::default()
            },
        )
        .unwrap();
    assert_eq!(page.total, 0);
    let third = two
        .mine
        .store
        .write_blocking(Actor::system(), |tx| workspace::create(tx, "Third"));
    assert!(third.is_ok());
}

common::engine::on_both_engines! {
    foreign_resources_do_not_exist,
    foreign_members_cannot_be_added_or_removed,
    foreign_applications_do_not_exist,
    tokens_members_and_audit_rows_belong_to_one_workspace,
}
