//! Which mail server, and how it is spoken to.

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::{fmt, net::IpAddr, time::Duration};
use url::Url;

/// One command with its answer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether a connection that begins in the clear is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// Nothing is sent to a server that does not encrypt.
    Required,
    /// If the server offers it.
    Opportunistic,
    /// Never.
    None,
}

/// Why the settings cannot be used: a sentence for the operator, without the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

fn wrong(text: impl Into<String>) -> ConfigError {
    ConfigError(text.into())
}

/// A mail server with the sender's address.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<(String, String)>,
    from: Mailbox,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Reads `smtp://USER@HOST:PORT` (587 unless a port is given, 25 without a user) or `smtps://…` (465). `start_tls` is
    /// required unless the server is on this machine, where it is opportunistic. `from` is an address or
    /// `Name <address>`.
    ///
    /// # Errors
    ///
    /// What cannot be read, a user without a password or the other way round, and a password that would cross a network
    /// in the clear.
    pub fn new(
        url: &str,
        start_tls: Option<StartTls>,
        from: &str,
        password: Option<String>,
    ) -> Result<Self, ConfigError> {
        let url = Url::parse(url).map_err(|error| {
            wrong(format!(
                "the address of the mail server cannot be read: {error}"
            ))
        })?;
        let wrapped = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            other => {
                return Err(wrong(format!(
                    "a mail server is smtp:// or smtps://, not {other}://"
                )));
            }
        };
        if url.password().is_some() {
            return Err(wrong(
                "the password does not belong into the address, where other programs can see it",
            ));
        }
        let is_bare =
            matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if host.is_empty() || !host.is_ascii() || !is_bare {
            return Err(wrong(
                "the address of a mail server is smtp://USER@HOST:PORT and nothing more",
            ));
        }
        let user = percent_decoded(url.username())?;
        let credentials = match (user, password) {
            (user, None) if user.is_empty() => None,
            (user, Some(password)) if !user.is_empty() => Some((user, password)),
            (user, None) => return Err(wrong(format!("the mail user {user} has no password"))),
            (_, Some(_)) => {
                return Err(wrong(
                    "there is a mail password, but no user in the address of the mail server",
                ));
            }
        };
        let local = is_local(host);
        let start_tls = match start_tls {
            Some(_) if wrapped => {
                return Err(wrong(
                    "smtps:// is encrypted from the beginning and knows no STARTTLS",
                ));
            }
            Some(start_tls) => start_tls,
            None if local => StartTls::Opportunistic,
            None => StartTls::Required,
        };
        if credentials.is_some() && !local && !wrapped && start_tls != StartTls::Required {
            return Err(wrong(
                "the mail password would cross the network unencrypted: require STARTTLS, or use smtps://",
            ));
        }
        let default_port = match (wrapped, &credentials) {
            (true, _) => 465,
            (false, Some(_)) => 587,
            (false, None) => 25,
        };
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(default_port),
            tls: tls(host, wrapped, start_tls)?,
            credentials,
            from: sender(from)?,
        })
    }

    /// `host:port`, for people.
    #[must_use]
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) fn from(&self) -> &Mailbox {
        &self.from
    }

    /// A text without the password, in case the server repeats it.
    pub(crate) fn hide(&self, text: &str) -> String {
        match &self.credentials {
            Some((_, password)) if !password.is_empty() => text.replace(password, "***"),
            _ => text.to_owned(),
        }
    }

    pub(crate) fn transport(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(self.tls.clone())
            .hello_name(ClientId::Domain(self.from.email.domain().to_owned()))
            .timeout(Some(COMMAND_TIMEOUT));
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        builder.build()
    }
}

fn sender(from: &str) -> Result<Mailbox, ConfigError> {
    let mailbox: Mailbox = from.parse().map_err(|_| {
        wrong(format!(
            "{from:?} is not an address to send from, such as tenure@example.com"
        ))
    })?;
    if !tenure_store::notification::is_address(mailbox.email.as_ref())
        || from.chars().any(char::is_control)
    {
        return Err(wrong(format!(
            "{from:?} is not an address to send from, such as tenure@example.com"
        )));
    }
    Ok(mailbox)
}

fn percent_decoded(text: &str) -> Result<String, ConfigError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            _ => return Err(wrong("the mail user is not percent-encoded correctly")),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("the mail user is not UTF-8"))
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn tls(host: &str, wrapped: bool, start_tls: StartTls) -> Result<Tls, ConfigError> {
    if !wrapped && start_tls == StartTls::None {
        return Ok(Tls::None);
    }
    let parameters = TlsParameters::new(host.to_owned()).map_err(|error| {
        wrong(format!(
            "TLS with the mail server cannot be set up: {error}"
        ))
    })?;
    Ok(match (wrapped, start_tls) {
        (true, _) => Tls::Wrapper(parameters),
        (false, StartTls::Required) => Tls::Required(parameters),
        (false, _) => Tls::Opportunistic(parameters),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "Tenure <tenure@example.com>";

    #[test]
    fn an_address_says_how_the_server_is_spoken_to() {
        use StartTls::{None as Clear, Opportunistic, Required};
        let check = |url: &str,
                     start_tls: Option<StartTls>,
                     password: Option<&str>,
                     expected: (&str, &str)| {
            let server = Server::new(url, start_tls, FROM, password.map(str::to_owned)).unwrap();
            let tls = match server.tls {
                Tls::None => "none",
                Tls::Opportunistic(_) => "opportunistic",
                Tls::Required(_) => "required",
                Tls::Wrapper(_) => "wrapper",
            };
            assert_eq!((&*server.name(), tls), expected, "{url}");
        };
        check(
            "smtp://mx.example.com",
            None,
            None,
            ("mx.example.com:25", "required"),
        );
        check(
            "smtp://u@mx.example.com",
            None,
            Some("p"),
            ("mx.example.com:587", "required"),
        );
        check(
            "smtps://u@mx.example.com/",
            None,
            Some("p"),
            ("mx.example.com:465", "wrapper"),
        );
        check(
            "smtp://mx.example.com:2525",
            Some(Clear),
            None,
            ("mx.example.com:2525", "none"),
        );
        check(
            "smtp://mx.example.com",
            Some(Opportunistic),
            None,
            ("mx.example.com:25", "opportunistic"),
        );
        check(
            "smtp://127.0.0.1:2525",
            None,
            None,
            ("127.0.0.1:2525", "opportunistic"),
        );
        check(
            "smtp://u@localhost",
            Some(Clear),
            Some("p"),
            ("localhost:587", "none"),
        );
        check(
            "smtp://[::1]:25",
            Some(Required),
            None,
            ("[::1]:25", "required"),
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_the_password() {
        let check = |url: &str,
                     start_tls: Option<StartTls>,
                     from: &str,
                     password: Option<&str>,
                     part: &str| {
            let error = Server::new(url, start_tls, from, password.map(str::to_owned)).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(part) && !text.contains("hunter2"),
                "{url}: {text}"
            );
        };
        check("mx.example.com", None, FROM, None, "cannot be read");
        check("http://mx.example.com", None, FROM, None, "not http://");
        check("smtp://", None, FROM, None, "and nothing more");
        check(
            "smtp://mx.example.com/path",
            None,
            FROM,
            None,
            "and nothing more",
        );
        check(
            "smtp://mx.example.com?tls=none",
            None,
            FROM,
            None,
            "and nothing more",
        );
        check(
            "smtp://u:hunter2@mx.example.com",
            None,
            FROM,
            None,
            "does not belong",
        );
        check(
            "smtp://u@mx.example.com",
            None,
            FROM,
            None,
            "has no password",
        );
        check(
            "smtp://mx.example.com",
            None,
            FROM,
            Some("hunter2"),
            "no user",
        );
        check(
            "smtps://mx.example.com",
            Some(StartTls::None),
            FROM,
            None,
            "knows no STARTTLS",
        );
        for clear in [StartTls::None, StartTls::Opportunistic] {
            check(
                "smtp://u@mx.example.com",
                Some(clear),
                FROM,
                Some("hunter2"),
                "unencrypted",
            );
        }
        for from in ["", "tenure", "a@b\r\nBcc: c@d", "ü@example.com"] {
            check("smtp://mx.example.com", None, from, None, "to send from");
        }
    }

    #[test]
    fn a_user_may_be_an_address() {
        let server = Server::new(
            "smtp://a%40b.org@127.0.0.1",
            None,
            FROM,
            Some("p".to_owned()),
        )
        .unwrap();
        assert_eq!(
            server.credentials,
            Some(("a@b.org".to_owned(), "p".to_owned()))
        );
        assert_eq!(server.hide("535 p?"), "535 ***?");
        assert!(Server::new("smtp://a%4@127.0.0.1", None, FROM, Some("p".to_owned())).is_err());
    }
}
