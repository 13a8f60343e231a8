//! A connector as the calls see it: its address, its authentication, its operations. Read once from a manifest and
//! its OpenAPI document. Invariant: the most exact template wins, so a match does not depend on the document's order.

mod called;
mod openapi;
mod parameter;
mod path;
mod unlike;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::connector::{ConnectionParameter, ConnectorAuthentication, ConnectorSpec};
use crate::api::nearest;

pub use called::Called;
pub(in crate::connectors) use openapi::resolve;
pub use parameter::{In, Parameter};
pub use path::{ConcretePath, PathTemplate, PathValues, decode_component, encode_component};

use super::approval;
use super::logs::Translation;
use super::sentinel::NativeOperation;

/// A kind of service.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name, such as `virustotal`.
    pub name: String,
    /// Where the service is; `{name}` stands for that connection parameter. `None` if only connections say it.
    pub base_url: Option<String>,
    /// The parameters that each connection gives.
    pub parameters: Vec<ConnectionParameter>,
    /// How calls authenticate.
    pub authentication: Option<ConnectorAuthentication>,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// The OpenAPI document, to which references of response schemas point.
    pub document: Arc<Json>,
}

/// One operation of a connector.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `operationId`, or method and path where the document gives none.
    pub id: String,
    /// What people see.
    pub summary: String,
    /// `GET`, `POST` and so on, in capitals, as playbooks name it.
    pub method: String,
    /// The path as playbooks name it.
    pub path: PathTemplate,
    /// What the vendor's service is really asked, where it differs.
    pub real: Real,
    /// Path parameters that playbooks encode twice (`x-ms-url-encoding: double`).
    pub double_encoded: Vec<String>,
    /// What it takes, by name.
    pub parameters: Vec<Parameter>,
    /// Values that are sent unless the call gives its own.
    pub defaults: Vec<DefaultValue>,
    /// Media type of the body, if the document names one.
    pub consumes: Option<String>,
    /// Schema of the successful answer, its references unresolved.
    pub response: Option<Json>,
    /// Schema of what the service sends to the callback URL (`x-ms-notification-content`), its references unresolved.
    pub notification: Option<Json>,
    /// Whether it may be repeated when its outcome was lost.
    pub safe_to_repeat: bool,
    /// What Riposte itself does instead of a call (`x-riposte-operation`).
    pub native: Option<NativeOperation>,
    /// The form in which people are asked instead of a call (`x-riposte-approval`).
    pub approval: Option<approval::Form>,
    /// How calls and answers of the service are made from those of the operation (`x-riposte-translation`).
    pub translation: Option<Translation>,
}

impl Operation {
    /// Whether Riposte itself answers it.
    pub fn is_own(&self) -> bool {
        self.native.is_some() || self.approval.is_some()
    }
}

/// The request that the vendor's service gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Real {
    /// Its method (`x-riposte-method`).
    pub method: String,
    /// Its path (`x-riposte-path`); places as in the operation's path.
    pub path: PathTemplate,
    /// A fixed query, without the question mark.
    pub query: Option<String>,
}

/// A value that the document fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultValue {
    /// Where it goes.
    pub place: Place,
    /// Name of the header or query parameter.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A header.
    Header,
    /// The query.
    Query,
}

/// An operation and the values of its path.
#[derive(Clone, Debug)]
pub struct Match<'c> {
    /// The operation.
    pub operation: &'c Operation,
    /// The values of the path's places.
    pub values: PathValues,
}

/// Why a connector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The OpenAPI document is not in the manifest.
    #[error("connector '{0}': the OpenAPI document is elsewhere; give its text where configMapKeyRef stands")]
    NotInline(String),
    /// The document is no OpenAPI.
    #[error("connector '{connector}': {message}")]
    Document {
        /// The connector.
        connector: String,
        /// What is wrong, and where.
        message: String,
    },
}

impl Connector {
    /// Reads a connector from its manifest, whose OpenAPI document is inline.
    ///
    /// # Errors
    /// A document that is not OpenAPI 2.0 or 3.x, or an extension with an unknown value.
    pub fn read(name: &str, spec: &ConnectorSpec) -> Result<Self, SpecError> {
        match &spec.openapi {
            crate::api::connector::OpenApiSource::Inline(document) => Self::read_with(name, spec, document),
            crate::api::connector::OpenApiSource::ConfigMapKeyRef(_) => Err(SpecError::NotInline(name.to_owned())),
        }
    }

    /// Reads a connector whose OpenAPI document was found elsewhere.
    ///
    /// # Errors
    /// A document that is not OpenAPI 2.0 or 3.x, or an extension with an unknown value.
    pub fn read_with(name: &str, spec: &ConnectorSpec, document: &Json) -> Result<Self, SpecError> {
        let wrong = |message| SpecError::Document {
            connector: name.to_owned(),
            message,
        };
        let base_url = spec.base_url.clone().or_else(|| openapi::base_url(document));
        let authentication = spec
            .authentication
            .clone()
            .or_else(|| openapi::authentication(document, &spec.parameters));
        Ok(Self {
            name: name.to_owned(),
            base_url,
            parameters: spec.parameters.clone(),
            authentication,
            operations: openapi::operations(document).map_err(wrong)?,
            document: Arc::new(document.clone()),
        })
    }

    /// The operation of a method and an encoded path without query.
    pub fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        self.best(|operation| (&operation.method, &operation.path), method, path)
    }

    /// The operation of this id (`operationId`).
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        operations.find(|operation| operation.id.eq_ignore_ascii_case(id))
    }

    /// That there is no operation of this id, with the nearest one, for a message.
    pub fn no_operation(&self, id: &str) -> String {
        let known = self.operations.iter().map(|operation| operation.id.as_str());
        let hint = nearest(id, known).map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        format!("connector '{}' has no operation '{id}'{hint}", self.name)
    }

    /// The operation whose vendor request has this method and path: what a fake service answers.
    pub fn find_real(&self, method: &str, path: &str) -> Option<Match<'_>> {
        self.best(|operation| (&operation.real.method, &operation.real.path), method, path)
    }

    fn best<'c>(
        &'c self,
        form: impl Fn(&'c Operation) -> (&'c String, &'c PathTemplate),
        method: &str,
        path: &str,
    ) -> Option<Match<'c>> {
        let path = ConcretePath::read(path);
        self.operations
            .iter()
            .filter_map(|operation| {
                let (name, template) = form(operation);
                let fits = name.eq_ignore_ascii_case(method);
                fits.then(|| template.matches(&path))
                    .flatten()
                    .map(|values| (template, Match { operation, values }))
            })
            .min_by_key(|(template, _)| template.exactness())
            .map(|(_, found)| found.decoded())
    }

    /// The operations that look most like this method and path, for a message: at most three.
    pub fn nearest(&self, method: &str, path: &str) -> Vec<String> {
        let mut scored: Vec<(usize, String)> = self
            .operations
            .iter()
            .map(|operation| {
                let text = format!("{} {}", operation.method, operation.path.as_str());
                (
                    unlike::distance(&operation.path, path) + usize::from(operation.method != method),
                    text,
                )
            })
            .collect();
        scored.sort();
        scored.into_iter().take(3).map(|(_, text)| text).collect()
    }
}

impl Match<'_> {
    fn decoded(mut self) -> Self {
        for (name, value) in &mut self.values {
            if self.operation.double_encoded.contains(name) {
                *value = decode_component(value);
            }
        }
        self
    }

    /// The value of a place of the path.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }
}
