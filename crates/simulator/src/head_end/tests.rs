//! Calls to meters of a fleet that was made here, judged by the crate that judges real answers; an owner made by rcgen.

use dlms::apdu::{ActionResponse, ActionResult, Apdu, GetResult};
use dlms::axdr::Data;
use dlms::work_order::{Addressee, Answer, Call, IssuedCertificate, Outcome, Reply, Task};
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm};
use tempfile::TempDir;

use super::*;
use crate::born::Maker;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

/// The key of a certification request.
struct Requested(Vec<u8>);

impl PublicKeyData for Requested {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// An owner, made by rcgen, and his fleet.
struct World {
    directory: TempDir,
    params: CertificateParams,
    key: KeyPair,
}

impl World {
    fn new(meters: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let maker = Maker {
            meters,
            suite: Some(SecuritySuite::Suite1),
            flag: *b"SIM",
            batch: "b".to_owned(),
            concentrators: 0,
        };
        maker.make(directory.path(), |_| {}).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = crate::key::name(&[(rcgen::DnType::CommonName, "Owner")]);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { directory, params, key }
    }

    /// Opens the fleet anew, as each start of the program does.
    fn head_end(&self, faults: CallFaults) -> HeadEnd {
        let fleet = Fleet::open(self.directory.path()).unwrap();
        let authority = self.params.self_signed(&self.key).unwrap().der().to_vec();
        HeadEnd::new(fleet, &[authority], (faults, 1, 400)).unwrap()
    }

    /// Issues for the key of a certification request of the first meter.
    fn issue(&self, order: &CallOrder, point: &[u8]) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name =
            crate::key::name(&[(rcgen::DnType::CommonName, &order.title.to_string())]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(&Requested(point.to_vec()), &issuer).unwrap().der().to_vec()
    }
}

fn call(head_end: &HeadEnd, turn: u16, task: Task) -> (CallOrder, Call) {
    let title = head_end.fleet().meters[0].title;
    let object = LogicalName::security_setup(0);
    let call = Call::new(turn, Addressee { title, suite: SecuritySuite::Suite1, object, max_pdu: 300 }, task);
    let name = if matches!(call.task(), Task::GenerateRequest(_)) {
        "generate-certificate-request"
    } else if matches!(call.task(), Task::Confirm(_)) {
        "export-certificate"
    } else {
        "another"
    };
    let order = CallOrder {
        campaign: "c".to_owned(),
        title,
        purpose: KeyPurpose::Signature,
        turn: turn.into(),
        call: name.to_owned(),
        until: NOW.to_string(),
        apdus: call.apdus(),
    };
    (order, call)
}

fn reply(call: &Call, answer: &CallAnswer) -> Reply {
    let apdus = answer.apdus.iter().map(|apdu| hex::decode(apdu).unwrap()).collect();
    Reply { call: call.number(), answer: Answer::Apdus(apdus) }
}

/// Makes one call, and returns what the answer is worth.
fn judged(head_end: &HeadEnd, turn: u16, task: Task) -> Result<Outcome, String> {
    let (order, call) = call(head_end, turn, task);
    let worked = head_end.work(&[order], NOW).unwrap();
    call.judge(&reply(&call, &worked.answers[0]), &|_| None).map_err(|error| error.code().to_owned())
}

fn asked(head_end: &HeadEnd, turn: u16) -> Vec<u8> {
    let Ok(Outcome::Request(request)) = judged(head_end, turn, Task::GenerateRequest(MeterKey::Signature))
    else {
        panic!("a request was asked for")
    };
    request.public_key().point().to_vec()
}

#[test]
fn a_meter_goes_over_to_its_owner_though_the_program_is_started_anew_between_any_two_calls() {
    let world = World::new(1);
    let open = || world.head_end(CallFaults::default());
    let shown = |head_end: &HeadEnd| {
        let title = head_end.fleet().meters[0].title;
        head_end.held(&title, KeyPurpose::Signature).certificate.unwrap()
    };
    let factory =
        open().fleet().certificate(&open().fleet().meters[0].title, Life::Factory, KeyPurpose::Signature);
    assert_eq!(Some(shown(&open())), factory);
    assert_eq!(judged(&open(), 1, Task::GenerateKeyPair(MeterKey::Signature)), Ok(Outcome::Done));
    let point = asked(&open(), 2);
    assert_eq!(point, asked(&open(), 3), "the key that waits is the same after a start");
    let (order, call) = call(&open(), 4, Task::Read(dlms::security_setup::Attribute::SecuritySuite));
    let der = world.issue(&order, &point);
    let issued = IssuedCertificate::new(call.addressee(), MeterKey::Signature, &der).unwrap();
    let confirm = Task::Confirm(issued.clone());
    assert_eq!(
        judged(&open(), 4, confirm.clone()),
        Err("dlms.other_certificate".to_owned()),
        "the former one"
    );
    assert_eq!(judged(&open(), 5, Task::ImportOwn(issued)), Ok(Outcome::Done));
    assert_eq!(judged(&open(), 6, confirm), Ok(Outcome::Confirmed));
    assert_eq!(shown(&open()), der);
    let held = open().held(&order.title, KeyPurpose::Signature);
    assert!(held.pending.is_none() && held.current.is_some());
}

#[test]
fn a_meter_that_starts_anew_forgets_the_key_that_waits_and_goes_on_with_its_makers() {
    let world = World::new(1);
    let head_end = world.head_end(CallFaults::default());
    let makers = asked(&head_end, 1);
    assert_eq!(judged(&head_end, 2, Task::GenerateKeyPair(MeterKey::Signature)), Ok(Outcome::Done));
    assert_ne!(asked(&head_end, 3), makers);
    let restarting = world.head_end(CallFaults { restarts: 1_000, ..CallFaults::default() });
    assert_eq!(asked(&restarting, 4), makers);
    assert_eq!(asked(&world.head_end(CallFaults::default()), 5), makers, "it is kept that it was forgotten");
}

#[test]
fn what_is_lost_before_the_meter_changes_nothing_and_what_is_lost_behind_it_does() {
    let (before, behind) = (World::new(1), World::new(1));
    let order = |head_end: &HeadEnd| call(head_end, 1, Task::GenerateKeyPair(MeterKey::Signature)).0;
    let lost = CallFaults { lost_requests: 1_000, ..CallFaults::default() };
    let unanswered = CallFaults { lost_answers: 1_000, ..CallFaults::default() };
    for (world, faults, made) in [(&before, lost, false), (&behind, unanswered, true)] {
        let head_end = world.head_end(faults);
        let order = order(&head_end);
        let worked = head_end.work(std::slice::from_ref(&order), NOW).unwrap();
        assert!(worked.answers.iter().all(|answer| answer.nothing && answer.apdus.is_empty()));
        assert_eq!((worked.tally.calls, worked.tally.lost), (1, 1));
        assert_eq!(head_end.held(&order.title, KeyPurpose::Signature).pending.is_some(), made);
    }
}

#[test]
fn each_wrong_answer_has_its_reason_code_or_names_another_call() {
    let world = World::new(2);
    let wrong = CallFaults { wrong_answers: 1_000, ..CallFaults::default() };
    let head_end = world.head_end(wrong);
    let mut codes = std::collections::BTreeSet::new();
    for turn in 1..60 {
        let (order, call) = call(&head_end, turn, Task::GenerateRequest(MeterKey::Signature));
        let worked = head_end.work(&[order], NOW).unwrap();
        let answer = &worked.answers[0];
        assert!(answer.wrong.is_some_and(WrongAnswer::is_refused) && worked.tally.wrong == 1);
        codes.insert(match call.judge(&reply(&call, answer), &|_| None) {
            Err(error) => error.code(),
            Ok(_) if answer.turn != u32::from(turn) => "another number",
            Ok(outcome) => panic!("{outcome:?} of {answer:?}"),
        });
    }
    let wanted = ["another number", "dlms.other_invoke_id", "dlms.other_title", "dlms.unreadable"];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn an_export_of_another_certificate_shows_one_that_another_meter_holds() {
    let world = World::new(2);
    let head_end = world.head_end(CallFaults { other_certificates: 1_000, ..CallFaults::default() });
    let (order, call) = call(&head_end, 1, Task::GenerateKeyPair(MeterKey::Signature));
    let title = order.title;
    let worked = head_end.work(&[order], NOW).unwrap();
    assert_eq!((worked.tally.wrong, worked.answers[0].wrong), (0, None), "only an export shows one");
    let der = head_end.fleet().certificate(&title, Life::Factory, KeyPurpose::Signature).unwrap();
    let own = IssuedCertificate::new(call.addressee(), MeterKey::Signature, &der).unwrap();
    let (order, _) = self::call(&head_end, 2, Task::Confirm(own));
    let worked = head_end.work(&[order], NOW).unwrap();
    assert_eq!(worked.answers[0].wrong, Some(WrongAnswer::OtherCertificate));
    let mut shown = dlms::block::Assembly::new();
    let mut whole = None;
    for apdu in &worked.answers[0].apdus {
        let apdu = Apdu::decode(&hex::decode(apdu).unwrap()).unwrap();
        if let Apdu::ActionResponse(ActionResponse::WithBlock { block, .. }) = &apdu
            && shown.add(block.number, block.last, &block.octets).unwrap()
        {
            whole = Some(std::mem::take(&mut shown).finish().unwrap());
        }
        if let Apdu::ActionResponse(ActionResponse::Normal { result, returned, .. }) = &apdu {
            assert_eq!(*result, ActionResult::SUCCESS);
            if let Some(GetResult::Data(data)) = returned {
                whole = Some(data.encode());
            }
        }
    }
    let Data::OctetString(shown) = Data::decode(&whole.unwrap()).unwrap() else { panic!("octets") };
    let other = head_end.fleet().meters[1].title;
    assert_eq!(Some(shown), head_end.fleet().certificate(&other, Life::Factory, KeyPurpose::Signature));
}

#[test]
fn no_call_is_made_after_its_time_or_to_a_meter_of_another_fleet() {
    let world = World::new(1);
    let head_end = world.head_end(CallFaults::default());
    let (late, _) = call(&head_end, 1, Task::GenerateKeyPair(MeterKey::Signature));
    let foreign = CallOrder { title: SystemTitle::new([9; 8]), ..late.clone() };
    let worked = head_end.work(&[late.clone(), foreign], NOW.plus_seconds(1)).unwrap();
    let tally = CallTally { late: 1, foreign: 1, ..CallTally::default() };
    assert_eq!((worked.answers.len(), worked.tally), (0, tally));
    assert_eq!(head_end.held(&late.title, KeyPurpose::Signature).pending, None);
}

#[test]
fn a_line_that_is_no_order_is_told_with_its_number() {
    let line = r#"{"campaign":"c","system_title":"53494D0100000000","type":"signature","turn":1,"call":"activate","until":"2026-11-29T10:00:00Z","apdus":[],"text":"more"}"#;
    let orders = read_orders(&format!("{line}\n\n")).unwrap();
    assert_eq!((orders.len(), orders[0].turn), (1, 1));
    for (is, not) in
        [("signature", "sealing"), ("10:00:00Z", "10:00"), ("[]", "[\"0g\"]"), ("53494D01", "53")]
    {
        let error = read_orders(&format!("{line}\n{}", line.replace(is, not))).unwrap_err().to_string();
        assert!(error.starts_with("line 2 is no work order: "), "{error}");
    }
}
