//! Making a backup of a ledger that goes on.

use std::io;
use std::path::{Path, PathBuf};

use ca_core::audit::AuditEvent;
use ca_core::ports::Entropy;
use ca_store::{CopyError, LEDGER_FORMAT, Store};

use super::archive::{ArchiveWriter, Manifest};
use super::private_file::PrivateFile;
use super::recovery_key::RecoveryPublicKey;
use super::sealed::{BeginError, SealedWriter};

/// What a backup is made of and for whom.
pub(crate) struct BackupOrder<'a> {
    pub store: &'a Store,
    pub configuration: &'a Path,
    pub recipient: &'a RecoveryPublicKey,
    pub entropy: &'a dyn Entropy,
    /// What is put on record.
    pub event: AuditEvent,
}

/// Writes a backup under a name where nothing is.
pub(crate) fn create(order: BackupOrder<'_>, path: &Path) -> Result<Manifest, CreateBackupError> {
    let failed = |cause| CreateBackupError::NotWritten { path: path.to_owned(), cause };
    let configuration = std::fs::read(order.configuration)
        .map_err(|cause| CreateBackupError::Configuration { path: order.configuration.to_owned(), cause })?;
    let file = PrivateFile::create(path).map_err(failed)?;
    let mut archive = ArchiveWriter::new(SealedWriter::begin(file, order.recipient, order.entropy)?);
    archive.configuration(&configuration).map_err(failed)?;
    let created_at = order.event.time.to_string();
    let report = order.store.copy(order.event, |row| archive.row(&row))?;
    let manifest = Manifest {
        format: 1,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        engine: order.store.engine_kind().to_string(),
        ledger_format: LEDGER_FORMAT,
        sequence: report.sequence,
        root: hex::encode(report.root),
        epoch: report.epoch,
        created_at,
        rows: report.rows.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        changes: report.changes,
        sha256: archive.digest(),
    };
    archive
        .manifest(&manifest)
        .and_then(SealedWriter::finish)
        .and_then(PrivateFile::finish)
        .map_err(failed)?;
    Ok(manifest)
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateBackupError {
    #[error("cannot read the configuration {}: {cause}", path.display())]
    Configuration { path: PathBuf, cause: io::Error },
    #[error("the backup {} cannot be written: {cause}", path.display())]
    NotWritten { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Begin(#[from] BeginError),
    #[error(transparent)]
    Copy(#[from] CopyError<io::Error>),
}
