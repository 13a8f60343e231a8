//! Workflow functions: what an expression sees of its run.

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, between, exactly};

const SOURCE: &str = "Workflow functions";

pub(super) static WORKFLOW: &[Function] = &[
    Function {
        name: "trigger",
        signature: "(): object",
        arity: exactly(0),
        doc: "The trigger of this run: name, outputs, times.",
        source: SOURCE,
        examples: r#"
            given {"triggerBody": {"Severity": "High"}, "trigger": {"name": "manual", "startTime": "2018-03-01T00:00:00Z"}}
            trigger().outputs.body.Severity => "High"
            trigger()['name'] => "manual"
            trigger()?['startTime'] => "2018-03-01T00:00:00Z"
            trigger()['code'] => error: property 'code' doesn't exist
        "#,
        call: Call::Eager(trigger),
    },
    Function {
        name: "triggers",
        signature: "(): object",
        arity: exactly(0),
        doc: "The trigger as its conditions see it; another name of `trigger`.",
        source: SOURCE,
        examples: r#"
            given {"trigger": {"name": "poll", "code": "InternalServerError"}}
            triggers().code => "InternalServerError"
            equals(triggers().code, 'OK') => false
            triggers()['name'] => "poll"
            triggers(1) => error: expects no parameters
        "#,
        call: Call::Eager(trigger),
    },
    Function {
        name: "triggerOutputs",
        signature: "(): object",
        arity: exactly(0),
        doc: "The outputs of the trigger: headers, body and so on.",
        source: SOURCE,
        examples: r#"
            given {"triggerOutputs": {"headers": {"Content-Type": "application/json"}, "body": {"Severity": "High"}}}
            triggerOutputs()?['body']?['Severity'] => "High"
            triggerOutputs()['headers']['content-type'] => "application/json"
            triggerOutputs()?['queries'] => null
            triggerOutputs().queries => error: available properties are 'headers, body'
        "#,
        call: Call::Eager(trigger_outputs),
    },
    Function {
        name: "triggerBody",
        signature: "(): any",
        arity: exactly(0),
        doc: "The body of the trigger's outputs; null if it has none.",
        source: SOURCE,
        examples: r#"
            given {"triggerBody": {"object": {"properties": {"title": "Sign-in from a rare country"}}}}
            triggerBody()?['object']?['properties']?['title'] => "Sign-in from a rare country"
            triggerBody()?['x']?['y'] => null
            length(triggerBody().OBJECT.Properties.title) => 27
            triggerBody()['x'] => error: property 'x' doesn't exist
        "#,
        call: Call::Eager(|arguments| Ok(member(&trigger_outputs(arguments)?, "body"))),
    },
    Function {
        name: "actions",
        signature: "(name: string, member?: string): object",
        arity: between(1, 2),
        doc: "An action that has ended: name, status, code, inputs, outputs, times.",
        source: SOURCE,
        examples: r#"
            given {"actions": {"Get_host": {"code": "NotFound", "status": "Failed", "outputs": {"statusCode": 404}}}}
            actions('Get_host').status => "Failed"
            actions('get_HOST')?['outputs']?['statusCode'] => 404
            actions('Get_host')['name'] => "Get_host"
            actions('Other') => error: no action 'Other'
        "#,
        call: Call::Eager(action),
    },
    Function {
        name: "action",
        signature: "(member?: string): object",
        arity: between(0, 1),
        doc: "The current action, where that is defined.",
        source: SOURCE,
        examples: r#"
            given {"action": {"name": "Ask", "status": "Succeeded", "outputs": {"statusCode": 200}}}
            action().status => "Succeeded"
            action()['outputs']['statusCode'] => 200
            action()?['error'] => null
            action().error => error: property 'error' doesn't exist
        "#,
        call: Call::Eager(|arguments| {
            let current = arguments.scope.current_action();
            current.ok_or_else(|| arguments.fail("is not expected here: there is no current action"))
        }),
    },
    Function {
        name: "outputs",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The outputs of an action that has ended; null if it was skipped.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Get_host": {"statusCode": 200, "body": {"name": "web-1"}}, "Compose": [1, 2]}}
            outputs('Get_host')['statusCode'] => 200
            outputs('Get_host')?['body']?['name'] => "web-1"
            outputs('compose')[1] => 2
            outputs('Other') => error: no action 'Other'
        "#,
        call: Call::Eager(outputs),
    },
    Function {
        name: "actionOutputs",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The old name of `outputs`.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Get_host": {"statusCode": 200}}}
            actionOutputs('Get_host')['statusCode'] => 200
            actionOutputs('Get_host')?['headers'] => null
            actionOutputs('GET_HOST') => {"statusCode":200}
            actionOutputs('Other') => error: no action 'Other'
        "#,
        call: Call::Eager(outputs),
    },
    Function {
        name: "body",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The body of the outputs of an action that has ended; null if it has none.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Get_host": {"statusCode": 200, "body": {"name": "web-1"}}, "Nothing": {"statusCode": 204}}}
            body('Get_host')['name'] => "web-1"
            body('get_HOST')?['name'] => "web-1"
            body('Nothing') => null
            body('Other') => error: no action 'Other'
        "#,
        call: Call::Eager(body),
    },
    Function {
        name: "actionBody",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The old name of `body`.",
        source: SOURCE,
        examples: r#"
            given {"outputs": {"Get_host": {"statusCode": 200, "body": {"name": "web-1"}}}}
            actionBody('Get_host')['name'] => "web-1"
            actionBody('Get_host')?['x'] => null
            actionBody('GET_HOST') => {"name":"web-1"}
            actionBody('Other') => error: no action 'Other'
        "#,
        call: Call::Eager(body),
    },
    Function {
        name: "parameters",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The value of a parameter of the workflow.",
        source: SOURCE,
        examples: r#"
            given {"parameters": {"limit": 20, "$connections": {"azuresentinel": {"connectionId": "c-1"}}}}
            parameters('limit') => 20
            parameters('$connections')['azuresentinel']['connectionId'] => "c-1"
            add(parameters('LIMIT'), 1) => 21
            parameters('x') => error: no workflow parameter 'x'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let value = arguments.scope.parameter(name);
            value.ok_or_else(|| arguments.fail(format!("finds no workflow parameter '{name}'")))
        }),
    },
    Function {
        name: "variables",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The value of a variable.",
        source: SOURCE,
        examples: r#"
            given {"variables": {"numItems": 20, "names": ["a"]}}
            variables('numItems') => 20
            variables('NUMITEMS') => 20
            variables('names')[0] => "a"
            variables('x') => error: no variable 'x'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let value = arguments.scope.variable(name);
            value.ok_or_else(|| arguments.fail(format!("finds no variable '{name}'; it must be initialized before")))
        }),
    },
    Function {
        name: "item",
        signature: "(): any",
        arity: exactly(0),
        doc: "The element of the innermost loop or data operation.",
        source: "Collection functions",
        examples: r#"
            given {"item": {"ip": "10.0.0.1"}}
            item()['ip'] => "10.0.0.1"
            item()?['port'] => null
            string(item()) => "{\"ip\":\"10.0.0.1\"}"
            given {}
            item() => error: outside of a loop
        "#,
        call: Call::Eager(|arguments| {
            let item = arguments.scope.item();
            item.ok_or_else(|| arguments.fail("is not expected here: it is used outside of a loop or data operation"))
        }),
    },
    Function {
        name: "items",
        signature: "(name: string): any",
        arity: exactly(1),
        doc: "The current element of a named Foreach.",
        source: SOURCE,
        examples: r#"
            given {"items": {"For_each": "10.0.0.1", "Outer": {"id": 7}}}
            items('For_each') => "10.0.0.1"
            items('Outer')['id'] => 7
            items('for_each') => "10.0.0.1"
            items('Other') => error: outside of a loop with the name 'Other'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let item = arguments.scope.items(name);
            item.ok_or_else(|| arguments.fail(format!("is used outside of a loop with the name '{name}'")))
        }),
    },
    Function {
        name: "iterationIndexes",
        signature: "(name: string): int",
        arity: exactly(1),
        doc: "The current round of a named Until, from 0.",
        source: SOURCE,
        examples: r#"
            given {"iterationIndexes": {"Until": 2}}
            iterationIndexes('Until') => 2
            add(iterationIndexes('Until'), 1) => 3
            iterationIndexes('until') => 2
            iterationIndexes('Other') => error: outside of an Until with the name 'Other'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let index = arguments.scope.iteration_index(name);
            index
                .map(Value::Int)
                .ok_or_else(|| arguments.fail(format!("is used outside of an Until with the name '{name}'")))
        }),
    },
    Function {
        name: "result",
        signature: "(name: string): array",
        arity: exactly(1),
        doc: "The results of the first-level actions of a Scope, Foreach or Until that has ended.",
        source: SOURCE,
        examples: r#"
            given {"results": {"Try": [{"name": "Ask", "status": "Failed", "code": "NotFound"}, {"name": "Say", "status": "Skipped"}]}}
            result('Try')[0]['status'] => "Failed"
            length(result('Try')) => 2
            first(result('try'))?['code'] => "NotFound"
            result('Other') => error: no scope 'Other'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let result = arguments.scope.result(name);
            result.ok_or_else(|| arguments.fail(format!("finds no scope '{name}' that has ended")))
        }),
    },
    Function {
        name: "workflow",
        signature: "(): object",
        arity: exactly(0),
        doc: "The workflow and its run: name, id, location, run.name.",
        source: SOURCE,
        examples: r#"
            given {"workflow": {"name": "block-ip", "id": "/workflows/block-ip", "location": "local", "run": {"name": "0858"}}}
            workflow().name => "block-ip"
            workflow()['run']['name'] => "0858"
            workflow()?['tags']?['team'] => null
            workflow().tags => error: property 'tags' doesn't exist
        "#,
        call: Call::Eager(|arguments| Ok(arguments.scope.workflow())),
    },
    Function {
        name: "listCallbackUrl",
        signature: "(relativePath?: string): string",
        arity: between(0, 1),
        doc: "The callback URL of the webhook that is being subscribed.",
        source: SOURCE,
        examples: r#"
            given {"callbackUrl": "https://soc.example.com/callback/1?sig=x"}
            listCallbackUrl() => "https://soc.example.com/callback/1?sig=x"
            uriHost(listCallbackUrl()) => "soc.example.com"
            json(concat('{"callback_url":"', listCallbackUrl(), '"}')).callback_url => "https://soc.example.com/callback/1?sig=x"
            given {}
            listCallbackUrl() => error: no webhook is being subscribed
        "#,
        call: Call::Eager(|arguments| {
            let url = arguments.scope.callback_url();
            url.map(Value::from)
                .ok_or_else(|| arguments.fail("is not expected here: no webhook is being subscribed"))
        }),
    },
    Function {
        name: "appsetting",
        signature: "(name: string): string",
        arity: exactly(1),
        doc: "An app setting: in Logic Apps Standard one of the app, here one of `spec.appSettings` of the playbook.",
        source: "Designer functions",
        examples: r#"
            given {"appSettings": {"TenantId": "contoso", "Retries": "3"}}
            appsetting('TenantId') => "contoso"
            appsetting('tenantid') => "contoso"
            int(appsetting('Retries')) => 3
            appsetting('Missing') => error: no app setting 'Missing'
        "#,
        call: Call::Eager(|arguments| {
            let name = arguments.text(0)?;
            let setting = arguments.scope.app_setting(name);
            setting.ok_or_else(|| {
                arguments.fail(format!(
                    "finds no app setting '{name}': give it in `spec.appSettings` of the playbook"
                ))
            })
        }),
    },
];

fn trigger(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let trigger = arguments.scope.trigger();
    trigger.ok_or_else(|| arguments.fail("is not expected here: there is no trigger"))
}

fn trigger_outputs(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    Ok(member(&trigger(arguments)?, "outputs"))
}

fn action(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let action = arguments.scope.action(name);
    action.ok_or_else(|| no_action(arguments, name))
}

fn outputs(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let outputs = arguments.scope.outputs(name);
    outputs.ok_or_else(|| no_action(arguments, name))
}

fn body(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let name = arguments.text(0)?;
    let body = arguments.scope.body(name);
    body.ok_or_else(|| no_action(arguments, name))
}

fn no_action(arguments: &Arguments<'_>, name: &str) -> EvalError {
    arguments.fail(format!("finds no action '{name}' that has ended"))
}

fn member(value: &Value, name: &str) -> Value {
    value.get(name).cloned().unwrap_or_default()
}
