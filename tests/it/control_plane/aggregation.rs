//! Proof that the API server forwards requests to an aggregated API server, and tells it who asks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::certificates::Identity;
use super::{ControlPlane, eventually, failed, succeeded};

/// Trusts only callers with a certificate of the front proxy's authority.
fn server_config(identity: &Identity, client_authority: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(client_authority.as_bytes()).unwrap())
        .unwrap();
    let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    Arc::new(
        config
            .with_client_cert_verifier(callers)
            .with_single_cert(vec![certificate], key)
            .unwrap(),
    )
}

/// Answers discovery of the group, and every other request with its headers.
fn answer(connection: TcpStream, config: Arc<ServerConfig>, group: &str) -> std::io::Result<()> {
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(session, connection));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let is_whoami = lines.first().is_some_and(|request| request.contains("/whoami"));
    let body = if is_whoami {
        json!({"headers": lines})
    } else {
        let resource =
            json!({"name": "whoami", "singularName": "", "namespaced": false, "kind": "Who", "verbs": ["get"]});
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/v1"), "resources": [resource]})
    };
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    write!(
        stream.get_mut(),
        "{head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.get_mut().flush()
}

/// Serves until the tests end.
fn serve(listener: TcpListener, config: Arc<ServerConfig>, group: String) {
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let _ = answer(connection, config.clone(), &group);
        }
    });
}

/// The service that leads to this machine, and the registration of the group.
fn registration(namespace: &str, group: &str, port: u16, authority: &str) -> Value {
    use base64::Engine as _;
    let authority = base64::engine::general_purpose::STANDARD.encode(authority);
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo", "namespace": namespace},
            "spec": {"type": "ExternalName", "externalName": "localhost"}},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": format!("v1.{group}")},
            "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "caBundle": authority, "service": {"name": "echo", "namespace": namespace, "port": port}}},
    ]})
}

#[tokio::test]
async fn an_aggregated_server_is_told_who_asks_and_never_the_token() {
    let plane = ControlPlane::shared();
    let (namespace, user) = (plane.namespace().await, plane.fresh_user());
    let group = format!("{namespace}.riposte.test");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let identity = plane.serving_certificate(&[&format!("echo.{namespace}.svc")]);
    serve(listener, server_config(&identity, &plane.front_proxy_ca), group.clone());
    let manifests = registration(&namespace, &group, port, &plane.authority.certificate);
    succeeded(&plane.kubectl("admin", &["apply", "-f", "-"], &manifests.to_string()));

    let path = format!("/apis/{group}/v1/whoami/self");
    let get = ["get", "--raw", path.as_str()];
    assert!(failed(&plane.kubectl(&user, &get, "")).contains("Forbidden"));
    let resource = format!("--resource=whoami.{group}");
    succeeded(&plane.kubectl(
        "admin",
        &["create", "clusterrole", &namespace, "--verb=get", &resource],
        "",
    ));
    let role = format!("--clusterrole={namespace}");
    succeeded(&plane.kubectl(
        "admin",
        &["create", "clusterrolebinding", &namespace, &role, "--user", &user],
        "",
    ));
    let answer = eventually("the aggregated server answers", async || {
        let output = plane.kubectl(&user, &get, "");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).to_lowercase())
    })
    .await;
    succeeded(&plane.kubectl("admin", &["delete", "apiservice", &format!("v1.{group}")], ""));
    assert!(answer.contains(&format!("x-remote-user: {user}")), "{answer}");
    assert!(answer.contains("x-remote-group: team-"), "{answer}");
    assert!(!answer.contains("authorization:"), "{answer}");
}
