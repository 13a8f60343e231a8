//! ARM templates and bare workflows, read in place: what the importer makes of them becomes objects of the catalog, and
//! what it has to say becomes diagnostics at the resource that it is about.

use std::collections::HashSet;
use std::sync::Arc;

use crate::api::manifest::{Decoded, decode};
use crate::api::yaml::{self, Document, Position};
use crate::api::{Diagnostic, Manifest};
use crate::arm::{self, Options, Remark, Verdict};
use crate::expression::Value;

use super::DEFAULT_NAMESPACE;
use super::place::{Part, Place};
use super::source::Reader;

impl Reader {
    /// Takes every object of a template; what has an error of its template is left out.
    pub(super) fn template(&mut self, document: Document) {
        let options = Options {
            namespace: DEFAULT_NAMESPACE.to_owned(),
        };
        let draft = arm::read_value(&self.file, &Value::from(&document.json), &options);
        let remarks = draft.remarks();
        let diagnostics = remarks.iter().map(|remark| diagnostic(remark, &document, &self.file));
        self.source.diagnostics.extend(diagnostics);
        let broken = remarks.iter().filter(|remark| is_error(remark));
        let broken: HashSet<&str> = broken.map(|remark| remark.resource.as_str()).collect();
        let document = Arc::new(document);
        for part in draft.parts().filter(|part| !broken.contains(part.pointer)) {
            let place = Place {
                file: self.file.clone(),
                document: document.clone(),
                part: Some(Part {
                    resource: part.pointer.to_owned(),
                    definition: part.definition.map(str::to_owned),
                    is_assumed: part.is_assumed,
                }),
            };
            match read(part.manifest, place.of(""), &self.file) {
                Ok(Some(manifest)) => self.manifest(manifest, place),
                Ok(None) => {}
                Err(errors) => self.source.diagnostics.extend(errors),
            }
        }
    }
}

/// The manifest that the importer made; its errors stand at the resource.
fn read(manifest: &serde_json::Value, position: Position, file: &str) -> Result<Option<Manifest>, Vec<Diagnostic>> {
    let document = yaml::parse_json(&manifest.to_string())
        .map_err(|problem| vec![Diagnostic::error(file, position, problem.code, problem.message)])?;
    let at_resource = |mut error: Diagnostic| {
        (error.line, error.column) = (position.line, position.column);
        error
    };
    match decode(&document, file) {
        Ok(Decoded::Manifest(manifest)) => Ok(Some(*manifest)),
        Ok(Decoded::Foreign { .. } | Decoded::Test) => Ok(None),
        Err(errors) => Err(errors.into_iter().map(at_resource).collect()),
    }
}

/// Whether a remark keeps its resource out of the catalog: a value of it is not known.
fn is_error(remark: &Remark) -> bool {
    !remark.resource.is_empty() && matches!(remark.verdict, Verdict::Invalid | Verdict::Unsupported)
}

fn diagnostic(remark: &Remark, document: &Document, file: &str) -> Diagnostic {
    let position = document.nearest(&remark.pointer);
    let message = remark.message.clone();
    if is_error(remark) {
        Diagnostic::error(file, position, remark.code, message)
    } else if remark.code == "NothingToImport" {
        Diagnostic::note(file, position, "ArmTemplate", message)
    } else {
        Diagnostic::warning(file, position, remark.code, message)
    }
}
