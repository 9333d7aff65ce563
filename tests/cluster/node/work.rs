//! What a node does for a line: `issue NUMBER REQUEST`, `revoke NUMBER SERIAL`, `crl NUMBER`, answered by `issued NUMBER
//! CERTIFICATE`, `revoked NUMBER`, `crl NUMBER CRLNUMBER CRL`, `idle NUMBER` (another node makes the CRLs), or `refused NUMBER FAULT
//! WHY`; octets in hexadecimal.

use std::sync::Arc;

use anyhow::Context;
use ca_core::authority::CertificationAuthority;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::ports::Duties;
use ca_core::profile::ProfileId;
use ca_core::reason::ReasonCode;
use ca_core::record::CertificateId;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, RevocationRequest};
use ca_core::revocation::RevokeError;
use ca_core::serial_number::SerialNumber;
use ca_core::subject::Subject;
use ca_store::Store;
use e2e::cluster::PROFILE;

use crate::authority::operator;

/// What one node does for all.
const CRLS: &str = "crls";

/// Why not.
type Refused = (Fault, String);

/// The authority and its ledger.
pub(crate) struct Work {
    authority: CertificationAuthority,
    store: Arc<Store>,
}

fn ours(error: impl Into<anyhow::Error>) -> Refused {
    (Fault::Ours, format!("{:#}", error.into()))
}

impl Work {
    pub(crate) const fn new(authority: CertificationAuthority, store: Arc<Store>) -> Self {
        Self { authority, store }
    }

    /// Answers a line.
    pub(crate) fn answer(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let (number, done) = match words.as_slice() {
            ["issue", number, csr] => (*number, self.issue(number, csr)),
            ["revoke", number, serial] => (*number, self.revoke(number, serial)),
            ["crl", number] => (*number, self.publish(number)),
            _ => ("0", Err((Fault::Requester, format!("what is {line}?")))),
        };
        done.unwrap_or_else(|(fault, why)| format!("refused {number} {fault:?} {why}"))
    }

    fn issue(&self, number: &str, csr: &str) -> Result<String, Refused> {
        let csr = CertificationRequest::from_der(&hex::decode(csr).map_err(ours)?).map_err(ours)?;
        let request = EnrolmentRequest {
            actor: operator().map_err(ours)?,
            profile: ProfileId::parse(PROFILE).map_err(ours)?,
            subject: Subject::read(csr.subject(), None).map_err(ours)?,
            evidence: Evidence::Request(Box::new(csr)),
            kind: EnrolmentKind::First,
            validity_seconds: None,
            transaction: None,
        };
        match self.authority.enrol(request) {
            Ok(issued) => Ok(format!("issued {number} {}", hex::encode(issued.der()))),
            Err(error) => Err((error.fault(), error.to_string())),
        }
    }

    fn revoke(&self, number: &str, serial: &str) -> Result<String, Refused> {
        let serial = SerialNumber::from_octets(&hex::decode(serial).map_err(ours)?).map_err(ours)?;
        let request = RevocationRequest {
            actor: operator().map_err(ours)?,
            id: CertificateId { issuer: self.authority.issuer().key(), serial },
            reason: ReasonCode::Superseded,
            invalidity_date: None,
        };
        match self.authority.revoke(request) {
            // It was recorded before, and nobody was told.
            Ok(_) | Err(RevokeError::AlreadyRevoked { .. }) => Ok(format!("revoked {number}")),
            Err(error) => Err((error.fault(), error.to_string())),
        }
    }

    fn publish(&self, number: &str) -> Result<String, Refused> {
        let down = |error: ca_core::ports::Unavailable| (Fault::Unavailable, error.cause.to_string());
        if !self.store.on_duty(CRLS).map_err(down)? {
            return Ok(format!("idle {number}"));
        }
        let crl = self
            .authority
            .issue_crl(&operator().map_err(ours)?)
            .map_err(|error| (error.fault(), error.to_string()))?;
        let octets = crl.der.to_vec().context("the CRL cannot be read").map_err(ours)?;
        Ok(format!("crl {number} {} {}", crl.number, hex::encode(octets)))
    }
}
