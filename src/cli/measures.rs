//! What `riposte dev` measures, in Prometheus' text form.

use std::sync::Arc;

use async_trait::async_trait;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::server::Measures;
use crate::store::Store;
use crate::telemetry::Figures;

/// The measures of a local system: the same figures of runs that the operator has.
pub struct LocalMeasures {
    registry: Registry,
    figures: Arc<Figures>,
}

impl LocalMeasures {
    /// The measures of a system with this store and these figures.
    pub fn new(store: &Store, figures: Arc<Figures>) -> Self {
        let mut registry = Registry::default();
        figures.register(registry.sub_registry_with_prefix("riposte"), store);
        Self { registry, figures }
    }
}

#[async_trait]
impl Measures for LocalMeasures {
    async fn text(&self, store: &Store) -> Result<String, String> {
        self.figures.refresh(store).await.map_err(|error| error.to_string())?;
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| error.to_string())?;
        Ok(text)
    }
}
