//! Random changes in the directory, random faults at the target, runs that die in the middle; then quiet, and the target
//! must be equal to the directory, with nobody twice and strangers untouched.

use crate::support::{Bench, target::Fault};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tenure_store::resource::Stored;

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
        match (dice.roll(6), somebody) {
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

async fn story(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let bench = Bench::new().await;
    bench.target.world().users.insert(
        "foreign".into(),
        crate::support::object(json!({ "id": "foreign", "userName": "stranger", "active": true })),
    );
    let group = bench.group("Everybody", &[]).await;
    let mut directory = Directory::default();
    for _ in 0..6 {
        for _ in 0..dice.roll(12) {
            directory.change(&bench, &group, &mut dice).await;
        }
        for _ in 0..dice.roll(4) {
            let method = ["GET", "POST", "PATCH", "DELETE"][dice.roll(4)];
            let path = ["Users", "Groups"][dice.roll(2)];
            let fault = [
                Fault::Status(500),
                Fault::LoseReply,
                Fault::Break,
                Fault::Throttle(0),
                Fault::Status(503),
                Fault::Status(400),
            ][dice.roll(6)];
            bench.target.fail(method, path, 1 + dice.roll(3), fault);
        }
        let (engine, workspace, application) =
            (bench.engine.clone(), bench.workspace, bench.application);
        let running = tokio::spawn(async move {
            engine
                .run_cycle(workspace, application, false, Duration::from_secs(40))
                .await
        });
        if dice.roll(3) == 0 {
            tokio::time::sleep(Duration::from_millis(u64::try_from(dice.roll(30)).unwrap())).await;
            running.abort();
            // A request that was on its way has arrived, or not, before the job is taken up again: no process restarts
            // faster than that.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if let Ok(result) = running.await {
            result.unwrap();
        }
    }
    bench.target.heal();
    bench.restart().await;
    let (workspace, application) = (bench.workspace, bench.application);
    let cycle = bench
        .engine
        .run_cycle(workspace, application, false, Duration::from_secs(40))
        .await
        .unwrap();
    assert_eq!(
        (cycle.status.as_str(), cycle.counts.failed),
        ("completed", 0),
        "seed {seed}: {cycle:?} {:?}",
        bench.log().await
    );
    directory.check(&bench, seed);
    bench.sent();
    let quiet = bench.cycle().await;
    assert_eq!(
        (bench.sent(), quiet.counts.updated),
        (Vec::new(), 0),
        "seed {seed}: not quiet"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_leave_no_trace() {
    for seed in 1..=25 {
        story(seed).await;
    }
}
