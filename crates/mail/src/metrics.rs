//! Numbers about messages.

use crate::SendError;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// Shared by all clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    messages: Family<Labels, Counter>,
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tenure_mail_messages",
            "Attempts to send a message to one address; `failed` is tried again, `refused` is not",
            self.messages.clone(),
        );
    }

    pub(crate) fn count(&self, result: &Result<String, SendError>) {
        let outcome = match result {
            Ok(_) => "sent",
            Err(SendError::Refused(_)) => "refused",
            Err(SendError::Later(_)) => "failed",
        };
        self.messages.get_or_create(&Labels { outcome }).inc();
    }
}
