//! The request that starts the run of a PlaybookRun. Pure.

use kube::ResourceExt;
use uuid::Uuid;

use super::dereference::Found;
use crate::api::PlaybookRun;
use crate::engine::start::{Request, StartKind};
use crate::incidents::WorkspaceIds;
use crate::rules::body::{self, EventType};

/// The request of an object whose run has this id.
pub(super) fn request(object: &PlaybookRun, run: Uuid, found: Found, workspaces: &WorkspaceIds) -> Request {
    let requester = object.spec.requested_by.as_ref().map(|requester| &requester.username);
    let request = Request {
        namespace: object.namespace().unwrap_or_default(),
        playbook: object.spec.playbook_ref.name.clone(),
        requester: requester.map_or_else(|| "user/unknown".to_owned(), |name| format!("user/{name}")),
        id: Some(run),
        ..Request::default()
    };
    match found {
        Found::Incident(view) => Request {
            kind: StartKind::Incident,
            body: body::incident_trigger(
                &view,
                None,
                &workspaces.ids(&view.incident.workspace),
                EventType::Manual,
                &run.to_string(),
            ),
            incident: Some(view.incident.id),
            ..request
        },
        Found::Alert(alert, incident) => Request {
            kind: StartKind::Alert,
            body: body::alert_trigger(&alert, &workspaces.ids(&alert.workspace)),
            incident,
            ..request
        },
        Found::Entity(entity, view) => {
            let ids = workspaces.ids(&view.incident.workspace);
            let arm_id = ids.incident_arm_id(&view.incident.id);
            Request {
                kind: StartKind::Entity,
                body: body::entity_trigger(&entity, Some(&arm_id), &ids),
                incident: Some(view.incident.id),
                ..request
            }
        }
        Found::Body(body) => Request {
            kind: StartKind::Body,
            body,
            ..request
        },
    }
}
