//! Sending one message.

use crate::{
    letter::{self, Letter},
    metrics::Metrics,
    server::Server,
};
use lettre::{
    Address, AsyncTransport as _, Message,
    message::{
        Body, Mailbox, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::response::{Category, Severity},
};
use prometheus_client::registry::Registry;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One message as a whole, with connecting.
const SEND_TIMEOUT: Duration = Duration::from_secs(90);
/// Between two test mails.
const TEST_EVERY: Duration = Duration::from_secs(10);

/// Sends mail through one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailer {
    server: Arc<Server>,
    last_test: Arc<Mutex<Option<Instant>>>,
    metrics: Metrics,
}

/// Why a message was not sent; never with the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server refused this message or address for good.
    #[error("{0}")]
    Refused(String),
    /// The server could not be reached, is not ready, or does not let us in.
    #[error("{0}")]
    Later(String),
}

impl Mailer {
    /// Through this server.
    #[must_use]
    pub fn new(server: Server) -> Self {
        Self {
            server: Arc::new(server),
            last_test: Arc::default(),
            metrics: Metrics::default(),
        }
    }

    /// `host:port` of the server.
    #[must_use]
    pub fn server(&self) -> String {
        self.server.name()
    }

    /// Whom mail comes from.
    #[must_use]
    pub fn from(&self) -> String {
        self.server.from().to_string()
    }

    /// Makes the numbers about messages visible in a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Sends a mail without any news; what the server answered. At most one in ten seconds.
    ///
    /// # Errors
    ///
    /// What the server said, or why it could not be reached.
    pub async fn test(&self, to: &str, public_url: Option<&str>) -> Result<String, SendError> {
        if !self.may_test() {
            let text = format!(
                "one test mail in {} s; try again in a moment",
                TEST_EVERY.as_secs()
            );
            return Err(SendError::Later(text));
        }
        self.send(to, &letter::test(public_url), None).await
    }

    /// Nobody's mailbox is to be filled by pressing a button.
    fn may_test(&self) -> bool {
        let mut last = self
            .last_test
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= TEST_EVERY);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    /// Sends a letter to one address; what the server answered. `id` is the part of the Message-ID before the `@`, the same
    /// for each attempt.
    pub(crate) async fn send(
        &self,
        to: &str,
        letter: &Letter,
        id: Option<&str>,
    ) -> Result<String, SendError> {
        let result = self.attempt(to, letter, id).await;
        self.metrics.count(&result);
        result
    }

    async fn attempt(
        &self,
        to: &str,
        letter: &Letter,
        id: Option<&str>,
    ) -> Result<String, SendError> {
        let message = self.message(to, letter, id)?;
        // Each attempt has a connection of its own: there is no idle one that the server has forgotten.
        let transport = self.server.transport();
        match tokio::time::timeout(SEND_TIMEOUT, transport.send(message)).await {
            Ok(Ok(response)) => {
                let lines: Vec<&str> = response.message().collect();
                Ok(self
                    .server
                    .hide(&format!("{} {}", response.code(), lines.join(" "))))
            }
            Ok(Err(error)) => {
                let text = self.server.hide(&error.to_string());
                // 55x is about the mailbox or the message; other refusals, such as 535, are about us and can be mended.
                let refused = error.status().is_some_and(|code| {
                    code.severity == Severity::PermanentNegativeCompletion
                        && code.category == Category::MailSystem
                });
                Err(if refused {
                    SendError::Refused(text)
                } else {
                    SendError::Later(text)
                })
            }
            Err(_) => Err(SendError::Later(format!(
                "the mail server did not take the message within {} s",
                SEND_TIMEOUT.as_secs()
            ))),
        }
    }

    fn message(&self, to: &str, letter: &Letter, id: Option<&str>) -> Result<Message, SendError> {
        let refused = |error: &dyn std::fmt::Display| {
            SendError::Refused(format!("{to:?} cannot be written to: {error}"))
        };
        if !tenure_store::notification::is_address(to) {
            return Err(refused(&"it is not an e-mail address"));
        }
        let address: Address = to.parse().map_err(|error| refused(&error))?;
        let from = self.server.from();
        let id = match id {
            Some(id) => id.to_owned(),
            None => letter::random_id(),
        };
        // Readable as it is, unlike base64.
        let encoding = ContentTransferEncoding::QuotedPrintable;
        let body = Body::new_with_encoding(letter.body.clone(), encoding)
            .map_err(|_| refused(&"its text cannot be encoded"))?;
        Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, address))
            .subject(letter.subject.clone())
            .date_now()
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            // No out-of-office notes in return (RFC 3834 section 5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_PLAIN)
                    .body(body),
            )
            .map_err(|error| refused(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        Mailer::new(
            Server::new(
                "smtp://127.0.0.1:9",
                None,
                "Tenure <tenure@example.com>",
                None,
            )
            .unwrap(),
        )
    }

    #[test]
    fn nothing_can_break_out_of_a_header() {
        let letter = Letter::new("a\r\nBcc: eve@example.com\r\n\r\nx", "Zürich\r\n.\r\nbody");
        let message = mailer()
            .message("ana@example.com", &letter, Some("tenure-1"))
            .unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split_once(':').map(|(name, _)| name))
            .collect();
        for name in &names {
            assert_ne!(*name, "Bcc", "{head}");
        }
        for expected in [
            "From: Tenure <tenure@example.com>",
            "To: ana@example.com",
            "Message-ID: <tenure-1@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(
                head.lines().any(|line| line == expected),
                "{expected}\n{head}"
            );
        }
        assert!(
            names.contains(&"Date") && names.contains(&"MIME-Version"),
            "{head}"
        );
        assert!(body.contains("Z=C3=BCrich"), "{body}");
        for to in ["a@b\r\nBcc: c@d", "a b@c", "", "Ana <a@b.org>"] {
            assert!(matches!(
                mailer().message(to, &letter, None),
                Err(SendError::Refused(_))
            ));
        }
    }

    #[tokio::test]
    async fn a_button_cannot_fill_a_mailbox() {
        let mailer = mailer();
        let first = mailer.test("ana@example.com", None).await.unwrap_err();
        let second = mailer
            .clone()
            .test("ana@example.com", None)
            .await
            .unwrap_err();
        assert!(
            matches!(&first, SendError::Later(text) if !text.contains("one test mail")),
            "{first}"
        );
        assert!(
            matches!(&second, SendError::Later(text) if text.contains("one test mail")),
            "{second}"
        );
    }
}
