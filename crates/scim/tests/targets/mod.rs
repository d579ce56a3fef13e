//! What holds for any input. `corpus.rs` and the fuzz targets call the same functions.

mod body;
mod bulk;
mod definition;
mod filter;
mod fixtures;
mod patch;
mod path;

use tenure_scim::{ScimError, ScimType, limits};

/// Checks one input. Panics when a property does not hold. A target is named as its folder in `corpus`.
pub(crate) fn run(target: &str, input: &[u8]) {
    match target {
        "filter" => filter::run(input),
        "path" => path::run(input),
        "patch" => patch::run(input),
        "body" => body::run(input),
        "bulk" => bulk::run(input),
        "definition" => definition::run(input),
        other => panic!("there is no target {other}"),
    }
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
