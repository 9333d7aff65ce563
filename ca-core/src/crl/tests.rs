//! The behaviour of CRL issuing, told with a ledger in memory. Lists are read back with types that drafting does not use.

mod scopes;

use std::sync::atomic::Ordering;

use der::{Decode, Encode, Tag, Tagged};
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::time::Time;

use super::*;
use crate::ocsp::doubles::{
    DAY, MemoryLedger, MemorySigner, NOW, OWN_SERIAL, SetClock, actor, at, authority, issuer, revoked, serial,
};
use crate::oid;
use crate::record::{CertificateStatus, RevokedEntry};

/// A CA with its ledger, clock and key.
struct World {
    issuer: Issuer,
    ledger: MemoryLedger,
    clock: SetClock,
    signer: MemorySigner,
    profile: CrlProfile,
}

const CA_KEY: u8 = 7;

impl World {
    fn new() -> Self {
        Self::with_authority(CA_KEY, 9, NOW + 1_000 * DAY)
    }

    fn with_authority(key: u8, issuer_key: u8, not_after: i64) -> Self {
        let mut signer = MemorySigner::default();
        signer.add(key);
        Self {
            issuer: issuer(authority("C=ZZ,O=Example Utility,CN=Sub-CA 1", key, issuer_key, not_after)),
            ledger: MemoryLedger::default(),
            clock: SetClock::at(NOW),
            signer,
            profile: CrlProfile::new(7 * DAY, DAY).unwrap(),
        }
    }

    fn put(&self, number: u64, not_after: i64, status: CertificateStatus) {
        self.ledger.put(self.id(serial(number)), at(not_after), status);
    }

    fn id(&self, serial: SerialNumber) -> CertificateId {
        CertificateId { issuer: self.issuer.key(), serial }
    }

    fn issue_at(&self, seconds: i64) -> Result<CrlRecord, CrlError> {
        self.issue_in(seconds, &CrlScope::All, None)
    }

    fn issue_in(&self, seconds: i64, scope: &CrlScope, base: Option<u64>) -> Result<CrlRecord, CrlError> {
        self.clock.set(seconds);
        let actor = actor();
        issue_crl(&CrlContext {
            issuer: &self.issuer,
            profile: &self.profile,
            actor: &actor,
            scope,
            base,
            this_update: None,
            uncertain_grace_seconds: 3_600,
            clock: &self.clock,
            ledger: &self.ledger,
            status: &self.ledger,
            signer: &self.signer,
        })
    }
}

fn der_of(record: &CrlRecord) -> Vec<u8> {
    record.der.to_vec().unwrap()
}

fn read(record: &CrlRecord) -> CertificateList {
    let list = CertificateList::from_der(&der_of(record)).unwrap();
    let entries = list.tbs_cert_list.revoked_certificates.as_ref();
    assert_eq!(u64::try_from(entries.map_or(0, Vec::len)), Ok(record.entries));
    list
}

fn serials(record: &CrlRecord) -> Vec<Vec<u8>> {
    let entries = read(record).tbs_cert_list.revoked_certificates.unwrap_or_default();
    entries.iter().map(|entry| entry.serial_number.as_bytes().to_vec()).collect()
}

fn lists(record: &CrlRecord, number: u64) -> bool {
    serials(record).contains(&serial(number).octets().to_vec())
}

// RFC 5280 §5.1: version 2, signed by the CA; §5.2.1, §5.2.3: authority key identifier and CRL number in every CRL.
#[test]
fn issues_a_signed_list_with_key_identifier_and_number() {
    let world = World::new();
    world.put(1, NOW + DAY, revoked(NOW - 5, ReasonCode::KeyCompromise));
    let record = world.issue_at(NOW).unwrap();
    let parsed = parsed::ParsedCrl::read(&record.der).unwrap();
    parsed.verify(world.issuer.certificate().public_key()).unwrap();
    let list = read(&record).tbs_cert_list;
    assert_eq!(list.version, x509_cert::Version::V2);
    let extensions = list.crl_extensions.unwrap();
    let [authority, number] = extensions.as_slice() else { panic!("{extensions:?}") };
    assert!(!authority.critical && !number.critical);
    let authority = AuthorityKeyIdentifier::from_der(authority.extn_value.as_bytes()).unwrap();
    assert_eq!(authority.key_identifier.unwrap().as_bytes(), world.issuer.key_identifier());
    assert_eq!(u64::from_der(number.extn_value.as_bytes()), Ok(record.number));
    assert_eq!(parsed.tbs().number(), Ok(record.number));
    assert_eq!(parsed.tbs().period(), Ok((at(NOW), at(NOW + 7 * DAY))));
    assert_eq!(world.ledger.acts(), [Act::CrlIntended, Act::CrlIssued]);
    assert_eq!(world.ledger.latest_crl(&world.issuer.key()).unwrap(), Some(record));
}

// RFC 5280 §5.2.3: CRL numbers increase.
#[test]
fn numbers_follow_the_clock_and_never_repeat() {
    let world = World::new();
    let seconds = u64::try_from(NOW).unwrap();
    let numbers: Vec<u64> = [NOW, NOW, NOW, NOW + 1, NOW + 60]
        .into_iter()
        .map(|seconds| world.issue_at(seconds).unwrap().number)
        .collect();
    assert_eq!(numbers, [seconds, seconds + 1, seconds + 2, seconds + 3, seconds + 60]);
}

#[test]
fn skips_a_number_whose_list_never_came_to_be() {
    let world = World::new();
    world.signer.down.store(true, Ordering::SeqCst);
    let error = world.issue_at(NOW).unwrap_err();
    assert_eq!((error.fault(), error.code()), (Fault::Unavailable, "signer.unavailable"));
    assert_eq!(world.ledger.acts(), [Act::CrlIntended, Act::RequestRefused]);
    assert!(world.ledger.crls.lock().unwrap().is_empty());
    world.signer.down.store(false, Ordering::SeqCst);
    assert_eq!(world.issue_at(NOW).unwrap().number, u64::try_from(NOW + 1).unwrap());
}

#[test]
fn l_08_is_issued_again_when_nothing_was_revoked() {
    let world = World::new();
    let first = world.issue_at(NOW).unwrap();
    let second = world.issue_at(NOW + DAY).unwrap();
    assert!(second.number > first.number && second.next_update > first.next_update);
    assert_eq!((first.entries, second.entries), (0, 0));
}

// RFC 5280 §5.1.2.6: with nothing revoked, the list is absent.
#[test]
fn l_10_an_empty_list_is_absent() {
    let world = World::new();
    assert_eq!(read(&world.issue_at(NOW).unwrap()).tbs_cert_list.revoked_certificates, None);
}

// RFC 5280 §5.3.1, §5.3.2: reasonCode non-critical, unspecified by silence; invalidityDate as GeneralizedTime.
#[test]
fn l_10_entry_extensions_are_non_critical_and_unspecified_is_omitted() {
    let world = World::new();
    for (number, reason) in (0..).zip(ReasonCode::ALL) {
        world.put(number, NOW + DAY, revoked(NOW - 5, reason));
    }
    let dated = Revocation {
        time: at(NOW - 5),
        reason: ReasonCode::Unspecified,
        invalidity_date: Some(at(NOW - DAY)),
    };
    world.put(100, NOW + DAY, CertificateStatus::Revoked(dated));
    let entries = read(&world.issue_at(NOW).unwrap()).tbs_cert_list.revoked_certificates.unwrap();
    assert_eq!(entries.len(), ReasonCode::ALL.len() + 1);
    for (entry, reason) in entries.iter().zip(ReasonCode::ALL) {
        let extensions = entry.crl_entry_extensions.as_deref();
        if reason == ReasonCode::Unspecified {
            assert_eq!(extensions, None);
        } else {
            let [extension] = extensions.unwrap() else { panic!("{extensions:?}") };
            assert!(extension.extn_id == oid::CRL_REASON && !extension.critical);
            assert_eq!(extension.extn_value.as_bytes(), [0x0A, 1, reason.number()]);
        }
    }
    let extensions = entries.last().unwrap().crl_entry_extensions.as_deref().unwrap();
    let [extension] = extensions else { panic!("{extensions:?}") };
    assert!(extension.extn_id == oid::INVALIDITY_DATE && !extension.critical);
    assert_eq!(extension.extn_value.as_bytes().get(..2), Some([0x18, 15].as_slice()));
}

// RFC 5280 §3.3: an entry stays until it has appeared on one list issued after the certificate's end.
#[test]
fn l_04_an_entry_stays_until_it_appeared_once_after_the_certificates_end() {
    let world = World::new();
    world.put(1, NOW + 100, revoked(NOW - DAY, ReasonCode::Superseded));
    let appearances: Vec<bool> = [NOW, NOW + 100, NOW + 101, NOW + 102, NOW + 103]
        .into_iter()
        .map(|seconds| lists(&world.issue_at(seconds).unwrap(), 1))
        .collect();
    // At NOW + 100 the certificate is still valid: that appearance does not count.
    assert_eq!(appearances, [true, true, true, false, false]);
}

#[test]
fn l_04_a_certificate_revoked_in_its_last_second_appears_once() {
    let world = World::new();
    world.put(1, NOW + 100, CertificateStatus::Good);
    assert!(!lists(&world.issue_at(NOW + 101).unwrap(), 1));
    // The revocation was decided before that list was made, and committed after.
    world.put(1, NOW + 100, revoked(NOW + 99, ReasonCode::KeyCompromise));
    assert!(lists(&world.issue_at(NOW + 800).unwrap(), 1));
    assert!(!lists(&world.issue_at(NOW + 900).unwrap(), 1));
}

#[test]
fn l_04_a_row_that_the_ledger_lost_stops_the_list() {
    let world = World::new();
    for number in 0..40 {
        world.put(number, NOW + 10 * DAY, revoked(NOW - 5, ReasonCode::Superseded));
    }
    let first = world.issue_at(NOW).unwrap();
    world.ledger.rows.lock().unwrap().remove(&world.id(serial(17)));
    let error = world.issue_at(NOW + DAY).unwrap_err();
    assert!(
        matches!(
            &error,
            CrlError::EntriesVanished { missing: 1, previous: 40, first } if *first == serial(17)
        ),
        "{error}"
    );
    assert_eq!((error.fault(), error.code()), (Fault::Ours, "crl.entries-vanished"));
    assert_eq!(world.ledger.latest_crl(&world.issuer.key()).unwrap(), Some(first));
    let events = world.ledger.events.lock().unwrap();
    let refusal = events.last().unwrap();
    assert_eq!((refusal.act, refusal.reason.as_str()), (Act::RequestRefused, "crl.entries-vanished"));
}

fn hold(time: i64) -> CertificateStatus {
    revoked(time, ReasonCode::CertificateHold)
}

// RFC 5280 §5.3.1: a certificate on hold is listed as such, and no longer once it is released.
#[test]
fn l_15_a_certificate_on_hold_is_listed_until_its_release_is_on_record() {
    let world = World::new();
    for number in 1..=3 {
        world.put(number, NOW + 10 * DAY, hold(NOW - 5));
    }
    let held = world.issue_at(NOW).unwrap();
    let list = parsed::ParsedCrl::read(&held.der).unwrap();
    assert!(list.tbs().entries().all(|entry| entry.unwrap().is_on_hold()));
    world.put(2, NOW + 10 * DAY, CertificateStatus::Good);
    world.ledger.released.lock().unwrap().insert(world.id(serial(2)), at(NOW + 60));
    world.put(3, NOW + 10 * DAY, revoked(NOW - 5, ReasonCode::KeyCompromise));
    let after = world.issue_at(NOW + DAY).unwrap();
    assert_eq!([1, 2, 3].map(|number| lists(&after, number)), [true, false, true]);
    let list = parsed::ParsedCrl::read(&after.der).unwrap();
    let on_hold: Vec<bool> = list.tbs().entries().map(|entry| entry.unwrap().is_on_hold()).collect();
    assert_eq!(on_hold, [true, false]);
}

// The one exception to L-04, and nothing beside it.
#[test]
fn l_04_nothing_leaves_early_but_what_was_on_hold_and_is_on_record_as_released() {
    let final_one = || revoked(NOW - 5, ReasonCode::CessationOfOperation);
    for (listed, now, is_released, may) in [
        (hold(NOW - 5), CertificateStatus::Good, true, true),
        // The row of the hold is lost.
        (hold(NOW - 5), CertificateStatus::Good, false, false),
        // A release is no excuse for what was revoked for good.
        (final_one(), CertificateStatus::Good, true, false),
        (revoked(NOW - 5, ReasonCode::Unspecified), CertificateStatus::Good, true, false),
        // Nor does it come back to a hold, from which it could be released.
        (final_one(), hold(NOW - 5), true, false),
        (hold(NOW - 5), final_one(), false, true),
        (hold(NOW - 5), hold(NOW + 60), true, true),
    ] {
        // As the last of the list, and with others behind it.
        for others in [0, 2] {
            let world = World::new();
            (2..2 + others).for_each(|number| world.put(number, NOW + 10 * DAY, final_one()));
            world.put(1, NOW + 10 * DAY, listed);
            world.issue_at(NOW).unwrap();
            world.put(1, NOW + 10 * DAY, now);
            if is_released {
                world.ledger.released.lock().unwrap().insert(world.id(serial(1)), at(NOW + 60));
            }
            let code = world.issue_at(NOW + DAY).map_err(|error| error.code()).err();
            assert_eq!(code, (!may).then_some("crl.entries-vanished"), "{listed:?} to {now:?}");
        }
    }
}

#[test]
fn l_05_a_list_that_shrinks_to_a_tenth_is_refused() {
    let world = World::new();
    for number in 0..3_000 {
        world.put(number, NOW + 10 * DAY, revoked(NOW - 5, ReasonCode::Superseded));
    }
    world.issue_at(NOW).unwrap();
    world.ledger.rows.lock().unwrap().retain(|id, _| id.serial < serial(300));
    let error = world.issue_at(NOW + DAY).unwrap_err();
    assert!(
        matches!(
            &error,
            CrlError::EntriesVanished { missing: 2_700, previous: 3_000, first } if *first == serial(300)
        ),
        "{error}"
    );
}

#[test]
fn l_05_a_fleet_that_expires_in_one_night_is_no_loss() {
    let world = World::new();
    for number in 0..3_000 {
        let not_after = if number < 2_990 { NOW + DAY } else { NOW + 9 * DAY };
        world.put(number, not_after, revoked(NOW - 5, ReasonCode::Superseded));
    }
    let entries: Vec<u64> = [NOW, NOW + 2 * DAY, NOW + 3 * DAY]
        .into_iter()
        .map(|seconds| world.issue_at(seconds).unwrap().entries)
        .collect();
    assert_eq!(entries, [3_000, 3_000, 10]);
    // Rows of certificates that are over and were listed may be archived without stopping the list.
    world.ledger.rows.lock().unwrap().retain(|id, _| id.serial >= serial(2_990));
    assert_eq!(world.issue_at(NOW + 4 * DAY).unwrap().entries, 10);
}

// RFC 5280 §5.1.2.6: by the serial number; leading zero and high bit as issued.
#[test]
fn l_11_serial_numbers_are_listed_octet_for_octet() {
    let world = World::new();
    let octets: [&[u8]; 4] = [&[0, 0x80], &[0, 0xFF, 1], &[0x01], &[0x7F; 20]];
    for octets in octets {
        let id = world.id(SerialNumber::from_octets(octets).unwrap());
        world.ledger.put(id, at(NOW + DAY), revoked(NOW - 5, ReasonCode::Superseded));
    }
    let record = world.issue_at(NOW).unwrap();
    let parsed = parsed::ParsedCrl::read(&record.der).unwrap();
    let listed: Vec<Vec<u8>> =
        parsed.tbs().entries().map(|entry| entry.unwrap().serial.octets().to_vec()).collect();
    let mut expected: Vec<Vec<u8>> = octets.iter().map(|octets| octets.to_vec()).collect();
    expected.sort();
    assert_eq!(listed, expected);
    for octets in expected {
        let mut der = vec![0x02, u8::try_from(octets.len()).unwrap()];
        der.extend_from_slice(&octets);
        assert!(der_of(&record).windows(der.len()).any(|window| window == der), "{octets:02X?}");
    }
}

// RFC 5280 §5.1.2.3: the issuer name is the CA certificate's subject, string types included.
#[test]
fn l_12_the_issuer_name_is_the_subject_octet_for_octet() {
    let world = World::new();
    let record = world.issue_at(NOW).unwrap();
    let parsed = parsed::ParsedCrl::read(&record.der).unwrap();
    assert_eq!(parsed.tbs().issuer(), world.issuer.name().der());
}

#[test]
fn l_13_a_clock_that_went_back_makes_no_list() {
    let world = World::new();
    world.issue_at(NOW).unwrap();
    let error = world.issue_at(NOW - DAY).unwrap_err();
    assert!(
        matches!(error, CrlError::ClockWentBack { now, last_update } if now == at(NOW - DAY) && last_update == at(NOW))
    );
    assert_eq!((error.fault(), error.code()), (Fault::Ours, "crl.clock"));
    assert_eq!(world.ledger.crl_intents.lock().unwrap().len(), 1);
}

#[test]
fn l_14_a_root_does_not_list_itself() {
    let world = World::with_authority(CA_KEY, CA_KEY, NOW + 1_000 * DAY);
    world.put(OWN_SERIAL, NOW + 1_000 * DAY, revoked(NOW - 5, ReasonCode::KeyCompromise));
    let error = world.issue_at(NOW).unwrap_err();
    let CrlError::NotLinted { findings } = &error else { panic!("{error}") };
    assert_eq!(findings.first().unwrap().rule, "rfc5280.crl-own-serial-number");
    assert!(world.ledger.crl_intents.lock().unwrap().is_empty());
}

#[test]
fn uncertain_certificates_are_revoked_and_listed_after_the_grace_time_only() {
    let world = World::new();
    world.put(1, NOW + DAY, CertificateStatus::Uncertain { since: at(NOW - 3_600) });
    world.put(2, NOW + DAY, CertificateStatus::Uncertain { since: at(NOW - 3_599) });
    let record = world.issue_at(NOW).unwrap();
    assert_eq!(serials(&record), [serial(1).octets().to_vec()]);
    let status = |number| world.ledger.status_of(&world.id(serial(number))).unwrap();
    assert_eq!(status(1), revoked(NOW, ReasonCode::Unspecified));
    assert!(matches!(status(2), CertificateStatus::Uncertain { .. }));
    let events = world.ledger.events.lock().unwrap();
    let event = events.first().unwrap();
    assert_eq!((event.act, event.actor.as_str()), (Act::CertificateRevoked, "process:uncertain-intents"));
    assert_eq!((event.serial.as_ref(), event.reason.as_str()), (Some(&serial(1)), "unspecified"));
}

#[test]
fn next_update_does_not_outlive_the_ca_certificate() {
    let world = World::with_authority(CA_KEY, 9, NOW + 2 * DAY);
    assert_eq!(world.issue_at(NOW).unwrap().next_update, at(NOW + 2 * DAY));
    for late in [NOW + 2 * DAY, NOW + 3 * DAY] {
        let error = world.issue_at(late).unwrap_err();
        assert!(matches!(error, CrlError::IssuerNotValid { now, .. } if now == at(late)), "{error}");
    }
}

// RFC 5280 §5.1.2.4: UTCTime until 2049, GeneralizedTime from 2050 on.
#[test]
fn times_turn_from_utc_time_to_generalized_time_with_2050() {
    let turn = UnixTime::UTC_TIME_END.seconds();
    let world = World::with_authority(CA_KEY, 9, turn + 100 * DAY);
    world.put(1, turn + 50 * DAY, revoked(turn - 1, ReasonCode::Superseded));
    let list = read(&world.issue_at(turn - 1).unwrap()).tbs_cert_list;
    assert!(matches!(list.this_update, Time::UtcTime(_)));
    assert!(matches!(list.next_update, Some(Time::GeneralTime(_))));
    world.put(2, turn + 50 * DAY, revoked(turn, ReasonCode::Superseded));
    let list = read(&world.issue_at(turn).unwrap()).tbs_cert_list;
    assert!(matches!(list.this_update, Time::GeneralTime(_)));
    let dates: Vec<Tag> =
        list.revoked_certificates.unwrap().iter().map(|entry| entry.revocation_date.tag()).collect();
    assert_eq!(dates, [Tag::UtcTime, Tag::GeneralizedTime]);
}

#[test]
fn a_revocation_recorded_while_the_list_is_made_is_of_the_lists_time() {
    let world = World::new();
    world.put(1, NOW + DAY, revoked(NOW + 3, ReasonCode::KeyCompromise));
    let list = read(&world.issue_at(NOW).unwrap()).tbs_cert_list;
    let entries = list.revoked_certificates.unwrap();
    assert_eq!(entries.first().unwrap().revocation_date, list.this_update);
}

#[test]
fn a_ledger_that_does_not_answer_stops_the_list() {
    let world = World::new();
    world.ledger.down.store(true, Ordering::SeqCst);
    let error = world.issue_at(NOW).unwrap_err();
    assert_eq!((error.fault(), error.code()), (Fault::Unavailable, "unavailable"));
    assert_eq!(world.signer.signatures.load(Ordering::SeqCst), 0);
}

#[test]
fn a_previous_list_that_cannot_be_read_stops_the_list() {
    let world = World::new();
    let mut cut = der_of(&world.issue_at(NOW).unwrap());
    cut.pop();
    world.ledger.crls.lock().unwrap().last_mut().unwrap().der = cut.into();
    let error = world.issue_at(NOW + 1).unwrap_err();
    assert!(matches!(error, CrlError::PreviousUnreadable { .. }), "{error}");
}

#[test]
fn l_10_a_hundred_thousand_entries_are_ascending_and_read_by_the_page() {
    let world = World::new();
    for number in 0..100_000_u64 {
        // Scattered, so that the order of the list is the list's doing.
        let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        world.put(scattered, NOW + 10 * DAY, revoked(NOW - 5, ReasonCode::KeyCompromise));
    }
    for seconds in [NOW, NOW + DAY] {
        let record = world.issue_at(seconds).unwrap();
        assert_eq!(record.entries, 100_000);
        let parsed = parsed::ParsedCrl::read(&record.der).unwrap();
        parsed.verify(world.issuer.certificate().public_key()).unwrap();
        let listed: Vec<SerialNumber> = parsed.tbs().entries().map(|entry| entry.unwrap().serial).collect();
        assert!(listed.is_sorted() && listed.len() == 100_000);
        let length_of_one = 2 + 12 + 15 + 14;
        let length = record.der.length();
        assert!(length < 100_000 * length_of_one + 1_000, "{length} octets");
    }
    assert_eq!(world.ledger.largest_page.load(Ordering::SeqCst), 1_024);
}

#[test]
fn refuses_lists_that_are_not_ours_to_read() {
    let world = World::new();
    world.put(1, NOW + DAY, revoked(NOW - 5, ReasonCode::KeyCompromise));
    let record = world.issue_at(NOW).unwrap();
    assert!(parsed::ParsedCrl::from_der(&[]).is_err());
    let der = der_of(&record);
    for cut in 1..der.len() {
        assert!(parsed::ParsedCrl::from_der(&der[..cut]).is_err(), "cut to {cut} octets");
    }
    let mut trailing = der;
    trailing.push(0);
    assert!(parsed::ParsedCrl::from_der(&trailing).is_err());
    let mut list = read(&record);
    list.tbs_cert_list.revoked_certificates = Some(Vec::new());
    let der = list.to_der().unwrap();
    assert_eq!(parsed::ParsedCrl::from_der(&der).unwrap_err(), ReadCrlError::EmptyList);
}

#[test]
fn a_crl_restated_from_what_it_says_is_the_same_octet_for_octet() {
    use super::restate::{CrlStatement, restate};
    let world = World::new();
    let entry = |number, reason, invalidity_date| RevokedEntry {
        serial: serial(number),
        revocation: Revocation { time: at(NOW - DAY), reason, invalidity_date },
        not_after: at(NOW + 9 * DAY),
    };
    let all = [
        entry(5, ReasonCode::Superseded, None),
        entry(6, ReasonCode::KeyCompromise, Some(at(NOW - 2 * DAY))),
    ];
    for entries in [&all[..0], &all] {
        for RevokedEntry { serial, revocation, not_after } in entries.iter().cloned() {
            world.ledger.put(world.id(serial), not_after, CertificateStatus::Revoked(revocation));
        }
        let CrlRecord { number, this_update, next_update, der, .. } = world.issue_at(NOW).unwrap();
        let statement = CrlStatement { number, this_update, next_update, entries };
        let restated = restate(&world.issuer, &statement).unwrap();
        let der = der.to_vec().unwrap();
        assert_eq!(restated.to_vec().unwrap(), crate::certificate::to_be_signed(&der).unwrap());
    }
}
