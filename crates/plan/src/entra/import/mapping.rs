//! Attribute mappings. One that cannot be used is left out, and a warning says which and why.

use super::{
    Notes,
    definition::{Definition, Definitions},
    join, text,
};
use crate::{
    compile::{limits, mapping_problems},
    config::{Apply, Mapping, ObjectKind, Source},
    entra::{names, short, source},
    expression::Expression,
    target::TargetPath,
};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

const MAPPING: &[&str] = &[
    "id",
    "targetAttributeName",
    "matchingPriority",
    "flowType",
    "flowBehavior",
    "exportMissingReferences",
    "defaultValue",
    "source",
];

pub(super) fn read(
    kind: ObjectKind,
    place: &str,
    map: &Map<String, Value>,
    definitions: &Definitions<'_>,
    notes: &mut Notes,
) -> Vec<Mapping> {
    let list = notes.list(place, map, "attributeMappings");
    let place = join(place, "attributeMappings");
    if list.len() > limits::MAPPINGS {
        notes.refuse(
            place,
            format!("At most {} mappings are possible", limits::MAPPINGS),
        );
        return Vec::new();
    }
    let mut mappings: Vec<(String, Mapping)> = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for (index, value) in list.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match mapping(kind, &place, value, definitions, notes) {
            Err(message) => notes.warn(place, message),
            Ok(mapping) => {
                let target = mapping.target.trim().to_ascii_lowercase();
                match seen.get(&target) {
                    Some(first) => notes.warn(
                        place,
                        format!(
                            "`{}` is mapped by {first} already, so this mapping was left out",
                            short(&mapping.target)
                        ),
                    ),
                    None => {
                        seen.insert(target, place.clone());
                        mappings.push((place, mapping));
                    }
                }
            }
        }
    }
    distinct_precedence(&mut mappings, notes);
    mappings.into_iter().map(|(_, mapping)| mapping).collect()
}

/// Two attributes of the same precedence are tried one after the other.
fn distinct_precedence(mappings: &mut [(String, Mapping)], notes: &mut Notes) {
    let used: Vec<u32> = mappings
        .iter()
        .filter_map(|(_, mapping)| mapping.matching)
        .collect();
    let distinct: BTreeSet<u32> = used.iter().copied().collect();
    if used.len() == distinct.len() {
        return;
    }
    let mut matching: Vec<&mut (String, Mapping)> = mappings
        .iter_mut()
        .filter(|(_, mapping)| mapping.matching.is_some())
        .collect();
    matching.sort_by_key(|(_, mapping)| mapping.matching);
    for (precedence, (place, mapping)) in (1..).zip(matching) {
        if mapping.matching != Some(precedence) {
            notes.warn(
                join(place, "matchingPriority"),
                format!(
                    "Several attributes have the same priority, so `{}` has {precedence} now",
                    short(&mapping.target)
                ),
            );
            mapping.matching = Some(precedence);
        }
    }
}

/// One mapping, or why it is left out.
fn mapping(
    kind: ObjectKind,
    place: &str,
    value: &Value,
    definitions: &Definitions<'_>,
    notes: &mut Notes,
) -> Result<Mapping, String> {
    let map = value
        .as_object()
        .ok_or("A mapping must be a JSON object; this was left out")?;
    notes.unknown(place, map, MAPPING);
    let target = text(map, "targetAttributeName");
    let left_out = |why: &str| {
        let target = short(target);
        format!("The mapping of `{target}` was left out: {why}")
    };
    if target.trim().is_empty() {
        return Err("The mapping names no target attribute and was left out".to_owned());
    }
    let first = target.trim().split('.').next().unwrap_or_default();
    if ["id", "meta", "schemas"]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(first))
    {
        return Err(left_out("it belongs to the target"));
    }
    let definition = definitions.get(target.trim());
    let source = source_of(kind, place, map, definition, notes).map_err(|why| left_out(&why))?;
    let members = kind == ObjectKind::Group && target.trim().eq_ignore_ascii_case("members");
    if members && source != Source::Attribute("members".to_owned()) {
        return Err(left_out("members can only come from `[members]`"));
    }
    let mut mapping = Mapping {
        target: target.to_owned(),
        source,
        default: default(place, map, definition, notes),
        apply: apply(place, map, notes),
        matching: matching(place, map, notes),
    };
    adjust(&mut mapping, members, place, notes);
    if !members && let Some(problem) = mapping_problems(kind, &mapping).first() {
        return Err(left_out(&problem.message));
    }
    remark(&mapping, definition, place, map, notes);
    Ok(mapping)
}

fn source_of(
    kind: ObjectKind,
    place: &str,
    map: &Map<String, Value>,
    definition: Definition<'_>,
    notes: &mut Notes,
) -> Result<Source, String> {
    let source = match map.get("source") {
        None | Some(Value::Null) => return Ok(Source::None),
        Some(Value::Object(source)) if source.is_empty() => return Ok(Source::None),
        Some(Value::Object(source)) => source,
        Some(_) => return Err("its source must be a JSON object or null".to_owned()),
    };
    let place = join(place, "source");
    notes.unknown(
        &place,
        source,
        &["type", "name", "expression", "parameters"],
    );
    let (name, text) = (text(source, "name"), text(source, "expression").trim());
    let shown = match source.get("type") {
        None | Some(Value::Null) if name.is_empty() => "Function",
        None | Some(Value::Null) => "Attribute",
        Some(kind) => kind.as_str().unwrap_or_default(),
    };
    match shown.to_ascii_lowercase().as_str() {
        "attribute" => attribute(kind, &place, name, text, notes),
        "constant" => constant(source, text, definition),
        "function" => expression(&place, source, text, notes)
            .map(|text| Source::Expression(names::expression_from_entra(kind, &text))),
        _ => Err(format!("there is no source of type `{}`", short(shown))),
    }
}

fn attribute(
    kind: ObjectKind,
    place: &str,
    name: &str,
    text: &str,
    notes: &mut Notes,
) -> Result<Source, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or_default();
    let name = if name.trim().is_empty() { bare } else { name };
    if name.trim().is_empty() {
        return Err("its source names no attribute".to_owned());
    }
    if !text.is_empty() && !bare.trim().eq_ignore_ascii_case(name.trim()) {
        notes.warn(
            join(place, "expression"),
            format!(
                "The expression `{}` is not the attribute `{}`, which was taken",
                short(text),
                short(name)
            ),
        );
    }
    Ok(Source::Attribute(names::from_entra(kind, name)))
}

fn constant(
    source: &Map<String, Value>,
    text: &str,
    definition: Definition<'_>,
) -> Result<Source, String> {
    match source.get("name") {
        Some(Value::String(value)) => Ok(Source::Constant(definition.value(value))),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(Source::Constant(value.clone())),
        None | Some(Value::Null) => match Expression::parse(text) {
            Ok(parsed) if parsed.attributes().is_empty() && !parsed.text.contains('(') => {
                Ok(Source::Constant(definition.value(&parsed.outline().name)))
            }
            _ => Err("its constant has no value".to_owned()),
        },
        Some(_) => Err("its constant must be a text".to_owned()),
    }
}

/// The text of an expression. The tree of its parts only counts when the text cannot be used: it leaves blank
/// parameters out.
fn expression(
    place: &str,
    source: &Map<String, Value>,
    text: &str,
    notes: &mut Notes,
) -> Result<String, String> {
    let error = match Expression::parse(text) {
        Ok(parsed) => {
            let outline = parsed.outline();
            let outer = outline.name;
            // As it was written, and as it is written: `&HF` is 15 in a tree.
            let printed = outline
                .parameters
                .iter()
                .map(|(_, part)| part.text.as_str());
            let texts: Vec<&str> = printed.chain([text]).collect();
            let name = super::text(source, "name");
            if !name.is_empty() && name != outer {
                notes.warn(
                    join(place, "name"),
                    format!(
                        "The expression calls `{}` and not `{}`; the expression was taken",
                        short(&outer),
                        short(name)
                    ),
                );
            } else if let Some(part) =
                source::unmentioned(source, &texts.join(" ").to_lowercase(), 0)
            {
                notes.warn(
                    join(place, "parameters"),
                    format!(
                        "`{}` is not in the expression; the expression was taken",
                        short(&part)
                    ),
                );
            }
            return Ok(text.to_owned());
        }
        Err(error) if text.is_empty() => format!("it has no expression ({error})"),
        Err(error) => error.to_string(),
    };
    let built = source::text_of(source, 0).map_err(|_| error.clone())?;
    Expression::parse(&built).map_err(|_| error.clone())?;
    notes.warn(
        join(place, "expression"),
        format!("The text could not be used ({error}), so the expression was put together from its parts as `{}`; compare them", short(&built)),
    );
    Ok(built)
}

/// The default; an empty text is none.
fn default(
    place: &str,
    map: &Map<String, Value>,
    definition: Definition<'_>,
    notes: &mut Notes,
) -> Option<Value> {
    match map.get("defaultValue") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(definition.value(text)),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.clone()),
        Some(_) => {
            notes.warn(
                join(place, "defaultValue"),
                "A default must be a text; it was left out",
            );
            None
        }
    }
}

fn apply(place: &str, map: &Map<String, Value>, notes: &mut Notes) -> Apply {
    let word = text(map, "flowType");
    match word.to_ascii_lowercase().as_str() {
        "" | "always" => Apply::Always,
        "objectaddonly" => Apply::OnCreate,
        "multivalueaddonly" => Apply::AddValues,
        "valueaddonly" => Apply::NeverRemove,
        "attributeaddonly" => Apply::IfEmpty,
        _ => {
            notes.warn(
                join(place, "flowType"),
                format!(
                    "There is no flow type `{}`; the mapping applies only during creation",
                    short(word)
                ),
            );
            Apply::OnCreate
        }
    }
}

fn matching(place: &str, map: &Map<String, Value>, notes: &mut Notes) -> Option<u32> {
    match map.get("matchingPriority") {
        None | Some(Value::Null) => None,
        Some(value) => match value.as_i64() {
            Some(number) if number <= 0 => None,
            Some(number) if u32::try_from(number).is_ok() => u32::try_from(number).ok(),
            _ => {
                notes.warn(
                    join(place, "matchingPriority"),
                    "This is not a whole number of 32 bits, so the attribute is not used for matching",
                );
                None
            }
        },
    }
}

/// Changes what a configuration would be refused for, where that takes nothing away.
fn adjust(mapping: &mut Mapping, members: bool, place: &str, notes: &mut Notes) {
    let unique = matches!(&mapping.source, Source::Expression(text) if Expression::parse(text).is_ok_and(|parsed| parsed.selects_unique()));
    if unique && mapping.apply != Apply::OnCreate {
        notes.warn(
            join(place, "flowType"),
            "A unique value is chosen once, so the mapping applies only during creation",
        );
        mapping.apply = Apply::OnCreate;
    }
    let path = TargetPath::parse(&mapping.target);
    let many = members || path.is_ok_and(|path| path.is_list() || path.is_reference());
    let why = match &mapping.source {
        Source::None => "it has no source",
        _ if unique => "nobody has its value yet",
        _ if many => "it is not a single simple value",
        _ => return,
    };
    if mapping.matching.take().is_some() {
        notes.warn(
            join(place, "matchingPriority"),
            format!(
                "`{}` is not used for matching, because {why}",
                short(&mapping.target)
            ),
        );
    }
}

/// What is taken over, but will not do all that it does at Entra.
fn remark(
    mapping: &Mapping,
    definition: Definition<'_>,
    place: &str,
    map: &Map<String, Value>,
    notes: &mut Notes,
) {
    let behavior = text(map, "flowBehavior");
    if !["", "FlowWhenChanged"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(behavior))
    {
        notes.warn(
            join(place, "flowBehavior"),
            format!(
                "`{}` has no counterpart: values are sent when they change",
                short(behavior)
            ),
        );
    }
    if map.get("exportMissingReferences") == Some(&Value::Bool(true)) {
        notes.warn(
            join(place, "exportMissingReferences"),
            "This has no counterpart: a reference is sent as soon as the account it leads to exists",
        );
    }
    for concern in definition.concerns() {
        notes.warn(
            join(place, "targetAttributeName"),
            format!(
                "The schema says that `{}` {concern}",
                short(&mapping.target)
            ),
        );
    }
    let flows = matches!(mapping.source, Source::Attribute(_) | Source::Expression(_));
    let standard = TargetPath::parse(&mapping.target).is_ok_and(|path| path.is_standard());
    if let Some(kind) = definition.typed()
        && flows
        && !standard
    {
        notes.warn(
            join(place, "targetAttributeName"),
            format!("The schema says that `{}` is of type {kind}, but what the source gives is sent as it is; check that its type fits", short(&mapping.target)),
        );
    }
}
