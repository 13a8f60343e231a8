//! `riposte start`: starts a playbook in a cluster or on a `dev` server, on an incident, an alert, an entity or a body
//! of its own.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::get::out;
use super::print::{Output, objects, text};
use super::remote::{Remote, Target};
use super::resource::{Resource, start_path};
use crate::api::yaml;
use crate::rules::{Entity, EntityKind};

/// Starts a playbook.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("subject").required(true).multiple(true).args(["incident", "alert", "entity", "body"]))]
pub struct Arguments {
    /// The playbook.
    #[arg(value_name = "PLAYBOOK")]
    playbook: String,

    /// Start it on this incident; or with --entity, the incident that the entity is of.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["alert", "body"])]
    incident: Option<String>,

    /// Start it on this alert.
    #[arg(long, value_name = "ID", conflicts_with_all = ["entity", "body"])]
    alert: Option<String>,

    /// Start it on this entity: KIND=VALUE such as ip=203.0.113.7, or the id of an entity of --incident.
    #[arg(long, value_name = "ENTITY", conflicts_with = "body")]
    entity: Option<String>,

    /// Start it with the JSON or YAML in this file; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// The workspace of the incident, alert or entity. Defaults to the playbook's namespace.
    #[arg(long, value_name = "NAMESPACE")]
    workspace: Option<String>,

    /// How the new run is printed; a table says what was done.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let wish = wish(arguments)?;
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = start_path(&remote.namespace, &arguments.playbook);
        let started = remote.post(&path, &wish).await?;
        if !arguments.output.is_table() {
            return out(&objects(Resource::Runs, &started, arguments.output));
        }
        let runs = started["items"].as_array().into_iter().flatten();
        let lines = runs.map(|run| {
            format!(
                "{}/{} started\n",
                Resource::Runs.singular(),
                text(&run["metadata"]["name"])
            )
        });
        out(&lines.collect::<String>())
    })
}

/// What the server is asked for.
fn wish(arguments: &Arguments) -> anyhow::Result<Value> {
    let mut wish = Map::new();
    let mut set = |name: &str, value: Option<Value>| drop(value.map(|value| wish.insert(name.to_owned(), value)));
    set("workspace", arguments.workspace.as_ref().map(|name| json!(name)));
    set("incident", arguments.incident.as_ref().map(|name| json!(name)));
    set("alert", arguments.alert.as_ref().map(|id| json!(id)));
    set("entity", arguments.entity.as_deref().map(entity).transpose()?);
    set("body", arguments.body.as_ref().map(body).transpose()?);
    Ok(wish.into())
}

fn body(file: &PathBuf) -> anyhow::Result<Value> {
    let name = file.display();
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    }
    let documents = yaml::parse(&text).map_err(|problem| anyhow::anyhow!("{}", problem.error(&name.to_string())))?;
    match <[_; 1]>::try_from(documents) {
        Ok([document]) => Ok(document.json),
        Err(documents) => bail!("{name} must hold one document, it holds {}", documents.len()),
    }
}

/// The property that a short form gives, by kind.
fn property(kind: EntityKind) -> Option<&'static str> {
    let properties = [
        (EntityKind::Account, "accountName"),
        (EntityKind::Host, "hostName"),
        (EntityKind::Ip, "address"),
        (EntityKind::Url, "url"),
        (EntityKind::DnsResolution, "domainName"),
        (EntityKind::File, "fileName"),
        (EntityKind::FileHash, "hashValue"),
        (EntityKind::Malware, "malwareName"),
        (EntityKind::AzureResource, "resourceId"),
        (EntityKind::Mailbox, "mailboxPrimaryAddress"),
    ];
    properties
        .into_iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, name)| name)
}

/// An entity of its short form; anything else is an id.
fn entity(given: &str) -> anyhow::Result<Value> {
    let Some((kind, value)) = given.split_once('=') else {
        return Ok(json!(given));
    };
    let known = EntityKind::from_name(kind).and_then(|kind| Some((kind, property(kind)?)));
    let (kind, property) = known.with_context(|| {
        format!("'{kind}' is no kind of entity with a short form; use ip, host, account, url, dns, file, filehash or mailbox")
    })?;
    let entity = match (kind, value.split_once('@')) {
        (EntityKind::Account, Some((name, suffix))) => {
            Entity::new(kind, [("accountName", name), ("upnSuffix", suffix)])
        }
        _ => Entity::new(kind, [(property, value)]),
    };
    Ok(serde_json::to_value(entity)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_have_a_short_form() {
        let ip = json!({ "kind": "Ip", "properties": { "address": "203.0.113.7" } });
        assert_eq!(entity("ip=203.0.113.7").unwrap(), ip);
        let account = json!({ "kind": "Account", "properties": { "accountName": "ada", "upnSuffix": "contoso.com" } });
        assert_eq!(entity("account=ada@contoso.com").unwrap(), account);
        assert_eq!(entity("0b6f4c0e").unwrap(), json!("0b6f4c0e"));
        assert!(entity("planet=mars").is_err());
    }
}
