//! Numbers about cycles. Without applications: their number has no end, and their names are nobody else's business.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tenure_store::run::CycleKind;

use crate::record::Tally;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CycleLabels {
    kind: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabels {
    result: &'static str,
}

/// Shared by all clones of an engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    cycles: Family<CycleLabels, Counter>,
    objects: Family<ObjectLabels, Counter>,
    failures: Counter,
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tenure_cycles",
            "Cycles that ended here, by kind and by how they ended",
            self.cycles.clone(),
        );
        registry.register(
            "tenure_objects",
            "Users and groups that cycles dealt with at applications, by result; plans do not count",
            self.objects.clone(),
        );
        registry.register(
            "tenure_cycle_failures",
            "Cycles that broke off: the store refused, the lease was lost, or the configuration cannot be used",
            self.failures.clone(),
        );
    }

    /// `status`: `completed`, `interrupted`, `quarantined`.
    pub(crate) fn cycle_ended(&self, kind: CycleKind, status: &'static str) {
        let kind = kind.as_str();
        let labels = CycleLabels { kind, status };
        self.cycles.get_or_create(&labels).inc();
    }

    /// A run that ended with an error of the store or of the configuration: whoever runs the job next goes on with its
    /// cycle, if it had begun one.
    pub(crate) fn cycle_failed(&self) {
        self.failures.inc();
    }

    pub(crate) fn object(&self, tally: Tally) {
        let result = match tally {
            Tally::Created => "created",
            Tally::Updated => "updated",
            Tally::Disabled => "disabled",
            Tally::Deleted => "deleted",
            Tally::Skipped => "skipped",
            Tally::Failed => "failed",
            Tally::Nothing => return,
        };
        self.objects.get_or_create(&ObjectLabels { result }).inc();
    }
}
