//! Who calls: the bearer token names the workspace.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, USER_AGENT},
};
use tenure_store::{
    Actor, Store,
    token::{self, Principal},
};

use super::{error::Refusal, limits};

/// Remembers which uses were written down a moment ago, so that a busy token costs one write a minute.
#[derive(Debug, Default)]
pub(super) struct Touches(Mutex<HashMap<String, Instant>>);

impl Touches {
    /// Whether the use at `now` should be written; if so it counts as written.
    fn due(&self, token_id: &str, now: Instant) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Instant| now.saturating_duration_since(*at) < limits::TOUCH;
        if written.get(token_id).is_some_and(recent) {
            return false;
        }
        if written.len() >= limits::TOUCHED_TOKENS {
            written.retain(|_, at| recent(at));
        }
        if written.len() < limits::TOUCHED_TOKENS {
            written.insert(token_id.to_owned(), now);
        }
        true
    }
}

/// The principal of a request.
///
/// # Errors
/// 401 when there is no token or not a valid one, in the same words whatever is wrong with it.
pub(super) async fn authenticate(
    store: &Store,
    touches: &Touches,
    headers: &HeaderMap,
) -> Result<Principal, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Err(Refusal::unauthorized(
            r#"Bearer realm="scim""#,
            "Send the SCIM token in the header `Authorization: Bearer`.",
        ));
    };
    let principal = match header.to_str().ok().and_then(bearer) {
        Some(secret) => {
            let secret = secret.to_owned();
            store
                .read(move |tx| token::authenticate(tx, &secret))
                .await?
        }
        None => None,
    };
    let Some(principal) = principal else {
        return Err(Refusal::unauthorized(
            r#"Bearer error="invalid_token""#,
            "The SCIM token is not valid: it is unknown, expired or revoked.",
        ));
    };
    if principal.touch && touches.due(&principal.token_id, Instant::now()) {
        touch(store.clone(), &principal, headers);
    }
    Ok(principal)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Writes the use down without holding up the request.
fn touch(store: Store, principal: &Principal, headers: &HeaderMap) {
    let workspace = principal.workspace;
    let id = principal.token_id.clone();
    let agent = headers
        .get(USER_AGENT)
        .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    tokio::spawn(async move {
        let write =
            move |tx: &mut tenure_store::Tx<'_>| token::touch(tx, workspace, &id, agent.as_deref());
        if let Err(error) = store.write_background(Actor::system(), write).await {
            tracing::warn!(%error, "could not write down the use of a token");
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn schemes() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer   abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }

    #[test]
    fn use_is_written_once_a_minute() {
        let touches = Touches::default();
        let start = Instant::now();
        assert!(touches.due("a", start));
        assert!(!touches.due("a", start + Duration::from_secs(59)));
        assert!(touches.due("b", start));
        assert!(touches.due("a", start + Duration::from_secs(60)));
    }

    #[test]
    fn memory_is_bounded() {
        let touches = Touches::default();
        let start = Instant::now();
        for number in 0..limits::TOUCHED_TOKENS + 10 {
            assert!(touches.due(&number.to_string(), start));
        }
        assert_eq!(touches.0.lock().unwrap().len(), limits::TOUCHED_TOKENS);
    }
}
