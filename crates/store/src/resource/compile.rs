//! Filters as SQL over the attribute index. Where the index cannot decide, the condition selects a superset and
//! `exact` is false: then the evaluator of `tenure-scim` decides.

use crate::connection::Value as Parameter;
use serde_json::Value;
use tenure_scim::{
    filter::{CompareOperator, Filter},
    index,
    path::{AttributePath, Resolved},
    schema::{AttributeType, ResourceType},
    value,
};

/// A condition on `r.rid`; `$1` is the workspace and `$2` the kind.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) exact: bool,
}

impl Condition {
    fn exact(sql: String) -> Self {
        Self { sql, exact: true }
    }
    fn superset(sql: String) -> Self {
        Self { sql, exact: false }
    }
    fn undecided() -> Self {
        Self::superset("1 = 1".to_owned())
    }
}

/// How the rows of the attribute index are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// All rows that match first, then their resources: quick when few match.
    Set,
    /// Resource by resource, whether it has such a row: quick for a page when many match.
    Each,
}

/// Builds one statement's conditions and parameters.
pub(super) struct Compiler<'a> {
    pub(super) resource_type: &'a ResourceType,
    pub(super) parameters: &'a mut Vec<Parameter>,
    pub(super) lookup: Lookup,
}

const INDEX: &str = "SELECT i.rid FROM resource_index i WHERE i.workspace_id = $1 AND i.kind = $2";

impl<'a> Compiler<'a> {
    fn bind(&mut self, value: impl Into<Parameter>) -> String {
        self.parameters.push(value.into());
        format!("${}", self.parameters.len())
    }

    /// Whether the resource has an index row that passes a test.
    fn has_row(&self, test: &str) -> String {
        match self.lookup {
            Lookup::Set => format!("r.rid IN ({INDEX} AND {test})"),
            // Without the kind, which follows from the resource, only the index by resource serves.
            Lookup::Each => format!(
                "EXISTS (SELECT 1 FROM resource_index i WHERE i.workspace_id = $1 AND i.rid = r.rid AND {test})"
            ),
        }
    }

    pub(super) fn compile(&mut self, filter: &Filter) -> Condition {
        match filter {
            Filter::And(parts) => self.join(parts, " AND "),
            Filter::Or(parts) => self.join(parts, " OR "),
            Filter::Not(inner) => {
                let inner = self.compile(inner);
                if inner.exact {
                    Condition::exact(format!("NOT ({})", inner.sql))
                } else {
                    Condition::undecided()
                }
            }
            Filter::Present(path) => self.present(path),
            Filter::Compare {
                path,
                operator,
                value,
            } => self.compare(path, *operator, value),
            Filter::ValuePath { path, filter } => self.value_path(path, filter),
        }
    }

    fn join(&mut self, parts: &[Filter], word: &str) -> Condition {
        let parts: Vec<Condition> = parts.iter().map(|part| self.compile(part)).collect();
        let exact = parts.iter().all(|part| part.exact);
        let texts: Vec<String> = parts
            .into_iter()
            .map(|part| format!("({})", part.sql))
            .collect();
        Condition {
            sql: texts.join(word),
            exact,
        }
    }

    fn resolve(&self, path: &AttributePath) -> Option<Resolved<'a>> {
        path.resolve(self.resource_type)
    }

    fn present(&mut self, path: &AttributePath) -> Condition {
        let Some(target) = self.resolve(path) else {
            return Condition::undecided();
        };
        let leaf = target.sub.unwrap_or(target.attribute);
        if !indexed(&target) || leaf.kind == AttributeType::Complex {
            return Condition::undecided();
        }
        let name = self.bind(target.index_name());
        Condition::exact(self.has_row(&format!("i.attribute = {name} AND i.value <> ''")))
    }

    fn compare(
        &mut self,
        path: &AttributePath,
        operator: CompareOperator,
        literal: &Value,
    ) -> Condition {
        if let (true, CompareOperator::Eq, Value::String(text)) =
            (is_members(path), operator, literal)
        {
            return self.has_member(text);
        }
        let Some(target) = self.resolve(path) else {
            return Condition::undecided();
        };
        if target.attribute.name == "id" {
            if let (CompareOperator::Eq, Value::String(text)) = (operator, literal) {
                let id = self.bind(text);
                return Condition::exact(format!("r.id = {id}"));
            }
            return Condition::undecided();
        }
        if !indexed(&target) {
            return Condition::undecided();
        }
        let name = self.bind(target.index_name());
        let many = target.attribute.multi_valued;
        match self.test("i", &target, operator, literal) {
            Some((test, exact)) if operator != CompareOperator::Ne => Condition {
                sql: self.has_row(&format!("i.attribute = {name} AND {test}")),
                exact,
            },
            Some((test, exact)) if !many => Condition {
                sql: format!(
                    "({} OR NOT {})",
                    self.has_row(&format!("i.attribute = {name} AND {test}")),
                    self.has_row(&format!("i.attribute = {name}"))
                ),
                exact,
            },
            _ => Condition::undecided(),
        }
    }

    /// A test on one index row, and whether it decides. `None`: the index cannot help.
    fn test(
        &mut self,
        alias: &str,
        target: &Resolved<'_>,
        operator: CompareOperator,
        literal: &Value,
    ) -> Option<(String, bool)> {
        let leaf = target.leaf();
        let pattern = matches!(
            operator,
            CompareOperator::Co | CompareOperator::Sw | CompareOperator::Ew
        );
        let full = if pattern {
            value::pattern_key(leaf, literal.as_str()?)?
        } else {
            value::key(leaf, literal)?
        };
        let key = index::cut(full.clone());
        // A key that was cut may stand for several values.
        let whole = key == full && key.chars().count() < tenure_scim::limits::INDEX_KEY_CHARS;
        let column = format!("{alias}.value");
        let bound = self.bind(&key);
        Some(match operator {
            CompareOperator::Eq => (format!("{column} = {bound}"), whole),
            CompareOperator::Ne if whole => (format!("{column} <> {bound}"), true),
            CompareOperator::Ne => return None,
            CompareOperator::Gt if whole => (format!("{column} > {bound}"), true),
            CompareOperator::Gt | CompareOperator::Ge => (format!("{column} >= {bound}"), whole),
            CompareOperator::Lt if whole => (format!("{column} < {bound}"), true),
            CompareOperator::Lt | CompareOperator::Le => (format!("{column} <= {bound}"), whole),
            CompareOperator::Sw => {
                let test = match after_prefix(&key) {
                    Some(end) => format!("{column} >= {bound} AND {column} < {}", self.bind(end)),
                    None => format!("{column} >= {bound}"),
                };
                (test, whole)
            }
            CompareOperator::Co | CompareOperator::Ew => {
                let cut = tenure_scim::limits::INDEX_KEY_CHARS;
                (
                    format!("(instr({column}, {bound}) > 0 OR length({column}) >= {cut})"),
                    false,
                )
            }
        })
    }

    fn has_member(&mut self, id: &str) -> Condition {
        let id = self.bind(id);
        Condition::exact(format!(
            "r.rid IN (SELECT m.group_rid FROM member m JOIN resource x ON x.workspace_id = m.workspace_id AND x.rid = m.member_rid \
             WHERE m.workspace_id = $1 AND x.id = {id})"
        ))
    }

    /// `attr[a and b]`: index rows of the same element.
    fn value_path(&mut self, path: &AttributePath, filter: &Filter) -> Condition {
        let single = std::slice::from_ref(filter);
        let terms = if let Filter::And(parts) = filter {
            parts.as_slice()
        } else {
            single
        };
        if is_members(path) {
            if let [
                Filter::Compare {
                    path: sub,
                    operator: CompareOperator::Eq,
                    value: Value::String(text),
                },
            ] = terms
                && sub.attribute.eq_ignore_ascii_case("value")
            {
                return self.has_member(text);
            }
            return Condition::undecided();
        }
        self.same_element(path, terms)
    }

    /// Whether one element passes all comparisons: its index rows have the same element number.
    fn same_element(&mut self, path: &AttributePath, terms: &[Filter]) -> Condition {
        let mut sql = String::new();
        let mut exact = true;
        let mut aliases = 0;
        for term in terms {
            let Filter::Compare {
                path: sub,
                operator,
                value,
            } = term
            else {
                exact = false;
                continue;
            };
            let full = AttributePath {
                schema: path.schema.clone(),
                attribute: path.attribute.clone(),
                sub: Some(sub.attribute.clone()),
            };
            let Some(target) = self
                .resolve(&full)
                .filter(indexed)
                .filter(|_| *operator != CompareOperator::Ne)
            else {
                exact = false;
                continue;
            };
            let alias = format!("e{aliases}");
            let name = self.bind(target.index_name());
            let Some((test, decides)) = self.test(&alias, &target, *operator, value) else {
                exact = false;
                continue;
            };
            exact &= decides;
            if aliases == 0 {
                let kind = match self.lookup {
                    Lookup::Set => "e0.kind = $2 AND ",
                    Lookup::Each => "",
                };
                sql = format!(
                    "SELECT e0.rid FROM resource_index e0{{joins}} WHERE e0.workspace_id = $1 AND {kind}e0.attribute = {name} AND {test}"
                );
            } else {
                sql = sql.replace(
                    "{joins}",
                    &format!(" JOIN resource_index {alias} ON {alias}.workspace_id = $1 AND {alias}.rid = e0.rid AND {alias}.element = e0.element{{joins}}"),
                );
                sql.push_str(&format!(
                    " AND {alias}.kind = $2 AND {alias}.attribute = {name} AND {test}"
                ));
            }
            aliases += 1;
        }
        if aliases == 0 {
            return Condition::undecided();
        }
        let sql = sql.replace("{joins}", "");
        Condition {
            sql: match self.lookup {
                Lookup::Set => format!("r.rid IN ({sql})"),
                Lookup::Each => format!("EXISTS ({sql} AND e0.rid = r.rid)"),
            },
            exact,
        }
    }
}

fn is_members(path: &AttributePath) -> bool {
    path.attribute.eq_ignore_ascii_case("members")
        && path
            .sub
            .as_ref()
            .is_none_or(|sub| sub.eq_ignore_ascii_case("value"))
}

/// Whether index rows exist for what a path names.
pub(super) fn indexed(target: &Resolved<'_>) -> bool {
    let outside = ["id", "meta", "schemas", "members", "groups", "password"];
    !outside.contains(&target.attribute.name.as_str())
        && !matches!(
            target.leaf().kind,
            AttributeType::Complex | AttributeType::Binary
        )
}

/// The smallest text after all texts that begin with a prefix; none when there is no such text. Texts are ordered by
/// code points, which is the order of their UTF-8 bytes.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // A range of characters steps over the gap of the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_of_its_length_or_shorter() {
        let check = |prefix: &str, end: Option<&str>| {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        };
        check("ab", Some("ac"));
        check("a\u{10ffff}", Some("b"));
        check("\u{d7ff}", Some("\u{e000}"));
        check("\u{10ffff}", None);
        check("", None);
    }
}
