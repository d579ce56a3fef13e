//! What is wrong with a dialect.

use super::{Dialect, Updates};
use std::ops::RangeInclusive;

/// Bounds of a dialect.
pub(crate) mod limits {
    use std::ops::RangeInclusive;

    /// Requests in flight.
    pub const CONCURRENCY: RangeInclusive<usize> = 1..=64;
    /// Members of one PATCH.
    pub const MEMBERS_PER_PATCH: RangeInclusive<usize> = 1..=1000;
    /// Resources of one page.
    pub const PAGE_SIZE: RangeInclusive<u32> = 1..=1000;
    /// Index of the first resource of a listing.
    pub const FIRST_INDEX: RangeInclusive<u64> = 0..=1;
    /// Requests per second.
    pub const REQUESTS_PER_SECOND: RangeInclusive<f64> = 0.01..=1000.0;
}

/// Field and what is wrong with it. `groups`: groups are provisioned.
pub(crate) fn problems(dialect: &Dialect, groups: bool) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let mut add = |field: &'static str, problem: Option<String>| {
        problems.extend(problem.map(|problem| (field, problem)));
    };
    add(
        "concurrency",
        outside(
            "Requests in flight",
            &limits::CONCURRENCY,
            dialect.concurrency,
        ),
    );
    add(
        "members_per_patch",
        outside(
            "Members of one PATCH",
            &limits::MEMBERS_PER_PATCH,
            dialect.members_per_patch,
        ),
    );
    add(
        "page_size",
        outside(
            "Resources of one page",
            &limits::PAGE_SIZE,
            dialect.page_size,
        ),
    );
    add(
        "first_index",
        outside(
            "The index of the first resource",
            &limits::FIRST_INDEX,
            dialect.first_index,
        ),
    );
    add(
        "requests_per_second",
        dialect.requests_per_second.and_then(|rate| {
            outside("Requests per second", &limits::REQUESTS_PER_SECOND, rate)
                .map(|problem| format!("{problem}; leave it out for no limit"))
        }),
    );
    let is_blind =
        groups && dialect.groups && dialect.group_updates == Updates::Put && !dialect.shows_members;
    add(
        "group_updates",
        is_blind.then(|| {
            "A group that is replaced is sent with all its members, and this target does not show them (`shows_members`), so that PUT would take them away; use `patch`, or turn groups off".to_owned()
        }),
    );
    problems
}

fn outside<T: Copy + PartialOrd + std::fmt::Display>(
    what: &str,
    range: &RangeInclusive<T>,
    value: T,
) -> Option<String> {
    (!range.contains(&value)).then(|| {
        format!(
            "{what} must be {} to {}, not {value}",
            range.start(),
            range.end()
        )
    })
}
