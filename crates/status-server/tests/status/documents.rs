//! CRLs and CA certificates over HTTP.

use axum::http::{Method, StatusCode};
use status_server::repository::{certificate_path, crl_path, issued_path, p7c_path};

use crate::http::{ask, get};
use crate::world::{DAY, World, revoked};
use ca_core::ports::Clock;

// RFC 5280 §4.2.1.13: one DER object; RFC 2585 §4: its media type.
#[tokio::test]
async fn a_crl_is_served_with_what_caches_need() {
    let world = World::new();
    world.put(1, revoked(world.clock.now()));
    let crl = world.publish();
    let path = crl_path(&crl.issuer);
    world.clock.advance(100);
    let reply = get(&world.router(), &path, &[]).await;
    assert_eq!((reply.status, &reply.body), (StatusCode::OK, &crl.der.to_vec().unwrap()));
    assert_eq!(reply.field("content-type"), Some("application/pkix-crl"));
    assert_eq!(reply.field("last-modified"), Some("Sat, 21 Nov 2026 00:00:00 GMT"));
    assert_eq!(reply.field("expires"), Some("Sat, 28 Nov 2026 00:00:00 GMT"));
    let max_age = 7 * DAY - 100;
    let expected = format!("max-age={max_age}, public, no-transform, must-revalidate");
    assert_eq!(reply.field("cache-control"), Some(expected.as_str()));
    let etag = reply.field("etag").unwrap();
    assert!(etag.len() == 66 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
}

#[tokio::test]
async fn head_says_what_get_says_without_the_octets() {
    let world = World::new();
    let path = crl_path(&world.publish().issuer);
    let router = world.router();
    let (of_get, of_head) =
        (get(&router, &path, &[]).await, ask(&router, Method::HEAD, &path, &[], Vec::new()).await);
    assert_eq!((of_head.status, of_head.body.len()), (StatusCode::OK, 0));
    for name in ["content-type", "etag", "last-modified", "expires", "cache-control", "content-length"] {
        assert_eq!(of_head.field(name), of_get.field(name), "{name}");
    }
}

// RFC 9110 §13: who has this version gets 304, with the fields that a cache updates.
#[tokio::test]
async fn who_has_the_crl_is_told_so() {
    let world = World::new();
    let path = crl_path(&world.publish().issuer);
    let router = world.router();
    let etag = get(&router, &path, &[]).await.field("etag").unwrap().to_owned();
    for fields in [
        [("if-none-match", etag.as_str())],
        [("if-none-match", "\"x\", *")],
        [("if-modified-since", "Sat, 21 Nov 2026 00:00:00 GMT")],
    ] {
        let reply = get(&router, &path, &fields).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::NOT_MODIFIED, 0), "{fields:?}");
        assert_eq!(reply.field("etag"), Some(etag.as_str()));
        assert!(reply.field("cache-control").is_some() && reply.field("expires").is_some());
    }
    world.clock.advance(60);
    world.publish();
    assert_eq!(get(&router, &path, &[("if-none-match", &etag)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_crl_that_is_over_is_still_served_and_not_kept() {
    let world = World::new();
    let path = crl_path(&world.publish().issuer);
    world.clock.advance(8 * DAY);
    let reply = get(&world.router(), &path, &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.field("cache-control").unwrap().starts_with("max-age=0,"));
}

#[tokio::test]
async fn ca_certificates_are_served_under_their_keys() {
    let world = World::new();
    let router = world.router();
    for authority in [&world.authority, &world.root] {
        let reply = get(&router, &certificate_path(&authority.issuer().key()), &[]).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.field("content-type"), Some("application/pkix-cert"));
        assert_eq!(reply.body, authority.certificate.der().as_ref());
        assert!(reply.field("cache-control").unwrap().starts_with("max-age=86400,"));
    }
}

#[tokio::test]
async fn a_path_is_a_whole_token_or_nothing() {
    let world = World::new();
    let key = world.publish().issuer;
    let router = world.router();
    let upper = key.to_string().to_uppercase();
    for path in [
        format!("/crl/{upper}.crl"),
        format!("/crl/{key}.cer"),
        format!("/crl/{key}"),
        format!("/crl/{key}.crl.new"),
        format!("/crl/{key}.crl/"),
        format!("/crl/./{key}.crl"),
        format!("/crl/../crl/{key}.crl"),
        format!("/crl/%2e%2e%2fcrl%2f{key}.crl"),
        format!("/crl//{key}.crl"),
        format!("/crl/{key}%2ecrl"),
        format!("/crl/{key}.crl%00"),
        format!("/ca/{key}.crl"),
        "/crl/.lock".to_owned(),
        format!("/crl/.{key}.lock"),
        format!("/crl/{}", "a".repeat(4_000)),
        "/crl/".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(get(&router, &path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let other = ca_core::key_ref::KeyRef::new([1; 20]);
    assert_eq!(get(&router, &crl_path(&other), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&router, &format!("{}?x=1", crl_path(&key)), &[]).await.status, StatusCode::OK);
}

// RFC 9110 §15.5.6: 405 with Allow.
#[tokio::test]
async fn documents_are_read_only() {
    let world = World::new();
    let path = crl_path(&world.publish().issuer);
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let reply = ask(&world.router(), method, &path, &[], b"x".to_vec()).await;
        assert_eq!((reply.status, reply.field("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET,HEAD")));
    }
}

#[tokio::test]
async fn a_ca_without_a_crl_has_none_to_serve() {
    let world = World::new();
    let key = world.issuer.key();
    assert_eq!(get(&world.router(), &crl_path(&key), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.repository.standing(&key), None);
}

// RFC 5280 §4.2.2.1: certs-only messages have a type of their own.
#[tokio::test]
async fn a_path_is_served_as_one_file_that_openssl_reads() {
    let world = World::new();
    let certificates =
        [&world.authority, &world.root].map(|authority| authority.issuer().certificate().clone());
    let key = world.issuer.key();
    world.repository.serve_path(&key, &certificates.each_ref());
    let reply = get(&world.router(), &p7c_path(&key), &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.field("content-type"), Some("application/pkcs7-mime; smime-type=certs-only"));
    let file = world.path().join("path.p7c");
    std::fs::write(&file, &reply.body).unwrap();
    let said = std::process::Command::new("openssl")
        .args(["pkcs7", "-inform", "DER", "-print_certs", "-noout", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.matches("subject=").count(), 2, "{said}");
    assert!(said.contains("Root CA") && said.contains("Sub-CA 1"), "{said}");
}

#[tokio::test]
async fn the_certificate_of_a_key_by_another_issuer_has_a_path_of_its_own() {
    let world = World::new();
    let certificate = world.issuer.certificate();
    world.repository.serve_certificate(certificate);
    let path = issued_path(certificate);
    let root: String =
        world.root.issuer().key_identifier().iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(path, format!("/ca/{}-by-{root}.cer", world.issuer.key()));
    let reply = get(&world.router(), &path, &[]).await;
    assert_eq!((reply.status, reply.body.as_slice()), (StatusCode::OK, certificate.der()));
}

#[tokio::test]
async fn the_index_lists_every_document_with_its_digest() {
    let world = World::new();
    let crl = world.publish();
    let reply = get(&world.router(), "/index.txt", &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    let text = String::from_utf8(reply.body).unwrap();
    let paths: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(paths.len(), 3, "{text}");
    for path in paths {
        let document = get(&world.router(), path, &[]).await;
        assert_eq!(document.status, StatusCode::OK, "{path}");
        let digest = document.field("etag").unwrap().trim_matches('"').to_owned();
        let line = text.lines().find(|line| line.starts_with(path)).unwrap();
        assert!(line.ends_with(&digest) && line.contains(&format!("\t{}\t", document.body.len())), "{line}");
    }
    assert!(text.contains(&crl_path(&crl.issuer)));
}

// RFC 5280 §4.2.1.13: a single DER object; nothing between may encode it, whatever a client accepts.
#[tokio::test]
async fn octets_are_never_encoded() {
    let world = World::new();
    let crl = world.publish();
    let reply = get(&world.router(), &crl_path(&crl.issuer), &[("accept-encoding", "gzip, br, zstd")]).await;
    assert_eq!((reply.field("content-encoding"), &reply.body), (None, &crl.der.to_vec().unwrap()));
    assert!(reply.field("cache-control").unwrap().contains("no-transform"));
}
