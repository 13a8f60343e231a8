//! What a PlaybookRun names, read from the store. Invariant: what lies in another namespace is read only for somebody
//! who may work on incidents there.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use uuid::Uuid;

use super::AGAIN;
use super::validate::Asked;
use crate::api::{GROUP, PlaybookRun};
use crate::controllers::error::ReconcileError;
use crate::controllers::live::{Context, store_failed};
use crate::expression::Value;
use crate::rules::body::entity_id;
use crate::rules::{Alert, Entity, IncidentView};

/// What a run is started on, as it is now.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Incident(Box<IncidentView>),
    /// An alert, and the incident that it joined.
    Alert(Box<Alert>, Option<String>),
    /// An entity, and the incident that shows it.
    Entity(Entity, Box<IncidentView>),
    Body(Value),
}

pub(super) async fn dereference(
    object: &PlaybookRun,
    asked: &Asked<'_>,
    context: &Context,
) -> Result<Found, ReconcileError> {
    match asked {
        Asked::Body(body) => Ok(Found::Body(body.clone())),
        Asked::Incident(reference) => {
            let workspace = workspace(object, reference.namespace.as_deref(), context).await?;
            let view = incident(&workspace, &reference.id, context).await?;
            Ok(Found::Incident(Box::new(view)))
        }
        Asked::Alert(reference) => {
            let workspace = workspace(object, reference.namespace.as_deref(), context).await?;
            let alert = context.desk.alert(&reference.id).await.map_err(store_failed)?;
            let alert = alert.filter(|alert| alert.workspace == workspace);
            let alert = alert.ok_or_else(|| missing("AlertNotFound", "alert", &workspace, &reference.id))?;
            let incident = context.desk.incident_of_alert(&alert.id).await.map_err(store_failed)?;
            Ok(Found::Alert(Box::new(alert), incident))
        }
        Asked::Entity(reference, named) => {
            let workspace = workspace(object, reference.namespace.as_deref(), context).await?;
            let view = incident(&workspace, named, context).await?;
            let ids = context.desk.workspaces().ids(&workspace);
            let mut entities = view.entities().into_iter();
            let entity = entities.find(|entity| entity_id(entity, &ids) == reference.id);
            let entity = entity.ok_or_else(|| missing("EntityNotFound", "entity", &workspace, &reference.id))?;
            Ok(Found::Entity(entity, Box::new(view)))
        }
    }
}

async fn incident(workspace: &str, name: &str, context: &Context) -> Result<IncidentView, ReconcileError> {
    let id = match (name.parse(), Uuid::try_parse(name)) {
        (Ok(number), _) => context
            .desk
            .incident_by_number(workspace, number)
            .await
            .map_err(store_failed)?,
        (_, Ok(id)) => Some(id.to_string()),
        _ => None,
    };
    let view = match id {
        Some(id) => context.desk.view(&id).await.map_err(store_failed)?,
        None => None,
    };
    view.filter(|view| view.incident.workspace == workspace)
        .ok_or_else(|| missing("IncidentNotFound", "incident", workspace, name))
}

fn missing(reason: &'static str, what: &str, workspace: &str, id: &str) -> ReconcileError {
    ReconcileError::Stalled {
        reason,
        message: format!(
            "workspace '{workspace}' has no {what} '{id}'; `kubectl get incidents -n {workspace}` shows them"
        ),
    }
}

/// The namespace that a reference is about, if the requester may work there.
async fn workspace(object: &PlaybookRun, named: Option<&str>, context: &Context) -> Result<String, ReconcileError> {
    let own = object.namespace().unwrap_or_default();
    let Some(other) = named.filter(|named| *named != own) else {
        return Ok(own);
    };
    let forbidden = |who: &str| ReconcileError::Stalled {
        reason: "Forbidden",
        message: format!(
            "{who} must not `triage` incidents in namespace '{other}'; ask its owner for the role riposte-responder"
        ),
    };
    let Some(requester) = &object.spec.requested_by else {
        return Err(forbidden("nobody is named in `spec.requestedBy`, so the run"));
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(requester.username.clone()),
            uid: requester.uid.clone(),
            groups: Some(requester.groups.clone()),
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(other.to_owned()),
                group: Some(GROUP.to_owned()),
                resource: Some("incidents".to_owned()),
                verb: Some("triage".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(context.objects.client.clone());
    let reviewed = reviews.create(&PostParams::default(), &review).await;
    match reviewed {
        Ok(reviewed) if reviewed.status.as_ref().is_some_and(|status| status.allowed) => Ok(other.to_owned()),
        Ok(_) => Err(forbidden(&format!("'{}'", requester.username))),
        Err(_) => Err(ReconcileError::Waiting {
            reason: "PermissionUnknown",
            message: "the API server does not say whether the requester may work on the incident".into(),
            retry_after: AGAIN,
        }),
    }
}
