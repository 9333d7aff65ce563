//! The CMP client of `meter-pki cmp`: its chapter as it stands, against OpenSSL's mock server, which knows nothing of ours.
//!
//! The mock server grants one certificate, whatever is asked for: each test has the client make its key first, and certifies
//! that.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use e2e::peer::path;
use e2e::process::program;
use e2e::tool::{Said, finish, softhsm};

const SECRET: &str = "a secret of some length";

/// A gateway that somebody carries files for, and the CA whose certificates it is granted.
struct Gateway {
    directory: tempfile::TempDir,
}

impl Gateway {
    fn new() -> Self {
        let gateway = Self { directory: tempfile::tempdir().expect("a directory") };
        for folder in ["tokens", "programs"] {
            std::fs::create_dir(gateway.at(folder)).expect("a directory");
        }
        symlink(program("meter-pki"), gateway.at("programs/meter-pki")).expect("a link");
        for (file, secret) in [("secret", SECRET), ("wrong", "another secret"), ("pin", "user-1234")] {
            std::fs::write(gateway.at(file), secret).expect("a secret");
            std::fs::set_permissions(gateway.at(file), PermissionsExt::from_mode(0o600)).expect("its mode");
        }
        let settings = format!("directories.tokendir = {}\n", path(&gateway.at("tokens")));
        std::fs::write(gateway.at("softhsm2.conf"), settings).expect("a configuration");
        drop(gateway.run(include_str!("cmp_client/pki.sh")));
        gateway
    }

    fn at(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.at(file)).expect("a text")
    }

    fn try_run_at(&self, server: &str, block: &str) -> Said {
        let mut search = self.at("programs").into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").expect("there is a path"));
        let pin = path(&self.at("pin"));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", block])
            .current_dir(self.directory.path())
            .env("PATH", search)
            .env("SOFTHSM2_CONF", self.at("softhsm2.conf"))
            .env("CMP", server)
            .env("TOKEN", format!("pkcs11:token=device?module-path={}&pin-source=file:{pin}", softhsm()));
        finish(&mut command)
    }

    #[track_caller]
    fn run_at(&self, server: &str, block: &str) -> String {
        self.try_run_at(server, block).ok().out
    }

    #[track_caller]
    fn run(&self, block: &str) -> String {
        self.run_at("http://localhost:1", block)
    }

    /// Has the client make the key of a request by this command, and certifies it in `granted.pem`.
    fn certify(&self, command: &str, out: &str) {
        drop(self.run(&format!("meter-pki cmp {command} --out-request made.pki")));
        drop(
            self.run(&format!(
                "rm -f {out}.cmp; certify() {{ {CERTIFY}; }}; certify {out}.request granted 7"
            )),
        );
    }

    fn mock(&self, options: &[&str]) -> Mock {
        Mock::start(self, options)
    }
}

/// Certifies the request in a file.
const CERTIFY: &str = "openssl x509 -req -in $1 -CA sub.pem -CAkey sub.key -days 20 -set_serial $3 -extfile end.ext -out $2.pem";

/// What makes the mock server sign, or share the secret.
const SIGNING: [&str; 4] = ["-srv_cert", "spokesman.pem", "-srv_key", "spokesman.key"];
const SHARING: [&str; 4] = ["-srv_ref", "gateway-7", "-srv_secret", "file:secret"];

/// A mock server, ended when it is dropped.
struct Mock {
    child: Child,
    url: String,
}

impl Mock {
    fn start(gateway: &Gateway, options: &[&str]) -> Self {
        let common = "-port 0 -srv_trusted ca-root.pem -srv_untrusted sub.pem -rsp_cert granted.pem \
                      -rsp_extracerts sub.pem -rsp_capubs ca-root.pem";
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "openssl", "cmp", "-config", ""])
            .args(common.split_whitespace())
            .args(options)
            .current_dir(gateway.directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv of util-linux starts openssl");
        let out = child.stdout.take().expect("standard output is read once");
        let mut lines = BufReader::new(out).lines();
        let accepts = lines.find_map(|line| line.expect("text").strip_prefix("ACCEPT ").map(str::to_owned));
        // It says more later, which somebody must read.
        drop(std::thread::spawn(move || lines.for_each(drop)));
        let place = accepts.expect("the mock server says where it listens");
        let port = place.split(' ').next().and_then(|place| place.rsplit(':').next()).expect("a port");
        Self { child, url: format!("http://127.0.0.1:{port}/pkix/") }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_chapter_on_the_cmp_client_works_as_it_stands() {
    let gateway = Gateway::new();
    let chapter = include_str!("../../docs/operate/cmp-client.md");
    let [first, later, in_files] = e2e::chapter::steps(chapter);

    let secret = "--reference gateway-7 --secret-file secret --common-name 4D504B0000000001";
    gateway.certify(&format!("ir {secret} --out gateway.pem"), "gateway.pem");
    let said = gateway.run_at(&gateway.mock(&SHARING).url, first);
    assert!(said.contains("of CN=4D504B0000000001 is in gateway.pem"), "{said}");
    assert!(said.contains("gateway.pem: OK"), "{said}");
    let mode = std::fs::metadata(gateway.at("gateway.pem")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(gateway.text("root.pem"), gateway.text("ca-root.pem"));
    for waiting in ["gateway.pem.request", "gateway.pem.cmp"] {
        assert!(!gateway.at(waiting).exists(), "nothing waits any more");
    }

    let former = gateway.text("gateway.pem");
    gateway.certify("kur --trust root.pem --credential gateway.pem", "gateway.pem");
    let mock = gateway.mock(&SIGNING);
    let said = gateway.run_at(&mock.url, later);
    assert!(said.contains("is in gateway.pem") && said.contains("is revoked: superseded"), "{said}");
    assert!(said.contains("the authority has no certificate to give"), "{said}");
    assert_ne!(gateway.text("gateway.pem"), former);

    gateway.certify("ir --trust ca-root.pem --credential factory.pem --out offline.pem", "offline.pem");
    let mock = gateway.mock(&[&SIGNING[..], &["-grant_implicitconf"]].concat());
    let said = gateway.run_at(&mock.url, in_files);
    assert!(said.contains("the message is in ir.pki: bring it to the authority"), "{said}");
    assert!(said.contains("is in offline.pem"), "{said}");
}

#[test]
fn a_conversation_begun_in_a_file_goes_on_over_http_with_its_key_on_a_token() {
    let gateway = Gateway::new();
    drop(gateway.run("softhsm2-util --init-token --free --label device --so-pin so-1234 --pin user-1234"));
    let ask =
        "meter-pki cmp p10cr --trust ca-root.pem --credential factory.pem --token $TOKEN --out token.pem";
    drop(gateway.run(&format!("{ask} --out-request p10cr.pki; cp token.pem.cmp kept")));
    let certify = format!("certify() {{ {CERTIFY}; }}; certify token.pem.request granted 7");
    drop(gateway.run(&certify));
    let mock = gateway.mock(&[&SIGNING[..], &["-poll_count", "2", "-check_after", "1"]].concat());
    // The mock server forgets a transaction with its connection; whoever does not wait is told when to come again.
    let said = gateway.try_run_at(&mock.url, &format!("{ask} --url $CMP"));
    assert_eq!(said.code, Some(8), "{}", said.all());
    assert!(said.err.contains("cmp.waiting") && said.err.contains("in 1 s"), "{}", said.all());
    let said = gateway.run_at(&mock.url, &format!("cp kept token.pem.cmp; {ask} --url $CMP --wait 30"));
    assert!(said.contains("is in token.pem"), "{said}");
    assert!(!gateway.text("token.pem").contains("PRIVATE"));
}

#[test]
fn a_lost_answer_is_asked_for_again_octet_for_octet() {
    let gateway = Gateway::new();
    let ask = "meter-pki cmp ir --trust ca-root.pem --credential factory.pem --out new.pem";
    let lost = gateway.try_run_at("http://127.0.0.1:1", &format!("{ask} --url $CMP"));
    assert_eq!(lost.code, Some(8), "{}", lost.all());
    assert!(lost.err.contains("cmp.unreachable"), "{}", lost.all());
    drop(gateway.run(&format!(
        "{ask} --out-request first.pki; {ask} --out-request second.pki; cmp first.pki second.pki"
    )));
    let other =
        gateway.try_run_at("", &format!("{} --out-request third.pki", ask.replace("cmp ir", "cmp cr")));
    assert_eq!(other.code, Some(2), "{}", other.all());
    assert!(other.err.contains("state.faulty"), "{}", other.all());
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_type_next() {
    let gateway = Gateway::new();
    drop(gateway.run("cp factory.pem granted.pem; echo there > there.pem"));
    let refusing = gateway
        .mock(&[&SIGNING[..], &["-pkistatus", "2", "-failure", "9", "-statusstring", "not today"]].concat());
    let unavailable = gateway.mock(&[&SIGNING[..], &["-pkistatus", "2", "-failure", "24"]].concat());
    let granting = gateway.mock(&[&SIGNING[..], &["-grant_implicitconf"]].concat());
    let sharing = gateway.mock(&SHARING);
    let signed = "--trust ca-root.pem --credential factory.pem";
    let wrong = "--reference gateway-7 --secret-file wrong --password-based-mac";
    for (server, block, code, reason) in [
        (
            &refusing,
            format!("ir --url $CMP {signed} --out a.pem"),
            4,
            "rejection, badPOP: not today (cmp.refused)",
        ),
        (&unavailable, format!("rr --url $CMP {signed}"), 8, "cmp.unavailable"),
        (&granting, format!("ir --url $CMP {signed} --out b.pem"), 9, "cmp.certificate"),
        (&granting, "rr --url $CMP --trust sub.pem --credential factory.pem".to_owned(), 0, ""),
        (&granting, "rr --url $CMP --trust other.pem --credential factory.pem".to_owned(), 9, "cmp.unproven"),
        (&sharing, format!("ir --url $CMP {wrong} --out c.pem"), 9, "cmp.unproven"),
        (&sharing, format!("rr --url $CMP {wrong} --certificate factory.pem"), 2, "cmp.signature-wanted"),
        (&granting, format!("rr --url $CMP {signed} --reason whim"), 2, "reason.unknown"),
        (&granting, format!("ir --url $CMP {signed} --out there.pem"), 7, "file.exists"),
        (&granting, format!("ir --url cmp.example {signed} --out d.pem"), 2, "url.faulty"),
        (&granting, format!("rr --out-request rr.pki {signed}"), 2, "state.missing"),
        (&granting, format!("ir --in-response a.pki --out e.pem {signed}"), 5, "state.missing"),
        (&granting, format!("genm crl --url $CMP {signed} --out crl.pem"), 2, "certificate.missing"),
    ] {
        let said = gateway.try_run_at(&server.url, &format!("meter-pki cmp {block}"));
        assert_eq!(said.code, Some(code), "{block}: {}", said.all());
        assert!(said.err.contains(reason), "{block}: {}", said.all());
        assert!(!said.all().contains("another secret"));
    }
    for file in ["a.pem", "b.pem", "c.pem"] {
        assert!(!gateway.at(file).exists(), "{file}");
    }
}
