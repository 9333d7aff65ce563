//! OCSP answers stapled to TLS handshakes (RFC 6066 §8, RFC 8446 §4.4.2.1): given out by the servers of OpenSSL and GnuTLS, and taken
//! by the clients of both. Whether the status is heeded is the client's affair: OpenSSL's shows it, GnuTLS's obeys it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::patience::eventually;
use e2e::peer::{path, serial};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

use crate::relying::Relying;

/// Who certified the TLS server of a rehearsal, which is called localhost.
const AUTHORITY: &str = "dso-infra-s1";

/// A TLS server that others wrote; it ends with the test.
struct TlsServer {
    child: Child,
    port: String,
}

impl TlsServer {
    /// Starts one with its port in the place of `PORT`; nothing where it ends before it listens.
    fn start(arguments: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let arguments = arguments.iter().map(|one| one.replace("PORT", &port));
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv starts a TLS server; `tests/run tools` installs what the tests need");
        let listens = eventually("the server listens or ends", || {
            let connected = TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
            let ended = child.try_wait().expect("it is a child").is_some();
            (connected || ended).then_some(connected)
        });
        listens.then_some(Self { child, port })
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A TLS server's credentials and whoever trusts in them.
struct Scene {
    rehearsal: Rehearsal,
    relying: Relying,
    chain: String,
    key: String,
    certificate: PathBuf,
}

impl Scene {
    fn begin() -> Self {
        let rehearsal = Rehearsal::start(1);
        let relying = Relying::on(&rehearsal, AUTHORITY);
        let chain = path(&rehearsal.state("tls/server.pem"));
        let certificate = rehearsal.unique("server.pem");
        drop(openssl(["x509", "-in", &chain, "-out", &path(&certificate)]).ok());
        let key = path(&rehearsal.state("tls/server.key"));
        Self { rehearsal, relying, chain, key, certificate }
    }

    /// What the responder says of the server's certificate at this moment, in a file.
    fn answer(&self) -> PathBuf {
        let file = self.rehearsal.unique("stapled.der");
        let (root, authority) = (path(&self.relying.root), path(&self.relying.authority));
        let url = format!("{}/ocsp", self.rehearsal.status());
        let whom = ["ocsp", "-no_nonce", "-url", &url, "-CAfile", &root, "-verify_other", &authority];
        let what = ["-issuer", &authority, "-cert", &path(&self.certificate), "-respout", &path(&file)];
        drop(openssl(whom.iter().chain(&what)).ok());
        file
    }

    fn by_openssl(&self, answer: &Path) -> Option<TlsServer> {
        let (certificate, answer) = (path(&self.certificate), path(answer));
        let (accept, shown) = ("127.0.0.1:PORT", ["-cert", &certificate, "-cert_chain", &self.chain]);
        let fixed = ["openssl", "s_server", "-accept", accept, "-www", "-key", &self.key];
        TlsServer::start(&[&fixed[..], &shown[..], &["-status_file", &answer]].concat())
    }

    fn by_gnutls(&self, answer: &Path) -> Option<TlsServer> {
        let shown = ["--x509certfile", &self.chain, "--x509keyfile", &self.key];
        let fixed = ["gnutls-serv", "--http", "--port", "PORT", "--ocsp-response", &path(answer)];
        TlsServer::start(&[&fixed[..], &shown[..]].concat())
    }

    /// What OpenSSL's client says.
    fn asked_by_openssl(&self, server: &TlsServer) -> Said {
        let (whom, root) = (format!("localhost:{}", server.port), path(&self.relying.root));
        let strict = ["-verify_return_error", "-verify_hostname", "localhost"];
        let fixed = ["s_client", "-connect", &whom, "-servername", "localhost", "-status", "-CAfile", &root];
        openssl(fixed.iter().chain(&strict))
    }

    fn asked_by_gnutls(&self, server: &TlsServer) -> Said {
        run("gnutls-cli", ["--x509cafile", &path(&self.relying.root), "-p", &server.port, "localhost"])
    }
}

#[test]
fn a_good_answer_is_stapled_by_openssl_and_gnutls_and_taken_by_both() {
    let scene = Scene::begin();
    let answer = scene.answer();
    for server in [scene.by_openssl(&answer), scene.by_gnutls(&answer)] {
        let server = server.expect("it takes the answer");
        let said = scene.asked_by_openssl(&server).ok().all();
        assert!(said.contains("OCSP Response Status: successful"), "{said}");
        assert!(said.contains("Cert Status: good") && said.contains("Verify return code: 0 (ok)"), "{said}");
        let said = scene.asked_by_gnutls(&server).ok().all();
        assert!(
            said.contains("OCSP status request") && said.contains("The certificate is trusted"),
            "{said}"
        );
    }
}

#[test]
fn a_server_whose_stapled_answer_says_revoked_is_believed_by_nobody_who_looks() {
    let scene = Scene::begin();
    drop(scene.rehearsal.operator_json(&[
        "cert",
        "revoke",
        &serial(&scene.certificate),
        "--reason",
        "keyCompromise",
    ]));
    let answer = scene.answer();
    let server = scene.by_openssl(&answer).expect("OpenSSL staples what it is given");
    let said = scene.asked_by_openssl(&server).all();
    assert!(said.contains("Cert Status: revoked"), "{said}");
    let said = scene.asked_by_gnutls(&server);
    assert!(!said.success && said.all().contains("revoked via OCSP"), "{}", said.all());
    assert!(scene.by_gnutls(&answer).is_none(), "GnuTLS does not serve with such an answer");
}
