//! The engine's handle and its errors.

use crate::{
    apply,
    connection::{self, ConnectionReport},
    credentials::{Credentials, Tokens},
    cycle, drift,
    lease::HeldLease,
    load::Context,
    metrics::Metrics,
    on_demand::{self, OnDemandResult},
    probe::{self, ProbeReport},
    scheduler,
    target::{Manner, ReadTarget},
    traffic::Traffics,
    undo::{self, UndoPlan, UndoWish},
    why::{self, Why},
};
use prometheus_client::registry::Registry;
use std::{sync::Arc, time::Duration};
use tenure_egress::{Egress, Trace};
use tenure_plan::ApplicationConfig;
use tenure_store::{
    Actor, Store, WorkspaceId,
    application::{self, Application, Authentication},
    job::{self, Job},
    run::Cycle,
};
use tokio::time::Instant;

/// How often a held job is asked for again.
const CLAIM_INTERVAL: Duration = Duration::from_millis(200);

/// Runs jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) egress: Egress,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    tokens: Tokens,
    traffics: Traffics,
}

/// How long the engine waits for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One request with its reply. Default 30 s.
    pub call_timeout: Duration,
    /// How long a target may be unreachable before the cycle is interrupted. Default 30 s.
    pub patience: Duration,
    /// Longest `Retry-After` that is waited for inside a cycle. Default 60 s.
    pub throttle_wait: Duration,
    /// First limit of the growing random wait between attempts. Default 0.2 s.
    pub backoff_first: Duration,
    /// Largest limit of that wait. Default 5 s.
    pub backoff_most: Duration,
    /// From how many people to match on a full cycle reads the whole target instead of asking for each. Default 500.
    pub listing_from: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            throttle_wait: Duration::from_secs(60),
            backoff_first: Duration::from_millis(200),
            backoff_most: Duration::from_secs(5),
            listing_from: 500,
        }
    }
}

impl Limits {
    /// An administrator waits for the answer: no patience with a target that cannot be reached.
    fn impatient(self) -> Self {
        Self {
            patience: Duration::ZERO,
            throttle_wait: Duration::from_secs(5),
            ..self
        }
    }

    /// Full jitter: anything between nothing and the exponentially growing limit.
    pub(crate) fn jitter(&self, attempt: u32) -> Duration {
        let limit = self
            .backoff_first
            .saturating_mul(2_u32.saturating_pow(attempt.min(16)))
            .min(self.backoff_most);
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
        limit.mul_f64(share)
    }
}

/// Error of an engine call.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] tenure_store::Error),
    /// The configuration of the application is not usable; all problems in one text.
    #[error("{0}")]
    Configuration(String),
    /// Another node runs this job and did not finish in time.
    #[error("the job is running elsewhere; try again when it has finished")]
    Running,
    /// A plan that cannot be applied, or not now: why.
    #[error(
        "the plan cannot be applied: {0}. Make a new plan, or apply it when that is no longer so"
    )]
    Stale(String),
    /// The target cannot be reached or refuses our credentials.
    #[error("{message}")]
    Target {
        /// Code of the provisioning log.
        code: String,
        /// What happened and what to do.
        message: String,
    },
}

impl Engine {
    /// An engine over a store.
    #[must_use]
    pub fn new(store: Store, egress: Egress) -> Self {
        Self {
            store,
            egress,
            limits: Limits::default(),
            metrics: Metrics::default(),
            tokens: Tokens::default(),
            traffics: Traffics::default(),
        }
    }

    /// The same engine with other waiting times.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the numbers about cycles and about requests to applications visible in a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
        self.egress.register(registry);
    }

    /// Runs due jobs until `stop` becomes true; finishes the page it is at.
    pub async fn schedule(&self, stop: tokio::sync::watch::Receiver<bool>) {
        scheduler::schedule(self, stop).await;
    }

    /// One cycle now, also when the job is switched off. Waits up to `patience` while another node holds the job. A dry
    /// run writes nothing at the target and moves no watermark.
    pub async fn run_cycle(
        &self,
        workspace: WorkspaceId,
        application: i64,
        dry_run: bool,
        patience: Duration,
    ) -> Result<Cycle, EngineError> {
        self.cycle_of(workspace, application, dry_run, None, patience)
            .await
    }

    async fn cycle_of(
        &self,
        workspace: WorkspaceId,
        application: i64,
        dry_run: bool,
        draft: Option<String>,
        patience: Duration,
    ) -> Result<Cycle, EngineError> {
        let held = self.claim(workspace, application, patience).await?;
        // The sender lives as long as the cycle; nobody stops it.
        let (_sender, stop) = tokio::sync::watch::channel(false);
        cycle::run(
            self,
            held,
            cycle::Wish {
                dry_run,
                draft,
                always: true,
            },
            stop,
        )
        .await?
        .ok_or(EngineError::Running)
    }

    /// Plans everything with a configuration (JSON) that is not saved, or with the saved one. Writes nothing at the target
    /// and moves no watermark; the returned cycle's operations are the plan, which [`Engine::apply`] carries out once that
    /// configuration is the saved one.
    ///
    /// # Errors
    ///
    /// `Running`, `Configuration`, `Store`.
    pub async fn preview(
        &self,
        workspace: WorkspaceId,
        application: i64,
        draft: Option<String>,
        patience: Duration,
    ) -> Result<Cycle, EngineError> {
        self.cycle_of(workspace, application, true, draft, patience)
            .await
    }

    /// Carries out a plan exactly as it was shown; `actor` stands in the audit log and in the provisioning log. An object for which something else would be done by now is left alone
    /// and logged with `StalePlan`.
    ///
    /// # Errors
    ///
    /// `Stale` when the configuration or people of the plan changed since, or, for an undo, while provisioning is on:
    /// nothing was done. `Running`, `Target`, `Store`.
    pub async fn apply(
        &self,
        actor: Actor,
        workspace: WorkspaceId,
        application: i64,
        plan_id: &str,
        patience: Duration,
    ) -> Result<Cycle, EngineError> {
        apply::run(self, actor, workspace, application, plan_id, patience).await
    }

    /// Plans the way back from what a cycle did; [`Engine::apply`] goes it.
    ///
    /// # Errors
    ///
    /// `Running`, `Store` (`NotFound`: no such cycle that wrote to the target).
    pub async fn plan_undo(
        &self,
        workspace: WorkspaceId,
        application: i64,
        cycle_id: &str,
        wish: &UndoWish,
        patience: Duration,
    ) -> Result<UndoPlan, EngineError> {
        undo::plan(self, workspace, application, cycle_id, wish, patience).await
    }

    /// Reads every account and group of the target, plans what would repair the managed ones, and lists the others (see
    /// [`tenure_store::stranger`]). [`Engine::apply`] repairs.
    ///
    /// # Errors
    ///
    /// `Running`, `Target`, `Configuration`, `Store`.
    pub async fn drift(
        &self,
        workspace: WorkspaceId,
        application: i64,
        patience: Duration,
    ) -> Result<Cycle, EngineError> {
        drift::run(self, workspace, application, patience).await
    }

    /// Tests the saved credentials, or those given. The saved secret is sent only where it is meant for, see
    /// [`application::keeps_secret`].
    pub async fn test_connection(
        &self,
        workspace: WorkspaceId,
        application: i64,
        tenant_url: Option<&str>,
        secret: Option<&str>,
    ) -> Result<ConnectionReport, EngineError> {
        self.test(workspace, application, tenant_url, None, secret)
            .await
    }

    /// Tests another method of authentication before it is saved. Without `secret` it is the saved one, but only where
    /// [`application::keeps_secret`] allows it.
    pub async fn test_authentication(
        &self,
        workspace: WorkspaceId,
        application: i64,
        tenant_url: &str,
        authentication: &Authentication,
        secret: Option<&str>,
    ) -> Result<ConnectionReport, EngineError> {
        let (url, method) = (Some(tenant_url), Some(authentication));
        self.test(workspace, application, url, method, secret).await
    }

    async fn test(
        &self,
        workspace: WorkspaceId,
        application: i64,
        tenant_url: Option<&str>,
        authentication: Option<&Authentication>,
        secret: Option<&str>,
    ) -> Result<ConnectionReport, EngineError> {
        let prepared = self.prepare(workspace, application).await?;
        let saved = &prepared.application;
        let tenant_url = tenant_url.unwrap_or(&saved.tenant_url).to_owned();
        let authentication = authentication.unwrap_or(&saved.authentication);
        let secret = secret.map(str::to_owned).or_else(|| {
            application::keeps_secret(saved, &tenant_url, authentication)
                .then(|| prepared.secret.clone())
                .flatten()
        });
        let limits = self.limits.impatient();
        // An access token that happens to be there proves nothing about the secret, and may lack new permissions.
        self.tokens.forget((workspace, application));
        let credentials = Credentials::new(authentication, secret);
        let manner = self.manner(&prepared);
        let target = ReadTarget::new(
            self.traced_egress(),
            tenant_url,
            credentials,
            limits,
            manner,
        );
        Ok(connection::test(&target, &prepared.context.compiled).await)
    }

    /// Finds out by reading how the target wants to be spoken to, with the saved credentials. Nothing is saved.
    ///
    /// # Errors
    ///
    /// `Store`, `Configuration`. A target that does not answer is in the report.
    pub async fn probe(
        &self,
        workspace: WorkspaceId,
        application: i64,
    ) -> Result<ProbeReport, EngineError> {
        let prepared = self.prepare(workspace, application).await?;
        let target = self.target_with(&prepared, self.limits.impatient());
        Ok(probe::probe(&target).await)
    }

    /// One object through the whole pipeline now.
    pub async fn on_demand(
        &self,
        workspace: WorkspaceId,
        application: i64,
        rid: i64,
        dry_run: bool,
    ) -> Result<OnDemandResult, EngineError> {
        on_demand::run(self, workspace, application, rid, dry_run).await
    }

    /// Why an object is at the application what it is, and what happens to it next. Reads the store only: the target is
    /// not asked, and nothing is written.
    ///
    /// # Errors
    ///
    /// `Store` (`NotFound`: no such object or application), `Configuration`.
    pub async fn why(
        &self,
        workspace: WorkspaceId,
        application: i64,
        rid: i64,
    ) -> Result<Why, EngineError> {
        let prepared = self.prepare(workspace, application).await?;
        let read = self
            .store
            .read(move |tx| why::answer(tx, &prepared, rid))
            .await?;
        read.ok_or_else(|| tenure_store::Error::NotFound("the object".to_owned()).into())
    }

    /// Claims the job and reads what a run of it needs.
    pub(crate) async fn take(
        &self,
        workspace: WorkspaceId,
        application: i64,
        patience: Duration,
    ) -> Result<Taken, EngineError> {
        let prepared = self.prepare(workspace, application).await?;
        let held = self.claim(workspace, application, patience).await?;
        let job = self
            .store
            .read(move |tx| job::get(tx, workspace, application))
            .await?;
        Ok(Taken {
            prepared,
            held,
            job,
        })
    }

    pub(crate) async fn claim(
        &self,
        workspace: WorkspaceId,
        application: i64,
        patience: Duration,
    ) -> Result<HeldLease, EngineError> {
        let started = Instant::now();
        loop {
            if let Some(held) = HeldLease::claim(&self.store, workspace, application).await? {
                return Ok(held);
            }
            if started.elapsed() >= patience {
                return Err(EngineError::Running);
            }
            tokio::time::sleep(CLAIM_INTERVAL).await;
        }
    }

    /// Reads and compiles the application.
    pub(crate) async fn prepare(
        &self,
        workspace: WorkspaceId,
        application: i64,
    ) -> Result<Prepared, EngineError> {
        let (stored, secret) = self
            .store
            .read(move |tx| {
                let stored = application::get(tx, workspace, application)?;
                let secret = application::secret(tx, workspace, application)?;
                Ok((stored, secret))
            })
            .await?;
        Ok(Prepared {
            context: Context {
                workspace,
                application,
                compiled: Arc::new(compiled(&stored.config)?),
                seed: stored.id.clone(),
            },
            application: stored,
            secret,
        })
    }

    /// For requests of the trace of what runs just now, or of a new one.
    fn traced_egress(&self) -> Egress {
        self.egress
            .within(Trace::current().unwrap_or_else(Trace::random))
    }

    pub(crate) fn target(&self, prepared: &Prepared) -> ReadTarget {
        self.target_with(prepared, self.limits)
    }

    fn target_with(&self, prepared: &Prepared, limits: Limits) -> ReadTarget {
        let saved = &prepared.application;
        let credentials = self.tokens.credentials(
            (prepared.context.workspace, saved.key),
            &saved.tenant_url,
            &saved.authentication,
            prepared.secret.clone(),
        );
        ReadTarget::new(
            self.traced_egress(),
            saved.tenant_url.clone(),
            credentials,
            limits,
            self.manner(prepared),
        )
    }

    fn manner(&self, prepared: &Prepared) -> Manner {
        let context = &prepared.context;
        Manner {
            dialect: context.compiled.config.dialect.clone(),
            traffic: self.traffics.of((context.workspace, context.application)),
        }
    }
}

/// A claimed job with what a run of it needs.
pub(crate) struct Taken {
    pub(crate) prepared: Prepared,
    pub(crate) held: HeldLease,
    pub(crate) job: Job,
}

/// An application ready to be provisioned.
pub(crate) struct Prepared {
    pub(crate) context: Context,
    pub(crate) application: Application,
    pub(crate) secret: Option<String>,
}

impl Prepared {
    /// Plans with another configuration than the saved one.
    pub(crate) fn replace_config(&mut self, config: &str) -> Result<(), EngineError> {
        self.context.compiled = Arc::new(compiled(config)?);
        config.clone_into(&mut self.application.config);
        Ok(())
    }
}

fn compiled(config: &str) -> Result<tenure_plan::Compiled, EngineError> {
    let config: ApplicationConfig = serde_json::from_str(config).map_err(|error| {
        EngineError::Configuration(format!("the configuration cannot be read: {error}"))
    })?;
    tenure_plan::compile(&config).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.place, problem.message))
            .collect();
        EngineError::Configuration(lines.join("; "))
    })
}
