//! Checks a `spec` against the schema of its kind and says in plain words what is wrong: the alternatives of a
//! schema (`oneOf`) are told as the one that was meant, and no value is repeated that could be a secret.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Rule;
use serde_json::Value;

use super::finding::{Finding, member};
use super::kind::CompiledSchema;
use super::nearest;

/// Most findings that one manifest reports; more would hide the first.
const MOST: usize = 100;

/// Every way in which a spec breaks the schema of its kind.
pub(super) fn check(compiled: &CompiledSchema, spec: &Value) -> Vec<Finding> {
    let mut findings = Findings {
        schema: &compiled.json,
        found: Vec::new(),
    };
    for error in compiled.validator.iter_errors(spec) {
        findings.add(&error);
    }
    findings.found
}

struct Findings<'a> {
    schema: &'a Value,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn push(&mut self, finding: Finding) {
        if self.found.len() < MOST {
            self.found.push(finding);
        }
    }

    fn add(&mut self, error: &ValidationError<'_>) {
        let pointer = format!("/spec{}", error.instance_path());
        match error.kind() {
            Rule::AdditionalProperties { unexpected } => self.unknown_fields(error, &pointer, unexpected),
            Rule::OneOfNotValid { context } | Rule::OneOfMultipleValid { context } => {
                self.alternatives(error, &pointer, context);
            }
            Rule::AnyOf { context } => self.optional(context),
            Rule::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                self.push(Finding::new(
                    pointer,
                    "MissingField",
                    format!("field `{name}` is missing"),
                ));
            }
            _ => self.push(Finding::new(pointer, "InvalidValue", bound(error))),
        }
    }

    fn unknown_fields(&mut self, error: &ValidationError<'_>, pointer: &str, unexpected: &[String]) {
        let known = self
            .around(error)
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_object);
        let known: Vec<String> = known.map(|known| known.keys().cloned().collect()).unwrap_or_default();
        for name in unexpected {
            self.push(unknown_field(pointer, name, known.iter().map(String::as_str)));
        }
    }

    /// The schema that holds the rule which was broken.
    fn around(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let (schema, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(schema)
    }

    /// A value that may be null: the errors of what it is otherwise.
    fn optional(&mut self, context: &[Vec<ValidationError<'static>>]) {
        for branch in context {
            let is_null = |error: &ValidationError<'_>| matches!(error.kind(), Rule::Type { kind } if format!("{kind:?}").contains("Null"));
            if !branch.iter().all(is_null) {
                branch.iter().for_each(|error| self.add(error));
            }
        }
    }

    /// A word of a closed set, or an object with exactly one of some fields.
    fn alternatives(&mut self, error: &ValidationError<'_>, pointer: &str, context: &[Vec<ValidationError<'static>>]) {
        let branches = self
            .around(error)
            .and_then(|schema| schema.get("oneOf"))
            .and_then(Value::as_array);
        let branches = branches.cloned().unwrap_or_default();
        let words: Vec<&str> = branches
            .iter()
            .filter_map(|branch| branch.get("const")?.as_str())
            .collect();
        if !words.is_empty() {
            self.push(not_in_set(error.instance(), pointer, &words));
            return;
        }
        let is_inside = |inner: &ValidationError<'_>| inner.instance_path() != error.instance_path();
        if let Some(meant) = context
            .iter()
            .find(|errors| !errors.is_empty() && errors.iter().all(is_inside))
        {
            meant.iter().for_each(|inner| self.add(inner));
            return;
        }
        let names: Vec<&str> = branches
            .iter()
            .filter_map(|branch| branch.get("required")?.get(0)?.as_str())
            .collect();
        self.push(not_one_of(error.instance(), pointer, &names));
    }
}

fn unknown_field<'a>(pointer: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Finding {
    Finding::of_key(member(pointer, name), "UnknownField", format!("unknown field `{name}`"))
        .with_hint(nearest::hint(name, known))
}

fn not_in_set(instance: &Value, pointer: &str, words: &[&str]) -> Finding {
    let list = words.join(", ");
    match instance.as_str() {
        Some(word) => {
            let word: String = word.chars().take(80).collect();
            let hint = nearest::hint(&word, words.iter().copied());
            let known = if words.len() > 12 {
                "is not known here".to_owned()
            } else {
                format!("is not one of {list}")
            };
            Finding::new(pointer, "InvalidValue", format!("`{word}` {known}")).with_hint(hint)
        }
        None => Finding::new(pointer, "InvalidValue", format!("must be a word, one of {list}")),
    }
}

fn not_one_of(instance: &Value, pointer: &str, names: &[&str]) -> Finding {
    let list = names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let keys: Vec<&String> = instance
        .as_object()
        .map(|object| object.keys().collect())
        .unwrap_or_default();
    match keys.as_slice() {
        [name] if !names.contains(&name.as_str()) => {
            let finding = unknown_field(pointer, name, names.iter().copied());
            Finding {
                message: format!("{}; known here are {list}", finding.message),
                ..finding
            }
        }
        _ => Finding::new(pointer, "ExactlyOne", format!("exactly one of {list} must be set")),
    }
}

/// A broken bound in words, without the value.
fn bound(error: &ValidationError<'_>) -> String {
    let items = error.instance().as_array().map_or(0, Vec::len);
    let characters = error.instance().as_str().map_or(0, |text| text.chars().count());
    match error.kind() {
        Rule::MaxItems { limit } => format!("the list has {items} items, at most {limit} are allowed"),
        Rule::MinItems { limit } => format!("the list has {items} items, at least {limit} needed"),
        Rule::MaxLength { limit } => format!("the text has {characters} characters, at most {limit} are allowed"),
        Rule::MinLength { limit } => format!("the text has {characters} characters, at least {limit} needed"),
        Rule::Maximum { limit } => format!("{} is too large, at most {limit} is allowed", error.instance()),
        Rule::Minimum { limit } => format!("{} is too small, at least {limit} is needed", error.instance()),
        Rule::Pattern { pattern } => format!("the text does not have the form `{pattern}`"),
        _ => error.masked().to_string(),
    }
}
