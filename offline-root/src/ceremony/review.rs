//! `verify`: looks at everything in a root's directory once more, and changes nothing.
//!
//! Needs no secret. Every finding is reported, not only the first; a broken ledger is one finding, since behind the break
//! nothing is certain.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::exchange::ExpectedResponse;
use ca_core::record::{CertificateStatus, StoredCertificate};
use ca_core::serial_number::SerialNumber;
use der::pem;
use serde::Serialize;

use super::{
    EXCHANGE_KEY, LEDGER, OpenRootError, PUBLIC, ROOT_CERTIFICATE, armour, check_charter, check_private,
    root_certificate,
};
use crate::charter::{Charter, KeyStore};
use crate::exchange_log::{Exchange, ExchangeError, ExchangeLog};
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::ledger_file::{Destruction, FileLedger, InspectedCrl, InspectedLedger};
use crate::second_opinion::{QUARANTINE, agrees};
use crate::shares::SharesShelf;

/// What was looked at, and that it is in order.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Review {
    pub(crate) subject: String,
    pub(crate) directory: PathBuf,
    /// Entries of the ledger.
    pub(crate) entries: u64,
    /// Audit records.
    pub(crate) records: u64,
    /// SHA-256 of the last audit record: to be written down, so that a cut-off tail is found out (case A-04).
    pub(crate) head_sha256: String,
    pub(crate) certificates: usize,
    pub(crate) revoked: usize,
    pub(crate) crls: usize,
    pub(crate) exchanges: usize,
    /// Intents that the next command which writes will settle.
    pub(crate) open_intents: usize,
    /// How many of whom open the keys, of a shared root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shares: Option<String>,
    /// What was signed amiss and put aside (case R-11).
    pub(crate) quarantined: usize,
    /// When the keys were destroyed.
    pub(crate) keys_destroyed: Option<String>,
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Everything is in order.")?;
        writeln!(f, "  Root          {}", self.subject)?;
        writeln!(f, "  Ledger        {} entries, {} audit records", self.entries, self.records)?;
        writeln!(f, "  Last record   {}", fingerprint::grouped(&self.head_sha256))?;
        writeln!(f, "  Certificates  {}, {} of them revoked", self.certificates, self.revoked)?;
        writeln!(f, "  CRLs          {}", self.crls)?;
        write!(f, "  Exchanges     {}", self.exchanges)?;
        if let Some(shares) = &self.shares {
            write!(f, "\n  Shares        {shares}")?;
        }
        if self.quarantined > 0 {
            write!(f, "\n  Incidents     {}; see what lies in {QUARANTINE}", self.quarantined)?;
        }
        if let Some(at) = &self.keys_destroyed {
            write!(f, "\n  Keys          destroyed on {at}")?;
        }
        if self.open_intents > 0 {
            write!(f, "\n  Open intents  {}; the next command that signs settles them", self.open_intents)?;
        }
        Ok(())
    }
}

/// Looks at everything.
pub(crate) fn review(path: &Path) -> Result<Review, ReviewError> {
    check_private(path)?;
    let (charter, digest) = Charter::load(path).map_err(OpenRootError::from)?;
    let ledger = FileLedger::inspect(&path.join(LEDGER)).map_err(OpenRootError::from)?;
    let root = root_certificate(&ledger.certificates, &charter)?;
    let mut findings = Findings::default();
    check_charter(ledger.registered_digest.as_deref(), &digest).map_err(OpenRootError::from)?;
    review_public(path, &root, &charter, &mut findings)?;
    let certificates = review_certificates(&ledger, &root, &mut findings);
    ledger.crls.iter().for_each(|crl| review_crl(crl, &root, &mut findings));
    let exchanges = review_exchanges(path, &charter, &ledger, &mut findings)?;
    let shares = review_shares(path, (&charter, &root), &ledger, &mut findings);
    if !findings.0.is_empty() {
        return Err(ReviewError::NotInOrder { findings: findings.0 });
    }
    let is_revoked = |row: &&StoredCertificate| matches!(row.status, CertificateStatus::Revoked(_));
    Ok(Review {
        subject: root.subject().to_string(),
        directory: path.to_owned(),
        entries: ledger.entries,
        records: ledger.records,
        head_sha256: hex::encode(ledger.head),
        certificates,
        revoked: ledger.certificates.iter().filter(is_revoked).count(),
        crls: ledger.crls.len(),
        exchanges,
        open_intents: ledger.open_intents,
        shares,
        quarantined: quarantined(path),
        keys_destroyed: match ledger.destruction {
            Destruction::Done { at } => Some(at.to_string()),
            Destruction::None | Destruction::Intended { .. } => None,
        },
    })
}

/// Returns how many things were put aside.
fn quarantined(path: &Path) -> usize {
    let entries = fs::read_dir(path.join(QUARANTINE)).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "tbs")).count()
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn note(&mut self, place: &str, holds: bool, what: &str) {
        if !holds {
            self.0.push(format!("{place}: {what}"));
        }
    }
}

fn review_public(
    path: &Path,
    root: &Certificate,
    charter: &Charter,
    findings: &mut Findings,
) -> Result<(), ReviewError> {
    let public = path.join(PUBLIC);
    for (name, text) in [
        (ROOT_CERTIFICATE, armour("CERTIFICATE", root.der())?),
        (EXCHANGE_KEY, armour("PUBLIC KEY", charter.exchange_key.spki_der())?),
    ] {
        let same = fs::read(public.join(name)).is_ok_and(|octets| octets == text.as_bytes());
        findings.note(&format!("{PUBLIC}/{name}"), same, "it is not as it was written");
    }
    Ok(())
}

/// Looks for the description of the shares in force and for the keys under them; returns who holds the shares.
fn review_shares(
    path: &Path,
    (charter, root): (&Charter, &Certificate),
    ledger: &InspectedLedger,
    findings: &mut Findings,
) -> Option<String> {
    if charter.keys != KeyStore::Shared {
        return None;
    }
    let Ok((set, description)) = SharesShelf::of(path).in_force(ledger.shares_digest.as_deref()) else {
        findings.note("shares", false, "none of the descriptions is the one that the ledger has in force");
        return None;
    };
    let keys = [root.public_key(), &charter.exchange_key];
    for key in keys.into_iter().filter(|_| ledger.destruction == Destruction::None) {
        let file = set.keys().join(format!("{}.pem", key.key_ref()));
        findings.note(&file.display().to_string(), file.is_file(), "the key is missing");
    }
    Some(description.summary())
}

/// Verifies every certificate under the root's key, by two implementations; returns how many there are.
fn review_certificates(ledger: &InspectedLedger, root: &Certificate, findings: &mut Findings) -> usize {
    let issued = ledger.certificates.iter().filter(|row| !row.certificate.is_empty());
    for row in issued.clone() {
        let place = format!("certificate {}", row.id.serial);
        let Ok(certificate) = Certificate::from_der(&row.certificate) else {
            findings.note(&place, false, "it cannot be read");
            continue;
        };
        findings.note(&place, is_issued_by(&certificate, root), "the root did not issue it");
        let (validity, limit) = (certificate.validity(), root.validity());
        // RFC 9810 §4.4.1: OldWithNew begins with the old root.
        let begins = certificate.subject() == root.subject() || limit.contains(validity.not_before());
        let nested = begins && limit.contains(validity.not_after());
        findings.note(&place, nested, "it is not within the validity of the root");
        let as_recorded = row.id.serial == *certificate.serial()
            && row.validity == validity
            && row.subject == certificate.subject().to_string()
            && row.key_fingerprint == certificate.public_key().fingerprint();
        findings.note(&place, as_recorded, "it is not what its intent says");
    }
    issued.count()
}

fn is_issued_by(certificate: &Certificate, root: &Certificate) -> bool {
    certificate.issuer() == root.subject()
        && certificate.signature().curve() == root.public_key().curve()
        && root.public_key().verify(certificate.tbs(), certificate.signature()).is_ok()
        && agrees(root.public_key(), certificate.tbs(), certificate.signature())
}

/// Verifies a CRL, and that it lists what was revoked when it was made and nothing else.
fn review_crl(inspected: &InspectedCrl, root: &Certificate, findings: &mut Findings) {
    let InspectedCrl { crl, revoked } = inspected;
    let place = format!("CRL {}", crl.number);
    let Ok(parsed) = ParsedCrl::from_der(&crl.der) else {
        return findings.note(&place, false, "it cannot be read");
    };
    let issued = parsed.tbs().issuer() == root.subject().der() && parsed.verify(root.public_key()).is_ok();
    findings.note(&place, issued, "the root did not issue it");
    let as_recorded = parsed.tbs().number() == Ok(crl.number)
        && parsed.tbs().period() == Ok((crl.this_update, crl.next_update));
    findings.note(&place, as_recorded, "it is not what the ledger says of it");
    let Ok(listed) =
        parsed.tbs().entries().map(|entry| entry.map(|entry| entry.serial)).collect::<Result<Vec<_>, _>>()
    else {
        return findings.note(&place, false, "its entries cannot be read");
    };
    // RFC 5280 §3.3: an expired certificate may leave the list.
    let missing =
        revoked.iter().any(|entry| entry.not_after >= crl.this_update && !listed.contains(&entry.serial));
    findings.note(&place, !missing, "a certificate that was revoked is not on it");
    let known = |serial: &SerialNumber| revoked.iter().any(|entry| entry.serial == *serial);
    findings.note(&place, listed.iter().all(known), "it lists a certificate that was not revoked");
}

/// Verifies every exchange; returns how many there are.
fn review_exchanges(
    path: &Path,
    charter: &Charter,
    ledger: &InspectedLedger,
    findings: &mut Findings,
) -> Result<usize, ReviewError> {
    let exchanges = ExchangeLog::open(path).exchanges()?;
    let count = exchanges.len();
    for exchange in exchanges {
        match exchange {
            Ok(exchange) => review_exchange(exchange, charter, ledger, findings),
            Err(cause) => findings.0.push(cause.to_string()),
        }
    }
    Ok(count)
}

fn review_exchange(exchange: Exchange, charter: &Charter, ledger: &InspectedLedger, findings: &mut Findings) {
    let Exchange { request, response: Some(response) } = exchange else {
        return;
    };
    let place = format!("exchange {}", request.nonce());
    let certificate = response.parts().certificate.der();
    let on_record = ledger.certificates.iter().any(|row| row.certificate == certificate);
    findings.note(&place, on_record, "its certificate is not on record");
    let expected = ExpectedResponse {
        request: &request,
        exchange_key: &charter.exchange_key.fingerprint(),
        now: response.parts().created,
    };
    if let Err(cause) = response.verify(&expected) {
        findings.note(&place, false, &cause.to_string());
    }
}

/// Why a directory is not in order, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    /// The root cannot be opened.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// The exchanges cannot be listed.
    #[error(transparent)]
    Exchanges(#[from] ExchangeError),
    /// A certificate or key cannot be written as text.
    #[error("a certificate or key cannot be written as text: {0}")]
    Text(#[from] pem::Error),
    /// Something was altered.
    #[error("not everything is in order: {}", findings.join("; "))]
    NotInOrder {
        /// All that was found.
        findings: Vec<String>,
    },
}

impl Explained for ReviewError {
    fn exit(&self) -> Exit {
        match self {
            Self::Root(error) => error.exit(),
            Self::Exchanges(error) => error.exit(),
            Self::Text(_) => Exit::Failed,
            Self::NotInOrder { .. } => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Root(error) => error.code(),
            Self::Exchanges(error) => error.code(),
            Self::Text(_) => "file.text",
            Self::NotInOrder { .. } => "review.not-in-order",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Root(error) => error.next(),
            Self::Exchanges(error) => error.next(),
            Self::Text(_) | Self::NotInOrder { .. } => {
                "stop, sign nothing, and compare the directory with its copies".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ceremony::crl::{CrlWish, sign};
    use crate::ceremony::root::{RootWish, found};
    use crate::ceremony::{CRL_PROFILE, Root};
    use crate::charter::ProfileChoice;
    use crate::keys::SecretSource;
    use ca_core::issuer::PublicationPoints;
    use ca_core::reason::ReasonCode;
    use ca_core::record::{Revocation, RevokedEntry};
    use ca_core::suite::SecuritySuite;
    use ca_core::tenant::TenantId;
    use std::os::unix::fs::PermissionsExt;

    /// Founds a root in a directory and signs a CRL; returns the root's certificate and the CRL as the ledger has it.
    fn root_with_crl(folder: &Path) -> (Certificate, InspectedCrl) {
        let pass = folder.join("pass");
        fs::write(&pass, "a passphrase").unwrap();
        fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
        let secrets = SecretSource { passphrase_file: Some(pass), ..SecretSource::default() };
        let (directory, time) = (folder.join("root"), "2026-11-21T10:00:00Z".parse().unwrap());
        found(&RootWish {
            directory: directory.clone(),
            suite: SecuritySuite::Suite1,
            tenant: TenantId::parse("dso").unwrap(),
            country: "ZZ".to_owned(),
            organization: "Example Utility".to_owned(),
            common_name: "Root".to_owned(),
            profile: "root".to_owned(),
            profiles: ProfileChoice {
                variant: "gurux-safe".to_owned(),
                hw_type: None,
                policy_arc: "1.3.6.1.4.1.32473.1".to_owned(),
            },
            time,
            keys: KeyStore::File,
            dealing: None,
            key_label: None,
            secrets: secrets.clone(),
            points: PublicationPoints::default(),
            successor_of: None,
        })
        .unwrap();
        let ceremony = Root::open(&directory).unwrap().begin(time).unwrap();
        let next_update = "2027-01-01T00:00:00Z".parse().unwrap();
        let (this_update, out) = (time, folder.join("crl"));
        sign(&ceremony, &CrlWish { this_update, next_update, time: None, out, secrets }).unwrap();
        let certificate = ceremony.certificate.clone();
        drop(ceremony);
        let crl = FileLedger::inspect(&directory.join(LEDGER)).unwrap().crls.remove(0);
        (certificate, crl)
    }

    fn findings(crl: &InspectedCrl, root: &Certificate) -> Vec<String> {
        let mut findings = Findings::default();
        review_crl(crl, root, &mut findings);
        findings.0
    }

    #[test]
    fn a_crl_that_leaves_out_what_was_revoked_is_found_unless_that_has_expired() {
        let folder = tempfile::tempdir().unwrap();
        let (root, mut crl) = root_with_crl(folder.path());
        assert_eq!(findings(&crl, &root), Vec::<String>::new());
        let revocation =
            Revocation { time: crl.crl.this_update, reason: ReasonCode::Superseded, invalidity_date: None };
        let serial = SerialNumber::from_octets(&[1]).unwrap();
        let expired = crl.crl.this_update.plus_seconds(-1);
        crl.revoked.push(RevokedEntry { serial, revocation, not_after: expired });
        assert_eq!(findings(&crl, &root), Vec::<String>::new());
        crl.revoked[0].not_after = crl.crl.this_update;
        assert!(findings(&crl, &root)[0].contains("a certificate that was revoked is not on it"));
    }

    #[test]
    fn a_crl_that_is_not_what_the_ledger_says_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (root, mut crl) = root_with_crl(folder.path());
        crl.crl.number += 1;
        assert_eq!(findings(&crl, &root).len(), 1);
        crl.crl.number -= 1;
        *crl.crl.der.last_mut().unwrap() ^= 1;
        assert!(findings(&crl, &root)[0].contains("the root did not issue it"));
        crl.crl.der.pop();
        assert!(findings(&crl, &root)[0].contains("it cannot be read"));
    }

    #[test]
    fn the_profile_of_root_crls_is_in_the_set_that_is_compiled_in() {
        assert!(
            policies::ProfileSet::load_embedded(&policies::Settings::default())
                .unwrap()
                .crl(CRL_PROFILE)
                .unwrap()
                .is_offline()
        );
    }
}
