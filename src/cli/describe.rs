//! `riposte describe`: everything about one thing, for people.

use std::process::ExitCode;

use serde_json::Value;

use super::get::out;
use super::output::{duration, plain};
use super::print::{Rows, text};
use super::remote::{JSON, Remote, TABLE, Target};
use super::resource::Resource;
use crate::api::yaml;

/// How many runs of a playbook are shown.
const RUNS: u32 = 10;

/// Shows everything about one thing.
#[derive(clap::Args)]
pub struct Arguments {
    /// What it is.
    #[arg(value_enum, value_name = "KIND")]
    resource: Resource,

    /// Its name; an incident is named by its number.
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        show(&remote, arguments.resource, &arguments.name).await
    })
}

/// Describes one thing.
pub async fn show(remote: &Remote, resource: Resource, name: &str) -> anyhow::Result<ExitCode> {
    let object = remote.get(&resource.one(&remote.namespace, name), JSON).await?;
    let mut page = Page::default();
    match resource {
        Resource::Incidents => incident(&mut page, &object),
        Resource::Runs => run_page(&mut page, &object),
        Resource::Approvals => {
            approval(&mut page, &object);
            let path = format!("{}/links", resource.one(&remote.namespace, name));
            links(&mut page, remote.get(&path, JSON).await);
        }
        Resource::Playbooks => {
            configured(&mut page, &object);
            let runs = Resource::Runs.list(Some(&remote.namespace));
            let selector: String =
                url::form_urlencoded::byte_serialize(format!("spec.playbook={name}").as_bytes()).collect();
            let table = remote
                .get(&format!("{runs}?limit={RUNS}&fieldSelector={selector}"), TABLE)
                .await?;
            page.table("Runs", &Rows::of(&table, false, false));
        }
        Resource::Rules | Resource::Connections => configured(&mut page, &object),
    }
    out(&page.0)
}

/// A page as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    /// A fact, unless there is none.
    fn fact(&mut self, name: &str, value: &Value) {
        let is_empty = value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        if is_empty {
            return;
        }
        let shown = match value {
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
            other => text(other),
        };
        self.line(name, &shown);
    }

    fn line(&mut self, name: &str, shown: &str) {
        self.0 += &format!("{:<18}{shown}\n", format!("{name}:"));
    }

    /// A table under a heading, unless it has no rows.
    fn table(&mut self, title: &str, rows: &Rows) {
        if !rows.rows.is_empty() {
            self.heading(title);
            rows.lines(true)
                .iter()
                .for_each(|line| self.0 += &format!("  {line}\n"));
        }
    }

    fn heading(&mut self, title: &str) {
        self.0 += &format!("\n{title}:\n");
    }

    /// A value as YAML under a heading, unless it is empty.
    fn yaml(&mut self, title: &str, value: &Value) {
        if value.as_object().is_some_and(|members| !members.is_empty()) {
            self.heading(title);
            let lines = yaml::write(value);
            lines
                .lines()
                .for_each(|line| self.0 += &format!("  {}\n", super::output::clean(line)));
        }
    }
}

fn identity(page: &mut Page, object: &Value) {
    let metadata = &object["metadata"];
    page.fact("Name", &metadata["name"]);
    page.fact("Namespace", &metadata["namespace"]);
    page.fact("Created", &metadata["creationTimestamp"]);
}

fn configured(page: &mut Page, object: &Value) {
    identity(page, object);
    let conditions = list(&object["status"]["conditions"]);
    let rows = conditions.iter().map(|one| {
        let cells = ["type", "status", "reason", "message"];
        cells.iter().map(|name| text(&one[*name])).collect()
    });
    page.table(
        "Conditions",
        &Rows::new(&["TYPE", "STATUS", "REASON", "MESSAGE"], rows.collect()),
    );
    let mut spec = object["spec"].clone();
    if let Some(members) = spec.as_object_mut() {
        // It is long, and `get -o yaml` shows it.
        members.retain(|name, _| !matches!(name.as_str(), "definition" | "definitionText"));
    }
    page.yaml("Spec", &spec);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn run_page(page: &mut Page, run: &Value) {
    let (spec, status) = (&run["spec"], &run["status"]);
    identity(page, run);
    page.fact("Playbook", &spec["playbook"]);
    page.fact("Requester", &spec["requester"]);
    page.fact("Trigger", &spec["trigger"]);
    page.fact("Incident", &spec["incidentNumber"]);
    page.fact("Resubmission of", &spec["resubmitOf"]);
    page.fact("Begins with", &spec["resubmitFrom"]);
    page.fact("Status", &status["status"]);
    page.fact("Ended", &status["endTime"]);
    if status["endTime"].is_null() {
        page.fact("Cancelled by", &status["cancelledBy"]);
        page.fact("Deadline", &status["deadline"]);
    }
    for wait in list(&status["waitsFor"]) {
        let (action, what, until) = (text(&wait["action"]), text(&wait["what"]), text(&wait["until"]));
        let because = wait["because"]
            .as_str()
            .map_or_else(String::new, |because| format!(": {because}"));
        page.line("Waits", &format!("{action} waits for {what} until {until}{because}"));
    }
    if let Some(error) = status.get("error") {
        page.line(
            "Error",
            &format!("{}: {}", text(&error["code"]), text(&error["message"])),
        );
    }
    let rows = list(&status["actions"]).iter().map(|action| {
        let message = &action["error"]["message"];
        let took = took(action).map_or_else(|| "<none>".to_owned(), duration);
        vec![
            text(&action["name"]),
            text(&action["status"]),
            text(&action["code"]),
            attempts(action),
            took,
            text(message),
        ]
    });
    let header = ["ACTION", "STATUS", "CODE", "ATTEMPTS", "DURATION", "MESSAGE"];
    page.table("Actions", &Rows::new(&header, rows.collect()));
}

/// How often an action was tried, if it was.
fn attempts(action: &Value) -> String {
    match (action.get("attempts"), action.get("startTime")) {
        (Some(attempts), _) => text(attempts),
        (None, Some(_)) => "1".to_owned(),
        (None, None) => "<none>".to_owned(),
    }
}

fn approval(page: &mut Page, approval: &Value) {
    let (spec, status) = (&approval["spec"], &approval["status"]);
    identity(page, approval);
    for (name, member) in [
        ("Title", "title"),
        ("Run", "run"),
        ("Playbook", "playbook"),
        ("Action", "action"),
        ("Options", "options"),
        ("Asked", "recipients"),
        ("Needed", "needed"),
        ("Sign-in", "signIn"),
        ("Not requester", "requesterMayNotApprove"),
        ("Expires", "expires"),
    ] {
        page.fact(name, &spec[member]);
    }
    page.fact("Status", &status["status"]);
    page.fact("Outcome", &status["outcome"]);
    if let Some(details) = spec["details"].as_str().filter(|details| !details.is_empty()) {
        page.heading("Details");
        details
            .lines()
            .for_each(|line| page.0 += &format!("  {}\n", super::output::clean(line)));
    }
    table(page, "Inputs", spec, "inputs", &[("NAME", "id"), ("LABEL", "label")]);
    let decisions = [
        ("TIME", "time"),
        ("BY", "by"),
        ("SIGNED IN", "signedIn"),
        ("OPTION", "option"),
        ("COMMENT", "comment"),
    ];
    table(page, "Decisions", status, "decisions", &decisions);
}

/// The links of those who are asked, for whom they may be shown to.
fn links(page: &mut Page, links: anyhow::Result<Value>) {
    match links {
        Ok(links) => table(page, "Links", &links, "links", &[("FOR", "recipient"), ("URL", "url")]),
        Err(reason) => page.line("Links", &format!("not shown: {reason:#}")),
    }
}

/// How long an action took, in milliseconds.
fn took(action: &Value) -> Option<i64> {
    let time = |name: &str| action[name].as_str()?.parse::<jiff::Timestamp>().ok();
    Some(time("endTime")?.as_millisecond() - time("startTime")?.as_millisecond())
}

fn incident(page: &mut Page, incident: &Value) {
    let status = &incident["status"];
    identity(page, incident);
    for (name, member) in [
        ("Title", "title"),
        ("Description", "description"),
        ("Severity", "severity"),
        ("Status", "status"),
        ("Classification", "classification"),
        ("Reason", "classificationReason"),
        ("Products", "alertProductNames"),
        ("Tactics", "tactics"),
        ("Techniques", "techniques"),
        ("First activity", "firstActivityTime"),
        ("Last activity", "lastActivityTime"),
        ("Page", "url"),
    ] {
        page.fact(name, &status[member]);
    }
    let owner = ["assignedTo", "userPrincipalName", "email", "objectId"];
    let owner = owner
        .iter()
        .find_map(|name| status["owner"].get(*name))
        .unwrap_or(&Value::Null);
    page.fact("Owner", owner);
    let labels = list(&status["labels"]).iter().map(|label| label["labelName"].clone());
    page.fact("Labels", &labels.collect());
    table(
        page,
        "Alerts",
        status,
        "alerts",
        &[("TIME", "timeGenerated"), ("SEVERITY", "severity"), ("TITLE", "title")],
    );
    table(
        page,
        "Entities",
        status,
        "entities",
        &[("KIND", "kind"), ("NAME", "friendlyName"), ("ID", "id")],
    );
    table(
        page,
        "Tasks",
        status,
        "tasks",
        &[("DONE", "completed"), ("TITLE", "title"), ("BY", "createdBy")],
    );
    let runs = [
        ("RUN", "id"),
        ("NAMESPACE", "namespace"),
        ("PLAYBOOK", "name"),
        ("STATUS", "status"),
    ];
    table(page, "Runs", status, "runs", &runs);
    rules(page, status);
    changes(page, status);
    if !list(&status["comments"]).is_empty() {
        page.heading("Comments");
        for comment in list(&status["comments"]) {
            let (time, author) = (text(&comment["createdTime"]), text(&comment["author"]));
            let message = plain(comment["message"].as_str().unwrap_or_default());
            page.0 += &format!("  {time} {author}: {message}\n");
        }
    }
}

fn table(page: &mut Page, title: &str, status: &Value, member: &str, columns: &[(&str, &str)]) {
    let header: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let rows = list(&status[member])
        .iter()
        .map(|item| columns.iter().map(|(_, name)| text(&item[*name])).collect());
    page.table(title, &Rows::new(&header, rows.collect()));
}

/// Who changed what, the oldest change first.
fn changes(page: &mut Page, status: &Value) {
    let mut rows = Vec::new();
    for activity in list(&status["activities"]).iter().rev() {
        for change in list(&activity["changes"]) {
            let cells = [
                &activity["time"],
                &activity["author"],
                &change["field"],
                &change["from"],
                &change["to"],
            ];
            rows.push(cells.into_iter().map(text).collect());
        }
    }
    page.table("Changes", &Rows::new(&["TIME", "BY", "FIELD", "FROM", "TO"], rows));
}

/// What each rule did, with what a failed action needs.
fn rules(page: &mut Page, status: &Value) {
    let mut rows = Vec::new();
    for evaluation in list(&status["evaluations"]) {
        for rule in list(&evaluation["rules"]) {
            let verdict = match rule["matched"].as_bool() {
                Some(true) => "matched".to_owned(),
                Some(false) => format!("does not apply: {}", text(&rule["reason"])),
                None => "not yet checked".to_owned(),
            };
            let mut actions = list(&rule["actions"]).iter().filter_map(|action| {
                let message = action["outcome"]["message"].as_str()?;
                Some(format!(
                    "{}: {}",
                    text(&action["action"]),
                    super::output::clean(message)
                ))
            });
            let message = actions.next().unwrap_or_else(|| "<none>".to_owned());
            rows.push(vec![
                text(&evaluation["occasion"]),
                text(&rule["name"]),
                verdict,
                message,
            ]);
        }
    }
    page.table(
        "Automation rules",
        &Rows::new(&["ON", "RULE", "VERDICT", "MESSAGE"], rows),
    );
}
