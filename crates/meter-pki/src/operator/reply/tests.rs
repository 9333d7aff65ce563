use super::*;

#[test]
fn what_cannot_be_read_is_400_and_what_cannot_be_done_422() {
    let of = |exit, code| status(&Failure::new(exit, code, "no"));
    assert_eq!(of(Exit::Usage, "title.malformed"), StatusCode::BAD_REQUEST);
    assert_eq!(of(Exit::Usage, "state.unknown"), StatusCode::BAD_REQUEST);
    assert_eq!(of(Exit::Usage, "order.titles"), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(of(Exit::NotFound, "device.unknown"), StatusCode::NOT_FOUND);
}
