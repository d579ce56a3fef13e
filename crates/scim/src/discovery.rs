//! The documents of the discovery endpoints (RFC 7644 section 4): schemas, resource types, configuration.
//!
//! `base_url` is the SCIM root without a slash at its end, such as `https://id.mills.example/scim/v2`.

mod definitions;

use serde_json::{Value, json};

use crate::{
    Document, limits,
    schema::{Attribute, AttributeType, ResourceType, Schema, SchemaSet},
};

/// Schema of Schema resources.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// Schema of ResourceType resources.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// Schema of the ServiceProviderConfig resource.
pub const SERVICE_PROVIDER_CONFIG: &str =
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// Schema of list responses.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// All Schema resources: those of the resource types and those of the discovery resources themselves.
///
/// ```
/// use tenure_scim::{discovery, schema::SchemaSet};
/// let schemas = discovery::schemas(SchemaSet::standard(), "https://id.mills.example/scim/v2");
/// assert_eq!(schemas[0]["id"], "urn:ietf:params:scim:schemas:core:2.0:User");
/// ```
#[must_use]
pub fn schemas(set: &SchemaSet, base_url: &str) -> Vec<Value> {
    let mut rendered: Vec<Value> = Vec::new();
    let mut add = |schema: &Schema| {
        if !rendered.iter().any(|done| done["id"] == schema.id.as_str()) {
            rendered.push(schema_resource(schema, base_url));
        }
    };
    for resource_type in &set.resource_types {
        add(&resource_type.schema);
        resource_type
            .extensions
            .iter()
            .for_each(|extension| add(&extension.schema));
    }
    definitions::all().iter().for_each(add);
    rendered
}

fn schema_resource(schema: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes(&schema.attributes),
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base_url}/Schemas/{}", schema.id),
        },
    })
}

/// Attributes as Schema resources list them (RFC 7643 section 7).
pub(crate) fn attributes(attributes: &[Attribute]) -> Vec<Value> {
    attributes.iter().map(attribute).collect()
}

fn attribute(attribute: &Attribute) -> Value {
    let mut rendered = Document::new();
    let mut put = |name: &str, value: Value| {
        rendered.insert(name.to_owned(), value);
    };
    put("name", attribute.name.clone().into());
    put("type", attribute.kind.as_str().into());
    put("multiValued", attribute.multi_valued.into());
    put("description", attribute.description.clone().into());
    put("required", attribute.required.into());
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", attribute.canonical_values.clone().into());
    }
    // Case and uniqueness mean nothing for a boolean or for an object (RFC 7643 sections 2.3.2 and 7).
    let is_text = !matches!(
        attribute.kind,
        AttributeType::Boolean | AttributeType::Complex
    );
    if is_text {
        put("caseExact", attribute.case_exact.into());
    }
    put("mutability", attribute.mutability.as_str().into());
    put("returned", attribute.returned.as_str().into());
    if attribute.kind != AttributeType::Boolean {
        put("uniqueness", attribute.uniqueness.as_str().into());
    }
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", attribute.reference_types.clone().into());
    }
    if attribute.kind == AttributeType::Complex {
        put(
            "subAttributes",
            attributes(&attribute.sub_attributes).into(),
        );
    }
    Value::Object(rendered)
}

/// All ResourceType resources.
#[must_use]
pub fn resource_types(set: &SchemaSet, base_url: &str) -> Vec<Value> {
    set.resource_types
        .iter()
        .map(|resource_type| resource_type_resource(resource_type, base_url))
        .collect()
}

fn resource_type_resource(resource_type: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> = resource_type
        .extensions
        .iter()
        .map(|extension| json!({"schema": extension.schema.id, "required": extension.required}))
        .collect();
    json!({
        "schemas": [RESOURCE_TYPE],
        "id": resource_type.name,
        "name": resource_type.name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{}", resource_type.name),
        },
    })
}

/// The ServiceProviderConfig resource, as Tenure's server answers it. Another server changes what differs.
#[must_use]
pub fn service_provider_config(base_url: &str) -> Value {
    json!({
        "schemas": [SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": limits::BULK_OPERATIONS,
            "maxPayloadSize": limits::BULK_BYTES,
        },
        "filter": {"supported": true, "maxResults": limits::PAGE_MAX},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits::PAGE_DEFAULT,
            "maxPageSize": limits::PAGE_MAX,
            "cursorTimeout": limits::CURSOR_SECONDS,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of this workspace in the Authorization header.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    })
}

/// What is at a path of discovery, given without the slash at its start: a list for `Schemas` and `ResourceTypes`, one
/// resource for these with an id, and `ServiceProviderConfig`. `None` for any other path.
///
/// ```
/// use tenure_scim::{discovery, schema::SchemaSet};
/// let find = |path| discovery::find(SchemaSet::standard(), "https://id.mills.example/scim/v2", path);
/// assert_eq!(find("ResourceTypes").unwrap()["totalResults"], 2);
/// assert_eq!(find("ResourceTypes/User").unwrap()["endpoint"], "/Users");
/// assert!(find("Users").is_none());
/// ```
#[must_use]
pub fn find(set: &SchemaSet, base_url: &str, path: &str) -> Option<Value> {
    let (name, id) = match path.split_once('/') {
        Some((name, id)) => (name, Some(id)),
        None => (path, None),
    };
    let resources = match name {
        "Schemas" => schemas(set, base_url),
        "ResourceTypes" => resource_types(set, base_url),
        "ServiceProviderConfig" if id.is_none() => return Some(service_provider_config(base_url)),
        _ => return None,
    };
    let Some(id) = id else {
        let total = resources.len();
        return Some(list_response(resources, total, 1));
    };
    let mut resources = resources.into_iter();
    resources.find(|one| one.get("id").and_then(Value::as_str) == Some(id))
}

/// A ListResponse with one page; `start_index` counts from 1, `total` is the number of all matches.
#[must_use]
pub fn list_response(resources: Vec<Value>, total: usize, start_index: usize) -> Value {
    Value::Object(Document::from_iter([
        ("schemas".to_owned(), json!([LIST_RESPONSE])),
        ("totalResults".to_owned(), total.into()),
        ("startIndex".to_owned(), start_index.into()),
        ("itemsPerPage".to_owned(), resources.len().into()),
        ("Resources".to_owned(), Value::Array(resources)),
    ]))
}

#[cfg(test)]
mod tests;
