//! Notification mail: what is written to people, and how it leaves over SMTP.
//!
//! What happened waits in the store's outbox (`tenure_store::notification`), written with the change that it is about.
//! [`deliver`] takes it from there: `letter` writes the text, [`Mailer`] speaks to the operator's mail server. That
//! server is named on the command line and nowhere else, so that no administrator of a workspace can have a connection
//! made to a place of their choice.

mod letter;
mod mailer;
mod metrics;
mod outbox;
mod server;

pub use mailer::{Mailer, SendError};
pub use outbox::{deliver, recipients};
pub use server::{ConfigError, Server, StartTls};
