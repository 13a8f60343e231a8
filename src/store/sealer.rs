//! Seals the values that must not be readable in the database: secure inputs and outputs, and secrets that a run read.
//! It lives in the store because the store holds what it makes. Invariant: a sealed value opens only with its key and
//! only in the context that it was sealed in, so it cannot be moved to another run.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use sha2::{Digest, Sha256};

use super::Error;

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;

/// Seals with one key, and opens what this or an older key sealed. AES-256-GCM; a sealed value is the identity of its
/// key (4 bytes), a random nonce (12 bytes) and the ciphertext with its tag.
#[derive(Clone)]
pub struct Sealer {
    current: Key,
    older: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID_BYTES],
    /// Makes other keys of this one.
    deriving: ring::hmac::Key,
    cipher: Aes256Gcm,
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Key {
        let mut id = [0; KEY_ID_BYTES];
        let digest = Sha256::new()
            .chain_update(b"riposte sealing key")
            .chain_update(bytes)
            .finalize();
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Key {
            id,
            deriving: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, bytes),
            cipher: Aes256Gcm::new(bytes.into()),
        }
    }
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: [u8; KEY_BYTES]) -> Sealer {
        Sealer {
            current: Key::new(&key),
            older: Vec::new(),
        }
    }

    /// The same sealer, which also opens what `key` sealed before it was rotated away.
    #[must_use]
    pub fn with_older(mut self, key: [u8; KEY_BYTES]) -> Sealer {
        self.older.push(Key::new(&key));
        self
    }

    /// The sealer whose keys are in a file; a new file gets one random key and is readable for its owner only. To
    /// rotate, put 32 new bytes in front: the first key seals, all of them open.
    ///
    /// # Errors
    /// [`Error::Database`] if the file cannot be read or made, or does not hold whole keys.
    pub fn load_or_create(path: &Path) -> Result<Sealer, Error> {
        let unusable = |reason: &dyn std::fmt::Display| {
            Error::Database(format!(
                "the sealing key at '{}' cannot be used: {reason}",
                path.display()
            ))
        };
        match create(path) {
            Ok(key) => return Ok(Sealer::new(key)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(&error)),
        }
        let bytes = std::fs::read(path).map_err(|error| unusable(&error))?;
        let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
        match keys.split_first() {
            Some((current, older)) if rest.is_empty() => Ok(older
                .iter()
                .fold(Sealer::new(*current), |sealer, key| sealer.with_older(*key))),
            _ => Err(unusable(
                &"it must hold 32 bytes for each key; restore it, or delete it if nothing is sealed yet",
            )),
        }
    }

    /// Keys for another purpose, such as signing: first the one of the current key, then those of older ones.
    pub fn derive(&self, purpose: &str) -> Vec<[u8; KEY_BYTES]> {
        let keys = std::iter::once(&self.current).chain(&self.older);
        let derived = keys.map(|key| {
            let mut bytes = [0; KEY_BYTES];
            bytes.copy_from_slice(ring::hmac::sign(&key.deriving, purpose.as_bytes()).as_ref());
            bytes
        });
        derived.collect()
    }

    /// Seals a value for a context, such as the run that owns it.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).expect("the operating system has random bytes; nothing can be sealed without");
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let ciphertext = self.current.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        let ciphertext = ciphertext.expect("AES-GCM takes every value below 64 GiB, which is more than a run may hold");
        [&self.current.id[..], &nonce, &ciphertext].concat()
    }

    /// Opens what was sealed for the same context.
    ///
    /// # Errors
    /// [`Error::Unsealable`] if the key is unknown, the context is another, or the bytes were changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_BYTES).ok_or(Error::Unsealable)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_BYTES).ok_or(Error::Unsealable)?;
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        let key = keys.find(|key| key.id == id).ok_or(Error::Unsealable)?;
        let payload = Payload {
            msg: ciphertext,
            aad: context.as_bytes(),
        };
        key.cipher
            .decrypt(Nonce::from_slice(nonce), payload)
            .map_err(|_| Error::Unsealable)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sealer").finish_non_exhaustive()
    }
}

/// Makes the file with a random key; fails with `AlreadyExists` rather than write over one.
fn create(path: &Path) -> std::io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}
