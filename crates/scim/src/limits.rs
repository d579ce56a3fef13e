//! Every limit of this crate in one place.

/// Characters of a filter or a PATCH path.
pub const FILTER_CHARS: usize = 2048;
/// Nesting depth of a filter.
pub const FILTER_DEPTH: usize = 16;
/// Nodes of a filter.
pub const FILTER_NODES: usize = 64;
/// Nesting depth of a JSON body.
pub const JSON_DEPTH: usize = 32;
/// Members of one JSON object.
pub const JSON_KEYS: usize = 1000;
/// Elements of one JSON array, and so members named in one body.
pub const JSON_ARRAY_ITEMS: usize = 100_000;
/// Bytes of one JSON string.
pub const JSON_STRING_BYTES: usize = 64 * 1024;
/// Bytes of memory, roughly, that a JSON body may take once it is read.
pub const JSON_MEMORY_BYTES: usize = 40 * 1024 * 1024;
/// Values of a multi-valued attribute other than `members`.
pub const ATTRIBUTE_VALUES: usize = 1000;
/// Operations of one PATCH.
pub const PATCH_OPERATIONS: usize = 10_000;
/// Bytes of values that the operations of one PATCH may look at, each for itself: many operations on an attribute with
/// many values would take long.
pub const PATCH_EFFORT_BYTES: usize = 64 * 1024 * 1024;
/// Resources of a page when the client does not say, as the configuration announces.
pub const PAGE_DEFAULT: u32 = 100;
/// Most resources of a page, as the configuration announces.
pub const PAGE_MAX: u32 = 1000;
/// Seconds for which a cursor can be used, as the configuration announces.
pub const CURSOR_SECONDS: u32 = 3600;
/// Operations of one bulk request, as the configuration announces.
pub const BULK_OPERATIONS: usize = 1000;
/// Bytes of one bulk request, as the configuration announces.
pub const BULK_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a `bulkId`.
pub const BULK_ID_BYTES: usize = 256;
/// Characters of an index key; longer values are indexed by this prefix and re-checked by the evaluator.
pub const INDEX_KEY_CHARS: usize = 256;
/// Schemas that a workspace may define.
pub const SCHEMAS: usize = 50;
/// Resource types that a workspace may define, `User` and `Group` included.
pub const RESOURCE_TYPES: usize = 20;
/// Extensions of one resource type.
pub const SCHEMA_EXTENSIONS: usize = 20;
/// Attributes of a schema, and sub-attributes of an attribute.
pub const SCHEMA_ATTRIBUTES: usize = 200;
/// Bytes of an attribute's or a resource type's name.
pub const SCHEMA_NAME_BYTES: usize = 64;
/// Bytes of a schema's URN.
pub const SCHEMA_URN_BYTES: usize = 200;
/// Bytes of a description.
pub const SCHEMA_TEXT_BYTES: usize = 2000;
