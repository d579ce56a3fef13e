//! Diagnostics on stderr: text on a terminal, JSON otherwise.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Installs the subscriber. `TENURE_LOG` takes filter directives; without it, or when it cannot be read, the level
/// given is used.
pub(crate) fn install(level: &str) {
    let filter = EnvFilter::try_from_env("TENURE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_ansi(crate::output::colours()).init();
    } else {
        builder.json().with_span_list(false).init();
    }
}
