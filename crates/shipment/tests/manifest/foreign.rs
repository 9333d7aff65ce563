//! A manifest for somebody else, or of somebody else.

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::tenant::TenantId;
use shipment::{CreateError, Draft, Expected, HeaderRefused, Recipient, Sender, SignedHeader, check};

use crate::forge::{Forgery, sign};
use crate::ground::{Ground, OwnSigner, Random, bare, certificate, days_later, with_key};

#[test]
fn a_manifest_for_another_certificate_or_another_operator_is_refused() {
    let ground = Ground::new("s1");
    let octets = ground.made(&[bare(1)]);
    let other = certificate(&ground.hierarchy, "hes-ka-s1");
    let stranger = TenantId::parse("other-dso").unwrap();
    let code = |tenant, certificate, key: &str| {
        with_key(&ground.key(key), |key| {
            let recipient = Recipient { tenant, certificate, key };
            check(octets.as_slice(), &ground.expected(), &recipient, &mut |_| {}).unwrap_err().code()
        })
    };
    assert_eq!(code(Some(&ground.tenant), &other, "hes-ka"), "shipment.other-recipient");
    assert_eq!(code(Some(&stranger), &ground.recipient, "ship-recipient"), "shipment.other-recipient");
    // The certificate of the right one, and the key of somebody else.
    assert_eq!(code(Some(&ground.tenant), &ground.recipient, "hes-ka"), "shipment.not-opened");
}

fn refused(ground: &Ground, expected: &Expected<'_>) -> &'static str {
    let octets = ground.made(&[bare(1)]);
    ground.as_recipient(|recipient| {
        check(octets.as_slice(), expected, recipient, &mut |_| panic!("nothing is shown")).unwrap_err().code()
    })
}

#[test]
fn a_manifest_of_another_manufacturer_is_refused() {
    let ground = Ground::new("s1");
    let other = TenantId::parse("other-maker").unwrap();
    let expected = Expected { manufacturer: &other, ..ground.expected() };
    assert_eq!(refused(&ground, &expected), "shipment.other-manufacturer");
    let expected = Expected { organization: Some("Other Meters"), ..ground.expected() };
    assert_eq!(refused(&ground, &expected), "shipment.other-manufacturer");
    let octets = ground.made(&[bare(1)]);
    let expected = Expected { organization: Some("Example Grid"), ..ground.expected() };
    let checked =
        ground.as_recipient(|recipient| check(octets.as_slice(), &expected, recipient, &mut |_| {}));
    assert!(checked.is_ok());
}

#[test]
fn a_signer_without_path_or_out_of_its_time_is_refused() {
    let ground = Ground::new("s1");
    let unknown = [TrustAnchor::from_certificate(&certificate(&ground.hierarchy, "root-30y-s1"))];
    for (expected, code) in [
        (Expected { anchors: &unknown, ..ground.expected() }, "shipment.signer-path"),
        (Expected { anchors: &[], ..ground.expected() }, "shipment.signer-path"),
        (Expected { now: days_later(3 * 365), ..ground.expected() }, "shipment.signer-expired"),
        (Expected { now: days_later(-1), ..ground.expected() }, "shipment.signer-expired"),
    ] {
        assert_eq!(refused(&ground, &expected), code);
    }
}

#[test]
fn a_manifest_signed_with_a_certificate_for_something_else_is_refused() {
    let ground = Ground::new("s1");
    let good = SignedHeader::from_der(ground.try_make(&[bare(1)]).unwrap().0.octets().to_vec()).unwrap();
    for profile in ["cmp-signer", "ocsp", "meter-factory-ds", "ship-recipient", "est-tls"] {
        let id = format!("{profile}-s1");
        let certificate = certificate(&ground.hierarchy, &id);
        let mut above: Vec<Certificate> =
            ground.hierarchy.path_above(&id).iter().map(|der| Certificate::from_der(der).unwrap()).collect();
        let anchors = [TrustAnchor::from_certificate(&above.pop().unwrap())];
        let signer = OwnSigner(ground.key(profile));
        let forged = sign(good.header(), (&certificate, &above), &signer);
        let read = SignedHeader::from_der(forged).unwrap();
        let refused = read.judge(&Expected { anchors: &anchors, ..ground.expected() }).unwrap_err();
        assert_eq!(refused.code(), "shipment.signer-usage", "{profile}: {refused}");
        // And nobody makes one.
        let spool = std::io::Cursor::new(Vec::new());
        let mut manifest = Draft::begin(ground.plan(), &ground.recipient, (spool, &Random)).unwrap();
        manifest.add(&bare(1)).unwrap();
        let sender = Sender { certificate: &certificate, above: &above, signer: &signer };
        let refused = manifest.finish(&sender, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, CreateError::Signer { .. }), "{profile}: {refused}");
    }
}

#[test]
fn a_manifest_is_not_sealed_for_a_certificate_for_something_else() {
    let ground = Ground::new("s1");
    for profile in ["ship-signer-s1", "meter-factory-ka-s1", "sub-infra-s1"] {
        let certificate = certificate(&ground.hierarchy, profile);
        let spool = std::io::Cursor::new(Vec::new());
        let refused = Draft::begin(ground.plan(), &certificate, (spool, &Random)).unwrap_err();
        assert_eq!(refused.code(), "shipment.recipient-usage", "{profile}");
    }
}

#[test]
fn nothing_is_made_with_certificates_that_are_out_of_their_time() {
    let ground = Ground::new("s1");
    for days in [-1, 3 * 365] {
        let plan = shipment::Plan { made_at: days_later(days), ..ground.plan() };
        let spool = std::io::Cursor::new(Vec::new());
        let refused = Draft::begin(plan, &ground.recipient, (spool, &Random)).unwrap_err();
        assert_eq!(refused.code(), "shipment.expired");
    }
}

#[test]
fn a_certificate_that_is_not_needed_is_refused() {
    let ground = Ground::new("s1");
    let (signed, _) = ground.try_make(&[bare(1)]).unwrap();
    let root = Certificate::from_der(ground.hierarchy.path_above("ship-signer-s1").last().unwrap()).unwrap();
    let above = [ground.above.clone(), vec![root]].concat();
    let signer = OwnSigner(ground.key("ship-signer"));
    let read = SignedHeader::from_der(sign(signed.header(), (&ground.signer, &above), &signer)).unwrap();
    assert_eq!(read.judge(&ground.expected()), Err(HeaderRefused::Superfluous));
}

#[test]
fn a_signature_of_somebody_else_over_the_header_is_refused() {
    let ground = Ground::new("s1");
    let forged = Forgery::of(&ground, &[bare(1)]).signed_by("log-signer");
    assert_eq!(ground.refusal(&forged), "shipment.signature");
}
