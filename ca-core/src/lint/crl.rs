//! The rules of RFC 5280 for CRLs, and the one of the Baseline Requirements on how long they may be valid.
//!
//! Entries are read one after the other and none is kept, so that a list of a million costs no memory; of each rule the
//! first finding is reported. RFC 5280 §5.

mod entries;
mod scope;
#[cfg(test)]
mod tests;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, UintRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::Version;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, IssuingDistributionPoint};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::time::Time;

use crate::crl_frame::CrlFrame;
use crate::issuer::Issuer;
use crate::lint::rfc5280::fields::check_time_encoding;
use crate::lint::{Finding, encodes_to, require, unix_time};
use crate::octets::Octets;
use crate::oid;
use crate::profile::CrlProfile;
use crate::scope::CrlScope;

/// A drafted CRL and what it was drafted from.
#[derive(Debug, Clone, Copy)]
pub struct CrlLintInput<'a> {
    /// The DER of the `TBSCertList`, exactly as it would be signed.
    pub tbs: &'a Octets,
    /// Who will sign it.
    pub issuer: &'a Issuer,
    /// The profile it was drafted under.
    pub profile: &'a CrlProfile,
    /// Of what it is to speak.
    pub scope: &'a CrlScope,
    /// The number of the CRL that it is to be a delta to; `None` for a complete one.
    pub base: Option<u64>,
}

/// ```text
/// TBSCertList ::= SEQUENCE {
///     version              Version OPTIONAL,
///     signature            AlgorithmIdentifier,
///     issuer               Name,
///     thisUpdate           Time,
///     nextUpdate           Time OPTIONAL,
///     revokedCertificates  SEQUENCE OF … OPTIONAL,    -- looked at apart from the rest
///     crlExtensions        [0] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Debug, Sequence)]
struct CrlFields<'a> {
    version: Option<Version>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    this_update: Time,
    next_update: Option<Time>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// What a rule looks at.
struct ExaminedCrl<'a> {
    input: &'a CrlLintInput<'a>,
    /// The draft as it would be without revokedCertificates.
    frame: &'a [u8],
    fields: CrlFields<'a>,
    entries: Option<Octets>,
}

impl ExaminedCrl<'_> {
    fn extensions(&self) -> &[Extension] {
        self.fields.extensions.as_deref().unwrap_or_default()
    }
}

fn find(extensions: &[Extension], oid: ObjectIdentifier) -> Option<&Extension> {
    extensions.iter().find(|extension| extension.extn_id == oid)
}

struct CrlRule {
    id: &'static str,
    citation: &'static str,
    check: fn(&ExaminedCrl<'_>) -> Result<(), String>,
}

const DER: &str = "rfc5280.crl-der";
const DER_CITATION: &str = "RFC 5280 §5.1; X.690 §10, §11";

const RULES: [CrlRule; 15] = [
    rule(DER, DER_CITATION, der),
    rule("rfc5280.crl-version", "RFC 5280 §5.1.2.1", version),
    rule("rfc5280.crl-signature-algorithm", "RFC 5280 §5.1.2.2; RFC 5758 §3.2", signature_algorithm),
    rule("rfc5280.crl-issuer-name", "RFC 5280 §5.1.2.3", issuer_name),
    rule("rfc5280.crl-issuer-valid", "RFC 5280 §6.3.3 (f)", issuer_valid),
    rule("rfc5280.crl-time-encoding", "RFC 5280 §5.1.2.4, §5.1.2.5", time_encoding),
    rule("rfc5280.crl-next-update", "RFC 5280 §5.1.2.5", next_update),
    rule("br.crl-validity", "Baseline Requirements §4.9.7", validity),
    rule("rfc5280.crl-entries-absent", "RFC 5280 §5.1.2.6", entries_absent),
    rule("rfc5280.crl-extensions", "RFC 5280 §4.2, §5.2", extensions),
    rule("rfc5280.crl-authority-key-identifier", "RFC 5280 §5.2.1", authority_key_identifier),
    rule("rfc5280.crl-number", "RFC 5280 §5.2.3", crl_number),
    rule("rfc5280.crl-issuing-distribution-point", "RFC 5280 §5.2.5", scope::distribution_point),
    rule("rfc5280.crl-delta-indicator", "RFC 5280 §5.2.4", scope::delta_indicator),
    rule("rfc5280.crl-freshest", "RFC 5280 §5.2.6", scope::freshest),
];

const fn rule(
    id: &'static str,
    citation: &'static str,
    check: fn(&ExaminedCrl<'_>) -> Result<(), String>,
) -> CrlRule {
    CrlRule { id, citation, check }
}

fn not_der(what: String) -> Finding {
    Finding { rule: DER, citation: DER_CITATION, what }
}

/// Holds a drafted CRL against every rule; returns the first finding of each.
#[must_use]
pub fn lint_crl(input: &CrlLintInput<'_>) -> Vec<Finding> {
    let undecoded =
        |cause: &dyn core::fmt::Display| vec![not_der(format!("the draft cannot be decoded: {cause}"))];
    let frame = match CrlFrame::read(input.tbs) {
        Ok(frame) => frame,
        Err(cause) => return undecoded(&cause),
    };
    let fields = match CrlFields::from_der(&frame.octets) {
        Ok(fields) => fields,
        Err(cause) => return undecoded(&cause),
    };
    let crl = ExaminedCrl { input, frame: &frame.octets, fields, entries: frame.entries };
    let mut findings: Vec<Finding> = RULES
        .iter()
        .filter_map(|rule| {
            let what = (rule.check)(&crl).err()?;
            Some(Finding { rule: rule.id, citation: rule.citation, what })
        })
        .collect();
    entries::lint(&crl, &mut findings);
    findings
}

/// The fields around the entries are the one DER encoding of what they say.
fn der(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    require(encodes_to(&crl.fields, crl.frame), || {
        "decoding and encoding again gives other octets, so the draft is not DER".to_owned()
    })
}

/// The version is v2.
fn version(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    require(crl.fields.version == Some(Version::V2), || {
        format!("the version is {:?}, not V2", crl.fields.version)
    })
}

/// The signature algorithm is the one that the issuer's curve fixes, its parameters absent.
fn signature_algorithm(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let (algorithm, curve) = (crl.fields.signature, crl.input.issuer.curve());
    let fits = algorithm.oid == curve.signature_algorithm() && algorithm.parameters.is_none();
    require(fits, || {
        format!(
            "a key on {curve} signs with {} without parameters, not with {}",
            curve.signature_algorithm(),
            algorithm.oid
        )
    })
}

/// The issuer name is, octet for octet, the subject name of the issuer's certificate.
fn issuer_name(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let octets = crl.fields.issuer.to_der().map_err(|cause| cause.to_string())?;
    require(octets == crl.input.issuer.name().der(), || {
        "the issuer name is not octet for octet the issuer's subject name".to_owned()
    })
}

/// The issuer's certificate is valid at thisUpdate.
fn issuer_valid(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let this_update = unix_time(crl.fields.this_update);
    let validity = crl.input.issuer.certificate().validity();
    require(validity.contains(this_update), || {
        format!("thisUpdate is {this_update}, when the issuer's certificate is not valid")
    })
}

/// Times through 2049 are UTCTime, later ones GeneralizedTime; so are those of the entries.
fn time_encoding(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    check_time_encoding(crl.fields.this_update)?;
    crl.fields.next_update.map_or(Ok(()), check_time_encoding)
}

/// nextUpdate is there and lies after thisUpdate.
fn next_update(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let next_update = crl.fields.next_update.map(unix_time);
    require(next_update.is_some(), || "there is no nextUpdate".to_owned())?;
    require(next_update > Some(unix_time(crl.fields.this_update)), || {
        "nextUpdate does not lie after thisUpdate".to_owned()
    })
}

/// The CRL is valid for 10 days at most, or for 366 when the key is kept off line. The last one of a CA has no successor to
/// be waited for.
fn validity(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let limit = crl.input.profile.longest_seconds();
    let Some(next_update) = crl.fields.next_update.map(unix_time) else {
        return Ok(());
    };
    let latest = unix_time(crl.fields.this_update).plus_seconds(limit);
    require(next_update <= latest, || format!("nextUpdate is {next_update}, later than {latest}"))
}

/// An empty list is left out.
fn entries_absent(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let empty = crl.entries.as_ref().is_some_and(|entries| entries.length() == 0);
    require(!empty, || "revokedCertificates is present and empty".to_owned())
}

/// The extensions of RFC 5280 §5.2 that our CRLs may have.
const KNOWN: [ObjectIdentifier; 5] = [
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::CRL_NUMBER,
    oid::DELTA_CRL_INDICATOR,
    oid::ISSUING_DISTRIBUTION_POINT,
    oid::FRESHEST_CRL,
];

/// The extensions are those that a CRL may have, each once, and critical as the RFC has them.
fn extensions(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let mut seen = Vec::new();
    for Extension { extn_id, critical, extn_value } in crl.extensions() {
        require(KNOWN.contains(extn_id), || format!("a CRL has no extension {extn_id}"))?;
        require(!seen.contains(extn_id), || format!("the extension {extn_id} appears twice"))?;
        let pointer = *extn_id == oid::ISSUING_DISTRIBUTION_POINT;
        // RFC 5280 §5.2.4, §5.2.5: whoever does not know them must not use the CRL.
        let narrows = pointer || *extn_id == oid::DELTA_CRL_INDICATOR;
        require(*critical == narrows, || format!("the extension {extn_id} is critical: {critical}"))?;
        // RFC 5280 §5.2.5: the value must not be an empty SEQUENCE.
        let value = extn_value.as_bytes();
        let sound = !pointer || value != [0x30, 0x00] && IssuingDistributionPoint::from_der(value).is_ok();
        require(sound, || "the issuing distribution point is empty or malformed".to_owned())?;
        seen.push(*extn_id);
    }
    Ok(())
}

/// The authority key identifier is the subject key identifier of the issuer, alone.
fn authority_key_identifier(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let expected = crl.input.issuer.key_identifier();
    let found = find(crl.extensions(), oid::AUTHORITY_KEY_IDENTIFIER)
        .and_then(|extension| AuthorityKeyIdentifier::from_der(extension.extn_value.as_bytes()).ok());
    let key_only = found.as_ref().is_some_and(|found| {
        found.authority_cert_issuer.is_none() && found.authority_cert_serial_number.is_none()
    });
    let identifier = found.and_then(|found| found.key_identifier);
    require(key_only && identifier.is_some_and(|found| found.as_bytes() == expected), || {
        "the authority key identifier is absent, or not the issuer's subject key identifier alone".to_owned()
    })
}

/// The CRL number is there, not negative, and has at most 20 octets.
fn crl_number(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let number = find(crl.extensions(), oid::CRL_NUMBER)
        .and_then(|extension| UintRef::from_der(extension.extn_value.as_bytes()).ok());
    let octets = number.and_then(|number| number.to_der().ok()).map(|der| der.len().saturating_sub(2));
    require(octets.is_some_and(|octets| octets <= 20), || {
        "the CRL number is absent, negative, or longer than 20 octets".to_owned()
    })
}
