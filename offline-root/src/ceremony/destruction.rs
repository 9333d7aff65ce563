//! `destroy-key`: the end of a root. Its two private keys are destroyed, and nothing is signed with them any more.
//!
//! First the intent is on record, and from then on every other act is refused; then the keys go, it is looked that they are
//! gone, and that is on record as well. What a power cut cut short is finished by the same command. Copies of key files, and
//! what a token or a disk keeps inside, are beyond its reach: whoever made copies destroys them.

use std::fmt;
use std::path::Path;

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Ledger, Unavailable};
use ca_core::serial_number::SerialNumber;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Ceremony, OpenRootError, Root};
use crate::explain::{Exit, Explained};
use crate::keys::{self, DestroyKeysError, SecretSource, UnlockError};
use crate::ledger_file::Destruction;
use crate::stated_time::StatedTime;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct DestructionWish {
    /// The serial number of the root certificate, typed by whoever means it.
    pub(crate) serial: SerialNumber,
    /// Why, for the record.
    pub(crate) reason: String,
    pub(crate) secrets: SecretSource,
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KeysDestroyed {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) key: String,
    pub(crate) exchange_key: String,
    pub(crate) time: String,
    pub(crate) reason: String,
    /// Whether it was begun before a power cut and is finished now.
    pub(crate) resumed: bool,
}

impl fmt::Display for KeysDestroyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The keys of the root are destroyed.")?;
        writeln!(f, "  Subject       {}", self.subject)?;
        writeln!(f, "  Serial        {}", self.serial)?;
        writeln!(f, "  Root key      {}", self.key)?;
        writeln!(f, "  Exchange key  {}", self.exchange_key)?;
        writeln!(f, "  Time          {}", self.time)?;
        writeln!(f, "  Reason        {}", self.reason)?;
        write!(
            f,
            "Next: destroy every copy of the key files, and the shares or the token as their makers say"
        )
    }
}

/// Destroys the keys of a root.
pub(crate) fn destroy(
    path: &Path,
    time: StatedTime,
    wish: &DestructionWish,
) -> Result<KeysDestroyed, DestroyError> {
    let root = Root::open(path)?;
    if wish.serial != *root.certificate.serial() {
        return Err(DestroyError::AnotherRoot {
            stated: wish.serial.clone(),
            found: root.certificate.serial().clone(),
        });
    }
    let resumed = root.ledger.destruction() != Destruction::None;
    let ceremony = root.begin_destruction(time)?;
    if !resumed {
        // Whoever cannot use the keys does not destroy them, and what is destroyed is this root's (case R-10).
        drop(ceremony.unlock(&[&ceremony.charter.exchange_key], &wish.secrets)?);
        record(&ceremony, Act::KeyDestructionIntended, wish)?;
    }
    let doomed = [ceremony.certificate.public_key(), &ceremony.charter.exchange_key];
    keys::destroy(&ceremony.key_place(), &doomed, &wish.secrets)?;
    record(&ceremony, Act::KeyDestroyed, wish)?;
    Ok(KeysDestroyed {
        subject: ceremony.certificate.subject().to_string(),
        serial: wish.serial.to_string(),
        key: ceremony.certificate.public_key().key_ref().to_string(),
        exchange_key: ceremony.charter.exchange_key.key_ref().to_string(),
        time: time.to_string(),
        reason: wish.reason.clone(),
        resumed,
    })
}

fn record(ceremony: &Ceremony, act: Act, wish: &DestructionWish) -> Result<(), Unavailable> {
    let detail = format!(
        "the root key of {} and the exchange key {}; {}",
        ceremony.certificate.subject(),
        ceremony.charter.exchange_key.key_ref(),
        wish.reason
    );
    ceremony.ledger.record_event(AuditEvent {
        serial: Some(wish.serial.clone()),
        digest: Sha256::digest(ceremony.certificate.public_key().spki_der()).to_vec(),
        ..ceremony.event(act, detail)
    })
}

/// Why the keys are not, or perhaps not, destroyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestroyError {
    /// The serial number typed is not that of this root.
    #[error("the root in this directory has the serial number {found}, not {stated}")]
    AnotherRoot {
        /// What was typed.
        stated: SerialNumber,
        /// That of the root.
        found: SerialNumber,
    },
    /// The root cannot be opened.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// The keys cannot be unlocked.
    #[error(transparent)]
    Keys(#[from] UnlockError),
    /// A key was not destroyed.
    #[error(transparent)]
    NotDestroyed(#[from] DestroyKeysError),
    /// The ledger takes no record.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Explained for DestroyError {
    fn exit(&self) -> Exit {
        match self {
            Self::AnotherRoot { .. } => Exit::Refused,
            Self::Root(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::NotDestroyed(error) => error.exit(),
            Self::Unavailable(_) => Exit::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AnotherRoot { .. } => "destroy.another-root",
            Self::Root(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::NotDestroyed(error) => error.code(),
            Self::Unavailable(_) => "unavailable",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::AnotherRoot { .. } => {
                "check --dir, and read the serial number from the certificate".to_owned()
            }
            Self::Root(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::NotDestroyed(error) => error.next(),
            Self::Unavailable(_) => "check the disk, then repeat the same command".to_owned(),
        }
    }
}
