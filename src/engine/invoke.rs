//! Runs that are called and answer their callers: the shell around [`super::answer`]. Invariant: a caller is answered by
//! what the run has committed, and waits no longer than it was told to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::answer::{self, Manner, Reply};
use super::event::Event;
use super::journal::Error;
use super::shell::{Engine, Notice, StartError, now};
use super::start::Request;
use super::state::State;
use super::status::Status;
use crate::definition::{ActionKind, Workflow};
use crate::store::Millis;

/// What a caller is told.
#[derive(Debug)]
pub enum Invoked {
    /// The runs have begun.
    Accepted(Vec<String>),
    /// The run has begun; its answer is asked for later.
    Promised(String),
    /// The run has answered.
    Answered(String, Reply),
    /// The run ended without an answer.
    Unanswered(String),
    /// The run has not answered in time; it goes on.
    Late(String),
}

/// The answer of a run so far.
#[derive(Debug)]
pub enum Answered {
    /// It has not come.
    NotYet,
    /// It is this.
    Reply(Reply),
    /// It will never come: the run has ended.
    Never,
}

impl Engine {
    /// Starts a playbook and waits for its answer, if it gives one, for so long.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn invoke(&self, request: &Request, patience: Duration) -> Result<Invoked, StartError> {
        let playbook = self.shared().content.playbook(&request.namespace, &request.playbook);
        let manner = playbook.map_or(Manner::Accepts, |playbook| answer::manner(&playbook.workflow));
        let mut notices = self.watch();
        let waits = Millis::try_from(patience.as_millis()).unwrap_or(Millis::MAX);
        let answer_by = (manner == Manner::Answers).then(|| now().saturating_add(waits));
        let request = Request {
            answer_by,
            ..request.clone()
        };
        let mut runs = self.start(&request).await?;
        let run = match (manner, runs.len()) {
            (Manner::Accepts, _) | (_, 0 | 2..) => return Ok(Invoked::Accepted(runs)),
            (Manner::Promises, 1) => return Ok(Invoked::Promised(runs.swap_remove(0))),
            (Manner::Answers, 1) => runs.swap_remove(0),
        };
        let waiting = async {
            let mut moved = Box::pin(self.shared().moved_elsewhere(&run));
            loop {
                let notice = tokio::select! {
                    notice = notices.recv() => notice,
                    () = &mut moved => {
                        moved.set(self.shared().moved_elsewhere(&run));
                        // As after notices that were missed.
                        Err(RecvError::Lagged(0))
                    }
                };
                match notice {
                    Ok(Notice::Run {
                        run: other,
                        workflow,
                        event,
                    }) if other == run => {
                        if let Some(reply) = reply_in(&workflow, &event) {
                            return Ok(Invoked::Answered(run.clone(), reply));
                        }
                    }
                    Ok(Notice::Ended { run: other, .. }) if other == run => {
                        return Ok(Invoked::Unanswered(run.clone()));
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_) | RecvError::Closed) =>
                    // A store that fails is asked again with the next notice.
                    {
                        match self.answer(&run).await.unwrap_or(Answered::NotYet) {
                            Answered::NotYet => {}
                            Answered::Reply(reply) => return Ok(Invoked::Answered(run.clone(), reply)),
                            Answered::Never => return Ok(Invoked::Unanswered(run.clone())),
                        }
                    }
                }
            }
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(invoked) => invoked,
            Err(_) => Ok(Invoked::Late(run)),
        }
    }

    /// The answer of a run so far, from what is committed.
    ///
    /// # Errors
    /// The store fails, or the run does not exist or is no playbook's.
    pub async fn answer(&self, run: &str) -> Result<Answered, Error> {
        let (workflow, events) = self.history(run).await?;
        let state = State::fold(&workflow, &events).map_err(|error| Error::Unreadable {
            run: run.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(match answer::given(&workflow, &state) {
            Some(reply) => Answered::Reply(reply),
            None if state.closed.is_some() => Answered::Never,
            None => Answered::NotYet,
        })
    }
}

/// The answer that an event gives to the caller.
fn reply_in(workflow: &Arc<Workflow>, event: &Event) -> Option<Reply> {
    let Event::Ended {
        node,
        status: Status::Succeeded,
        outputs: Some(outputs),
        ..
    } = event
    else {
        return None;
    };
    let kind = &workflow.action(node.1).kind;
    matches!(kind, ActionKind::Response(_)).then(|| answer::reply(&outputs.value))
}
