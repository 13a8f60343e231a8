//! Reads `operationOptions`, `runtimeConfiguration` and `limit`: what changes how an action runs.
//! What would change a result and is not served is an error; what changes none is accepted.

use std::time::Duration;

use super::draft::{DeclaredSecrecy, Draft};
use super::duration;
use super::node::Node;

/// What becomes of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    /// It is served.
    Served,
    /// It changes no result that a playbook can see, or belongs to an action that is not served at all.
    Harmless,
    /// The playbook says the same in another place.
    Elsewhere,
    /// It changes results and is not served.
    Unserved,
}

/// Every operation option of Logic Apps.
const OPTIONS: [(&str, Service); 10] = [
    ("Sequential", Service::Served),
    ("DisableAsyncPattern", Service::Served),
    ("SuppressWorkflowHeaders", Service::Harmless),
    ("SuppressWorkflowHeadersOnResponse", Service::Harmless),
    ("FailWhenLimitsReached", Service::Harmless),
    ("Asynchronous", Service::Harmless),
    ("SingleInstance", Service::Elsewhere),
    ("DisableAutomaticDecompression", Service::Unserved),
    ("EnableSchemaValidation", Service::Unserved),
    ("IncludeAuthorizationHeadersInOutputs", Service::Unserved),
];

/// The options of one action or trigger.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// A Foreach handles one element at a time.
    pub(super) sequential: bool,
    /// `202` is a result.
    pub(super) disable_async_pattern: bool,
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
            Some(("Sequential", _)) => options.sequential = true,
            Some(("DisableAsyncPattern", _)) => options.disable_async_pattern = true,
            Some((name, Service::Unserved)) => {
                let message = format!("the operation option '{name}' is not served yet; remove it");
                draft.report.error("UnsupportedOption", &node.pointer, message);
            }
            Some((name, Service::Elsewhere)) => {
                let message = format!("'{name}' has no effect; set the concurrency of runs on the playbook");
                draft.report.warning("IgnoredOption", &node.pointer, message);
            }
            Some((_, Service::Served | Service::Harmless)) => {}
            None => {
                let hint = draft.hint(name, OPTIONS.map(|(known, _)| known));
                let message = format!("the operation option '{name}' is unknown and has no effect{hint}");
                draft.report.warning("UnknownOption", &node.pointer, message);
            }
        }
    }
}

fn runtime_configuration(draft: &mut Draft, configuration: &Node, options: &mut Options) {
    for (name, node) in configuration.members() {
        match name.to_lowercase().as_str() {
            _ if node.value.is_null() => {}
            "concurrency" => options.repetitions = repetitions(draft, &node),
            "securedata" => options.secrecy = secure_data(draft, &node),
            "staticresult" => static_result(draft, &node),
            "contenttransfer" => {
                let message = "chunked transfer is not served; the content is sent and received whole";
                draft.report.warning("IgnoredOption", &node.pointer, message);
            }
            "paginationpolicy" => {
                let message = "pagination is not served yet; follow the next links in the playbook";
                draft.report.error("UnsupportedOption", &node.pointer, message);
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
    if let Some(runs) = concurrency.member("runs") {
        let message = "the concurrency of runs is set on the playbook, not in its definition; this has no effect";
        draft.report.warning("IgnoredOption", &runs.pointer, message);
    }
    let node = concurrency.member("repetitions")?;
    let most = draft.limits.repetitions;
    let count = node.value.as_int().and_then(|count| u32::try_from(count).ok());
    let count = count.filter(|count| (1..=most).contains(count));
    if count.is_none() {
        let message = format!("the repetitions must be an integer from 1 to {most}");
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

fn static_result(draft: &mut Draft, node: &Node) {
    let options = node.member("staticResultOptions");
    let enabled = options.and_then(|options| options.value.as_str());
    if enabled.is_some_and(|text| text.eq_ignore_ascii_case("Enabled")) {
        let message = "static results in a definition are not served; disable them, and give mocks to a test run";
        draft.report.error("UnsupportedOption", &node.pointer, message);
    }
}

fn timeout(draft: &mut Draft, node: &Node) -> Option<Duration> {
    let timeout = node.member("limit")?.member("timeout")?;
    let duration = timeout.value.as_str().and_then(duration::parse);
    if duration.is_none() {
        let message = "the time-out must be an ISO 8601 duration, such as 'PT20S'";
        draft.report.error("InvalidDuration", &timeout.pointer, message);
    }
    duration
}
