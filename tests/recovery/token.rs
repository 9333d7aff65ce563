//! Recovery where the keys are on a token: the drill with SoftHSM2, whose token is a directory that can be copied.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::crash::shim;
use e2e::patience::eventually;
use e2e::peer::{path, to_pem};
use e2e::process::program;
use e2e::tool::{Said, finish, openssl, run, softhsm};
use serde_json::Value;
use tempfile::TempDir;

/// The profile of the authority of most tests, and what it offers.
const OPERATIONAL: &str = "sub-operational-s1";
const METERS: &str = "profile = \"meter-op-tls-s1\"\ndoors = [\"one-time-token\"]";

/// A machine with a token, and beside it the room of the ceremony.
struct Machine {
    directory: TempDir,
}

/// A program that is ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Machine {
    fn new() -> Self {
        let machine = Self { directory: e2e::ground::directory() };
        for directory in ["tokens", "published", "incoming"] {
            std::fs::create_dir(machine.at(directory)).expect("a directory");
        }
        let tokens =
            format!("directories.tokendir = {}\nobjectstore.backend = file\n", machine.path("tokens"));
        std::fs::write(machine.at("softhsm2.conf"), tokens).expect("its configuration");
        for (secret, text) in [("pin", "user-1234"), ("passphrase", "a passphrase of a rehearsal")] {
            let file = machine.path(secret);
            std::fs::write(&file, text).expect("a secret");
            drop(run("chmod", ["600", &file]).ok());
        }
        let init =
            ["--init-token", "--free", "--label", "online", "--so-pin", "so-1234", "--pin", "user-1234"];
        drop(finish(machine.command("softhsm2-util").args(init)).ok());
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        path(&self.at(name))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).env("SOFTHSM2_CONF", self.at("softhsm2.conf"));
        command
    }

    fn meter_pki(&self, arguments: &[&str]) -> Said {
        finish(self.command(program("meter-pki")).args(arguments))
    }

    fn offline_root(&self, arguments: &[&str]) -> Said {
        finish(self.command(program("offline-root")).args(arguments)).ok()
    }

    fn token_uri(&self) -> String {
        format!("pkcs11:token=online?module-path={}&pin-source=file:{}", softhsm(), self.path("pin"))
    }

    /// Makes a key on the token and a request for an authority with it; returns the key's name.
    fn request(&self, profile: &str, common_name: &str, out: &str) -> String {
        let uri = self.token_uri();
        let name = ["--country", "DE", "--organization", "Example Grid", "--common-name", common_name];
        let asked =
            ["--json", "ceremony", "request", "--profile", profile, "--out", out, "--token-uri", &uri];
        let said = self.meter_pki(&[&asked[..], &name].concat()).ok();
        let view: Value = serde_json::from_str(&said.out).expect("a view");
        view["key"].as_str().expect("the name of the key").to_owned()
    }

    /// Holds the ceremony; returns the certificate of the authority and that of its root, DER.
    fn ceremony(&self, key: &str) -> (PathBuf, PathBuf) {
        let points =
            ["--crl-uri", "http://localhost/root.crl", "--ca-issuers-uri", "http://localhost/root.cer"];
        let name =
            ["--country", "DE", "--organization", "Example Grid", "--common-name", "Example Grid Root S1 G1"];
        let init = ["init", "--suite", "1", "--dir", "root-s1", "--time", "now", "--key-file"];
        let secret = ["--passphrase-file", "passphrase"];
        let said = self.offline_root(&[&init[..], &name, &points, &secret].concat());
        let line = said.out.lines().find(|line| line.contains("Exchange key SHA-256")).expect("it is shown");
        let exchange = line.split("SHA-256").nth(1).expect("digits").trim().to_owned();
        let sign = ["sign-subca", "--dir", "root-s1", "--time", "now", "--request", "request.pem"];
        let _ = self.offline_root(&[&sign[..], &["--out", "response.pem"], &secret].concat());
        let import = ["ceremony", "import", "response.pem", "--out", "incoming"];
        drop(self.meter_pki(&[&import[..], &["--exchange-key", &exchange]].concat()).ok());
        let own = self.at("incoming").join(format!("{key}.cer"));
        let all = std::fs::read_dir(self.at("incoming")).expect("certificates");
        let root = all
            .map(|entry| entry.expect("an entry").path())
            .find(|file| *file != own && file.extension().is_some_and(|ending| ending == "cer"));
        (own, root.expect("the root"))
    }

    fn configure(&self, (authority, root): (&Path, &Path), responder_key: &str, offer: &str) {
        let subject =
            ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-keyout", "server.key", "-out", "server.pem"];
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        drop(finish(self.command("openssl").args(new).args(subject)).ok());
        let text = format!(
            "[store]\ndirectory = \"store\"\nengine = \"fjall\"\ntenant = \"dso\"\n\n[keys]\ntoken_uri = \"{}\"\n\n\
             [operator]\nsocket = \"operator.sock\"\n\n[backup]\nrecovery_key_file = \"recovery/recovery.pub\"\n\n\
             [est]\nlisten = \"127.0.0.1:0\"\ncertificate_file = \"server.pem\"\nkey_file = \"server.key\"\n\
             default_label = \"meter\"\n\n[status]\nlisten = \"127.0.0.1:0\"\ndirectory = \"published\"\n\n\
             [[authority]]\nname = \"operational\"\ntenant = \"dso\"\ncertificate_file = \"{}\"\npath_files = [\"{}\"]\n\
             crl_profile = \"crl-online\"\nocsp_profile = \"ocsp-online\"\nresponder_profile = \"ocsp-s1\"\n\
             responder_key = \"{responder_key}\"\ncrl_uri = \"http://localhost/a.crl\"\n\
             ca_issuers_uri = \"http://localhost/a.cer\"\nocsp_uri = \"http://localhost/ocsp\"\n\n\
             [[authority.offer]]\nlabel = \"meter\"\n{offer}\n",
            self.token_uri(),
            path(authority),
            path(root),
        );
        std::fs::write(self.at("meter-pki.toml"), text).expect("a configuration");
    }

    /// Starts the server and waits until it answers.
    fn serve(&self) -> Serving {
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program("meter-pki")).arg("serve");
        let log = std::fs::File::create(self.at("serve.log")).expect("a log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut serving = Serving(child.expect("setpriv of util-linux starts meter-pki"));
        eventually("serve answers its operator", || {
            let log = std::fs::read_to_string(self.at("serve.log")).unwrap_or_default();
            assert!(serving.0.try_wait().expect("a child").is_none(), "serve ended: {log}");
            self.meter_pki(&["ca", "list"]).success.then_some(())
        });
        serving
    }
}

// Case D-06.
#[test]
fn d_06_ledger_and_token_come_back_from_their_copies_and_sign_again() {
    let machine = Machine::new();
    let key = machine.request(OPERATIONAL, "Example Grid Operational CA S1 G1", "request.pem");
    // Only its key is wanted.
    let responder_key = machine.request(OPERATIONAL, "OCSP Responder", "responder.pem");
    let (authority, root) = machine.ceremony(&key);
    machine.configure((&authority, &root), &responder_key, METERS);
    drop(machine.meter_pki(&["store", "create", "store"]).ok());
    drop(machine.meter_pki(&["backup", "keygen", "--shares", "2-of-2", "recovery"]).ok());
    let serving = machine.serve();
    drop(machine.meter_pki(&["backup", "create", "one.backup"]).ok());
    drop(serving);
    let certificate = format!("published/{key}.ocsp.cer");
    let before = std::fs::read(machine.at(&certificate)).expect("the responder has a certificate");
    drop(run("cp", ["-a", &machine.path("tokens"), &machine.path("token-copy")]).ok());

    // The machine burns; another gets the copies.
    for directory in ["tokens", "store", "published"] {
        std::fs::remove_dir_all(machine.at(directory)).expect("it was there");
    }
    std::fs::create_dir(machine.at("published")).expect("a directory");
    drop(run("cp", ["-a", &machine.path("token-copy"), &machine.path("tokens")]).ok());
    let shares = ["--share", "recovery/share-1", "--share", "recovery/share-2"];
    drop(machine.meter_pki(&[&["backup", "verify", "one.backup"][..], &shares].concat()).ok());
    drop(machine.meter_pki(&[&["restore", "begin", "one.backup"][..], &shares].concat()).ok());
    drop(machine.meter_pki(&["restore", "finish", "--without-log"]).ok());
    let serving = machine.serve();

    // A new certificate, signed by the key on the token.
    let after = std::fs::read(machine.at(&certificate)).expect("the responder has a certificate");
    assert_ne!(before, after);
    let pem = |der: &Path, name: &str| {
        to_pem(der, &machine.at(name));
        machine.path(name)
    };
    let root = pem(&root, "root.pem");
    let authority = pem(&authority, "authority.pem");
    let new = pem(&machine.at(&certificate), "new.pem");
    let said = openssl(["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &authority, &new]).ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
    let crl = machine.path(&format!("published/{key}.crl"));
    let said = openssl(["crl", "-inform", "DER", "-in", &crl, "-CAfile", &authority, "-noout"]).ok();
    assert!(said.all().contains("verify OK"), "{}", said.all());
    drop(serving);
}

/// R-07, on a token: killed at each write of the ledger, the closing is finished by the same command.
#[test]
fn r_07_a_closing_whose_key_is_on_a_token_is_finished_wherever_it_was_killed() {
    let machine = Machine::new();
    let key = machine.request(OPERATIONAL, "Example Grid Operational CA S1 G1", "request.pem");
    let responder_key = machine.request(OPERATIONAL, "OCSP Responder", "responder.pem");
    let (authority, root) = machine.ceremony(&key);
    machine.configure((&authority, &root), &responder_key, METERS);
    drop(machine.meter_pki(&["store", "create", "store"]).ok());
    drop(machine.meter_pki(&["backup", "keygen", "--shares", "2-of-2", "recovery"]).ok());
    drop(machine.serve());
    let said = openssl(["x509", "-inform", "DER", "-in", &path(&authority), "-noout", "-serial"]).ok().out;
    let serial = said.trim().trim_start_matches("serial=").to_owned();
    let library = shim::compile(&machine.at("."));
    let places = ["tokens", "store", "published"];
    let copied = |from: &str, to: &str| {
        for place in places {
            let (from, to) = (machine.path(&format!("{from}{place}")), machine.path(&format!("{to}{place}")));
            drop(run("rm", ["-rf", &to]).ok());
            drop(run("cp", ["-a", &from, &to]).ok());
        }
        drop(std::fs::remove_file(machine.at("last.crl")));
    };
    std::fs::create_dir(machine.at("copy")).expect("a directory");
    copied("", "copy/");
    let close = |fault: Option<String>| {
        let mut command = machine.command(program("meter-pki"));
        command.args([
            "ca",
            "close",
            "operational",
            "--serial",
            &serial,
            "--reason",
            "cut",
            "--last-crl",
            "last.crl",
        ]);
        if let Some(fault) = fault {
            command.env("LD_PRELOAD", &library).env("CRASH_SHIM_DIRECTORY", machine.at("store"));
            command.env("CRASH_SHIM_FAULT", fault);
        }
        finish(&mut command)
    };
    let keys = || {
        let list = ["--module", &softhsm(), "--token-label", "online", "--login", "--pin", "user-1234", "-O"];
        let said = finish(machine.command("pkcs11-tool").args(list)).ok().out;
        said.to_lowercase().matches(&key.to_lowercase()).count()
    };
    assert_eq!(keys(), 2, "both halves are there");
    let mut left = Vec::new();
    for write in 1.. {
        copied("copy/", "");
        let cut = close(Some(format!("torn-write {write}")));
        if cut.code.is_some() {
            assert!(cut.success, "{}", cut.all());
            break;
        }
        left.push(keys());
        let finished = close(None);
        let done = finished.success || finished.code == Some(7) && finished.err.contains("close.done");
        assert!(done, "write {write}: {}", finished.all());
        assert_eq!(keys(), 0, "write {write}: both halves are gone");
        let again = close(None);
        assert!(again.code == Some(7) && again.err.contains("close.done"), "{}", again.all());
    }
    assert!(left.contains(&2) && left.contains(&0), "cut before and behind the end of the key: {left:?}");
}

// The signer of messages, like every other key of the server, may be on the token.
#[test]
fn the_signer_of_messages_is_made_on_the_token_and_serves_from_there() {
    let machine = Machine::new();
    let key = machine.request("sub-infra-s1", "Example Grid Infrastructure CA S1 G1", "request.pem");
    let responder_key = machine.request("sub-infra-s1", "OCSP Responder", "responder.pem");
    let (authority, root) = machine.ceremony(&key);
    let offer = "profile = \"cmp-signer-s1\"\ndoors = [\"operator\"]";
    machine.configure((&authority, &root), &responder_key, offer);
    drop(machine.meter_pki(&["store", "create", "store"]).ok());
    drop(machine.meter_pki(&["backup", "keygen", "--shares", "2-of-2", "recovery"]).ok());
    let serving = machine.serve();
    let made = machine.meter_pki(&["--json", "cert", "message-signer", "--out", "messages.cer"]).ok();
    let made: Value = serde_json::from_str(&made.out).expect("a view");
    // A key whose certificate is refused is destroyed: nobody here has this name.
    let text = std::fs::read_to_string(machine.at("meter-pki.toml")).expect("the configuration");
    let other = text.replace("name = \"operational\"", "name = \"other\"");
    std::fs::write(machine.at("other.toml"), other).expect("a configuration");
    let keys = || {
        let list = ["--module", &softhsm(), "--token-label", "online", "--login", "--pin", "user-1234", "-O"];
        finish(machine.command("pkcs11-tool").args(list)).ok().out.matches("Private Key Object").count()
    };
    let before = keys();
    let refused = machine.meter_pki(&[
        "--config",
        "other.toml",
        "cert",
        "message-signer",
        "--common-name",
        "Other",
        "--out",
        "other.cer",
    ]);
    assert_eq!((refused.code, keys()), (Some(5), before), "{}", refused.all());
    drop(serving);
    let lines = made["configuration"].as_array().expect("lines");
    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    std::fs::write(machine.at("meter-pki.toml"), format!("{text}\n{}\n", lines.join("\n")))
        .expect("a configuration");
    drop(machine.serve());
}
