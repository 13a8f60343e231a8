//! A folder of `riposte dev` with everything that an imported playbook needs, and the services beside it.

use super::process::Home;
use crate::enrichment::service::Service;
use crate::enrichment::{Imported, Services, grant, rule};

/// The outside world of the playbook.
pub(super) struct World {
    pub(super) home: Home,
    pub(super) virus_total: Service,
    pub(super) data_collector: Service,
}

impl World {
    /// The playbook with its connections and the rule that runs it, without a grant.
    pub(super) async fn without_grant() -> Self {
        let (home, imported, services) = (Home::new(), Imported::new("default"), Services::start().await);
        home.write("playbook.yaml", &imported.playbook);
        home.write("connections.yaml", &services.connections(&imported));
        home.write("rule.yaml", &rule());
        Self {
            home,
            virus_total: services.virus_total,
            data_collector: services.data_collector,
        }
    }

    /// The same with the grant.
    pub(super) async fn new() -> Self {
        let world = Self::without_grant().await;
        world.home.write("grant.yaml", &grant("default"));
        world
    }
}
