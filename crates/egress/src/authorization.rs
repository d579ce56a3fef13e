//! What a request shows to be let in.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::fmt;

/// What the header `Authorization` says. `Debug` shows only the kind.
#[derive(Clone, PartialEq, Eq)]
pub enum Authorization {
    /// A bearer token (RFC 6750).
    Bearer(String),
    /// HTTP Basic (RFC 7617), sent as UTF-8.
    Basic {
        /// Without a colon.
        user_name: String,
        /// Anything.
        password: String,
    },
}

impl Authorization {
    /// The value of the header.
    pub(crate) fn header(&self) -> String {
        match self {
            Self::Bearer(token) => format!("Bearer {token}"),
            Self::Basic { .. } => format!("Basic {}", self.encoded()),
        }
    }

    fn encoded(&self) -> String {
        match self {
            Self::Bearer(token) => token.clone(),
            Self::Basic {
                user_name,
                password,
            } => BASE64.encode(format!("{user_name}:{password}")),
        }
    }

    /// The text without the secret, in case whoever received it repeats it.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let encoded = self.encoded();
        let secret = match self {
            Self::Bearer(token) => token,
            Self::Basic { password, .. } => password,
        };
        let mut text = text.to_owned();
        for secret in [&encoded, secret] {
            if !secret.is_empty() {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bearer(_) => "Bearer ***",
            Self::Basic { .. } => "Basic ***",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_the_standards_say_and_are_never_shown() {
        let basic = |user_name: &str, password: &str| Authorization::Basic {
            user_name: user_name.to_owned(),
            password: password.to_owned(),
        };
        // The examples of RFC 7617 sections 2 and 2.1.
        for (authorization, header, shown) in [
            (
                basic("Aladdin", "open sesame"),
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                "Basic ***",
            ),
            (basic("test", "123£"), "Basic dGVzdDoxMjPCow==", "Basic ***"),
            (
                Authorization::Bearer("t0ken".to_owned()),
                "Bearer t0ken",
                "Bearer ***",
            ),
        ] {
            assert_eq!(authorization.header(), header);
            assert_eq!(format!("{authorization:?}"), shown);
            assert_eq!(authorization.redact(header), shown);
        }
        assert_eq!(
            basic("Aladdin", "open sesame").redact("no open sesame"),
            "no ***"
        );
        assert_eq!(basic("a", "").redact("text"), "text");
    }
}
