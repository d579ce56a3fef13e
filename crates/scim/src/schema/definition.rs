//! What a workspace adds to the standard schemas: extension schemas, attributes and resource types as JSON.
//!
//! The JSON has the members of Schema and ResourceType resources (RFC 7643 sections 6 and 7):
//! `{"schemas": [Schema, …], "resourceTypes": [ResourceType, …]}`. `User` and `Group` may be listed among the resource
//! types to give them extensions; everything else about them is fixed.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{Attribute, Extension, ResourceType, Schema, SchemaSet, find};
use crate::{ScimError, ScimType, limits, standard};

/// Endpoints that belong to the protocol.
const RESERVED_ENDPOINTS: [&str; 8] = [
    "/Users",
    "/Groups",
    "/Schemas",
    "/ResourceTypes",
    "/ServiceProviderConfig",
    "/Bulk",
    "/Me",
    "/.search",
];

/// Schemas and resource types that a workspace defines, checked for themselves and with each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// Schemas, in the order of discovery.
    pub schemas: Vec<Schema>,
    /// Resource types; those named `User` and `Group` only add extensions.
    pub types: Vec<TypeDefinition>,
}

/// A resource type by the URNs of its schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDefinition {
    /// Name, such as `Badge`.
    pub name: String,
    /// Endpoint with its slash, such as `/Badges`.
    pub endpoint: String,
    /// Text for people.
    pub description: String,
    /// URN of the base schema.
    pub schema: String,
    /// URNs of the extensions, and whether every resource must have them.
    pub extensions: Vec<(String, bool)>,
}

impl TypeDefinition {
    fn is_standard(&self) -> bool {
        ["User", "Group"].contains(&self.name.as_str())
    }
}

pub(super) fn invalid(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidValue, detail)
}

impl Definition {
    /// Reads and checks a definition.
    ///
    /// # Errors
    ///
    /// 400 `invalidSyntax` for another structure and `invalidValue` for what is not allowed; the text names the place,
    /// such as `schemas[0].attributes[2].type`.
    ///
    /// ```
    /// use serde_json::json;
    /// use tenure_scim::schema::Definition;
    ///
    /// let definition = Definition::parse(&json!({
    ///     "schemas": [{"id": "urn:mills:params:Shift", "name": "Shift", "attributes": [{"name": "shift", "type": "string"}]}],
    ///     "resourceTypes": [{"name": "User", "schemaExtensions": [{"schema": "urn:mills:params:Shift"}]}],
    /// }))
    /// .unwrap();
    /// let user = definition.build().unwrap().named("User").unwrap().clone();
    /// assert!(user.extension("urn:mills:params:Shift").is_some());
    /// ```
    pub fn parse(value: &Value) -> Result<Self, ScimError> {
        let definition = read::definition(value)?;
        definition.build()?;
        Ok(definition)
    }

    /// The JSON that [`Self::parse`] reads, with every characteristic spelled out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        write::definition(self)
    }

    /// All resource types of the workspace: `User` and `Group` first, then its own in order.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` when names, endpoints or URNs collide or point nowhere.
    pub fn build(&self) -> Result<SchemaSet, ScimError> {
        self.check_schemas()?;
        let mut types = vec![standard::user_type(), standard::group_type()];
        let mut seen = BTreeSet::new();
        for definition in &self.types {
            if !seen.insert(definition.name.to_ascii_lowercase()) {
                return Err(invalid(format!(
                    "The resource type `{}` is defined twice.",
                    definition.name
                )));
            }
            let position = types
                .iter()
                .position(|one| one.name.eq_ignore_ascii_case(&definition.name));
            let mut built = match position {
                Some(position) if definition.is_standard() => types.remove(position),
                Some(_) => {
                    return Err(invalid(format!(
                        "Write the resource type `{}` as `User` or `Group`.",
                        definition.name
                    )));
                }
                None => self.base(definition, &types)?,
            };
            for (urn, required) in &definition.extensions {
                self.extend(&mut built, urn, *required)?;
            }
            types.insert(position.unwrap_or(types.len()), built);
        }
        Ok(SchemaSet {
            resource_types: types.into_iter().map(Arc::new).collect(),
        })
    }

    fn check_schemas(&self) -> Result<(), ScimError> {
        let mut seen = BTreeSet::new();
        for schema in &self.schemas {
            let urn = schema.id.to_ascii_lowercase();
            let standard = [standard::USER, standard::GROUP, standard::ENTERPRISE_USER];
            let reserved = standard.iter().any(|one| one.eq_ignore_ascii_case(&urn))
                || urn.starts_with("urn:ietf:params:scim:api:");
            if reserved {
                return Err(invalid(format!(
                    "The schema `{}` is fixed by the standard.",
                    schema.id
                )));
            }
            if !seen.insert(urn) {
                return Err(invalid(format!(
                    "The schema `{}` is defined twice.",
                    schema.id
                )));
            }
        }
        Ok(())
    }

    fn schema(&self, urn: &str, type_name: &str) -> Result<Arc<Schema>, ScimError> {
        let found = self
            .schemas
            .iter()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn));
        found.cloned().map(Arc::new).ok_or_else(|| {
            invalid(format!(
                "The resource type `{type_name}` uses `{urn}`, which `schemas` does not define."
            ))
        })
    }

    /// A type of the workspace's own, without extensions.
    fn base(
        &self,
        definition: &TypeDefinition,
        others: &[ResourceType],
    ) -> Result<ResourceType, ScimError> {
        let schema = self.schema(&definition.schema, &definition.name)?;
        let taken = others
            .iter()
            .any(|other| other.endpoint.eq_ignore_ascii_case(&definition.endpoint))
            || RESERVED_ENDPOINTS
                .iter()
                .any(|one| one.eq_ignore_ascii_case(&definition.endpoint));
        if taken {
            return Err(invalid(format!(
                "The endpoint `{}` is taken.",
                definition.endpoint
            )));
        }
        for attribute in &schema.attributes {
            // `password`, `groups` and `members` mean something to the server itself.
            let special = [
                "id",
                "externalid",
                "meta",
                "schemas",
                "groups",
                "members",
                "password",
            ];
            if special.contains(&attribute.name.to_ascii_lowercase().as_str()) {
                return Err(invalid(format!(
                    "`{}` cannot be an attribute of the base schema `{}`: the name has a fixed meaning.",
                    attribute.name, schema.id
                )));
            }
        }
        Ok(ResourceType {
            name: definition.name.clone(),
            endpoint: definition.endpoint.clone(),
            description: definition.description.clone(),
            schema,
            extensions: Vec::new(),
        })
    }

    fn extend(
        &self,
        target: &mut ResourceType,
        urn: &str,
        required: bool,
    ) -> Result<(), ScimError> {
        if target.schema.id.eq_ignore_ascii_case(urn) || target.extension(urn).is_some() {
            // The enterprise extension is there already; naming it does no harm.
            if urn.eq_ignore_ascii_case(standard::ENTERPRISE_USER) && !required {
                return Ok(());
            }
            return Err(invalid(format!(
                "The resource type `{}` has the schema `{urn}` already.",
                target.name
            )));
        }
        let schema = self.schema(urn, &target.name)?;
        // RFC 7643 section 3.3: an extension does not define a core attribute anew.
        if let Some(twice) = schema
            .attributes
            .iter()
            .find(|attribute| target.attribute(&attribute.name).is_some())
        {
            return Err(invalid(format!(
                "`{}` of `{}` is an attribute of {} itself; choose another name.",
                twice.name, schema.id, target.name
            )));
        }
        if target.extensions.len() >= limits::SCHEMA_EXTENSIONS {
            let limit = limits::SCHEMA_EXTENSIONS;
            return Err(invalid(format!(
                "The resource type `{}` has more than {limit} extensions.",
                target.name
            )));
        }
        target.extensions.push(Extension { schema, required });
        Ok(())
    }
}

impl Attribute {
    /// Whether values that were stored under this definition mean the same under another: everything that decides how
    /// a value is written, compared and indexed is equal. Descriptions, `required`, `mutability` and the like may differ.
    #[must_use]
    pub fn reads_like(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.multi_valued == other.multi_valued
            && self.case_exact == other.case_exact
            && self.uniqueness == other.uniqueness
            && (self.returned == super::Returned::Never)
                == (other.returned == super::Returned::Never)
            && self.sub_attributes.iter().all(|sub| {
                find(&other.sub_attributes, &sub.name).is_some_and(|same| sub.reads_like(same))
            })
    }
}
