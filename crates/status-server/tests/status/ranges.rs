//! Byte ranges and conditions, of a document in memory and of one in a file (RFC 9110 §13, §14).

use axum::Router;
use axum::http::{Method, StatusCode};
use status_server::repository::crl_path;

use crate::http::{Reply, ask, get};
use crate::world::{World, der, revoked};

/// A list in memory, and one that is read from its file.
async fn on_both(test: impl AsyncFn(&Router, &str, &[u8])) {
    for entries in [0, 2_500] {
        let world = World::new();
        for number in 0..entries {
            world.put(number, revoked(crate::world::NOW));
        }
        let crl = world.publish();
        assert_eq!(crl.der.length() > 65_536, entries > 0);
        test(&world.router(), &crl_path(&crl.issuer), &der(&crl)).await;
    }
}

fn says(reply: &Reply, status: StatusCode, range: &str) {
    assert_eq!((reply.status, reply.field("content-range")), (status, Some(range)));
    assert_eq!(reply.field("accept-ranges"), Some("bytes"));
    assert!(reply.field("etag").is_some() && reply.field("cache-control").is_some());
}

// RFC 9110 §14.2, §15.3.7.
#[tokio::test]
async fn a_part_is_served_from_the_start_the_middle_and_the_end() {
    on_both(async |router, path, whole| {
        let length = whole.len();
        for (field, start, end) in [
            ("bytes=0-99".to_owned(), 0, 100),
            (format!("bytes={}-", length - 7), length - 7, length),
            ("bytes=-7".to_owned(), length - 7, length),
            ("bytes=100-100".to_owned(), 100, 101),
            ("bytes=10-999999999".to_owned(), 10, length),
        ] {
            let reply = get(router, path, &[("range", &field)]).await;
            says(&reply, StatusCode::PARTIAL_CONTENT, &format!("bytes {start}-{}/{length}", end - 1));
            assert_eq!(reply.body, &whole[start..end], "{field}");
            assert_eq!(reply.field("content-length"), Some((end - start).to_string().as_str()));
            assert_eq!(reply.field("content-type"), Some("application/pkix-crl"));
        }
    })
    .await;
}

// RFC 9110 §15.5.17.
#[tokio::test]
async fn a_part_beyond_the_end_is_refused_with_the_length() {
    on_both(async |router, path, whole| {
        let field = format!("bytes={}-", whole.len());
        let reply = get(router, path, &[("range", &field)]).await;
        says(&reply, StatusCode::RANGE_NOT_SATISFIABLE, &format!("bytes */{}", whole.len()));
        assert!(reply.body.is_empty());
    })
    .await;
}

// RFC 9110 §14.2: ignored with HEAD; what is not understood is answered with the whole.
#[tokio::test]
async fn other_ranges_are_answered_with_the_whole() {
    on_both(async |router, path, whole| {
        for field in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1"] {
            let reply = get(router, path, &[("range", field)]).await;
            assert_eq!((reply.status, reply.body.as_slice()), (StatusCode::OK, whole), "{field}");
        }
        let reply = ask(router, Method::HEAD, path, &[("range", "bytes=0-1")], Vec::new()).await;
        let length = whole.len().to_string();
        assert_eq!((reply.status, reply.field("content-length")), (StatusCode::OK, Some(length.as_str())));
        assert!(reply.body.is_empty());
    })
    .await;
}

// RFC 9110 §13.1.5: who has the start of another version gets the whole of this one.
#[tokio::test]
async fn who_goes_on_with_another_version_gets_the_whole() {
    on_both(async |router, path, whole| {
        let head = get(router, path, &[]).await;
        let (tag, date) = (head.field("etag").unwrap(), head.field("last-modified").unwrap());
        let weak = format!("W/{tag}");
        for (condition, status) in [
            (tag, StatusCode::PARTIAL_CONTENT),
            ("\"another\"", StatusCode::OK),
            (weak.as_str(), StatusCode::OK),
            // Two lists may come in one second.
            (date, StatusCode::OK),
        ] {
            let reply = get(router, path, &[("range", "bytes=5-"), ("if-range", condition)]).await;
            let expected = if status == StatusCode::OK { whole } else { &whole[5..] };
            assert_eq!((reply.status, reply.body.as_slice()), (status, expected), "{condition}");
        }
    })
    .await;
}

// RFC 9110 §13.1.1, §13.2.2: conditions before ranges.
#[tokio::test]
async fn conditions_come_before_ranges() {
    on_both(async |router, path, _| {
        let tag = get(router, path, &[]).await.field("etag").unwrap().to_owned();
        for (fields, status) in [
            ([("range", "bytes=5-"), ("if-none-match", tag.as_str())], StatusCode::NOT_MODIFIED),
            ([("range", "bytes=5-"), ("if-match", "\"another\"")], StatusCode::PRECONDITION_FAILED),
            ([("range", "bytes=5-"), ("if-match", tag.as_str())], StatusCode::PARTIAL_CONTENT),
            ([("range", "bytes=5-"), ("if-match", "*")], StatusCode::PARTIAL_CONTENT),
        ] {
            assert_eq!(get(router, path, &fields).await.status, status, "{fields:?}");
        }
    })
    .await;
}
