//! Who calls: the bearer token names the workspace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, USER_AGENT},
};
use tenure_store::{
    Actor, Store,
    schema::{self, Types},
    setting::{self, Settings},
    token::{self, Principal, Scope},
};

use super::{error::Refusal, limits};
use crate::layer::observe;

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

/// Who calls, and what a request needs to know of the workspace.
pub(super) struct Client {
    pub(super) principal: Principal,
    pub(super) types: Arc<Types>,
    pub(super) settings: Settings,
}

/// The client of a request.
///
/// # Errors
/// 401 when there is no token or not a valid one, in the same words whatever is wrong with it.
pub(super) async fn authenticate(
    store: &Store,
    touches: &Touches,
    headers: &HeaderMap,
) -> Result<Client, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Err(Refusal::unauthorized(
            r#"Bearer realm="scim""#,
            "Send the SCIM token in the header `Authorization: Bearer`.",
        ));
    };
    let client = match header.to_str().ok().and_then(bearer) {
        Some(secret) => {
            let secret = secret.to_owned();
            store
                .read(move |tx| {
                    let Some(principal) = token::authenticate(tx, &secret, Scope::Scim)? else {
                        return Ok(None);
                    };
                    Ok(Some(Client {
                        types: schema::types(tx, principal.workspace)?,
                        settings: setting::get(tx, principal.workspace)?,
                        principal,
                    }))
                })
                .await?
        }
        None => None,
    };
    let Some(client) = client else {
        return Err(Refusal::unauthorized(
            r#"Bearer error="invalid_token""#,
            "The SCIM token is not valid: it is unknown, expired or revoked.",
        ));
    };
    let principal = &client.principal;
    if principal.touch && touches.due(&principal.token_id, Instant::now()) {
        touch(store.clone(), principal, headers);
    }
    Ok(client)
}

/// The secret in an Authorization header.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Writes the use down without holding up the request.
pub(crate) fn touch(store: Store, principal: &Principal, headers: &HeaderMap) {
    let workspace = principal.workspace;
    let id = principal.token_id.clone();
    let agent = headers
        .get(USER_AGENT)
        .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    observe::spawn(async move {
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
