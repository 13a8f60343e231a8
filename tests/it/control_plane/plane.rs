//! The control plane: etcd, the API server and the controller manager of Kubernetes as processes on 127.0.0.1, with
//! certificates, users, RBAC, aggregation and an audit log of their own.
//! Invariant: one for the whole test program, started by the first test that asks for it; and one that a test may harm.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::audit;
use super::certificates::{self, Authority};
use super::guard::Guard;
use super::programs::{Program, Programs};
use crate::patience::settled;

/// How long the control plane may take until it answers; it takes some seconds on an idle machine.
const START: Duration = Duration::from_secs(120);
/// How many users the token file holds.
const USERS: usize = 256;
/// Ports are looked for here, below those that the kernel gives to whoever asks for port 0.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// How many ports all control planes need: each has those of its own indices, for one that is away keeps its port.
const INDICES: u16 = 4;
/// The user of the controller manager, which Kubernetes itself gives its permissions.
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
/// The common name by which the API server introduces itself to aggregated API servers.
const FRONT_PROXY: &str = "front-proxy";

/// A Kubernetes control plane without nodes.
pub struct ControlPlane {
    /// Of the API server: `https://127.0.0.1:PORT`.
    pub url: String,
    /// Signs the certificate of the API server, and those of servers that tests start.
    pub authority: Authority,
    /// The authority's certificate as a file.
    pub ca_file: PathBuf,
    /// The certificate of the authority whose clients are the API server as a proxy, as PEM.
    pub front_proxy_ca: String,
    pub(super) programs: Programs,
    pub(super) folder: PathBuf,
    /// Part of every token.
    secret: String,
    users: AtomicUsize,
    pub(super) journal: Mutex<()>,
    /// Works beyond the end of a single test.
    pub(super) runtime: Runtime,
    guards: Mutex<Vec<Guard>>,
}

impl ControlPlane {
    /// The control plane of this test program.
    ///
    /// # Panics
    /// It cannot be built or started; each test that needs it says why.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        Self::once(&SHARED, 0)
    }

    /// Another one, which a test may harm.
    ///
    /// # Panics
    /// As [`ControlPlane::shared`].
    pub fn fragile() -> &'static Self {
        static FRAGILE: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        Self::once(&FRAGILE, 2)
    }

    fn once(place: &'static OnceLock<Result<Self, String>>, ports: u16) -> &'static Self {
        let start = || {
            let starting = std::thread::spawn(move || Self::start(ports));
            starting.join().unwrap_or_else(|_| Err("its start panicked".to_owned()))
        };
        let plane = place.get_or_init(start).as_ref();
        plane.unwrap_or_else(|error| panic!("no control plane: {error}"))
    }

    /// Ends the API server with SIGKILL.
    pub async fn kill_server(&self) {
        let guards = self.guards.lock().await;
        let server = guards.iter().find(|guard| guard.is_of(Program::ApiServer.name()));
        server.unwrap().kill().await;
    }

    /// Starts the API server again, over the same etcd, and waits until it is ready.
    pub async fn start_server_again(&self) {
        let mut guards = self.guards.lock().await;
        let mut servers = guards.iter_mut();
        let server = servers.find(|guard| guard.is_of(Program::ApiServer.name()));
        server.unwrap().start_again().unwrap();
        drop(guards);
        let outcome = settled(START, async || self.server_answers().await).await;
        outcome.unwrap_or_else(|error| panic!("the API server is not ready again: {error}"));
    }

    /// A user whom no other test knows, and who may nothing yet: `tester-N`, in the group `team-N` and in
    /// `system:authenticated`.
    pub fn fresh_user(&self) -> String {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        assert!(number < USERS, "all users are taken: raise USERS in {}", file!());
        format!("tester-{number}")
    }

    /// The bearer token of a user: of `admin`, who is in `system:masters`, or of a fresh user.
    pub fn token(&self, user: &str) -> String {
        token(user, &self.secret)
    }

    pub(super) fn server_folder(&self) -> PathBuf {
        self.folder.join(Program::ApiServer.name())
    }

    /// Starts all processes, with ports of this index and the next.
    fn start(ports: u16) -> Result<Self, String> {
        let programs = Programs::of_environment();
        let [etcd, server, manager] =
            [Program::Etcd, Program::ApiServer, Program::ControllerManager].map(|program| programs.path(program));
        let (etcd, server, manager) = (etcd?, server?, manager?);
        let mut plane = Self::prepare(programs, ports).map_err(|error| format!("cannot prepare it: {error}"))?;
        let folder = plane.folder.clone();
        let start = |path: &Path, program: Program, arguments: &[String]| {
            let guard = Guard::start(path, arguments, &folder.join(program.name()));
            guard.map_err(|error| format!("cannot start {}: {error}", path.display()))
        };
        let etcd_url = format!("http://127.0.0.1:{}", free_port(ports)?);
        plane
            .guards
            .get_mut()
            .push(start(&etcd, Program::Etcd, &etcd_arguments(&etcd_url))?);
        let arguments = plane.server_arguments(&etcd_url);
        plane
            .guards
            .get_mut()
            .push(start(&server, Program::ApiServer, &arguments)?);
        plane.await_server()?;
        let arguments = plane.manager_arguments();
        plane
            .guards
            .get_mut()
            .push(start(&manager, Program::ControllerManager, &arguments)?);
        plane.await_manager()?;
        Ok(plane)
    }

    /// Everything that the processes read.
    fn prepare(programs: Programs, ports: u16) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Builder::new()
            .prefix("riposte-control-plane-")
            .tempdir()?
            .keep();
        let authority = Authority::new("control-plane-ca")?;
        let front_proxy = Authority::new("front-proxy-ca")?;
        let plane = Self {
            url: format!("https://127.0.0.1:{}", free_port(ports + 1)?),
            ca_file: folder.join(Program::ApiServer.name()).join("ca.crt"),
            authority,
            front_proxy_ca: front_proxy.certificate.clone(),
            programs,
            folder,
            secret: uuid::Uuid::new_v4().simple().to_string(),
            users: AtomicUsize::new(0),
            journal: Mutex::new(()),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            guards: Mutex::default(),
        };
        let folder = plane.server_folder();
        fs::create_dir_all(&folder)?;
        let serving = plane
            .authority
            .server(&["localhost", "127.0.0.1", "kubernetes.default.svc"])?;
        let proxy = front_proxy.client(FRONT_PROXY)?;
        let [private, public] = certificates::signing_keys()?;
        let files = [
            ("ca.crt", &plane.authority.certificate),
            ("serving.crt", &serving.certificate),
            ("serving.key", &serving.key),
            ("front-proxy-ca.crt", &front_proxy.certificate),
            ("front-proxy.crt", &proxy.certificate),
            ("front-proxy.key", &proxy.key),
            ("accounts.key", &private),
            ("accounts.pub", &public),
            ("tokens.csv", &tokens(&plane.secret)),
            ("audit-policy.json", &audit::POLICY.to_owned()),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        Ok(plane)
    }

    fn server_arguments(&self, etcd_url: &str) -> Vec<String> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        let text = format!(
            "--etcd-servers={etcd_url} --bind-address=127.0.0.1 --secure-port={port} \
             --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
             --tls-cert-file=serving.crt --tls-private-key-file=serving.key --client-ca-file=ca.crt \
             --token-auth-file=tokens.csv --authorization-mode=Node,RBAC \
             --service-account-issuer=https://kubernetes.default.svc --service-account-signing-key-file=accounts.key \
             --service-account-key-file=accounts.pub --service-cluster-ip-range=10.96.0.0/16 \
             --requestheader-client-ca-file=front-proxy-ca.crt --requestheader-allowed-names={FRONT_PROXY} \
             --requestheader-username-headers=X-Remote-User --requestheader-uid-headers=X-Remote-Uid \
             --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
             --proxy-client-cert-file=front-proxy.crt --proxy-client-key-file=front-proxy.key \
             --audit-policy-file=audit-policy.json --audit-log-path=audit.log --audit-log-maxsize=4096"
        );
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn manager_arguments(&self) -> Vec<String> {
        let server = self.server_folder().display().to_string();
        let text = format!(
            "--kubeconfig={} --leader-elect=false --secure-port=0 --use-service-account-credentials=true \
             --service-account-private-key-file={server}/accounts.key --root-ca-file={server}/ca.crt \
             --controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,\
             serviceaccount-token-controller,clusterrole-aggregation-controller,\
             validatingadmissionpolicy-status-controller",
            self.kubeconfig(CONTROLLER_MANAGER).display()
        );
        text.split(' ').map(str::to_owned).collect()
    }

    fn await_server(&self) -> Result<(), String> {
        self.await_ready("the API server", async || self.server_answers().await)
    }

    async fn server_answers(&self) -> Result<(), String> {
        let request = axum::http::Request::get("/readyz").body(Vec::new());
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client("admin").await.request_text(request).await;
        answer.map(drop).map_err(|error| error.to_string())
    }

    /// A controller that did something: the namespace `default` has its service account.
    fn await_manager(&self) -> Result<(), String> {
        self.await_ready("the controller manager", async || {
            let accounts: Api<ServiceAccount> = Api::namespaced(self.client("admin").await, "default");
            accounts
                .get("default")
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }

    fn await_ready(&self, what: &str, ready: impl AsyncFn() -> Result<(), String>) -> Result<(), String> {
        let attempt = async || match ready().await {
            Ok(()) => Ok(Ok(())),
            // A program that ended is never ready.
            Err(error) => {
                let guards = self.guards.lock().await;
                guards.iter().find_map(Guard::failure).map(Err).ok_or(error)
            }
        };
        let outcome = self.runtime.block_on(settled(START, attempt));
        outcome.unwrap_or_else(|error| Err(format!("{what} is not ready after {} s: {error}", START.as_secs())))
    }
}

fn etcd_arguments(url: &str) -> Vec<String> {
    let peer = "http://127.0.0.1:0";
    let text = format!(
        "--data-dir=data --unsafe-no-fsync --listen-client-urls={url} --advertise-client-urls={url} \
         --listen-peer-urls={peer} --initial-advertise-peer-urls={peer} --initial-cluster=default={peer} \
         --log-level=warn"
    );
    text.split_whitespace().map(str::to_owned).collect()
}

/// Lines of `token,user,uid,"groups"`.
fn tokens(secret: &str) -> String {
    let line = |user: &str, group: &str| format!("{},{user},uid-of-{user},\"{group}\"\n", token(user, secret));
    let testers = (0..USERS).map(|number| line(&format!("tester-{number}"), &format!("team-{number}")));
    let own = [
        line("admin", "system:masters"),
        line(CONTROLLER_MANAGER, "system:authenticated"),
    ];
    own.into_iter().chain(testers).collect()
}

fn token(user: &str, secret: &str) -> String {
    format!("{}.{secret}", user.replace(':', "-"))
}

/// A port that nobody listens on; the same `index` below [`INDICES`] gives another one than a different index.
fn free_port(index: u16) -> Result<u16, String> {
    let size = PORTS.end - PORTS.start;
    let first = u16::try_from(std::process::id() * 7 % u32::from(size)).unwrap_or_default();
    (0..size / INDICES)
        .map(|step| PORTS.start + (first + INDICES * step + index) % size)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| format!("no port of {}-{} is free on 127.0.0.1", PORTS.start, PORTS.end))
}
