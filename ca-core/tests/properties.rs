//! Properties of what reads octets from outside: it never panics, keeps what it read, and proves nothing that was not signed.
//!
//! Deterministic: every run draws the same cases from a fixed seed.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::path::{TrustAnchor, validate_client};
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use der::DateTime;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use crate::certificate_octets::CertificateOctets;
use crate::doubles::clock::{NOW, at};
use crate::doubles::keys::KeyPair;
use crate::octets::{alternative_names, dns, extension, key_usage, tlv};
use crate::request_octets::{RequestOctets, attribute};
use crate::world::title;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_261_121),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One way to damage octets.
#[derive(Debug, Clone)]
enum Damage {
    Turn(Index, u8),
    Write(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    /// Copies a stretch to another place.
    Copy(Index, Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(place, bit)| Damage::Turn(place, bit)),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(place, octet)| Damage::Write(place, octet)),
        // Tags and lengths that mean something.
        2 => (any::<Index>(), prop_oneof![Just(0x80), Just(0x30), Just(0x84), Just(0xFF), Just(0x00)])
            .prop_map(|(place, octet)| Damage::Write(place, octet)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(place, octet)| Damage::Insert(place, octet)),
        1 => any::<Index>().prop_map(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>(), 1..40_u8).prop_map(|(from, to, count)| Damage::Copy(from, to, count)),
    ]
}

fn damaged(good: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut octets = good.to_vec();
    for damage in damages {
        if octets.is_empty() {
            break;
        }
        let length = octets.len();
        match damage {
            Damage::Turn(place, bit) => octets[place.index(length)] ^= 1 << bit,
            Damage::Write(place, octet) => octets[place.index(length)] = *octet,
            Damage::Insert(place, octet) => octets.insert(place.index(length), *octet),
            Damage::Remove(place) => drop(octets.remove(place.index(length))),
            Damage::Cut(place) => octets.truncate(place.index(length)),
            Damage::Copy(from, to, count) => {
                let from = from.index(length);
                let until = length.min(from + usize::from(*count));
                let stretch = octets[from..until].to_vec();
                let to = to.index(length);
                octets.splice(to..to, stretch);
            }
        }
    }
    octets
}

fn request() -> Vec<u8> {
    let key = KeyPair::new(Curve::P256, 1);
    let names = alternative_names(&[dns("a.example.org"), tlv(0x86, b"http://a.example.org/")]);
    let octets = RequestOctets::of_device(&key, &title(1)).asking(&[
        extension(oid::KEY_USAGE, true, &key_usage(0x80)),
        extension(oid::SUBJECT_ALT_NAME, false, &names),
    ]);
    let password = attribute(oid::CHALLENGE_PASSWORD, &tlv(0x0C, b"secret"));
    let mut octets = octets;
    octets.attributes.get_or_insert_default().push(password);
    octets.attributes.get_or_insert_default().sort();
    octets.der()
}

fn certificate() -> Vec<u8> {
    let (issuer, key) = (KeyPair::new(Curve::P256, 1), KeyPair::new(Curve::P256, 2));
    let names = alternative_names(&[dns("a.example.org")]);
    CertificateOctets::client("issuer", "client", &key).with(oid::SUBJECT_ALT_NAME, false, names).der(&issuer)
}

fn reads_request(octets: &[u8], original: &[u8]) {
    let Ok(read) = CertificationRequest::from_der(octets) else { return };
    assert_eq!(read.der(), octets);
    assert!(read.requested_extensions().len() <= 16);
    let names = read.requested_extensions().iter().find(|one| one.extn_id == oid::SUBJECT_ALT_NAME);
    drop(Subject::read(read.subject(), names.map(|one| one.extn_value.as_bytes())));
    assert!(read.subject().to_string().chars().all(|c| !c.is_control()));
    // Only the octets that were signed are proved; another form of the same signature is all that may differ.
    if read.prove_possession().is_ok() {
        let signed = |der: &[u8]| ca_core::certificate::to_be_signed(der).unwrap().to_vec();
        assert_eq!(signed(octets), signed(original));
    }
}

fn reads_certificate(octets: &[u8]) {
    let Ok(read) = Certificate::from_der(octets) else { return };
    assert_eq!(read.der(), octets);
    assert!(octets.windows(read.tbs().len()).any(|stretch| stretch == read.tbs()));
    drop((read.key_usage(), read.extended_key_usages(), read.basic_constraints()));
    drop((read.subject_key_identifier(), read.authority_key_identifier(), read.alternative_names()));
    let titled = read.system_title().is_some();
    assert!(!titled || read.subject().is_empty() || read.subject().attributes().len() == 1);
    let anchor = CertificateOctets::authority("issuer", "issuer", &KeyPair::new(Curve::P256, 1));
    let anchor = TrustAnchor::from_certificate(&anchor.read(&KeyPair::new(Curve::P256, 1)));
    let original = Certificate::from_der(&certificate()).unwrap();
    if let Ok(path) = validate_client(read, &[], &[anchor], at(NOW)) {
        assert_eq!(path.end_entity().tbs(), original.tbs(), "only what was signed is trusted");
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_damaged_request_is_read_or_refused_and_never_proved(damages in vec(damage(), 1..6)) {
        let good = request();
        reads_request(&damaged(&good, &damages), &good);
    }

    #[test]
    fn a_damaged_certificate_is_read_or_refused_and_never_trusted(damages in vec(damage(), 1..6)) {
        reads_certificate(&damaged(&certificate(), &damages));
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in vec(any::<u8>(), 0..200)) {
        reads_request(&octets, &request());
        reads_certificate(&octets);
        drop(DistinguishedName::from_der(&octets));
        drop(Subject::read(&DistinguishedName::empty(), Some(&octets)));
        drop(SerialNumber::from_octets(&octets));
        for curve in [Curve::P256, Curve::P384] {
            drop(EcdsaSignature::from_der_or_unsigned(curve, &octets));
        }
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn signatures_are_the_same_after_writing_and_reading(octets in vec(any::<u8>(), 64)) {
        let signature = EcdsaSignature::from_fixed(Curve::P256, &octets).unwrap();
        let der = signature.to_der().unwrap();
        assert!(der.len() <= 72);
        assert_eq!(EcdsaSignature::from_der(Curve::P256, &der), Ok(signature));
    }

    #[test]
    fn system_titles_are_the_same_after_printing_and_parsing(octets in any::<[u8; 8]>()) {
        let title = SystemTitle::new(octets);
        assert_eq!(SystemTitle::parse(&title.to_string()), Ok(title));
    }

    #[test]
    fn serial_numbers_are_the_same_after_printing_and_parsing(octets in vec(any::<u8>(), 1..=20)) {
        if let Ok(serial) = SerialNumber::from_octets(&octets) {
            assert_eq!(SerialNumber::parse(&serial.to_string()), Ok(serial));
        }
    }

    #[test]
    fn names_are_the_same_after_writing_and_reading(text in ".{0,70}") {
        if let Ok(name) = DistinguishedName::from_attributes(&[(oid::ORGANIZATION_NAME, &text)]) {
            assert_eq!(name.attributes(), [(oid::ORGANIZATION_NAME, text)]);
            assert_eq!(DistinguishedName::from_der(name.der()), Ok(name));
        }
    }

    // The calendar of another library.
    #[test]
    fn times_are_printed_as_the_der_codec_prints_them(seconds in 0..=UnixTime::NO_EXPIRY.seconds()) {
        let since_1970 = core::time::Duration::from_secs(u64::try_from(seconds).unwrap());
        let theirs = DateTime::from_unix_duration(since_1970).unwrap().to_string();
        assert_eq!(at(seconds).to_string(), theirs);
    }
}
