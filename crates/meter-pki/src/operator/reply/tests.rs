use super::*;

#[test]
fn what_cannot_be_read_is_400_and_what_cannot_be_done_422() {
    let of = |exit, code| status(&Failure::new(exit, code, "no"));
    assert_eq!(of(Exit::Usage, "title.malformed"), StatusCode::BAD_REQUEST);
    assert_eq!(of(Exit::Usage, "state.unknown"), StatusCode::BAD_REQUEST);
    assert_eq!(of(Exit::Usage, "order.titles"), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(of(Exit::NotFound, "device.unknown"), StatusCode::NOT_FOUND);
    // Records of ours that do not agree are our failure; those that came with the request are not.
    assert_eq!(of(Exit::Integrity, "audit.broken"), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(of(Exit::Integrity, "shipment.proof"), StatusCode::UNPROCESSABLE_ENTITY);
}
