//! What a request costs inside of this crate: `cargo bench -p tenure-scim`.
#![expect(clippy::unwrap_used, reason = "the inputs are written here")]

use divan::{Bencher, black_box};
use serde_json::json;
use tenure_scim::{Document, filter::Filter, index, json as scim_json, patch, schema::SchemaSet};

const SIMPLE: &str = "userName eq \"ada@northwind.example\"";
const LONG: &str = "emails[type eq \"work\" and value co \"@northwind\"] and not (active eq false or name.familyName sw \"Q\") and \
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr";

fn main() {
    divan::main();
}

/// A person with what directories usually know.
fn person() -> Document {
    let person = json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ],
        "userName": "ada@northwind.example",
        "externalId": "4711",
        "name": { "givenName": "Ada", "familyName": "Okafor", "formatted": "Ada Okafor" },
        "displayName": "Ada Okafor",
        "active": true,
        "title": "Weaver",
        "emails": [
            { "type": "work", "value": "ada@northwind.example", "primary": true },
            { "type": "home", "value": "ada@home.example" }
        ],
        "phoneNumbers": [{ "type": "work", "value": "+48 42 555 0100" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Production",
            "employeeNumber": "4711"
        }
    });
    person.as_object().unwrap().clone()
}

fn changes() -> Document {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "replace", "path": "title", "value": "Master weaver" },
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "a.okafor@northwind.example" },
            { "op": "add", "value": { "nickName": "Ada", "active": false } }
        ]
    });
    body.as_object().unwrap().clone()
}

#[divan::bench(args = [SIMPLE, LONG])]
fn parse_filter(text: &str) -> Filter {
    Filter::parse(black_box(text)).unwrap()
}

#[divan::bench(args = [SIMPLE, LONG])]
fn evaluate_filter(bencher: Bencher, text: &str) {
    let (filter, person) = (Filter::parse(text).unwrap(), person());
    bencher.bench(|| black_box(&filter).matches(SchemaSet::user(), black_box(&person)));
}

#[divan::bench]
fn parse_patch(bencher: Bencher) {
    let changes = changes();
    bencher.bench(|| patch::parse(SchemaSet::user(), black_box(&changes)).unwrap());
}

#[divan::bench]
fn apply_patch(bencher: Bencher) {
    let request = patch::parse(SchemaSet::user(), &changes()).unwrap();
    bencher.with_inputs(person).bench_refs(|person| {
        patch::apply(SchemaSet::user(), "1", person, &request.operations).unwrap()
    });
}

#[divan::bench]
fn parse_document(bencher: Bencher) {
    let text = serde_json::to_vec(&person()).unwrap();
    bencher.bench(|| scim_json::parse_object(black_box(&text)).unwrap());
}

#[divan::bench]
fn index_document(bencher: Bencher) {
    let person = person();
    bencher.bench(|| index::entries(SchemaSet::user(), black_box(&person)));
}
