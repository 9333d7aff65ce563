//! The reference of profiles: what exactly is in each certificate, CRL and OCSP answer, for whoever has to know it octet by octet.
//!
//! Read off the profiles that are in force and off a sample of each, which what makes real certificates makes; nothing is said here
//! of who may have one. The same for each run: sizes are those with the longest signature, and the time of the samples is fixed.

mod certificates;
mod extension;
mod text;
mod words;

use std::collections::BTreeMap;

use ca_core::ports::Entropy;
use ca_core::signing::longest;
use ca_core::validity::UnixTime;
use const_oid::ObjectIdentifier;
use policies::described::Field;
use policies::{ProfileFile, ProfileSet, Settings, Variant};
use serde::Serialize;
use utoipa::ToSchema;

use crate::profile_sample::sample;
pub(crate) use certificates::CertificateReference;
use words::suite_of;
pub(crate) use words::{alternative_name, purpose_of_file, subject};

/// When the samples are made, as if: 2026-12-01T00:00:00Z. Times from 2050 on are two octets longer.
const NOW: UnixTime = UnixTime::from_seconds(1_796_083_200);

/// hwType of the samples of variants that have one: below the number that RFC 5612 sets aside for documentation.
const HW_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2");

/// All profiles, told in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProfileReference {
    /// The encoding variant under which they are told.
    pub(crate) variant: String,
    /// The arc of certificate policies.
    pub(crate) policy_arc: String,
    /// Profiles of certificates; one of both suites is one.
    pub(crate) certificates: Vec<CertificateReference>,
    /// Profiles of CRLs.
    pub(crate) crls: Vec<StatusReference>,
    /// Profiles of OCSP answers.
    pub(crate) ocsp: Vec<StatusReference>,
    /// The rules of the linter that any certificate is held against.
    pub(crate) rules: Vec<RuleReference>,
    /// What the other encoding variants make of built-in profiles; of a deployment's own none is told.
    pub(crate) variants: Vec<VariantReference>,
}

/// A profile of CRLs or OCSP answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StatusReference {
    /// Its name.
    pub(crate) name: String,
    /// What its file says of itself.
    pub(crate) about: String,
    /// What it says, field by field.
    pub(crate) fields: Vec<ReferenceField>,
}

/// What a profile says of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ReferenceField {
    /// The key of profile files that decides it; a length without its unit.
    pub(crate) key: String,
    /// What it is.
    pub(crate) value: String,
}

/// A rule of the linter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RuleReference {
    /// Its stable name.
    pub(crate) rule: String,
    /// The clause that asks for it.
    pub(crate) citation: String,
    /// Whether it has something to say of every certificate.
    pub(crate) of_all: bool,
}

/// What an encoding variant makes of the profiles.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VariantReference {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// How long a sample of each profile is at most, in octets.
    pub(crate) octets: BTreeMap<String, usize>,
}

/// Tells all profiles of a set.
///
/// # Errors
/// The sentence why a sample cannot be made.
pub(crate) fn told(set: &ProfileSet, entropy: &dyn Entropy) -> Result<ProfileReference, String> {
    let certificates = certificates::told(set, entropy)?;
    let is_built_in = set.file("root-s1").is_some_and(|file| file.origin() == policies::Origin::BuiltIn);
    let variants = if is_built_in { variants(set, entropy)? } else { Vec::new() };
    let of_all = |rule: &str| certificates.iter().all(|one| one.rules.iter().any(|held| held == rule));
    let linter = policies::lint::linter();
    let rules = linter.rules().map(|rule| RuleReference {
        rule: rule.id.to_owned(),
        citation: rule.citation.to_owned(),
        of_all: of_all(rule.id),
    });
    let rules = rules.collect();
    let crls = set.crl_ids().filter_map(|id| Some((id, set.described(id.as_str())?)));
    let ocsp = set.ocsp_ids().filter_map(|id| Some((id, set.described(id.as_str())?)));
    Ok(ProfileReference {
        variant: set.settings().variant.name().to_owned(),
        policy_arc: set.settings().policy_arc.to_string(),
        crls: crls.map(|(id, fields)| status(set, id.as_str(), fields)).collect(),
        ocsp: ocsp.map(|(id, fields)| status(set, id.as_str(), fields)).collect(),
        certificates,
        rules,
        variants,
    })
}

impl ProfileReference {
    /// Writes it as Markdown, a line each.
    pub(crate) fn markdown(&self) -> Vec<String> {
        text::page(self)
    }
}

fn status(set: &ProfileSet, id: &str, fields: Vec<Field>) -> StatusReference {
    StatusReference {
        name: id.to_owned(),
        about: about(set, id),
        fields: fields.into_iter().map(ReferenceField::from).collect(),
    }
}

impl From<Field> for ReferenceField {
    fn from(field: Field) -> Self {
        Self { key: field.key.into_owned(), value: field.value }
    }
}

/// What a profile's file says of itself in its first lines.
fn about(set: &ProfileSet, id: &str) -> String {
    purpose_of_file(set.file(id).map(ProfileFile::text).unwrap_or_default())
}

/// How long a sample of a profile is at most.
fn octets(set: &ProfileSet, id: &str, entropy: &dyn Entropy) -> Result<usize, String> {
    let certificate = sample(set, id, (NOW, entropy))?.certificate;
    longest(certificate.tbs(), certificate.signature().curve()).map_err(|error| format!("{id}: {error}"))
}

/// The built-in profiles under each variant.
fn variants(set: &ProfileSet, entropy: &dyn Entropy) -> Result<Vec<VariantReference>, String> {
    let forms = [
        Variant::GuruxSafe,
        Variant::GreenBookSan { hw_type: HW_TYPE },
        Variant::StrictEmpty { hw_type: HW_TYPE },
        Variant::Small,
    ];
    let told = forms.into_iter().map(|variant| {
        let settings = Settings { variant, ..*set.settings() };
        let set = ProfileSet::load_embedded(&settings).map_err(|error| error.to_string())?;
        let sized = |id: &ca_core::profile::ProfileId| {
            octets(&set, id.as_str(), entropy).map(|octets| (id.to_string(), octets))
        };
        let octets = set.ids().map(sized).collect::<Result<_, String>>()?;
        Ok(VariantReference { name: variant.name().to_owned(), octets })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use signer_file::SystemEntropy;

    use super::*;

    fn built_in() -> ProfileReference {
        let set = ProfileSet::load_embedded(&Settings::default()).unwrap();
        told(&set, &SystemEntropy).unwrap()
    }

    #[test]
    fn every_built_in_profile_is_told_with_both_suites_and_the_same_each_time() {
        let set = ProfileSet::load_embedded(&Settings::default()).unwrap();
        let (one, other) = (built_in(), built_in());
        assert_eq!(one.markdown(), other.markdown());
        let told: usize = one.certificates.iter().map(|profile| profile.suites.len()).sum();
        assert_eq!(told, set.ids().count());
        assert_eq!(one.crls.len(), set.crl_ids().count());
        assert!(one.variants.iter().all(|variant| variant.octets.len() == told));
    }

    /// What the question of a utility is answered with: what exactly is in a meter's TLS certificate of suite 2.
    #[test]
    fn a_meters_tls_certificate_of_suite_2_is_told_extension_by_extension() {
        let reference = built_in();
        let profile = reference.certificates.iter().find(|one| one.name == "meter-op-tls").unwrap();
        assert_eq!(profile.about, "A meter in service: the TLS key.");
        let suite = profile.suites.iter().find(|one| one.suite == 2).unwrap();
        assert_eq!((suite.curve.as_str(), suite.hash.as_str()), ("P-384", "SHA-384"));
        let found: Vec<(&str, Option<bool>)> =
            profile.extensions.iter().map(|one| (one.name.as_str(), one.critical)).collect();
        let expected = [
            ("authorityKeyIdentifier", Some(false)),
            ("certificatePolicies", Some(false)),
            ("extendedKeyUsage", Some(false)),
            ("keyUsage", Some(true)),
            ("subjectKeyIdentifier", Some(false)),
        ];
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert!(profile.rules.iter().any(|rule| rule == "dlms.06"));
    }

    #[test]
    fn variants_change_what_meters_load_and_leave_servers_alone() {
        let reference = built_in();
        let octets = |variant: &str, id: &str| {
            let found = reference.variants.iter().find(|one| one.name == variant).unwrap();
            found.octets[id]
        };
        let usual = octets("gurux-safe", "meter-op-ds-s1");
        assert!(octets("greenbook-san", "meter-op-ds-s1") > usual);
        assert_eq!(octets("small", "meter-op-ds-s1"), usual - 24);
        assert_eq!(octets("strict-empty", "est-tls-s1"), octets("gurux-safe", "est-tls-s1"));
    }
}
