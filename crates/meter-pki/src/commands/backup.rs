//! `meter-pki backup keygen`, `backup create` and `backup verify`.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use ca_core::ports::Clock;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, IntegrityReport, Opening, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::backup::private_file;
use crate::backup::recovery_key::RecoveryKey;
use crate::backup::shares::{Quorum, split};
use crate::backup::unpack::{Destination, UnpackError, Unpacked, unpack};
use crate::cli::VerifyArgs;
use crate::compose::{SystemClock, abort_on_fatal, random_id};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::words::TimeText;
use crate::operator::wire::{BackupText, BackupView};

/// The key for backups, and its shares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackupKey)]
pub(in crate::commands) struct KeyView {
    directory: String,
    key: String,
    shares: String,
}

/// Makes a recovery key and forgets it: what stays are the public half and the shares.
pub(super) fn keygen(shares: &str, directory: &Path, printer: &Printer) -> Result<(), Failure> {
    let quorum: Quorum =
        shares.parse().map_err(|error: String| Failure::new(Exit::Usage, "backup.shares", error))?;
    let failed = |what: &Path, error: std::io::Error| {
        let conflict = error.kind() == std::io::ErrorKind::AlreadyExists;
        let exit = if conflict { Exit::Conflict } else { Exit::Failed };
        Failure::new(exit, "backup.key-not-made", format!("{}: {error}", what.display()))
            .then("name a directory that is absent or empty: no key is ever written over")
    };
    if !directory.is_dir() {
        std::fs::DirBuilder::new().mode(0o700).create(directory).map_err(|error| failed(directory, error))?;
    } else if std::fs::read_dir(directory).map_err(|error| failed(directory, error))?.next().is_some() {
        return Err(failed(directory, std::io::ErrorKind::AlreadyExists.into()));
    }
    let key = RecoveryKey::generate();
    let public = key.public();
    for (number, share) in (1..).zip(split(&key, quorum)) {
        let path = directory.join(format!("share-{number}"));
        private_file::store(&path, share.to_text().as_bytes()).map_err(|error| failed(&path, error))?;
    }
    let path = directory.join("recovery.pub");
    let pem = public.to_pem().unwrap_or_default();
    private_file::store(&path, pem.as_bytes()).map_err(|error| failed(&path, error))?;
    let view = KeyView {
        directory: directory.display().to_string(),
        key: public.id().to_string(),
        shares: quorum.to_string(),
    };
    printer.result(&view, |view| {
        vec![
            format!("recovery key {}, {} shares, in {}", view.key, view.shares, view.directory),
            "give each share to one person, take it off this machine, and name recovery.pub in the configuration"
                .to_owned(),
        ]
    });
    Ok(())
}

pub(super) async fn create(file: &Path, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let path = std::path::absolute(file).map_err(|error| Failure::new(Exit::Usage, "backup.path", error))?;
    let view: BackupView =
        client.post("/v1/backups", &BackupText { path: path.to_string_lossy().into_owned() }).await?;
    printer.result(&view, |view| {
        vec![
            format!(
                "{}: {} rows and {} changes up to audit record {}",
                view.path, view.rows, view.changes, view.sequence
            ),
            format!("root {}", view.root),
            "it is a backup when `meter-pki backup verify` says so".to_owned(),
        ]
    });
    Ok(())
}

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedBackup)]
pub(in crate::commands) struct VerifiedView {
    #[schema(value_type = TimeText)]
    created_at: String,
    sequence: u64,
    root: String,
    epoch: u64,
    records: u64,
    certificates: u64,
    open: u64,
    burned: u64,
    revocations: u64,
    crls: u64,
    devices: u64,
    tokens: u64,
    transactions: u64,
}

/// Restores a backup into a scratch directory and checks it there.
pub(super) fn verify(args: &VerifyArgs, printer: &Printer) -> Result<(), Failure> {
    let id = random_id()?;
    let beside = args.file.parent().unwrap_or_else(|| Path::new(""));
    let scratch = args.scratch.as_deref().unwrap_or(beside).join(format!(".verify-{}", hex::encode(id)));
    let now = SystemClock.now();
    let destination =
        Destination { directory: &scratch, engine: EngineKind::Fjall, database: None, installation: id, now };
    let checked = unpack(&args.file, &args.shares, &destination)
        .map_err(|error| failure(&error))
        .and_then(|unpacked| Ok((check(&destination)?, unpacked)));
    drop(std::fs::remove_dir_all(&scratch));
    let (report, unpacked) = checked?;
    if let Some(out) = &args.configuration_out {
        private_file::store(out, &unpacked.configuration).map_err(|error| {
            Failure::new(Exit::Conflict, "backup.configuration", format!("{}: {error}", out.display()))
        })?;
    }
    printer.result(&view(&report, &unpacked), |view| {
        vec![
            format!("sound; made {}, audit record {}, epoch {}", view.created_at, view.sequence, view.epoch),
            format!("root {}", view.root),
            format!(
                "{} certificates, {} revocations, {} open intents, {} burned numbers, {} CRLs, {} devices, {} tokens, {} transactions",
                view.certificates,
                view.revocations,
                view.open,
                view.burned,
                view.crls,
                view.devices,
                view.tokens,
                view.transactions
            ),
        ]
    });
    Ok(())
}

fn check(destination: &Destination<'_>) -> Result<IntegrityReport, Failure> {
    let unsound = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Integrity, "backup.unsound", error)
            .then("make another backup, and call the auditor")
    };
    let tenant = TenantId::parse("verify").map_err(|error| unsound(&error))?;
    let opening = Opening { now: destination.now, tenant, boot: None };
    let (store, _) =
        Store::open(destination.directory, &opening, abort_on_fatal()).map_err(|error| unsound(&error))?;
    store.check_integrity().map_err(|error| unsound(&error))
}

fn view(report: &IntegrityReport, unpacked: &Unpacked) -> VerifiedView {
    VerifiedView {
        created_at: unpacked.manifest.created_at.clone(),
        sequence: unpacked.manifest.sequence,
        root: unpacked.manifest.root.clone(),
        epoch: unpacked.manifest.epoch,
        records: report.records,
        certificates: report.certificates,
        open: report.open,
        burned: report.burned,
        revocations: report.revocations,
        crls: report.crls,
        devices: report.devices,
        tokens: report.tokens,
        transactions: report.transactions,
    }
}

/// How the program ends when a backup gives no ledger.
pub(super) fn failure(error: &UnpackError) -> Failure {
    let (exit, code, next) = match error {
        UnpackError::Unreadable { .. } => (Exit::NotFound, "backup.unreadable", ""),
        UnpackError::CopyOfFiles { .. } => {
            (Exit::Integrity, "backup.copy-of-files", "make a backup with `meter-pki backup create`")
        }
        UnpackError::NoBackup { .. } => (Exit::Usage, "backup.none", ""),
        UnpackError::InTheWay { .. } => (
            Exit::Conflict,
            "restore.in-the-way",
            "move it away first; without a file named marker it is what an attempt that was cut short left, and no ledger",
        ),
        UnpackError::Quorum(_) => {
            (Exit::Permission, "backup.quorum", "bring as many different shares of this key as are needed")
        }
        UnpackError::OtherFormat { .. } => {
            (Exit::Usage, "backup.format", "restore it with that version, then let this one open the ledger")
        }
        UnpackError::Envelope(_) | UnpackError::Altered(_) | UnpackError::Disagrees => {
            (Exit::Integrity, "backup.altered", "take another copy of the backup, or an older one")
        }
        UnpackError::Restore(_) => (Exit::Failed, "restore.failed", ""),
    };
    Failure::new(exit, code, error).then(next)
}
