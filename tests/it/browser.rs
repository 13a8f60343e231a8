//! A real browser: Chromium, driven by WebDriver, with a profile of its own. Its programs are those of the machine, else
//! Debian's, unpacked into the user's cache folder.
//! Invariant: where there is no Chromium, a test that needs it fails and says how to get it; after a test no browser is
//! left.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::control_plane::guard::Guard;
use crate::debian::{Tree, library_path};
use crate::patience::settled;

/// How a test begins that needs what cannot be had.
const HELP: &str = "Chromium and its driver are needed by the tests: install them (Debian: apt-get install chromium \
                    chromium-driver fonts-dejavu-core), or put `chromium` and `chromedriver` on the PATH";
/// Debian's packages.
const PACKAGES: &[&str] = &["chromium", "chromium-driver", "fonts-dejavu-core"];
/// What keeps the browser to itself.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A browser with one window.
pub(crate) struct Browser {
    client: reqwest::Client,
    /// The session, below the address of the driver.
    session: String,
    port: u16,
    _driver: Guard,
    _profile: TempDir,
}

impl Browser {
    /// A new browser whose window has this size.
    pub(crate) async fn open(width: u32, height: u32) -> Self {
        let programs = tokio::task::spawn_blocking(Programs::shared).await.unwrap();
        let port = free_port();
        let folder = tempfile::Builder::new()
            .prefix("riposte-browser-")
            .tempdir()
            .unwrap()
            .keep();
        let (program, mut words) = programs.command(&programs.driver);
        words.push(format!("--port={port}").into());
        let driver = Guard::start_until("TERM", &program, &words, &folder.join("driver")).unwrap();
        let profile = TempDir::new().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={width},{height}"));
        let options = json!({ "binary": programs.browser, "args": flags });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } } });
        let client = reqwest::Client::new();
        let root = format!("http://127.0.0.1:{port}");
        let ready = async || {
            let asked = client.get(format!("{root}/status")).send().await;
            asked
                .map(drop)
                .map_err(|error| driver.failure().unwrap_or_else(|| error.to_string()))
        };
        if let Err(reason) = settled(DEADLINE, ready).await {
            panic!("{HELP}\n{reason}");
        }
        let made = said(
            &client,
            reqwest::Method::POST,
            &format!("{root}/session"),
            Some(&wanted),
        )
        .await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("{HELP}\n{made}"));
        Self {
            session: format!("{root}/session/{id}"),
            client,
            port,
            _driver: driver,
            _profile: profile,
        }
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = said(
            &self.client,
            reqwest::Method::POST,
            &format!("{}/{path}", self.session),
            Some(body),
        )
        .await;
        assert!(answer.get("error").is_none(), "{path}: {answer}");
        answer
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) async fn go(&self, url: &str) {
        self.ask("url", &json!({ "url": url })).await;
    }

    /// What a script on the page gives.
    pub(crate) async fn eval(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// The text of the page as it is seen.
    pub(crate) async fn text(&self) -> String {
        self.eval("return document.body.innerText")
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The text of the page as soon as it has a part: a click does not wait for the page that it leads to.
    pub(crate) async fn text_with(&self, part: &str) -> String {
        let attempt = async || {
            let text = self.text().await;
            if text.contains(part) { Ok(text) } else { Err(text) }
        };
        let outcome = settled(DEADLINE, attempt).await;
        outcome.unwrap_or_else(|text| panic!("the page does not say '{part}':\n{text}"))
    }

    /// The element of a selector.
    async fn element(&self, selector: &str) -> String {
        let found = self
            .ask("element", &json!({ "using": "css selector", "value": selector }))
            .await;
        let id = found.as_object().and_then(|members| members.values().next()?.as_str());
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    /// Clicks, and waits for the page to which that leads.
    pub(crate) async fn click(&self, selector: &str) {
        let id = self.element(selector).await;
        self.ask(&format!("element/{id}/click"), &json!({})).await;
    }

    /// Types into an element.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let id = self.element(selector).await;
        self.ask(&format!("element/{id}/value"), &json!({ "text": text })).await;
    }
}

impl Drop for Browser {
    /// The driver ends the browser. Where that fails, the guard ends the driver.
    fn drop(&mut self) {
        let path = self.session.splitn(4, '/').nth(3).unwrap_or_default();
        let request = format!(
            "DELETE /{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        );
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(DEADLINE));
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read(&mut [0; 1_024]);
        }
    }
}

/// What the driver says.
async fn said(client: &reqwest::Client, method: reqwest::Method, url: &str, body: Option<&Value>) -> Value {
    let mut request = client.request(method, url).timeout(DEADLINE);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let text = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    answer["value"].clone()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where the programs are.
#[derive(Debug)]
struct Programs {
    browser: PathBuf,
    driver: PathBuf,
    libraries: Vec<PathBuf>,
}

impl Programs {
    fn shared() -> &'static Self {
        static PROGRAMS: LazyLock<Result<Programs, String>> = LazyLock::new(Programs::find);
        match &*PROGRAMS {
            Ok(programs) => programs,
            Err(reason) => panic!("{reason}"),
        }
    }

    fn find() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = |name: &str| {
            let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
            places.find(|place| place.is_file())
        };
        let browser = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find_map(on_path);
        if let Some((browser, driver)) = browser.zip(on_path("chromedriver")) {
            return Ok(Self {
                browser,
                driver,
                libraries: Vec::new(),
            });
        }
        Self::unpacked()
    }

    fn unpacked() -> Result<Self, String> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let tree = Tree::of("chromium");
        let programs = || {
            let libraries = tree.libraries().into_iter();
            Self {
                browser: tree.path().join("usr/lib/chromium/chromium"),
                driver: tree.path().join("usr/bin/chromedriver"),
                // Libraries of sound lie in a folder of their own.
                libraries: libraries
                    .flat_map(|folder| [folder.join("pulseaudio"), folder])
                    .collect(),
            }
        };
        if !programs().run() {
            tree.unpack(PACKAGES).map_err(|reason| format!("{HELP}\n{reason}"))?;
        }
        let found = programs();
        match found.run() {
            true => Ok(found),
            false => Err(format!(
                "{HELP}\nwhat was unpacked into {} does not run",
                tree.path().display()
            )),
        }
    }

    fn run(&self) -> bool {
        [&self.browser, &self.driver].into_iter().all(|program| {
            let (program, words) = self.command(program);
            let output = Command::new(program).args(words).arg("--version").output();
            output.is_ok_and(|output| output.status.success())
        })
    }

    /// A program and its first words; what it starts finds the libraries too.
    fn command(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        ("env".into(), vec![library_path(&self.libraries), program.into()])
    }
}
