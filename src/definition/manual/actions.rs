//! The action types.

use super::{Member, Type, named, optional, required};

const HOST: Member = required(
    "host",
    "`{\"connection\": {\"name\": \"@parameters('$connections')['x']['connectionId']\"}}`",
);
const WORKFLOW: Member = required(
    "host",
    "`{\"workflow\": {\"id\": …}}`: the ARM id of the playbook, or its name",
);
const METHOD: Member = required("method", "GET, PUT, POST, PATCH, DELETE, HEAD or OPTIONS");
const QUERIES: Member = optional("queries", "an object of query parameters");
const HEADERS: Member = optional("headers", "an object of headers");
const BODY: Member = optional("body", "the body: JSON, a text, or content with `$content-type`");
const RETRY: Member = optional(
    "retryPolicy",
    "`type` none, fixed or exponential, with `count`, `interval`, `minimumInterval`, `maximumInterval`",
);
const AUTHENTICATION: Member = optional(
    "authentication",
    "the authentication object; its secrets from secure parameters",
);
const FROM: Member = required("from", "the array");
const NAME: Member = required("name", "the variable");
const ANSWER: &str = "`statusCode`, `headers` and `body` of the answer";
const ITEMS: &str = "`body`, the array";
const VARIABLE: &str = "`body` with `name` and `value`";
const BLOCK: &str = "none; `result('Name')` gives what its actions did";
const ACTIONS_MEMBER: Member = optional("actions", "the actions inside");

/// Every action type that is served, sorted.
pub const ACTIONS: &[Type] = &[
    named(
        "ApiConnection",
        "Calls an operation of an API connection by method and path.",
        ANSWER,
        r#"{"type": "ApiConnection", "inputs": {"host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}}, "method": "post", "path": "/Incidents/Comment", "body": {"incidentArmId": "@triggerBody()?['object']?['id']", "message": "seen"}}}"#,
    )
    .inputs(&[
        HOST,
        METHOD,
        required("path", "the path of the operation"),
        QUERIES,
        HEADERS,
        BODY,
        AUTHENTICATION,
        RETRY,
    ]),
    named(
        "ApiConnectionWebhook",
        "Calls an operation that gets `listCallbackUrl()`, and waits until that URL is called.",
        "`headers` and `body` of the call of the URL",
        r#"{"type": "ApiConnectionWebhook", "limit": {"timeout": "PT1H"}, "inputs": {"host": {"connection": {"name": "@parameters('$connections')['office365']['connectionId']"}}, "path": "/approvalmail/$subscriptions", "body": {"NotificationUrl": "@{listCallbackUrl()}", "Message": {"To": "soc@example.test", "Options": "Approve, Reject"}}}}"#,
    )
    .inputs(&[
        HOST,
        required("path", "the path of the operation"),
        optional("method", "POST where absent"),
        QUERIES,
        HEADERS,
        BODY,
        RETRY,
    ]),
    named(
        "AppendToArrayVariable",
        "Adds an element at the end of an array variable.",
        VARIABLE,
        r#"{"type": "AppendToArrayVariable", "inputs": {"name": "list", "value": 1}}"#,
    )
    .inputs(&[NAME, required("value", "the element")]),
    named(
        "AppendToStringVariable",
        "Adds text at the end of a string variable.",
        VARIABLE,
        r#"{"type": "AppendToStringVariable", "inputs": {"name": "text", "value": "more"}}"#,
    )
    .inputs(&[NAME, required("value", "the text")]),
    named(
        "Compose",
        "Makes a value of constants and expressions.",
        "the value itself",
        r#"{"type": "Compose", "inputs": {"sum": "@add(1, 2)"}}"#,
    )
    .any_inputs(),
    named(
        "DecrementVariable",
        "Subtracts from a number variable.",
        VARIABLE,
        r#"{"type": "DecrementVariable", "inputs": {"name": "count", "value": 1}}"#,
    )
    .inputs(&[NAME, optional("value", "how much; 1 where absent")]),
    named(
        "Expression",
        "A date function as an action; `kind` is AddToTime, SubtractFromTime, GetFutureTime, GetPastTime, CurrentTime or \
         ConvertTimeZone.",
        "`body`, the time",
        r#"{"type": "Expression", "kind": "AddToTime", "inputs": {"baseTime": "@utcNow()", "interval": 1, "timeUnit": "Day"}}"#,
    )
    .inputs(&[
        optional("baseTime", "the time to begin with"),
        optional("interval", "how many units"),
        optional("timeUnit", "Second, Minute, Hour, Day, Week, Month or Year"),
        optional("sourceTimeZone", "the zone of `baseTime`"),
        optional("destinationTimeZone", "the zone of the result"),
        optional("formatString", "a .NET format"),
    ]),
    named(
        "Foreach",
        "Runs a block for each element of an array, 20 at a time; `items('Name')` is the element.",
        BLOCK,
        r#"{"type": "Foreach", "foreach": "@createArray(1, 2)", "actions": {"Inner": {"type": "Compose", "inputs": "@item()"}}}"#,
    )
    .members(&[required("foreach", "the array"), required("actions", "the actions inside")]),
    named(
        "Function",
        "Calls a function of a function app, through the API connection that the playbook binds to the app's name.",
        ANSWER,
        r#"{"type": "Function", "inputs": {"function": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app/functions/score"}, "body": {"ip": "192.0.2.1"}}}"#,
    )
    .inputs(&[
        required("function", "`{\"id\": …}`: the ARM id of the function"),
        optional("method", "POST where absent"),
        QUERIES,
        HEADERS,
        BODY,
        AUTHENTICATION,
        RETRY,
    ]),
    named(
        "Http",
        "Calls a URI.",
        ANSWER,
        r#"{"type": "Http", "inputs": {"method": "GET", "uri": "https://example.test/state", "retryPolicy": {"type": "none"}}}"#,
    )
    .inputs(&[
        METHOD,
        required("uri", "the URI"),
        QUERIES,
        HEADERS,
        optional("cookie", "the value of the Cookie header"),
        BODY,
        AUTHENTICATION,
        RETRY,
    ]),
    named(
        "HttpWebhook",
        "Hands `listCallbackUrl()` to a service, and waits until that URL is called; then unsubscribes.",
        "`headers` and `body` of the call of the URL",
        r#"{"type": "HttpWebhook", "limit": {"timeout": "PT1H"}, "inputs": {"subscribe": {"method": "POST", "uri": "https://example.test/subscriptions", "body": {"url": "@{listCallbackUrl()}"}}, "unsubscribe": {"method": "DELETE", "uri": "https://example.test/subscriptions"}}}"#,
    )
    .inputs(&[
        required("subscribe", "the call with `method`, `uri`, `headers`, `body`, `authentication`, `retryPolicy`"),
        optional("unsubscribe", "the call that takes the subscription back, in the same form"),
    ]),
    named(
        "If",
        "Runs one of two blocks.",
        BLOCK,
        r#"{"type": "If", "expression": {"and": [{"greater": [2, 1]}]}, "actions": {"Yes": {"type": "Compose", "inputs": 1}}, "else": {"actions": {"No": {"type": "Compose", "inputs": 0}}}}"#,
    )
    .members(&[
        required("expression", "the condition: an expression, or an object such as `{\"equals\": [a, b]}`"),
        ACTIONS_MEMBER,
        optional("else", "`{\"actions\": …}`: the block where the condition does not hold"),
    ]),
    named(
        "IncrementVariable",
        "Adds to a number variable.",
        VARIABLE,
        r#"{"type": "IncrementVariable", "inputs": {"name": "count", "value": 1}}"#,
    )
    .inputs(&[NAME, optional("value", "how much; 1 where absent")]),
    named(
        "InitializeVariable",
        "Declares variables, at the top level of the workflow.",
        "none",
        r#"{"type": "InitializeVariable", "inputs": {"variables": [{"name": "fresh", "type": "String", "value": "a"}]}}"#,
    )
    .inputs(&[required(
        "variables",
        "a list of `{name, type, value?}`; the types are String, Integer, Float, Boolean, Array, Object",
    )]),
    named(
        "JavaScriptCode",
        "Runs JavaScript, the body of a function, with `workflowContext`; 5 seconds, no network and no files.",
        "`body`, what the script returns",
        r#"{"type": "JavaScriptCode", "inputs": {"code": "return 1 + 1;"}}"#,
    )
    .inputs(&[
        required("code", "the script"),
        optional("explicitDependencies", "`{\"actions\": [names], \"includeTrigger\": true}`: what it reads"),
    ]),
    named(
        "Join",
        "Joins the elements of an array to a text.",
        "`body`, the text",
        r#"{"type": "Join", "inputs": {"from": ["a", "b"], "joinWith": ","}}"#,
    )
    .inputs(&[FROM, required("joinWith", "the separator")]),
    named(
        "OpenApiConnection",
        "Calls an operation of an API connection by its id.",
        ANSWER,
        r#"{"type": "OpenApiConnection", "inputs": {"host": {"connection": {"name": "@parameters('$connections')['virustotal']['connectionId']"}, "operationId": "GetIpReport"}, "parameters": {"ip": "192.0.2.1"}}}"#,
    )
    .inputs(&[
        required("host", "`connection` as in ApiConnection, and `operationId`"),
        optional("parameters", "the parameters of the operation by name; members of a body as `body/member`"),
        AUTHENTICATION,
        RETRY,
    ]),
    named(
        "OpenApiConnectionWebhook",
        "As ApiConnectionWebhook, with an operation by its id.",
        "`headers` and `body` of the call of the URL",
        r#"{"type": "OpenApiConnectionWebhook", "limit": {"timeout": "PT1H"}, "inputs": {"host": {"connection": {"name": "@parameters('$connections')['office365']['connectionId']"}, "operationId": "SendApprovalMail"}, "parameters": {"body/NotificationUrl": "@{listCallbackUrl()}"}}}"#,
    )
    .inputs(&[
        required("host", "`connection` as in ApiConnection, and `operationId`"),
        optional("parameters", "the parameters of the operation by name"),
    ]),
    named(
        "ParseJson",
        "Reads JSON text, and checks it against a schema.",
        "`body`, the value",
        r#"{"type": "ParseJson", "inputs": {"content": "{\"a\": 1}", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}"#,
    )
    .inputs(&[
        required("content", "a text, content, or a value"),
        optional("schema", "a JSON schema"),
    ]),
    named(
        "Query",
        "Keeps the elements of an array that a condition holds for (Filter array).",
        ITEMS,
        r#"{"type": "Query", "inputs": {"from": [1, 2, 3], "where": "@greater(item(), 1)"}}"#,
    )
    .inputs(&[FROM, required("where", "the condition, with `item()`")]),
    named(
        "Response",
        "Answers the HTTP request that started the run; not in a loop.",
        "the answer",
        r#"{"type": "Response", "kind": "Http", "inputs": {"statusCode": 200, "body": {"ok": true}}}"#,
    )
    .inputs(&[
        optional("statusCode", "2xx, 4xx or 5xx; 200 where absent"),
        HEADERS,
        optional("body", "the body"),
    ]),
    named(
        "Scope",
        "Runs a block; with `runAfter` and `result()` it makes try, catch and finally.",
        BLOCK,
        r#"{"type": "Scope", "actions": {"In": {"type": "Compose", "inputs": 1}}}"#,
    )
    .members(&[ACTIONS_MEMBER]),
    named(
        "Select",
        "Makes another value of each element of an array.",
        ITEMS,
        r#"{"type": "Select", "inputs": {"from": [1, 2], "select": {"n": "@item()"}}}"#,
    )
    .inputs(&[FROM, required("select", "what becomes of an element, with `item()`")]),
    named(
        "SendToBatch",
        "Sends a message to a playbook with a Batch trigger.",
        "`statusCode` 200",
        r#"{"type": "SendToBatch", "inputs": {"host": {"triggerName": "batch", "workflow": {"id": "collect"}}, "batchName": "alerts", "content": {"id": 1}}}"#,
    )
    .inputs(&[
        WORKFLOW,
        required("batchName", "the batch"),
        optional("content", "the message"),
        optional("partitionName", "the partition; DEFAULT where absent"),
        optional("messageId", "identity of the message"),
    ]),
    named(
        "SetVariable",
        "Gives a variable a value.",
        VARIABLE,
        r#"{"type": "SetVariable", "inputs": {"name": "text", "value": "b"}}"#,
    )
    .inputs(&[NAME, required("value", "the value")]),
    named(
        "Switch",
        "Runs the block of the case that equals a value, or the default.",
        "`expression`, the value",
        r#"{"type": "Switch", "expression": "@add(1, 1)", "cases": {"Two": {"case": 2, "actions": {"Hit": {"type": "Compose", "inputs": 2}}}}, "default": {"actions": {}}}"#,
    )
    .members(&[
        required("expression", "the value"),
        optional("cases", "`{name: {\"case\": value, \"actions\": …}}`, 25 at most"),
        optional("default", "`{\"actions\": …}`"),
    ]),
    named(
        "Table",
        "Makes a CSV or HTML table of an array.",
        "`body`, the text",
        r#"{"type": "Table", "inputs": {"format": "HTML", "from": [{"a": 1}], "columns": [{"header": "A", "value": "@item()?['a']"}]}}"#,
    )
    .inputs(&[
        required("format", "CSV or HTML"),
        FROM,
        optional("columns", "a list of `{header, value}`; the members of the elements where absent"),
    ]),
    named(
        "Terminate",
        "Ends the run; not in a loop.",
        "none",
        r#"{"type": "Terminate", "inputs": {"runStatus": "Succeeded"}}"#,
    )
    .inputs(&[
        required("runStatus", "Succeeded, Failed or Cancelled"),
        optional("runError", "`{code, message}`, with Failed"),
    ]),
    named(
        "Until",
        "Runs a block again and again until a condition holds, which is evaluated after each round.",
        BLOCK,
        r#"{"type": "Until", "expression": "@equals(iterationIndexes('Example'), 2)", "limit": {"count": 5, "timeout": "PT1H"}, "actions": {"Round": {"type": "Compose", "inputs": "@iterationIndexes('Example')"}}}"#,
    )
    .members(&[required("expression", "the condition"), ACTIONS_MEMBER]),
    named(
        "Wait",
        "Pauses the run, for a time or until a time.",
        "none",
        r#"{"type": "Wait", "inputs": {"interval": {"count": 1, "unit": "Second"}}}"#,
    )
    .inputs(&[
        optional("interval", "`{count, unit}`; the units are Second, Minute, Hour, Day, Week, Month"),
        optional("until", "`{timestamp}`, in UTC"),
    ]),
    named(
        "Workflow",
        "Calls another playbook that starts with an HTTP request, and waits for its Response.",
        ANSWER,
        r#"{"type": "Workflow", "inputs": {"host": {"triggerName": "manual", "workflow": {"id": "child"}}, "body": {"a": 1}}}"#,
    )
    .inputs(&[WORKFLOW, QUERIES, HEADERS, BODY, RETRY]),
];
