//! Profiles of certificates, both suites of one side by side.

use std::collections::BTreeMap;

use ca_core::lint::Verdict;
use ca_core::ports::Entropy;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::signing::longest;
use ca_core::suite::Curve;
use policies::ProfileSet;
use policies::described;
use serde::Serialize;
use utoipa::ToSchema;

use super::extension::{self, ExtensionReference};
use super::{NOW, ReferenceField, about, suite_of, words};
use crate::profile_sample::{Sample, sample};

/// A profile of certificates.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CertificateReference {
    /// Its name without suite.
    pub(crate) name: String,
    /// What its file says of itself.
    pub(crate) about: String,
    /// Of which hierarchy.
    pub(crate) hierarchy: String,
    /// The subject in few words.
    pub(crate) subject: String,
    /// What the suites have each of its own.
    pub(crate) suites: Vec<SuiteReference>,
    /// What it says, in the words of whoever reads certificates; the same in both suites.
    pub(crate) facts: Vec<ReferenceField>,
    /// What its file says or leaves to what is usual, field by field.
    pub(crate) fields: Vec<ReferenceField>,
    /// The extensions, in their order.
    pub(crate) extensions: Vec<ExtensionReference>,
    /// The rules of the linter that have something to say of its certificates.
    pub(crate) rules: Vec<String>,
}

/// A profile in one suite.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SuiteReference {
    /// The suite, 1 or 2.
    pub(crate) suite: u8,
    /// The profile's name.
    pub(crate) profile: String,
    /// The curve of the certified key.
    pub(crate) curve: String,
    /// How long the public key is, an uncompressed point, in octets.
    pub(crate) point_octets: usize,
    /// The hash of the signature, ECDSA, by the authority's key.
    pub(crate) hash: String,
    /// The profiles of authorities that issue it.
    pub(crate) issuers: Vec<String>,
    /// How long a sample is at most, in octets.
    pub(crate) octets: usize,
    /// How long the issuer's name is in the sample, in octets.
    pub(crate) issuer_octets: usize,
    /// How long the subject's name is in the sample, in octets.
    pub(crate) subject_octets: usize,
}

/// Tells all, by their names.
pub(super) fn told(set: &ProfileSet, entropy: &dyn Entropy) -> Result<Vec<CertificateReference>, String> {
    let mut names: BTreeMap<&str, Vec<&ProfileId>> = BTreeMap::new();
    for id in set.ids() {
        names.entry(suite_of(id.as_str()).0).or_default().push(id);
    }
    names.into_iter().map(|(name, ids)| one(set, entropy, (name, &ids))).collect()
}

fn one(
    set: &ProfileSet,
    entropy: &dyn Entropy,
    (name, ids): (&str, &[&ProfileId]),
) -> Result<CertificateReference, String> {
    let mut suites = Vec::new();
    let mut samples: Vec<(&CertificateProfile, Sample)> = Vec::new();
    for id in ids {
        let id = id.as_str();
        let profile = set.certificate(id).ok_or_else(|| format!("there is no profile {id}"))?;
        let made = sample(set, id, (NOW, entropy))?;
        suites.push(suite(set, profile, &made)?);
        samples.push((profile, made));
    }
    let (profile, made) = samples.first().ok_or_else(|| format!("{name} has no suite"))?;
    let described = described::certificate(profile, set.issuers(profile.id().as_str()));
    let fields: Vec<ReferenceField> = described.into_iter().map(ReferenceField::from).collect();
    let field = |key: &str| {
        fields.iter().find(|field| field.key == key).map(|field| field.value.clone()).unwrap_or_default()
    };
    let rule = |verdict: &Verdict| verdict.rule.id.to_owned();
    Ok(CertificateReference {
        name: name.to_owned(),
        about: about(set, profile.id().as_str()),
        hierarchy: profile.parts().hierarchy.name().to_owned(),
        subject: words::subject_short(profile).to_owned(),
        suites,
        facts: facts(profile, field),
        extensions: extension::told(&made.certificate, profile, field),
        rules: made.verdicts.iter().map(rule).collect(),
        // Which authorities issue it depends on the suite.
        fields: fields.iter().filter(|field| field.key != "issuers").cloned().collect(),
    })
}

fn suite(set: &ProfileSet, profile: &CertificateProfile, made: &Sample) -> Result<SuiteReference, String> {
    let certificate = &made.certificate;
    let signed_by = certificate.signature().curve();
    let octets =
        longest(certificate.tbs(), signed_by).map_err(|error| format!("{}: {error}", profile.id()))?;
    let hash = match signed_by {
        Curve::P256 => "SHA-256",
        Curve::P384 => "SHA-384",
    };
    Ok(SuiteReference {
        suite: profile.parts().suite.number(),
        profile: profile.id().to_string(),
        curve: profile.curve().to_string(),
        point_octets: 1 + 2 * profile.curve().field_octets(),
        hash: hash.to_owned(),
        issuers: set.issuers(profile.id().as_str()).iter().map(ToString::to_string).collect(),
        octets,
        issuer_octets: certificate.issuer().der().len(),
        subject_octets: certificate.subject().der().len(),
    })
}

/// What a reader of certificates asks of a profile beside its extensions.
fn facts(profile: &CertificateProfile, field: impl Fn(&str) -> String) -> Vec<ReferenceField> {
    let parts = profile.parts();
    let is_authority = parts.path_length.is_some();
    let begins = match parts.backdate_seconds {
        0 => "notBefore is the time of issuance".to_owned(),
        _ => format!(
            "notBefore lies {} before the time of issuance, not before the authority's",
            field("backdate")
        ),
    };
    let validity = match field("validity").as_str() {
        "no-expiry" => "without an end: notAfter is 99991231235959Z (RFC 5280 §4.1.2.5)".to_owned(),
        "as-certified" => "that of the certificate that is certified again".to_owned(),
        length => length.to_owned(),
    };
    let length = if parts.full_length_signature {
        "drawn again until neither integer is short: r and s have full length"
    } else {
        "as drawn: an integer may be short"
    };
    let replaced = match parts.revoke_replaced_after_seconds {
        Some(_) => format!("revoked as superseded {} after its replacement", field("revoke_replaced_after")),
        None => "not revoked for being replaced".to_owned(),
    };
    let listed = if parts.short_lived {
        "none: they end before a CRL would help; OCSP knows each"
    } else {
        "revoked ones until they end"
    };
    let of_end_entities = [
        ("replaced by who shows it", words::renewal(profile, &field)),
        ("a replacement has", format!("{} {}", words::key_reuse(profile), words::name_change(profile))),
        ("what was replaced", replaced),
        ("approval", words::approval(profile).to_owned()),
        ("on CRLs", listed.to_owned()),
    ];
    let window = parts.issuing_window_seconds.map(|_| {
        (
            "issues",
            format!("for {} from its notBefore, which may end before its validity", field("issuing_window")),
        )
    });
    let all = [
        ("subject", words::subject(profile)),
        ("validity", validity),
        ("begins", begins),
        ("signature value", length.to_owned()),
        ("longest certificate", format!("{} octets; what would be longer is not signed", parts.max_octets)),
        ("version of the profile", parts.version.to_string()),
    ];
    let crossing = parts
        .transition_issuer
        .then(|| ("transition", "in suite 1 an authority of suite 2 may sign it".to_owned()));
    let further = of_end_entities.into_iter().filter(|_| !is_authority);
    let facts = all.into_iter().chain(window).chain(crossing).chain(further);
    facts.map(|(key, value)| ReferenceField { key: key.to_owned(), value }).collect()
}
