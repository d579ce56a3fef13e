//! What holds for any input. `corpus.rs` and the fuzz targets call the same functions.

mod body;
mod bulk;
mod filter;
mod fixtures;
mod patch;
mod path;

use tenure_scim::{ScimError, ScimType, limits};

/// Each target by its name, which is also that of its folder in `corpus`.
pub(crate) const TARGETS: [(&str, fn(&[u8])); 5] = [
    ("filter", filter::run),
    ("path", path::run),
    ("patch", patch::run),
    ("body", body::run),
    ("bulk", bulk::run),
];

/// Checks one input. Panics when a property does not hold.
pub(crate) fn run(target: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.expect("a target of this name").1(input);
}

/// A refusal says what is wrong with the request, in a text of bounded length.
#[track_caller]
fn refused(error: &ScimError, allowed: &[ScimType]) {
    assert_eq!(error.status, 400, "{error:?}");
    let keyword = error.scim_type.expect("a keyword");
    assert!(allowed.contains(&keyword), "{error:?}");
    assert!(!error.detail.is_empty());
    let length = error.detail.chars().count();
    assert!(length <= 2 * limits::FILTER_CHARS, "{length} characters");
    assert_eq!(error.body()["status"], "400");
}
