//! A desk with tokens of SoftHSM2 of its own, and the programs of whoever works at it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use e2e::peer::path;
use e2e::process::program;
use e2e::tool::{Said, finish, softhsm};
use serde_json::Value;

/// The PIN of every user.
pub(crate) const PIN: &str = "user-1234";

pub(crate) struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    /// A desk without a token.
    pub(crate) fn empty() -> Self {
        let desk = Self { directory: e2e::ground::directory() };
        for folder in ["tokens", "programs"] {
            std::fs::create_dir(desk.at(folder)).expect("a directory");
        }
        symlink(program("meter-pki"), desk.at("programs/meter-pki")).expect("a link");
        desk.secret("pin", PIN);
        desk.secret("officer-pin", "officer-1234");
        let settings = format!("directories.tokendir = {}\n", path(&desk.at("tokens")));
        std::fs::write(desk.at("softhsm2.conf"), settings).expect("a configuration");
        desk
    }

    /// A desk with tokens of these labels.
    pub(crate) fn with(labels: &[&str]) -> Self {
        let desk = Self::empty();
        for label in labels {
            desk.token(label);
        }
        desk
    }

    /// Makes a token.
    pub(crate) fn token(&self, label: &str) {
        let secrets = "--so-pin officer-1234 --pin user-1234";
        drop(self.run(&format!("softhsm2-util --init-token --free --label '{label}' {secrets}")).ok());
    }

    pub(crate) fn at(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Puts a secret into a file that nobody else may read.
    pub(crate) fn secret(&self, file: &str, text: &str) {
        std::fs::write(self.at(file), text).expect("a secret");
        std::fs::set_permissions(self.at(file), PermissionsExt::from_mode(0o600)).expect("its mode");
    }

    /// Runs a piece of shell.
    pub(crate) fn run(&self, block: &str) -> Said {
        let mut search = self.at("programs").into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").expect("there is a path"));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", block])
            .current_dir(self.directory.path())
            .env("PATH", search)
            .env("SOFTHSM2_CONF", self.at("softhsm2.conf"))
            .env("MODULE", softhsm());
        finish(&mut command)
    }

    /// The URI of a token, with `key` as `;object=…` or nothing, and a PIN file.
    pub(crate) fn uri(&self, token: &str, key: &str) -> String {
        let pin = path(&self.at("pin"));
        format!("pkcs11:token={token}{key}?module-path={}&pin-source=file:{pin}", softhsm())
    }

    /// Runs a verb of `meter-pki hsm`.
    pub(crate) fn hsm(&self, verb: &[&str]) -> Said {
        self.meter_pki(&[&["hsm"], verb].concat())
    }

    /// The same with a result in JSON, which there must be.
    #[track_caller]
    pub(crate) fn json(&self, verb: &[&str]) -> Value {
        let said = self.meter_pki(&[&["--json", "hsm"], verb].concat()).ok();
        serde_json::from_str(&said.out).expect("JSON")
    }

    /// The same for one that fails: its exit code and its failure.
    #[track_caller]
    pub(crate) fn refused(&self, verb: &[&str]) -> (i32, Value) {
        let said = self.meter_pki(&[&["--json", "hsm"], verb].concat());
        let last = said.err.lines().last().unwrap_or_default();
        let failure =
            serde_json::from_str(last).unwrap_or_else(|_| panic!("no failure in JSON: {}", said.all()));
        (said.code.expect("an exit code"), failure)
    }

    /// Asserts that a verb fails with this exit code and reason code.
    #[track_caller]
    pub(crate) fn refuses(&self, verb: &[&str], exit: i32, code: &str) -> Value {
        let (ended, failure) = self.refused(verb);
        assert_eq!((ended, failure["code"].as_str()), (exit, Some(code)), "{failure}");
        failure
    }

    pub(crate) fn meter_pki(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(program("meter-pki"));
        command.current_dir(self.directory.path()).env("SOFTHSM2_CONF", self.at("softhsm2.conf"));
        finish(command.args(arguments))
    }

    /// What `pkcs11-tool` sees on a token, logged in: objects with their attributes.
    pub(crate) fn opensc(&self, token: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new("pkcs11-tool");
        command.current_dir(self.directory.path()).env("SOFTHSM2_CONF", self.at("softhsm2.conf"));
        command.args(["--module", &softhsm(), "--token-label", token, "--login", "--pin", PIN]);
        finish(command.args(arguments))
    }

    /// Makes a key; returns what was printed.
    #[track_caller]
    pub(crate) fn generate(&self, token: &str, label: &str, options: &[&str]) -> Value {
        let uri = self.uri(token, "");
        let verb = ["generate", &uri, "--curve", "p256", "--label", label];
        self.json(&[&verb, options].concat())
    }

    /// Has a certification request made for a key, and OpenSSL verify it.
    #[track_caller]
    pub(crate) fn signs_for_request(&self, uri: &str) {
        drop(std::fs::remove_file(self.at("key.csr")));
        let name = ["--country", "DE", "--organization", "Example Grid", "--common-name", "Manifests 1"];
        drop(self.hsm(&[&["request", uri, "--out", "key.csr"], &name[..]].concat()).ok());
        let said = self.run("openssl req -in key.csr -noout -verify -subject 2>&1").ok().out;
        assert!(said.contains("verify OK") && said.contains("Manifests 1"), "{said}");
    }

    /// Has `pkcs11-tool` sign with a key, and OpenSSL verify with its public key.
    #[track_caller]
    pub(crate) fn signs_for(&self, (token, id): (&str, &str), pem: &str) {
        std::fs::write(self.at("public.pem"), pem).expect("a file");
        std::fs::write(self.at("text"), "neither program is ours").expect("a file");
        drop(self.run("openssl dgst -sha256 -binary text > hash").ok());
        let sign = ["--sign", "-m", "ECDSA", "--id", id, "-i", "hash", "-o", "signature", "-f", "openssl"];
        drop(self.opensc(token, &sign).ok());
        let said = self.run("openssl dgst -sha256 -verify public.pem -signature signature text").ok();
        assert!(said.out.contains("Verified OK"), "{}", said.all());
    }
}

/// A text in JSON.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}
