//! Keys: whether they sign, and who else could read what opens them.

use std::path::Path;

use super::super::facts::{Facts, Served, Use};
use super::super::{Check, Finding, Judge, Severity};
use super::check;

pub(super) const CHECKS: &[Check] = &[
    check(
        "doctor.keys.signature",
        Severity::Fault,
        "keys made a signature just now, and it verifies",
        Judge::Always(signature),
    ),
    check(
        "doctor.keys.away",
        Severity::Fault,
        "every token, or the signer that has the keys, is there",
        Judge::Served(away),
    ),
    check(
        "doctor.keys.failures",
        Severity::Notice,
        "no token failed since the server was started",
        Judge::Served(failures),
    ),
    check(
        "doctor.keys.mode",
        Severity::Fault,
        "key files and their directory are their owner's alone",
        Judge::Always(key_modes),
    ),
    check(
        "doctor.keys.passphrase-mode",
        Severity::Fault,
        "passphrase files are their owner's alone",
        Judge::Always(passphrase_modes),
    ),
    check(
        "doctor.keys.pin-mode",
        Severity::Fault,
        "files with PINs are their owner's alone",
        Judge::Always(pin_modes),
    ),
    check(
        "doctor.keys.tls-mode",
        Severity::Fault,
        "the private key of TLS is its owner's alone",
        Judge::Always(tls_modes),
    ),
    check(
        "doctor.keys.signer-socket",
        Severity::Fault,
        "the socket of the signer is there",
        Judge::Always(signer_socket),
    ),
];

fn signature(facts: &Facts) -> Vec<Finding> {
    if facts.signatures.is_empty() {
        let says = "no key could be asked to sign: nothing signs checkpoints, and no OCSP responder answers";
        return vec![Finding::notice(says, "meter-pki audit key makes a key for checkpoints")];
    }
    let failed = facts.signatures.iter();
    failed
        .filter_map(|one| {
            let fault = one.fault.as_ref()?;
            let next =
                "meter-pki hsm doctor URI for a token; otherwise look at [keys] and at the server's log";
            Some(Finding::fault(format!("{}: {fault}", one.by), next))
        })
        .collect()
}

fn away(_: &Facts, served: &Served) -> Vec<Finding> {
    let signers = served.unwell.iter().filter(|(name, ..)| name == "signer");
    signers
        .map(|(_, failed, reason)| {
            let next = "meter-pki hsm doctor URI, or start meter-pki signer; docs/operate/tokens.md";
            if *failed {
                Finding::fault(reason.clone(), next)
            } else {
                Finding::warning(reason.clone(), next)
            }
        })
        .collect()
}

fn failures(_: &Facts, served: &Served) -> Vec<Finding> {
    let failures = served.metric("pki_token_failures_total");
    if failures <= 0.0 {
        return Vec::new();
    }
    let says = format!("tokens failed {failures} times since the server was started");
    vec![Finding::notice(says, "meter-pki audit list shows each turn: signer-failed, signer-recovered")]
}

/// Group and others have no bit.
fn private(facts: &Facts, uses: &[Use], wanted: &str) -> Vec<Finding> {
    let paths = facts.files.paths.iter().filter(|one| uses.contains(&one.used_as));
    paths
        .filter_map(|one| {
            let Some(mode) = one.mode else {
                let says = format!("{} is not there, or cannot be looked at by this user", one.path);
                return Some(Finding::fault(
                    says,
                    "look at [keys] in the configuration; run this as the server's user",
                ));
            };
            let says = || format!("{} has mode {mode:04o}: others than its owner can read it", one.path);
            let denied = signer_file::denied_to_others(Path::new(&one.path));
            (mode & denied != 0).then(|| Finding::fault(says(), format!("chmod {wanted} {}", one.path)))
        })
        .collect()
}

fn key_modes(facts: &Facts) -> Vec<Finding> {
    private(facts, &[Use::KeyDirectory, Use::KeyFile], "go=")
}

fn passphrase_modes(facts: &Facts) -> Vec<Finding> {
    private(facts, &[Use::Passphrase], "0600")
}

fn pin_modes(facts: &Facts) -> Vec<Finding> {
    private(facts, &[Use::Pin], "0600")
}

fn tls_modes(facts: &Facts) -> Vec<Finding> {
    private(facts, &[Use::TlsKey], "0600")
}

fn signer_socket(facts: &Facts) -> Vec<Finding> {
    let sockets =
        facts.files.paths.iter().filter(|one| one.used_as == Use::SignerSocket && one.mode.is_none());
    sockets
        .map(|one| {
            let says = format!("there is no signer at {}", one.path);
            Finding::fault(says, "start meter-pki signer with its configuration; docs/operate/signer.md")
        })
        .collect()
}
