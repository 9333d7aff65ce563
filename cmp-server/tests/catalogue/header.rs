//! The header: C-02, C-03, C-07, C-09 and C-25.

use cmp_messages::header::{CERT_PROFILE, InfoTypeAndValue, PkiHeader};
use cmp_messages::status::PkiFailureInfo;

use crate::client::{fresh, octets, time};
use crate::pki::NOW;
use crate::world::{Setting, World, certificate};

// RFC 9483 §3.5: pvno MUST be cmp2000 or cmp2021. RFC 9810 §7: the answer has the version of the request, or the nearest.
#[tokio::test]
async fn c_02_versions_other_than_2_and_3_are_refused_in_one_of_them() {
    let world = World::new();
    for (pvno, answered) in [(0, 2), (1, 2), (4, 3), (1 << 31, 3), (u64::MAX, 3)] {
        let message = world.cr().with(|header| header.pvno = pvno);
        let answer = world.refuses(&message, (PkiFailureInfo::UnsupportedVersion, "header.version")).await;
        assert_eq!(answer.header().pvno, answered, "{pvno}");
    }
    let message = world.cr().with(|header| header.pvno = 3);
    let answer = world.ask(&message).await;
    assert_eq!(answer.header().pvno, 3);
    certificate(&answer);
}

// RFC 9483 §3.5: messageTime, where it is present, is close to the time here.
#[tokio::test]
async fn c_03_a_message_time_out_of_the_window_is_refused() {
    let world = World::new();
    let now = NOW.seconds();
    for seconds in [now - 86_400, now + 86_400, now - 301, now + 301, 0] {
        let message = world.cr().with(|header| header.message_time = Some(time(seconds)));
        world.refuses(&message, (PkiFailureInfo::BadTime, "header.time")).await;
    }
    for within in [Some(time(now - 300)), Some(time(now + 300)), None] {
        let world = World::new();
        certificate(&world.ask(&world.cr().with(|header| header.message_time = within)).await);
    }
}

// RFC 9483 §3.1: messageTime MUST be present if confirmWaitTime is.
#[tokio::test]
async fn c_03_a_message_that_speaks_of_a_time_to_wait_for_says_when_it_was_made() {
    let world = World::new();
    let wait = InfoTypeAndValue::confirm_wait_time(&time(NOW.seconds() + 60)).unwrap();
    let speaking = world.cr().with(|header| header.general_info = Some(vec![wait]));
    let message = speaking.clone().with(|header| header.message_time = None);
    world.refuses(&message, (PkiFailureInfo::BadTime, "header.no-time")).await;
    certificate(&world.ask(&speaking).await);
}

// RFC 9483 §3.5: transactionID MUST be present; RFC 9810 §5.1.1: if not, the server makes one.
#[tokio::test]
async fn c_07_without_a_transaction_id_the_answer_has_a_new_one() {
    let world = World::new();
    let message = world.cr().with(|header| header.transaction_id = None);
    let answer = world.refuses(&message, (PkiFailureInfo::BadDataFormat, "header.transaction-id")).await;
    assert_eq!(answer.header().transaction_id.as_ref().map(|id| id.as_bytes().len()), Some(16));
}

#[tokio::test]
async fn c_07_a_transaction_id_is_neither_short_nor_long() {
    let world = World::new();
    for length in [0, 7, 65, 4_096] {
        let message = world.cr().with(|header| header.transaction_id = Some(octets(&vec![1; length])));
        world.refuses(&message, (PkiFailureInfo::BadDataFormat, "header.transaction-id")).await;
    }
}

// RFC 9483 §3.5: senderNonce MUST be present and have at least 128 bits.
#[tokio::test]
async fn c_09_missing_short_and_long_nonces_are_refused() {
    let world = World::new();
    for nonce in [None, Some(octets(&[])), Some(octets(&[0x22; 15])), Some(octets(&[0x22; 65]))] {
        let message = world.cr().with(|header| header.sender_nonce = nonce);
        world.refuses(&message, (PkiFailureInfo::BadSenderNonce, "header.sender-nonce")).await;
    }
}

// RFC 9483 §3.5: recipNonce MUST be absent in the first message of a transaction.
#[tokio::test]
async fn c_09_the_first_message_answers_none() {
    let world = World::new();
    let message = world.cr().with(|header| header.recip_nonce = Some(octets(&fresh())));
    world.refuses(&message, (PkiFailureInfo::BadRecipientNonce, "header.recipient-nonce")).await;
    let general =
        cmp_messages::body::PkiBody::Genm(vec![InfoTypeAndValue::empty(cmp_messages::general::CA_CERTS)]);
    let message = world.by_station(general).with(|header| header.recip_nonce = Some(octets(&fresh())));
    world.refuses(&message, (PkiFailureInfo::BadRecipientNonce, "header.recipient-nonce")).await;
}

// RFC 9483 §3.5: recipNonce MUST be the senderNonce of the message before.
#[tokio::test]
async fn c_09_a_later_message_answers_the_one_before() {
    let world = World::new();
    let request = world.cr();
    let (answer, certificate) = world.unconfirmed(&request).await;
    let confirmation = request.after(&answer, crate::client::cert_conf(&certificate));
    for nonce in [None, Some(octets(&fresh())), request.header.sender_nonce.clone()] {
        let message = confirmation.clone().with(|header| header.recip_nonce = nonce);
        world.refuses(&message, (PkiFailureInfo::BadRecipientNonce, "header.recipient-nonce")).await;
    }
    // Nothing was lost by it.
    assert!(matches!(world.ask(&confirmation).await.body(), cmp_messages::body::PkiBody::PkiConf(_)));
}

// RFC 9810 §5.1.1.4: certProfile may repeat what the path names, and choose where it names nothing; it changes nothing.
#[tokio::test]
async fn c_25_path_and_certificate_profile_agree_or_nothing_is_issued() {
    let world = World::new();
    let naming = |name: &str| {
        let info = InfoTypeAndValue::cert_profile(name).unwrap();
        move |header: &mut PkiHeader| header.general_info = Some(vec![info])
    };
    for name in ["meter-ka", "meter-op-ka", "METER-DS", "other", ""] {
        let message = world.cr().with(naming(name));
        world.refuses(&message, (PkiFailureInfo::NotAuthorized, "profile.disagree")).await;
    }
    let nowhere = "/.well-known/cmp";
    let unknown = (PkiFailureInfo::NotAuthorized, "profile.unknown");
    world.refuses_at(nowhere, &world.cr().with(naming("other")), unknown).await;
    world.refuses_at(nowhere, &world.cr(), unknown).await;
    for name in ["meter-ds", "meter-op-ds"] {
        let world = World::new();
        certificate(&world.ask(&world.cr().with(naming(name))).await);
    }
    certificate(&world.ask_at(nowhere, &world.cr().with(naming("meter-ds"))).await);
}

// RFC 9483 §3.1: certProfile is a sequence of one text, once.
#[tokio::test]
async fn c_25_a_message_names_one_profile() {
    let world = World::new();
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        InfoTypeAndValue::of(CERT_PROFILE, &names).unwrap()
    };
    for info in [
        vec![named(&[])],
        vec![named(&["meter-ds", "meter-ka"])],
        vec![named(&["meter-ds"]), named(&["meter-ds"])],
        vec![InfoTypeAndValue::empty(CERT_PROFILE)],
    ] {
        let message = world.cr().with(|header| header.general_info = Some(info));
        world.refuses(&message, (PkiFailureInfo::BadDataFormat, "header.cert-profile")).await;
    }
}

// RFC 9483 §3.5: what nobody needs is handled gracefully.
#[tokio::test]
async fn fields_that_nobody_needs_do_no_harm() {
    let setting = Setting { default_label: Some("meter-ds".to_owned()), ..Setting::default() };
    let world = World::with(&setting);
    let message = world.cr().with(|header| {
        let unknown = const_oid::ObjectIdentifier::new_unwrap("1.2.3.4");
        header.recip_kid = Some(octets(b"key"));
        header.free_text = Some(vec!["good morning".to_owned()]);
        header.general_info = Some(vec![InfoTypeAndValue::empty(unknown)]);
    });
    certificate(&world.ask_at("/.well-known/cmp", &message).await);
}
