//! What clients do that the standard does not have, or that other servers would not take: tolerated, and told.
//!
//! ```
//! use serde_json::json;
//! use tenure_scim::{deviation::Deviation, schema::SchemaSet, validate};
//!
//! let body = json!({"userName": "mira", "active": "True"});
//! let validated = validate::create(SchemaSet::user(), body.as_object().unwrap().clone()).unwrap();
//! assert!(validated.deviations.contains(Deviation::StringBoolean));
//! assert_eq!(Deviation::StringBoolean.code(), "string-boolean");
//! ```

#[cfg(test)]
mod tests;

/// A habit of a client that is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deviation {
    /// `op` is not written in lower case, such as `Replace`.
    OperationCase,
    /// A name in the PATCH message is written in another case, such as `operations`.
    OperationsCase,
    /// `Operations` is one object instead of a list.
    SingleOperation,
    /// The body does not say its `schemas`.
    MissingSchemas,
    /// A schema is named by its URN of SCIM 1.1.
    Scim11Urn,
    /// The body names a schema that this workspace does not have; it is ignored.
    UnknownSchema,
    /// The body has an attribute that no schema defines; it is ignored.
    UnknownAttribute,
    /// A name is written in another case than in the schema. The standard allows it; many other servers do not.
    AttributeCase,
    /// A boolean is sent as text, such as `"True"`.
    StringBoolean,
    /// A bare value stands for a complex one, such as an id for `manager`.
    StringForComplex,
    /// A complex value is sent as JSON text inside a string.
    JsonInString,
    /// A single value is sent where a list is defined.
    SingleForList,
    /// A list of one is sent where a single value is defined.
    ListForSingle,
    /// Empty text is sent to clear a value; the standard has null and `remove` for it.
    EmptyText,
    /// A key inside a value is a path, such as `name.givenName`.
    DottedKey,
    /// A key inside a value begins with the URN of a schema.
    QualifiedKey,
    /// A key inside a value has a filter, such as `emails[type eq "work"].value`.
    ValuePathKey,
    /// The body has values that are read-only; they are ignored.
    ReadOnlySent,
    /// A PATCH sets a read-only value, such as `id`, to what it is already.
    ReadOnlyUnchanged,
    /// The body has a password; it is taken and not kept.
    PasswordSent,
    /// `remove` comes with a list of values; only these are removed.
    RemoveWithValue,
    /// `remove` or `replace` takes out all members of a group at once.
    ClearMembers,
    /// A PATCH path selects nothing; the value that its filter describes is created.
    ValuePathCreated,
    /// A filter says `email` instead of `emails`.
    EmailAlias,
    /// The filter is percent-encoded twice.
    DoubleEncoding,
    /// `startIndex` is below 1, which counts as 1.
    StartIndex,
    /// `count` is negative, which counts as 0.
    CountNegative,
    /// `count` is above the maximum; a page has fewer resources than asked for.
    CountAboveMaximum,
    /// The path has two slashes in a row.
    RepeatedSlash,
    /// The path has `/v2` twice.
    RepeatedVersion,
    /// The path ends with a slash.
    TrailingSlash,
    /// The query has a parameter that SCIM does not define, often left over from the base URL.
    UnknownParameter,
    /// The body is not sent as `application/scim+json`.
    ContentType,
    /// The body is sent without a Content-Type.
    MissingContentType,
    /// Accept does not take `application/scim+json`.
    Accept,
    /// Members that do not exist were left out.
    UnknownMembersSkipped,
    /// Members that do not exist were kept aside until they arrive.
    UnknownMembersParked,
    /// Something was deleted that was deleted already.
    RepeatedDelete,
}

impl Deviation {
    /// All of them, in the order of the enumeration.
    pub const ALL: [Self; 38] = [
        Self::OperationCase,
        Self::OperationsCase,
        Self::SingleOperation,
        Self::MissingSchemas,
        Self::Scim11Urn,
        Self::UnknownSchema,
        Self::UnknownAttribute,
        Self::AttributeCase,
        Self::StringBoolean,
        Self::StringForComplex,
        Self::JsonInString,
        Self::SingleForList,
        Self::ListForSingle,
        Self::EmptyText,
        Self::DottedKey,
        Self::QualifiedKey,
        Self::ValuePathKey,
        Self::ReadOnlySent,
        Self::ReadOnlyUnchanged,
        Self::PasswordSent,
        Self::RemoveWithValue,
        Self::ClearMembers,
        Self::ValuePathCreated,
        Self::EmailAlias,
        Self::DoubleEncoding,
        Self::StartIndex,
        Self::CountNegative,
        Self::CountAboveMaximum,
        Self::RepeatedSlash,
        Self::RepeatedVersion,
        Self::TrailingSlash,
        Self::UnknownParameter,
        Self::ContentType,
        Self::MissingContentType,
        Self::Accept,
        Self::UnknownMembersSkipped,
        Self::UnknownMembersParked,
        Self::RepeatedDelete,
    ];

    /// The stable name, in kebab case.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// One sentence for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.words().1
    }

    /// The deviation with a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|deviation| deviation.code() == code)
    }

    fn bit(self) -> u64 {
        1 << (self as u32)
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::OperationCase => (
                "op-case",
                "op is not written in lower case, such as Replace.",
            ),
            Self::OperationsCase => (
                "operations-case",
                "A name in the PATCH message is written in another case, such as operations.",
            ),
            Self::SingleOperation => (
                "single-operation",
                "Operations is one object instead of a list.",
            ),
            Self::MissingSchemas => ("missing-schemas", "The body does not say its schemas."),
            Self::Scim11Urn => ("scim-1.1-urn", "A schema is named by its URN of SCIM 1.1."),
            Self::UnknownSchema => (
                "unknown-schema",
                "The body names a schema that this workspace does not have; it is ignored.",
            ),
            Self::UnknownAttribute => (
                "unknown-attribute",
                "The body has an attribute that no schema defines; it is ignored.",
            ),
            Self::AttributeCase => (
                "attribute-case",
                "A name is written in another case than in the schema. The standard allows it; many other servers do not.",
            ),
            Self::StringBoolean => (
                "string-boolean",
                "A boolean is sent as text, such as \"True\".",
            ),
            Self::StringForComplex => (
                "string-for-complex",
                "A bare value stands for a complex one, such as an id for manager.",
            ),
            Self::JsonInString => (
                "json-in-string",
                "A complex value is sent as JSON text inside a string.",
            ),
            Self::SingleForList => (
                "single-object-for-array",
                "A single value is sent where a list is defined.",
            ),
            Self::ListForSingle => (
                "list-for-single",
                "A list of one is sent where a single value is defined.",
            ),
            Self::EmptyText => (
                "empty-string",
                "Empty text is sent to clear a value; the standard has null and remove for it.",
            ),
            Self::DottedKey => (
                "dotted-key",
                "A key inside a value is a path, such as name.givenName.",
            ),
            Self::QualifiedKey => (
                "qualified-key",
                "A key inside a value begins with the URN of a schema.",
            ),
            Self::ValuePathKey => (
                "value-path-key",
                "A key inside a value has a filter, such as emails[type eq \"work\"].value.",
            ),
            Self::ReadOnlySent => (
                "read-only-sent",
                "The body has values that are read-only; they are ignored.",
            ),
            Self::ReadOnlyUnchanged => (
                "read-only-unchanged",
                "A PATCH sets a read-only value, such as id, to what it is already.",
            ),
            Self::PasswordSent => (
                "password-sent",
                "The body has a password; it is taken and not kept.",
            ),
            Self::RemoveWithValue => (
                "remove-with-value",
                "remove comes with a list of values; only these are removed.",
            ),
            Self::ClearMembers => (
                "clear-members",
                "remove or replace takes out all members of a group at once.",
            ),
            Self::ValuePathCreated => (
                "value-path-created",
                "A PATCH path selects nothing; the value that its filter describes is created.",
            ),
            Self::EmailAlias => ("email-for-emails", "A filter says email instead of emails."),
            Self::DoubleEncoding => ("double-encoding", "The filter is percent-encoded twice."),
            Self::StartIndex => (
                "start-index-below-one",
                "startIndex is below 1, which counts as 1.",
            ),
            Self::CountNegative => ("count-negative", "count is negative, which counts as 0."),
            Self::CountAboveMaximum => (
                "count-above-maximum",
                "count is above the maximum; a page has fewer resources than asked for.",
            ),
            Self::RepeatedSlash => ("repeated-slash", "The path has two slashes in a row."),
            Self::RepeatedVersion => ("repeated-version", "The path has /v2 twice."),
            Self::TrailingSlash => ("trailing-slash", "The path ends with a slash."),
            Self::UnknownParameter => (
                "unknown-parameter",
                "The query has a parameter that SCIM does not define, often left over from the base URL.",
            ),
            Self::ContentType => (
                "content-type",
                "The body is not sent as application/scim+json.",
            ),
            Self::MissingContentType => (
                "missing-content-type",
                "The body is sent without a Content-Type.",
            ),
            Self::Accept => ("accept", "Accept does not take application/scim+json."),
            Self::UnknownMembersSkipped => (
                "unknown-members-skipped",
                "Members that do not exist were left out.",
            ),
            Self::UnknownMembersParked => (
                "unknown-members-parked",
                "Members that do not exist were kept aside until they arrive.",
            ),
            Self::RepeatedDelete => (
                "repeated-delete",
                "Something was deleted that was deleted already.",
            ),
        }
    }
}

/// A set of deviations; never allocates.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Deviations(u64);

impl Deviations {
    /// Adds one.
    pub fn insert(&mut self, deviation: Deviation) {
        self.0 |= deviation.bit();
    }

    /// Adds one if a condition holds.
    pub fn insert_if(&mut self, condition: bool, deviation: Deviation) {
        if condition {
            self.insert(deviation);
        }
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether one is in it.
    #[must_use]
    pub fn contains(self, deviation: Deviation) -> bool {
        self.0 & deviation.bit() != 0
    }

    /// Whether nothing deviated.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of the enumeration.
    pub fn iter(self) -> impl Iterator<Item = Deviation> {
        Deviation::ALL
            .into_iter()
            .filter(move |deviation| self.contains(*deviation))
    }
}

impl std::fmt::Debug for Deviations {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Deviation> for Deviations {
    fn from_iter<I: IntoIterator<Item = Deviation>>(deviations: I) -> Self {
        let mut set = Self::default();
        deviations
            .into_iter()
            .for_each(|deviation| set.insert(deviation));
        set
    }
}

/// What is refused although it could be tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strictness {
    /// Unknown attributes and schemas are 400 `invalidSyntax`.
    pub attributes: bool,
    /// A PATCH path that selects nothing is 400 `noTarget`, even when its filter describes a value to create.
    pub paths: bool,
}

/// What was tolerated while a body was read.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) deviations: Deviations,
    /// Names of unknown attributes and schemas.
    pub(crate) ignored: Vec<String>,
}

impl Notes {
    pub(crate) fn insert(&mut self, deviation: Deviation) {
        self.deviations.insert(deviation);
    }

    pub(crate) fn unknown_attribute(&mut self, name: String) {
        self.insert(Deviation::UnknownAttribute);
        self.ignored.push(name);
    }

    /// Notes that a name is spelled in another case than the schema has it.
    pub(crate) fn spelling(&mut self, given: &str, registered: &str) {
        self.deviations
            .insert_if(given != registered, Deviation::AttributeCase);
    }
}
