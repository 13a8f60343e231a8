//! A store that takes nothing for a while: what went on goes on soon after, and not at its next wake-up.

use std::sync::Arc;

use riposte::engine::status::RunStatus;
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{Process, Says, http, playbook};

#[test]
fn a_run_whose_answer_was_not_stored_goes_on_soon() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Get": http("GET", "/host", None)}));
    let answers = Arc::new(Notify::new());
    let says = [("GET /host", Says::When(answers.clone()))];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let run = process.run();
    let call = process.next_call();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("riposte.db"));
    let mut raw = process.within(options.connect()).unwrap();
    let fail = "CREATE TRIGGER broken BEFORE UPDATE ON runs BEGIN SELECT RAISE(FAIL, 'broken'); END";
    process.within(raw.execute(fail)).unwrap();
    answers.notify_one();
    // The answer is lost, so the call is made again, while the wake-up of the run is a minute away.
    assert_eq!(process.next_call(), call);
    process.within(raw.execute("DROP TRIGGER broken")).unwrap();
    answers.notify_one();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
}
