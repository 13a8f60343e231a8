//! Programs of Debian that a machine lacks: packages with what they depend on, unpacked into the user's cache folder.
//! Nothing of the machine is changed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder into which packages are unpacked.
#[derive(Debug)]
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// The one of this name in the user's cache folder.
    pub(crate) fn of(name: &str) -> Self {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Self(cache.unwrap_or_else(std::env::temp_dir).join("riposte").join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where its libraries are.
    pub(crate) fn libraries(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.0.join("usr/lib")).into_iter().flatten().flatten();
        folders
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with("-linux-gnu"))
            .collect()
    }

    /// Unpacks packages, and those that they depend on and the machine lacks.
    pub(crate) fn unpack(&self, packages: &[&str]) -> Result<(), String> {
        let Tree(root) = self;
        eprintln!(
            "unpacking {} of Debian into {} (a minute, once) …",
            packages.join(", "),
            root.display()
        );
        let archives = root.join("archives");
        let failed = |error: std::io::Error| format!("cannot write to {}: {error}", root.display());
        fs::create_dir_all(archives.join("partial")).map_err(failed)?;
        let mut place = OsString::from("Dir::Cache::archives=");
        place.push(&archives);
        let mut words: Vec<OsString> = ["--download-only", "--yes", "--no-install-recommends", "-o"]
            .map(Into::into)
            .into();
        words.extend([place, "-o".into(), "Debug::NoLocking=1".into(), "install".into()]);
        words.extend(packages.iter().map(OsString::from));
        if run("apt-get", &words).is_err() {
            run("apt-get", &["update".into()])?;
            run("apt-get", &words)?;
        }
        for entry in fs::read_dir(&archives).map_err(failed)?.flatten() {
            let package = entry.path();
            if package.extension().is_some_and(|extension| extension == "deb") {
                run("dpkg-deb", &["-x".into(), package.into(), root.into()])?;
            }
        }
        fs::remove_dir_all(&archives).map_err(failed)
    }
}

fn run(program: &str, arguments: &[OsString]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} does not run: {error}"))?;
    succeeded(program, &output)
}

/// What a program that failed said.
pub(crate) fn succeeded(what: &str, output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what} failed ({}): {text}", output.status))
}

/// The assignment that lets a program find its libraries.
pub(crate) fn library_path(libraries: &[PathBuf]) -> OsString {
    let inherited = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let inherited: Vec<PathBuf> = std::env::split_paths(&inherited).collect();
    let joined = std::env::join_paths(libraries.iter().chain(&inherited)).unwrap_or_default();
    let mut assignment = OsString::from("LD_LIBRARY_PATH=");
    assignment.push(joined);
    assignment
}
