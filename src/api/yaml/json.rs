//! JSON text -> tree. JSON is nearly YAML, but tabs, long keys and its escapes are not; so it has its own reader.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Number, Value};

use super::node::{Budget, Content, Member, Node, Style, too_deep};
use super::{MAX_DEPTH, Position, Problem};

/// Reads one JSON value that fills the text.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut reader = Reader {
        text,
        at: 0,
        position: Position::START,
        budget: Budget::default(),
    };
    reader.space();
    let node = reader.value(1)?;
    reader.space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.unexpected("the end of the text")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    position: Position,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on by some bytes, which end on a character.
    fn skip(&mut self, bytes: usize) {
        for byte in self.text.as_bytes().iter().skip(self.at).take(bytes) {
            if *byte == b'\n' {
                self.position = Position {
                    line: self.position.line + 1,
                    column: 1,
                };
            } else if !(0x80..0xc0).contains(byte) {
                self.position.column += 1;
            }
        }
        self.at += bytes;
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.skip(1);
        }
    }

    fn unexpected(&self, expected: &str) -> Problem {
        let found = match self.text[self.at..].chars().next() {
            Some(character) if character.is_control() => format!("`{}`", character.escape_default()),
            Some(character) => format!("`{character}`"),
            None => "the end of the text".to_owned(),
        };
        Problem::new(
            self.position,
            "Syntax",
            format!("this is not JSON: expected {expected}, found {found}"),
        )
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Problem> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.skip(1);
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let position = self.position;
        if depth > MAX_DEPTH {
            return Err(too_deep(position));
        }
        self.budget.value(position)?;
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(scalar(position, Style::Double, Value::String(self.string()?))),
            _ => Ok(scalar(position, Style::Plain, self.word()?)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node, Problem> {
        let position = self.position;
        let (mut members, mut places, mut height) = (Vec::new(), HashMap::new(), 1);
        self.skip(1);
        self.space();
        while self.peek() != Some(b'}') {
            if !members.is_empty() {
                self.expect(b',', "`,` or `}`")?;
                self.space();
            }
            let place = self.position;
            let key = self.string()?;
            if let Some(first) = places.insert(key.clone(), place) {
                let message = format!("key `{key}` is given twice, first at {first}; remove one");
                return Err(Problem::new(place, "DuplicateKey", message));
            }
            self.space();
            self.expect(b':', "`:`")?;
            self.space();
            let value = self.value(depth + 1)?;
            height = height.max(value.height + 1);
            members.push(Member {
                key,
                position: place,
                value: Arc::new(value),
            });
            self.space();
        }
        self.skip(1);
        Ok(Node {
            position,
            height,
            content: Content::Mapping { members, flow: true },
        })
    }

    fn array(&mut self, depth: usize) -> Result<Node, Problem> {
        let position = self.position;
        let (mut items, mut height) = (Vec::new(), 1);
        self.skip(1);
        self.space();
        while self.peek() != Some(b']') {
            if !items.is_empty() {
                self.expect(b',', "`,` or `]`")?;
                self.space();
            }
            let value = self.value(depth + 1)?;
            height = height.max(value.height + 1);
            items.push(Arc::new(value));
            self.space();
        }
        self.skip(1);
        Ok(Node {
            position,
            height,
            content: Content::Sequence(items),
        })
    }

    fn string(&mut self) -> Result<String, Problem> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a text in double quotes"));
        }
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let token: Option<&'a str> = self.text.get(self.at..=end);
        let Some(token) = token else {
            return Err(Problem::new(
                self.position,
                "Syntax",
                "this is not JSON: the text in quotes has no end",
            ));
        };
        let value = serde_json::from_str(token).map_err(|_| {
            let message = "this is not JSON: the text in quotes holds a control character or a wrong escape";
            Problem::new(self.position, "Syntax", message)
        })?;
        self.skip(token.len());
        Ok(value)
    }

    fn word(&mut self) -> Result<Value, Problem> {
        let rest = &self.text[self.at..];
        let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.');
        let token = &rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())];
        let value = match token {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Number(token.parse::<Number>().map_err(|_| self.unexpected("a JSON value"))?),
        };
        self.skip(token.len());
        Ok(value)
    }
}

fn scalar(position: Position, style: Style, value: Value) -> Node {
    Node {
        position,
        height: 1,
        content: Content::Scalar { value, style },
    }
}
