//! People, one after another, with a place in a hierarchy.

use crate::names::{CULTURES, Culture, Order, forms, latin};
use crate::random::Random;
use crate::work::{DEPARTMENTS, Department, SITES, Site, by_share};
use crate::{DOMAIN, ENTERPRISE, USER};
use serde_json::{Value, json};
use std::collections::HashMap;
use tenure_scim::Document;

/// People that one lead has, at most.
const TEAM: usize = 9;
/// Employee number of the first person is one above.
const FIRST_NUMBER: usize = 100_000;

/// Somebody who works for the company.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// SCIM User (RFC 7643 §4.1 and §4.3) without `id`, `meta` and the manager reference.
    pub document: Document,
    /// Index of the manager, always smaller than the person's own; none for the first person.
    pub manager: Option<usize>,
    /// Name of the department, as in the document.
    pub department: &'static str,
    /// City of the site, as in the work address.
    pub location: &'static str,
}

impl Person {
    /// The `userName`, unique among all people of one seed whatever their number.
    pub fn user_name(&self) -> &str {
        self.document
            .get("userName")
            .and_then(Value::as_str)
            .unwrap_or("")
    }
}

/// The first `count` people of a seed; the same call gives the same people.
///
/// ```
/// let people = tenure_playground::people(200, 7);
/// assert_eq!(people.len(), 200);
/// assert!(people[0].user_name().ends_with("@northwind.example"));
/// assert_eq!(people[1].manager, Some(0));
/// ```
pub fn people(count: usize, seed: u64) -> Vec<Person> {
    People::new(seed).take(count).collect()
}

/// Endless people, made one at a time: a million of them never have to be in memory together.
#[derive(Debug, Clone)]
pub struct People {
    random: Random,
    index: usize,
    /// How many people have had a user name's stem so far.
    taken: HashMap<String, u32>,
    teams: Vec<Team>,
}

/// What is known of a department while it grows.
#[derive(Debug, Clone, Default)]
struct Team {
    size: usize,
    head: Option<usize>,
    lead: Option<usize>,
}

/// A place in the hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Director,
    Head,
    Lead,
    Member,
}

/// A name in all forms that a document needs.
pub(crate) struct Name {
    given: &'static str,
    family: &'static str,
    shown: String,
    user_name: String,
}

impl People {
    /// Begins with the first person of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            index: 0,
            taken: HashMap::new(),
            teams: vec![Team::default(); DEPARTMENTS.len()],
        }
    }

    /// A name nobody has had yet.
    pub(crate) fn name(&mut self) -> Name {
        let culture = &CULTURES[self.random.below(CULTURES.len())];
        let given = self.random.pick(culture.given);
        let families = self.family_culture(culture).family;
        let family = self.random.pick(families);
        let ((given, given_latin), (family, family_latin)) = (forms(given), forms(family));
        let stem = format!("{}.{}", latin(given_latin), latin(family_latin));
        // Stems hold no digits, so a stem with a number never equals another stem.
        let count = self.taken.entry(stem.clone()).or_insert(0);
        *count += 1;
        let number = if *count == 1 {
            String::new()
        } else {
            count.to_string()
        };
        Name {
            given,
            family,
            shown: shown(given, family, culture.order),
            user_name: format!("{stem}{number}@{DOMAIN}"),
        }
    }

    /// Whose family name is taken: mostly the same culture's.
    fn family_culture(&mut self, own: &'static Culture) -> &'static Culture {
        let other = &CULTURES[self.random.below(CULTURES.len())];
        let mixed = self.random.chance(12) && own.mixes() && other.mixes();
        if mixed { other } else { own }
    }

    /// Puts the next person into a department: rank and manager.
    fn place(&mut self, department: usize) -> (Rank, Option<usize>) {
        let index = self.index;
        let team = &mut self.teams[department];
        team.size += 1;
        if index == 0 {
            team.head = Some(0);
            return (Rank::Director, None);
        }
        let Some(head) = team.head else {
            team.head = Some(index);
            return (Rank::Head, Some(0));
        };
        match team.lead {
            Some(lead) if team.size % TEAM != 2 => (Rank::Member, Some(lead)),
            _ => {
                team.lead = Some(index);
                (Rank::Lead, Some(head))
            }
        }
    }

    fn title(&mut self, department: &Department, rank: Rank) -> String {
        let title = self.random.pick(department.titles);
        match rank {
            Rank::Director => "Managing Director".to_owned(),
            Rank::Head => format!("Head of {}", department.name),
            Rank::Lead => format!("Lead {title}"),
            Rank::Member => title.to_owned(),
        }
    }

    fn user_type(&mut self, rank: Rank) -> &'static str {
        match (rank, self.random.below(100)) {
            (Rank::Member, 0..8) => "Contractor",
            (Rank::Member, 8..11) => "Intern",
            _ => "Employee",
        }
    }
}

impl Iterator for People {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        let name = self.name();
        let (department, site) = if self.index == 0 {
            (0, 0)
        } else {
            let (work, place) = (self.random.below(100), self.random.below(100));
            (
                by_share(DEPARTMENTS, |department| department.share, work),
                by_share(SITES, |site| site.share, place),
            )
        };
        let (rank, manager) = self.place(department);
        let (department, site) = (&DEPARTMENTS[department], &SITES[site]);
        let title = self.title(department, rank);
        let user_type = self.user_type(rank);
        // Whoever leads others is here: the demo should not show a team under somebody who has left.
        let active = !(self.random.chance(2) && rank == Rank::Member);
        let extension = self.random.below(10_000);
        self.index += 1;
        let job = json!({
            "title": title,
            "userType": user_type,
            "active": active,
            ENTERPRISE: {
                "employeeNumber": format!("NW{}", FIRST_NUMBER + self.index),
                "costCenter": department.cost_center,
                "organization": crate::COMPANY,
                "department": department.name,
            },
        });
        Some(Person {
            document: document(&name, site, extension, job),
            manager,
            department: department.name,
            location: site.locality,
        })
    }
}

/// The name as it is shown to others.
fn shown(given: &str, family: &str, order: Order) -> String {
    match order {
        Order::GivenFirst => format!("{given} {family}"),
        Order::FamilyFirst => format!("{family} {given}"),
        Order::Joined => format!("{family}{given}"),
    }
}

fn document(name: &Name, site: &Site, extension: usize, job: Value) -> Document {
    let who = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": name.user_name,
        "name": { "formatted": name.shown, "familyName": name.family, "givenName": name.given },
        "displayName": name.shown,
        "emails": [{ "value": name.user_name, "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": format!("{}{extension:04}", site.phone), "type": "work" }],
        "addresses": [{
            "type": "work",
            "streetAddress": site.street,
            "locality": site.locality,
            "region": site.region,
            "postalCode": site.postal_code,
            "country": site.country,
        }],
        "preferredLanguage": site.language,
        "timezone": site.timezone,
    });
    [who, job]
        .into_iter()
        .filter_map(|part| match part {
            Value::Object(members) => Some(members),
            _ => None,
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests;
