//! `riposte get`, `riposte runs` and `riposte incidents`: lists and objects, as kubectl prints them, once or as they
//! change.

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::describe;
use super::print::{Output, Rows, objects, text};
use super::remote::{JSON, Remote, TABLE, Target};
use super::resource::Resource;

/// How often a list is looked at again with `--watch`.
const PERIOD: Duration = Duration::from_secs(1);

/// Lists things, or shows one.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to show.
    #[arg(value_enum, value_name = "KIND")]
    resource: Resource,

    /// Name of one; an incident is named by its number.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    target: Target,
}

/// Lists the runs of playbooks, the newest first.
#[derive(clap::Args)]
pub struct RunsArguments {
    /// Only runs of this playbook.
    #[arg(value_name = "PLAYBOOK")]
    playbook: Option<String>,

    /// The same.
    #[arg(long = "playbook", value_name = "PLAYBOOK", conflicts_with = "playbook")]
    of: Option<String>,

    /// Only runs that stand so: Running, Succeeded, Failed, Cancelled or TimedOut; several with commas.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,

    /// Only runs that failed or timed out.
    #[arg(long, conflicts_with = "status")]
    failed: bool,

    /// Only runs that began within this time, such as `2h`, or since a time such as 2026-01-31T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<jiff::Timestamp>,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    target: Target,
}

/// Lists incidents, the newest first, or describes one.
#[derive(clap::Args)]
pub struct IncidentsArguments {
    /// Number of one, to see everything about it.
    #[arg(value_name = "NUMBER")]
    number: Option<String>,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    target: Target,
}

/// How things are shown.
#[derive(clap::Args, Clone, Debug)]
pub struct Show {
    /// Of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Go on, and print what changes.
    #[arg(short, long)]
    watch: bool,

    /// Print no header.
    #[arg(long)]
    no_headers: bool,

    /// At most this many, the newest.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

/// `riposte get`.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let show = &arguments.show;
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let namespace = (!show.all_namespaces).then(|| remote.namespace.clone());
        let path = match (&arguments.name, namespace) {
            (Some(name), Some(namespace)) => arguments.resource.one(&namespace, name),
            (Some(_), None) => anyhow::bail!("a name and --all-namespaces do not go together"),
            (None, namespace) => arguments.resource.list(namespace.as_deref()),
        };
        print(&remote, arguments.resource, &with_limit(&path, show), show).await
    })
}

/// `riposte runs`.
pub fn runs(arguments: &RunsArguments) -> anyhow::Result<ExitCode> {
    let show = &arguments.show;
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let namespace = (!show.all_namespaces).then_some(&*remote.namespace);
        let playbook = arguments.playbook.as_ref().or(arguments.of.as_ref());
        let selector = playbook.map(|name| format!("spec.playbook={name}"));
        let status = if arguments.failed {
            Some("Failed,TimedOut")
        } else {
            arguments.status.as_deref()
        };
        let since = arguments.since.map(|since| since.to_string());
        let path = with_query(
            &Resource::Runs.list(namespace),
            &[
                ("limit", show.limit.map(|limit| limit.to_string())),
                ("fieldSelector", selector),
                ("status", status.map(str::to_owned)),
                ("since", since),
            ],
        );
        print(&remote, Resource::Runs, &path, show).await
    })
}

/// A time, or how long ago it was.
fn since(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = jiff::SignedDuration::from_millis(super::keep::length(text)?);
    let now = jiff::Timestamp::now();
    now.checked_sub(ago).map_err(|error| error.to_string())
}

/// `riposte incidents`.
pub fn incidents(arguments: &IncidentsArguments) -> anyhow::Result<ExitCode> {
    let show = &arguments.show;
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let namespace = (!show.all_namespaces).then_some(&*remote.namespace);
        match &arguments.number {
            Some(number) if show.output.is_table() && !show.watch => {
                describe::show(&remote, Resource::Incidents, number).await
            }
            Some(number) => {
                let path = Resource::Incidents.one(&remote.namespace, number);
                print(&remote, Resource::Incidents, &path, show).await
            }
            None => {
                let path = with_limit(&Resource::Incidents.list(namespace), show);
                print(&remote, Resource::Incidents, &path, show).await
            }
        }
    })
}

fn with_limit(path: &str, show: &Show) -> String {
    with_query(path, &[("limit", show.limit.map(|limit| limit.to_string()))])
}

fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

async fn print(remote: &Remote, resource: Resource, path: &str, show: &Show) -> anyhow::Result<ExitCode> {
    if show.watch {
        return watch(remote, resource, path, show).await;
    }
    if !show.output.is_table() {
        let value = remote.get(path, JSON).await?;
        return out(&objects(resource, &value, show.output));
    }
    let rows = rows(&remote.get(path, TABLE).await?, show);
    if rows.rows.is_empty() {
        eprintln!("no {} found", resource.plural());
        return Ok(ExitCode::SUCCESS);
    }
    out(&joined(&rows.lines(!show.no_headers)))
}

fn rows(table: &Value, show: &Show) -> Rows {
    Rows::of(table, show.output == Output::Wide, show.all_namespaces)
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Prints; a reader that went away ends the command, as it ends other programs.
pub fn out(text: &str) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        printed => printed.map(|()| ExitCode::SUCCESS).map_err(Into::into),
    }
}

/// Prints everything, and then what is new or changed, until interrupted.
async fn watch(remote: &Remote, resource: Resource, path: &str, show: &Show) -> anyhow::Result<ExitCode> {
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut with_header = !show.no_headers;
    loop {
        let entries = if show.output.is_table() {
            let table = remote.get(path, TABLE).await?;
            let entries = table_entries(&table, show, with_header);
            with_header &= entries.is_empty();
            entries
        } else {
            object_entries(&remote.get(path, JSON).await?, resource, show.output)
        };
        let mut changed = String::new();
        for (key, lasting, text) in entries {
            if known.get(&key) != Some(&lasting) {
                changed += &text;
                known.insert(key, lasting);
            }
        }
        out(&changed)?;
        tokio::time::sleep(PERIOD).await;
    }
}

/// What is known of one thing: its key, what tells whether it changed, and its text.
type Entry = (String, Value, String);

fn table_entries(table: &Value, show: &Show, with_header: bool) -> Vec<Entry> {
    let rows = rows(table, show);
    let lines = rows.lines(true);
    let mut entries = Vec::new();
    let objects = table["rows"].as_array().into_iter().flatten();
    for ((row, line), object) in rows.rows.iter().zip(&lines[1..]).zip(objects) {
        let metadata = &object["object"]["metadata"];
        let key = format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"]));
        entries.push((key, Value::from(rows.lasting(row)), format!("{line}\n")));
    }
    if with_header && let Some((_, _, first)) = entries.first_mut() {
        *first = format!("{}\n{first}", lines[0]);
    }
    entries
}

fn object_entries(value: &Value, resource: Resource, output: Output) -> Vec<Entry> {
    let one = std::slice::from_ref(value);
    let items = value.get("items").and_then(Value::as_array).map_or(one, Vec::as_slice);
    let entry = |item: &Value| {
        let metadata = &item["metadata"];
        let key = format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"]));
        let separator = if output == Output::Yaml { "---\n" } else { "" };
        let text = format!("{separator}{}", objects(resource, item, output));
        (key, item.clone(), text)
    };
    items.iter().map(entry).collect()
}
