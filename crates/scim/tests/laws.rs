//! Laws that hold for any input.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};
use tenure_scim::{
    Document,
    filter::{CompareOperator, Filter},
    index, json as scim_json, patch,
    path::{AttributePath, Path},
    project::Projection,
    schema::SchemaSet,
    validate, value,
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn name() -> impl Strategy<Value = String> {
    // `not` is a keyword at the start of an expression.
    "[a-zA-Z$][a-zA-Z0-9$_-]{0,8}".prop_filter("keyword", |name| !name.eq_ignore_ascii_case("not"))
}

fn attribute_path() -> impl Strategy<Value = AttributePath> {
    let schema = option::of("urn:[a-z]{1,5}:[a-z0-9.]{1,5}:[A-Z][a-z]{0,5}");
    (schema, name(), option::of(name())).prop_map(|(schema, attribute, sub)| AttributePath {
        schema,
        attribute,
        sub,
    })
}

fn simple_path() -> impl Strategy<Value = AttributePath> {
    name().prop_map(|attribute| AttributePath {
        schema: None,
        attribute,
        sub: None,
    })
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[^\0]{0,12}".prop_map(Value::from),
    ]
}

fn operator() -> impl Strategy<Value = CompareOperator> {
    use CompareOperator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    prop::sample::select(vec![Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le])
}

fn logic(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            // The parser reads `a or b or c` as one list, so a list never holds a bare one of its kind.
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn comparison(
    path: impl Strategy<Value = AttributePath> + Clone + 'static,
) -> impl Strategy<Value = Filter> {
    prop_oneof![
        (path.clone(), operator(), literal()).prop_map(|(path, operator, value)| Filter::Compare {
            path,
            operator,
            value
        }),
        path.prop_map(Filter::Present),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let inner = logic(comparison(simple_path().boxed()));
    let value_path = (simple_path(), inner).prop_map(|(path, filter)| Filter::ValuePath {
        path,
        filter: Box::new(filter),
    });
    logic(prop_oneof![3 => comparison(attribute_path().boxed()), 1 => value_path].boxed())
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "schemas",
            "id",
            "userName",
            "name",
            "emails",
            "active",
            "value",
            "type",
            "primary",
            "members",
            "meta",
            "Operations",
            "op",
            "path",
            "manager",
            "password",
            "displayName",
            "add",
            ENTERPRISE,
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        literal(),
        prop::sample::select(vec![
            "add",
            "remove",
            "Replace",
            "emails",
            "members",
            "emails[type eq \"a\"].value",
            ENTERPRISE
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key.clone(), inner), 0..5).prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9@.]{1,8}"
}

fn emails() -> impl Strategy<Value = Value> {
    let email = (
        text(),
        option::of(prop::sample::select(vec!["work", "home", "Work"])),
    )
        .prop_map(|(value, kind)| {
            let mut email = json!({"value": value});
            if let Some(kind) = kind {
                email["type"] = kind.into();
            }
            email
        });
    vec(email, 0..4).prop_map(Value::Array)
}

fn user() -> impl Strategy<Value = Document> {
    (text(), emails(), option::of(text()), option::of(text()), any::<bool>()).prop_map(
        |(user_name, emails, given_name, department, active)| {
            let body = json!({
                "userName": user_name, "emails": emails, "name": {"givenName": given_name}, "active": active,
                (ENTERPRISE): {"department": department},
            });
            let Value::Object(body) = body else { unreachable!() };
            validate::create(SchemaSet::user(), body).unwrap().document
        },
    )
}

/// One operation that fits the schema.
fn operation(kind: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|value| ("title", Value::from(value))),
        text().prop_map(|value| ("name.givenName", Value::from(value))),
        text().prop_map(|value| ("name", json!({"familyName": value}))),
        any::<bool>().prop_map(|value| ("active", value.to_string().into())),
        emails().prop_map(|value| ("emails", value)),
        text().prop_map(|value| ("emails[type eq \"work\"].value", Value::from(value))),
        text().prop_map(|value| (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            Value::from(value)
        )),
    ]
    .prop_map(move |(path, value)| json!({"op": kind, "path": path, "value": value}))
}

/// One operation that is refused whatever the user is.
fn failing_operation() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"op": "replace", "path": "active", "value": "perhaps"}),
        json!({"op": "replace", "path": "id", "value": "other"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": null}),
        json!({"op": "add", "path": "emails[value co \"nobody\"].type", "value": "work"}),
        json!({"op": "add", "path": "emails", "value": [
            {"value": "1", "primary": true}, {"value": "2", "primary": true},
        ]}),
        json!({"op": "add", "path": "name", "value": 5}),
    ])
}

/// A path and a value that no user of [`user`] has.
fn fresh() -> impl Strategy<Value = (String, Value)> {
    let value = "new-[a-z]{1,6}";
    prop_oneof![
        value.prop_map(|text| ("title".to_owned(), text.into())),
        value.prop_map(|text| ("name.familyName".to_owned(), text.into())),
        value.prop_map(|text| (format!("{ENTERPRISE}:costCenter"), text.into())),
        value.prop_map(|text| (format!("{ENTERPRISE}:manager"), json!({"value": text}))),
        value.prop_map(|text| (
            "emails".to_owned(),
            json!([{"value": text, "type": "other"}])
        )),
        value.prop_map(|text| (
            "roles".to_owned(),
            json!([{"value": text}, {"value": "new"}])
        )),
        value.prop_map(|text| ("addresses".to_owned(), json!([{"formatted": text}]))),
        value.prop_map(|text| (format!("emails[value eq \"{text}\"]"), json!({"type": "x"}))),
    ]
}

fn apply(document: &mut Document, operations: &[Value]) -> Result<bool, tenure_scim::ScimError> {
    let mut body = Document::new();
    body.insert("Operations".to_owned(), operations.to_vec().into());
    let request = patch::parse(SchemaSet::user(), &body)?;
    patch::apply(SchemaSet::user(), "7b1c", document, &request.operations)
}

fn contains_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case(key) || contains_key(value, key)),
        Value::Array(values) => values.iter().any(|value| contains_key(value, key)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_print_as_they_are_read(filter in filter()) {
        let text = filter.to_string();
        match Filter::parse(&text) {
            Ok(parsed) => prop_assert_eq!(parsed, filter),
            // A random tree can be larger than the limits.
            Err(error) => prop_assert!(error.detail.contains("than"), "{}: {}", text, error.detail),
        }
    }

    #[test]
    fn paths_print_as_they_are_read(path in attribute_path(), filter in option::of(logic(comparison(simple_path().boxed())))) {
        let filter = filter.map(Box::new);
        let path = Path { attribute: path, filter };
        match Path::parse(&path.to_string()) {
            Ok(parsed) => prop_assert_eq!(parsed, path),
            Err(error) => prop_assert!(error.detail.contains("than"), "{}", error.detail),
        }
    }

    #[test]
    fn replacing_twice_is_replacing_once(user in user(), operation in operation("replace")) {
        let mut once = user;
        apply(&mut once, std::slice::from_ref(&operation)).unwrap();
        let mut twice = once.clone();
        prop_assert!(!apply(&mut twice, &[operation]).unwrap());
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn adding_twice_is_adding_once(user in user(), operation in operation("add")) {
        let mut once = user;
        apply(&mut once, std::slice::from_ref(&operation)).unwrap();
        let mut twice = once.clone();
        prop_assert!(!apply(&mut twice, &[operation]).unwrap());
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn a_failed_patch_leaves_the_document(
        user in user(),
        operations in vec(operation("add"), 0..3),
        failing in failing_operation(),
        at in 0usize..4,
    ) {
        let mut operations = operations;
        operations.insert(at.min(operations.len()), failing);
        let mut after = user.clone();
        prop_assert!(apply(&mut after, &operations).is_err());
        prop_assert_eq!(after, user);
    }

    #[test]
    fn removing_what_was_added_restores(user in user(), (path, value) in fresh()) {
        let mut after = user.clone();
        let addition = json!({"op": "add", "path": path, "value": value});
        prop_assert!(apply(&mut after, &[addition]).unwrap());
        prop_assert_ne!(&after, &user);
        // A list is taken away by its values, anything else by its path.
        let removal = match value.is_array() {
            true => json!({"op": "remove", "path": path, "value": value}),
            false => json!({"op": "remove", "path": path}),
        };
        prop_assert!(apply(&mut after, &[removal]).unwrap());
        prop_assert_eq!(Value::Object(after).to_string(), Value::Object(user).to_string());
    }

    #[test]
    fn operations_in_one_request_are_operations_in_turn(
        user in user(),
        operations in vec(prop_oneof![operation("add"), operation("replace")], 1..5),
    ) {
        let (mut together, mut in_turn) = (user.clone(), user);
        apply(&mut together, &operations).unwrap();
        for operation in operations {
            apply(&mut in_turn, &[operation]).unwrap();
        }
        prop_assert_eq!(in_turn, together);
    }

    #[test]
    fn patched_documents_are_valid(user in user(), operations in vec(operation("replace"), 1..4)) {
        let mut after = user;
        apply(&mut after, &operations).unwrap();
        let validated = validate::create(SchemaSet::user(), after.clone()).unwrap();
        prop_assert_eq!(Value::Object(validated.document).to_string(), Value::Object(after).to_string());
    }

    #[test]
    fn no_projection_shows_a_password(
        names in vec(prop::sample::select(vec!["password", "PASSWORD", "userName", "name", "urn:ietf:params:scim:schemas:core:2.0:User:password", "urn:ietf:params:scim:schemas:core:2.0:User", "name.password"]), 0..4),
        excludes in any::<bool>(),
    ) {
        let names = names.join(",");
        let parameters = if excludes { (None, Some(names.as_str())) } else { (Some(names.as_str()), None) };
        let projection = Projection::from_parameters(parameters.0, parameters.1).unwrap();
        let mut document = Document::new();
        for key in ["id", "password", "PassWord", "userName"] {
            document.insert(key.to_owned(), "x".into());
        }
        document.insert("name".to_owned(), json!({"password": "x", "givenName": "Mira"}));
        projection.apply(SchemaSet::user(), &mut document);
        prop_assert!(document.contains_key("id"));
        prop_assert!(!contains_key(&Value::Object(document), "password"));
    }

    #[test]
    fn index_and_evaluator_agree_on_equality(user in user(), other in text()) {
        for entry in index::entries(SchemaSet::user(), &user) {
            if entry.attribute == "active" {
                continue;
            }
            let path = AttributePath::parse(&entry.attribute).unwrap();
            let matches = |text: &str| {
                Filter::Compare { path: path.clone(), operator: CompareOperator::Eq, value: text.into() }
                    .matches(SchemaSet::user(), &user)
            };
            prop_assert!(matches(&entry.key));
            let leaf = path.resolve(SchemaSet::user()).unwrap().leaf();
            let key = value::key(leaf, &Value::from(other.clone())).unwrap();
            let listed = index::entries(SchemaSet::user(), &user)
                .iter()
                .any(|listed| listed.attribute == entry.attribute && listed.key == key);
            prop_assert_eq!(matches(&other), listed);
        }
    }

    #[test]
    fn text_keys_are_stable(text in ".{0,20}", case_exact in any::<bool>()) {
        let once = value::text_key(&text, case_exact);
        prop_assert_eq!(value::text_key(&once, case_exact), once);
    }

    #[test]
    fn numbers_sort_like_their_keys(left in any::<f64>(), right in any::<f64>()) {
        prop_assume!(left.is_finite() && right.is_finite());
        let mut attribute = SchemaSet::user().attribute("title").unwrap().clone();
        attribute.kind = tenure_scim::schema::AttributeType::Decimal;
        let key = |number: f64| value::key(&attribute, &json!(number)).unwrap();
        prop_assert_eq!(left.partial_cmp(&right), Some(key(left).cmp(&key(right))));
    }

    #[test]
    fn times_survive(time_us in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
        let text = value::format_time_us(time_us);
        prop_assert_eq!(value::parse_time_us(&text), Some(time_us.div_euclid(1000) * 1000));
    }

    #[test]
    fn no_body_causes_a_panic(body in any_json(), bytes in vec(any::<u8>(), 0..40)) {
        drop(scim_json::parse_object(&bytes));
        drop(scim_json::parse_object(body.to_string().as_bytes()));
        let wrapped = json!({"Operations": body.clone()});
        for resource_type in [SchemaSet::user(), SchemaSet::group()] {
            for document in [&body, &wrapped] {
                let Value::Object(document) = document else { continue };
                if let Ok(validated) = validate::create(resource_type, document.clone()) {
                    let again = validate::create(resource_type, validated.document.clone()).unwrap();
                    prop_assert_eq!(&again.document, &validated.document);
                    drop(validate::replace(resource_type, document, validated.document));
                }
                if let Ok(request) = patch::parse(resource_type, document) {
                    let mut stored = document.clone();
                    drop(patch::apply(resource_type, "7b1c", &mut stored, &request.operations));
                }
                drop(index::entries(resource_type, document));
                drop(index::unique(resource_type, document));
                Projection::default().apply(resource_type, &mut document.clone());
            }
        }
    }

    #[test]
    fn no_text_causes_a_panic(text in ".{0,60}", words in vec(prop::sample::select(vec![
        "userName", "emails", "[", "]", "(", ")", "not", "and", "or", "eq", "pr", "\"a\"", "1", "null", ".", "value", " ", "urn:x:y",
    ]), 0..12), body in any_json()) {
        for text in [text, words.join(" "), words.concat()] {
            drop(AttributePath::parse(&text));
            drop(Path::parse(&text));
            if let (Ok(filter), Value::Object(document)) = (Filter::parse(&text), &body) {
                drop(filter.check(SchemaSet::user()));
                let _: bool = filter.matches(SchemaSet::user(), document);
            }
        }
    }
}
