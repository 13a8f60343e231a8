//! Ways to the control plane: kubeconfig, a Rust client, kubectl, helm, tokens of service accounts, namespaces, audit.

use std::fmt;
use std::io::Write as _;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace as KubernetesNamespace, ServiceAccount};
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use riposte::cluster::rbac::JOURNAL_API_SERVICE;
use serde_json::json;
use tokio::sync::MutexGuard;

use super::audit::{self, AuditEvent};
use super::certificates::Identity;
use super::plane::ControlPlane;
use super::programs::Program;
use super::{condition, eventually};

impl ControlPlane {
    /// A kubeconfig file of a user.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.write_kubeconfig(user, &self.token(user))
    }

    /// A kubeconfig file of a service account, which must be there.
    pub async fn account_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.service_account_token(namespace, name).await;
        self.write_kubeconfig(&format!("{namespace}:{name}"), &token)
    }

    /// Another test may be reading the same file, so it is replaced as a whole.
    fn write_kubeconfig(&self, user: &str, token: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": self.ca_file}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        });
        let folder = self.server_folder();
        let path = folder.join(format!("{}.kubeconfig", user.replace(':', "-")));
        let mut file = tempfile::NamedTempFile::new_in(folder).unwrap();
        file.write_all(config.to_string().as_bytes()).unwrap();
        file.persist(&path).unwrap();
        path
    }

    /// A client that acts as a user. It belongs to the runtime that it is made in.
    pub async fn client(&self, user: &str) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig(user)).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        config.proxy_url = None; // the environment may name a proxy, which does not lead to this machine
        Client::try_from(config).unwrap()
    }

    /// A new namespace, which is deleted when the value goes, without waiting.
    pub async fn namespace(&'static self) -> Namespace {
        let namespaces: Api<KubernetesNamespace> = Api::all(self.client("admin").await);
        let namespace = KubernetesNamespace {
            metadata: ObjectMeta {
                generate_name: Some("test-".to_owned()),
                ..ObjectMeta::default()
            },
            ..KubernetesNamespace::default()
        };
        let created = namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        Namespace {
            plane: self,
            name: created.metadata.name.unwrap(),
        }
    }

    /// Runs kubectl as a user.
    pub fn kubectl(&self, user: &str, arguments: &[&str], stdin: &str) -> Output {
        self.run(Program::Kubectl, user, arguments, stdin)
    }

    /// Runs helm as a user; its caches are those of this control plane.
    pub fn helm(&self, user: &str, arguments: &[&str]) -> Output {
        self.run(Program::Helm, user, arguments, "")
    }

    /// Runs a command line that calls kubectl, as a user.
    pub fn shell(&self, user: &str, line: &str) -> Output {
        let kubectl = self.path(Program::Kubectl);
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = kubectl.parent().map(PathBuf::from).into_iter();
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&inherited))).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", path);
        self.finish(shell, user, "")
    }

    fn run(&self, program: Program, user: &str, arguments: &[&str], stdin: &str) -> Output {
        let mut command = Command::new(self.path(program));
        command.args(arguments);
        self.finish(command, user, stdin)
    }

    fn path(&self, program: Program) -> PathBuf {
        self.programs.path(program).unwrap_or_else(|error| panic!("{error}"))
    }

    fn finish(&self, mut command: Command, user: &str, stdin: &str) -> Output {
        let home = self.server_folder().join("home");
        let mut child = command
            .env("KUBECONFIG", self.kubeconfig(user))
            .env("KUBECACHEDIR", home.join("kube"))
            .env("HELM_CACHE_HOME", home.join("helm/cache"))
            .env("HELM_CONFIG_HOME", home.join("helm/config"))
            .env("HELM_DATA_HOME", home.join("helm/data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = stdin.to_owned();
        let writing = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        output
    }

    /// A token of a service account, which must be there.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client("admin").await, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(3600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .unwrap();
        answer.status.unwrap().token
    }

    /// What the API server logged of requests up to now, in the order of their answers. The event of a large answer may
    /// come a moment after it: await it with [`super::eventually`].
    pub fn audit(&self, wanted: impl Fn(&AuditEvent) -> bool) -> Vec<AuditEvent> {
        let mut events = audit::read(&self.server_folder().join("audit.log")).unwrap();
        events.retain(wanted);
        events
    }

    /// Waits until no other test registers the aggregated API `journal.riposte.dev`: a cluster has one. The registration
    /// ends with the value, for the deletion of namespaces waits while nobody serves it.
    pub async fn journal_lock(&'static self) -> JournalLock {
        JournalLock {
            plane: self,
            _held: self.journal.lock().await,
        }
    }

    /// A certificate for a server that a test starts, which [`ControlPlane::authority`] signs: an aggregated API is
    /// reached as `SERVICE.NAMESPACE.svc`, a webhook by the host of its URL.
    pub fn serving_certificate(&self, hosts: &[&str]) -> Identity {
        self.authority.server(hosts).unwrap()
    }
}

/// The right to register the aggregated API.
pub struct JournalLock {
    plane: &'static ControlPlane,
    _held: MutexGuard<'static, ()>,
}

impl JournalLock {
    /// Awaits that the API server sees what is registered.
    pub async fn is_available(&self) {
        eventually("the API server sees the aggregated API", async || {
            let service = self.plane.get("default", &format!("apiservice/{JOURNAL_API_SERVICE}"));
            let available = condition(&service, "Available")?;
            (available["status"] == "True").then_some(())
        })
        .await;
    }

    /// Ends the registration already now.
    pub fn unregister(&self) {
        let delete = ["delete", "apiservice", JOURNAL_API_SERVICE, "--ignore-not-found"];
        let _ = self.plane.kubectl("admin", &delete, "");
    }
}

impl Drop for JournalLock {
    fn drop(&mut self) {
        self.unregister();
    }
}

/// A namespace of one test.
pub struct Namespace {
    plane: &'static ControlPlane,
    name: String,
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let (plane, name) = (self.plane, self.name.clone());
        self.plane.runtime.spawn(async move {
            let namespaces: Api<KubernetesNamespace> = Api::all(plane.client("admin").await);
            let _ = namespaces.delete(&name, &DeleteParams::default()).await;
        });
    }
}
