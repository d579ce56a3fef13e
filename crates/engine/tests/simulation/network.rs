//! The way from a process to the service, with everything that goes wrong on it.

use crate::{
    dice::Dice,
    process::Life,
    service::{Answer, Service},
};
use serde_json::{Map, Value};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tenure_egress::{Body, Call, EgressError, Reply, Transport};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

/// How long a process waits for an answer. Whatever arrives at the service arrives before that: what still travels when
/// its sender has given up cannot be called back by anybody.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// No connection.
    Refused,
    /// Nothing is done, and this status says so.
    Status(u16),
    /// Nothing is done; later, after so many seconds.
    Throttle(u64),
    /// Nothing is done, and the answer is a web page.
    Html,
    /// Nothing is done, and nobody says so.
    LoseRequest,
    /// It is done, and nobody says so.
    LoseReply,
    /// It is done, and the answer is 500.
    Break,
    /// It is done, and the answer is cut off.
    Garbage,
    /// It is done twice.
    Twice,
    /// A search sees what was there before the last writes.
    Stale,
}

const FAULTS: [Fault; 17] = [
    Fault::Refused,
    Fault::Status(400),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(409),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Throttle(1),
    Fault::Throttle(7200),
    Fault::Html,
    Fault::LoseRequest,
    Fault::LoseReply,
    Fault::Break,
    Fault::Garbage,
    Fault::Twice,
    Fault::Stale,
];

impl Drop for State {
    /// Who told one story only wants to read it, above all if it fails.
    fn drop(&mut self) {
        if std::env::var("TENURE_SEED").is_ok()
            && let Some(lines) = &self.lines
        {
            println!("{}", lines.join("\n"));
        }
    }
}

struct State {
    service: Service,
    /// One request in so many meets a fault; `None`: none does.
    trouble: Option<u64>,
    /// Nobody may write now.
    dry: bool,
    lines: Option<Vec<String>>,
}

/// Shared by all processes of a story.
#[derive(Clone)]
pub(crate) struct Network {
    state: Arc<Mutex<State>>,
    dice: Dice,
    started: Instant,
}

impl Network {
    pub(crate) fn new(dice: Dice, service: Service, told: bool) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                service,
                trouble: None,
                dry: false,
                lines: told.then(Vec::new),
            })),
            dice,
            started: Instant::now(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Service) -> T) -> T {
        look(&mut self.state().service)
    }

    pub(crate) fn trouble(&self, one_in: Option<u64>) {
        self.state().trouble = one_in;
    }

    pub(crate) fn dry(&self, dry: bool) {
        self.state().dry = dry;
    }

    /// A line of the story.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.state().lines {
            let at = self.started.elapsed().as_secs_f64();
            lines.push(format!("{at:>12.4} {}", line()));
        }
    }

    pub(crate) fn story(&self) -> Vec<String> {
        self.state().lines.clone().unwrap_or_default()
    }

    fn fault(&self, request: &Request) -> Option<Fault> {
        let one_in = self.state().trouble?;
        self.dice
            .one_in(one_in)
            .then(|| self.dice.pick(&FAULTS).copied())
            .flatten()
            // A service that says so when it is asked once more is believed.
            .filter(|fault| *fault != Fault::Status(404) || request.method != "GET")
    }

    /// Carries a request out and says what comes back; `None`: nothing.
    fn arrive(&self, request: &Request, fault: Option<Fault>) -> Option<Answer> {
        let mut state = self.state();
        let service = &mut state.service;
        match fault {
            Some(Fault::Status(status)) => Some(Answer::error(status, "as planned")),
            Some(Fault::Throttle(seconds)) => Some(Answer {
                retry_after_s: Some(seconds),
                ..Answer::error(429, "slower")
            }),
            Some(Fault::Html) => Some(Answer::page()),
            Some(Fault::LoseRequest | Fault::Refused) => None,
            Some(Fault::Stale) if request.method == "GET" => Some(service.stale(request)),
            None | Some(Fault::Stale) => Some(service.answer(request)),
            Some(Fault::Twice) => {
                let answer = service.answer(request);
                // Somebody who makes two accounts of one request for one cannot be helped.
                if request.method != "POST" || service.is_unique {
                    service.answer(request);
                }
                Some(answer)
            }
            Some(Fault::LoseReply) => {
                service.answer(request);
                None
            }
            Some(Fault::Break) => {
                service.answer(request);
                Some(Answer::error(500, "too late"))
            }
            Some(Fault::Garbage) => Some(service.answer(request).cut()),
        }
    }
}

/// A request as the service sees it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Behind `/scim/`, without the query.
    pub(crate) path: String,
    /// Of the query, decoded.
    pub(crate) filter: Option<String>,
    /// From 1.
    pub(crate) start_index: usize,
    pub(crate) count: Option<usize>,
    pub(crate) body: Map<String, Value>,
}

impl Request {
    fn new(call: &Call) -> Self {
        let url = url::Url::parse(&call.url).unwrap();
        let query = |wanted: &str| {
            url.query_pairs()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let body = match &call.body {
            Some(Body::Scim(Value::Object(body))) => body.clone(),
            _ => Map::new(),
        };
        Self {
            method: call.method.clone(),
            path: url.path().trim_start_matches("/scim/").to_owned(),
            filter: query("filter"),
            start_index: query("startIndex").map_or(1, |text| text.parse().unwrap()),
            count: query("count").map(|text| text.parse().unwrap()),
            body,
        }
    }

    /// Without what is random: the value that nobody has.
    fn shown(&self) -> String {
        let body = if self.body.is_empty() {
            String::new()
        } else {
            format!(" {}", Value::Object(self.body.clone()))
        };
        let filter = match &self.filter {
            Some(filter) if filter.contains('@') || !filter.contains('-') => format!("?{filter}"),
            Some(_) => "?nobody".to_owned(),
            None => String::new(),
        };
        format!("{} {}{filter}{body}", self.method, self.path)
    }
}

/// What one process sends through.
pub(crate) struct Line {
    network: Network,
    life: Life,
}

impl Line {
    pub(crate) fn new(network: Network, life: Life) -> Self {
        Self { network, life }
    }

    async fn send(&self, call: Call) -> Result<Reply, EgressError> {
        let network = &self.network;
        let request = Request::new(&call);
        // Half of those who die with a request die before it leaves, half after.
        let leaves_at_death = network.dice.one_in(2);
        if self.life.step() && !leaves_at_death {
            std::future::pending::<()>().await;
        }
        let fault = network.fault(&request);
        network.tell(|| match fault {
            None => request.shown(),
            Some(fault) => format!("{} {fault:?}", request.shown()),
        });
        {
            let state = network.state();
            assert!(
                !state.dry || request.method == "GET",
                "a dry run wrote: {request:?}"
            );
        }
        assert!(!self.life.is_silent(), "not silent: {request:?}");
        if fault == Some(Fault::Refused) {
            sleep(Duration::from_millis(1)).await;
            return Err(EgressError::Connect("connection refused".to_owned()));
        }
        let (sender, receiver) = oneshot::channel();
        let (there, back) = (self.travel(), self.travel());
        let network = network.clone();
        // It travels on its own: whoever sent it may be dead when it arrives.
        tokio::spawn(async move {
            sleep(there).await;
            let answer = network.arrive(&request, fault);
            network.tell(|| match &answer {
                None => format!(
                    "  nothing comes back of {} {}",
                    request.method, request.path
                ),
                Some(answer) => format!(
                    "  {} for {} {}",
                    answer.status, request.method, request.path
                ),
            });
            sleep(back).await;
            // Who does not wait any more does not get it.
            let _ = sender.send(answer);
        });
        let answer = receiver.await.ok().flatten();
        if self.life.is_dead() {
            std::future::pending::<()>().await;
        }
        if let Some(seconds) = answer.as_ref().and_then(|answer| answer.retry_after_s) {
            self.life.silence(seconds);
        }
        match answer {
            Some(answer) => Ok(Reply {
                status: answer.status,
                content_type: answer.content_type.to_owned(),
                retry_after_s: answer.retry_after_s,
                body: answer.body,
                duration_ms: 1,
            }),
            None => Err(EgressError::Unknown("the connection broke".to_owned())),
        }
    }

    /// Mostly quick; slow enough now and then that requests overtake each other.
    fn travel(&self) -> Duration {
        let dice = &self.network.dice;
        let most_ms = if dice.one_in(20) { 4000 } else { 20 };
        Duration::from_millis(1 + dice.roll(most_ms))
    }
}

impl Transport for Line {
    fn carry(
        &self,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, EgressError>> + Send + '_>> {
        Box::pin(self.send(call))
    }
}
