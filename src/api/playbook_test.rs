//! `PlaybookTest`: a playbook, what starts it, what services answer, and what must come of it. A kind of files only,
//! read by `riposte test`; no cluster has it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::CompiledSchema;

/// The name of the kind.
pub const KIND: &str = "PlaybookTest";

pub(super) static SCHEMA: LazyLock<CompiledSchema> = LazyLock::new(|| {
    let json = schema_for!(PlaybookTestSpec).to_value();
    let validator = jsonschema::validator_for(&json).expect("a schema that is derived from a type compiles");
    CompiledSchema { json, validator }
});

/// The JSON schema of the `spec`, with its own `$defs`.
pub fn schema() -> Value {
    SCHEMA.json.clone()
}

/// One rehearsal of a playbook, and what must come of it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookTestSpec {
    /// The playbook: a file (`../playbook.yaml`, `azuredeploy.json`, with `#NAME` one of several in it) relative to the
    /// test, or the name of a playbook in the paths that are tested.
    #[schemars(length(min = 1, max = 1024))]
    pub playbook: String,
    /// The time at which the run starts, RFC 3339; 2026-01-01T08:00:00Z where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// What starts the run; where absent, something that fits the trigger is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TestTrigger>,
    /// Values of parameters, whatever the playbook gives them. One that has no value at all gets a placeholder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// What `appsetting` gives, whatever the playbook's `appSettings` say. One that has no value gets a placeholder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub app_settings: BTreeMap<String, Value>,
    /// Answers by action (`Get_report`) or by operation (`GET https://example.com/*`, `virustotal GET /ip/{address}`):
    /// `{statusCode, headers, body, delay}` or `{error: {code, message, retryable}}`, or a list of them that are given one
    /// after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mocks: Option<Value>,
    /// A file with such answers, relative to the test; those of `mocks` come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mocks_file: Option<String>,
    /// What answers a call without a mock.
    #[serde(default)]
    pub unmocked: WithoutMock,
    /// What must come of it.
    #[serde(default)]
    pub expect: Expectation,
}

/// What starts the run: one of these.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum TestTrigger {
    /// An incident, in Riposte's own form or as Microsoft Sentinel's trigger has it; text is the name of a file.
    Incident(Value),
    /// An alert, in any format of the intake; text is the name of a file.
    Alert(Value),
    /// An entity, `{kind: Ip, properties: {address: …}}`; text is the name of a file.
    Entity(Value),
    /// The body of the trigger, as it is.
    Body(Value),
    /// A file with the body of the trigger.
    BodyFile(String),
}

/// What answers a call for which there is no mock.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum WithoutMock {
    /// An example of what the playbook expects; Riposte's own incidents answer for Microsoft Sentinel.
    #[default]
    Example,
    /// Nothing: the action fails with code `NotMocked`.
    Fail,
}

/// What must come of a run; with `splitOn`, of each of the runs. Of values the named members must match; a value can also be `{$contains: TEXT}` or
/// `{$exists: true}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// How the run ends; `Succeeded` where absent, unless the playbook must not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ExpectedStatus>,
    /// Code of the error of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// A part of the message of the error of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The playbook does not start, with this code, such as `TriggerConditionFalse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The playbook's trigger splits its body (`splitOn`): what must come of each of the runs, in order, of which there must
    /// be as many. Then nothing stands beside this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Expectation>,
    /// What becomes of actions, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, ExpectedAction>,
    /// Calls that are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ExpectedCall>,
    /// Actions or operations that are called in this order, whatever is called between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call_order: Vec<String>,
    /// Actions or operations that are not called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_called: Vec<String>,
    /// The comments that the run writes on incidents, in order: each must hold this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<Vec<String>>,
    /// Titles of the tasks that the run adds to incidents, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<String>>,
    /// The properties of the incident at the end, as Microsoft Sentinel names them (`severity`, `status`, `labels`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Value>,
    /// Values of variables at the end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// The outputs of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
}

/// How a run or an action ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)]
pub enum ExpectedStatus {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
    Cancelled,
}

impl ExpectedStatus {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// What must become of an action; of an action of a loop, of its last repetition.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedAction {
    /// How it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ExpectedStatus>,
    /// Its code, such as `NotFound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A part of the message of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// How often it ran in its loops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<u32>,
}

/// A call that is made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedCall {
    /// The action or the operation, named as mocks name them.
    pub call: String,
    /// How often; at least once where absent. Each attempt counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What one of these calls sends: `method`, `path`, `queries`, `headers`, `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
}
