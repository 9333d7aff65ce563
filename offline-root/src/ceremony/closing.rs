//! `close-subca`: records that a sub-CA is closed, shown by its last CRL. Needs no key.
//!
//! The last CRL is valid until the sub-CA's certificate ends, so that nobody waits for another one; the sub-CA destroys its
//! key after it (`meter-pki ca close`). From then on nothing is signed for that key here. RFC 5280 §5.1.2.5.

use std::fmt;
use std::path::PathBuf;

use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::crl::parsed::{ParsedCrl, ReadCrlError};
use ca_core::ports::{Ledger, StatusSource};
use ca_core::record::{CertificateId, CertificateStatus};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Ceremony;
use super::certify::{self, CertifyError};
use crate::fingerprint;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct ClosingWish {
    /// The serial number of the sub-CA's certificate.
    pub(crate) serial: SerialNumber,
    /// The file with its last CRL, in DER or PEM.
    pub(crate) last_crl: PathBuf,
    /// How its key was destroyed, for the record.
    pub(crate) statement: String,
}

/// What was recorded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClosedSubordinate {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) last_crl_number: u64,
    pub(crate) last_crl_until: String,
    pub(crate) last_crl_sha256: String,
    pub(crate) statement: String,
}

impl fmt::Display for ClosedSubordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The closing of the sub-CA is recorded.")?;
        writeln!(f, "  Subject   {}", self.subject)?;
        writeln!(f, "  Serial    {}", self.serial)?;
        writeln!(f, "  Last CRL  {}, until {}", self.last_crl_number, self.last_crl_until)?;
        writeln!(f, "  SHA-256   {}", fingerprint::aloud(&self.last_crl_sha256))?;
        writeln!(f, "  Key       {}", self.statement)?;
        write!(f, "Next: go on publishing the last CRL; the certificate stays valid and is not revoked")
    }
}

/// Records that a sub-CA is closed.
pub(crate) fn close(ceremony: &Ceremony, wish: &ClosingWish) -> Result<ClosedSubordinate, CertifyError> {
    examine(ceremony, wish).map_err(|error| certify::refuse(ceremony, error)).and_then(|closed| {
        let digest = hex::decode(&closed.last_crl_sha256).unwrap_or_default();
        let detail = format!(
            "{}; last CRL {} until {}; {}",
            closed.subject, closed.last_crl_number, closed.last_crl_until, wish.statement
        );
        let event = ceremony.event(Act::AuthorityClosed, detail);
        ceremony.ledger.record_event(AuditEvent { serial: Some(wish.serial.clone()), digest, ..event })?;
        Ok(closed)
    })
}

/// Checks that the CRL is the sub-CA's own and outlives what it has issued.
fn examine(ceremony: &Ceremony, wish: &ClosingWish) -> Result<ClosedSubordinate, CertifyError> {
    let certificate = subordinate(ceremony, &wish.serial)?;
    let octets = certify::read(&wish.last_crl)?;
    let unreadable = |cause: ReadCrlError| {
        unfit("crl.unreadable", format!("the last CRL is not one: {cause}"), "carry it here again")
    };
    let crl = ParsedCrl::from_der(&octets).map_err(unreadable)?;
    let (_, next_update) = crl.tbs().period().map_err(unreadable)?;
    let own = crl.tbs().issuer() == certificate.subject().der();
    if !own || crl.verify(certificate.public_key()).is_err() {
        let what = format!("the CRL is not by {}", certificate.subject());
        return Err(unfit("crl.another-issuer", what, "name the last CRL of the sub-CA that is closed"));
    }
    check_outlives(&certificate, next_update)?;
    Ok(ClosedSubordinate {
        subject: certificate.subject().to_string(),
        serial: wish.serial.to_string(),
        last_crl_number: crl.tbs().number().map_err(unreadable)?,
        last_crl_until: next_update.to_string(),
        last_crl_sha256: hex::encode(Sha256::digest(&octets)),
        statement: wish.statement.clone(),
    })
}

/// Finds the certificate of a sub-CA of this root that is good and was not closed before.
fn subordinate(ceremony: &Ceremony, serial: &SerialNumber) -> Result<Certificate, CertifyError> {
    let issuer = ceremony.certificate.public_key().key_ref();
    let id = CertificateId { issuer, serial: serial.clone() };
    let next = "see what is on record: offline-root verify --help";
    let good = ceremony.ledger.certificate(&id)?.filter(|row| row.status == CertificateStatus::Good);
    let Some(row) = good else {
        let what = format!("this root has issued no valid certificate {serial}");
        return Err(unfit("close.not-issued", what, next));
    };
    let certificate = Certificate::from_der(&row.certificate)?;
    if certificate.subject() == ceremony.certificate.subject() {
        let what = format!("{serial} is a certificate of the root itself");
        return Err(unfit("close.root", what, "end a root with: offline-root destroy-key"));
    }
    if ceremony.ledger.is_closed(serial) {
        return Err(unfit("close.already", format!("the sub-CA {serial} is closed already"), next));
    }
    Ok(certificate)
}

/// No certificate outlives its CA's, so a CRL until then speaks of all of them to their end.
fn check_outlives(certificate: &Certificate, next_update: UnixTime) -> Result<(), CertifyError> {
    let not_after = certificate.validity().not_after();
    if next_update >= not_after {
        return Ok(());
    }
    let what =
        format!("the CRL is valid until {next_update}, and the sub-CA's certificate until {not_after}");
    Err(unfit("close.ends-early", what, "have the last CRL made where the sub-CA runs: meter-pki ca close"))
}

const fn unfit(code: &'static str, what: String, next: &'static str) -> CertifyError {
    CertifyError::Unfit { code, what, next }
}
