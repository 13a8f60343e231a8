//! The ARM functions that ask for surroundings: parameters, variables, the subscription, ids, and what only a real
//! deployment knows. Ids are stable placeholders: the resource group is the target namespace.

use uuid::Uuid;

use super::Error;
use crate::arm::open::Open;
use crate::arm::scope::Scope;
use crate::arm::{LOCATION, NIL_ID};
use crate::expression::Value;

/// The time that `utcNow` gives: an import must give the same result each day.
const NOW: [(&str, &str); 6] = [
    ("yyyy", "2000"),
    ("MM", "01"),
    ("dd", "01"),
    ("HH", "00"),
    ("mm", "00"),
    ("ss", "00"),
];

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
            utc_now(arguments.first().and_then(Value::as_str))
        }
        "newguid" => Value::from(stable_id(&session.stem, arguments).to_string()),
        "resourceid" => resource_id(name, arguments, scope, Reach::ResourceGroup)?,
        "subscriptionresourceid" => resource_id(name, arguments, scope, Reach::Subscription)?,
        "tenantresourceid" => resource_id(name, arguments, scope, Reach::Tenant)?,
        "reference" => unknown(name, "string", arguments, scope),
        "listcallbackurl" | "listkeys" => unknown(name, "securestring", arguments, scope),
        _ if name.starts_with("list") => unknown(name, "securestring", arguments, scope),
        _ => return Ok(Answer::NotMine),
    };
    Ok(Answer::Value(value))
}

fn only_name(function: &str, arguments: &[Value], scope: &Scope) -> Result<String, Error> {
    match arguments {
        [Value::String(name)] => Ok(scope.session.opens.plain_text(name)),
        _ => Err(Error::Call {
            function: function.to_owned(),
            what: "takes one name".to_owned(),
        }),
    }
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

fn utc_now(format: Option<&str>) -> Value {
    let format = format.unwrap_or("yyyy-MM-ddTHH:mm:ssZ");
    Value::from(
        NOW.iter()
            .fold(format.to_owned(), |text, (part, value)| text.replace(part, value)),
    )
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
    let failed = |what: &str| Error::Call {
        function: function.to_owned(),
        what: what.to_owned(),
    };
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
