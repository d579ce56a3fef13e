//! The groups such a company has.

use crate::Person;
use crate::random::mix;
use crate::work::{DEPARTMENTS, SITES};

/// Groups across departments, with the percentage of people who are in them.
const PROJECTS: [(&str, u64); 4] = [
    ("Project Indigo", 9),
    ("Project Jacquard", 6),
    ("ERP rollout", 14),
    ("First aiders", 5),
];

/// A group and the people in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// SCIM `displayName`, unique.
    pub display_name: String,
    /// Indexes into the people, rising.
    pub members: Vec<usize>,
}

/// All staff, one group for each department, site and project; groups nobody is in are left out.
pub fn groups(people: &[Person]) -> Vec<Group> {
    let mut all = vec![group("All staff", people, |_, _| true)];
    all.extend(DEPARTMENTS.iter().map(|department| {
        group(department.name, people, |_, person| {
            person.department == department.name
        })
    }));
    all.extend(SITES.iter().map(|site| {
        group(&format!("Site {}", site.locality), people, |_, person| {
            person.location == site.locality
        })
    }));
    all.extend((1_u64..).zip(PROJECTS).map(|(number, (name, percent))| {
        group(name, people, |index, _| {
            mix((index as u64) << 8 | number) % 100 < percent
        })
    }));
    all.retain(|group| !group.members.is_empty());
    all
}

fn group(name: &str, people: &[Person], belongs: impl Fn(usize, &Person) -> bool) -> Group {
    Group {
        display_name: name.to_owned(),
        members: people
            .iter()
            .enumerate()
            .filter(|(index, person)| belongs(*index, person))
            .map(|(index, _)| index)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_company_of_200_has_a_dozen_or_two() {
        for seed in 0..20 {
            let people = crate::people(200, seed);
            let groups = groups(&people);
            assert!((12..=20).contains(&groups.len()), "{} groups", groups.len());
            let names: HashSet<&str> = groups
                .iter()
                .map(|group| group.display_name.as_str())
                .collect();
            assert_eq!(names.len(), groups.len());
            assert_eq!(groups[0].members, (0..200).collect::<Vec<_>>());
        }
    }

    #[test]
    fn everybody_is_in_one_department_and_one_site() {
        let people = crate::people(500, 1);
        let groups = groups(&people);
        let total = |wanted: &dyn Fn(&Group) -> bool| -> usize {
            groups
                .iter()
                .filter(|group| wanted(group))
                .map(|group| group.members.len())
                .sum()
        };
        let is_department = |group: &Group| {
            DEPARTMENTS
                .iter()
                .any(|department| department.name == group.display_name)
        };
        assert_eq!(total(&is_department), 500);
        assert_eq!(total(&|group| group.display_name.starts_with("Site ")), 500);
    }

    #[test]
    fn nobody_makes_no_group() {
        assert_eq!(groups(&[]), []);
    }
}
