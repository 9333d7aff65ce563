//! Answers that do not show that they are the authority's, or that they answer this (RFC 9483 §3.5).

use cmp_client::{CmpError, MacFamily, Outcome, Step};
use cmp_messages::body::PkiBody;
use cmp_messages::error_message::ErrorMsgContent;
use cmp_messages::header::PkiHeader;
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::status::{PkiFailureInfo, PkiStatusInfo};
use der::asn1::{GeneralizedTime, Null, OctetString};

use crate::conversations::{begin, signed};
use crate::peer::{Seal, answer, granted, implicitly, shared};
use crate::pki::{Entity, Pki, SERVER_AUTH};

/// What the client makes of a good answer that was changed, and signed after that.
fn told(pki: &Pki, seal: Seal<'_>, change: impl FnOnce(&mut PkiHeader)) -> Result<Step, CmpError> {
    let mut conversation = begin(pki.signing(), pki);
    let body = PkiBody::Ip(granted(&pki.new, &[]));
    let ip = answer(seal, &conversation.outgoing().unwrap(), body, |header| {
        implicitly(header);
        change(header);
    });
    conversation.answered(&ip)
}

#[track_caller]
fn is_unproven(step: &Result<Step, CmpError>, words: &str) {
    assert!(matches!(step, Err(CmpError::Unproven(why)) if why.contains(words)), "{words:?}: {step:?}");
}

type Change = fn(&mut PkiHeader);

// RFC 9483 §3.5: transactionID, senderNonce, recipNonce, messageTime, sender, senderKID.
#[test]
fn a_header_that_does_not_fit_is_not_believed() {
    let pki = Pki::new();
    let changes: [(Change, &str); 9] = [
        (|header| header.transaction_id = None, "another transaction"),
        (|header| header.transaction_id = OctetString::new([9; 16]).ok(), "another transaction"),
        (|header| header.sender_nonce = None, "senderNonce"),
        (|header| header.sender_nonce = OctetString::new([9; 15]).ok(), "senderNonce"),
        (|header| header.recip_nonce = None, "recipNonce"),
        (|header| header.recip_nonce = OctetString::new([9; 16]).ok(), "recipNonce"),
        (
            |header| {
                let hour_off = crate::pki::NOW.unsigned_abs() + 3_600;
                let time = GeneralizedTime::from_unix_duration(core::time::Duration::from_secs(hour_off));
                header.message_time = time.ok();
            },
            "messageTime",
        ),
        (|header| header.sender = GeneralName::common_name("somebody").unwrap(), "its sender"),
        (|header| header.sender_kid = OctetString::new([9; 20]).ok(), "senderKID"),
    ];
    for (change, words) in changes {
        is_unproven(&told(&pki, signed(&pki), change), words);
    }
    let step = told(&pki, signed(&pki), |header| header.pvno = 1);
    assert!(matches!(step, Err(CmpError::Answer(_))), "{step:?}");
    assert!(matches!(told(&pki, signed(&pki), |_| {}), Ok(Step::Done(_))), "the same unchanged is believed");
}

// RFC 9483 §3.5: a path to a trust anchor, and the right to speak for a CA.
#[test]
fn who_may_not_speak_for_a_ca_is_not_believed() {
    let pki = Pki::new();
    let foreign = Entity::root("root");
    let stranger = foreign.end("spokesman", &[crate::pki::CMC_RA]);
    let server = pki.sub.end("server", &[SERVER_AUTH]);
    let gateway = pki.sub.end("another gateway", &[]);
    for (signer, above) in
        [(&stranger, &foreign), (&server, &pki.sub), (&gateway, &pki.sub), (&pki.sub, &pki.root)]
    {
        is_unproven(&told(&pki, Seal::Signature(signer, above), |_| {}), "not trusted");
    }
}

#[test]
fn a_signature_or_mac_that_is_wrong_or_of_the_wrong_kind_is_not_believed() {
    let pki = Pki::new();
    let mut conversation = begin(pki.signing(), &pki);
    let body = || PkiBody::Ip(granted(&pki.new, &[]));
    let good = answer(signed(&pki), &conversation.outgoing().unwrap(), body(), implicitly);
    let message = PkiMessage::decode(&good).unwrap();
    let signature = message.protection().unwrap().to_vec();
    let other = answer(signed(&pki), &conversation.outgoing().unwrap(), PkiBody::PkiConf(Null), |_| {});
    let swapped = PkiMessage::decode(&other).unwrap().protected(signature).encode().unwrap();
    is_unproven(&conversation.answered(&swapped), "signature is wrong");
    is_unproven(&told(&pki, Seal::Nothing, |_| {}), "not protected");

    for family in [MacFamily::Pbmac1, MacFamily::PasswordBasedMac] {
        let mut sharing = begin(pki.sharing(family), &pki);
        let asked = sharing.outgoing().unwrap();
        let wrong = answer(Seal::Mac(b"another secret"), &asked, body(), implicitly);
        is_unproven(&sharing.answered(&wrong), "not made with the shared secret");
        let kid =
            answer(shared(), &asked, body(), |header| header.sender_kid = OctetString::new([9; 4]).ok());
        is_unproven(&sharing.answered(&kid), "another secret");
        // RFC 9483 §3.2: the same kind of protection MUST be used for all messages.
        is_unproven(&sharing.answered(&answer(signed(&pki), &asked, body(), implicitly)), "it is signed");
        assert!(matches!(
            conversation.answered(&answer(shared(), &asked, body(), |_| {})),
            Err(CmpError::Unproven(_))
        ));
    }
}

// RFC 9483 §3.6.4: an error message may be without protection; anybody can send it, and that is told.
#[test]
fn an_error_message_without_protection_is_told_as_what_anybody_may_say() {
    let pki = Pki::new();
    let mut conversation = begin(pki.signing(), &pki);
    let status = PkiStatusInfo::rejection(PkiFailureInfo::BadMessageCheck, "no".to_owned()).unwrap();
    let error = ErrorMsgContent { pki_status_info: status, error_code: None, error_details: None };
    let answer = answer(Seal::Nothing, &conversation.outgoing().unwrap(), PkiBody::Error(error), |_| {});
    let refused = conversation.answered(&answer).unwrap_err();
    assert!(refused.to_string().contains("badMessageCheck: no (said without protection"), "{refused}");
    assert!(matches!(refused, CmpError::Refused(refusal) if !refusal.is_proven));
}

#[test]
fn octets_that_are_no_message_and_messages_out_of_turn_end_the_conversation() {
    let pki = Pki::new();
    let mut conversation = begin(pki.signing(), &pki);
    assert!(matches!(conversation.answered(b"no message"), Err(CmpError::NotDecoded(_))));
    for body in [PkiBody::PkiConf(Null), PkiBody::Cp(granted(&pki.new, &[])), PkiBody::PollRep(Vec::new())] {
        let out_of_turn = answer(signed(&pki), &conversation.outgoing().unwrap(), body, |_| {});
        assert!(matches!(conversation.answered(&out_of_turn), Err(CmpError::Answer(_))));
    }
}

// RFC 9483 §3.2: the protection covers header and body; extraCerts stand outside of it, and change nothing that is believed.
#[test]
fn no_octet_of_an_answer_can_be_changed_to_another_end() {
    let pki = Pki::new();
    let conversation = begin(pki.signing(), &pki);
    let body = PkiBody::Ip(granted(&pki.new, &[]));
    let good = answer(signed(&pki), &conversation.outgoing().unwrap(), body, implicitly);
    let mut believed = 0;
    for place in 0..good.len() {
        let mut changed = good.clone();
        changed[place] ^= 0x01;
        if let Ok(step) = conversation.clone().answered(&changed) {
            let Step::Done(Outcome::Issued(issued)) = step else { panic!("octet {place}: {step:?}") };
            assert_eq!(issued.certificate, pki.new.der, "octet {place}");
            believed += 1;
        }
    }
    assert_eq!(believed, 0, "without its certificates nothing is believed either");
}
