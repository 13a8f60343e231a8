//! `riposte operator`: the controllers, the engine and the server, in a cluster.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::keep::Keep;
use super::limits::LimitArguments;
use crate::api::yaml;
use crate::cluster::journal;
use crate::cluster::run::{Operator, Options};
use crate::connectors::Egress;
use crate::definition::Limit;
use crate::engine::places::PLACES;
use crate::incidents::WorkspaceIds;
use crate::store::{Address, Location};

/// Runs the controllers, the engine and the server in a cluster.
#[derive(clap::Args)]
pub struct Arguments {
    /// The operator's own namespace, which holds its Lease. Default: that of its ServiceAccount, or of the kubeconfig.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// The name of this process in the Lease. Default: the name of the host, which is that of the pod.
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,

    /// Serve this namespace only; may be given several times. Default: all.
    #[arg(long = "watch-namespace", value_name = "NAMESPACE")]
    watched: Vec<String>,

    /// The folder of the store, which one operator uses at a time.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/riposte")]
    data: PathBuf,

    /// A PostgreSQL database for the store instead, which several operators share:
    /// `postgres://USER@HOST:5432/DATABASE?sslmode=verify-full`. Default: what RIPOSTE_STORE says, which other processes
    /// do not see; so a password may be in it.
    #[arg(long, value_name = "URL")]
    store: Option<String>,

    /// File with the password of the database.
    #[arg(long, value_name = "FILE")]
    store_password: Option<PathBuf>,

    /// File of the key that seals secure values. Default: `sealing.key` in the data folder, made at the first start; with
    /// a database there is none, for all operators need the same.
    #[arg(long, value_name = "FILE")]
    sealing_key: Option<PathBuf>,

    /// Address of the server: intake, health, metrics.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// What people reach the server by, such as `https://riposte.example.com`; links to incidents begin with it.
    #[arg(long, value_name = "URL", default_value = "")]
    public_url: String,

    /// YAML file that maps Log Analytics workspaces to namespaces: `workspaces` with `subscription`, `resourceGroup`,
    /// `workspace` and `namespace` each, and `defaultNamespace`.
    #[arg(long, value_name = "FILE")]
    workspace_map: Option<PathBuf>,

    /// Address of the aggregated API `journal.riposte.dev`, which only the API server calls. Default: it is not served.
    #[arg(long, value_name = "ADDRESS", requires = "journal_service")]
    journal_listen: Option<SocketAddr>,

    /// The Service by which the API server calls the aggregated API, in the operator's own namespace.
    #[arg(long, value_name = "NAME")]
    journal_service: Option<String>,

    /// Folder with `tls.crt` and `tls.key` of the aggregated API. Default: a certificate is made at each start, and the
    /// APIService is told its authority.
    #[arg(long, value_name = "DIR")]
    journal_tls: Option<PathBuf>,

    /// How many runs are driven at a time. Those beyond wait, answers to incidents the shortest; runs that only wait for
    /// a time or a callback count for nothing.
    #[arg(long, value_name = "COUNT", default_value_t = PLACES)]
    max_active_runs: usize,

    /// Let what runs of this namespace would change outside wait as long as the operator runs so; `*` is all namespaces.
    /// May be given several times. `riposte pause` does the same at any time.
    #[arg(long = "pause-actions", value_name = "NAMESPACE")]
    paused: Vec<String>,

    /// Let calls reach these private networks too, in CIDR form.
    #[arg(long, value_name = "CIDR")]
    allow_network: Vec<ipnet::IpNet>,

    #[command(flatten)]
    keep: Keep,

    #[command(flatten)]
    limits: LimitArguments,

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
    let config = Config::infer().await;
    let config = config.context("no cluster: run in a pod with a ServiceAccount, or with a kubeconfig")?;
    let options = options(arguments, &config)?;
    let listener = listen(arguments.listen).await?;
    let aggregated = match arguments.journal_listen {
        Some(address) => {
            let listener = listen(address).await?;
            eprintln!("riposte operator: aggregated API on https://{}", listener.local_addr()?);
            Some(listener)
        }
        None => None,
    };
    let client = Client::try_from(config).context("the API server cannot be called")?;
    let operator = Operator::open(client, options).await?;
    if let Some(aggregated) = &aggregated {
        eprintln!(
            "riposte operator: aggregated API on https://{}",
            aggregated.local_addr()?
        );
    }
    eprintln!("riposte operator: server on http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        if let Err(error) = super::stop_signal().await {
            tracing::error!(%error, "no signal can be waited for");
        }
        stopping.cancel();
    });
    operator.run(listener, aggregated, stop).await?;
    eprintln!("riposte operator: stopped; what has not ended goes on at the next start");
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

fn options(arguments: &Arguments, config: &Config) -> anyhow::Result<Options> {
    let mut workspaces = match &arguments.workspace_map {
        Some(file) => workspace_map(file)?,
        None => WorkspaceIds::default(),
    };
    if !arguments.public_url.is_empty() {
        workspaces.public_url.clone_from(&arguments.public_url);
    }
    let own = arguments.namespace.clone();
    let store = location(arguments)?;
    let key = match (&store, &arguments.sealing_key) {
        (_, Some(key)) => key.clone(),
        (Location::Folder(folder), None) => folder.join("sealing.key"),
        (Location::Server(_), None) => {
            anyhow::bail!("a store in a database needs --sealing-key: the same file for each operator that shares it")
        }
    };
    Ok(Options {
        namespace: own.unwrap_or_else(|| config.default_namespace.clone()),
        identity: arguments.identity.clone().map_or_else(hostname, Ok)?,
        watched: arguments.watched.clone(),
        store,
        sealing_key: key,
        workspaces,
        limits: arguments.limits.get(),
        egress: Egress {
            allowed_networks: arguments.allow_network.clone(),
            max_response_bytes: arguments.limits.get().size(Limit::MessageBytes),
            ..Egress::default()
        },
        retention: arguments.keep.retention(),
        active_runs: arguments.max_active_runs,
        paused: arguments.paused.clone(),
        traces: super::otlp_endpoint(arguments.otlp_endpoint.as_deref()),
        journal: arguments.journal_service.clone().map(|service| journal::Options {
            service,
            tls: arguments.journal_tls.clone(),
        }),
    })
}

/// Where the store is.
fn location(arguments: &Arguments) -> anyhow::Result<Location> {
    let url = match &arguments.store {
        Some(url) => Some(url.clone()),
        None => std::env::var("RIPOSTE_STORE").ok().filter(|url| !url.is_empty()),
    };
    let Some(url) = url else {
        return Ok(Location::Folder(arguments.data.clone()));
    };
    let address = Address::parse(&url)?;
    let Some(file) = &arguments.store_password else {
        return Ok(address.into());
    };
    let password = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(address.with_password(password.trim_end_matches(['\r', '\n'])).into())
}

fn workspace_map(file: &Path) -> anyhow::Result<WorkspaceIds> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let documents = yaml::parse(&text).map_err(|problem| anyhow::anyhow!("{}", problem.error(&name.to_string())))?;
    let [document] = documents.as_slice() else {
        anyhow::bail!("{name} must hold one document, it holds {}", documents.len());
    };
    serde_json::from_value(document.json.clone()).with_context(|| format!("{name} is no workspace map"))
}

/// The name of the host: in a pod its own.
fn hostname() -> anyhow::Result<String> {
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = name.context("the host has no name; give one with --identity")?;
    Ok(name.trim().to_owned())
}
