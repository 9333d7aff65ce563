//! What operators can do with the ledger as a whole: look at it, and back it up.

use std::path::Path;

use ca_core::audit::{Act, AuditEvent};
use ca_store::CopyError;

use super::acts::{operator, unavailable};
use super::routes::Peer;
use super::wire::{BackupText, BackupView, NodePage, NodeView, StoreView};
use crate::backup::create::{BackupOrder, CreateBackupError, create};
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn store(system: &System) -> Result<StoreView, Failure> {
    let store = &system.vault.store;
    let end = store.audit_end().map_err(unavailable)?;
    let installation = store.installation().map_err(unavailable)?;
    let recovery = store.recovery();
    Ok(StoreView {
        engine: store.engine_kind().to_string(),
        sequence: end.sequence(),
        root: hex::encode(end.peaks().root()),
        installation: installation.map(|installation| hex::encode(installation.id)),
        epoch: installation.map(|installation| installation.epoch),
        recovery_since: recovery.map(|recovery| recovery.since.to_string()),
        recovery_reason: recovery.map(|recovery| recovery.reason.clone()),
    })
}

pub(super) fn nodes(system: &System) -> Result<NodePage, Failure> {
    let nodes = system.vault.store.nodes().map_err(unavailable)?;
    Ok(NodePage {
        nodes: nodes
            .into_iter()
            .map(|node| NodeView {
                name: node.name,
                token: node.token,
                fenced: node.fenced,
                left: node.left,
                seen_ago_ms: u64::try_from(node.seen_ago.as_millis()).unwrap_or(u64::MAX),
                skew_ms: node.skew_ms,
                version: node.version,
                schema_most: node.schema_most,
                configuration: node.configuration,
                duties: node.duties,
            })
            .collect(),
    })
}

pub(super) fn create_backup(system: &System, peer: &Peer, text: &BackupText) -> Result<BackupView, Failure> {
    let vault = &system.vault;
    let recipient = vault.recovery_key.as_ref().ok_or_else(|| {
        Failure::new(Exit::Usage, "backup.no-key", "the configuration names no recovery key")
            .then("make one with `meter-pki backup keygen`, and name it as backup.recovery_key_file")
    })?;
    let path = Path::new(&text.path);
    if !path.is_absolute() {
        return Err(Failure::new(Exit::Usage, "backup.path", "the path of the backup is not absolute"));
    }
    let tenant = system.tenant.clone();
    let event = AuditEvent {
        time: system.clock.now(),
        actor: operator(&tenant, peer)?.to_string(),
        tenant,
        act: Act::BackupCreated,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: format!("{} for recovery key {}", path.display(), recipient.id()),
        digest: Vec::new(),
    };
    let order = BackupOrder {
        store: &vault.store,
        configuration: &vault.configuration,
        recipient,
        entropy: &*system.entropy,
        event,
    };
    let manifest = create(order, path).map_err(failure)?;
    Ok(BackupView {
        path: text.path.clone(),
        sequence: manifest.sequence,
        root: manifest.root,
        epoch: manifest.epoch,
        rows: manifest.rows.values().sum(),
        changes: manifest.changes,
        sha256: manifest.sha256,
    })
}

fn failure(error: CreateBackupError) -> Failure {
    let exit = match error {
        CreateBackupError::NotWritten { cause, path } => {
            let exit =
                if cause.kind() == std::io::ErrorKind::AlreadyExists { Exit::Conflict } else { Exit::Failed };
            let message = format!("the backup {} cannot be written: {cause}", path.display());
            return Failure::new(exit, "backup.not-written", message)
                .then("name a file that does not exist yet");
        }
        CreateBackupError::Copy(CopyError::Ledger(error)) => return unavailable(error),
        CreateBackupError::Copy(CopyError::UnderWay | CopyError::Overrun) => Exit::Unavailable,
        CreateBackupError::Copy(CopyError::Engine { .. } | CopyError::Out(_))
        | CreateBackupError::Configuration { .. }
        | CreateBackupError::Begin(_) => Exit::Failed,
    };
    Failure::new(exit, "backup.not-made", error)
}
