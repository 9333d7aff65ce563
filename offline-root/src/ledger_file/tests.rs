//! What a ledger promises, told of the one in files: conditions decided in order, nothing without its audit record, the same
//! after it is closed and opened again.

use ca_core::audit::{AuditRecord, AuditTrail};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Ledger, Registry, StatusSource};
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    AfterWindow, CertificateId, CertificateQuery, Conditions, CrlIntent, CrlNumberTaken, DeviceClaim,
    Idempotency, Intent, IntentConflict, IssuedRecord, Revocation, RevocationOutcome, RevocationRecord, Slot,
    SlotUse,
};
use ca_core::scope::{CrlListing, CrlScope};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::Validity;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

const NOW: i64 = 1_795_255_200;
const ISSUER: KeyRef = KeyRef::new([7; 20]);

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn id(number: u8) -> CertificateId {
    CertificateId { issuer: ISSUER, serial: SerialNumber::from_octets(&[1, number]).unwrap() }
}

fn tenant() -> TenantId {
    TenantId::parse("dso").unwrap()
}

fn event(act: Act, number: u8, digest: Vec<u8>) -> AuditEvent {
    AuditEvent {
        time: at(NOW),
        tenant: tenant(),
        actor: "operator:test".to_owned(),
        act,
        issuer: Some(ISSUER),
        serial: Some(id(number).serial),
        reason: String::new(),
        detail: "a line\nbreak and \u{1b}[31m colour".to_owned(),
        digest,
    }
}

/// To-be-signed octets that name their number: an OCTET STRING will do.
fn tbs(number: u8) -> Vec<u8> {
    vec![4, 1, number]
}

/// The certificate that goes with them: a SEQUENCE of them and something.
fn certificate(number: u8) -> Vec<u8> {
    vec![0x30, 5, 4, 1, number, 5, 0]
}

/// An intent for a key and subject of its own.
fn intent(number: u8) -> Intent {
    Intent {
        id: id(number),
        tbs: tbs(number),
        tenant: tenant(),
        profile: ProfileId::parse("sub-operational-s1").unwrap(),
        profile_version: 1,
        subject: format!("CN=Sub-CA {number}"),
        key_fingerprint: [number; 32],
        purpose: KeyPurpose::CertificateSigning,
        validity: Validity::new(at(NOW), at(NOW + 1_000)).unwrap(),
        recorded_at: at(NOW),
        conditions: Conditions::default(),
        event: event(Act::IntentRecorded, number, Sha256::digest(tbs(number)).to_vec()),
        listing: CrlListing::ON_ALL,
    }
}

fn slot() -> Slot {
    let title = SystemTitle::new(*b"MPK\0\0\0\0\x01");
    Slot { tenant: tenant(), title, hierarchy: Hierarchy::Infrastructure, purpose: KeyPurpose::Signature }
}

fn issued(number: u8) -> IssuedRecord {
    IssuedRecord {
        id: id(number),
        certificate: certificate(number),
        issued_at: at(NOW),
        event: event(Act::CertificateIssued, number, Sha256::digest(certificate(number)).to_vec()),
    }
}

fn revocation(number: u8, reason: ReasonCode) -> RevocationRecord {
    let revocation = Revocation { time: at(NOW), reason, invalidity_date: Some(at(NOW - 5)) };
    RevocationRecord { id: id(number), revocation, event: event(Act::CertificateRevoked, number, Vec::new()) }
}

/// A directory with a ledger in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> (Self, FileLedger) {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let ledger = FileLedger::create(&place.path()).unwrap();
        (place, ledger)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// Opens the ledger as the next process would.
    fn open(&self) -> FileLedger {
        FileLedger::open(&self.path()).unwrap().settle(at(NOW + 60)).unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.path()).unwrap().count()
    }
}

/// Records one intent and tells what stands against it.
fn record(ledger: &FileLedger, intent: Intent) -> Result<(), IntentConflict> {
    ledger.record_intents(vec![intent]).unwrap().remove(0)
}

/// Takes an intent through to a certificate.
fn issue(ledger: &FileLedger, intent: Intent) {
    let number = intent.tbs[2];
    record(ledger, intent).unwrap();
    ledger.begin_signing(&[id(number)]).unwrap();
    ledger.record_issued(vec![issued(number)]).unwrap();
}

fn status(ledger: &FileLedger, number: u8) -> CertificateStatus {
    ledger.status_of(&id(number)).unwrap()
}

#[test]
fn tells_the_same_after_it_was_closed_and_opened() {
    let (place, ledger) = Place::new();
    issue(&ledger, intent(1));
    issue(
        &ledger,
        Intent {
            conditions: Conditions { slot: Some((slot(), SlotUse::First)), ..Conditions::default() },
            ..intent(2)
        },
    );
    ledger.record_revocation(revocation(1, ReasonCode::Superseded)).unwrap();
    let told = |ledger: &FileLedger| {
        let query = CertificateQuery { limit: 10, ..CertificateQuery::default() };
        (ledger.certificates(&query).unwrap(), ledger.revoked(&ISSUER, None, 10).unwrap())
    };
    let before = told(&ledger);
    drop(ledger);
    let ledger = place.open();
    assert_eq!(told(&ledger), before);
    assert_eq!(before.0.len(), 2);
    assert_eq!(ledger.certificate(&id(2)).unwrap().unwrap().slot, Some(slot()));
    assert_eq!(ledger.certificate(&id(2)).unwrap().unwrap().certificate, certificate(2));
}

#[test]
fn a_03_the_audit_records_are_one_chain() {
    let (_place, ledger) = Place::new();
    issue(&ledger, intent(1));
    ledger.record_event(event(Act::RequestRefused, 2, Vec::new())).unwrap();
    let records = ledger.audit_records(0, 100).unwrap();
    let mut trail = AuditTrail::EMPTY;
    let acts: Vec<Act> = records.iter().map(|der| trail.check_next(der).unwrap().0.event.act).collect();
    assert_eq!(acts, [Act::IntentRecorded, Act::CertificateIssued, Act::RequestRefused]);
    let second = AuditRecord::from_der(&ledger.audit_records(1, 1).unwrap()[0]).unwrap();
    assert_eq!(second.sequence, 2);
    assert_eq!(ledger.audit_records(3, 100).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_06_lines_for_readers_are_of_printable_characters() {
    let (place, ledger) = Place::new();
    ledger.record_event(event(Act::RequestRefused, 1, Vec::new())).unwrap();
    let text = std::fs::read_to_string(place.path().join("000001-event.pem")).unwrap();
    assert!(text.contains(r"a line\nbreak and \u{1b}[31m colour"), "{text}");
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
}

#[test]
fn a_serial_number_is_used_once_be_it_burned() {
    let (_place, ledger) = Place::new();
    record(&ledger, intent(1)).unwrap();
    assert_eq!(record(&ledger, intent(1)), Err(IntentConflict::SerialTaken));
    let aborted = event(Act::IntentAborted, 1, Vec::new());
    ledger.settle_intents(vec![(id(1), Settlement::Aborted, aborted)]).unwrap();
    assert_eq!(status(&ledger, 1), CertificateStatus::Aborted);
    assert_eq!(record(&ledger, intent(1)), Err(IntentConflict::SerialTaken));
}

#[test]
fn intents_of_one_batch_stand_against_each_other_and_are_one_entry() {
    let (place, ledger) = Place::new();
    let same_key = Intent { key_fingerprint: [1; 32], ..intent(2) };
    let outcomes = ledger.record_intents(vec![intent(1), same_key, intent(1), intent(3)]).unwrap();
    let elsewhere = IntentConflict::KeyCertifiedElsewhere {
        subject: "CN=Sub-CA 1".to_owned(),
        purpose: KeyPurpose::CertificateSigning,
    };
    assert_eq!(outcomes, [Ok(()), Err(elsewhere), Err(IntentConflict::SerialTaken), Ok(())]);
    assert_eq!(place.files(), 1);
    let refused = ledger.record_intents(vec![intent(1)]).unwrap();
    assert_eq!((refused, place.files()), (vec![Err(IntentConflict::SerialTaken)], 1));
}

#[test]
fn i7_the_same_request_again_gets_the_same_certificate() {
    let (_place, ledger) = Place::new();
    let asking = |number, since| Intent {
        conditions: Conditions {
            idempotency: Some(Idempotency { key: [5; 32], since: at(since), after: AfterWindow::New }),
            ..Conditions::default()
        },
        key_fingerprint: [1; 32],
        subject: "CN=Sub-CA 1".to_owned(),
        ..intent(number)
    };
    record(&ledger, asking(1, NOW - 10)).unwrap();
    assert_eq!(record(&ledger, asking(2, NOW - 10)), Err(IntentConflict::InFlight));
    ledger.begin_signing(&[id(1)]).unwrap();
    ledger.record_issued(vec![issued(1)]).unwrap();
    let Err(IntentConflict::AlreadyIssued(stored)) = record(&ledger, asking(2, NOW)) else { panic!() };
    assert_eq!((stored.id, stored.certificate), (id(1), certificate(1)));
    // An answer from before the window is forgotten.
    assert_eq!(record(&ledger, asking(2, NOW + 1)), Ok(()));
}

#[test]
fn a_key_is_for_one_subject_and_purpose_and_blocked_once_compromised() {
    let (_place, ledger) = Place::new();
    issue(&ledger, intent(1));
    let again =
        |number| Intent { key_fingerprint: [1; 32], subject: "CN=Sub-CA 1".to_owned(), ..intent(number) };
    assert_eq!(record(&ledger, again(2)), Ok(()));
    let other = Intent { purpose: KeyPurpose::Signature, ..again(3) };
    assert!(matches!(record(&ledger, other), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    ledger.record_revocation(revocation(1, ReasonCode::KeyCompromise)).unwrap();
    assert_eq!(record(&ledger, again(3)), Err(IntentConflict::KeyBlocked));
}

#[test]
fn a_slot_has_one_holder_until_it_is_revoked_or_expired() {
    let (_place, ledger) = Place::new();
    let wanting = |number, slot_use, recorded_at| Intent {
        conditions: Conditions { slot: Some((slot(), slot_use)), ..Conditions::default() },
        recorded_at: at(recorded_at),
        ..intent(number)
    };
    issue(&ledger, wanting(1, SlotUse::First, NOW));
    let taken = Err(IntentConflict::SlotTaken { holder: id(1) });
    assert_eq!(record(&ledger, wanting(2, SlotUse::First, NOW + 1_000)), taken);
    assert_eq!(record(&ledger, wanting(2, SlotUse::First, NOW + 1_001)), Ok(()));
}

#[test]
fn a_certificate_that_was_replaced_does_not_hold_the_slot_again() {
    let (_place, ledger) = Place::new();
    let wanting = |number, slot_use| Intent {
        conditions: Conditions { slot: Some((slot(), slot_use)), ..Conditions::default() },
        ..intent(number)
    };
    issue(&ledger, wanting(2, SlotUse::First));
    issue(&ledger, wanting(1, SlotUse::Rotation));
    let taken = Err(IntentConflict::SlotTaken { holder: id(1) });
    assert_eq!(record(&ledger, wanting(3, SlotUse::First)), taken);
    ledger.record_revocation(revocation(1, ReasonCode::Superseded)).unwrap();
    assert_eq!(record(&ledger, wanting(3, SlotUse::First)), Ok(()));
}

#[test]
fn there_are_no_tokens_and_no_devices() {
    let (_place, ledger) = Place::new();
    let with = |conditions| Intent { conditions, ..intent(1) };
    let token = Conditions { token: Some([1; 32]), ..Conditions::default() };
    assert_eq!(record(&ledger, with(token)), Err(IntentConflict::TokenUnknown));
    let claim = DeviceClaim { tenant: tenant(), title: slot().title, factory_key: [0; 32], grace_seconds: 0 };
    let claim = Conditions { claim: Some(claim), ..Conditions::default() };
    assert_eq!(record(&ledger, with(claim)), Err(IntentConflict::DeviceNotExpected));
    assert_eq!(ledger.device(&slot().title).unwrap(), None);
    assert!(ledger.import_devices(Vec::new(), event(Act::DevicesImported, 1, Vec::new())).is_err());
}

// Rule R3: nothing is issued that was not intended and given to the signer, and nothing twice.
#[test]
fn a_step_out_of_order_is_not_recorded() {
    let (place, ledger) = Place::new();
    assert!(ledger.begin_signing(&[id(1)]).is_err());
    assert!(ledger.record_issued(vec![issued(1)]).is_err());
    record(&ledger, intent(1)).unwrap();
    assert!(ledger.record_issued(vec![issued(1)]).is_err(), "not given to the signer");
    ledger.begin_signing(&[id(1)]).unwrap();
    let other = IssuedRecord {
        certificate: certificate(2),
        event: event(Act::CertificateIssued, 1, Sha256::digest(certificate(2)).to_vec()),
        ..issued(1)
    };
    assert!(ledger.record_issued(vec![other]).is_err(), "not what was intended");
    let silent = IssuedRecord { event: event(Act::CertificateIssued, 1, vec![0; 32]), ..issued(1) };
    assert!(ledger.record_issued(vec![silent]).is_err(), "the audit record tells of something else");
    ledger.record_issued(vec![issued(1)]).unwrap();
    assert!(ledger.record_issued(vec![issued(1)]).is_err(), "twice");
    assert_eq!(place.files(), 3);
    drop(ledger);
    assert_eq!(status(&place.open(), 1), CertificateStatus::Good);
}

// Rule R9: at the next start an intent that was not signed is aborted, one that may have been is uncertain.
#[test]
fn open_intents_are_settled_when_the_ledger_is_opened_again_and_only_then() {
    let (place, ledger) = Place::new();
    ledger.record_intents(vec![intent(1), intent(2)]).unwrap();
    ledger.begin_signing(&[id(2)]).unwrap();
    drop(ledger);
    assert_eq!(FileLedger::inspect(&place.path()).unwrap().open_intents, 2);
    let ledger = place.open();
    assert_eq!(status(&ledger, 1), CertificateStatus::Aborted);
    assert_eq!(status(&ledger, 2), CertificateStatus::Uncertain { since: at(NOW + 60) });
    assert_eq!(ledger.uncertain(&ISSUER, at(NOW + 59)).unwrap(), Vec::<SerialNumber>::new());
    assert_eq!(ledger.uncertain(&ISSUER, at(NOW + 60)).unwrap(), [id(2).serial]);
    let files = place.files();
    drop(ledger);
    drop(place.open());
    assert_eq!(place.files(), files, "a second start changes nothing");
}

// Invariant I11: what is revoked stays so, with its first reason.
#[test]
fn a_revocation_is_recorded_once() {
    let (_place, ledger) = Place::new();
    issue(&ledger, intent(1));
    assert_eq!(
        ledger.record_revocation(revocation(9, ReasonCode::Superseded)).unwrap(),
        RevocationOutcome::NotIssued
    );
    let first = revocation(1, ReasonCode::Superseded);
    let recorded = ledger.record_revocation(first.clone()).unwrap();
    assert_eq!(recorded, RevocationOutcome::Recorded { sequence: 3, revocation: first.revocation });
    let again = ledger.record_revocation(revocation(1, ReasonCode::KeyCompromise)).unwrap();
    assert_eq!(again, RevocationOutcome::AlreadyRevoked(first.revocation));
    assert_eq!(status(&ledger, 1), CertificateStatus::Revoked(first.revocation));
}

#[test]
fn an_uncertain_certificate_can_be_revoked_and_an_aborted_one_not() {
    let (_place, ledger) = Place::new();
    ledger.record_intents(vec![intent(1), intent(2)]).unwrap();
    ledger.begin_signing(&[id(1)]).unwrap();
    ledger
        .settle_intents(vec![
            (id(1), Settlement::Uncertain, event(Act::IntentUncertain, 1, Vec::new())),
            (id(2), Settlement::Aborted, event(Act::IntentAborted, 2, Vec::new())),
        ])
        .unwrap();
    let revoke = |number| ledger.record_revocation(revocation(number, ReasonCode::Unspecified)).unwrap();
    assert!(matches!(revoke(1), RevocationOutcome::Recorded { .. }));
    assert_eq!(revoke(2), RevocationOutcome::NotIssued);
    assert_eq!(ledger.uncertain(&ISSUER, at(NOW)).unwrap(), Vec::<SerialNumber>::new());
}

#[test]
fn revoked_serial_numbers_come_in_ascending_pages_of_one_issuer() {
    let (_place, ledger) = Place::new();
    for number in [3, 1, 2] {
        issue(&ledger, intent(number));
        ledger.record_revocation(revocation(number, ReasonCode::Superseded)).unwrap();
    }
    let page = |issuer: &KeyRef, after: Option<u8>, limit| -> Vec<SerialNumber> {
        let after = after.map(|number| id(number).serial);
        let page = ledger.revoked(issuer, after.as_ref(), limit).unwrap();
        page.into_iter().map(|entry| entry.serial).collect()
    };
    assert_eq!(page(&ISSUER, None, 2), [id(1).serial, id(2).serial]);
    assert_eq!(page(&ISSUER, Some(2), 2), [id(3).serial]);
    assert_eq!(page(&KeyRef::new([8; 20]), None, 9), Vec::<SerialNumber>::new());
}

// RFC 5280 §5.2.3: CRL numbers increase; one that was reserved is not used again.
#[test]
fn a_crl_number_is_reserved_once_and_used_for_its_crl_only() {
    let (place, ledger) = Place::new();
    let reserve = |ledger: &FileLedger, number| {
        let event = event(Act::CrlIntended, 0, Vec::new());
        ledger
            .record_crl_intent(CrlIntent {
                issuer: ISSUER,
                number,
                this_update: at(NOW),
                event,
                scope: CrlScope::All,
            })
            .unwrap()
    };
    let crl = |number| KeptCrl {
        issuer: ISSUER,
        number,
        this_update: at(NOW),
        next_update: at(NOW + 9),
        entries: 0,
        der: vec![0x30, 0],
    };
    let told = || event(Act::CrlIssued, 0, Sha256::digest([0x30, 0]).to_vec());
    assert_eq!(reserve(&ledger, 5), Ok(()));
    for number in [4, 5] {
        assert_eq!(reserve(&ledger, number), Err(CrlNumberTaken { last: 5 }));
    }
    assert!(ledger.record_crl(crl(6).record(), told()).is_err());
    ledger.record_crl(crl(5).record(), told()).unwrap();
    assert!(ledger.record_crl(crl(5).record(), told()).is_err());
    drop(ledger);
    let ledger = place.open();
    assert_eq!(ledger.latest_crl(&ISSUER).unwrap(), Some(crl(5).record()));
    assert_eq!(reserve(&ledger, 5), Err(CrlNumberTaken { last: 5 }));
}

#[test]
fn nothing_is_written_for_nothing() {
    let (place, ledger) = Place::new();
    ledger.record_intents(Vec::new()).unwrap();
    ledger.begin_signing(&[]).unwrap();
    ledger.record_issued(Vec::new()).unwrap();
    ledger.settle_intents(Vec::new()).unwrap();
    assert_eq!(place.files(), 0);
}

// Rule R8: after a failed write nothing more is recorded, until the ledger was read anew.
#[test]
fn s_03_a_failed_write_ends_the_recording() {
    let (place, ledger) = Place::new();
    let moved = place.folder.path().join("moved");
    std::fs::rename(place.path(), &moved).unwrap();
    assert!(ledger.record_event(event(Act::RequestRefused, 1, Vec::new())).is_err());
    std::fs::rename(&moved, place.path()).unwrap();
    let error = ledger.record_event(event(Act::RequestRefused, 1, Vec::new())).unwrap_err();
    assert!(error.to_string().contains("before"), "{error}");
    drop(ledger);
    place.open().record_event(event(Act::RequestRefused, 1, Vec::new())).unwrap();
}

#[test]
fn s_07_a_second_opening_is_refused_while_the_first_lasts() {
    let (place, ledger) = Place::new();
    assert!(matches!(FileLedger::open(&place.path()), Err(OpenLedgerError::InUse { .. })));
    assert!(matches!(FileLedger::inspect(&place.path()), Err(OpenLedgerError::InUse { .. })));
    drop(ledger);
    drop(place.open());
    assert!(matches!(FileLedger::create(&place.path()), Err(OpenLedgerError::NotMade(_))));
}
