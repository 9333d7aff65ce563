//! What the key of an authority signs: certificates of its profiles and its CRLs (RFC 5280 §4.1, §5.1).

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedTbs;
use ca_core::issuer::SignedBy;
use ca_core::lint::crl::{CrlLintInput, lint_crl};
use ca_core::lint::{Finding, LintInput};
use ca_core::octets::Octets;
use ca_core::oid;
use ca_core::profile::{CertificateProfile, ValidityRule};
use ca_core::scope::{CrlLine, CrlScope, Shard};
use ca_core::sharding::Sharding;
use ca_core::signature::EcdsaSignature;
use ca_core::signing::assemble;
use ca_core::validity::UnixTime;

use super::{AuthorityCharter, CLOCKS_APART, Judgement, Subject};
use crate::denial::Denial;
use crate::log::Kind;

/// The first octet of the first field: the version of a certificate is `[0]`, that of a CRL an INTEGER.
const VERSION_OF_CERTIFICATE: u8 = 0xA0;
const VERSION_OF_CRL: u8 = 0x02;

/// How many octets a certificate has at most: profiles allow far fewer.
const LONGEST_CERTIFICATE: u64 = 16 * 1024;

impl AuthorityCharter {
    pub(super) fn judge(&self, octets: &Octets, now: UnixTime) -> Judgement {
        match first_of_content(octets) {
            Some(VERSION_OF_CERTIFICATE) => self.certificate(octets, now),
            Some(VERSION_OF_CRL) => self.crl(octets),
            Some(_) | None => {
                let sentence = "this is neither a certificate nor a CRL that is to be signed";
                (Subject::unknown(), Err(Denial::refused("key.purpose", sentence)))
            }
        }
    }

    fn certificate(&self, octets: &Octets, now: UnixTime) -> Judgement {
        let mut subject = Subject::of(Kind::Certificate, Some(self.issuer.key()));
        let read = (octets.length() <= LONGEST_CERTIFICATE).then(|| octets.to_vec().ok()).flatten();
        let certificate = read.as_ref().and_then(|tbs| Some((tbs, self.as_if_signed(tbs)?)));
        let Some((tbs, certificate)) = certificate else {
            let sentence = "this is no DER of a certificate that this key would sign";
            return (subject, Err(Denial::refused("certificate.not-der", sentence)));
        };
        subject.name = certificate.serial().to_string();
        let judged = self.shard(&certificate).and_then(|shard| {
            let findings = self.profiles.iter().map(|profile| {
                let signed_by = SignedBy::Issuer(&self.issuer);
                let now = self.drafted_at(&certificate, profile, now);
                let input = LintInput { tbs, profile, signed_by, shard: shard.as_ref(), now };
                (format!("{}: ", profile.id()), self.linter.lint(&input))
            });
            fits("certificate", findings)
        });
        (subject, judged)
    }

    /// Reads the octets as the certificate that they will be part of, as strictly as any other.
    fn as_if_signed(&self, tbs: &[u8]) -> Option<Certificate> {
        let curve = self.issuer.curve();
        let any = EcdsaSignature::from_fixed(curve, &vec![0x7F; 2 * curve.field_octets()]).ok()?;
        Certificate::from_der(&assemble(tbs, &any).ok()?).ok()
    }

    /// The shard that the certificate says will list it. Whether that is true, where it can be known, is looked at here.
    fn shard(&self, certificate: &Certificate) -> Result<Option<Shard>, Denial> {
        let computed = match self.issuer.crl_plan().sharding {
            Sharding::None => return Ok(None),
            Sharding::ByHash(_) => self.issuer.crl_plan().sharding.shard_of(certificate.serial(), None),
            Sharding::AlongGrid { .. } => None,
        };
        let (_, place) = certificate.extension(oid::CRL_DISTRIBUTION_POINTS).unwrap_or_default();
        // Lint compares the place octet for octet; here only the name is looked for in it.
        let named = self.named_in(place);
        if computed.is_some() && named.is_some() && computed != named {
            let sentence = "the certificate names the CRL of another shard than its serial number falls to";
            return Err(Denial::refused("certificate.shard", sentence));
        }
        Ok(computed.or(named))
    }

    fn named_in(&self, place: &[u8]) -> Option<Shard> {
        let stem = format!("{}/", self.issuer.points().crl.as_deref()?.strip_suffix(".crl")?);
        let at = place.windows(stem.len()).position(|window| window == stem.as_bytes())?;
        let name = place.get(at + stem.len()..)?.strip_suffix(b".crl")?;
        Shard::parse(core::str::from_utf8(name).ok()?).ok()
    }

    /// When the authority drafted this, as its validity tells, which is counted from then to the second: unless that is far from
    /// now, where the signer's own clock decides.
    fn drafted_at(&self, certificate: &Certificate, profile: &CertificateProfile, now: UnixTime) -> UnixTime {
        let (parts, validity) = (profile.parts(), certificate.validity());
        let issuer_begins = self.issuer.certificate().validity().not_before();
        let told = match parts.validity {
            ValidityRule::Fixed { seconds } => validity.not_after().plus_seconds(1 - seconds),
            // It begins with its issuer, whenever it was drafted.
            _ if validity.not_before() == issuer_begins => now,
            ValidityRule::NoExpiry | ValidityRule::Range { .. } | ValidityRule::AsCertified { .. } => {
                validity.not_before().plus_seconds(parts.backdate_seconds.into())
            }
        };
        if told.seconds().abs_diff(now.seconds()) <= CLOCKS_APART { told } else { now }
    }

    fn crl(&self, octets: &Octets) -> Judgement {
        let mut subject = Subject::of(Kind::Crl, Some(self.issuer.key()));
        let read = ParsedTbs::read(octets).and_then(|crl| Ok((crl.number()?, crl)));
        let (number, crl) = match read {
            Ok(read) => read,
            Err(error) => return (subject, Err(Denial::refused("crl.not-der", error))),
        };
        subject.name = number.to_string();
        subject.number = Some(number);
        let scope = match crl.place() {
            None => CrlScope::All,
            // The place it names is within the CRL's extensions, and lint compares it.
            Some(uri) => match self.shard_at(&uri) {
                Some(shard) => CrlScope::Shard(shard),
                None => {
                    let sentence = format!("the CRL is for {uri}, where this authority has no CRLs");
                    return (subject, Err(Denial::refused("crl.place", sentence)));
                }
            },
        };
        let base = crl.base();
        let line = CrlLine::complete(self.issuer.key(), scope.clone());
        let line = if base.is_some() { CrlLine::delta(line.issuer, line.scope) } else { line };
        subject.scope = line.to_string();
        let findings = self.crl_profiles.iter().map(|profile| {
            let input = CrlLintInput { tbs: octets, issuer: &self.issuer, profile, scope: &scope, base };
            (String::new(), lint_crl(&input))
        });
        (subject, fits("crl", findings))
    }

    fn shard_at(&self, uri: &str) -> Option<Shard> {
        let stem = self.issuer.points().crl.as_deref()?.strip_suffix(".crl")?;
        Shard::parse(uri.strip_prefix(stem)?.strip_prefix('/')?.strip_suffix(".crl")?).ok()
    }
}

/// Says what is found by the profile that comes nearest, unless one fits.
fn fits(what: &str, profiles: impl Iterator<Item = (String, Vec<Finding>)>) -> Result<(), Denial> {
    let mut nearest: Option<(String, Vec<Finding>)> = None;
    for (name, findings) in profiles {
        if findings.is_empty() {
            return Ok(());
        }
        if nearest.as_ref().is_none_or(|(_, before)| findings.len() < before.len()) {
            nearest = Some((name, findings));
        }
    }
    Err(match nearest {
        None => Denial::refused("key.purpose", format!("this key signs no {what}")),
        Some((name, findings)) => {
            let sentences: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Denial::refused(&format!("{what}.lint"), format!("{name}{}", sentences.join("; ")))
        }
    })
}

/// Returns the first octet of the content of the one SEQUENCE that the octets are.
pub(super) fn first_of_content(octets: &Octets) -> Option<u8> {
    super::other::content(octets, 0x30)?.first().copied()
}
