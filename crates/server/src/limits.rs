//! Every limit of this crate in one place.

use std::time::Duration;

/// Connections served at the same time.
pub(crate) const CONNECTIONS: usize = 4096;
/// Connections of those who watch the server.
pub(crate) const METRICS_CONNECTIONS: usize = 16;
/// How long the database may take to say that it is there.
pub(crate) const READINESS: Duration = Duration::from_secs(2);
/// Header lines of a request; more is 431.
pub(crate) const HEADERS: usize = 64;
/// Bytes of request line and headers; more is 431.
pub(crate) const HEADER_BYTES: usize = 16 * 1024;
/// Longest rest of a connection between two requests.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Time for a client to send its headers.
pub(crate) const HEADER_READ: Duration = Duration::from_secs(10);
/// Longest pause within a request body.
pub(crate) const BODY_IDLE: Duration = Duration::from_secs(15);
/// Longest time from the headers to the answer's headers.
pub(crate) const REQUEST: Duration = Duration::from_secs(120);
/// Time for open requests after the stop signal.
pub(crate) const DRAIN: Duration = Duration::from_secs(25);
/// How long a message that is being given to the mail server may take after that.
pub(crate) const MAIL_DRAIN: Duration = Duration::from_secs(3);
/// Bytes of a SCIM request body; more is 413.
pub(crate) const SCIM_BODY_BYTES: usize = 1024 * 1024;
/// Bytes of an API request body; more is 413.
pub(crate) const API_BODY_BYTES: usize = 1024 * 1024;
/// Bytes of a console form; more is 413.
pub(crate) const FORM_BODY_BYTES: usize = 256 * 1024;
/// Bytes of a console form with a synchronization schema, which a form makes up to three times as long; more is 413.
pub(crate) const SCHEMA_FORM_BYTES: usize = 4 * 1024 * 1024;
