//! A private place with a root in it, the program run as a process, and a sub-CA that makes requests.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{
    AcceptedResponse, ExchangeNonce, ExpectedResponse, RequestParts, SubordinateRequest, SubordinateResponse,
    certification_request,
};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::{SignError, Signer};
use ca_core::profile::ProfileId;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::Generate;
use p256::pkcs8::DecodePrivateKey;
use signer_file::SystemEntropy;
use tempfile::TempDir;

/// When every ceremony takes place unless a test says otherwise: 2026-11-21T10:00:00Z.
pub(crate) const NOW: i64 = 1_795_255_200;
pub(crate) const TIME: &str = "2026-11-21T10:00:00Z";
/// A year later, less a day.
pub(crate) const NEXT_UPDATE: &str = "2027-11-20T10:00:00Z";

/// What opens the key files; a word that stands nowhere else, so that it can be searched for.
pub(crate) const PASSPHRASE: &str = "canary-passphrase-of-the-root";

pub(crate) const DAY: i64 = 86_400;

/// A private directory, the working directory of every process started here.
pub(crate) struct Place {
    folder: TempDir,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The process ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.exit, Some(0), "{self:?}");
        self
    }

    /// The process ended with this number and this reason code, which `--json` shows.
    #[track_caller]
    pub(crate) fn refused(&self, exit: i32, code: &str) {
        assert_eq!(self.exit, Some(exit), "{self:?}");
        assert_eq!(self.error()["code"], code, "{self:?}");
        assert_eq!(self.out, "");
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }

    #[track_caller]
    pub(crate) fn error(&self) -> serde_json::Value {
        serde_json::from_str(&self.err).unwrap()
    }
}

impl Place {
    /// Makes a place with a passphrase file and no root.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.secret("pass", PASSPHRASE);
        place
    }

    /// Makes a place with a root of a suite in `root`.
    pub(crate) fn with_root(suite: &str) -> Self {
        let place = Self::new();
        place.init(suite, &[]).ok();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Writes a file of mode 0600.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("{text}\n")).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// Prepares the program. Its standard input is empty.
    pub(crate) fn program<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offline-root"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        ran(&mut self.program(arguments))
    }

    /// Runs the program on the root, with `--json`.
    pub(crate) fn verb(&self, verb: &str, arguments: &[&str]) -> Ran {
        let mut all = vec![verb, "--json", "--dir", "root"];
        all.extend(arguments);
        self.run(all)
    }

    /// Runs `init` with what every root needs, and more.
    pub(crate) fn init(&self, suite: &str, more: &[&str]) -> Ran {
        self.init_at(suite, TIME, more)
    }

    pub(crate) fn init_at(&self, suite: &str, time: &str, more: &[&str]) -> Ran {
        let mut all = vec!["--suite", suite, "--country", "ZZ", "--organization", "Example Utility"];
        all.extend(["--common-name", "Example Root G1", "--time", time]);
        all.extend(["--key-file", "--passphrase-file", "pass"]);
        all.extend(["--crl-uri", "http://pki.example/root.crl"]);
        all.extend(["--ca-issuers-uri", "http://pki.example/root.cer"]);
        all.extend(more);
        self.verb("init", &all)
    }

    /// Signs a request; the response goes to `response`.
    pub(crate) fn sign(&self, request: &SubordinateRequest) -> Ran {
        self.sign_at(request, TIME)
    }

    pub(crate) fn sign_at(&self, request: &SubordinateRequest, time: &str) -> Ran {
        self.put_request(request);
        self.sign_file(time)
    }

    pub(crate) fn put_request(&self, request: &SubordinateRequest) {
        fs::write(self.path("request"), request.to_text().unwrap()).unwrap();
    }

    /// Signs what stands in `request`.
    pub(crate) fn sign_file(&self, time: &str) -> Ran {
        let fixed = ["--passphrase-file", "pass", "--request", "request", "--out", "response"];
        self.verb("sign-subca", &[&fixed[..], &["--time", time]].concat())
    }

    /// Signs a request under a root in another directory; the response goes to `response`, its certificate to a file.
    #[track_caller]
    pub(crate) fn sign_under(&self, dir: &str, request: &SubordinateRequest, out: &str) {
        self.put_request(request);
        let created = request.created().to_string();
        let fixed =
            ["sign-subca", "--json", "--dir", dir, "--passphrase-file", "pass", "--request", "request"];
        self.run([&fixed[..], &["--out", "response", "--time", &created]].concat()).ok();
        let response = SubordinateResponse::from_text(&String::from_utf8(self.read("response")).unwrap());
        self.put_pem(out, "CERTIFICATE", response.unwrap().parts().certificate.der());
        fs::remove_file(self.path("response")).unwrap();
    }

    /// Signs a CRL from one time to another.
    pub(crate) fn crl(&self, out: &str, this_update: &str, next_update: &str) -> Ran {
        let times = ["--this-update", this_update, "--next-update", next_update];
        self.verb("crl", &[&times[..], &["--passphrase-file", "pass", "--out", out]].concat())
    }

    pub(crate) fn revoke(&self, serial: &str, reason: &str) -> Ran {
        self.verb("revoke", &["--time", TIME, "--serial", serial, "--reason", reason])
    }

    pub(crate) fn verify(&self) -> Ran {
        self.verb("verify", &[])
    }

    /// Reads the response as the sub-CA does, with the exchange key that `init` published.
    #[track_caller]
    pub(crate) fn accept(&self, request: &SubordinateRequest) -> AcceptedResponse {
        let text = String::from_utf8(self.read("response")).unwrap();
        let (label, spki) =
            der::pem::decode_vec(&self.read("root/public/exchange-key.pem")).map(owned).unwrap();
        assert_eq!(label, "PUBLIC KEY");
        let exchange_key = &PublicKey::from_spki_der(&spki).unwrap().fingerprint();
        let expected = ExpectedResponse { request, exchange_key, now: UnixTime::from_seconds(NOW) };
        SubordinateResponse::from_text(&text).unwrap().verify(&expected).unwrap()
    }

    /// The names of the ledger's files, in their order.
    pub(crate) fn ledger(&self) -> Vec<String> {
        names(&self.path("root/ledger"))
    }

    /// The text of the last entry of the ledger.
    pub(crate) fn last_entry(&self) -> String {
        let name = self.ledger().pop().unwrap();
        String::from_utf8(self.read(&format!("root/ledger/{name}"))).unwrap()
    }

    /// How many certificates the ledger holds, the root's own included.
    pub(crate) fn certificates(&self) -> usize {
        self.ledger().iter().filter(|name| name.ends_with("-certificate.pem")).count()
    }

    /// Runs openssl in the place; returns what it said, on either channel.
    pub(crate) fn openssl(&self, arguments: &str) -> (bool, String) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("openssl is not installed: run tests/run, which installs what the tests need");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs openssl and expects it to be content.
    #[track_caller]
    pub(crate) fn openssl_ok(&self, arguments: &str) -> String {
        let (content, said) = self.openssl(arguments);
        assert!(content, "openssl {arguments}: {said}");
        said
    }

    /// Writes DER as PEM, for programs that want that.
    pub(crate) fn put_pem(&self, name: &str, label: &str, der: &[u8]) {
        let text = der::pem::encode_string(label, der::pem::LineEnding::LF, der).unwrap();
        fs::write(self.path(name), text).unwrap();
    }
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        exit: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn owned((label, der): (&str, Vec<u8>)) -> (String, Vec<u8>) {
    (label.to_owned(), der)
}

/// The names in a directory, in their order.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a directory.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(path) {
        let path = path.join(name);
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A sub-CA that has a key and asks for a certificate.
pub(crate) enum SubCa {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl SubCa {
    pub(crate) fn new(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::P256(p256::ecdsa::SigningKey::generate()),
            Curve::P384 => Self::P384(p384::ecdsa::SigningKey::generate()),
        }
    }

    /// Takes a P-256 key that openssl made.
    pub(crate) fn from_pkcs8_pem(text: &str) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_pkcs8_pem(text).unwrap())
    }

    /// Takes a key of a suite that openssl made.
    pub(crate) fn from_pem(suite: &str, text: &str) -> Self {
        match suite {
            "1" => Self::from_pkcs8_pem(text),
            _ => Self::P384(p384::ecdsa::SigningKey::from_pkcs8_pem(text).unwrap()),
        }
    }

    pub(crate) fn key(&self) -> PublicKey {
        match self {
            Self::P256(key) => {
                PublicKey::from_point(Curve::P256, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P384(key) => {
                PublicKey::from_point(Curve::P384, key.verifying_key().to_sec1_point(false).as_bytes())
            }
        }
        .unwrap()
    }

    /// Makes a request for the usual name.
    pub(crate) fn request(&self, profile: &str) -> SubordinateRequest {
        self.request_with(profile, |_| {})
    }

    /// Makes a request of parts that are changed first.
    pub(crate) fn request_with(
        &self,
        profile: &str,
        change: impl FnOnce(&mut RequestParts),
    ) -> SubordinateRequest {
        request_by(self, &self.key().key_ref(), profile, change)
    }
}

/// Makes a request for a key of any signer.
pub(crate) fn request_by(
    signer: &dyn Signer,
    key: &KeyRef,
    profile: &str,
    change: impl FnOnce(&mut RequestParts),
) -> SubordinateRequest {
    let subject = name("Example Sub-CA G1");
    let mut parts = RequestParts {
        nonce: ExchangeNonce::draw(&SystemEntropy).unwrap(),
        created: UnixTime::from_seconds(NOW),
        profile: ProfileId::parse(profile).unwrap(),
        csr: certification_request(&subject, key, signer).unwrap(),
        subject,
    };
    change(&mut parts);
    SubordinateRequest::draft(parts).unwrap().sign(signer).unwrap()
}

/// Makes the name of a sub-CA.
pub(crate) fn name(common_name: &str) -> DistinguishedName {
    let parts = [
        (oid::COUNTRY_NAME, "ZZ"),
        (oid::ORGANIZATION_NAME, "Example Utility"),
        (oid::COMMON_NAME, common_name),
    ];
    DistinguishedName::from_attributes(&parts).unwrap()
}

/// Reads a certification request that openssl wrote.
pub(crate) fn csr(pem: &[u8]) -> CertificationRequest {
    CertificationRequest::from_der(&der::pem::decode_vec(pem).unwrap().1).unwrap()
}

impl Signer for SubCa {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let own = self.key();
        if own.key_ref() == *key { Ok(own) } else { Err(SignError::KeyNotFound { key: *key }) }
    }

    fn sign(&self, _: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let signature = match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                EcdsaSignature::from_fixed(Curve::P384, &signature.to_bytes())
            }
        };
        Ok(signature.unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}
