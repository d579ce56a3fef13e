//! How the target of an application recognises us. The secret that goes with it is kept apart and sealed; nothing here
//! is secret.

use super::origin;
use crate::Error;
use serde::{Deserialize, Serialize};

/// Most characters of a user name, client id, scope or URL.
const TEXT_CHARS: usize = 2_000;
/// Most extra parameters of a token request.
const PARAMETERS: usize = 20;
/// What the token request says by itself.
const RESERVED: [&str; 3] = ["client_id", "client_secret", "scope"];

/// A method of authentication with what it needs besides its secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// A bearer token (RFC 6750), which is the secret. Without a secret, requests carry no credentials at all.
    #[default]
    Bearer,
    /// HTTP Basic (RFC 7617). The secret is the password.
    Basic {
        /// Who we are at the target; no colon.
        user_name: String,
    },
    /// Access tokens from a token endpoint (RFC 6749 section 4.4). The secret is the client's.
    ClientCredentials(ClientCredentials),
}

/// A client at a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Absolute URL of the token endpoint, without fragment.
    pub token_url: String,
    /// Client id, as the authorization server gave it.
    pub client_id: String,
    /// Where the token request carries id and secret.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Scopes with spaces between them, if any are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// More parameters of the token request, such as `audience`; in this order. `grant_type` replaces the standard one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(String, String)>,
}

/// How a client proves itself to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ClientAuthentication {
    /// In the `Authorization` header.
    #[default]
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// In the body.
    #[serde(rename = "client_secret_post")]
    Post,
}

impl Authentication {
    /// The stored word for the method: `bearer`, `basic` or `client_credentials`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic { .. } => "basic",
            Self::ClientCredentials(_) => "client_credentials",
        }
    }

    /// From the column.
    pub(super) fn from_column(text: Option<&str>) -> Result<Self, Error> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        serde_json::from_str(text).map_err(|error| {
            Error::Database(format!(
                "the authentication of an application is damaged: {error}"
            ))
        })
    }

    pub(super) fn to_column(&self) -> Result<Option<String>, Error> {
        if *self == Self::Bearer {
            return Ok(None);
        }
        let text = serde_json::to_string(self);
        text.map(Some)
            .map_err(|error| Error::Database(error.to_string()))
    }

    /// Whether a secret that was given for `self` may be used for `other`: only by the same method and towards the same
    /// token endpoint.
    pub(super) fn shares_secret_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ClientCredentials(one), Self::ClientCredentials(two)) => {
                origin(&one.token_url) == origin(&two.token_url)
            }
            _ => self.method() == other.method(),
        }
    }

    /// Checks everything but whether the URL may be reached.
    ///
    /// # Errors
    ///
    /// `Invalid` with what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Bearer => Ok(()),
            Self::Basic { user_name } => {
                check_text("the user name", user_name)?;
                // RFC 7617 section 2: the first colon ends the user name.
                if user_name.contains(':') {
                    return Err(Error::Invalid(
                        "the user name must not contain a colon".into(),
                    ));
                }
                Ok(())
            }
            Self::ClientCredentials(client) => client.check(),
        }
    }
}

impl ClientCredentials {
    fn check(&self) -> Result<(), Error> {
        check_text("the token URL", &self.token_url)?;
        check_text("the client id", &self.client_id)?;
        if let Some(scope) = &self.scope {
            check_text("the OAuth scope", scope)?;
        }
        if self.parameters.len() > PARAMETERS {
            return Err(Error::Invalid(format!(
                "there are more than {PARAMETERS} extra parameters"
            )));
        }
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            check_text("the name of an extra parameter", name)?;
            check_text(&format!("the extra parameter {name}"), value)?;
            if RESERVED.contains(&name.as_str()) {
                return Err(Error::Invalid(format!(
                    "the extra parameter {name} has a field of its own"
                )));
            }
            if self
                .parameters
                .iter()
                .take(position)
                .any(|(other, _)| other == name)
            {
                return Err(Error::Invalid(format!(
                    "the extra parameter {name} is given twice"
                )));
            }
        }
        Ok(())
    }
}

fn check_text(what: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::Invalid(format!("{what} is missing")));
    }
    if text.chars().count() > TEXT_CHARS {
        return Err(Error::Invalid(format!(
            "{what} has more than {TEXT_CHARS} characters"
        )));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "{what} contains a control character"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(parameters: &[(&str, &str)]) -> Authentication {
        Authentication::ClientCredentials(ClientCredentials {
            token_url: "https://login.example/token".to_owned(),
            client_id: "tenure".to_owned(),
            client_authentication: ClientAuthentication::Post,
            scope: Some("scim".to_owned()),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        })
    }

    fn basic(user_name: &str) -> Authentication {
        Authentication::Basic {
            user_name: user_name.to_owned(),
        }
    }

    #[test]
    fn the_column_gives_back_what_was_stored() {
        for (authentication, expected) in [
            (Authentication::Bearer, None),
            (
                basic("ada"),
                Some(r#"{"method":"basic","user_name":"ada"}"#),
            ),
            (
                client(&[("audience", "scim")]),
                Some(
                    r#"{"method":"client_credentials","token_url":"https://login.example/token","client_id":"tenure","client_authentication":"client_secret_post","scope":"scim","parameters":[["audience","scim"]]}"#,
                ),
            ),
        ] {
            let column = authentication.to_column().unwrap();
            assert_eq!(column.as_deref(), expected);
            let again = Authentication::from_column(column.as_deref()).unwrap();
            assert_eq!(again, authentication);
        }
        assert!(Authentication::from_column(Some("{}")).is_err());
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (authentication, expected) in [
            (Authentication::Bearer, None),
            (basic("ada"), None),
            (client(&[("audience", "a"), ("grant_type", "b")]), None),
            (basic(" "), Some("the user name is missing")),
            (basic("a:b"), Some("the user name must not contain a colon")),
            (
                basic("a\nb"),
                Some("the user name contains a control character"),
            ),
            (
                client(&[("scope", "x")]),
                Some("the extra parameter scope has a field of its own"),
            ),
            (
                client(&[("a", "x"), ("a", "y")]),
                Some("the extra parameter a is given twice"),
            ),
            (
                client(&[("a", "")]),
                Some("the extra parameter a is missing"),
            ),
        ] {
            let problem = authentication.check().err().map(|error| error.to_string());
            assert_eq!(problem.as_deref(), expected, "{authentication:?}");
        }
    }
}
