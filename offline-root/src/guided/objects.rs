//! What is to be signed, in words: line by line, beside the last object of its kind.
//!
//! Reads the octets that wait at the gate, and no wish that they were made of: what a key would sign is what is shown.

use std::fmt::Write;

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::{ParsedCrl, ParsedTbs, ReadCrlError};
use ca_core::distinguished_name::DistinguishedName;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use der::asn1::{AnyRef, BitString};
use der::{Encode, Tag};
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::fingerprint;
use crate::show;

/// What waits to be signed.
#[derive(Debug)]
pub(crate) enum Draft {
    /// A certificate, under a signature that is none.
    Certificate(Box<Certificate>),
    /// A CRL.
    Crl(ParsedTbs),
    /// Neither: a response, which carries what was signed before.
    Response,
}

impl Draft {
    /// Reads to-be-signed octets.
    pub(crate) fn read(key: &PublicKey, octets: &[u8]) -> Self {
        let certificate = unsigned(key, octets).and_then(|der| Certificate::from_der(&der).ok());
        match (certificate, ParsedTbs::from_der(octets)) {
            (Some(certificate), _) => Self::Certificate(Box::new(certificate)),
            (None, Ok(crl)) => Self::Crl(crl),
            (None, Err(_)) => Self::Response,
        }
    }
}

/// Puts a signature behind to-be-signed octets that verifies under no key, so that a reader of certificates reads them.
fn unsigned(key: &PublicKey, tbs: &[u8]) -> Option<Vec<u8>> {
    let length = match key.curve() {
        Curve::P256 => 32,
        Curve::P384 => 48,
    };
    let mut one = vec![0; length];
    *one.last_mut()? = 1;
    let nothing = EcdsaSignature::from_fixed(key.curve(), &one.repeat(2)).ok()?.to_der().ok()?;
    let algorithm = AlgorithmIdentifierRef { oid: key.curve().signature_algorithm(), parameters: None };
    let mut content = tbs.to_vec();
    algorithm.encode_to_vec(&mut content).ok()?;
    BitString::from_bytes(&nothing).ok()?.encode_to_vec(&mut content).ok()?;
    AnyRef::new(Tag::Sequence, &content).ok()?.to_der().ok()
}

/// A line: what it is about, and what it says.
pub(crate) type Line = (String, String);

/// Says in lines what a certificate says.
pub(crate) fn of_certificate(certificate: &Certificate) -> Vec<Line> {
    let key = certificate.public_key();
    let mut lines = vec![
        line("Subject", certificate.subject()),
        line("Issuer", certificate.issuer()),
        line("Serial", certificate.serial()),
        line("Not before", certificate.validity().not_before()),
        line("Not after", certificate.validity().not_after()),
        line("Key", format!("{}, SHA-256 {}", key.curve(), fingerprint::of(key.spki_der()))),
    ];
    for extension in certificate.extensions() {
        let critical = if extension.critical { "critical " } else { "" };
        let value = hex::encode(extension.extn_value.as_bytes());
        lines.push((show::extension_name(extension.extn_id), format!("{critical}{value}")));
    }
    lines
}

/// Says in lines what a CRL says.
pub(crate) fn of_crl(crl: &ParsedTbs) -> Result<Vec<Line>, ReadCrlError> {
    let issuer = DistinguishedName::from_der(crl.issuer())
        .map_or_else(|_| hex::encode(crl.issuer()), |name| name.to_string());
    let (this_update, next_update) = crl.period()?;
    let mut lines = vec![
        line("Issuer", issuer),
        line("Number", crl.number()?),
        line("This update", this_update),
        line("Next update", next_update),
        line("Entries", crl.entries().count()),
    ];
    for entry in crl.entries() {
        let entry = entry?;
        lines.push(line("Revoked", format!("{} at {}", entry.serial, entry.revocation_date)));
    }
    Ok(lines)
}

fn line(name: &str, value: impl ToString) -> Line {
    (name.to_owned(), value.to_string())
}

/// Sets lines beside those of the object before: `=` the same, `-` then, `+` now.
pub(crate) fn beside(now: &[Line], before: &[Line]) -> String {
    let mut text = String::new();
    let mut say = |mark: &str, (name, value): &Line| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {mark} {name:<24} {value}");
    };
    for (place, entry) in now.iter().enumerate() {
        if before.contains(entry) {
            say("=", entry);
            continue;
        }
        let first = !now.iter().take(place).any(|earlier| earlier.0 == entry.0);
        let gone = |old: &&Line| old.0 == entry.0 && !now.contains(old);
        before.iter().filter(|_| first).filter(gone).for_each(|old| say("-", old));
        say("+", entry);
    }
    let unnamed = |old: &&Line| !now.iter().any(|entry| entry.0 == old.0);
    before.iter().filter(unnamed).for_each(|old| say("-", old));
    text
}

/// What was signed before, as far as the roots of the room know.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) crls: Vec<Vec<u8>>,
    /// The certificate that the ceremony file says the next one follows.
    pub(crate) predecessor: Option<Predecessor>,
}

/// A certificate that another one follows.
#[derive(Debug)]
pub(crate) struct Predecessor {
    /// How it is followed: `Renews`, `Rekeys`, `Succeeds`.
    pub(crate) how: &'static str,
    pub(crate) certificate: Certificate,
}

impl Predecessor {
    /// Says what is followed, and by what kind of key.
    fn line(&self, draft: &Certificate) -> Line {
        let key =
            if self.certificate.public_key() == draft.public_key() { "the same key" } else { "another key" };
        let (serial, until) = (self.certificate.serial(), self.certificate.validity().not_after());
        line(self.how, format!("{serial}, valid until {until}, with {key}"))
    }
}

impl Earlier {
    /// Says in lines what a draft says, and what it follows.
    pub(crate) fn lines_of(&self, draft: &Certificate) -> Vec<Line> {
        let follows = self.predecessor.iter().map(|before| before.line(draft));
        follows.chain(of_certificate(draft)).collect()
    }

    /// Returns the lines of the last object of the same kind.
    pub(crate) fn like(&self, draft: &Draft) -> Vec<Line> {
        match draft {
            Draft::Certificate(certificate) => self.certificate_like(certificate),
            Draft::Crl(crl) => self.crl_like(crl),
            Draft::Response => Vec::new(),
        }
    }

    /// Returns the lines of the certificate that the draft follows; of the last one for the same where the file names none:
    /// of the same subject, or of a root of the same curve.
    fn certificate_like(&self, draft: &Certificate) -> Vec<Line> {
        if let Some(before) = &self.predecessor {
            return of_certificate(&before.certificate);
        }
        let own = |certificate: &Certificate| certificate.subject() == certificate.issuer();
        let alike = |other: &&Certificate| match own(draft) {
            true => own(other) && other.public_key().curve() == draft.public_key().curve(),
            false => other.subject() == draft.subject() && other.issuer() == draft.issuer(),
        };
        let last = self.certificates.iter().filter(alike).max_by_key(|other| other.validity().not_before());
        last.map(of_certificate).unwrap_or_default()
    }

    /// Returns the lines of the last CRL of the same issuer.
    fn crl_like(&self, draft: &ParsedTbs) -> Vec<Line> {
        let crls = self.crls.iter().filter_map(|der| ParsedCrl::from_der(der).ok());
        let same = crls.filter(|crl| crl.tbs().issuer() == draft.issuer());
        let last = same.max_by_key(|crl| crl.tbs().number().unwrap_or_default());
        last.and_then(|crl| of_crl(crl.tbs()).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_since_the_object_before_stands_out() {
        let lines =
            |all: &[(&str, &str)]| all.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>();
        let before = lines(&[("Issuer", "CN=Root"), ("Number", "1"), ("Revoked", "a"), ("Gone", "x")]);
        let now = lines(&[("Issuer", "CN=Root"), ("Number", "2"), ("Revoked", "a"), ("Revoked", "b")]);
        let marks: Vec<String> = beside(&now, &before)
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            marks,
            ["= Issuer CN=Root", "- Number 1", "+ Number 2", "= Revoked a", "+ Revoked b", "- Gone x"]
        );
        assert!(beside(&now, &[]).lines().all(|line| line.trim_start().starts_with('+')));
    }
}
