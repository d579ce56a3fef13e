//! The server loop over a real socket: keep-alive, header limits, stopping.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::harness::World;

pub(crate) struct Running {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn start(world: &World) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(tenure_server::serve(world.app.clone(), listener, stopped));
    Running {
        address,
        stop,
        task,
    }
}

/// Reads one answer with a Content-Length.
pub(crate) async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            body.len() >= length.unwrap_or(0)
        });
        if complete || read == 0 {
            return text;
        }
    }
}

#[tokio::test]
async fn answers_over_one_connection_and_stops() {
    let world = World::new().await;
    let running = start(&world).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for path in ["/scim/Users", "/healthz"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
            world.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    running.stop.send(true).unwrap();
    running.task.await.unwrap().unwrap();
    assert_eq!(
        answer(&mut stream).await,
        "",
        "an idle connection is closed"
    );
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_after_the_stop() {
    let world = World::new().await;
    let running = start(&world).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let body = "{\"userName\":\"mira\"}";
    let head = format!(
        "POST /scim/Users HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        world.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        answer(&mut stream).await,
        "HTTP/1.1 100 Continue\r\n\r\n",
        "the handler waits for the body"
    );
    running.stop.send(true).unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    assert!(
        answer(&mut stream)
            .await
            .starts_with("HTTP/1.1 201 Created\r\n")
    );
    running.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_stop_signal_stops() {
    let world = World::new().await;
    let running = start(&world).await;
    drop(running.stop);
    running.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn header_limits() {
    let world = World::new().await;
    let running = start(&world).await;
    let many = |count: usize| {
        (0..count)
            .map(|number| format!("x-{number}: 1\r\n"))
            .collect::<String>()
    };
    let long = |bytes: usize| format!("x-long: {}\r\n", "a".repeat(bytes));
    for (headers, status) in [
        (many(63), 200),
        (many(64), 431),
        (long(15 * 1024), 200),
        (long(17 * 1024), 431),
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let text = answer(&mut stream).await;
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} ")),
            "{status}: {text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn slow_headers_close_the_connection() {
    let world = World::new().await;
    let running = start(&world).await;
    for head in ["", "GET /healthz HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let started = tokio::time::Instant::now();
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        let read = tokio::time::timeout(std::time::Duration::from_secs(60), end).await;
        assert_eq!(read.expect("closed by the server").unwrap(), 0, "{head}");
        assert!((9..=11).contains(&started.elapsed().as_secs()), "{head}");
    }
}

/// Sends a request whose body nobody reads, and another one over the same connection if that goes on.
async fn unread(running: &Running, head: &str, body: &[u8], status: u16, goes_on: bool) {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may have closed before it got all of a body that it does not want.
    let sent = stream.write_all(body).await;
    assert!(sent.is_ok() || !goes_on, "{head}: {sent:?}");
    let first = answer(&mut stream).await;
    assert!(
        first.starts_with(&format!("HTTP/1.1 {status} ")),
        "{head}: {first}"
    );
    let closes = first.contains("connection: close\r\n");
    assert_eq!(closes, !goes_on, "{head}: {first}");
    if goes_on {
        let next = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(next).await.unwrap();
        let second = answer(&mut stream).await;
        assert!(
            second.starts_with("HTTP/1.1 200 OK\r\n"),
            "{head}: {second}"
        );
    }
}

/// An answer that comes before the body was read leaves the connection usable, or says that it does not.
#[tokio::test]
async fn unread_bodies_do_not_break_the_connection() {
    let world = World::new().await;
    let running = start(&world).await;
    let token = format!("authorization: Bearer {}\r\n", world.token);
    let text = "content-type: text/plain\r\n";
    let small = vec![b'x'; 60 * 1024];
    let large = vec![b'x'; 200 * 1024];
    for (line, headers, status) in [
        ("POST /scim/Users", "", 401),
        ("PUT /scim/Users", token.as_str(), 405),
        ("POST /scim/Nothing", token.as_str(), 404),
        ("POST /scim/Me", token.as_str(), 501),
        ("POST /scim/Users", &format!("{token}{text}"), 415),
        ("POST /healthz", "", 405),
    ] {
        let sized = |bytes: usize| {
            format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {bytes}\r\n\r\n")
        };
        unread(&running, &sized(small.len()), &small, status, true).await;
        unread(&running, &sized(large.len()), &large, status, false).await;
        let chunked =
            format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}transfer-encoding: chunked\r\n\r\n");
        let body = b"5\r\nhello\r\n0\r\n\r\n";
        unread(&running, &chunked, body, status, true).await;
    }
    let over =
        format!("POST /scim/Users HTTP/1.1\r\nhost: x\r\n{token}content-length: 2097152\r\n\r\n");
    unread(&running, &over, &small, 413, false).await;
}

/// Who waits for our consent to send a body is not asked for it when nobody wants it.
#[tokio::test]
async fn expected_consent_is_not_given_for_nothing() {
    let world = World::new().await;
    let running = start(&world).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head =
        "POST /scim/Users HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 401 "), "{text}");
    assert!(text.contains("connection: close\r\n"), "{text}");
}

/// A body that stops is not waited for longer than a moment.
#[tokio::test(start_paused = true)]
async fn slow_rests_close_the_connection() {
    let world = World::new().await;
    let running = start(&world).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = "POST /scim/Users HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nx";
    stream.write_all(head.as_bytes()).await.unwrap();
    let started = tokio::time::Instant::now();
    let text = answer(&mut stream).await;
    assert!(text.contains("connection: close\r\n"), "{text}");
    assert_eq!(started.elapsed().as_secs(), 1);
}
