//! The aggregated API behind an API server: its certificate, its headers, and what its users may do. Certificates and
//! the TLS listener are real.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use riposte::server::journal::{self, AccessReviews, Attributes, Certificate, Reviewer, Trust, Undecided, User};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use super::{DEADLINE, House, alert};

const HOST: &str = "riposte.security.svc";
const RUNS: &str = "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/runs";

/// Who signs client certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A client certificate with its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn identity(&self, name: &str) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
    }

    fn trust(&self) -> Arc<Trust> {
        let data = BTreeMap::from([
            ("requestheader-client-ca-file".to_owned(), self.0.pem()),
            (
                "requestheader-allowed-names".to_owned(),
                r#"["front-proxy"]"#.to_owned(),
            ),
        ]);
        Arc::new(Trust::read(&data).unwrap())
    }
}

/// Lets the group `soc` read and run; keeps what it was asked.
#[derive(Default)]
struct Judge(Mutex<Vec<String>>);

#[async_trait]
impl Reviewer for Judge {
    async fn allows(&self, user: &User, what: &Attributes) -> Result<bool, Undecided> {
        let asked = format!(
            "{} {} {}.{} {}",
            user.name,
            what.verb,
            what.resource,
            what.group,
            what.namespace.as_deref().unwrap_or("*")
        );
        self.0.lock().unwrap().push(asked);
        if user.name == "undecided" {
            return Err(Undecided("no answer".into()));
        }
        let is_member = user.groups.iter().any(|group| group == "soc");
        Ok(is_member && what.namespace.as_deref() == Some("soc"))
    }
}

/// A server behind an API server.
struct Backstage {
    house: House,
    address: std::net::SocketAddr,
    roots: RootCertStore,
    trust: watch::Sender<Arc<Trust>>,
    judge: Arc<Judge>,
}

impl Backstage {
    async fn open(authority: &Authority) -> Self {
        let house = House::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let certificate = Certificate::make(&[HOST.to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        let pem = certificate.authority().unwrap().as_bytes().to_vec();
        roots
            .add(rustls::pki_types::pem::PemObject::from_pem_slice(&pem).unwrap())
            .unwrap();
        let (trust, watched) = watch::channel(authority.trust());
        let judge = Arc::new(Judge::default());
        let (state, stop) = (house.state.clone(), house.stop.clone());
        tokio::spawn(journal::serve(
            listener,
            state,
            certificate,
            watched,
            judge.clone(),
            stop,
        ));
        Self {
            house,
            address,
            roots,
            trust,
            judge,
        }
    }

    /// Status and body of an answer; `None` where the connection is refused.
    async fn ask(&self, identity: Option<&Identity>, request: &str) -> Option<(u16, String)> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(self.roots.clone());
        let config = match identity {
            Some((chain, key)) => config.with_client_auth_cert(chain.clone(), key.clone_key()).unwrap(),
            None => config.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let asking = async {
            let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut text = String::new();
            // A connection that is cut after the answer is no loss.
            let _ = stream.read_to_string(&mut text).await;
            let (head, body) = text.split_once("\r\n\r\n")?;
            Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
        };
        tokio::time::timeout(DEADLINE, asking).await.unwrap()
    }
}

fn get(path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers}\r\n")
}

const ADA: &[(&str, &str)] = &[("X-Remote-User", "ada"), ("X-Remote-Group", "soc")];

#[tokio::test]
async fn only_the_api_server_is_heard() {
    let (authority, other) = (Authority::new(), Authority::new());
    let stage = Backstage::open(&authority).await;
    let front = authority.identity("front-proxy");
    let cases = [
        ("its certificate", Some(authority.identity("front-proxy")), Some(200)),
        ("no certificate", None, None),
        ("another name", Some(authority.identity("someone")), None),
        ("another authority", Some(other.identity("front-proxy")), None),
    ];
    for (case, identity, expected) in cases {
        let answer = stage.ask(identity.as_ref(), &get(RUNS, ADA)).await;
        assert_eq!(
            answer.as_ref().map(|(status, _)| *status),
            expected,
            "{case}: {answer:?}"
        );
    }
    // Authorities are rotated without a restart.
    stage.trust.send_replace(other.trust());
    assert_eq!(stage.ask(Some(&front), &get(RUNS, ADA)).await, None);
    let rotated = stage.ask(Some(&other.identity("front-proxy")), &get(RUNS, ADA)).await;
    assert_eq!(rotated.unwrap().0, 200);
}

#[tokio::test]
async fn users_may_what_rbac_says() {
    let authority = Authority::new();
    let stage = Backstage::open(&authority).await;
    let front = authority.identity("front-proxy");
    let token = format!("Bearer {}", super::MASTER);
    let all = "/apis/journal.riposte.dev/v1alpha1/runs";
    let cases = [
        ("a member", RUNS, ADA, 200),
        ("a member elsewhere", all, ADA, 403),
        ("nobody", RUNS, &[][..], 401),
        (
            "a token means nothing here",
            RUNS,
            &[("Authorization", &*token)][..],
            401,
        ),
        (
            "a stranger",
            RUNS,
            &[("X-Remote-User", "eve"), ("X-Remote-Group", "dev")][..],
            403,
        ),
        ("nobody decides", RUNS, &[("X-Remote-User", "undecided")][..], 503),
        (
            "discovery",
            "/apis/journal.riposte.dev/v1alpha1",
            &[("X-Remote-User", "eve")][..],
            200,
        ),
        ("other paths", "/v1/runs", ADA, 404),
        (
            "objects, which the API server has",
            "/apis/riposte.dev/v1alpha1/playbooks",
            ADA,
            404,
        ),
    ];
    for (case, path, headers, expected) in cases {
        let (status, body) = stage.ask(Some(&front), &get(path, headers)).await.unwrap();
        assert_eq!(status, expected, "{case}: {body}");
    }
    let (_, body) = stage
        .ask(Some(&front), &get(RUNS, &[("X-Remote-User", "eve")]))
        .await
        .unwrap();
    let status: Value = serde_json::from_str(&body).unwrap();
    let expected = "runs.journal.riposte.dev is forbidden: User \"eve\" cannot list resource \"runs\" in API group \
                    \"journal.riposte.dev\" in the namespace \"soc\"";
    assert_eq!(status["message"], expected);
}

#[tokio::test]
async fn a_start_needs_the_verb_run_too() {
    let authority = Authority::new();
    let stage = Backstage::open(&authority).await;
    stage.house.post("/v1/workspaces/soc/alerts", &alert("a")).await;
    let body = json!({ "incident": 1 }).to_string();
    let request = format!(
        "POST /apis/journal.riposte.dev/v1alpha1/namespaces/soc/playbooks/triage/start HTTP/1.1\r\nHost: {HOST}\r\n\
         Connection: close\r\nX-Remote-User: ada\r\nX-Remote-Group: soc\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, body) = stage
        .ask(Some(&authority.identity("front-proxy")), &request)
        .await
        .unwrap();
    assert_eq!(status, 201, "{body}");
    let asked = stage.judge.0.lock().unwrap().clone();
    let expected = [
        "ada create playbooks.journal.riposte.dev soc",
        "ada run playbooks.riposte.dev soc",
    ];
    assert_eq!(asked, expected);
    let run: Value = serde_json::from_str(&body).unwrap();
    let path = format!("{RUNS}/{}", run["items"][0]["metadata"]["name"].as_str().unwrap());
    let (_, run) = stage
        .ask(Some(&authority.identity("front-proxy")), &get(&path, ADA))
        .await
        .unwrap();
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!(run["spec"]["requester"], "user/ada");
}

/// An API server that answers reviews: Ada may list, and who has no group may nothing.
async fn reviewing() -> (kube::Client, Arc<Mutex<Vec<Value>>>) {
    use axum::extract::{Json, State};
    type Asked = Arc<Mutex<Vec<Value>>>;
    async fn review(
        State(asked): State<Asked>,
        Json(mut review): Json<Value>,
    ) -> (axum::http::StatusCode, Json<Value>) {
        asked.lock().unwrap().push(review["spec"].clone());
        let is_allowed = review["spec"]["user"] == "ada" && review["spec"]["resourceAttributes"]["verb"] == "list";
        review["status"] = json!({ "allowed": is_allowed });
        (axum::http::StatusCode::CREATED, Json(review))
    }
    let asked = Asked::default();
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let router = axum::Router::new()
        .route(path, axum::routing::post(review))
        .with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = kube::Config::new(url.parse().unwrap());
    (kube::Client::try_from(config).unwrap(), asked)
}

#[tokio::test]
async fn reviews_carry_groups_and_are_remembered() {
    let (client, asked) = reviewing().await;
    let reviews = AccessReviews::new(client);
    let user = User {
        name: "ada".into(),
        groups: vec!["soc".into()],
        extra: BTreeMap::from([("scopes".into(), vec!["read".into()])]),
        ..User::default()
    };
    let what = |verb| Attributes {
        verb,
        group: "journal.riposte.dev",
        resource: "runs",
        subresource: Some("log"),
        namespace: Some("soc".into()),
        name: Some("r1".into()),
    };
    assert_eq!(reviews.allows(&user, &what("list")).await, Ok(true));
    assert_eq!(reviews.allows(&user, &what("list")).await, Ok(true));
    assert_eq!(reviews.allows(&user, &what("get")).await, Ok(false));
    let stranger = User {
        name: "eve".into(),
        ..User::default()
    };
    assert_eq!(reviews.allows(&stranger, &what("list")).await, Ok(false));
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3, "the same question is asked once: {asked:?}");
    let expected = json!({
        "user": "ada", "groups": ["soc"], "extra": { "scopes": ["read"] },
        "resourceAttributes": { "verb": "list", "group": "journal.riposte.dev", "version": "v1alpha1",
            "resource": "runs", "subresource": "log", "namespace": "soc", "name": "r1" },
    });
    assert_eq!(asked[0], expected);
}

#[tokio::test]
async fn an_api_server_that_is_away_decides_nothing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    config.default_retry = false;
    let reviews = AccessReviews::new(kube::Client::try_from(config).unwrap());
    let answer = reviews.allows(&User::default(), &Attributes::default()).await;
    assert!(answer.is_err(), "{answer:?}");
}
