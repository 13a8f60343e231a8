//! The programs of the control plane: each is built once from a Go module that is pinned under `tests/control-plane/`,
//! and kept in the user's cache folder under a name that changes with what it is built from.
//! Invariant: one build at a time on a machine, and a program that is there is whole.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

/// How often a build says that it goes on.
const PROGRESS: Duration = Duration::from_secs(15);
/// How much of the output of a program that failed is shown, in lines.
const TAIL: usize = 20;

/// A pinned Go module, from which programs are built.
struct Module {
    /// Its folder under `tests/control-plane`.
    folder: &'static str,
    /// What it requires, whose version is the version of the programs.
    path: &'static str,
    go_mod: &'static str,
    go_sum: &'static str,
    /// The Go variable that holds the version, where there is one.
    version_variable: Option<&'static str>,
}

const ETCD: Module = Module {
    folder: "etcd",
    path: "go.etcd.io/etcd/server/v3",
    go_mod: include_str!("../../control-plane/etcd/go.mod"),
    go_sum: include_str!("../../control-plane/etcd/go.sum"),
    version_variable: None,
};
const KUBERNETES: Module = Module {
    folder: "kubernetes",
    path: "k8s.io/kubernetes",
    go_mod: include_str!("../../control-plane/kubernetes/go.mod"),
    go_sum: include_str!("../../control-plane/kubernetes/go.sum"),
    version_variable: Some("k8s.io/component-base/version.gitVersion"),
};
const HELM: Module = Module {
    folder: "helm",
    path: "helm.sh/helm/v4",
    go_mod: include_str!("../../control-plane/helm/go.mod"),
    go_sum: include_str!("../../control-plane/helm/go.sum"),
    version_variable: Some("helm.sh/helm/v4/internal/version.version"),
};

impl Module {
    /// The version that `go.mod` requires, as `v1.2.3`.
    fn version(&self) -> &'static str {
        self.go_mod
            .lines()
            .map(|line| line.trim().trim_start_matches("require "))
            .find_map(|line| line.strip_prefix(self.path)?.strip_prefix(' ')?.split(' ').next())
            .unwrap_or_else(|| {
                panic!(
                    "tests/control-plane/{}/go.mod does not require {}",
                    self.folder, self.path
                )
            })
    }

    /// Flags of the linker: no debug symbols, and the version, which Helm charts and `kubectl` look at.
    fn linker_flags(&self) -> String {
        let version = self
            .version_variable
            .map(|variable| format!(" -X {variable}={}", self.version()));
        format!("-s -w{}", version.unwrap_or_default())
    }

    /// The name of the folder of its programs in the cache.
    fn key(&self) -> String {
        let source = Sha256::new()
            .chain_update(self.go_mod)
            .chain_update(self.go_sum)
            .chain_update(self.linker_flags())
            .finalize();
        let digest: String = source.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{digest}", self.folder, self.version())
    }
}

/// A program of the control plane, or a client of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Etcd,
    ApiServer,
    ControllerManager,
    Kubectl,
    Helm,
}

impl Program {
    /// The name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
        }
    }

    fn module(self) -> &'static Module {
        match self {
            Self::Etcd => &ETCD,
            Self::ApiServer | Self::ControllerManager | Self::Kubectl => &KUBERNETES,
            Self::Helm => &HELM,
        }
    }

    /// The Go package of its `main`.
    fn package(self) -> String {
        match self {
            Self::Etcd => ETCD.path.to_owned(),
            Self::ApiServer | Self::ControllerManager | Self::Kubectl | Self::Helm => {
                format!("{}/cmd/{}", self.module().path, self.name())
            }
        }
    }

    /// How long the first build takes on two cores.
    fn duration(self) -> &'static str {
        match self {
            Self::Etcd => "about 1 minute",
            Self::ApiServer => "about 4 minutes",
            Self::ControllerManager | Self::Helm => "about 2 minutes",
            Self::Kubectl => "less than 1 minute",
        }
    }
}

/// Where programs come from.
pub struct Programs {
    /// The Go command.
    go: OsString,
    /// Where built programs are kept.
    cache: PathBuf,
    /// `KUBEBUILDER_ASSETS`: programs in this folder are taken as they are.
    assets: Option<PathBuf>,
    /// Takes lines of progress.
    say: fn(&str),
}

impl Programs {
    /// As the environment says: `KUBEBUILDER_ASSETS`, `XDG_CACHE_HOME`, `HOME`.
    pub fn of_environment() -> Self {
        let folder = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache = folder("XDG_CACHE_HOME")
            .or_else(|| Some(folder("HOME")?.join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        Self {
            go: "go".into(),
            cache: cache.join("riposte/control-plane"),
            assets: folder("KUBEBUILDER_ASSETS"),
            say,
        }
    }

    /// Where the program is; it is built if it isn't there yet.
    ///
    /// # Errors
    /// Go is missing, or the build failed: in words that say what to do.
    pub fn path(&self, program: Program) -> Result<PathBuf, String> {
        let given = self
            .assets
            .iter()
            .map(|assets| assets.join(program.name()))
            .find(|path| path.exists());
        if let Some(given) = given {
            return Ok(given);
        }
        let output = self.cache.join(program.module().key()).join(program.name());
        if !output.exists() {
            let _lock = self.lock(program)?;
            if !output.exists() {
                self.build(program, &output)?;
            }
        }
        Ok(output)
    }

    /// Waits until no other process builds.
    fn lock(&self, program: Program) -> Result<File, String> {
        let path = self.cache.join("lock");
        let failed = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
        fs::create_dir_all(&self.cache).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                (self.say)(&format!("{} waits for another process that builds …", program.name()));
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(file)
    }

    fn build(&self, program: Program, output: &Path) -> Result<(), String> {
        let module = program.module();
        let title = format!("{} {}", program.name(), module.version());
        (self.say)(&format!("building {title} ({}, once) …", program.duration()));
        let log_path = output.with_extension("log");
        let partial = output.with_extension("partial");
        let failed = |error: std::io::Error| format!("cannot write to {}: {error}", self.cache.display());
        fs::create_dir_all(output.parent().unwrap_or(&self.cache)).map_err(failed)?;
        let log = File::create(&log_path).map_err(failed)?;
        let child = self
            .command(program, &partial)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = child.map_err(|error| self.no_go(&title, &error))?;
        let start = Instant::now();
        let status = wait(child, || {
            (self.say)(&format!("… building {title}: {} s", start.elapsed().as_secs()))
        });
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!(
                "building {title} failed. It needs Go ({}), the Go modules by network or GOPROXY, and 3 GB in GOCACHE. \
                 Build it by hand with `cd tests/control-plane/{} && go build -o /dev/null {}`. The end of its output:\n{}",
                go_version(module),
                module.folder,
                program.package(),
                tail(&log_path)
            ));
        }
        fs::rename(&partial, output).map_err(failed)?;
        (self.say)(&format!("built {title} in {} s", start.elapsed().as_secs()));
        Ok(())
    }

    /// `go build` with the modules as pinned; what the environment says of proxies holds.
    fn command(&self, program: Program, output: &Path) -> Command {
        let module = program.module();
        let mut command = Command::new(&self.go);
        command
            .args(["build", "-mod=readonly", "-trimpath"])
            .arg(format!("-ldflags={}", module.linker_flags()))
            .arg("-o")
            .args([output.as_os_str(), program.package().as_ref()])
            .current_dir(
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("tests/control-plane")
                    .join(module.folder),
            )
            .envs([("CGO_ENABLED", "0"), ("GOWORK", "off")])
            .stdin(Stdio::null());
        command
    }

    fn no_go(&self, title: &str, error: &std::io::Error) -> String {
        format!(
            "cannot build {title}, because {} does not start: {error}. Install Go ({}) from https://go.dev/dl, \
             or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl",
            self.go.display(),
            go_version(&KUBERNETES)
        )
    }
}

/// The Go version that a module asks for.
fn go_version(module: &Module) -> String {
    let version = module.go_mod.lines().find_map(|line| line.strip_prefix("go "));
    format!("{} or later", version.unwrap_or_default())
}

/// Waits for a process, and calls `progress` every now and then meanwhile.
fn wait(mut child: Child, progress: impl Fn()) -> std::io::Result<ExitStatus> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(child.wait())));
    loop {
        match receiver.recv_timeout(PROGRESS) {
            Ok(status) => return status,
            Err(RecvTimeoutError::Timeout) => progress(),
            Err(RecvTimeoutError::Disconnected) => return Err(std::io::Error::other("nobody waits for the process")),
        }
    }
}

/// The last lines of a log.
pub fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// A line of progress. Not by `eprintln!`, which the test harness keeps until a test failed.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(go: &str, folder: &Path) -> Programs {
        Programs {
            go: go.into(),
            cache: folder.join("cache"),
            assets: Some(folder.to_owned()),
            say: |_| (),
        }
    }

    #[test]
    fn a_program_of_the_assets_folder_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("kubectl");
        fs::write(&program, "").unwrap();
        assert_eq!(
            programs("no-such-go", folder.path()).path(Program::Kubectl),
            Ok(program)
        );
    }

    #[test]
    fn without_go_it_is_said_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = programs("no-such-go", folder.path()).path(Program::Etcd).unwrap_err();
        assert!(error.contains("cannot build etcd v"), "{error}");
        assert!(error.contains("Install Go (1."), "{error}");
        assert!(error.contains("KUBEBUILDER_ASSETS"), "{error}");
    }

    #[test]
    fn a_failed_build_leaves_nothing_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let programs = programs("false", folder.path());
        let error = programs.path(Program::ApiServer).unwrap_err();
        assert!(
            error.contains("go build -o /dev/null k8s.io/kubernetes/cmd/kube-apiserver"),
            "{error}"
        );
        assert!(programs.path(Program::ApiServer).is_err());
    }

    #[test]
    fn a_built_program_is_not_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go");
        fs::write(
            &go,
            "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done; echo built >> \"$2\"\n",
        )
        .unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&go, executable).unwrap();
        let programs = programs(go.to_str().unwrap(), folder.path());
        let first = programs.path(Program::Helm).unwrap();
        assert_eq!(programs.path(Program::Helm).unwrap(), first);
        assert_eq!(fs::read_to_string(first).unwrap(), "built\n");
    }

    #[test]
    fn the_versions_are_those_of_the_pinned_modules() {
        for module in [&ETCD, &KUBERNETES, &HELM] {
            assert!(module.version().starts_with('v'), "{}", module.version());
        }
    }
}
