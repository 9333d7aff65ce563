//! The certificates of a large ledger, and the rows that the ledger keeps of each: octet for octet what it writes itself, which
//! [`super::fill::is_true`] holds against a ledger that wrote them. Writes nothing.

use ca_core::audit::{Act, AuditEvent, AuditTrail, SealedRecord};
use ca_core::key_ref::KeyRef;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::record::{
    AfterWindow, CertificateId, Conditions, DeviceEventKind, Idempotency, Intent, IssuedRecord, Slot, SlotUse,
};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};

/// How many certificates share a transaction.
pub(crate) const BATCH: u64 = 200;

/// The octets of a to-be-signed certificate of a meter, and of the certificate.
const LENGTHS: (u64, u64) = (330, 405);

const PURPOSES: [KeyPurpose; 3] = [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls];

/// The tables that a certificate has rows in, in the order of [`Rows::of`].
pub(crate) const TABLES: [&str; 8] =
    ["certificates", "titles", "expiry", "keys", "slots", "requests", "request_ends", "device_history"];

/// When the certificates of a batch were recorded: one in thirty seconds, since the beginning of 2021.
pub(crate) fn at(number: u64) -> UnixTime {
    let seconds = i64::try_from(number / BATCH * BATCH).unwrap() * 30;
    UnixTime::from_seconds(1_609_459_200 + seconds)
}

/// Octets that look random and are the same in every run (after Steele and Vigna's `SplitMix64`).
pub(crate) fn scattered(seed: u64, number: u64, octets: u64) -> Vec<u8> {
    let word = |place: u64| {
        let mut z =
            (seed ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ place.wrapping_mul(0xD1B5_4A32_D192_ED03);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let words = (0..octets.div_ceil(8)).flat_map(|place| word(place).to_be_bytes());
    words.take(usize::try_from(octets).unwrap()).collect()
}

/// The device that the certificate with this number is for: three certificates a device.
pub(crate) fn title(seed: u64, number: u64) -> SystemTitle {
    SystemTitle::new(scattered(seed, number / 3, 8).try_into().unwrap())
}

/// The certificate with this number, before and after it is signed.
pub(crate) fn certificate(seed: u64, number: u64) -> (Intent, IssuedRecord) {
    let now = at(number);
    let random: [u8; 32] = scattered(seed, number, 32).try_into().unwrap();
    let serial = SerialNumber::draw(now, *random.last_chunk().unwrap()).unwrap();
    let id = CertificateId { issuer: KeyRef::new([7; 20]), serial };
    let title = title(seed, number);
    let purpose = PURPOSES[usize::try_from(number % 3).unwrap()];
    let tenant = TenantId::parse("dso").unwrap();
    let slot = Slot { tenant: tenant.clone(), title, hierarchy: Hierarchy::Operational, purpose };
    // A request that is remembered as long as its certificate lives: what costs most.
    let after = AfterWindow::ReturnExisting;
    let idempotency = Idempotency { key: random, since: now.plus_seconds(-86_400), after };
    let intent = Intent {
        id: id.clone(),
        tbs: scattered(seed, number, LENGTHS.0),
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
    (intent, IssuedRecord { id, certificate: scattered(seed, number, LENGTHS.1), issued_at: now, event })
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

/// The rows of one certificate: a key and a value for each of [`TABLES`].
pub(crate) struct Rows(pub(crate) [(Vec<u8>, Vec<u8>); 8]);

impl Rows {
    /// The rows of a certificate of whose intent the audit record `recorded` tells, and of whose issuance `issued`.
    pub(crate) fn of(intent: &Intent, issued: &IssuedRecord, (recorded, told): (u64, u64)) -> Self {
        let id = [intent.id.issuer.octets().as_slice(), intent.id.serial.octets()].concat();
        let (slot, _) = intent.conditions.slot.as_ref().unwrap();
        let (title, purpose) = (slot.title.octets().as_slice(), place(intent.purpose));
        let request = intent.conditions.idempotency.unwrap().key;
        let ends = time(intent.validity.not_after());
        let wire_id = sequence(&[tlv(0x04, intent.id.issuer.octets()), tlv(0x04, intent.id.serial.octets())]);
        let holder = sequence(&[wire_id.clone(), integer(intent.validity.not_after().seconds())]);
        let kind =
            DeviceEventKind::ALL.into_iter().position(|kind| kind == DeviceEventKind::CertificateIssued);
        let kind = integer(i64::try_from(kind.unwrap()).unwrap());
        let key = [text(&intent.subject), tlv(0x0A, &[purpose]), integer(1), tlv(0x01, &[0])];
        Self([
            (id.clone(), row(&certificate_row(intent, issued, recorded))),
            ([title, &id].concat(), Vec::new()),
            ([ends.as_slice(), &id].concat(), Vec::new()),
            (intent.key_fingerprint.to_vec(), row(&sequence(&key))),
            ([b"dso\0".as_slice(), title, &[2, purpose]].concat(), row(&sequence(&[sequence(&[holder])]))),
            (request.to_vec(), row(&wire_id)),
            ([ends.as_slice(), &request].concat(), id),
            ([title, &told.to_be_bytes()].concat(), row(&sequence(&[kind, tlv(0xA3, &wire_id)]))),
        ])
    }
}

fn certificate_row(intent: &Intent, issued: &IssuedRecord, record: u64) -> Vec<u8> {
    let (slot, _) = intent.conditions.slot.as_ref().unwrap();
    let purpose = tlv(0x0A, &[place(intent.purpose)]);
    let tenant = text(&intent.tenant.to_string());
    let slot = sequence(&[tenant.clone(), tlv(0x04, slot.title.octets()), tlv(0x0A, &[2]), purpose.clone()]);
    sequence(&[
        tlv(0x0A, &[1]),
        integer(issued.issued_at.seconds()),
        tlv(0x04, &issued.certificate),
        tenant,
        text(&intent.profile.to_string()),
        integer(i64::from(intent.profile_version)),
        text(&intent.subject),
        tlv(0x04, &intent.key_fingerprint),
        purpose,
        integer(intent.validity.not_before().seconds()),
        integer(intent.validity.not_after().seconds()),
        integer(intent.recorded_at.seconds()),
        tlv(0xA0, &slot),
        tlv(0xA4, &integer(i64::try_from(record).unwrap())),
    ])
}

/// The row of `meta` that says where the trail ends.
pub(crate) fn trail_row(trail: &AuditTrail) -> Vec<u8> {
    let sequence_number = integer(i64::try_from(trail.sequence()).unwrap());
    let peaks = tlv(0x04, trail.peaks().hashes().as_flattened());
    [[2].as_slice(), &sequence(&[sequence_number, tlv(0x04, trail.head()), peaks])].concat()
}

/// The rows of a batch of certificates, and the audit records that tell of them.
pub(crate) fn batch(
    seed: u64,
    numbers: std::ops::Range<u64>,
    trail: &mut AuditTrail,
) -> (Vec<Rows>, Vec<SealedRecord>) {
    let certificates: Vec<_> = numbers.map(|number| certificate(seed, number)).collect();
    let mut seal = |event: &AuditEvent| trail.seal(event.clone()).unwrap();
    let intents: Vec<SealedRecord> = certificates.iter().map(|(intent, _)| seal(&intent.event)).collect();
    let issued: Vec<SealedRecord> = certificates.iter().map(|(_, issued)| seal(&issued.event)).collect();
    let rows = certificates.iter().zip(intents.iter().zip(&issued));
    let rows = rows.map(|((intent, certificate), (recorded, told))| {
        Rows::of(intent, certificate, (recorded.sequence, told.sequence))
    });
    (rows.collect(), intents.iter().chain(&issued).cloned().collect())
}

const fn place(purpose: KeyPurpose) -> u8 {
    match purpose {
        KeyPurpose::CertificateSigning => 0,
        KeyPurpose::Signature => 1,
        KeyPurpose::KeyAgreement => 2,
        KeyPurpose::Tls => 3,
    }
}

/// Eight octets that sort as the time does.
fn time(time: UnixTime) -> [u8; 8] {
    (u64::from_be_bytes(time.seconds().to_be_bytes()) ^ (1 << 63)).to_be_bytes()
}

/// The version of a row's form, and its DER.
fn row(der: &[u8]) -> Vec<u8> {
    [[1].as_slice(), der].concat()
}

fn text(text: &str) -> Vec<u8> {
    tlv(0x0C, text.as_bytes())
}

fn sequence(members: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &members.concat())
}

/// The INTEGER of a number that is not negative.
fn integer(number: i64) -> Vec<u8> {
    let octets = number.to_be_bytes();
    // As few octets as leave the sign bit clear.
    let needless =
        octets.iter().zip(&octets[1..]).take_while(|(octet, next)| **octet == 0 && **next < 0x80).count();
    tlv(0x02, &octets[needless..])
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match length {
        [0, short @ 0..=0x7F] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}
