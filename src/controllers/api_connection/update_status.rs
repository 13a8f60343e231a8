//! What the status of a connection says.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::dereference::Dereferenced;
use crate::api::status::ApiConnectionStatus;
use crate::connectors::Reached;
use crate::controllers::condition::{Shown, Truth};
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::Progress;
use crate::controllers::test::{BAD, Found, GOOD};

/// The service answers.
const CONNECTED: &str = "Connected";
/// The longest result, in characters.
const RESULT_MAX: usize = 1_024;

pub(super) fn update_status(
    found: &Dereferenced,
    validated: Result<Shown, ReconcileError>,
    tested: Option<&Found>,
) -> Progress {
    let connected = connected(tested);
    let status = ApiConnectionStatus {
        last_test_time: tested.map(|_| Time(Timestamp::now())),
        test_result: tested.map(|_| connected.message.chars().take(RESULT_MAX).collect()),
        playbooks: i32::try_from(found.playbooks).ok(),
        ..ApiConnectionStatus::default()
    };
    let mut progress = Progress::of(validated).with_status(&status);
    progress.beside.push(connected);
    progress.again = match tested {
        Some(Ok(_)) => GOOD,
        Some(Err(_)) | None => BAD,
    };
    progress
}

fn connected(tested: Option<&Found>) -> Shown {
    match tested {
        Some(Ok(Reached::Itself)) => Shown::new(CONNECTED, true, "Riposte", "served by Riposte itself"),
        Some(Ok(Reached::Service(status))) => {
            let message = format!("the service answers (HTTP {status} without credentials)");
            Shown::new(CONNECTED, true, "Answered", message)
        }
        Some(Err((code, message))) => Shown::new(CONNECTED, false, reason(code), message.clone()),
        None => Shown::new(
            CONNECTED,
            Truth::Unknown,
            "NotTested",
            "not tested, because the connection is not ready",
        ),
    }
}

/// The code of a failed call as a reason; reasons are part of the API, so there are few.
fn reason(code: &str) -> &'static str {
    match code {
        "EgressDenied" => "EgressDenied",
        "TlsFailed" => "TlsFailed",
        "TimedOut" => "TimedOut",
        "InvalidRequest" => "InvalidAddress",
        _ => "ServiceUnreachable",
    }
}
