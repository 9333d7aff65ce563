//! A manufacturer and a DSO with a token each, and secrets that are known to the test alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use e2e::tool::Said;
use serde_json::{Value, json};

use crate::desk::{Desk, text};

/// A key of suites 0 and 1, and one of suite 2.
pub(super) const KEY_16: [u8; 16] = *b"\x91key-of-suite-1\xA7";
pub(super) const KEY_32: [u8; 32] = *b"\x92another-key-but-of-suite-2....\xA8";
/// The wrapping key that the test knows.
const WRAPPING: [u8; 32] = *b"\x93the-wrapping-key-of-the-tests.\xA9";

#[derive(Debug, Clone, Copy)]
pub(super) enum Wrap {
    Rfc3394,
    Rfc5649,
}

pub(super) struct House {
    pub(super) desk: Desk,
    /// Everything that the program said.
    said: RefCell<String>,
}

impl House {
    pub(super) fn new() -> Self {
        let house = Self { desk: Desk::with(&["maker", "dso"]), said: RefCell::default() };
        drop(house.json(&["key", &house.dso(), "--label", "storage"]));
        house
    }

    /// With a key on the DSO's token of which the test knows the value.
    pub(super) fn with_known_transport(label: &str) -> Self {
        let house = Self::new();
        house.receive_known("dso", label);
        house
    }

    pub(super) fn dso(&self) -> String {
        self.desk.uri("dso", "")
    }

    pub(super) fn meter_pki(&self, verb: &[&str]) -> Said {
        let said = self.desk.meter_pki(&[&["--json", "secrets"], verb].concat());
        self.said.borrow_mut().push_str(&said.all());
        said
    }

    #[track_caller]
    pub(super) fn json(&self, verb: &[&str]) -> Value {
        serde_json::from_str(&self.meter_pki(verb).ok().out).expect("JSON")
    }

    #[track_caller]
    pub(super) fn refuses(&self, verb: &[&str], exit: i32, code: &str) {
        let said = self.meter_pki(verb);
        let failure: Value = serde_json::from_str(said.err.lines().last().unwrap_or_default())
            .unwrap_or_else(|_| panic!("no failure in JSON: {}", said.all()));
        assert_eq!((said.code, failure["code"].as_str()), (Some(exit), Some(code)), "{failure}");
    }

    /// Makes the recipient's key of a token, once.
    pub(super) fn recipient(&self, token: &str) -> Value {
        let (uri, file) = (self.desk.uri(token, ""), format!("{token}.pem"));
        self.desk.json(&["recipient", &uri, "--label", "recipient", "--out", &file])
    }

    /// Has a token receive the wrapping key of the test, which OpenSSL wraps for it, in a file that the test writes.
    pub(super) fn receive_known(&self, token: &str, label: &str) {
        let uri = self.desk.uri(token, "");
        let verb = ["recipient", &uri, "--label", "known", "--out", "known.pem"];
        drop(self.desk.json(&verb));
        self.clear("wrapping", &WRAPPING);
        let script = "openssl pkeyutl -encrypt -pubin -inkey known.pem -pkeyopt rsa_padding_mode:oaep \
                      -pkeyopt rsa_oaep_md:sha1 -in clear-wrapping -out known.wrapped; \
                      openssl rsa -pubin -in known.pem -modulus -noout 2>/dev/null";
        let said = self.desk.run(script).ok();
        let modulus = said.out.trim().strip_prefix("Modulus=").expect("a modulus").to_lowercase();
        let wrapped = hex(&std::fs::read(self.desk.at("known.wrapped")).expect("a file"));
        let values = [
            ("format", "meter-pki-transport-key-1"),
            ("label", label),
            ("algorithm", "aes-256"),
            ("oaep", "sha-1"),
            ("recipient_modulus", &modulus),
            ("recipient_exponent", "010001"),
            ("wrapped_key", &wrapped),
        ];
        let hashed: String = values.iter().map(|(_, value)| format!("{value}\n")).collect();
        std::fs::write(self.desk.at("hashed"), hashed).expect("a file");
        let sha256 = self.desk.run("sha256sum hashed | cut -d ' ' -f 1").ok().out;
        let mut file: Value = values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        file["sha256"] = json!(sha256.trim());
        std::fs::write(self.desk.at("known.json"), file.to_string()).expect("a file");
        drop(self.json(&["receive", "known.json", "--to", &uri]));
        std::fs::remove_file(self.desk.at("known.pem")).expect("a file");
    }

    /// Has OpenSSL wrap under the key of the test.
    pub(super) fn wrap(&self, how: Wrap, clear: &[u8]) -> Vec<u8> {
        self.openssl(how, &WRAPPING, "", clear)
    }

    /// Has OpenSSL unwrap by RFC 3394 under a key.
    pub(super) fn unwrap(&self, key: &[u8], base64: &str) -> Vec<u8> {
        self.clear("text", base64.as_bytes());
        drop(self.desk.run("base64 -d clear-text > clear-blob").ok());
        let blob = std::fs::read(self.desk.at("clear-blob")).expect("a file");
        self.openssl(Wrap::Rfc3394, key, "-d", &blob)
    }

    fn openssl(&self, how: Wrap, key: &[u8], way: &str, octets: &[u8]) -> Vec<u8> {
        self.clear("in", octets);
        let bits = key.len() * 8;
        let cipher = match how {
            Wrap::Rfc3394 => format!("-id-aes{bits}-wrap -iv A6A6A6A6A6A6A6A6"),
            Wrap::Rfc5649 => format!("-id-aes{bits}-wrap-pad -iv A65959A6"),
        };
        let script = format!("openssl enc {way} {cipher} -K {} -in clear-in -out clear-out", hex(key));
        drop(self.desk.run(&script).ok());
        std::fs::read(self.desk.at("clear-out")).expect("what OpenSSL wrote")
    }

    /// Has `pkcs11-tool` unwrap under the storage key, into an object that it reads.
    #[track_caller]
    pub(super) fn unwrapped_by_opensc(&self, secret: &Value) -> String {
        assert_eq!(text(secret, "wrapped_by"), "storage");
        self.clear("text", text(secret, "octets").as_bytes());
        drop(self.desk.run("base64 -d clear-text > clear-blob").ok());
        let opensc = |arguments: &[&str]| self.desk.opensc("dso", arguments).ok();
        drop(opensc(&["--type", "secrkey", "--label", "storage", "--set-id", "7700"]));
        let password = ["hls", "lls"].contains(&text(secret, "kind"));
        // 0x210A is CKM_AES_KEY_WRAP_PAD, which this program has no name for.
        let (mechanism, kind) = if password { ("0x210A", "GENERIC:") } else { ("AES-KEY-WRAP", "AES:") };
        let unwrap =
            ["--unwrap", "-m", mechanism, "--id", "7700", "--input-file", "clear-blob", "--key-type", kind];
        let object = ["--application-label", "got", "--application-id", "7701", "--extractable"];
        drop(opensc(&[&unwrap[..], &object].concat()));
        let key = ["--type", "secrkey", "--id", "7701"];
        drop(opensc(&[&["--read-object", "--output-file", "clear-got"], &key[..]].concat()));
        drop(opensc(&[&["--delete-object"], &key[..]].concat()));
        hex(&std::fs::read(self.desk.at("clear-got")).expect("what pkcs11-tool read"))
    }

    /// Puts something that is in clear into a file whose name says so.
    fn clear(&self, name: &str, octets: &[u8]) {
        std::fs::write(self.desk.at(&format!("clear-{name}")), octets).expect("a file");
    }

    pub(super) fn write(&self, file: &str, lines: &[Value]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.desk.at(file), text).expect("a file");
    }

    pub(super) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.desk.at(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// All secrets of a file, in their order.
    pub(super) fn secrets(&self, file: &str) -> Vec<Value> {
        let devices = self.read(file);
        let of = |line: &str| -> Vec<Value> {
            let device: Value = serde_json::from_str(line).expect("JSON");
            device["secrets"].as_array().cloned().unwrap_or_default()
        };
        devices.lines().flat_map(of).collect()
    }

    /// The same device, with another label on everything.
    pub(super) fn with_labels(&self, device: &Value, label: &str) -> Value {
        let mut device = device.clone();
        for secret in device["secrets"].as_array_mut().expect("secrets") {
            secret["wrapped_by"] = json!(label);
        }
        device
    }

    /// Looks for a secret in every file but those that say that they hold it, and in everything that the program said: raw, in hexadecimal,
    /// in base64.
    #[track_caller]
    pub(super) fn is_nowhere(&self, secret: &[u8]) {
        let digits = hex(secret);
        let forms = [
            secret.to_vec(),
            digits.to_uppercase().into_bytes(),
            digits.into_bytes(),
            base64(secret).into_bytes(),
        ];
        let said = self.said.borrow();
        let mut looked_at = 0;
        for file in files(&self.desk.at("")) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("clear-") {
                continue;
            }
            looked_at += 1;
            let octets = std::fs::read(&file).expect("a file");
            for form in &forms {
                assert!(!holds(&octets, form), "{} holds a secret", file.display());
                assert!(!holds(said.as_bytes(), form), "the program said a secret");
            }
        }
        assert!(looked_at > 5, "{looked_at}");
    }
}

fn holds(octets: &[u8], form: &[u8]) -> bool {
    octets.windows(form.len()).any(|window| window == form)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() && !path.is_symlink() { files(&path) } else { vec![path] })
        .filter(|path| path.is_file() && !path.is_symlink())
        .collect()
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

pub(super) fn base64(octets: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(octets)
}
