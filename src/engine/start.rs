//! From a playbook and what triggers it to the first events of its runs. Pure.

use uuid::Uuid;

use super::clock::Moment;
use super::content::{Connection, Playbook};
use super::event::{Opened, Payload};
use super::trigger_scope::TriggerScope;
use crate::definition::Limit;
use crate::definition::workflow::{Parameter, ParameterType, Trigger, TriggerKind};
use crate::expression::{Object, Value};
use crate::store::Millis;

/// A wish to run a playbook.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Namespace of the playbook.
    pub namespace: String,
    /// Name of the playbook.
    pub playbook: String,
    /// The body of the trigger.
    pub body: Value,
    /// Headers of the trigger, if it is an HTTP request.
    pub headers: Option<Value>,
    /// All outputs of the trigger, where they are others than headers and a body.
    pub outputs: Option<Object>,
    /// Code of the trigger: that of the answer of the service that was asked.
    pub code: Option<String>,
    /// The time that the run is scheduled for.
    pub scheduled_at: Option<Millis>,
    /// What starts it.
    pub kind: StartKind,
    /// The incident that it is about, if any.
    pub incident: Option<String>,
    /// Who or what asks: `rule/NAME`, `user/NAME`, `schedule`.
    pub requester: String,
    /// The run that asks, if one does.
    pub parent: Option<String>,
    /// How many changes by automation led to this wish.
    pub depth: u32,
    /// The identity that the run gets, so that asking again starts nothing; else it gets a new one. With `splitOn` the
    /// first run gets it, and the others get identities that follow from it.
    pub id: Option<Uuid>,
    /// Until when the caller waits for an answer, if it does.
    pub answer_by: Option<Millis>,
    /// The id that the caller knows the run by (`x-ms-client-tracking-id`), if it has one of its own.
    pub tracking_id: Option<String>,
    /// The run that is repeated, if one is.
    pub resubmit_of: Option<String>,
}

/// What a run is started with; it must fit the playbook's trigger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartKind {
    /// An incident.
    Incident,
    /// An alert.
    Alert,
    /// An entity.
    Entity,
    /// A body, for any trigger.
    #[default]
    Body,
}

/// Why a playbook does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such playbook.
    #[error("the playbook '{0}' does not exist, or its definition is not valid")]
    NotFound(String),
    /// It is suspended.
    #[error("the playbook '{0}' is suspended; set `spec.suspend` to false")]
    Suspended(String),
    /// Its trigger is of another kind.
    #[error("the playbook '{playbook}' has an unsupported trigger type: it starts with {has}, not with {wanted}")]
    UnsupportedTrigger {
        /// The playbook.
        playbook: String,
        /// What it starts with.
        has: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A parameter has no value, or a wrong one.
    #[error("parameter '{name}' of playbook '{playbook}' {reason}")]
    Parameter {
        /// The playbook.
        playbook: String,
        /// The parameter.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An app setting has no value.
    #[error("app setting '{name}' of playbook '{playbook}' {reason}")]
    AppSetting {
        /// The playbook.
        playbook: String,
        /// The setting.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// A condition of the trigger does not hold.
    #[error("a condition of the trigger of playbook '{0}' does not hold")]
    ConditionFalse(String),
    /// A condition or `splitOn` of the trigger failed.
    #[error("the trigger of playbook '{playbook}' failed: {reason}")]
    Trigger {
        /// The playbook.
        playbook: String,
        /// What failed.
        reason: String,
    },
    /// A run cannot be repeated so.
    #[error("run '{run}' cannot be resubmitted: {reason}")]
    Resubmission {
        /// The run.
        run: String,
        /// Why, and what can be done instead.
        reason: String,
    },
}

impl Refused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "PlaybookNotFound",
            Self::Suspended(_) => "PlaybookSuspended",
            Self::UnsupportedTrigger { .. } => "UnsupportedTrigger",
            Self::Parameter { .. } => "InvalidParameter",
            Self::AppSetting { .. } => "InvalidAppSetting",
            Self::ConditionFalse(_) => "TriggerConditionFalse",
            Self::Trigger { .. } => "TriggerFailed",
            Self::Resubmission { .. } => "NotResubmittable",
        }
    }
}

/// The first events of the runs that a request makes: one, or with `splitOn` one for each element.
///
/// # Errors
/// The playbook is suspended, has another trigger, lacks a parameter, or its trigger's condition does not hold.
pub fn open(playbook: &Playbook, request: &Request, moment: &Moment) -> Result<Vec<Opened>, Refused> {
    let name = &playbook.name;
    if playbook.suspended {
        return Err(Refused::Suspended(name.clone()));
    }
    let trigger = playbook
        .workflow
        .triggers
        .first()
        .ok_or_else(|| Refused::NotFound(name.clone()))?;
    fits(name, trigger, request.kind)?;
    let parameters = parameters(playbook)?;
    let settings = settings(playbook)?;
    let outputs = outputs(request);
    let scope = TriggerScope {
        playbook,
        parameters: &parameters,
        trigger: Some(TriggerScope::fired(trigger, &outputs, request, moment)),
        callback: None,
        moment,
    };
    let bodies = split(playbook, trigger, &outputs, &scope)?;
    let tracking_id = tracking_id(name, trigger, request, &scope)?;
    let connections = bindings(playbook);
    let opened = bodies.into_iter().enumerate().map(|(index, body)| {
        let mut outputs = outputs.clone();
        if let Some(body) = body {
            outputs.insert("body", body);
        }
        Opened {
            at: moment.now,
            run: request.id.map_or_else(|| run_id(moment), |id| given_id(id, index)),
            namespace: playbook.namespace.clone(),
            playbook: name.clone(),
            definition: playbook.hash.clone(),
            trigger: trigger.name.clone(),
            outputs: Payload::hidden_if(trigger.secure_outputs, outputs.into()),
            code: request.code.clone(),
            scheduled_at: request.scheduled_at,
            parameters: parameters.clone(),
            settings: settings.clone(),
            connections: connections.clone(),
            requester: request.requester.clone(),
            incident: request.incident.clone(),
            depth: request.depth,
            answer_by: request.answer_by,
            tracking_id: tracking_id.clone(),
            ..Opened::default()
        }
    });
    Ok(opened.collect())
}

/// The first event of a run that repeats another, with the outputs that the trigger of that one gave: neither its
/// conditions nor `splitOn` are asked again. The request says who asks and which identity the run gets.
///
/// # Errors
/// The playbook is suspended, starts with something else by now, or lacks a parameter.
pub(super) fn again(
    playbook: &Playbook,
    original: (&Trigger, &Opened),
    request: &Request,
    moment: &Moment,
) -> Result<Opened, Refused> {
    let name = &playbook.name;
    if playbook.suspended {
        return Err(Refused::Suspended(name.clone()));
    }
    let trigger = playbook.workflow.triggers.first();
    let trigger = trigger.ok_or_else(|| Refused::NotFound(name.clone()))?;
    let (before, opened) = original;
    if std::mem::discriminant(&before.kind) != std::mem::discriminant(&trigger.kind) {
        return Err(Refused::UnsupportedTrigger {
            playbook: name.clone(),
            has: trigger.kind.describe(),
            wanted: "what the run was started with; resubmit it with the definition that it had",
        });
    }
    let is_secure = trigger.secure_outputs || opened.outputs.secure;
    Ok(Opened {
        at: moment.now,
        run: request.id.map_or_else(|| run_id(moment), |id| id.to_string()),
        definition: playbook.hash.clone(),
        trigger: trigger.name.clone(),
        outputs: Payload::hidden_if(is_secure, opened.outputs.value.clone()),
        parameters: parameters(playbook)?,
        connections: bindings(playbook),
        requester: request.requester.clone(),
        resubmit_of: request.resubmit_of.clone(),
        resubmit_from: None,
        carried: Vec::new(),
        ..opened.clone()
    })
}

/// The connections: name in the definition, ApiConnection.
fn bindings(playbook: &Playbook) -> Vec<(String, String)> {
    let bindings = playbook.connections.iter();
    bindings
        .map(|bound| (bound.alias.clone(), bound.name.clone()))
        .collect()
}

/// The outputs of the trigger.
fn outputs(request: &Request) -> Object {
    if let Some(outputs) = &request.outputs {
        return outputs.clone();
    }
    let mut outputs = Object::new();
    if let Some(headers) = &request.headers {
        outputs.insert("headers", headers.clone());
    }
    outputs.insert("body", request.body.clone());
    outputs
}

/// The identity of a new run: a UUID v7.
pub fn run_id(moment: &Moment) -> String {
    let mut chance = [0; 10];
    chance.copy_from_slice(&moment.random()[..10]);
    let millis = u64::try_from(moment.now).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance)
        .into_uuid()
        .to_string()
}

/// The identity of the `index`-th run of a request that has one.
pub(super) fn given_id(id: Uuid, index: usize) -> String {
    match index {
        0 => id.to_string(),
        _ => Uuid::new_v5(&id, index.to_string().as_bytes()).to_string(),
    }
}

fn fits(playbook: &str, trigger: &Trigger, kind: StartKind) -> Result<(), Refused> {
    let fits = match kind {
        StartKind::Body => true,
        StartKind::Incident => matches!(trigger.kind, TriggerKind::SentinelIncident),
        StartKind::Alert => matches!(trigger.kind, TriggerKind::SentinelAlert),
        StartKind::Entity => matches!(trigger.kind, TriggerKind::SentinelEntity(_)),
    };
    if fits {
        return Ok(());
    }
    let has = trigger.kind.describe();
    let wanted = match kind {
        StartKind::Incident => "an incident",
        StartKind::Alert => "an alert",
        StartKind::Entity => "an entity",
        StartKind::Body => "a body",
    };
    Err(Refused::UnsupportedTrigger {
        playbook: playbook.to_owned(),
        has,
        wanted,
    })
}

/// The values of all declared parameters; `$connections` is made of the bound connections.
pub(super) fn parameters(playbook: &Playbook) -> Result<Vec<(String, Payload)>, Refused> {
    let refused = |name: &str, reason: String| Refused::Parameter {
        playbook: playbook.name.clone(),
        name: name.to_owned(),
        reason,
    };
    let mut values = Vec::new();
    for declared in playbook
        .workflow
        .parameters
        .iter()
        .filter(|declared| declared.name != "$connections")
    {
        let given = playbook
            .parameters
            .iter()
            .find(|given| given.name.eq_ignore_ascii_case(&declared.name));
        let value = match given {
            Some(given) => given.value.clone().map_err(|reason| refused(&declared.name, reason))?,
            None => declared.default.clone().ok_or_else(|| {
                refused(
                    &declared.name,
                    "has neither a value nor a default; add it to `spec.parameters`".into(),
                )
            })?,
        };
        let value = check(declared, value).map_err(|reason| refused(&declared.name, reason))?;
        let secret = declared.kind.is_secure() || given.is_some_and(|given| given.secret);
        values.push((declared.name.clone(), Payload::hidden_if(secret, value)));
    }
    let bound = playbook
        .connections
        .iter()
        .map(|bound| (bound.alias.as_str(), connection(&playbook.namespace, bound)));
    values.push(("$connections".into(), Payload::open(Value::object(bound))));
    Ok(values)
}

/// The values of all app settings, which are texts.
fn settings(playbook: &Playbook) -> Result<Vec<(String, Payload)>, Refused> {
    let settings = playbook.settings.iter().map(|given| match &given.value {
        Ok(value) => {
            let text = Value::from(value.to_text());
            Ok((given.name.clone(), Payload::hidden_if(given.secret, text)))
        }
        Err(reason) => Err(Refused::AppSetting {
            playbook: playbook.name.clone(),
            name: given.name.clone(),
            reason: reason.clone(),
        }),
    });
    settings.collect()
}

/// Whether a value fits a declared parameter. Text that another type needs is read as JSON, because Secrets hold text.
fn check(declared: &Parameter, value: Value) -> Result<Value, String> {
    let value = match (&value, declared.kind) {
        (Value::String(_), ParameterType::String | ParameterType::SecureString) => value,
        (Value::String(text), _) => Value::from_json(text).unwrap_or_else(|_| value.clone()),
        _ => value,
    };
    let fits = match declared.kind {
        ParameterType::Int => matches!(value, Value::Int(_)),
        ParameterType::Float => matches!(value, Value::Int(_) | Value::Float(_) | Value::Decimal(_)),
        ParameterType::String | ParameterType::SecureString => matches!(value, Value::String(_)),
        ParameterType::Bool => matches!(value, Value::Bool(_)),
        ParameterType::Array => matches!(value, Value::Array(_)),
        ParameterType::Object | ParameterType::SecureObject => !matches!(value, Value::Null),
    };
    if !fits {
        return Err(format!("must be of type {:?}", declared.kind));
    }
    if !declared.allowed.is_empty() && !declared.allowed.contains(&value) {
        return Err("is not one of its allowed values".into());
    }
    Ok(value)
}

/// One member of `$connections`, with ids in the original's form.
fn connection(namespace: &str, bound: &Connection) -> Value {
    let group = "/subscriptions/00000000-0000-0000-0000-000000000000";
    let connector = bound.connector.as_deref().unwrap_or("unknown");
    Value::object([
        (
            "connectionId",
            format!(
                "{group}/resourceGroups/{namespace}/providers/Microsoft.Web/connections/{}",
                bound.name
            ),
        ),
        ("connectionName", bound.name.clone()),
        (
            "id",
            format!("{group}/providers/Microsoft.Web/locations/local/managedApis/{connector}"),
        ),
    ])
}

/// The id that the caller knows the run by: what the trigger makes of the request, else the request's own.
fn tracking_id(
    playbook: &str,
    trigger: &Trigger,
    request: &Request,
    scope: &TriggerScope<'_>,
) -> Result<Option<String>, Refused> {
    let Some(template) = &trigger.tracking_id else {
        return Ok(request.tracking_id.clone());
    };
    match template.evaluate(scope) {
        Ok(value) => Ok(Some(value.to_text())),
        Err(error) => Err(Refused::Trigger {
            playbook: playbook.to_owned(),
            reason: error.message,
        }),
    }
}

/// The bodies of the runs: the trigger's body, or with `splitOn` the elements of an array, if its conditions hold.
fn split(
    playbook: &Playbook,
    trigger: &Trigger,
    outputs: &Object,
    scope: &TriggerScope<'_>,
) -> Result<Vec<Option<Value>>, Refused> {
    let failed = |reason: String| Refused::Trigger {
        playbook: playbook.name.clone(),
        reason,
    };
    for condition in &trigger.conditions {
        let holds = condition.evaluate(scope).map_err(|error| failed(error.message))?;
        if holds != Value::Bool(true) {
            return Err(Refused::ConditionFalse(playbook.name.clone()));
        }
    }
    let Some(split_on) = &trigger.split_on else {
        return Ok(vec![outputs.get_exact("body").cloned()]);
    };
    let most = playbook.workflow.limits.size(Limit::SplitItems);
    match split_on.evaluate(scope).map_err(|error| failed(error.message))? {
        Value::Array(items) if items.len() <= most => Ok(items.iter().cloned().map(Some).collect()),
        Value::Array(items) => Err(failed(format!(
            "`splitOn` gives {} elements, more than {most}",
            items.len()
        ))),
        _ => Err(failed("`splitOn` must give an array".into())),
    }
}
