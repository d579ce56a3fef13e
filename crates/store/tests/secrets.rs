//! Workspaces, accounts, sessions, tokens, credentials, the audit chain.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Directory, engine::Place, user};
use tenure_store::{
    Actor, Error, Kind, Options, Store, Tx,
    account::{self, Role},
    application::{self, Authentication, ClientAuthentication, ClientCredentials},
    audit, job, session, token, workspace,
};

fn workspaces_have_unique_names_and_slugs() {
    let store = common::store(0);
    let create = |name: &'static str| {
        store.write_blocking(Actor::system(), move |tx| workspace::create(tx, name))
    };
    let slugs: Vec<String> = ["Brücke & Söhne", "bru cke", "Bru-cke", "日本", "中国"]
        .map(|name| create(name).unwrap().slug)
        .to_vec();
    assert_eq!(
        slugs,
        [
            "br-cke-s-hne",
            "bru-cke",
            "bru-cke-2",
            "workspace",
            "workspace-2"
        ]
    );
    assert!(matches!(
        create(" BRÜCKE & söhne "),
        Err(Error::Conflict(_))
    ));
    let long: &'static str = "x".repeat(101).leak();
    for name in ["", "  ", "a\nb", long] {
        assert!(matches!(create(name), Err(Error::Invalid(_))), "{name:?}");
    }
    let found = store
        .read_blocking(|tx| workspace::find(tx, "brücke & SÖHNE"))
        .unwrap()
        .unwrap();
    let by_slug = store
        .read_blocking(|tx| workspace::find(tx, "br-cke-s-hne"))
        .unwrap()
        .unwrap();
    assert_eq!(found, by_slug);
    let id = found.id;
    assert_eq!(
        store
            .read_blocking(move |tx| workspace::get(tx, id))
            .unwrap(),
        found
    );
    assert_eq!(store.read_blocking(workspace::list).unwrap().len(), 5);
}

fn accounts_join_workspaces_with_roles() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    assert_eq!(directory.store.read_blocking(account::count).unwrap(), 0);
    let create = |email: &'static str| {
        directory.write(move |tx| account::create(tx, email, "Ada", "$argon2id$x"))
    };
    let ada = create("Ada@Example.test").unwrap();
    assert!(matches!(
        create("aDA@example.TEST"),
        Err(Error::Conflict(_))
    ));
    for wrong in ["", "ada", "@x", "a@", "a b@c"] {
        assert!(matches!(create(wrong), Err(Error::Invalid(_))), "{wrong}");
    }
    let found = directory
        .store
        .read_blocking(|tx| account::by_email(tx, " ada@example.test"))
        .unwrap();
    assert_eq!(found.as_ref(), Some(&ada));
    let id = ada.id.clone();
    directory
        .write(move |tx| {
            account::join(tx, workspace, &id, Role::Admin)?;
            account::join(tx, workspace, &id, Role::Auditor)
        })
        .unwrap();
    let id = ada.id.clone();
    let read = directory.store.read_blocking(move |tx| {
        let roles = (
            account::role(tx, workspace, &id)?,
            account::role(tx, workspace, "acc_x")?,
        );
        Ok((
            roles,
            account::workspaces(tx, &id)?,
            account::members(tx, workspace)?,
        ))
    });
    let (roles, workspaces, members) = read.unwrap();
    assert_eq!(roles, (Some(Role::Auditor), None));
    assert_eq!(
        (workspaces[0].0.id, workspaces[0].1),
        (workspace, Role::Auditor)
    );
    assert_eq!((&members[0].account, members.len()), (&ada, 1));
    let stranger = directory.write(move |tx| account::join(tx, workspace, "acc_x", Role::Owner));
    assert!(matches!(stranger, Err(Error::NotFound(_))));
}

fn failed_sign_ins_are_counted_until_one_succeeds() {
    let directory = Directory::new();
    let failures = || {
        directory
            .store
            .read_blocking(|tx| account::sign_in_failures(tx, "A@x"))
            .unwrap()
    };
    assert_eq!(failures(), (0, 0));
    directory
        .write(|tx| account::sign_in_failed(tx, "a@x"))
        .unwrap();
    directory
        .write(|tx| account::sign_in_failed(tx, "a@X"))
        .unwrap();
    let (count, last_us) = failures();
    assert!(count == 2 && last_us > 0);
    directory
        .write(|tx| account::sign_in_succeeded(tx, "a@x"))
        .unwrap();
    assert_eq!(failures(), (0, 0));
}

fn sessions_live_until_they_end() {
    let directory = Directory::new();
    let ada = directory
        .write(|tx| account::create(tx, "a@x", "Ada", "h"))
        .unwrap();
    let start = |lifetime_us: i64| {
        let id = ada.id.clone();
        directory
            .write(move |tx| session::create(tx, &id, lifetime_us))
            .unwrap()
    };
    let find = |cookie: &str| {
        let cookie = cookie.to_owned();
        directory
            .store
            .read_blocking(move |tx| session::find(tx, &cookie))
            .unwrap()
    };
    let (expired, _) = start(-1);
    assert_eq!(find(&expired), None);
    let (cookie, session) = start(1_000_000_000);
    let (other, _) = start(1_000_000_000);
    assert_eq!(find(&cookie), Some(session.clone()));
    assert!(cookie.len() >= 43 && session.csrf.len() >= 43 && session.csrf != cookie);
    assert_eq!(find("x"), None);
    let ended = cookie.clone();
    directory.write(move |tx| session::end(tx, &ended)).unwrap();
    assert_eq!(find(&cookie), None);
    assert!(find(&other).is_some());
}

fn a_set_up_link_works_once() {
    let directory = Directory::new();
    let link = |lifetime_us: i64| {
        directory
            .write(move |tx| session::create_setup(tx, lifetime_us))
            .unwrap()
    };
    let is_valid = |token: &str| {
        let token = token.to_owned();
        directory
            .store
            .read_blocking(move |tx| session::setup_valid(tx, &token))
            .unwrap()
    };
    let consume = |token: &str| {
        let token = token.to_owned();
        directory
            .write(move |tx| session::use_setup(tx, &token))
            .unwrap()
    };
    let (first, second) = (link(1_000_000_000), link(1_000_000_000));
    assert!(second.starts_with("tnr_setup_"));
    assert!(!is_valid(&first), "an earlier link dies");
    assert!(is_valid(&second));
    assert!(consume(&second));
    assert!(!is_valid(&second) && !consume(&second));
    let expired = link(-1);
    assert!(!is_valid(&expired) && !consume(&expired));
}

fn tokens_authenticate_until_they_expire_or_are_revoked() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let create = |name: &'static str, expires_us: Option<i64>| {
        directory.write(move |tx| token::create(tx, workspace, name, expires_us))
    };
    let authenticate = |secret: &str| {
        let secret = secret.to_owned();
        directory
            .store
            .read_blocking(move |tx| token::authenticate(tx, &secret, token::Scope::Scim))
            .unwrap()
    };
    assert!(matches!(create("", None), Err(Error::Invalid(_))));
    let (expired, secret) = create("Old", Some(1)).unwrap();
    assert_eq!(authenticate(&secret), None);
    let (created, secret) = create("Okta", None).unwrap();
    assert!(
        secret.starts_with("tnr_scim_") && secret.ends_with(&created.suffix) && secret.len() == 58
    );
    let principal = authenticate(&secret).unwrap();
    assert_eq!(
        (principal.workspace, &principal.token_id, principal.touch),
        (workspace, &created.id, true)
    );
    let id = created.id.clone();
    let agent = "x".repeat(500);
    directory
        .write(move |tx| token::touch(tx, workspace, &id, Some(&agent)))
        .unwrap();
    assert!(!authenticate(&secret).unwrap().touch);
    let listed = directory
        .store
        .read_blocking(move |tx| token::list(tx, workspace))
        .unwrap();
    assert_eq!(
        listed.iter().map(|token| &token.id).collect::<Vec<_>>(),
        [&created.id, &expired.id]
    );
    assert_eq!(listed[0].last_agent.as_ref().map(String::len), Some(200));
    for wrong in [secret.to_lowercase(), format!("{secret}x"), String::new()] {
        assert_eq!(authenticate(&wrong), None, "{wrong}");
    }
    let id = created.id.clone();
    directory
        .write(move |tx| {
            token::revoke(tx, workspace, &id)?;
            token::revoke(tx, workspace, &id)
        })
        .unwrap();
    assert_eq!(authenticate(&secret), None);
    let actions: Vec<String> = directory
        .audit()
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(
        actions,
        [
            "token.revoke",
            "token.create",
            "token.create",
            "workspace.create"
        ]
    );
}

fn credentials_are_sealed_and_bound_to_their_row() {
    let place = Place::new();
    let directory = Directory::in_store(place.open(), "First");
    let workspace = directory.workspace;
    let (one, two) = (directory.application("One"), directory.application("Two"));
    let secret = |key: i64| {
        directory
            .store
            .read_blocking(move |tx| application::secret(tx, workspace, key))
    };
    assert_eq!(secret(one).unwrap().as_deref(), Some("hunter2"));
    let sealed = place.raw_bytes("SELECT secret FROM application WHERE name = 'One'");
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
    place.raw(
        "UPDATE application SET secret = (SELECT a.secret FROM application a WHERE a.name = 'One') WHERE name = 'Two'",
    );
    assert!(
        matches!(secret(two), Err(Error::Seal)),
        "moved from another row"
    );
    drop(directory);
    std::fs::remove_file(place.path().join("master.key")).unwrap();
    let options = Options {
        database: place.database(),
        ..Options::default()
    };
    let refused = || {
        let refused = Store::open(place.path(), &options).unwrap_err().to_string();
        assert!(refused.contains("master.key"), "{refused}");
    };
    refused();
    assert!(
        !place.path().join("master.key").exists(),
        "a new key would hide that the old one is missing"
    );
    // Another server with a key of its own is not let in.
    std::fs::write(place.path().join("master.key"), [7; 32]).unwrap();
    refused();
    std::fs::write(place.path().join("master.key"), "short").unwrap();
    refused();
}

fn another_host_does_not_get_the_secret() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let key = directory.application("Payroll");
    let set = |url: &'static str, secret: Option<&'static str>| {
        let set =
            move |tx: &mut Tx<'_>| application::set_credentials(tx, workspace, key, url, secret);
        directory.write(set).unwrap();
        directory
            .store
            .read_blocking(move |tx| application::secret(tx, workspace, key))
            .unwrap()
    };
    assert_eq!(
        set("https://TARGET.example/other", None).as_deref(),
        Some("hunter2")
    );
    assert_eq!(
        set("https://target.example/other", Some("new")).as_deref(),
        Some("new")
    );
    assert_eq!(set("https://evil.example/other", None), None);
    assert_eq!(
        set("https://evil.example/other", Some("theirs")).as_deref(),
        Some("theirs")
    );
    assert_eq!(set("http://evil.example/other", None), None);
    let details: String = directory
        .audit()
        .into_iter()
        .map(|entry| entry.detail)
        .collect();
    for secret in ["hunter2", "theirs", "\"new\""] {
        assert!(!details.contains(secret), "{secret} is in the audit log");
    }
}

fn another_method_or_token_endpoint_does_not_get_the_secret() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let key = directory.application("Payroll");
    let target = "https://target.example/scim";
    let set = |url: &'static str, authentication: Authentication, secret: Option<&'static str>| {
        let expected = authentication.clone();
        let changed = directory
            .write(move |tx| {
                application::set_authentication(tx, workspace, key, url, &authentication, secret)
            })
            .unwrap();
        assert_eq!(changed.authentication, expected);
        let opened = directory
            .store
            .read_blocking(move |tx| application::secret(tx, workspace, key))
            .unwrap();
        assert_eq!(changed.has_secret, opened.is_some());
        opened
    };
    let basic = |name: &str| Authentication::Basic {
        user_name: name.to_owned(),
    };
    let client = |token_url: &str, client_id: &str| {
        Authentication::ClientCredentials(ClientCredentials {
            token_url: token_url.to_owned(),
            client_id: client_id.to_owned(),
            client_authentication: ClientAuthentication::Basic,
            scope: None,
            parameters: Vec::new(),
        })
    };
    assert_eq!(set(target, basic("ada"), None), None, "the bearer token");
    assert_eq!(
        set(target, basic("ada"), Some("pass")).as_deref(),
        Some("pass")
    );
    assert_eq!(set(target, basic("bob"), None).as_deref(), Some("pass"));
    let (here, there) = ("https://login.example/a", "https://evil.example/a");
    assert_eq!(set(target, client(here, "c"), None), None, "the password");
    let stored = set(target, client(here, "c"), Some("client-secret"));
    assert_eq!(stored.as_deref(), Some("client-secret"));
    let other_path = set(target, client("https://LOGIN.example:443/b", "d"), None);
    assert_eq!(other_path.as_deref(), Some("client-secret"));
    assert_eq!(set(target, client(there, "d"), None), None);
    set(target, client(here, "c"), Some("client-secret"));
    let plain = set(target, client("http://login.example/a", "c"), None);
    assert_eq!(plain, None, "from https to http");
    set(target, client(here, "c"), Some("client-secret"));
    let moved = set("https://evil.example/scim", client(here, "c"), None);
    assert_eq!(moved, None, "tokens would go to another target");
    let kept = directory
        .write(move |tx| application::set_credentials(tx, workspace, key, target, Some("again")))
        .unwrap();
    assert_eq!(kept.authentication, client(here, "c"));
    let refused = directory.write(move |tx| {
        let nobody = basic("");
        application::set_authentication(tx, workspace, key, target, &nobody, None)
    });
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let details: String = directory
        .audit()
        .into_iter()
        .map(|entry| entry.detail)
        .collect();
    assert!(!details.contains("client-secret") && details.contains("client_credentials"));
}

fn applications_have_unique_names_and_go_with_everything() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let key = directory.application("Payroll");
    let again = directory
        .write(move |tx| application::create(tx, workspace, "PAYROLL ", "custom", "", None, "{}"));
    assert!(matches!(again, Err(Error::Conflict(_))));
    let found = directory
        .store
        .read_blocking(move |tx| application::find(tx, workspace, "payROLL"))
        .unwrap();
    let found = found.unwrap();
    assert_eq!((found.key, found.has_secret, found.version), (key, true, 1));
    let id = found.id.clone();
    let by_id = directory
        .store
        .read_blocking(move |tx| application::find(tx, workspace, &id))
        .unwrap();
    assert_eq!(by_id, Some(found));
    directory
        .write(move |tx| application::delete(tx, workspace, key))
        .unwrap();
    let read = move |tx: &mut Tx<'_>| {
        let gone = (
            application::get(tx, workspace, key),
            job::get(tx, workspace, key),
        );
        assert!(matches!(
            gone,
            (Err(Error::NotFound(_)), Err(Error::NotFound(_)))
        ));
        application::list(tx, workspace)
    };
    assert!(directory.store.read_blocking(read).unwrap().is_empty());
}

fn every_change_of_the_audit_log_is_noticed() {
    for tamper in [
        "UPDATE audit SET detail = '[]' WHERE seq = 3",
        "UPDATE audit SET actor_name = actor_name || 'x' WHERE seq = 2",
        "UPDATE audit SET at_us = at_us + 1 WHERE seq = 1",
        "UPDATE audit SET action = object, object = action WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit",
        "UPDATE audit SET seq = 5 - seq + 100; UPDATE audit SET seq = seq - 100",
        "UPDATE audit SET hash = 'x' WHERE seq = 4",
        "INSERT INTO audit SELECT workspace_id, 5, at_us, actor_kind, actor_id, actor_name, action, object, detail, hash
            FROM audit WHERE seq = 4",
    ] {
        let place = Place::new();
        let directory = Directory::in_store(place.open(), "First");
        let workspace = directory.workspace;
        for name in ["a", "b", "c"] {
            directory.create(Kind::User, user(name)).unwrap();
        }
        let verify = move |tx: &mut Tx<'_>| audit::verify(tx, workspace);
        assert_eq!(directory.store.read_blocking(verify).unwrap(), 4);
        place.raw(tamper);
        let verified = directory.store.read_blocking(verify);
        assert!(matches!(verified, Err(Error::Conflict(_))), "{tamper}: {verified:?}");
    }
}

common::engine::on_both_engines! {
    workspaces_have_unique_names_and_slugs,
    accounts_join_workspaces_with_roles,
    failed_sign_ins_are_counted_until_one_succeeds,
    sessions_live_until_they_end,
    a_set_up_link_works_once,
    tokens_authenticate_until_they_expire_or_are_revoked,
    credentials_are_sealed_and_bound_to_their_row,
    another_host_does_not_get_the_secret,
    another_method_or_token_endpoint_does_not_get_the_secret,
    applications_have_unique_names_and_go_with_everything,
    every_change_of_the_audit_log_is_noticed,
}
