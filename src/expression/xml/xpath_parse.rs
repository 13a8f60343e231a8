//! XPath 1.0 text to a tree.

use super::parse::{is_name_char, is_name_start};

/// Deepest nesting of an XPath expression.
const MAX_DEPTH: usize = 50;

/// An XPath expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Literal(String),
    Number(f64),
    Call(String, Vec<Expr>),
    Path(Path),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Union,
}

/// Operators by how tightly they bind, the loosest first.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("div", Operator::Divide),
        ("mod", Operator::Modulo),
    ],
];

/// A location path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub start: Start,
    pub steps: Vec<Step>,
}

/// Where a path starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Start {
    Root,
    Context,
    /// The nodes of an expression, filtered by predicates.
    Filter(Box<Expr>, Vec<Expr>),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub axis: Axis,
    pub test: Test,
    pub predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Myself,
    Parent,
    Ancestor,
    AncestorOrSelf,
    Attribute,
    FollowingSibling,
    PrecedingSibling,
    Following,
    Preceding,
}

const AXES: &[(&str, Axis)] = &[
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("self", Axis::Myself),
    ("parent", Axis::Parent),
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("attribute", Axis::Attribute),
    ("following-sibling", Axis::FollowingSibling),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("following", Axis::Following),
    ("preceding", Axis::Preceding),
];

/// What nodes a step takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// `*`: elements, on the attribute axis attributes.
    Any,
    /// Those of this name, without namespace.
    Name(String),
    /// `node()`.
    Node,
    /// `text()`.
    Text,
    /// `comment()`.
    Comment,
    /// `processing-instruction('target')`.
    Instruction(Option<String>),
}

/// Parses an XPath expression.
///
/// # Errors
/// Text that is not XPath 1.0; prefixes, variables and the namespace axis, which nothing declares here.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, position: 0 };
    let expr = parser.binary(0, 0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("'{}' is not expected here", token.text)),
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Token {
    kind: TokenKind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum TokenKind {
    Name,
    Number,
    Literal,
    Symbol,
    /// `*`, `and`, `or`, `div` or `mod` where an operator stands.
    Operator,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 21] = [
        "::", "//", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", ".", "@", ",", "|", "+", "-", "=", "<", ">", "*",
    ];
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let second_is_digit = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        let (kind, length) = if matches!(first, '"' | '\'') {
            let end = rest[1..].find(first).ok_or("a text is not closed by its quote")?;
            (TokenKind::Literal, end + 2)
        } else if first.is_ascii_digit() || (first == '.' && second_is_digit) {
            (
                TokenKind::Number,
                rest.find(|c: char| !c.is_ascii_digit() && c != '.')
                    .unwrap_or(rest.len()),
            )
        } else if is_name_start(first) {
            let end = rest.find(|c| !is_name_char(c) || c == ':').unwrap_or(rest.len());
            (TokenKind::Name, end)
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            (
                TokenKind::Symbol,
                symbol.ok_or_else(|| format!("'{first}' is not expected"))?.len(),
            )
        };
        let text = &rest[..length];
        let operand_before = tokens.last().is_some_and(|before| match before.kind {
            TokenKind::Operator => false,
            TokenKind::Symbol => matches!(before.text.as_str(), ")" | "]" | "." | ".." | "*"),
            TokenKind::Name | TokenKind::Number | TokenKind::Literal => true,
        });
        let is_operator = operand_before && matches!(text, "*" | "and" | "or" | "div" | "mod");
        tokens.push(Token {
            kind: if is_operator { TokenKind::Operator } else { kind },
            text: text.to_owned(),
        });
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn is_symbol(&self, symbol: &str, ahead: usize) -> bool {
        let token = self.tokens.get(self.position + ahead);
        token.is_some_and(|token| token.kind == TokenKind::Symbol && token.text == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol, 0);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        let found = self.peek().map_or("the end", |token| &token.text);
        Err(format!("'{symbol}' is expected before '{found}'"))
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.position += 1;
        token
    }

    fn binary(&mut self, level: usize, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        let Some(operators) = LEVELS.get(level) else {
            return self.unary(depth);
        };
        let mut left = self.binary(level + 1, depth)?;
        let mut chained = depth;
        loop {
            let found = self
                .peek()
                .filter(|token| matches!(token.kind, TokenKind::Symbol | TokenKind::Operator));
            let operator = found.and_then(|token| operators.iter().find(|(text, _)| *text == token.text));
            let Some((_, operator)) = operator else { return Ok(left) };
            if self
                .peek()
                .is_some_and(|token| token.text == "*" && token.kind == TokenKind::Symbol)
            {
                return Ok(left);
            }
            chained += 1;
            if chained > 4 * MAX_DEPTH {
                return Err("it has too many operators in a row".to_owned());
            }
            self.position += 1;
            let right = self.binary(level + 1, depth + 1)?;
            left = Expr::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Expr, String> {
        let mut negative = false;
        while self.take_symbol("-") {
            negative = !negative;
        }
        let mut expr = self.path(depth)?;
        let mut chained = depth;
        while self.take_symbol("|") {
            chained += 1;
            if chained > 4 * MAX_DEPTH {
                return Err("it has too many operators in a row".to_owned());
            }
            let right = self.path(depth + 1)?;
            expr = Expr::Binary(Operator::Union, Box::new(expr), Box::new(right));
        }
        Ok(if negative { Expr::Negative(Box::new(expr)) } else { expr })
    }

    fn path(&mut self, depth: usize) -> Result<Expr, String> {
        if let Some(primary) = self.primary(depth)? {
            let predicates = self.predicates(depth)?;
            let steps = self.further_steps(depth)?;
            if predicates.is_empty() && steps.is_empty() {
                return Ok(primary);
            }
            let start = Start::Filter(Box::new(primary), predicates);
            return Ok(Expr::Path(Path { start, steps }));
        }
        let start = if self.is_symbol("/", 0) || self.is_symbol("//", 0) {
            Start::Root
        } else {
            Start::Context
        };
        let mut steps = Vec::new();
        if start == Start::Context {
            steps.push(self.step(depth)?);
        } else if self.is_symbol("/", 0) && !self.begins_step(1) {
            self.position += 1;
            return Ok(Expr::Path(Path { start, steps }));
        }
        steps.extend(self.further_steps(depth)?);
        Ok(Expr::Path(Path { start, steps }))
    }

    fn begins_step(&self, ahead: usize) -> bool {
        self.tokens
            .get(self.position + ahead)
            .is_some_and(|token| match token.kind {
                TokenKind::Name => true,
                TokenKind::Symbol => matches!(token.text.as_str(), "." | ".." | "@" | "*"),
                TokenKind::Number | TokenKind::Literal | TokenKind::Operator => false,
            })
    }

    /// `/step` and `//step` as long as they follow.
    fn further_steps(&mut self, depth: usize) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        loop {
            if self.take_symbol("//") {
                steps.push(Step {
                    axis: Axis::DescendantOrSelf,
                    test: Test::Node,
                    predicates: Vec::new(),
                });
            } else if !self.take_symbol("/") {
                return Ok(steps);
            }
            steps.push(self.step(depth)?);
        }
    }

    /// A literal, a number, a call or an expression in parentheses.
    fn primary(&mut self, depth: usize) -> Result<Option<Expr>, String> {
        let Some(token) = self.peek().cloned() else {
            return Err("it ends too early".to_owned());
        };
        match token.kind {
            TokenKind::Literal => {
                self.position += 1;
                Ok(Some(Expr::Literal(token.text[1..token.text.len() - 1].to_owned())))
            }
            TokenKind::Number => {
                self.position += 1;
                let number = token
                    .text
                    .parse()
                    .map_err(|_| format!("'{}' is not a number", token.text))?;
                Ok(Some(Expr::Number(number)))
            }
            TokenKind::Symbol if token.text == "(" => {
                self.position += 1;
                let expr = self.binary(0, depth + 1)?;
                self.expect(")")?;
                Ok(Some(expr))
            }
            TokenKind::Name if self.is_symbol("(", 1) && node_type(&token.text).is_none() => {
                self.position += 2;
                Ok(Some(Expr::Call(token.text, self.arguments(depth)?)))
            }
            TokenKind::Name | TokenKind::Symbol | TokenKind::Operator => Ok(None),
        }
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Expr>, String> {
        let mut arguments = Vec::new();
        if self.take_symbol(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.binary(0, depth + 1)?);
            if !self.take_symbol(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn predicates(&mut self, depth: usize) -> Result<Vec<Expr>, String> {
        let mut predicates = Vec::new();
        while self.take_symbol("[") {
            predicates.push(self.binary(0, depth + 1)?);
            self.expect("]")?;
        }
        Ok(predicates)
    }

    fn step(&mut self, depth: usize) -> Result<Step, String> {
        for (symbol, axis) in [("..", Axis::Parent), (".", Axis::Myself)] {
            if self.take_symbol(symbol) {
                return Ok(Step {
                    axis,
                    test: Test::Node,
                    predicates: Vec::new(),
                });
            }
        }
        let mut axis = Axis::Child;
        if self.take_symbol("@") {
            axis = Axis::Attribute;
        } else if self.is_symbol("::", 1) {
            let name = self.take().map(|token| token.text).unwrap_or_default();
            let known = AXES.iter().find(|(known, _)| *known == name);
            axis = known.ok_or_else(|| format!("the axis '{name}' is not known"))?.1;
            self.position += 1;
        }
        let test = self.test()?;
        let predicates = self.predicates(depth)?;
        Ok(Step { axis, test, predicates })
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.take_symbol("*") {
            return Ok(Test::Any);
        }
        let name = match self.take() {
            Some(token) if matches!(token.kind, TokenKind::Name | TokenKind::Operator) => token.text,
            Some(token) => return Err(format!("a name is expected, not '{}'", token.text)),
            None => return Err("it ends too early".to_owned()),
        };
        let Some(mut test) = node_type(&name).filter(|_| self.is_symbol("(", 0)) else {
            return Ok(Test::Name(name));
        };
        self.position += 1;
        if let (Test::Instruction(target), Some(token)) = (&mut test, self.peek())
            && token.kind == TokenKind::Literal
        {
            *target = Some(token.text.trim_matches(['"', '\'']).to_owned());
            self.position += 1;
        }
        self.expect(")")?;
        Ok(test)
    }
}

fn node_type(name: &str) -> Option<Test> {
    match name {
        "node" => Some(Test::Node),
        "text" => Some(Test::Text),
        "comment" => Some(Test::Comment),
        "processing-instruction" => Some(Test::Instruction(None)),
        _ => None,
    }
}
