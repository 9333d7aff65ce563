//! Confirmation: C-15, C-16 and C-17.

use std::sync::atomic::Ordering;

use ca_core::audit::Act;
use ca_core::confirmation::Lapses;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Stage};
use cmp_messages::body::PkiBody;
use cmp_messages::confirmation::CertStatus;
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::message::PkiMessage;
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::Decode;
use der::asn1::Any;
use sha2::{Digest, Sha512};
use spki::AlgorithmIdentifierOwned;

use crate::client::{By, Message, cert_conf, octets, status};
use crate::csr::Csr;
use crate::doubles::ledger::revocation;
use crate::pki::NOW;
use crate::world::{DEVICE, Setting, World, certificate};

/// A certificate that waits for its confirmation.
struct Waiting {
    world: World,
    request: Message,
    answer: PkiMessage,
    certificate: Vec<u8>,
}

impl Waiting {
    async fn new() -> Self {
        Self::after(World::cr).await
    }

    async fn after(request: impl FnOnce(&World) -> Message) -> Self {
        let world = World::new();
        let request = request(&world);
        let (answer, certificate) = world.unconfirmed(&request).await;
        Self { world, request, answer, certificate }
    }

    fn saying(&self, statuses: Vec<CertStatus>) -> Message {
        self.request.after(&self.answer, PkiBody::CertConf(statuses))
    }

    fn status(&self) -> CertStatus {
        status(&self.certificate)
    }

    /// The certificate waits as before, and its time will be over.
    #[track_caller]
    fn assert_waits(&self) {
        let id = self.world.id(&self.certificate);
        let known = self.world.authority.transactions().unconfirmed(&id).unwrap().unwrap();
        assert_eq!(known.stage, Stage::Unconfirmed { certificate: id });
        assert_eq!(known.ends_at, NOW.plus_seconds(300));
    }

    async fn refuses(&self, message: &Message, expected: (PkiFailureInfo, &str)) {
        self.world.refuses(message, expected).await;
        self.assert_waits();
    }

    #[track_caller]
    fn assert_revoked(&self) {
        let found = revocation(self.world.row(&self.certificate).status).unwrap();
        assert_eq!(found.reason, ReasonCode::CessationOfOperation);
    }
}

fn rejection(words: &str) -> Option<PkiStatusInfo> {
    Some(PkiStatusInfo::rejection(PkiFailureInfo::BadCertTemplate, words.to_owned()).unwrap())
}

// RFC 9483 §4.1.1: one CertStatus, certReqId 0, and a hash that is that of the certificate.
#[tokio::test]
async fn c_15_a_confirmation_of_something_else_confirms_nothing() {
    let waiting = Waiting::new().await;
    let right = waiting.status();
    for (statuses, failure, code) in [
        (vec![], PkiFailureInfo::BadRequest, "request.count"),
        (vec![right.clone(), right.clone()], PkiFailureInfo::BadRequest, "request.count"),
        (vec![CertStatus { cert_req_id: -1, ..right.clone() }], PkiFailureInfo::BadRequest, "request.id"),
        (vec![CertStatus { cert_req_id: 1, ..right.clone() }], PkiFailureInfo::BadRequest, "request.id"),
        (
            vec![CertStatus { cert_hash: octets(&[0; 32]), ..right.clone() }],
            PkiFailureInfo::BadCertId,
            "confirmation.hash",
        ),
        (
            vec![CertStatus { cert_hash: octets(&[]), ..right.clone() }],
            PkiFailureInfo::BadCertId,
            "confirmation.hash",
        ),
        (
            vec![CertStatus { status_info: Some(PkiStatusInfo::plain(PkiStatus::Waiting)), ..right.clone() }],
            PkiFailureInfo::BadRequest,
            "confirmation.status",
        ),
    ] {
        waiting.refuses(&waiting.saying(statuses), (failure, code)).await;
    }
    let right = waiting.saying(vec![right]);
    assert!(matches!(waiting.world.ask(&right).await.body(), PkiBody::PkiConf(_)));
    assert_eq!(waiting.world.ledger.acts().last(), Some(&Act::CertificateConfirmed));
}

// RFC 9810 §5.3.18: hashAlg needs version 3.
#[tokio::test]
async fn c_15_another_hash_is_named_in_version_3_only() {
    let algorithm = |oid| Some(AlgorithmIdentifierOwned { oid, parameters: None });
    let waiting = Waiting::new().await;
    let sha_512 = CertStatus {
        cert_hash: octets(&Sha512::digest(&waiting.certificate)),
        hash_alg: algorithm(rfc5912::ID_SHA_512),
        ..waiting.status()
    };
    let message = waiting.saying(vec![sha_512.clone()]);
    waiting.refuses(&message, (PkiFailureInfo::BadRequest, "confirmation.hash-version")).await;
    let sha_1 = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
    let unknown = CertStatus { hash_alg: algorithm(sha_1), ..waiting.status() };
    let message = waiting.saying(vec![unknown]).with(|header| header.pvno = 3);
    waiting.refuses(&message, (PkiFailureInfo::BadAlg, "confirmation.hash-algorithm")).await;
    let message = waiting.saying(vec![sha_512]).with(|header| header.pvno = 3);
    assert!(matches!(waiting.world.ask(&message).await.body(), PkiBody::PkiConf(_)));
}

// RFC 9483 §4.1.1: whoever asked confirms, with the same credentials.
#[tokio::test]
async fn c_15_the_new_certificate_does_not_confirm_itself_and_the_protection_stays_the_same() {
    let out_of_turn = (PkiFailureInfo::BadRequest, "transaction.out-of-turn");
    let waiting = Waiting::new().await;
    let right = waiting.saying(vec![waiting.status()]);
    let by_itself = Message::signed(40, &waiting.certificate, right.body.clone());
    let mut header = by_itself.header.clone();
    header.transaction_id.clone_from(&right.header.transaction_id);
    header.recip_nonce.clone_from(&right.header.recip_nonce);
    waiting.refuses(&Message { header, ..by_itself }, out_of_turn).await;
    let by_secret = waiting.world.ir();
    let mut header = by_secret.header.clone();
    header.transaction_id.clone_from(&right.header.transaction_id);
    header.recip_nonce.clone_from(&right.header.recip_nonce);
    waiting.refuses(&Message { header, body: right.body.clone(), ..by_secret }, out_of_turn).await;
    let unprotected = Message { by: By::Nothing, ..right }.with(|header| header.protection_alg = None);
    waiting.refuses(&unprotected, (PkiFailureInfo::BadMessageCheck, "protection.none")).await;
    // And who asked by a secret does not sign.
    let waiting = Waiting::after(World::ir).await;
    let right = waiting.saying(vec![waiting.status()]);
    let signed = Message::signed(30, &waiting.world.factory(DEVICE, 30), right.body.clone());
    let mut header = signed.header.clone();
    header.transaction_id.clone_from(&right.header.transaction_id);
    header.recip_nonce.clone_from(&right.header.recip_nonce);
    waiting.refuses(&Message { header, ..signed }, out_of_turn).await;
    assert!(matches!(waiting.world.ask(&right).await.body(), PkiBody::PkiConf(_)));
}

// RFC 9483 §4.1.4: after PKCS#10 certReqId is -1.
#[tokio::test]
async fn c_15_minus_1_is_the_number_of_a_pkcs_10_request() {
    for (number, right) in [(-1, true), (0, true), (1, false)] {
        let csr = PkiBody::P10cr(Any::from_der(&Csr::new(DEVICE, 40).der()).unwrap());
        let waiting = Waiting::after(|world| Message { body: csr, ..world.cr() }).await;
        let message = waiting.saying(vec![CertStatus { cert_req_id: number, ..waiting.status() }]);
        if right {
            assert!(matches!(waiting.world.ask(&message).await.body(), PkiBody::PkiConf(_)));
        } else {
            waiting.refuses(&message, (PkiFailureInfo::BadRequest, "request.id")).await;
        }
    }
}

// RFC 9483 §4.1.1: a certificate that its requester does not take is revoked.
#[tokio::test]
async fn c_16_a_certificate_that_is_refused_is_revoked_and_the_words_are_on_record() {
    let waiting = Waiting::new().await;
    let refused = CertStatus { status_info: rejection("wrong\nname"), ..waiting.status() };
    let message = waiting.saying(vec![refused]);
    assert!(matches!(waiting.world.ask(&message).await.body(), PkiBody::PkiConf(_)));
    waiting.assert_revoked();
    assert_eq!(waiting.world.told.load(Ordering::SeqCst), 1, "a CRL is made soon");
    let events = waiting.world.ledger.events();
    let refusal = events.iter().find(|event| event.act == Act::CertificateRefused).unwrap();
    assert_eq!(refusal.reason, "wrong name; badCertTemplate");
    assert_eq!(events.iter().filter(|event| event.act == Act::CertificateRevoked).count(), 1);
    // Changing one's mind comes too late.
    let late = waiting.saying(vec![waiting.status()]);
    waiting.world.refuses(&late, (PkiFailureInfo::BadRequest, "transaction.out-of-turn")).await;
    waiting.assert_revoked();
}

// RFC 9483 §4.1.1: without a confirmation in time it is as if it was refused. RFC 9810 §5.1.1.2: confirmWaitTime says until when.
#[tokio::test]
async fn c_17_what_nobody_confirms_in_time_is_revoked_also_after_a_restart() {
    let waiting = Waiting::new().await;
    let wait = waiting.answer.header().confirm_wait_time().unwrap().to_unix_duration().as_secs();
    assert_eq!(i64::try_from(wait).unwrap(), NOW.seconds() + 300);
    waiting.world.pass(300);
    assert_eq!(waiting.world.restarted().lapse(10).unwrap(), Lapses::default(), "there is a second left");
    waiting.world.pass(1);
    let late = waiting.saying(vec![waiting.status()]).with(|header| header.message_time = None);
    waiting.world.refuses(&late, (PkiFailureInfo::BadRequest, "transaction.over")).await;
    let lapses = waiting.world.restarted().lapse(10).unwrap();
    assert_eq!((lapses.closed, lapses.revoked), (1, 1));
    waiting.assert_revoked();
    assert_eq!(waiting.world.restarted().lapse(10).unwrap(), Lapses::default(), "once");
    let late = waiting.saying(vec![waiting.status()]).with(|header| header.message_time = None);
    waiting.world.refuses(&late, (PkiFailureInfo::BadRequest, "transaction.out-of-turn")).await;
}

#[tokio::test]
async fn c_17_what_was_confirmed_does_not_lapse() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    world.pass(86_400);
    assert_eq!(world.restarted().lapse(10).unwrap(), Lapses::default());
    assert_eq!(world.row(&enrolled).status, CertificateStatus::Good);
}

// RFC 9483 §4.1.1: no confirmation is waited for only where the client asked for that and the label grants it.
#[tokio::test]
async fn implicit_confirmation_is_asked_for_and_granted() {
    for (asked, granted) in [(true, true), (true, false), (false, true)] {
        let mut setting = Setting::default();
        setting.confirmations.implicit = granted;
        let world = World::with(&setting);
        let info = asked.then(|| vec![InfoTypeAndValue::implicit_confirm().unwrap()]);
        let request = world.cr().with(|header| header.general_info = info);
        let (answer, certificate) = world.unconfirmed(&request).await;
        let implicit = answer.header().implicit_confirm();
        assert_eq!(implicit, asked && granted);
        assert_eq!(answer.header().confirm_wait_time().is_none(), implicit);
        world.pass(301);
        assert_eq!(world.restarted().lapse(10).unwrap().revoked, usize::from(!implicit));
        let message =
            request.after(&answer, cert_conf(&certificate)).with(|header| header.message_time = None);
        world.refuses(&message, (PkiFailureInfo::BadRequest, "transaction.out-of-turn")).await;
    }
}

// RFC 9483 §3.1: only the first message of a transaction names a profile; the later ones find their label without.
#[tokio::test]
async fn a_confirmation_finds_the_label_that_its_request_named() {
    for name in ["meter-ds", "meter-op-ds"] {
        let world = World::new();
        let info = InfoTypeAndValue::cert_profile(name).unwrap();
        let request = world.cr().with(|header| header.general_info = Some(vec![info]));
        let answer = world.ask_at("/.well-known/cmp", &request).await;
        let certificate = certificate(&answer);
        let confirmation =
            request.after(&answer, cert_conf(&certificate)).with(|header| header.general_info = None);
        let confirmed = world.ask_at("/.well-known/cmp", &confirmation).await;
        assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)), "{:?}", confirmed.body());
    }
}

// What was asked for in the time of a secret is confirmed also when that is over.
#[tokio::test]
async fn a_secret_that_expires_before_the_confirmation_counts_for_it() {
    let world = World::new();
    let request = world.ir().with(|header| header.message_time = None);
    world.pass(3_590);
    let (answer, certificate) = world.unconfirmed(&request).await;
    world.pass(20);
    let confirmed = world.ask(&request.after(&answer, cert_conf(&certificate))).await;
    assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)), "{:?}", confirmed.body());
}
