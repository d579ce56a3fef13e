//! A filter as text.

use tenure_scim::{
    Document, ScimType,
    filter::{CompareOperator, Filter, Narrowed},
    limits,
    schema::ResourceType,
    validate,
};

use super::{fixtures, refused};

pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => return refused(&error, &[ScimType::InvalidFilter]),
    };
    assert!(text.chars().count() <= limits::FILTER_CHARS);
    assert!(nodes(&filter) <= limits::FILTER_NODES);
    assert!(depth(&filter) <= 2 * limits::FILTER_DEPTH);
    prints_as_read(&filter);
    for resource_type in fixtures::resource_types() {
        let full = validate::create(resource_type, fixtures::body(resource_type));
        let full = full.expect("a valid fixture").document;
        let shown = fixtures::shown(resource_type, &full);
        narrows(&filter, resource_type, &shown);
        for document in [Document::new(), shown, full] {
            logic_holds(&filter, resource_type, &document);
        }
        match filter.check(resource_type) {
            Ok(()) => assert!(!asks_for_secrets(&filter), "{filter}"),
            Err(error) => refused(&error, &[ScimType::InvalidFilter]),
        }
    }
}

fn prints_as_read(filter: &Filter) {
    let printed = filter.to_string();
    match Filter::parse(&printed) {
        Ok(again) => {
            assert_eq!(&again, filter, "{printed}");
            assert_eq!(again.to_string(), printed);
        }
        // Only spaces and digits can make the canonical text longer than what was read.
        Err(error) => assert!(
            printed.chars().count() > limits::FILTER_CHARS,
            "{printed}: {error}"
        ),
    }
}

/// What a type decides by itself is decided as the evaluator does.
fn narrows(filter: &Filter, resource_type: &ResourceType, shown: &Document) {
    let found = match filter.narrow(resource_type) {
        Narrowed::Everything => true,
        Narrowed::Nothing => false,
        Narrowed::Matching(narrowed) => {
            assert_eq!(narrowed.check(resource_type), Ok(()), "{narrowed}");
            narrowed.matches(resource_type, shown)
        }
    };
    if filter.check(resource_type).is_ok() {
        assert_eq!(found, filter.matches(resource_type, shown), "{filter}");
    }
}

fn logic_holds(filter: &Filter, resource_type: &ResourceType, document: &Document) {
    let matches = |filter: &Filter| filter.matches(resource_type, document);
    let found = matches(filter);
    let not = Filter::Not(Box::new(filter.clone()));
    assert_ne!(matches(&not), found);
    assert!(!matches(&Filter::And(vec![filter.clone(), not.clone()])));
    assert!(matches(&Filter::Or(vec![filter.clone(), not])));
    match filter {
        Filter::And(parts) => assert_eq!(parts.iter().all(matches), found),
        Filter::Or(parts) => assert_eq!(parts.iter().any(matches), found),
        Filter::Not(inner) => assert_ne!(matches(inner), found),
        Filter::Present(_) => {
            assert!(!found || filter.check(resource_type).is_ok());
        }
        Filter::Compare { .. } => comparison_holds(filter, resource_type, document),
        Filter::ValuePath { .. } => {}
    }
}

fn comparison_holds(filter: &Filter, resource_type: &ResourceType, document: &Document) {
    let Filter::Compare {
        path,
        operator,
        value,
    } = filter
    else {
        return;
    };
    let with = |operator| {
        let path = path.clone();
        let value = value.clone();
        let filter = Filter::Compare {
            path,
            operator,
            value,
        };
        filter.check(resource_type).ok()?;
        Some(filter.matches(resource_type, document))
    };
    let found = filter.matches(resource_type, document);
    let Some(checked) = with(*operator) else {
        assert!(!found, "{filter} is refused and matches");
        return;
    };
    assert_eq!(checked, found);
    use CompareOperator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Sw};
    let either = |first: Option<bool>, second: Option<bool>| Some(first? || second?);
    for (whole, strict) in [(Ge, Gt), (Le, Lt)] {
        if let Some(whole) = with(whole) {
            assert_eq!(either(with(strict), with(Eq)), Some(whole), "{filter}");
        }
    }
    for part in [Sw, Ew] {
        if with(part) == Some(true) {
            assert_eq!(with(Co), Some(true), "{filter}");
        }
    }
}

/// Whether a name stands for an attribute that is never returned.
fn asks_for_secrets(filter: &Filter) -> bool {
    let is_secret = |name: &str| {
        let secrets = ["password", "secret", "pin"];
        secrets
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(name))
    };
    let here = match filter {
        Filter::Compare { path, .. } | Filter::Present(path) | Filter::ValuePath { path, .. } => {
            is_secret(&path.attribute) || path.sub.as_deref().is_some_and(is_secret)
        }
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) => false,
    };
    here || children(filter).iter().any(asks_for_secrets)
}

fn children(filter: &Filter) -> &[Filter] {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts,
        Filter::Not(inner) | Filter::ValuePath { filter: inner, .. } => std::slice::from_ref(inner),
        Filter::Compare { .. } | Filter::Present(_) => &[],
    }
}

fn nodes(filter: &Filter) -> usize {
    1 + children(filter).iter().map(nodes).sum::<usize>()
}

fn depth(filter: &Filter) -> usize {
    1 + children(filter).iter().map(depth).max().unwrap_or(0)
}
