//! `meter-pki hsm attest`: what a token can show about the origin of a key, kept in a file.
//!
//! PKCS#11 has no call for attestation: what is kept is what the token says of the key, and certificates on it that name the key.
//! Whether a certificate is an attestation is told by extensions that makers are known to put there; that its issuer is the maker's is
//! verified by the maker's tools, and not here.

use serde::Serialize;
use signer_pkcs11::{CertificateObject, KeyEvidence, evidence};
use utoipa::ToSchema;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::access::{self, AttributesView, TokenView};
use super::failure;
use crate::cli::hsm::AttestArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::KeyName;

/// Extensions that a maker puts into attestations, and into nothing else: all below this object identifier. Yubico's `YubiHSM 2`:
/// 1 firmware, 2 serial number, 3 origin, 4 domains, 5 capabilities, 6 object id, 9 label.
const ATTESTATIONS: [(&str, &str); 1] = [("1.3.6.1.4.1.41482.4.", "YubiHSM 2")];

/// The file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmAttest)]
pub(in crate::commands) struct AttestView {
    token: TokenView,
    firmware: String,
    #[schema(value_type = KeyName)]
    key: String,
    label: String,
    id: String,
    public_key_pem: String,
    /// What the token says; a word of the token, which nobody signed.
    attributes: AttributesView,
    /// Whose attestation is among the certificates; absent where none is.
    attestation: Option<&'static str>,
    /// Those of this key, by its public key or its id.
    certificates: Vec<CertificateView>,
    /// How many others are on the token.
    other_certificates: usize,
}

/// A certificate of the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmCertificate)]
pub(in crate::commands) struct CertificateView {
    label: String,
    subject: String,
    issuer: String,
    /// Whether it certifies the key, or has its id alone.
    certifies_the_key: bool,
    attestation: Option<&'static str>,
    der: String,
}

pub(super) fn run(args: &AttestArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let uri = access::uri(&args.uri)?;
    access::names_a_key(&uri)?;
    let found = evidence(&uri, &access::pin(&uri)?).map_err(|error| failure::open(&error))?;
    let view = view(&found);
    let mut octets =
        serde_json::to_vec_pretty(&view).map_err(|error| Failure::new(Exit::Failed, "hsm.attest", error))?;
    octets.push(b'\n');
    write_new(&args.out, &octets)?;
    printer.result(&view, |view| lines(view, &args.out.display().to_string()));
    Ok(())
}

fn lines(view: &AttestView, file: &str) -> Vec<String> {
    let mut lines = vec![
        format!(
            "key {} ({:?}) on {:?}, serial {}",
            view.key, view.label, view.token.label, view.token.serial
        ),
        format!("the token says: {}; nobody signed that", view.attributes.words()),
    ];
    for one in &view.certificates {
        let certifies =
            if one.certifies_the_key { "certifies the key" } else { "has its id, and another key" };
        let kind = one.attestation.map_or_else(String::new, |maker| format!(", an attestation of a {maker}"));
        lines.push(format!("certificate {:?} by {:?} {certifies}{kind}", one.subject, one.issuer));
    }
    lines.push(match view.attestation {
        Some(maker) => format!(
            "kept in {file}; verify it with the tools of the maker of the {maker}: that was not done here"
        ),
        None => format!("this token offers no attestation over PKCS#11; what there is is kept in {file}"),
    });
    lines
}

fn view(found: &KeyEvidence) -> AttestView {
    let all: Vec<_> = found.certificates.iter().filter_map(|one| certificate(found, one)).collect();
    let attestation = all.iter().filter(|one| one.certifies_the_key).find_map(|one| one.attestation);
    AttestView {
        token: TokenView::of(&found.token),
        firmware: found.firmware.clone(),
        key: found.public_key.key_ref().to_string(),
        label: found.label.clone(),
        id: hex::encode(&found.id),
        public_key_pem: access::pem(found.public_key.spki_der()),
        attributes: AttributesView::of(found.attributes),
        attestation,
        other_certificates: found.certificates.len().saturating_sub(all.len()),
        certificates: all,
    }
}

/// A certificate, if it is one of the key.
fn certificate(found: &KeyEvidence, one: &CertificateObject) -> Option<CertificateView> {
    let has_the_id = !one.id.is_empty() && one.id == found.id;
    let parsed = Certificate::from_der(&one.value).ok();
    let spki =
        parsed.as_ref().and_then(|parsed| parsed.tbs_certificate().subject_public_key_info().to_der().ok());
    let certifies_the_key = spki.as_deref() == Some(found.public_key.spki_der());
    let name =
        |read: fn(&Certificate) -> String| parsed.as_ref().map_or_else(|| "not X.509".to_owned(), read);
    (has_the_id || certifies_the_key).then(|| CertificateView {
        label: one.label.clone(),
        subject: name(|parsed| parsed.tbs_certificate().subject().to_string()),
        issuer: name(|parsed| parsed.tbs_certificate().issuer().to_string()),
        certifies_the_key,
        attestation: parsed.as_ref().and_then(maker),
        der: hex::encode(&one.value),
    })
}

/// Whose attestation a certificate is, if it is one that is known.
fn maker(certificate: &Certificate) -> Option<&'static str> {
    let extensions = certificate.tbs_certificate().extensions()?;
    ATTESTATIONS.into_iter().find_map(|(arc, maker)| {
        extensions.iter().any(|one| one.extn_id.to_string().starts_with(arc)).then_some(maker)
    })
}
