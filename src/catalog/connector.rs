//! A connector's OpenAPI document, read into what calls use: an inline one with its file, one from a ConfigMap when
//! the whole catalog is known. A document that cannot be read is an error at its reference, and nothing calls it.

use std::sync::Arc;

use crate::api::connector::OpenApiSource;
use crate::api::yaml;
use crate::api::{ConnectorSpec, Diagnostic};
use crate::connectors::Connector;

use super::entry::ConnectorEntry;
use super::place::Place;
use super::snapshot::Catalog;

/// Pointer to an inline document.
const INLINE: &str = "/spec/openapi/inline";
/// Pointer to the reference to a ConfigMap.
const REFERENCE: &str = "/spec/openapi/configMapKeyRef/name";

/// The connector of an inline document; `None` where it is broken or stands in a ConfigMap.
pub(super) fn inline(
    name: &str,
    spec: &ConnectorSpec,
    place: &Place,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<Connector>> {
    let OpenApiSource::Inline(openapi) = &spec.openapi else {
        return None;
    };
    match Connector::read_with(name, spec, openapi) {
        Ok(connector) => Some(Arc::new(connector)),
        Err(error) => {
            let position = place.of(INLINE);
            diagnostics.push(Diagnostic::error(
                &place.file,
                position,
                "InvalidOpenApi",
                error.to_string(),
            ));
            None
        }
    }
}

/// The connector whose document stands in a ConfigMap of the catalog; `None` where there is no such text.
///
/// # Errors
/// The text cannot be read, or is no OpenAPI.
pub(super) fn from_config_map(
    catalog: &Catalog,
    entry: &ConnectorEntry,
    place: &Place,
) -> Result<Option<Arc<Connector>>, Diagnostic> {
    let OpenApiSource::ConfigMapKeyRef(key) = &entry.spec.openapi else {
        return Ok(None);
    };
    let Some(text) = catalog.config_map(&entry.namespace, &key.name, &key.key) else {
        return Ok(None);
    };
    read(entry, text).map(Some).map_err(|reason| {
        let message = format!("key `{}` of ConfigMap `{}`: {reason}", key.key, key.name);
        Diagnostic::error(&entry.file, place.of(REFERENCE), "InvalidOpenApi", message)
    })
}

fn read(entry: &ConnectorEntry, text: &str) -> Result<Arc<Connector>, String> {
    let documents = yaml::parse(text).map_err(|problem| format!("{}: {problem}", problem.position))?;
    let [openapi] = documents.as_slice() else {
        return Err(format!("it must hold one document, it holds {}", documents.len()));
    };
    let connector = Connector::read_with(&entry.name, &entry.spec, &openapi.json).map_err(|error| error.to_string())?;
    Ok(Arc::new(connector))
}
