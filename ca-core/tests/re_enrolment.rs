//! Re-enrolment (RFC 7030 §4.2.2): the same subject, the same profile, a certificate of ours; with a new key or, where the
//! profile allows it, with the old one.

use ca_core::actor::Presented;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::oid;
use ca_core::record::{CertificateId, CertificateStatus};
use ca_core::registration::Door;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::serial_number::SerialNumber;
use ca_core::subject::AlternativeName;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, NOW, at};
use crate::octets::{alternative_names, dns, extension};
use crate::profiles;
use crate::request_octets::RequestOctets;
use crate::scenarios::{by_station, renewal};
use crate::world::{World, dso, leave_open, tenant, title};

fn again(renewed: Option<Presented>) -> EnrolmentKind {
    EnrolmentKind::ReEnrolment { renewed: renewed.map(Box::new), former: None }
}

fn refuses(world: &World, request: EnrolmentRequest, code: &str) {
    world.ledger.forget_events();
    let rows = world.ledger.statuses().len();
    world.assert_refused(world.authority.enrol(request), code, rows);
}

#[test]
fn a_device_replaces_its_certificate_and_both_are_good_until_the_old_one_ends() {
    for shown_apart in [true, false] {
        let world = World::new();
        let mut request = renewal(&world, "op-ds");
        if !shown_apart {
            request.kind = again(None);
        }
        let old = request.actor.identity.presented().unwrap().id();
        let new = world.authority.enrol(request).unwrap();
        assert_ne!(new.id(), &old);
        assert_eq!(world.ledger.row(&old).status, CertificateStatus::Good);
        // The slot is the new one's: a third certificate for the first time is refused for its sake.
        let third = world.authority.enrol(world.by_operator("op-ds", 1, 9)).unwrap_err();
        assert!(third.to_string().contains(&new.id().serial.to_string()), "{third}");
    }
}

// E-07; RFC 7030 §4.2.2: subject and subjectAltName are those of the certificate being renewed.
#[test]
fn e_07_names_that_differ_from_the_old_certificate_are_refused() {
    let host = |name: &str| AlternativeName::Dns(name.to_owned());
    let old = vec![host("a.example.org"), host("b.example.org")];
    for (names, same) in [
        (old.clone(), true),
        (vec![], false),
        (vec![host("a.example.org")], false),
        (vec![host("a.example.org"), host("b.example.org"), host("c.example.org")], false),
        (vec![host("b.example.org"), host("a.example.org")], false),
        (vec![host("a.example.org"), host("x.example.org")], false),
    ] {
        let world = World::new();
        world.ledger.expect(&title(1), &dso(), None);
        let named = |key, names: &[AlternativeName]| {
            let general: Vec<_> = names.iter().map(|name| dns(&name.to_string())).collect();
            let octets = RequestOctets::of_device(&world.key(key), &title(1));
            let octets = if names.is_empty() {
                octets
            } else {
                octets.asking(&[extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&general))])
            };
            let mut request = world.by_operator("op-tls", 1, key);
            request.subject.alternative_names = names.to_vec();
            EnrolmentRequest { evidence: Evidence::Request(Box::new(octets.read())), ..request }
        };
        let issued = world.authority.enrol(named(1, &old)).unwrap();
        let shown = Presented {
            above: Vec::new(),
            certificate: Certificate::from_der(issued.der()).unwrap(),
            issuer: world.issuer().key(),
            anchor: world.issuer().key(),
        };
        let request = EnrolmentRequest {
            actor: World::device(1, shown.clone()),
            kind: again(Some(shown)),
            ..named(2, &names)
        };
        if same {
            assert!(world.authority.enrol(request).is_ok());
        } else {
            refuses(&world, request, "subject.changed");
        }
    }
}

// E-07: another device's certificate is not renewed, even by a device that asks for itself.
#[test]
fn e_07_a_device_does_not_renew_what_is_another_devices() {
    let world = World::new();
    let request = renewal(&world, "op-ds");
    let other = world.credential("op-ds", 2, 20);
    refuses(&world, EnrolmentRequest { kind: again(Some(other)), ..request }, "profile.other");
}

// E-08: a certificate of another profile, or of another PKI of the same owner, opens no re-enrolment.
#[test]
fn e_08_a_certificate_of_another_profile_or_hierarchy_opens_no_re_enrolment() {
    for (held, wanted) in [
        ("hhu-ds", "op-ds"),
        ("factory-ds", "op-ds"),
        ("op-ds", "hhu-ds"),
        ("op-ds", "factory-ds"),
        ("op-ds", "op-tls"),
        ("op-tls", "op-ds"),
    ] {
        let world = World::new();
        world.ledger.expect(&title(1), &dso(), None);
        let shown = world.credential(held, 1, 2);
        for kind in [again(None), again(Some(shown.clone()))] {
            let actor = World::device(1, shown.clone());
            let request = EnrolmentRequest { actor, kind, ..world.by_operator(wanted, 1, 3) };
            refuses(&world, request, "profile.other");
        }
    }
}

// E-08: nor does it open a first enrolment into another hierarchy; for another purpose in its own it does.
#[test]
fn e_08_a_certificate_opens_further_purposes_of_its_own_hierarchy_only() {
    for (held, wanted, open) in [
        ("hhu-ds", "op-ka", false),
        ("factory-ds", "op-ka", false),
        ("op-ds", "hhu-ds", false),
        ("op-ds", "factory-ds", false),
        ("op-ds", "op-ka", true),
        ("op-tls", "op-ka", true),
    ] {
        let world = World::new();
        world.ledger.expect(&title(1), &dso(), None);
        let actor = World::device(1, world.credential(held, 1, 2));
        let request = EnrolmentRequest { actor, ..world.by_operator(wanted, 1, 3) };
        if open {
            assert!(world.authority.enrol(request).is_ok(), "{held} for {wanted}");
        } else {
            refuses(&world, request, "profile.other");
        }
    }
}

// M-05: what the ledger keeps for another owner is not a certificate of this one.
#[test]
fn m_05_a_certificate_of_another_owner_opens_and_renews_nothing() {
    let world = World::new();
    let request = renewal(&world, "op-ds");
    let shown = request.actor.identity.presented().unwrap().id();
    world.ledger.change(&shown, |row| row.tenant = tenant("other"));
    refuses(&world, request.clone(), "profile.other");
    // Shown beside a good one of this owner, it is not renewed either.
    let actor = World::device(1, world.credential("op-tls", 1, 7));
    refuses(&world, EnrolmentRequest { actor, ..request }, "profile.other");
}

// RFC 7030 §3.3.2: a key-agreement key authenticates nothing, so its certificate is renewed by showing another.
#[test]
fn a_device_renews_its_key_agreement_certificate_by_its_signature_certificate() {
    let world = World::new();
    let asked = renewal(&world, "op-ds");
    let before = EnrolmentRequest { kind: again(None), ..world.by_operator("op-ka", 1, 30) };
    let before = EnrolmentRequest { actor: asked.actor.clone(), ..before };
    refuses(&world, before, "profile.other");
    world.credential("op-ka", 1, 31);
    let same_key = world.key(31);
    let octets = RequestOctets::of_device(&same_key, &title(1));
    let signed_anew = octets.with_signature(&same_key.sign(&octets.info(), 1).to_der().unwrap());
    let csr = CertificationRequest::from_der(&signed_anew).unwrap();
    let renewal = EnrolmentRequest { profile: profiles::id("op-ka"), ..asked };
    let kept = EnrolmentRequest { evidence: Evidence::Request(Box::new(csr)), ..renewal.clone() };
    refuses(&world, kept, "key.reuse");
    assert!(world.authority.enrol(renewal).is_ok());
}

/// A hand-held unit had a certificate for every shift of a year: the one before is found among hundreds.
#[test]
fn e_09_the_certificate_in_the_slot_is_found_among_three_hundred() {
    let world = World::new();
    let asked = renewal(&world, "op-ds");
    let first = asked.actor.identity.presented().unwrap().id();
    for number in 0..300_u16 {
        let serial = [&[0x20, 0x01], number.to_be_bytes().as_slice()].concat();
        let id = CertificateId { issuer: first.issuer, serial: SerialNumber::from_octets(&serial).unwrap() };
        let (old_key, time) = ([1; 32], at(NOW - 400 * DAY + i64::from(number)));
        world.ledger.copy(&first, id, |row| (row.key_fingerprint, row.recorded_at) = (old_key, time));
    }
    let last = CertificateId { issuer: first.issuer, serial: SerialNumber::from_octets(&[0x7F]).unwrap() };
    let key = world.key(3).public_key().fingerprint();
    world.ledger.copy(&first, last, |row| (row.key_fingerprint, row.recorded_at) = (key, at(NOW + 1_000)));
    refuses(&world, asked, "key.reuse");
}

// E-09: where the profile wants a new key, the old one is refused.
#[test]
fn e_09_renewal_with_the_old_key_is_for_profiles_that_allow_it() {
    for (profile, code) in [("op-ds", Some("key.reuse")), ("op-tls", None)] {
        let world = World::new();
        let request = renewal(&world, profile);
        let old_key = RequestOctets::of_device(&world.key(2), &title(1));
        // Another signature, so that it is another request than the first.
        let octets = old_key.with_signature(&world.key(2).sign(&old_key.info(), 7).to_der().unwrap());
        let csr = CertificationRequest::from_der(&octets).unwrap();
        let request = EnrolmentRequest { evidence: Evidence::Request(Box::new(csr)), ..request };
        match code {
            Some(code) => refuses(&world, request, code),
            None => assert!(world.authority.enrol(request).is_ok()),
        }
    }
}

#[test]
fn a_station_renews_for_a_device_without_showing_its_certificate() {
    let world = World::new();
    world.credential("op-ds", 1, 2);
    let request = by_station(&world);
    refuses(&world, request.clone(), "slot.taken");
    assert!(world.authority.enrol(EnrolmentRequest { kind: again(None), ..request }).is_ok());
}

#[test]
fn a_device_that_left_the_list_renews_nothing() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        leave_open(charter, "op-ds", &[Door::OperationalCertificate, Door::Operator]);
    });
    let request = renewal(&world, "op-ds");
    world.ledger.expect(&title(1), &tenant("other"), None);
    refuses(&world, request, "device.not-expected");
}
