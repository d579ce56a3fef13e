//! Synchronization schemas of Microsoft Entra ID: read, written, and read again.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

mod garbage;
mod import;
mod refused;
mod round;
mod warnings;

use serde_json::{Value, json};
use tenure_plan::{
    ApplicationConfig,
    entra::{Imported, import_value},
    gallery::template,
};

/// What an import begins with.
fn base() -> ApplicationConfig {
    template("custom").unwrap().config
}

/// A schema of an application, as Entra gives it, with these object mappings.
fn schema(objects: &[Value]) -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals('1')/synchronization/jobs('2')/schema/$entity",
        "id": "customappsso.1.2",
        "version": "Date:2026-02-03T09:00:00.0000000Z, Version:4, Sequence:2",
        "directories": [
            { "id": "d1", "name": "Azure Active Directory", "objects": [] },
            { "id": "d2", "name": "customappsso", "discoverabilities": "None", "objects": [{
                "name": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "metadata": [],
                "supportedApis": [],
                "attributes": [
                    { "name": "active", "type": "Boolean", "mutability": "ReadWrite" },
                    { "name": "urn:acme:User:level", "type": "Integer", "flowNullValues": false },
                    { "name": "urn:acme:User:badge", "type": "String", "flowNullValues": true },
                    { "name": "urn:acme:User:since", "type": "String", "mutability": "Immutable" },
                ],
            }] },
        ],
        "synchronizationRules": [{
            "id": "r1", "name": "USER_TO_USER", "editable": true, "priority": 1, "metadata": [], "groupLinkUpdates": [],
            "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "customappsso",
            "objectMappings": objects,
        }],
    })
}

/// The object mapping of people with these attribute mappings.
fn users(mappings: &[Value]) -> Value {
    json!({
        "name": "Provision Azure Active Directory Users", "enabled": true, "flowTypes": "Add, Update, Delete",
        "sourceObjectName": "User",
        "targetObjectName": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "scope": null,
        "metadata": [{ "key": "EscrowBehavior", "value": "\"Default\"" }, { "key": "IsCustomerDefined", "value": "True" }],
        "attributeMappings": mappings,
    })
}

fn groups(mappings: &[Value]) -> Value {
    json!({
        "name": "Provision Azure Active Directory Groups", "enabled": true, "flowTypes": "Add, Update, Delete",
        "sourceObjectName": "Group", "targetObjectName": "urn:ietf:params:scim:schemas:core:2.0:Group",
        "scope": null, "metadata": [], "attributeMappings": mappings,
    })
}

/// An attribute mapping with what Entra always writes, and these members changed.
fn mapping(target: &str, source: &Value, more: &Value) -> Value {
    let mut mapping = json!({
        "targetAttributeName": target, "matchingPriority": 0, "flowType": "Always", "flowBehavior": "FlowWhenChanged",
        "exportMissingReferences": false, "defaultValue": null, "source": source,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        mapping[name] = value.clone();
    }
    mapping
}

fn attribute(name: &str) -> Value {
    json!({ "type": "Attribute", "name": name, "expression": format!("[{name}]"), "parameters": [] })
}

fn constant(text: &str) -> Value {
    json!({ "type": "Constant", "name": text, "expression": format!("{text:?}"), "parameters": [] })
}

fn function(name: &str, expression: &str, parameters: &[(&str, Value)]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    json!({ "type": "Function", "name": name, "expression": expression, "parameters": parameters })
}

fn imported(schema: &Value) -> Imported {
    import_value(schema, &base()).unwrap()
}

/// The schema with one mapping of people, by user name, and these.
fn with(mappings: &[Value]) -> Value {
    let first = mapping(
        "userName",
        &attribute("userPrincipalName"),
        &json!({ "matchingPriority": 1 }),
    );
    schema(&[users(&[&[first], mappings].concat())])
}
