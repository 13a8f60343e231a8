//! Reads `operationOptions`, `runtimeConfiguration` and `limit`: what changes how an action runs.
//! What would change a result and is not served is an error; what changes none is accepted.

use std::sync::Arc;
use std::time::Duration;

use super::draft::{DeclaredSecrecy, Draft};
use super::duration;
use super::limits::Limit;
use super::node::Node;
use super::workflow::{RunAfterStatus, RunConcurrency, StaticResult};
use crate::expression::Value;

/// What an operation option does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// A Foreach handles one element at a time.
    Sequential,
    /// `202` is a result.
    DisableAsyncPattern,
    /// No `x-ms-workflow-*` headers.
    SuppressWorkflowHeaders,
    /// Answers to callers carry no `x-ms-*` headers.
    SuppressWorkflowHeadersOnResponse,
    /// An Until fails at its limits.
    FailWhenLimitsReached,
    /// A Response is fetched later.
    Asynchronous,
    /// One run at a time.
    SingleInstance,
    /// A body must fit the schema.
    EnableSchemaValidation,
    /// The trigger shows the `Authorization` header.
    IncludeAuthorizationHeadersInOutputs,
    /// It changes results and is not served.
    Unserved,
}

/// Every operation option of Logic Apps.
const OPTIONS: [(&str, Effect); 10] = [
    ("Sequential", Effect::Sequential),
    ("DisableAsyncPattern", Effect::DisableAsyncPattern),
    ("SuppressWorkflowHeaders", Effect::SuppressWorkflowHeaders),
    (
        "SuppressWorkflowHeadersOnResponse",
        Effect::SuppressWorkflowHeadersOnResponse,
    ),
    ("FailWhenLimitsReached", Effect::FailWhenLimitsReached),
    ("Asynchronous", Effect::Asynchronous),
    ("SingleInstance", Effect::SingleInstance),
    ("DisableAutomaticDecompression", Effect::Unserved),
    ("EnableSchemaValidation", Effect::EnableSchemaValidation),
    (
        "IncludeAuthorizationHeadersInOutputs",
        Effect::IncludeAuthorizationHeadersInOutputs,
    ),
];

/// Runs at once where a trigger limits them and does not say to how many.
const RUNS: u32 = 25;
/// Runs that may wait beside those that go on, where nothing is said.
const WAITING: u32 = 10;

/// The options of one action or trigger.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// A Foreach handles one element at a time.
    pub(super) sequential: bool,
    /// `202` is a result.
    pub(super) disable_async_pattern: bool,
    /// Calls carry no `x-ms-workflow-*` headers.
    pub(super) suppress_workflow_headers: bool,
    /// Answers to callers carry no `x-ms-*` headers.
    pub(super) suppress_response_headers: bool,
    /// An Until fails at its limits.
    pub(super) fails_at_limits: bool,
    /// A Response is fetched later.
    pub(super) asynchronous: bool,
    /// One run at a time.
    pub(super) single_instance: bool,
    /// A body must fit the schema.
    pub(super) validates: bool,
    /// The trigger shows the `Authorization` header.
    pub(super) keeps_authorization: bool,
    /// `concurrency` of a trigger.
    pub(super) concurrency: Option<RunConcurrency>,
    /// `paginationPolicy.minimumItemCount`.
    pub(super) minimum_items: Option<u32>,
    /// `contentTransfer.transferMode` is `Chunked`.
    pub(super) chunked: bool,
    /// `concurrency.repetitions`.
    pub(super) repetitions: Option<u32>,
    /// What is hidden.
    pub(super) secrecy: DeclaredSecrecy,
    /// `limit.timeout`.
    pub(super) timeout: Option<Duration>,
}

/// Reads the options of an action or trigger.
pub(super) fn parse(draft: &mut Draft, node: &Node) -> Options {
    let mut options = Options::default();
    operation_options(draft, node, &mut options);
    if let Some(configuration) = node.member("runtimeConfiguration")
        && draft.is_object(&configuration)
    {
        runtime_configuration(draft, &configuration, &mut options);
    }
    options.timeout = timeout(draft, node);
    options
}

fn operation_options(draft: &mut Draft, node: &Node, options: &mut Options) {
    let Some(node) = node.member("operationOptions") else {
        return;
    };
    let Some(text) = draft.text(&node) else {
        return;
    };
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let known = OPTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match known {
            Some((_, effect)) => apply(draft, &node, *effect, name, options),
            None => {
                let hint = draft.hint(name, OPTIONS.map(|(known, _)| known));
                let message = format!("the operation option '{name}' is unknown and has no effect{hint}");
                draft.report.warning("UnknownOption", &node.pointer, message);
            }
        }
    }
}

fn apply(draft: &mut Draft, node: &Node, effect: Effect, name: &str, options: &mut Options) {
    match effect {
        Effect::Sequential => options.sequential = true,
        Effect::DisableAsyncPattern => options.disable_async_pattern = true,
        Effect::SuppressWorkflowHeaders => options.suppress_workflow_headers = true,
        Effect::SuppressWorkflowHeadersOnResponse => options.suppress_response_headers = true,
        Effect::FailWhenLimitsReached => options.fails_at_limits = true,
        Effect::Asynchronous => options.asynchronous = true,
        Effect::SingleInstance => options.single_instance = true,
        Effect::EnableSchemaValidation => options.validates = true,
        Effect::IncludeAuthorizationHeadersInOutputs => options.keeps_authorization = true,
        Effect::Unserved => {
            let message = format!("the operation option '{name}' is not served; remove it");
            draft.report.error("UnsupportedOption", &node.pointer, message);
        }
    }
}

fn runtime_configuration(draft: &mut Draft, configuration: &Node, options: &mut Options) {
    for (name, node) in configuration.members() {
        match name.to_lowercase().as_str() {
            _ if node.value.is_null() => {}
            "concurrency" => {
                options.repetitions = repetitions(draft, &node);
                options.concurrency = run_concurrency(draft, &node);
            }
            "securedata" => options.secrecy = secure_data(draft, &node),
            // Read with the definition's results, and by the trigger not at all.
            "staticresult" => {}
            "contenttransfer" => {
                let mode = node.member("transferMode").and_then(|mode| mode.value.as_str());
                options.chunked = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("Chunked"));
                if !options.chunked {
                    let message = "the only transfer mode is 'Chunked'; this has no effect";
                    draft.report.warning("UnknownOption", &node.pointer, message);
                }
            }
            "paginationpolicy" => {
                let most = draft.limits.of(Limit::PageItems);
                options.minimum_items = number(draft, &node, "minimumItemCount", most);
            }
            "requestoptions" => {
                let message = "the request options are not served; the usual time-outs hold";
                draft.report.warning("IgnoredOption", &node.pointer, message);
            }
            _ => {
                let message = format!("the runtime configuration '{name}' is unknown and has no effect");
                draft.report.warning("UnknownOption", &node.pointer, message);
            }
        }
    }
}

fn repetitions(draft: &mut Draft, concurrency: &Node) -> Option<u32> {
    let most = draft.limits.of(Limit::ForeachConcurrency);
    number(draft, concurrency, "repetitions", most)
}

fn run_concurrency(draft: &mut Draft, concurrency: &Node) -> Option<RunConcurrency> {
    let (runs, waiting) = (concurrency.member("runs"), concurrency.member("maximumWaitingRuns"));
    if runs.is_none() && waiting.is_none() {
        return None;
    }
    let most = draft.limits.of(Limit::Runs);
    let runs = number(draft, concurrency, "runs", most).unwrap_or(RUNS);
    let most = draft.limits.of(Limit::WaitingRuns);
    let waiting = number(draft, concurrency, "maximumWaitingRuns", most);
    Some(RunConcurrency {
        runs,
        waiting: waiting.unwrap_or(WAITING + runs),
    })
}

/// An integer from 1 to `most`, if there is one; another value is reported.
fn number(draft: &mut Draft, parent: &Node, name: &str, most: u32) -> Option<u32> {
    let node = parent.member(name)?;
    let count = node.value.as_int().and_then(|count| u32::try_from(count).ok());
    let count = count.filter(|count| (1..=most).contains(count));
    if count.is_none() {
        let message = format!("'{name}' must be an integer from 1 to {most}");
        draft.report.error("InvalidValue", &node.pointer, message);
    }
    count
}

fn secure_data(draft: &mut Draft, node: &Node) -> DeclaredSecrecy {
    let mut declared = DeclaredSecrecy::default();
    let Some(properties) = draft.required(node, "properties") else {
        return declared;
    };
    draft.is_array(&properties);
    for property in properties.items() {
        match property.value.as_str().map(str::to_lowercase).as_deref() {
            Some("inputs") => declared.inputs = true,
            Some("outputs") => declared.outputs = true,
            _ => {
                let message = "only 'inputs' and 'outputs' can be secure";
                draft.report.error("InvalidValue", &property.pointer, message);
            }
        }
    }
    declared
}

/// The static result of an action, if it is enabled.
pub(super) fn static_result(draft: &mut Draft, node: &Node) -> Option<Arc<StaticResult>> {
    let choice = node.member("runtimeConfiguration")?.member("staticResult")?;
    let enabled = choice.member("staticResultOptions");
    if !enabled?.value.as_str()?.eq_ignore_ascii_case("Enabled") {
        return None;
    }
    let name = draft.required(&choice, "name")?;
    let text = draft.text(&name)?;
    let results = draft.static_results.clone().unwrap_or_default();
    let Some(result) = results.get(text) else {
        let message = format!("the workflow has no static result '{text}'; add it to 'staticResults'");
        draft.report.error("UnknownStaticResult", &name.pointer, message);
        return None;
    };
    let status = result.get("status").and_then(Value::as_str).unwrap_or("Succeeded");
    let Some(status) = RunAfterStatus::named(status) else {
        let message =
            format!("the status of the static result '{text}' is one of Succeeded, Failed, Skipped, TimedOut");
        draft.report.error("InvalidValue", &name.pointer, message);
        return None;
    };
    Some(Arc::new(StaticResult {
        status,
        code: result.get("code").map(Value::to_text),
        outputs: result.get("outputs").cloned(),
        error: static_error(result),
    }))
}

/// The error of a failed result: `error`, or the first of `outputs.errors`, as an older schema has it.
fn static_error(result: &Value) -> Option<(String, String)> {
    let older = || result.at(&["outputs", "errors"])?.as_array()?.first();
    let error = result.get("error").or_else(older)?;
    let text = |name: &str| error.get(name).map(Value::to_text).unwrap_or_default();
    Some((text("code"), text("message")))
}

/// The time-out of an action; that of an Until cuts nothing, it is a limit of the loop.
fn timeout(draft: &mut Draft, node: &Node) -> Option<Duration> {
    let kind = node.member("type").and_then(|kind| kind.value.as_str());
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Until")) {
        return None;
    }
    let timeout = node.member("limit")?.member("timeout")?;
    let duration = timeout.value.as_str().and_then(duration::parse);
    if duration.is_none() {
        let message = "the time-out must be an ISO 8601 duration, such as 'PT20S'";
        draft.report.error("InvalidDuration", &timeout.pointer, message);
    }
    duration
}
