//! Two operators of one release with a database: one is killed in the middle of calls, and the other goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use riposte::store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::content;
use super::installed::Installed;
use super::job::deliver;
use crate::control_plane::eventually;
use crate::postgres::Database;

const RUNS: usize = 200;
/// How soon the runs of a dead operator have ended.
const TAKEOVER: Duration = Duration::from_secs(10);

/// A service that lets nobody go on before it is told to, and counts what it is told.
#[derive(Clone)]
struct Service {
    open: Arc<watch::Sender<bool>>,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    told: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Service {
    async fn start() -> (Self, String) {
        let service = Self {
            open: Arc::new(watch::channel(false).0),
            asked: Arc::default(),
            told: Arc::default(),
        };
        let ask = async |State(service): State<Self>, Path(number): Path<String>| {
            *service.asked.lock().unwrap().entry(number).or_default() += 1;
            let mut open = service.open.subscribe();
            open.wait_for(|open| *open).await.unwrap();
        };
        let tell = async |State(service): State<Self>, Path(number): Path<String>| {
            *service.told.lock().unwrap().entry(number).or_default() += 1;
        };
        let routes = Router::new()
            .route("/ask/{number}", get(ask))
            .route("/tell/{number}", post(tell));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = routes.with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (service, url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_killed_operator_end_in_the_other_and_nothing_is_told_twice() {
    let database = Database::new().await;
    let (service, url) = Service::start().await;
    let values = [
        "--set=store.postgres.existingSecret=store,replicas=2,journal.enabled=false",
        "--set=allowNetworks={127.0.0.0/8}",
    ];
    let installed = Installed::new(&values).await;
    let address = database.url();
    let secrets = [("RIPOSTE_STORE", &*address)];
    let one = installed.start_one_of(&["--identity=one"], &secrets).await;
    let other = installed.start_one_of(&["--identity=other"], &secrets).await;
    let apply = ["apply", "--server-side", "-f", "-"];
    installed.kubectl(&apply, &content::incidents());
    installed.kubectl(&apply, &content::slow_job(&installed.watched, &url));
    installed.shows("automationrule/slow", "Granted", "True").await;
    installed.kubectl(&["create", "serviceaccount", "falco"], "");
    installed.bind(
        "alert-sender",
        &format!("--serviceaccount={}:falco", &*installed.watched),
    );
    for n in 0..RUNS {
        let process = if n % 2 == 0 { &one } else { &other };
        deliver(&installed, process, &format!("Rule {n}")).await;
    }
    eventually("all runs are in the middle of a call", async || {
        (service.asked.lock().unwrap().len() == RUNS).then_some(())
    })
    .await;
    one.kill();
    let killed = Instant::now();
    service.open.send_replace(true);
    let store = Store::open(database.address()).await.unwrap();
    eventually("all runs succeeded", async || {
        let tally = store.tally(&installed.watched, "slow").await.unwrap().by_status;
        (tally == [(Some("Succeeded".to_owned()), 200)]).then_some(())
    })
    .await;
    assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
    let (told, asked) = (
        service.told.lock().unwrap().clone(),
        service.asked.lock().unwrap().clone(),
    );
    assert_eq!(
        (told.len(), told.values().max()),
        (RUNS, Some(&1)),
        "each run told once"
    );
    let again = asked.values().filter(|count| **count > 1).count();
    assert!(
        (50..150).contains(&again),
        "both operators drove their part: {again} calls were repeated"
    );
    // Their evaluations end too: nothing hangs on what the dead one knew.
    eventually("no run is open", async || {
        (store.open_runs_count().await.unwrap() == 0).then_some(())
    })
    .await;
}
