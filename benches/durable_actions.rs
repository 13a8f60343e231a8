//! A load test of durable runs: a real store on the disk, the real engine, real HTTP to a service on loopback.
//!
//! `cargo bench --bench durable_actions -- [--quick] [--store=URL] [idle] [waiting] [actions] [latency] [rate] [foreach]`
//! prints one line a scenario and ends by itself: each scenario is bounded in time and in count. `--quick` only tries that
//! all of it works. With the URL of a PostgreSQL server, such as `postgres://riposte@localhost/postgres`, each scenario has
//! a database of its own there; its user must be allowed to make one. Everything shares the machine's cores: engine, store,
//! service and load.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::catalog::{Current, Folder};
use riposte::connectors::{Client, Connections, ConnectorServices, Egress, ResolvedConnection};
use riposte::definition::{self, Limits};
use riposte::engine::content::{Content, Playbook, Undecided};
use riposte::engine::start::Request;
use riposte::engine::{Engine, Notice, shell};
use riposte::expression::Value;
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::local::{Options, System};
use riposte::store::{Address, Location, Sealer, Store};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Longer than any scenario may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Steps of a run of the scenario `actions`.
const STEPS: usize = 10;
/// Appends that tell how fast the disk is.
const PROBES: usize = 200;
/// Runs at a time, where there is no rate.
const AT_A_TIME: usize = 200;

/// How much load.
#[derive(Clone, Copy)]
struct Scale {
    load: Duration,
    playbooks: usize,
    waiting: usize,
    items: usize,
    slow_rate: u32,
    fast_rate: u32,
}

const FULL: Scale = Scale {
    load: Duration::from_secs(10),
    playbooks: 1_000,
    waiting: 100_000,
    items: 5_000,
    slow_rate: 200,
    fast_rate: 2_000,
};
const QUICK: Scale = Scale {
    load: Duration::from_millis(500),
    playbooks: 20,
    waiting: 200,
    items: 200,
    slow_rate: 200,
    fast_rate: 400,
};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scale = if arguments.iter().any(|argument| argument == "--quick") {
        QUICK
    } else {
        FULL
    };
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    // Nothing else of this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let server = arguments.iter().find_map(|argument| argument.strip_prefix("--store="));
    let place = Place {
        folder: folder.path().to_owned(),
        server: server.map(str::to_owned),
    };
    let store = match &place.server {
        Some(_) => "PostgreSQL with its own fsync and synchronous_commit",
        None => "SQLite in WAL mode, synchronous=FULL",
    };
    println!(
        "{} cores for engine, store, service and load; {store}, group commit",
        std::thread::available_parallelism()?
    );
    let service = Service::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // The first in a fresh process, so that idle memory is that of an idle engine.
        if wants("idle") {
            idle(&place.folder.join("idle"), scale).await?;
        }
        if wants("waiting") {
            waiting(&service, &place, scale).await?;
        }
        if wants("actions") {
            actions(&service, &place, scale).await?;
        }
        if wants("latency") {
            rate("latency", &service, &place, scale.slow_rate, scale.load).await?;
        }
        if wants("rate") {
            rate("rate", &service, &place, scale.fast_rate, scale.load).await?;
        }
        if wants("foreach") {
            foreach(&service, &place, scale).await?;
        }
        Ok(())
    })
}

/// Where stores of scenarios are made.
struct Place {
    folder: PathBuf,
    /// URL of a PostgreSQL server; without one stores are folders.
    server: Option<String>,
}

impl Place {
    async fn store(&self, name: &str) -> anyhow::Result<Location> {
        let Some(server) = &self.server else {
            return Ok(self.folder.join(name).into());
        };
        let database = format!("riposte_bench_{name}_{}", std::process::id());
        let mut connection = PgConnection::connect(server).await?;
        let statement = format!("CREATE DATABASE {database}");
        // The name is made of constants and a number.
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        let mut url = Url::parse(server)?;
        url.set_path(&database);
        Ok(Address::parse(url.as_str())?.into())
    }
}

/// A whole local system with many playbooks, and nothing to do.
async fn idle(folder: &Path, scale: Scale) -> anyhow::Result<()> {
    let manifests = folder.join("manifests");
    std::fs::create_dir_all(&manifests)?;
    let mut steps = json!({});
    for step in 0..STEPS {
        steps[format!("Step_{step}")] = get("https://service.example/@{triggerBody()?['id']}", json!({}));
    }
    for number in 0..scale.playbooks {
        let playbook = json!({
            "apiVersion": "riposte.dev/v1alpha1",
            "kind": "Playbook",
            "metadata": {"name": format!("playbook-{number}")},
            "spec": {"definition": {
                "triggers": {"manual": {"type": "Request", "kind": "Http"}},
                "actions": steps,
            }},
        });
        std::fs::write(manifests.join(format!("{number}.yaml")), playbook.to_string())?;
    }
    let catalog = Folder::open(&manifests, Limits::default())?;
    let known = catalog.changed().borrow().playbooks().count();
    ensure!(known == scale.playbooks, "{known} playbooks are valid");
    let options = Options {
        data: folder.join("data"),
        schedules: true,
        ..Options::default()
    };
    let system = System::open(Current(catalog.changed()), options).await?;
    println!(
        "idle: a system with {known} playbooks of {STEPS} actions: {:.1} MiB resident",
        resident()?
    );
    system.stop().await;
    Ok(())
}

/// What an append and fsync of 4 KiB takes on this disk now. On a shared disk that changes within seconds, and with it
/// every latency, so each scenario tells it anew.
fn probe(folder: &Path) -> anyhow::Result<String> {
    let mut file = std::fs::File::create(folder.join("probe"))?;
    let mut times = Vec::new();
    for _ in 0..PROBES {
        let begin = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(percentiles(&mut times))
}

/// 200 runs at a time of ten HTTP calls, one after the other.
async fn actions(service: &Service, place: &Place, scale: Scale) -> anyhow::Result<()> {
    let mut steps = json!({});
    for step in 0..STEPS {
        let after = match step {
            0 => json!({}),
            _ => json!({format!("Step_{}", step - 1): ["Succeeded"]}),
        };
        steps[format!("Step_{step}")] = get(&service.url("/ok"), after);
    }
    let bench = Bench::open(place, "actions", &steps).await?;
    let cost = Cost::begin(service, &bench)?;
    let begin = cost.begin;
    let workers: Vec<_> = (0..AT_A_TIME)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while begin.elapsed() < scale.load {
                    times.push(bench.run(Value::Null, Instant::now()).await?);
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await??);
    }
    let (taken, runs) = (cost.end(service, &bench)?, times.len() as u64);
    ensure!(
        taken.calls == runs * STEPS as u64,
        "{} calls of {runs} runs",
        taken.calls
    );
    println!(
        "actions: {AT_A_TIME} runs at a time of {STEPS} HTTP steps: {:.0} actions/s, {:.0} runs/s, a run takes {}; {}",
        taken.rate(taken.calls),
        taken.rate(runs),
        percentiles(&mut times),
        taken.how(taken.calls, runs * (STEPS as u64 + 2))?
    );
    bench.close().await
}

/// Runs of two Compose actions at a rate, whether or not the ones before have ended.
async fn rate(name: &str, service: &Service, place: &Place, rate: u32, load: Duration) -> anyhow::Result<()> {
    let steps = json!({
        "First": {"type": "Compose", "inputs": "@triggerBody()?['text']", "runAfter": {}},
        "Second": {
            "type": "Compose",
            "inputs": "@{outputs('First')} was the first",
            "runAfter": {"First": ["Succeeded"]},
        },
    });
    let bench = Bench::open(place, name, &steps).await?;
    let (count, cost) = (load.as_millis() as u32 * rate / 1_000, Cost::begin(service, &bench)?);
    let body = Value::object([("text", "a short text")]);
    let mut runs = Vec::new();
    for number in 0..count {
        let at = cost.begin + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(at.into()).await;
        let (bench, body) = (bench.clone(), body.clone());
        runs.push(tokio::spawn(async move { bench.run_timed(body, at).await }));
    }
    let (mut times, mut after_accept) = (Vec::new(), Vec::new());
    for run in runs {
        let (whole, after) = run.await??;
        times.push(whole);
        after_accept.push(after);
    }
    let (taken, count) = (cost.end(service, &bench)?, u64::from(count));
    println!(
        "{name}: {rate} runs/s of two Compose actions: {:.0} runs/s, from request to end {}, from accepted to end {}; {}",
        taken.rate(count),
        percentiles(&mut times),
        percentiles(&mut after_accept),
        taken.how(count, count * 2)?
    );
    bench.close().await
}

/// One run with a call for each of many elements.
async fn foreach(service: &Service, place: &Place, scale: Scale) -> anyhow::Result<()> {
    let steps = json!({
        "Each": {
            "type": "Foreach",
            "foreach": "@triggerBody()",
            "actions": {"Call": get(&service.url("/ok"), json!({}))},
            "runAfter": {},
            "runtimeConfiguration": {"concurrency": {"repetitions": 50}},
        },
    });
    let bench = Bench::open(place, "foreach", &steps).await?;
    let items = Value::array((0..scale.items).map(|number| Value::Int(number as i64)));
    let cost = Cost::begin(service, &bench)?;
    bench.run(items, cost.begin).await?;
    let taken = cost.end(service, &bench)?;
    ensure!(
        taken.calls == scale.items as u64,
        "{} calls of {} items",
        taken.calls,
        scale.items
    );
    println!(
        "foreach: {} HTTP calls, 50 at a time: {:.2} s, {:.0} actions/s; {}",
        taken.calls,
        taken.time.as_secs_f64(),
        taken.rate(taken.calls),
        taken.how(taken.calls, taken.commits)?
    );
    bench.close().await
}

/// Runs whose service asks them to come back in an hour.
async fn waiting(service: &Service, place: &Place, scale: Scale) -> anyhow::Result<()> {
    let steps = json!({"Later": get(&service.url("/later"), json!({}))});
    let bench = Bench::open(place, "waiting", &steps).await?;
    let (idle, begin) = (resident()?, Instant::now());
    for _ in 0..scale.waiting / AT_A_TIME {
        let starts: Vec<_> = (0..AT_A_TIME)
            .map(|_| {
                let engine = bench.engine.clone();
                tokio::spawn(async move { engine.start(&request(Value::Null)).await })
            })
            .collect();
        for start in starts {
            start.await??;
        }
    }
    // A run with a call in flight is due within its lease.
    let soon = Duration::from_secs(1_800).as_millis() as i64;
    while !bench.store.due_runs(shell::now() + soon, None, 1).await?.is_empty() {
        ensure!(begin.elapsed() < PATIENCE, "not every run waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!(
        "waiting: {} runs wait for an hour: {:.2} s to get there, {:.1} MiB more than the idle {:.1} MiB",
        bench.store.open_runs_count().await?,
        begin.elapsed().as_secs_f64(),
        resident()? - idle,
        idle
    );
    bench.close().await
}

fn get(uri: &str, after: Json) -> Json {
    json!({"type": "Http", "inputs": {"method": "GET", "uri": uri}, "runAfter": after})
}

fn request(body: Value) -> Request {
    Request {
        namespace: "default".into(),
        playbook: "bench".into(),
        body,
        requester: "user/bench".into(),
        ..Request::default()
    }
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: f64| {
        let index = (times.len().saturating_sub(1) as f64 * part) as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    format!("p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99))
}

/// Resident memory of the process, in MiB.
fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("only Linux tells memory this way")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("the status has no VmRSS")?
        .parse()?;
    Ok(kib / 1_024.0)
}

/// What a scenario takes of the machine, from its begin.
struct Cost {
    begin: Instant,
    cpu: Duration,
    calls: u64,
    commits: u64,
}

impl Cost {
    fn begin(service: &Service, bench: &Bench) -> anyhow::Result<Self> {
        Ok(Self {
            begin: Instant::now(),
            cpu: cpu()?,
            calls: service.calls(),
            commits: bench.commits(),
        })
    }

    /// What was taken until now.
    fn end(&self, service: &Service, bench: &Bench) -> anyhow::Result<Taken> {
        Ok(Taken {
            time: self.begin.elapsed(),
            cpu: cpu()?.saturating_sub(self.cpu),
            calls: service.calls() - self.calls,
            commits: bench.commits() - self.commits,
        })
    }
}

struct Taken {
    time: Duration,
    cpu: Duration,
    calls: u64,
    commits: u64,
}

impl Taken {
    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.time.as_secs_f64()
    }

    /// How it was done: `count` things in so many transactions.
    fn how(&self, count: u64, transactions: u64) -> anyhow::Result<String> {
        Ok(format!(
            "{:.0} us of cores each; {:.0} commits/s of {:.1} transactions; {:.0} MiB resident",
            self.cpu.as_secs_f64() * 1e6 / count.max(1) as f64,
            self.rate(self.commits),
            transactions as f64 / self.commits.max(1) as f64,
            resident()?
        ))
    }
}

/// The processor time of the whole process.
fn cpu() -> anyhow::Result<Duration> {
    /// What Linux counts in.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").context("only Linux tells processor time this way")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields.skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// An engine over a store of its own that knows one playbook.
#[derive(Clone)]
struct Bench {
    store: Store,
    engine: Engine,
    ends: Arc<Ends>,
    stop: CancellationToken,
}

impl Bench {
    async fn open(place: &Place, name: &str, actions: &Json) -> anyhow::Result<Self> {
        let store = Store::open(place.store(name).await?).await?;
        println!("append and fsync alone: {}", probe(&place.folder)?);
        let desk = Desk::new(store.clone(), WorkspaceIds::default());
        let egress = Egress {
            allowed_networks: vec!["127.0.0.0/8".parse()?],
            ..Egress::default()
        };
        let services = ConnectorServices::new(Arc::new(NoConnections), Client::new(egress), desk.clone());
        let content = Arc::new(OnePlaybook::new(actions)?);
        let engine = Engine::new(store.clone(), Sealer::new([7; 32]), Arc::new(services), content, desk);
        let (ends, stop) = (Arc::new(Ends::default()), CancellationToken::new());
        tokio::spawn(follow(engine.watch(), ends.clone()));
        tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.serve(stop).await }
        });
        Ok(Self {
            store,
            engine,
            ends,
            stop,
        })
    }

    /// How many commits reached the disk.
    fn commits(&self) -> u64 {
        *self.store.subscribe().borrow()
    }

    /// Runs the playbook, and says how long after `begin` it ended.
    async fn run(&self, body: Value, begin: Instant) -> anyhow::Result<Duration> {
        Ok(self.run_timed(body, begin).await?.0)
    }

    /// Also says how long after it was accepted the run ended.
    async fn run_timed(&self, body: Value, begin: Instant) -> anyhow::Result<(Duration, Duration)> {
        let ids = self.engine.start(&request(body)).await?;
        let accepted = Instant::now();
        let id = ids.into_iter().next().context("a request makes a run")?;
        let ended = tokio::time::timeout(PATIENCE, self.ends.of(id)).await??;
        ensure!(ended.status == "Succeeded", "a run has {}", ended.status);
        Ok((
            ended.at.saturating_duration_since(begin),
            ended.at.saturating_duration_since(accepted),
        ))
    }

    async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(())
    }
}

/// How a run ended.
struct End {
    at: Instant,
    status: String,
}

/// The ends of runs, whether they come before somebody waits for them or after.
#[derive(Default)]
struct Ends(Mutex<HashMap<String, Slot>>);

enum Slot {
    Ended(End),
    Awaited(oneshot::Sender<End>),
}

impl Ends {
    async fn of(&self, run: String) -> anyhow::Result<End> {
        let waiter = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Slot::Ended(end)) = slots.remove(&run) {
                return Ok(end);
            }
            let (sender, waiter) = oneshot::channel();
            slots.insert(run, Slot::Awaited(sender));
            waiter
        };
        Ok(waiter.await?)
    }

    fn tell(&self, run: String, end: End) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.remove(&run) {
            // Who waits may have given up.
            Some(Slot::Awaited(waiter)) => drop(waiter.send(end)),
            Some(Slot::Ended(_)) | None => drop(slots.insert(run, Slot::Ended(end))),
        }
    }
}

async fn follow(mut notices: broadcast::Receiver<Notice>, ends: Arc<Ends>) -> anyhow::Result<()> {
    loop {
        match notices.recv().await {
            Ok(Notice::Ended { run, status, .. }) => {
                let at = Instant::now();
                ends.tell(run, End { at, status });
            }
            Ok(Notice::Run { .. } | Notice::Waiting { .. }) => {}
            Err(broadcast::error::RecvError::Lagged(count)) => eprintln!("the bench missed {count} notices"),
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        }
    }
}

/// A catalog of one playbook.
struct OnePlaybook(Playbook);

impl OnePlaybook {
    fn new(actions: &Json) -> anyhow::Result<Self> {
        let definition = json!({
            "contentVersion": "1.0.0.0",
            "triggers": {"manual": {"type": "Request", "kind": "Http"}},
            "actions": actions,
        });
        let definition = Value::from(&definition);
        let workflow = match definition::parse(&definition) {
            Ok((workflow, _)) => Arc::new(workflow),
            Err(problems) => bail!("the playbook of the bench is not valid: {problems:?}"),
        };
        let text = definition.to_json();
        Ok(Self(Playbook {
            namespace: "default".into(),
            name: "bench".into(),
            hash: Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect(),
            definition: text.into(),
            workflow,
            parameters: Vec::new(),
            settings: Vec::new(),
            connections: Vec::new(),
            suspended: false,
        }))
    }
}

#[async_trait]
impl Content for OnePlaybook {
    fn playbook(&self, _: &str, _: &str) -> Option<Playbook> {
        Some(self.0.clone())
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        Ok(riposte::grants::permit(
            workspace,
            namespace,
            playbook,
            std::iter::empty(),
        ))
    }
}

struct NoConnections;

impl Connections for NoConnections {
    fn identity(&self, (_, playbook): (&str, &str), _: &str) -> Result<ResolvedConnection, String> {
        Err(format!("'{playbook}' acts as nobody"))
    }

    fn connection(&self, _: &str, name: &str) -> Result<ResolvedConnection, String> {
        Err(format!("the bench has no connection '{name}'"))
    }
}

/// The service that is called: the smallest that speaks HTTP, in a thread of its own.
struct Service {
    port: u16,
    calls: Arc<AtomicU64>,
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
const LATER: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n";

impl Service {
    fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let (port, calls) = (listener.local_addr()?.port(), Arc::new(AtomicU64::new(0)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counted = calls.clone();
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::spawn(answer(stream, counted.clone()));
                }
                #[expect(unreachable_code, reason = "it gives the block its type")]
                anyhow::Ok(())
            })
        });
        Ok(Self { port, calls })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Answers requests without a body until the client goes.
async fn answer(mut stream: TcpStream, calls: Arc<AtomicU64>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(1_024);
    while stream.read_buf(&mut buffer).await? > 0 {
        if buffer.ends_with(b"\r\n\r\n") {
            calls.fetch_add(1, Ordering::Relaxed);
            let reply = if buffer.starts_with(b"GET /later") { LATER } else { OK };
            stream.write_all(reply).await?;
            buffer.clear();
        }
    }
    Ok(())
}
