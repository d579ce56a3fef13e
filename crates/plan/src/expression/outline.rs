//! A parsed expression as other formats need it: as a tree of parts, and with other names for attributes.

use super::{
    Expression,
    catalogue::{Function, find},
    parse::Node,
    token::{Comparison, attributes},
};

/// What a part of an expression is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    Attribute,
    Constant,
    Call,
}

/// An attribute, a constant or a call with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    /// Name of the attribute or function, or the constant itself.
    pub(crate) name: String,
    /// The part as an expression.
    pub(crate) text: String,
    /// Parameters that are not blank, each with its name.
    pub(crate) parameters: Vec<(String, Part)>,
}

impl Expression {
    /// The expression as a tree. As deep as the expression is nested, so at most [`super::limits::DEPTH`] and a bit.
    pub(crate) fn outline(&self) -> Part {
        Part {
            text: self.text.clone(),
            ..part(&self.root)
        }
    }

    /// The text with each attribute called as `rename` says, and all else as it was written.
    pub(crate) fn renamed(&self, rename: &dyn Fn(&str) -> String) -> String {
        let characters: Vec<char> = self.text.chars().collect();
        let piece = |from: usize, to: usize| characters.get(from..to).unwrap_or_default().iter();
        let (mut text, mut end) = (String::new(), 0);
        // The expression was parsed, so its tokens can be read again.
        for (range, name) in attributes(&self.text).unwrap_or_default() {
            let renamed = rename(&name);
            text.extend(piece(end, range.start));
            if renamed == name {
                text.extend(piece(range.start, range.end));
            } else {
                text.push_str(&format!("[{renamed}]"));
            }
            end = range.end;
        }
        text.extend(piece(end, characters.len()));
        text
    }
}

/// Names of a function's parameters, if there is such a function. The last may stand for any number of them.
pub(crate) fn parameter_names(function: &str) -> Option<Vec<&'static str>> {
    find(function).map(names)
}

/// A text as a constant of an expression.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn names(function: &Function) -> Vec<&'static str> {
    let inner = function.signature.split_once('(');
    let inner = inner.map_or("", |(_, rest)| rest.trim_end_matches(')'));
    inner
        .split(", ")
        .filter(|name| !name.is_empty() && *name != "…")
        .map(|name| name.trim_end_matches('?'))
        .collect()
}

/// The name of a parameter: `source3` of a function that goes on after `source2`.
fn name_of(function: &Function, index: usize) -> String {
    let names = names(function);
    if function.name() == "Switch" && index > 1 {
        return "switchValue".to_owned();
    }
    match (names.get(index), names.last()) {
        (Some(name), _) => (*name).to_owned(),
        (None, Some(last)) => {
            let base = last.trim_end_matches(|letter: char| letter.is_ascii_digit());
            format!("{base}{}", index + 2 - names.len())
        }
        (None, None) => format!("value{}", index + 1),
    }
}

fn leaf(kind: PartKind, name: &str, text: String) -> Part {
    Part {
        kind,
        name: name.to_owned(),
        text,
        parameters: Vec::new(),
    }
}

fn part(node: &Node) -> Part {
    match node {
        Node::Attribute { name, .. } => leaf(PartKind::Attribute, name, format!("[{name}]")),
        Node::Text { text, .. } => leaf(PartKind::Constant, text, quoted(text)),
        Node::Number { number, .. } => {
            leaf(PartKind::Constant, &number.to_string(), number.to_string())
        }
        Node::EnumName { name, .. } => leaf(PartKind::Constant, name, name.clone()),
        Node::Compare {
            left,
            comparison,
            right,
            ..
        } => {
            let (left, right) = (part(left), part(right));
            let sign = sign(*comparison);
            Part {
                kind: PartKind::Call,
                name: sign.to_owned(),
                text: format!("{} {sign} {}", left.text, right.text),
                parameters: vec![("left".to_owned(), left), ("right".to_owned(), right)],
            }
        }
        Node::Call {
            function,
            arguments,
            ..
        } => {
            let mut texts = Vec::new();
            let mut parameters = Vec::new();
            for (index, slot) in arguments.iter().enumerate() {
                let argument = slot.node.as_ref().map(part);
                texts.push(
                    argument
                        .as_ref()
                        .map_or_else(String::new, |part| part.text.clone()),
                );
                parameters.extend(argument.map(|part| (name_of(function, index), part)));
            }
            Part {
                kind: PartKind::Call,
                name: function.name().to_owned(),
                text: format!("{}({})", function.name(), texts.join(", ")),
                parameters,
            }
        }
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
    }
}
