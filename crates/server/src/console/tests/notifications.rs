//! Who is told by mail, and whether mail works.

use tenure_mail::{Mailer, Server};
use tenure_store::{job, setting};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

const PAGE: &str = "/w/acme/settings/notifications";
const TEST: &str = "/w/acme/settings/notifications/test";

async fn signed_in(app: &App) -> Browser {
    let mut browser = Browser::new(app);
    browser.sign_up("dana@acme.test", "Acme").await;
    browser
}

/// The app with a mail server on a port of this machine.
fn with_mail(port: u16) -> App {
    let app = app();
    let url = format!("smtp://127.0.0.1:{port}");
    let server = Server::new(&url, None, "tenure@example.com", None).unwrap();
    let config = Config {
        mailer: Some(Mailer::new(server)),
        ..(*app.config).clone()
    };
    App {
        config: Arc::new(config),
        ..app
    }
}

/// Takes one message; what the client said.
async fn mail_server() -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await.unwrap();
        let (mut said, mut in_message) = (Vec::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return said;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." => {
                    in_message = false;
                    "250 taken <b>as number 7\r\n"
                }
                "DATA" => {
                    in_message = true;
                    "354 go on\r\n"
                }
                _ if in_message => "",
                _ => "250 fine\r\n",
            };
            said.push(line);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, task)
}

#[tokio::test]
async fn without_a_mail_server_the_pages_say_so() {
    let app = app();
    let mut browser = signed_in(&app).await;
    let ids = furnish(&app, "acme").await;
    let page = browser.get(PAGE).await.html;
    assert!(page.contains("Mail is not configured") && !page.contains(TEST));
    let page = browser.post(PAGE, TEST, &[]).await;
    assert!(page.html.contains("data-test=\"mail-result\""));
    let path = format!("/w/acme/apps/{}/provisioning", ids.2);
    assert!(
        browser
            .get(&path)
            .await
            .html
            .contains("Mail is not configured")
    );
}

#[tokio::test]
async fn addresses_are_checked_and_kept() {
    let app = app();
    let mut browser = signed_in(&app).await;
    let wrong = "ops@example.com, <no address>";
    let page = browser.post(PAGE, PAGE, &[("addresses", wrong)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("is not an e-mail address") && page.html.contains("no address"));
    let good = "ops@example.com;ana@example.com";
    let page = browser.post(PAGE, PAGE, &[("addresses", good)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let settings = app.store.read(|tx| {
        let workspace = workspace::find(tx, "acme")?.unwrap().id;
        setting::get(tx, workspace)
    });
    assert_eq!(
        settings.await.unwrap().notification_emails,
        ["ops@example.com", "ana@example.com"]
    );
    assert!(
        browser
            .get(PAGE)
            .await
            .html
            .contains("\"ops@example.com, ana@example.com\"")
    );
}

#[tokio::test]
async fn an_application_keeps_its_addresses_when_it_is_quiet() {
    let app = app();
    let mut browser = signed_in(&app).await;
    let ids = furnish(&app, "acme").await;
    let path = format!("/w/acme/apps/{}/provisioning", ids.2);
    let to = format!("{path}/settings");
    let check = async |browser: &mut Browser, version: &str, fields: &[(&str, &str)]| {
        let common = [
            ("version", version),
            ("scope", "assigned"),
            ("status", "off"),
        ];
        let fields = [&common, fields].concat();
        browser.post(&path, &to, &fields).await.status
    };
    let refused = [
        ("notification_email", "a@x.org; <b@x.org>"),
        ("notify", "on"),
    ];
    assert_eq!(
        check(&mut browser, "1", &refused).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let quiet = [("notification_email", "a@x.org;b@x.org")];
    assert_eq!(
        check(&mut browser, "1", &quiet).await,
        StatusCode::SEE_OTHER
    );
    let html = browser.get(&path).await.html;
    assert!(html.contains("a@x.org, b@x.org"));
    let notify = html.split("name=\"notify\"").nth(1).unwrap();
    assert!(!notify.split('>').next().unwrap().contains("checked"));
}

#[tokio::test]
async fn a_test_mail_goes_to_who_presses_the_button() {
    let (port, server) = mail_server().await;
    let app = with_mail(port);
    let mut browser = signed_in(&app).await;
    let fields = [("to", "victim@example.com")];
    let page = browser.post(PAGE, TEST, &fields).await.html;
    assert!(page.contains("taken &#60;b&#62;as number 7"), "{page}");
    let said = server.await.unwrap();
    let receivers: Vec<&String> = said
        .iter()
        .filter(|line| line.starts_with("RCPT"))
        .collect();
    assert_eq!(receivers, ["RCPT TO:<dana@acme.test>"]);
    assert!(
        said.iter()
            .any(|line| line == "Subject: [Tenure] Test mail")
    );
    let page = browser.post(PAGE, TEST, &fields).await.html;
    assert!(page.contains("one test mail in 10 s"));
}

#[tokio::test]
async fn notifications_are_listed_and_their_texts_escaped() {
    // Nobody listens here.
    let app = with_mail(9);
    let mut browser = signed_in(&app).await;
    let ids = furnish(&app, "acme").await;
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            let key = application::find(tx, workspace, &ids.2)?.unwrap().key;
            job::start(tx, workspace, key)?;
            let lease = job::claim(tx, workspace, key, 1_000_000)?.unwrap();
            job::set_quarantine(tx, &lease, Some(("X", "x")))?;
            let due = tenure_store::notification::due(tx, 1)?;
            let claim = tenure_store::notification::claim(tx, workspace, due[0].1, 1)?.unwrap();
            let end = tenure_store::notification::End::Again {
                next_us: tx.now_us() + 1_000_000_000,
                error: "421 <script>alert(9)</script>".to_owned(),
            };
            tenure_store::notification::finish(tx, &claim, &end)
        })
        .await
        .unwrap();
    let page = browser.get(PAGE).await.html;
    for part in [
        "Quarantine",
        "Tried again",
        "Mail is waiting.",
        "alert(9)",
        "alert(3)",
        "127.0.0.1:9",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script>alert"));
}
