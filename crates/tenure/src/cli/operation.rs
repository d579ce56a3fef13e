//! The arguments about how a server is watched and stopped.

use clap::{Args, ValueEnum};

/// What a server tells about itself, and how it ends.
#[derive(Debug, Args)]
pub(crate) struct Operation {
    /// Address at which /metrics answers, for Prometheus; whoever reaches it may read it [default: none]
    #[arg(long, env = "TENURE_METRICS_LISTEN", value_name = "HOST:PORT")]
    pub(crate) metrics_listen: Option<String>,
    /// Seconds between the signal to stop, when /readyz begins to fail, and the end of taking connections, so that load balancers notice [default: 5 behind a proxy, else 0]
    #[arg(long, env = "TENURE_SHUTDOWN_DELAY", value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=600))]
    pub(crate) shutdown_delay: Option<u16>,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

/// The server's log, on stderr.
#[derive(Debug, Args)]
pub(crate) struct Logging {
    /// How log lines look [default: text on a terminal, else json]
    #[arg(long, env = "TENURE_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<Lines>,
    /// What is logged: error, warn, info, debug or trace, also by part, such as info,tenure_engine=debug [default: info]
    #[arg(long, env = "TENURE_LOG", value_name = "LEVEL", value_parser = level)]
    pub(crate) log_level: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lines {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Refuses directives that a filter would not understand.
fn level(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{error}; for example info, or warn,tenure_server=debug"
        )),
    }
}
