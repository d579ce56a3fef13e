//! A line with schemas and resource types of one's own, then a body for all of them.

use tenure_scim::{
    ScimType, discovery,
    json::parse_object,
    path::AttributePath,
    schema::{Definition, ResourceType},
    validate,
};

use super::{body, patch, refused};

pub(super) fn run(input: &[u8]) {
    let line_end = input.iter().position(|&byte| byte == b'\n');
    let (line, rest) = input.split_at(line_end.unwrap_or(input.len()));
    let Ok(line) = parse_object(line) else {
        return;
    };
    let definition = match Definition::parse(&line.into()) {
        Ok(definition) => definition,
        Err(error) => return refused(&error, &[ScimType::InvalidSyntax, ScimType::InvalidValue]),
    };
    assert_eq!(
        Definition::parse(&definition.to_json()).as_ref(),
        Ok(&definition)
    );
    let set = definition.build().expect("a checked definition");
    assert!(set.resource_types.len() >= 2);
    let types = discovery::resource_types(&set, "");
    assert_eq!(types.len(), set.resource_types.len());
    let body = parse_object(rest).unwrap_or_default();
    for resource_type in &set.resource_types {
        names_are_paths(resource_type);
        body::create(resource_type, &body);
        if let Ok(created) = validate::create(resource_type, body.clone()) {
            patch::check(resource_type, Some(created.document), &body);
        }
    }
}

/// Every attribute can be named.
fn names_are_paths(resource_type: &ResourceType) {
    let base = (&resource_type.schema, true);
    let extensions = resource_type.extensions.iter();
    for (schema, is_base) in extensions
        .map(|extension| (&extension.schema, false))
        .chain([base])
    {
        for attribute in &schema.attributes {
            let path = AttributePath::parse(&format!("{}:{}", schema.id, attribute.name));
            let path = path.expect("a path");
            let resolved = path.resolve(resource_type).expect("a known attribute");
            assert_eq!(resolved.extension.is_none(), is_base);
            assert!(std::ptr::eq(resolved.attribute, attribute), "{path}");
        }
    }
}
