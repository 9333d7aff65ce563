//! `share renew`: the keys of a shared root go under a new wrap key, shared among the same people or others.
//!
//! The old shares combine once more, for this. The new set is in force when the ledger says so; before that nothing that was
//! in force is touched, after it the keys under the old wrap key are destroyed. A power cut leaves one set or the other.

use std::fmt;

use ca_core::ports::{Ledger, Unavailable};
use serde::Serialize;
use signer_file::UnlockError as OpenCopiesError;
use signer_file::{
    CopyKeyError, CreateKeyDirectoryError, FileSigner, KeyDirectory, ListKeysError, OpenKeyDirectoryError,
};

use super::{Ceremony, shares_dealt};
use crate::charter::KeyStore;
use crate::explain::{Exit, Explained};
use crate::shares::{
    CombineSharesError, Combined, DealSharesError, DealWish, Dealt, DealtReport, SetDirectory, ShareSources,
    SharesShelf, ShelfError, combine, deal,
};

/// Who is to hold shares from now on, and the shares that say yes to it.
#[derive(Debug, Clone)]
pub(crate) struct RenewalWish {
    pub(crate) dealing: DealWish,
    pub(crate) shares: ShareSources,
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RenewedShares {
    /// Whose shares opened the keys.
    pub(crate) opened_by: Vec<String>,
    pub(crate) shares: DealtReport,
}

impl fmt::Display for RenewedShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The shares are renewed; those of before open nothing any more.")?;
        writeln!(f, "  Opened by             {}", self.opened_by.join(", "))?;
        writeln!(f, "{}", self.shares)?;
        write!(
            f,
            "Next: destroy every copy of the directory that was made before: the old shares still open what is in it"
        )
    }
}

/// Renews the shares.
pub(crate) fn renew(ceremony: &Ceremony, wish: &RenewalWish) -> Result<RenewedShares, RenewSharesError> {
    if ceremony.charter.keys != KeyStore::Shared {
        return Err(RenewSharesError::NotShared);
    }
    let shelf = SharesShelf::of(&ceremony.path);
    let (old, description) = shelf.in_force(ceremony.ledger.shares_digest().as_deref())?;
    let combined = combine(&description, &wish.shares)?;
    let dealt = deal(&wish.dealing)?;
    let new = shelf.next()?;
    copy_keys((&old, &combined), (&new, &dealt))?;
    let shares = dealt.write(&new)?;
    let event = shares_dealt(&shares, &ceremony.certificate, &ceremony.actor(), ceremony.time);
    ceremony.ledger.record_event(event)?;
    shelf.retire_others(&new)?;
    Ok(RenewedShares { opened_by: combined.holders.iter().map(ToString::to_string).collect(), shares })
}

/// Copies every key under the new wrap key, and sees to it that all of them open there.
fn copy_keys(
    (old, combined): (&SetDirectory, &Combined),
    (new, dealt): (&SetDirectory, &Dealt),
) -> Result<(), RenewSharesError> {
    let source = KeyDirectory::open(old.keys())?;
    let target = KeyDirectory::create(new.keys())?;
    let (from, to) = (combined.wrap_key.passphrase(), dealt.wrap_key().passphrase());
    let keys = source.key_refs()?;
    for key in &keys {
        source.copy_key(key, &from, (&target, &to))?;
    }
    let opened = FileSigner::unlock(&target, &to)?.public_keys();
    if opened.len() == keys.len() { Ok(()) } else { Err(RenewSharesError::NotAll) }
}

/// Why shares were not renewed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenewSharesError {
    /// The keys are elsewhere.
    #[error("the keys of this root are not shared")]
    NotShared,
    /// The sets are not in order.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The old shares do not give the wrap key.
    #[error(transparent)]
    Combine(#[from] CombineSharesError),
    /// The new shares were not dealt.
    #[error(transparent)]
    Deal(#[from] DealSharesError),
    /// The directory of the keys is refused.
    #[error(transparent)]
    Directory(#[from] OpenKeyDirectoryError),
    /// The keys cannot be listed.
    #[error(transparent)]
    List(#[from] ListKeysError),
    /// The new directory was not made.
    #[error(transparent)]
    NoDirectory(#[from] CreateKeyDirectoryError),
    /// A key was not copied.
    #[error(transparent)]
    Copy(#[from] CopyKeyError),
    /// The copies do not open.
    #[error(transparent)]
    Open(#[from] OpenCopiesError),
    /// Not every key is among the copies.
    #[error("not every key of the root was copied")]
    NotAll,
    /// The ledger takes no record.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Explained for RenewSharesError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotShared => Exit::Refused,
            Self::Shelf(error) => error.exit(),
            Self::Combine(error) => error.exit(),
            Self::Deal(error) => error.exit(),
            Self::Directory(_) | Self::List(_) => Exit::Permission,
            Self::NoDirectory(_) => Exit::Failed,
            Self::Copy(_) | Self::Open(_) | Self::NotAll => Exit::Integrity,
            Self::Unavailable(_) => Exit::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotShared => "share.not-shared",
            Self::Shelf(error) => error.code(),
            Self::Combine(error) => error.code(),
            Self::Deal(error) => error.code(),
            Self::Directory(_) | Self::List(_) | Self::Copy(_) => "key.unreadable",
            Self::NoDirectory(_) | Self::Open(_) | Self::NotAll => "key.not-made",
            Self::Unavailable(_) => "unavailable",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NotShared => "check --dir".to_owned(),
            Self::Shelf(error) => error.next(),
            Self::Combine(error) => error.next(),
            Self::Deal(error) => error.next(),
            Self::Directory(_) | Self::List(_) | Self::Copy(_) => {
                "restore the key directory from its copy; the shares of before are still in force".to_owned()
            }
            Self::NoDirectory(_) | Self::Open(_) | Self::NotAll | Self::Unavailable(_) => {
                "check the disk and repeat; the shares of before are still in force".to_owned()
            }
        }
    }
}
