use super::*;
use std::collections::HashSet;
use tenure_scim::{schema::SchemaSet, validate};

#[test]
fn same_seed_same_people() {
    assert_eq!(people(300, 7), people(300, 7));
    assert_eq!(people(300, 7)[..100], people(100, 7)[..]);
    assert_ne!(people(100, 7), people(100, 8));
    assert_eq!(people(0, 7), []);
}

#[test]
fn a_million_user_names_are_unique() {
    let mut generator = People::new(11);
    let mut seen = HashSet::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        let user_name = generator.name().user_name;
        let ascii = user_name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".@".contains(&byte)
        });
        assert!(ascii, "{user_name}");
        assert!(
            !user_name.contains(".@") && !user_name.starts_with('.'),
            "{user_name}"
        );
        assert!(seen.insert(user_name.clone()), "{user_name} appears twice");
    }
}

#[test]
fn managers_come_first_and_lead_their_department() {
    let all = people(2_000, 3);
    assert_eq!(all[0].manager, None);
    let mut reports = vec![0_usize; all.len()];
    for (index, person) in all.iter().enumerate().skip(1) {
        let manager = person.manager.unwrap();
        assert!(manager < index);
        assert!(manager == 0 || all[manager].department == person.department);
        assert_eq!(all[manager].document["active"], true);
        reports[manager] += 1;
    }
    assert!(reports.iter().filter(|count| **count > 0).count() > 100);
}

#[test]
fn documents_hold_what_the_mappings_need() {
    let all = people(2_000, 5);
    for person in &all {
        let document = &person.document;
        assert_eq!(document["emails"][0]["value"], document["userName"]);
        assert_eq!(document[ENTERPRISE]["department"], person.department);
        assert_eq!(document["addresses"][0]["locality"], person.location);
        for name in [
            "displayName",
            "title",
            "timezone",
            "userType",
            "preferredLanguage",
        ] {
            assert!(
                document[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name}"
            );
        }
    }
    for person in &all {
        let validated = validate::create(SchemaSet::user(), person.document.clone()).unwrap();
        assert_eq!(validated.ignored, Vec::<String>::new());
    }
    let count = |check: fn(&Person) -> bool| all.iter().filter(|person| check(person)).count();
    let inactive = count(|person| person.document["active"] == false);
    assert!((10..=80).contains(&inactive), "{inactive} of 2000 inactive");
    let beyond_ascii = count(|person| !person.document["displayName"].as_str().unwrap().is_ascii());
    assert!(beyond_ascii > 800, "{beyond_ascii} of 2000 beyond ASCII");
    let numbers: HashSet<&str> = all
        .iter()
        .map(|person| {
            person.document[ENTERPRISE]["employeeNumber"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers.len(), all.len());
}
