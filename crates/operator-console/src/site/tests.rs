//! Pages over a small interface.

use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Extension, Json};
use serde_json::json;

use super::*;
use crate::document::tests::document;

/// What came in by `POST`: the key and the body.
type Came = Arc<Mutex<Vec<(String, String)>>>;

fn interface(came: Came) -> Router {
    let person = |name: &str| json!({ "id": name, "name": "<script>alert(1)</script>", "role": "auditor" });
    let problem = || {
        let told = json!({ "code": "people.unknown", "detail": "nobody is known by this", "next": "show another certificate" });
        (StatusCode::FORBIDDEN, Json(told)).into_response()
    };
    let known = |visitor: &Option<Extension<Visitor>>| {
        visitor.as_ref().is_some_and(|Extension(Visitor(who))| who != "stranger")
    };
    Router::new()
        .route("/v1/self", get(|| async { Json(json!({ "name": "eva", "permissions": ["change-people"] })) }))
        .route("/v1/authorities", get(|| async { Json(json!([{ "tenant": "dso" }, { "tenant": "dso" }])) }))
        .route(
            "/v1/counts",
            get(|| async {
                (StatusCode::NOT_FOUND, Json(json!({ "code": "tenant.unknown", "detail": "no such tenant" })))
            }),
        )
        .route(
            "/v1/people",
            get(move |visitor: Option<Extension<Visitor>>| async move {
                if !known(&visitor) {
                    return problem();
                }
                Json(json!({ "people": [person("eva"), person("ron")], "next": "ron" })).into_response()
            })
            .post(|State(came): State<Came>, headers: HeaderMap, body: String| async move {
                let key = headers.get("idempotency-key").unwrap().to_str().unwrap().to_owned();
                came.lock().unwrap().push((key, body));
                Json(json!({ "id": "kay", "name": "Kay" }))
            }),
        )
        .route("/v1/people/{id}", get(move |Path(id): Path<String>| async move { Json(person(&id)) }))
        .route("/v1/people/{id}/changes", post(|| async { StatusCode::OK }))
        .with_state(came)
}

fn console(came: &Came) -> Console {
    Console::new(Means {
        interface: interface(Arc::clone(came)),
        document: document().into_whole(),
        key: [7; 64],
        now: Arc::new(|| 1_000),
        written: |seconds| format!("second {seconds}"),
        version: "0.0.0",
        sign_in: None,
    })
}

async fn answered(console: &Console, mut request: Request, who: &str) -> (StatusCode, HeaderMap, String) {
    request.extensions_mut().insert(Visitor(who.to_owned()));
    let response = console.answer(request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn seen(console: &Console, path: &str) -> (StatusCode, String) {
    let (status, headers, body) =
        answered(console, Request::get(path).body(Body::empty()).unwrap(), "eva").await;
    let policy = headers.get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(
        !body.contains("<script>alert") && !body.contains(" style=") && !body.contains(" onclick"),
        "{body}"
    );
    (status, body)
}

/// The stamp of a form.
fn stamp(page: &str) -> String {
    page.split("name=\"stamp\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn sent(console: &Console, path: &str, form: String, who: &str) -> (StatusCode, String) {
    let (status, _, body) = answered(console, Request::post(path).body(Body::from(form)).unwrap(), who).await;
    (status, body)
}

#[tokio::test]
async fn a_list_leads_to_its_single_ones_and_to_its_next_page() {
    let console = console(&Came::default());
    let (status, page) = seen(&console, "/console/v1/people?role=auditor&unknown=x").await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "href=\"/console/v1/people/ron\"",
        "/console/v1/people?role=auditor&amp;after=ron",
        "/console/do/v1/people",
        "<h1>People</h1>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, page) = seen(&console, "/console/v1/people/ron").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("/console/do/v1/people/ron/pardons"), "he has not the permission: {page}");
    for part in [
        "<h1>Person: &lt;script&gt;",
        "/console/do/v1/people/ron/changes?about=%2Fv1%2Fpeople%2Fron",
        "&lt;script&gt;",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_change_is_made_with_a_stamp_once_and_by_nobody_else() {
    let came = Came::default();
    let console = console(&came);
    let (_, page) = seen(&console, "/console/do/v1/people?id=kay").await;
    assert!(page.contains("value=\"kay\""), "{page}");
    let stamp = stamp(&page);
    let form = || format!("stamp={stamp}&id=kay&name=Kay");
    let (status, _) = sent(&console, "/console/do/v1/people", form(), "ron").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it was another visitor's form");
    let (status, page) = sent(&console, "/console/do/v1/people", "id=kay&name=Kay".to_owned(), "eva").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        page.contains("console.stamp") && page.contains("value=\"Kay\""),
        "what was filled in stays: {page}"
    );
    assert!(came.lock().unwrap().is_empty());
    for _ in 0..2 {
        let (status, page) = sent(&console, "/console/do/v1/people", form(), "eva").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("Done"), "{page}");
    }
    let came = came.lock().unwrap();
    let [(key, body), (again, _)] = came.as_slice() else { panic!("{came:?}") };
    assert_eq!(key, again, "the interface is to know that it is the same");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({ "id": "kay", "name": "Kay" }));
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing_but_a_link_followed() {
    let console = console(&Came::default());
    let asked = |method: &str, fields: &[(&str, &str)]| {
        let request = Request::builder().method(method).uri("/console/v1/people");
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(Body::empty()).unwrap()
    };
    let followed =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let framed =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    assert_eq!(answered(&console, asked("GET", &followed), "eva").await.0, StatusCode::OK);
    for (method, fields) in [("GET", &framed[..]), ("GET", &framed[..1]), ("POST", &followed[..])] {
        let (status, _, page) = answered(&console, asked(method, fields), "eva").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {fields:?}");
        assert!(page.contains("console.cross-site"), "{page}");
    }
}

#[tokio::test]
async fn what_the_interface_refuses_is_told_with_its_code_and_what_to_do_next() {
    let console = console(&Came::default());
    let request = Request::get("/console/v1/people").body(Body::empty()).unwrap();
    let (status, _, page) = answered(&console, request, "stranger").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for part in ["Nobody is known by this.", "show another certificate", "people.unknown"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, page) = seen(&console, "/console/v1/nothing").await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("console.page"), "{page}");
}

#[tokio::test]
async fn the_index_reaches_every_operation() {
    let console = console(&Came::default());
    let (_, page) = seen(&console, "/console/interface").await;
    for operation in document().operations() {
        assert!(page.contains(operation.template), "{}", operation.template);
    }
    let request = Request::get("/console/ask?method=POST&template=/v1/people/%7Bid%7D/changes&part.id=a/b")
        .body(Body::empty());
    let (status, headers, _) = answered(&console, request.unwrap(), "eva").await;
    assert_eq!(
        (status, headers.get(LOCATION).unwrap().to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/console/do/v1/people/a%2Fb/changes")
    );
}

#[tokio::test]
async fn what_has_to_be_said_first_is_asked_for_and_the_interface_is_not_troubled() {
    let console = console(&Came::default());
    let (status, page) = seen(&console, "/console/v1/counts").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("Say which tenant is meant") && page.contains("/console/v1/counts?tenant=dso"),
        "{page}"
    );
    let (status, page) = seen(&console, "/console/v1/counts?tenant=nobody").await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("value=\"nobody\""), "{page}");
}
