//! `riposte run`: one run of a playbook on this machine, to its end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::FAILED;
use super::output::{Style, clean};
use super::watch::Watch;
use crate::api::yaml;
use crate::catalog::{Catalog, Current, DEFAULT_NAMESPACE, Folder};
use crate::connectors::Egress;
use crate::definition::Workflow;
use crate::engine::Notice;
use crate::engine::content::Content as _;
use crate::engine::start::{Request, StartKind};
use crate::engine::state::State;
use crate::engine::status::RunStatus;
use crate::engine::view;
use crate::expression::Value;
use crate::incidents::{Accepted, Desk};
use crate::intake::{self, Format, Intake};
use crate::local::{FakeMode, Options, System};
use crate::rehearsal::{Mocks, Occasion, OccasionError, Stage, Unmocked, record, rehearse};
use crate::rules::Entity;
use crate::rules::body::{self, EventType};

/// Runs a playbook once, on this machine, and shows it as a live tree.
#[derive(clap::Args)]
pub struct Arguments {
    /// Manifest, ARM template or workflow definition; or a folder of manifests.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Name of the playbook, if the file holds several.
    #[arg(long, value_name = "NAME")]
    playbook: Option<String>,

    #[command(flatten)]
    trigger: Trigger,

    /// YAML or JSON file with answers by action or operation: {ACTION: {statusCode, headers, body}, "GET /PATH": …}.
    #[arg(long, value_name = "FILE")]
    mocks: Option<PathBuf>,

    /// Rehearse: nobody is called, every call without a mock gets an example of what the playbook expects, and no wait
    /// takes time. Without a trigger's file one is made up; what has no value gets a placeholder.
    #[arg(long)]
    mock_all: bool,

    /// Write what the calls were answered as mocks, for `--mocks` and tests; secrets are hidden.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Let calls reach these private networks too, in CIDR form.
    #[arg(long, value_name = "CIDR")]
    allow_network: Vec<ipnet::IpNet>,

    /// How the run is printed.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What starts the run.
#[derive(clap::Args)]
#[group(required = false, multiple = false)]
struct Trigger {
    /// JSON file with an incident: Riposte's own form, or the body of Sentinel's trigger.
    #[arg(long, value_name = "FILE")]
    incident: Option<PathBuf>,
    /// JSON file with an alert, in any format of the intake.
    #[arg(long, value_name = "FILE")]
    alert: Option<PathBuf>,
    /// JSON file with an entity: {"kind": "Ip", "properties": {"address": "…"}}.
    #[arg(long, value_name = "FILE")]
    entity: Option<PathBuf>,
    /// JSON file with the body of the trigger, as it is.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// How a run is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// A tree.
    #[default]
    Tree,
    /// JSON: status, actions, variables, outputs.
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let catalog = Folder::read(&arguments.file)?;
    let errors = super::report(&catalog);
    let (namespace, playbook) = choose(&catalog, arguments.playbook.as_deref()).with_context(|| {
        format!(
            "{} holds no playbook that can run ({errors} errors)",
            arguments.file.display()
        )
    })?;
    let current = Current::fixed(catalog);
    let stage = stage(&current, &namespace, &playbook)?;
    let (workflow, state) = if arguments.mock_all {
        rehearsed(arguments, &stage)?
    } else {
        super::runtime()?.block_on(execute(arguments, current, namespace, playbook))?
    };
    if let Some(path) = &arguments.record {
        let mocks = serde_json::Value::from(&record(&stage, &workflow, &state));
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let text = if is_json {
            format!("{mocks:#}\n")
        } else {
            yaml::write(&mocks)
        };
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(match state.closed.map(|closed| closed.status) {
        Some(RunStatus::Succeeded) => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    })
}

fn stage(current: &Current, namespace: &str, name: &str) -> anyhow::Result<Stage> {
    let catalog = current.get();
    let playbook = current.playbook(namespace, name).context("the playbook has gone")?;
    Ok(Stage::new(playbook, |connector| {
        catalog.usable_connector(namespace, connector)
    }))
}

/// A run that reaches nobody, at its end at once.
fn rehearsed(arguments: &Arguments, stage: &Stage) -> anyhow::Result<(Arc<Workflow>, State)> {
    for note in stage.notes() {
        eprintln!("note: {}", clean(note));
    }
    let now = Timestamp::now();
    let occasion = occasion(&arguments.trigger, stage, now)?;
    let mocks = mocks(arguments)?.unwrap_or_default();
    let playbook = stage.playbook();
    let finished = rehearse(stage, playbook, &occasion, &mocks, Unmocked::Example, now)?;
    if finished.runs > 1 {
        eprintln!(
            "note: the trigger's `splitOn` gives {} runs; this is the first",
            finished.runs
        );
    }
    let workflow = playbook.workflow.clone();
    match arguments.output {
        Output::Json => println!("{}", view::run(&workflow, &finished.state).to_json()),
        Output::Tree => Watch::new(Style::stdout()).ended(&workflow, &finished.state),
    }
    Ok((workflow, finished.state))
}

/// What the trigger's file says, or something made up that fits the trigger.
fn occasion(trigger: &Trigger, stage: &Stage, now: Timestamp) -> anyhow::Result<Occasion> {
    let namespace = &stage.playbook().namespace;
    let of = |path: &Path, occasion: Result<Occasion, OccasionError>| {
        occasion.with_context(|| format!("{} cannot be read", path.display()))
    };
    if let Some(path) = &trigger.incident {
        return of(path, Occasion::incident(&read(path)?, namespace, now));
    }
    if let Some(path) = &trigger.alert {
        return of(path, Occasion::alert(&read(path)?, namespace, now));
    }
    if let Some(path) = &trigger.entity {
        return of(path, Occasion::entity(&read(path)?, namespace, now));
    }
    match &trigger.body {
        Some(path) => of(path, Occasion::body(Value::from(read(path)?), namespace, now)),
        None => Ok(Occasion::made_up(stage, now)?),
    }
}

async fn execute(
    arguments: &Arguments,
    catalog: Current,
    namespace: String,
    playbook: String,
) -> anyhow::Result<(Arc<Workflow>, State)> {
    let data = Scratch::new();
    let options = Options {
        data: data.0.clone(),
        public_url: "http://127.0.0.1".into(),
        fakes: FakeMode::Never,
        mocks: mocks(arguments)?,
        egress: Egress {
            allowed_networks: arguments.allow_network.clone(),
            ..Egress::default()
        },
        schedules: false,
        traces: None,
    };
    let system = System::open(catalog, options).await?;
    // The engine stops before its folder goes, whatever came of the run.
    let ended = start(arguments, &system, namespace, playbook).await;
    system.stop().await;
    ended
}

async fn start(
    arguments: &Arguments,
    system: &System,
    namespace: String,
    playbook: String,
) -> anyhow::Result<(Arc<Workflow>, State)> {
    let request = request(&arguments.trigger, &system.desk, namespace, playbook).await?;
    let style = Style::stdout();
    let style = Style {
        live: arguments.output == Output::Tree && style.live,
        ..style
    };
    follow(system, &request, style, arguments.output).await
}

/// Starts the run, shows it, and waits for its end.
async fn follow(
    system: &System,
    request: &Request,
    style: Style,
    output: Output,
) -> anyhow::Result<(Arc<Workflow>, State)> {
    let mut notices = system.engine.watch();
    let runs = system.engine.start(request).await?;
    let Some(run) = runs.first() else {
        bail!("the trigger's `splitOn` gave no element, so there is no run")
    };
    let (workflow, events) = system.engine.history(run).await?;
    let state = State::fold(&workflow, &events)?;
    let mut watch = Watch::new(style);
    if output == Output::Tree {
        watch.follow(workflow.clone(), state);
    }
    loop {
        match notices.recv().await {
            Ok(Notice::Run { run: other, event, .. }) if output == Output::Tree => watch.event(&other, &event),
            Ok(Notice::Ended { run: other, .. }) if other == *run => break,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    system.engine.ended(run).await?;
    let (workflow, events) = system.engine.history(run).await?;
    let state = State::fold(&workflow, &events)?;
    match output {
        Output::Json => println!("{}", view::run(&workflow, &state).to_json()),
        // A fast run can end before it is followed.
        Output::Tree if !watch.shown(run) => watch.ended(&workflow, &state),
        Output::Tree => {}
    }
    Ok((workflow, state))
}

fn choose(catalog: &Catalog, wanted: Option<&str>) -> Option<(String, String)> {
    let mut playbooks = catalog
        .playbooks()
        .filter(|playbook| wanted.is_none_or(|name| name == playbook.name));
    playbooks
        .next()
        .map(|playbook| (playbook.namespace.clone(), playbook.name.clone()))
}

fn mocks(arguments: &Arguments) -> anyhow::Result<Option<Mocks>> {
    let Some(path) = &arguments.mocks else { return Ok(None) };
    let mocks = Mocks::read(&Value::from(read(path)?));
    let told = |problems: Vec<(String, String)>| {
        let lines = problems
            .iter()
            .map(|(place, message)| format!("{}: '{place}' {message}", path.display()));
        anyhow::anyhow!(lines.collect::<Vec<_>>().join("\n"))
    };
    mocks.map(Some).map_err(told)
}

/// One document of a YAML or JSON file.
fn read(path: &Path) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let read = if is_json {
        yaml::parse_json(&text).map(|document| vec![document])
    } else {
        yaml::parse(&text)
    };
    let documents = read.map_err(|problem| anyhow::anyhow!(problem.error(&path.display().to_string())))?;
    let document = documents
        .into_iter()
        .next()
        .with_context(|| format!("{} is empty", path.display()))?;
    Ok(document.json)
}

/// The request that the trigger's file makes.
async fn request(trigger: &Trigger, desk: &Desk, namespace: String, playbook: String) -> anyhow::Result<Request> {
    let base = Request {
        namespace,
        playbook,
        requester: "user/local".into(),
        ..Request::default()
    };
    if let Some(path) = &trigger.incident {
        let incident = accept(path, desk, Format::Incident, &[Format::SentinelIncident]).await?;
        let (id, _) = incident.incident.context("the file holds no incident")?;
        let view = desk.view(&id).await?.context("the incident was not stored")?;
        let ids = desk.workspaces().ids(DEFAULT_NAMESPACE);
        let body = body::incident_trigger(&view, None, &ids, EventType::Manual, &id);
        return Ok(Request {
            body,
            kind: StartKind::Incident,
            incident: Some(id),
            ..base
        });
    }
    if let Some(path) = &trigger.alert {
        let others = [Format::SentinelAlert, Format::Falco, Format::Alertmanager];
        let accepted = accept(path, desk, Format::Alert, &others).await?;
        let id = accepted.alert.context("the file holds no alert")?;
        let alert = desk.alert(&id).await?.context("the alert was not stored")?;
        let body = body::alert_trigger(&alert, &desk.workspaces().ids(DEFAULT_NAMESPACE));
        return Ok(Request {
            body,
            kind: StartKind::Alert,
            incident: accepted.incident.map(|(id, _)| id),
            ..base
        });
    }
    if let Some(path) = &trigger.entity {
        let entity = Entity::from_json(&read(path)?).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let body = body::entity_trigger(&entity, None, &desk.workspaces().ids(DEFAULT_NAMESPACE));
        return Ok(Request {
            body,
            kind: StartKind::Entity,
            ..base
        });
    }
    let body = trigger
        .body
        .as_deref()
        .map(read)
        .transpose()?
        .map(Value::from)
        .unwrap_or_default();
    Ok(Request {
        body,
        kind: StartKind::Body,
        ..base
    })
}

/// Stores the one delivery of a file: in Riposte's own format, unless it is recognised as one of the others.
async fn accept(path: &Path, desk: &Desk, native: Format, others: &[Format]) -> anyhow::Result<Accepted> {
    let (found, bytes) = crate::local::events::read(path)?;
    // The option says what the file is; what it looks like only tells the forms apart.
    let format = found.filter(|format| others.contains(format)).unwrap_or(native);
    let now = Timestamp::now();
    let decoded: Vec<Intake> = intake::decode(format, &bytes, DEFAULT_NAMESPACE, now)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let accepted = desk.accept(decoded, now).await?;
    accepted
        .into_iter()
        .next()
        .with_context(|| format!("{} holds nothing", path.display()))
}

/// A folder for one run, deleted at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("riposte-run-{}", uuid::Uuid::now_v7())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
