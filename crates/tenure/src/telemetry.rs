//! Diagnostics on stderr: text on a terminal, JSON otherwise, unless the command line says how.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

use crate::cli::{Lines, Logging};

/// Installs the subscriber for a server.
pub(crate) fn install_for_server(logging: &Logging) {
    // Directives were checked when they were read.
    let filter = EnvFilter::new(logging.log_level.as_deref().unwrap_or("info"));
    let is_text = match logging.log_format {
        Some(lines) => lines == Lines::Text,
        None => std::io::stderr().is_terminal(),
    };
    install(filter, is_text);
}

/// Installs the subscriber for a command, which says itself what it does. `TENURE_LOG` takes filter directives; without it,
/// or when it cannot be read, there are warnings.
pub(crate) fn install_for_command() {
    let filter = EnvFilter::try_from_env("TENURE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    install(filter, std::io::stderr().is_terminal());
}

/// Each line within a request or a cycle carries what identifies it: `spans` in JSON, a prefix in text.
fn install(filter: EnvFilter, is_text: bool) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if is_text {
        let colours = std::io::stderr().is_terminal() && crate::output::colours();
        builder.with_ansi(colours).init();
    } else {
        builder.json().with_current_span(false).init();
    }
}
