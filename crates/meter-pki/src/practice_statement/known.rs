//! What is known of a configuration, in words. What differs from one founding to the next is left out of a template.

use std::collections::BTreeSet;
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::profile::{Approval, CertificateProfile, Hierarchy};
use ca_core::registration::Door;
use ca_core::validity::UnixTime;
use policies::described;
use sha2::{Digest, Sha256};

use crate::config::{CheckedAuthority, CheckedOffer, Config};
use crate::profile_reference::purpose_of_file;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All.
    Whole,
    /// All but names of keys, serial numbers, fingerprints, dates and addresses.
    Template,
}

/// A checked configuration.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) config: &'a Config,
    pub(super) detail: Detail,
}

impl<'a> Known<'a> {
    /// What is a deployment's own.
    pub(super) fn own(&self, value: impl ToString, what: &str) -> String {
        match self.detail {
            Detail::Whole => format!("`{}`", value.to_string()),
            Detail::Template => format!("*{what}*"),
        }
    }

    /// A time.
    pub(super) fn time(&self, time: UnixTime) -> String {
        match self.detail {
            _ if time == UnixTime::NO_EXPIRY => "never (99991231235959Z)".to_owned(),
            Detail::Whole => time.to_string(),
            Detail::Template => "*a date*".to_owned(),
        }
    }

    /// An URI: its path leads through the name of a key.
    pub(super) fn uri(&self, uri: Option<&String>) -> String {
        uri.map_or_else(|| "none".to_owned(), |uri| self.own(uri, "a URI, http"))
    }

    /// A file or directory, as the configuration sees it.
    pub(super) fn place(&self, path: &Path) -> String {
        let home = self.config.file.parent().unwrap_or_else(|| Path::new(""));
        format!("`{}`", path.strip_prefix(home).unwrap_or(path).display())
    }

    /// The certificates of the authorities, of those above them, and of closed ones, each once.
    pub(super) fn above(&self) -> Vec<&'a Certificate> {
        let mut seen = BTreeSet::new();
        let all = self.config.authorities.iter().flat_map(|one| one.path.iter().chain(&one.generations));
        all.filter(|one| seen.insert(one.der().to_vec())).collect()
    }

    /// Each offer with its authority.
    pub(super) fn offers(&self) -> impl Iterator<Item = (&'a CheckedAuthority, &'a CheckedOffer)> {
        self.config.authorities.iter().flat_map(|one| one.offers.iter().map(move |offer| (one, offer)))
    }

    /// The profiles that are offered, and those of responders, each once, by their names.
    pub(super) fn profiles(&self) -> Vec<&'a CertificateProfile> {
        let offered = self.offers().map(|(_, offer)| &offer.profile);
        let responders = self.config.authorities.iter().map(|one| &one.responder_profile);
        let mut all: Vec<&CertificateProfile> = offered.chain(responders).collect();
        all.sort_by(|one, other| one.id().as_str().cmp(other.id().as_str()));
        all.dedup_by(|one, other| one.id() == other.id());
        all
    }

    /// What a profile's file says that it is for.
    pub(super) fn purpose(&self, profile: &CertificateProfile) -> String {
        let file = self.config.profiles.file(profile.id().as_str());
        file.map(|file| purpose_of_file(file.text())).unwrap_or_default()
    }

    /// What a profile says under a key of profile files.
    pub(super) fn field(&self, profile: &CertificateProfile, key: &str) -> String {
        let issuers = self.config.profiles.issuers(profile.id().as_str());
        let found = described::certificate(profile, issuers).into_iter().find(|field| field.key == key);
        found.map_or_else(|| "–".to_owned(), |field| field.value)
    }

    /// What an auditor looks for in a certificate.
    pub(super) fn certificate(&self, certificate: &Certificate) -> Vec<(&'static str, String)> {
        let validity = certificate.validity();
        let sha256 = hex::encode_upper(Sha256::digest(certificate.der()));
        vec![
            ("issuer", format!("`{}`", certificate.issuer())),
            ("key", format!("EC, {}", certificate.public_key().curve())),
            ("signature", format!("ECDSA, {}", hash(certificate))),
            (
                "validity",
                format!("{} to {}", self.time(validity.not_before()), self.time(validity.not_after())),
            ),
            ("serial number", self.own(certificate.serial(), "a serial number")),
            ("SHA-256 of the certificate", self.own(sha256, "a fingerprint")),
        ]
    }

    /// A validity in words.
    pub(super) fn validity(&self, profile: &CertificateProfile) -> String {
        match self.field(profile, "validity").as_str() {
            "no-expiry" => "no end".to_owned(),
            length => length.to_owned(),
        }
    }

    /// The profiles of which a certificate introduces its holder again.
    pub(super) fn renewed(&self) -> Vec<&'a CertificateProfile> {
        let shown = |profile: &CertificateProfile| {
            let mut offers = self.offers().filter(|(_, offer)| offer.profile.id() == profile.id());
            offers.any(|(_, offer)| offer.doors.contains(&Door::OperationalCertificate))
        };
        self.profiles().into_iter().filter(|profile| shown(profile)).collect()
    }
}

fn hash(certificate: &Certificate) -> &'static str {
    match certificate.signature().curve() {
        ca_core::suite::Curve::P256 => "SHA-256",
        ca_core::suite::Curve::P384 => "SHA-384",
    }
}

/// A door of a profile, in words.
pub(super) fn door(door: Door, hierarchy: Hierarchy) -> String {
    match door {
        Door::RegistrationAuthority => "a registration authority, within its bounds".to_owned(),
        Door::OneTimeToken => "who shows the one-time token of an expected device, once".to_owned(),
        Door::FactoryCertificate { grace_seconds, expired_seconds } => {
            let grace = match grace_seconds {
                0 => String::new(),
                seconds => format!(", and for {} minutes after that", seconds / 60),
            };
            let expired = match expired_seconds {
                0 => String::new(),
                seconds => format!(", until {} days after its end", seconds / 86_400),
            };
            format!(
                "an expected device by the factory certificate of its manufacturer, for its first operational one{grace}{expired}"
            )
        }
        Door::OperationalCertificate => {
            "a device by a certificate of the same owner: for a further purpose, or again".to_owned()
        }
        Door::Operator if hierarchy == Hierarchy::Maintenance => {
            "a technician, on his own approved visit, with the permission `visit`".to_owned()
        }
        Door::Operator => "an operator with the permission `issue`".to_owned(),
        Door::Process => "a campaign of the operator's, through a head-end".to_owned(),
    }
}

/// How many people.
pub(super) const fn people(approval: Approval) -> &'static str {
    match approval {
        Approval::NotNeeded => "nobody",
        Approval::One => "one operator",
        Approval::Two => "two different operators",
    }
}
