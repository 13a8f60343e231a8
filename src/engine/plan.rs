//! The deciding half of the core: what is ready becomes events and calls. Pure; the shell commits the events, folds them
//! in with [`State::apply`] and only then performs the calls.

use super::actions::control::Round;
use super::actions::{self, Done};
use super::call::Call;
use super::callback::Links;
use super::clock::{Moment, round_trip};
use super::event::{ActionError, Event, FrameId, NodeId, Payload};
use super::scope::RunScope;
use super::state::{Node, Phase, Ready, State};
use super::status::{RunStatus, Status, block_status, deciding_leaves};
use crate::definition::workflow::{StaticResult, TerminateStatus, UntilLoop};
use crate::definition::{Action, ActionKind, Limit, Workflow};
use crate::expression::Value;
use crate::store::Millis;

/// What becomes of something ready.
#[derive(Debug, Default)]
pub struct Planned {
    /// Events to commit and fold in, in this order.
    pub events: Vec<Event>,
    /// A call to perform after the commit, if any.
    pub call: Option<(NodeId, Call)>,
}

impl Planned {
    fn event(event: Event) -> Self {
        Self {
            events: vec![event],
            call: None,
        }
    }
}

/// What is fixed while a step is planned.
pub struct Planner<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The state that the step begins with.
    pub state: &'a State,
    /// Time and chance.
    pub moment: &'a Moment,
    /// Makes callback URLs.
    pub links: &'a Links,
}

impl<'a> Planner<'a> {
    /// Plans one ready thing.
    pub fn plan(&self, ready: Ready) -> Planned {
        let mut planned = self.untracked(ready);
        planned.events = planned.events.into_iter().map(|event| self.tracked(event)).collect();
        planned
    }

    fn untracked(&self, ready: Ready) -> Planned {
        match ready {
            Ready::Start(id) => self.start(id),
            Ready::Skip(id) => Planned::event(self.ended(id, Status::Skipped, "ActionSkipped", Some(skipped()))),
            Ready::Finish(id) => Planned::event(self.finish(id)),
            Ready::Close => Planned::event(self.close()),
        }
    }

    pub(super) fn scope(&self, frame: FrameId) -> RunScope<'a> {
        RunScope {
            workflow: self.workflow,
            state: self.state,
            frame,
            moment: self.moment,
            current: None,
            callback: None,
        }
    }

    /// The end of an action with its tracked properties; if they cannot be evaluated, the action fails.
    pub fn tracked(&self, mut event: Event) -> Event {
        let Event::Ended { node: id, status, .. } = &event else {
            return event;
        };
        let action = self.workflow.action(id.1);
        let (Some(template), false) = (&action.tracked, *status == Status::Skipped) else {
            return event;
        };
        let scope = RunScope {
            current: Some(self.scope(id.0).ending(*id, &event)),
            ..self.scope(id.0)
        };
        let evaluated = template.evaluate(&scope);
        let secure = action.secure_inputs || action.secure_outputs;
        if let Event::Ended {
            tracked,
            status,
            code,
            error,
            ..
        } = &mut event
        {
            match evaluated {
                Ok(value) => *tracked = Some(Payload::hidden_if(secure, value)),
                Err(failure) => {
                    *status = Status::Failed;
                    *code = "BadRequest".into();
                    let message = format!("The tracked properties of the action failed: {}", failure.message);
                    *error = Some(ActionError::new(
                        "TrackedPropertiesEvaluationFailed",
                        reason(secure, message),
                    ));
                }
            }
        }
        event
    }

    fn start(&self, id: NodeId) -> Planned {
        let action = self.workflow.action(id.1);
        let scope = self.scope(id.0);
        if let Some(result) = &action.static_result {
            return Planned::event(self.static_result(id, action, result));
        }
        match &action.kind {
            ActionKind::Call(call) => self.start_call(id, action, call, &scope),
            ActionKind::Webhook(webhook) => self.start_webhook(id, action, webhook),
            ActionKind::Wait(delay) => Planned::event(match actions::wait::end(delay, &scope) {
                Ok((until, inputs)) => Event::Paused {
                    at: self.moment.now,
                    node: id,
                    until,
                    inputs: Payload::hidden_if(action.secure_inputs, inputs),
                },
                Err(failure) => self.done(id, action, Err(failure)),
            }),
            ActionKind::Response(response) => {
                let is_late = self.state.opened.answer_by.is_some_and(|by| self.moment.now > by);
                let done = match self.state.response(self.workflow) {
                    None if is_late => Err(actions::response::late(&action.name)),
                    None => actions::response::start(&action.name, response, &scope),
                    Some(_) => Err(actions::Failure::new(
                        "BadRequest",
                        "ActionResponseSkipped",
                        format!(
                            "Action '{}' comes too late: the run has answered its caller already.",
                            action.name
                        ),
                    )),
                };
                Planned::event(self.done(id, action, done))
            }
            ActionKind::Foreach { items, .. } => Planned::event(self.start_loop(id, action, items.evaluate(&scope))),
            ActionKind::If { .. } | ActionKind::Switch { .. } | ActionKind::Scope { .. } | ActionKind::Until(_) => {
                Planned::event(match actions::control::branch(&action.kind, &scope) {
                    Ok((block, inputs)) => Event::Entered {
                        at: self.moment.now,
                        node: id,
                        block,
                        inputs: inputs.map(|value| Payload::hidden_if(action.secure_inputs, value)),
                        deadline: self.deadline(action),
                    },
                    Err(failure) => self.done(id, action, Err(failure)),
                })
            }
            ActionKind::Terminate { status, code, message } => {
                self.terminate(id, action, *status, actions::control::terminate(code, message, &scope))
            }
            ActionKind::InitializeVariable(_)
            | ActionKind::SetVariable { .. }
            | ActionKind::AppendToArrayVariable { .. }
            | ActionKind::AppendToStringVariable { .. }
            | ActionKind::IncrementVariable { .. }
            | ActionKind::DecrementVariable { .. } => {
                let done = actions::variables::start(&action.kind, self.state, &self.workflow.limits, &scope);
                Planned::event(self.done(id, action, done))
            }
            ActionKind::Compose(_)
            | ActionKind::Expression(_)
            | ActionKind::ParseJson { .. }
            | ActionKind::Query { .. }
            | ActionKind::Select { .. }
            | ActionKind::Join { .. }
            | ActionKind::Table { .. } => {
                Planned::event(self.done(id, action, actions::data::start(&action.name, &action.kind, &scope)))
            }
        }
    }

    pub(super) fn deadline(&self, action: &Action) -> Option<Millis> {
        let millis = i64::try_from(action.timeout?.as_millis()).unwrap_or(i64::MAX);
        Some(self.moment.now.saturating_add(millis))
    }

    /// The end of an action that needs nobody else.
    pub(super) fn done(&self, id: NodeId, action: &Action, done: Result<Done, actions::Failure>) -> Event {
        let (status, code, inputs, outputs, error) = match done {
            Ok(done) => (Status::Succeeded, "OK".to_owned(), done.inputs, done.outputs, None),
            Err(failure) => {
                let error = ActionError::new(failure.code, reason(action.secure_inputs, failure.message));
                (
                    Status::Failed,
                    failure.action_code.to_owned(),
                    failure.inputs,
                    failure.outputs,
                    Some(error),
                )
            }
        };
        Event::Ended {
            at: self.moment.now,
            node: id,
            status,
            code,
            inputs: inputs.map(|value| Payload::hidden_if(action.secure_inputs, value)),
            outputs: outputs.map(|value| Payload::hidden_if(action.secure_outputs, value)),
            error,
            tracked: None,
        }
    }

    /// The end of an action whose static result is enabled: nothing happens.
    fn static_result(&self, id: NodeId, action: &Action, result: &StaticResult) -> Event {
        let status = Status::from(result.status);
        let code = match (&result.code, status) {
            (Some(code), _) => code.clone(),
            (None, Status::Succeeded) => "OK".to_owned(),
            (None, _) => "ActionFailed".to_owned(),
        };
        let error = result
            .error
            .as_ref()
            .map(|(code, message)| ActionError::new(code, message));
        let mut event = self.ended(id, status, &code, error);
        if let Event::Ended { outputs, .. } = &mut event {
            let value = result.outputs.clone();
            *outputs = value.map(|value| Payload::hidden_if(action.secure_outputs, value));
        }
        event
    }

    pub(super) fn ended(&self, id: NodeId, status: Status, code: &str, error: Option<ActionError>) -> Event {
        Event::Ended {
            at: self.moment.now,
            node: id,
            status,
            code: code.into(),
            inputs: None,
            outputs: None,
            error,
            tracked: None,
        }
    }

    fn start_loop(&self, id: NodeId, action: &Action, items: Result<Value, crate::expression::EvalError>) -> Event {
        match actions::control::elements(&action.name, items, self.workflow.limits.size(Limit::ForeachItems)) {
            Ok(items) => Event::Looped {
                at: self.moment.now,
                node: id,
                items: Payload::hidden_if(action.secure_inputs, items),
                deadline: self.deadline(action),
            },
            Err(failure) => self.done(id, action, Err(failure)),
        }
    }

    fn terminate(
        &self,
        id: NodeId,
        action: &Action,
        status: TerminateStatus,
        error: Result<Option<ActionError>, actions::Failure>,
    ) -> Planned {
        let error = match error {
            Ok(error) => error,
            Err(failure) => return Planned::event(self.done(id, action, Err(failure))),
        };
        // What is secure must not stand in an error, which everyone sees.
        let hide = |error: ActionError| match action.secure_inputs {
            true => ActionError::new("Terminated", super::view::HIDDEN),
            false => error,
        };
        let status = match status {
            TerminateStatus::Succeeded => RunStatus::Succeeded,
            TerminateStatus::Failed => RunStatus::Failed,
            TerminateStatus::Cancelled => RunStatus::Cancelled,
        };
        Planned::event(Event::Closed {
            at: self.moment.now,
            by: Some(id),
            status,
            error: error.map(hide),
            outputs: None,
        })
    }

    /// The end of a round of an Until: another round, or the end of the loop, whose status is that of its last round.
    fn finish_round(&self, id: NodeId, action: &Action, until: &UntilLoop) -> Event {
        let node = self.state.node(id);
        let frames = node.map(|node| node.frames.as_slice()).unwrap_or_default();
        let last = frames.last().copied().unwrap_or(id.0);
        let elapsed = node.map_or(0, |node| self.moment.now - node.started_at);
        let rounds = (frames.len(), self.workflow.limits.size(Limit::UntilRounds));
        match actions::control::round(until, rounds, elapsed, &self.scope(last)) {
            Ok(Round::Next) => Event::Repeated {
                at: self.moment.now,
                node: id,
            },
            Ok(Round::Limit) if until.fails_at_limits => {
                let message = format!(
                    "The loop '{}' reached its limit before its condition held.",
                    action.name
                );
                let error = ActionError::new("UntilLimitsReached", message);
                self.ended(id, Status::Failed, "ActionFailed", Some(error))
            }
            Ok(Round::Last | Round::Limit) => self.contained(id, self.frame_status(last)),
            Err(failure) => self.done(id, action, Err(failure)),
        }
    }

    /// The end of a container: its block, or all its iterations, decide.
    fn finish(&self, id: NodeId) -> Event {
        let action = self.workflow.action(id.1);
        if let ActionKind::Until(until) = &action.kind {
            return self.finish_round(id, action, until);
        }
        let frames = self
            .state
            .node(id)
            .map(|node| node.frames.as_slice())
            .unwrap_or_default();
        let status = Status::merge(frames.iter().map(|frame| self.frame_status(*frame)));
        let mut event = self.contained(id, status);
        if let Event::Ended { outputs, .. } = &mut event {
            *outputs = self.branch_outputs(id);
        }
        event
    }

    /// The end of a container whose actions ended so.
    fn contained(&self, id: NodeId, status: Status) -> Event {
        match status {
            Status::Failed | Status::TimedOut => {
                let error = ActionError::new("ActionFailed", "An action failed. No dependent actions succeeded.");
                self.ended(id, status, "ActionFailed", Some(error))
            }
            Status::Succeeded | Status::Skipped | Status::Cancelled => self.ended(id, status, "NotSpecified", None),
        }
    }

    /// What a Switch decided on is its outputs too.
    fn branch_outputs(&self, id: NodeId) -> Option<Payload> {
        let action = self.workflow.action(id.1);
        let inputs = self.state.node(id)?.inputs.as_ref()?;
        matches!(action.kind, ActionKind::Switch { .. })
            .then(|| Payload::hidden_if(action.secure_outputs, inputs.value.clone()))
    }

    fn frame_status(&self, frame: FrameId) -> Status {
        let block = self
            .state
            .frame(frame)
            .map_or(crate::definition::BlockId(0), |frame| frame.block);
        block_status(self.workflow, block, |action| self.status_of(NodeId(frame, action)))
    }

    fn status_of(&self, id: NodeId) -> Status {
        self.state
            .node(id)
            .and_then(|node| node.status())
            .unwrap_or(Status::Skipped)
    }

    /// The end of the run: the top level decides, then the declared outputs are computed.
    fn close(&self) -> Event {
        let top = FrameId(0);
        let status = self.frame_status(top);
        let (mut status, mut error) = match status {
            Status::Failed => (RunStatus::Failed, self.first_error()),
            Status::TimedOut => (RunStatus::TimedOut, self.first_error()),
            Status::Succeeded | Status::Skipped | Status::Cancelled => (RunStatus::Succeeded, None),
        };
        let outputs = match self.outputs() {
            Ok(outputs) => outputs,
            Err(failed) => {
                status = RunStatus::Failed;
                error = error.or(Some(failed));
                None
            }
        };
        Event::Closed {
            at: self.moment.now,
            by: None,
            status,
            error,
            outputs: outputs.map(|value| Payload::hidden_if(!self.workflow.secure_outputs.is_empty(), value)),
        }
    }

    /// The error of the run: that of the innermost action that made it fail.
    fn first_error(&self) -> Option<ActionError> {
        let mut frames = vec![FrameId(0)];
        let mut found = None;
        while let Some((id, node)) = frames.iter().find_map(|frame| self.failed_leaf(*frame)) {
            found = Some((id, node));
            frames = node.frames.clone();
        }
        let (id, node) = found?;
        let name = &self.workflow.action(id.1).name;
        let fate = fate(node.status());
        Some(match &node.error {
            Some(error) => ActionError::new(&*error.code, format!("action '{name}' {fate}: {}", error.message)),
            None => ActionError::new("ActionFailed", format!("action '{name}' {fate}")),
        })
    }

    /// The first of the deciding leaves of a frame that failed.
    fn failed_leaf(&self, frame: FrameId) -> Option<(NodeId, &'a Node)> {
        let block = self.state.frame(frame)?.block;
        let leaves = deciding_leaves(self.workflow, block, |action| self.status_of(NodeId(frame, action)));
        let ids = leaves.into_iter().map(|action| NodeId(frame, action));
        let nodes = ids.filter_map(|id| Some((id, self.state.node(id)?)));
        nodes
            .into_iter()
            .find(|(_, node)| matches!(node.status(), Some(Status::Failed | Status::TimedOut)))
    }

    fn outputs(&self) -> Result<Option<Value>, ActionError> {
        if self.workflow.outputs.is_empty() {
            return Ok(None);
        }
        let scope = self.scope(FrameId(0));
        let mut outputs = crate::expression::Object::new();
        for (name, template) in &self.workflow.outputs {
            let value = template.evaluate(&scope).map_err(|error| {
                let reason = reason(self.workflow.secure_outputs.contains(name), error.message);
                ActionError::new(error.code, format!("output '{name}' of the workflow: {reason}"))
            })?;
            outputs.insert(name.as_str(), value);
        }
        Ok(Some(outputs.into()))
    }

    /// What is to be done with an active action whose time has come; nothing if it has not.
    pub fn due(&self, id: NodeId) -> Planned {
        let Some(node) = self.state.node(id) else {
            return Planned::default();
        };
        let now = self.moment.now;
        if let Some(deadline) = node.deadline
            && deadline <= now
        {
            let error = ActionError::new(
                "ActionTimedOut",
                format!("The action did not end within its time-out, {}.", round_trip(deadline)),
            );
            return Planned::event(self.tracked(self.ended(id, Status::TimedOut, "ActionTimedOut", Some(error))));
        }
        match &node.phase {
            Phase::Retrying { next_at } if *next_at <= now => self.call_again(id, node.attempts + 1),
            Phase::Paused { until } if *until <= now => {
                let ended = self.ended(id, Status::Succeeded, "OK", None);
                Planned::event(self.tracked(ended))
            }
            Phase::Polling { next_at, location } if *next_at <= now => Planned {
                events: Vec::new(),
                call: self.poll(id, location).map(|call| (id, call)),
            },
            Phase::Held { .. } => self.go_on(id, None),
            Phase::Retrying { .. }
            | Phase::Polling { .. }
            | Phase::Paused { .. }
            | Phase::Subscribed
            | Phase::Calling
            | Phase::Inside { .. }
            | Phase::Ended { .. } => Planned::default(),
        }
    }

    /// The end of a run that took too long, or that somebody cancelled.
    pub fn cut(&self, status: RunStatus, error: ActionError) -> Event {
        Event::Closed {
            at: self.moment.now,
            by: None,
            status,
            error: Some(error),
            outputs: None,
        }
    }
}

/// What failed, without what is secure in it: everyone sees errors.
pub(super) fn reason(secure: bool, message: String) -> String {
    if secure {
        "The reason is hidden, because the value that failed is secure.".into()
    } else {
        message
    }
}

fn fate(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::TimedOut) => "timed out",
        Some(Status::Cancelled) => "was cancelled",
        Some(Status::Skipped) => "was skipped",
        Some(Status::Failed | Status::Succeeded) | None => "failed",
    }
}

fn skipped() -> ActionError {
    ActionError::new(
        "ActionDependencyFailed",
        "The execution of the action was skipped: an action that it runs after ended with another status than it \
         waits for.",
    )
}
