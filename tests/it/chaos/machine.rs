//! The machine of a process, as the harness sets it: clock, disk, the gate in front of its calls, the way to its database.
//! Invariant: it outlives the process, so what is set for one holds for the next.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// The places of the numbers in the file.
const CLOCK: u64 = 0;
const DISK: u64 = 8;
const GATE: u64 = 16;

pub(super) struct Machine {
    pub(super) file: PathBuf,
    numbers: File,
}

impl Machine {
    /// A machine that is as it should be.
    pub(super) fn new(file: PathBuf) -> Self {
        fs::write(&file, [0; 24]).unwrap();
        let numbers = File::options().read(true).write(true).open(&file).unwrap();
        Self { file, numbers }
    }

    fn set(&self, place: u64, number: i64) {
        self.numbers.write_all_at(&number.to_le_bytes(), place).unwrap();
    }

    /// By how many milliseconds the clock is wrong.
    pub(super) fn set_clock(&self, millis: i64) {
        self.set(CLOCK, millis);
    }

    pub(super) fn set_disk_full(&self, is_full: bool) {
        self.set(DISK, i64::from(is_full));
    }

    pub(super) fn set_gate(&self, is_closed: bool) {
        self.set(GATE, i64::from(is_closed));
    }
}

/// Whether calls wait between their intent and their effect.
pub(super) fn is_gate_closed(file: &Path) -> bool {
    fs::read(file).unwrap()[usize::try_from(GATE).unwrap()] != 0
}

/// The library that makes a process see its machine.
pub(super) fn library(folder: &Path) -> PathBuf {
    let library = folder.join("machine.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chaos/machine.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library);
    let output = compiler.arg(source).arg("-ldl").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// What passes on the way to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Open,
    /// Answers do not come back.
    Mute,
    /// Nothing; connections break.
    Shut,
}

/// A way to a server's socket that can be cut.
pub(super) struct Way {
    /// The folder of its own socket.
    pub(super) folder: PathBuf,
    passage: watch::Sender<Passage>,
}

impl Way {
    pub(super) fn new(folder: PathBuf, server: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(server.file_name().unwrap())).unwrap();
        let (passage, passes) = watch::channel(Passage::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, mut passes) = (server.clone(), passes.clone());
                if *passes.borrow_and_update() != Passage::Shut {
                    tokio::spawn(async move {
                        if let Ok(server) = UnixStream::connect(server).await {
                            pass(client, server, passes).await;
                        }
                    });
                }
            }
        });
        Self { folder, passage }
    }

    /// Answers do not come back any more.
    pub(super) fn mute(&self) {
        self.passage.send_replace(Passage::Mute);
    }

    pub(super) fn shut(&self) {
        self.passage.send_replace(Passage::Shut);
    }

    pub(super) fn open(&self) {
        self.passage.send_replace(Passage::Open);
    }
}

async fn pass(client: UnixStream, server: UnixStream, passes: watch::Receiver<Passage>) {
    let ((mut asks, mut hears), (mut answers, mut takes)) = (client.into_split(), server.into_split());
    let (mut mute, mut shut) = (passes.clone(), passes);
    let there = async { tokio::io::copy(&mut asks, &mut takes).await.map(drop) };
    let back = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = answers.read(&mut bytes).await?;
            if count == 0 {
                return Ok::<_, std::io::Error>(());
            }
            let _ = mute.wait_for(|passage| *passage != Passage::Mute).await;
            hears.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        _ = there => {}
        _ = back => {}
        _ = shut.wait_for(|passage| *passage == Passage::Shut) => {}
    }
}
