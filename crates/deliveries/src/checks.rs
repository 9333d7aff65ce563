//! What is checked of the certificates of a delivery before anybody takes it: that each is one, is that of its device, is
//! for what it says, fits the suite, and stands below the factory CA.
//!
//! Not what decides who may claim a device: the server checks again, against the anchors of its own configuration, and asks
//! its ledger. RFC 5280 §6.

use ca_core::certificate::Certificate;
use ca_core::path::{self, Purpose, TrustAnchor};
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use crate::fault::FaultKind;
use crate::map::CertificatePurpose;

/// What certificates are checked against.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// The certificates of the factory CA, if paths are checked, and when they are to be valid.
    pub factory: Option<Factory>,
}

/// The CA that factory certificates come from.
#[derive(Debug, Clone)]
pub struct Factory {
    /// Each is trusted.
    pub anchors: Vec<TrustAnchor>,
    /// When paths are to be valid.
    pub now: UnixTime,
}

/// What is wrong with a certificate: the kind of fault, and a sentence.
pub(crate) type CertificateFault = (FaultKind, String);

/// What a certificate is to be.
pub(crate) struct Asked<'a> {
    /// That of which device, where its title could be read.
    pub(crate) title: Option<SystemTitle>,
    /// For which purpose, where the map says it.
    pub(crate) purpose: Option<CertificatePurpose>,
    /// Of which suite, where the map says it.
    pub(crate) suite: Option<u8>,
    pub(crate) checks: &'a Checks,
}

impl Asked<'_> {
    /// Checks a certificate.
    pub(crate) fn check(&self, der: &[u8]) -> Result<(), CertificateFault> {
        let certificate = Certificate::from_der(der)
            .map_err(|error| (FaultKind::Certificate, format!("no certificate: {error}")))?;
        self.check_subject(&certificate)?;
        self.check_usage(&certificate)?;
        self.check_suite(&certificate)?;
        self.check_path(certificate)
    }

    fn check_subject(&self, certificate: &Certificate) -> Result<(), CertificateFault> {
        match (certificate.system_title(), self.title) {
            (None, _) => Err((FaultKind::OtherTitle, "its subject is no system title".to_owned())),
            (Some(subject), Some(title)) if subject != title => {
                Err((FaultKind::OtherTitle, format!("it is that of {subject}, and the device is {title}")))
            }
            (Some(_), _) => Ok(()),
        }
    }

    fn check_usage(&self, certificate: &Certificate) -> Result<(), CertificateFault> {
        let usage = certificate.key_usage().map(|usage| (usage.digital_signature(), usage.key_agreement()));
        let is = match usage {
            Some((true, false)) => CertificatePurpose::Signature,
            Some((false, true)) => CertificatePurpose::Agreement,
            Some((true, true)) => CertificatePurpose::Tls,
            Some((false, false)) | None => {
                let what = "its key usage is neither digitalSignature nor keyAgreement".to_owned();
                return Err((FaultKind::Certificate, what));
            }
        };
        match self.purpose {
            Some(purpose) if purpose != is => {
                let what = format!("it is for {}, where one for {} should be", is.name(), purpose.name());
                Err((FaultKind::Certificate, what))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_suite(&self, certificate: &Certificate) -> Result<(), CertificateFault> {
        let curve = certificate.public_key().curve();
        let Some(number) = self.suite else { return Ok(()) };
        match SecuritySuite::from_number(number) {
            None => Err((FaultKind::Suite, format!("suite {number} has no certificates"))),
            Some(suite) if suite.curve() != curve => Err((
                FaultKind::Suite,
                format!("its key is on {curve}, and suite {number} has {}", suite.curve()),
            )),
            Some(_) => Ok(()),
        }
    }

    fn check_path(&self, certificate: Certificate) -> Result<(), CertificateFault> {
        let Some(factory) = &self.checks.factory else { return Ok(()) };
        path::validate(certificate, Purpose::EndEntity, (&[], &factory.anchors), factory.now)
            .map(|_| ())
            .map_err(|error| (FaultKind::Path, error.to_string()))
    }
}
