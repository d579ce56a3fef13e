//! Reading a definition, with errors that name the place.

use serde_json::Value;

use super::{Definition, TypeDefinition, invalid};
use crate::{
    Document, ScimError, ScimType, limits,
    path::{is_name, shorten},
    schema::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness},
};

fn syntax(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

/// A JSON object and where it stands.
struct Node<'v> {
    object: &'v Document,
    place: String,
}

impl<'v> Node<'v> {
    fn of(value: &'v Value, place: &str) -> Result<Self, ScimError> {
        let object = value
            .as_object()
            .ok_or_else(|| syntax(format!("`{place}` must be an object.")))?;
        Ok(Self {
            object,
            place: place.to_owned(),
        })
    }

    fn at(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }

    /// Refuses members that mean nothing here: a misspelt characteristic must not be dropped in silence.
    fn only(&self, known: &[&str]) -> Result<(), ScimError> {
        match self
            .object
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            Some(unknown) => Err(syntax(format!(
                "`{}` is unknown; known are {}.",
                self.at(&shorten(unknown)),
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }

    fn text(&self, name: &str) -> Result<&'v str, ScimError> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) if text.len() <= limits::SCHEMA_TEXT_BYTES => Ok(text),
            Some(Value::String(_)) => Err(invalid(format!(
                "`{}` is longer than {} bytes.",
                self.at(name),
                limits::SCHEMA_TEXT_BYTES
            ))),
            Some(_) => Err(syntax(format!("`{}` must be a string.", self.at(name)))),
        }
    }

    fn required_text(&self, name: &str) -> Result<&'v str, ScimError> {
        match self.text(name)? {
            "" => Err(invalid(format!("`{}` is required.", self.at(name)))),
            text => Ok(text),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, ScimError> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(syntax(format!(
                "`{}` must be true or false.",
                self.at(name)
            ))),
        }
    }

    fn list(&self, name: &str, limit: usize) -> Result<&'v [Value], ScimError> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(items)) if items.len() <= limit => Ok(items),
            Some(Value::Array(_)) => Err(invalid(format!(
                "`{}` can have at most {limit} elements.",
                self.at(name)
            ))),
            Some(_) => Err(syntax(format!("`{}` must be a list.", self.at(name)))),
        }
    }

    fn nodes(&self, name: &str, limit: usize) -> Result<Vec<Node<'v>>, ScimError> {
        let items = self.list(name, limit)?.iter().enumerate();
        items
            .map(|(index, item)| Node::of(item, &format!("{}[{index}]", self.at(name))))
            .collect()
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, ScimError> {
        let items = self.list(name, limits::SCHEMA_ATTRIBUTES)?;
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect();
        texts.ok_or_else(|| syntax(format!("`{}` must be a list of strings.", self.at(name))))
    }

    /// A keyword, or `default` when it is not given.
    fn keyword<T>(
        &self,
        name: &str,
        default: T,
        find: impl Fn(&str) -> Option<T>,
        keywords: impl Fn() -> String,
    ) -> Result<T, ScimError> {
        match self.text(name)? {
            "" => Ok(default),
            word => find(word)
                .ok_or_else(|| invalid(format!("`{}` is one of {}.", self.at(name), keywords()))),
        }
    }
}

pub(super) fn definition(value: &Value) -> Result<Definition, ScimError> {
    let root = Node {
        object: value
            .as_object()
            .ok_or_else(|| syntax("A definition must be an object.".to_owned()))?,
        place: String::new(),
    };
    root.only(&["schemas", "resourceTypes"])?;
    let schemas = root.nodes("schemas", limits::SCHEMAS)?;
    let types = root.nodes("resourceTypes", limits::RESOURCE_TYPES)?;
    Ok(Definition {
        schemas: schemas.iter().map(schema).collect::<Result<_, _>>()?,
        types: types.iter().map(resource_type).collect::<Result<_, _>>()?,
    })
}

/// A URN as RFC 8141 has it, without fragments: `urn:`, a namespace, and a name of harmless characters.
fn urn(node: &Node<'_>, name: &str) -> Result<String, ScimError> {
    let text = node.required_text(name)?;
    let mut parts = text.splitn(3, ':');
    let start = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or_default();
    let rest = parts.next().unwrap_or_default();
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let right = start.eq_ignore_ascii_case("urn")
        && (2..=32).contains(&namespace.len())
        && namespace
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !rest.is_empty()
        && !rest.ends_with(':')
        && rest.bytes().all(harmless)
        && text.len() <= limits::SCHEMA_URN_BYTES;
    if right {
        return Ok(text.to_owned());
    }
    Err(invalid(format!(
        "`{}` must be a URN of at most {} letters, digits, `-`, `.`, `_` and `:`, such as `urn:example:params:Badge`.",
        node.at(name),
        limits::SCHEMA_URN_BYTES
    )))
}

fn schema(node: &Node<'_>) -> Result<Schema, ScimError> {
    // `schemas` and `meta` stand in what `/Schemas` answers; taking that as it is makes copying easy.
    node.only(&["id", "name", "description", "attributes", "schemas", "meta"])?;
    let id = urn(node, "id")?;
    let attributes = node.nodes("attributes", limits::SCHEMA_ATTRIBUTES)?;
    let attributes = read_attributes(&attributes, true)?;
    if attributes.is_empty() {
        return Err(invalid(format!(
            "`{}` needs at least one attribute.",
            node.at("attributes")
        )));
    }
    let name = match node.text("name")? {
        "" => id.rsplit(':').next().unwrap_or_default(),
        name => name,
    };
    Ok(Schema {
        name: name.to_owned(),
        description: node.text("description")?.to_owned(),
        id,
        attributes,
    })
}

fn read_attributes(nodes: &[Node<'_>], may_nest: bool) -> Result<Vec<Attribute>, ScimError> {
    let mut attributes: Vec<Attribute> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let read = attribute(node, may_nest)?;
        if attributes
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&read.name))
        {
            return Err(invalid(format!(
                "`{}`: the attribute `{}` is defined twice.",
                node.at("name"),
                read.name
            )));
        }
        attributes.push(read);
    }
    Ok(attributes)
}

const CHARACTERISTICS: [&str; 12] = [
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "canonicalValues",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "referenceTypes",
    "subAttributes",
];

fn attribute(node: &Node<'_>, may_nest: bool) -> Result<Attribute, ScimError> {
    node.only(&CHARACTERISTICS)?;
    let name = node.required_text("name")?;
    if !is_name(name) || name.len() > limits::SCHEMA_NAME_BYTES {
        return Err(invalid(format!(
            "`{}` is a letter followed by letters, digits, `-` and `_`, at most {} of them.",
            node.at("name"),
            limits::SCHEMA_NAME_BYTES
        )));
    }
    let kind = node.keyword(
        "type",
        AttributeType::String,
        AttributeType::from_keyword,
        AttributeType::keywords,
    )?;
    let mut read = Attribute::of(kind, name, node.text("description")?);
    read.multi_valued = node.flag("multiValued")?;
    read.required = node.flag("required")?;
    read.canonical_values = node.texts("canonicalValues")?;
    read.reference_types = node.texts("referenceTypes")?;
    // References and binary values are compared exactly whatever a schema says (RFC 7643 sections 2.3.6 and 2.3.7).
    read.case_exact |= node.flag("caseExact")?;
    read.mutability = node.keyword(
        "mutability",
        Mutability::ReadWrite,
        Mutability::from_keyword,
        Mutability::keywords,
    )?;
    read.returned = node.keyword(
        "returned",
        Returned::Default,
        Returned::from_keyword,
        Returned::keywords,
    )?;
    read.uniqueness = node.keyword(
        "uniqueness",
        Uniqueness::None,
        Uniqueness::from_keyword,
        Uniqueness::keywords,
    )?;
    let subs = node.nodes("subAttributes", limits::SCHEMA_ATTRIBUTES)?;
    check(node, &read, subs.len(), may_nest)?;
    read.sub_attributes = read_attributes(&subs, false)?;
    Ok(read)
}

/// Combinations that could not be kept.
fn check(node: &Node<'_>, read: &Attribute, subs: usize, may_nest: bool) -> Result<(), ScimError> {
    let complex = read.kind == AttributeType::Complex;
    let (name, detail) = match read {
        _ if complex && !may_nest => ("type", "cannot be complex within a complex attribute"),
        _ if complex && subs == 0 => ("subAttributes", "is required for a complex attribute"),
        _ if !complex && subs > 0 => ("subAttributes", "is only for complex attributes"),
        _ if complex && read.uniqueness != Uniqueness::None => {
            ("uniqueness", "must be `none` for a complex attribute")
        }
        _ if read.mutability == Mutability::WriteOnly && read.returned != Returned::Never => {
            ("returned", "must be `never` for a writeOnly attribute")
        }
        _ if read.required && read.mutability == Mutability::ReadOnly => {
            ("required", "cannot be true for a readOnly attribute")
        }
        _ => return Ok(()),
    };
    Err(invalid(format!("`{}` {detail}.", node.at(name))))
}

fn resource_type(node: &Node<'_>) -> Result<TypeDefinition, ScimError> {
    node.only(&[
        "id",
        "name",
        "endpoint",
        "description",
        "schema",
        "schemaExtensions",
        "schemas",
        "meta",
    ])?;
    let name = node.required_text("name")?;
    let word = |text: &str| {
        text.len() <= limits::SCHEMA_NAME_BYTES
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !word(name) {
        return Err(invalid(format!(
            "`{}` is a letter followed by letters and digits.",
            node.at("name")
        )));
    }
    let extensions = node
        .nodes("schemaExtensions", limits::SCHEMA_EXTENSIONS)?
        .iter()
        .map(|extension| {
            extension.only(&["schema", "required"])?;
            Ok((
                extension.required_text("schema")?.to_owned(),
                extension.flag("required")?,
            ))
        })
        .collect::<Result<_, ScimError>>()?;
    let mut read = TypeDefinition {
        name: name.to_owned(),
        endpoint: String::new(),
        description: node.text("description")?.to_owned(),
        schema: String::new(),
        extensions,
    };
    if read.is_standard() {
        return Ok(read);
    }
    let endpoint = node.required_text("endpoint")?;
    if !endpoint.strip_prefix('/').is_some_and(word) {
        return Err(invalid(format!(
            "`{}` is a slash, a letter and letters or digits, such as `/Badges`.",
            node.at("endpoint")
        )));
    }
    read.endpoint = endpoint.to_owned();
    read.schema = node.required_text("schema")?.to_owned();
    Ok(read)
}
