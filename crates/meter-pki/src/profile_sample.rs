//! A sample certificate of a profile: for a made-up subject, under made-up issuers up to a root, each of its own profile, with
//! keys that are thrown away. Drafted and linted by what drafts and lints real ones; the first look at a changed profile.
//!
//! Nothing is recorded, no key of the deployment signs, and no path leads from here to a trust anchor of anybody.

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, PublicationPoints, SignedBy};
use ca_core::lint::{LintInput, Verdict};
use ca_core::oid;
use ca_core::ports::{Entropy, Signer as _};
use ca_core::profile::{AlternativeNameRule, CertificateProfile, SubjectRule};
use ca_core::serial_number::SerialNumber;
use ca_core::signing::assemble;
use ca_core::subject::{AlternativeName, Subject};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use client_kit::FileKey;
use const_oid::ObjectIdentifier;
use policies::ProfileSet;

/// How many certificates a path has at most; profiles nest in three.
const DEEPEST: u8 = 5;

/// How often a draft is signed anew, under another serial number, until the signature is as long as the profile wants it.
const DRAWS: u8 = 64;

/// The made-up device.
const TITLE: SystemTitle = SystemTitle::new(*b"MPK\0\0\0\0\x01");

/// A sample certificate.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Itself.
    pub(crate) certificate: Certificate,
    /// The certificates above it, the nearest first.
    pub(crate) above: Vec<Certificate>,
    /// What each rule says that applies to it.
    pub(crate) verdicts: Vec<Verdict>,
}

/// Makes a sample of the profile of this name, as if it were issued now.
///
/// # Errors
/// The sentence why there is none.
pub(crate) fn sample(
    profiles: &ProfileSet,
    id: &str,
    (now, entropy): (UnixTime, &dyn Entropy),
) -> Result<Sample, String> {
    let Made { certificate, verdicts, issuer, .. } = Maker { profiles, entropy }.made(id, now, DEEPEST)?;
    let mut above = Vec::new();
    let mut next = issuer;
    while let Some(made) = next {
        above.push(made.certificate);
        next = made.issuer;
    }
    Ok(Sample { certificate, above, verdicts })
}

struct Maker<'a> {
    profiles: &'a ProfileSet,
    entropy: &'a dyn Entropy,
}

/// A certificate with its key, and who signed it.
struct Made {
    certificate: Certificate,
    key: FileKey,
    window_ends: UnixTime,
    verdicts: Vec<Verdict>,
    issuer: Option<Box<Self>>,
}

impl Maker<'_> {
    /// Makes a certificate of a profile, after its issuers, each of whom is a day older.
    fn made(&self, id: &str, now: UnixTime, deepest: u8) -> Result<Made, String> {
        let profile = self.profiles.certificate(id).ok_or_else(|| format!("there is no profile {id}"))?;
        let deeper = deepest.checked_sub(1).ok_or_else(|| format!("the path above {id} has no end"))?;
        let above = self.profiles.issuers(id).first();
        let above = above.map(|issuer| self.made(issuer.as_str(), now.plus_seconds(-86_400), deeper));
        let issuer = above.transpose()?.map(Box::new);
        let identity = issuer.as_deref().map(identity).transpose()?;
        let key = FileKey::generate(profile.curve()).map_err(|error| error.to_string())?;
        let bound = identity.as_ref().and_then(|issuer| profile.bound_to(issuer.certificate().validity()));
        let ground = Ground {
            profile: bound.as_ref().unwrap_or(profile),
            issuer: identity.as_ref(),
            signing: issuer.as_deref().map_or(&key, |issuer| &issuer.key),
            now,
        };
        let (certificate, verdicts) = self.certificate(&ground, &key)?;
        let window = profile.parts().issuing_window_seconds;
        let window_ends = window.map_or(UnixTime::NO_EXPIRY, |seconds| now.plus_seconds(seconds));
        Ok(Made { certificate, key, window_ends, verdicts, issuer })
    }

    /// Drafts, lints and signs.
    fn certificate(&self, ground: &Ground<'_>, key: &FileKey) -> Result<(Certificate, Vec<Verdict>), String> {
        let Ground { profile, issuer, signing, now } = *ground;
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", profile.id());
        let subject = subject(profile, issuer).map_err(|error| said(&error))?;
        let validity = profile.validity_at(now, None).ok_or_else(|| said(&"its validity has no end"))?;
        let signed_by = issuer.map_or(SignedBy::Itself, SignedBy::Issuer);
        for _ in 0..DRAWS {
            let mut random = [0; 14];
            self.entropy.fill(&mut random).map_err(|error| said(&error))?;
            let serial = SerialNumber::draw(now, random).map_err(|error| said(&error))?;
            let input = DraftInput {
                signed_by,
                profile,
                subject: &subject,
                public_key: key.public(),
                serial: &serial,
                validity,
                shard: None,
            };
            let tbs = draft(&input).map_err(|error| said(&error))?;
            let lint = LintInput { tbs: &tbs, profile, signed_by, shard: None, now };
            let verdicts = policies::lint::linter().verdicts(&lint).map_err(|finding| said(&finding))?;
            let signature = signing.sign(&signing.public().key_ref(), &tbs).map_err(|error| said(&error))?;
            if profile.parts().full_length_signature && !signature.has_full_length_integers() {
                continue;
            }
            let der = assemble(&tbs, &signature).map_err(|error| said(&error))?;
            return Ok((Certificate::from_der(&der).map_err(|error| said(&error))?, verdicts));
        }
        Err(said(&"no signature has full length"))
    }
}

/// From what a certificate is made.
#[derive(Clone, Copy)]
struct Ground<'a> {
    profile: &'a CertificateProfile,
    issuer: Option<&'a Issuer>,
    /// Whose key signs.
    signing: &'a FileKey,
    now: UnixTime,
}

/// Makes an issuer of a CA, with places that exist nowhere (RFC 2606 §3).
fn identity(made: &Made) -> Result<Issuer, String> {
    let is_root = made.issuer.is_none();
    let points = PublicationPoints {
        crl: Some("http://sample.example/ca.crl".to_owned()),
        ca_issuers: Some("http://sample.example/ca.cer".to_owned()),
        ocsp: (!is_root).then(|| "http://sample.example/ocsp".to_owned()),
    };
    let tenant = TenantId::parse("sample").map_err(|error| error.to_string())?;
    Issuer::new(made.certificate.clone(), tenant, made.window_ends, points).map_err(|error| error.to_string())
}

/// A subject that the profile allows; of a link, the issuer's own (RFC 5280 §3.2).
fn subject(
    profile: &CertificateProfile,
    issuer: Option<&Issuer>,
) -> Result<Subject, ca_core::distinguished_name::NameError> {
    if let Some(issuer) = issuer.filter(|_| profile.certifies_again()) {
        return Ok(Subject::distinguished(issuer.name().clone()));
    }
    let needs_host =
        matches!(profile.parts().alternative_name, AlternativeNameRule::DnsNames { required: true, .. });
    let named = |attributes: &[(ObjectIdentifier, &str)]| {
        DistinguishedName::from_attributes(attributes).map(Subject::distinguished)
    };
    let subject = match profile.parts().subject {
        SubjectRule::SystemTitle | SubjectRule::Empty => Subject::device(TITLE),
        SubjectRule::Label16 => named(&[(oid::COMMON_NAME, "SAMPLE-LABEL-001")])?,
        SubjectRule::DistinguishedName { .. } if needs_host => {
            named(&[(oid::COMMON_NAME, "sample.example")])?
        }
        SubjectRule::DistinguishedName { .. } => {
            named(&[(oid::ORGANIZATION_NAME, "Sample"), (oid::COMMON_NAME, profile.id().as_str())])?
        }
    };
    let host = needs_host.then(|| AlternativeName::Dns("sample.example".to_owned()));
    Ok(Subject { alternative_names: host.into_iter().collect(), ..subject })
}

#[cfg(test)]
mod tests {
    use policies::Settings;
    use signer_file::SystemEntropy;

    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    #[test]
    fn every_built_in_profile_has_a_sample_in_which_no_rule_finds_anything() {
        let profiles = ProfileSet::load_embedded(&Settings::default()).unwrap();
        for id in profiles.ids() {
            let made = sample(&profiles, id.as_str(), (NOW, &SystemEntropy)).unwrap();
            let broken = made.verdicts.iter().find(|verdict| verdict.said.is_err());
            assert!(broken.is_none(), "{id}: {broken:?}");
            assert!(made.verdicts.len() > 20, "{id}: {} rules apply", made.verdicts.len());
        }
    }

    #[test]
    fn a_sample_is_signed_by_a_path_that_was_made_for_it_alone() {
        let profiles = ProfileSet::load_embedded(&Settings::default()).unwrap();
        let made = sample(&profiles, "meter-op-ds-s1", (NOW, &SystemEntropy)).unwrap();
        let [issuer, root] = <[Certificate; 2]>::try_from(made.above).unwrap();
        assert_eq!(made.certificate.system_title(), Some(TITLE));
        let signed = |one: &Certificate, by: &Certificate| {
            let signature = one.signature().clone();
            by.public_key().verify(one.tbs(), &signature).is_ok()
        };
        assert!(signed(&made.certificate, &issuer) && signed(&issuer, &root) && signed(&root, &root));
        let again = sample(&profiles, "meter-op-ds-s1", (NOW, &SystemEntropy)).unwrap();
        assert_ne!(again.above.last().unwrap().public_key(), root.public_key());
    }

    #[test]
    fn what_is_no_certificate_profile_has_no_sample() {
        let profiles = ProfileSet::load_embedded(&Settings::default()).unwrap();
        let said = sample(&profiles, "crl-online", (NOW, &SystemEntropy)).unwrap_err();
        assert_eq!(said, "there is no profile crl-online");
    }
}
