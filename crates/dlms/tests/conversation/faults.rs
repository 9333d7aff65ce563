//! Meters that refuse, lie, lose or show something else: each with its reason code and what to do next.

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::apdu::ActionResult;
use dlms::meter::{Fault, Meter, PlannedFault};
use dlms::security_setup::MeterKey;
use dlms::work_order::{
    Call, Conversation, Goal, JudgeError, KnownKey, Next, Outcome, Remedy, TurnError, Wishes, WorkOrder,
};

use crate::issuing::{Authority, TITLE};
use crate::{go, keys_only, nobody};

const GENERATE: i8 = 4;
const REQUEST: i8 = 5;
const IMPORT: i8 = 6;
const EXPORT: i8 = 7;

struct Scene {
    authority: Authority,
    meter: Meter,
    conversation: Conversation,
}

impl Scene {
    /// A signature and a key-agreement key are renewed; the meter fails once as planned.
    fn new(method: i8, after: u32, fault: Fault) -> Self {
        let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
        let meter = authority.meter(300, vec![PlannedFault { method, after, fault }]);
        let wishes = Wishes {
            authorities: vec![authority.certificate()],
            ..keys_only(&[MeterKey::Signature, MeterKey::KeyAgreement])
        };
        let order = WorkOrder::new(authority.addressee(300), Goal::Renew, wishes);
        Self { authority, meter, conversation: Conversation::new(order) }
    }

    /// Goes on to the first answer that is not the awaited one.
    fn fails(&mut self) -> (Box<Call>, JudgeError, Remedy) {
        match go(&mut self.conversation, &mut self.meter, &self.authority) {
            Err(TurnError::Judged { call, error }) => {
                let remedy = call.remedy(&error);
                (call, error, remedy)
            }
            other => panic!("{other:?}"),
        }
    }

    fn ends_well(&mut self) {
        drop(go(&mut self.conversation, &mut self.meter, &self.authority).unwrap());
        for key in [MeterKey::Signature, MeterKey::KeyAgreement] {
            assert!(self.meter.certificate(key).is_some());
        }
    }
}

#[track_caller]
fn judged(method: i8, fault: Fault) -> (&'static str, Remedy) {
    let (call, error, remedy) = Scene::new(method, 0, fault).fails();
    assert_eq!(call.member(), method);
    (error.code(), remedy)
}

#[test]
fn a_refusal_stops_and_a_temporary_one_is_tried_again() {
    let refused = Fault::Refuse(ActionResult::READ_WRITE_DENIED);
    assert_eq!(judged(GENERATE, refused), ("dlms.refused", Remedy::Stop));
    let mut scene = Scene::new(GENERATE, 1, Fault::Refuse(ActionResult::TEMPORARY_FAILURE));
    let (_, error, remedy) = scene.fails();
    assert_eq!((error.code(), remedy), ("dlms.temporary_failure", Remedy::SendAgain));
    assert_eq!(error.to_string(), "the meter answers temporary-failure (2)");
    scene.ends_well();
}

#[test]
fn what_is_lost_on_the_way_there_or_back_is_sent_again() {
    for method in [GENERATE, REQUEST, EXPORT] {
        for fault in [Fault::LoseRequest, Fault::LoseAnswer] {
            let mut scene = Scene::new(method, 1, fault);
            let (_, error, remedy) = scene.fails();
            assert_eq!((error.code(), remedy), ("dlms.no_answer", Remedy::SendAgain));
            scene.ends_well();
        }
    }
}

// facts 1.4.3: an import is in force at once, whether its answer came or not.
#[test]
fn a_lost_import_is_left_to_the_confirmation_which_tells_what_happened() {
    // The authority's import is the first, so one goes well before.
    let mut scene = Scene::new(IMPORT, 1, Fault::LoseAnswer);
    assert_eq!(scene.fails().2, Remedy::Confirm);
    scene.conversation.leave_to_confirmation().unwrap();
    scene.ends_well();

    let mut scene = Scene::new(IMPORT, 1, Fault::LoseRequest);
    assert_eq!(scene.fails().2, Remedy::Confirm);
    scene.conversation.leave_to_confirmation().unwrap();
    // Nothing was imported, so there is nothing to show.
    assert_eq!(scene.fails().1.code(), "dlms.refused");
    scene.conversation.import_again().unwrap();
    scene.ends_well();
}

#[test]
fn an_import_that_the_meter_only_claims_is_found_by_the_confirmation() {
    let mut scene = Scene::new(IMPORT, 1, Fault::ForgetImport);
    let (call, error, _) = scene.fails();
    assert_eq!((call.member(), error.code()), (EXPORT, "dlms.refused"));
}

#[test]
fn an_export_that_shows_another_certificate_is_found() {
    let other = Authority::new(SecuritySuite::Suite1, "Maker");
    let shown = other.der().to_vec();
    let mut scene = Scene::new(EXPORT, 0, Fault::ShowCertificate(shown));
    let (_, error, remedy) = scene.fails();
    assert_eq!((error.code(), remedy), ("dlms.other_certificate", Remedy::ImportAgain));
    assert!(error.to_string().contains("4000010203042A"), "{error}");
    scene.conversation.import_again().unwrap();
    scene.ends_well();
    let unreadable = judged(EXPORT, Fault::ShowCertificate(vec![1, 2, 3]));
    assert_eq!(unreadable, ("dlms.other_certificate", Remedy::ImportAgain));
}

#[test]
fn requests_of_another_device_curve_or_without_proof_stop() {
    let other = SystemTitle::new(*b"MPK\0\0\0\0\x2B");
    for (fault, code) in [
        (Fault::NameInRequest(other), "dlms.other_title"),
        (Fault::RequestOnOtherCurve, "dlms.other_curve"),
        (Fault::SignWithOtherKey, "dlms.not_possessed"),
        (Fault::CutRequest, "dlms.request_unreadable"),
    ] {
        assert_eq!(judged(REQUEST, fault), (code, Remedy::Stop));
    }
}

// ADR 8: r and s without sign octet, as the most used library writes them.
#[test]
fn requests_with_unsigned_integers_are_read() {
    for after in 0..2 {
        Scene::new(REQUEST, after, Fault::UnsignedIntegers).ends_well();
    }
}

/// Asks for both requests, and judges the second with the first's key known as told.
fn second_request(
    fault: Option<Fault>,
    known: impl Fn([u8; 32]) -> Option<([u8; 32], KnownKey)>,
) -> Result<Outcome, TurnError> {
    let planned = fault.map_or(Fault::UnsignedIntegers, |fault| fault);
    let mut scene = Scene::new(REQUEST, 1, planned);
    let mut first = None;
    loop {
        let Next::Call(call) = scene.conversation.next() else { panic!() };
        let reply = scene.meter.put_through(&call);
        let second = first.is_some() && call.member() == REQUEST;
        let owner = first.and_then(&known);
        let look = |asked: &[u8; 32]| owner.filter(|(key, _)| key == asked).map(|(_, owner)| owner);
        let outcome = scene.conversation.answer(&reply, &look);
        if second {
            return outcome;
        }
        if let Outcome::Request(request) = outcome.unwrap() {
            first = Some(request.public_key().fingerprint());
        }
    }
}

#[test]
fn a_request_with_a_key_of_another_type_or_device_is_refused() {
    let of = |title, key| move |first| Some((first, KnownKey { title, key: Some(key) }));
    let code = |result: Result<Outcome, TurnError>| result.unwrap_err().code();
    let same_key = || Some(Fault::RequestForKey(MeterKey::Signature));
    let other = SystemTitle::new([9; 8]);
    assert_eq!(code(second_request(same_key(), of(TITLE, MeterKey::Signature))), "dlms.key_of_another_type");
    assert_eq!(
        code(second_request(same_key(), of(other, MeterKey::KeyAgreement))),
        "dlms.key_of_another_device"
    );
    assert_eq!(code(second_request(same_key(), of(TITLE, MeterKey::KeyAgreement))), "dlms.key_not_new");
    assert!(second_request(None, of(other, MeterKey::Signature)).is_ok(), "its own key is not known");
}

#[test]
fn a_meter_that_makes_no_new_key_is_found() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let fault = PlannedFault { method: GENERATE, after: 1, fault: Fault::KeepOldKey };
    let mut meter = authority.meter(300, vec![fault]);
    let wishes = Wishes { authorities: vec![authority.certificate()], ..keys_only(&[MeterKey::Tls]) };
    let order = WorkOrder::new(authority.addressee(300), Goal::Renew, wishes);
    drop(go(&mut Conversation::new(order), &mut meter, &authority).unwrap());
    let key = meter.certificate(MeterKey::Tls).unwrap().public_key().fingerprint();
    let known =
        |asked: &[u8; 32]| (*asked == key).then_some(KnownKey { title: TITLE, key: Some(MeterKey::Tls) });
    let order = WorkOrder::new(authority.addressee(300), Goal::Renew, keys_only(&[MeterKey::Tls]));
    let mut conversation = Conversation::new(order);
    let Next::Call(generate) = conversation.next() else { panic!() };
    assert_eq!(conversation.answer(&meter.put_through(&generate), &known), Ok(Outcome::Done));
    let Next::Call(request) = conversation.next() else { panic!() };
    let error = conversation.answer(&meter.put_through(&request), &known).unwrap_err();
    assert_eq!(error.code(), "dlms.key_not_new");
    let TurnError::Judged { call, error } = error else { panic!() };
    assert_eq!(call.remedy(&error), Remedy::BeginAgain);
}

#[test]
fn another_meter_and_another_suite_are_found_before_anything_is_changed() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let mut meter = authority.meter(300, Vec::new());
    let mut addressee = authority.addressee(300);
    addressee.title = SystemTitle::new([1; 8]);
    let order = WorkOrder::new(addressee, Goal::Swap, keys_only(&[MeterKey::Tls]));
    let error = go(&mut Conversation::new(order), &mut meter, &authority).unwrap_err();
    assert_eq!(error.code(), "dlms.other_meter");
    let mut addressee = authority.addressee(300);
    addressee.suite = SecuritySuite::Suite2;
    let order = WorkOrder::new(addressee, Goal::Swap, keys_only(&[MeterKey::Tls]));
    let mut conversation = Conversation::new(order);
    let Next::Call(title) = conversation.next() else { panic!() };
    drop(conversation.answer(&meter.put_through(&title), &nobody).unwrap());
    assert_eq!(go(&mut conversation, &mut meter, &authority).unwrap_err().code(), "dlms.other_suite");
    assert!(!meter.has_key(MeterKey::Tls));
}

// facts 1.4.4: what is not signed by an authority that the meter holds is discarded.
#[test]
fn a_meter_discards_what_it_cannot_verify() {
    let (authority, other) =
        (Authority::new(SecuritySuite::Suite1, "Grid North"), Authority::new(SecuritySuite::Suite1, "Maker"));
    let mut meter = authority.meter(300, Vec::new());
    let wishes = Wishes { authorities: vec![other.certificate()], ..Wishes::default() };
    let order = WorkOrder::new(authority.addressee(300), Goal::Renew, wishes);
    let error = go(&mut Conversation::new(order), &mut meter, &authority).unwrap_err();
    assert_eq!(error.code(), "dlms.refused");
}
