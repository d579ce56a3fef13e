//! What happens around every handler: request id and log span, security headers, panics, timeouts.

pub(crate) mod headers;
pub(crate) mod observe;
pub(crate) mod timeout;
