//! The first command of the README.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::program::{self, Finished};

const FOLDER: &str = "examples/quickstart";

fn quickstart() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    path.to_str().unwrap().to_owned()
}

fn once(home: &Path, folder: &str, options: &[&str]) -> Finished {
    let fixed = ["dev", folder, "--once", "--listen", "127.0.0.1:0"];
    program::run(home, &[&fixed, options].concat())
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in\n{text}");
    }
}

#[test]
fn quickstart_shows_everything_once() {
    let home = TempDir::new().unwrap();
    let first = once(home.path(), &quickstart(), &[]);
    assert_eq!(first.code, 0, "{}\n{}", first.stdout, first.stderr);
    let shown = [
        "event events/falco-outbound-connection.json (falco)",
        "alert High Unexpected outbound connection destination",
        "opened incident #1",
        "rule enrich-serious-incidents matched",
        "✓ playbook default/enrich-addresses Succeeded",
        "✓ Ask_VirusTotal",
        "incident #1 High Active",
        "label: triaged",
        "task: Look at what VirusTotal says",
        "comment by playbook/enrich-addresses: VirusTotal: ",
    ];
    assert_has(&first.stdout, &shown);
    assert_has(
        &first.stderr,
        &["fake of virustotal on http://127.0.0.1:", "server on http://127.0.0.1:"],
    );
    assert!(
        !first.stdout.contains('\u{1b}') && !first.stderr.contains('\u{1b}'),
        "{first:?}"
    );

    let second = once(home.path(), &quickstart(), &[]);
    assert_eq!(second.code, 1, "nothing ran: {second:?}");
    assert_has(
        &second.stderr,
        &["delivered by an earlier start", ".riposte/", "no playbook ran"],
    );
    assert!(!second.stdout.contains("opened incident"), "{}", second.stdout);
}

/// The quickstart without its wish for a fake.
fn plain(home: &Path) {
    let copy = home.join("copy");
    fs::create_dir_all(copy.join("events")).unwrap();
    let event = "events/falco-outbound-connection.json";
    for name in [
        "automation-rule.yaml",
        "connections.yaml",
        "grant.yaml",
        "playbook.yaml",
        event,
    ] {
        let text = fs::read_to_string(Path::new(&quickstart()).join(name)).unwrap();
        let kept = text
            .lines()
            .filter(|line| !line.contains("riposte.dev/fake") && !line.contains("annotations:"));
        fs::write(copy.join(name), kept.collect::<Vec<_>>().join("\n")).unwrap();
    }
}

#[test]
fn services_are_faked_only_where_asked() {
    let home = TempDir::new().unwrap();
    plain(home.path());
    let refused = once(home.path(), "copy", &["--data", "refused"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(!refused.stderr.contains("fake of"), "{}", refused.stderr);
    assert_has(
        &refused.stdout,
        &["✗ playbook default/enrich-addresses Failed", "✗ Ask_VirusTotal"],
    );

    let faked = once(home.path(), "copy", &["--data", "faked", "--fakes"]);
    assert_eq!(faked.code, 0, "{}\n{}", faked.stdout, faked.stderr);
    assert_has(
        &faked.stderr,
        &["fake of virustotal on http://127.0.0.1:", "the answers are invented"],
    );
    assert_has(&faked.stdout, &["comment by playbook/enrich-addresses: VirusTotal: "]);
}
