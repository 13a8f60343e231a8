//! A PostgreSQL server of the tests' own: one a process, which ends with it, and a new database for each test. Its programs
//! are those of the machine, else Debian's, unpacked into the user's cache folder.
//! Invariant: where there is no PostgreSQL, a test that needs it fails and says how to get it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use riposte::store::Address;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use crate::chaos::machine::{self, Machine};
use crate::control_plane::eventually;
use crate::control_plane::guard::Guard;
use crate::debian::{Tree, library_path, succeeded};

/// The server refuses to be root's: it runs as nobody then.
const NOBODY: u32 = 65_534;
/// The owner of everything in the server.
const USER: &str = "riposte";
/// The password of that user where one is asked for, which is over TCP.
pub(crate) const PASSWORD: &str = "canary/of the tests#1";
/// The oldest version that is supported.
const OLDEST: u32 = 15;
/// How a test begins that needs what cannot be had.
const HELP: &str = "PostgreSQL 15 or newer is needed by the tests: install it (Debian: apt-get install postgresql), or put \
                    the folder with `postgres` and `initdb` on the PATH";

/// The server of this process.
pub(crate) struct Server {
    /// The folder of its socket.
    folder: PathBuf,
    port: u16,
    /// The certificate by which it is known over TCP.
    pub(crate) certificate: PathBuf,
    guard: Guard,
    /// The machine that it runs on, if that is one of its own.
    machine: Option<Machine>,
}

/// A database of its own for a test.
#[derive(Clone)]
pub(crate) struct Database {
    name: String,
    server: &'static Server,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Server {
    /// The server of this process, started by whoever needs it first.
    pub(crate) fn shared() -> &'static Server {
        static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| start(false));
        SERVER.as_ref().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Another server, which a test may harm.
    pub(crate) fn fragile() -> &'static Server {
        static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| start(false));
        SERVER.as_ref().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Another server, whose disk a test may fill.
    pub(crate) fn fillable() -> &'static Server {
        static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| start(true));
        SERVER.as_ref().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Lets nothing that makes a file of the server longer find room, or all again.
    ///
    /// # Panics
    /// The server is not [`Server::fillable`].
    pub(crate) fn set_disk_full(&self, is_full: bool) {
        let machine = self.machine.as_ref().expect("a machine of its own");
        machine.set_blocks_taken(is_full);
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .port(self.port)
            .username(USER)
            .database(database)
    }
}

impl Database {
    /// A new and empty database.
    pub(crate) async fn new() -> Self {
        Self::on(Server::shared).await
    }

    /// The same on a server that is started when it is needed.
    pub(crate) async fn on(server: fn() -> &'static Server) -> Self {
        let server = tokio::task::spawn_blocking(server).await.unwrap();
        let mut connection = eventually("the server answers", async || {
            if let Some(failure) = server.guard.failure() {
                panic!("{failure}");
            }
            server.options("postgres").connect().await.ok()
        })
        .await;
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        // An order of its own, which must not matter.
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        Database { name, server }
    }

    /// Its address by the socket, as arguments and the environment have it.
    pub(crate) fn url(&self) -> String {
        self.url_by(&self.server.folder)
    }

    /// The same by the folder of another socket, which leads to the server's.
    pub(crate) fn url_by(&self, folder: &Path) -> String {
        let (folder, port) = (folder.display(), self.server.port);
        format!("postgres:///{}?host={folder}&port={port}&user={USER}", self.name)
    }

    /// Its address by TCP, where a password is asked for.
    pub(crate) fn tcp_url(&self, user: &str, parameters: &str) -> String {
        let port = self.server.port;
        format!("postgres://{user}@localhost:{port}/{}?{parameters}", self.name)
    }

    /// The server's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.server.folder.join(format!(".s.PGSQL.{}", self.server.port))
    }

    pub(crate) fn address(&self) -> Address {
        Address::parse(&self.url()).unwrap()
    }

    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.try_connect().await.unwrap()
    }

    /// The same with a server that may be away.
    pub(crate) async fn try_connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.server.options(&self.name).connect().await
    }
}

/// Starts a server, on a machine of its own if `is_fillable`.
fn start(is_fillable: bool) -> Result<Server, String> {
    let mut programs = Programs::find()?;
    let folder = tempfile::Builder::new().prefix("riposte-pg-").tempdir_in("/tmp");
    let folder = folder
        .map_err(|error| format!("no folder for PostgreSQL: {error}"))?
        .keep();
    let server = folder.join("server");
    let failed = |error: std::io::Error| format!("cannot prepare {}: {error}", server.display());
    fs::create_dir(&server).map_err(failed)?;
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).map_err(failed)?;
    programs.move_to(&folder)?;
    let (data, password) = (server.join("data"), server.join("password"));
    fs::write(&password, PASSWORD).map_err(failed)?;
    let certificate = certify(&server).map_err(failed)?;
    give_away(&server).map_err(failed)?;
    let pwfile = format!("--pwfile={}", password.display());
    let options = [
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        &pwfile,
        "-D",
    ];
    let mut initdb = programs.command("initdb");
    let output = initdb.args(options).arg(&data).current_dir(&server).output();
    succeeded(
        "initdb",
        &output.map_err(|error| format!("initdb does not run: {error}"))?,
    )?;
    let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), access).map_err(failed)?;
    let port = free_port().map_err(failed)?;
    let mut arguments: Vec<OsString> = vec!["-D".into(), data.into(), "-k".into(), server.clone().into()];
    let settings = [
        &format!("port={port}"),
        "listen_addresses=127.0.0.1",
        "ssl=on",
        "ssl_cert_file=../server.crt",
        "ssl_key_file=../server.key",
        "max_connections=400",
        "shared_buffers=64MB",
        "fsync=off",
        "min_wal_size=256MB",
        "jit=off",
    ];
    arguments.extend(
        settings
            .iter()
            .flat_map(|setting| ["-c".into(), OsString::from(setting)]),
    );
    let machine = is_fillable.then(|| programs.on_machine(&server));
    let command = programs.command("postgres");
    let words: Vec<OsString> = command.get_args().map(OsString::from).chain(arguments).collect();
    // An immediate end: the server takes its processes along.
    let guard = Guard::start_until("QUIT", Path::new(command.get_program()), &words, &server);
    let guard = guard.map_err(|error| format!("postgres does not run: {error}"))?;
    Ok(Server {
        folder: server,
        port,
        certificate,
        guard,
        machine,
    })
}

/// A certificate for `localhost` and its key; gives the place of the certificate.
fn certify(folder: &Path) -> std::io::Result<PathBuf> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(std::io::Error::other)?;
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600))?;
    Ok(certificate)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Lets the server's user own a folder and what is in it.
fn give_away(folder: &Path) -> std::io::Result<()> {
    if is_root() {
        for entry in fs::read_dir(folder)? {
            std::os::unix::fs::chown(entry?.path(), Some(NOBODY), Some(NOBODY))?;
        }
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where the programs of PostgreSQL are.
struct Programs {
    folder: PathBuf,
    /// Where their libraries are, if not where the system looks.
    libraries: Vec<PathBuf>,
    /// The folder that they were unpacked into, if they were.
    root: Option<PathBuf>,
    /// Variables that they see.
    variables: Vec<String>,
}

impl Programs {
    fn find() -> Result<Programs, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).filter_map(|folder| {
            // A link leads to the folder in which the other programs are.
            let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
            Some(postgres.parent()?.to_owned())
        });
        let found = on_path
            .chain(below(Path::new("/usr/lib/postgresql")))
            .find(|folder| is_usable(folder, &[]));
        match found {
            Some(folder) => Ok(Programs {
                folder,
                libraries: Vec::new(),
                root: None,
                variables: Vec::new(),
            }),
            None => unpacked(),
        }
    }

    /// Copies what was unpacked to a folder where the server's user is let in; the cache of root it cannot read.
    fn move_to(&mut self, folder: &Path) -> Result<(), String> {
        let Some(root) = self.root.take().filter(|_| is_root()) else {
            return Ok(());
        };
        let copy = folder.join("server/programs");
        let output = Command::new("cp").arg("-r").args([&root, &copy]).output();
        succeeded("cp", &output.map_err(|error| format!("cp does not run: {error}"))?)?;
        let place = |path: &Path| path.strip_prefix(&root).map_or(path.to_owned(), |rest| copy.join(rest));
        self.libraries = self.libraries.iter().map(|path| place(path)).collect();
        self.folder = place(&self.folder);
        Ok(())
    }

    /// Lets them see a machine whose file is in this folder.
    fn on_machine(&mut self, folder: &Path) -> Machine {
        let machine = Machine::new(folder.join("machine"));
        let variable = |name: &str, path: &Path| format!("{name}={}", path.display());
        let library = variable("LD_PRELOAD", &machine::library(folder));
        self.variables = vec![library, variable("CHAOS_MACHINE", &machine.file)];
        machine
    }

    /// A program, by its own user.
    fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        let mut command = Command::new(if is_root() { "setpriv" } else { "env" });
        if is_root() {
            let user = NOBODY.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--", "env"]);
        }
        command.arg(library_path(&self.libraries));
        command.args(&self.variables).arg(program);
        command.env_remove("PGDATA");
        command
    }
}

/// The folders of programs of all versions below a folder of Debian's, the newest first.
fn below(folder: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// Whether both programs are there and run, and are new enough.
fn is_usable(folder: &Path, libraries: &[PathBuf]) -> bool {
    let mut command = Command::new("env");
    command
        .arg(library_path(libraries))
        .arg(folder.join("postgres"))
        .arg("--version");
    let Ok(output) = command.output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text
        .split(' ')
        .nth(2)
        .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    folder.join("initdb").exists() && version.is_some_and(|version| version >= OLDEST)
}

/// Debian's package and the libraries that the machine lacks, in the cache folder.
fn unpacked() -> Result<Programs, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let tree = Tree::of("postgresql");
    let root = tree.path();
    let find = || {
        let libraries = tree.libraries();
        let folders = below(&root.join("usr/lib/postgresql"));
        let folder = folders.into_iter().find(|folder| is_usable(folder, &libraries))?;
        let root = Some(root.to_owned());
        Some(Programs {
            folder,
            libraries,
            root,
            variables: Vec::new(),
        })
    };
    if let Some(programs) = find() {
        return Ok(programs);
    }
    tree.unpack(&["postgresql"])
        .map_err(|reason| format!("{HELP}\n{reason}"))?;
    find().ok_or_else(|| format!("{HELP}\nwhat was unpacked into {} does not run", root.display()))
}
