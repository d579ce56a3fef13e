//! The schemas of the discovery resources themselves (RFC 7643 sections 5 to 7), which `/Schemas` lists too.

use crate::schema::{Attribute, AttributeType, Mutability, Schema};

fn integer(name: &str, description: &str) -> Attribute {
    Attribute::of(AttributeType::Integer, name, description)
}

fn supported() -> Attribute {
    Attribute::boolean("supported", "Whether the server offers it.").required()
}

fn schema(urn: &str, name: &str, description: &str, attributes: Vec<Attribute>) -> Schema {
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    Schema {
        id: urn.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        attributes: attributes.into_iter().map(read_only).collect(),
    }
}

pub(super) fn all() -> Vec<Schema> {
    vec![service_provider_config(), resource_type(), schema_schema()]
}

fn service_provider_config() -> Schema {
    let feature = |name, description, more: Vec<Attribute>| {
        let subs = std::iter::once(supported()).chain(more).collect();
        Attribute::complex(name, description, subs).required()
    };
    schema(
        super::SERVICE_PROVIDER_CONFIG,
        "ServiceProviderConfig",
        "What the server supports.",
        vec![
            Attribute::reference(
                "documentationUri",
                &["external"],
                "Documentation of the server.",
            ),
            feature("patch", "Changes by PATCH.", Vec::new()),
            feature(
                "bulk",
                "Several operations in one request.",
                vec![
                    integer("maxOperations", "Most operations in one request.").required(),
                    integer("maxPayloadSize", "Most bytes of one request.").required(),
                ],
            ),
            feature(
                "filter",
                "Queries with a filter.",
                vec![integer("maxResults", "Most resources in one answer.").required()],
            ),
            feature("changePassword", "Changes of a password.", Vec::new()),
            feature("sort", "Sorted answers.", Vec::new()),
            feature("etag", "Entity tags.", Vec::new()),
            pagination(),
            authentication_schemes(),
        ],
    )
}

/// RFC 9865 section 4.
fn pagination() -> Attribute {
    let methods = ["cursor", "index"];
    Attribute::complex(
        "pagination",
        "Ways to get a list page by page.",
        vec![
            Attribute::boolean("cursor", "Whether cursors are supported.").required(),
            Attribute::boolean("index", "Whether startIndex is supported.").required(),
            Attribute::text(
                "defaultPaginationMethod",
                "What is used when a request names neither.",
            )
            .suggest(&methods),
            integer("defaultPageSize", "Resources of a page without a count."),
            integer("maxPageSize", "Most resources of a page."),
            integer("cursorTimeout", "Seconds for which a cursor can be used."),
        ],
    )
}

fn authentication_schemes() -> Attribute {
    Attribute::complex(
        "authenticationSchemes",
        "Ways to authenticate.",
        vec![
            Attribute::text("type", "Kind of authentication.")
                .required()
                .suggest(&[
                    "oauth",
                    "oauth2",
                    "oauthbearertoken",
                    "httpbasic",
                    "httpdigest",
                ]),
            Attribute::text("name", "Name for people.").required(),
            Attribute::text("description", "Text for people.").required(),
            Attribute::reference("specUri", &["external"], "Specification of the scheme."),
            Attribute::reference(
                "documentationUri",
                &["external"],
                "Documentation of the scheme.",
            ),
            Attribute::boolean("primary", "Whether this is the preferred scheme."),
        ],
    )
    .many()
    .required()
}

fn resource_type() -> Schema {
    schema(
        super::RESOURCE_TYPE,
        "ResourceType",
        "A type of resource and its schemas.",
        vec![
            Attribute::text("id", "Identifier of the resource type."),
            Attribute::text("name", "Name of the resource type.")
                .required()
                .exact(),
            Attribute::text("description", "Text for people."),
            Attribute::reference("endpoint", &["uri"], "Path of the endpoint below the root.")
                .required(),
            Attribute::reference("schema", &["uri"], "URN of the base schema.").required(),
            Attribute::complex(
                "schemaExtensions",
                "Extensions of the resource type.",
                vec![
                    Attribute::reference("schema", &["uri"], "URN of the extension.").required(),
                    Attribute::boolean("required", "Whether every resource must have it.")
                        .required(),
                ],
            )
            .many(),
        ],
    )
}

/// What a Schema resource says about an attribute; the same again about a sub-attribute.
fn attribute_parts() -> Vec<Attribute> {
    let types = [
        "string",
        "boolean",
        "decimal",
        "integer",
        "dateTime",
        "binary",
        "reference",
        "complex",
    ];
    vec![
        Attribute::text("name", "Name of the attribute.")
            .required()
            .exact(),
        Attribute::text("type", "Data type.")
            .required()
            .exact()
            .suggest(&types),
        Attribute::boolean("multiValued", "Whether the value is a list.").required(),
        Attribute::text("description", "Text for people.").exact(),
        Attribute::boolean("required", "Whether a value must be given."),
        Attribute::text("canonicalValues", "Suggested values.")
            .many()
            .exact(),
        Attribute::boolean("caseExact", "Whether comparison respects case."),
        Attribute::text("mutability", "Who may write it.")
            .exact()
            .suggest(&["readOnly", "readWrite", "immutable", "writeOnly"]),
        Attribute::text("returned", "When it is part of an answer.")
            .exact()
            .suggest(&["always", "never", "default", "request"]),
        Attribute::text("uniqueness", "Over what it is unique.")
            .exact()
            .suggest(&["none", "server", "global"]),
        Attribute::text("referenceTypes", "What a reference may point to.")
            .many()
            .exact(),
    ]
}

fn schema_schema() -> Schema {
    let subs = Attribute::complex(
        "subAttributes",
        "Parts of a complex attribute.",
        attribute_parts(),
    )
    .many();
    let mut parts = attribute_parts();
    parts.push(subs);
    schema(
        super::SCHEMA,
        "Schema",
        "A schema and its attributes.",
        vec![
            Attribute::text("id", "URN of the schema.").required(),
            Attribute::text("name", "Name for people.").required(),
            Attribute::text("description", "Text for people."),
            Attribute::complex("attributes", "Attributes of the schema.", parts)
                .many()
                .required(),
        ],
    )
}
