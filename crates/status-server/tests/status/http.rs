//! Requests to the routes without a socket.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt;

/// An answer, whole.
pub struct Reply {
    pub status: StatusCode,
    pub fields: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Asks the routes.
pub async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    body: Vec<u8>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Reply { status: head.status, fields: head.headers, body }
}

/// GET without a body.
pub async fn get(router: &Router, path: &str, fields: &[(&str, &str)]) -> Reply {
    ask(router, Method::GET, path, fields, Vec::new()).await
}

/// POST of an OCSP request.
pub async fn post_ocsp(router: &Router, request: Vec<u8>) -> Reply {
    ask(router, Method::POST, "/ocsp", &[("content-type", "application/ocsp-request")], request).await
}
