//! The typed tree of a workflow. Actions and blocks lie in tables and refer to each other by index,
//! so the engine can keep its state in small keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

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
    /// Hides the outputs of the trigger.
    pub secure_outputs: bool,
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
    Request {
        /// JSON schema of the body, if declared.
        schema: Option<Value>,
    },
    /// A schedule; kept as written until schedules are served.
    Recurrence(Value),
    /// Another mechanism, by type and path, that is not served yet.
    Other(String),
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

/// What an action does.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// An operation of a connection.
    ApiConnection(Box<CallAction>),
    /// An HTTP call.
    Http(Box<CallAction>),
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

/// A call to a service.
#[derive(Clone, Debug)]
pub struct CallAction {
    /// For `ApiConnection`: evaluates to the connection id, or to the connection's name.
    pub connection: Option<Template>,
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
