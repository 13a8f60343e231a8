//! From the text of an ARM expression to its tree, by recursive descent with a depth limit.

use super::{Error, Expression};
use crate::expression::Value;

/// Deepest nesting of calls and indexes.
const MAX_DEPTH: usize = 64;

/// The expression inside a template string (`[…]`), or `None` where the string is plain text.
/// `[[` is an escaped bracket: plain text without the first one, which the caller removes.
pub(crate) fn source(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.starts_with('[')).then_some(inner)
}

/// Parses what stands between the brackets.
///
/// # Errors
/// [`Error::Syntax`] with the position.
pub(crate) fn parse(text: &str) -> Result<Expression, Error> {
    let mut parser = Parser { text, at: 0 };
    let expression = parser.expression(0)?;
    parser.blanks();
    match parser.peek() {
        None => Ok(expression),
        Some(extra) => Err(parser.error(format!("unexpected `{extra}`"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, expected: char) -> bool {
        self.blanks();
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn expect(&mut self, expected: char) -> Result<(), Error> {
        if self.eat(expected) {
            Ok(())
        } else {
            Err(self.error(format!("expected `{expected}`")))
        }
    }

    fn error(&self, what: impl Into<String>) -> Error {
        Error::Syntax {
            at: self.text[..self.at].chars().count() + 1,
            what: what.into(),
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, Error> {
        if depth > MAX_DEPTH {
            return Err(self.error("too deeply nested"));
        }
        let mut expression = self.primary(depth)?;
        for _ in 0..MAX_DEPTH {
            let (name, safe) = if self.eat('.') {
                let safe = self.eat('?');
                let name = self.word();
                if name.is_empty() {
                    return Err(self.error("expected the name of a member"));
                }
                (Expression::Literal(Value::from(name)), safe)
            } else if self.eat('[') {
                let safe = self.eat('?');
                let index = self.expression(depth + 1)?;
                self.expect(']')?;
                (index, safe)
            } else {
                return Ok(expression);
            };
            expression = Expression::Member {
                of: Box::new(expression),
                name: Box::new(name),
                safe,
            };
        }
        Err(self.error("too many members in a row"))
    }

    fn primary(&mut self, depth: usize) -> Result<Expression, Error> {
        self.blanks();
        match self.peek() {
            Some('\'') => self.string(),
            Some(first) if first.is_ascii_digit() || first == '-' => self.number(),
            Some(first) if first.is_alphabetic() || first == '_' => self.call(depth),
            Some(other) => Err(self.error(format!("expected a value or a function, found `{other}`"))),
            None => Err(self.error("expected a value or a function")),
        }
    }

    fn string(&mut self) -> Result<Expression, Error> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(length) = self.text[self.at..].find('\'') else {
                return Err(self.error("the string has no closing quote"));
            };
            value.push_str(&self.text[self.at..self.at + length]);
            self.at += length + 1;
            if self.peek() != Some('\'') {
                return Ok(Expression::Literal(Value::from(value)));
            }
            value.push('\'');
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Expression, Error> {
        let rest = &self.text[self.at..];
        let length = rest[1..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |end| end + 1);
        let number: i64 = rest[..length]
            .parse()
            .map_err(|_| self.error("not an integer of 64 bits"))?;
        self.at += length;
        Ok(Expression::Literal(Value::Int(number)))
    }

    fn word(&mut self) -> String {
        self.blanks();
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || "_$".contains(c)))
            .unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_owned()
    }

    fn call(&mut self, depth: usize) -> Result<Expression, Error> {
        let mut name = self.word().to_lowercase();
        if self.eat('.') {
            name = format!("{name}.{}", self.word().to_lowercase());
        }
        self.expect('(')?;
        let mut arguments = Vec::new();
        if self.eat(')') {
            return Ok(Expression::Call { name, arguments });
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if !self.eat(',') {
                self.expect(')')?;
                return Ok(Expression::Call { name, arguments });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_expressions_from_text() {
        assert_eq!(source("[concat('a')]"), Some("concat('a')"));
        for plain in ["[[concat('a')]", "concat", "[open", "[[]]", ""] {
            assert_eq!(source(plain), None, "{plain}");
        }
    }

    #[test]
    fn names_the_place_of_an_error() {
        let cases = [
            ("concat('a', [parameters('b')])", 13, "found `["),
            ("concat('a'", 11, "expected `)`"),
            ("concat('a)", 9, "closing quote"),
            ("a() b()", 5, "unexpected `b`"),
            ("", 1, "expected a value"),
        ];
        for (text, position, part) in cases {
            let Err(Error::Syntax { at, what }) = parse(text) else {
                panic!("{text} was read")
            };
            assert_eq!(at, position, "{text}: {what}");
            assert!(what.contains(part), "{text}: {what}");
        }
    }

    #[test]
    fn limits_depth() {
        assert!(parse(&format!("{}1{}", "not(".repeat(100_000), ")".repeat(100_000))).is_err());
        assert!(parse(&format!("a(){}", ".b".repeat(100_000))).is_err());
    }
}
