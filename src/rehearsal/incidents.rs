//! The incidents of a rehearsal: the `azuresentinel` connector over views in memory. A reference to an incident that is
//! not there means the incident that the rehearsal is about, so that content with ids of elsewhere can be rehearsed.

use jiff::Timestamp;
use uuid::Uuid;

use crate::connectors::sentinel::{IncidentRef, NativeOperation, SentinelCommand, Shape, case_resource};
use crate::connectors::spec::Match;
use crate::engine::call::{Answer, Call};
use crate::expression::{Object, Value};
use crate::incidents::WorkspaceIds;
use crate::rules::{Alert, Author, Comment, Incident, IncidentView, Patch, Task, body, entities};

/// Incidents in memory; the first is the one that the rehearsal is about.
#[derive(Clone, Debug)]
pub(super) struct Incidents {
    pub(super) views: Vec<IncidentView>,
    /// The comments that were written, in order.
    pub(super) comments: Vec<String>,
    /// Titles of the tasks that were added, in order.
    pub(super) tasks: Vec<String>,
    ids: WorkspaceIds,
}

/// Status and message of what is not possible.
type Refused = (u16, String);

impl Incidents {
    pub(super) fn new(first: IncidentView, ids: WorkspaceIds) -> Self {
        Self {
            views: vec![first],
            comments: Vec::new(),
            tasks: Vec::new(),
            ids,
        }
    }

    /// Answers a call, and changes what it says.
    pub(super) fn perform(
        &mut self,
        native: NativeOperation,
        found: &Match<'_>,
        call: &Call,
        now: Timestamp,
    ) -> Answer {
        let command = SentinelCommand::read(native, found, call.body.as_ref(), &call.queries);
        let done = match command {
            Ok(command) => self.done(command, call, now),
            Err(bad) => Err((400, bad.to_string())),
        };
        let (status, body) = match done {
            Ok(body) => (200, body),
            Err((status, message)) => {
                let error = Value::object([
                    ("code", Value::from(i64::from(status))),
                    ("message", Value::from(message)),
                ]);
                (status, Value::object([("error", error)]))
            }
        };
        let headers: Object = [("Content-Type", "application/json; charset=utf-8")]
            .into_iter()
            .collect();
        Answer {
            status,
            headers,
            body: (!body.is_null()).then_some(body),
            ..Answer::default()
        }
    }

    fn done(&mut self, command: SentinelCommand, call: &Call, now: Timestamp) -> Result<Value, Refused> {
        let author = Author::Playbook {
            namespace: call.namespace.clone(),
            name: call.playbook.clone(),
        };
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, call.idempotency_key.as_bytes()).to_string();
        match command {
            SentinelCommand::Subscribe => Ok(Value::Null),
            SentinelCommand::Extract { kind, input } => {
                entities::extract(kind, &input).map_err(|error| (400, error.to_string()))
            }
            SentinelCommand::Get { incident, shape } => {
                let at = self.find(&incident);
                Ok(self.resource(&self.views[at], shape))
            }
            SentinelCommand::Create { patch, .. } => self.create(&patch, &author, now, id),
            SentinelCommand::Update { incident, patch, shape } => {
                let at = self.find(&incident);
                let changed = self.views[at].incident.apply(&patch, &author, &now.to_string());
                let (incident, _) = changed.map_err(|error| (400, error.to_string()))?;
                self.views[at].incident = incident;
                self.views[at].incident.version += 1;
                Ok(self.resource(&self.views[at], shape))
            }
            SentinelCommand::Comment { incident, message } => self.comment(&incident, message, &author, now, id),
            SentinelCommand::CreateTask {
                incident,
                title,
                description,
            } => {
                let at = self.find(&incident);
                let task = Task {
                    id,
                    incident: self.views[at].incident.id.clone(),
                    title,
                    description,
                    completed: false,
                    created_by: author.to_string(),
                    created_time: now.to_string(),
                    last_modified_time: now.to_string(),
                };
                let resource = body::task_resource(&task, &self.ids.ids(&self.views[at].incident.workspace));
                self.tasks.push(task.title.clone());
                self.views[at].tasks.push(task);
                Ok(resource)
            }
            SentinelCommand::CompleteTask { task } => self.complete(&task, now),
            SentinelCommand::Relate { incident, alert } => self.relate(&incident, &alert),
            SentinelCommand::Unrelate { incident, alert } => {
                let at = self.find(&incident);
                self.views[at].alerts.retain(|own| !is_named(own, &alert));
                Ok(Value::Null)
            }
            SentinelCommand::Watchlist(command) => {
                let alias = command.alias;
                Err((404, format!("a rehearsal has no watchlist '{alias}'; mock the action")))
            }
        }
    }

    fn create(&mut self, patch: &Patch, author: &Author, now: Timestamp, id: String) -> Result<Value, Refused> {
        let time = now.to_string();
        let blank = Incident {
            id,
            workspace: self.views[0].incident.workspace.clone(),
            first_activity_time: time.clone(),
            last_activity_time: time.clone(),
            created_time: time.clone(),
            last_modified_time: time.clone(),
            provider_name: "Riposte".to_owned(),
            ..Incident::default()
        };
        let (mut incident, _) = blank
            .apply(patch, author, &time)
            .map_err(|error| (400, error.to_string()))?;
        incident.number = 1 + self
            .views
            .iter()
            .map(|view| view.incident.number)
            .max()
            .unwrap_or_default();
        incident.version = 1;
        let view = IncidentView {
            incident,
            ..IncidentView::default()
        };
        let resource = self.resource(&view, Shape::Incident);
        self.views.push(view);
        Ok(resource)
    }

    fn comment(
        &mut self,
        incident: &IncidentRef,
        message: String,
        author: &Author,
        now: Timestamp,
        id: String,
    ) -> Result<Value, Refused> {
        const MOST: usize = 30_000;
        let length = message.chars().count();
        if length > MOST {
            return Err((
                400,
                format!("the comment has {length} characters, at most {MOST} are allowed"),
            ));
        }
        let at = self.find(incident);
        let comment = Comment {
            id,
            incident: self.views[at].incident.id.clone(),
            message,
            author: author.to_string(),
            created_time: now.to_string(),
        };
        let resource = body::comment_resource(&comment, &self.ids.ids(&self.views[at].incident.workspace));
        self.comments.push(comment.message.clone());
        self.views[at].comments.push(comment);
        Ok(resource)
    }

    /// Adds an alert that some incident of the rehearsal has.
    fn relate(&mut self, incident: &IncidentRef, alert: &str) -> Result<Value, Refused> {
        let at = self.find(incident);
        let mut alerts = self.views.iter().flat_map(|view| &view.alerts);
        let known = alerts.find(|known| is_named(known, alert)).cloned();
        let known = known.ok_or_else(|| (404, format!("there is no alert '{alert}'; mock the action")))?;
        let view = &mut self.views[at];
        let resource = body::relation_resource(&view.incident.id, &known.id, &self.ids.ids(&view.incident.workspace));
        if !view.alerts.iter().any(|own| own.id == known.id) {
            view.alerts.push(known);
        }
        Ok(resource)
    }

    fn complete(&mut self, arm_id: &str, now: Timestamp) -> Result<Value, Refused> {
        let name = arm_id.rsplit('/').next().unwrap_or_default();
        let ids = self.ids.clone();
        for view in &mut self.views {
            let workspace = view.incident.workspace.clone();
            if let Some(task) = view.tasks.iter_mut().find(|task| task.id.eq_ignore_ascii_case(name)) {
                task.completed = true;
                task.last_modified_time = now.to_string();
                return Ok(body::task_resource(task, &ids.ids(&workspace)));
            }
        }
        Err((404, format!("there is no task '{arm_id}'")))
    }

    fn find(&self, reference: &IncidentRef) -> usize {
        let found = match reference {
            IncidentRef::Arm(arm_id) => {
                let (_, id) = self.ids.parse_incident_arm_id(arm_id).unzip();
                self.views
                    .iter()
                    .position(|view| Some(&view.incident.id) == id.as_ref())
            }
            IncidentRef::Number(_, number) => self.views.iter().position(|view| view.incident.number == *number),
            IncidentRef::OfAlert(_, alert) => self.views.iter().position(|view| {
                let mut alerts = view.alerts.iter();
                alerts.any(|own| own.id.eq_ignore_ascii_case(alert))
            }),
        };
        found.unwrap_or_default()
    }

    fn resource(&self, view: &IncidentView, shape: Shape) -> Value {
        let incident = body::incident_resource(view, &self.ids.ids(&view.incident.workspace));
        match shape {
            Shape::Incident => incident,
            Shape::Case => case_resource(view, &incident),
        }
    }
}

/// Whether an alert has this id or ARM id.
fn is_named(alert: &Alert, given: &str) -> bool {
    let name = given.rsplit('/').next().unwrap_or_default();
    alert.id.eq_ignore_ascii_case(name)
}
