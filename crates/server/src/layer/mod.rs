//! What happens around every handler: request id and log span, security headers, panics, timeouts, unread bodies.

pub(crate) mod drain;
pub(crate) mod headers;
pub(crate) mod observe;
pub(crate) mod timeout;
