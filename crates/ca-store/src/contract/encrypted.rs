//! A database that is reached over TLS: which servers are spoken to, and that the password is proven to them alone. Certificates
//! are OpenSSL's, and PostgreSQL checks the proof.

use std::path::Path;
use std::process::Command;

use postgres_peer::Server;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::{Database, Store};

/// Makes a key and a certificate of its own for this machine, by OpenSSL.
fn certificate(place: &Path, name: &str, (curve, digest): (&str, &str)) {
    let file = |ending: &str| place.join(format!("{name}.{ending}")).display().to_string();
    let (key, pem, curve) = (file("key"), file("pem"), format!("ec_paramgen_curve:{curve}"));
    let (names, is_no_authority) = ("subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE");
    let words = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", &curve, digest, "-days", "2"];
    let made = Command::new("openssl")
        .args(words)
        .args([
            "-subj",
            "/CN=db",
            "-addext",
            names,
            "-addext",
            is_no_authority,
            "-keyout",
            &key,
            "-out",
            &pem,
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Has the server show a certificate from now on.
fn show(server: &Server, place: &Path, name: &str) {
    for (ending, setting) in [("key", "ssl_key_file"), ("pem", "ssl_cert_file")] {
        let here = server.directory().join(format!("{name}.{ending}"));
        std::fs::copy(place.join(format!("{name}.{ending}")), &here).unwrap();
        let words = ["--reference".to_owned(), server.directory().join("data").display().to_string()];
        assert!(Command::new("chown").args(words).arg(&here).status().unwrap().success());
        assert!(Command::new("chmod").arg("600").arg(&here).status().unwrap().success());
        server.set(setting, &here.display().to_string());
    }
    server.set("ssl", "on");
}

/// The database over TCP, with these anchors, where the proof of the password has to be bound to the server's certificate.
fn reached(database: &postgres_peer::Database, host: &str, anchors: &Path) -> Database {
    let server = database.server();
    let address = format!(
        "host={host} hostaddr=127.0.0.1 port={} user=postgres dbname={} channel_binding=require",
        server.port(),
        database.name()
    );
    let anchors = CertificateDer::pem_file_iter(anchors).unwrap().map(Result::unwrap).collect();
    Database::parse(&address).unwrap().with_password(server.password().as_bytes()).with_tls(anchors).unwrap()
}

#[test]
fn the_password_is_bound_to_the_certificate_of_a_server_that_the_anchors_vouch_for() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::with(&[("fsync", "off")]);
    let database = server.database();
    let parent = tempfile::tempdir().unwrap();
    for (number, (name, algorithms)) in (1..).zip([
        ("one", ("P-256", "-sha256")),
        ("two", ("P-384", "-sha384")),
        ("three", ("P-521", "-sha512")),
    ]) {
        certificate(place.path(), name, algorithms);
        show(&server, place.path(), name);
        let there = reached(&database, "127.0.0.1", &place.path().join(format!("{name}.pem")));
        let node = parent.path().join(name);
        if number == 1 {
            Store::create_shared(&node, &there, ([number; 16], "a test")).unwrap();
        } else {
            Store::join_shared(&node, &there, [number; 16]).unwrap();
        }
    }
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'meter-pki' AND NOT ssl";
    assert_eq!(database.sql(encrypted), "f", "nothing went in clear");
    let refused = |host: &str, anchors: &str| {
        let there = reached(&database, host, &place.path().join(anchors));
        Store::join_shared(&parent.path().join("refused"), &there, [9; 16]).unwrap_err().to_string()
    };
    let stranger = refused("127.0.0.1", "one.pem");
    assert!(stranger.contains("certificate"), "the server shows another one now: {stranger}");
    let elsewhere = refused("db.example", "three.pem");
    assert!(elsewhere.contains("certificate"), "it is not for this name: {elsewhere}");
}

#[test]
fn a_server_without_tls_is_not_spoken_to_where_anchors_are_given() {
    let place = tempfile::tempdir().unwrap();
    certificate(place.path(), "one", ("P-256", "-sha256"));
    let database = Server::shared().database();
    let there = reached(&database, "127.0.0.1", &place.path().join("one.pem"));
    let parent = tempfile::tempdir().unwrap();
    let refused = Store::create_shared(&parent.path().join("node"), &there, ([1; 16], "a test")).unwrap_err();
    assert!(refused.to_string().contains("TLS"), "{refused}");
}
