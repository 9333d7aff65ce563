//! The one request of CRMF in a message: its template, its key and its proof of possession (RFC 9483 §4.1.1, RFC 4211 §3 – §5).

use ca_core::actor::Identity;
use ca_core::csr::{CsrError, KeyRequest, RequestContent, TemplateProof, TemplateRequest};
use ca_core::distinguished_name::DistinguishedName;
use ca_core::public_key::PublicKey;
use ca_core::request::Evidence;
use ca_core::signature::EcdsaSignature;
use cmp_messages::certificate_request::{
    CertId, CertReqMsg, CertRequest, CertTemplate, OLD_CERT_ID, PopoSigningKey, ProofOfPossession,
    TemplateKey,
};
use der::Encode;

use super::Case;
use super::central_key::{self, Made};
use crate::refusal::Refusal;

/// RFC 9483 §4.1.1: the number of the one request in a message.
pub(super) const REQUEST_ID: i64 = 0;

/// Which controls a request may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Controls {
    None,
    /// RFC 9483 §4.1.3: an update may say which certificate is to be updated.
    OldCertId,
}

/// A request as it was read.
pub(super) struct Reading {
    pub(super) evidence: Evidence,
    pub(super) content: RequestContent,
    /// The key, where the sender has it.
    pub(super) key: Option<PublicKey>,
    /// The private key, where it was made here: DER of an `EnvelopedData`.
    pub(super) sealed: Option<Vec<u8>>,
    /// The certificate that it says is to be updated.
    pub(super) old: Option<CertId>,
}

/// Reads the one request of CRMF in a message; makes the key where it has none.
pub(super) fn template(
    case: &Case<'_>,
    messages: &[CertReqMsg],
    controls: Controls,
) -> Result<Reading, Refusal> {
    // RFC 9483 §4.1.1: MUST contain a sequence of one CertReqMsg.
    let [message] = messages else { return Err(Refusal::RequestCount { count: messages.len() }) };
    let request = message.request().map_err(|_| Refusal::Body { what: "a CertRequest" })?;
    // RFC 9483 §4.1.1: certReqId MUST be 0.
    if request.cert_req_id != REQUEST_ID {
        return Err(Refusal::RequestId { found: request.cert_req_id, wanted: REQUEST_ID });
    }
    if message.reg_info.is_some() {
        return Err(Refusal::Template { field: "regInfo" });
    }
    let old = read_controls(&request, controls)?;
    let template = &request.cert_template;
    check_template(template)?;
    let subject = match &template.subject {
        Some(name) => DistinguishedName::from_der(&name.to_der()?)
            .map_err(|_| Refusal::Template { field: "subject" })?,
        None => DistinguishedName::empty(),
    };
    let read = || RequestContent::of(subject, template.extensions.clone().unwrap_or_default());
    let (octets, popo) = (message.request_octets()?, message.popo.as_ref());
    let sent = template.public_key.as_ref();
    // RFC 9483 §4.1.6: no key, or one of no octets, asks for one that is made here.
    if central_key::is_wanted(sent) {
        let Made { key, sealed } = central_key::make(case, sent, popo)?;
        let content = read()?;
        let request = Box::new(KeyRequest::of_template(&octets, content.clone()));
        let evidence = Evidence::MadeHere { key, request };
        return Ok(Reading { evidence, content, key: None, sealed: Some(sealed), old });
    }
    let public_key = read_key(sent)?;
    let proof = read_proof(case, popo, &public_key)?;
    let content = read()?;
    let (key, wanted) = (Some(public_key.clone()), content.clone());
    let request = TemplateRequest { octets, content: wanted, public_key, proof };
    Ok(Reading { evidence: Evidence::Template(Box::new(request)), content, key, sealed: None, old })
}

/// C-26: a control that is not known is not looked past.
fn read_controls(request: &CertRequest, known: Controls) -> Result<Option<CertId>, Refusal> {
    match request.controls.as_deref() {
        None | Some([]) => Ok(None),
        Some([control]) if known == Controls::OldCertId && control.kind == OLD_CERT_ID => {
            let old = control.value.decode_as();
            old.map(Some).map_err(|_| Refusal::Template { field: "oldCertId" })
        }
        Some(_) => Err(Refusal::Template { field: "a control" }),
    }
}

/// RFC 9483 §4.1.1: beside subject, key and extensions nothing is asked for. The issuer is not looked at: OpenSSL names that of
/// the certificate which signs, and the label decides.
fn check_template(template: &CertTemplate) -> Result<(), Refusal> {
    let refused = [
        ("version", template.version.is_some_and(|version| version != 2)),
        ("serialNumber", template.serial_number.is_some()),
        ("signingAlg", template.signing_alg.is_some()),
        ("validity", template.validity.is_some()),
        ("issuerUID", template.issuer_uid.is_some()),
        ("subjectUID", template.subject_uid.is_some()),
    ];
    match refused.into_iter().find(|(_, is_wrong)| *is_wrong) {
        Some((field, _)) => Err(Refusal::Template { field }),
        None => Ok(()),
    }
}

fn read_key(key: Option<&TemplateKey>) -> Result<PublicKey, Refusal> {
    let key = key.ok_or(Refusal::KeyGeneration)?;
    Ok(PublicKey::from_spki_der(&key.to_der()?).map_err(CsrError::from)?)
}

/// RFC 9483 §4.1.1: a signature over the request, by an end entity; the word of a registration authority otherwise.
fn read_proof(
    case: &Case<'_>,
    proof: Option<&ProofOfPossession>,
    key: &PublicKey,
) -> Result<TemplateProof, Refusal> {
    match proof {
        Some(ProofOfPossession::Signature(PopoSigningKey { input: None, algorithm, signature })) => {
            let curve = key.curve();
            if algorithm.oid != curve.signature_algorithm() || algorithm.parameters.is_some() {
                return Err(Refusal::Algorithm);
            }
            let octets = signature.as_bytes().ok_or(Refusal::NoProof)?;
            let signature = EcdsaSignature::from_der(curve, octets).map_err(|_| Refusal::NoProof)?;
            Ok(TemplateProof::Signature(signature))
        }
        Some(ProofOfPossession::RaVerified(_)) => match &case.sender.actor.identity {
            Identity::RegistrationAuthority(_) => Ok(TemplateProof::RaVerified),
            Identity::Device(_)
            | Identity::OneTimeToken { .. }
            | Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Unauthenticated { .. } => Err(Refusal::RaVerified),
        },
        Some(
            ProofOfPossession::Signature(PopoSigningKey { input: Some(_), .. })
            | ProofOfPossession::KeyEncipherment(_)
            | ProofOfPossession::KeyAgreement(_),
        )
        | None => Err(Refusal::NoProof),
    }
}
