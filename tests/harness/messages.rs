//! Signers of messages, CMC and CMP, and of keys, made by OpenSSL: a certificate is signed by itself, and trusted by who is told to.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::peer::{make_key, path};
use crate::rehearsal::Rehearsal;
use crate::tool::openssl;

/// Makes certificate, key and passphrase of a signer of messages: `tls/messages.cer`, `.key` and `.passphrase`.
///
/// # Panics
/// When OpenSSL fails.
pub fn make_message_signer(rehearsal: &Rehearsal) {
    make_signer(&rehearsal.state("tls/messages"), "/CN=Messages", "1.3.6.1.5.5.7.3.27");
}

/// Makes those of a signer of keys that are made for devices: `tls/keys.cer`, `.key` and `.passphrase`.
///
/// # Panics
/// When OpenSSL fails.
pub fn make_key_signer(rehearsal: &Rehearsal) {
    make_signer(&rehearsal.state("tls/keys"), "/CN=Keys", "1.3.6.1.5.5.7.3.32");
}

/// Makes certificate, key and passphrase of who signs for a purpose: `.cer`, `.key` and `.passphrase` of a place.
///
/// # Panics
/// When OpenSSL fails.
pub fn make_signer(place: &Path, subject: &str, purpose: &str) {
    let place = |kind: &str| place.with_extension(kind);
    let (key, purpose) = (place("clear"), format!("extendedKeyUsage={purpose}"));
    make_key(&key, "P-256");
    let certificate = [
        "req",
        "-x509",
        "-new",
        "-key",
        &path(&key),
        "-subj",
        subject,
        "-days",
        "30",
        "-outform",
        "DER",
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-addext",
        &purpose,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-out",
        &path(&place("cer")),
    ];
    drop(openssl(certificate).ok());
    private_file(&place("passphrase"), b"a passphrase of the messages");
    private_file(&place("key"), b"");
    let passphrase = format!("file:{}", path(&place("passphrase")));
    let encrypted = [
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-v2prf",
        "hmacWithSHA256",
        "-iter",
        "10000",
        "-in",
        &path(&key),
        "-passout",
        &passphrase,
        "-out",
        &path(&place("key")),
    ];
    drop(openssl(encrypted).ok());
    std::fs::remove_file(&key).expect("nobody else has it");
}

fn private_file(file: &Path, octets: &[u8]) {
    use std::io::Write;
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    opened.expect("a private file").write_all(octets).expect("it can be written");
}

/// Opens labels to CMP in a configuration, with more lines in the section, which replaces the one that is there.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn serving_cmp(configuration: &str, labels: &[&str], more: &str) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
    let section = format!(
        "[cmp]\nlabels = [{}]\nmessage_certificate_file = \"tls/messages.cer\"\n\
         message_key_file = \"tls/messages.key\"\nmessage_passphrase_file = \"tls/messages.passphrase\"\n{more}\n[status]\n",
        labels.join(", ")
    );
    let (before, rest) = configuration.split_once("[cmp]\n").expect("a rehearsal serves CMP");
    let (_, after) = rest.split_once("[status]\n").expect("and status after it");
    format!("{before}{section}{after}")
}
