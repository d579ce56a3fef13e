//! Schemas and resource types as data (RFC 7643 sections 6 and 7).

use std::sync::Arc;

/// Data type of an attribute (RFC 7643 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeType { String, Boolean, Decimal, Integer, DateTime, Binary, Reference, Complex }

/// Who may write an attribute (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability { ReadOnly, ReadWrite, Immutable, WriteOnly }

/// When an attribute is part of a response (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned { Always, Never, Default, Request }

/// Over what a value is unique (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness { None, Server, Global }

/// One attribute or sub-attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Name in the spelling that responses use.
    pub name: String,
    /// Data type.
    pub kind: AttributeType,
    /// Whether the value is a list.
    pub multi_valued: bool,
    /// Text for people.
    pub description: String,
    /// Whether a resource must have a value.
    pub required: bool,
    /// Whether comparison respects case.
    pub case_exact: bool,
    /// Suggested values; never enforced.
    pub canonical_values: Vec<String>,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Over what it is unique.
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

/// A schema: a URN and its attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema { pub id: String, pub name: String, pub description: String, pub attributes: Vec<Attribute> }

/// A resource type: endpoint, base schema, extensions.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceType {
    /// `User`, `Group`.
    pub name: String,
    /// `/Users`, `/Groups`.
    pub endpoint: String,
    /// Text for people.
    pub description: String,
    /// Base schema.
    pub schema: Arc<Schema>,
    /// Extensions, in order.
    pub extensions: Vec<Extension>,
}

/// A schema extension of a resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension { pub schema: Arc<Schema>, pub required: bool }

/// All resource types a workspace knows.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaSet { pub resource_types: Vec<Arc<ResourceType>> }

impl SchemaSet {
    /// User with the enterprise extension, and Group (RFC 7643 section 4), built once.
    #[must_use]
    pub fn standard() -> &'static SchemaSet { todo!() }
    /// The `User` type of the standard set.
    #[must_use]
    pub fn user() -> &'static Arc<ResourceType> { todo!() }
    /// The `Group` type of the standard set.
    #[must_use]
    pub fn group() -> &'static Arc<ResourceType> { todo!() }
}
