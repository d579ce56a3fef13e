//! Attribute and PATCH paths (RFC 7644 sections 3.4.2.2 and 3.5.2).

#[cfg(test)]
mod tests;

use std::fmt;

use crate::{
    ScimError, ScimType,
    cursor::Cursor,
    filter::{self, Filter},
    limits,
    schema::{Attribute, ResourceType},
};

/// `[urn:]attribute[.sub]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath {
    /// URN of the schema, when one is given.
    pub schema: Option<String>,
    /// Name of the attribute, as written.
    pub attribute: String,
    /// Name of the sub-attribute, as written.
    pub sub: Option<String>,
}

/// `attrPath` or `attr[filter][.sub]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The attribute, and the sub-attribute after the brackets.
    pub attribute: AttributePath,
    /// Which values of the attribute are meant; names inside are sub-attributes.
    pub filter: Option<Box<Filter>>,
}

/// What a path means in a resource type.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The extension it lives in; `None` for the base schema and common attributes.
    pub extension: Option<&'a str>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, when one is named.
    pub sub: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// The attribute whose values are compared: the sub-attribute, or what [`Attribute::default_leaf`] says.
    #[must_use]
    pub fn leaf(&self) -> &'a Attribute {
        self.sub.unwrap_or_else(|| self.attribute.default_leaf())
    }

    /// Whether the attribute or what is compared is never returned, so that nobody may search for it either.
    pub(crate) fn is_secret(&self) -> bool {
        self.attribute.is_secret() || self.leaf().is_secret()
    }

    /// The name under which [`crate::index::entries`] lists the compared values, in lower case:
    /// `emails.value` for `emails`, `urn:…:user:department`.
    #[must_use]
    pub fn index_name(&self) -> String {
        let leaf = self.leaf();
        let mut name = self
            .extension
            .map_or_else(String::new, |urn| format!("{urn}:"));
        name.push_str(&self.attribute.name);
        if !std::ptr::eq(leaf, self.attribute) {
            name.push('.');
            name.push_str(&leaf.name);
        }
        name.to_ascii_lowercase()
    }
}

impl AttributePath {
    /// Parses an attribute path. The longest known URN is not needed: a path with `urn:` is split at the last colon.
    ///
    /// # Errors
    ///
    /// `invalidPath` with the position.
    ///
    /// ```
    /// use tenure_scim::path::AttributePath;
    /// let path = AttributePath::parse("urn:example:2.0:User:manager.value").unwrap();
    /// assert_eq!(path.schema.as_deref(), Some("urn:example:2.0:User"));
    /// assert_eq!((path.attribute.as_str(), path.sub.as_deref()), ("manager", Some("value")));
    /// ```
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let path = Path::parse(text)?;
        match path.filter {
            None => Ok(path.attribute),
            Some(_) => Err(ScimError::bad_request(
                ScimType::InvalidPath,
                format!(
                    "`{}` must name an attribute without a filter.",
                    shorten(text)
                ),
            )),
        }
    }

    /// Reads the name that the cursor stands at.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ScimError> {
        let start = cursor.at();
        let token = cursor.name();
        if token.is_empty() {
            let message = match cursor.peek() {
                None => "an attribute name is missing at the end".to_owned(),
                Some(found) => format!("an attribute name was expected, not `{found}`"),
            };
            return Err(cursor.error(start, &message));
        }
        let (schema, name) = match token.rsplit_once(':') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, token),
        };
        let (attribute, sub) = match name.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (name, None),
        };
        let is_urn = |schema: &str| {
            schema
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        };
        if !schema.is_none_or(is_urn) || !is_name(attribute) || !sub.is_none_or(is_name) {
            return Err(cursor.error(
                start,
                &format!("`{}` is not an attribute name", shorten(token)),
            ));
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// Finds the attribute in the type, comparing without case; knows `id`, `externalId`, `meta`, `schemas`, and `members`/`groups`.
    ///
    /// `email` means `emails` where the type has only the latter, as some clients filter by it.
    #[must_use]
    pub fn resolve<'a>(&self, resource_type: &'a ResourceType) -> Option<Resolved<'a>> {
        self.resolve_exact(resource_type).or_else(|| {
            let is_short = self.schema.is_none() && self.attribute.eq_ignore_ascii_case("email");
            let plural = Self {
                attribute: "emails".to_owned(),
                ..self.clone()
            };
            if is_short {
                plural.resolve_exact(resource_type)
            } else {
                None
            }
        })
    }

    /// As [`Self::resolve`], but without the names that are only tolerated for reading.
    pub(crate) fn resolve_exact<'a>(
        &self,
        resource_type: &'a ResourceType,
    ) -> Option<Resolved<'a>> {
        let (extension, attribute) = match self.schema.as_deref() {
            None => (None, resource_type.attribute(&self.attribute)?),
            Some(urn) if resource_type.is_base_schema(urn) => {
                (None, resource_type.attribute(&self.attribute)?)
            }
            Some(urn) => {
                let schema = &resource_type.extension(urn)?.schema;
                (Some(schema.id.as_str()), schema.attribute(&self.attribute)?)
            }
        };
        let sub = match &self.sub {
            None => None,
            Some(name) => Some(attribute.sub_attribute(name)?),
        };
        Some(Resolved {
            extension,
            attribute,
            sub,
        })
    }
}

impl Path {
    /// Parses a PATCH path. Display gives the canonical text.
    ///
    /// # Errors
    ///
    /// `invalidPath` with the position.
    ///
    /// ```
    /// use tenure_scim::path::Path;
    /// let path = Path::parse(r#"emails[type EQ "work"].value"#).unwrap();
    /// assert_eq!(path.to_string(), r#"emails[type eq "work"].value"#);
    /// ```
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let mut cursor = Cursor::new(text, ScimType::InvalidPath);
        if text.chars().count() > limits::FILTER_CHARS {
            let message = format!("it is longer than {} characters", limits::FILTER_CHARS);
            return Err(cursor.error(0, &message));
        }
        cursor.skip_spaces();
        let mut attribute = AttributePath::read(&mut cursor)?;
        let filter = if cursor.peek() == Some('[') {
            if attribute.sub.is_some() {
                return Err(cursor.error(
                    cursor.at(),
                    "only an attribute can have a filter, not a sub-attribute",
                ));
            }
            let inner = filter::parse::brackets(&mut cursor)?;
            attribute.sub = filter::parse::sub_after_brackets(&mut cursor)?;
            Some(Box::new(inner))
        } else {
            None
        };
        cursor.skip_spaces();
        if let Some(found) = cursor.peek() {
            return Err(cursor.error(cursor.at(), &format!("`{found}` was not expected here")));
        }
        Ok(Self { attribute, filter })
    }
}

/// `ALPHA` or `$`, then letters, digits, `$`, `-`, `_` (RFC 7643 section 2.1, and `$ref`).
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '$')
        && characters.all(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '$' | '-' | '_')
        })
}

/// A text from outside, cut so that an error stays readable.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN_CHARS: usize = 100;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.attribute)?;
        match &self.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else {
            return self.attribute.fmt(formatter);
        };
        let attribute = AttributePath {
            sub: None,
            ..self.attribute.clone()
        };
        write!(formatter, "{attribute}[{filter}]")?;
        match &self.attribute.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}
