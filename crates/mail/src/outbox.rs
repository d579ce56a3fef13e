//! Taking notifications out of the store and sending them, each once, by one process at a time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tenure_plan::ApplicationConfig;
use tenure_store::{
    Actor, Error, Store, TimeUs, Tx, application,
    notification::{self, Claim, End},
    setting, workspace,
};
use tokio::sync::watch;

use crate::{
    letter::{self, Letter, Place},
    mailer::{Mailer, SendError},
};

/// How often is looked for something to send.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Notifications between two looks.
const AT_ONCE: usize = 20;
/// Longer than all messages of a notification can take. A process that has died is recognised without waiting for this.
const CLAIM_US: i64 = 20 * 60 * 1_000_000;
/// Waits between attempts, in seconds; the last one repeats.
const WAITS_S: [i64; 9] = [5, 15, 30, 60, 120, 300, 600, 1_200, 1_800];

/// Sends what is in the outbox until `stop` becomes true (or its sender is gone). A message that is being sent then is
/// finished first, unless the caller does not wait.
pub async fn deliver(
    store: Store,
    mailer: Mailer,
    public_url: String,
    mut stop: watch::Receiver<bool>,
) {
    let post = Post {
        store,
        mailer,
        public_url: Arc::from(public_url),
    };
    while !*stop.borrow() {
        if let Err(error) = post.once(&stop).await {
            tracing::warn!(%error, "notifications could not be looked for; it is tried again");
        }
        let stopped = stop.wait_for(|stop| *stop);
        if tokio::time::timeout(LOOK_EVERY, stopped).await.is_ok() {
            return;
        }
    }
}

/// Whom an application's notifications go to: its own addresses, else those of its workspace; nobody if they are off.
///
/// # Errors
///
/// `Invalid` when the application names something that is no address.
pub fn recipients(
    config: &ApplicationConfig,
    of_workspace: &[String],
) -> Result<Vec<String>, Error> {
    if !config.notify {
        return Ok(Vec::new());
    }
    let own = notification::addresses(config.notification_email.as_deref().unwrap_or_default())?;
    Ok(if own.is_empty() {
        of_workspace.to_vec()
    } else {
        own
    })
}

struct Post {
    store: Store,
    mailer: Mailer,
    public_url: Arc<str>,
}

/// Whether it is worth trying the next one.
#[derive(PartialEq, Eq)]
enum Reached {
    Yes,
    No,
}

impl Post {
    async fn once(&self, stop: &watch::Receiver<bool>) -> Result<(), Error> {
        let due = self.store.read(|tx| notification::due(tx, AT_ONCE)).await?;
        for (workspace, id) in due {
            if *stop.borrow() {
                break;
            }
            let claimed = self
                .store
                .write(Actor::system(), move |tx| {
                    notification::claim(tx, workspace, id, CLAIM_US)
                })
                .await?;
            if let Some(claim) = claimed
                && self.send(claim).await? == Reached::No
            {
                break;
            }
        }
        Ok(())
    }

    async fn send(&self, claim: Claim) -> Result<Reached, Error> {
        let (workspace, application) = (claim.workspace().0, claim.notification.application);
        let end = self.attempt(&claim).await;
        let reached = match &end {
            End::Again { error, .. } => {
                let attempts = claim.notification.attempts;
                tracing::warn!(workspace, application, attempts, %error, "a notification could not be sent; it is tried again");
                Reached::No
            }
            End::Refused(error) => {
                tracing::warn!(workspace, application, %error, "the mail server refused a notification");
                Reached::Yes
            }
            End::Sent(error) if !error.is_empty() => {
                tracing::warn!(workspace, application, %error, "the mail server refused a notification for some addresses");
                Reached::Yes
            }
            End::Sent(_) => {
                let kind = claim.notification.event.as_str();
                tracing::info!(workspace, application, kind, "notification sent");
                Reached::Yes
            }
            End::Nobody => Reached::Yes,
        };
        let written = self
            .store
            .write(Actor::system(), move |tx| {
                notification::finish(tx, &claim, &end)
            })
            .await;
        match written {
            // The application was deleted meanwhile.
            Err(Error::StaleFence) => Ok(reached),
            other => other.map(|()| reached),
        }
    }

    async fn attempt(&self, claim: &Claim) -> End {
        let again = |error: String| End::Again {
            next_us: next_us(claim.notification.attempts),
            error,
        };
        let read = claim.clone();
        let public_url = Arc::clone(&self.public_url);
        let prepared = self
            .store
            .read(move |tx| prepare(tx, &read, &public_url))
            .await;
        let Prepared {
            letter,
            id,
            recipients,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return again(error.to_string()),
        };
        if recipients.is_empty() {
            return End::Nobody;
        }
        let mut sent = !claim.settled.is_empty();
        let mut refused = Vec::new();
        for to in recipients {
            if claim.settled.contains(&to) {
                continue;
            }
            match self.mailer.send(&to, &letter, Some(&id)).await {
                Ok(_) => sent = true,
                Err(SendError::Refused(error)) => refused.push(format!("{to}: {error}")),
                Err(SendError::Later(error)) => return again(error),
            }
            // The others may have to be tried again, this one not.
            let settled = claim.clone();
            let written = self
                .store
                .write(Actor::system(), move |tx| {
                    notification::settle(tx, &settled, &to)
                })
                .await;
            if let Err(error) = written {
                return again(error.to_string());
            }
        }
        let error = refused.join("; ");
        if sent {
            End::Sent(error)
        } else {
            End::Refused(error)
        }
    }
}

struct Prepared {
    letter: Letter,
    id: String,
    recipients: Vec<String>,
}

fn prepare(tx: &mut Tx<'_>, claim: &Claim, public_url: &str) -> Result<Prepared, Error> {
    let workspace = workspace::get(tx, claim.workspace())?;
    let application = application::get(tx, claim.workspace(), claim.notification.application)?;
    let settings = setting::get(tx, claim.workspace())?;
    let config: ApplicationConfig = serde_json::from_str(&application.config).map_err(|error| {
        Error::Invalid(format!(
            "the configuration of the application cannot be read: {error}"
        ))
    })?;
    let recipients = recipients(&config, &settings.notification_emails)?;
    let place = Place {
        url: format!(
            "{public_url}/w/{}/apps/{}/provisioning",
            workspace.slug, application.id
        ),
        workspace: workspace.name,
        application: application.name,
    };
    let one = &claim.notification;
    Ok(Prepared {
        letter: letter::about(one.event, &one.facts, &place),
        id: format!("tenure-{}-{}", workspace.public_id, one.id),
        recipients,
    })
}

/// Time of the next attempt after `attempts` ones.
fn next_us(attempts: u32) -> TimeUs {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait_s = WAITS_S.get(step).copied().unwrap_or(1_800);
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now_us = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    now_us.saturating_add(wait_s * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_told_about_to_its_own_addresses_or_those_of_the_workspace() {
        let check = |own: Option<&str>, notify: bool, expected: &[&str]| {
            let mut config = tenure_plan::gallery::template("custom")
                .unwrap()
                .config
                .clone();
            config.notification_email = own.map(str::to_owned);
            config.notify = notify;
            let workspace = ["ops@example.org".to_owned()];
            assert_eq!(
                recipients(&config, &workspace).unwrap(),
                expected,
                "{own:?} {notify}"
            );
        };
        check(None, true, &["ops@example.org"]);
        check(Some(" "), true, &["ops@example.org"]);
        check(Some("a@b.org, c@d.org"), true, &["a@b.org", "c@d.org"]);
        check(Some("a@b.org"), false, &[]);
        check(None, false, &[]);
    }

    #[test]
    fn attempts_become_rarer() {
        let now = next_us(1) - 5_000_000;
        let wait_s = |attempts| (next_us(attempts) - now) / 1_000_000;
        assert!((14..20).contains(&wait_s(2)));
        assert!((1_799..1_810).contains(&wait_s(9)));
        assert!((1_799..1_810).contains(&wait_s(1_000)));
    }
}
