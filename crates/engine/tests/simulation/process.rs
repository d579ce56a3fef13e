//! A process that runs the engine, and how it dies: it never gets an answer again.

use crate::{
    dice::Dice,
    network::{Line, Network},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tenure_egress::{Egress, Policy};
use tenure_engine::{Engine, Limits};
use tenure_store::{
    Error, Store,
    simulation::{Fate, Moment, Pause, Simulation},
};
use tokio::{sync::Notify, time::Instant};

/// When a process dies: with so many more steps to go, which are calls of the store and requests.
#[derive(Clone)]
pub(crate) struct Life {
    dead: Arc<AtomicBool>,
    died: Arc<Notify>,
    /// The service asked it for silence until then.
    silence: Arc<Mutex<Option<Instant>>>,
    /// Steps until death; `None`: it lives on.
    steps: Arc<Mutex<Option<u64>>>,
}

impl Life {
    fn new() -> Self {
        Self {
            dead: Arc::default(),
            died: Arc::default(),
            silence: Arc::default(),
            steps: Arc::default(),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// One step further, perhaps the last one. `true`: this one is not made any more.
    pub(crate) fn step(&self) -> bool {
        let mut steps = self.steps.lock().unwrap();
        match *steps {
            Some(0) => {
                *steps = None;
                self.end();
            }
            Some(left) => *steps = Some(left - 1),
            None => {}
        }
        self.is_dead()
    }

    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.died.notify_one();
    }

    pub(crate) fn end_after(&self, steps: Option<u64>) {
        *self.steps.lock().unwrap() = steps;
    }

    pub(crate) fn is_silent(&self) -> bool {
        let until = *self.silence.lock().unwrap();
        until.is_some_and(|until| until > Instant::now())
    }

    pub(crate) fn silence(&self, seconds: u64) {
        *self.silence.lock().unwrap() = Some(Instant::now() + Duration::from_secs(seconds));
    }

    /// An administrator wants something now, whatever the service said.
    pub(crate) fn speak(&self) {
        *self.silence.lock().unwrap() = None;
    }

    pub(crate) async fn ended(&self) {
        self.died.notified().await;
    }
}

#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) life: Life,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
}

impl Process {
    pub(crate) fn start(
        simulation: &Simulation,
        dice: &Dice,
        network: &Network,
        healed: &Arc<AtomicBool>,
    ) -> Self {
        let life = Life::new();
        let store = simulation.process(fate(life.clone(), dice.clone(), Arc::clone(healed)));
        let line = Line::new(network.clone(), life.clone());
        let egress = Egress::simulated(Policy::AllowPrivate, Arc::new(line));
        let engine = Engine::new(store.clone(), egress).with_limits(Limits {
            call_timeout: crate::network::CALL_TIMEOUT,
            // Waits between attempts are random, and not with our dice; the network is slow enough.
            backoff_first: Duration::ZERO,
            backoff_most: Duration::ZERO,
            patience: Duration::from_secs(5),
            // Some stories begin with more people than that.
            listing_from: 8,
            ..Limits::default()
        });
        Self {
            life,
            store,
            engine,
        }
    }
}

/// What a call of the store may meet: a moment's wait, death, refusal, or an answer that is lost.
fn fate(life: Life, dice: Dice, healed: Arc<AtomicBool>) -> Fate {
    Arc::new(move |moment| -> Pause {
        let (life, dice, healed) = (life.clone(), dice.clone(), Arc::clone(&healed));
        Box::pin(async move {
            if life.step() {
                std::future::pending::<()>().await;
            }
            if dice.one_in(3) {
                tokio::time::sleep(Duration::from_micros(100 + dice.roll(3000))).await;
            }
            if life.is_dead() {
                std::future::pending::<()>().await;
            }
            if healed.load(Ordering::Relaxed) || !dice.one_in(400) {
                return Ok(());
            }
            Err(match moment {
                Moment::BeforeRead | Moment::BeforeWrite => Error::Busy,
                Moment::AfterWrite => {
                    Error::Database("the answer to the commit was lost".to_owned())
                }
            })
        })
    })
}
