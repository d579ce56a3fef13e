//! Attribute and PATCH paths (RFC 7644 sections 3.4.2.2 and 3.5.2).
use crate::{ScimError, filter::Filter, schema::{Attribute, ResourceType}};

/// `[urn:]attribute[.sub]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath { pub schema: Option<String>, pub attribute: String, pub sub: Option<String> }

/// `attrPath` or `attr[filter][.sub]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path { pub attribute: AttributePath, pub filter: Option<Box<Filter>> }

/// What a path means in a resource type.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The extension it lives in; `None` for the base schema and common attributes.
    pub extension: Option<&'a str>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, when one is named.
    pub sub: Option<&'a Attribute>,
}

impl AttributePath {
    /// Parses an attribute path. The longest known URN is not needed: a path with `urn:` is split at the last colon.
    pub fn parse(text: &str) -> Result<Self, ScimError> { let _ = text; todo!() }
    /// Finds the attribute in the type, comparing without case; knows `id`, `externalId`, `meta`, `schemas`, and `members`/`groups`.
    pub fn resolve<'a>(&self, resource_type: &'a ResourceType) -> Option<Resolved<'a>> { let _ = resource_type; todo!() }
}
impl Path {
    /// Parses a PATCH path; `invalidPath` with the position on failure. Display gives the canonical text.
    pub fn parse(text: &str) -> Result<Self, ScimError> { let _ = text; todo!() }
}
