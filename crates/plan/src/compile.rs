//! Checks a configuration and prepares it for planning.

mod check;

use crate::{
    config::{
        Actions, ApplicationConfig, Apply, Mapping, ObjectConfig, ObjectKind, ScopingFilter, Source,
    },
    expression::Expression,
    scope::{self, CompiledFilter, ScopeResult, compile_clause},
    source::{Names, SourcePath, SourceView, resolve},
    target::TargetPath,
};
use check::{check_domain, check_matching, check_numbers, check_targets, check_unique};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Bounds of a configuration.
pub mod limits {
    /// Longest and shortest interval between cycles, in minutes.
    pub const INTERVAL_MINUTES: std::ops::RangeInclusive<u32> = 1..=1440;
    pub use crate::dialect::check::limits::*;
    /// Mappings of one object type.
    pub const MAPPINGS: usize = 500;
    /// Filters of one object type, and clauses of one filter.
    pub const FILTERS: usize = 100;
}

/// A configuration that has been checked: parsed expressions, paths and regexes.
#[derive(Debug)]
pub struct Compiled {
    /// What it was made from.
    pub config: ApplicationConfig,
    users: CompiledObject,
    groups: CompiledObject,
}

impl Compiled {
    pub(crate) fn object(&self, kind: ObjectKind) -> &CompiledObject {
        match kind {
            ObjectKind::User => &self.users,
            ObjectKind::Group => &self.groups,
        }
    }

    /// Whether objects of this type are provisioned at all.
    #[must_use]
    pub fn provisions(&self, kind: ObjectKind) -> bool {
        self.object(kind).enabled
    }

    /// Whether group members are provisioned: groups are on, may be updated, and `members` is mapped.
    #[must_use]
    pub fn provisions_members(&self) -> bool {
        self.groups.enabled && self.groups.actions.update && self.groups.members
    }

    /// The mapped values of an account as the target shows it: what a link keeps as `known`.
    #[must_use]
    pub fn known_from(
        &self,
        kind: ObjectKind,
        document: &Map<String, Value>,
    ) -> Map<String, Value> {
        crate::values::known_from(self.object(kind), document)
    }

    /// Values of the matching attributes of an account as the target shows it, in precedence order.
    #[must_use]
    pub fn matching_values(
        &self,
        kind: ObjectKind,
        document: &Map<String, Value>,
    ) -> Vec<(String, String)> {
        self.object(kind)
            .matching()
            .filter_map(|mapping| match mapping.path.read(document)? {
                Value::String(text) if !text.is_empty() => Some((mapping.target.clone(), text)),
                value @ Value::Number(_) => Some((mapping.target.clone(), value.to_string())),
                _ => None,
            })
            .collect()
    }

    /// Target attributes by which existing accounts are found, in precedence order.
    #[must_use]
    pub fn matching_attributes(&self, kind: ObjectKind) -> Vec<&str> {
        self.object(kind)
            .matching()
            .map(|mapping| mapping.target.as_str())
            .collect()
    }
}

/// One object type, compiled.
#[derive(Debug)]
pub(crate) struct CompiledObject {
    pub(crate) enabled: bool,
    pub(crate) actions: Actions,
    pub(crate) mappings: Vec<CompiledMapping>,
    pub(crate) filters: Vec<CompiledFilter>,
    /// Source attributes mentioned anywhere.
    pub(crate) names: Names,
    /// Lower-case names of source attributes that must not be shown.
    pub(crate) redacted: BTreeSet<String>,
    members: bool,
}

impl CompiledObject {
    /// Matching mappings in precedence order.
    pub(crate) fn matching(&self) -> impl Iterator<Item = &CompiledMapping> {
        let mut found: Vec<&CompiledMapping> = self
            .mappings
            .iter()
            .filter(|mapping| mapping.matching.is_some())
            .collect();
        found.sort_by_key(|mapping| mapping.matching);
        found.into_iter()
    }
}

/// One mapping, compiled.
#[derive(Debug)]
pub(crate) struct CompiledMapping {
    pub(crate) target: String,
    pub(crate) path: TargetPath,
    pub(crate) source: CompiledSource,
    pub(crate) default: Option<Value>,
    pub(crate) apply: Apply,
    pub(crate) matching: Option<u32>,
    pub(crate) redacted: bool,
    /// The value follows whether the object has access.
    pub(crate) tells_access: bool,
}

/// Where a value comes from, compiled.
#[derive(Debug)]
pub(crate) enum CompiledSource {
    Attribute(String, SourcePath),
    Constant(Value),
    Expression(Expression),
    None,
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where: `users.mappings[3].source`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Checks and compiles.
///
/// # Errors
/// All problems, not only the first.
pub fn compile(config: &ApplicationConfig) -> Result<Compiled, Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    check_numbers(config, &mut problems);
    let users = compile_object(ObjectKind::User, "users", &config.users, &mut problems);
    let mut groups = compile_object(ObjectKind::Group, "groups", &config.groups, &mut problems);
    groups.enabled &= config.dialect.groups;
    if config.default_domain.is_none() {
        check_domain("users", &config.users, &users, &mut problems);
        check_domain("groups", &config.groups, &groups, &mut problems);
    }
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    Ok(Compiled {
        config: config.clone(),
        users,
        groups,
    })
}

/// Checks scoping filters on their own and evaluates them for an object.
///
/// # Errors
/// All problems of the filters.
pub fn try_filters(
    filters: &[ScopingFilter],
    kind: ObjectKind,
    view: &SourceView<'_>,
) -> Result<ScopeResult, Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    let config = lone(filters);
    let mut object = blank(&config);
    compile_filters(kind, "", &config, &mut object, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    Ok(scope::evaluate(&object.filters, view))
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            place: place.into(),
            message: message.into(),
        });
    }

    /// Keeps the value or notes the problem.
    fn take<T>(&mut self, place: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(place, message)).ok()
    }
}

/// An object type that is nothing but its filters.
fn lone(filters: &[ScopingFilter]) -> ObjectConfig {
    ObjectConfig {
        enabled: true,
        actions: Actions {
            create: true,
            update: true,
            delete: true,
        },
        filters: filters.to_vec(),
        mappings: Vec::new(),
    }
}

fn blank(config: &ObjectConfig) -> CompiledObject {
    CompiledObject {
        enabled: config.enabled,
        actions: config.actions,
        mappings: Vec::new(),
        filters: Vec::new(),
        names: Names::new(),
        redacted: BTreeSet::new(),
        members: false,
    }
}

fn compile_object(
    kind: ObjectKind,
    place: &str,
    config: &ObjectConfig,
    problems: &mut Problems,
) -> CompiledObject {
    let mut object = blank(config);
    if config.mappings.len() > limits::MAPPINGS {
        problems.add(
            format!("{place}.mappings"),
            format!("At most {} mappings are possible", limits::MAPPINGS),
        );
        return object;
    }
    check_targets(place, config, problems);
    check_matching(kind, place, config, problems);
    for (index, mapping) in config.mappings.iter().enumerate() {
        let place = format!("{place}.mappings[{index}]");
        if kind == ObjectKind::Group && mapping.target.trim().eq_ignore_ascii_case("members") {
            object.members = true;
            if mapping.matching.is_some() {
                problems.add(
                    format!("{place}.matching"),
                    "`members` cannot be a matching attribute",
                );
            }
        } else if let Some(compiled) = compile_mapping(kind, &place, mapping, &mut object, problems)
        {
            object.mappings.push(compiled);
        }
    }
    compile_filters(kind, place, config, &mut object, problems);
    object
}

/// What is wrong with a mapping on its own. Places begin with a dot.
pub(crate) fn mapping_problems(kind: ObjectKind, mapping: &Mapping) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    let mut object = blank(&lone(&[]));
    compile_mapping(kind, "", mapping, &mut object, &mut problems);
    problems.0
}

fn compile_mapping(
    kind: ObjectKind,
    place: &str,
    mapping: &Mapping,
    object: &mut CompiledObject,
    problems: &mut Problems,
) -> Option<CompiledMapping> {
    let path = problems.take(
        &format!("{place}.target"),
        TargetPath::parse(&mapping.target),
    );
    let source_place = format!("{place}.source");
    let source = compile_source(kind, &source_place, &mapping.source, object, problems);
    if mapping.matching.is_some()
        && path
            .as_ref()
            .is_some_and(|path| path.is_list() || path.is_reference())
    {
        problems.add(
            format!("{place}.matching"),
            format!(
                "`{}` cannot be a matching attribute, because it is not a single simple value",
                mapping.target
            ),
        );
    }
    if matches!(&source, Some(CompiledSource::Expression(expression)) if expression.selects_unique())
    {
        check_unique(place, mapping, problems);
    }
    if mapping.default.as_ref().is_some_and(Value::is_object) {
        problems.add(
            format!("{place}.default"),
            "A default is text, a number, a boolean or a list of these",
        );
    }
    let (path, source) = (path?, source?);
    let redacted =
        matches!(&source, CompiledSource::Expression(expression) if expression.redacted());
    let apply = match &source {
        CompiledSource::Expression(expression)
            if expression.only_adds() && mapping.apply == Apply::Always =>
        {
            Apply::NeverRemove
        }
        _ => mapping.apply,
    };
    let tells_access = match &source {
        CompiledSource::Attribute(_, path) => path.tells_access(),
        CompiledSource::Expression(expression) => expression.attributes().iter().any(|name| {
            object
                .names
                .get(&name.to_ascii_lowercase())
                .is_some_and(|(_, path)| path.tells_access())
        }),
        _ => false,
    };
    if let CompiledSource::Expression(expression) = &source
        && redacted
    {
        object.redacted.extend(
            expression
                .attributes()
                .iter()
                .map(|name| name.to_ascii_lowercase()),
        );
    }
    Some(CompiledMapping {
        target: mapping.target.trim().to_owned(),
        path,
        source,
        default: mapping.default.clone().filter(|default| !default.is_null()),
        apply,
        matching: mapping.matching,
        redacted,
        tells_access,
    })
}

fn compile_source(
    kind: ObjectKind,
    place: &str,
    source: &Source,
    object: &mut CompiledObject,
    problems: &mut Problems,
) -> Option<CompiledSource> {
    match source {
        Source::None => Some(CompiledSource::None),
        Source::Constant(value) => Some(CompiledSource::Constant(value.clone())),
        Source::Attribute(name) => {
            let path = note_attribute(kind, place, name, object, problems)?;
            Some(CompiledSource::Attribute(name.clone(), path))
        }
        Source::Expression(text) => {
            let expression = problems.take(
                place,
                Expression::parse(text).map_err(|error| error.to_string()),
            )?;
            let mut sound = true;
            for name in expression.attributes() {
                sound &= note_attribute(kind, place, &name, object, problems).is_some();
            }
            sound.then_some(CompiledSource::Expression(expression))
        }
    }
}

/// Resolves a source attribute and remembers it.
fn note_attribute(
    kind: ObjectKind,
    place: &str,
    name: &str,
    object: &mut CompiledObject,
    problems: &mut Problems,
) -> Option<SourcePath> {
    let name = name.trim();
    let path = problems.take(place, resolve(kind, name))?;
    object
        .names
        .insert(name.to_ascii_lowercase(), (name.to_owned(), path.clone()));
    Some(path)
}

/// A place below another; filters on their own have none above.
fn join(place: &str, member: &str) -> String {
    if place.is_empty() {
        member.to_owned()
    } else {
        format!("{place}.{member}")
    }
}

fn compile_filters(
    kind: ObjectKind,
    place: &str,
    config: &ObjectConfig,
    object: &mut CompiledObject,
    problems: &mut Problems,
) {
    if config.filters.len() > limits::FILTERS
        || config
            .filters
            .iter()
            .any(|filter| filter.clauses.len() > limits::FILTERS)
    {
        problems.add(
            join(place, "filters"),
            format!(
                "At most {} filters with {} clauses each are possible",
                limits::FILTERS,
                limits::FILTERS
            ),
        );
        return;
    }
    for (index, filter) in config.filters.iter().enumerate() {
        let place = join(place, &format!("filters[{index}]"));
        if filter.clauses.is_empty() {
            problems.add(&place, "The filter has no clauses, so everything would pass; add a clause or remove the filter");
        }
        let mut clauses = Vec::new();
        for (index, clause) in filter.clauses.iter().enumerate() {
            let place = format!("{place}.clauses[{index}]");
            let Some(path) = note_attribute(
                kind,
                &format!("{place}.attribute"),
                &clause.attribute,
                object,
                problems,
            ) else {
                continue;
            };
            clauses.extend(problems.take(&place, compile_clause(clause, path)));
        }
        object.filters.push(CompiledFilter {
            title: filter.title.clone(),
            clauses,
        });
    }
}
