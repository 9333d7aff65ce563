//! Making a ledger of a backup, in a directory that is absent. What fails leaves no directory behind.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use ca_core::validity::UnixTime;
use ca_store::{Database, EngineKind, LEDGER_FORMAT, OLDEST_RESTORED, RestoreError, Restoring};

use super::archive::{ArchiveReader, Frame, Manifest};
use super::envelope::EnvelopeError;
use super::sealed::SealedFile;
use super::shares::{CombineError, combine};

/// Where and as whose the ledger is made.
pub(crate) struct Destination<'a> {
    pub directory: &'a Path,
    /// The engine; that of the backup unless given.
    pub engine: EngineKind,
    /// The database that is to hold it, where the engine is one.
    pub database: Option<&'a Database>,
    /// 16 random octets.
    pub installation: [u8; 16],
    pub now: UnixTime,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub manifest: Manifest,
    pub configuration: Vec<u8>,
}

/// Puts the recovery key together, and only then reads, checks and restores.
pub(crate) fn unpack(
    backup: &Path,
    shares: &[PathBuf],
    destination: &Destination<'_>,
) -> Result<Unpacked, UnpackError> {
    if backup.is_dir() {
        return Err(UnpackError::CopyOfFiles { path: backup.to_owned() });
    }
    let unreadable = |cause| UnpackError::Unreadable { path: backup.to_owned(), cause };
    let file = File::open(backup).map_err(unreadable)?;
    let sealed = SealedFile::open(BufReader::with_capacity(1 << 17, file)).map_err(unreadable)?;
    let sealed = sealed.ok_or_else(|| UnpackError::NoBackup { path: backup.to_owned() })?;
    let key = combine(shares, sealed.recipient())?;
    let reader = sealed.unseal(&key)?;
    drop(key);
    if destination.directory.symlink_metadata().is_ok() {
        return Err(UnpackError::InTheWay { path: destination.directory.to_owned() });
    }
    restore(reader, destination).inspect_err(|_| {
        // What is left is no ledger, and its rows are not to lie about.
        drop(std::fs::remove_dir_all(destination.directory));
    })
}

fn restore(reader: impl Read, destination: &Destination<'_>) -> Result<Unpacked, UnpackError> {
    let mut archive = ArchiveReader::new(reader);
    let by = concat!("meter-pki ", env!("CARGO_PKG_VERSION"));
    let mut restoring = match destination.database {
        Some(database) => {
            // The directory of the first node is named as the copy of the ledger is.
            Restoring::begin_shared(destination.directory, database, (destination.installation, by))?
        }
        None => Restoring::begin(destination.directory, destination.engine)?,
    };
    let mut configuration = Vec::new();
    let (manifest, digest) = loop {
        match archive.next().map_err(UnpackError::Altered)? {
            Frame::Configuration(text) => configuration = text,
            Frame::Row(row) => restoring.write(row)?,
            Frame::Manifest(manifest, digest) => break (*manifest, digest),
        }
    };
    if manifest.format != 1 || !(OLDEST_RESTORED..=LEDGER_FORMAT).contains(&manifest.ledger_format) {
        return Err(UnpackError::OtherFormat {
            found: manifest.ledger_format,
            known: LEDGER_FORMAT,
            program: manifest.program,
        });
    }
    let reason = format!("restored from the backup of {}", manifest.created_at);
    let restored = restoring.finish(destination.installation, destination.now, &reason)?;
    if digest != manifest.sha256
        || restored.sequence != manifest.sequence
        || hex::encode(restored.root) != manifest.root
        || restored.epoch != manifest.epoch
    {
        return Err(UnpackError::Disagrees);
    }
    Ok(Unpacked { manifest, configuration })
}

/// Why no ledger was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error(
        "{} is a directory: files of a ledger that were copied are no backup, since they are of no one moment",
        path.display()
    )]
    CopyOfFiles { path: PathBuf },
    #[error("{} is no backup of this program", path.display())]
    NoBackup { path: PathBuf },
    #[error("{} exists: a ledger is restored where nothing is", path.display())]
    InTheWay { path: PathBuf },
    #[error(transparent)]
    Quorum(#[from] CombineError),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("the backup cannot be used: {0}")]
    Altered(io::Error),
    #[error(
        "the backup has ledger format {found} and was made by version {program}; this version knows {known}"
    )]
    OtherFormat { found: u32, known: u32, program: String },
    #[error("the rows of the backup are not those that its manifest tells of")]
    Disagrees,
    #[error(transparent)]
    Restore(#[from] RestoreError),
}
