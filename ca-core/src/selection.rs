//! Which certificates an operator means: by number, device or key, or by what they have in common.
//!
//! Looks at the ledger page by page, in the order of issuing key and serial number, and never holds all that it finds.

use core::fmt;
use std::collections::BTreeSet;

use crate::certificate::Certificate;
use crate::hexadecimal::hexadecimal;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::ports::{StatusSource, Unavailable};
use crate::profile::{Hierarchy, KeyPurpose};
use crate::record::{CertificateId, CertificateQuery, StatusKind, StoredCertificate};
use crate::serial_number::SerialNumber;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How many certificates are looked at together.
const PAGE: usize = 1_000;

/// Which certificates. What is named is meant if it fits to everything else that is said; where nothing is named, whatever fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Those with these serial numbers,
    pub serials: BTreeSet<SerialNumber>,
    /// and those of these devices,
    pub titles: BTreeSet<SystemTitle>,
    /// and those for these keys: SHA-256 of the SubjectPublicKeyInfo.
    pub keys: BTreeSet<[u8; 32]>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this issuing key.
    pub issuer: Option<KeyRef>,
    /// Only of this profile; with `*` at its end, of all whose names begin so.
    pub profile: Option<String>,
    /// Only of this hierarchy.
    pub hierarchy: Option<Hierarchy>,
    /// Only of this purpose.
    pub purpose: Option<KeyPurpose>,
    /// Only of devices whose system titles begin with this FLAG id.
    pub manufacturer: Option<[u8; 3]>,
    /// Only those whose subject is of this organization.
    pub organization: Option<String>,
    /// Only those recorded at this time or later.
    pub issued_since: Option<UnixTime>,
    /// Only those recorded before this time.
    pub issued_before: Option<UnixTime>,
    /// Only those that end before this time.
    pub expires_before: Option<UnixTime>,
    /// Only those of this status.
    pub status: Option<StatusKind>,
}

impl Selection {
    /// Tells whether it says nothing at all, and so means everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Shows each certificate that is meant, in the order of issuing key and serial number.
    ///
    /// # Errors
    /// [`Unavailable`], or what `see` says.
    pub fn walk<E: From<Unavailable>>(
        &self,
        status: &dyn StatusSource,
        issuers: &[KeyRef],
        see: &mut dyn FnMut(StoredCertificate) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.keys.is_empty() && !(self.serials.is_empty() && self.titles.is_empty()) {
            return self.walk_named(status, issuers, see);
        }
        let mut query = CertificateQuery {
            tenant: self.tenant.clone(),
            issuer: self.issuer,
            status: self.status,
            limit: PAGE,
            ..CertificateQuery::default()
        };
        loop {
            let page = status.certificates(&query)?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = Some(last.id.clone());
            page.into_iter().filter(|one| self.means(one)).try_for_each(&mut *see)?;
        }
    }

    /// Looks up what is named, instead of going through everything.
    fn walk_named<E: From<Unavailable>>(
        &self,
        status: &dyn StatusSource,
        issuers: &[KeyRef],
        see: &mut dyn FnMut(StoredCertificate) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ids = BTreeSet::new();
        for title in &self.titles {
            let mut query =
                CertificateQuery { title: Some(*title), limit: PAGE, ..CertificateQuery::default() };
            loop {
                let page = status.certificates(&query)?;
                let Some(last) = page.last() else { break };
                query.after = Some(last.id.clone());
                ids.extend(page.into_iter().map(|one| one.id));
            }
        }
        let with_number = |serial: &SerialNumber| {
            let serial = serial.clone();
            issuers.iter().map(move |issuer| CertificateId { issuer: *issuer, serial: serial.clone() })
        };
        ids.extend(self.serials.iter().flat_map(with_number));
        for id in ids {
            let found = status.certificate(&id)?;
            found.into_iter().filter(|one| self.means(one)).try_for_each(&mut *see)?;
        }
        Ok(())
    }

    /// Tells whether a certificate is meant.
    #[must_use]
    pub fn means(&self, one: &StoredCertificate) -> bool {
        fn fits<T: PartialEq>(wanted: &Option<T>, found: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        }
        let title = title_of(one);
        let nothing_named = self.serials.is_empty() && self.titles.is_empty() && self.keys.is_empty();
        let named = nothing_named
            || self.serials.contains(&one.id.serial)
            || title.is_some_and(|title| self.titles.contains(&title))
            || self.keys.contains(&one.key_fingerprint);
        let hierarchy = one.slot.as_ref().map(|slot| slot.hierarchy);
        named
            && fits(&self.tenant, &one.tenant)
            && fits(&self.issuer, &one.id.issuer)
            && self.profile.as_ref().is_none_or(|pattern| is_like(one.profile.as_str(), pattern))
            && (self.hierarchy.is_none() || self.hierarchy == hierarchy)
            && fits(&self.purpose, &one.purpose)
            && self.issued_since.is_none_or(|since| one.recorded_at >= since)
            && self.issued_before.is_none_or(|before| one.recorded_at < before)
            && self.expires_before.is_none_or(|before| one.validity.not_after() < before)
            && (self.status.is_none() || self.status == one.status.kind())
            && self.manufacturer.is_none_or(|flag| title.is_some_and(|t| t.octets().starts_with(&flag)))
            && self.organization.as_ref().is_none_or(|wanted| is_of(one, wanted))
    }
}

fn title_of(one: &StoredCertificate) -> Option<SystemTitle> {
    one.slot.as_ref().map(|slot| slot.title).or_else(|| SystemTitle::parse(&one.subject).ok())
}

fn is_like(profile: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(profile == pattern, |beginning| profile.starts_with(beginning))
}

fn is_of(one: &StoredCertificate, organization: &str) -> bool {
    Certificate::from_der(&one.certificate).is_ok_and(|certificate| {
        let mut attributes = certificate.subject().attributes().iter();
        attributes.any(|(kind, value)| *kind == oid::ORGANIZATION_NAME && value == organization)
    })
}

impl fmt::Display for Selection {
    /// Writes what is said, as operators read it; the same for the same selection. Long lists are told by their length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        let mut say = |what: &str, value: Option<String>| {
            said.extend(value.map(|value| format!("{what} {value}")));
        };
        say("serials", list(self.serials.iter()));
        say("system-titles", list(self.titles.iter()));
        say("keys", list(self.keys.iter().map(hexadecimal)));
        say("tenant", self.tenant.as_ref().map(ToString::to_string));
        say("issuer", self.issuer.map(|key| key.to_string()));
        say("profile", self.profile.clone());
        say("hierarchy", self.hierarchy.map(|hierarchy| hierarchy.name().to_owned()));
        say("purpose", self.purpose.map(|purpose| purpose.name().to_owned()));
        say("manufacturer", self.manufacturer.map(|flag| String::from_utf8_lossy(&flag).into_owned()));
        say("organization", self.organization.clone());
        say("issued since", self.issued_since.map(|time| time.to_string()));
        say("issued before", self.issued_before.map(|time| time.to_string()));
        say("expires before", self.expires_before.map(|time| time.to_string()));
        say("status", self.status.map(|status| status.name().to_owned()));
        if said.is_empty() { f.write_str("everything") } else { f.write_str(&said.join(", ")) }
    }
}

/// The most of a list that is written out.
const SHOWN: usize = 4;

fn list<T: ToString>(items: impl ExactSizeIterator<Item = T>) -> Option<String> {
    let count = items.len();
    let shown: Vec<String> = items.take(SHOWN).map(|item| item.to_string()).collect();
    match count {
        0 => None,
        _ if count > SHOWN => Some(format!("{} and {} more", shown.join(" "), count - SHOWN)),
        _ => Some(shown.join(" ")),
    }
}
