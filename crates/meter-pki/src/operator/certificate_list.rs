//! Listing certificates by whatever is known of them. Texts become a search of the ledger, and rows views.

use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::record::{CertificateId, CertificateQuery, StatusKind};
use ca_store::{CertificateSearch, Span};

use super::acts::{named, profile, rows, serial, time, title, unavailable};
use super::routes::Peer;
use super::views;
use super::wire::{CertificatePage, CertificateQueryText};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// The statuses that a list is asked for by. Whether what is good has expired is told in the list.
const STATUSES: [(&str, StatusKind); 7] = [
    ("good", StatusKind::Good),
    ("on-hold", StatusKind::OnHold),
    ("revoked", StatusKind::Revoked),
    ("uncertain", StatusKind::Uncertain),
    ("aborted", StatusKind::Aborted),
    ("intent", StatusKind::Pending),
    ("pending", StatusKind::Pending),
];

pub(super) fn certificates(
    system: &System,
    peer: &Peer,
    text: &CertificateQueryText,
) -> Result<CertificatePage, Failure> {
    let search = search(system, peer, text)?;
    let now = system.clock.now();
    let found = system.vault.report(|store| store.search_certificates(&search)).map_err(unavailable)?;
    let view = |stored| views::certificate(&system.issuer_name(&stored), &stored, now);
    let next = found.next.as_ref().map(place_text);
    Ok(CertificatePage { certificates: found.certificates.into_iter().map(view).collect(), next })
}

fn search(system: &System, peer: &Peer, text: &CertificateQueryText) -> Result<CertificateSearch, Failure> {
    let query = CertificateQuery {
        tenant: peer.bounded(text.tenant.as_deref())?,
        issuer: text.issuer.as_deref().map(|name| named(system, name)).transpose()?.map(ServedAuthority::key),
        title: text.system_title.as_deref().map(title).transpose()?,
        request: None,
        status: text.status.as_deref().map(status).transpose()?,
        after: text.after.as_deref().map(place).transpose()?,
        limit: rows(text.limit),
    };
    Ok(CertificateSearch {
        query,
        serial_begins: text.serial.as_deref().map(begins).transpose()?.unwrap_or_default(),
        key: text.key.as_deref().map(key).transpose()?,
        profile: text.profile.as_deref().map(profile).transpose()?,
        purpose: text.purpose.as_deref().map(purpose).transpose()?,
        hierarchy: text.hierarchy.as_deref().map(hierarchy).transpose()?,
        subject: text.subject.clone(),
        expires: span(text.expires_from.as_deref(), text.expires_until.as_deref())?,
        recorded: span(text.recorded_from.as_deref(), text.recorded_until.as_deref())?,
    })
}

fn span(from: Option<&str>, until: Option<&str>) -> Result<Span, Failure> {
    Ok(Span { from: from.map(time).transpose()?, until: until.map(time).transpose()? })
}

/// The first octets of a serial number.
fn begins(text: &str) -> Result<Vec<u8>, Failure> {
    let octets = hex::decode(text).ok().filter(|octets| (1..=20).contains(&octets.len()));
    octets.ok_or_else(|| {
        let message = format!("{text} begins no serial number: 2 to 40 hexadecimal digits, an even number");
        Failure::new(Exit::Usage, "serial.malformed", message)
    })
}

fn key(text: &str) -> Result<[u8; 32], Failure> {
    let octets = hex::decode(text).ok().and_then(|octets| octets.try_into().ok());
    octets.ok_or_else(|| {
        let message = format!("{text} is no SHA-256: 64 hexadecimal digits");
        Failure::new(Exit::Usage, "key.malformed", message)
    })
}

fn purpose(text: &str) -> Result<KeyPurpose, Failure> {
    KeyPurpose::ALL.into_iter().find(|purpose| purpose.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "purpose.unknown", format!("{text} is not a purpose of keys"))
            .then(format!("use one of {}", KeyPurpose::ALL.map(KeyPurpose::name).join(", ")))
    })
}

fn hierarchy(text: &str) -> Result<Hierarchy, Failure> {
    Hierarchy::ALL.into_iter().find_map(|(one, word)| (word == text).then_some(one)).ok_or_else(|| {
        Failure::new(Exit::Usage, "hierarchy.unknown", format!("{text} is not a hierarchy"))
            .then(format!("use one of {}", Hierarchy::ALL.map(|(_, word)| word).join(", ")))
    })
}

pub(super) fn status(text: &str) -> Result<StatusKind, Failure> {
    STATUSES.iter().find_map(|(name, kind)| (*name == text).then_some(*kind)).ok_or_else(|| {
        let known: Vec<&str> = STATUSES.iter().map(|(name, _)| *name).collect();
        Failure::new(Exit::Usage, "status.unknown", format!("{text} is not a status"))
            .then(format!("use one of {}", known.join(", ")))
    })
}

/// A place in the list of certificates: issuing key and serial number.
fn place(text: &str) -> Result<CertificateId, Failure> {
    let malformed =
        || Failure::new(Exit::Usage, "place.malformed", "that is not the `next` of a page before");
    let (issuer, number) = text.split_once('.').ok_or_else(malformed)?;
    let issuer = ca_core::key_ref::KeyRef::parse(issuer).ok_or_else(malformed)?;
    Ok(CertificateId { issuer, serial: serial(number).map_err(|_| malformed())? })
}

fn place_text(id: &CertificateId) -> String {
    format!("{}.{}", id.issuer, id.serial)
}
