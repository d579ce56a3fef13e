//! Laws of projections, for schemas of any shape.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use tenure_scim::{
    Document,
    project::Projection,
    schema::{
        Attribute, AttributeType, Extension, Mutability, ResourceType, Returned, Schema, Uniqueness,
    },
};

const BASE: &str = "urn:example:2.0:Thing";
const MORE: &str = "urn:example:2.0:More";

fn attribute(name: String, returned: Returned, multi_valued: bool) -> Attribute {
    Attribute {
        name,
        kind: AttributeType::String,
        multi_valued,
        description: String::new(),
        required: false,
        case_exact: false,
        canonical_values: Vec::new(),
        mutability: Mutability::ReadWrite,
        returned,
        uniqueness: Uniqueness::None,
        reference_types: Vec::new(),
        sub_attributes: Vec::new(),
    }
}

fn returned() -> impl Strategy<Value = Returned> {
    use Returned::{Always, Default, Never, Request};
    select(vec![Always, Never, Default, Request])
}

/// Sub-attributes `s0`, `s1`, … of any kind.
fn parts() -> impl Strategy<Value = Vec<Attribute>> {
    vec(returned(), 0..4).prop_map(|returned| {
        let parts = returned.into_iter().enumerate();
        parts
            .map(|(index, returned)| attribute(format!("s{index}"), returned, false))
            .collect()
    })
}

/// Attributes `a0`, `a1`, …, simple and complex, single and many.
fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    vec((returned(), any::<bool>(), parts()), 0..5).prop_map(|shapes| {
        let attributes = shapes.into_iter().enumerate();
        attributes
            .map(|(index, (returned, multi_valued, parts))| {
                let mut attribute = attribute(format!("a{index}"), returned, multi_valued);
                if !parts.is_empty() {
                    attribute.kind = AttributeType::Complex;
                    attribute.sub_attributes = parts;
                }
                attribute
            })
            .collect()
    })
}

fn resource_type() -> impl Strategy<Value = ResourceType> {
    let schema = |id: &str, attributes| {
        Arc::new(Schema {
            id: id.to_owned(),
            name: "Thing".to_owned(),
            description: String::new(),
            attributes,
        })
    };
    (attributes(), attributes()).prop_map(move |(base, more)| ResourceType {
        name: "Thing".to_owned(),
        endpoint: "/Things".to_owned(),
        description: String::new(),
        schema: schema(BASE, base),
        extensions: vec![Extension {
            schema: schema(MORE, more),
            required: false,
        }],
    })
}

/// A value for every attribute, also for those that are never stored.
fn full(attributes: &[Attribute]) -> Document {
    let value = |attribute: &Attribute| {
        let one = match attribute.kind {
            AttributeType::Complex => Value::Object(full(&attribute.sub_attributes)),
            _ => json!("x"),
        };
        if attribute.multi_valued {
            json!([one, one])
        } else {
            one
        }
    };
    let pairs = attributes.iter();
    pairs
        .map(|attribute| (attribute.name.clone(), value(attribute)))
        .collect()
}

fn full_document(resource_type: &ResourceType) -> Document {
    let mut document = full(&resource_type.schema.attributes);
    document.insert("id".to_owned(), json!("7b1c"));
    document.insert("schemas".to_owned(), json!([BASE, MORE]));
    let more = full(&resource_type.extensions[0].schema.attributes);
    document.insert(MORE.to_owned(), Value::Object(more));
    document
}

/// Names in every form that a client may use.
fn names() -> impl Strategy<Value = Option<Vec<String>>> {
    let name = "(urn:example:2[.]0:(Thing|More|Other):)?[aA][0-5]([.][sS][0-4])?|(urn:example:2[.]0:(Thing|More))|id|schemas";
    option::of(vec(name, 0..6))
}

fn projection() -> impl Strategy<Value = Projection> {
    (names(), any::<bool>()).prop_map(|(names, excludes)| match excludes {
        true => Projection {
            attributes: None,
            excluded: names,
        },
        false => Projection {
            attributes: names,
            excluded: None,
        },
    })
}

fn elements(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

/// What every answer hides and what every answer shows, whatever was asked for.
fn check(attributes: &[Attribute], before: &Document, after: Option<&Document>) {
    for attribute in attributes {
        let value = after.and_then(|after| after.get(&attribute.name));
        let shown = elements(value);
        let secret = attribute.returned == Returned::Never;
        assert!(!secret || shown.is_empty(), "{} is shown", attribute.name);
        let always = attribute.returned == Returned::Always && before.contains_key(&attribute.name);
        assert!(!always || !shown.is_empty() || only_requested(attribute));
        for sub in &attribute.sub_attributes {
            let count = shown.iter().filter(|one| one.get(&sub.name).is_some());
            let count = count.count();
            match sub.returned {
                Returned::Never => assert_eq!(count, 0, "{} is shown", sub.name),
                Returned::Always if !secret => {
                    assert_eq!(count, elements(before.get(&attribute.name)).len());
                }
                _ => {}
            }
        }
    }
}

/// Whether all of a complex attribute is shown on request only.
fn only_requested(attribute: &Attribute) -> bool {
    let mut subs = attribute.sub_attributes.iter();
    attribute.kind == AttributeType::Complex
        && subs.all(|sub| matches!(sub.returned, Returned::Request | Returned::Never))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn secrets_never_show_and_what_is_always_shown_stays(
        resource_type in resource_type(),
        projection in projection(),
    ) {
        let before = full_document(&resource_type);
        let mut after = before.clone();
        projection.apply(&resource_type, &mut after);
        prop_assert_eq!(&after["id"], "7b1c");
        prop_assert!(after.contains_key("schemas"));
        check(&resource_type.schema.attributes, &before, Some(&after));
        let extension = &resource_type.extensions[0].schema;
        let part = |document: &Document| document.get(MORE).and_then(Value::as_object).cloned();
        let (before, shown) = (part(&before).unwrap(), part(&after));
        check(&extension.attributes, &before, shown.as_ref());
    }

    #[test]
    fn a_second_cut_takes_nothing(resource_type in resource_type(), projection in projection()) {
        let mut once = full_document(&resource_type);
        projection.apply(&resource_type, &mut once);
        let mut twice = once.clone();
        projection.apply(&resource_type, &mut twice);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn what_is_not_included_need_not_be_read(
        resource_type in resource_type(),
        projection in projection(),
    ) {
        let mut shown = full_document(&resource_type);
        projection.apply(&resource_type, &mut shown);
        for attribute in &resource_type.schema.attributes {
            if shown.contains_key(&attribute.name) {
                prop_assert!(projection.includes(&resource_type, &attribute.name));
            }
        }
    }

    #[test]
    fn a_named_attribute_is_shown(resource_type in resource_type(), index in 0usize..5) {
        let Some(named) = resource_type.schema.attributes.get(index) else { return Ok(()) };
        let shows = named.returned != Returned::Never && !only_requested(named);
        let projection = Projection::from_parameters(Some(&named.name), None).unwrap();
        let mut shown = full_document(&resource_type);
        projection.apply(&resource_type, &mut shown);
        prop_assert_eq!(shown.contains_key(&named.name), shows);
    }
}
