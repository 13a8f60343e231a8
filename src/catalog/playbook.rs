//! A playbook's definition: read from either field, checked, and its problems put at their places in the file, also
//! inside the text of `definitionText`.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::api::manifest::Object;
use crate::api::yaml::{self, Document, Position};
use crate::api::{Diagnostic, PlaybookSpec};
use crate::definition::{self, Problem, Severity};
use crate::expression::Value;

use super::entry::Playbook;
use super::source::named;

/// Pointer to the definition as text.
const TEXT: &str = "/spec/definitionText";

/// Reads and checks the definition of a playbook; `None` where it has errors.
pub(super) fn read(
    object: Object<PlaybookSpec>,
    document: &Document,
    file: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Playbook> {
    let place = match definition(&object.spec, document) {
        Ok(place) => place,
        Err((position, message)) => {
            diagnostics.push(Diagnostic::error(file, position, "InvalidDefinitionText", message));
            return None;
        }
    };
    let definition = Value::from(place.json());
    let (workflow, problems) = match definition::parse(&definition) {
        Ok((workflow, warnings)) => (Some(workflow), warnings),
        Err(problems) => (None, problems),
    };
    diagnostics.extend(problems.iter().map(|problem| place.diagnostic(problem, file)));
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
        definition,
        definition_text,
        hash,
        workflow,
        file: file.to_owned(),
    })
}

/// Where the definition stands.
enum Place<'a> {
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
}

fn definition<'a>(spec: &'a PlaybookSpec, outer: &'a Document) -> Result<Place<'a>, (Position, String)> {
    if let Some(json) = &spec.definition {
        return Ok(Place::Inline { outer, json });
    }
    let text = spec.definition_text.as_deref().unwrap_or_default();
    let documents = yaml::parse(text).map_err(|problem| {
        let position = outer.position_in(TEXT, yaml::byte_offset(text, problem.position));
        (position, problem.message)
    })?;
    match <[Document; 1]>::try_from(documents) {
        Ok([inner]) => Ok(Place::Text {
            outer,
            inner: Box::new(inner),
            text,
        }),
        Err(documents) => {
            let message = format!("`definitionText` must hold one document, it holds {}", documents.len());
            Err((outer.nearest(TEXT), message))
        }
    }
}

impl Place<'_> {
    fn json(&self) -> &serde_json::Value {
        match self {
            Self::Inline { json, .. } => json,
            Self::Text { inner, .. } => &inner.json,
        }
    }

    fn diagnostic(&self, problem: &Problem, file: &str) -> Diagnostic {
        let position = self.position(problem);
        let message = problem.message.clone();
        match problem.severity {
            Severity::Error => Diagnostic::error(file, position, problem.code, message),
            Severity::Warning => Diagnostic::warning(file, position, problem.code, message),
        }
    }

    fn position(&self, problem: &Problem) -> Position {
        match self {
            Self::Inline { outer, .. } => place(outer, &format!("/spec/definition{}", problem.pointer), problem),
            Self::Text { outer, inner, text } => {
                let position = place(inner, &problem.pointer, problem);
                outer.position_in(TEXT, yaml::byte_offset(text, position))
            }
        }
    }
}

fn place(document: &Document, pointer: &str, problem: &Problem) -> Position {
    match &problem.span {
        Some(span) => document.position_in(pointer, span.start),
        None => document.nearest(pointer),
    }
}
