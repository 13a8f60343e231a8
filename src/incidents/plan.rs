//! Changes of incidents as plans: the value after the change, and the operations that make it. The caller commits them
//! together with its own journal, so a change of a playbook is made exactly once; when the store refuses
//! ([`crate::store::Refusal::StaleIncident`]), it plans again.

use jiff::Timestamp;

use super::{Desk, Error, accept, evaluation, rows};
use crate::api::automation_rule::IncidentStatus;
use crate::rules::evaluation::Occasion;
use crate::rules::{Activity, Alert, Author, Comment, Incident, IncidentUpdates, Patch, Task};
use crate::store::Operation;

/// Comments of an incident (Sentinel: 100), and characters of one.
const COMMENTS: (usize, usize) = (100, 30_000);
/// Tasks of an incident (Sentinel: 40), and characters of the title of one.
const TASKS: (usize, usize) = (40, 150);
/// Characters of a description.
const MAX_DESCRIPTION: usize = 5_000;

/// Who changes something, and what led to it.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// Who.
    pub author: &'a Author,
    /// How many changes by automation led to this one, itself included; 0 for a change of a person or an alert.
    pub depth: u32,
}

impl<'a> From<&'a Author> for Cause<'a> {
    fn from(author: &'a Author) -> Self {
        Self { author, depth: 0 }
    }
}

/// A change that is not made yet.
#[derive(Clone, Debug)]
pub struct Planned<T> {
    /// What there will be.
    pub value: T,
    /// What makes it; empty if it is there already.
    pub operations: Vec<Operation>,
}

impl Desk {
    /// A change of an incident. Rules are told unless only the title or description changed, which Sentinel does not
    /// count as an update. Closing frees the grouping key, so that the next like alert opens a new incident.
    ///
    /// # Errors
    /// No such incident, a change that breaks a rule for incidents, or a failure of the store.
    pub async fn plan_patch(
        &self,
        incident: &str,
        patch: &Patch,
        cause: impl Into<Cause<'_>>,
        now: Timestamp,
    ) -> Result<Planned<Incident>, Error> {
        let Cause { author, depth } = cause.into();
        let (row, before) = self.stored_incident(incident).await?;
        let (mut after, updates) = before.apply(patch, author, &now.to_string())?;
        if after == before {
            return Ok(Planned {
                value: after,
                operations: Vec::new(),
            });
        }
        let mut operations = vec![Operation::UpdateIncident {
            expected_version: row.version,
            row: rows::incident_row(&after, row.created_at, now)?,
        }];
        if let Some(activity) = Activity::between(&before, &after, &author.to_string(), &now.to_string()) {
            operations.push(Operation::InsertActivity(rows::activity_row(&activity, &row)?));
        }
        if after.status == IncidentStatus::Closed && before.status != IncidentStatus::Closed {
            operations.push(Operation::ReleaseGroup {
                incident: row.id.clone(),
            });
        }
        if !updates.is_empty() {
            let occasion = Occasion::IncidentUpdated {
                incident: row.id,
                updates,
            };
            operations.push(evaluation::order(&after.workspace, occasion, depth, now)?);
        }
        after.version = row.version.saturating_add(1);
        Ok(Planned {
            value: after,
            operations,
        })
    }

    /// A new comment of this id; one that is there already stays as it is.
    ///
    /// # Errors
    /// No such incident, a message that is empty or too long, too many comments, or a failure of the store.
    pub async fn plan_comment(
        &self,
        incident: &str,
        message: &str,
        cause: impl Into<Cause<'_>>,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<Comment>, Error> {
        let Cause { author, depth } = cause.into();
        let mut planned = self.plan_remark(incident, message, author, now, id).await?;
        if planned.operations.is_empty() {
            return Ok(planned);
        }
        let (row, _) = self.stored_incident(incident).await?;
        let updates = IncidentUpdates {
            comments: vec![planned.value.id.clone()],
            ..IncidentUpdates::new(author.clone(), now.to_string())
        };
        let occasion = Occasion::IncidentUpdated {
            incident: incident.to_owned(),
            updates,
        };
        planned
            .operations
            .push(evaluation::order(&row.workspace, occasion, depth, now)?);
        Ok(planned)
    }

    /// A new comment of this id that rules are not told of: Riposte's own remark on what it did.
    ///
    /// # Errors
    /// As [`Desk::plan_comment`].
    pub async fn plan_remark(
        &self,
        incident: &str,
        message: &str,
        author: &Author,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<Comment>, Error> {
        let (limit, length) = COMMENTS;
        check_length("comment", message, length)?;
        self.stored_incident(incident).await?;
        let stored = self.store.comments(incident).await?;
        if let Some(known) = stored.iter().find(|comment| comment.id == id) {
            let value = rows::read("comment", &known.id, &known.document)?;
            return Ok(Planned {
                value,
                operations: Vec::new(),
            });
        }
        check_room(incident, "comments", stored.len(), limit)?;
        let comment = Comment {
            id: id.to_owned(),
            incident: incident.to_owned(),
            message: message.to_owned(),
            author: author.to_string(),
            created_time: now.to_string(),
        };
        let operations = vec![Operation::InsertComment(rows::comment_row(&comment, now)?)];
        Ok(Planned {
            value: comment,
            operations,
        })
    }

    /// A new task of this id; one that is there already stays as it is. Rules are not told: Sentinel does not count
    /// tasks as an update.
    ///
    /// # Errors
    /// No such incident, a title that is empty or too long, too many tasks, or a failure of the store.
    pub async fn plan_task(
        &self,
        incident: &str,
        title: &str,
        description: &str,
        cause: impl Into<Cause<'_>>,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<Task>, Error> {
        let Cause { author, .. } = cause.into();
        let (limit, length) = TASKS;
        check_length("title of a task", title, length)?;
        if !description.is_empty() {
            check_length("description of a task", description, MAX_DESCRIPTION)?;
        }
        self.stored_incident(incident).await?;
        let stored = self.store.tasks(incident).await?;
        if let Some(known) = stored.iter().find(|task| task.id == id) {
            return Ok(Planned {
                value: rows::read("task", &known.id, &known.document)?,
                operations: Vec::new(),
            });
        }
        check_room(incident, "tasks", stored.len(), limit)?;
        let task = Task {
            id: id.to_owned(),
            incident: incident.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            completed: false,
            created_by: author.to_string(),
            created_time: now.to_string(),
            last_modified_time: now.to_string(),
        };
        let operations = vec![Operation::InsertTask(rows::task_row(&task, now.as_millisecond())?)];
        Ok(Planned {
            value: task,
            operations,
        })
    }

    /// Marks a task as done; one that is done stays as it is.
    ///
    /// # Errors
    /// No such task, or a failure of the store.
    pub async fn plan_task_completion(&self, task: &str, now: Timestamp) -> Result<Planned<Task>, Error> {
        let row = self.store.task(task).await?;
        let row = row.ok_or_else(|| Error::UnknownTask(task.to_owned()))?;
        let mut task: Task = rows::read("task", &row.id, &row.document)?;
        if task.completed {
            return Ok(Planned {
                value: task,
                operations: Vec::new(),
            });
        }
        task.completed = true;
        task.last_modified_time = now.to_string();
        let operations = vec![Operation::UpdateTask(rows::task_row(&task, row.created_at)?)];
        Ok(Planned {
            value: task,
            operations,
        })
    }

    /// A new incident of this id in a workspace ("Create incident"), with what a patch says; its title is needed. One
    /// that is there already stays as it is. The store gives the number.
    ///
    /// # Errors
    /// A patch that breaks a rule for incidents, or a failure of the store.
    pub async fn plan_create(
        &self,
        workspace: &str,
        patch: &Patch,
        cause: impl Into<Cause<'_>>,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<Incident>, Error> {
        let Cause { author, depth } = cause.into();
        if let Some(row) = self.store.incident(id).await? {
            return Ok(Planned {
                value: rows::incident(&row)?,
                operations: Vec::new(),
            });
        }
        let time = now.to_string();
        let blank = Incident {
            id: id.to_owned(),
            workspace: workspace.to_owned(),
            first_activity_time: time.clone(),
            last_activity_time: time.clone(),
            created_time: time.clone(),
            last_modified_time: time.clone(),
            provider_name: "Riposte".to_owned(),
            ..Incident::default()
        };
        let patch = Patch {
            title: Some(patch.title.clone().unwrap_or_default()),
            ..patch.clone()
        };
        let (mut incident, _) = blank.apply(&patch, author, &time)?;
        let operations = vec![
            Operation::InsertIncident(rows::incident_row(&incident, now.as_millisecond(), now)?),
            evaluation::order(
                workspace,
                Occasion::IncidentCreated {
                    incident: id.to_owned(),
                },
                depth,
                now,
            )?,
        ];
        incident.version = 1;
        Ok(Planned {
            value: incident,
            operations,
        })
    }

    /// An alert that is there becomes part of an incident ("Add alert to incident"); one that is in it stays.
    ///
    /// # Errors
    /// No such incident or alert, an incident that is full, or a failure of the store.
    pub async fn plan_alert(
        &self,
        incident: &str,
        alert: &str,
        cause: impl Into<Cause<'_>>,
        now: Timestamp,
    ) -> Result<Planned<Alert>, Error> {
        let cause = cause.into();
        let (row, before) = self.stored_incident(incident).await?;
        let stored = self
            .store
            .alert(alert)
            .await?
            .filter(|stored| stored.workspace == row.workspace);
        let stored = stored.ok_or_else(|| Error::UnknownAlert(alert.to_owned()))?;
        let alert: Alert = rows::read("alert", &stored.id, &stored.document)?;
        let members = self.store.alerts_of(incident).await?;
        if members.iter().any(|member| member.id == alert.id) {
            return Ok(Planned {
                value: alert,
                operations: Vec::new(),
            });
        }
        check_room(
            incident,
            "alerts",
            members.len(),
            crate::intake::MAX_ALERTS_PER_INCIDENT,
        )?;
        let operations = accept::joining(&alert, &row, before, cause, now)?;
        Ok(Planned {
            value: alert,
            operations,
        })
    }
}

fn check_length(what: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    let length = text.chars().count();
    let fits = !text.trim().is_empty() && length <= limit;
    if fits {
        Ok(())
    } else {
        Err(Error::Length { what, length, limit })
    }
}

fn check_room(incident: &str, what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count < limit {
        Ok(())
    } else {
        Err(Error::Full {
            incident: incident.to_owned(),
            what,
            limit,
        })
    }
}
