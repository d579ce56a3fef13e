//! Makes requests over a number of kept connections, checks the answers, and prints one line of JSON.

use clap::Parser;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tenure_bench::histogram::Histogram;
use tenure_bench::http::Connection;
use tenure_bench::template::{Template, Values};

/// Makes the same request again and again. In path, body and expectation `{n}` is a running number, `{random}` a random one
/// and `{id}` a line of a file.
#[derive(Debug, Parser)]
struct Options {
    /// Where the SCIM endpoint is: http://127.0.0.1:8080/scim
    #[arg(long)]
    url: String,
    /// Bearer token.
    #[arg(long)]
    token: String,
    #[arg(long, default_value = "GET")]
    method: String,
    /// Behind the URL: /Users/{id}
    #[arg(long)]
    path: String,
    #[arg(long)]
    body: Option<String>,
    /// What each good answer contains.
    #[arg(long, default_value = "")]
    contains: String,
    /// The status of each good answer; several parted by commas.
    #[arg(long, value_delimiter = ',', default_value = "200")]
    status: Vec<u16>,
    #[arg(long, default_value_t = 1)]
    connections: u64,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Stops after so many, even if there is time left.
    #[arg(long)]
    requests: Option<u64>,
    /// The first `{n}`.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// `{random}` is smaller than this.
    #[arg(long, default_value_t = 1)]
    below: u64,
    /// A file of lines for `{id}`.
    #[arg(long)]
    ids: Option<PathBuf>,
    /// Takes the lines in order and stops after the last, instead of drawing them.
    #[arg(long)]
    in_order: bool,
    /// Writes the `id` of each good answer to this file, one a line.
    #[arg(long)]
    save_ids: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What all connections share.
struct Plan {
    options: Options,
    address: SocketAddr,
    /// Request line up to the path, and the headers.
    prefix: String,
    headers: String,
    path: Template,
    body: Option<Template>,
    contains: Template,
    ids: Vec<String>,
    next: AtomicU64,
    until: Instant,
}

/// What one connection did.
#[derive(Default)]
struct Done {
    times: Histogram,
    good: u64,
    statuses: BTreeMap<u16, u64>,
    broken: u64,
    first_wrong: Option<String>,
    ids: Vec<String>,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let save_ids = options.save_ids.clone();
    let plan = prepare(options)?;
    let started = Instant::now();
    let parts: Vec<Done> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..plan.options.connections)
            .map(|number| {
                let plan = &plan;
                scope.spawn(move || client(plan, number))
            })
            .collect();
        clients
            .into_iter()
            .filter_map(|client| client.join().ok())
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut all = Done::default();
    for part in parts {
        all.times.merge(&part.times);
        all.good += part.good;
        all.broken += part.broken;
        all.first_wrong = all.first_wrong.or(part.first_wrong);
        all.ids.extend(part.ids);
        for (status, count) in part.statuses {
            *all.statuses.entry(status).or_default() += count;
        }
    }
    if let Some(path) = save_ids {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for id in &all.ids {
            writeln!(file, "{id}")?;
        }
        file.flush()?;
    }
    let statuses: BTreeMap<String, u64> = all
        .statuses
        .iter()
        .map(|(status, count)| (status.to_string(), *count))
        .collect();
    println!(
        "{}",
        json!({
            "requests": all.times.count() + all.broken,
            "good": all.good,
            "broken": all.broken,
            "seconds": seconds,
            "rate": all.good as f64 / seconds,
            "p50_us": all.times.percentile_us(0.5),
            "p99_us": all.times.percentile_us(0.99),
            "largest_us": all.times.largest_us(),
            "statuses": statuses,
            "first_wrong": all.first_wrong,
        })
    );
    Ok(())
}

fn prepare(options: Options) -> Result<Plan, Box<dyn std::error::Error>> {
    let rest = options
        .url
        .strip_prefix("http://")
        .ok_or("--url begins with http://")?;
    let (host, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let address = host
        .to_socket_addrs()?
        .next()
        .ok_or("the host has no address")?;
    if !address.ip().is_loopback() {
        return Err("only this machine may be put under load".into());
    }
    let ids: Vec<String> = match &options.ids {
        Some(path) => std::fs::read_to_string(path)?
            .lines()
            .map(str::to_owned)
            .collect(),
        None => Vec::new(),
    };
    let path = Template::parse(&options.path);
    let body = options.body.as_deref().map(Template::parse);
    if ids.is_empty() && (path.wants_ids() || body.as_ref().is_some_and(Template::wants_ids)) {
        return Err("{id} needs --ids with a file that is not empty".into());
    }
    let kind = if body.is_some() {
        "Content-Type: application/scim+json\r\n"
    } else {
        ""
    };
    Ok(Plan {
        address,
        prefix: format!("{} {}", options.method, base.trim_end_matches('/')),
        headers: format!(
            " HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nAccept: application/scim+json\r\n{kind}",
            options.token
        ),
        path,
        body,
        contains: Template::parse(&options.contains),
        ids,
        next: AtomicU64::new(0),
        until: Instant::now() + Duration::from_secs_f64(options.seconds),
        options,
    })
}

/// Numbers that look random (xorshift); each client has its own.
struct Random(u64);

impl Random {
    fn new(seed: u64, client: u64) -> Self {
        let mut random = Self(
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(client + 1)
                | 1,
        );
        for _ in 0..16 {
            random.below(1);
        }
        random
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// Sends until the time or the numbers are over.
fn client(plan: &Plan, number: u64) -> Done {
    let mut done = Done::default();
    let mut random = Random::new(plan.options.seed, number);
    let mut connection = None;
    let (mut request, mut body, mut wanted) = (String::new(), String::new(), String::new());
    while Instant::now() < plan.until {
        let count = plan.next.fetch_add(1, Ordering::Relaxed);
        if plan.options.requests.is_some_and(|most| count >= most) {
            break;
        }
        let lines = plan.ids.len() as u64;
        if plan.options.in_order && count >= lines {
            break;
        }
        let line = if plan.options.in_order {
            count
        } else {
            random.below(lines)
        };
        let values = Values {
            number: plan.options.first + count,
            random: random.below(plan.options.below),
            id: usize::try_from(line)
                .ok()
                .and_then(|line| plan.ids.get(line))
                .map_or("", String::as_str),
        };
        write_request(plan, values, &mut request, &mut body);
        wanted.clear();
        plan.contains.fill(values, &mut wanted);
        let started = Instant::now();
        match exchange(plan, &mut connection, request.as_bytes()) {
            Ok((status, answer)) => {
                done.times.add(started.elapsed());
                note(plan, &mut done, status, answer, &wanted);
            }
            Err(error) => {
                connection = None;
                done.broken += 1;
                done.first_wrong.get_or_insert(error.to_string());
            }
        }
    }
    done
}

fn write_request(plan: &Plan, values: Values<'_>, request: &mut String, body: &mut String) {
    request.clear();
    request.push_str(&plan.prefix);
    plan.path.fill(values, request);
    request.push_str(&plan.headers);
    if let Some(template) = &plan.body {
        body.clear();
        template.fill(values, body);
        request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        request.push_str(body);
    } else {
        request.push_str("\r\n");
    }
}

/// One exchange on the kept connection.
fn exchange<'a>(
    plan: &Plan,
    connection: &'a mut Option<Connection>,
    request: &[u8],
) -> std::io::Result<(u16, &'a [u8])> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(plan.address)?),
    };
    let status = open.exchange(request)?;
    Ok((status, open.body()))
}

fn note(plan: &Plan, done: &mut Done, status: u16, answer: &[u8], wanted: &str) {
    *done.statuses.entry(status).or_default() += 1;
    let is_good = plan.options.status.contains(&status) && contains(answer, wanted.as_bytes());
    if !is_good {
        done.first_wrong.get_or_insert_with(|| {
            let text = String::from_utf8_lossy(answer.get(..600).unwrap_or(answer));
            format!("{status}, wanted {wanted:?}: {text}")
        });
        return;
    }
    done.good += 1;
    if plan.options.save_ids.is_some() {
        done.ids.extend(id_of(answer));
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The `id` of a resource, or of the first one of a list.
fn id_of(answer: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let id = document
        .get("id")
        .or_else(|| document.get("Resources")?.get(0)?.get("id"))?;
    Some(id.as_str()?.to_owned())
}
