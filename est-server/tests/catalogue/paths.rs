//! Paths, labels, methods: E-05, E-06, E-18, E-19, E-25, T-11, T-16.

use axum::http::Method;
use axum::http::Request;

use crate::csr::Csr;
use crate::world::{DEVICE, World, enrol_at, password, tls};

const UNKNOWN: (u16, &str) = (404, "operation.unknown");

async fn is_not_found(path: &str) {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let request = password(enrol_at(path), DEVICE, "secret");
    world.refuses(request, tls(), Csr::new(DEVICE, 40).body(), UNKNOWN).await;
}

#[tokio::test]
async fn e_05_labels_are_whole_tokens_of_a_fixed_map() {
    let long = "a".repeat(4_096);
    for label in [
        "..",
        ".",
        "%2e%2e",
        "%2E%2E",
        "meter-ds%2f",
        "%2fmeter-ds",
        "meter-ds%00",
        "%00",
        "meter-ds.",
        ".meter-ds",
        "METER-DS",
        "Meter-Ds",
        "meter%2Dds",
        "meter-d%D1%95",
        "meter-ds;x",
        "meter_ds",
        "meter-ds%20",
        "*",
        long.as_str(),
    ] {
        is_not_found(&format!("/.well-known/est/{label}/simpleenroll")).await;
    }
}

#[tokio::test]
async fn e_06_operation_names_as_labels_and_wrong_numbers_of_segments() {
    for path in [
        "/.well-known/est/simpleenroll/simpleenroll",
        "/.well-known/est/cacerts/simpleenroll",
        "/.well-known/est/meter-ds",
        "/.well-known/est/meter-ds/",
        "/.well-known/est/meter-ds/meter-ds/simpleenroll",
        "/.well-known/est/meter-ds/simpleenroll/",
        "/.well-known/est/meter-ds/simpleenroll/more",
        "/.well-known/est//simpleenroll",
        "/.well-known/est/simpleenroll/",
        "/.well-known/est/SimpleEnroll",
        "/.well-known/est/simpleenroll%20",
    ] {
        is_not_found(path).await;
    }
}

// T-11: the folder itself, and paths beside it, are nothing.
#[tokio::test]
async fn t_11_folders_are_not_operations() {
    for path in ["/.well-known/est", "/.well-known/est/"] {
        is_not_found(path).await;
    }
    let world = World::new();
    for path in
        ["/", "/.well-known/", "/.well-known", "//", "/.well-known//est/cacerts", "/.WELL-KNOWN/est/cacerts"]
    {
        let answer = world.send(Request::get(path), tls(), "").await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
    }
}

// RFC 7030 §4.3, §4.4, §4.5: optional operations answer 404 where they are not offered.
#[tokio::test]
async fn e_19_server_side_key_generation_is_not_offered() {
    for path in ["/.well-known/est/serverkeygen", "/.well-known/est/meter-ds/serverkeygen"] {
        is_not_found(path).await;
    }
}

#[tokio::test]
async fn e_25_full_cmc_is_not_offered() {
    for path in ["/.well-known/est/fullcmc", "/.well-known/est/meter-ds/fullcmc"] {
        is_not_found(path).await;
    }
}

// RFC 9110 §15.5.6: a 405 names the methods that are done.
#[tokio::test]
async fn e_18_wrong_methods_are_told_the_right_ones() {
    let world = World::new();
    for (operation, allowed, methods) in [
        ("simpleenroll", "POST", [Method::GET, Method::PUT, Method::DELETE, Method::HEAD]),
        ("simplereenroll", "POST", [Method::GET, Method::OPTIONS, Method::PATCH, Method::TRACE]),
        ("csrattrs", "GET, HEAD", [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS]),
        ("cacerts", "GET, HEAD", [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS]),
    ] {
        for method in methods {
            let is_head = method == Method::HEAD;
            let request = Request::builder().method(method).uri(format!("/.well-known/est/{operation}"));
            let answer = if is_head {
                world.send(request, tls(), "").await
            } else {
                world.refuses(request, tls(), "", (405, "operation.method")).await
            };
            assert_eq!((answer.status.as_u16(), answer.field("allow")), (405, allowed));
        }
    }
}

#[tokio::test]
async fn t_16_the_host_field_changes_nothing() {
    let world = World::new();
    let plain = world.send(Request::get("/.well-known/est/cacerts"), tls(), "").await;
    let other =
        world.send(Request::get("/.well-known/est/cacerts").header("host", "evil.example"), tls(), "").await;
    assert_eq!(plain.body, other.body);
    assert_eq!(plain.fields, other.fields);
}
