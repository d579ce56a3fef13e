//! From a configuration to a schema.

use super::{Exported, Warnings, names, short, source};
use crate::{
    ApplicationConfig,
    config::{Actions, Apply, Mapping, ObjectConfig, ObjectKind, ScopingFilter, Source},
    expression::Expression,
    target::{ENTERPRISE, TargetPath},
};
use serde_json::{Value, json};

/// What Entra calls its own directory, and the one of an application that it knows nothing else about.
const SOURCE_DIRECTORY: &str = "Azure Active Directory";
const TARGET_DIRECTORY: &str = "customappsso";
const TARGET_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

pub(super) fn export(config: &ApplicationConfig) -> Exported {
    let mut warnings = Warnings::default();
    let users = Object::new(ObjectKind::User, &config.users, &mut warnings);
    let groups = Object::new(ObjectKind::Group, &config.groups, &mut warnings);
    let schema = json!({
        "directories": [
            { "name": SOURCE_DIRECTORY, "objects": [users.source_definition(), groups.source_definition()] },
            { "name": TARGET_DIRECTORY, "objects": [users.target_definition(), groups.target_definition()] },
        ],
        "synchronizationRules": [{
            "name": "USER_TO_USER",
            "editable": true,
            "priority": 1,
            "sourceDirectoryName": SOURCE_DIRECTORY,
            "targetDirectoryName": TARGET_DIRECTORY,
            "objectMappings": [users.mapping, groups.mapping],
            "metadata": [],
        }],
    });
    Exported {
        schema,
        warnings: warnings.done(),
    }
}

/// One object type on its way out.
struct Object<'a> {
    kind: ObjectKind,
    config: &'a ObjectConfig,
    /// Source attributes that were mentioned, by Entra's names.
    sources: Vec<String>,
    mapping: Value,
}

impl<'a> Object<'a> {
    fn new(kind: ObjectKind, config: &'a ObjectConfig, warnings: &mut Warnings) -> Self {
        let mut object = Self {
            kind,
            config,
            sources: vec!["objectId".to_owned()],
            mapping: Value::Null,
        };
        let mappings: Vec<Value> = config
            .mappings
            .iter()
            .enumerate()
            .map(|(index, mapping)| {
                let place = format!("{}.mappings[{index}]", object.place());
                object.attribute_mapping(&place, mapping, warnings)
            })
            .collect();
        let scope = object.scope(warnings);
        object.mapping = json!({
            "name": format!("Provision {SOURCE_DIRECTORY} {}s", kind.resource_type()),
            "enabled": config.enabled,
            "flowTypes": flow_types(config.actions),
            "sourceObjectName": kind.resource_type(),
            "targetObjectName": object.target_name(),
            "scope": scope,
            "attributeMappings": mappings,
            "metadata": [],
        });
        object
    }

    fn place(&self) -> &'static str {
        match self.kind {
            ObjectKind::User => "users",
            ObjectKind::Group => "groups",
        }
    }

    fn target_name(&self) -> &'static str {
        match self.kind {
            ObjectKind::User => ENTERPRISE,
            ObjectKind::Group => TARGET_GROUP,
        }
    }

    /// Entra's name of a source attribute, remembered for the definitions.
    fn name(&mut self, place: &str, name: &str, warnings: &mut Warnings) -> String {
        let name = names::to_entra(self.kind, name).unwrap_or_else(|name| {
            warnings.add(
                place,
                format!(
                    "Entra ID has no attribute `{}` of its own; the name is written as it is",
                    short(&name)
                ),
            );
            name
        });
        if !self
            .sources
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name))
        {
            self.sources.push(name.clone());
        }
        name
    }

    fn attribute_mapping(
        &mut self,
        place: &str,
        mapping: &Mapping,
        warnings: &mut Warnings,
    ) -> Value {
        let source = self.source(&format!("{place}.source"), &mapping.source, warnings);
        let default = mapping
            .default
            .as_ref()
            .filter(|default| !default.is_null());
        json!({
            "targetAttributeName": mapping.target,
            "matchingPriority": mapping.matching.unwrap_or_default(),
            "flowType": flow_type(mapping.apply),
            "flowBehavior": "FlowWhenChanged",
            "exportMissingReferences": false,
            "defaultValue": default.map(|value| plain(&format!("{place}.default"), value, warnings)),
            "source": source,
        })
    }

    fn source(&mut self, place: &str, source: &Source, warnings: &mut Warnings) -> Value {
        match source {
            Source::None => Value::Null,
            Source::Constant(value) => source::constant(&plain(place, value, warnings)),
            Source::Attribute(name) => source::attribute(&self.name(place, name, warnings)),
            Source::Expression(text) => self.expression(place, text, warnings),
        }
    }

    fn expression(&mut self, place: &str, text: &str, warnings: &mut Warnings) -> Value {
        let parsed = Expression::parse(text).and_then(|expression| {
            for name in expression.attributes() {
                self.name(place, &name, warnings);
            }
            Expression::parse(
                &expression
                    .renamed(&|name| names::to_entra(self.kind, name).unwrap_or_else(|name| name)),
            )
        });
        match parsed {
            Ok(expression) => source::expression(&expression),
            Err(error) => {
                warnings.add(
                    place,
                    format!(
                        "The expression is written as it is, because it cannot be read: {error}"
                    ),
                );
                let name = text.split('(').next().unwrap_or_default().trim();
                json!({ "type": "Function", "name": name, "expression": text, "parameters": [] })
            }
        }
    }

    fn scope(&mut self, warnings: &mut Warnings) -> Value {
        if self.config.filters.is_empty() {
            return Value::Null;
        }
        let filters = self.config.filters.iter().enumerate();
        let groups: Vec<Value> = filters
            .map(|(index, filter)| {
                let place = format!("{}.filters[{index}]", self.place());
                self.group(&place, filter, warnings)
            })
            .collect();
        json!({ "groups": groups, "inputFilterGroups": [], "categoryFilterGroups": [] })
    }

    fn group(&mut self, place: &str, filter: &ScopingFilter, warnings: &mut Warnings) -> Value {
        let clauses = filter.clauses.iter().enumerate();
        let clauses: Vec<Value> = clauses
            .map(|(index, clause)| {
                let place = format!("{place}.clauses[{index}].attribute");
                let values: Vec<&String> = clause.value.iter().collect();
                json!({
                    "operatorName": clause.operator,
                    "sourceOperandName": self.name(&place, &clause.attribute, warnings),
                    "targetOperand": { "values": values },
                })
            })
            .collect();
        json!({ "name": filter.title, "clauses": clauses })
    }

    fn source_definition(&self) -> Value {
        let attributes: Vec<Value> = self
            .sources
            .iter()
            .map(|name| {
                let lower = name.to_ascii_lowercase();
                let kind = match lower.as_str() {
                    "manager" | "members" => "Reference",
                    "issoftdeleted" | "accountenabled" => "Boolean",
                    _ => "String",
                };
                let many = [
                    "members",
                    "othermails",
                    "proxyaddresses",
                    "approleassignments",
                ]
                .contains(&lower.as_str());
                definition(name, kind, lower == "objectid", many)
            })
            .collect();
        json!({ "name": self.kind.resource_type(), "attributes": attributes })
    }

    fn target_definition(&self) -> Value {
        let mut attributes = vec![definition("id", "String", true, false)];
        attributes.extend(self.config.mappings.iter().map(target_attribute));
        json!({ "name": self.target_name(), "attributes": attributes })
    }
}

fn target_attribute(mapping: &Mapping) -> Value {
    let constant = match &mapping.source {
        Source::Constant(value) => Some(value),
        _ => None,
    };
    let path = TargetPath::parse(&mapping.target);
    let is = |what: fn(&TargetPath) -> bool| path.as_ref().is_ok_and(what);
    let has = |what: fn(&Value) -> bool| {
        constant.is_some_and(what) || mapping.default.as_ref().is_some_and(what)
    };
    let kind = if is(TargetPath::is_reference) || mapping.target.eq_ignore_ascii_case("members") {
        "Reference"
    } else if is(TargetPath::is_boolean) || has(Value::is_boolean) {
        "Boolean"
    } else if has(Value::is_i64) {
        "Integer"
    } else {
        "String"
    };
    definition(&mapping.target, kind, false, is(TargetPath::is_list))
}

fn definition(name: &str, kind: &str, anchor: bool, many: bool) -> Value {
    let references: Vec<Value> = if kind == "Reference" {
        vec![json!({ "referencedObjectName": "User", "referencedProperty": null })]
    } else {
        Vec::new()
    };
    json!({
        "name": name,
        "type": kind,
        "anchor": anchor,
        "required": false,
        "multivalued": many,
        "caseExact": false,
        "mutability": "ReadWrite",
        "flowNullValues": false,
        "defaultValue": null,
        "metadata": [],
        "referencedObjects": references,
    })
}

/// Constants and defaults are texts at Entra; the type of the target attribute tells what they mean.
fn plain(place: &str, value: &Value, warnings: &mut Warnings) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => {
            if !other.is_i64() {
                warnings.add(place, "Entra ID knows texts, whole numbers and booleans only; the value is written as text");
            }
            other.to_string()
        }
    }
}

fn flow_types(actions: Actions) -> String {
    let words = [
        (actions.create, "Add"),
        (actions.update, "Update"),
        (actions.delete, "Delete"),
    ];
    let words: Vec<&str> = words
        .into_iter()
        .filter_map(|(on, word)| on.then_some(word))
        .collect();
    words.join(", ")
}

fn flow_type(apply: Apply) -> &'static str {
    match apply {
        Apply::Always => "Always",
        Apply::OnCreate => "ObjectAddOnly",
        Apply::AddValues => "MultiValueAddOnly",
        Apply::NeverRemove => "ValueAddOnly",
        Apply::IfEmpty => "AttributeAddOnly",
    }
}
