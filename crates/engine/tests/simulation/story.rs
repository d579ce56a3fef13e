//! A story: changes, troubles, deaths; then quiet.

use crate::{
    dice::Dice,
    directory::{Directory, object, user_name},
    network::{CALL_TIMEOUT, Network},
    process::Process,
    service::{LAG_AT_MOST, Resources, Service},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tenure_engine::{EngineError, STAGED};
use tenure_plan::{config::Scope, dialect::Updates, gallery};
use tenure_store::{
    Actor, Error, Store, WorkspaceId, application, escrow, job, log,
    run::{self, Cycle, CycleKind},
    simulation::Simulation,
    workspace,
};
use tokio::time::{Instant, sleep};

/// 1 January 2026.
const BEGINNING_US: i64 = 1_767_225_600_000_000;
/// How often the job is looked at in the end, at most. The longest wait between two attempts is a day.
const QUIET_CYCLES: usize = 60;
const PATIENCE: Duration = Duration::from_mins(2);

struct Story {
    dice: Dice,
    network: Network,
    simulation: Simulation,
    /// Where the directory is changed and an administrator looks.
    desk: Store,
    directory: Directory,
    workspace: WorkspaceId,
    application: i64,
    earlier: Resources,
    threshold: Option<u32>,
    healed: Arc<AtomicBool>,
}

/// Tells the story of a seed; its lines, if they are wanted.
pub(crate) fn tell(seed: u64, told: bool) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = Story::begin(seed, told).await;
        story.troubles().await;
        story.quiet().await;
        story.network.story()
    })
}

fn account(
    id: &str,
    name: &str,
    active: bool,
) -> (String, serde_json::Map<String, serde_json::Value>) {
    let account = json!({ "id": id, "userName": user_name(name), "displayName": "As it was", "active": active });
    (id.to_owned(), object(account))
}

impl Story {
    async fn begin(seed: u64, told: bool) -> Self {
        let dice = Dice::new(seed);
        let started = Instant::now();
        let clock = move || BEGINNING_US + i64::try_from(started.elapsed().as_micros()).unwrap();
        let simulation = Simulation::new(seed, Box::new(clock)).unwrap();
        let desk = simulation.process(Arc::new(|_| Box::pin(async { Ok(()) })));
        let strangers: Resources = (0..=dice.roll(3))
            .map(|number| account(&format!("s{number}"), &format!("stranger{number}"), true))
            .collect();
        let earlier: Resources = (0..dice.roll(4))
            .map(|number| (number, format!("person{}", dice.roll(12))))
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .map(|(number, name)| account(&format!("e{number}"), &name, dice.one_in(2)))
            .collect();
        let lag = if dice.one_in(2) {
            Duration::from_secs(dice.roll(LAG_AT_MOST.as_secs()))
        } else {
            Duration::ZERO
        };
        let mut service = Service::new(dice.one_in(2), lag, strangers);
        let mut names = std::collections::BTreeSet::new();
        let earlier: Resources = earlier
            .into_iter()
            .filter(|(_, account)| names.insert(account["userName"].to_string()))
            .collect();
        service.now.users.extend(earlier.clone());
        if dice.one_in(4) {
            service.poison = Some(user_name(&format!("person{}", dice.roll(8))));
        }
        let network = Network::new(dice.clone(), service, told);
        let threshold = dice
            .one_in(2)
            .then(|| 1 + u32::try_from(dice.roll(4)).unwrap());
        let (workspace, application) = Self::configure(&desk, &dice, threshold, lag).await;
        let mut directory = Directory::new(desk.clone(), workspace, dice.clone(), network.clone());
        directory.add("anchor".to_owned()).await;
        directory.add_group("group0").await;
        Self {
            dice,
            network,
            simulation,
            desk,
            directory,
            workspace,
            application,
            earlier,
            threshold,
            healed: Arc::default(),
        }
    }

    async fn configure(
        desk: &Store,
        dice: &Dice,
        threshold: Option<u32>,
        lag: Duration,
    ) -> (WorkspaceId, i64) {
        let mut config = gallery::template("custom").unwrap().config;
        config.scope = Scope::All;
        config.groups.enabled = true;
        config.deletion_threshold = threshold;
        config.dialect.concurrency = 1 + dice.size(8);
        // What is known about the service is true; a request that was given up is done by then, too.
        config.dialect.search_lag_s = u32::try_from((lag + CALL_TIMEOUT).as_secs()).unwrap() + 1;
        config.dialect.members_per_patch = 1 + dice.size(4);
        if dice.one_in(4) {
            config.dialect.user_updates = Updates::Put;
            config.dialect.group_updates = Updates::Put;
        }
        config.dialect.filters = !dice.one_in(6);
        let config = serde_json::to_string(&config).unwrap();
        let url = "http://service.example/scim";
        desk.write(Actor::system(), move |tx| {
            let workspace = workspace::create(tx, "Test")?.id;
            let created = application::create(
                tx,
                workspace,
                "Target",
                "custom",
                url,
                Some("s3cret"),
                &config,
            )?;
            // Switched on: changes wake it.
            job::start(tx, workspace, created.key)?;
            Ok((workspace, created.key))
        })
        .await
        .unwrap()
    }

    fn process(&self) -> Process {
        Process::start(&self.simulation, &self.dice, &self.network, &self.healed)
    }

    async fn troubles(&mut self) {
        let mut process = self.process();
        for _ in 0..2 + self.dice.roll(5) {
            for _ in 0..self.dice.roll(12) {
                self.directory.change().await;
            }
            let one_in = 2 + self.dice.roll(12);
            self.network
                .trouble((!self.dice.one_in(5)).then_some(one_in));
            let steps = self.dice.one_in(2).then(|| self.dice.roll(120));
            process.life.end_after(steps);
            self.act(&process).await;
            if process.life.is_dead() {
                self.network.tell(|| "the process has died".to_owned());
                if self.dice.one_in(2) {
                    self.simulation.bury(&process.store);
                }
                // Whatever it sent has arrived or is lost before somebody else takes over.
                sleep(CALL_TIMEOUT).await;
                process = self.process();
            }
            process.life.end_after(None);
            self.pass().await;
        }
        process.life.end();
        self.simulation.bury(&process.store);
        sleep(CALL_TIMEOUT).await;
    }

    /// Time goes by, sometimes little.
    async fn pass(&self) {
        let seconds = match self.dice.roll(3) {
            0 => self.dice.roll(3),
            1 => self.dice.roll(3600),
            _ => self.dice.roll(30 * 3600),
        };
        sleep(Duration::from_secs(seconds)).await;
    }

    /// A process does something, among changes, until it is done or dies.
    async fn act(&mut self, process: &Process) {
        let what = self.dice.roll(8);
        self.network.tell(|| format!("begins {what}"));
        self.network.with(|service| service.losses.clear());
        let changes = self.dice.roll(4);
        process.life.speak();
        let (engine, workspace, application) =
            (process.engine.clone(), self.workspace, self.application);
        let (network, dice) = (self.network.clone(), self.dice.clone());
        let life = process.life.clone();
        // In a task: whoever dies leaves it behind.
        let acting = tokio::spawn(async move {
            match what {
                0 => {
                    network.dry(true);
                    let ended = engine
                        .run_cycle(workspace, application, true, PATIENCE)
                        .await;
                    network.dry(false);
                    ended
                }
                1 => {
                    let plan = engine
                        .preview(workspace, application, None, PATIENCE)
                        .await?;
                    life.speak();
                    engine
                        .apply(Actor::system(), workspace, application, &plan.id, PATIENCE)
                        .await
                }
                2 => {
                    let plan = engine.drift(workspace, application, PATIENCE).await?;
                    life.speak();
                    engine
                        .apply(Actor::system(), workspace, application, &plan.id, PATIENCE)
                        .await
                }
                3 | 4 => {
                    let (stop, stopped) = tokio::sync::watch::channel(false);
                    let seconds = 1 + dice.roll(60);
                    let schedule = engine.schedule(stopped);
                    let end = async {
                        sleep(Duration::from_secs(seconds)).await;
                        stop.send(true).unwrap();
                    };
                    tokio::join!(schedule, end);
                    Err(EngineError::Running)
                }
                _ => {
                    engine
                        .run_cycle(workspace, application, false, PATIENCE)
                        .await
                }
            }
        });
        let abort = acting.abort_handle();
        let directory = &mut self.directory;
        let changing = async {
            for _ in 0..changes {
                sleep(Duration::from_millis(self.dice.roll(300))).await;
                directory.change().await;
            }
        };
        let (ended, ()) = tokio::join!(
            async {
                tokio::select! {
                    biased;
                    ended = acting => Some(ended.unwrap()),
                    () = process.life.ended() => None,
                }
            },
            changing
        );
        self.network.dry(false);
        match ended {
            Some(Ok(cycle)) => self.look_at(&cycle),
            Some(Err(error)) => self.judge(&error),
            // It stays where it is, for ever: nobody runs what a process would do that ends in good order.
            None => drop(abort),
        }
    }

    fn look_at(&self, cycle: &Cycle) {
        self.network.tell(|| {
            format!(
                "cycle {} {:?} {:?}",
                cycle.status, cycle.counts, cycle.message
            )
        });
        // Who applies a plan has seen what it does.
        if let (Some(threshold), false) = (self.threshold, cycle.kind == CycleKind::Apply) {
            let lost = self.network.with(|service| service.losses.len());
            let allowed = u64::from(threshold);
            assert!(
                lost as u64 <= allowed,
                "{lost} lost access, {threshold} may"
            );
        }
    }

    fn judge(&self, error: &EngineError) {
        self.network.tell(|| format!("ended with {error}"));
        match error {
            EngineError::Target { .. } | EngineError::Running | EngineError::Stale(_) => {}
            // What the fate of the store says, and what follows when a commit's answer is lost.
            EngineError::Store(Error::Busy | Error::Database(_) | Error::StaleFence) => {}
            other => panic!("{other:?}"),
        }
    }

    /// How many objects wait for another attempt, without the one that always will, how many for an approval, and whether
    /// the fate of a request is unknown.
    async fn waiting(&self) -> (u64, u64, bool) {
        let (workspace, application) = (self.workspace, self.application);
        let poison = self.network.with(|service| service.poison.clone());
        let poisoned = poison.and_then(|name| self.directory.rid(&name));
        self.desk
            .read(move |tx| {
                let mut waiting = escrow::count(tx, workspace, application)?;
                if let Some(rid) = poisoned {
                    let is_waiting = escrow::get(tx, workspace, application, rid)?.is_some();
                    waiting -= u64::from(is_waiting);
                }
                let held = escrow::held_count(tx, workspace, application, STAGED)?;
                let open = run::unresolved(tx, workspace, application, 0, 1)?;
                Ok((waiting, held, !open.is_empty()))
            })
            .await
            .unwrap()
    }

    /// Nothing goes wrong any more. Nobody repairs anything either; only what was held is allowed.
    async fn quiet(&mut self) {
        self.network.tell(|| "quiet now".to_owned());
        self.network.trouble(None);
        self.healed.store(true, Ordering::Relaxed);
        let process = self.process();
        for _ in 0..QUIET_CYCLES {
            let cycle = process
                .engine
                .run_cycle(self.workspace, self.application, false, PATIENCE)
                .await
                .unwrap();
            self.network.tell(|| {
                format!(
                    "cycle {} {:?} {:?}",
                    cycle.status, cycle.counts, cycle.message
                )
            });
            let (waiting, held, open) = self.waiting().await;
            self.network
                .tell(|| format!("{waiting} wait, {held} are held, unknown: {open}"));
            if held > 0 {
                self.allow(held).await;
                continue;
            }
            // An interrupted full cycle that is continued does not see what came after it.
            let is_new = cycle.kind == CycleKind::Incremental;
            let is_done =
                is_new && cycle.status == "completed" && cycle.counts.failed == 0 && !open;
            if is_done && waiting == 0 {
                break;
            }
            sleep(Duration::from_hours(1)).await;
        }
        self.tell_log().await;
        self.network
            .with(|service| self.directory.check(service, &self.earlier));
        self.stillness(&process).await;
    }

    /// What an administrator would read.
    async fn tell_log(&self) {
        let query = log::LogQuery {
            application: Some(self.application),
            limit: 200,
            ..log::LogQuery::default()
        };
        let workspace = self.workspace;
        let entries = self
            .desk
            .read(move |tx| log::list(tx, workspace, &query))
            .await
            .unwrap();
        for one in entries.iter().rev() {
            self.network.tell(|| {
                format!(
                    "log {:.3} {} {} {} {:?} {:?}",
                    (one.at_us - BEGINNING_US) as f64 / 1e6,
                    one.source_name,
                    one.action,
                    one.status,
                    one.error_code,
                    one.reason
                )
            });
        }
    }

    async fn allow(&self, held: u64) {
        self.network.tell(|| format!("{held} are allowed"));
        assert!(self.threshold.is_some(), "held without a threshold");
        let (workspace, application) = (self.workspace, self.application);
        self.desk
            .write(Actor::system(), move |tx| {
                escrow::approve(tx, workspace, application, STAGED, held)
            })
            .await
            .unwrap();
    }

    /// Where nothing changes, nothing is written.
    async fn stillness(&self, process: &Process) {
        let is_poisoned = self.network.with(|service| service.poison.is_some());
        let before = self.network.with(|service| service.writes);
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let end = async {
            sleep(Duration::from_secs(10)).await;
            stop.send(true).unwrap();
        };
        tokio::join!(process.engine.schedule(stopped), end);
        let after = self.network.with(|service| service.writes);
        assert!(before == after || is_poisoned, "written without a reason");
    }
}
