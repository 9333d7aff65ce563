//! Meters: those of the rehearsed fleet, and further ones that are born on the rehearsed line, made of OpenSSL and curl.

use std::path::{Path, PathBuf};

use crate::peer::{Answer, Shown, certificate_of, enrol, make_key, make_request, path, serial, to_pem};
use crate::rehearsal::Rehearsal;
use crate::tool::openssl;

/// A security suite of DLMS: curve and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// P-256, SHA-256.
    One,
    /// P-384, SHA-384.
    Two,
}

impl Suite {
    /// Both suites.
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    /// As names of profiles and authorities end: `s1` or `s2`.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::One => "s1",
            Self::Two => "s2",
        }
    }

    /// As OpenSSL calls the curve.
    #[must_use]
    pub const fn curve(self) -> &'static str {
        match self {
            Self::One => "P-256",
            Self::Two => "P-384",
        }
    }

    /// As OpenSSL calls the hash.
    #[must_use]
    pub const fn digest(self) -> &'static str {
        match self {
            Self::One => "sha256",
            Self::Two => "sha384",
        }
    }
}

/// A certificate with its key, both PEM, and the request that asked for it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
    /// The request, DER.
    pub request: Vec<u8>,
}

impl Credential {
    /// As what a client shows in the TLS handshake.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::Certificate { certificates: self.certificate.clone(), key: self.key.clone() }
    }

    /// Its serial number in hexadecimal.
    #[must_use]
    #[track_caller]
    pub fn serial(&self) -> String {
        serial(&self.certificate)
    }
}

/// A meter.
#[derive(Debug, Clone, Copy)]
pub struct Meter<'a> {
    rehearsal: &'a Rehearsal,
    /// Its system title, 16 hexadecimal digits.
    pub title: &'a str,
    /// Its suite.
    pub suite: Suite,
}

/// A certification request with its key.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request, DER.
    pub request: Vec<u8>,
    /// The key, PEM.
    pub key: PathBuf,
}

impl<'a> Meter<'a> {
    /// Names a meter; nothing is known of it before it does something.
    #[must_use]
    pub const fn new(rehearsal: &'a Rehearsal, title: &'a str, suite: Suite) -> Self {
        Self { rehearsal, title, suite }
    }

    /// Returns a credential that a meter of the rehearsed fleet holds, such as `meter-op-tls`.
    ///
    /// # Panics
    /// When it holds none.
    #[must_use]
    pub fn held(&self, row: &str) -> Credential {
        let memory = |kind: &str| self.rehearsal.state(&format!("fleet/{}/{row}.{kind}", self.title));
        let certificate = self.rehearsal.unique("held.pem");
        to_pem(&memory("cer"), &certificate);
        let key = self.rehearsal.unique("held.key");
        drop(openssl(["pkey", "-inform", "DER", "-in", &path(&memory("key")), "-out", &path(&key)]).ok());
        Credential { certificate, key, request: std::fs::read(memory("csr")).expect("its request") }
    }

    /// Makes a new key and a request for it.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[must_use]
    pub fn ask(&self) -> Asked {
        self.ask_as(&format!("/CN={}", self.title))
    }

    /// Makes a new key and a request for it under another name.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[must_use]
    pub fn ask_as(&self, subject: &str) -> Asked {
        let key = self.rehearsal.unique("meter.key");
        make_key(&key, self.suite.curve());
        Asked { request: make_request(&key, subject, self.suite.digest(), &[]), key }
    }

    /// Returns the label of a row of the profile table in the meter's suite, such as `meter-op-ds-s1`.
    #[must_use]
    pub fn label(&self, row: &str) -> String {
        format!("{row}-{}", self.suite.suffix())
    }

    /// Asks for a certificate with a new key.
    ///
    /// # Panics
    /// When no HTTP answer comes.
    #[must_use]
    #[track_caller]
    pub fn try_enrol(&self, row: &str, shown: &Shown) -> Answer {
        enrol(self.rehearsal, &self.label(row), &self.ask().request, shown)
    }

    /// Enrols with a new key.
    ///
    /// # Panics
    /// When no certificate comes.
    #[must_use]
    #[track_caller]
    pub fn enrol(&self, row: &str, shown: &Shown) -> Credential {
        let Asked { request, key } = self.ask();
        let answer = enrol(self.rehearsal, &self.label(row), &request, shown);
        Credential { certificate: certificate_of(self.rehearsal, &answer), key, request }
    }

    /// Lets the line station enrol the meter's factory TLS certificate.
    ///
    /// # Panics
    /// When no certificate comes.
    #[must_use]
    #[track_caller]
    pub fn manufacture(&self) -> Credential {
        self.enrol("meter-factory-tls", &station(self.rehearsal))
    }

    /// Puts the meter on the list of the rehearsed owner.
    ///
    /// # Panics
    /// When it is not taken.
    #[track_caller]
    pub fn deliver(&self) {
        self.rehearsal.expect_devices("dso", &[self.title]);
    }

    /// Returns the serial numbers on record for this meter, in order, with what was said of each.
    ///
    /// # Panics
    /// When the list cannot be had.
    #[must_use]
    #[track_caller]
    pub fn on_record(&self) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let certificates = self.rehearsal.certificates_of(self.title);
        certificates.iter().map(|one| (text(&one["serial"]), text(&one["status"]))).collect()
    }
}

/// What the line station of the rehearsed manufacturer shows.
#[must_use]
pub fn station(rehearsal: &Rehearsal) -> Shown {
    let place = |file: &str| rehearsal.state(&Path::new("tls").join(file).to_string_lossy());
    Shown::Certificate { certificates: place("line-station.pem"), key: place("line-station.key") }
}
