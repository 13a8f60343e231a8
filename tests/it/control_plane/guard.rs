//! A process that ends with the tests, however they end: a shell holds the read end of a pipe, and kills the process
//! when the pipe closes, which the kernel does also for a test process that is killed.
//! Invariant: after the tests neither the process nor its folder is there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::programs::tail;

/// Arguments: the signal, the folder, the program, its arguments. Nothing of a test's control plane is kept, so it is SIGKILL.
/// The file `exited` tells that the program ended by itself; its log stays as long as the tests run.
const SCRIPT: &str = r#"
signal=$1; folder=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- >"$folder/log" 2>&1 &
child=$!
{ cat <&3 >/dev/null; [ -e "$folder/exited" ] || kill -"$signal" $child; } >/dev/null 2>&1 &
wait $child
touch "$folder/exited"
cat <&3 >/dev/null
rm -rf "$folder"
rmdir "${folder%/*}" 2>/dev/null
"#;

/// A guarded process.
pub struct Guard {
    name: String,
    folder: PathBuf,
    /// The shell, with the write end of its pipe.
    _shell: Child,
}

impl Guard {
    /// Starts a program whose log and files are in `folder`, which goes when the guard goes, and its parent when empty.
    pub fn start<A: AsRef<OsStr>>(program: &Path, arguments: &[A], folder: &Path) -> std::io::Result<Self> {
        Self::start_until("KILL", program, arguments, folder)
    }

    /// The same with a program that ends by another signal.
    pub fn start_until<A: AsRef<OsStr>>(
        signal: &str,
        program: &Path,
        arguments: &[A],
        folder: &Path,
    ) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", signal])
            .args([folder, program])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            name: program.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            folder: folder.to_owned(),
            _shell: shell,
        })
    }

    /// What there is to say when the program ended by itself.
    pub fn failure(&self) -> Option<String> {
        let exited = self.folder.join("exited").exists();
        exited.then(|| {
            format!(
                "{} ended; the end of its log:\n{}",
                self.name,
                tail(&self.folder.join("log"))
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::eventually;

    #[tokio::test]
    async fn a_program_ends_with_its_guard_and_its_folder_goes() {
        let parent = tempfile::tempdir().unwrap().keep();
        let folder = parent.join("sleeper");
        let script = ["-c", "echo $$ > pid.new; mv pid.new pid; exec sleep 600"];
        let guard = Guard::start(Path::new("/bin/sh"), &script, &folder).unwrap();
        let pid = eventually("the program runs", async || fs::read_to_string(folder.join("pid")).ok()).await;
        let process = Path::new("/proc").join(pid.trim());
        assert!(process.exists());
        assert_eq!(guard.failure(), None);
        drop(guard);
        eventually("the program and the folder are gone", async || {
            (!process.exists() && !parent.exists()).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_program_that_ends_by_itself_is_told_with_its_log() {
        let parent = tempfile::tempdir().unwrap().keep();
        let script = ["-c", "echo no space left >&2; exit 3"];
        let guard = Guard::start(Path::new("/bin/sh"), &script, &parent.join("failing")).unwrap();
        let failure = eventually("the failure", async || guard.failure()).await;
        assert!(failure.starts_with("sh ended"), "{failure}");
        assert!(failure.contains("no space left"), "{failure}");
    }
}
