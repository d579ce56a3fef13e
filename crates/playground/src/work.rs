//! Where the company sits and what its people do.

/// An office or a mill.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) street: &'static str,
    pub(crate) locality: &'static str,
    pub(crate) region: &'static str,
    pub(crate) postal_code: &'static str,
    /// ISO 3166-1 alpha-2, as RFC 7643 §4.1.2 asks.
    pub(crate) country: &'static str,
    pub(crate) timezone: &'static str,
    pub(crate) language: &'static str,
    /// Everything of a telephone number but its last four digits.
    pub(crate) phone: &'static str,
    /// Share of the staff, in percent.
    pub(crate) share: usize,
}

/// A department with the titles of its people.
#[derive(Debug)]
pub(crate) struct Department {
    pub(crate) name: &'static str,
    pub(crate) cost_center: &'static str,
    pub(crate) titles: &'static [&'static str],
    /// Share of the staff, in percent.
    pub(crate) share: usize,
}

macro_rules! site {
    ($locality:literal, $region:literal, $country:literal, $street:literal, $postal_code:literal, $timezone:literal,
     $language:literal, $phone:literal, $share:literal) => {
        Site {
            street: $street,
            locality: $locality,
            region: $region,
            postal_code: $postal_code,
            country: $country,
            timezone: $timezone,
            language: $language,
            phone: $phone,
            share: $share,
        }
    };
}

#[rustfmt::skip]
pub(crate) static SITES: &[Site] = &[
    site!("Manchester", "Greater Manchester", "GB", "12 Spindle Street", "M4 5JD", "Europe/London", "en-GB", "+44 161 496 ", 34),
    site!("Porto", "Porto", "PT", "Rua das Tecedeiras 88", "4000-210", "Europe/Lisbon", "pt-PT", "+351 220 55 ", 20),
    site!("Łódź", "Łódzkie", "PL", "ul. Prząśniczki 7", "90-203", "Europe/Warsaw", "pl-PL", "+48 42 555 ", 16),
    site!("Lagos", "Lagos", "NG", "41 Loom Crescent, Yaba", "101245", "Africa/Lagos", "en-NG", "+234 1 555 ", 12),
    site!("Bengaluru", "Karnataka", "IN", "3rd Cross, Weavers' Layout", "560034", "Asia/Kolkata", "en-IN", "+91 80 5550 ", 11),
    site!("大阪", "大阪府", "JP", "中央区糸屋町2-4-1", "540-0022", "Asia/Tokyo", "ja-JP", "+81 6 5555 ", 7),
];

macro_rules! department {
    ($name:literal, $cost_center:literal, $share:literal, [$($title:literal),* $(,)?]) => {
        Department { name: $name, cost_center: $cost_center, titles: &[$($title),*], share: $share }
    };
}

#[rustfmt::skip]
pub(crate) static DEPARTMENTS: &[Department] = &[
    department!("Executive", "1000", 2, ["Chief of Staff", "Executive Assistant"]),
    department!("Production", "2100", 34, ["Loom Operator", "Spinning Technician", "Dye House Chemist", "Shift Supervisor", "Maintenance Fitter", "Quality Inspector"]),
    department!("Design & Development", "2200", 12, ["Textile Designer", "Pattern Maker", "Colourist", "Materials Engineer"]),
    department!("Supply Chain", "2300", 13, ["Buyer", "Warehouse Clerk", "Logistics Planner", "Customs Specialist"]),
    department!("Sales", "3100", 15, ["Account Manager", "Sales Engineer", "Inside Sales Representative", "Key Account Director"]),
    department!("Finance", "4100", 8, ["Accountant", "Payroll Specialist", "Controller", "Treasury Analyst"]),
    department!("People & Culture", "4200", 6, ["Recruiter", "HR Business Partner", "Learning Coordinator"]),
    department!("Information Technology", "4300", 10, ["Systems Administrator", "Identity Engineer", "Service Desk Analyst", "Software Developer", "Data Engineer"]),
];

/// The item at a place between 0 and 99, by share.
pub(crate) fn by_share<T>(items: &'static [T], share: impl Fn(&T) -> usize, place: usize) -> usize {
    let mut upper = 0;
    for (index, item) in items.iter().enumerate() {
        upper += share(item);
        if place < upper {
            return index;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(SITES.iter().map(|site| site.share).sum::<usize>(), 100);
        assert_eq!(
            DEPARTMENTS
                .iter()
                .map(|department| department.share)
                .sum::<usize>(),
            100
        );
        assert_eq!(by_share(DEPARTMENTS, |department| department.share, 0), 0);
        assert_eq!(by_share(DEPARTMENTS, |department| department.share, 2), 1);
        assert_eq!(
            by_share(DEPARTMENTS, |department| department.share, 99),
            DEPARTMENTS.len() - 1
        );
    }
}
