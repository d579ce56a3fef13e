//! A definition as JSON.

use serde_json::{Value, json};

use super::{Definition, TypeDefinition};
use crate::discovery;

pub(super) fn definition(definition: &Definition) -> Value {
    let schemas: Vec<Value> = definition
        .schemas
        .iter()
        .map(|schema| {
            json!({
                "id": schema.id,
                "name": schema.name,
                "description": schema.description,
                "attributes": discovery::attributes(&schema.attributes),
            })
        })
        .collect();
    let types: Vec<Value> = definition.types.iter().map(resource_type).collect();
    json!({ "schemas": schemas, "resourceTypes": types })
}

fn resource_type(definition: &TypeDefinition) -> Value {
    let extensions: Vec<Value> = definition
        .extensions
        .iter()
        .map(|(schema, required)| json!({"schema": schema, "required": required}))
        .collect();
    if definition.is_standard() {
        return json!({"name": definition.name, "schemaExtensions": extensions});
    }
    json!({
        "name": definition.name,
        "endpoint": definition.endpoint,
        "description": definition.description,
        "schema": definition.schema,
        "schemaExtensions": extensions,
    })
}
