//! Templates: JSON whose strings and member names may hold expressions (`@…` and `@{…}`), parsed once.

use std::sync::Arc;

use super::ast::Expression;
use super::error::{EvalError, INVALID_EXPRESSION, ParseError, TemplateError};
use super::limits::{MAX_VALUE_DEPTH, bounded};
use super::parser::{parse_braced, parse_rest};
use super::scope::Scope;
use super::text::append_text;
use super::value::{Object, Value};

/// JSON with expressions in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// A value without any expression.
    Literal(Value),
    /// A string that is one expression, `@…`; keeps the type of its value.
    Expression(Arc<Expression>),
    /// A string with expressions in it, `…@{…}…`; always text.
    Text(Arc<Vec<TextPart>>),
    /// An array with an expression somewhere in it.
    Array(Arc<Vec<Template>>),
    /// An object with an expression somewhere in it; names are templates too.
    Object(Arc<Vec<(Template, Template)>>),
}

/// A part of a string with expressions in it.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// Text as it stands.
    Literal(Arc<str>),
    /// The text of a value.
    Expression(Expression),
}

impl Template {
    /// Parses one string.
    ///
    /// # Errors
    /// A string with something after `@` or in `@{…}` that is not an expression. A literal `@` is written `@@` there.
    pub fn parse_text(text: &str) -> Result<Self, ParseError> {
        if text.starts_with("@@") {
            return Ok(Self::Literal(Value::from(&text[1..])));
        }
        if text.len() > 1 && text.starts_with('@') && !text.starts_with("@{") {
            return Ok(Self::Expression(Arc::new(parse_rest(text, 1)?)));
        }
        parse_parts(text)
    }

    /// Parses a JSON value with all strings and member names in it.
    ///
    /// # Errors
    /// Every string in it that is not a template; a value that is nested too deep.
    pub fn parse(json: &Value) -> Result<Self, Vec<TemplateError>> {
        let mut errors = Vec::new();
        let template = parse_value(json, &mut String::new(), 0, &mut errors);
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    /// The value in a scope.
    ///
    /// # Errors
    /// An expression without a value; a member name whose value is not a string.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expression(expression) => expression.evaluate(scope),
            Self::Text(parts) => evaluate_text(parts, scope),
            Self::Array(_) | Self::Object(_) => bounded(self.build(scope)?),
        }
    }

    /// The value of an array or object before its size is checked.
    fn build(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Self::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.build(scope)).collect();
                Ok(Value::Array(Arc::new(items?)))
            }
            Self::Object(members) => {
                let mut object = Object::new();
                for (name, member) in members.iter() {
                    let Value::String(name) = name.evaluate(scope)? else {
                        return Err(EvalError::new(
                            "The template language expression of a property name must give a string.",
                        ));
                    };
                    object.insert(name, member.build(scope)?);
                }
                Ok(Value::from(object))
            }
            Self::Literal(_) | Self::Expression(_) | Self::Text(_) => self.evaluate(scope),
        }
    }

    /// Every outermost expression in it, with the JSON pointer to its string (of a member name, to the member).
    pub fn expressions(&self) -> Vec<(String, &Expression)> {
        let mut found = Vec::new();
        self.visit(&mut |pointer, expression| found.push((pointer.to_owned(), expression)));
        found
    }

    /// Calls `visit` as [`Template::expressions`] lists them, without keeping a pointer for each.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a Expression)) {
        collect(self, &mut String::new(), visit);
    }

    /// The string of a member name as it was written, for pointers.
    fn name_text(&self) -> String {
        match self {
            Self::Literal(Value::String(name)) => name.to_string(),
            Self::Expression(expression) => format!("@{expression}"),
            Self::Text(parts) => parts
                .iter()
                .map(|part| match part {
                    TextPart::Literal(text) => text.to_string(),
                    TextPart::Expression(expression) => format!("@{{{expression}}}"),
                })
                .collect(),
            Self::Literal(_) | Self::Array(_) | Self::Object(_) => String::new(),
        }
    }
}

fn evaluate_text(parts: &[TextPart], scope: &dyn Scope) -> Result<Value, EvalError> {
    let mut text = String::new();
    for part in parts {
        match part {
            TextPart::Literal(literal) => text.push_str(literal),
            TextPart::Expression(expression) => append_text(&mut text, &expression.evaluate(scope)?)?,
        }
    }
    Ok(Value::from(text))
}

/// Splits a string at its `@{…}`; `@@{` stands for `@{`.
fn parse_parts(text: &str) -> Result<Template, ParseError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut position = 0;
    while let Some(found) = text[position..].find("@{") {
        let at = position + found;
        if text[position..at].ends_with('@') {
            literal.push_str(&text[position..at]);
            literal.push('{');
            position = at + 2;
            continue;
        }
        literal.push_str(&text[position..at]);
        if !literal.is_empty() {
            parts.push(TextPart::Literal(std::mem::take(&mut literal).into()));
        }
        let (expression, end) = parse_braced(text, at + 2)?;
        parts.push(TextPart::Expression(expression));
        position = end;
    }
    literal.push_str(&text[position..]);
    if parts.is_empty() {
        return Ok(Template::Literal(Value::from(literal)));
    }
    if !literal.is_empty() {
        parts.push(TextPart::Literal(literal.into()));
    }
    Ok(Template::Text(Arc::new(parts)))
}

fn parse_value(json: &Value, pointer: &mut String, depth: usize, errors: &mut Vec<TemplateError>) -> Template {
    match json {
        Value::Array(_) | Value::Object(_) if depth > MAX_VALUE_DEPTH => {
            errors.push(TemplateError {
                pointer: pointer.clone(),
                span: 0..0,
                code: INVALID_EXPRESSION,
                message: format!("the value is nested deeper than {MAX_VALUE_DEPTH}"),
            });
            Template::Literal(Value::Null)
        }
        Value::String(text) => parse_string(text, pointer, errors),
        Value::Array(items) => {
            let parts: Vec<Template> = (0..)
                .zip(items.iter())
                .map(|(index, item)| {
                    within(pointer, &usize::to_string(&index), |pointer| {
                        parse_value(item, pointer, depth + 1, errors)
                    })
                })
                .collect();
            if parts.iter().all(|part| matches!(part, Template::Literal(_))) {
                return Template::Literal(Value::array(parts.into_iter().filter_map(literal_of)));
            }
            Template::Array(Arc::new(parts))
        }
        Value::Object(object) => parse_object(object, pointer, depth, errors),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {
            Template::Literal(json.clone())
        }
    }
}

fn parse_object(object: &Object, pointer: &mut String, depth: usize, errors: &mut Vec<TemplateError>) -> Template {
    let mut members = Vec::with_capacity(object.len());
    for (name, member) in object.iter() {
        members.push(within(pointer, name, |pointer| {
            let name = parse_string(name, pointer, errors);
            (name, parse_value(member, pointer, depth + 1, errors))
        }));
    }
    let literal = |template: &Template| matches!(template, Template::Literal(_));
    if !members.iter().all(|(name, member)| literal(name) && literal(member)) {
        return Template::Object(Arc::new(members));
    }
    let members = members
        .into_iter()
        .filter_map(|(name, member)| match literal_of(name)? {
            Value::String(name) => Some((name, literal_of(member)?)),
            _ => None,
        });
    Template::Literal(Value::object(members))
}

fn literal_of(template: Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value),
        _ => None,
    }
}

fn parse_string(text: &Arc<str>, pointer: &str, errors: &mut Vec<TemplateError>) -> Template {
    if !text.contains('@') {
        return Template::Literal(Value::String(text.clone()));
    }
    Template::parse_text(text).unwrap_or_else(|error| {
        errors.push(TemplateError {
            pointer: pointer.to_owned(),
            span: error.span,
            code: INVALID_EXPRESSION,
            message: error.message,
        });
        Template::Literal(Value::Null)
    })
}

/// Runs `inner` with the pointer one step deeper.
pub(super) fn within<T>(pointer: &mut String, step: &str, inner: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let result = inner(pointer);
    pointer.truncate(length);
    result
}

fn collect<'a>(template: &'a Template, pointer: &mut String, visit: &mut dyn FnMut(&str, &'a Expression)) {
    match template {
        Template::Literal(_) => {}
        Template::Expression(expression) => visit(pointer, expression),
        Template::Text(parts) => {
            for part in parts.iter() {
                if let TextPart::Expression(expression) = part {
                    visit(pointer, expression);
                }
            }
        }
        Template::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                within(pointer, &index.to_string(), |pointer| collect(item, pointer, visit));
            }
        }
        Template::Object(members) => {
            for (name, member) in members.iter() {
                within(pointer, &name.name_text(), |pointer| {
                    collect(name, pointer, visit);
                    collect(member, pointer, visit);
                });
            }
        }
    }
}
