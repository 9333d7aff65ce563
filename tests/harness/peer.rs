//! A meter or station made of programs that others wrote: keys and requests by OpenSSL, EST by curl, CMS by OpenSSL.

use std::path::{Path, PathBuf};

use crate::rehearsal::Rehearsal;
use crate::tool::{Said, openssl, run};

/// What a peer shows in the TLS handshake or in HTTP.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A certificate file, PEM, with the key that goes with it.
    Certificate {
        /// Certificates, the peer's own first.
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
}

/// Makes a key by OpenSSL; `curve` is `P-256` or `P-384`.
///
/// # Panics
/// When OpenSSL fails.
pub fn make_key(path: &Path, curve: &str) {
    let curve = format!("ec_paramgen_curve:{curve}");
    let file = path.to_string_lossy();
    let _ = openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", &curve, "-out", &file]).ok();
}

/// Makes a certification request by OpenSSL with a subject such as `/CN=4D504B0100000001`; returns its DER octets.
///
/// # Panics
/// When OpenSSL fails.
#[must_use]
pub fn make_request(key: &Path, subject: &str, digest: &str, more: &[&str]) -> Vec<u8> {
    let key = key.to_string_lossy();
    let digest = format!("-{digest}");
    let fixed = ["req", "-new", "-utf8", "-key", &key, "-subj", subject, &digest, "-outform", "DER"];
    openssl(fixed.iter().copied().chain(more.iter().copied())).ok().octets
}

/// Posts a body by curl; trusts the root of the rehearsal's owner.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
pub fn post(rehearsal: &Rehearsal, url: &str, content_type: &str, body: &[u8], shown: &Shown) -> Answer {
    let file = rehearsal.scratch(&format!("body-{}", unique()));
    std::fs::write(&file, body).expect("the body can be written");
    let mut arguments = vec![
        "-H".to_owned(),
        format!("Content-Type: {content_type}"),
        "--data-binary".to_owned(),
        format!("@{}", file.display()),
    ];
    match shown {
        Shown::Nothing => {}
        Shown::Certificate { certificates, key } => arguments.extend([
            "--cert".to_owned(),
            certificates.display().to_string(),
            "--key".to_owned(),
            key.display().to_string(),
        ]),
        Shown::Password { user, password } => arguments.extend(["-u".to_owned(), format!("{user}:{password}")]),
    }
    curl(rehearsal, url, &arguments)
}

/// Runs curl with the root of the rehearsal's owner as trust anchor.
///
/// # Panics
/// When no HTTP answer comes.
#[must_use]
pub fn curl(rehearsal: &Rehearsal, url: &str, arguments: &[String]) -> Answer {
    let root = rehearsal.scratch(&format!("root-{}.pem", unique()));
    to_pem(&rehearsal.state("authorities/dso-root-s1.cer"), &root);
    let head = rehearsal.scratch(&format!("head-{}", unique()));
    let fixed = [
        "-sS".to_owned(),
        "--max-time".to_owned(),
        "60".to_owned(),
        "--cacert".to_owned(),
        root.display().to_string(),
        "-D".to_owned(),
        head.display().to_string(),
        "-w".to_owned(),
        "%{stderr}%{http_code}".to_owned(),
    ];
    let said = run("curl", fixed.iter().chain(arguments).chain([&url.to_owned()]));
    let status = said.err.trim().rsplit(char::is_whitespace).next().and_then(|code| code.parse().ok());
    Answer {
        status: status.filter(|code| *code != 0).unwrap_or_else(|| panic!("no answer from {url}: {said:?}")),
        head: std::fs::read_to_string(&head).unwrap_or_default(),
        body: said.octets,
    }
}

/// Enrols by curl and returns the issued certificate as a PEM file.
///
/// # Panics
/// When the answer is not 200 with one certificate.
#[track_caller]
pub fn enrol(rehearsal: &Rehearsal, label: &str, request: &[u8], shown: &Shown, file: &Path) {
    let url = format!("{}/simpleenroll", rehearsal.est(label));
    let answer = post(rehearsal, &url, "application/pkcs10", encoded(request).as_bytes(), shown);
    assert_eq!(answer.status, 200, "{}", answer.text());
    certificate_of(rehearsal, &answer.body, file);
}

/// Takes the one certificate out of a base64 certs-only answer, by OpenSSL.
///
/// # Panics
/// When there is not exactly one.
#[track_caller]
pub fn certificate_of(rehearsal: &Rehearsal, body: &[u8], file: &Path) {
    let cms = rehearsal.scratch(&format!("answer-{}.p7", unique()));
    std::fs::write(&cms, decoded(body)).expect("the answer can be written");
    let said = openssl(["pkcs7", "-inform", "DER", "-print_certs", "-in", &cms.to_string_lossy()]).ok();
    assert_eq!(said.out.matches("BEGIN CERTIFICATE").count(), 1, "{}", said.out);
    let begin = said.out.find("-----BEGIN").expect("a certificate");
    std::fs::write(file, &said.out[begin..]).expect("the certificate can be written");
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
pub fn decoded(text: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let dense: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(dense).expect("base64")
}

/// Turns a DER certificate into PEM, by OpenSSL.
///
/// # Panics
/// When it is not a certificate.
pub fn to_pem(der: &Path, pem: &Path) {
    let (der, pem) = (der.to_string_lossy(), pem.to_string_lossy());
    let _: Said = openssl(["x509", "-inform", "DER", "-in", &der, "-out", &pem]).ok();
}

/// A number that no other file of this process has.
fn unique() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
