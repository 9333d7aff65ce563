//! Octets that are no certification request, or not one we work with: refused when they are read, each with its code.
//!
//! P-10, P-14: whatever the lengths say, no more is read than was sent.

use ca_core::csr::{CertificationRequest, CsrError, Leniency};
use ca_core::oid;
use ca_core::public_key::PublicKeyError;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use der::asn1::ObjectIdentifier;

use crate::certificate_octets::common_name;
use crate::doubles::keys::KeyPair;
use crate::octets::{
    BIT_STRING, BMP, INTEGER, OCTET_STRING, SEQUENCE, SET, TELETEX, UTF8, extension, integer, key_usage,
    name, oid as oid_der, oid_of, sequence, tlv,
};
use crate::request_octets::{RequestOctets, attribute, unsigned_value};
use crate::world::title;

fn p256() -> KeyPair {
    KeyPair::new(Curve::P256, 1)
}

fn good() -> RequestOctets {
    RequestOctets::of_device(&p256(), &title(1))
}

fn changed(change: impl FnOnce(&mut RequestOctets)) -> Vec<u8> {
    let mut octets = good();
    change(&mut octets);
    octets.der()
}

fn code(der: &[u8]) -> &'static str {
    CertificationRequest::from_der(der).expect_err("refused").code()
}

#[test]
fn reads_a_good_request_on_both_curves_and_reports_nothing() {
    for curve in [Curve::P256, Curve::P384] {
        let octets = RequestOctets::of_device(&KeyPair::new(curve, 1), &title(1));
        let read = CertificationRequest::from_der(&octets.der()).unwrap();
        assert_eq!(read.leniencies(), []);
        assert_eq!(read.subject().system_title(), Some(title(1)));
        assert_eq!(read.public_key(), octets.key.public_key());
        read.prove_possession().unwrap();
    }
}

#[test]
fn p_14_every_octet_cut_from_the_end_and_every_octet_added_is_noticed() {
    let der = good().der();
    for length in 0..der.len() {
        assert_eq!(code(&der[..length]), "csr.not-der", "{length} octets");
    }
    for octet in [0x00, 0x30, 0xFF] {
        assert_eq!(code(&[der.as_slice(), &[octet]].concat()), "csr.not-der", "one octet more");
    }
}

// X.690 §10.1: DER has definite lengths in the fewest octets.
#[test]
fn p_14_lengths_that_are_indefinite_needless_or_absurd_are_refused() {
    let der = good().der();
    let [SEQUENCE, 0x81, length, inside @ ..] = der.as_slice() else { panic!("{der:?}") };
    let with_length = |length: &[u8]| [&[SEQUENCE], length, inside].concat();
    assert!(CertificationRequest::from_der(&with_length(&[0x81, *length])).is_ok());
    for header in [
        &[0x82, 0, *length][..],
        &[0x84, 0, 0, 0, *length],
        &[0x85, 0, 0, 0, 0, *length],
        &[0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xFF],
    ] {
        assert_eq!(code(&with_length(header)), "csr.not-der", "{header:02x?}");
    }
    let indefinite = [&[SEQUENCE, 0x80], inside, &[0, 0]].concat();
    assert_eq!(code(&indefinite), "csr.not-der");
    // The same inside: a subject that says it is 4 GiB long.
    let long = changed(|octets| octets.subject = vec![SEQUENCE, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(code(&long), "csr.not-der");
}

// CVE-2019-17359 and its like: depth and length must cost nothing.
#[test]
fn p_14_ten_thousand_sequences_inside_one_another_are_refused() {
    let deep = |levels: usize| (0..levels).fold(Vec::new(), |inside, _| tlv(SEQUENCE, &inside));
    assert_eq!(code(&deep(10_000)), "csr.too-long");
    assert_eq!(code(&deep(4_000)), "csr.crowded");
    let subject = |levels| changed(|octets| octets.subject = deep(levels));
    assert_eq!(code(&subject(4_000)), "csr.crowded");
    assert_eq!(code(&subject(30)), "csr.subject");
    let asked = |levels| {
        changed(|octets| {
            let nested = extension(oid::KEY_USAGE, false, &deep(levels));
            octets.attributes = Some(vec![attribute(oid::EXTENSION_REQUEST, &sequence(&[nested]))]);
        })
    };
    assert_eq!(code(&asked(3_000)), "csr.crowded", "also where it is the value of an extension");
    assert!(CertificationRequest::from_der(&asked(20)).is_ok(), "else that is not looked into here");
    let attribute = changed(|octets| {
        octets.attributes = Some(vec![attribute(oid::EXTENSION_REQUEST, &deep(3_000))]);
    });
    assert_eq!(code(&attribute), "csr.crowded");
}

// P-14: many small elements side by side would become as many objects.
#[test]
fn p_14_thousands_of_elements_side_by_side_are_refused_before_they_are_read() {
    let dense = sequence(&vec![vec![5, 0]; 4_000]);
    let attribute = changed(|octets| {
        octets.attributes = Some(vec![attribute(oid::EXTENSION_REQUEST, &dense)]);
    });
    assert_eq!(code(&attribute), "csr.crowded");
}

#[test]
fn requests_of_more_than_16384_octets_are_refused_unread() {
    for octets in [16_384, 16_385] {
        let refused = CertificationRequest::from_der(&vec![0xFF; octets]).unwrap_err();
        let expected = if octets > 16_384 { "csr.too-long" } else { "csr.not-der" };
        assert_eq!(refused.code(), expected);
    }
}

#[test]
fn p_14_integers_that_are_long_or_negative_are_refused() {
    let version = |content: &[u8]| changed(|octets| octets.version = tlv(INTEGER, content));
    assert_eq!(code(&version(&[1])), "csr.version");
    for content in [&[][..], &[0, 0], &[0x80], &[0xFF; 200], &[1; 200]] {
        assert_eq!(code(&version(content)), "csr.not-der", "{} octets", content.len());
    }
    let octets = good();
    for (r, s) in [(200, 32), (32, 200), (34, 32), (0, 32), (200, 200)] {
        let value = sequence(&[tlv(INTEGER, &vec![0x11; r]), tlv(INTEGER, &vec![0x11; s])]);
        assert_eq!(code(&octets.with_signature(&value)), "csr.signature", "{r} and {s} octets");
    }
    let zeros = sequence(&[tlv(INTEGER, &[0; 200]), integer(1)]);
    assert_eq!(code(&octets.with_signature(&zeros)), "csr.signature", "zeros in front are no number");
}

// Decision on leniency: r and s as unsigned octets, and nothing else around them.
#[test]
fn p_14_unsigned_r_and_s_are_read_reported_and_still_verified() {
    for curve in [Curve::P256, Curve::P384] {
        let key = KeyPair::new(curve, 1);
        let octets = RequestOctets::of_device(&key, &title(1));
        let high = |signature: &EcdsaSignature| signature.fixed()[0] >= 0x80;
        let signature = key.sign_until(&octets.info(), high);
        let der = octets.with_signature(&unsigned_value(&signature));
        let read = CertificationRequest::from_der(&der).unwrap();
        assert_eq!(read.leniencies(), [Leniency::UnsignedIntegers]);
        read.prove_possession().unwrap();
        let mut turned = signature.fixed().to_vec();
        turned[10] ^= 1;
        let turned = EcdsaSignature::from_fixed(curve, &turned).unwrap();
        let read = CertificationRequest::from_der(&octets.with_signature(&unsigned_value(&turned))).unwrap();
        assert!(read.prove_possession().is_err(), "read, and refused when it is verified");
    }
}

#[test]
fn signature_values_that_are_no_pair_of_integers_are_refused() {
    let octets = good();
    let pair = good().key.sign(&octets.info(), 0).to_der().unwrap();
    for value in [
        Vec::new(),
        vec![0; 64],
        sequence(&[integer(1)]),
        sequence(&[integer(1), integer(1), integer(1)]),
        sequence(&[tlv(OCTET_STRING, &[1]), integer(1)]),
        [pair.as_slice(), &[0]].concat(),
        tlv(SET, &[integer(1), integer(1)].concat()),
    ] {
        assert_eq!(code(&octets.with_signature(&value)), "csr.signature", "{value:02x?}");
    }
}

#[test]
fn attributes_that_are_left_out_are_read_and_reported() {
    let mut octets = good();
    octets.attributes = None;
    let read = CertificationRequest::from_der(&octets.der()).unwrap();
    assert_eq!(read.leniencies(), [Leniency::AttributesAbsent]);
    read.prove_possession().unwrap();
}

// P-12: the signature algorithm goes with the key.
#[test]
fn p_12_another_hash_another_algorithm_and_parameters_are_refused() {
    let sha384 = sequence(&[oid_der(Curve::P384.signature_algorithm())]);
    let sha512 = sequence(&[oid_of("1.2.840.10045.4.3.4")]);
    let sha1 = sequence(&[oid_of("1.2.840.10045.4.1")]);
    let rsa = sequence(&[oid_of("1.2.840.113549.1.1.11"), vec![5, 0]]);
    let with_null = sequence(&[oid_der(Curve::P256.signature_algorithm()), vec![5, 0]]);
    for algorithm in [sha384, sha512, sha1, rsa, with_null] {
        assert_eq!(code(&changed(|octets| octets.algorithm = algorithm.clone())), "csr.algorithm");
    }
}

fn with_key(algorithm: &[Vec<u8>], point: &[u8]) -> CsrError {
    let bits = tlv(BIT_STRING, &[&[0], point].concat());
    let der = changed(|octets| octets.public_key = sequence(&[sequence(algorithm), bits]));
    let error = CertificationRequest::from_der(&der).unwrap_err();
    assert_eq!(error.code(), "key.unacceptable");
    error
}

// P-10; RFC 5480 §2.1.1, §2.2; Green Book 9.2.6: uncompressed points on named curves, on their curve.
#[test]
fn p_10_keys_that_are_no_point_of_our_curves_are_refused() {
    let ec = || oid_of("1.2.840.10045.2.1");
    let named = [ec(), oid_der(Curve::P256.oid())];
    let point = p256().public_key().point().to_vec();
    let off_curve = {
        let mut point = point.clone();
        point[64] ^= 1;
        point
    };
    let compressed = [&[2], &point[1..33]].concat();
    for (bits, reason) in [
        (off_curve, PublicKeyError::PointNotOnCurve),
        (compressed, PublicKeyError::CompressedPoint),
        (vec![0], PublicKeyError::PointAtInfinity),
        ([&[4], [0; 64].as_slice()].concat(), PublicKeyError::PointNotOnCurve),
        (point[..64].to_vec(), PublicKeyError::PointLength { octets: 64 }),
        ([&[6], &point[1..]].concat(), PublicKeyError::PointLength { octets: 65 }),
        (Vec::new(), PublicKeyError::PointLength { octets: 0 }),
        (
            KeyPair::new(Curve::P384, 1).public_key().point().to_vec(),
            PublicKeyError::PointLength { octets: 97 },
        ),
    ] {
        assert_eq!(with_key(&named, &bits), CsrError::Key(reason));
    }
    let explicit = sequence(&[integer(1), sequence(&[]), sequence(&[])]);
    for parameters in [vec![explicit], vec![vec![5, 0]], vec![]] {
        let algorithm = [vec![ec()], parameters].concat();
        assert_eq!(with_key(&algorithm, &point), CsrError::Key(PublicKeyError::NoNamedCurve));
    }
    let brainpool = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7");
    let refused = CsrError::Key(PublicKeyError::CurveNotSupported { curve: brainpool });
    assert_eq!(with_key(&[ec(), oid_der(brainpool)], &point), refused);
    let rsa = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let modulus =
        sequence(&[tlv(INTEGER, &[&[0], [0xC5; 256].as_slice()].concat()), tlv(INTEGER, &[1, 0, 1])]);
    let refused = CsrError::Key(PublicKeyError::NotEllipticCurve { algorithm: rsa });
    assert_eq!(with_key(&[oid_der(rsa), vec![5, 0]], &modulus), refused);
}

// P-06, P-17: names that deceive a reader or a parser.
#[test]
fn p_06_names_in_other_strings_or_with_unseen_characters_are_refused() {
    let named =
        |tag, content: &[u8]| changed(|octets| octets.subject = name(&[(oid::COMMON_NAME, tag, content)]));
    for text in [
        "4D504B0000000001\0",
        "a\u{202E}b",
        "a\u{2066}b",
        "a\u{200F}b",
        "a\nb",
        "\u{7F}",
        "",
        &"x".repeat(65),
    ] {
        assert_eq!(code(&named(UTF8, text.as_bytes())), "csr.subject", "{text:?}");
    }
    let wide: Vec<u8> = "4D504B0000000001".bytes().flat_map(|octet| [0, octet]).collect();
    assert_eq!(code(&named(BMP, &wide)), "csr.subject");
    assert_eq!(code(&named(TELETEX, b"4D504B0000000001")), "csr.subject");
    assert_eq!(code(&named(UTF8, &[0xC0, 0x80])), "csr.subject", "no UTF-8");
    assert_eq!(code(&named(SEQUENCE, &[])), "csr.subject", "no string");
    let empty_rdn = changed(|octets| octets.subject = sequence(&[tlv(SET, &[])]));
    assert_eq!(code(&empty_rdn), "csr.subject");
}

// X.690 §11.6: the elements of a SET OF are sorted.
#[test]
fn attributes_that_are_not_in_der_order_are_refused() {
    let asked =
        attribute(oid::EXTENSION_REQUEST, &sequence(&[extension(oid::KEY_USAGE, true, &key_usage(0x80))]));
    let password = attribute(oid::CHALLENGE_PASSWORD, &tlv(UTF8, b"x"));
    let mut sorted = vec![asked, password];
    sorted.sort();
    let with = |attributes: Vec<Vec<u8>>| changed(|octets| octets.attributes = Some(attributes));
    assert!(CertificationRequest::from_der(&with(sorted.clone())).is_ok());
    sorted.reverse();
    assert_eq!(code(&with(sorted)), "csr.not-der");
}

// P-07: what is asked for twice, or by another attribute.
#[test]
fn p_07_doubled_and_unknown_attributes_are_refused() {
    let usage = || extension(oid::KEY_USAGE, true, &key_usage(0x80));
    let request = |extensions: &[Vec<u8>]| attribute(oid::EXTENSION_REQUEST, &sequence(extensions));
    let with = |attributes: &[Vec<u8>]| {
        let mut sorted = attributes.to_vec();
        sorted.sort();
        changed(|octets| octets.attributes = Some(sorted))
    };
    let identifier = || extension(oid::SUBJECT_KEY_IDENTIFIER, false, &tlv(OCTET_STRING, &[1]));
    assert_eq!(code(&with(&[request(&[usage()]), request(&[identifier()])])), "csr.attribute");
    assert_eq!(code(&with(&[request(&[usage()]), request(&[usage()])])), "csr.attribute");
    assert_eq!(code(&with(&[request(&[usage(), usage()])])), "csr.extension");
    assert_eq!(code(&with(&[request(&[])])), "csr.attribute", "asks for nothing");
    let microsoft = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");
    assert_eq!(code(&with(&[attribute(microsoft, &sequence(&[usage()]))])), "csr.attribute");
    let two_values = [sequence(&[usage()]), sequence(&[identifier()])].concat();
    let two_values = sequence(&[oid_der(oid::EXTENSION_REQUEST), tlv(SET, &two_values)]);
    assert_eq!(code(&with(&[two_values])), "csr.attribute");
    let password = |text: &[u8]| attribute(oid::CHALLENGE_PASSWORD, &tlv(UTF8, text));
    assert_eq!(code(&with(&[password(b"a"), password(b"b")])), "csr.attribute");
    assert_eq!(code(&with(&[password(&[b'a'; 256])])), "csr.attribute");
    let unstructured =
        |text: &[u8]| attribute(ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.2"), &tlv(UTF8, text));
    assert!(CertificationRequest::from_der(&with(&[unstructured(b"a")])).is_ok());
    assert_eq!(code(&with(&[unstructured(b"a"), unstructured(b"b")])), "csr.attribute");
}

#[test]
fn extensions_that_write_out_a_default_are_refused() {
    let written = sequence(&[oid_der(oid::KEY_USAGE), vec![1, 1, 0], tlv(OCTET_STRING, &key_usage(0x80))]);
    let der = changed(|octets| {
        octets.attributes = Some(vec![attribute(oid::EXTENSION_REQUEST, &sequence(&[written]))]);
    });
    assert_eq!(code(&der), "csr.attribute");
}

#[test]
fn more_than_16_extensions_are_refused() {
    let many = |count: u8| {
        let one = |number: u8| {
            let kind = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473").push_arc(number.into()).unwrap();
            extension(kind, false, &[5, 0])
        };
        changed(|octets| *octets = good().asking(&(0..count).map(one).collect::<Vec<_>>()))
    };
    assert_eq!(CertificationRequest::from_der(&many(16)).unwrap().requested_extensions().len(), 16);
    assert_eq!(code(&many(17)), "csr.attribute");
}

// E-11: the signature covers every octet of the request's information.
#[test]
fn e_11_one_octet_changed_in_the_information_takes_the_proof_away() {
    let octets = good();
    let der = octets.der();
    let inside = octets.info().len();
    let mut read = 0;
    for place in 3..3 + inside {
        let mut turned = der.clone();
        turned[place] ^= 1;
        if let Ok(request) = CertificationRequest::from_der(&turned) {
            assert!(request.prove_possession().is_err(), "octet {place}");
            read += 1;
        }
    }
    assert!(read > 10, "most changes in the name can still be read");
    let renamed = changed(|octets| octets.subject = common_name("another"));
    let other = CertificationRequest::from_der(&renamed).unwrap();
    assert!(other.prove_possession().is_ok());
}
