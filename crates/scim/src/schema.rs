//! Schemas and resource types as data (RFC 7643 sections 6 and 7).

mod definition;

use std::sync::{Arc, LazyLock};

pub use definition::{Definition, TypeDefinition};

use crate::standard;

/// Data type of an attribute (RFC 7643 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeType {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number that fits in 64 bits with sign.
    Integer,
    /// A date with a time, `xsd:dateTime`.
    DateTime,
    /// Bytes in base64.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

impl AttributeType {
    const ALL: [Self; 8] = [
        Self::String,
        Self::Boolean,
        Self::Decimal,
        Self::Integer,
        Self::DateTime,
        Self::Binary,
        Self::Reference,
        Self::Complex,
    ];

    /// The one that Schema resources call so, compared without case.
    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(word))
    }

    /// The keywords, for messages.
    pub(crate) fn keywords() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The name that Schema resources use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may write an attribute (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// Only the server writes it.
    ReadOnly,
    /// Clients write it at any time.
    ReadWrite,
    /// Clients write it once.
    Immutable,
    /// Clients write it, nobody reads it.
    WriteOnly,
}

impl Mutability {
    const ALL: [Self; 4] = [
        Self::ReadOnly,
        Self::ReadWrite,
        Self::Immutable,
        Self::WriteOnly,
    ];

    /// The one that Schema resources call so, compared without case.
    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(word))
    }

    /// The keywords, for messages.
    pub(crate) fn keywords() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The name that Schema resources use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

/// When an attribute is part of a response (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned {
    /// In every response.
    Always,
    /// In no response.
    Never,
    /// Unless the client chose other attributes.
    Default,
    /// Only when the client asks for it.
    Request,
}

impl Returned {
    const ALL: [Self; 4] = [Self::Always, Self::Never, Self::Default, Self::Request];

    /// The one that Schema resources call so, compared without case.
    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(word))
    }

    /// The keywords, for messages.
    pub(crate) fn keywords() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The name that Schema resources use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

/// Over what a value is unique (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Not unique.
    None,
    /// Within the workspace and resource type.
    Server,
    /// Everywhere.
    Global,
}

impl Uniqueness {
    const ALL: [Self; 3] = [Self::None, Self::Server, Self::Global];

    /// The one that Schema resources call so, compared without case.
    pub(crate) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(word))
    }

    /// The keywords, for messages.
    pub(crate) fn keywords() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The name that Schema resources use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}

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

impl Attribute {
    /// The sub-attribute with this name, compared without case.
    #[must_use]
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.sub_attributes, name)
    }

    /// Whether it is never returned, and so neither kept, indexed nor searched.
    pub(crate) fn is_secret(&self) -> bool {
        self.returned == Returned::Never
    }

    /// Whether clients' values are taken but never stored.
    pub(crate) fn is_dropped(&self) -> bool {
        self.mutability == Mutability::ReadOnly || self.is_secret()
    }

    /// The attribute whose values a filter or a sort compares when only this one is named: `value` for a
    /// multi-valued complex attribute that has it, else the attribute itself.
    #[must_use]
    pub fn default_leaf(&self) -> &Attribute {
        if self.multi_valued && self.kind == AttributeType::Complex {
            self.sub_attribute("value").unwrap_or(self)
        } else {
            self
        }
    }
}

/// The attribute with this name in a list, compared without case.
pub(crate) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// A schema: a URN and its attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// URN.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// Attributes, in the order of responses.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute with this name, compared without case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

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

impl ResourceType {
    /// Whether a URN names the base schema. Compared without case; the URN of SCIM 1.1 counts too.
    #[must_use]
    pub fn is_base_schema(&self, urn: &str) -> bool {
        self.schema.id.eq_ignore_ascii_case(urn)
            || urn.eq_ignore_ascii_case("urn:scim:schemas:core:1.0")
    }

    /// The extension that a URN names. Compared without case; the enterprise URN of SCIM 1.1 counts too.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        let urn = if urn.eq_ignore_ascii_case("urn:scim:schemas:extension:enterprise:1.0") {
            standard::ENTERPRISE_USER
        } else {
            urn
        };
        self.extensions
            .iter()
            .find(|extension| extension.schema.id.eq_ignore_ascii_case(urn))
    }

    /// The base schema or an extension, by its URN.
    pub(crate) fn schema_of(&self, urn: &str) -> Option<&Arc<Schema>> {
        if self.is_base_schema(urn) {
            return Some(&self.schema);
        }
        self.extension(urn).map(|extension| &extension.schema)
    }

    /// An attribute of the base schema or a common one (`id`, `externalId`, `meta`, `schemas`), compared without case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        // RFC 7643 section 3.1: the common definitions win over a schema that lists them again.
        find(common_attributes(), name).or_else(|| self.schema.attribute(name))
    }
}

/// A schema extension of a resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// The schema.
    pub schema: Arc<Schema>,
    /// Whether every resource must have it.
    pub required: bool,
}

/// All resource types a workspace knows. [`Definition`] reads types of one's own from JSON.
///
/// ```
/// use tenure_scim::schema::SchemaSet;
///
/// let user = SchemaSet::standard().at("Users").unwrap();
/// assert!(user.attribute("USERNAME").unwrap().required);
/// assert!(user.extension("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User").is_some());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaSet {
    /// The types, in the order of the discovery endpoint.
    pub resource_types: Vec<Arc<ResourceType>>,
}

struct Standard {
    set: SchemaSet,
    user: Arc<ResourceType>,
    group: Arc<ResourceType>,
}

static STANDARD: LazyLock<Standard> = LazyLock::new(|| {
    let user = Arc::new(standard::user_type());
    let group = Arc::new(standard::group_type());
    Standard {
        set: SchemaSet {
            resource_types: vec![user.clone(), group.clone()],
        },
        user,
        group,
    }
});

static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(standard::common);

/// The attributes that every resource has whatever its schema says: `schemas`, `id`, `externalId`, `meta`.
#[must_use]
pub fn common_attributes() -> &'static [Attribute] {
    &COMMON
}

impl SchemaSet {
    /// User with the enterprise extension, and Group (RFC 7643 section 4), built once.
    #[must_use]
    pub fn standard() -> &'static SchemaSet {
        &STANDARD.set
    }

    /// The type whose endpoint a path segment names: `Users` for `/Users`. Compared exactly, as paths are.
    #[must_use]
    pub fn at(&self, segment: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types
            .iter()
            .find(|one| one.endpoint.strip_prefix('/') == Some(segment))
    }

    /// The type with a name, compared without case.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types
            .iter()
            .find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// The `User` type of the standard set.
    #[must_use]
    pub fn user() -> &'static Arc<ResourceType> {
        &STANDARD.user
    }

    /// The `Group` type of the standard set.
    #[must_use]
    pub fn group() -> &'static Arc<ResourceType> {
        &STANDARD.group
    }
}
