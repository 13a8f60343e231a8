//! Open values: what a template leaves to its deployment (a required parameter, a secret, the answer of Azure). While
//! ARM expressions are evaluated such a value is a *mark* in a string; in a workflow it becomes a parameter of the
//! Playbook, anywhere else an empty value. So a secret never is in a manifest: only its name is known here.

use std::cell::RefCell;

use crate::expression::{Object, Value};

const OPENS: char = '\u{e000}';
const CLOSES: char = '\u{e001}';
/// Most open values of a file; what follows shares the last one.
const MAX_OPENS: usize = 1000;

/// One open value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Open {
    /// Name of the parameter that it becomes.
    pub name: String,
    /// Type as the workflow language names it, such as `string` or `securestring`.
    pub kind: String,
    /// Why it is open.
    pub why: String,
    /// What stands for it where it cannot stay open, such as in names and conditions.
    pub stand_in: Value,
}

impl Open {
    /// An open value of a type, for which the type's empty value stands in.
    pub(super) fn empty(name: &str, kind: &str, why: String) -> Self {
        let stand_in = match kind {
            "int" => Value::Int(0),
            "bool" => Value::Bool(false),
            "array" => Value::array([]),
            "object" | "secureobject" => Value::from(Object::new()),
            _ => Value::from(""),
        };
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            why,
            stand_in,
        }
    }

    /// Whether it may only come from a Secret.
    pub(super) fn is_secure(&self) -> bool {
        self.kind.starts_with("secure")
    }
}

/// The open values of a file, each known by its index.
#[derive(Debug, Default)]
pub(super) struct OpenValues(RefCell<Vec<Open>>);

/// A part of a string: text, or the index of an open value.
enum Part<'a> {
    Text(&'a str),
    Mark(usize),
}

impl OpenValues {
    /// The mark of an open value; the same one for the same reason. Another of the same name gets a number.
    pub(super) fn mark(&self, mut open: Open) -> Value {
        let mut all = self.0.borrow_mut();
        let known = all.iter().position(|other| other.why == open.why);
        let known = known.or_else(|| (all.len() >= MAX_OPENS).then(|| all.len() - 1));
        let index = known.unwrap_or_else(|| {
            let base = open.name.clone();
            let mut number = 1_usize;
            while all.iter().any(|other| other.name.eq_ignore_ascii_case(&open.name)) {
                number += 1;
                open.name = format!("{base}-{number}");
            }
            all.push(open);
            all.len() - 1
        });
        Value::from(format!("{OPENS}{index}{CLOSES}"))
    }

    /// The open value at an index.
    pub(super) fn get(&self, index: usize) -> Option<Open> {
        self.0.borrow().get(index).cloned()
    }

    /// The open value of which a string is the mark, and nothing else.
    pub(super) fn whole(&self, value: &Value) -> Option<usize> {
        match self.parts(value.as_str()?).as_slice() {
            [Part::Mark(index)] => Some(*index),
            _ => None,
        }
    }

    fn marks(&self, text: &str) -> Vec<usize> {
        let marks = self.parts(text).into_iter().filter_map(|part| match part {
            Part::Mark(index) => Some(index),
            Part::Text(_) => None,
        });
        marks.collect()
    }

    /// The indexes of the marks in all strings of a value.
    pub(super) fn marks_in(&self, value: &Value) -> Vec<usize> {
        match value {
            Value::String(text) => self.marks(text),
            Value::Array(items) => items.iter().flat_map(|item| self.marks_in(item)).collect(),
            Value::Object(members) => members.iter().flat_map(|(_, member)| self.marks_in(member)).collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => Vec::new(),
        }
    }

    /// The value with every mark replaced by what stands in for it.
    pub(super) fn plain(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.contains(OPENS) => match self.whole(value).and_then(|index| self.get(index)) {
                Some(open) => open.stand_in,
                None => Value::from(self.plain_text(text)),
            },
            Value::Array(items) => Value::array(items.iter().map(|item| self.plain(item))),
            Value::Object(members) => Value::object(
                members
                    .iter()
                    .map(|(name, member)| (self.plain_text(name), self.plain(member))),
            ),
            other => other.clone(),
        }
    }

    /// The text with every mark replaced by what stands in for it.
    pub(super) fn plain_text(&self, text: &str) -> String {
        let texts = self.parts(text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Mark(index) => self
                .get(index)
                .and_then(|open| open.stand_in.as_str().map(str::to_owned))
                .unwrap_or_default(),
        });
        texts.collect()
    }

    /// The text with every mark replaced by the name of its parameter.
    pub(super) fn named_text(&self, text: &str) -> String {
        let texts = self.parts(text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Mark(index) => self.get(index).map(|open| open.name).unwrap_or_default(),
        });
        texts.collect()
    }

    /// The text of a value for people: open values by their names.
    pub(super) fn shown(&self, value: &Value) -> String {
        let text = value.as_str().map_or_else(|| value.to_json(), str::to_owned);
        let parts = self.parts(&text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Mark(index) => self
                .get(index)
                .map(|open| format!("`{}`", open.name))
                .unwrap_or_default(),
        });
        parts.collect()
    }

    /// A part of a workflow with its marks turned to parameters of the workflow language; left out of names of members.
    pub(super) fn carry_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.carry(text)),
            Value::Array(items) => Value::array(items.iter().map(|item| self.carry_value(item))),
            Value::Object(members) => Value::object(
                members
                    .iter()
                    .map(|(name, member)| (self.plain_text(name), self.carry_value(member))),
            ),
            other => other.clone(),
        }
    }

    /// A string of a workflow with its marks turned to `parameters('…')` of the workflow language.
    fn carry(&self, text: &str) -> String {
        if !text.contains(OPENS) {
            return text.to_owned();
        }
        if let [Part::Mark(index)] = self.parts(text).as_slice() {
            return format!("@{}", self.reference(*index));
        }
        if text.starts_with('@') && !text.starts_with("@{") && !text.starts_with("@@") {
            return self.carry_expression(text);
        }
        let mut output = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("@{") {
            output.push_str(&self.carry_text(&rest[..start]));
            let length = interpolation_length(&rest[start..]);
            output.push_str(&self.carry_expression(&rest[start..start + length]));
            rest = &rest[start + length..];
        }
        output + &self.carry_text(rest)
    }

    fn carry_text(&self, text: &str) -> String {
        let parts = self.parts(text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Mark(index) => format!("@{{{}}}", self.reference(index)),
        });
        parts.collect()
    }

    /// Inside an expression a mark mostly stands in a literal: `'a⟦x⟧b'` becomes `concat('a', parameters('x'), 'b')`.
    fn carry_expression(&self, text: &str) -> String {
        let mut output = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('\'') {
            output.push_str(&self.carry_code(&rest[..start]));
            let (literal, after) = rest[start..].split_at(literal_length(&rest[start..]));
            if literal.contains(OPENS) {
                output.push_str(&self.carry_literal(literal.trim_matches('\'')));
            } else {
                output.push_str(literal);
            }
            rest = after;
        }
        output + &self.carry_code(rest)
    }

    fn carry_code(&self, text: &str) -> String {
        let parts = self.parts(text).into_iter().map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Mark(index) => self.reference(index),
        });
        parts.collect()
    }

    fn carry_literal(&self, literal: &str) -> String {
        let members: Vec<String> = self
            .parts(literal)
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => format!("'{text}'"),
                Part::Mark(index) => self.reference(index),
            })
            .collect();
        match members.as_slice() {
            [one] => one.clone(),
            _ => format!("concat({})", members.join(", ")),
        }
    }

    fn reference(&self, index: usize) -> String {
        let name = self
            .get(index)
            .map_or_else(String::new, |open| open.name.replace('\'', "''"));
        format!("parameters('{name}')")
    }

    fn parts<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPENS) {
            let after = &rest[start + OPENS.len_utf8()..];
            let Some(end) = after.find(CLOSES) else { break };
            let Some(index) = after[..end].parse().ok().filter(|index| *index < self.0.borrow().len()) else {
                break;
            };
            if start > 0 {
                parts.push(Part::Text(&rest[..start]));
            }
            parts.push(Part::Mark(index));
            rest = &after[end + CLOSES.len_utf8()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        parts
    }
}

/// Length of the literal at the start of a text, quotes included; `''` in it is a quote.
fn literal_length(text: &str) -> usize {
    let mut at = 1;
    while let Some(quote) = text.get(at..).and_then(|rest| rest.find('\'')) {
        at += quote + 1;
        if !text[at..].starts_with('\'') {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Length of the `@{…}` at the start of a text; braces in literals do not count. The whole text where it does not end.
pub(super) fn interpolation_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens() -> (OpenValues, String) {
        let opens = OpenValues::default();
        let mark = opens.mark(Open::empty("key", "securestring", "secure".into()));
        let mark = mark.as_str().expect("text").to_owned();
        (opens, mark)
    }

    #[test]
    fn carries_marks_into_the_workflow_language() {
        let (opens, mark) = opens();
        let cases = [
            ("#", "@parameters('key')"),
            ("Bearer #", "Bearer @{parameters('key')}"),
            (
                "@concat('#', body('#x'))",
                "@concat(parameters('key'), body(concat(parameters('key'), 'x')))",
            ),
            (
                "a # @{f('}', '#')} b",
                "a @{parameters('key')} @{f('}', parameters('key'))} b",
            ),
            ("@{f('it''s #')}", "@{f(concat('it''s ', parameters('key')))}"),
            ("plain", "plain"),
        ];
        for (text, expected) in cases {
            assert_eq!(opens.carry(&text.replace('#', &mark)), expected, "{text}");
        }
    }

    #[test]
    fn plain_values_hold_no_mark() {
        let (opens, mark) = opens();
        let value = Value::array([
            Value::from(format!("a{mark}b")),
            Value::from(mark.clone()),
            Value::Int(1),
        ]);
        assert_eq!(opens.plain(&value).to_json(), r#"["ab","",1]"#);
        assert_eq!(opens.whole(&Value::from(mark)), Some(0));
    }

    #[test]
    fn one_mark_for_one_value() {
        let opens = OpenValues::default();
        let open = |why: &str| Open::empty("listKeys", "securestring", why.into());
        let first = opens.mark(open("a"));
        let second = opens.mark(open("b"));
        assert_ne!(first, second);
        assert_eq!(opens.mark(open("a")), first);
        assert_eq!(opens.mark(open("b")), second);
    }
}
