//! What is wrong with a configuration beyond what cannot be parsed.

use super::{CompiledObject, CompiledSource, Problems, limits};
use crate::{
    config::{ApplicationConfig, Apply, Mapping, ObjectConfig, ObjectKind, Source},
    dialect,
};
use std::collections::BTreeMap;

pub(super) fn check_numbers(config: &ApplicationConfig, problems: &mut Problems) {
    let interval = limits::INTERVAL_MINUTES;
    if !interval.contains(&config.interval_minutes) {
        problems.add(
            "interval_minutes",
            format!(
                "The interval must be {} to {} minutes, not {}",
                interval.start(),
                interval.end(),
                config.interval_minutes
            ),
        );
    }
    if config.deletion_threshold == Some(0) {
        problems.add(
            "deletion_threshold",
            "The threshold must be 1 or more; leave it out for no limit",
        );
    }
    for (field, problem) in dialect::check::problems(&config.dialect, config.groups.enabled) {
        problems.add(format!("dialect.{field}"), problem);
    }
    if let Some(domain) = config
        .default_domain
        .as_deref()
        .filter(|domain| !is_domain(domain))
    {
        problems.add(
            "default_domain",
            format!("`{domain}` is not a domain such as `acme.example`"),
        );
    }
    check_addresses(
        config.notification_email.as_deref().unwrap_or_default(),
        problems,
    );
}

/// Most addresses of an application.
const ADDRESSES: usize = 10;

/// Addresses parted by commas, semicolons or white space, in a form that cannot break the header of a mail.
fn check_addresses(text: &str, problems: &mut Problems) {
    let addresses: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
        .filter(|address| !address.is_empty())
        .collect();
    if addresses.len() > ADDRESSES {
        problems.add(
            "notification_email",
            format!("more than {ADDRESSES} addresses"),
        );
    }
    for address in addresses {
        let sound = address.split_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len()) && !domain.is_empty() && !domain.contains('@')
        });
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"(),:;<>[\\]".contains(c);
        if !sound || !address.chars().all(is_plain) || address.len() > 254 {
            problems.add(
                "notification_email",
                format!("`{address}` is not an email address"),
            );
        }
    }
}

/// No target twice, and never the id.
pub(super) fn check_targets(place: &str, config: &ObjectConfig, problems: &mut Problems) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, mapping) in config.mappings.iter().enumerate() {
        let at = format!("{place}.mappings[{index}].target");
        let target = mapping.target.trim().to_ascii_lowercase();
        if matches!(target.as_str(), "id" | "meta" | "schemas") || target.starts_with("meta.") {
            problems.add(
                &at,
                format!(
                    "`{}` belongs to the target and cannot be mapped; remove this mapping",
                    mapping.target
                ),
            );
        }
        if let Some(first) = seen.insert(target, index) {
            problems.add(&at, format!("`{}` is mapped already by {place}.mappings[{first}]; a target attribute has one mapping", mapping.target));
        }
    }
}

pub(super) fn check_matching(
    kind: ObjectKind,
    place: &str,
    config: &ObjectConfig,
    problems: &mut Problems,
) {
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, mapping) in config.mappings.iter().enumerate() {
        let at = format!("{place}.mappings[{index}].matching");
        let Some(precedence) = mapping.matching else {
            continue;
        };
        if precedence == 0 {
            problems.add(
                &at,
                "Matching precedence counts from 1; leave it out if the attribute does not match",
            );
        }
        if mapping.source == Source::None {
            problems.add(&at, "A matching attribute needs a source");
        }
        if let Some(first) = seen.insert(precedence, index) {
            problems.add(&at, format!("Matching precedence {precedence} is used already by {place}.mappings[{first}]; give each its own"));
        }
    }
    if config.enabled && seen.is_empty() {
        let advice = if kind == ObjectKind::User {
            "userName"
        } else {
            "displayName"
        };
        problems.add(format!("{place}.mappings"), format!("No attribute is used for matching; mark one, usually `{advice}`, so that existing objects are found"));
    }
}

/// A value that the target decides is asked for once, before the account exists.
pub(super) fn check_unique(place: &str, mapping: &Mapping, problems: &mut Problems) {
    if mapping.apply != Apply::OnCreate {
        problems.add(
            format!("{place}.apply"),
            "SelectUniqueValue works only during object creation; apply this mapping `on_create`",
        );
    }
    if mapping.matching.is_some() {
        problems.add(
            format!("{place}.matching"),
            "SelectUniqueValue gives a value that nobody has, so it cannot find existing objects",
        );
    }
}

fn is_domain(text: &str) -> bool {
    let sound = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
    };
    text.len() <= 253 && text.split('.').all(sound)
}

/// No domain is configured: no expression may ask for it.
pub(super) fn check_domain(
    place: &str,
    config: &ObjectConfig,
    object: &CompiledObject,
    problems: &mut Problems,
) {
    for mapping in &object.mappings {
        let asks = matches!(&mapping.source, CompiledSource::Expression(expression) if expression.calls("DefaultDomain"));
        let index = config
            .mappings
            .iter()
            .position(|candidate| candidate.target.trim() == mapping.target);
        if let Some(index) = index.filter(|_| asks) {
            problems.add(
                format!("{place}.mappings[{index}].source"),
                "DefaultDomain gives the `default_domain` of the configuration, and that is not set",
            );
        }
    }
}
