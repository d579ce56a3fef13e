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
    Text(String),
    Number(i64),
    /// `vbTextCompare`, `UTF8` and the like.
    EnumName(String),
    Compare {
        left: Box<Node>,
        comparison: Comparison,
        right: Box<Node>,
        position: usize,
    },
    Call {
        function: &'static Function,
        arguments: Vec<Option<Node>>,
        position: usize,
        pattern: Option<Pattern>,
    },
}

impl Node {
    pub(super) fn visit(&self, look: &mut dyn FnMut(&Node)) {
        look(self);
        match self {
            Self::Compare { left, right, .. } => {
                left.visit(look);
                right.visit(look);
            }
            Self::Call { arguments, .. } => arguments
                .iter()
                .flatten()
                .for_each(|argument| argument.visit(look)),
            _ => {}
        }
    }
}

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
        (Token::End, _) => Ok(node),
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
            Token::Text(text) => Ok(Node::Text(text)),
            Token::Number(number) => Ok(Node::Number(number)),
            Token::Name(name) if self.peek().0 == Token::Open => {
                self.at += 1;
                self.call(&name, position, depth + 1)
            }
            Token::Name(name) if ENUM_NAMES.contains(&name.as_str()) => Ok(Node::EnumName(name)),
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
        while arguments.len() > function.maximum && arguments.last().is_some_and(Option::is_none) {
            arguments.pop();
        }
        check_count(function, &arguments, position)?;
        let pattern = constant_pattern(function, &arguments, position)?;
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
    ) -> Result<Vec<Option<Node>>, ExpressionError> {
        let mut arguments = Vec::new();
        if self.peek().0 == Token::Close {
            self.at += 1;
            return Ok(arguments);
        }
        loop {
            let blank = matches!(self.peek().0, Token::Comma | Token::Close);
            arguments.push(if blank {
                None
            } else {
                Some(self.argument(depth)?)
            });
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
    arguments: &[Option<Node>],
    position: usize,
) -> Result<(), ExpressionError> {
    let count = arguments.len();
    let info = &function.info;
    let blank = arguments
        .iter()
        .take(function.minimum)
        .enumerate()
        .find(|(index, argument)| argument.is_none() && !function.optional.contains(index));
    if count < function.minimum || count > function.maximum {
        return Err(ExpressionError::new(
            position,
            format!(
                "{} does not take {count} parameters; it is {}",
                info.name, info.signature
            ),
        ));
    }
    if let Some((index, _)) = blank {
        return Err(ExpressionError::new(
            position,
            format!(
                "Parameter {} of {} is blank but needed; it is {}",
                index + 1,
                info.name,
                info.signature
            ),
        ));
    }
    if info.name == "Switch" && count % 2 == 1 {
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
    arguments: &[Option<Node>],
    position: usize,
) -> Result<Option<Pattern>, ExpressionError> {
    match (function.info.name, arguments.get(2)) {
        ("Replace", Some(Some(Node::Text(text)))) => compile_pattern(text)
            .map(Some)
            .map_err(|message| ExpressionError::new(position, message)),
        _ => Ok(None),
    }
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
