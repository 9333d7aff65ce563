//! One enrolment, from credentials and octets to the text of the answer; and the record that every refusal leaves.
//!
//! Synchronous, for the worker pool: it waits for the ledger and the signer. It knows no HTTP. RFC 7030 §4.2.

use std::sync::Arc;

use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::issuance::IssuedCertificate;
use ca_core::oid;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::{Subject, SubjectError};

use crate::channel_binding;
use crate::config::{EstConfig, Label};
use crate::observation;
use crate::refusal::Refusal;
use crate::requester::{Credentials, Gate, authenticate};
use crate::wire::base64::encode;
use crate::wire::certs_only;
use crate::wire::simple_enroll::{SimpleRequest, decode};

/// The two operations that issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnrolOperation {
    /// `/simpleenroll` (RFC 7030 §4.2.1).
    Enroll,
    /// `/simplereenroll` (RFC 7030 §4.2.2).
    Reenroll,
}

/// A request to enrol, as it came.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) label: Arc<Label>,
    pub(crate) operation: EnrolOperation,
    pub(crate) credentials: Credentials,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// Answers with the base64 of a certs-only message that holds the one certificate issued.
    ///
    /// # Errors
    /// [`Refusal`], which is then on record.
    pub(crate) fn enrol(&self, config: &EstConfig) -> Result<String, Refusal> {
        let gate = Gate {
            label: &self.label,
            registry: config.registry(),
            guesses: config.guesses(),
            now: config.clock().now(),
        };
        let nobody = || self.credentials.unauthenticated(self.label.parts().authority.issuer().tenant());
        let actor = authenticate(&gate, &self.credentials)
            .map_err(|error| record(&self.label, &nobody(), error.into()))?;
        let request = self.read(&actor).map_err(|refusal| record(&self.label, &actor, refusal))?;
        // What the authority refuses it records itself.
        let issued = self.label.parts().authority.enrol(request)?;
        self.answer(&issued)
    }

    /// Reads the body, which nobody does before the requester is known.
    fn read(&self, actor: &Actor) -> Result<EnrolmentRequest, Refusal> {
        let SimpleRequest { csr, form } = decode(&self.body)?;
        observation::leniencies(self.label.name(), form, csr.leniencies());
        self.check_binding(actor, &csr)?;
        Ok(EnrolmentRequest {
            actor: actor.clone(),
            profile: self.label.parts().profile.clone(),
            subject: claimed_subject(actor, &csr)?,
            evidence: Evidence::Request(Box::new(csr)),
            kind: self.kind(actor),
            validity_seconds: None,
        })
    }

    /// RFC 7030 §3.7: a registration authority checked the binding when the device came to it; here it could not match.
    fn check_binding(&self, actor: &Actor, csr: &CertificationRequest) -> Result<(), Refusal> {
        if matches!(actor.identity, Identity::RegistrationAuthority(_)) {
            return Ok(());
        }
        let policy = self.label.parts().channel_binding;
        channel_binding::check(policy, csr.challenge_password(), &self.credentials.connection)?;
        Ok(())
    }

    /// RFC 7030 §4.2.2: a device renews the certificate that it shows; a registration authority shows its own.
    fn kind(&self, actor: &Actor) -> EnrolmentKind {
        match (self.operation, &actor.identity) {
            (EnrolOperation::Enroll, _) => EnrolmentKind::First,
            (EnrolOperation::Reenroll, Identity::Device(device)) => {
                EnrolmentKind::ReEnrolment { renewed: Some(Box::new(device.certificate.clone())) }
            }
            (
                EnrolOperation::Reenroll,
                Identity::RegistrationAuthority(_)
                | Identity::OneTimeToken { .. }
                | Identity::Operator { .. }
                | Identity::Process { .. }
                | Identity::Unauthenticated { .. },
            ) => EnrolmentKind::ReEnrolment { renewed: None },
        }
    }

    /// RFC 7030 §4.2.3: the answer holds the certificate that was issued and no other.
    fn answer(&self, issued: &IssuedCertificate) -> Result<String, Refusal> {
        let parts = self.label.parts();
        observation::issued(&parts.authority, &parts.profile, issued);
        let der = certs_only::encode(&[issued.der()]).map_err(|cause| Refusal::NotEncoded { cause })?;
        Ok(encode(&der, parts.line_length))
    }
}

/// Puts a refusal on record under the label's authority, and returns it; or, if that cannot be done, another one.
pub(crate) fn record(label: &Label, actor: &Actor, refusal: Refusal) -> Refusal {
    let detail = format!("EST request at label {}", label.name());
    match label.parts().authority.record_refusal(actor, &detail, refusal.code()) {
        Ok(()) => refusal,
        Err(unavailable) => Refusal::NotRecorded(unavailable),
    }
}

/// The subject that the request asks for; when it names none, the device that was authenticated.
fn claimed_subject(actor: &Actor, csr: &CertificationRequest) -> Result<Subject, SubjectError> {
    let names = csr
        .requested_extensions()
        .iter()
        .find(|extension| extension.extn_id == oid::SUBJECT_ALT_NAME)
        .map(|extension| extension.extn_value.as_bytes());
    match &actor.identity {
        Identity::Device(device) if csr.subject().is_empty() && names.is_none() => {
            Ok(Subject::device(device.title))
        }
        Identity::OneTimeToken { title, .. } if csr.subject().is_empty() && names.is_none() => {
            Ok(Subject::device(*title))
        }
        Identity::Device(_)
        | Identity::OneTimeToken { .. }
        | Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => Subject::read(csr.subject(), names),
    }
}
