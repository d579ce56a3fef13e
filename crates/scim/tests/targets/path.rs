//! An attribute path or a PATCH path as text.

use tenure_scim::{
    ScimType, limits,
    path::{AttributePath, Path},
};

use super::{fixtures, refused};

pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let attribute = AttributePath::parse(text);
    let path = match Path::parse(text) {
        Ok(path) => path,
        Err(error) => {
            assert_eq!(attribute, Err(error.clone()));
            return refused(&error, &[ScimType::InvalidPath]);
        }
    };
    assert!(text.chars().count() <= limits::FILTER_CHARS);
    let printed = path.to_string();
    match Path::parse(&printed) {
        Ok(again) => {
            assert_eq!(again, path, "{printed}");
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => assert!(
            printed.chars().count() > limits::FILTER_CHARS,
            "{printed}: {error}"
        ),
    }
    match attribute {
        Ok(attribute) => {
            assert_eq!((&path.attribute, &path.filter), (&attribute, &None));
            assert_eq!(AttributePath::parse(&attribute.to_string()), Ok(attribute));
        }
        Err(error) => {
            assert!(path.filter.is_some());
            refused(&error, &[ScimType::InvalidPath]);
        }
    }
    index_names_are_paths(&path.attribute);
}

/// The name of a leaf in the index is a path to it.
fn index_names_are_paths(path: &AttributePath) {
    for resource_type in fixtures::resource_types() {
        let Some(resolved) = path.resolve(resource_type) else {
            continue;
        };
        let name = resolved.index_name();
        let again = AttributePath::parse(&name).expect("an index name is a path");
        let again = again.resolve(resource_type).expect("a known index name");
        assert_eq!(again.index_name(), name);
        assert!(std::ptr::eq(again.leaf(), resolved.leaf()), "{name}");
    }
}
