//! SCIM 2.0 as pure functions over documents: schemas, paths, filters, PATCH, projection, errors.
