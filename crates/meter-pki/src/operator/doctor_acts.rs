//! What a doctor is told of the process that serves. Reads only, and judges nothing.

use ca_core::audit::{Act, AuditRecord};
use sha2::{Digest, Sha256};

use super::acts::unavailable;
use super::wire::doctor::ProcessView;
use crate::compose::System;
use crate::exit::Failure;
use crate::started::Started;

/// How many records at the end are checked one against the other.
const TAIL: u64 = 1_000;

/// How many records at the end are looked through for a backup.
const BACKUPS: u64 = 100_000;

/// How many are read at once.
const PAGE: u64 = 5_000;

pub(super) fn process(system: &System, started: &Started) -> Result<ProcessView, Failure> {
    let end = system.vault.store.audit_end().map_err(unavailable)?.sequence();
    let (mut last_record_at, mut last_backup_at) = (None, None);
    let tail = records(system, end.saturating_sub(TAIL), end)?;
    let broken = broken(&tail);
    if let Some(last) = tail.last().and_then(|der| AuditRecord::from_der(der).ok()) {
        last_record_at = Some(last.event.time.seconds());
    }
    let (mut upto, floor) = (end, end.saturating_sub(BACKUPS));
    while upto > floor && last_backup_at.is_none() {
        let from = upto.saturating_sub(PAGE).max(floor);
        last_backup_at = records(system, from, upto)?.iter().rev().find_map(|der| backup_at(der));
        upto = from;
    }
    Ok(ProcessView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration_sha256: started.sha256.clone(),
        profiles_sha256: started.profiles_sha256.clone(),
        now: system.clock.now().seconds(),
        sequence: end,
        last_record_at,
        last_backup_at,
        broken,
        open_files: open_files(),
    })
}

/// The records after `after`, up to `upto`.
fn records(system: &System, after: u64, upto: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let many = usize::try_from(upto.saturating_sub(after)).unwrap_or(usize::MAX);
    system.status.audit_records(after, many).map_err(unavailable)
}

fn backup_at(der: &[u8]) -> Option<i64> {
    let event = AuditRecord::from_der(der).ok()?.event;
    (event.act == Act::BackupCreated).then(|| event.time.seconds())
}

/// Each record names the one before it by its SHA-256, and the numbers have no gap.
fn broken(tail: &[Vec<u8>]) -> Option<String> {
    let mut before: Option<(u64, [u8; 32])> = None;
    for der in tail {
        let Ok(record) = AuditRecord::from_der(der) else {
            let after = before.map_or(0, |(sequence, _)| sequence);
            return Some(format!("the audit record after {after} cannot be read"));
        };
        if let Some((sequence, digest)) = before {
            if record.sequence != sequence.saturating_add(1) {
                return Some(format!("audit record {} follows {sequence}", record.sequence));
            }
            if record.previous != digest {
                return Some(format!("audit record {} does not name the one before it", record.sequence));
            }
        }
        before = Some((record.sequence, Sha256::digest(der).into()));
    }
    None
}

/// The soft limit, as proc(5) tells it.
fn open_files() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}

#[cfg(test)]
mod tests {
    use ca_core::audit::AuditEvent;
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    fn trail(numbers: &[u64]) -> Vec<Vec<u8>> {
        let mut previous = [0; 32];
        let record = |sequence: &u64| {
            let event = AuditEvent {
                time: UnixTime::from_seconds(1_800_000_000),
                tenant: TenantId::parse("dso").unwrap(),
                actor: "process:test".to_owned(),
                act: Act::BackupCreated,
                issuer: None,
                serial: None,
                reason: String::new(),
                detail: String::new(),
                digest: Vec::new(),
            };
            let der = AuditRecord { sequence: *sequence, previous, event }.to_der().unwrap();
            previous = Sha256::digest(&der).into();
            der
        };
        numbers.iter().map(record).collect()
    }

    #[test]
    fn a_tail_holds_together_wherever_it_begins() {
        assert_eq!(broken(&trail(&[7, 8, 9])), None);
        assert_eq!(broken(&[]), None);
    }

    #[test]
    fn a_gap_an_exchanged_record_and_one_of_another_trail_are_told() {
        assert!(broken(&trail(&[7, 9])).unwrap().contains("9 follows 7"));
        let mut exchanged = trail(&[7, 8, 9]);
        exchanged[1] = trail(&[8]).remove(0);
        assert!(broken(&exchanged).unwrap().contains("8 does not name"));
        assert!(broken(&[b"no record".to_vec()]).unwrap().contains("cannot be read"));
    }

    #[test]
    fn the_time_of_a_backup_is_read_from_its_record() {
        assert_eq!(backup_at(&trail(&[1])[0]), Some(1_800_000_000));
        assert_eq!(backup_at(b"no record"), None);
    }

    #[test]
    fn the_limit_of_open_files_of_this_process_is_known() {
        assert!(open_files().is_some_and(|limit| limit > 0));
    }
}
