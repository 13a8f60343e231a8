//! Answers the calls of the Sentinel connector from Riposte's own incidents and watchlists. Reads now, plans what is to
//! be written.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::answer::{self, Refused};
use super::{IncidentRef, NativeOperation, SentinelCommand, Shape, WorkspaceRef, perform_watchlist};
use crate::connectors::Connections;
use crate::connectors::spec::Match;
use crate::engine::call::{Answer, Call, CallError};
use crate::expression::Value;
use crate::incidents::{Cause, Desk};
use crate::rules::{Author, IncidentView, Patch, body, entities};
use crate::store::Operation;

/// Performs commands with a desk; cheap to clone.
#[derive(Clone)]
pub struct Performer {
    desk: Desk,
    connections: Arc<dyn Connections>,
}

/// The answer's body, and what is to be written.
pub(super) type Done = Result<(Value, Vec<Operation>), Refused>;

impl Performer {
    /// A performer over a desk; the connections say what else a playbook may change.
    pub fn new(desk: Desk, connections: Arc<dyn Connections>) -> Self {
        Self { desk, connections }
    }

    /// Answers a call: what is wrong with it, not there or not allowed is an answer of 400, 404 or 403, as the original
    /// gives it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn perform(
        &self,
        operation: NativeOperation,
        found: &Match<'_>,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, CallError> {
        let done = match SentinelCommand::read(operation, found, call.body.as_ref(), &call.queries) {
            Ok(command) => {
                Act {
                    desk: &self.desk,
                    connections: &*self.connections,
                    call,
                    now,
                }
                .run(command)
                .await
            }
            Err(bad) => Err(Refused::from(bad)),
        };
        match done {
            Ok((body, writes)) => Ok(answer::ok(body, writes)),
            Err(Refused::Answer(status, message)) => Ok(answer::problem(status, &message)),
            Err(Refused::Failed(error)) => Err(error),
        }
    }
}

/// One command at work.
pub(super) struct Act<'a> {
    pub(super) desk: &'a Desk,
    connections: &'a dyn Connections,
    call: &'a Call,
    pub(super) now: Timestamp,
}

impl Act<'_> {
    async fn run(&self, command: SentinelCommand) -> Done {
        match command {
            SentinelCommand::Subscribe => Ok((Value::Null, Vec::new())),
            SentinelCommand::Extract { kind, input } => {
                let found = entities::extract(kind, &input).map_err(|error| Refused::Answer(400, error.to_string()))?;
                Ok((found, Vec::new()))
            }
            SentinelCommand::Get { incident, shape } => {
                let view = self.view(&incident).await?;
                Ok((self.resource(&view, shape), Vec::new()))
            }
            SentinelCommand::Create { workspace, patch } => self.create(&workspace, &patch).await,
            SentinelCommand::Update { incident, patch, shape } => {
                let mut view = self.changeable(&incident).await?;
                let author = self.author();
                let planned = self
                    .desk
                    .plan_patch(&view.incident.id, &patch, self.cause(&author), self.now)
                    .await?;
                view.incident = planned.value;
                Ok((self.resource(&view, shape), planned.operations))
            }
            SentinelCommand::Comment { incident, message } => self.comment(&incident, &message).await,
            SentinelCommand::CreateTask {
                incident,
                title,
                description,
            } => self.create_task(&incident, &title, &description).await,
            SentinelCommand::CompleteTask { task } => self.complete_task(&task).await,
            SentinelCommand::Relate { incident, alert } => self.relate(&incident, &alert).await,
            SentinelCommand::Unrelate { incident, alert } => self.unrelate(&incident, &alert).await,
            SentinelCommand::Watchlist(command) => perform_watchlist::perform(self, command).await,
        }
    }

    async fn create(&self, workspace: &WorkspaceRef, patch: &Patch) -> Done {
        let namespace = self.namespace(workspace)?;
        self.may_change(&namespace).await?;
        let author = self.author();
        let planned = self
            .desk
            .plan_create(&namespace, patch, self.cause(&author), self.now, &self.id())
            .await?;
        let view = IncidentView {
            incident: planned.value,
            ..IncidentView::default()
        };
        Ok((self.resource(&view, Shape::Incident), planned.operations))
    }

    async fn comment(&self, incident: &IncidentRef, message: &str) -> Done {
        let incident = self.changeable(incident).await?.incident;
        let (author, id) = (self.author(), self.id());
        let planned = self
            .desk
            .plan_comment(&incident.id, message, self.cause(&author), self.now, &id)
            .await?;
        let ids = self.desk.workspaces().ids(&incident.workspace);
        Ok((body::comment_resource(&planned.value, &ids), planned.operations))
    }

    async fn create_task(&self, incident: &IncidentRef, title: &str, description: &str) -> Done {
        let incident = self.changeable(incident).await?.incident;
        let (author, id) = (self.author(), self.id());
        let planned = self
            .desk
            .plan_task(&incident.id, title, description, &author, self.now, &id)
            .await?;
        let ids = self.desk.workspaces().ids(&incident.workspace);
        Ok((body::task_resource(&planned.value, &ids), planned.operations))
    }

    async fn complete_task(&self, arm_id: &str) -> Done {
        let missing = || Refused::Answer(404, format!("there is no task '{arm_id}'"));
        let (_, _, task) = self.desk.workspaces().parse_task_arm_id(arm_id).ok_or_else(missing)?;
        let view = self.changeable(&IncidentRef::Arm(arm_id.to_owned())).await?;
        if !view.tasks.iter().any(|own| own.id == task) {
            return Err(missing());
        }
        let planned = self.desk.plan_task_completion(&task, self.now).await?;
        let ids = self.desk.workspaces().ids(&view.incident.workspace);
        Ok((body::task_resource(&planned.value, &ids), planned.operations))
    }

    async fn relate(&self, incident: &IncidentRef, alert: &str) -> Done {
        let incident = self.changeable(incident).await?.incident;
        let alert = self.alert_id(&incident.workspace, alert)?;
        let author = self.author();
        let planned = self
            .desk
            .plan_alert(&incident.id, &alert, self.cause(&author), self.now)
            .await?;
        let ids = self.desk.workspaces().ids(&incident.workspace);
        let relation = body::relation_resource(&incident.id, &planned.value.id, &ids);
        Ok((relation, planned.operations))
    }

    async fn unrelate(&self, incident: &IncidentRef, alert: &str) -> Done {
        let incident = self.changeable(incident).await?.incident;
        let alert = self.alert_id(&incident.workspace, alert)?;
        let author = self.author();
        let planned = self
            .desk
            .plan_alert_removal(&incident.id, &alert, &author, self.now)
            .await?;
        Ok((Value::Null, planned.operations))
    }

    /// The id of an alert that is named by it or by its ARM id, in the workspace.
    fn alert_id(&self, workspace: &str, given: &str) -> Result<String, Refused> {
        let by_arm_id = self.desk.workspaces().parse_alert_arm_id(given);
        let by_arm_id = by_arm_id
            .filter(|(namespace, _)| namespace == workspace)
            .map(|(_, id)| id);
        let by_id = || Uuid::try_parse(given.trim()).ok().map(|id| id.to_string());
        by_arm_id.or_else(by_id).ok_or_else(|| {
            let message = format!("'{given}' is no alert of the incident's workspace; only alerts can be related");
            Refused::Answer(404, message)
        })
    }

    /// The incident of a reference, if the run may change it.
    async fn changeable(&self, reference: &IncidentRef) -> Result<IncidentView, Refused> {
        let view = self.view(reference).await?;
        self.may_change(&view.incident.workspace).await?;
        Ok(view)
    }

    /// That the run may change incidents and watchlists of a workspace: it is the playbook's own, it started the run, or
    /// the playbook was given the right.
    pub(super) async fn may_change(&self, workspace: &str) -> Result<(), Refused> {
        let Call {
            namespace,
            playbook,
            run,
            ..
        } = self.call;
        if namespace == workspace || self.desk.starter(run).await?.as_deref() == Some(workspace) {
            return Ok(());
        }
        Ok(self.connections.may_triage((namespace, playbook), workspace).await?)
    }

    /// The incident of a reference, only if it lies in the workspace that the reference names.
    async fn view(&self, reference: &IncidentRef) -> Result<IncidentView, Refused> {
        let (namespace, id, shown) = match reference {
            IncidentRef::Arm(arm_id) => {
                let (namespace, id) = self.desk.workspaces().parse_incident_arm_id(arm_id).unzip();
                (namespace, id, arm_id.clone())
            }
            IncidentRef::Number(workspace, number) => {
                let namespace = self.namespace(workspace)?;
                let id = self.desk.incident_by_number(&namespace, *number).await?;
                (Some(namespace), id, number.to_string())
            }
            IncidentRef::OfAlert(workspace, alert) => {
                let id = self.desk.incident_of_alert(&alert.to_ascii_lowercase()).await?;
                (Some(self.namespace(workspace)?), id, format!("of alert {alert}"))
            }
        };
        let missing = || Refused::Answer(404, format!("there is no incident '{shown}'"));
        let view = self.desk.view(&id.ok_or_else(missing)?).await?.ok_or_else(missing)?;
        if namespace.as_deref() == Some(&view.incident.workspace) {
            Ok(view)
        } else {
            Err(missing())
        }
    }

    pub(super) fn namespace(&self, workspace: &WorkspaceRef) -> Result<String, Refused> {
        let WorkspaceRef {
            subscription,
            resource_group,
            workspace,
        } = workspace;
        self.desk
            .workspaces()
            .namespace(subscription, resource_group, workspace)
            .ok_or_else(|| {
                let place = format!("subscription '{subscription}' and resource group '{resource_group}'");
                Refused::Answer(
                    404,
                    format!("no namespace stands for workspace '{workspace}' of {place}; map it"),
                )
            })
    }

    fn resource(&self, view: &IncidentView, shape: Shape) -> Value {
        let ids = self.desk.workspaces().ids(&view.incident.workspace);
        let incident = body::incident_resource(view, &ids);
        match shape {
            Shape::Incident => incident,
            Shape::Case => answer::case(view, &incident),
        }
    }

    pub(super) fn author(&self) -> Author {
        Author::Playbook {
            namespace: self.call.namespace.clone(),
            name: self.call.playbook.clone(),
        }
    }

    fn cause<'a>(&self, author: &'a Author) -> Cause<'a> {
        let depth = self.call.depth.saturating_add(1);
        Cause { author, depth }
    }

    /// The same for every repetition of the call, so that what it makes is made once.
    pub(super) fn id(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, self.call.idempotency_key.as_bytes()).to_string()
    }
}
