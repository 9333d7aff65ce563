//! Every form of the APDUs, there and back, and what is refused.

use super::*;
use crate::axdr::Data;
use crate::cosem::{Descriptor, LogicalName, SECURITY_SETUP};

const METHOD: Descriptor =
    Descriptor { class_id: SECURITY_SETUP, instance: LogicalName::security_setup(0), number: 4 };
const INVOKE: InvokeId = InvokeId::confirmed(1);

fn block(last: bool, number: u32) -> Block {
    Block { last, number, octets: vec![9; 200] }
}

fn every_form() -> Vec<Apdu> {
    let get_block = |result| GetBlock { last: true, number: 2, result };
    vec![
        Apdu::ActionRequest(ActionRequest::Normal {
            invoke: INVOKE,
            method: METHOD,
            parameters: Some(Data::Enum(2)),
        }),
        Apdu::ActionRequest(ActionRequest::Normal { invoke: INVOKE, method: METHOD, parameters: None }),
        Apdu::ActionRequest(ActionRequest::NextBlock { invoke: INVOKE, number: 3 }),
        Apdu::ActionRequest(ActionRequest::FirstBlock {
            invoke: INVOKE,
            method: METHOD,
            block: block(false, 1),
        }),
        Apdu::ActionRequest(ActionRequest::Block { invoke: INVOKE, block: block(true, 2) }),
        Apdu::ActionResponse(ActionResponse::Normal {
            invoke: INVOKE,
            result: ActionResult::SUCCESS,
            returned: None,
        }),
        Apdu::ActionResponse(ActionResponse::Normal {
            invoke: INVOKE,
            result: ActionResult::SUCCESS,
            returned: Some(GetResult::Data(Data::OctetString(vec![1]))),
        }),
        Apdu::ActionResponse(ActionResponse::Normal {
            invoke: INVOKE,
            result: ActionResult::OTHER_REASON,
            returned: Some(GetResult::Refused(DataAccessResult::OBJECT_UNDEFINED)),
        }),
        Apdu::ActionResponse(ActionResponse::WithBlock { invoke: INVOKE, block: block(false, 1) }),
        Apdu::ActionResponse(ActionResponse::NextBlock { invoke: INVOKE, number: 1 }),
        Apdu::GetRequest(GetRequest::Normal { invoke: INVOKE, attribute: METHOD }),
        Apdu::GetRequest(GetRequest::Next { invoke: INVOKE, number: 1 }),
        Apdu::GetResponse(GetResponse::Normal { invoke: INVOKE, result: GetResult::Data(Data::Enum(1)) }),
        Apdu::GetResponse(GetResponse::WithBlock { invoke: INVOKE, block: get_block(Ok(vec![7; 300])) }),
        Apdu::GetResponse(GetResponse::WithBlock {
            invoke: INVOKE,
            block: get_block(Err(DataAccessResult::TEMPORARY_FAILURE)),
        }),
        Apdu::Exception(Exception { state: 1, service: 2, invocation_counter: None }),
        Apdu::Exception(Exception { state: 1, service: 6, invocation_counter: Some(77) }),
    ]
}

#[test]
fn every_form_comes_back_and_none_is_read_when_cut_or_longer() {
    for apdu in every_form() {
        let octets = apdu.encode();
        assert_eq!(Apdu::decode(&octets), Ok(apdu.clone()));
        for end in 0..octets.len() {
            let cut = Apdu::decode(&octets[..end]);
            // An Action-Response-Normal may end behind the result, without the flag that nothing is returned.
            let flag = octets.get(..end).is_some_and(|cut| matches!(cut, [199, 1, _, _]));
            assert_eq!(cut.is_ok(), flag, "{apdu:?} cut at {end}");
        }
        assert!(Apdu::decode(&[octets.as_slice(), &[0]].concat()).is_err(), "{apdu:?}");
    }
}

#[test]
fn a_request_has_the_octets_of_the_standard() {
    let request = ActionRequest::Normal { invoke: INVOKE, method: METHOD, parameters: Some(Data::Enum(1)) };
    assert_eq!(request.encode(), [0xC3, 1, 0xC1, 0, 64, 0, 0, 43, 0, 0, 255, 4, 1, 0x16, 1]);
    let read = GetRequest::Normal { invoke: INVOKE, attribute: Descriptor { number: 6, ..METHOD } };
    assert_eq!(read.encode(), [0xC0, 1, 0xC1, 0, 64, 0, 0, 43, 0, 0, 255, 6, 0]);
}

#[test]
fn lists_selective_access_and_ciphered_apdus_are_refused_where_they_stand() {
    let refused = |octets: &[u8]| {
        let error = Apdu::decode(octets).unwrap_err();
        assert!(matches!(error.fault, AxdrFault::Choice { .. }), "{error}");
        error.position
    };
    assert_eq!(refused(&[0xC3, 3, 0xC1]), 1);
    assert_eq!(refused(&[0xC7, 3, 0xC1]), 1);
    assert_eq!(refused(&[0xC4, 3, 0xC1]), 1);
    assert_eq!(refused(&[0xC0, 1, 0xC1, 0, 64, 0, 0, 43, 0, 0, 255, 6, 1, 1, 0]), 12);
    // glo-action-request, general-glo-ciphering, general-ciphering, general-block-transfer
    for tag in [203, 219, 221, 224] {
        assert_eq!(refused(&[tag, 0, 0]), 0);
    }
}

#[test]
fn results_have_the_names_of_the_standard() {
    assert_eq!(ActionResult(15).to_string(), "long-action-aborted (15)");
    assert_eq!(DataAccessResult(15).to_string(), "long-get-aborted (15)");
    assert_eq!(ActionResult(77).to_string(), "a number that the standard does not have (77)");
}
