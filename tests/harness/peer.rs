//! The other end of the wire, made of programs that others wrote: keys and requests by OpenSSL, HTTP and TLS by curl, CMS by
//! OpenSSL.

use std::path::{Path, PathBuf};

use crate::rehearsal::Rehearsal;
use crate::tool::{Said, openssl, run};

/// What a client shows in the TLS handshake or in HTTP.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A certificate with its key, both PEM.
    Certificate {
        /// Certificates, the client's own first.
        certificates: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// User and password of HTTP Basic.
    Password {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
}

impl From<(String, String)> for Shown {
    fn from((user, password): (String, String)) -> Self {
        Self::Password { user, password }
    }
}

impl Shown {
    /// Returns the options of curl that show it.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Certificate { certificates, key } => {
                vec!["--cert".to_owned(), path(certificates), "--key".to_owned(), path(key)]
            }
            Self::Password { user, password } => vec!["-u".to_owned(), format!("{user}:{password}")],
        }
    }
}

/// An HTTP answer as curl saw it.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields as they came.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header field, whatever the case of its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next_back()
    }
}

/// Runs curl with the root of the EST server as trust anchor.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
#[track_caller]
pub fn curl<S: AsRef<str>>(rehearsal: &Rehearsal, url: &str, arguments: &[S]) -> Answer {
    let said = try_curl(rehearsal, url, arguments);
    said.unwrap_or_else(|said| panic!("no answer from {url}: {said:?}"))
}

/// Runs curl with the root of the EST server as trust anchor; returns what curl said when no HTTP answer comes.
///
/// # Errors
/// What curl said.
pub fn try_curl<S: AsRef<str>>(rehearsal: &Rehearsal, url: &str, arguments: &[S]) -> Result<Answer, Said> {
    let head = rehearsal.unique("head");
    let (root, head_file) = (path(&rehearsal.root()), path(&head));
    let fixed = ["-sS", "--max-time", "60", "--path-as-is", "--cacert", &root, "-D", &head_file];
    let told = ["-w", "%{stderr}%{http_code}", url];
    let given = arguments.iter().map(AsRef::as_ref);
    let said = run("curl", fixed.into_iter().chain(given).chain(told));
    let status = said.err.trim().rsplit(char::is_whitespace).next().and_then(|code| code.parse().ok());
    match status.filter(|code| *code != 0) {
        Some(status) => {
            let head = std::fs::read_to_string(&head).unwrap_or_default();
            Ok(Answer { status, head, body: said.octets })
        }
        None => Err(said),
    }
}

/// An EST operation that takes a certification request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// RFC 7030 §4.2.1.
    Enrol,
    /// RFC 7030 §4.2.2.
    ReEnrol,
}

impl Operation {
    /// Returns its path segment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enrol => "simpleenroll",
            Self::ReEnrol => "simplereenroll",
        }
    }
}

/// Sends a certification request by curl, as RFC 7030 §4.2 writes it, with further options of curl.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
#[track_caller]
pub fn send_request(
    rehearsal: &Rehearsal,
    at: (Operation, &str),
    request: &[u8],
    shown: &Shown,
    more: &[&str],
) -> Answer {
    send_text(rehearsal, at, encoded(request).as_bytes(), shown, more)
}

/// Sends the text of a certification request by curl, whatever its form, with further options of curl.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
#[track_caller]
pub fn send_text(
    rehearsal: &Rehearsal,
    (operation, label): (Operation, &str),
    text: &[u8],
    shown: &Shown,
    more: &[&str],
) -> Answer {
    curl(
        rehearsal,
        &format!("{}/{}", rehearsal.est(label), operation.name()),
        &posting(rehearsal, text, shown, more),
    )
}

/// Returns the options by which curl posts the text of a certification request, with further ones.
///
/// # Panics
/// When there is no place for the text.
#[must_use]
pub fn posting(rehearsal: &Rehearsal, text: &[u8], shown: &Shown, more: &[&str]) -> Vec<String> {
    let body = rehearsal.unique("body");
    std::fs::write(&body, text).expect("the body can be written");
    let mut arguments = shown.options();
    let fixed = ["-H", "Content-Type: application/pkcs10", "-H", "Content-Transfer-Encoding: base64"];
    arguments.extend(fixed.map(str::to_owned));
    arguments.extend(["--data-binary".to_owned(), format!("@{}", body.display())]);
    arguments.extend(more.iter().map(|option| (*option).to_owned()));
    arguments
}

/// Enrols by curl; returns the answer.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
#[track_caller]
pub fn enrol(rehearsal: &Rehearsal, label: &str, request: &[u8], shown: &Shown) -> Answer {
    send_request(rehearsal, (Operation::Enrol, label), request, shown, &[])
}

/// Takes the one certificate out of a certs-only answer, by OpenSSL, into a PEM file.
///
/// # Panics
/// When the answer is not 200 with exactly one certificate.
#[must_use]
#[track_caller]
pub fn certificate_of(rehearsal: &Rehearsal, answer: &Answer) -> PathBuf {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cms = rehearsal.unique("answer.p7");
    std::fs::write(&cms, decoded(&answer.body)).expect("the answer can be written");
    let said = openssl(["pkcs7", "-inform", "DER", "-print_certs", "-in", &path(&cms)]).ok();
    assert_eq!(said.out.matches("BEGIN CERTIFICATE").count(), 1, "{}", said.out);
    let begin = said.out.find("-----BEGIN").expect("a certificate");
    let certificate = rehearsal.unique("certificate.pem");
    std::fs::write(&certificate, &said.out[begin..]).expect("the certificate can be written");
    certificate
}

/// Makes a key by OpenSSL; `curve` is `P-256` or `P-384`.
///
/// # Panics
/// When OpenSSL fails.
pub fn make_key(file: &Path, curve: &str) {
    let curve = format!("ec_paramgen_curve:{curve}");
    drop(openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", &curve, "-out", &path(file)]).ok());
}

/// Makes a certification request by OpenSSL with a subject such as `/CN=4D504B0100000001`; returns its DER octets.
///
/// # Panics
/// When OpenSSL fails.
#[must_use]
pub fn make_request(key: &Path, subject: &str, digest: &str, more: &[&str]) -> Vec<u8> {
    let key = path(key);
    let digest = format!("-{digest}");
    let fixed = ["req", "-new", "-utf8", "-key", &key, "-subj", subject, &digest, "-outform", "DER"];
    openssl(fixed.iter().chain(more)).ok().octets
}

/// Turns a DER certificate into PEM, by OpenSSL.
///
/// # Panics
/// When it is not a certificate.
#[track_caller]
pub fn to_pem(der: &Path, pem: &Path) {
    drop(openssl(["x509", "-inform", "DER", "-in", &path(der), "-out", &path(pem)]).ok());
}

/// Returns a field of a PEM certificate as OpenSSL prints it, such as `-subject` or `-serial`, without its name.
///
/// # Panics
/// When it is not a certificate.
#[must_use]
#[track_caller]
pub fn field(certificate: &Path, option: &str) -> String {
    let said = openssl(["x509", "-noout", "-nameopt", "RFC2253", option, "-in", &path(certificate)]).ok();
    let text = said.out.trim();
    text.split_once('=').map_or(text, |(_, value)| value).to_owned()
}

/// Returns the public key of a PEM certificate, as PEM.
///
/// # Panics
/// When it is not a certificate.
#[must_use]
#[track_caller]
pub fn public_key(certificate: &Path) -> String {
    openssl(["x509", "-noout", "-pubkey", "-in", &path(certificate)]).ok().out
}

/// Returns the DER octets of a PEM certificate.
///
/// # Panics
/// When it is not a certificate.
#[must_use]
#[track_caller]
pub fn to_der(certificate: &Path) -> Vec<u8> {
    openssl(["x509", "-outform", "DER", "-in", &path(certificate)]).ok().octets
}

/// Returns the serial number of a PEM certificate in hexadecimal.
///
/// # Panics
/// When it is not a certificate.
#[must_use]
#[track_caller]
pub fn serial(certificate: &Path) -> String {
    field(certificate, "-serial")
}

/// Base64 in lines of 64.
///
/// # Panics
/// Never: base64 is ASCII.
#[must_use]
pub fn encoded(octets: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(octets);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    lines.join("\n")
}

/// Reads base64, whatever its lines.
///
/// # Panics
/// When it is not base64.
#[must_use]
#[track_caller]
pub fn decoded(text: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let dense: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(dense).expect("base64")
}

/// A path as an argument of a program.
#[must_use]
pub fn path(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}
