//! A playbook's definition: read from either field, checked, and its problems put at their places in the file, also
//! inside the text of `definitionText` and inside a template that the playbook was made of.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::api::manifest::Object;
use crate::api::yaml::{self, Document, Position};
use crate::api::{Diagnostic, PlaybookSpec};
use crate::definition::{self, Limits, Problem, Severity};
use crate::expression::Value;

use super::entry::Playbook;
use super::place::Place;
use super::source::named;

/// Pointer to the definition as text.
const TEXT: &str = "/spec/definitionText";

/// Reads and checks the definition of a playbook; `None` where it has errors.
pub(super) fn read(
    object: Object<PlaybookSpec>,
    place: &Place,
    limits: Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Playbook> {
    let file = &*place.file;
    let source = match Definition::find(&object.spec, place) {
        Ok(source) => source,
        Err((position, message)) => {
            diagnostics.push(Diagnostic::error(file, position, "InvalidDefinitionText", message));
            return None;
        }
    };
    let definition = Value::from(source.json());
    let (workflow, problems) = match definition::parse_given(&definition, limits, given(&object.spec)) {
        Ok((workflow, warnings)) => (Some(workflow), warnings),
        Err(problems) => (None, problems),
    };
    diagnostics.extend(problems.iter().map(|problem| source.diagnostic(problem, file)));
    let workflow = Arc::new(workflow?);
    let definition_text = definition.to_json();
    let hash = Sha256::digest(&definition_text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (namespace, name) = named(object.metadata);
    Some(Playbook {
        namespace,
        name,
        spec: object.spec,
        trigger_type: trigger_type(&definition),
        definition_text: definition_text.into(),
        hash,
        workflow,
        file: file.to_owned(),
    })
}

fn trigger_type(definition: &Value) -> Option<String> {
    let triggers = definition.as_object()?.get("triggers")?.as_object()?;
    let (_, trigger) = triggers.iter().next()?;
    Some(trigger.as_object()?.get("type")?.as_str()?.to_owned())
}

/// The values that the manifest itself gives to parameters.
fn given(spec: &PlaybookSpec) -> BTreeMap<String, Value> {
    let values = spec.parameters.iter();
    let values = values.filter_map(|given| Some((given.name.to_lowercase(), Value::from(given.value.as_ref()?))));
    values.collect()
}

/// The position of what a JSON pointer names in the definition of a playbook.
pub(super) fn position(spec: &PlaybookSpec, place: &Place, pointer: &str) -> Position {
    match Definition::find(spec, place) {
        Ok(source) => source.position(pointer, None),
        Err((position, _)) => position,
    }
}

/// The positions of parts of strings in the definition of a playbook: by JSON pointer and bytes in the string.
pub(super) fn positions(spec: &PlaybookSpec, place: &Place, parts: &[(&str, &Range<usize>)]) -> Vec<Position> {
    match Definition::find(spec, place) {
        Ok(source) => {
            let parts = parts.iter();
            parts
                .map(|(pointer, span)| source.position(pointer, Some(span)))
                .collect()
        }
        Err((position, _)) => vec![position; parts.len()],
    }
}

/// Where the definition stands.
enum Definition<'a> {
    /// In the manifest itself.
    Inline {
        outer: &'a Document,
        json: &'a serde_json::Value,
    },
    /// In a text of the manifest.
    Text {
        outer: &'a Document,
        inner: Box<Document>,
        text: &'a str,
    },
    /// In a part of a document of another form, from which the text was made.
    Part {
        outer: &'a Document,
        pointer: &'a str,
        inner: Box<Document>,
    },
}

impl<'a> Definition<'a> {
    fn find(spec: &'a PlaybookSpec, place: &'a Place) -> Result<Self, (Position, String)> {
        let outer = &*place.document;
        if let Some(json) = &spec.definition {
            return Ok(Self::Inline { outer, json });
        }
        let text = spec.definition_text.as_deref().unwrap_or_default();
        let part = place.part.as_ref().and_then(|part| part.definition.as_deref());
        let documents = yaml::parse(text).map_err(|problem| {
            let position = match part {
                Some(pointer) => outer.nearest(pointer),
                None => outer.position_in(TEXT, yaml::byte_offset(text, problem.position)),
            };
            (position, problem.message)
        })?;
        let [inner] = <[Document; 1]>::try_from(documents).map_err(|documents| {
            let message = format!("`definitionText` must hold one document, it holds {}", documents.len());
            (outer.nearest(TEXT), message)
        })?;
        let inner = Box::new(inner);
        Ok(match part {
            Some(pointer) => Self::Part { outer, pointer, inner },
            None => Self::Text { outer, inner, text },
        })
    }

    fn json(&self) -> &serde_json::Value {
        match self {
            Self::Inline { json, .. } => json,
            Self::Text { inner, .. } | Self::Part { inner, .. } => &inner.json,
        }
    }

    fn diagnostic(&self, problem: &Problem, file: &str) -> Diagnostic {
        let position = self.position(&problem.pointer, problem.span.as_ref());
        let message = problem.message.clone();
        match problem.severity {
            Severity::Error => Diagnostic::error(file, position, problem.code, message),
            Severity::Warning => Diagnostic::warning(file, position, problem.code, message),
        }
    }

    fn position(&self, pointer: &str, span: Option<&Range<usize>>) -> Position {
        match self {
            Self::Inline { outer, .. } => inside(outer, &format!("/spec/definition{pointer}"), span),
            Self::Text { outer, inner, text } => {
                let position = inside(inner, pointer, span);
                outer.position_in(TEXT, yaml::byte_offset(text, position))
            }
            Self::Part {
                outer,
                pointer: definition,
                inner,
            } => {
                let there = format!("{definition}{pointer}");
                // A string that the template computes has other characters than the string that it becomes.
                let is_same = outer.json.pointer(&there) == inner.json.pointer(pointer);
                inside(outer, &there, span.filter(|_| is_same))
            }
        }
    }
}

fn inside(document: &Document, pointer: &str, span: Option<&Range<usize>>) -> Position {
    match span {
        Some(span) => document.position_in(pointer, span.start),
        None => document.nearest(pointer),
    }
}
