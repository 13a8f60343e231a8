//! The trigger types.

use super::{Member, Type, named, optional, required};

const RECURRENCE: Member = required(
    "recurrence",
    "`frequency` (Second to Month), `interval`, and perhaps `startTime`, `timeZone`, `schedule` with `hours`, `minutes`, \
     `weekDays`",
);

/// Every trigger type that is served, sorted.
pub const TRIGGERS: &[Type] = &[
    named(
        "ApiConnection",
        "Asks an operation of an API connection on a schedule; an answer of 200 starts a run.",
        "`statusCode`, `headers` and `body` of the answer",
        r#"{"type": "ApiConnection", "recurrence": {"frequency": "Minute", "interval": 5}, "inputs": {"host": {"connection": {"name": "@parameters('$connections')['office365']['connectionId']"}}, "method": "get", "path": "/Mail/OnNewEmail"}}"#,
    )
    .members(&[RECURRENCE])
    .inputs(&[
        required("host", "the connection, as in the action"),
        required("method", "the HTTP method"),
        required("path", "the path of the operation"),
        optional("queries", "an object of query parameters"),
    ]),
    named(
        "ApiConnectionWebhook",
        "An incident (`/incident-creation`), an alert (`/subscribe`) or an entity (`/entity/TYPE`) of Microsoft Sentinel; \
         or another service that calls back.",
        "`body`: the incident, alert or entity",
        r#"{"type": "ApiConnectionWebhook", "inputs": {"host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}}, "body": {"callback_url": "@{listCallbackUrl()}"}, "path": "/incident-creation"}}"#,
    )
    .inputs(&[
        optional("host", "the connection, as in the action"),
        required("path", "what is subscribed to"),
        optional("body", "what the service gets, with `listCallbackUrl()`"),
    ]),
    named(
        "Batch",
        "Collects messages until a criterion is met.",
        "`body` with `batchName`, `partitionName` and `items`",
        r#"{"type": "Batch", "inputs": {"mode": "Inline", "configurations": {"alerts": {"releaseCriteria": {"messageCount": 10}}}}}"#,
    )
    .inputs(&[
        required(
            "configurations",
            "`{name: {\"releaseCriteria\": {messageCount, batchSize, recurrence}}}`",
        ),
        optional("mode", "Inline"),
    ]),
    named(
        "Http",
        "Asks a URI on a schedule; an answer of 200 starts a run.",
        "`statusCode`, `headers` and `body` of the answer",
        r#"{"type": "Http", "recurrence": {"frequency": "Hour", "interval": 1}, "inputs": {"method": "GET", "uri": "https://example.test/news"}}"#,
    )
    .members(&[RECURRENCE])
    .inputs(&[
        required("method", "the HTTP method"),
        required("uri", "the URI"),
        optional("headers", "an object of headers"),
        optional("queries", "an object of query parameters"),
        optional("body", "the body"),
        optional("authentication", "the authentication object"),
    ]),
    named(
        "HttpWebhook",
        "Hands `listCallbackUrl()` to a service while the playbook is active; each call of it starts a run.",
        "`headers` and `body` of the call",
        r#"{"type": "HttpWebhook", "inputs": {"subscribe": {"method": "POST", "uri": "https://example.test/subscriptions", "body": {"url": "@{listCallbackUrl()}"}}, "unsubscribe": {}}}"#,
    )
    .inputs(&[
        required("subscribe", "the call that hands over the URL"),
        optional("unsubscribe", "the call that takes it back"),
    ]),
    named(
        "Manual",
        "The older name of Request.",
        "as Request",
        r#"{"type": "Manual"}"#,
    )
    .inputs(&[optional("schema", "the JSON schema of the body")]),
    named(
        "Recurrence",
        "A schedule.",
        "none",
        r#"{"type": "Recurrence", "recurrence": {"frequency": "Week", "interval": 1, "timeZone": "W. Europe Standard Time", "schedule": {"weekDays": ["Monday"], "hours": [8], "minutes": [0]}}}"#,
    )
    .members(&[RECURRENCE]),
    named(
        "Request",
        "An HTTP request to the playbook's URL.",
        "`headers`, `queries`, `relativePathParameters` and `body` of the request",
        r#"{"type": "Request", "kind": "Http", "inputs": {"schema": {"type": "object", "properties": {"ip": {"type": "string"}}}}}"#,
    )
    .inputs(&[
        optional("schema", "the JSON schema of the body; with EnableSchemaValidation other bodies are refused"),
        optional("method", "the only HTTP method that is taken"),
        optional("relativePath", "the path below the URL, with `{parameters}`"),
    ]),
    named(
        "SlidingWindow",
        "A schedule whose windows follow each other without a gap; missed ones are made up for.",
        "`windowStartTime` and `windowEndTime`",
        r#"{"type": "SlidingWindow", "recurrence": {"frequency": "Hour", "interval": 1}, "inputs": {"delay": "PT15S"}}"#,
    )
    .members(&[RECURRENCE])
    .inputs(&[optional("delay", "how long after its end a window is handled")]),
];
