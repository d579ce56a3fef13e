//! What lets us in at a target: a token, a password, or access tokens that are fetched when they are needed.
//!
//! Access tokens live in memory only. [`Tokens`] keeps one source of them for each application, so that they outlive a
//! cycle; a source never serves another application, target, client or secret than those it was made for.

mod source;

use crate::{code, engine::Limits, target::Failure};
use source::TokenSource;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tenure_egress::{Authorization, Egress};
use tenure_store::{WorkspaceId, application::Authentication};

/// How requests to one target are authorized.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// The same for every request; `None`: requests carry nothing.
    Fixed(Option<Authorization>),
    /// Access tokens of a token endpoint.
    Client(Arc<TokenSource>),
    /// The secret is not there, with what to say about it.
    Missing(&'static str),
}

/// What one request carries.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) authorization: Option<Authorization>,
    /// Number of the access token, by which it can be rejected; `None` when there is no other one to get.
    pub(crate) number: Option<u64>,
}

/// The way to a token endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) limits: &'a Limits,
}

impl Credentials {
    /// Credentials of their own: access tokens are fetched anew and shared with nobody.
    pub(crate) fn new(authentication: &Authentication, secret: Option<String>) -> Self {
        match (authentication, secret) {
            (Authentication::Bearer, secret) => Self::Fixed(secret.map(Authorization::Bearer)),
            (Authentication::Basic { user_name }, Some(password)) => {
                Self::Fixed(Some(Authorization::Basic {
                    user_name: user_name.clone(),
                    password,
                }))
            }
            (Authentication::ClientCredentials(client), Some(secret)) => {
                Self::Client(Arc::new(TokenSource::new(client.clone(), secret)))
            }
            (Authentication::Basic { .. }, None) => {
                Self::Missing("no password is stored for the target")
            }
            (Authentication::ClientCredentials(_), None) => {
                Self::Missing("no client secret is stored for the token endpoint")
            }
        }
    }

    /// What the next request carries. `rejected` is the access token that the target refused just now.
    ///
    /// # Errors
    ///
    /// `Unreachable` when the token endpoint gives no answer or wants us to wait, `Refused` when somebody has to repair
    /// something.
    pub(crate) async fn grant(
        &self,
        way: Way<'_>,
        rejected: Option<u64>,
    ) -> Result<Grant, Failure> {
        match self {
            Self::Fixed(authorization) => Ok(Grant {
                authorization: authorization.clone(),
                number: None,
            }),
            Self::Client(source) => source.grant(way, rejected).await,
            Self::Missing(what) => Err(Failure::refused(
                code::UNAUTHORIZED,
                &format!("{what}. Enter it again."),
            )),
        }
    }

    /// Text of the target without what this request carried.
    pub(crate) fn redact(&self, grant: &Grant, text: &str) -> String {
        let text = match &grant.authorization {
            Some(authorization) => authorization.redact(text),
            None => text.to_owned(),
        };
        match self {
            Self::Client(source) => source.redact(&text),
            Self::Fixed(_) | Self::Missing(_) => text,
        }
    }

    /// What to do when the target answers 401.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Fixed(Some(Authorization::Basic { .. })) => {
                "Check user name and password: they may be wrong, expired or locked."
            }
            Self::Client(_) => {
                "The token endpoint gives access tokens, but the target does not accept them: check the OAuth scope and parameters such as the audience, and whether the client may use the target."
            }
            Self::Fixed(_) | Self::Missing(_) => code::advice(code::UNAUTHORIZED),
        }
    }
}

/// The sources of access tokens of this process. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Arc<Mutex<HashMap<(WorkspaceId, i64), Kept>>>);

struct Kept {
    tenant_url: String,
    source: Arc<TokenSource>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tokens")
    }
}

impl Tokens {
    /// Credentials of an application that share the access token of its earlier runs, if nothing else has changed.
    pub(crate) fn credentials(
        &self,
        application: (WorkspaceId, i64),
        tenant_url: &str,
        authentication: &Authentication,
        secret: Option<String>,
    ) -> Credentials {
        let credentials = Credentials::new(authentication, secret);
        let Credentials::Client(source) = &credentials else {
            self.forget(application);
            return credentials;
        };
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = sources.get(&application)
            && kept.tenant_url == tenant_url
            && kept.source.is_for_same_client(source)
        {
            return Credentials::Client(Arc::clone(&kept.source));
        }
        // Sources of applications that are gone, or that rest longer than a token lives, are not kept for ever.
        sources.retain(|_, kept| Arc::strong_count(&kept.source) > 1 || kept.source.is_fresh());
        sources.insert(
            application,
            Kept {
                tenant_url: tenant_url.to_owned(),
                source: Arc::clone(source),
            },
        );
        credentials
    }

    /// The next run fetches a new access token.
    pub(crate) fn forget(&self, application: (WorkspaceId, i64)) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&application);
    }
}
