//! What every answer says beside what was asked for: its header, its certificates, and which fields it has and has not.

use std::collections::BTreeSet;

use ca_core::certificate::Certificate;
use ca_core::record::Verdict;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_response::{CertOrEncCert, CertRepMessage};
use cmp_messages::general::CA_CERTS;
use cmp_messages::header::{IMPLICIT_CONFIRM, InfoTypeAndValue};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::MacAlgorithm;
use cmp_messages::status::PkiStatus;
use der::asn1::{Any, Null};
use der::{Decode, Encode};

use crate::client::{Message, cert_conf, cr, ir, kur, octets, time};
use crate::csr::Csr;
use crate::doubles::journal::Step;
use crate::pki::{NOW, public_key};
use crate::polling::{asking_people, decide, poll};
use crate::revocation::rr;
use crate::world::{DEVICE, MESSAGES, OTHER, PATH, World, certificate, response, status_info};

fn p10cr(subject: &str, key: u8) -> PkiBody {
    PkiBody::P10cr(Any::from_der(&Csr::new(subject, key).der()).unwrap())
}

/// One answer of each type that is signed, each to a request that is granted, but for the last.
async fn signed_answers() -> Vec<(&'static str, PkiMessage)> {
    let world = World::new();
    let genm = PkiBody::Genm(vec![InfoTypeAndValue::empty(CA_CERTS)]);
    let mut answers = vec![("genp", world.ask(&world.by_station(genm)).await)];
    let factory = world.factory(DEVICE, 30);
    let (request, other) = (Message::signed(30, &factory, ir(DEVICE, 40)), world.factory(OTHER, 31));
    let (ip, first) = world.unconfirmed(&request).await;
    let pki_conf = world.ask(&request.after(&ip, cert_conf(&first))).await;
    let request = Message::signed(40, &first, kur(DEVICE, 41));
    let (kup, second) = world.unconfirmed(&request).await;
    world.ask(&request.after(&kup, cert_conf(&second))).await;
    let rp = world.ask(&Message::signed(41, &second, rr(&world, &second))).await;
    let cp = world.ask(&Message::signed(31, &other, cr(OTHER, 42))).await;
    let error = world.ask(&Message::signed(31, &other, PkiBody::PkiConf(Null))).await;
    answers.extend([("ip", ip), ("pkiConf", pki_conf), ("kup", kup), ("rp", rp), ("cp", cp)]);
    answers.push(("error", error));

    let world = asking_people();
    let request = world.cr();
    let waiting = world.ask(&request).await;
    let poll_rep = world.ask(&request.after(&waiting, poll())).await;
    decide(&world, Verdict::Approve);
    // RFC 9483 §4.4: it answers the request, and not the last poll.
    let last = request.after(&poll_rep, poll());
    let after = PkiMessage::decode(&world.exchange(PATH, last.der()).await).unwrap();
    answers.extend([("waiting", waiting), ("pollRep", poll_rep), ("cp after polling", after)]);
    answers
}

fn certificates(answer: &PkiMessage) -> Vec<Certificate> {
    answer.extra_certs().iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

// RFC 9483 §3.1: under a MAC, sender is a common name for the secret, and senderKID its reference. RFC 9483 §4.1.5: so it is in answers.
#[tokio::test]
async fn an_answer_under_a_mac_names_the_secret_as_its_sender() {
    let world = World::new();
    let request = world.ir();
    let (ip, issued) = world.unconfirmed(&request).await;
    let confirmed = world.ask(&request.after(&ip, cert_conf(&issued))).await;
    let mut salts = BTreeSet::new();
    for answer in [&ip, &confirmed] {
        let header = answer.header();
        assert_eq!(header.sender, GeneralName::common_name("reference").unwrap());
        assert_eq!(header.sender_kid, Some(octets(b"reference")));
        let algorithm = header.protection_alg.as_ref().unwrap();
        assert!(MacAlgorithm::is_mac(algorithm));
        salts.insert(algorithm.to_der().unwrap());
    }
    assert_eq!(salts.len(), 2, "each has a salt of its own");
}

// RFC 9483 §3.1: messageTime is when the message was made.
#[tokio::test]
async fn every_answer_has_the_time_when_it_was_made() {
    let world = World::new();
    let ask = |world: &World| {
        world
            .by_station(PkiBody::Genm(vec![InfoTypeAndValue::empty(CA_CERTS)]))
            .with(|header| header.message_time = None)
            .der()
    };
    for seconds in [0, 7, 600] {
        world.pass(seconds);
        let now = ca_core::ports::Clock::now(&*world.clock);
        let answer = PkiMessage::decode(&world.exchange(PATH, ask(&world)).await).unwrap();
        assert_eq!(answer.header().message_time, Some(time(now.seconds())));
    }
    for (kind, answer) in signed_answers().await {
        assert_eq!(answer.header().message_time, Some(time(NOW.seconds())), "{kind}");
    }
}

// RFC 9483 §3.1: senderNonce is 128 fresh random bits.
#[tokio::test]
async fn every_answer_has_a_nonce_of_sixteen_octets_that_no_other_has() {
    let world = World::new();
    let genm = || PkiBody::Genm(vec![InfoTypeAndValue::empty(CA_CERTS)]);
    let mut nonces = BTreeSet::new();
    for count in 1..=20 {
        let body = if count % 2 == 0 { genm() } else { PkiBody::PkiConf(Null) };
        let drawn = world.journal.count(&Step::Fill);
        let answer = world.ask(&world.by_station(body)).await;
        assert_eq!(world.journal.count(&Step::Fill), drawn + 1);
        let nonce = answer.header().sender_nonce.clone().unwrap();
        assert_eq!(nonce.as_bytes().len(), 16);
        nonces.insert(nonce.into_bytes());
        assert_eq!(nonces.len(), count);
    }
    for (kind, answer) in signed_answers().await {
        assert_eq!(
            answer.header().sender_nonce.as_ref().map(|nonce| nonce.as_bytes().len()),
            Some(16),
            "{kind}"
        );
    }
}

// RFC 9483 §1.8: what the profile does not speak of is not sent.
#[tokio::test]
async fn no_answer_has_a_field_that_the_profile_does_not_speak_of() {
    for (kind, answer) in signed_answers().await {
        let header = answer.header();
        assert_eq!((&header.recip_kid, &header.free_text), (&None, &None), "{kind}");
        if let Some(CertRepMessage { response, .. }) = response(&answer) {
            assert_eq!(response[0].rsp_info, None, "{kind}");
            let pair = response[0].certified_key_pair.as_ref();
            assert!(pair.is_none_or(|pair| pair.publication_info.is_none()), "{kind}");
        }
        if let PkiBody::Rp(content) = answer.body() {
            assert_eq!((&content.rev_certs, &content.crls), (&None, &None));
        }
        let info = header.general_info.as_deref().unwrap_or_default();
        let spoken = ["1.3.6.1.5.5.7.4.13", "1.3.6.1.5.5.7.4.14"];
        assert!(
            info.iter().all(|one| spoken.contains(&one.info_type.to_string().as_str())),
            "{kind}: {info:?}"
        );
        assert!(info.is_empty() || response(&answer).is_some(), "{kind}: {info:?}");
    }
}

// RFC 9483 §3.1: implicitConfirm has the value NULL.
#[tokio::test]
async fn implicit_confirmation_is_asked_for_and_granted_by_null() {
    let world = World::new();
    let asked = InfoTypeAndValue::implicit_confirm().unwrap();
    let message = world.cr().with(|header| header.general_info = Some(vec![asked]));
    let answer = world.ask(&message).await;
    let null = Any::encode_from(&Null).unwrap();
    let expected = InfoTypeAndValue { info_type: IMPLICIT_CONFIRM, info_value: Some(null) };
    assert_eq!(answer.header().general_info, Some(vec![expected]));
}

// RFC 9483 §3.3: extraCerts has the certificate that signs first and its chain after it, each certified by the next; self-signed
// ones are left out. RFC 9483 §3.6.4, §4.1.1, §4.4: errors, pkiConf and pollRep have it too.
#[tokio::test]
async fn every_signed_answer_has_its_signer_first_and_the_chain_after_it() {
    let world = World::new();
    for (kind, answer) in signed_answers().await {
        let all = certificates(&answer);
        assert_eq!(*all[0].public_key(), public_key(MESSAGES), "{kind}");
        assert_eq!(
            Some(octets(&all[0].subject_key_identifier().unwrap())),
            answer.header().sender_kid,
            "{kind}"
        );
        assert_eq!(all[1], *world.pki.infrastructure.certificate(), "{kind}");
        all[1].public_key().verify(all[0].tbs(), all[0].signature()).unwrap();
        assert!(all.iter().all(|one| one.issuer() != one.subject()), "{kind}: no root");
        let distinct: BTreeSet<&[u8]> = all.iter().map(Certificate::der).collect();
        assert_eq!(distinct.len(), all.len(), "{kind}: none comes twice");
    }
}

// RFC 9483 §3.3, §4.1.1, §4.4: ip, cp and kup have the chain of the new certificate, also after polling and under a MAC.
#[tokio::test]
async fn an_answer_with_a_certificate_has_the_chain_of_it() {
    let world = World::new();
    let under_mac = world.ask(&world.ir()).await;
    let own = world.pki.operational.certificate();
    assert_eq!(certificates(&under_mac), std::slice::from_ref(own), "under a MAC nobody signs");
    for (kind, answer) in signed_answers().await.into_iter().chain([("ip under a MAC", under_mac)]) {
        let has_one = matches!(kind, "ip" | "cp" | "kup" | "cp after polling" | "ip under a MAC");
        assert_eq!(certificates(&answer).contains(own), has_one, "{kind}");
        if has_one {
            let new = Certificate::from_der(&certificate(&answer)).unwrap();
            own.public_key().verify(new.tbs(), new.signature()).unwrap();
        }
    }
}

// RFC 9483 §3.6.2: what is wrong with ir, cr, p10cr, kur and rr is told in ip, cp, kup and rp. RFC 9483 §4.1.1: a refused ir is answered
// by an ip with a rejection and no certificate.
#[tokio::test]
async fn what_is_refused_is_told_in_the_response_to_it() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    // For somebody else, or what there is nothing of.
    let by = |body| Message::signed(40, &enrolled, body);
    let mut of_nobody = by(rr(&world, &enrolled));
    let PkiBody::Rr(details) = &mut of_nobody.body else { panic!("an rr") };
    details[0].cert_details.serial_number = None;
    let ir = Message::signed(30, &world.factory(DEVICE, 30), ir(OTHER, 41));
    for (kind, message) in [
        ("ip", ir),
        ("cp", by(cr(OTHER, 41))),
        ("cp 10", by(p10cr(OTHER, 41))),
        ("kup", by(kur(OTHER, 41))),
        ("rp", of_nobody),
    ] {
        let answer = world.ask(&message).await;
        assert_eq!(status_info(&answer).status(), Some(PkiStatus::Rejection), "{kind}");
        assert_eq!(status_info(&answer).failures().len(), 1, "{kind}");
        let number = match (kind, answer.body()) {
            ("ip", PkiBody::Ip(one)) | ("cp" | "cp 10", PkiBody::Cp(one)) | ("kup", PkiBody::Kup(one)) => {
                assert_eq!((one.response.len(), &one.ca_pubs), (1, &None));
                assert!(one.response[0].certified_key_pair.is_none(), "{kind}: no certificate");
                one.response[0].cert_req_id
            }
            ("rp", PkiBody::Rp(one)) => i64::try_from(one.status.len()).unwrap() - 1,
            (kind, other) => panic!("{kind}: {other:?}"),
        };
        assert_eq!(number, if kind == "cp 10" { -1 } else { 0 }, "{kind}");
    }
}

// RFC 9483 §4.1.1, §4.2: accepted has no failInfo, and a certificate no private key; RFC 9483 §4.1.1: waiting has no certificate.
#[tokio::test]
async fn what_is_granted_has_no_fault_and_no_private_key() {
    for (kind, answer) in signed_answers().await {
        let is_response = response(&answer).is_some() || kind == "rp";
        if !is_response {
            continue;
        }
        let told = status_info(&answer);
        let expected = if kind == "waiting" { PkiStatus::Waiting } else { PkiStatus::Accepted };
        assert_eq!(
            (told.status(), told.fail_info.as_ref(), told.failures().len()),
            (Some(expected), None, 0),
            "{kind}"
        );
        let Some(CertRepMessage { response, .. }) = response(&answer) else { continue };
        let pair = response[0].certified_key_pair.as_ref();
        assert_eq!(pair.is_none(), kind == "waiting", "{kind}");
        if let Some(pair) = pair {
            assert!(matches!(pair.cert_or_enc_cert, CertOrEncCert::Certificate(_)), "{kind}");
            assert_eq!(pair.private_key, None, "{kind}");
        }
    }
}

// RFC 9483 §4.1.2, §4.1.3: cp and kup have no caPubs. RFC 9483 §4.1.5: ip has them where a MAC vouches for them, and there alone.
#[tokio::test]
async fn trust_anchors_come_in_an_ip_under_a_mac_and_nowhere_else() {
    let world = World::new();
    let anchors = |answer: &PkiMessage| response(answer).and_then(|one| one.ca_pubs.clone());
    let root = Any::from_der(world.pki.root.certificate().der()).unwrap();
    assert_eq!(anchors(&world.ask(&world.ir()).await), Some(vec![root]));
    for (kind, answer) in signed_answers().await {
        assert_eq!(anchors(&answer), None, "{kind}");
    }
    let world = World::new();
    let under_mac = Message { body: cr(DEVICE, 40), ..world.ir() };
    assert_eq!(anchors(&world.ask(&under_mac).await), None, "cp");
    let world = World::new();
    let under_mac = Message { body: p10cr(DEVICE, 40), ..world.ir() };
    assert_eq!(anchors(&world.ask(&under_mac).await), None, "cp to p10cr");
}
