//! Diagnostics on stderr: text on a terminal, JSON otherwise.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Installs the subscriber. `TENURE_LOG` takes filter directives; without it, or when it cannot be read, the level is info.
pub(crate) fn install() {
    let filter = EnvFilter::try_from_env("TENURE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_ansi(crate::output::colours()).init();
    } else {
        builder.json().init();
    }
}
