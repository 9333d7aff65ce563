//! Answers in every form in which a head-end may bring them, and those that are none.

use ca_core::suite::SecuritySuite;
use dlms::apdu::{
    ActionResponse, ActionResult, Apdu, Block, DataAccessResult, Exception, GetResponse, GetResult, InvokeId,
};
use dlms::axdr::Data;
use dlms::security_setup::{Attribute, MeterKey};
use dlms::work_order::{Answer, Call, JudgeError, Outcome, Remedy, Reply, Task};

use crate::issuing::{Authority, TITLE};
use crate::nobody;

fn call(task: Task) -> Call {
    Call::new(3, Authority::new(SecuritySuite::Suite1, "Grid North").addressee(300), task)
}

fn judge(call: &Call, answer: Answer) -> Result<Outcome, JudgeError> {
    call.judge(&Reply { call: call.number(), answer }, &nobody)
}

fn code(call: &Call, answer: Answer) -> &'static str {
    judge(call, answer).unwrap_err().code()
}

fn normal(result: ActionResult, returned: Option<GetResult>) -> Vec<u8> {
    ActionResponse::Normal { invoke: InvokeId::confirmed(3), result, returned }.encode()
}

fn block(number: u32, last: bool, octets: &[u8]) -> Vec<u8> {
    let block = Block { last, number, octets: octets.to_vec() };
    ActionResponse::WithBlock { invoke: InvokeId::confirmed(3), block }.encode()
}

#[test]
fn a_reply_to_another_call_is_out_of_order() {
    let call = call(Task::GenerateKeyPair(MeterKey::Tls));
    let reply = Reply { call: 2, answer: Answer::Apdus(vec![normal(ActionResult::SUCCESS, None)]) };
    let error = call.judge(&reply, &nobody).unwrap_err();
    assert_eq!(error.code(), "dlms.out_of_order");
    assert_eq!(error, JudgeError::OutOfOrder { awaited: 3, answered: 2 });
    assert_eq!(call.remedy(&error), Remedy::AwaitTheOther);
}

#[test]
fn an_answer_with_another_invoke_id_is_another_calls() {
    let call = call(Task::GenerateKeyPair(MeterKey::Tls));
    let invoke = InvokeId::confirmed(4);
    let other = ActionResponse::Normal { invoke, result: ActionResult::SUCCESS, returned: None }.encode();
    assert_eq!(code(&call, Answer::Apdus(vec![other])), "dlms.other_invoke_id");
}

#[test]
fn success_is_success_in_every_form() {
    let call = call(Task::GenerateKeyPair(MeterKey::Tls));
    let without_flag = vec![199, 1, 0xC3, 0];
    let null = normal(ActionResult::SUCCESS, Some(GetResult::Data(Data::Null)));
    let twice = normal(ActionResult::SUCCESS, Some(GetResult::Refused(DataAccessResult(0))));
    for octets in [normal(ActionResult::SUCCESS, None), without_flag, null, twice] {
        assert_eq!(judge(&call, Answer::Apdus(vec![octets])), Ok(Outcome::Done));
    }
    assert_eq!(judge(&call, Answer::Result { result: 0, returned: None }), Ok(Outcome::Done));
}

#[test]
fn what_returns_something_where_nothing_is_or_nothing_where_something_is_stops() {
    let generate = call(Task::GenerateKeyPair(MeterKey::Tls));
    let returned = normal(ActionResult::SUCCESS, Some(GetResult::Data(Data::Enum(1))));
    assert_eq!(code(&generate, Answer::Apdus(vec![returned])), "dlms.unexpected_return");
    let request = call(Task::GenerateRequest(MeterKey::Tls));
    assert_eq!(
        code(&request, Answer::Apdus(vec![normal(ActionResult::SUCCESS, None)])),
        "dlms.nothing_returned"
    );
    let other = normal(ActionResult::SUCCESS, Some(GetResult::Data(Data::Enum(1))));
    assert_eq!(code(&request, Answer::Apdus(vec![other])), "dlms.other_value");
}

#[test]
fn failures_are_told_in_every_form() {
    let generate = call(Task::GenerateKeyPair(MeterKey::Tls));
    let refused = normal(ActionResult::OTHER_REASON, None);
    assert_eq!(code(&generate, Answer::Apdus(vec![refused])), "dlms.refused");
    assert_eq!(code(&generate, Answer::Result { result: 250, returned: None }), "dlms.refused");
    assert_eq!(code(&generate, Answer::Result { result: 2, returned: None }), "dlms.temporary_failure");
    assert_eq!(code(&generate, Answer::Nothing), "dlms.no_answer");
    assert_eq!(code(&generate, Answer::Apdus(Vec::new())), "dlms.no_answer");
    let exception = Apdu::Exception(Exception { state: 1, service: 5, invocation_counter: None }).encode();
    assert_eq!(code(&generate, Answer::Apdus(vec![exception])), "dlms.exception");
    // glo-action-response: the head-end did not decipher it.
    assert_eq!(code(&generate, Answer::Apdus(vec![vec![207, 3, 1, 2, 3]])), "dlms.unreadable");
    let read = call(Task::Read(Attribute::Certificates));
    let denied = GetResult::Refused(DataAccessResult::READ_WRITE_DENIED);
    let denied = GetResponse::Normal { invoke: InvokeId::confirmed(3), result: denied }.encode();
    assert_eq!(code(&read, Answer::Apdus(vec![denied.clone()])), "dlms.refused");
    assert_eq!(code(&generate, Answer::Apdus(vec![denied])), "dlms.other_apdu");
    assert_eq!(code(&read, Answer::Apdus(vec![normal(ActionResult::SUCCESS, None)])), "dlms.other_apdu");
}

#[test]
fn blocks_carry_the_value_or_the_whole_answer_and_come_in_order() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let mut meter = authority.meter(2_000, Vec::new());
    let of = |task| Call::new(3, authority.addressee(2_000), task);
    drop(meter.put_through(&of(Task::GenerateKeyPair(MeterKey::Signature))));
    let request = of(Task::GenerateRequest(MeterKey::Signature));
    let Answer::Apdus(whole) = meter.put_through(&request).answer else { panic!() };
    let Ok(Apdu::ActionResponse(ActionResponse::Normal { returned: Some(GetResult::Data(value)), .. })) =
        Apdu::decode(&whole[0])
    else {
        panic!()
    };
    let value = value.encode();
    // result, flag, choice of the data
    let with_result = [&[0, 1, 0], value.as_slice()].concat();
    for octets in [&value, &with_result] {
        let (first, second) = octets.split_at(100);
        let next = ActionResponse::NextBlock { invoke: InvokeId::confirmed(3), number: 1 }.encode();
        let answer = Answer::Apdus(vec![next, block(1, false, first), block(2, true, second)]);
        assert!(matches!(judge(&request, answer), Ok(Outcome::Request(_))));
    }
    let (first, second) = value.split_at(100);
    let turned = Answer::Apdus(vec![block(2, true, second), block(1, false, first)]);
    assert_eq!(code(&request, turned), "dlms.blocks");
    assert_eq!(code(&request, Answer::Apdus(vec![block(1, false, first)])), "dlms.blocks");
    let refused = Answer::Apdus(vec![block(1, true, &[250, 0])]);
    assert_eq!(code(&request, refused), "dlms.refused");
    let alone = Answer::Result { result: 0, returned: Some(value) };
    assert!(matches!(judge(&request, alone), Ok(Outcome::Request(_))));
}

#[test]
fn an_attribute_is_read_from_a_value_alone() {
    let read = call(Task::Read(Attribute::ServerSystemTitle));
    let value = Data::OctetString(TITLE.octets().to_vec()).encode();
    let answer = Answer::Result { result: 0, returned: Some(value) };
    assert_eq!(judge(&read, answer), Ok(Outcome::Title(TITLE)));
    let short = Answer::Result { result: 0, returned: Some(Data::OctetString(vec![1; 7]).encode()) };
    assert_eq!(code(&read, short), "dlms.other_value");
}
