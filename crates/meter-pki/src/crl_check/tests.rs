//! A CRL made by hand, beside a ledger made by hand.

use ca_core::suite::Curve;
use der::Encode;
use der::asn1::{AnyRef, BitString, UtcTime};
use der::{DateTime, Tag};
use p256::ecdsa::signature::Signer;

use super::*;

const THIS_UPDATE: UnixTime = UnixTime::from_seconds(1_795_219_200);
const NEXT_UPDATE: UnixTime = UnixTime::from_seconds(1_795_824_000);
const FAR: UnixTime = UnixTime::from_seconds(1_900_000_000);

fn value(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
    AnyRef::new(tag, &parts.concat()).unwrap().to_der().unwrap()
}

fn time(time: UnixTime) -> Vec<u8> {
    let seconds = u64::try_from(time.seconds()).unwrap();
    let time = DateTime::from_unix_duration(core::time::Duration::from_secs(seconds)).unwrap();
    UtcTime::from_date_time(time).unwrap().to_der().unwrap()
}

fn row(serial: u8, seconds: i64) -> Revoked {
    let time = UnixTime::from_seconds(seconds);
    Revoked { serial: vec![serial], time, reason: 1, invalidity_date: None, not_after: FAR }
}

/// Long before the CRL.
fn revoked(serial: u8) -> Revoked {
    row(serial, THIS_UPDATE.seconds() - 1_000)
}

struct Ca {
    key: p256::ecdsa::SigningKey,
    name: Vec<u8>,
}

/// What a CRL says besides its entries.
#[derive(Clone, Copy)]
struct Head {
    number: u8,
    delta_of: Option<u8>,
}

impl Ca {
    fn new() -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        Self { key, name: value(Tag::Sequence, &[]) }
    }

    fn crl(&self, Head { number, delta_of }: Head, entries: &[Vec<u8>]) -> Vec<u8> {
        let algorithm = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let entries = if entries.is_empty() { Vec::new() } else { value(Tag::Sequence, &entries) };
        let crl_number = value(Tag::OctetString, &[&[2, 1, number]]);
        let mut extensions = value(Tag::Sequence, &[&[6, 3, 0x55, 0x1D, 20], &crl_number]);
        if let Some(base) = delta_of {
            let base = value(Tag::OctetString, &[&[2, 1, base]]);
            extensions.extend(value(Tag::Sequence, &[&[6, 3, 0x55, 0x1D, 27], &[1, 1, 0xFF], &base]));
        }
        let extensions = value(Tag::Sequence, &[&extensions]);
        let mut explicit = vec![0xA0, u8::try_from(extensions.len()).unwrap()];
        explicit.extend(extensions);
        let times = [time(THIS_UPDATE), time(NEXT_UPDATE)].concat();
        let tbs = value(Tag::Sequence, &[&[2, 1, 1], &algorithm, &self.name, &times, &entries, &explicit]);
        let signature: p256::ecdsa::DerSignature = self.key.sign(&tbs);
        let signature = BitString::from_bytes(signature.as_bytes()).unwrap().to_der().unwrap();
        value(Tag::Sequence, &[&tbs, &algorithm, &signature])
    }

    fn record(&self, crl: &[u8]) -> OnRecord {
        use sha2::Digest;
        let point = self.key.verifying_key().to_sec1_point(false);
        OnRecord {
            issuer: self.name.clone(),
            key: PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap(),
            number: 9,
            this_update: THIS_UPDATE,
            next_update: NEXT_UPDATE,
            point: None,
            base: None,
            changed_since: None,
            sha256: sha2::Sha256::digest(crl).into(),
        }
    }
}

struct Table {
    rows: std::vec::IntoIter<Revoked>,
    released: Option<UnixTime>,
}

impl Revocations for Table {
    fn next(&mut self) -> Result<Option<Revoked>, Failure> {
        Ok(self.rows.next())
    }

    fn released_at(&mut self, _: &[u8]) -> Result<Option<UnixTime>, Failure> {
        Ok(self.released)
    }
}

const NINE: Head = Head { number: 9, delta_of: None };

fn compared(head: Head, entries: &[Vec<u8>], rows: Vec<Revoked>, released: Option<UnixTime>) -> Found {
    let ca = Ca::new();
    let crl = ca.crl(head, entries);
    let record = OnRecord {
        base: head.delta_of.map(u64::from),
        changed_since: head.delta_of.map(|_| UnixTime::from_seconds(THIS_UPDATE.seconds() - 800)),
        ..ca.record(&crl)
    };
    compare(crl.as_slice(), &record, &mut Table { rows: rows.into_iter(), released }).unwrap()
}

fn entries(rows: &[Revoked]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| row.entry(THIS_UPDATE).unwrap()).collect()
}

#[track_caller]
fn tells(found: &Found, sentence: &str) {
    assert_eq!(found.differences, 1, "{:?}", found.told);
    assert!(found.told[0].contains(sentence), "{:?}", found.told);
}

#[test]
fn a_list_of_all_that_is_revoked_agrees() {
    let rows = vec![revoked(1), revoked(5), revoked(9)];
    let found = compared(NINE, &entries(&rows), rows, None);
    assert_eq!((found.number, found.entries, found.differences), (9, 3, 0), "{:?}", found.told);
    assert_eq!(compared(NINE, &[], Vec::new(), None).differences, 0);
}

#[test]
fn a_revocation_that_is_not_listed_is_told_wherever_it_would_stand() {
    let rows = vec![revoked(1), revoked(5), revoked(9)];
    for missing in 0..rows.len() {
        let mut listed = entries(&rows);
        listed.remove(missing);
        let serial = hex::encode(&rows[missing].serial);
        tells(&compared(NINE, &listed, rows.clone(), None), &format!("{serial} was revoked"));
    }
}

#[test]
fn an_entry_that_nobody_revoked_is_told() {
    let rows = vec![revoked(1), revoked(5), revoked(9)];
    for extra in 0..rows.len() {
        let mut on_record = rows.clone();
        on_record.remove(extra);
        let serial = hex::encode(&rows[extra].serial);
        tells(&compared(NINE, &entries(&rows), on_record, None), &format!("{serial} is listed"));
    }
}

#[test]
fn another_reason_date_or_order_is_told() {
    let rows = vec![revoked(1), revoked(5)];
    for other in [
        Revoked { reason: 4, ..revoked(5) },
        Revoked { time: UnixTime::from_seconds(1), ..revoked(5) },
        Revoked { invalidity_date: Some(UnixTime::from_seconds(1)), ..revoked(5) },
    ] {
        let listed = entries(&[revoked(1), other]);
        tells(&compared(NINE, &listed, rows.clone(), None), "the entry of 05 is");
    }
    let backwards = entries(&[revoked(5), revoked(1)]);
    assert!(compared(NINE, &backwards, rows, None).differences > 0);
}

// RFC 5280 §3.3.
#[test]
fn what_expired_may_have_left_and_what_is_new_need_not_be_there_yet() {
    let expired = Revoked { not_after: UnixTime::from_seconds(THIS_UPDATE.seconds() - 1), ..revoked(1) };
    let new = row(2, THIS_UPDATE.seconds() - 5);
    assert_eq!(compared(NINE, &[], vec![expired.clone(), new.clone()], None).differences, 0);
    let both = entries(&[expired.clone(), new.clone()]);
    assert_eq!(compared(NINE, &both, vec![expired, new], None).differences, 0);
}

#[test]
fn what_was_released_since_was_rightly_there_and_what_was_released_before_was_not() {
    let held = Revoked { reason: HOLD, ..revoked(3) };
    let listed = entries(&[held]);
    assert_eq!(compared(NINE, &listed, Vec::new(), Some(THIS_UPDATE)).differences, 0);
    let before = UnixTime::from_seconds(THIS_UPDATE.seconds() - 500);
    tells(&compared(NINE, &listed, Vec::new(), Some(before)), "03 is listed");
    tells(&compared(NINE, &listed, Vec::new(), None), "03 is listed");
    let final_one = entries(&[revoked(3)]);
    tells(&compared(NINE, &final_one, Vec::new(), Some(THIS_UPDATE)), "03 is listed");
}

// RFC 5280 §5.2.4.
#[test]
fn a_delta_need_not_list_everything_and_may_list_nothing_else() {
    let delta = Head { number: 9, delta_of: Some(3) };
    let rows = vec![revoked(1), revoked(5)];
    assert_eq!(compared(delta, &entries(&rows[1..]), rows.clone(), None).differences, 0);
    tells(&compared(delta, &entries(&[revoked(7)]), rows.clone(), None), "07 is listed");
    let since = [rows.clone(), vec![row(9, THIS_UPDATE.seconds() - 500)]].concat();
    tells(&compared(delta, &entries(&rows), since, None), "09 was revoked");
    let removed = entries(&[Revoked { reason: REMOVE_FROM_CRL, ..revoked(3) }]);
    let before = UnixTime::from_seconds(THIS_UPDATE.seconds() - 500);
    assert_eq!(compared(delta, &removed, rows, Some(before)).differences, 0);
}

#[test]
fn another_base_or_another_place_is_told() {
    let ca = Ca::new();
    let crl = ca.crl(Head { number: 9, delta_of: Some(3) }, &[]);
    let none = || Table { rows: Vec::new().into_iter(), released: None };
    let record = OnRecord { base: Some(4), ..ca.record(&crl) };
    tells(&compare(crl.as_slice(), &record, &mut none()).unwrap(), "its base is 3; by the ledger it is 4");
    let point = Some("http://crl.example.net/a/00.crl".to_owned());
    let record = OnRecord { base: Some(3), point, ..ca.record(&crl) };
    tells(&compare(crl.as_slice(), &record, &mut none()).unwrap(), "issuing distribution point");
}

#[test]
fn another_number_issuer_time_or_octets_are_told() {
    let ca = Ca::new();
    let crl = ca.crl(NINE, &[]);
    let record = ca.record(&crl);
    let compared = |record: &OnRecord| {
        compare(crl.as_slice(), record, &mut Table { rows: Vec::new().into_iter(), released: None }).unwrap()
    };
    tells(&compared(&OnRecord { number: 10, ..record.clone() }), "its number is 9");
    tells(&compared(&OnRecord { issuer: vec![0x30, 1], ..record.clone() }), "its issuer's name");
    tells(&compared(&OnRecord { this_update: FAR, ..record.clone() }), "its thisUpdate");
    tells(&compared(&OnRecord { next_update: FAR, ..record.clone() }), "its nextUpdate");
    tells(&compared(&OnRecord { sha256: [0; 32], ..record }), "its octets");
}

#[test]
fn only_the_first_differences_are_told_and_all_are_counted() {
    let rows: Vec<Revoked> = (1..=100).map(revoked).collect();
    let found = compared(NINE, &[], rows, None);
    assert_eq!((found.differences, found.told.len()), (100, TOLD));
}

#[test]
fn a_list_of_another_key_is_not_compared() {
    let ca = Ca::new();
    let crl = ca.crl(NINE, &[]);
    let stranger = Ca { key: p256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap(), name: ca.name };
    let record = stranger.record(&crl);
    let compared =
        compare(crl.as_slice(), &record, &mut Table { rows: Vec::new().into_iter(), released: None });
    assert!(matches!(compared, Err(CheckError::Unfit(ReadCrlError::Signature))));
}
