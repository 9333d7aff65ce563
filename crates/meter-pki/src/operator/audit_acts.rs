//! What operators can ask of the audit log: records, checkpoints and proofs. Nothing here changes a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::ports::StatusSource;

use super::acts::{find, no_certificate, rows, serial, unavailable};
use super::wire::{
    AuditPage, AuditQuery, CheckpointView, ConsistencyQuery, ConsistencyView, IssuanceProofView,
};
use crate::audit::AuditLog;
use crate::audit::note::{Checkpoint, pem};
use crate::audit::proof::LogProof;
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn records(system: &System, query: AuditQuery) -> Result<AuditPage, Failure> {
    let (after, limit) = (query.after, rows(query.limit));
    let records = system.vault.report(|store| store.audit_records(after, limit)).map_err(unavailable)?;
    Ok(AuditPage { records: records.iter().map(|der| STANDARD.encode(der)).collect() })
}

/// Signs a checkpoint of all there is.
pub(super) fn checkpoint(system: &System) -> Result<CheckpointView, Failure> {
    let (note, _) = system.audit.checkpoint()?;
    Ok(CheckpointView { note, key: pem(system.audit.notary()?.public_key()?) })
}

pub(super) fn consistency(system: &System, query: ConsistencyQuery) -> Result<ConsistencyView, Failure> {
    let ConsistencyQuery { earlier, later } = query;
    let store = &system.audit.store;
    if earlier > later || later > store.audit_end().map_err(unavailable)?.sequence() {
        let message = format!("there are no trees over {earlier} and {later} audit records");
        return Err(Failure::new(Exit::NotFound, "audit.no-tree", message));
    }
    let hashes = store.prove_consistency(earlier, later).map_err(unavailable)?;
    Ok(ConsistencyView { hashes: hashes.iter().map(|hash| STANDARD.encode(hash)).collect() })
}

pub(super) fn prove_issuance(
    system: &System,
    issuer: &str,
    number: &str,
) -> Result<IssuanceProofView, Failure> {
    let issuer = (issuer != "-").then_some(issuer);
    let id = find(system, issuer, &serial(number)?)?;
    let log = &system.audit;
    let key = pem(log.notary()?.public_key()?);
    let record =
        log.store.issuance_record(&id).map_err(unavailable)?.ok_or_else(|| no_certificate(number))?;
    Ok(IssuanceProofView { proof: proof(log, (record.sequence, record.der))?, key })
}

/// Proves that a record is in the log: against the last checkpoint, or a new one where that does not cover it yet.
pub(super) fn proof(log: &AuditLog, (sequence, record): (u64, Vec<u8>)) -> Result<String, Failure> {
    let kept = log.store.checkpoint().map_err(unavailable)?;
    let key = log.notary()?.public_key()?;
    let covers = |note: &String| {
        let checkpoint = Checkpoint::open(note, key).ok()?;
        (checkpoint.head.size >= sequence).then_some(checkpoint.head.size)
    };
    let (note, size) = match kept.and_then(|note| covers(&note).map(|size| (note, size))) {
        Some(covering) => covering,
        None => log.checkpoint()?,
    };
    let path = log.store.prove_inclusion(sequence, size).map_err(unavailable)?;
    let index = sequence.saturating_sub(1);
    Ok(LogProof { record, index, path, note }.text())
}
