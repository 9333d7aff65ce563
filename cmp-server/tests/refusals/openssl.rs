//! The CMP client of OpenSSL reads our refusal, over a real socket on loopback.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use server_kit::listener::{Drained, Listener};
use server_kit::shutdown::Shutdown;

use crate::server::Server;

/// Runs `openssl` in a private directory.
fn openssl(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .output()
        .unwrap_or_else(|error| panic!("openssl cannot be started ({error}): run `tests/run tools`"))
}

/// Asks for a certificate with `openssl cmp` and returns what it prints, which must be that there is none.
fn refused(directory: &Path, server: &str, command: &[&str]) -> String {
    let common = [
        "cmp",
        "-server",
        server,
        "-ref",
        "reference",
        "-secret",
        "pass:shared secret",
        "-recipient",
        "/CN=CA",
        "-unprotected_errors",
        "-msg_timeout",
        "60",
    ];
    let output = openssl(directory, &[&common[..], command].concat());
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_cmp_reads_the_refusal() {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr();
    let shutdown = Shutdown::new(Duration::from_secs(20));
    let serving = tokio::spawn(listener.serve(Server::new().router, shutdown.clone()));
    let texts = tokio::task::spawn_blocking(move || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let made = openssl(
            path,
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"],
        );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let at = |rest: &str| format!("{address}/.well-known/cmp{rest}");
        let enrol = ["-newkey", "key.pem", "-subject", "/CN=4D504B0000000001", "-certout", "out.pem"];
        let with = |command: &'static str| [&["-cmd", command][..], &enrol].concat();
        [
            refused(path, &at(""), &with("ir")),
            refused(path, &at("/p/meters/certification"), &with("cr")),
            refused(path, &at("/getcacerts"), &["-cmd", "genm", "-infotype", "signKeyPairTypes"]),
        ]
    })
    .await
    .unwrap();
    for text in texts {
        for words in [
            "PKIStatus: rejection",
            "PKIFailureInfo: badRequest",
            "messages of this type are not served here",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
    }
    shutdown.trigger();
    assert_eq!(serving.await.unwrap(), Drained::Complete);
}
