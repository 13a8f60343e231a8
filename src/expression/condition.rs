//! Conditions in object form, `{"and": [{"equals": ["@…", 1]}]}`: the tree of an expression written as JSON.

use std::ops::Range;
use std::sync::Arc;

use super::ast::{Expression, ExpressionKind, MAX_DEPTH};
use super::error::{INVALID_EXPRESSION, TemplateError};
use super::functions;
use super::template::{Template, TextPart, within};
use super::value::{Object, Value};

/// Parses the condition of an If: a string or a truth value is a template; an object is the expression it stands for.
///
/// # Errors
/// Strings that are not templates, objects with more or less than one key, unknown functions, operands that are arrays.
pub fn parse(json: &Value) -> Result<Template, Vec<TemplateError>> {
    let Value::Object(object) = json else {
        return match json {
            Value::String(_) | Value::Bool(_) => Template::parse(json),
            _ => Err(vec![error(
                "",
                INVALID_EXPRESSION,
                "a condition is an object, a string or a truth value",
            )]),
        };
    };
    let mut reader = Reader::default();
    let expression = reader.call(object, 0);
    match expression {
        Some(expression) if reader.errors.is_empty() => Ok(Template::Expression(Arc::new(expression))),
        _ => Err(reader.errors),
    }
}

fn error(pointer: &str, code: &'static str, message: impl Into<String>) -> TemplateError {
    TemplateError {
        pointer: pointer.to_owned(),
        span: 0..0,
        code,
        message: message.into(),
    }
}

/// Reads the object form and gathers every error; `None` where there was one.
#[derive(Default)]
struct Reader {
    pointer: String,
    errors: Vec<TemplateError>,
}

impl Reader {
    fn fail(&mut self, message: impl Into<String>) -> Option<Expression> {
        self.fail_as(INVALID_EXPRESSION, message)
    }

    fn fail_as(&mut self, code: &'static str, message: impl Into<String>) -> Option<Expression> {
        self.errors.push(error(&self.pointer, code, message));
        None
    }

    fn call(&mut self, object: &Object, depth: usize) -> Option<Expression> {
        let mut members = object.iter();
        let (Some((name, operands)), None) = (members.next(), members.next()) else {
            return self.fail("a condition object has exactly one key, the name of a function");
        };
        if depth >= MAX_DEPTH {
            return self.fail(format!("the condition is nested deeper than {MAX_DEPTH}"));
        }
        let Some(function) = functions::find(name) else {
            return self.fail_as("UnknownFunction", format!("there is no function '{name}'"));
        };
        let arguments = self.inside(name, |reader| reader.operands(operands, depth))?;
        if let Err(wrong) = function.check_arity(arguments.len()) {
            return self.fail_as("WrongArity", wrong.message);
        }
        let kind = ExpressionKind::Call {
            name: name.clone(),
            function: Some(function),
            arguments,
        };
        Some(Expression { kind, span: 0..0 })
    }

    /// The operands: an array of them, or for a function of one parameter that one itself.
    fn operands(&mut self, operands: &Value, depth: usize) -> Option<Vec<Expression>> {
        let Value::Array(items) = operands else {
            return self.operand(operands, depth).map(|operand| vec![operand]);
        };
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.inside(&index.to_string(), |reader| reader.operand(item, depth)))
            .collect();
        read.into_iter().collect()
    }

    fn operand(&mut self, json: &Value, depth: usize) -> Option<Expression> {
        match json {
            Value::Object(object) => self.call(object, depth + 1),
            Value::Array(_) => self.fail("an operand is a string, a number, a truth value, null or another function"),
            Value::String(text) => match Template::parse_text(text) {
                Ok(template) => Some(expression_of(template, 0..text.len())),
                Err(wrong) => {
                    self.errors.push(TemplateError {
                        pointer: self.pointer.clone(),
                        span: wrong.span,
                        code: INVALID_EXPRESSION,
                        message: wrong.message,
                    });
                    None
                }
            },
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {
                Some(literal(json.clone(), 0..0))
            }
        }
    }

    fn inside<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut pointer = std::mem::take(&mut self.pointer);
        let result = within(&mut pointer, step, |deeper| {
            self.pointer = std::mem::take(deeper);
            let result = read(self);
            *deeper = std::mem::take(&mut self.pointer);
            result
        });
        self.pointer = pointer;
        result
    }
}

fn literal(value: Value, span: Range<usize>) -> Expression {
    Expression {
        kind: ExpressionKind::Literal(value),
        span,
    }
}

/// The expression that a template string stands for; text with expressions in it is a `concat`.
fn expression_of(template: Template, span: Range<usize>) -> Expression {
    let parts = match template {
        Template::Expression(expression) => return (*expression).clone(),
        Template::Literal(value) => return literal(value, span),
        Template::Text(parts) => parts,
        Template::Array(_) | Template::Object(_) => return literal(Value::Null, span),
    };
    let arguments = parts
        .iter()
        .map(|part| match part {
            TextPart::Literal(text) => literal(Value::String(text.clone()), span.clone()),
            TextPart::Expression(expression) => expression.clone(),
        })
        .collect();
    let kind = ExpressionKind::Call {
        name: "concat".into(),
        function: functions::find("concat"),
        arguments,
    };
    Expression { kind, span }
}
