//! API connections: whether what they name is there, and whether their service answers. An outage of the service is
//! shown and changes nothing of `Ready`.

mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{API_CONNECTION, Resource};

/// API connections.
pub(super) struct ApiConnection;

impl Kind for ApiConnection {
    const NAME: &'static str = "apiconnection";
    const RESOURCE: Resource = API_CONNECTION;
    const OWNED: &'static [&'static str] = &["testResult", "lastTestTime", "playbooks"];

    async fn reconcile(seen: &Seen<'_>, context: &Context) -> Progress {
        if let Err(error) = seen.sound("InvalidSpec") {
            return Progress::of(Err(error));
        }
        let dereferenced = dereference::dereference(seen, context);
        let validated = validate::validate(&dereferenced);
        let tested = match &validated {
            Ok((_, connection)) => Some(context.tests.test(seen.namespace(), connection).await),
            Err(_) => None,
        };
        update_status::update_status(&dereferenced, validated.map(|(ready, _)| ready), tested.as_ref())
    }
}
