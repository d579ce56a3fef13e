//! The arguments about mail.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The mail server and the sender.
#[derive(Debug, Args)]
pub(crate) struct Smtp {
    /// Mail server for notifications, as smtp://USER@HOST:PORT or smtps://…; without one nothing is mailed. The password is read from --smtp-password-file or TENURE_SMTP_PASSWORD
    #[arg(
        long,
        env = "TENURE_SMTP_URL",
        hide_env_values = true,
        requires = "smtp_from",
        value_name = "URL"
    )]
    pub(crate) smtp_url: Option<String>,
    /// Who notifications come from, as ADDRESS or "NAME <ADDRESS>"
    #[arg(
        long,
        env = "TENURE_SMTP_FROM",
        hide_env_values = true,
        value_name = "ADDRESS"
    )]
    pub(crate) smtp_from: Option<String>,
    /// File that holds the password of the mail server
    #[arg(long, env = "TENURE_SMTP_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) smtp_password_file: Option<PathBuf>,
    /// Whether a connection to smtp:// is encrypted with STARTTLS [default: required; opportunistic for a server on this machine]
    #[arg(long, env = "TENURE_SMTP_STARTTLS", value_enum, value_name = "WHEN")]
    pub(crate) smtp_starttls: Option<StartTls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StartTls {
    /// Nothing is sent to a server that does not encrypt
    Required,
    /// If the server offers it
    Opportunistic,
    /// Never
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Mail {
    /// Send a test mail and print what the mail server answers
    #[command(
        before_help = "Example:\n  tenure mail test ops@example.com --smtp-url smtp://tenure@mail.example.com:587 --smtp-from tenure@example.com --smtp-password-file password.txt"
    )]
    Test {
        /// Whom to send it to
        address: String,
        #[command(flatten)]
        smtp: Smtp,
    },
}
