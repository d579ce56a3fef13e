//! What has to go in time: requests in the log, the provisioning log and ended cycles, counters of deviations, what was
//! deleted. Small steps in the background class, so that nobody waits for it.

use std::time::Duration;

use tenure_store::{
    Actor, Error, Store, Tx, WorkspaceId, deviation, log, request_log, resource, run as cycles,
    setting, workspace,
};
use tokio::sync::watch;

/// How often.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Rows of one step.
const STEP: u32 = 500;
/// Steps for one workspace and kind of row at a time; the rest is for the next time.
const STEPS: usize = 400;
const DAY_US: i64 = deviation::DAY_US;

/// Keeps house until it is told to stop.
pub(crate) async fn run(store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = once(&store).await {
            tracing::warn!(%error, "housekeeping failed; it is tried again in an hour");
        }
        let stopped = stop.wait_for(|stop| *stop);
        // A sender that is gone is a reason to stop, too.
        if tokio::time::timeout(EVERY, stopped).await.is_ok() {
            return;
        }
    }
}

/// Removes in every workspace what its settings do not want to keep.
///
/// # Errors
/// The store's.
pub(crate) async fn once(store: &Store) -> Result<(), Error> {
    for workspace in store.read(workspace::list).await? {
        let id = workspace.id;
        let settings = store.read(move |tx| setting::get(tx, id)).await?;
        let kept_us = i64::from(settings.request_log_days) * DAY_US;
        repeat(store, id, move |tx, id| {
            request_log::prune(tx, id, kept_us, request_log::ROWS, STEP)
        })
        .await?;
        let kept_us = i64::from(settings.keep_provisioning_days) * DAY_US;
        repeat(store, id, move |tx, id| log::prune(tx, id, kept_us, STEP)).await?;
        repeat(store, id, move |tx, id| {
            cycles::prune(tx, id, kept_us, STEP)
        })
        .await?;
        let kept_us = i64::from(settings.keep_deleted_days) * DAY_US;
        repeat(store, id, move |tx, id| {
            let before_us = tx.now_us() - kept_us;
            resource::purge(tx, id, before_us, STEP)
        })
        .await?;
        store
            .write_background(Actor::system(), move |tx| deviation::prune(tx, id))
            .await?;
    }
    Ok(())
}

/// Repeats a step until it finds less than it may take.
async fn repeat<F>(store: &Store, workspace: WorkspaceId, step: F) -> Result<(), Error>
where
    F: Fn(&mut Tx<'_>, WorkspaceId) -> Result<u64, Error> + Copy + Send + 'static,
{
    for _ in 0..STEPS {
        let work = move |tx: &mut Tx<'_>| step(tx, workspace);
        let removed = store.write_background(Actor::system(), work).await?;
        if removed < u64::from(STEP) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tenure_scim::{Document, schema::SchemaSet, validate};
    use tenure_store::{
        Kind, application, job, log,
        request_log::{Entry, RequestQuery},
        setting::Settings,
    };

    use super::*;

    fn user(name: &str) -> Document {
        let body = Document::from_iter([("userName".to_owned(), name.into())]);
        validate::create(SchemaSet::user(), body).unwrap().document
    }

    #[tokio::test]
    async fn everything_goes_when_its_time_is_over() {
        let store = Store::open_in_memory().unwrap();
        let id = store
            .write(Actor::system(), |tx| {
                let id = workspace::create(tx, "Mills")?.id;
                let settings = Settings {
                    keep_deleted_days: 0,
                    request_log_days: 1,
                    ..Settings::default()
                };
                setting::set(tx, id, &settings)?;
                let stored = resource::create(tx, id, Kind::User, &user("mira"), &[])?;
                resource::delete(tx, id, Kind::User, &stored.id, None)?;
                let (old, new) = (tx.now_us() - 2 * DAY_US, tx.now_us());
                for at_us in std::iter::repeat_n(old, STEP as usize + 1).chain([new]) {
                    let entry = Entry {
                        at_us,
                        ..Entry::default()
                    };
                    request_log::append(tx, id, &[entry])?;
                }
                Ok(id)
            })
            .await
            .unwrap();
        once(&store).await.unwrap();
        let left = store.read(move |tx| {
            let query = RequestQuery {
                limit: 10,
                ..RequestQuery::default()
            };
            Ok((
                request_log::list(tx, id, &query)?.len(),
                resource::deleted(tx, id, Kind::User, None, 10)?.len(),
            ))
        });
        assert_eq!(left.await.unwrap(), (1, 0));
    }

    fn record(at_us: i64) -> log::Entry {
        log::Entry {
            id: String::new(),
            at_us,
            application: 0,
            cycle_id: "cyc".to_owned(),
            change_id: "chg".to_owned(),
            duration_ms: 0,
            action: "create".to_owned(),
            status: "success".to_owned(),
            kind: Kind::User,
            source_id: "s".to_owned(),
            source_name: "mira".to_owned(),
            target_id: "t".to_owned(),
            error_code: None,
            reason: None,
            steps: "[]".to_owned(),
            modified: "[]".to_owned(),
            initiated_by: "Tenure".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_provisioning_log_is_kept_as_long_as_the_workspace_wants() {
        let store = Store::open_in_memory().unwrap();
        let id = store
            .write(Actor::system(), |tx| {
                let id = workspace::create(tx, "Mills")?.id;
                let app = application::create(tx, id, "Payroll", "custom", "", None, "{}")?;
                job::start(tx, id, app.key)?;
                let lease = job::claim(tx, id, app.key, DAY_US)?.unwrap();
                let records = [40, 20, 0].map(|days| record(tx.now_us() - days * DAY_US));
                log::append(tx, &lease, &records)?;
                Ok(id)
            })
            .await
            .unwrap();
        let query = log::LogQuery {
            limit: 10,
            ..log::LogQuery::default()
        };
        for (days, left) in [(None, 2), (Some(10), 1)] {
            if let Some(days) = days {
                let set = store.write(Actor::system(), move |tx| {
                    let settings = Settings {
                        keep_provisioning_days: days,
                        ..Settings::default()
                    };
                    setting::set(tx, id, &settings)
                });
                set.await.unwrap();
            }
            once(&store).await.unwrap();
            let query = query.clone();
            let found = store.read(move |tx| log::list(tx, id, &query)).await;
            assert_eq!(found.unwrap().len(), left);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_when_told() {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(Store::open_in_memory().unwrap(), stopped));
        stop.send(true).unwrap();
        task.await.unwrap();
    }
}
