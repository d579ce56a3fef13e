//! The body of a bulk request (RFC 7644 section 3.7), and each of its operations as a request of its own.

use std::collections::{BTreeMap, BTreeSet};

use tenure_scim::{
    Document, ScimType,
    bulk::{self, BulkRequest, Method, Operation},
    json::parse_object,
    limits, validate,
};

use super::{body, fixtures, patch, refused};

pub(super) fn run(input: &[u8]) {
    let request = match parse_object(input) {
        Ok(request) => request,
        Err(error) => return refused(&error, &[ScimType::InvalidSyntax]),
    };
    body::within_limits(&request);
    let request = match bulk::parse(request) {
        Ok(request) => request,
        Err(error) if error.status == 413 => return,
        Err(error) => return refused(&error, &[ScimType::InvalidSyntax]),
    };
    well_formed(&request);
    ordered(&request.operations);
    for operation in &request.operations {
        references_resolve(operation);
        carried_out(operation);
    }
}

fn well_formed(request: &BulkRequest) {
    assert!((1..=limits::BULK_OPERATIONS).contains(&request.operations.len()));
    assert_ne!(request.fail_on_errors, Some(0));
    let mut seen = BTreeSet::new();
    for operation in &request.operations {
        assert!(operation.bulk_id.is_some() || operation.method != Method::Post);
        if let Some(id) = &operation.bulk_id {
            assert!(seen.insert(id), "{id} occurs twice");
        }
    }
}

/// Each operation has its turn once, and what it refers to is created before it or together with it.
fn ordered(operations: &[Operation]) {
    let units = bulk::units(operations);
    let mut turns = BTreeMap::new();
    for (turn, unit) in units.iter().enumerate() {
        let creates = |&index: &usize| operations[index].method == Method::Post;
        assert!(unit.len() == 1 || unit.iter().all(creates), "{units:?}");
        for &index in unit {
            assert_eq!(turns.insert(index, turn), None, "{units:?}");
        }
    }
    assert!(turns.keys().copied().eq(0..operations.len()), "{units:?}");
    for (index, operation) in operations.iter().enumerate() {
        for name in operation.references() {
            let creation = operations.iter().position(|other| {
                other.method == Method::Post && other.bulk_id.as_deref() == Some(&name)
            });
            if let Some(creation) = creation {
                assert!(turns[&creation] <= turns[&index], "{units:?}");
            }
        }
    }
}

fn references_resolve(operation: &Operation) {
    let names = operation.references();
    let (path, data) = operation
        .resolve(&|_| Some("7b1c".to_owned()))
        .expect("every id is known");
    let resolved = Operation {
        path,
        data,
        ..operation.clone()
    };
    assert_eq!(resolved.references(), BTreeSet::new());
    match operation.resolve(&|_| None) {
        Ok(same) => {
            assert!(names.is_empty());
            assert_eq!(same, (operation.path.clone(), operation.data.clone()));
        }
        Err(name) => assert!(names.contains(&name)),
    }
    let (pruned, left_out) = operation.without(&|_| true);
    assert_eq!(left_out, pruned.data != operation.data);
    let in_path = Operation {
        data: Document::new(),
        ..operation.clone()
    };
    assert_eq!(pruned.references(), in_path.references());
}

fn carried_out(operation: &Operation) {
    for resource_type in fixtures::resource_types() {
        if !operation.path.starts_with(&resource_type.endpoint) {
            continue;
        }
        let data = &operation.data;
        match operation.method {
            Method::Patch => patch::check(resource_type, None, data),
            Method::Post | Method::Put => match validate::create(resource_type, data.clone()) {
                Ok(created) => body::canonical(resource_type, &created.document),
                Err(error) => refused(&error, &body::REFUSALS),
            },
            Method::Delete => {}
        }
    }
}
