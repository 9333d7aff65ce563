//! A ledger as ten years leave it: three certificates a device, one every thirty seconds, each with every row that it has in
//! service.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Ledger;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::record::{
    AfterWindow, CertificateId, Conditions, Idempotency, Intent, IssuedRecord, Slot, SlotUse,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};

/// How many certificates share a transaction.
const BATCH: u64 = 200;

/// The octets of a to-be-signed certificate of a meter, and of the certificate.
const LENGTHS: (u64, u64) = (330, 405);

const PURPOSES: [KeyPurpose; 3] = [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls];

/// When the certificate with this number was recorded; after the last of them for a number past all.
pub(crate) fn at(number: u64) -> UnixTime {
    let seconds = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(30);
    UnixTime::from_seconds(1_609_459_200_i64.saturating_add(seconds).min(1_987_654_321))
}

/// Fills an empty ledger.
pub(crate) fn generate(ledger: &Path, rows: u64) {
    let store = crate::open(ledger);
    let (send, receive) = sync_channel::<Vec<(Intent, IssuedRecord)>>(4);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for first in (0..rows).step_by(usize::try_from(BATCH).unwrap()) {
                send.send((first..rows.min(first + BATCH)).map(certificate).collect()).unwrap();
            }
        });
        for batch in receive {
            let (intents, issued): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let ids: Vec<CertificateId> = intents.iter().map(|intent| intent.id.clone()).collect();
            let answers = store.record_intents(intents).unwrap();
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            store.begin_signing(&ids).unwrap();
            store.record_issued(issued).unwrap();
        }
    });
}

/// Octets that look random and are the same in every run (after Steele and Vigna's `SplitMix64`).
fn scattered(number: u64, octets: u64) -> Vec<u8> {
    let word = |place: u64| {
        let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ place.wrapping_mul(0xD1B5_4A32_D192_ED03);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let words = (0..octets.div_ceil(8)).flat_map(|place| word(place).to_be_bytes());
    words.take(usize::try_from(octets).unwrap()).collect()
}

fn certificate(number: u64) -> (Intent, IssuedRecord) {
    let now = at(number);
    let random: [u8; 32] = scattered(number, 32).try_into().unwrap();
    let serial = SerialNumber::draw(now, *random.last_chunk().unwrap()).unwrap();
    let id = CertificateId { issuer: KeyRef::new([7; 20]), serial };
    let title = SystemTitle::new(scattered(number / 3, 8).try_into().unwrap());
    let purpose = PURPOSES[usize::try_from(number % 3).unwrap()];
    let tenant = TenantId::parse("dso").unwrap();
    let slot = Slot { tenant: tenant.clone(), title, hierarchy: Hierarchy::Operational, purpose };
    let idempotency = Idempotency { key: random, since: now.plus_seconds(-86_400), after: AfterWindow::New };
    let intent = Intent {
        id: id.clone(),
        tbs: scattered(number, LENGTHS.0),
        tenant,
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        profile_version: 2,
        subject: title.to_string(),
        key_fingerprint: random,
        purpose,
        validity: Validity::new(now, now.plus_seconds(10 * 365 * 86_400)).unwrap(),
        recorded_at: now,
        conditions: Conditions {
            idempotency: Some(idempotency),
            slot: Some((slot, SlotUse::First)),
            ..Conditions::default()
        },
        event: event(Act::IntentRecorded, &id, now, &title),
        listing: CrlListing::ON_ALL,
    };
    let event = event(Act::CertificateIssued, &id, now, &title);
    (intent, IssuedRecord { id, certificate: scattered(number, LENGTHS.1), issued_at: now, event })
}

fn event(act: Act, id: &CertificateId, time: UnixTime, title: &SystemTitle) -> AuditEvent {
    AuditEvent {
        time,
        tenant: TenantId::parse("dso").unwrap(),
        actor: format!("device:{title}"),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: format!("{title} under meter-op-ds-s1 version 2"),
        digest: vec![1; 32],
    }
}
