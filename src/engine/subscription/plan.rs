//! What subscriptions there should be, and the next step towards them. Pure.

use ring::hmac;

use super::kept::{Calls, KeptCall};
use super::standing::{Phase, Standing};
use crate::definition::workflow::{CallAction, Trigger, TriggerKind, WebhookAction};
use crate::engine::actions::Failure;
use crate::engine::actions::call::outputs;
use crate::engine::call::{Answer, Call};
use crate::engine::callback::{Link, Links};
use crate::engine::clock::Moment;
use crate::engine::content::{Content, Playbook};
use crate::engine::event::Payload;
use crate::engine::start;
use crate::engine::trigger_call::TriggerCall;
use crate::engine::trigger_scope::TriggerScope;
use crate::expression::Value;
use crate::store::{Millis, SubscriptionKey, SubscriptionRow};

/// Why a trigger cannot be subscribed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No service could call.
    #[error(
        "no service can call it, because nothing outside reaches this Riposte: give its address with `--public-url` (the \
         chart's `publicUrl`)"
    )]
    NoPublicUrl,
    /// A parameter is missing.
    #[error("{0}")]
    Parameter(String),
    /// Its inputs are no call. The message leaves out why, which may hold a value.
    #[error("the inputs of trigger '{trigger}' cannot be evaluated ({code}); look at their expressions and parameters")]
    Inputs {
        /// The trigger.
        trigger: String,
        /// Stable code.
        code: &'static str,
    },
}

impl Problem {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPublicUrl => "NoPublicUrl",
            Self::Parameter(_) => "InvalidParameter",
            Self::Inputs { .. } => "InvalidInputs",
        }
    }
}

/// A subscription that there should be.
#[derive(Clone, Debug)]
pub struct Wish {
    playbook: Playbook,
    url: String,
    /// A hash of what it follows from.
    pub fingerprint: String,
}

/// What a playbook wants: nothing, if its trigger is no webhook or it is suspended.
pub fn wish(
    playbook: Playbook,
    links: &Links,
    content: &dyn Content,
    secret: &[u8; 32],
) -> Option<(SubscriptionKey, Result<Wish, Problem>)> {
    let (trigger, webhook) = webhook(&playbook).filter(|_| !playbook.suspended)?;
    let key = SubscriptionKey {
        namespace: playbook.namespace.clone(),
        playbook: playbook.name.clone(),
        trigger: trigger.name.clone(),
    };
    let link = Link::Trigger {
        namespace: key.namespace.clone(),
        playbook: key.playbook.clone(),
        trigger: key.trigger.clone(),
    };
    let Some(url) = links.url(&link, None) else {
        return Some((key, Err(Problem::NoPublicUrl)));
    };
    let subscriber = Subscriber::new(&playbook, trigger, &url);
    let fingerprint = subscriber.and_then(|subscriber| subscriber.fingerprint(webhook, content, secret));
    let wish = fingerprint.map(|fingerprint| Wish {
        playbook,
        url,
        fingerprint,
    });
    Some((key, wish))
}

/// The trigger of a playbook that is subscribed at a service.
fn webhook(playbook: &Playbook) -> Option<(&Trigger, &WebhookAction)> {
    let trigger = playbook.workflow.triggers.first()?;
    match &trigger.kind {
        TriggerKind::Webhook(webhook) => Some((trigger, webhook)),
        TriggerKind::SentinelIncident
        | TriggerKind::SentinelAlert
        | TriggerKind::SentinelEntity(_)
        | TriggerKind::Request(_)
        | TriggerKind::Recurrence(_)
        | TriggerKind::SlidingWindow { .. }
        | TriggerKind::Poll { .. }
        | TriggerKind::Batch(_)
        | TriggerKind::Other(_) => None,
    }
}

impl Wish {
    /// The calls of a new subscription. What takes it back is known better once the service has answered.
    ///
    /// # Errors
    /// Its inputs are no call.
    pub fn calls(&self, id: &str, moment: &Moment) -> Result<Calls, Problem> {
        let Some((trigger, webhook)) = webhook(&self.playbook) else {
            return Ok(Calls::default());
        };
        let subscriber = Subscriber::new(&self.playbook, trigger, &self.url)?;
        let subscribe = subscriber.call(&webhook.subscribe, None, id, moment)?;
        Ok(Calls {
            subscribe: Some(KeptCall::of(subscribe)),
            unsubscribe: subscriber.unsubscribe(webhook, None, id, moment),
        })
    }

    /// The calls that are left once the service has answered.
    pub fn calls_after(&self, calls: &Calls, answer: &Answer, id: &str, moment: &Moment) -> Calls {
        let made = webhook(&self.playbook).and_then(|(trigger, webhook)| {
            let subscriber = Subscriber::new(&self.playbook, trigger, &self.url).ok()?;
            subscriber.unsubscribe(webhook, Some(outputs(answer)), id, moment)
        });
        let location = answer.headers.get("location").and_then(Value::as_str);
        let located = || calls.subscribe.as_ref()?.forgetting(location?);
        Calls {
            subscribe: None,
            unsubscribe: made.or_else(|| calls.unsubscribe.clone()).or_else(located),
        }
    }
}

/// A trigger with the link that its service gets.
struct Subscriber<'a> {
    playbook: &'a Playbook,
    trigger: &'a Trigger,
    url: &'a str,
    parameters: Vec<(String, Payload)>,
}

impl<'a> Subscriber<'a> {
    fn new(playbook: &'a Playbook, trigger: &'a Trigger, url: &'a str) -> Result<Self, Problem> {
        let parameters = start::parameters(playbook).map_err(|refused| Problem::Parameter(refused.to_string()))?;
        Ok(Self {
            playbook,
            trigger,
            url,
            parameters,
        })
    }

    fn call(&self, call: &CallAction, answered: Option<Value>, id: &str, moment: &Moment) -> Result<Call, Problem> {
        let trigger = answered.map(|outputs| {
            let name = Value::from(self.trigger.name.as_str());
            Value::object([("name", name), ("outputs", outputs), ("status", "Succeeded".into())])
        });
        let scope = TriggerScope {
            playbook: self.playbook,
            parameters: &self.parameters,
            trigger,
            callback: Some(self.url.to_owned()),
            moment,
        };
        let made = TriggerCall {
            playbook: self.playbook,
            trigger: &self.trigger.name,
            call,
        };
        let evaluated = made.evaluate(&scope);
        let call = evaluated.and_then(|(inputs, credentials)| made.build(&inputs, credentials.as_ref(), id));
        call.map_err(|Failure { code, .. }| Problem::Inputs {
            trigger: self.trigger.name.clone(),
            code,
        })
    }

    /// The call that takes it back; `None` where there is none, or where it needs an answer that has not come.
    fn unsubscribe(
        &self,
        webhook: &WebhookAction,
        answered: Option<Value>,
        id: &str,
        moment: &Moment,
    ) -> Option<KeptCall> {
        let call = self.call(webhook.unsubscribe.as_ref()?, answered, id, moment);
        call.ok().map(KeptCall::of)
    }

    /// A hash of the definition of the trigger, its evaluated call and where that leads. Keyed, because it stands beside
    /// what is sealed; evaluated at one moment, so that time and chance are no change.
    fn fingerprint(
        &self,
        webhook: &WebhookAction,
        content: &dyn Content,
        secret: &[u8; 32],
    ) -> Result<String, Problem> {
        let call = self.call(&webhook.subscribe, None, "", &Moment::new(0, [0; 32]))?;
        let destination = content.destination(&self.playbook.namespace, call.target.name());
        let definition = ["type", "inputs"].map(|name| self.trigger.source.get(name).map(Value::to_json));
        let parts = [destination, serde_json::to_string(&KeptCall::of(call)).ok()];
        let mut hash = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
        for part in definition.into_iter().chain(parts) {
            let part = part.unwrap_or_default();
            hash.update(&part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        let tag = hash.sign();
        Ok(tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What there is to do about a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing, before its time or for ever.
    Rest,
    /// It is to be stored; then the service is asked.
    Begin,
    /// The service is asked for it.
    Subscribe,
    /// It is not what is wanted any more.
    Turn,
    /// The service is asked to forget it.
    Unsubscribe,
    /// It cannot be read, so nothing can be done about it.
    Forget,
}

/// The next step from what is stored to what is wanted.
pub fn step(row: Option<&SubscriptionRow>, wish: Option<&Result<Wish, Problem>>, now: Millis) -> Step {
    let Some(row) = row else {
        return match wish {
            Some(Ok(_)) => Step::Begin,
            Some(Err(_)) | None => Step::Rest,
        };
    };
    let Some(standing) = Standing::of(row) else {
        return Step::Forget;
    };
    let is_due = row.next_at.is_some_and(|at| at <= now);
    match (standing.phase, wish) {
        (Phase::Leaving, _) if is_due => Step::Unsubscribe,
        (Phase::Leaving, _) => Step::Rest,
        (Phase::Making, Some(Ok(wish))) if wish.fingerprint == row.fingerprint && is_due => Step::Subscribe,
        (Phase::Making | Phase::Made, Some(Ok(wish))) if wish.fingerprint == row.fingerprint => Step::Rest,
        // Whether it is wanted is not clear.
        (_, Some(Err(Problem::Parameter(_) | Problem::Inputs { .. }))) => Step::Rest,
        (Phase::Making | Phase::Made, Some(Ok(_) | Err(Problem::NoPublicUrl)) | None) => Step::Turn,
    }
}
