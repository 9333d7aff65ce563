//! What operators can do with what a ceremony made for later: take it in, and see what comes when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use sha2::{Digest, Sha256};

use super::acts::{event, refused, unavailable};
use super::routes::Peer;
use super::wire::{ListedText, ReleaseText, ReleaseView, ReleasesText, ReleasesView, RootEndView};
use crate::compose::System;
use crate::exit::{Exit, Failure};
use crate::releases::outlook;
use crate::releases::{Object, Release};
use crate::time_text;

pub(super) fn releases(system: &System) -> ReleasesView {
    view(system, 0)
}

/// Takes objects in; each leaves an audit record before anything of it can be published, and so does a refusal of them all.
pub(super) fn keep(system: &System, peer: &Peer, text: &ReleasesText) -> Result<ReleasesView, Failure> {
    let objects = text.objects.iter().map(object).collect::<Result<Vec<_>, Failure>>();
    let new = objects
        .and_then(|objects| system.releases.take_in(objects))
        .map_err(|failure| refused(system, (&system.tenant, peer), failure, digest(text)))?;
    for release in &new {
        let (act, issuer) = match &release.object {
            Object::Crl(crl) => (Act::CrlIssued, Some(crl.root)),
            Object::Certificate(_) => (Act::AuthorityRegistered, None),
        };
        let detail = format!("{release} kept until {}", release.date);
        let event = AuditEvent {
            issuer,
            digest: release.sha256.to_vec(),
            ..event(system, &system.tenant, peer, act, detail)?
        };
        system.ports.ledger.record_event(event).map_err(unavailable)?;
    }
    Ok(view(system, new.len()))
}

fn object(text: &ReleaseText) -> Result<(Vec<u8>, Option<ca_core::validity::UnixTime>), Failure> {
    let malformed = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "releases.malformed", error);
    let der = STANDARD.decode(&text.der).map_err(|error| malformed(&error))?;
    if let Some(ListedText { file, sha256 }) = &text.listed {
        let found = hex::encode(Sha256::digest(&der));
        if !found.eq_ignore_ascii_case(sha256) {
            let message = format!("{file} was altered: its SHA-256 is {found}, not {sha256}");
            return Err(Failure::new(Exit::Integrity, "releases.digest", message)
                .then("keep the medium, and fetch the series again from the bundle of the ceremony"));
        }
    }
    let date =
        text.release.as_deref().map(time_text::parse).transpose().map_err(|error| malformed(&error))?;
    Ok((der, date))
}

/// SHA-256 of a single object; a record has room for one.
fn digest(text: &ReleasesText) -> Vec<u8> {
    match text.objects.as_slice() {
        [only] => STANDARD.decode(&only.der).map(|der| Sha256::digest(der).to_vec()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn view(system: &System, new: usize) -> ReleasesView {
    let releases = &system.releases;
    let mut next_is_to_come = true;
    let mut one = |release: &Release| {
        let state = if releases.is_out(release) {
            "out"
        } else if releases.is_overtaken(release) {
            "overtaken"
        } else if std::mem::take(&mut next_is_to_come) {
            "next"
        } else {
            "later"
        };
        ReleaseView {
            release: release.date.to_string(),
            what: release.to_string(),
            sha256: hex::encode(release.sha256),
            state: state.to_owned(),
        }
    };
    let kept = releases.kept().iter().map(&mut one).collect();
    let ends = outlook::of(releases).into_iter().map(|outlook| RootEndView {
        root: outlook.name.clone(),
        what: outlook.what.label().to_owned(),
        end: outlook.end.to_string(),
        days: outlook.days,
        sentence: outlook.to_string(),
    });
    ReleasesView { new, releases: kept, ends: ends.collect() }
}
