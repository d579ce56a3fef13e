//! Random changes in the directory, random faults at the target, runs that die in the middle; then quiet, and the target
//! must be equal to the directory, with nobody twice and strangers untouched.

use crate::support::{
    Bench, limits, object,
    target::{Crash, Fault},
};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tenure_engine::{Engine, EngineError, Limits};
use tenure_store::resource::Stored;
use tokio::{sync::Notify, task::JoinSet};

/// A small generator (xorshift), so that a seed gives the same story everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// What the directory holds: name → (active, display name).
#[derive(Default)]
struct Directory {
    people: BTreeMap<String, (Stored, bool, String)>,
    gone: Vec<String>,
    members: Vec<String>,
    made: usize,
}

impl Directory {
    async fn change(&mut self, bench: &Bench, group: &Stored, dice: &mut Dice) {
        let names: Vec<String> = self.people.keys().cloned().collect();
        let somebody = names.get(dice.roll(names.len().max(1))).cloned();
        let what = dice.roll(6);
        bench.tell(&format!(
            "change {what} of {somebody:?}, {} made",
            self.made
        ));
        match (what, somebody) {
            (0 | 1, _) | (_, None) => {
                let name = format!("person{}", self.made);
                self.made += 1;
                let stored = bench.user(&name).await;
                self.people.insert(name.clone(), (stored, true, name));
            }
            (2, Some(name)) => {
                let person = self.people.get_mut(&name).unwrap();
                person.2 = format!("{name} {}", dice.roll(1000));
                bench
                    .replace(&person.0, "displayName", json!(person.2))
                    .await;
            }
            (3, Some(name)) => {
                let person = self.people.get_mut(&name).unwrap();
                person.1 = !person.1;
                bench.replace(&person.0, "active", json!(person.1)).await;
            }
            (4, Some(name)) => {
                let (stored, ..) = self.people.remove(&name).unwrap();
                bench.delete(&stored).await;
                self.members.retain(|member| *member != name);
                self.gone.push(name);
            }
            (_, Some(name)) => {
                let id = &self.people[&name].0.id;
                if self.members.contains(&name) {
                    self.members.retain(|member| *member != name);
                    bench.patch(group, json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }])).await;
                } else {
                    bench
                        .patch(
                            group,
                            json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]),
                        )
                        .await;
                    self.members.push(name);
                }
            }
        }
    }

    /// Everything that must hold when it is quiet again.
    fn check(&self, bench: &Bench, seed: u64) {
        let world = bench.target.world();
        assert_eq!(world.users["foreign"]["active"], true, "seed {seed}");
        let mut accounts: Vec<&str> = world
            .users
            .values()
            .map(|user| user["userName"].as_str().unwrap())
            .collect();
        accounts.sort_unstable();
        let count = accounts.len();
        accounts.dedup();
        assert_eq!(
            accounts.len(),
            count,
            "seed {seed}: somebody has two accounts"
        );
        for (name, (_, active, display_name)) in &self.people {
            match world.user(&format!("{name}@example.org")) {
                Some(account) => {
                    assert_eq!(account["active"], *active, "seed {seed}: {name}");
                    assert_eq!(
                        account["displayName"], **display_name,
                        "seed {seed}: {name}"
                    );
                }
                // Who is not active never gets an account in the first place.
                None => assert!(!active, "seed {seed}: {name} has no account"),
            }
        }
        for name in &self.gone {
            assert!(
                world.user(&format!("{name}@example.org")).is_none(),
                "seed {seed}: {name} is still there"
            );
        }
        let mut expected: Vec<String> = self
            .members
            .iter()
            .map(|name| format!("{name}@example.org"))
            .filter(|user_name| world.user(user_name).is_some())
            .collect();
        expected.sort();
        assert_eq!(world.members("Everybody"), expected, "seed {seed}");
    }
}

/// What can go wrong with a request.
const FAULTS: [Fault; 11] = [
    Fault::Status(500),
    Fault::Status(503),
    Fault::Status(400),
    Fault::Status(409),
    Fault::Throttle(0),
    Fault::LoseReply,
    Fault::Break,
    Fault::Html,
    Fault::Twice,
    Fault::Stale,
    Fault::Hang,
];

/// Faults for the next cycle, and perhaps the request at which the process dies.
fn prepare(bench: &Bench, dice: &mut Dice) -> Option<Arc<Notify>> {
    for _ in 0..dice.roll(5) {
        let method = ["GET", "POST", "PATCH", "DELETE"][dice.roll(4)];
        let path = ["Users", "Groups"][dice.roll(2)];
        let fault = FAULTS[dice.roll(FAULTS.len())];
        bench.target.fail(method, path, 1 + dice.roll(3), fault);
    }
    (dice.roll(3) == 0).then(|| {
        let now = Arc::new(Notify::new());
        bench.target.world().crash = Some(Crash {
            requests: dice.roll(12),
            carried_out: dice.roll(2) == 0,
            now: Arc::clone(&now),
        });
        now
    })
}

/// A cycle among the faults; it may die at a request, or at any moment.
async fn cycle(bench: &Bench, impatient: &Engine, dice: &mut Dice) {
    let crash = prepare(bench, dice);
    bench.tell("a cycle begins");
    let die_after = (crash.is_none() && dice.roll(4) == 0)
        .then(|| Duration::from_millis(u64::try_from(dice.roll(30)).unwrap()));
    let (engine, workspace, application) = (impatient.clone(), bench.workspace, bench.application);
    let mut running = tokio::spawn(async move {
        engine
            .run_cycle(workspace, application, false, Duration::from_secs(40))
            .await
    });
    let death = async {
        match (&crash, die_after) {
            (Some(now), _) => now.notified().await,
            (None, Some(after)) => tokio::time::sleep(after).await,
            (None, None) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = &mut running => {
            // A target that answers nonsense to the first question stops the cycle, and that is no mistake.
            if let Err(error) = ended.unwrap() {
                assert!(matches!(error, EngineError::Target { .. }), "{error}");
            }
        }
        () = death => {
            running.abort();
            let _ = running.await;
            bench.tell("the process has died");
            // A request that was on its way has arrived, or not, before the job is taken up again: no process restarts
            // faster than that.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    bench.target.world().crash = None;
}

impl Bench {
    /// Writes a line of the story between the requests, for replaying a seed.
    fn tell(&self, line: &str) {
        self.target.world().requests.push(line.to_owned());
    }
}

async fn story(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (at_once, members) = (1 + dice.roll(8), 1 + dice.roll(4));
    let bench = Bench::with(move |config| {
        config.dialect.concurrency = at_once;
        config.dialect.members_per_patch = members;
    })
    .await;
    let impatient = bench.engine.clone().with_limits(Limits {
        call_timeout: Duration::from_millis(150),
        ..limits()
    });
    bench.target.world().users.insert(
        "foreign".into(),
        object(json!({ "id": "foreign", "userName": "stranger", "active": true })),
    );
    // The directory is never empty: that alone would hold everything.
    bench.user("anchor").await;
    let group = bench.group("Everybody", &[]).await;
    let mut directory = Directory::default();
    for _ in 0..6 {
        for _ in 0..dice.roll(12) {
            directory.change(&bench, &group, &mut dice).await;
        }
        cycle(&bench, &impatient, &mut dice).await;
    }
    bench.target.heal();
    bench.restart().await;
    bench.tell("quiet now");
    let cycle = bench
        .engine
        .run_cycle(
            bench.workspace,
            bench.application,
            false,
            Duration::from_secs(40),
        )
        .await
        .unwrap();
    assert_eq!(
        (cycle.status.as_str(), cycle.counts.failed),
        ("completed", 0),
        "seed {seed}: {cycle:?} {:?}",
        bench.log().await
    );
    if std::env::var("TENURE_SEED").is_ok() {
        println!("{}", bench.sent().join("\n"));
        for entry in bench.log().await.iter().rev() {
            println!(
                "{} {} {} {:?}",
                entry.action, entry.status, entry.source_name, entry.reason
            );
        }
    }
    directory.check(&bench, seed);
    bench.sent();
    // It may still look for accounts that were perhaps made.
    let quiet = bench.cycle().await;
    let writes: Vec<String> = bench
        .sent()
        .into_iter()
        .filter(|request| !request.starts_with("GET"))
        .collect();
    assert_eq!(
        (writes, quiet.counts.updated),
        (Vec::new(), 0),
        "seed {seed}: not quiet"
    );
}

/// `TENURE_SEEDS`: how many stories (100 otherwise); `TENURE_SEED`: only this one, again.
#[tokio::test(flavor = "multi_thread")]
async fn faults_leave_no_trace() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let mut seeds = match number("TENURE_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("TENURE_SEEDS").unwrap_or(100),
    };
    let mut stories = JoinSet::new();
    loop {
        // Mostly they wait, so that more of them than cores keep the cores busy.
        while stories.len() < 12
            && let Some(seed) = seeds.next()
        {
            stories.spawn(story(seed));
        }
        match stories.join_next().await {
            Some(ended) => ended.unwrap(),
            None => break,
        }
    }
}
