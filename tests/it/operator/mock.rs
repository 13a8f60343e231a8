//! Parts that ask the API server, against one that a test plays.

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use riposte::catalog::{Catalog, Current, Source};
use riposte::cluster::authenticate::ClusterCallers;
use riposte::cluster::permit::{ClusterConnections, ClusterContent, Reviews};
use riposte::connectors::{Connections as _, NoTriage};
use riposte::engine::content::Content as _;
use riposte::grants::Permission;
use riposte::server::{Access, Authenticate as _};
use serde_json::{Value, json};
use tower_test::mock::{self, Handle};

type Api = Handle<Request<Body>, Response<Body>>;

fn api() -> (Client, Api) {
    let (service, api) = mock::pair();
    (Client::new(service, "default"), api)
}

/// Takes one request, answers it, and gives its path and body.
async fn play(api: &mut Api, status: u16, answer: &Value) -> (String, Value) {
    let (request, send) = api.next_request().await.expect("a request");
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let response = Response::builder().status(status);
    send.send_response(
        response
            .body(Body::from(answer.to_string().into_bytes()))
            .expect("a response"),
    );
    (path, serde_json::from_slice(&body).expect("JSON"))
}

fn reviewed(allowed: bool) -> Value {
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {}, "status": { "allowed": allowed },
    })
}

fn refused(status: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": status,
        "reason": "InternalError", "message": "no",
    })
}

#[tokio::test]
async fn a_permission_is_asked_for_with_the_groups_of_the_account_and_once() {
    let (client, mut api) = api();
    let content = ClusterContent::new(Current::fixed(Catalog::default()), Reviews::new(client));
    let asking = tokio::spawn({
        let content = content.clone();
        async move { content.permit("soc", "playbooks", "close").await }
    });
    let (path, body) = play(&mut api, 201, &reviewed(true)).await;
    assert_eq!(path, "/apis/authorization.k8s.io/v1/subjectaccessreviews");
    assert_eq!(
        body["spec"],
        json!({
            "user": "system:serviceaccount:soc:riposte-automation",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:soc", "system:authenticated"],
            "resourceAttributes": {
                "group": "riposte.dev", "version": "v1alpha1", "resource": "playbooks", "verb": "run",
                "namespace": "playbooks", "name": "close",
            },
        })
    );
    assert_eq!(asking.await.expect("an answer"), Ok(Permission::Granted));
    // The second time nobody plays the API server.
    drop(api);
    assert_eq!(
        content.permit("soc", "playbooks", "close").await,
        Ok(Permission::Granted)
    );
}

#[tokio::test]
async fn a_refusal_names_what_is_missing_and_a_silent_api_server_decides_nothing() {
    let (client, mut api) = api();
    let reviews = Reviews::new(client);
    let asking = tokio::spawn({
        let reviews = reviews.clone();
        async move { reviews.permit("soc", "playbooks", "close").await }
    });
    play(&mut api, 201, &reviewed(false)).await;
    let Ok(Ok(Permission::Missing(missing))) = asking.await else {
        panic!("it is allowed")
    };
    assert_eq!(missing.account(), "system:serviceaccount:soc:riposte-automation");
    let asking = tokio::spawn({
        let reviews = reviews.clone();
        async move { reviews.permit("soc", "playbooks", "other").await }
    });
    play(&mut api, 500, &refused(500)).await;
    assert!(asking.await.expect("an answer").is_err());
}

#[tokio::test]
async fn the_account_of_a_playbook_may_work_on_incidents_elsewhere_only_if_the_cluster_says_so() {
    let playbook = |name: &str, account: &str| {
        format!(
            r#"{{"apiVersion":"riposte.dev/v1alpha1","kind":"Playbook","metadata":{{"name":"{name}","namespace":"tools"}},
                "spec":{{{account}"definition":{{"triggers":{{"hand":{{"type":"Request","inputs":{{}}}}}},"actions":{{}}}}}}}}"#
        )
    };
    let sources = [
        playbook("close", r#""serviceAccountName":"closer","#),
        playbook("bare", ""),
    ];
    let sources: Vec<Source> = sources.iter().map(|text| Source::read_json("f", text)).collect();
    let (client, mut api) = api();
    let connections = ClusterConnections::new(Current::fixed(Catalog::build(&sources)), Reviews::new(client));
    let Err(NoTriage::Missing(message)) = connections.may_triage(("tools", "bare"), "soc").await else {
        panic!("it acts as nobody")
    };
    assert!(message.contains("`spec.serviceAccountName`"), "{message}");
    let asking = tokio::spawn({
        let connections = connections.clone();
        async move { connections.may_triage(("tools", "close"), "soc").await }
    });
    let (_, body) = play(&mut api, 201, &reviewed(false)).await;
    assert_eq!(body["spec"]["user"], "system:serviceaccount:tools:closer");
    assert_eq!(body["spec"]["groups"][1], "system:serviceaccounts:tools");
    let attributes = json!({
        "group": "riposte.dev", "version": "v1alpha1", "resource": "incidents", "verb": "triage", "namespace": "soc",
    });
    assert_eq!(body["spec"]["resourceAttributes"], attributes);
    let Err(NoTriage::Missing(message)) = asking.await.expect("an answer") else {
        panic!("it is allowed")
    };
    let command =
        "kubectl create rolebinding tools-closer-triage -n soc --role=riposte-triage --serviceaccount=tools:closer";
    assert!(message.ends_with(command), "{message}");
    let asking = tokio::spawn(async move { connections.may_triage(("tools", "close"), "other").await });
    play(&mut api, 500, &refused(500)).await;
    assert!(matches!(asking.await.expect("an answer"), Err(NoTriage::Undecided(_))));
}

#[tokio::test]
async fn a_token_is_reviewed_and_its_account_asked_for() {
    let (client, mut api) = api();
    let callers = std::sync::Arc::new(ClusterCallers::new(client.clone(), Reviews::new(client)));
    let asking = tokio::spawn({
        let callers = callers.clone();
        async move {
            let falco = callers.identify("token").await.expect("an answer").expect("an account");
            let may = callers.may(&falco, Access::Deliver, Some("soc")).await;
            (falco, may)
        }
    });
    let user = json!({ "username": "system:serviceaccount:falco:falco", "groups": ["system:serviceaccounts"] });
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {}, "status": { "authenticated": true, "user": user },
    });
    let (path, body) = play(&mut api, 201, &review).await;
    assert_eq!(path, "/apis/authentication.k8s.io/v1/tokenreviews");
    assert_eq!(body["spec"]["token"], "token");
    let (_, body) = play(&mut api, 201, &reviewed(false)).await;
    let attributes = &body["spec"]["resourceAttributes"];
    assert_eq!(
        (&attributes["verb"], &attributes["resource"], &attributes["namespace"]),
        (&json!("create"), &json!("alerts"), &json!("soc"))
    );
    assert_eq!(body["spec"]["groups"], json!(["system:serviceaccounts"]));
    let (falco, may) = asking.await.expect("an answer");
    assert_eq!((&*falco.name, may), ("system:serviceaccount:falco:falco", Ok(false)));
}

#[tokio::test]
async fn an_unknown_token_is_nobody() {
    let (client, mut api) = api();
    let callers = ClusterCallers::new(client.clone(), Reviews::new(client));
    let asking = tokio::spawn(async move { callers.identify("token").await });
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {}, "status": { "authenticated": false, "user": { "username": "evil" } },
    });
    play(&mut api, 201, &review).await;
    assert_eq!(asking.await.expect("an answer"), Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_sender_goes_on_delivering_for_a_while_when_nobody_can_be_asked_and_does_nothing_else() {
    let (client, mut api) = api();
    let callers = std::sync::Arc::new(ClusterCallers::new(client.clone(), Reviews::new(client)));
    let ask = |access: Access| {
        let callers = callers.clone();
        tokio::spawn(async move {
            let falco = callers.identify("token").await?.expect("an account");
            callers.may(&falco, access, Some("soc")).await
        })
    };
    let asking = ask(Access::Deliver);
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {}, "status": { "authenticated": true, "user": { "username": "falco" } },
    });
    play(&mut api, 201, &review).await;
    play(&mut api, 201, &reviewed(true)).await;
    assert_eq!(asking.await.expect("an answer"), Ok(true));

    for (later, access, allowed) in [
        (60, Access::Deliver, true),
        (0, Access::Read, false),
        (600, Access::Deliver, false),
    ] {
        tokio::time::advance(std::time::Duration::from_secs(later)).await;
        let asking = ask(access);
        play(&mut api, 500, &refused(500)).await;
        if later < 600 {
            play(&mut api, 500, &refused(500)).await;
        }
        let answer = asking.await.expect("an answer");
        assert_eq!(answer.is_ok_and(|may| may), allowed, "{access:?} after {later} s");
    }
}
