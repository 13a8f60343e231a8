//! Text to [`Expression`]: a recursive descent over the grammar of the Logic Apps designer. Works on the whole string
//! of a template, so that every span counts from its start. Never fails by depth or length of a hostile text.

use std::ops::Range;
use std::sync::Arc;

use super::ast::{Expression, ExpressionKind, MAX_DEPTH};
use super::error::ParseError;
use super::functions;
use super::number::scan_number;
use super::value::Value;

/// Longest expression, in characters.
pub const MAX_LENGTH: usize = 8_192;

/// Parses a text that is one expression, without the `@` of a template.
///
/// # Errors
/// Text that is not an expression, is longer than [`MAX_LENGTH`] or deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Expression, ParseError> {
    parse_rest(text, 0)
}

/// Parses the expression that fills `text` from `start` to its end.
pub(super) fn parse_rest(text: &str, start: usize) -> Result<Expression, ParseError> {
    let mut parser = Parser { text, position: start };
    let expression = parser.whole(start)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.unexpected("the expression has ended here")),
    }
}

/// Parses the expression of `@{…}` from `start`, just behind the brace; also returns the position behind the `}`.
pub(super) fn parse_braced(text: &str, start: usize) -> Result<(Expression, usize), ParseError> {
    let mut parser = Parser { text, position: start };
    let expression = parser.whole(start)?;
    parser.expect('}', "expected '}' to close '@{'")?;
    Ok((expression, parser.position))
}

/// A tree and its height.
struct Node {
    expression: Expression,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Parser<'a> {
    /// One expression with white space around it, within the length limit.
    fn whole(&mut self, start: usize) -> Result<Expression, ParseError> {
        let node = self.expression(0)?;
        let span = start..self.position;
        self.skip_space();
        let text = &self.text[span.clone()];
        if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
            let message =
                format!("the expression is longer than {MAX_LENGTH} characters; split it into several actions");
            return Err(ParseError::new(span, message));
        }
        Ok(node.expression)
    }

    fn expression(&mut self, depth: usize) -> Result<Node, ParseError> {
        self.skip_space();
        match self.peek() {
            Some('\'') => self.string(),
            Some('0'..='9' | '+' | '-' | '.') => self.number(),
            Some(start) if is_name(start) => self.named(depth),
            Some('}') => Err(self.unexpected("expected an expression before '}'")),
            _ => Err(self.unexpected("expected a function, a string, a number, true, false or null")),
        }
    }

    fn string(&mut self) -> Result<Node, ParseError> {
        let start = self.position;
        let mut content = String::new();
        let mut rest = &self.text[start + 1..];
        loop {
            let Some(quote) = rest.find('\'') else {
                return Err(ParseError::new(
                    start..self.text.len(),
                    "the string is not closed by a single quote",
                ));
            };
            content.push_str(&rest[..quote]);
            rest = &rest[quote + 1..];
            let Some(after) = rest.strip_prefix('\'') else { break };
            content.push('\'');
            rest = after;
        }
        self.position = self.text.len() - rest.len();
        Ok(self.literal(start, Value::from(content)))
    }

    fn number(&mut self) -> Result<Node, ParseError> {
        let start = self.position;
        let rest = &self.text[start..];
        match scan_number(rest) {
            Ok((value, length)) => {
                self.position += length;
                Ok(self.literal(start, value))
            }
            Err((length, message)) => Err(ParseError::new(start..start + length, message)),
        }
    }

    /// A keyword, or a call with the members taken of its result.
    fn named(&mut self, depth: usize) -> Result<Node, ParseError> {
        let start = self.position;
        let name = self.name();
        self.skip_space();
        if self.peek() != Some('(') {
            return match keyword(name) {
                Some(value) => Ok(Node {
                    expression: Expression {
                        kind: ExpressionKind::Literal(value),
                        span: start..start + name.len(),
                    },
                    height: 0,
                }),
                None => Err(ParseError::new(
                    start..start + name.len(),
                    format!(
                        "'{name}' is neither a keyword nor a call; write '{name}(…)', or '{name}' in single quotes"
                    ),
                )),
            };
        }
        let mut node = self.call(start, name, depth)?;
        loop {
            self.skip_space();
            match self.peek() {
                Some('?' | '.' | '[') => node = self.member(node, depth)?,
                Some('(') => return Err(self.unexpected("the result of a call cannot be called")),
                _ => return Ok(node),
            }
        }
    }

    fn call(&mut self, start: usize, name: &str, depth: usize) -> Result<Node, ParseError> {
        self.check_depth(start, depth)?;
        self.position += 1;
        let mut arguments = Vec::new();
        let mut height = 0;
        self.skip_space();
        if self.peek() == Some(')') {
            self.position += 1;
        } else {
            loop {
                let argument = self.expression(depth + 1)?;
                height = height.max(argument.height);
                arguments.push(argument.expression);
                self.skip_space();
                match self.peek() {
                    Some(',') => self.position += 1,
                    Some(')') => break self.position += 1,
                    _ => return Err(self.unexpected("expected ',' or ')'")),
                }
            }
        }
        let kind = ExpressionKind::Call {
            name: Arc::from(name),
            function: functions::find(name),
            arguments,
        };
        self.node(start, kind, height + 1)
    }

    fn member(&mut self, target: Node, depth: usize) -> Result<Node, ParseError> {
        let start = target.expression.span.start;
        let safe = self.peek() == Some('?');
        if safe {
            self.position += 1;
        }
        let key = match self.peek() {
            Some('.') => self.property()?,
            Some('[') => self.index(depth)?,
            _ => return Err(self.unexpected("expected '.' or '[' after '?'")),
        };
        let height = target.height.max(key.height) + 1;
        let kind = ExpressionKind::Access {
            target: Box::new(target.expression),
            key: Box::new(key.expression),
            safe,
        };
        self.node(start, kind, height)
    }

    fn property(&mut self) -> Result<Node, ParseError> {
        self.position += 1;
        self.skip_space();
        let start = self.position;
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected("expected a property name after '.'"));
        }
        Ok(self.literal(start, Value::from(name)))
    }

    fn index(&mut self, depth: usize) -> Result<Node, ParseError> {
        self.check_depth(self.position, depth)?;
        self.position += 1;
        let key = self.expression(depth + 1)?;
        self.skip_space();
        self.expect(']', "expected ']'")?;
        Ok(key)
    }

    fn literal(&self, start: usize, value: Value) -> Node {
        Node {
            expression: Expression {
                kind: ExpressionKind::Literal(value),
                span: start..self.position,
            },
            height: 0,
        }
    }

    fn node(&self, start: usize, kind: ExpressionKind, height: usize) -> Result<Node, ParseError> {
        let span = start..self.position;
        self.check_depth(start, height)?;
        let expression = Expression { kind, span };
        Ok(Node { expression, height })
    }

    fn check_depth(&self, start: usize, depth: usize) -> Result<(), ParseError> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the expression is nested deeper than {MAX_DEPTH}; split it into several actions");
        Err(ParseError::new(start..self.position, message))
    }

    /// The name at the position, maybe empty; moves behind it.
    fn name(&mut self) -> &'a str {
        let rest = &self.text[self.position..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        self.position += name.len();
        name
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn expect(&mut self, wanted: char, message: &str) -> Result<(), ParseError> {
        match self.peek() {
            Some(found) if found == wanted => {
                self.position += wanted.len_utf8();
                Ok(())
            }
            _ => Err(self.unexpected(message)),
        }
    }

    /// An error at the next character, or at the end.
    fn unexpected(&self, message: &str) -> ParseError {
        let found = self.peek();
        let span: Range<usize> = self.position..self.position + found.map_or(0, char::len_utf8);
        let message = match found {
            None => format!("{message}, but the text ends"),
            Some('"') => format!("{message}, but found '\"'; strings stand in single quotes"),
            Some(found) => format!("{message}, but found '{found}'"),
        };
        ParseError::new(span, message)
    }
}

fn is_name(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            '.' | ',' | '(' | ')' | '{' | '}' | '[' | ']' | '?' | '@' | '\'' | '"'
        )
}

fn keyword(name: &str) -> Option<Value> {
    let keywords = [
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
    ];
    keywords
        .into_iter()
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
