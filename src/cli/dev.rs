//! `riposte dev`: the whole system on this machine, without a cluster.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::FAILED;
use super::measures::LocalMeasures;
use super::output::{Style, Tone, clean, plain};
use super::remote;
use super::watch::Watch;
use crate::catalog::{Catalog, Current, DEFAULT_NAMESPACE, Folder};
use crate::connectors::Egress;
use crate::engine::Notice;
use crate::engine::event::Event;
use crate::engine::state::State;
use crate::local::events::{self, Replayed};
use crate::local::{FakeMode, Options, System, token};
use crate::rules::IncidentView;
use crate::rules::evaluation::{self, ActionOutcome};
use crate::server::{self, Reach, ServerState, Settings, Tokens};

/// The example that is run where no folder is named.
const EXAMPLE: &str = "examples/quickstart";

/// Runs the whole system on this machine: manifests of a folder, intake on loopback, SQLite in `.riposte/`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder with manifests and ARM templates; events below a folder `events` are delivered once.
    #[arg(value_name = "PATH", default_value = EXAMPLE)]
    path: PathBuf,

    /// Where store and keys are.
    #[arg(long, value_name = "DIR", default_value = ".riposte")]
    data: PathBuf,

    /// Address of the server.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4280")]
    listen: SocketAddr,

    /// The workspace that the events of the folder belong to.
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    workspace: String,

    /// Serve small fakes of services whose connections have no credentials.
    #[arg(long)]
    fakes: bool,

    /// End when everything that the events caused has ended; fails if a run or a rule failed.
    #[arg(long)]
    once: bool,

    /// Let calls reach these private networks too, in CIDR form.
    #[arg(long, value_name = "CIDR")]
    allow_network: Vec<ipnet::IpNet>,

    /// Send the traces of runs to a collector of OpenTelemetry at this base URL, by OTLP over HTTP. Default: what
    /// OTEL_EXPORTER_OTLP_ENDPOINT says; without it none are sent.
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(execute(arguments))
}

async fn execute(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let handle = Folder::open(&arguments.path)?;
    let catalog = Current(handle.changed());
    super::report(&catalog.get());
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; name another address with --listen, such as 127.0.0.1:0",
            arguments.listen
        )
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    let options = Options {
        data: arguments.data.clone(),
        public_url: url.clone(),
        fakes: if arguments.fakes {
            FakeMode::Always
        } else {
            FakeMode::WhereAsked
        },
        mocks: None,
        egress: Egress {
            allowed_networks: arguments.allow_network.clone(),
            ..Egress::default()
        },
        schedules: true,
        traces: super::otlp_endpoint(arguments.otlp_endpoint.as_deref()),
    };
    let system = System::open(catalog, options).await?;
    let stop = CancellationToken::new();
    let settings = settings(arguments, listener.local_addr()?)?;
    let state = ServerState::new(
        system.desk.clone(),
        system.engine.clone(),
        system.store.clone(),
        settings,
    )
    .with_catalog(system.catalog.clone())
    .with_measures(Arc::new(LocalMeasures::new(&system.store, system.figures.clone())));
    let announced = Announced::write(&arguments.data, &url)?;
    let serving = tokio::spawn(server::serve(listener, state, stop.clone()));
    let mut session = Session::new(&system);
    session.greet(arguments, &url);
    let outcome = session.follow(arguments).await;
    stop.cancel();
    serving.await.context("the server broke off")??;
    drop(announced);
    system.stop().await;
    outcome
}

/// The file that tells other commands where the server is; it goes when the server stops.
struct Announced(PathBuf);

impl Announced {
    fn write(data: &Path, url: &str) -> anyhow::Result<Self> {
        let file = data.join(remote::SERVER_FILE);
        std::fs::write(&file, url).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self(file))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // A file that stays leads to a server that does not answer, and is passed over.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Settings of the local server: one token for all workspaces, pages open on loopback.
fn settings(arguments: &Arguments, address: SocketAddr) -> anyhow::Result<Settings> {
    let path = arguments.data.join("token");
    let token = token::load_or_create(&path).with_context(|| format!("cannot read or make {}", path.display()))?;
    let mut tokens = Tokens::default();
    tokens
        .add("local", &token, Reach::All)
        .with_context(|| format!("the token in {} is unusable", path.display()))?;
    let loopback = address.ip().is_loopback();
    Ok(Settings {
        tokens,
        loopback_port: loopback.then_some(address.port()),
        open_pages: loopback,
        ..Settings::default()
    })
}

/// What `dev` shows of one system.
struct Session<'a> {
    system: &'a System,
    style: Style,
    watch: Watch,
    notices: broadcast::Receiver<Notice>,
    /// Incidents that changed since they were shown.
    touched: BTreeSet<String>,
    failed: bool,
    ran: bool,
}

impl<'a> Session<'a> {
    fn new(system: &'a System) -> Self {
        let style = Style::stdout();
        let notices = system.engine.watch();
        Self {
            system,
            style,
            watch: Watch::new(style),
            notices,
            touched: BTreeSet::new(),
            failed: false,
            ran: false,
        }
    }

    /// Says what was loaded and where things are; on standard error, because it is no result.
    fn greet(&self, arguments: &Arguments, url: &str) {
        let catalog = self.system.catalog.get();
        eprintln!("{} from {}", contents(&catalog), arguments.path.display());
        let fakes = self.system.fakes.iter().flat_map(|fakes| fakes.addresses());
        fakes.for_each(|(connector, address)| say_faked(&connector, &address));
        let (data, workspace) = (arguments.data.display(), &arguments.workspace);
        eprintln!("server on {url}, bearer token in {data}/token, data in {data}/");
        eprintln!("events go to {url}/v1/workspaces/{workspace}/events");
    }

    async fn refresh_fakes(&self) -> anyhow::Result<()> {
        let Some(fakes) = &self.system.fakes else { return Ok(()) };
        let started = fakes.refresh().await.context("cannot serve a fake")?;
        started
            .iter()
            .for_each(|(connector, address)| say_faked(connector, address));
        Ok(())
    }

    /// Delivers the events, then shows what happens until the end. An incident is shown when everything that was begun
    /// about it has ended.
    async fn follow(&mut self, arguments: &Arguments) -> anyhow::Result<ExitCode> {
        self.deliver(arguments).await?;
        let mut changes = self.system.catalog.0.clone();
        changes.mark_unchanged();
        let mut stop = std::pin::pin!(super::stop_signal());
        loop {
            if self.is_quiet().await? {
                self.show_touched().await?;
                if arguments.once {
                    return Ok(self.verdict());
                }
            }
            tokio::select! {
                notice = self.notices.recv() => self.notice(notice).await?,
                Ok(()) = changes.changed() => {
                    let catalog = changes.borrow_and_update().clone();
                    self.changed(&catalog).await?;
                }
                stopped = &mut stop => {
                    stopped?;
                    eprintln!("stopped; what has not ended goes on at the next start");
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
    }

    /// The result of `--once`.
    fn verdict(&self) -> ExitCode {
        if !self.ran && !self.failed {
            eprintln!("no playbook ran: there was no new event, or no rule matched");
        }
        if self.ran && !self.failed {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAILED)
        }
    }

    async fn show_touched(&mut self) -> anyhow::Result<()> {
        for incident in std::mem::take(&mut self.touched) {
            self.show_incident(&incident).await?;
        }
        Ok(())
    }

    /// Whether everything that was begun has ended and been shown.
    async fn is_quiet(&self) -> anyhow::Result<bool> {
        Ok(self.notices.is_empty() && self.system.store.open_runs_count().await? == 0)
    }

    /// Delivers the event files and says what became of them.
    async fn deliver(&mut self, arguments: &Arguments) -> anyhow::Result<()> {
        let mut before = 0;
        for file in events::find(&arguments.path) {
            let system = self.system;
            match events::replay(&file, &arguments.workspace, &system.desk, &system.store).await {
                Ok(Replayed { before: true, .. }) => before += 1,
                Ok(replayed) => self.show_event(&arguments.path, &replayed).await?,
                Err(error) => {
                    self.failed = true;
                    eprintln!("error: {}", clean(&error.to_string()));
                }
            }
        }
        if before > 0 {
            let data = arguments.data.display();
            eprintln!("{before} of the events were delivered by an earlier start; delete {data}/ to begin anew");
        }
        self.system.engine.poke();
        Ok(())
    }

    async fn show_event(&mut self, root: &Path, replayed: &Replayed) -> anyhow::Result<()> {
        let name = replayed
            .path
            .strip_prefix(root)
            .unwrap_or(&replayed.path)
            .display()
            .to_string();
        let mut lines = vec![format!("event {} ({})", clean(&name), replayed.format.as_str())];
        for accepted in &replayed.accepted {
            if let Some(alert) = &accepted.alert
                && let Some(alert) = self.system.desk.alert(alert).await?
            {
                lines.push(format!(
                    "   alert {} {}",
                    self.severity(alert.severity.as_str()),
                    clean(&alert.title)
                ));
            }
            if let Some((id, number)) = &accepted.incident {
                self.touched.insert(id.clone());
                let joined = if accepted.joined { "joined" } else { "opened" };
                lines.push(format!("   {joined} incident #{number}"));
            }
        }
        self.watch.print(&lines);
        Ok(())
    }

    fn severity(&self, severity: &str) -> String {
        let tone = match severity {
            "High" => Tone::Bad,
            "Medium" => Tone::Warn,
            _ => Tone::Quiet,
        };
        self.style.paint(tone, severity)
    }

    async fn notice(&mut self, notice: Result<Notice, broadcast::error::RecvError>) -> anyhow::Result<()> {
        match notice {
            Ok(Notice::Run { run, workflow, event }) => {
                if !self.watch.follows(&run) && !matches!(*event, Event::Closed { .. }) {
                    self.begin(&run, workflow.clone()).await?;
                }
                self.watch.event(&run, &event);
            }
            Ok(Notice::Ended { run, kind, status, .. }) => {
                if kind == crate::engine::shell::EVALUATION {
                    self.show_rules(&run).await?;
                } else {
                    self.ran = true;
                    self.failed |= status != "Succeeded";
                    self.show_end(&run).await?;
                }
                let about = self.system.store.run(&run).await?.and_then(|row| row.incident);
                self.touched.extend(about);
            }
            Ok(Notice::Waiting { .. }) => {}
            // What was missed is in the store; the trees of runs that go on begin anew with their next event.
            Err(_) => {}
        }
        Ok(())
    }

    /// Begins to follow a run at what the store has of it.
    async fn begin(&mut self, run: &str, workflow: Arc<crate::definition::Workflow>) -> anyhow::Result<()> {
        let (_, events) = self.system.engine.history(run).await?;
        let state = State::fold(&workflow, &events)?;
        if state.closed.is_none() {
            self.watch.follow(workflow, state);
        }
        Ok(())
    }

    /// Shows a run that ended so fast that it was not followed.
    async fn show_end(&mut self, run: &str) -> anyhow::Result<()> {
        if !self.watch.shown(run) {
            let (workflow, events) = self.system.engine.history(run).await?;
            let state = State::fold(&workflow, &events)?;
            self.watch.ended(&workflow, &state);
        }
        Ok(())
    }

    /// Shows what the rules did, and what a failed action needs.
    async fn show_rules(&mut self, run: &str) -> anyhow::Result<()> {
        let state = self.system.engine.evaluation(run).await?;
        let mut lines = Vec::new();
        for rule in state.rules() {
            let name = clean(&rule.pinned.name);
            match &rule.verdict {
                evaluation::Verdict::Matched => {
                    lines.push(format!("rule {} matched", self.style.paint(Tone::Strong, &name)))
                }
                evaluation::Verdict::Stopped => {
                    let text = format!("rule {name} is stopped: {}", evaluation::Verdict::LOOP);
                    lines.push(self.style.paint(Tone::Bad, &text));
                }
                evaluation::Verdict::Skipped { reason } => {
                    let text = format!("rule {name} does not apply: {}", clean(reason));
                    lines.push(self.style.paint(Tone::Quiet, &text));
                }
                evaluation::Verdict::Pending => {}
            }
            for action in &rule.actions {
                if let Some(ActionOutcome::Failed { code, message, remedy }) = &action.outcome {
                    self.failed = true;
                    lines.push(self.style.paint(Tone::Bad, &format!("   {code}: {}", clean(message))));
                    lines.extend(
                        remedy
                            .iter()
                            .flat_map(|manifest| manifest.lines())
                            .map(|line| format!("      {line}")),
                    );
                }
            }
        }
        self.watch.print(&lines);
        Ok(())
    }

    /// A new catalog: its problems, its fakes.
    async fn changed(&mut self, catalog: &Catalog) -> anyhow::Result<()> {
        eprintln!("reloaded: {}", contents(catalog));
        super::report(catalog);
        self.refresh_fakes().await
    }

    async fn show_incident(&mut self, id: &str) -> anyhow::Result<()> {
        if let Some(view) = self.system.desk.view(id).await? {
            let lines = self.incident(&view);
            self.watch.print(&lines);
        }
        Ok(())
    }

    fn incident(&self, view: &IncidentView) -> Vec<String> {
        let incident = &view.incident;
        let title = self.style.paint(Tone::Strong, &clean(&incident.title));
        let severity = self.severity(incident.severity.as_str());
        let mut lines = vec![format!(
            "incident #{} {severity} {} {title}",
            incident.number,
            incident.status.as_str()
        )];
        lines.push(format!("   {}", self.system.desk.workspaces().incident_url(incident)));
        let entities = view.entities();
        let names = entities
            .iter()
            .map(|entity| format!("{} {}", entity.kind.as_str(), clean(&entity.friendly_name())));
        lines.push(format!("   entities: {}", names.collect::<Vec<_>>().join(", ")));
        for label in &incident.labels {
            lines.push(format!("   label: {}", clean(&label.label_name)));
        }
        for task in &view.tasks {
            lines.push(format!("   task: {}", clean(&task.title)));
        }
        for comment in &view.comments {
            lines.push(format!(
                "   comment by {}: {}",
                clean(&comment.author),
                plain(&comment.message)
            ));
        }
        lines
    }
}

fn say_faked(connector: &str, address: &str) {
    eprintln!("fake of {connector} on {address}: its connection has no credentials, the answers are invented");
}

/// What a catalog holds, for people.
fn contents(catalog: &Catalog) -> String {
    let count = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}",
        count(catalog.playbooks().count(), "playbook"),
        count(catalog.all_rules().count(), "automation rule"),
        count(catalog.connections().count(), "API connection")
    )
}
