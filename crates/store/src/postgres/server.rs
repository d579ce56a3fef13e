//! Where a PostgreSQL server is, and how connections to it are made.

use super::outage::Outage;
use crate::Error;
use postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
    error::SqlState,
};
use sha2::{Digest, Sha256};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A peer that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Sessions wait for a bounded time, and acknowledge only what is on disk, whatever the server's defaults are.
const SET_UP: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '20s'; SET client_min_messages = 'warning'; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

const IDENTITY: &str = "SELECT current_database()::text, coalesce(current_schema(), '')::text, \
    current_setting('server_encoding'), current_setting('server_version_num')::int8";

/// A server, and the place there that is ours.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// Database and schema; advisory locks and channels are shared by all schemas of a database, so their names hold it.
    scope: String,
    /// Shared by all clones.
    pub(super) outage: Arc<Outage>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password.
        write!(f, "Server({})", self.scope)
    }
}

/// What a failed connection says, without what the user typed.
fn reason(error: &postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(answer), _) => answer.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Whether all hosts are this machine, whose traffic nobody else sees.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn tls() -> Result<MakeRustlsConnect, Error> {
    let (tls, skipped) = MakeRustlsConnect::with_native_certs().map_err(|_| {
        Error::Invalid(
            "this machine has no root certificates to check the database server with".into(),
        )
    })?;
    for error in skipped {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    Ok(tls)
}

impl Server {
    /// Reads a `postgres://` URL. Unless it says `sslmode=disable`, a server on another machine is only spoken to over TLS
    /// with a certificate that this machine trusts.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(Error::Invalid(
                "the database is a URL like postgres://user@host:5432/name".into(),
            ));
        }
        // The library's message is about the parameter; its source might repeat a value.
        let mut config: Config = url
            .parse()
            .map_err(|error| Error::Invalid(format!("the database URL is wrong: {error}")))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::Invalid("the database URL names no host".into()));
        }
        let encrypted = match config.get_ssl_mode() {
            SslMode::Disable => false,
            SslMode::Prefer => !is_local(&config),
            _ => true,
        };
        config.ssl_mode(if encrypted {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        config.tcp_user_timeout(SILENCE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("tenure");
        }
        Ok(Self {
            config,
            tls: encrypted.then(tls).transpose()?,
            scope: String::new(),
            outage: Arc::default(),
        })
    }

    /// Connects for the first time: checks the server and learns the scope.
    pub(crate) fn discover(&mut self) -> Result<Client, Error> {
        let mut client = self.connect()?;
        let row = client
            .query_one(IDENTITY, &[])
            .map_err(|error| Error::Database(reason(&error)))?;
        let (database, schema): (String, String) = (row.get(0), row.get(1));
        let (encoding, version): (String, i64) = (row.get(2), row.get(3));
        if encoding != "UTF8" {
            return Err(Error::Invalid(format!(
                "the database {database} has the encoding {encoding}; create one with ENCODING 'UTF8'"
            )));
        }
        if version < 130_000 {
            return Err(Error::Invalid("PostgreSQL 13 or newer is needed".into()));
        }
        if schema.is_empty() {
            return Err(Error::Invalid(format!(
                "the search path of the database {database} names no schema that exists"
            )));
        }
        self.scope = format!("{database}/{schema}");
        Ok(client)
    }

    /// A new session with its time limits set.
    pub(crate) fn connect(&self) -> Result<Client, Error> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let mut client = connected.map_err(|error| {
            let reason = reason(&error);
            match error.code() {
                // Wrong password, no such database: waiting would not help.
                Some(code)
                    if *code == SqlState::INVALID_PASSWORD
                        || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
                        || *code == SqlState::INVALID_CATALOG_NAME =>
                {
                    Error::Invalid(format!("the database server refuses: {reason}"))
                }
                _ => Error::Database(format!("no connection to the database server: {reason}")),
            }
        })?;
        client
            .batch_execute(SET_UP)
            .map_err(|error| Error::Database(reason(&error)))?;
        Ok(client)
    }

    /// The key of the advisory lock that stands for something of this database and schema.
    pub(crate) fn lock_key(&self, what: &str) -> i64 {
        let digest = Sha256::digest(format!("tenure/{}/{what}", self.scope));
        let mut key = [0; 8];
        key.copy_from_slice(digest.get(..8).unwrap_or(&[0; 8]));
        i64::from_be_bytes(key)
    }

    /// The name of the notification channel.
    pub(crate) fn channel(&self) -> String {
        format!("tenure_{:016x}", self.lock_key("changed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_their_encryption() {
        let mode = |url: &str| Server::parse(url).map(|server| server.config.get_ssl_mode());
        for (url, expected) in [
            ("postgres://u@127.0.0.1/d", SslMode::Disable),
            ("postgres://u@localhost:5433/d", SslMode::Disable),
            ("postgresql://u@%2Frun%2Fpostgresql/d", SslMode::Disable),
            (
                "postgres://u@db.example/d?sslmode=disable",
                SslMode::Disable,
            ),
            ("postgres://u@db.example/d", SslMode::Require),
            ("postgres://u@db.example/d?sslmode=prefer", SslMode::Require),
            ("postgres://u@127.0.0.1,db.example/d", SslMode::Require),
            ("postgres://u@127.0.0.1/d?sslmode=require", SslMode::Require),
        ] {
            assert_eq!(mode(url).unwrap(), expected, "{url}");
        }
        for wrong in [
            "",
            "mysql://u@h/d",
            "postgres:///d",
            "postgres://u:geheim@h/d?x=geheim",
        ] {
            let message = mode(wrong).unwrap_err().to_string();
            assert!(!message.contains("geheim"), "{message}");
        }
    }
}
