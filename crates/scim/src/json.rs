//! Reading JSON from outside with limits: depth, duplicate keys, size.
use crate::{Document, ScimError};
/// Parses a body into an object. 400 `invalidSyntax` for malformed JSON (with line and column), duplicate keys,
/// depth over the limit, NUL characters, or anything but an object.
pub fn parse_object(bytes: &[u8]) -> Result<Document, ScimError> { let _ = bytes; todo!() }
