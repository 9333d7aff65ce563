//! Backup: what is copied while writers write is the ledger of one moment, on whichever engine it is restored.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Ledger, StatusSource as _};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Intent, IssuedRecord, RevocationOutcome, RevocationRecord};
use sha2::{Digest, Sha256};

use super::ground::{
    Ground, LedgerTold, LedgerWords, NOW, cause, event, id, intent, opening, revocation, settings, token,
};
use crate::{
    CopiedRow, CopyError, EngineKind, ExportedRecord, Guard, IntegrityFault, OpenError, Places, Restoring,
    Store,
};

/// The DER of a `TBSCertificate`, as far as the ledger looks into one.
fn tbs(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    vec![0x30, 0x04, 0x02, 0x02, 0x40 | (high & 0x3F), low]
}

fn certificate(number: u16) -> Vec<u8> {
    let body = [tbs(number).as_slice(), &[0x30, 0x00, 0x03, 0x02, 0x00, 0x01]].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

fn told(act: Act, number: u16, octets: &[u8]) -> AuditEvent {
    let digest = if octets.is_empty() { Vec::new() } else { Sha256::digest(octets).to_vec() };
    let id = id(number);
    AuditEvent { issuer: Some(id.issuer), serial: Some(id.serial), digest, ..event(act) }
}

/// An intent whose audit event tells of it as ca-core's does.
pub(super) fn sound(number: u16) -> Intent {
    let tbs = tbs(number);
    Intent { event: told(Act::IntentRecorded, number, &tbs), tbs, ..intent(number) }
}

fn issue(store: &Store, number: u16) {
    issue_sound(store, number, sound(number));
}

/// Issues a certificate whose audit events tell of it as ca-core's do.
pub(super) fn issue_sound(store: &Store, number: u16, sound: Intent) {
    store.record(sound).unwrap();
    store.begin(number);
    let certificate = certificate(number);
    let event = told(Act::CertificateIssued, number, &certificate);
    store.record_issued(vec![IssuedRecord { id: id(number), certificate, issued_at: NOW, event }]).unwrap();
}

fn revoke(store: &Store, number: u16) {
    let event = AuditEvent {
        reason: ReasonCode::Superseded.name().to_owned(),
        ..told(Act::CertificateRevoked, number, &[])
    };
    let record = RevocationRecord { event, ..revocation(&id(number), ReasonCode::Superseded) };
    assert!(matches!(store.record_revocation(record), Ok(RevocationOutcome::Recorded { .. })));
}

pub(super) fn copied(store: &Store) -> (Vec<CopiedRow>, crate::CopyReport) {
    let mut rows = Vec::new();
    let report = store
        .copy(event(Act::BackupCreated), |row| {
            rows.push(row);
            Ok::<_, Infallible>(())
        })
        .unwrap();
    (rows, report)
}

/// Makes a ledger of rows on an engine and opens it.
pub(super) fn restored(rows: Vec<CopiedRow>, kind: EngineKind) -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("restored");
    let mut restoring = Restoring::begin(&path, embedded(kind)).unwrap();
    rows.into_iter().for_each(|row| restoring.write(row).unwrap());
    restoring.finish([9; 16], NOW, "restored from a backup").unwrap();
    let (store, _) = Store::open(&path, &opening(NOW), settings()).unwrap();
    (parent, store)
}

/// What a copy of a shared ledger is restored into: it is a ledger of its own.
fn embedded(kind: EngineKind) -> EngineKind {
    if kind == EngineKind::Postgres { EngineKind::Fjall } else { kind }
}

/// Makes a ledger of rows that were copied, and has it replay what `store` recorded since: all of it comes back.
pub(super) fn replayed(rows: Vec<CopiedRow>, store: &Store, kind: EngineKind) -> (tempfile::TempDir, Store) {
    let (parent, other) = restored(rows, kind);
    let known = other.audit_end().unwrap().sequence();
    let log = store.audit_records(known, 99).unwrap();
    let exported = |der| Ok::<_, Infallible>(ExportedRecord { der, certificate: None });
    let report = other.replay(log.into_iter().map(exported), &Places::new()).unwrap();
    assert_eq!(report.unrestored, []);
    (parent, other)
}

fn a_copy_made_while_writers_write_is_the_ledger_of_one_moment(ground: &Ground) {
    let store = ground.open();
    (0..1_500).for_each(|number| store.record(sound(number)).unwrap());
    let enough = AtomicBool::new(false);
    let (rows, report) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 2_000;
            while !enough.load(Ordering::Relaxed) {
                issue(&store, number);
                revoke(&store, number);
                number += 1;
            }
        });
        let copy = copied(&store);
        enough.store(true, Ordering::Relaxed);
        copy
    });
    let went_on = store.audit_end().unwrap().sequence() > report.sequence;
    assert!(report.changes > 0 || went_on, "somebody wrote while it was copied");
    for kind in EngineKind::EMBEDDED {
        let (_parent, other) = restored(rows.clone(), kind);
        let found = other.check_integrity().unwrap();
        assert_eq!(found.records, report.sequence);
        assert_eq!(found.open, 1_500 + u64::from(found.open % 2 == 1));
        assert!(other.acts().contains(&Act::BackupCreated), "the copy holds the record of itself");
        assert_eq!(other.status(7), CertificateStatus::Pending);
    }
    // The ledger that was copied is none the worse.
    assert!(store.check_integrity().is_ok());
}

fn a_row_that_was_removed_while_it_was_copied_does_not_come_back(ground: &Ground) {
    let store = ground.open();
    store.record(sound(1)).unwrap();
    let mut rows = Vec::new();
    let mut once = Some(());
    store
        .copy(event(Act::BackupCreated), |row| {
            // When the first intent has been copied as open, it becomes a certificate.
            if row.keyspace == crate::keyspace::Keyspace::Signing.tag() || row.keyspace == 5 {
                assert!(row.value.is_some() || once.is_none());
            }
            if once.take_if(|()| row.keyspace == crate::keyspace::Keyspace::Open.tag()).is_some() {
                store.begin(1);
                let certificate = certificate(1);
                let event = told(Act::CertificateIssued, 1, &certificate);
                let issued = IssuedRecord { id: id(1), certificate, issued_at: NOW, event };
                store.record_issued(vec![issued]).unwrap();
            }
            rows.push(row);
            Ok::<_, Infallible>(())
        })
        .unwrap();
    let (_parent, other) = restored(rows, ground.kind);
    assert_eq!(other.status(1), CertificateStatus::Good);
    assert_eq!(other.check_integrity().unwrap().open, 0);
}

fn one_copy_at_a_time_and_one_that_fails_lets_the_next_begin(ground: &Ground) {
    let store = ground.open();
    let outcome = store.copy(event(Act::BackupCreated), |_| {
        let second = store.copy(event(Act::BackupCreated), |_| Ok::<_, Infallible>(()));
        assert!(matches!(second, Err(CopyError::UnderWay)));
        Err("the disk is full")
    });
    assert!(matches!(outcome, Err(CopyError::Out("the disk is full"))));
    assert!(!store.acts().contains(&Act::BackupCreated), "what is no backup is not on record as one");
    drop(copied(&store));
}

fn a_restored_ledger_answers_and_records_nothing_until_recovery_ends(ground: &Ground) {
    let store = ground.open();
    issue(&store, 1);
    store.record(sound(2)).unwrap();
    store.keep(token(7));
    let (rows, report) = copied(&store);
    let (parent, other) = restored(rows, ground.kind);
    assert_eq!(other.status(1), CertificateStatus::Good);
    assert_eq!(other.recovery().unwrap().reason, "restored from a backup");
    let refused = other.record_intents(vec![sound(3)]);
    assert!(cause(refused).contains("in recovery since"));
    assert!(cause(other.record_event(event(Act::RequestRefused))).contains("in recovery"));
    drop(other);
    // A start adds nothing either.
    let path = parent.path().join("restored");
    let (other, _) = Store::open(&path, &opening(NOW), settings()).unwrap();
    let end = other.audit_end().unwrap();
    assert_eq!((end.sequence(), end.peaks().root()), (report.sequence, report.root));
    assert_eq!(other.leave_recovery(2, event(Act::RecoveryEnded)).unwrap(), 1);
    drop(other);
    let (other, ended) = Store::open(&path, &opening(NOW), settings()).unwrap();
    assert!(other.recovery().is_none());
    // It may have been signed after the copy was made.
    assert_eq!(ended.uncertain, [id(2)]);
    assert_eq!(other.installation().unwrap().unwrap().epoch, 2);
    assert_eq!(
        ca_core::ports::Registry::token(&other, &[7; 32]).unwrap().map(|token| token.spent),
        Some(true),
        "it may have been spent"
    );
    let acts = other.acts();
    let entered = acts.iter().position(|act| *act == Act::RecoveryEntered).unwrap();
    assert_eq!(acts[entered + 1], Act::RecoveryEnded);
    assert!(other.record(sound(3)).is_ok());
    assert!(other.check_integrity().is_ok());
}

fn a_witness_that_says_no_stops_the_ledger_before_it_records(ground: &Ground) {
    let store = ground.open();
    issue(&store, 1);
    let end = store.audit_end().unwrap();
    drop(store);
    let refusing = |shown: &crate::TrailEnd<'_>| {
        assert_eq!((shown.sequence(), shown.head_at(shown.sequence())), (end.sequence(), Some(*end.head())));
        Err("the exported log is longer".to_owned())
    };
    let guard = Guard { newcomer: [5; 16], witness: &refusing };
    let (store, _) =
        Store::open_guarded(&ground.path(), &opening(NOW), ground.settings(), Some(&guard)).unwrap();
    assert_eq!(store.audit_end().unwrap(), end, "nothing was added");
    assert!(store.record_event(event(Act::RequestRefused)).is_err());
    drop(store);
    // It stays so, whoever opens it.
    let (store, _) = ground.reopen_at(NOW);
    assert_eq!(store.recovery().unwrap().reason, "the exported log is longer");
}

fn a_witness_that_says_yes_is_shown_the_same_installation_again(ground: &Ground) {
    for newcomer in [[5; 16], [6; 16]] {
        let seen = std::cell::Cell::new(None);
        let agreeing = |shown: &crate::TrailEnd<'_>| {
            seen.set(Some(shown.installation()));
            Ok(())
        };
        let guard = Guard { newcomer, witness: &agreeing };
        let (store, _) =
            Store::open_guarded(&ground.path(), &opening(NOW), ground.settings(), Some(&guard)).unwrap();
        assert!(store.recovery().is_none());
        assert_eq!(seen.get().map(|one| (one.id, one.epoch)), Some(([5; 16], 1)));
    }
}

fn a_fenced_ledger_answers_and_records_nothing_more(ground: &Ground) {
    let store = ground.open();
    issue(&store, 1);
    store.record(sound(2)).unwrap();
    store.begin(2);
    store.fence("another copy has epoch 2");
    store.fence("said again");
    assert!(cause(store.record_intents(vec![sound(3)])).ends_with("another copy has epoch 2"));
    let issued = IssuedRecord {
        id: id(2),
        certificate: certificate(2),
        issued_at: NOW,
        event: told(Act::CertificateIssued, 2, &certificate(2)),
    };
    assert!(store.record_issued(vec![issued]).is_err(), "what is not recorded is not delivered");
    assert_eq!(store.status(1), CertificateStatus::Good);
}

fn rows_that_do_not_agree_are_named(ground: &Ground) {
    let store = ground.open();
    issue(&store, 1);
    issue(&store, 2);
    revoke(&store, 2);
    let (rows, _) = copied(&store);
    let without = |keyspace: crate::keyspace::Keyspace| {
        rows.iter().filter(|row| row.keyspace != keyspace.tag()).cloned().collect::<Vec<_>>()
    };
    let (_parent, lost) = restored(without(crate::keyspace::Keyspace::Certificates), ground.kind);
    assert!(matches!(
        lost.check_integrity(),
        Err(IntegrityFault::Disagrees { act: Act::IntentRecorded, .. })
    ));
    let (_parent, lost) = restored(without(crate::keyspace::Keyspace::Revocations), ground.kind);
    assert!(matches!(
        lost.check_integrity(),
        Err(IntegrityFault::Disagrees { act: Act::CertificateRevoked, .. })
    ));
    // A certificate that the trail does not tell of.
    let mut more = rows.clone();
    let one = rows.iter().find(|row| row.keyspace == crate::keyspace::Keyspace::Certificates.tag()).unwrap();
    let mut smuggled = one.clone();
    *smuggled.key.last_mut().unwrap() = 0xEE;
    more.push(smuggled);
    let (_parent, smuggled) = restored(more, ground.kind);
    assert!(matches!(smuggled.check_integrity(), Err(IntegrityFault::Count { .. })));
    // A trail that lost its end is refused by the opening already.
    let end = store.audit_end().unwrap().sequence().to_be_bytes();
    let cut = rows.iter().filter(|row| row.key != end).cloned().collect::<Vec<_>>();
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("cut");
    let mut restoring = Restoring::begin(&path, embedded(ground.kind)).unwrap();
    cut.into_iter().for_each(|row| restoring.write(row).unwrap());
    restoring.finish([9; 16], NOW, "restored").unwrap();
    assert!(matches!(Store::open(&path, &opening(NOW), settings()), Err(OpenError::AuditTrail { .. })));
}

super::on_every_engine!(
    a_copy_made_while_writers_write_is_the_ledger_of_one_moment,
    a_restored_ledger_answers_and_records_nothing_until_recovery_ends,
    a_witness_that_says_no_stops_the_ledger_before_it_records,
    a_witness_that_says_yes_is_shown_the_same_installation_again,
    a_fenced_ledger_answers_and_records_nothing_more,
    rows_that_do_not_agree_are_named,
);

// A database is copied at one point in time.
mod embedded {
    use super::*;

    super::super::on_embedded_engines! {
        one_copy_at_a_time_and_one_that_fails_lets_the_next_begin,
        a_row_that_was_removed_while_it_was_copied_does_not_come_back,
    }
}
