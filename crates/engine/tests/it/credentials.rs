//! Signing in at a target: HTTP Basic, and access tokens of a token endpoint.

use crate::support::{
    Bench,
    issuer::{Asked, CLIENT, CLIENT_SECRET, Issuer},
    limits, tally,
    target::{SECRET, Target},
};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_store::{
    application::{self, Authentication, ClientAuthentication, ClientCredentials},
    audit, job,
    job::State,
    run,
};

fn client(token_url: &str) -> ClientCredentials {
    ClientCredentials {
        token_url: token_url.to_owned(),
        client_id: CLIENT.to_owned(),
        client_authentication: ClientAuthentication::Basic,
        scope: None,
        parameters: Vec::new(),
    }
}

fn by_client(token_url: &str) -> Authentication {
    Authentication::ClientCredentials(client(token_url))
}

impl Bench {
    async fn authenticate(&self, authentication: Authentication, secret: Option<&'static str>) {
        let (workspace, application) = (self.workspace, self.application);
        let url = self.target.url.clone();
        self.write(move |tx| {
            application::set_authentication(
                tx,
                workspace,
                application,
                &url,
                &authentication,
                secret,
            )
        })
        .await;
    }

    /// A person, an application that is switched on, and a token endpoint.
    async fn with_issuer() -> (Self, Issuer) {
        let bench = Self::new().await;
        bench.user("ada").await;
        let issuer = Issuer::start(&bench.target, "access").await;
        bench
            .authenticate(by_client(&issuer.url), Some(CLIENT_SECRET))
            .await;
        let (workspace, application) = (bench.workspace, bench.application);
        bench
            .write(move |tx| job::start(tx, workspace, application))
            .await;
        (bench, issuer)
    }

    async fn last_message(&self) -> String {
        let (workspace, application) = (self.workspace, self.application);
        let cycles = self
            .read(move |tx| run::list(tx, workspace, application, 1))
            .await;
        cycles[0].message.clone().unwrap_or_default()
    }
}

#[tokio::test]
async fn basic_authentication_lets_in_and_a_wrong_password_does_not() {
    let bench = Bench::new().await;
    bench.user("ada").await;
    // base64 of `svc-tenure:pass:word`
    bench.target.world().accepts = Some("Basic c3ZjLXRlbnVyZTpwYXNzOndvcmQ=".to_owned());
    let basic = Authentication::Basic {
        user_name: "svc-tenure".to_owned(),
    };
    bench.authenticate(basic.clone(), Some("wrong")).await;
    assert_eq!(bench.cycle().await.status, "quarantined");
    let message = bench.last_message().await;
    assert!(
        message.contains("401") && message.contains("Check user name and password"),
        "{message}"
    );
    bench.authenticate(basic.clone(), Some("pass:word")).await;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [1, 0, 0, 0, 0])
    );
    // Back to a token and to Basic again: the password is gone, and nothing is sent without one.
    bench.authenticate(Authentication::Bearer, Some("x")).await;
    bench.authenticate(basic, None).await;
    bench.user("bob").await;
    bench.sent();
    assert_eq!(bench.cycle().await.status, "quarantined");
    let message = bench.last_message().await;
    assert!(message.contains("no password is stored"), "{message}");
    assert_eq!(bench.sent(), Vec::<String>::new());
}

#[tokio::test]
async fn token_requests_are_as_the_standard_has_them() {
    let (bench, issuer) = Bench::with_issuer().await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let more = [pair("audience", "https://scim"), pair("x", "ä b")];
    let grant = pair("grant_type", "client_credentials");
    let by_post = [
        pair("client_id", CLIENT),
        pair("client_secret", CLIENT_SECRET),
    ];
    let header = "Basic dGVudXJlK2NsaWVudDpjbDFlbnR+czNjcmV0JTJGJTJCJTNB";
    for (client, authorization, form) in [
        (client(&issuer.url), header, vec![grant.clone()]),
        (
            ClientCredentials {
                client_authentication: ClientAuthentication::Post,
                scope: Some("scim.read scim.write".to_owned()),
                parameters: more.to_vec(),
                ..client(&issuer.url)
            },
            "",
            [
                &[grant.clone(), pair("scope", "scim.read scim.write")][..],
                &more,
                &by_post,
            ]
            .concat(),
        ),
        (
            ClientCredentials {
                parameters: vec![pair("grant_type", "account_credentials")],
                ..client(&issuer.url)
            },
            header,
            vec![pair("grant_type", "account_credentials")],
        ),
    ] {
        let authentication = Authentication::ClientCredentials(client);
        bench.authenticate(authentication, None).await;
        // Otherwise there would be nothing to ask the target.
        bench.restart().await;
        assert_eq!(bench.cycle().await.status, "completed");
        let expected = Asked {
            authorization: authorization.to_owned(),
            form,
        };
        assert_eq!(std::mem::take(&mut issuer.office().asked), [expected]);
    }
}

#[tokio::test]
async fn a_token_is_used_until_it_expires() {
    let (bench, issuer) = Bench::with_issuer().await;
    bench.users(5).await;
    assert_eq!(bench.cycle().await.counts.created, 6);
    bench.user("bob").await;
    assert_eq!(bench.cycle().await.counts.created, 1);
    assert_eq!(issuer.asked(), 1, "one token for both cycles");
    assert!(bench.sent().len() > 7);

    // Other settings, another token; this one is never good for a second request.
    issuer.office().expires_in = 0;
    let authentication = Authentication::ClientCredentials(ClientCredentials {
        scope: Some("other".to_owned()),
        ..client(&issuer.url)
    });
    bench.authenticate(authentication, None).await;
    bench.target.world().shown.clear();
    bench.user("cid").await;
    let cycle = bench.cycle().await;
    assert_eq!((cycle.counts.created, cycle.counts.failed), (1, 0));
    let shown = bench.target.world().shown.clone();
    assert_eq!(issuer.asked(), shown.len());
    let unique: std::collections::BTreeSet<_> = shown.iter().collect();
    assert_eq!(unique.len(), shown.len());
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once_for_everybody() {
    let (bench, issuer) = Bench::with_issuer().await;
    bench.users(30).await;
    bench.target.world().revoke_after = Some(20);
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [31, 0, 0, 0, 0])
    );
    assert_eq!(bench.target.world().users.len(), 31);
    assert_eq!((issuer.asked(), issuer.office().most_at_once), (2, 1));
}

#[tokio::test]
async fn a_target_that_accepts_no_token_is_asked_twice_and_then_believed() {
    let (bench, issuer) = Bench::with_issuer().await;
    issuer.office().tells_target = false;
    assert_eq!(bench.cycle().await.status, "quarantined");
    assert_eq!(
        bench.target.world().shown,
        ["Bearer access-token-1", "Bearer access-token-2"]
    );
    assert_eq!(issuer.asked(), 2);
    let reason = bench.job().await.quarantine_reason.unwrap();
    assert!(
        reason.contains("401") && reason.contains("audience"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_wrong_client_secret_is_quarantine_until_it_is_right() {
    let (bench, issuer) = Bench::with_issuer().await;
    for method in [ClientAuthentication::Basic, ClientAuthentication::Post] {
        let authentication = Authentication::ClientCredentials(ClientCredentials {
            client_authentication: method,
            ..client(&issuer.url)
        });
        bench
            .authenticate(authentication, Some("wr0ng/secret"))
            .await;
        let cycle = bench.cycle().await;
        assert_eq!(
            (cycle.status.as_str(), tally(cycle.counts)),
            ("quarantined", [0; 5])
        );
        let job = bench.job().await;
        assert_eq!(
            (job.state, job.quarantine_code.as_deref()),
            (State::Quarantined, Some("EncounteredQuarantineException"))
        );
        let reason = job.quarantine_reason.unwrap();
        assert!(
            reason.contains("(401 invalid_client: not ") && reason.contains("***"),
            "{reason}"
        );
        assert!(!reason.contains("wr0ng"), "{reason}");
    }
    assert_eq!(bench.sent(), Vec::<String>::new());
    bench
        .authenticate(by_client(&issuer.url), Some(CLIENT_SECRET))
        .await;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), cycle.counts.created),
        ("completed", 1)
    );
    assert_ne!(bench.job().await.state, State::Quarantined);
}

#[tokio::test]
async fn what_passes_by_itself_interrupts_and_loses_nothing() {
    let (bench, issuer) = Bench::with_issuer().await;
    let retry = |seconds: u64| vec![("retry-after", seconds.to_string())];
    let server_error = r#"{"error": "server_error"}"#.to_owned();
    for (times, answer, expected_status, expected) in [
        (
            3,
            (500, vec![], server_error),
            "interrupted",
            "answered 500 server_error",
        ),
        (
            1,
            (429, retry(3600), String::new()),
            "interrupted",
            "answered 429",
        ),
        (
            4,
            (503, retry(0), String::new()),
            "interrupted",
            "answered 503",
        ),
        (3, (429, retry(0), String::new()), "completed", ""),
        (2, (500, vec![], String::new()), "completed", ""),
    ] {
        // A test of the connection forgets the token of the last cycle.
        let test = bench
            .engine
            .test_connection(bench.workspace, bench.application, None, None);
        assert!(test.await.unwrap().passed);
        bench.restart().await;
        issuer.answer_next(times, &answer);
        let cycle = bench.cycle().await;
        let message = bench.last_message().await;
        assert_eq!(cycle.status, expected_status, "{answer:?}: {message}");
        assert!(message.contains(expected), "{answer:?}: {message}");
        assert_eq!(issuer.office().answers.len(), 0, "{answer:?}");
        assert_ne!(bench.job().await.state, State::Quarantined);
    }
    assert_eq!(bench.target.world().users.len(), 1);
}

#[tokio::test]
async fn an_unreachable_token_endpoint_interrupts() {
    let (bench, issuer) = Bench::with_issuer().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/token", closed.local_addr().unwrap());
    drop(closed);
    bench
        .authenticate(by_client(&nobody), Some(CLIENT_SECRET))
        .await;
    assert_eq!(bench.cycle().await.status, "interrupted");
    let message = bench.last_message().await;
    assert!(
        message.contains("no connection to the token endpoint"),
        "{message}"
    );
    assert_eq!(bench.job().await.state, State::Active);
    assert_eq!(bench.sent(), Vec::<String>::new());
    bench
        .authenticate(by_client(&issuer.url), Some(CLIENT_SECRET))
        .await;
    assert_eq!(bench.cycle().await.counts.created, 1);
}

#[tokio::test]
async fn the_egress_policy_holds_for_the_token_endpoint() {
    let (bench, issuer) = Bench::with_issuer().await;
    let closed =
        Engine::new(bench.store.clone(), Egress::new(Policy::PublicOnly)).with_limits(limits());
    let report = closed
        .test_connection(bench.workspace, bench.application, None, None)
        .await
        .unwrap();
    assert!(
        !report.passed && report.summary.contains("the token endpoint cannot be used"),
        "{report:?}"
    );
    // Even a redirect by an allowed endpoint is not followed.
    issuer.answer_next(
        1,
        &(307, vec![("location", issuer.url.clone())], String::new()),
    );
    issuer.asked();
    assert_eq!(bench.cycle().await.status, "quarantined");
    assert_eq!(issuer.asked(), 1);
    let message = bench.last_message().await;
    assert!(message.contains("redirects"), "{message}");
}

#[tokio::test]
async fn the_connection_test_tries_what_is_not_saved_and_gives_nothing_away() {
    let (bench, issuer) = Bench::with_issuer().await;
    let (elsewhere, foreign) = (Target::start().await, Target::start().await);
    let other = Issuer::start(&elsewhere, "other").await;
    let target_url = bench.target.url.clone();
    let test = async |url: &str, authentication: &Authentication, secret: Option<&str>| {
        let (workspace, application) = (bench.workspace, bench.application);
        bench
            .engine
            .test_authentication(workspace, application, url, authentication, secret)
            .await
            .unwrap()
    };
    // The saved secret is good for another scope of the same client, and the report shows the token request.
    let scoped = Authentication::ClientCredentials(ClientCredentials {
        scope: Some("scim".to_owned()),
        ..client(&issuer.url)
    });
    let report = test(&target_url, &scoped, None).await;
    assert!(report.passed, "{report:?}");
    let first = &report.checks[0];
    assert_eq!(
        (first.name.as_str(), first.detail.as_str()),
        ("Access token", "issued, valid for 3600 s")
    );
    assert_eq!(first.request, format!("POST {}", issuer.url));
    // A wrong one is found out although a good token was issued a moment ago.
    let report = test(&target_url, &scoped, Some("wrong")).await;
    assert!(
        !report.passed && report.summary.contains("invalid_client"),
        "{report:?}"
    );
    assert_eq!(report.checks.len(), 1);
    // It goes to no other token endpoint, target or method.
    let report = test(&target_url, &by_client(&other.url), None).await;
    assert!(
        !report.passed && report.summary.contains("no client secret is stored"),
        "{report:?}"
    );
    let report = test(&foreign.url, &by_client(&issuer.url), None).await;
    assert!(!report.passed, "{report:?}");
    let report = test(&target_url, &Authentication::Bearer, None).await;
    assert!(!report.passed, "{report:?}");
    assert_eq!(other.asked(), 0);
    assert_eq!(foreign.world().shown, Vec::<String>::new());

    let bench = Bench::new().await;
    let report = bench
        .engine
        .test_connection(bench.workspace, bench.application, Some(&foreign.url), None)
        .await
        .unwrap();
    assert!(!report.passed, "{report:?}");
    assert_eq!(foreign.world().shown, [""], "the bearer token stays here");
}

#[tokio::test]
async fn no_application_uses_the_token_of_another() {
    let (bench, issuer) = Bench::with_issuer().await;
    let elsewhere = Target::start().await;
    let other = Issuer::start(&elsewhere, "other").await;
    let (workspace, url, token_url) = (bench.workspace, elsewhere.url.clone(), other.url.clone());
    let present = bench.application;
    let second = bench
        .write(move |tx| {
            let config = application::get(tx, workspace, present)?.config;
            let key =
                application::create(tx, workspace, "Other", "custom", &url, None, &config)?.key;
            let authentication = by_client(&token_url);
            let secret = Some(CLIENT_SECRET);
            application::set_authentication(tx, workspace, key, &url, &authentication, secret)?;
            Ok(key)
        })
        .await;
    for key in [bench.application, second, bench.application] {
        let patience = std::time::Duration::from_secs(5);
        let cycle = bench.engine.run_cycle(workspace, key, false, patience);
        assert_eq!(cycle.await.unwrap().status, "completed");
    }
    assert_eq!((issuer.asked(), other.asked()), (1, 1));
    for (target, token) in [
        (&bench.target, "Bearer access-token-1"),
        (&elsewhere, "Bearer other-token-1"),
    ] {
        let shown = target.world().shown.clone();
        assert!(
            !shown.is_empty() && shown.iter().all(|header| header == token),
            "{shown:?}"
        );
    }
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_written_anywhere() {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (bench, issuer) = Bench::with_issuer().await;
    let (workspace, application) = (bench.workspace, bench.application);
    bench.target.world().revoke_after = Some(2);
    bench.cycle().await;
    let by_post = Authentication::ClientCredentials(ClientCredentials {
        client_authentication: ClientAuthentication::Post,
        ..client(&issuer.url)
    });
    bench
        .authenticate(by_post.clone(), Some("wrong-s3cret"))
        .await;
    bench.cycle().await;
    let report = bench
        .engine
        .test_connection(workspace, application, None, Some(SECRET))
        .await;
    let basic = Authentication::Basic {
        user_name: "ada".to_owned(),
    };
    bench.authenticate(basic, Some("passw0rd")).await;
    bench.cycle().await;
    drop(guard);
    let (log, entries, cycles) = (
        bench.log().await,
        bench
            .read(move |tx| audit::list(tx, workspace, None, 1000))
            .await,
        bench
            .read(move |tx| run::list(tx, workspace, application, 100))
            .await,
    );
    let stored = format!(
        "{log:?} {entries:?} {cycles:?} {:?} {report:?} {:?}",
        bench.job().await,
        bench.engine
    );
    let traced = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(traced.contains("sent") && stored.contains("invalid_client"));
    for secret in [
        CLIENT_SECRET,
        "cl1ent~s3cret",
        "dGVudXJlK2NsaWVudDpjbDFlbnR",
        "access-token-",
        "wrong-s3cret",
        SECRET,
        "passw0rd",
        "YWRhOnBhc3N3MHJk",
    ] {
        assert!(!stored.contains(secret), "{secret} is stored: {stored}");
        let line = traced.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
