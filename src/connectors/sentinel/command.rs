//! From an operation of the `azuresentinel` connector to what is wanted of Riposte's own incidents and watchlists.
//! Pure and lenient as the original: text that holds JSON is read, names match without regard to case.

use super::{CaseChange, NativeOperation, WatchlistCommand};
use crate::api::automation_rule::{Classification, ClassificationReason, IncidentStatus, Owner, OwnerType, Severity};
use crate::connectors::spec::Match;
use crate::expression::Value;
use crate::rules::{EntityKind, Patch};

/// What a call wants.
#[derive(Clone, Debug, PartialEq)]
pub enum SentinelCommand {
    /// Nothing: the playbook itself is the subscription.
    Subscribe,
    /// The entities of one kind out of a list.
    Extract {
        /// Which.
        kind: EntityKind,
        /// `relatedEntities`, or an alert's `Entities`.
        input: Value,
    },
    /// An incident as it is.
    Get {
        /// Which.
        incident: IncidentRef,
        /// In which form.
        shape: Shape,
    },
    /// A new incident.
    Create {
        /// Where.
        workspace: WorkspaceRef,
        /// Its title, severity, status, and what else is given.
        patch: Patch,
    },
    /// A changed incident.
    Update {
        /// Which.
        incident: IncidentRef,
        /// What changes.
        patch: Patch,
        /// In which form the answer is.
        shape: Shape,
    },
    /// A comment on an incident.
    Comment {
        /// Which.
        incident: IncidentRef,
        /// Its text, an HTML subset.
        message: String,
    },
    /// A task for people.
    CreateTask {
        /// Of which incident.
        incident: IncidentRef,
        /// Its title.
        title: String,
        /// What to do.
        description: String,
    },
    /// A task is done.
    CompleteTask {
        /// Its ARM id.
        task: String,
    },
    /// An alert is part of an incident.
    Relate {
        /// Which incident.
        incident: IncidentRef,
        /// The alert's id, or its ARM id.
        alert: String,
    },
    /// An alert is no part of an incident.
    Unrelate {
        /// Which incident.
        incident: IncidentRef,
        /// The alert's id, or its ARM id.
        alert: String,
    },
    /// Something of a watchlist.
    Watchlist(WatchlistCommand),
}

/// The form of an answer with an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As the incident API has it.
    Incident,
    /// As the connector's first version had it: `properties.CaseNumber`, `Title`.
    Case,
}

/// How a call names an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentRef {
    /// By its ARM id.
    Arm(String),
    /// By its number in a workspace.
    Number(WorkspaceRef, i64),
    /// As the one that an alert belongs to.
    OfAlert(WorkspaceRef, String),
}

/// How a path names a workspace: the name, or the workspace's own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRef {
    /// Subscription id.
    pub subscription: String,
    /// Resource group.
    pub resource_group: String,
    /// Name or id of the workspace.
    pub workspace: String,
}

/// A body or path that the connector answers with 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRequest(pub String);

type Result<T> = std::result::Result<T, BadRequest>;

impl SentinelCommand {
    /// What a matched operation with this body and these queries wants.
    ///
    /// # Errors
    /// A body, query or path that lacks something or holds a value that the original refuses.
    pub fn read(
        operation: NativeOperation,
        found: &Match<'_>,
        body: Option<&Value>,
        queries: &[(String, String)],
    ) -> Result<Self> {
        use NativeOperation as N;
        let body = body.map(parsed).unwrap_or_default();
        let get = |incident, shape| Ok(Self::Get { incident, shape });
        match operation {
            N::Subscribe => Ok(Self::Subscribe),
            N::Extract(kind) => Ok(Self::Extract { kind, input: body }),
            N::GetIncident => get(arm(&body)?, Shape::Incident),
            N::GetIncidentOfAlert => get(of_alert(found)?, Shape::Incident),
            N::GetCase => get(of_alert(found)?, Shape::Case),
            N::CreateIncident => Ok(Self::Create {
                workspace: workspace(found)?,
                patch: new_incident(&body)?,
            }),
            N::UpdateIncident => Ok(Self::Update {
                incident: arm(&body)?,
                patch: patch(&body)?,
                shape: Shape::Incident,
            }),
            N::ChangeCase(change) => Ok(Self::Update {
                incident: case_ref(found)?,
                patch: case_patch(change, found, &body)?,
                shape: Shape::Case,
            }),
            N::AddComment => Ok(Self::Comment {
                incident: arm(&body)?,
                message: required(&body, "message")?,
            }),
            N::AddCaseComment => Ok(Self::Comment {
                incident: case_ref(found)?,
                message: required(&body, "Value")?,
            }),
            N::CreateTask => Ok(Self::CreateTask {
                incident: arm(&body)?,
                title: required(&body, "taskTitle")?,
                description: text(&body, "taskDescription").unwrap_or_default(),
            }),
            N::CompleteTask => Ok(Self::CompleteTask {
                task: required(&body, "taskArmId")?,
            }),
            N::CreateRelation => Ok(Self::Relate {
                incident: arm(&body)?,
                alert: required(&body, "relatedResourceId")?,
            }),
            N::DeleteRelation => Ok(Self::Unrelate {
                incident: arm(&body)?,
                alert: required(&body, "relatedResourceId")?,
            }),
            N::Watchlist(operation) => WatchlistCommand::read(operation, found, &body, queries).map(Self::Watchlist),
        }
    }
}

/// A body given as JSON text is read; other text stays text.
fn parsed(body: &Value) -> Value {
    let read = body.as_str().and_then(|text| Value::from_json(text).ok());
    read.unwrap_or_else(|| body.clone())
}

fn patch(body: &Value) -> Result<Patch> {
    let (classification, classification_reason) = match body.at(&["classification", "ClassificationAndReason"]) {
        Some(Value::String(name)) if !name.trim().is_empty() => classified(name)?,
        Some(_) | None => (None, None),
    };
    Ok(Patch {
        title: text(body, "title"),
        description: text(body, "description"),
        severity: text(body, "severity").map(|name| severity(&name)).transpose()?,
        status: text(body, "status")
            .map(|name| member(&name, "status", IncidentStatus::ALL))
            .transpose()?,
        classification,
        classification_reason,
        classification_comment: body
            .get("classification")
            .and_then(|given| text(given, "ClassificationReasonText")),
        owner: owner(body)?,
        labels_to_add: tags(body, "tagsToAdd")?,
        labels_to_remove: tags(body, "tagsToRemove")?,
    })
}

fn new_incident(body: &Value) -> Result<Patch> {
    let mut patch = patch(body)?;
    patch.title = Some(required(body, "title")?);
    patch.severity = Some(severity(&required(body, "severity")?)?);
    Ok(patch)
}

fn case_patch(change: CaseChange, found: &Match<'_>, body: &Value) -> Result<Patch> {
    let mut patch = Patch::default();
    match change {
        CaseChange::Status => patch = case_status(&place(found, "value")?, body)?,
        CaseChange::Severity => patch.severity = Some(severity(&place(found, "value")?)?),
        CaseChange::Title => patch.title = Some(required(body, "Value")?),
        CaseChange::Description => patch.description = Some(required(body, "Value")?),
        CaseChange::AddLabels => patch.labels_to_add = listed(body, "Labels", "Label")?,
        CaseChange::RemoveLabels => patch.labels_to_remove = listed(body, "Labels", "Label")?,
    }
    Ok(patch)
}

fn case_status(name: &str, body: &Value) -> Result<Patch> {
    // The first version knew a status that is now called Active.
    let name = if name.eq_ignore_ascii_case("InProgress") {
        "Active"
    } else {
        name
    };
    let status = member(name, "status", IncidentStatus::ALL)?;
    let mut patch = Patch {
        status: Some(status),
        ..Patch::default()
    };
    if status == IncidentStatus::Closed {
        let reason = text(body, "CloseReason");
        let (class, pair) = classified(reason.as_deref().unwrap_or("Undetermined"))?;
        patch.classification = class;
        // It had no second half; of a false positive's two, the one that blames the rule is the milder claim on data.
        let unsure = class == Some(Classification::FalsePositive);
        patch.classification_reason = pair.or(unsure.then_some(ClassificationReason::IncorrectAlertLogic));
        patch.classification_comment = text(body, "CloseReasonText");
    }
    Ok(patch)
}

/// `TruePositive - SuspiciousActivity` and the like; spaces inside the halves are ignored.
fn classified(name: &str) -> Result<(Option<Classification>, Option<ClassificationReason>)> {
    let bare: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    let (class, reason) = bare
        .split_once('-')
        .map_or((bare.as_str(), None), |(class, reason)| (class, Some(reason)));
    let class = member(class, "classification", Classification::ALL)?;
    let reason = reason
        .map(|name| member(name, "classification reason", ClassificationReason::ALL))
        .transpose()?;
    Ok((Some(class), reason))
}

fn owner(body: &Value) -> Result<Option<Owner>> {
    match text(body, "ownerAction")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "unassign" => Ok(Some(Owner::default())),
        "assign" => Ok(Some(owner_of(&required(body, "owner")?))),
        "" => Ok(text(body, "owner").map(|id| owner_of(&id))),
        other => Err(BadRequest(format!(
            "ownerAction '{other}' is neither Assign nor Unassign"
        ))),
    }
}

/// An owner given by sign-in name or by directory id.
fn owner_of(id: &str) -> Owner {
    let id = id.to_owned();
    if id.contains('@') {
        let (email, name) = (Some(id.clone()), Some(id.clone()));
        let owner_type = Some(OwnerType::User);
        return Owner {
            email,
            assigned_to: name,
            user_principal_name: Some(id),
            object_id: None,
            owner_type,
        };
    }
    Owner {
        object_id: Some(id),
        ..Owner::default()
    }
}

/// `{"tagsToAdd": {"TagsToAdd": [{"Tag": "x"}]}}`, or the list alone.
fn tags(body: &Value, name: &str) -> Result<Vec<String>> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(_)) => listed(body, name, "Tag"),
        Some(inner) => listed(inner, name, "Tag"),
    }
}

fn listed(body: &Value, list: &str, item: &str) -> Result<Vec<String>> {
    let items = match body.get(list) {
        None | Some(Value::Null) => &[],
        Some(value) => value
            .as_array()
            .ok_or_else(|| BadRequest(format!("'{list}' is no array")))?,
    };
    let texts = items
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned).or_else(|| text(entry, item)));
    Ok(texts.flatten().filter(|label| !label.trim().is_empty()).collect())
}

fn severity(name: &str) -> Result<Severity> {
    // The first version of the connector had one more.
    let name = if name.eq_ignore_ascii_case("Critical") {
        "High"
    } else {
        name
    };
    member(name, "severity", Severity::ALL)
}

fn member<T: Copy + std::fmt::Debug>(name: &str, what: &str, all: &[T]) -> Result<T> {
    let found = all
        .iter()
        .find(|member| format!("{member:?}").eq_ignore_ascii_case(name.trim()));
    found
        .copied()
        .ok_or_else(|| BadRequest(format!("'{name}' is no {what}; use one of {all:?}")))
}

fn arm(body: &Value) -> Result<IncidentRef> {
    required(body, "incidentArmId").map(IncidentRef::Arm)
}

pub(super) fn workspace(found: &Match<'_>) -> Result<WorkspaceRef> {
    Ok(WorkspaceRef {
        subscription: place(found, "subscription")?,
        resource_group: place(found, "resourceGroup")?,
        workspace: place(found, "workspace")?,
    })
}

fn of_alert(found: &Match<'_>) -> Result<IncidentRef> {
    Ok(IncidentRef::OfAlert(workspace(found)?, place(found, "alert")?))
}

/// `…/Incident/{number}` or `…/Alert/{id}` of the first version's paths.
fn case_ref(found: &Match<'_>) -> Result<IncidentRef> {
    let (kind, id) = (place(found, "kind")?, place(found, "identifier")?);
    match kind.to_ascii_lowercase().as_str() {
        "incident" => {
            let number = id
                .parse()
                .map_err(|_| BadRequest(format!("'{id}' is no incident number")))?;
            Ok(IncidentRef::Number(workspace(found)?, number))
        }
        "alert" => Ok(IncidentRef::OfAlert(workspace(found)?, id)),
        _ => Err(BadRequest(format!("'{kind}' is neither Incident nor Alert"))),
    }
}

pub(super) fn place(found: &Match<'_>, name: &str) -> Result<String> {
    found
        .value(name)
        .map(str::to_owned)
        .ok_or_else(|| BadRequest(format!("the path has no {name}")))
}

pub(super) fn text(body: &Value, name: &str) -> Option<String> {
    match body.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.to_string()),
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(_) | None => None,
    }
}

/// A whole number that is not negative, or text that holds one.
pub(super) fn number(body: &Value, name: &str) -> Result<Option<usize>> {
    let Some(given) = text(body, name) else {
        return Ok(None);
    };
    let read = given.trim().parse().ok();
    let error = || BadRequest(format!("'{name}' is '{given}', no whole number from 0 on"));
    read.map(Some).ok_or_else(error)
}

pub(super) fn required(body: &Value, name: &str) -> Result<String> {
    text(body, name).ok_or_else(|| BadRequest(format!("the body has no text '{name}'")))
}
