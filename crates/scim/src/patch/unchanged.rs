//! Values that only the server writes, sent back as they are.

use serde_json::Value;

use super::{Operation, OperationKind, PatchRequest};
use crate::{
    Deviation, Document,
    path::Resolved,
    schema::{Mutability, ResourceType},
};

fn is_read_only(resolved: &Resolved<'_>) -> bool {
    [Some(resolved.attribute), resolved.sub]
        .into_iter()
        .flatten()
        .any(|part| part.mutability == Mutability::ReadOnly)
}

impl Operation {
    fn target<'t>(&self, resource_type: &'t ResourceType) -> Option<Resolved<'t>> {
        let resolved = self.path.attribute.resolve_exact(resource_type)?;
        let sets = self.kind != OperationKind::Remove && self.path.filter.is_none();
        (sets && resolved.extension.is_none() && is_read_only(&resolved)).then_some(resolved)
    }
}

impl PatchRequest {
    /// Whether an operation sets a value that only the server writes, such as `meta.version` or `groups`. Then
    /// [`Self::drop_unchanged`] needs the resource as it is sent.
    #[must_use]
    pub fn sets_read_only(&self, resource_type: &ResourceType) -> bool {
        self.operations
            .iter()
            .any(|operation| operation.target(resource_type).is_some())
    }

    /// Drops operations that set such values to what they are: clients send back what they have read. What is left
    /// of that kind is refused when it is applied (RFC 7644 section 3.5.2).
    pub fn drop_unchanged(&mut self, resource_type: &ResourceType, shown: &Document) {
        let before = self.operations.len();
        self.operations.retain(|operation| {
            let Some(target) = operation.target(resource_type) else {
                return true;
            };
            let value = shown.get(&target.attribute.name);
            let value = match target.sub {
                None => value,
                Some(sub) => value.and_then(|value: &Value| value.get(&sub.name)),
            };
            value.is_none() || operation.value.as_ref() != value
        });
        let dropped = self.operations.len() < before;
        self.deviations
            .insert_if(dropped, Deviation::ReadOnlyUnchanged);
    }
}
