//! The machine of a process, as the harness sets it: clock, disk, the gate in front of its calls, the way to its database.
//! Invariant: it outlives the process, so what is set for one holds for the next.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::patience::Turns;

/// The places of the numbers in the file.
const CLOCK: u64 = 0;
const DISK: u64 = 8;
const GATE: u64 = 16;
const QUEUE: u64 = 24;
/// How long a gate may be closed.
const GATE_OPENS: Duration = Duration::from_secs(60);

pub(crate) struct Machine {
    pub(crate) file: PathBuf,
    numbers: File,
}

impl Machine {
    /// A machine that is as it should be.
    pub(crate) fn new(file: PathBuf) -> Self {
        fs::write(&file, [0; 32]).unwrap();
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

    /// Whether no write finds room.
    pub(super) fn set_disk_full(&self, is_full: bool) {
        self.set(DISK, i64::from(is_full));
    }

    /// Whether what makes a file longer finds no room.
    pub(crate) fn set_blocks_taken(&self, are_taken: bool) {
        self.set(DISK, if are_taken { 2 } else { 0 });
    }

    pub(super) fn set_gate(&self, is_closed: bool) {
        // Those that a dead process let wait wait no more.
        self.set(QUEUE, 0);
        self.set(GATE, i64::from(is_closed));
    }

    /// How many calls wait at the gate.
    pub(super) fn queue(&self) -> i64 {
        let mut bytes = [0; 8];
        self.numbers.read_exact_at(&mut bytes, QUEUE).unwrap();
        i64::from_le_bytes(bytes)
    }
}

/// The gate of a process as the process sees it.
pub(super) struct Gate {
    numbers: File,
    queue: Mutex<i64>,
}

impl Gate {
    /// That of the machine of a file.
    pub(super) fn of(file: &Path) -> Self {
        let numbers = File::options().read(true).write(true).open(file).unwrap();
        let queue = Mutex::default();
        Self { numbers, queue }
    }

    fn is_closed(&self) -> bool {
        let mut bytes = [0; 8];
        self.numbers.read_exact_at(&mut bytes, GATE).unwrap();
        bytes != [0; 8]
    }

    fn count(&self, change: i64) {
        let mut queue = self.queue.lock().unwrap();
        *queue += change;
        self.numbers.write_all_at(&queue.to_le_bytes(), QUEUE).unwrap();
    }

    /// Lets a call through when the gate is open.
    pub(super) async fn pass(&self) {
        if !self.is_closed() {
            return;
        }
        self.count(1);
        let mut turns = Turns::until(GATE_OPENS);
        while self.is_closed() {
            assert!(turns.next().await, "the gate opens, or the process is killed");
        }
        self.count(-1);
    }
}

/// The library that makes a process see its machine.
pub(crate) fn library(folder: &Path) -> PathBuf {
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
    /// How many answers did not come back, and how many connections were refused.
    held: watch::Sender<usize>,
}

impl Way {
    pub(super) fn new(folder: PathBuf, server: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(server.file_name().unwrap())).unwrap();
        let (passage, passes) = watch::channel(Passage::Open);
        let held = watch::channel(0).0;
        let counted = held.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, mut passes) = (server.clone(), passes.clone());
                if *passes.borrow_and_update() == Passage::Shut {
                    counted.send_modify(|held| *held += 1);
                    continue;
                }
                let counted = counted.clone();
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(server).await {
                        pass(client, server, passes, counted).await;
                    }
                });
            }
        });
        Self { folder, passage, held }
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

    /// Waits until so many more answers and connections were held back, but no longer than this: a process that has
    /// nothing to do asks for nothing.
    pub(super) async fn hold(&self, count: usize, at_most: Duration) {
        let mut held = self.held.subscribe();
        let enough = *held.borrow() + count;
        let _ = tokio::time::timeout(at_most, held.wait_for(|held| *held >= enough)).await;
    }
}

async fn pass(client: UnixStream, server: UnixStream, passes: watch::Receiver<Passage>, held: watch::Sender<usize>) {
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
            if *mute.borrow() == Passage::Mute {
                held.send_modify(|held| *held += 1);
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
