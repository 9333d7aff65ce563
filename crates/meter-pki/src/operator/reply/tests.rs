//! Failures and their statuses, and what the framework refuses by itself.

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

/// What the framework says becomes a problem with a code, and keeps its header fields.
#[tokio::test]
async fn a_bare_refusal_becomes_a_problem() {
    let bare = (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET")], "").into_response();
    let response = told(bare).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET");
    assert_eq!(response.headers()[CONTENT_TYPE], ProblemView::MEDIA_TYPE);
    let body = to_bytes(response.into_body(), SENTENCE).await.unwrap();
    let view: ProblemView = serde_json::from_slice(&body).unwrap();
    assert_eq!((view.code.as_str(), view.status), ("api.method", 405));
    assert_eq!(view.kind, "urn:meter-pki:problem:api.method");
}

/// What serde has against a body is 400 like every text that cannot be read; what is no refusal stays as it is.
#[tokio::test]
async fn a_body_that_cannot_be_read_is_400_and_an_answer_is_left_alone() {
    let refused = told((StatusCode::UNPROCESSABLE_ENTITY, "no member a").into_response()).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let answer = told((StatusCode::OK, "text").into_response()).await;
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(to_bytes(answer.into_body(), SENTENCE).await.unwrap(), "text");
}
