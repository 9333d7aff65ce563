//! OpenSSL, GnuTLS and curl against a server on loopback, on both suites, at the time that it is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ca_core::record::CertificateStatus;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use server_kit::listener::Listener;
use server_kit::shutdown::Shutdown;
use status_server::repository::{certificate_path, crl_path};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use crate::world::{World, revoked, serial};

/// A server, and a folder with the files that other programs read.
pub struct Loopback {
    pub world: World,
    address: SocketAddr,
    files: TempDir,
    shutdown: Shutdown,
    _runtime: Runtime,
}

impl Loopback {
    /// Certificate 1 is good, 2 revoked, 3 not on record.
    pub fn start(curve: Curve) -> Self {
        let now = UnixTime::from_seconds(OffsetDateTime::now_utc().unix_timestamp());
        let world = World::at(curve, now);
        world.put(1, CertificateStatus::Good);
        world.put(2, revoked(now.plus_seconds(-60)));
        let runtime = Runtime::new().unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let listener = runtime.block_on(Listener::bind("127.0.0.1:0".parse().unwrap())).unwrap();
        let address = listener.local_addr();
        runtime.spawn(listener.serve(world.router(), shutdown.clone()));
        let files = tempfile::tempdir().unwrap();
        let loopback = Self { world, address, files, shutdown, _runtime: runtime };
        loopback.write("root.pem", &loopback.world.root.certificate.pem());
        loopback.write("sub.pem", &loopback.world.authority.certificate.pem());
        for number in 1..=3 {
            let pem = loopback.world.authority.end_entity(&serial(number));
            loopback.write(&format!("ee{number}.pem"), &pem);
        }
        loopback
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// When certificate 2 and those that a test adds were revoked.
    pub fn now(&self) -> UnixTime {
        use ca_core::ports::Clock;
        self.world.clock.now()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Runs a program in the folder of files.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.files.path())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be run ({error}): `tests/run tools` installs it")
            });
        Ran {
            command: format!("{program} {}", arguments.join(" ")),
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn fetch(&self, path: &str, to: &str) {
        self.run("curl", &["-sS", "--fail", "-o", to, &self.url(path)]).succeeds();
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// What a program said.
pub struct Ran {
    command: String,
    success: bool,
    stdout: String,
    stderr: String,
}

impl Ran {
    pub fn succeeds(self) -> Self {
        assert!(self.success, "{}\n{}{}", self.command, self.stdout, self.stderr);
        self
    }

    pub fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "`{text}` is missing: {}\n{}{}", self.command, self.stdout, self.stderr);
        self
    }

    fn does_not_say(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(!said, "`{text}` is there: {}\n{}{}", self.command, self.stdout, self.stderr);
        self
    }
}

const VERIFY: [&str; 6] = ["-issuer", "sub.pem", "-CAfile", "root.pem", "-verify_other", "sub.pem"];

fn on_both_suites(test: impl Fn(Loopback)) {
    for curve in [Curve::P256, Curve::P384] {
        test(Loopback::start(curve));
    }
}

#[test]
fn openssl_ocsp_verifies_every_status_by_post() {
    on_both_suites(|server| {
        let url = server.url("/ocsp");
        for (number, status) in [(1, "good"), (2, "revoked"), (3, "unknown")] {
            for options in [&[][..], &["-sha256"], &["-no_nonce"], &["-sha256", "-no_nonce"]] {
                let certificate = format!("ee{number}.pem");
                let ask = [options, &VERIFY, &["-cert", &certificate, "-url", &url]].concat();
                server
                    .run("openssl", &[&["ocsp"], ask.as_slice()].concat())
                    .succeeds()
                    .says("Response verify OK")
                    .says(&format!("{certificate}: {status}"))
                    // Said when a nonce was sent and none came back.
                    .does_not_say("WARNING");
            }
        }
    });
}

#[test]
fn openssl_ocsp_verifies_several_certificates_in_one_answer() {
    on_both_suites(|server| {
        let url = server.url("/ocsp");
        let three = ["-cert", "ee1.pem", "-cert", "ee2.pem", "-cert", "ee3.pem", "-url", &url];
        server
            .run("openssl", &[&["ocsp"], &VERIFY[..], &three].concat())
            .succeeds()
            .says("Response verify OK")
            .says("ee1.pem: good")
            .says("ee2.pem: revoked")
            .says("Reason: keyCompromise")
            .says("ee3.pem: unknown");
    });
}

#[test]
fn openssl_ocsp_verifies_an_answer_fetched_by_get() {
    on_both_suites(|server| {
        for (number, status) in [(1, "good"), (2, "revoked"), (3, "unknown")] {
            let certificate = format!("ee{number}.pem");
            let make = ["-issuer", "sub.pem", "-cert", &certificate, "-no_nonce", "-reqout", "request.der"];
            server.run("openssl", &[&["ocsp"], &make[..]].concat()).succeeds();
            let request = std::fs::read(server.file("request.der")).unwrap();
            let text =
                BASE64_STANDARD.encode(request).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            server.fetch(&format!("/ocsp/{text}"), "response.der");
            let look = ["-respin", "response.der", "-cert", &certificate];
            server
                .run("openssl", &[&["ocsp"], &VERIFY[..], &look].concat())
                .succeeds()
                .says("Response verify OK")
                .says(&format!("{certificate}: {status}"));
        }
    });
}

#[test]
fn openssl_ocsp_reads_our_errors() {
    let server = Loopback::start(Curve::P256);
    server.world.ledger.set_mood(crate::ports::Mood::Down);
    let url = server.url("/ocsp");
    let ask = |issuer: &str| {
        server.run("openssl", &["ocsp", "-issuer", issuer, "-cert", "ee1.pem", "-url", &url, "-noverify"])
    };
    ask("sub.pem").says("Responder Error: trylater (3)");
    // The root issued nothing that is answered for here.
    ask("root.pem").says("Responder Error: unauthorized (6)");
}

#[test]
fn gnutls_ocsptool_verifies_good_and_revoked() {
    on_both_suites(|server| {
        let url = server.url("/ocsp");
        for (number, status) in [(1, "good"), (2, "revoked")] {
            for nonce in ["--nonce", "--no-nonce"] {
                let (ask, certificate) = (format!("--ask={url}"), format!("--load-cert=ee{number}.pem"));
                let outfile = "--outfile=response.der";
                let mut arguments =
                    vec![&*ask, "--load-issuer=sub.pem", &certificate, "--load-trust=sub.pem", outfile];
                arguments.extend((nonce == "--nonce").then_some(nonce));
                server
                    .run("ocsptool", &arguments)
                    .succeeds()
                    .says(&format!("Certificate Status: {status}"))
                    .says("Verifying OCSP Response: Success");
            }
        }
    });
}

/// Publishes the CRLs of the issuing CA and of the root, and fetches them as PEM.
fn fetch_crls(server: &Loopback) {
    let root = server.world.root.issuer();
    for (crl, name) in [(server.world.crl(), "sub"), (server.world.crl_of(&root), "root")] {
        server.world.repository.publish(&crl.issuer, crl.der.reader()).unwrap();
        let (der, pem) = (format!("{name}.crl"), format!("{name}.crl.pem"));
        server.fetch(&crl_path(&crl.issuer), &der);
        server.run("openssl", &["crl", "-inform", "DER", "-in", &der, "-out", &pem]).succeeds();
    }
}

#[test]
fn openssl_verifies_crls_and_paths_against_them() {
    on_both_suites(|server| {
        fetch_crls(&server);
        let crl = ["crl", "-inform", "DER", "-in", "sub.crl", "-CAfile", "sub.pem", "-noout", "-text"];
        server
            .run("openssl", &crl)
            .says("verify OK")
            .says("X509v3 CRL Number")
            .says("X509v3 Authority Key Identifier")
            .says("Key Compromise")
            .does_not_say("critical");
        let verify = [
            "verify",
            "-x509_strict",
            "-crl_check_all",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "sub.pem",
            "-CRLfile",
            "sub.crl.pem",
            "-CRLfile",
            "root.crl.pem",
        ];
        server.run("openssl", &[&verify[..], &["ee1.pem"]].concat()).succeeds().says("ee1.pem: OK");
        let ran = server.run("openssl", &[&verify[..], &["ee2.pem"]].concat());
        assert!(!ran.success);
        ran.says("certificate revoked");
    });
}

#[test]
fn gnutls_certtool_verifies_crls() {
    on_both_suites(|server| {
        fetch_crls(&server);
        for (crl, authority) in [("sub.crl.pem", "sub.pem"), ("root.crl.pem", "root.pem")] {
            let (authority, infile) =
                (format!("--load-ca-certificate={authority}"), format!("--infile={crl}"));
            server
                .run("certtool", &["--verify-crl", &authority, &infile])
                .succeeds()
                .says("Verification output: Verified");
        }
    });
}

#[test]
fn curl_fetches_ca_certificates_and_is_told_when_it_has_them() {
    let server = Loopback::start(Curve::P256);
    let path = certificate_path(&server.world.issuer.key());
    server.fetch(&path, "sub.cer");
    server.run("openssl", &["verify", "-CAfile", "root.pem", path_text(&server.file("sub.cer"))]).succeeds();
    let url = server.url(&path);
    server.run("curl", &["-sS", "--fail", "--etag-save", "etag", "-o", "first", &url]).succeeds();
    let again = ["-sS", "--etag-compare", "etag", "-o", "second", "-w", "%{http_code} %{content_type}", &url];
    server.run("curl", &again).succeeds().says("304");
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}
