//! Tokens to a tree.

use super::{
    ExpressionError,
    catalogue::{Function, find, suggestion},
    limits,
    pattern::{Pattern, compile_pattern},
    token::{Comparison, Placed, Token, tokenize},
};

/// One node of a parsed expression. `position` is where it begins, for messages.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Attribute {
        name: String,
        position: usize,
    },
    Text {
        text: String,
        position: usize,
    },
    Number {
        number: i64,
        position: usize,
    },
    /// `vbTextCompare`, `UTF8` and the like.
    EnumName {
        name: String,
        position: usize,
    },
    Compare {
        left: Box<Node>,
        comparison: Comparison,
        right: Box<Node>,
        position: usize,
    },
    Call {
        function: &'static Function,
        arguments: Vec<Slot>,
        position: usize,
        pattern: Option<Pattern>,
    },
}

/// One parameter of a call; a blank one has no node.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) node: Option<Node>,
    /// Where the parameter begins; of a blank one the comma or parenthesis behind it.
    pub(super) position: usize,
}

impl Node {
    pub(super) fn position(&self) -> usize {
        match self {
            Self::Attribute { position, .. }
            | Self::Text { position, .. }
            | Self::Number { position, .. }
            | Self::EnumName { position, .. }
            | Self::Compare { position, .. }
            | Self::Call { position, .. } => *position,
        }
    }

    pub(super) fn visit(&self, look: &mut dyn FnMut(&Node)) {
        look(self);
        match self {
            Self::Compare { left, right, .. } => {
                left.visit(look);
                right.visit(look);
            }
            Self::Call { arguments, .. } => arguments
                .iter()
                .filter_map(|slot| slot.node.as_ref())
                .for_each(|argument| argument.visit(look)),
            _ => {}
        }
    }
}

/// The function whose value the target decides.
pub(super) const UNIQUE: &str = "SelectUniqueValue";

const ENUM_NAMES: [&str; 5] = [
    "vbTextCompare",
    "vbBinaryCompare",
    "Unicode",
    "ASCII",
    "UTF8",
];

pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let length = text.chars().count();
    if length > limits::EXPRESSION_CHARACTERS {
        return Err(ExpressionError::new(
            limits::EXPRESSION_CHARACTERS,
            format!(
                "The expression has {length} characters; at most {} are possible",
                limits::EXPRESSION_CHARACTERS
            ),
        ));
    }
    let mut parser = Parser {
        tokens: tokenize(text)?,
        at: 0,
    };
    let node = parser.argument(0)?;
    match parser.next() {
        (Token::End, _) => {
            check_unique(&node)?;
            Ok(node)
        }
        (token, position) => Err(ExpressionError::new(
            position,
            format!(
                "{} is left over after the end of the expression",
                describe(&token)
            ),
        )),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Placed {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .cloned()
            .unwrap_or((Token::End, 0))
    }

    fn next(&mut self) -> Placed {
        let placed = self.peek();
        self.at += 1;
        placed
    }

    fn argument(&mut self, depth: usize) -> Result<Node, ExpressionError> {
        let position = self.peek().1;
        let left = self.operand(depth)?;
        let (Token::Compare(comparison), _) = self.peek() else {
            return Ok(left);
        };
        self.at += 1;
        let right = self.operand(depth)?;
        Ok(Node::Compare {
            left: Box::new(left),
            comparison,
            right: Box::new(right),
            position,
        })
    }

    fn operand(&mut self, depth: usize) -> Result<Node, ExpressionError> {
        let (token, position) = self.next();
        match token {
            Token::Attribute(name) => Ok(Node::Attribute { name, position }),
            Token::Text(text) => Ok(Node::Text { text, position }),
            Token::Number(number) => Ok(Node::Number { number, position }),
            Token::Name(name) if self.peek().0 == Token::Open => {
                self.at += 1;
                self.call(&name, position, depth + 1)
            }
            Token::Name(name) if ENUM_NAMES.contains(&name.as_str()) => {
                Ok(Node::EnumName { name, position })
            }
            Token::Name(name) => Err(ExpressionError::new(
                position,
                format!(
                    "`{name}` is neither a call nor text; write `[{name}]` for the attribute or `\"{name}\"` for the text"
                ),
            )),
            Token::End => Err(ExpressionError::new(
                position,
                "The expression ends where a value is expected",
            )),
            other => Err(ExpressionError::new(
                position,
                format!("A value is expected instead of {}", describe(&other)),
            )),
        }
    }

    fn call(&mut self, name: &str, position: usize, depth: usize) -> Result<Node, ExpressionError> {
        if depth > limits::DEPTH {
            return Err(ExpressionError::new(
                position,
                format!("Calls are nested deeper than {} levels", limits::DEPTH),
            ));
        }
        let Some(function) = find(name) else {
            return Err(ExpressionError::new(position, suggestion(name)));
        };
        let mut arguments = self.arguments(name, position, depth)?;
        // `Replace(…, , )` may carry one blank slot more than the function has parameters.
        while arguments.len() > function.maximum
            && arguments.last().is_some_and(|slot| slot.node.is_none())
        {
            arguments.pop();
        }
        check_count(function, &arguments, position)?;
        let pattern = constant_pattern(function, &arguments)?;
        Ok(Node::Call {
            function,
            arguments,
            position,
            pattern,
        })
    }

    fn arguments(
        &mut self,
        name: &str,
        position: usize,
        depth: usize,
    ) -> Result<Vec<Slot>, ExpressionError> {
        let mut arguments = Vec::new();
        if self.peek().0 == Token::Close {
            self.at += 1;
            return Ok(arguments);
        }
        loop {
            let (token, at) = self.peek();
            let blank = matches!(token, Token::Comma | Token::Close);
            let node = if blank {
                None
            } else {
                Some(self.argument(depth)?)
            };
            arguments.push(Slot { node, position: at });
            match self.next() {
                (Token::Comma, _) => {}
                (Token::Close, _) => return Ok(arguments),
                (Token::End, _) => {
                    return Err(ExpressionError::new(
                        position,
                        format!("The call of {name} has no closing parenthesis"),
                    ));
                }
                (other, at) => {
                    return Err(ExpressionError::new(
                        at,
                        format!("A comma or `)` is expected instead of {}", describe(&other)),
                    ));
                }
            }
        }
    }
}

fn check_count(
    function: &Function,
    arguments: &[Slot],
    position: usize,
) -> Result<(), ExpressionError> {
    let count = arguments.len();
    if count < function.minimum || count > function.maximum {
        return Err(ExpressionError::new(
            position,
            format!(
                "{} does not take {count} parameters; it is {}",
                function.name(),
                function.signature
            ),
        ));
    }
    let blank = arguments
        .iter()
        .take(function.minimum)
        .enumerate()
        .find(|(index, slot)| slot.node.is_none() && !function.optional.contains(index));
    if let Some((index, slot)) = blank {
        return Err(ExpressionError::new(
            slot.position,
            format!(
                "Parameter {} of {} is blank but needed; it is {}",
                index + 1,
                function.name(),
                function.signature
            ),
        ));
    }
    if function.name() == "Switch" && count % 2 == 1 {
        return Err(ExpressionError::new(
            position,
            format!(
                "Switch needs a value for every key, so an even number of parameters, not {count}"
            ),
        ));
    }
    Ok(())
}

/// A pattern written as constant text is compiled now: mistakes show when the configuration is saved.
fn constant_pattern(
    function: &Function,
    arguments: &[Slot],
) -> Result<Option<Pattern>, ExpressionError> {
    match (function.name(), arguments.get(2)) {
        (
            "Replace",
            Some(Slot {
                node: Some(Node::Text { text, position }),
                ..
            }),
        ) => compile_pattern(text)
            .map(Some)
            .map_err(|message| ExpressionError::new(*position, message)),
        _ => Ok(None),
    }
}

/// Its candidates are tried at the target, which only the mapping as a whole can do.
fn check_unique(root: &Node) -> Result<(), ExpressionError> {
    let mut nested = None;
    root.visit(&mut |node| {
        if let Node::Call {
            function, position, ..
        } = node
            && function.name() == UNIQUE
            && !std::ptr::eq(node, root)
        {
            nested.get_or_insert(*position);
        }
    });
    nested.map_or(Ok(()), |position| {
        Err(ExpressionError::new(
            position,
            format!("{UNIQUE} must be the outermost function; put the others into its parameters"),
        ))
    })
}

fn describe(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Attribute(name) => format!("`[{name}]`"),
        Token::Text(text) => format!("the text \"{text}\""),
        Token::Number(number) => format!("`{number}`"),
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::Comma => "`,`".to_owned(),
        Token::Compare(_) => "a comparison".to_owned(),
        Token::End => "the end".to_owned(),
    }
}
