//! The program as the chart starts it: with the arguments, the environment and the files of the rendered Deployment, and
//! with the token of its ServiceAccount, so with the chart's permissions and no other.

use std::cell::Cell;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use riposte::cluster::rbac::{JOURNAL_API_SERVICE, PERMISSIONS, Scope};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::permissions::Holder;
use super::{CHART, may_all, rendered};
use crate::control_plane::clients::Namespace;
use crate::control_plane::{ControlPlane, eventually, succeeded};
use crate::program::{self, Running};

/// How long to wait for something before asking whether the account was refused what it needs for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// A release of the chart that serves one namespace from another; uninstalled with the value.
pub struct Installed {
    pub plane: &'static ControlPlane,
    /// The operator's namespace, and the prefix of the names of its objects.
    pub own: Namespace,
    pub watched: Namespace,
    values: Vec<String>,
    folder: TempDir,
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = self
            .plane
            .helm("admin", &["uninstall", "riposte", "-n", &self.own, "--no-hooks"]);
    }
}

impl Installed {
    pub async fn new(values: &[&str]) -> Self {
        crate::admission::definitions();
        let plane = ControlPlane::shared();
        let (own, watched) = (plane.namespace().await, plane.namespace().await);
        let names = format!(
            "--set=fullnameOverride={own},watchNamespaces={{{watched}}},defaultWorkspace={watched},\
             sealingKey.secretName=sealing"
        );
        // The kinds are there already, and no controller of this control plane makes volumes.
        let fixed = ["--set=crds.enabled=false,storage.persistent=false", &names];
        let values: Vec<_> = fixed.iter().chain(values).map(|value| (*value).to_owned()).collect();
        let installed = Self {
            plane,
            own,
            watched,
            values,
            folder: tempfile::tempdir().unwrap(),
        };
        let install = [&["install", "riposte", CHART][..], &installed.values()].concat();
        succeeded(&plane.helm("admin", &install));
        let key = "--from-literal=sealing.key=0123456789abcdef0123456789abcdef";
        let create = ["create", "secret", "generic", "sealing", key, "-n", &installed.own];
        succeeded(&plane.kubectl("admin", &create, ""));
        installed
    }

    fn values(&self) -> Vec<&str> {
        let values = self.values.iter().map(String::as_str);
        ["-n", &*self.own].into_iter().chain(values).collect()
    }

    pub fn holder(&self) -> Holder<'_> {
        Holder {
            account: format!("system:serviceaccount:{0}:{0}", self.own),
            own: &self.own,
            watched: &self.watched,
        }
    }

    /// Waits until the API server has seen the roles, as any pod that starts does.
    async fn roles_are_known(&self) {
        let account = self.holder().account;
        for scope in [Scope::Cluster, Scope::Watched, Scope::Own] {
            eventually("the API server knows the roles", async || {
                let mut of_scope = PERMISSIONS.iter().filter(|permission| permission.scope == scope);
                let is_known = of_scope.any(|permission| may_all(&account, &self.own, &self.watched, permission));
                is_known.then_some(())
            })
            .await;
        }
    }

    /// Starts the program; what is on this machine instead of in the pod are its folder and its ports.
    pub async fn start(&self) -> Running {
        self.start_one_of(&[], &[]).await
    }

    /// The same with more arguments, and variables that have their values from Secrets.
    pub async fn start_one_of(&self, more: &[&str], secrets: &[(&str, &str)]) -> Running {
        self.roles_are_known().await;
        let pod = rendered("Deployment", &self.values())[0]["spec"]["template"]["spec"].clone();
        let container = &pod["containers"][0];
        self.mount(&pod);
        let arguments = self.arguments(container);
        let arguments: Vec<_> = arguments
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        let mut command = program::command(self.folder.path(), &arguments);
        command.envs(environment(container)).envs(secrets.iter().copied());
        command.env("KUBECONFIG", self.plane.account_kubeconfig(&self.own, &self.own).await);
        Running::start(command).await
    }

    fn arguments(&self, container: &Value) -> Vec<String> {
        let folder = self.folder.path().display();
        let local = |argument: &str| match argument.split_once('=') {
            Some((name @ ("--listen" | "--journal-listen"), _)) => format!("{name}=127.0.0.1:0"),
            Some((name, path)) if path.starts_with('/') => format!("{name}={folder}{path}"),
            Some(_) | None => argument.replace("$(POD_NAMESPACE)", &self.own),
        };
        let arguments = container["args"].as_array().unwrap().iter();
        arguments.map(|argument| local(argument.as_str().unwrap())).collect()
    }

    /// Puts what the container mounts from ConfigMaps and Secrets below the folder.
    fn mount(&self, pod: &Value) {
        for mount in pod["containers"][0]["volumeMounts"].as_array().unwrap() {
            let mut volumes = pod["volumes"].as_array().unwrap().iter();
            let volume = volumes.find(|volume| volume["name"] == mount["name"]).unwrap();
            let names = [
                ("configmap", &volume["configMap"]["name"]),
                ("secret", &volume["secret"]["secretName"]),
            ];
            for (kind, name) in names {
                if let Some(name) = name.as_str() {
                    self.write(kind, name, mount);
                }
            }
        }
    }

    fn write(&self, kind: &str, name: &str, mount: &Value) {
        let get = ["get", kind, name, "-n", &*self.own, "-o", "json"];
        let object: Value = serde_json::from_str(&succeeded(&self.plane.kubectl("admin", &get, ""))).unwrap();
        let path = mount["mountPath"].as_str().unwrap().trim_start_matches('/');
        let path = self.folder.path().join(path);
        for (key, text) in object["data"].as_object().unwrap() {
            let text = text.as_str().unwrap();
            let bytes = match kind {
                "secret" => STANDARD.decode(text).unwrap(),
                _ => text.as_bytes().to_vec(),
            };
            let file = match mount["subPath"].as_str() {
                None => path.join(key),
                Some(only) if only == key => path.clone(),
                Some(_) => continue,
            };
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }

    /// Leads the chart's Service to a port of this machine: there is no pod and no kube-proxy.
    pub fn lead_here(&self, port: u16) {
        let patch = |object: [&str; 2], patch: Value| {
            let patch = format!("--patch={patch}");
            let place = ["patch", object[0], object[1], "-n", &self.own, "--type=merge", &patch];
            succeeded(&self.plane.kubectl("admin", &place, ""));
        };
        let external = json!({"spec": {"type": "ExternalName", "externalName": "localhost", "clusterIP": null,
            "clusterIPs": null, "selector": null}});
        patch(["service", &self.own], external);
        let port = json!({"spec": {"service": {"port": port}}});
        patch(["apiservice", JOURNAL_API_SERVICE], port);
    }

    /// Awaits something that the operator does, or that the account was refused what it needs for it.
    pub async fn awaits<T>(&self, what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
        let asked = Cell::new(Instant::now());
        eventually(what, async || {
            if asked.get().elapsed() > PATIENCE {
                let refused = self.holder().refused(self.plane);
                assert!(refused.is_empty(), "{what}: the account was refused: {refused:#?}");
                asked.set(Instant::now());
            }
            attempt().await
        })
        .await
    }

    /// Runs kubectl in the watched namespace as the administrator.
    pub fn kubectl(&self, arguments: &[&str], stdin: &str) -> String {
        let all = [arguments, &["-n", &*self.watched]].concat();
        succeeded(&self.plane.kubectl("admin", &all, stdin))
    }

    /// The objects of a kind in the watched namespace.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let list: Value = serde_json::from_str(&self.kubectl(&["get", kind, "-o", "json"], "")).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// Awaits that an object shows a condition.
    pub async fn shows(&self, object: &str, condition: &str, status: &str) {
        let arguments = ["get", object, "-n", &*self.watched, "-o", "json"];
        self.awaits(&format!("{object} shows {condition}={status}"), async || {
            let output = self.plane.kubectl("admin", &arguments, "");
            let object: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let conditions = object["status"]["conditions"].as_array()?;
            let is_it = |shown: &Value| shown["type"] == condition && shown["status"] == status;
            conditions.iter().any(is_it).then_some(())
        })
        .await;
    }

    /// Gives an account or a user one of the chart's roles for people in the watched namespace.
    pub fn bind(&self, role: &str, subject: &str) {
        let role_flag = format!("--clusterrole={}-{role}", &*self.own);
        self.kubectl(&["create", "rolebinding", role, &role_flag, subject], "");
    }
}

/// The variables of the container that have a value of their own.
fn environment(container: &Value) -> Vec<(String, String)> {
    let variables = container["env"].as_array().unwrap().iter();
    variables
        .filter_map(|variable| {
            let value = variable["value"].as_str()?;
            Some((variable["name"].as_str()?.to_owned(), value.to_owned()))
        })
        .collect()
}
