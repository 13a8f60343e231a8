//! The typed tree of a workflow. Actions and blocks lie in tables and refer to each other by index,
//! so the engine can keep its state in small keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limits;
use crate::expression::Value;
use crate::expression::template::Template;

/// Index of an action in [`Workflow::actions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ActionId(pub u32);

/// Index of a block in [`Workflow::blocks`]; block 0 is the top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct BlockId(pub u32);

/// A checked workflow.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Declared parameters; `$connections` is among them if declared.
    pub parameters: Vec<Parameter>,
    /// The triggers; one in practice.
    pub triggers: Vec<Trigger>,
    /// Every action, in the order of the text.
    pub actions: Vec<Action>,
    /// Every block; 0 is the top level.
    pub blocks: Vec<Block>,
    /// Declared outputs of a run.
    pub outputs: Vec<(String, Template)>,
    /// Actions by lower-case name.
    pub names: BTreeMap<String, ActionId>,
    /// Variables, by lower-case name, whose values are hidden: they may carry something secure.
    pub secure_variables: BTreeSet<String>,
    /// Outputs of the run, by name as declared, that are hidden: declared so, or they may carry something secure.
    pub secure_outputs: BTreeSet<String>,
    /// The fields that expressions read of the answers of services, for whoever knows what services answer.
    pub reads: Vec<FieldRead>,
    /// The limits that it keeps, and that its runs are held to.
    pub limits: Limits,
}

/// A field that an expression reads of the body that a service gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRead {
    /// Whose body it is.
    pub source: Source,
    /// The way from the body to the field, which is its last step.
    pub path: Vec<Step>,
    /// What the field is read of, as an expression.
    pub target: String,
    /// JSON pointer to the string with the expression.
    pub pointer: String,
    /// Where the access stands in that string, in bytes.
    pub span: Range<usize>,
}

/// What a service gave a body to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The trigger.
    Trigger,
    /// An action.
    Action(ActionId),
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Field(Arc<str>),
    /// An element of an array.
    Item,
}

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: ParameterType,
    /// Value where none is given.
    pub default: Option<Value>,
    /// The only values that may be given; empty means any.
    pub allowed: Vec<Value>,
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ParameterType {
    Int,
    Float,
    String,
    Bool,
    Array,
    Object,
    SecureString,
    SecureObject,
}

impl ParameterType {
    /// Whether the value is hidden everywhere.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::SecureString | Self::SecureObject)
    }
}

/// A trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Name.
    pub name: String,
    /// Mechanism and inputs.
    pub kind: TriggerKind,
    /// All must hold for a run to start.
    pub conditions: Vec<Template>,
    /// One run for each element of this array.
    pub split_on: Option<Template>,
    /// How many runs go on at once; `None` sets no limit.
    pub concurrency: Option<RunConcurrency>,
    /// The id that the run and what it calls are known by to the caller (`correlation.clientTrackingId`).
    pub tracking_id: Option<Template>,
    /// Hides the outputs of the trigger.
    pub secure_outputs: bool,
    /// The trigger as the definition has it, by which a change of it is known.
    pub source: Value,
}

impl Trigger {
    /// The inputs of a request's trigger as its runs see them: those that its definition has.
    pub fn shown_inputs(&self) -> Option<Value> {
        let TriggerKind::Request(_) = self.kind else {
            return None;
        };
        let is_empty = |value: &Value| value.as_object().is_some_and(|members| members.is_empty());
        let inputs = self.source.get("inputs")?.as_object()?.iter();
        let inputs = inputs.filter(|(_, value)| !is_empty(value));
        let shown = Value::object(inputs.map(|(name, value)| (name.clone(), value.clone())));
        (!is_empty(&shown)).then_some(shown)
    }
}

/// The runs of a workflow that go on at once (`runtimeConfiguration.concurrency`, or `SingleInstance`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunConcurrency {
    /// Runs at once.
    pub runs: u32,
    /// Runs that wait for their turn; what comes beyond is refused.
    pub waiting: u32,
}

/// What starts a workflow.
#[derive(Clone, Debug)]
pub enum TriggerKind {
    /// A Microsoft Sentinel incident.
    SentinelIncident,
    /// A Microsoft Sentinel alert.
    SentinelAlert,
    /// A Microsoft Sentinel entity, with its type as the path names it (`Account`, `IP`, …).
    SentinelEntity(String),
    /// An HTTP request.
    Request(RequestTrigger),
    /// A schedule.
    Recurrence(Recurrence),
    /// A schedule whose windows follow each other without a gap.
    SlidingWindow {
        /// The schedule.
        recurrence: Recurrence,
        /// How long after the end of a window its run starts.
        delay: Duration,
    },
    /// A service that is asked on a schedule (`Http` and `ApiConnection`).
    Poll {
        /// The question.
        call: Box<CallAction>,
        /// When it is asked.
        recurrence: Recurrence,
    },
    /// A service that calls back (`HttpWebhook`, and `ApiConnectionWebhook` of other services than Microsoft Sentinel).
    Webhook(Box<WebhookAction>),
    /// Messages that are collected.
    Batch(Vec<BatchConfiguration>),
    /// Another mechanism, by type, that is not served.
    Other(String),
}

/// What a trigger is about, as people tell triggers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TriggerClass {
    Incident,
    Alert,
    Entity,
    Schedule,
    Other,
}

impl TriggerKind {
    /// What the trigger is about.
    pub fn class(&self) -> TriggerClass {
        match self {
            Self::SentinelIncident => TriggerClass::Incident,
            Self::SentinelAlert => TriggerClass::Alert,
            Self::SentinelEntity(_) => TriggerClass::Entity,
            Self::Recurrence(_) | Self::SlidingWindow { .. } => TriggerClass::Schedule,
            Self::Request(_) | Self::Poll { .. } | Self::Webhook(_) | Self::Batch(_) | Self::Other(_) => {
                TriggerClass::Other
            }
        }
    }

    /// Whether the engine itself looks after the trigger: it runs by time, is subscribed at a service, or
    /// collects messages.
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Recurrence(_)
            | Self::SlidingWindow { .. }
            | Self::Poll { .. }
            | Self::Webhook(_)
            | Self::Batch(_) => true,
            Self::SentinelIncident
            | Self::SentinelAlert
            | Self::SentinelEntity(_)
            | Self::Request(_)
            | Self::Other(_) => false,
        }
    }

    /// Its mechanism in words: `an incident`, `a schedule`.
    pub fn describe(&self) -> String {
        match self {
            Self::SentinelIncident => "an incident".to_owned(),
            Self::SentinelAlert => "an alert".to_owned(),
            Self::SentinelEntity(kind) => format!("an entity of type {kind}"),
            Self::Request(_) => "an HTTP request".to_owned(),
            Self::Recurrence(_) => "a schedule".to_owned(),
            Self::SlidingWindow { .. } => "a window of time".to_owned(),
            Self::Poll { .. } => "a service that is asked on a schedule".to_owned(),
            Self::Webhook(_) => "a service that calls back".to_owned(),
            Self::Batch(_) => "a batch of messages".to_owned(),
            Self::Other(kind) => kind.clone(),
        }
    }
}

/// A trigger of type `Request`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTrigger {
    /// JSON schema of the body, if declared.
    pub schema: Option<Value>,
    /// The only HTTP method that is taken, in capitals.
    pub method: Option<String>,
    /// The path below the trigger's URL, with `{parameters}`.
    pub relative_path: Option<String>,
    /// Whether a body that does not fit the schema is refused (`EnableSchemaValidation`).
    pub validates: bool,
    /// Whether the outputs show the `Authorization` header (`IncludeAuthorizationHeadersInOutputs`).
    pub keeps_authorization: bool,
    /// Whether answers leave out the `x-ms-*` headers (`SuppressWorkflowHeadersOnResponse`).
    pub suppresses_headers: bool,
}

/// A schedule, as `recurrence` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Unit of the interval.
    pub frequency: Frequency,
    /// Units from one occurrence to the next.
    pub interval: u32,
    /// The first occurrence, `YYYY-MM-DDThh:mm:ss` in the time zone, if one is given.
    pub start: Option<jiff::civil::DateTime>,
    /// Name of the time zone, by Windows or IANA; `None` is UTC.
    pub time_zone: Option<String>,
    /// Hours of the day, sorted; with Day and Week only.
    pub hours: Vec<i8>,
    /// Minutes of the hour, sorted; with Day and Week only.
    pub minutes: Vec<i8>,
    /// Days of the week; with Week only.
    pub week_days: Vec<jiff::civil::Weekday>,
}

/// Unit of a recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Frequency {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// When a batch is released; the first criterion that is met decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfiguration {
    /// Name of the batch.
    pub name: String,
    /// Messages.
    pub message_count: Option<u32>,
    /// Bytes of the messages.
    pub batch_size: Option<u64>,
    /// A schedule.
    pub recurrence: Option<Recurrence>,
}

/// Actions that run beside and after each other.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The action that holds the block; `None` for the top level.
    pub owner: Option<ActionId>,
    /// Its actions.
    pub actions: Vec<ActionId>,
}

/// An action.
#[derive(Clone, Debug)]
pub struct Action {
    /// Name.
    pub name: Arc<str>,
    /// The block that it stands in.
    pub block: BlockId,
    /// Siblings that it waits for, with the statuses that let it run.
    pub run_after: Vec<(ActionId, Vec<RunAfterStatus>)>,
    /// Siblings that wait for it.
    pub successors: Vec<ActionId>,
    /// What it does.
    pub kind: ActionKind,
    /// Longest time for the whole action, retries included (`limit.timeout`).
    pub timeout: Option<Duration>,
    /// What is recorded instead of running the action, if its static result is enabled.
    pub static_result: Option<Arc<StaticResult>>,
    /// Properties that are recorded when the action ends (`trackedProperties`).
    pub tracked: Option<Template>,
    /// Whether its inputs are hidden: declared so, or they carry something secure.
    pub secure_inputs: bool,
    /// Whether its outputs are hidden.
    pub secure_outputs: bool,
    /// JSON pointer to it in the definition.
    pub pointer: String,
}

/// A status that `runAfter` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RunAfterStatus {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
}

impl RunAfterStatus {
    /// The status of a name, without regard to case.
    pub fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, RunAfterStatus); 4] = [
            ("Succeeded", RunAfterStatus::Succeeded),
            ("Failed", RunAfterStatus::Failed),
            ("Skipped", RunAfterStatus::Skipped),
            ("TimedOut", RunAfterStatus::TimedOut),
        ];
        let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, status)| *status)
    }
}

/// What an action does.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// A call of something outside of the run: a service, a function, another playbook, a script.
    Call(Box<CallAction>),
    /// A call whose result comes later, to a callback URL (`HttpWebhook` and `ApiConnectionWebhook`).
    Webhook(Box<WebhookAction>),
    /// A pause.
    Wait(Delay),
    /// The answer to the HTTP request that started the run.
    Response(Box<ResponseAction>),
    /// A block again and again until a condition holds.
    Until(Box<UntilLoop>),
    /// A block for each element of an array.
    Foreach {
        /// The array.
        items: Template,
        /// The block.
        body: BlockId,
        /// How many elements at once; 1 for `Sequential` and for a Foreach inside a Foreach.
        concurrency: u32,
    },
    /// Declares variables.
    InitializeVariable(Vec<VariableDeclaration>),
    /// Gives a variable a value.
    SetVariable {
        /// The variable.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Appends an element to an array variable.
    AppendToArrayVariable {
        /// The variable.
        name: String,
        /// The element.
        value: Template,
    },
    /// Appends text to a string variable.
    AppendToStringVariable {
        /// The variable.
        name: String,
        /// The text.
        value: Template,
    },
    /// Adds to a number variable.
    IncrementVariable {
        /// The variable.
        name: String,
        /// How much; 1 where absent.
        by: Template,
    },
    /// Subtracts from a number variable.
    DecrementVariable {
        /// The variable.
        name: String,
        /// How much; 1 where absent.
        by: Template,
    },
    /// One of two blocks.
    If {
        /// What decides.
        condition: Condition,
        /// The block where it holds.
        then: BlockId,
        /// The block where it does not.
        otherwise: BlockId,
    },
    /// One of several blocks.
    Switch {
        /// The value.
        on: Template,
        /// The cases.
        cases: Vec<Case>,
        /// The block where no case matches.
        default: BlockId,
    },
    /// A block.
    Scope {
        /// The block.
        body: BlockId,
    },
    /// A value.
    Compose(Template),
    /// The action form of a date function (`Expression` of kind `AddToTime` and so on): the call that it stands for.
    Expression(Template),
    /// Parses JSON text and checks it.
    ParseJson {
        /// The text or value.
        content: Template,
        /// The JSON schema; `None` where absent or empty.
        schema: Option<Value>,
    },
    /// Filters an array.
    Query {
        /// The array.
        from: Template,
        /// What an element must satisfy.
        condition: Condition,
    },
    /// Maps an array.
    Select {
        /// The array.
        from: Template,
        /// What becomes of an element.
        select: Template,
    },
    /// Joins an array to text.
    Join {
        /// The array.
        from: Template,
        /// The separator.
        with: Template,
    },
    /// Makes a table of an array.
    Table {
        /// The array.
        from: Template,
        /// CSV or HTML.
        format: TableFormat,
        /// Header and value of each column; `None` takes the members of the elements.
        columns: Option<Vec<(Template, Template)>>,
    },
    /// Ends the run.
    Terminate {
        /// `Succeeded`, `Failed` or `Cancelled`.
        status: TerminateStatus,
        /// Code of the error.
        code: Option<Template>,
        /// Message of the error.
        message: Option<Template>,
    },
}

/// The result of an action that does not run (`staticResults`).
#[derive(Clone, Debug, PartialEq)]
pub struct StaticResult {
    /// How the action ends.
    pub status: RunAfterStatus,
    /// Its code.
    pub code: Option<String>,
    /// Its outputs.
    pub outputs: Option<Value>,
    /// Code and message of its error.
    pub error: Option<(String, String)>,
}

/// How long a `Wait` waits.
#[derive(Clone, Debug)]
pub enum Delay {
    /// A number of units.
    For {
        /// How many.
        count: Template,
        /// `Second`, `Minute`, `Hour`, `Day`, `Week` or `Month`.
        unit: Template,
    },
    /// Until a time.
    Until(Template),
}

/// An action of type `Response`.
#[derive(Clone, Debug)]
pub struct ResponseAction {
    /// HTTP status.
    pub status: Template,
    /// Object of headers.
    pub headers: Option<Template>,
    /// Body.
    pub body: Option<Template>,
    /// Whether the caller gets `202` at once and asks for the answer later (`Asynchronous`).
    pub asynchronous: bool,
}

/// An action of type `Until`.
#[derive(Clone, Debug)]
pub struct UntilLoop {
    /// The block.
    pub body: BlockId,
    /// What ends the loop, evaluated after each round.
    pub condition: Condition,
    /// The most rounds.
    pub count: Template,
    /// No round begins later than this after the loop began, an ISO 8601 duration.
    pub timeout: Template,
    /// Whether the loop fails when a limit ends it (`FailWhenLimitsReached`).
    pub fails_at_limits: bool,
}

/// A call whose result comes later.
#[derive(Clone, Debug)]
pub struct WebhookAction {
    /// The call that hands over the callback URL.
    pub subscribe: CallAction,
    /// The call that takes it back.
    pub unsubscribe: Option<CallAction>,
}

/// What a call goes to.
#[derive(Clone, Debug)]
pub enum CallTarget {
    /// A URI (`Http`).
    Uri,
    /// An operation of a connection by method and path (`ApiConnection`); the template gives the connection's id or name.
    Connection(Template),
    /// An operation of a connection by its id (`OpenApiConnection`).
    Operation {
        /// Gives the connection's id or name.
        connection: Template,
        /// Id of the operation.
        operation: Template,
        /// Object of the operation's parameters.
        parameters: Option<Template>,
    },
    /// Another playbook (`Workflow`).
    Playbook {
        /// Gives its ARM id, or its name.
        workflow: Template,
    },
    /// A function of a function app (`Function`); the template gives its ARM id.
    Function(Template),
    /// A playbook that collects messages (`SendToBatch`).
    Batch {
        /// Gives its ARM id, or its name.
        workflow: Template,
        /// Name of the batch.
        batch: Template,
        /// Partition; `DEFAULT` where absent.
        partition: Option<Template>,
        /// Identity of the message; a new one where absent.
        message_id: Option<Template>,
    },
    /// JavaScript (`JavaScriptCode`).
    Script(Script),
}

/// A script and what it may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its text.
    pub code: String,
    /// Actions whose inputs and outputs it reads.
    pub actions: Vec<String>,
    /// Whether it reads the trigger.
    pub trigger: bool,
}

/// A call.
#[derive(Clone, Debug)]
pub struct CallAction {
    /// What it goes to.
    pub target: CallTarget,
    /// HTTP method.
    pub method: Template,
    /// Path of the operation, or whole URI.
    pub path: Template,
    /// Object of query parameters.
    pub queries: Option<Template>,
    /// Object of headers.
    pub headers: Option<Template>,
    /// Cookies: the value of the `Cookie` header, which `headers` cannot set.
    pub cookie: Option<Template>,
    /// Body.
    pub body: Option<Template>,
    /// Authentication object.
    pub authentication: Option<Template>,
    /// What happens after a failure of the service.
    pub retry: RetryPolicy,
    /// Whether `202` with `Location` is the result rather than a promise (`DisableAsyncPattern`).
    pub disable_async_pattern: bool,
    /// Whether the call carries no `x-ms-workflow-*` headers (`SuppressWorkflowHeaders`).
    pub suppress_workflow_headers: bool,
    /// Next pages are fetched until there are this many items (`paginationPolicy.minimumItemCount`).
    pub minimum_items: Option<u32>,
    /// Whether the body goes out in parts (`contentTransfer.transferMode: Chunked` of an Http action).
    pub chunked: bool,
    /// Whether the author declares that the call may be repeated when its outcome was lost
    /// (`metadata: {"riposte.dev/safe-to-repeat": true}`).
    pub safe_to_repeat: bool,
}

/// What happens after a failure of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum RetryPolicy {
    /// No retry.
    None,
    /// The same delay each time.
    Fixed {
        /// Retries after the first attempt.
        count: u32,
        /// Delay.
        interval: Duration,
    },
    /// Growing random delays.
    Exponential {
        /// Retries after the first attempt.
        count: u32,
        /// Scale.
        interval: Duration,
        /// Shortest delay.
        minimum: Duration,
        /// Longest delay.
        maximum: Duration,
    },
}

/// A variable that is declared.
#[derive(Clone, Debug)]
pub struct VariableDeclaration {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: VariableType,
    /// First value; `None` takes the type's empty value.
    pub value: Option<Template>,
}

/// Type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum VariableType {
    String,
    Integer,
    Float,
    Boolean,
    Array,
    Object,
}

/// A case of a Switch.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name.
    pub name: String,
    /// The value that it is for.
    pub value: Value,
    /// The block.
    pub body: BlockId,
}

/// CSV or HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TableFormat {
    Csv,
    Html,
}

/// How `Terminate` ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TerminateStatus {
    Succeeded,
    Failed,
    Cancelled,
}

/// What decides in If and Query. The object form (`{"and": [{"equals": [a, b]}]}`) becomes the expression that it
/// stands for: each object a call of the function that it names, a string with `@{…}` in it a call of `concat`.
pub type Condition = Template;

impl Workflow {
    /// The action at an index.
    pub fn action(&self, id: ActionId) -> &Action {
        &self.actions[id.0 as usize]
    }

    /// The block at an index.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    /// The action of a name, without regard to case.
    pub fn find(&self, name: &str) -> Option<ActionId> {
        self.names.get(&name.to_lowercase()).copied()
    }
}
