//! A process that ends with the tests, however they end: a shell holds the read end of a pipe, and kills the process
//! when the pipe closes, which the kernel does also for a test process that is killed.
//! Invariant: after the tests neither the process nor its folder is there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::eventually;
use super::programs::tail;

/// Arguments: the signal, the folder, the program, its arguments. Nothing of a test's control plane is kept, so it is SIGKILL.
/// A program that has ended is not killed later, for its number may be another's by then.
/// The file `exited` tells that the program ended before its guard; its log stays as long as the tests run.
const SCRIPT: &str = r#"
signal=$1; folder=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- >>"$folder/log" 2>&1 &
child=$!
echo $child >"$folder/pid"
{ cat <&3 >/dev/null; kill -"$signal" $child; } >/dev/null 2>&1 &
killer=$!
wait $child
kill $killer
touch "$folder/exited"
cat <&3 >/dev/null
rm -rf "$folder"
rmdir "${folder%/*}" 2>/dev/null
"#;

/// A guarded process.
pub struct Guard {
    program: PathBuf,
    /// The signal, the folder, the program, its arguments.
    words: Vec<OsString>,
    folder: PathBuf,
    /// The shells of all its lives, each with the write end of its pipe.
    shells: Vec<Child>,
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
        let words = [signal.into(), folder.into(), program.into()];
        let arguments = arguments.iter().map(|argument| argument.as_ref().to_owned());
        let mut guard = Self {
            program: program.to_owned(),
            words: words.into_iter().chain(arguments).collect(),
            folder: folder.to_owned(),
            shells: Vec::new(),
        };
        guard.begin()?;
        Ok(guard)
    }

    fn begin(&mut self) -> std::io::Result<()> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .args(&self.words)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.shells.push(shell);
        Ok(())
    }

    /// Whether it guards this program.
    pub fn is_of(&self, name: &str) -> bool {
        self.program.ends_with(name)
    }

    /// Ends the program with SIGKILL; its folder stays.
    pub async fn kill(&self) {
        let kill = ["-c", "kill -KILL $(cat pid)"];
        let killed = Command::new("sh").args(kill).current_dir(&self.folder).status();
        assert!(killed.unwrap().success(), "{} runs no more", self.program.display());
        eventually("the program has ended", async || self.failure()).await;
    }

    /// Starts the program that was killed again, over what it left.
    pub fn start_again(&mut self) -> std::io::Result<()> {
        fs::remove_file(self.folder.join("exited"))?;
        self.begin()
    }

    /// What there is to say when the program ended by itself.
    pub fn failure(&self) -> Option<String> {
        let exited = self.folder.join("exited").exists();
        exited.then(|| {
            format!(
                "{} ended; the end of its log:\n{}",
                self.program.display(),
                tail(&self.folder.join("log"))
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(failure.starts_with("/bin/sh ended"), "{failure}");
        assert!(failure.contains("no space left"), "{failure}");
    }

    #[tokio::test]
    async fn a_program_that_was_killed_starts_again_in_its_folder_and_ends_with_its_guard() {
        let parent = tempfile::tempdir().unwrap().keep();
        let folder = parent.join("sleeper");
        let script = ["-c", "echo life >>lives; exec sleep 600"];
        let mut guard = Guard::start(Path::new("/bin/sh"), &script, &folder).unwrap();
        let lives = async |count| {
            eventually("the program runs", async || {
                let lives = fs::read_to_string(folder.join("lives")).ok()?;
                (lives.lines().count() == count).then_some(())
            })
            .await;
            fs::read_to_string(folder.join("pid")).unwrap()
        };
        let first = lives(1).await;
        guard.kill().await;
        guard.start_again().unwrap();
        let second = lives(2).await;
        assert_ne!(first, second);
        assert_eq!(guard.failure(), None);
        drop(guard);
        let process = Path::new("/proc").join(second.trim());
        eventually("the program and the folder are gone", async || {
            (!process.exists() && !parent.exists()).then_some(())
        })
        .await;
    }
}
