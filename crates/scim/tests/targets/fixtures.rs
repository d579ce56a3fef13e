//! Resource types and documents that the targets work on.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use tenure_scim::{
    Document,
    schema::{
        Attribute, AttributeType, Extension, Mutability, ResourceType, Returned, Schema, SchemaSet,
        Uniqueness,
    },
};

pub(super) const DEVICE: &str = "urn:example:2.0:Device";
pub(super) const LEASE: &str = "urn:example:2.0:Lease";

/// User, Group, and a type with everything that those two do not use.
pub(super) fn resource_types() -> [&'static Arc<ResourceType>; 3] {
    static DEVICES: LazyLock<Arc<ResourceType>> = LazyLock::new(|| Arc::new(device()));
    [SchemaSet::user(), SchemaSet::group(), &DEVICES]
}

fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute {
        name: name.to_owned(),
        kind,
        multi_valued: false,
        description: String::new(),
        required: false,
        case_exact: false,
        canonical_values: Vec::new(),
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        reference_types: Vec::new(),
        sub_attributes: Vec::new(),
    }
}

fn parts() -> Vec<Attribute> {
    use AttributeType::{Binary, Boolean, DateTime, Decimal, Integer, Reference, String};
    vec![
        Attribute {
            required: true,
            ..attribute("value", String)
        },
        Attribute {
            mutability: Mutability::Immutable,
            ..attribute("slot", Integer)
        },
        attribute("weight", Decimal),
        attribute("fitted", DateTime),
        attribute("image", Binary),
        attribute("spare", Boolean),
        attribute("primary", Boolean),
        attribute("$ref", Reference),
        Attribute {
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..attribute("pin", String)
        },
        Attribute {
            mutability: Mutability::ReadOnly,
            returned: Returned::Always,
            ..attribute("state", String)
        },
    ]
}

fn attributes() -> Vec<Attribute> {
    use AttributeType::{Binary, Boolean, Complex, DateTime, Decimal, Integer, Reference, String};
    vec![
        Attribute {
            required: true,
            uniqueness: Uniqueness::Server,
            ..attribute("serial", String)
        },
        Attribute {
            multi_valued: true,
            ..attribute("tags", String)
        },
        attribute("ports", Integer),
        attribute("load", Decimal),
        attribute("bought", DateTime),
        attribute("firmware", Binary),
        attribute("manual", Reference),
        Attribute {
            returned: Returned::Request,
            ..attribute("rented", Boolean)
        },
        Attribute {
            mutability: Mutability::Immutable,
            ..attribute("model", String)
        },
        Attribute {
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..attribute("secret", String)
        },
        Attribute {
            sub_attributes: parts(),
            ..attribute("case", Complex)
        },
        Attribute {
            multi_valued: true,
            sub_attributes: parts(),
            ..attribute("parts", Complex)
        },
    ]
}

fn device() -> ResourceType {
    let schema = |id: &str, attributes| Schema {
        id: id.to_owned(),
        name: "Device".to_owned(),
        description: String::new(),
        attributes,
    };
    let extension = Extension {
        schema: Arc::new(schema(LEASE, attributes())),
        required: false,
    };
    ResourceType {
        name: "Device".to_owned(),
        endpoint: "/Devices".to_owned(),
        description: String::new(),
        schema: Arc::new(schema(DEVICE, attributes())),
        extensions: vec![extension],
    }
}

/// A body that is a valid POST of a type.
pub(super) fn body(resource_type: &ResourceType) -> Document {
    let body = match resource_type.name.as_str() {
        "User" => user(),
        "Group" => json!({"displayName": "Weavers", "externalId": "Grp-1"}),
        _ => {
            let part = json!({
                "value": "Fan", "slot": 2, "weight": 0.25, "fitted": "2026-03-01T10:00:00.5Z", "image": "AAEC",
                "spare": false, "primary": true, "$ref": "../Parts/1",
            });
            let fields = json!({
                "serial": "S-1", "tags": ["loud", "Red"], "ports": 8, "load": -1.5, "bought": "2026-03-01T10:00:00Z",
                "firmware": "AAEC", "manual": "https://mills.example/m", "rented": true, "model": "M1",
                "case": part, "parts": [part, {"value": "Belt", "slot": 1}, {"value": "Belt", "spare": true}],
            });
            let mut body = fields.clone();
            body[LEASE] = fields;
            body
        }
    };
    object(body)
}

fn user() -> Value {
    json!({
        "externalId": "Ext-1",
        "userName": "Mira.Okafor@Mills.example",
        "name": {"familyName": "Okafor", "givenName": "Mira", "formatted": ""},
        "displayName": "Mïra Straße",
        "profileUrl": "https://people.mills.example/mira",
        "active": true,
        "emails": [
            {"type": "work", "value": "mira@mills.example", "primary": true},
            {"type": "home", "value": "Mira@home.example", "display": "at home"},
            {"value": "third@mills.example"},
        ],
        "addresses": [{"country": "DE", "type": "work"}, {"formatted": "Webergasse 7\nBonn"}],
        "roles": [{"value": "lead", "primary": false}],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgIC"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Weaving",
            "manager": {"value": "41cc", "$ref": "../Users/41cc"},
        },
    })
}

/// A document as a response shows it, with what is kept beside the stored one.
pub(super) fn shown(resource_type: &ResourceType, document: &Document) -> Document {
    let mut shown = document.clone();
    shown.insert("id".to_owned(), "7b1c".into());
    let meta = json!({"created": "2026-03-01T10:00:00.000Z", "resourceType": resource_type.name, "version": "W/\"3\""});
    shown.insert("meta".to_owned(), meta);
    let links = json!([{"value": "11", "type": "User", "display": "Ada"}, {"value": "22"}]);
    shown.insert("members".to_owned(), links.clone());
    shown.insert("groups".to_owned(), links);
    shown
}

pub(super) fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}
