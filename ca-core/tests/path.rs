//! Certification paths of TLS clients (RFC 5280 §6): what leads to an anchor, what does not, and that searching is bounded.

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::path::{
    self, PathError, Purpose, TrustAnchor, ValidatedPath, validate_authority, validate_client,
};
use ca_core::suite::Curve;
use der::asn1::ObjectIdentifier;

use crate::certificate_octets::CertificateOctets;
use crate::doubles::clock::{DAY, NOW, at};
use crate::doubles::keys::KeyPair;
use crate::octets::{authority, dns, key_usage, oid as oid_der, purposes, sequence};

const ROOT: u16 = 1;
const SUB: u16 = 2;
const CLIENT: u16 = 3;

fn key(number: u16) -> KeyPair {
    KeyPair::new(Curve::P256, number)
}

fn anchor() -> TrustAnchor {
    TrustAnchor::from_certificate(&CertificateOctets::authority("root", "root", &key(ROOT)).read(&key(ROOT)))
}

fn sub() -> CertificateOctets {
    CertificateOctets::authority("root", "sub", &key(SUB))
}

fn client() -> CertificateOctets {
    CertificateOctets::client("sub", "client", &key(CLIENT))
}

/// Validates a client below `sub` below `root`.
fn validate(client: &CertificateOctets, sub: &CertificateOctets) -> Result<ValidatedPath, PathError> {
    validate_client(client.read(&key(SUB)), &[sub.read(&key(ROOT))], &[anchor()], at(NOW))
}

/// What is said of a client that expired a second ago.
pub(crate) fn expired() -> PathError {
    validate(&client().valid(-2, -1), &sub()).unwrap_err()
}

/// Validates with a bag of certificates as it comes.
fn search(client: Certificate, bag: &[Certificate]) -> Result<ValidatedPath, PathError> {
    validate_client(client, bag, &[anchor()], at(NOW))
}

#[test]
fn a_path_names_the_issuer_and_the_anchor() {
    let path = validate(&client(), &sub()).unwrap();
    assert_eq!(path.end_entity().subject().to_string(), "CN=client");
    assert_eq!(path.issuer(), key(SUB).public_key().key_ref());
    assert_eq!(path.anchor(), key(ROOT).public_key().key_ref());
    let direct = CertificateOctets::client("root", "client", &key(CLIENT)).read(&key(ROOT));
    let path = search(direct, &[]).unwrap();
    assert_eq!((path.issuer(), path.anchor()), (path.anchor(), key(ROOT).public_key().key_ref()));
}

// RFC 5280 §6.1.3 (a) (2): the period of every certificate, both ends included.
#[test]
fn the_end_entitys_period_has_two_ends_that_belong_to_it() {
    for (from, until, answer) in
        [(0, 0, None), (-1, 1, None), (1, 2, Some(PathError::NotYetValid { not_before: at(NOW + 1) }))]
    {
        assert_eq!(validate(&client().valid(from, until), &sub()).err(), answer, "{from} to {until}");
    }
    let PathError::Expired { not_after, path } = expired() else { panic!("it has expired") };
    assert_eq!((not_after, path.issuer()), (at(NOW - 1), key(SUB).public_key().key_ref()));
}

/// That a signature was seen before says nothing of the time, of the usage, of who is trusted, nor of other octets.
#[test]
fn what_was_accepted_before_is_judged_again_in_all_but_its_signature() {
    let (good, above) = (client().valid(-1, 1).read(&key(SUB)), [sub().read(&key(ROOT))]);
    let at_time = |seconds| validate_client(good.clone(), &above, &[anchor()], at(NOW + seconds));
    assert!(at_time(0).is_ok() && at_time(0).is_ok(), "twice, the second time with what was seen");
    assert!(matches!(at_time(2), Err(PathError::Expired { .. })));
    assert_eq!(at_time(-2).err(), Some(PathError::NotYetValid { not_before: at(NOW - 1) }));
    assert!(
        matches!(validate_authority(&good, &above, &[anchor()], at(NOW)), Err(PathError::Usage { .. })),
        "a client is no authority"
    );
    assert_eq!(
        validate_client(good.clone(), &above, &[], at(NOW)),
        Err(PathError::NoPath),
        "nobody is trusted"
    );
    let mut altered = good.der().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let altered = Certificate::from_der(&altered).expect("the signature reads as one");
    assert_eq!(validate_client(altered, &above, &[anchor()], at(NOW)), Err(PathError::NoPath));
}

// E-03: who looks past an expiry must not look past anything else with it.
#[test]
fn e_03_expired_is_said_only_of_what_is_good_otherwise() {
    let expired = client().valid(-2, -1);
    assert_eq!(search(expired.read(&key(SUB)), &[]), Err(PathError::NoPath), "no issuer shown");
    assert_eq!(search(expired.read(&key(9)), &[sub().read(&key(ROOT))]), Err(PathError::NoPath), "forged");
    let server = expired.with(oid::EXTENDED_KEY_USAGE, false, purposes(&[oid::SERVER_AUTH]));
    assert!(matches!(validate(&server, &sub()), Err(PathError::Usage { .. })));
}

#[test]
fn an_intermediate_outside_its_period_leads_nowhere() {
    for (from, until) in [(1, 2), (-2, -1)] {
        assert_eq!(validate(&client(), &sub().valid(from, until)), Err(PathError::NoPath));
    }
}

// RFC 5280 §4.2.1.3, §4.2.1.12.
#[test]
fn what_may_not_authenticate_a_client_is_refused() {
    let refused = |client: CertificateOctets| {
        assert!(matches!(validate(&client, &sub()), Err(PathError::Usage { .. })), "{:?}", client.extensions);
    };
    for bits in [0x08, 0x04, 0x06, 0x40] {
        refused(client().with(oid::KEY_USAGE, true, key_usage(bits)));
    }
    for purpose in [oid::SERVER_AUTH, oid::OCSP_SIGNING, oid::ANY_EXTENDED_KEY_USAGE] {
        refused(client().with(oid::EXTENDED_KEY_USAGE, false, purposes(&[purpose])));
    }
    refused(client().with(oid::EXTENDED_KEY_USAGE, false, sequence(&[])));
    refused(client().with(oid::BASIC_CONSTRAINTS, true, authority(None)));
}

/// An extension that cannot be read allows nothing: it is not the same as one that is absent.
#[test]
fn usages_that_cannot_be_read_are_refused() {
    for kind in [oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE, oid::BASIC_CONSTRAINTS] {
        for value in [vec![5, 0], vec![0x30, 0x80], Vec::new()] {
            let answer = validate(&client().with(kind, false, value.clone()), &sub());
            assert!(matches!(answer, Err(PathError::Usage { .. })), "{kind} {value:02x?}: {answer:?}");
        }
    }
}

#[test]
fn usages_that_are_absent_or_wider_are_accepted() {
    for good in [
        client().without(oid::EXTENDED_KEY_USAGE),
        client().without(oid::KEY_USAGE).without(oid::EXTENDED_KEY_USAGE),
        client().with(oid::KEY_USAGE, true, key_usage(0x88)),
        client().with(oid::EXTENDED_KEY_USAGE, true, purposes(&[oid::SERVER_AUTH, oid::CLIENT_AUTH])),
        client().with(oid::BASIC_CONSTRAINTS, true, sequence(&[])),
    ] {
        assert!(validate(&good, &sub()).is_ok(), "{:?}", good.extensions);
    }
}

// RFC 5280 §4.2: a critical extension that is not processed.
#[test]
fn critical_extensions_that_are_not_processed_are_refused() {
    let private = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.9");
    for kind in [private, oid::NAME_CONSTRAINTS, oid::POLICY_CONSTRAINTS, oid::POLICY_MAPPINGS] {
        let critical = client().with(kind, true, sequence(&[]));
        assert_eq!(validate(&critical, &sub()), Err(PathError::CriticalExtension { extension: kind }));
        let unmarked = client().with(kind, false, sequence(&[]));
        assert!(validate(&unmarked, &sub()).is_ok(), "{kind}");
        let above = sub().with(kind, true, sequence(&[]));
        assert_eq!(validate(&client(), &above), Err(PathError::NoPath));
    }
}

// Certificates of the field mark policies and names critical; both are looked at, or need not be.
#[test]
fn critical_policies_and_critical_names_are_accepted() {
    let policy = || sequence(&[sequence(&[oid_der(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1"))])]);
    let good = client().with(oid::CERTIFICATE_POLICIES, true, policy()).with(
        oid::SUBJECT_ALT_NAME,
        true,
        sequence(&[dns("client.example.org")]),
    );
    assert!(validate(&good, &sub().with(oid::CERTIFICATE_POLICIES, true, policy())).is_ok());
}

// RFC 5280 §6.1.4 (k), (n): only a CA issues.
#[test]
fn an_intermediate_that_is_no_ca_leads_nowhere() {
    for bad in [
        sub().without(oid::BASIC_CONSTRAINTS),
        sub().with(oid::BASIC_CONSTRAINTS, true, sequence(&[])),
        sub().with(oid::BASIC_CONSTRAINTS, true, vec![5, 0]),
        sub().without(oid::KEY_USAGE),
        sub().with(oid::KEY_USAGE, true, key_usage(0x80)),
        sub().with(oid::KEY_USAGE, true, key_usage(0x02)),
        sub().with(oid::KEY_USAGE, true, Vec::new()),
    ] {
        assert_eq!(validate(&client(), &bad), Err(PathError::NoPath), "{:?}", bad.extensions);
    }
}

#[test]
fn a_ca_for_other_purposes_or_with_constraints_is_not_followed() {
    for bad in [
        sub().with(oid::EXTENDED_KEY_USAGE, false, purposes(&[oid::OCSP_SIGNING])),
        sub().with(oid::EXTENDED_KEY_USAGE, true, purposes(&[oid::SERVER_AUTH])),
        sub().with(oid::EXTENDED_KEY_USAGE, false, Vec::new()),
        sub().with(oid::NAME_CONSTRAINTS, false, sequence(&[])),
        sub().with(oid::POLICY_CONSTRAINTS, false, sequence(&[])),
        sub().with(oid::INHIBIT_ANY_POLICY, false, vec![2, 1, 0]),
    ] {
        assert_eq!(validate(&client(), &bad), Err(PathError::NoPath), "{:?}", bad.extensions);
    }
    for purpose in [oid::CLIENT_AUTH, oid::ANY_EXTENDED_KEY_USAGE] {
        let good = sub().with(oid::EXTENDED_KEY_USAGE, false, purposes(&[purpose]));
        assert!(validate(&client(), &good).is_ok());
    }
}

/// A line of CAs from the root down, each by the one before, and a client below the last.
fn line(path_lengths: &[Option<u8>]) -> (Certificate, Vec<Certificate>) {
    let mut above = ("root".to_owned(), ROOT);
    let mut bag = Vec::new();
    for (number, length) in (10..).zip(path_lengths) {
        let name = format!("ca{number}");
        let octets = CertificateOctets::authority(&above.0, &name, &key(number));
        bag.push(octets.with(oid::BASIC_CONSTRAINTS, true, authority(*length)).read(&key(above.1)));
        above = (name, number);
    }
    (CertificateOctets::client(&above.0, "client", &key(CLIENT)).read(&key(above.1)), bag)
}

// RFC 5280 §4.2.1.9, §6.1.4 (l), (m).
#[test]
fn a_path_length_limits_the_cas_below() {
    for (lengths, holds) in [
        (&[Some(0)][..], true),
        (&[Some(0), None], false),
        (&[Some(1), None], true),
        (&[Some(1), Some(0)], true),
        (&[Some(1), None, None], false),
        (&[None, Some(1), Some(0)], true),
        (&[None, Some(0), None], false),
        (&[None; 8], true),
        (&[None; 9], false),
    ] {
        let (client, bag) = line(lengths);
        assert_eq!(search(client, &bag).is_ok(), holds, "{lengths:?}");
    }
}

#[test]
fn the_order_of_the_bag_makes_no_difference() {
    let (client, mut bag) = line(&[None, None, None]);
    bag.reverse();
    assert!(search(client.clone(), &bag).is_ok());
    bag.rotate_left(1);
    assert!(search(client, &bag).is_ok());
}

// RFC 5280 §6.1.4 (l): a certificate with which a CA passes from one key to the next does not count.
#[test]
fn self_issued_certificates_do_not_count_towards_the_path_length() {
    let old = CertificateOctets::authority("root", "sub", &key(SUB))
        .with(oid::BASIC_CONSTRAINTS, true, authority(Some(0)))
        .read(&key(ROOT));
    let link = CertificateOctets::authority("sub", "sub", &key(20)).read(&key(SUB));
    let client = client().read(&key(20));
    assert!(search(client, &[old, link]).is_ok());
}

#[test]
fn a_name_that_matches_over_another_key_leads_nowhere() {
    let impostor = CertificateOctets::authority("root", "sub", &key(77)).read(&key(ROOT));
    assert_eq!(search(client().read(&key(SUB)), std::slice::from_ref(&impostor)), Err(PathError::NoPath));
    // Beside the true one it is passed over.
    assert!(search(client().read(&key(SUB)), &[impostor, sub().read(&key(ROOT))]).is_ok());
    let forged = CertificateOctets::client("root", "client", &key(CLIENT)).read(&key(9));
    assert_eq!(search(forged, &[]), Err(PathError::NoPath));
    let other_curve =
        CertificateOctets::authority("root", "sub", &KeyPair::new(Curve::P384, 2)).read(&key(ROOT));
    assert_eq!(search(client().read(&key(SUB)), &[other_curve]), Err(PathError::NoPath));
}

#[test]
fn without_an_anchor_nothing_is_trusted_however_self_signed() {
    let own = CertificateOctets::authority("own", "own", &key(30)).read(&key(30));
    let client = CertificateOctets::client("own", "client", &key(CLIENT)).read(&key(30));
    assert_eq!(search(client.clone(), std::slice::from_ref(&own)), Err(PathError::NoPath));
    assert_eq!(
        validate_client(client.clone(), std::slice::from_ref(&own), &[], at(NOW)),
        Err(PathError::NoPath)
    );
    assert!(validate_client(client, &[], &[TrustAnchor::from_certificate(&own)], at(NOW)).is_ok());
}

// C-22: at most 16 certificates beside the client's own.
#[test]
fn c_22_more_than_16_certificates_are_refused_unread() {
    let bag = vec![sub().read(&key(ROOT)); 17];
    assert!(search(client().read(&key(SUB)), &bag[..16]).is_ok());
    let refused = PathError::TooManyCertificates { count: 17 };
    assert_eq!(search(client().read(&key(SUB)), &bag), Err(refused));
}

// C-22: GHSA-8qv2-5vq6-g2g7, paths through certificates that sign one another.
#[test]
fn c_22_cas_that_sign_one_another_end_the_search_after_100_signatures() {
    let all: Vec<u16> = (40..44).collect();
    let mut bag = Vec::new();
    for issuer in &all {
        for subject in all.iter().filter(|subject| *subject != issuer) {
            let names = (format!("loop{issuer}"), format!("loop{subject}"));
            bag.push(CertificateOctets::authority(&names.0, &names.1, &key(*subject)).read(&key(*issuer)));
        }
    }
    let client = CertificateOctets::client("loop40", "client", &key(CLIENT)).read(&key(40));
    assert_eq!(search(client.clone(), &bag), Err(PathError::TooManySignatures));
    // One that leads out is found if it comes early enough.
    bag.truncate(2);
    bag.push(CertificateOctets::authority("root", "loop40", &key(40)).read(&key(ROOT)));
    assert!(search(client, &bag).is_ok());
}

#[test]
fn c_22_two_cas_that_sign_each_other_lead_nowhere() {
    let one = CertificateOctets::authority("two", "one", &key(50)).read(&key(51));
    let two = CertificateOctets::authority("one", "two", &key(51)).read(&key(50));
    let client = CertificateOctets::client("one", "client", &key(CLIENT)).read(&key(50));
    assert_eq!(search(client, &[one, two]), Err(PathError::NoPath));
}

#[test]
fn an_anchor_is_a_name_and_a_key_and_its_own_end_is_not_looked_at() {
    let past =
        CertificateOctets::authority("root", "root", &key(ROOT)).valid(-2 * DAY, -DAY).read(&key(ROOT));
    let client = CertificateOctets::client("root", "client", &key(CLIENT)).read(&key(ROOT));
    let path = validate_client(client, &[], &[TrustAnchor::from_certificate(&past)], at(NOW)).unwrap();
    assert_eq!(path.anchor(), TrustAnchor::from_certificate(&past).key());
}

// RFC 9483 §3.5, RFC 9810 §4.5: who signs messages of a CA says so by cmcCA or cmcRA, or is a CA that may sign; nobody else.
#[test]
fn messages_of_a_cmp_authority_are_signed_by_whom_it_names_or_by_itself() {
    let told = |signer: CertificateOctets| {
        let bags = (&[sub().read(&key(ROOT))][..], &[anchor()][..]);
        path::validate(signer.read(&key(SUB)), Purpose::CmpAuthority, bags, at(NOW))
    };
    for (purpose, taken) in [(oid::CMC_CA, true), (oid::CMC_RA, true), (oid::CLIENT_AUTH, false)] {
        let signer = client().with(oid::EXTENDED_KEY_USAGE, false, purposes(&[purpose]));
        assert_eq!(told(signer).is_ok(), taken, "{purpose}");
    }
    let own = CertificateOctets::authority("sub", "subsub", &key(CLIENT));
    assert!(
        matches!(told(own), Err(PathError::Usage { .. })),
        "a CA without digitalSignature signs no messages"
    );
}

// RFC 5280 §6.1: whatever an end entity uses its key for, its path is looked at.
#[test]
fn the_path_of_an_end_entity_holds_whatever_its_purpose() {
    let told = |one: CertificateOctets| {
        let bags = (&[sub().read(&key(ROOT))][..], &[anchor()][..]);
        path::validate(one.read(&key(SUB)), Purpose::EndEntity, bags, at(NOW))
    };
    let server = client().with(oid::EXTENDED_KEY_USAGE, false, purposes(&[oid::SERVER_AUTH]));
    assert!(told(server).is_ok());
    assert!(told(CertificateOctets::authority("sub", "subsub", &key(CLIENT))).is_err());
    assert_eq!(told(CertificateOctets::client("other", "client", &key(CLIENT))), Err(PathError::NoPath));
}

// RFC 7030 §4.1.3, RFC 5280 §6: the certificates of authorities that came along are validated like any other.
#[test]
fn an_authority_is_validated_by_what_came_with_it() {
    let read = |one: &CertificateOctets, signer| one.read(&key(signer));
    let (good, root) =
        (read(&sub(), ROOT), read(&CertificateOctets::authority("root", "root", &key(ROOT)), ROOT));
    let validate =
        |one: &Certificate, others: &[Certificate]| validate_authority(one, others, &[anchor()], at(NOW));
    assert_eq!(validate(&good, &[]), Ok(()));
    assert_eq!(validate(&root, core::slice::from_ref(&good)), Ok(()));
    assert_eq!(validate(&read(&sub(), 9), core::slice::from_ref(&root)), Err(PathError::NoPath), "forged");
    let stranger = CertificateOctets::authority("other", "other", &key(9));
    assert_eq!(validate(&read(&stranger, 9), &[root, good]), Err(PathError::NoPath), "another root");
    for useless in [sub().valid(-2, -1), CertificateOctets::client("root", "sub", &key(SUB))] {
        assert!(matches!(validate(&read(&useless, ROOT), &[]), Err(PathError::Usage { .. })));
    }
    assert_eq!(
        validate(&read(&sub(), ROOT), &vec![read(&sub(), ROOT); 17]),
        Err(PathError::TooManyCertificates { count: 17 })
    );
}

// RFC 9810 §4.4: a new root is believed by way of the link that the old one signed, and by nothing else.
#[test]
fn a_new_root_is_validated_by_the_link_that_the_old_one_signed() {
    const NEW: u16 = 7;
    let new_with_new = CertificateOctets::authority("new", "new", &key(NEW)).read(&key(NEW));
    let new_with_old = CertificateOctets::authority("root", "new", &key(NEW)).read(&key(ROOT));
    let old_with_new = CertificateOctets::authority("new", "root", &key(ROOT)).read(&key(NEW));
    let all = [new_with_new.clone(), new_with_old, old_with_new];
    for (place, one) in all.iter().enumerate() {
        let others: Vec<Certificate> =
            all.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, one)| one.clone()).collect();
        assert_eq!(validate_authority(one, &others, &[anchor()], at(NOW)), Ok(()), "{place}");
    }
    let alone = validate_authority(&new_with_new, &[], &[anchor()], at(NOW));
    assert_eq!(alone, Err(PathError::NoPath));
}
