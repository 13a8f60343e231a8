//! Where the day-to-day commands get what they show: the API server of a cluster, or a `riposte dev` server, which
//! serves the same paths. Invariant: nothing else is ever spoken to, and no token is printed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use super::output::clean;
use crate::catalog::DEFAULT_NAMESPACE;

/// The file in the data folder of `dev` that says where its server is.
pub const SERVER_FILE: &str = "server";
/// The data folder of a `dev` server in the working folder.
const DATA: &str = ".riposte";
/// How long a `dev` server may take to accept a connection before it counts as gone.
const KNOCK: Duration = Duration::from_millis(500);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The form of tables.
pub const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// The form of a part that is merged into an object.
const MERGE: &str = "application/merge-patch+json";
/// The form of objects.
pub const JSON: &str = "application/json";

/// Which cluster or server a command speaks to.
///
/// Without any of these it is the `riposte dev` server that runs in the working folder, if one does; else the current
/// context of the kubeconfig, as with kubectl.
#[derive(clap::Args, Clone, Debug)]
pub struct Target {
    /// Namespace. Defaults to that of the context, else `default`.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Path of the kubeconfig.
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig.
    #[arg(long, value_name = "NAME", conflicts_with = "server")]
    context: Option<String>,

    /// Address of a `riposte dev` server, such as http://127.0.0.1:4280.
    #[arg(long, value_name = "URL", requires = "token_file")]
    server: Option<String>,

    /// File with the token of that server: `token` in its data folder.
    #[arg(long, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
}

/// What answers.
enum Peer {
    Cluster(Box<Client>),
    Server {
        client: reqwest::Client,
        url: String,
        token: String,
    },
}

/// A cluster or a `dev` server.
pub struct Remote {
    peer: Peer,
    /// The data folder of the server, if it was found there: at its next start it may be elsewhere.
    data: Option<&'static str>,
    /// The namespace that is meant where none is named.
    pub namespace: String,
}

impl Remote {
    /// The target of a command.
    ///
    /// # Errors
    /// There is neither a server nor a kubeconfig, or it cannot be read.
    pub async fn of(target: &Target) -> anyhow::Result<Self> {
        if let (Some(url), Some(file)) = (&target.server, &target.token_file) {
            return Self::server(url, file, target);
        }
        let is_cluster = target.kubeconfig.is_some() || target.context.is_some();
        let data = Path::new(DATA);
        if !is_cluster && let Some(url) = running(data).await {
            eprintln!(
                "using the dev server {} of {DATA}/; name a --context to use a cluster",
                clean(&url)
            );
            let server = Self::server(&url, &data.join("token"), target)?;
            return Ok(Self {
                data: Some(DATA),
                ..server
            });
        }
        Self::cluster(target).await
    }

    /// Looks where the server is now, which may have been started anew.
    pub async fn find_again(&mut self) {
        let Some(data) = self.data.map(Path::new) else { return };
        if let (Some(found), Peer::Server { url, token, .. }) = (running(data).await, &mut self.peer)
            && let Ok(known) = std::fs::read_to_string(data.join("token"))
        {
            *url = found;
            *token = known.trim().to_owned();
        }
    }

    /// Whether it is a `dev` server, which holds no objects that could be written.
    pub fn is_server(&self) -> bool {
        match self.peer {
            Peer::Server { .. } => true,
            Peer::Cluster(_) => false,
        }
    }

    fn server(url: &str, token_file: &Path, target: &Target) -> anyhow::Result<Self> {
        let token = std::fs::read_to_string(token_file)
            .with_context(|| format!("cannot read the token in {}", token_file.display()))?;
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            peer: Peer::Server {
                client,
                url: url.trim_end_matches('/').to_owned(),
                token: token.trim().to_owned(),
            },
            data: None,
            namespace: target.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        })
    }

    async fn cluster(target: &Target) -> anyhow::Result<Self> {
        let options = KubeConfigOptions {
            context: target.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match &target.kubeconfig {
            Some(file) => Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await,
            None => Config::from_kubeconfig(&options).await,
        };
        let mut config = match config {
            Ok(config) => config,
            Err(error) if target.kubeconfig.is_none() && target.context.is_none() => {
                Config::incluster().map_err(|_| {
                    anyhow::anyhow!(
                        "no dev server runs in {DATA}/ of this folder, and there is no usable kubeconfig ({error}); start \
                         `riposte dev`, or name what to use with --server or --kubeconfig"
                    )
                })?
            }
            Err(error) => return Err(anyhow::Error::new(error).context("the kubeconfig cannot be used")),
        };
        // A person waits: no retries for minutes.
        config.default_retry = false;
        let namespace = target
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).context("the kubeconfig cannot be used")?;
        Ok(Self {
            peer: Peer::Cluster(Box::new(client)),
            data: None,
            namespace,
        })
    }

    /// The JSON at a path, in a form.
    ///
    /// # Errors
    /// The peer does not answer, or says why it does not do it.
    pub async fn get(&self, path: &str, form: &str) -> anyhow::Result<Value> {
        let text = self.text(path, form).await?;
        serde_json::from_str(&text).with_context(|| format!("the answer at {path} is no JSON"))
    }

    /// The text at a path.
    ///
    /// # Errors
    /// The peer does not answer, or says why it does not do it.
    pub async fn text(&self, path: &str, form: &str) -> anyhow::Result<String> {
        self.send(Request::get(path).header(ACCEPT, form).body(Vec::new())?)
            .await
    }

    /// What came of a wish at a path.
    ///
    /// # Errors
    /// The peer does not answer, or says why it does not do it.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Request::post(path).header(ACCEPT, JSON).header(CONTENT_TYPE, JSON);
        let text = self.send(request.body(body.to_string().into_bytes())?).await?;
        serde_json::from_str(&text).with_context(|| format!("the answer at {path} is no JSON"))
    }

    /// Deletes what is at a path.
    ///
    /// # Errors
    /// The peer does not answer, or says why it does not do it.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let request = Request::delete(path).header(ACCEPT, JSON).body(Vec::new())?;
        self.send(request).await.map(drop)
    }

    /// Merges a part into the object at a path.
    ///
    /// # Errors
    /// The peer does not answer, or says why it does not do it.
    pub async fn merge(&self, path: &str, part: &Value) -> anyhow::Result<()> {
        let request = Request::patch(path).header(ACCEPT, JSON).header(CONTENT_TYPE, MERGE);
        self.send(request.body(part.to_string().into_bytes())?).await.map(drop)
    }

    async fn send(&self, request: Request<Vec<u8>>) -> anyhow::Result<String> {
        match &self.peer {
            Peer::Cluster(client) => {
                let answer = client.request_text(request).await;
                answer.map_err(|error| match error {
                    kube::Error::Api(status) => refusal(status.code, clean(&status.message)),
                    error => anyhow::Error::new(error).context(Away("the API server does not answer".into())),
                })
            }
            Peer::Server { client, url, token } => {
                let (parts, body) = request.into_parts();
                let request = client.request(parts.method, format!("{url}{}", parts.uri));
                let sending = request.headers(parts.headers).bearer_auth(token).body(body).send();
                let answer = sending
                    .await
                    .with_context(|| Away(format!("the server {url} does not answer")))?;
                let status = answer.status();
                let text = answer.text().await;
                let text = text.with_context(|| Away("the answer broke off".into()))?;
                if !status.is_success() {
                    let message = clean(&reason(&text).unwrap_or_else(|| status.to_string()));
                    return Err(refusal(status.as_u16(), message));
                }
                Ok(text)
            }
        }
    }
}

/// The peer does not answer for now; it may later.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

/// Why a request was not done. A server that is being started or replaced is away.
fn refusal(code: u16, message: String) -> anyhow::Error {
    match code {
        502..=504 => Away(message).into(),
        _ => anyhow::anyhow!("{message}"),
    }
}

/// What a `Status` or problem details say.
fn reason(text: &str) -> Option<String> {
    let json: Value = serde_json::from_str(text).ok()?;
    let message = json.get("message").or_else(|| json.get("detail"))?;
    message.as_str().map(str::to_owned)
}

/// The address of a `dev` server with this data folder, if one runs.
async fn running(data: &Path) -> Option<String> {
    let url = std::fs::read_to_string(data.join(SERVER_FILE)).ok()?.trim().to_owned();
    let address = url.strip_prefix("http://")?.to_owned();
    let knocking = tokio::time::timeout(KNOCK, tokio::net::TcpStream::connect(address));
    matches!(knocking.await, Ok(Ok(_))).then_some(url)
}
