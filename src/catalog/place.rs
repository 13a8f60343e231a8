//! Where an object stands: a manifest in its document, or an object that was made of a part of a file of another form
//! (an ARM template, a bare workflow). So a problem of any of them has a line and a column of what the user wrote.

use std::sync::Arc;

use crate::api::yaml::{Document, Position};

/// Pointer to the name in a manifest.
pub(super) const NAME: &str = "/metadata/name";
/// Pointer to the definition in a manifest.
const DEFINITION: &str = "/spec/definition";

/// The place of an object.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file.
    pub file: Arc<str>,
    /// The document of the file.
    pub document: Arc<Document>,
    /// The part of the document that the object was made of; `None` where the document is its manifest.
    pub part: Option<Part>,
}

/// A part of a document, as JSON pointers.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The resource.
    pub resource: String,
    /// Its workflow definition, if it has one.
    pub definition: Option<String>,
    /// Whether the object is not in the part but only needed by it.
    pub is_assumed: bool,
}

impl Place {
    /// Whether the object stands nowhere but is only needed.
    pub(super) fn is_assumed(&self) -> bool {
        self.part.as_ref().is_some_and(|part| part.is_assumed)
    }

    /// The position of what a JSON pointer names in the object's manifest, or of the nearest thing around it.
    pub(super) fn of(&self, pointer: &str) -> Position {
        let Some(part) = &self.part else {
            return self.document.nearest(pointer);
        };
        match (pointer.strip_prefix(DEFINITION), &part.definition) {
            (Some(inner), Some(definition)) => self.document.nearest(&format!("{definition}{inner}")),
            _ if pointer == NAME => self.document.nearest(&format!("{}/name", part.resource)),
            _ => self.document.nearest(&part.resource),
        }
    }
}
