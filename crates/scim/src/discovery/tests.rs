use serde_json::Value;

use super::{list_response, resource_types, schemas, service_provider_config};
use crate::schema::SchemaSet;

const BASE: &str = "https://id.mills.example/scim/v2";

fn visit(attributes: &Value, path: &str, check: &mut impl FnMut(&str, &Value)) {
    for attribute in attributes.as_array().unwrap() {
        let path = format!("{path}/{}", attribute["name"].as_str().unwrap());
        check(&path, attribute);
        if let Some(subs) = attribute.get("subAttributes") {
            visit(subs, &path, check);
        }
    }
}

#[test]
fn every_attribute_states_its_characteristics() {
    for schema in schemas(SchemaSet::standard(), BASE) {
        visit(
            &schema["attributes"],
            schema["name"].as_str().unwrap(),
            &mut |path, attribute| {
                for name in ["multiValued", "required"] {
                    assert!(attribute[name].is_boolean(), "{path} {name}");
                }
                for name in ["type", "description", "mutability", "returned"] {
                    assert!(
                        attribute[name]
                            .as_str()
                            .is_some_and(|text| !text.is_empty()),
                        "{path} {name}"
                    );
                }
                let kind = attribute["type"].as_str().unwrap();
                assert_eq!(
                    kind == "reference",
                    attribute.get("referenceTypes").is_some(),
                    "{path}"
                );
                assert_eq!(
                    kind == "complex",
                    attribute.get("subAttributes").is_some(),
                    "{path}"
                );
                assert_ne!(
                    attribute.get("canonicalValues"),
                    Some(&Value::Array(Vec::new())),
                    "{path}"
                );
                if matches!(kind, "reference" | "binary") {
                    assert_eq!(attribute["caseExact"], true, "{path}");
                }
            },
        );
    }
}

#[test]
fn corrections_of_the_standard_are_served() {
    let mut found = Vec::new();
    for schema in schemas(SchemaSet::standard(), BASE) {
        visit(
            &schema["attributes"],
            schema["name"].as_str().unwrap(),
            &mut |path, attribute| {
                match path {
                    "Group/displayName" | "User/userName" => {
                        assert_eq!(attribute["required"], true);
                    }
                    "User/addresses/primary" | "Group/members/display" => {}
                    "EnterpriseUser/manager/value" => assert_eq!(attribute["required"], false),
                    "ServiceProviderConfig/etag"
                    | "ServiceProviderConfig/authenticationSchemes/type" => {}
                    "User/password" => assert_eq!(attribute["returned"], "never"),
                    "User/groups/value" => assert_eq!(attribute["mutability"], "readOnly"),
                    "Group/members/value" => assert_eq!(attribute["mutability"], "immutable"),
                    "Schema/attributes/referenceTypes" => {
                        assert_eq!(attribute["multiValued"], true);
                    }
                    _ => return,
                }
                found.push(path.to_owned());
            },
        );
    }
    assert_eq!(found.len(), 11, "{found:?}");
}

#[test]
fn resource_types_point_to_schemas() {
    let ids: Vec<Value> = schemas(SchemaSet::standard(), BASE)
        .iter()
        .map(|schema| schema["id"].clone())
        .collect();
    assert_eq!(ids.len(), 6);
    for resource_type in resource_types(SchemaSet::standard(), BASE) {
        assert!(ids.contains(&resource_type["schema"]));
        for extension in resource_type["schemaExtensions"].as_array().unwrap() {
            assert!(ids.contains(&extension["schema"]));
        }
        let location = resource_type["meta"]["location"].as_str().unwrap();
        assert_eq!(
            location,
            format!(
                "{BASE}/ResourceTypes/{}",
                resource_type["name"].as_str().unwrap()
            )
        );
    }
}

/// What the configuration says is what its schema lists.
#[test]
fn the_configuration_fits_its_schema() {
    let schemas = schemas(SchemaSet::standard(), BASE);
    let schema = schemas
        .iter()
        .find(|schema| schema["id"] == super::SERVICE_PROVIDER_CONFIG)
        .unwrap();
    let mut listed = Vec::new();
    visit(&schema["attributes"], "", &mut |path, _| {
        listed.push(path.to_owned());
    });
    let config = service_provider_config(BASE);
    for (name, value) in config.as_object().unwrap() {
        if name == "schemas" || name == "meta" {
            continue;
        }
        assert!(listed.contains(&format!("/{name}")), "{name}");
        let value = value.as_array().map_or(value, |values| &values[0]);
        for sub in value.as_object().unwrap().keys() {
            assert!(listed.contains(&format!("/{name}/{sub}")), "{name}.{sub}");
        }
    }
}

#[test]
fn the_configuration_and_lists_have_their_required_parts() {
    let config = service_provider_config(BASE);
    for (feature, supported) in [
        ("patch", true),
        ("bulk", true),
        ("filter", true),
        ("changePassword", false),
        ("sort", true),
        ("etag", true),
    ] {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(config["filter"]["maxResults"], 1000);
    assert_eq!(config["bulk"]["maxOperations"], 1000);
    assert_eq!(config["bulk"]["maxPayloadSize"], 8_388_608);
    assert_eq!(config["pagination"]["cursor"], true);
    assert_eq!(
        config["authenticationSchemes"][0]["type"],
        "oauthbearertoken"
    );
    let list = list_response(vec![config], 7, 3);
    assert_eq!(
        (
            &list["totalResults"],
            &list["startIndex"],
            &list["itemsPerPage"]
        ),
        (&7.into(), &3.into(), &1.into())
    );
    assert_eq!(
        list_response(Vec::new(), 0, 1)["Resources"],
        Value::Array(Vec::new())
    );
}
