//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9).
use crate::{Document, ScimError, schema::ResourceType};

/// What a client asked to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Projection { /// `attributes`.
    pub attributes: Option<Vec<String>>, /// `excludedAttributes`.
    pub excluded: Option<Vec<String>> }

impl Projection {
    /// From the two query parameters; both at once is 400 `invalidValue`.
    pub fn from_parameters(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> { let _ = (attributes, excluded); todo!() }
    /// Whether a top-level attribute (`members`, `groups`) will be in the answer, so that it need not be read otherwise.
    #[must_use]
    pub fn includes(&self, resource_type: &ResourceType, attribute: &str) -> bool { let _ = (resource_type, attribute); todo!() }
    /// Whether the default representation is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool { self.attributes.is_none() && self.excluded.is_none() }
    /// Cuts a full document. `returned: never` attributes are always removed.
    pub fn apply(&self, resource_type: &ResourceType, document: &mut Document) { let _ = (resource_type, document); todo!() }
}
