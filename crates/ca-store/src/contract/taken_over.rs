//! What another program issued under a key of ours: taken over once, with its revocation, told apart from what was issued here, and back
//! after a restore.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Ledger, StatusSource, TakingOver};
use ca_core::profile::KeyPurpose;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateStatus, CrlIntent, CrlNumberTaken, IntentConflict, Provenance, Revocation, TakeOverConflict,
    TakeOverOutcome, TakenOverCertificate,
};
use ca_core::scope::CrlScope;
use ca_core::taking_over;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::backup::{copied, restored, sound};
use super::ground::{Ground, LedgerTold, LedgerWords, NOW, certificate, event, id, intent, issuer, tenant};
use crate::{CopiedRecord, ExportedRecord, Places};

/// When the other program revoked.
const THEN: UnixTime = UnixTime::from_seconds(1_700_000_000);

fn revoked(reason: ReasonCode) -> Option<Revocation> {
    Some(Revocation { time: THEN, reason, invalidity_date: Some(THEN.plus_seconds(-60)) })
}

fn taken(number: u16, revocation: Option<Revocation>) -> TakenOverCertificate {
    let octets = certificate(&id(number));
    TakenOverCertificate {
        id: id(number),
        tenant: tenant("dso"),
        subject: format!("CN={number}"),
        key_fingerprint: [u8::try_from(number).unwrap(); 32],
        purpose: KeyPurpose::Signature,
        validity: intent(number).validity,
        revocation,
        event: AuditEvent {
            issuer: Some(id(number).issuer),
            serial: Some(id(number).serial),
            digest: Sha256::digest(&octets).to_vec(),
            detail: "from csv".to_owned(),
            ..event(Act::CertificateTakenOver)
        },
        certificate: octets,
    }
}

fn what_is_taken_over_has_its_status_and_its_dates_and_is_no_issuance(ground: &Ground) {
    let store = ground.open();
    let both = vec![taken(1, None), taken(2, revoked(ReasonCode::Superseded))];
    let would = both.iter().map(|one| store.would_take_over(one).unwrap()).collect::<Vec<_>>();
    let outcomes = store.take_over(both.clone()).unwrap();
    assert_eq!(outcomes, would);
    assert_eq!(outcomes, [Ok(TakeOverOutcome::Recorded), Ok(TakeOverOutcome::Recorded)]);
    drop(store);
    let store = ground.open();
    assert_eq!(store.status(1), CertificateStatus::Good);
    assert_eq!(store.status(2), CertificateStatus::Revoked(revoked(ReasonCode::Superseded).unwrap()));
    let [listed] = &store.revoked(&issuer(1), None, 9).unwrap()[..] else { panic!("one is listed") };
    assert_eq!((listed.revocation.time, &listed.serial), (THEN, &id(2).serial));
    let stored = store.certificate(&id(1)).unwrap().unwrap();
    assert_eq!((stored.provenance, stored.slot), (Provenance::TakenOver, None));
    let acts = store.acts();
    let count = |act: Act| acts.iter().filter(|told| **told == act).count();
    assert_eq!((count(Act::CertificateTakenOver), count(Act::CertificateRevoked)), (2, 1));
    assert_eq!((count(Act::IntentRecorded), count(Act::CertificateIssued)), (0, 0));
    assert!(store.check_integrity().is_ok());
    // Again, nothing.
    let before = store.audit_end().unwrap().sequence();
    let outcomes = store.take_over(both).unwrap();
    assert_eq!(outcomes, [Ok(TakeOverOutcome::Unchanged), Ok(TakeOverOutcome::Unchanged)]);
    assert_eq!(store.audit_end().unwrap().sequence(), before);
}

fn a_serial_number_that_was_taken_over_is_never_given_again(ground: &Ground) {
    let store = ground.open();
    store.take_over(vec![taken(1, None)]).unwrap();
    assert_eq!(store.record(intent(1)), Err(IntentConflict::SerialTaken));
    // Nor is one that is burned or open here taken over.
    store.issue(intent(2));
    store.record(intent(3)).unwrap();
    let other = TakenOverCertificate { certificate: b"another".to_vec(), ..taken(2, None) };
    for one in [other, taken(3, None)] {
        assert_eq!(store.take_over(vec![one]).unwrap(), [Err(TakeOverConflict::SerialTaken)]);
    }
}

fn a_key_that_was_taken_over_is_known_and_one_that_was_compromised_blocked(ground: &Ground) {
    let store = ground.open();
    store.take_over(vec![taken(1, None), taken(2, revoked(ReasonCode::KeyCompromise))]).unwrap();
    let elsewhere = ca_core::record::Intent { key_fingerprint: [1; 32], ..intent(7) };
    assert!(matches!(store.record(elsewhere), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    let blocked = ca_core::record::Intent { key_fingerprint: [2; 32], ..intent(8) };
    assert_eq!(store.record(blocked), Err(IntentConflict::KeyBlocked));
}

fn what_was_revoked_elsewhere_since_is_revoked_and_what_was_revoked_here_stays_so(ground: &Ground) {
    let store = ground.open();
    store.take_over(vec![taken(1, None), taken(2, revoked(ReasonCode::CertificateHold))]).unwrap();
    let since = vec![taken(1, revoked(ReasonCode::Superseded)), taken(2, revoked(ReasonCode::KeyCompromise))];
    let outcomes = store.take_over(since).unwrap();
    assert_eq!(outcomes, [Ok(TakeOverOutcome::Revoked), Ok(TakeOverOutcome::Revoked)]);
    assert_eq!(store.status(2), CertificateStatus::Revoked(revoked(ReasonCode::KeyCompromise).unwrap()));
    let (here, there) = (ReasonCode::Superseded, None);
    let conflict = TakeOverConflict::RevokedOtherwise { here, there };
    assert_eq!(store.take_over(vec![taken(1, None)]).unwrap(), [Err(conflict)]);
    // One on hold is released as any other.
    store.take_over(vec![taken(3, revoked(ReasonCode::CertificateHold))]).unwrap();
    store.release(3);
    assert_eq!(store.status(3), CertificateStatus::Good);
    assert!(store.check_integrity().is_ok());
}

fn crl_numbers_go_on_above_those_that_were_taken_over(ground: &Ground) {
    let store = ground.open();
    let told = || event(Act::CrlNumbersTakenOver);
    assert_eq!(store.last_crl_number(&issuer(1)).unwrap(), None);
    assert_eq!(store.take_crl_numbers(&issuer(1), 4_711, told()).unwrap(), Ok(()));
    assert_eq!(store.take_crl_numbers(&issuer(1), 11, told()).unwrap(), Err(CrlNumberTaken { last: 4_711 }));
    drop(store);
    let store = ground.open();
    let crl = |number| CrlIntent {
        issuer: issuer(1),
        scope: CrlScope::All,
        number,
        this_update: NOW,
        event: event(Act::CrlIntended),
    };
    assert_eq!(store.record_crl_intent(crl(4_711)).unwrap(), Err(CrlNumberTaken { last: 4_711 }));
    assert_eq!(store.record_crl_intent(crl(4_712)).unwrap(), Ok(()));
    assert_eq!(store.last_crl_number(&issuer(1)).unwrap(), Some(4_712));
    assert!(store.check_integrity().is_ok());
}

/// A certificate that can be read, as one in a log is.
fn readable(number: u16, revocation: Option<Revocation>) -> TakenOverCertificate {
    let mut params = rcgen::CertificateParams::default();
    params.serial_number = Some(rcgen::SerialNumber::from_slice(id(number).serial.octets()));
    let der = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let whose = (id(number).issuer, &tenant("dso"));
    taking_over::describe(whose, &der, revocation, event(Act::CertificateTakenOver)).unwrap()
}

fn what_was_taken_over_after_a_copy_was_made_comes_back_from_the_log(ground: &Ground) {
    let store = ground.open();
    store.record(sound(9)).unwrap();
    let (rows, report) = copied(&store);
    let held = Some(Revocation { invalidity_date: None, ..revoked(ReasonCode::CertificateHold).unwrap() });
    let all = vec![readable(1, None), readable(2, revoked(ReasonCode::Superseded)), readable(3, held)];
    store.take_over(all).unwrap();
    let told = AuditEvent {
        issuer: Some(issuer(1)),
        detail: "CRL 4711, the last one of csv".to_owned(),
        ..event(Act::CrlNumbersTakenOver)
    };
    store.take_crl_numbers(&issuer(1), 4_711, told).unwrap().unwrap();
    let (_parent, other) = restored(rows, ground.kind);
    let log = store.audit_copy(report.sequence, 99).unwrap();
    let exported = |CopiedRecord { der, certificate, .. }| {
        Ok::<_, std::convert::Infallible>(ExportedRecord { der, certificate })
    };
    let replayed = other.replay(log.into_iter().map(exported), &Places::new()).unwrap();
    assert_eq!((replayed.certificates, replayed.revocations, replayed.crl_numbers), (3, 2, 1));
    assert_eq!(replayed.unrestored, []);
    for number in 1..=3 {
        assert_eq!(
            other.certificate(&id(number)).unwrap(),
            store.certificate(&id(number)).unwrap(),
            "{number}"
        );
    }
    assert_eq!(other.last_crl_number(&issuer(1)).unwrap(), Some(4_711));
    assert!(other.check_integrity().is_ok());
}

super::on_every_engine! {
    what_is_taken_over_has_its_status_and_its_dates_and_is_no_issuance,
    a_serial_number_that_was_taken_over_is_never_given_again,
    a_key_that_was_taken_over_is_known_and_one_that_was_compromised_blocked,
    what_was_revoked_elsewhere_since_is_revoked_and_what_was_revoked_here_stays_so,
    crl_numbers_go_on_above_those_that_were_taken_over,
    what_was_taken_over_after_a_copy_was_made_comes_back_from_the_log,
}
