//! Reads the beginning of a JSON text, also one that is cut off or malformed: what was complete is taken.

use serde_json::Number;
use tenure_scim::limits;

/// A value. Objects keep members with equal names; the flag says whether the closing bracket was seen.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>, bool),
    Object(Vec<(String, Node)>, bool),
}

/// The value that a text begins with; `None` when it begins with none.
pub(super) fn read(text: &[u8]) -> Option<Node> {
    Reader {
        text,
        at: 0,
        broken: false,
    }
    .value(0)
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// Nothing after this place is read.
    broken: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied().filter(|_| !self.broken)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.skip_spaces();
        let node = match self.peek()? {
            b'{' if depth < limits::JSON_DEPTH => return Some(self.object(depth)),
            b'[' if depth < limits::JSON_DEPTH => return Some(self.list(depth)),
            b'"' => self.text().map(Node::Text),
            _ => self.word(),
        };
        self.broken = node.is_none();
        node
    }

    fn list(&mut self, depth: usize) -> Node {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_spaces();
        if self.eat(b']') {
            return Node::List(items, true);
        }
        while let Some(item) = self.value(depth + 1) {
            items.push(item);
            self.skip_spaces();
            if self.eat(b']') {
                return Node::List(items, true);
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.broken = true;
        Node::List(items, false)
    }

    fn object(&mut self, depth: usize) -> Node {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_spaces();
        if self.eat(b'}') {
            return Node::Object(members, true);
        }
        while let Some(member) = self.member(depth) {
            members.push(member);
            self.skip_spaces();
            if self.eat(b'}') {
                return Node::Object(members, true);
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.broken = true;
        Node::Object(members, false)
    }

    fn member(&mut self, depth: usize) -> Option<(String, Node)> {
        self.skip_spaces();
        let key = self.text()?;
        self.skip_spaces();
        if !self.eat(b':') {
            return None;
        }
        Some((key, self.value(depth + 1)?))
    }

    fn text(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        if rest.first() != Some(&b'"') {
            return None;
        }
        let mut end = 1;
        while *rest.get(end)? != b'"' {
            end += if rest.get(end) == Some(&b'\\') { 2 } else { 1 };
        }
        self.at += end + 1;
        serde_json::from_slice(rest.get(..=end)?).ok()
    }

    /// A number, `true`, `false` or `null`; one at the very end may go on beyond the cut.
    fn word(&mut self) -> Option<Node> {
        let rest = self.text.get(self.at..)?;
        let length = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte)))?;
        let word = rest.get(..length)?;
        self.at += length;
        match word {
            b"true" => Some(Node::Bool(true)),
            b"false" => Some(Node::Bool(false)),
            b"null" => Some(Node::Null),
            number => serde_json::from_slice(number).ok().map(Node::Number),
        }
    }
}
