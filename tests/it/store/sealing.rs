//! Sealed values: who can open them, and where their bytes are.

use std::path::Path;

use riposte::store::{Error, NewRun, Operation, Sealer};

use super::{Kind, append, commit, end, new_run, new_store, sealed};

const CANARY: &[u8] = b"canary-3f9c1e-the-secret-of-this-test";

/// Whether these bytes are in any file of a folder.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|content| has(&content, bytes))
}

fn has(content: &[u8], bytes: &[u8]) -> bool {
    content.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn only_the_key_and_the_context_open() {
    let sealer = Sealer::new([1; 32]);
    let value = sealer.seal("run-1", CANARY);
    assert!(!has(&value, CANARY));
    assert_eq!(sealer.open("run-1", &value).unwrap(), CANARY);
    assert!(matches!(sealer.open("run-2", &value), Err(Error::Unsealable)));
    assert!(matches!(
        Sealer::new([2; 32]).open("run-1", &value),
        Err(Error::Unsealable)
    ));
    for cut in 0..value.len() {
        assert!(
            matches!(sealer.open("run-1", &value[..cut]), Err(Error::Unsealable)),
            "cut at {cut}"
        );
        let mut flipped = value.clone();
        flipped[cut] ^= 1;
        assert!(
            matches!(sealer.open("run-1", &flipped), Err(Error::Unsealable)),
            "flipped at {cut}"
        );
    }
    assert_ne!(sealer.seal("run-1", CANARY), value, "equal values must not look equal");
    assert_eq!(sealer.open("", &sealer.seal("", b"")).unwrap(), b"");
}

#[test]
fn a_rotated_key_still_opens() {
    let old = Sealer::new([1; 32]).seal("run", CANARY);
    let rotated = Sealer::new([2; 32]).with_older([1; 32]);
    assert_eq!(rotated.open("run", &old).unwrap(), CANARY);
    let new = rotated.seal("run", CANARY);
    assert_eq!(Sealer::new([2; 32]).open("run", &new).unwrap(), CANARY);
    assert!(Sealer::new([1; 32]).open("run", &new).is_err());
}

#[test]
fn the_key_file_is_made_once_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealing.key");
    let value = Sealer::load_or_create(&path).unwrap().seal("run", CANARY);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 32);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(
        Sealer::load_or_create(&path).unwrap().open("run", &value).unwrap(),
        CANARY
    );

    std::fs::write(&path, [&[7; 32][..], &bytes].concat()).unwrap();
    let rotated = Sealer::load_or_create(&path).unwrap();
    assert_eq!(rotated.open("run", &value).unwrap(), CANARY);
    assert!(Sealer::new([7; 32]).open("run", &rotated.seal("run", CANARY)).is_ok());
}

#[test]
fn a_broken_key_file_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    for content in [&b""[..], &CANARY[..31], &CANARY[..33]] {
        let path = folder.path().join("sealing.key");
        std::fs::write(&path, content).unwrap();
        let text = Sealer::load_or_create(&path).unwrap_err().to_string();
        assert!(text.contains("sealing.key") && !text.contains("canary"), "{text}");
    }
    assert!(Sealer::load_or_create(&folder.path().join("missing/sealing.key")).is_err());
}

#[test]
fn debug_shows_no_key() {
    let text = format!("{:?}", Sealer::new([42; 32]).with_older([43; 32]));
    assert!(!text.contains("42") && !text.contains("43"), "{text}");
}

#[tokio::test]
async fn the_database_holds_ciphertext_and_then_nothing() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    let sealer = Sealer::new([9; 32]);
    let value = sealer.seal("r1", CANARY);
    commit(
        &store,
        [Operation::CreateRun(NewRun {
            payloads: vec![sealed(1, &value)],
            ..new_run("r1")
        })],
    )
    .await;
    assert!(holds(folder.path(), &value) && !holds(folder.path(), CANARY));
    let stored = &store.payloads("r1").await.unwrap()[0].bytes;
    assert_eq!(sealer.open("r1", stored).unwrap(), CANARY);
    commit(&store, [Operation::Append(append("r1", 1, &["ended"], end(5, 5)))]).await;
    store.close().await;
    assert!(!holds(folder.path(), &value), "an erased value is overwritten");
}
