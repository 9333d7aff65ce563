//! Hold and release: which step follows which, once, also when many ask at the same moment; and what is kept meanwhile.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{CrlScopes, Ledger, Releases, StatusSource};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateQuery, CertificateStatus, IntentConflict, ReleaseOutcome, ReleaseRecord, Revocation,
    RevocationOutcome, RevocationRecord, Settlement, SlotUse, StatusKind,
};
use ca_core::validity::UnixTime;

use super::backup::{copied, issue_sound, restored, sound};
use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, issued, issuer, revocation,
    revoking,
};
use super::races::at_once;
use crate::keyspace::Keyspace;
use crate::{EngineKind, ExportedRecord, IntegrityFault, Places, Store};

const HOLD: ReasonCode = ReasonCode::CertificateHold;

fn later(seconds: i64) -> UnixTime {
    NOW.plus_seconds(seconds)
}

/// An event as ca-core's tell of a certificate.
fn told(act: Act, number: u16, at: UnixTime) -> AuditEvent {
    AuditEvent { time: at, issuer: Some(id(number).issuer), serial: Some(id(number).serial), ..event(act) }
}

fn revoke_at(store: &Store, number: u16, reason: ReasonCode, at: UnixTime) -> RevocationOutcome {
    let told = AuditEvent { reason: reason.name().to_owned(), ..told(revoking(reason), number, at) };
    let record = revocation(&id(number), reason);
    let revocation = Revocation { time: at, ..record.revocation };
    store.record_revocation(RevocationRecord { revocation, event: told, ..record }).unwrap()
}

fn release_at(store: &Store, number: u16, at: UnixTime) -> ReleaseOutcome {
    let event = told(Act::CertificateReleased, number, at);
    store.record_release(ReleaseRecord { id: id(number), event }).unwrap()
}

fn of(time: UnixTime, reason: ReasonCode) -> Revocation {
    Revocation { time, reason, invalidity_date: None }
}

fn a_release_gives_the_certificate_back_and_proves_that_it_left(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    revoke_at(&store, 1, HOLD, later(1));
    assert_eq!(store.status(1), CertificateStatus::Revoked(of(later(1), HOLD)));
    assert_eq!(store.revoked(&issuer(1), None, 9).unwrap().len(), 1);
    let outcome = release_at(&store, 1, later(2));
    let sequence = store.trail().last().unwrap().sequence;
    assert_eq!(outcome, ReleaseOutcome::Released { sequence, hold: of(later(1), HOLD) });
    drop(store);
    let store = ground.open();
    assert_eq!(store.status(1), CertificateStatus::Good);
    assert_eq!(store.revoked(&issuer(1), None, 9).unwrap(), []);
    assert_eq!(store.released_at(&id(1)).unwrap(), Some(later(2)));
    // The proof is of the last release, and of no other status.
    revoke_at(&store, 1, HOLD, later(3));
    assert_eq!(store.released_at(&id(1)).unwrap(), None);
    release_at(&store, 1, later(4));
    assert_eq!(store.released_at(&id(1)).unwrap(), Some(later(4)));
    revoke_at(&store, 1, ReasonCode::Superseded, later(5));
    assert_eq!(store.released_at(&id(1)).unwrap(), None);
    assert_eq!(store.status(1), CertificateStatus::Revoked(of(later(5), ReasonCode::Superseded)));
}

fn a_hold_made_final_stands_since_the_hold_and_is_never_undone(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    revoke_at(&store, 1, HOLD, later(1));
    let revocation = of(later(1), ReasonCode::KeyCompromise);
    let outcome = revoke_at(&store, 1, ReasonCode::KeyCompromise, later(2));
    assert!(
        matches!(outcome, RevocationOutcome::Recorded { revocation: stands, .. } if stands == revocation)
    );
    let acts = store.acts();
    for reason in [HOLD, ReasonCode::Superseded] {
        assert_eq!(revoke_at(&store, 1, reason, later(3)), RevocationOutcome::AlreadyRevoked(revocation));
    }
    assert_eq!(release_at(&store, 1, later(3)), ReleaseOutcome::AlreadyRevoked(revocation));
    assert_eq!(store.status(1), CertificateStatus::Revoked(revocation));
    assert_eq!(store.acts(), acts, "nothing is on record of what was not done");
    // Its key is blocked like any that was reported compromised.
    let mut same_key = intent(2);
    same_key.key_fingerprint = intent(1).key_fingerprint;
    same_key.subject = intent(1).subject;
    assert_eq!(store.record(same_key), Err(IntentConflict::KeyBlocked));
}

fn repetitions_change_nothing(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    assert_eq!(store.release(1), ReleaseOutcome::NotOnHold);
    store.revoke(1, HOLD);
    assert_eq!(store.revoke(1, HOLD), RevocationOutcome::AlreadyRevoked(of(NOW, HOLD)));
    store.release(1);
    let acts = store.acts();
    assert_eq!(store.release(1), ReleaseOutcome::NotOnHold);
    assert_eq!(store.acts(), acts);
}

fn only_what_was_issued_is_put_on_hold_or_released(ground: &Ground) {
    let store = ground.open();
    for number in [1, 2, 3] {
        store.record(intent(number)).unwrap();
        store.begin(number);
    }
    store.settle(2, Settlement::Uncertain);
    store.settle(3, Settlement::Aborted);
    for number in [1, 2, 3, 4] {
        assert_eq!(store.revoke(number, HOLD), RevocationOutcome::NotIssued, "{number}");
        assert_eq!(store.release(number), ReleaseOutcome::NotIssued, "{number}");
    }
}

fn one_on_hold_is_listed_as_such_and_not_among_the_revoked(ground: &Ground) {
    let store = ground.open();
    for number in [1, 2, 3] {
        store.issue(intent(number));
    }
    store.revoke(1, HOLD);
    store.revoke(2, ReasonCode::Superseded);
    for (kind, expected) in [(StatusKind::OnHold, 1), (StatusKind::Revoked, 2), (StatusKind::Good, 3)] {
        let query = CertificateQuery { status: Some(kind), limit: 9, ..CertificateQuery::default() };
        let found: Vec<_> = store.certificates(&query).unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!(found, [id(expected)], "{kind:?}");
    }
}

fn a_slot_whose_certificate_is_on_hold_takes_no_other(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(4, SlotUse::First));
    store.revoke(1, HOLD);
    for slot_use in [SlotUse::First, SlotUse::Rotation] {
        let taken = IntentConflict::SlotTaken { holder: id(1) };
        assert_eq!(store.record(intent(2).for_slot(4, slot_use)), Err(taken));
    }
    store.release(1);
    assert!(store.record(intent(3).for_slot(4, SlotUse::First)).is_err(), "it has its slot again");
    assert_eq!(store.record(intent(2).for_slot(4, SlotUse::Rotation)), Ok(()));
}

fn a_hold_made_final_leaves_its_slot(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(4, SlotUse::First));
    store.revoke(1, HOLD);
    store.revoke(1, ReasonCode::CessationOfOperation);
    assert_eq!(store.record(intent(2).for_slot(4, SlotUse::First)), Ok(()));
}

// What was being made for the slot comes to be; the one on hold is no longer its holder when it comes back.
fn a_rotation_that_was_under_way_before_the_hold_ends_as_it_began(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(4, SlotUse::First));
    store.record(intent(2).for_slot(4, SlotUse::Rotation)).unwrap();
    store.begin(2);
    store.revoke(1, HOLD);
    store.record_issued(vec![issued(&id(2), NOW)]).unwrap();
    assert_eq!(store.record(intent(3).for_slot(4, SlotUse::Rotation)), Ok(()));
    store.release(1);
    assert_eq!(store.status(1), CertificateStatus::Good);
}

fn releases_and_final_revocations_that_race_leave_one_ending(ground: &Ground) {
    let store = ground.open();
    for number in 0..8 {
        store.issue(intent(number));
        store.revoke(number, HOLD);
        let granted = at_once(8, |asker| {
            if asker % 2 == 0 {
                matches!(store.release(number), ReleaseOutcome::Released { .. })
            } else {
                matches!(store.revoke(number, ReasonCode::Superseded), RevocationOutcome::Recorded { .. })
            }
        });
        let releases = granted.iter().step_by(2).filter(|granted| **granted).count();
        let revocations = granted.iter().skip(1).step_by(2).filter(|granted| **granted).count();
        // Released first, it can be revoked still; revoked first, it stays so.
        assert!(releases <= 1 && revocations == 1, "{granted:?}");
        assert!(matches!(store.status(number), CertificateStatus::Revoked(told) if !told.is_hold()));
    }
}

fn issue_four(store: &Store) {
    (1..=4).for_each(|number| issue_sound(store, number, sound(number)));
}

/// Takes the four through every step: one stays on hold, one is released, two are revoked for good.
fn each_step(store: &Store) {
    for number in 1..=4 {
        revoke_at(store, number, HOLD, later(1));
    }
    release_at(store, 2, later(2));
    revoke_at(store, 3, ReasonCode::Superseded, later(2));
    release_at(store, 4, later(2));
    revoke_at(store, 4, ReasonCode::Superseded, later(3));
}

fn a_copy_knows_every_hold_and_one_that_lost_a_row_is_found_out(ground: &Ground) {
    let store = ground.open();
    issue_four(&store);
    each_step(&store);
    let report = store.check_integrity().unwrap();
    assert_eq!((report.on_hold, report.revocations, report.once_on_hold), (1, 2, 1));
    let (rows, _) = copied(&store);
    let (_parent, other) = restored(rows.clone(), EngineKind::Fjall);
    for number in 1..=4 {
        assert_eq!(other.status(number), store.status(number));
        assert_eq!(other.released_at(&id(number)).unwrap(), store.released_at(&id(number)).unwrap());
    }
    assert!(other.check_integrity().is_ok());
    // The hold that lasts, the release, the revocation for good: none is missed by nobody.
    for (keyspace, number) in
        [(Keyspace::Revocations, 1), (Keyspace::Releases, 2), (Keyspace::Revocations, 3)]
    {
        let key = crate::keyspace::id_key(&id(number));
        let kept = |row: &&crate::CopiedRow| row.keyspace != keyspace.tag() || row.key != key;
        let lacking: Vec<_> = rows.iter().filter(kept).cloned().collect();
        assert_eq!(lacking.len(), rows.len() - 1);
        let (_parent, lost) = restored(lacking, ground.kind);
        assert!(matches!(lost.check_integrity(), Err(IntegrityFault::Disagrees { .. })), "{number}");
    }
}

fn what_was_held_and_released_after_a_copy_was_made_comes_back_from_the_log(ground: &Ground) {
    let store = ground.open();
    issue_four(&store);
    let (rows, _) = copied(&store);
    each_step(&store);
    let (_parent, other) = restored(rows, ground.kind);
    let known = other.audit_end().unwrap().sequence();
    let log = store.audit_records(known, 99).unwrap();
    let exported = |der| Ok::<_, std::convert::Infallible>(ExportedRecord { der, certificate: None });
    let report = other.replay(log.into_iter().map(exported), &Places::new()).unwrap();
    assert_eq!((report.records, report.revocations), (8, 6));
    assert_eq!(report.unrestored, []);
    for number in 1..=4 {
        assert_eq!(other.status(number), store.status(number), "{number}");
        assert_eq!(other.released_at(&id(number)).unwrap(), store.released_at(&id(number)).unwrap());
    }
    assert!(other.check_integrity().is_ok());
}

/// Before there was hold no ledger had the keyspace of releases, and no row of a revocation its last field.
fn a_ledger_from_before_there_was_hold_opens_and_goes_on(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.issue(intent(2));
    store.revoke(1, ReasonCode::Superseded);
    drop(store);
    if ground.kind == EngineKind::Fjall {
        let path = ground.path().join("engine");
        let database = ::fjall::Database::builder(path).open().unwrap();
        let releases =
            database.keyspace(Keyspace::Releases.name(), ::fjall::KeyspaceCreateOptions::default).unwrap();
        database.delete_keyspace(releases).unwrap();
        assert!(!database.keyspace_exists(Keyspace::Releases.name()));
    }
    let store = ground.open();
    assert_eq!(store.status(1), CertificateStatus::Revoked(of(NOW, ReasonCode::Superseded)));
    store.revoke(2, HOLD);
    assert!(matches!(store.release(2), ReleaseOutcome::Released { .. }));
    drop(store);
    assert_eq!(ground.open().released_at(&id(2)).unwrap(), Some(NOW));
}

super::on_every_engine! {
    a_release_gives_the_certificate_back_and_proves_that_it_left,
    a_hold_made_final_stands_since_the_hold_and_is_never_undone,
    repetitions_change_nothing,
    only_what_was_issued_is_put_on_hold_or_released,
    one_on_hold_is_listed_as_such_and_not_among_the_revoked,
    a_slot_whose_certificate_is_on_hold_takes_no_other,
    a_hold_made_final_leaves_its_slot,
    a_rotation_that_was_under_way_before_the_hold_ends_as_it_began,
    releases_and_final_revocations_that_race_leave_one_ending,
    a_copy_knows_every_hold_and_one_that_lost_a_row_is_found_out,
    what_was_held_and_released_after_a_copy_was_made_comes_back_from_the_log,
    a_ledger_from_before_there_was_hold_opens_and_goes_on,
}
