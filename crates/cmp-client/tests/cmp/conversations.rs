//! Conversations that come to what was asked for, or to a no.

use std::sync::Arc;

use ca_core::reason::ReasonCode;
use cmp_client::{
    CmpClient, CmpError, Conversation, Information, Issued, MacFamily, Operation, Outcome, Question, Request,
    Revocation, RevocationChange, Step,
};
use cmp_messages::body::PkiBody;
use cmp_messages::confirmation::CertStatus;
use cmp_messages::error_message::ErrorMsgContent;
use cmp_messages::general::{CA_CERTS, ROOT_CA_KEY_UPDATE, RootCaKeyUpdate};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::message::PkiMessage;
use cmp_messages::polling::PollRep;
use cmp_messages::revocation::RevRepContent;
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use der::Decode;
use der::asn1::{Any, Null};
use rcgen::KeyUsagePurpose;

use crate::peer::{Seal, answer, granted, implicitly, said, shared};
use crate::pki::{Entity, Pki};

/// Begins with ir for the new key.
pub(crate) fn begin(client: CmpClient, pki: &Pki) -> Conversation {
    Arc::new(client).begin(&Question::Initialization(request(pki, &pki.new.name()))).unwrap()
}

fn request<'a>(pki: &'a Pki, subject: &'a ca_core::distinguished_name::DistinguishedName) -> Request<'a> {
    let key = Box::leak(Box::new(pki.new.key.public().key_ref()));
    Request { subject, extensions: &[], key, signer: &*pki.new.key }
}

pub(crate) const fn signed(pki: &Pki) -> Seal<'_> {
    Seal::Signature(&pki.spokesman, &pki.sub)
}

#[track_caller]
fn issued(step: Result<Step, CmpError>) -> Issued {
    match step {
        Ok(Step::Done(Outcome::Issued(issued))) => issued,
        other => panic!("{other:?}"),
    }
}

fn body(conversation: &Conversation) -> PkiBody {
    PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap().body().clone()
}

fn confirmation(conversation: &Conversation) -> CertStatus {
    let PkiBody::CertConf(statuses) = body(conversation) else { panic!("no certConf") };
    let [status] = <[CertStatus; 1]>::try_from(statuses).unwrap();
    status
}

fn pki_conf(seal: Seal<'_>, conversation: &Conversation) -> Vec<u8> {
    answer(seal, &conversation.outgoing().unwrap(), PkiBody::PkiConf(Null), |_| {})
}

// RFC 9483 §4.1.1, §3.1: one CertReqMsg, certReqId 0, implicitConfirm asked for, 128 random bits, no recipNonce.
#[test]
fn an_ir_says_what_the_profile_wants() {
    let pki = Pki::new();
    let conversation = begin(pki.signing(), &pki);
    let message = PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap();
    let header = message.header();
    assert_eq!((header.pvno, header.recip_nonce.is_some(), header.implicit_confirm()), (2, false, true));
    assert_eq!(header.transaction_id.as_ref().unwrap().as_bytes().len(), 16);
    assert_eq!(header.sender_nonce.as_ref().unwrap().as_bytes().len(), 16);
    assert_eq!(header.sender.as_directory().unwrap(), pki.gateway.name());
    assert_eq!(header.recipient.as_directory().unwrap(), pki.sub.name());
    let kid = header.sender_kid.as_ref().map(|kid| kid.as_bytes().to_vec());
    assert_eq!(kid, pki.gateway.certificate().subject_key_identifier());
    assert_eq!(message.extra_certs(), [pki.gateway.der.clone(), pki.sub.der]);
    let PkiBody::Ir(requests) = message.body() else { panic!("no ir") };
    let [request] = requests.as_slice() else { panic!("another number than one") };
    assert_eq!(request.request().unwrap().cert_req_id, 0);
    assert_eq!(conversation.operation(), Some(Operation::Initialization));
}

// RFC 9483 §4.1.1: where implicitConfirm is granted, no certConf is sent.
#[test]
fn a_certificate_that_needs_no_confirmation_ends_the_conversation() {
    let pki = Pki::new();
    let mut conversation = begin(pki.signing(), &pki);
    let body = PkiBody::Ip(granted(&pki.new, &[&pki.root]));
    let came = issued(conversation.answered(&answer(
        signed(&pki),
        &conversation.outgoing().unwrap(),
        body,
        implicitly,
    )));
    assert_eq!((came.certificate, came.chain), (pki.new.der.clone(), vec![pki.sub.der]));
    assert!(came.roots.is_empty(), "roots of a signed answer are taken only by option");
}

// RFC 9483 §4.1.1: confirmation MUST be performed where it is not granted to leave it out, or was not asked to be.
#[test]
fn a_certificate_is_confirmed_where_the_authority_or_the_client_wants_that() {
    let pki = Pki::new();
    for confirms in [false, true] {
        let mut conversation = begin(CmpClient { confirms, ..pki.signing() }, &pki);
        let first = PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap();
        assert_eq!(first.header().implicit_confirm(), !confirms);
        let body = PkiBody::Ip(granted(&pki.new, &[]));
        let granted = answer(signed(&pki), &conversation.outgoing().unwrap(), body, |header| {
            if confirms {
                implicitly(header);
            }
        });
        assert!(matches!(conversation.answered(&granted), Ok(Step::Send)));
        let status = confirmation(&conversation);
        assert_eq!((status.cert_req_id, status.hash_alg.is_some()), (0, false));
        assert_eq!(status.cert_hash.as_bytes().len(), 32);
        let second = PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap();
        assert_eq!(second.header().transaction_id, first.header().transaction_id);
        assert_eq!(second.header().recip_nonce.as_ref().unwrap().as_bytes(), [0xEE; 16]);
        assert_ne!(second.header().sender_nonce, first.header().sender_nonce);
        assert_eq!(second.header().recipient.as_directory().unwrap(), pki.spokesman.name());
        assert_eq!(
            issued(conversation.answered(&pki_conf(signed(&pki), &conversation))).certificate,
            pki.new.der
        );
    }
}

// RFC 9483 §4.1.5: all messages by MAC, the name in sender and senderKID, the same parameters; no protecting certificates.
#[test]
fn a_shared_secret_protects_the_whole_conversation_and_vouches_for_the_root() {
    let pki = Pki::new();
    for family in [MacFamily::Pbmac1, MacFamily::PasswordBasedMac] {
        let mut conversation = begin(pki.sharing(family), &pki);
        let first = PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap();
        let kid = first.header().sender_kid.as_ref().unwrap().as_bytes();
        let sender = first.header().sender.as_directory().unwrap();
        assert_eq!(sender.common_name().map(str::as_bytes), Some(kid));
        assert!(first.extra_certs().is_empty());
        let body = PkiBody::Ip(granted(&pki.new, &[&pki.root]));
        let ip = answer(shared(), &conversation.outgoing().unwrap(), body, |_| {});
        // The chain did not come along, so nobody vouches for the certificate.
        assert!(matches!(conversation.clone().answered(&ip), Ok(Step::Send)));
        let with_chain = PkiMessage::decode(&ip).unwrap().with_certificates(vec![pki.sub.der.clone()]);
        assert!(matches!(conversation.answered(&with_chain.encode().unwrap()), Ok(Step::Send)));
        let second = PkiMessage::decode(&conversation.outgoing().unwrap()).unwrap();
        assert_eq!(second.header().protection_alg, first.header().protection_alg);
        let came = issued(conversation.answered(&pki_conf(shared(), &conversation)));
        assert_eq!((came.roots, came.chain), (vec![pki.root.der.clone()], vec![pki.sub.der.clone()]));
    }
}

// RFC 9483 §3.6.1: a certificate that is not accepted is refused by certConf; nothing is sent where confirmation was left out.
#[test]
fn a_certificate_for_another_key_is_refused_and_the_authority_is_told() {
    let pki = Pki::new();
    let body = || PkiBody::Ip(granted(&pki.gateway, &[]));
    let mut conversation = begin(pki.signing(), &pki);
    let ip = answer(signed(&pki), &conversation.outgoing().unwrap(), body(), |_| {});
    assert!(matches!(conversation.answered(&ip), Ok(Step::Send)));
    assert_eq!(confirmation(&conversation).status_info.unwrap().status(), Some(PkiStatus::Rejection));
    let over = conversation.answered(&pki_conf(signed(&pki), &conversation));
    assert!(matches!(over, Err(CmpError::Certificate(why)) if why.contains("another key")));

    let mut conversation = begin(pki.signing(), &pki);
    let ip = answer(signed(&pki), &conversation.outgoing().unwrap(), body(), implicitly);
    assert!(matches!(conversation.answered(&ip), Err(CmpError::Certificate(_))));
}

#[test]
fn a_certificate_that_no_trusted_root_vouches_for_is_refused() {
    let pki = Pki::new();
    let foreign = Entity::root("root");
    let stranger = pki.new.again(&foreign);
    let mut conversation = begin(pki.signing(), &pki);
    let body = PkiBody::Ip(granted(&stranger, &[&foreign]));
    let ip = answer(signed(&pki), &conversation.outgoing().unwrap(), body, implicitly);
    assert!(matches!(conversation.answered(&ip), Err(CmpError::Certificate(why)) if why.contains("vouches")));
}

// RFC 9483 §3.6.4: PKIStatus, failInfo and statusString are told.
#[test]
fn a_refusal_is_told_with_its_status_failures_and_text() {
    let pki = Pki::new();
    let status = PkiStatusInfo::rejection(PkiFailureInfo::BadPop, "no proof".to_owned()).unwrap();
    let error = ErrorMsgContent { pki_status_info: status.clone(), error_code: None, error_details: None };
    for body in [PkiBody::Ip(said(0, status, None)), PkiBody::Error(error)] {
        let mut conversation = begin(pki.signing(), &pki);
        let no = answer(signed(&pki), &conversation.outgoing().unwrap(), body, |_| {});
        let refused = conversation.answered(&no).unwrap_err();
        assert_eq!(refused.to_string(), "the authority refused: rejection, badPOP: no proof");
        assert!(matches!(refused, CmpError::Refused(refusal) if refusal.is_proven));
    }
}

// RFC 9483 §4.4: pollReq at once, then after checkAfter; the recipNonce of the final answer is the senderNonce of the request.
#[test]
fn whoever_waits_polls_and_goes_on_in_another_process() {
    let pki = Pki::new();
    let client = Arc::new(pki.signing());
    let mut conversation = begin(pki.signing(), &pki);
    let asked = conversation.outgoing().unwrap();
    let waiting = said(0, PkiStatusInfo::plain(PkiStatus::Waiting), None);
    let ip = answer(signed(&pki), &asked, PkiBody::Ip(waiting), |_| {});
    assert!(matches!(conversation.answered(&ip), Ok(Step::Send)));
    for _ in 0..2 {
        let PkiBody::PollReq(polls) = body(&conversation) else { panic!("no poll") };
        assert_eq!(polls[0].cert_req_id, 0);
        let later = PollRep { cert_req_id: 0, check_after: 7, reason: Some(vec!["asleep".to_owned()]) };
        let rep =
            answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::PollRep(vec![later]), |_| {});
        let step = conversation.answered(&rep);
        assert!(matches!(step, Ok(Step::Wait { seconds: 7, reason: Some(why) }) if why == "asleep"));
    }
    let foreign = PollRep { cert_req_id: 5, check_after: 7, reason: None };
    let rep =
        answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::PollRep(vec![foreign]), |_| {});
    assert!(matches!(conversation.clone().answered(&rep), Err(CmpError::Answer(_))));
    let kept = conversation.kept().unwrap();
    let mut resumed = client.resume(&kept).unwrap();
    assert_eq!(resumed.outgoing().unwrap(), conversation.outgoing().unwrap(), "octet for octet");
    let nonce = PkiMessage::decode(&asked).unwrap().header().sender_nonce.clone();
    let last =
        answer(signed(&pki), &resumed.outgoing().unwrap(), PkiBody::Ip(granted(&pki.new, &[])), |header| {
            header.recip_nonce = nonce;
            implicitly(header);
        });
    assert_eq!(issued(resumed.answered(&last)).certificate, pki.new.der);
    assert!(matches!(client.resume(&kept[1..]), Err(CmpError::NotKept)));
}

// RFC 9483 §4.4: what is no request for a certificate waits by an error message, and polls for the whole message, -1.
#[test]
fn a_revocation_waits_by_an_error_message() {
    let pki = Pki::new();
    let mut conversation = revocation(&pki);
    let waiting = ErrorMsgContent {
        pki_status_info: PkiStatusInfo::plain(PkiStatus::Waiting),
        error_code: None,
        error_details: None,
    };
    let error =
        answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::Error(waiting.clone()), |_| {});
    assert!(matches!(conversation.answered(&error), Ok(Step::Send)));
    let PkiBody::PollReq(polls) = body(&conversation) else { panic!("no poll") };
    assert_eq!(polls[0].cert_req_id, -1);
    let again = answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::Error(waiting), |_| {});
    assert!(
        matches!(conversation.answered(&again), Err(CmpError::Answer(_))),
        "a poll is answered by pollRep"
    );
}

fn revocation(pki: &Pki) -> Conversation {
    changing(pki, RevocationChange::Revoke(ReasonCode::KeyCompromise))
}

fn changing(pki: &Pki, change: RevocationChange) -> Conversation {
    let held = pki.gateway.certificate();
    let revocation = Revocation { issuer: held.issuer(), serial: held.serial(), change };
    Arc::new(pki.signing()).begin(&Question::Revocation(revocation)).unwrap()
}

// RFC 9483 §4.2: one status; a CA that signs by its own key speaks for what it issued.
#[test]
fn a_revocation_is_done_when_who_issued_or_its_spokesman_says_so() {
    let pki = Pki::new();
    let signing = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let (own, other) = (pki.root.authority("sub", &signing), pki.root.authority("other", &signing));
    let rp = |status| PkiBody::Rp(RevRepContent { status: vec![status], rev_certs: None, crls: None });
    for (signer, above, done) in
        [(&pki.spokesman, &pki.sub, true), (&own, &pki.root, true), (&other, &pki.root, false)]
    {
        let mut conversation = revocation(&pki);
        let yes = rp(PkiStatusInfo::plain(PkiStatus::Accepted));
        let seal = Seal::Signature(signer, above);
        let step = conversation.answered(&answer(seal, &conversation.outgoing().unwrap(), yes, |_| {}));
        assert_eq!(matches!(step, Ok(Step::Done(Outcome::Revoked))), done, "{step:?}");
    }
    let mut conversation = revocation(&pki);
    let no = rp(PkiStatusInfo::rejection(PkiFailureInfo::NotAuthorized, "not by you".to_owned()).unwrap());
    let no = answer(signed(&pki), &conversation.outgoing().unwrap(), no, |_| {});
    assert!(matches!(conversation.answered(&no), Err(CmpError::Refused(_))));
}

// RFC 9483 §3.6.4: certRevoked says that the certificate is revoked already. Whoever asks again since an answer was lost has what
// he wanted, if who may say so says it; whoever wanted it off hold has not.
#[test]
fn a_certificate_that_was_revoked_before_is_revoked() {
    let pki = Pki::new();
    let other =
        pki.root.authority("other", &[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature]);
    let before = |change, seal: Seal<'_>| {
        let mut conversation = changing(&pki, change);
        let status = PkiStatusInfo::rejection(PkiFailureInfo::CertRevoked, "done before".to_owned()).unwrap();
        let rp = PkiBody::Rp(RevRepContent { status: vec![status], rev_certs: None, crls: None });
        conversation.answered(&answer(seal, &conversation.outgoing().unwrap(), rp, |_| {}))
    };
    for reason in [ReasonCode::Unspecified, ReasonCode::KeyCompromise, ReasonCode::CertificateHold] {
        let step = before(RevocationChange::Revoke(reason), signed(&pki));
        assert!(matches!(step, Ok(Step::Done(Outcome::RevokedBefore))), "{step:?}");
    }
    let by_other =
        before(RevocationChange::Revoke(ReasonCode::Superseded), Seal::Signature(&other, &pki.root));
    assert!(matches!(by_other, Err(CmpError::Unproven(_))), "{by_other:?}");
    let off_hold = before(RevocationChange::TakeOffHold, signed(&pki));
    assert!(matches!(off_hold, Err(CmpError::Refused(_))), "{off_hold:?}");
}

// RFC 9483 §4.1.3, §4.2: an update and a revocation MUST be signed.
#[test]
fn no_shared_secret_protects_an_update_or_a_revocation() {
    let pki = Pki::new();
    let client = Arc::new(pki.sharing(MacFamily::Pbmac1));
    let (held, name) = (pki.gateway.certificate(), pki.gateway.name());
    let update = client.begin(&Question::KeyUpdate(request(&pki, &name), &held));
    assert!(matches!(update, Err(CmpError::SignatureWanted)));
}

// RFC 9483 §4.3.1, §4.3.2: one question, one answer; a new root is told only if the old one vouches for it.
#[test]
fn a_question_is_answered_and_a_new_root_is_vouched_for_by_the_old_one() {
    let pki = Pki::new();
    let ask = |question: &Question<'_>, told: InfoTypeAndValue| {
        let mut conversation = Arc::new(pki.signing()).begin(question).unwrap();
        let genp = PkiBody::Genp(vec![told]);
        conversation.answered(&answer(signed(&pki), &conversation.outgoing().unwrap(), genp, |_| {}))
    };
    let any = |one: &Entity| Any::from_der(&one.der).unwrap();
    let told = InfoTypeAndValue::of(CA_CERTS, &vec![any(&pki.sub)]).unwrap();
    let Ok(Step::Done(Outcome::Told(Information::CaCertificates(all)))) =
        ask(&Question::CaCertificates, told)
    else {
        panic!("no certificates")
    };
    assert_eq!(all, std::slice::from_ref(&pki.sub.der));

    let old = pki.root.certificate();
    let none = InfoTypeAndValue::empty(ROOT_CA_KEY_UPDATE);
    let step = ask(&Question::RootUpdate(&old), none);
    assert!(matches!(step, Ok(Step::Done(Outcome::Told(Information::RootUpdate(None))))));
    let new = Entity::root("root");
    for (link, vouched) in [(new.again(&pki.root), true), (new.again(&new), false)] {
        let update =
            RootCaKeyUpdate { new_with_new: any(&new), new_with_old: Some(any(&link)), old_with_new: None };
        let step =
            ask(&Question::RootUpdate(&old), InfoTypeAndValue::of(ROOT_CA_KEY_UPDATE, &update).unwrap());
        let told = matches!(step, Ok(Step::Done(Outcome::Told(Information::RootUpdate(Some(_))))));
        assert_eq!(told, vouched, "{step:?}");
    }
}

// RFC 9483 §4.1.1: certReqId MUST be 0; one response to the one request.
#[test]
fn an_answer_to_another_request_of_the_message_is_none() {
    let pki = Pki::new();
    let mut wrong = granted(&pki.new, &[]);
    wrong.response[0].cert_req_id = 1;
    let mut twice = granted(&pki.new, &[]);
    twice.response.push(twice.response[0].clone());
    for body in [wrong, twice] {
        let mut conversation = begin(pki.signing(), &pki);
        let ip = answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::Ip(body), implicitly);
        assert!(matches!(conversation.answered(&ip), Err(CmpError::Answer(_))));
    }
}

// RFC 9483 §3.5: a CA that signs by its own key is authorised for what it issued.
#[test]
fn a_ca_that_signs_by_its_own_key_grants_its_own_certificates_alone() {
    let pki = Pki::new();
    let signing = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let (own, other) = (pki.root.authority("own", &signing), pki.root.authority("other", &signing));
    let new = pki.new.again(&own);
    for (signer, accepted) in [(&own, true), (&other, false)] {
        let mut conversation = begin(pki.signing(), &pki);
        let body = PkiBody::Ip(granted(&new, &[]));
        let ip = answer(Seal::Signature(signer, &own), &conversation.outgoing().unwrap(), body, implicitly);
        match conversation.answered(&ip) {
            Ok(Step::Done(Outcome::Issued(_))) => assert!(accepted),
            Err(CmpError::Certificate(why)) => {
                assert!(!accepted && why.contains("did not issue it"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

// RFC 9483 §3.3: in any order; a self-signed certificate that comes along is no part of the chain.
#[test]
fn the_chain_is_found_in_any_order_and_holds_no_root() {
    let pki = Pki::new();
    let mut conversation = begin(pki.signing(), &pki);
    let body = PkiBody::Ip(granted(&pki.new, &[]));
    let ip = answer(signed(&pki), &conversation.outgoing().unwrap(), body, implicitly);
    let bag = [&pki.root, &pki.sub, &pki.spokesman].map(|one| one.der.clone()).to_vec();
    let ip = PkiMessage::decode(&ip).unwrap().with_certificates(bag).encode().unwrap();
    assert_eq!(issued(conversation.answered(&ip)).chain, std::slice::from_ref(&pki.sub.der));
}
