//! `tenure mail`, and the mail server of `tenure serve`.

use crate::cli::{Mail, Smtp, StartTls};
use crate::error::{Exit, Failure};
use crate::output::{self, Output};
use serde_json::json;
use std::path::Path;
use tenure_mail::{Mailer, SendError, Server};

/// Where the password is when no file is named.
const PASSWORD: &str = "TENURE_SMTP_PASSWORD";
/// Longest password, in bytes.
const PASSWORD_BYTES: usize = 4 * 1024;

pub(crate) async fn run(out: Output, command: Mail) -> Result<Exit, Failure> {
    let Mail::Test { address, smtp } = command;
    let mailer = mailer(&smtp)?.ok_or_else(|| {
        Failure::usage("no mail server is named").hint(
            "give --smtp-url and --smtp-from, or the variables TENURE_SMTP_URL and TENURE_SMTP_FROM that `tenure serve` has",
        )
    })?;
    match mailer.test(&address, None).await {
        Ok(answer) => {
            let text = || {
                format!(
                    "{} took the mail: {}",
                    mailer.server(),
                    output::plain(&answer)
                )
            };
            out.result(
                &json!({ "server": mailer.server(), "answer": answer }),
                text,
            )?;
            Ok(Exit::Done)
        }
        Err(SendError::Refused(error)) => Err(Failure::failed(format!(
            "{} refused the mail: {error}",
            mailer.server()
        ))),
        Err(SendError::Later(error)) => Err(Failure::new(
            Exit::Unreachable,
            format!("{}: {error}", mailer.server()),
        )
        .hint("check address, port, --smtp-starttls, user and password of the mail server")),
    }
}

/// What sends mail, if a mail server is named.
pub(super) fn mailer(smtp: &Smtp) -> Result<Option<Mailer>, Failure> {
    let (Some(url), Some(from)) = (&smtp.smtp_url, &smtp.smtp_from) else {
        return Ok(None);
    };
    let start_tls = smtp.smtp_starttls.map(|when| match when {
        StartTls::Required => tenure_mail::StartTls::Required,
        StartTls::Opportunistic => tenure_mail::StartTls::Opportunistic,
        StartTls::None => tenure_mail::StartTls::None,
    });
    let password = password(smtp.smtp_password_file.as_deref())?;
    let server = Server::new(url, start_tls, from, password).map_err(|error| {
        Failure::usage(error.to_string()).hint(format!(
            "for example --smtp-url smtp://tenure@mail.example.com:587 --smtp-from tenure@example.com, with the password in {PASSWORD} or --smtp-password-file"
        ))
    })?;
    Ok(Some(Mailer::new(server)))
}

fn password(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let text = match file {
        Some(file) => {
            let name = file
                .to_str()
                .filter(|name| *name != "-")
                .ok_or_else(|| Failure::usage("--smtp-password-file has to name a file"))?;
            Some(super::read_file(name, PASSWORD_BYTES)?)
        }
        None => std::env::var(PASSWORD).ok(),
    };
    Ok(text
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .filter(|text| !text.is_empty()))
}
