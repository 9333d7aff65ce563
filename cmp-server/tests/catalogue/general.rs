//! General messages, and messages of types that are not served: C-23 and C-30.

use cmp_messages::body::PkiBody;
use cmp_messages::error_message::ErrorMsgContent;
use cmp_messages::general::{CA_CERTS, CRL_STATUS_LIST, CRLS, CrlSource, CrlStatus, ROOT_CA_CERT};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::name::GeneralName;
use cmp_messages::polling::PollRep;
use cmp_messages::revocation::RevRepContent;
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Null};

use crate::world::World;

const BAD: PkiFailureInfo = PkiFailureInfo::BadRequest;

fn kind(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn asking(questions: Vec<InfoTypeAndValue>) -> PkiBody {
    PkiBody::Genm(questions)
}

/// A body of every type that is not for a server, and that is no announcement.
fn not_served() -> Vec<PkiBody> {
    use cmp_messages::certificate_response::CertRepMessage;
    let any = || Any::encode_from(&Null).unwrap();
    let response = || CertRepMessage { ca_pubs: None, response: Vec::new() };
    let accepted = PkiStatusInfo::plain(PkiStatus::Accepted);
    vec![
        PkiBody::Ip(response()),
        PkiBody::Cp(response()),
        PkiBody::Kup(response()),
        PkiBody::Popdecc(any()),
        PkiBody::Popdecr(any()),
        PkiBody::Krr(any()),
        PkiBody::Krp(any()),
        PkiBody::Rp(RevRepContent { status: vec![accepted.clone()], rev_certs: None, crls: None }),
        PkiBody::Ccr(any()),
        PkiBody::Ccp(any()),
        PkiBody::PkiConf(Null),
        PkiBody::Genp(Vec::new()),
        PkiBody::Error(ErrorMsgContent { pki_status_info: accepted, error_code: None, error_details: None }),
        PkiBody::PollRep(vec![PollRep { cert_req_id: 0, check_after: 1, reason: None }]),
    ]
}

// CVE-2026-30836: a type that the parser knows and the handler does not is refused, whoever sends it.
#[tokio::test]
async fn c_23_bodies_that_are_known_and_not_served_are_refused() {
    let world = World::new();
    for body in not_served() {
        world.refuses(&world.by_station(body), (BAD, "operation.not-served")).await;
    }
}

// RFC 9483 §4.3: what is not known is told so, and what is known beside it is answered.
#[tokio::test]
async fn c_30_unknown_questions_are_looked_past() {
    let world = World::new();
    let unknown = InfoTypeAndValue::empty(kind("1.3.6.1.5.5.7.4.2"));
    let odd = InfoTypeAndValue::of(kind("1.2.3"), &Null).unwrap();
    for questions in [vec![], vec![unknown.clone()], vec![odd.clone(), unknown.clone()]] {
        world.refuses(&world.by_station(asking(questions)), (BAD, "general.unknown")).await;
    }
    let answer =
        world.ask(&world.by_station(asking(vec![unknown, InfoTypeAndValue::empty(CA_CERTS), odd]))).await;
    let PkiBody::Genp(answers) = answer.body() else { panic!("{:?}", answer.body()) };
    assert_eq!(answers.iter().map(|one| one.info_type).collect::<Vec<_>>(), [CA_CERTS]);
}

#[tokio::test]
async fn c_30_questions_that_are_malformed_are_refused() {
    let world = World::new();
    for question in [
        InfoTypeAndValue::empty(ROOT_CA_CERT),
        InfoTypeAndValue::of(ROOT_CA_CERT, &Null).unwrap(),
        InfoTypeAndValue::empty(CRL_STATUS_LIST),
        InfoTypeAndValue::of(CRL_STATUS_LIST, &Null).unwrap(),
    ] {
        let message = world.by_station(asking(vec![question]));
        world.refuses(&message, (PkiFailureInfo::BadDataFormat, "message.body")).await;
    }
}

fn crl_of(issuer: &str) -> CrlStatus {
    let name = GeneralName::common_name(issuer).unwrap();
    CrlStatus { source: CrlSource::Issuer(vec![name]), this_update: None }
}

#[tokio::test]
async fn c_30_a_crl_of_somebody_else_is_refused() {
    let world = World::new();
    let asked = |statuses: Vec<CrlStatus>| {
        let question = InfoTypeAndValue::of(CRL_STATUS_LIST, &statuses).unwrap();
        world.by_station(asking(vec![question]))
    };
    let refused = (PkiFailureInfo::BadCertId, "general.foreign-crl");
    let nobody = CrlStatus { source: CrlSource::Issuer(Vec::new()), this_update: None };
    for status in [crl_of("Grid Root"), crl_of("Grid Operational CA 2"), nobody] {
        world.refuses(&asked(vec![status]), refused).await;
    }
    let two = vec![crl_of("Grid Operational CA"), crl_of("Grid Root")];
    world.refuses(&asked(two), (BAD, "request.count")).await;
    let answer = world.ask(&asked(vec![crl_of("Grid Operational CA")])).await;
    let PkiBody::Genp(answers) = answer.body() else { panic!("{:?}", answer.body()) };
    assert_eq!(answers, &[InfoTypeAndValue::empty(CRLS)], "there is none yet");
}
