//! The ARM functions that ask for surroundings: parameters, variables, the subscription, ids, and what only a real
//! deployment knows. Ids are stable placeholders: the resource group is the target namespace.

use uuid::Uuid;

use super::{Error, time};
use crate::arm::open::Open;
use crate::arm::scope::Scope;
use crate::arm::{LOCATION, NIL_ID};
use crate::expression::Value;

/// Whether a function was one of these.
pub(super) enum Answer {
    /// It was, with this value.
    Value(Value),
    /// It is not.
    NotMine,
}

/// Calls a function of this file.
pub(super) fn answer(name: &str, arguments: &[Value], scope: &Scope) -> Result<Answer, Error> {
    let session = &scope.session;
    let value = match name {
        "parameters" => scope.parameter(&only_name(name, arguments, scope)?)?,
        "variables" => scope.variable(&only_name(name, arguments, scope)?)?,
        "resourcegroup" => resource_group(&session.namespace),
        "subscription" => subscription(),
        "tenant" => Value::object([("tenantId", NIL_ID), ("displayName", LOCATION)]),
        "deployment" => deployment(&session.stem),
        "environment" => environment(),
        "utcnow" => {
            session.note("`utcNow` gives 2000-01-01: an import knows no time");
            let format = arguments.first().and_then(Value::as_str);
            time::utc_now(format).map_err(|what| failed(name, what))?
        }
        "copyindex" => copy_index(name, arguments, scope)?,
        "lambdavariables" => {
            let variable = only_name(name, arguments, scope)?;
            let value = scope.lambda_variable(&variable);
            value.ok_or_else(|| failed(name, format!("no lambda around it has a variable `{variable}`")))?
        }
        "managementgroup" => Value::object([
            ("id", "/providers/Microsoft.Management/managementGroups/local"),
            ("name", LOCATION),
            ("type", "Microsoft.Management/managementGroups"),
        ]),
        "deployer" => Value::object([("objectId", NIL_ID), ("tenantId", NIL_ID)]),
        "newguid" => Value::from(stable_id(&session.stem, arguments).to_string()),
        "resourceid" => resource_id(name, arguments, scope, Reach::ResourceGroup)?,
        "subscriptionresourceid" => resource_id(name, arguments, scope, Reach::Subscription)?,
        "tenantresourceid" => resource_id(name, arguments, scope, Reach::Tenant)?,
        "extensionresourceid" => extension_resource_id(name, arguments, scope)?,
        "managementgroupresourceid" => extension_resource_id(name, arguments, scope)?,
        "reference" => {
            let named = arguments
                .first()
                .and_then(Value::as_str)
                .map(|id| session.opens.plain_text(id));
            match named.and_then(|name| session.outputs_of(&name)) {
                Some(outputs) => outputs?,
                None => unknown(name, "string", arguments, scope),
            }
        }
        "fail" => {
            let message = arguments.first().and_then(Value::as_str).unwrap_or_default();
            return Err(failed(name, message));
        }
        "tologicalzones" | "tophysicalzones" => unknown(name, "array", arguments, scope),
        "tologicalzone" | "tophysicalzone" | "externalinput" => unknown(name, "string", arguments, scope),
        "references" | "resourceinfo" | "providers" => unknown(name, "string", arguments, scope),
        _ if name.starts_with("list") => unknown(name, "securestring", arguments, scope),
        _ => return Ok(Answer::NotMine),
    };
    Ok(Answer::Value(value))
}

fn failed(function: &str, what: impl Into<String>) -> Error {
    Error::Call {
        function: function.to_owned(),
        what: what.into(),
    }
}

fn only_name(function: &str, arguments: &[Value], scope: &Scope) -> Result<String, Error> {
    match arguments {
        [Value::String(name)] => Ok(scope.session.opens.plain_text(name)),
        _ => Err(failed(function, "takes one name")),
    }
}

/// `copyIndex(['loop'], [offset])`.
fn copy_index(function: &str, arguments: &[Value], scope: &Scope) -> Result<Value, Error> {
    let (name, offset) = match arguments {
        [] => (None, 0),
        [Value::Int(offset)] => (None, *offset),
        [Value::String(name)] => (Some(&**name), 0),
        [Value::String(name), Value::Int(offset)] => (Some(&**name), *offset),
        _ => return Err(failed(function, "takes the name of a loop and an offset")),
    };
    let index = scope.copy_index(name);
    let index = index.ok_or_else(|| failed(function, "there is no such loop around it"))?;
    Ok(Value::Int(index.saturating_add(offset)))
}

/// `extensionResourceId('id', 'Namespace/type', 'name')`.
fn extension_resource_id(function: &str, arguments: &[Value], scope: &Scope) -> Result<Value, Error> {
    let Some((Value::String(base), rest)) = arguments.split_first() else {
        return Err(failed(function, "needs the id that it extends"));
    };
    let extension = resource_id(function, rest, scope, Reach::Tenant)?;
    let extension = extension.as_str().unwrap_or_default();
    let base = match function {
        "managementgroupresourceid" => format!("/providers/Microsoft.Management/managementGroups/{base}"),
        _ => base.to_string(),
    };
    Ok(Value::from(format!("{base}{extension}")))
}

fn resource_group(namespace: &str) -> Value {
    Value::object([
        (
            "id",
            Value::from(format!("/subscriptions/{NIL_ID}/resourceGroups/{namespace}")),
        ),
        ("name", Value::from(namespace)),
        ("type", Value::from("Microsoft.Resources/resourceGroups")),
        ("location", Value::from(LOCATION)),
        ("tags", Value::object::<&str, Value>([])),
        ("properties", Value::object([("provisioningState", "Succeeded")])),
    ])
}

fn subscription() -> Value {
    Value::object([
        ("id", Value::from(format!("/subscriptions/{NIL_ID}"))),
        ("subscriptionId", Value::from(NIL_ID)),
        ("tenantId", Value::from(NIL_ID)),
        ("displayName", Value::from(LOCATION)),
    ])
}

fn deployment(name: &str) -> Value {
    let link = Value::object([("uri", ""), ("contentVersion", "1.0.0.0")]);
    let properties = Value::object([("templateLink", link), ("mode", Value::from("Incremental"))]);
    Value::object([
        ("name", Value::from(name)),
        ("location", Value::from(LOCATION)),
        ("properties", properties),
    ])
}

/// The public cloud, as playbooks expect it.
fn environment() -> Value {
    let suffixes = [
        ("acrLoginServer", ".azurecr.io"),
        ("keyvaultDns", ".vault.azure.net"),
        ("sqlServerHostname", ".database.windows.net"),
        ("storage", "core.windows.net"),
    ];
    let authentication = [
        ("loginEndpoint", "https://login.microsoftonline.com/"),
        ("tenant", "common"),
    ];
    Value::object([
        ("name", Value::from("AzureCloud")),
        ("resourceManager", Value::from("https://management.azure.com/")),
        ("portal", Value::from("https://portal.azure.com/")),
        ("graph", Value::from("https://graph.windows.net/")),
        ("authentication", Value::object(authentication)),
        ("suffixes", Value::object(suffixes)),
    ])
}

/// An id that is the same for the same seed.
pub(super) fn stable_id(seed: &str, arguments: &[Value]) -> Uuid {
    let text: Vec<String> = arguments.iter().map(Value::to_json).collect();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{seed}:{}", text.join(",")).as_bytes())
}

fn unknown(name: &str, kind: &str, arguments: &[Value], scope: &Scope) -> Value {
    let opens = &scope.session.opens;
    let texts: Vec<String> = arguments
        .iter()
        .map(|argument| opens.plain(argument).to_json())
        .collect();
    let why = format!("only Azure can answer `{name}({})`", texts.join(", "));
    opens.mark(Open::empty(name, kind, why))
}

#[derive(Clone, Copy, PartialEq)]
enum Reach {
    ResourceGroup,
    Subscription,
    Tenant,
}

/// `resourceId([subscription], [group], 'Namespace/type/child', 'name', 'child name')`.
fn resource_id(function: &str, arguments: &[Value], scope: &Scope, reach: Reach) -> Result<Value, Error> {
    let failed = |what: &str| failed(function, what);
    let texts: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    let at = texts
        .iter()
        .position(|text| text.contains('/'))
        .ok_or_else(|| failed("needs a type such as `A/b`"))?;
    let (before, names) = (&texts[..at], &texts[at + 1..]);
    let mut kinds = texts[at].trim_matches('/').split('/');
    let mut id = match reach {
        Reach::Tenant => String::new(),
        Reach::Subscription => format!("/subscriptions/{}", before.first().unwrap_or(&NIL_ID)),
        Reach::ResourceGroup => {
            let subscription = if before.len() > 1 { before[0] } else { NIL_ID };
            let group = before.last().copied().unwrap_or(&scope.session.namespace);
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        }
    };
    id.push_str(&format!("/providers/{}", kinds.next().unwrap_or_default()));
    let kinds: Vec<&str> = kinds.collect();
    if kinds.len() != names.len() {
        return Err(failed("needs one name for each part of the type"));
    }
    for (kind, name) in kinds.iter().zip(names) {
        id.push_str(&format!("/{kind}/{name}"));
    }
    Ok(Value::from(id))
}
