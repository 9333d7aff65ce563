//! What the online side knows of ceremonies: read from the directory of the exchange, if the configuration names it, and from what is kept
//! for later. Nothing is made or taken in here: that is `ceremony_desk`'s.

use std::path::Path;

use ca_core::audit::AuditRecord;
use ca_core::exchange::{FRESH_SECONDS, SubordinateRequest};
use ceremony::words::Fingerprint;

use super::release_acts;
use super::wire::ceremonies::{CeremoniesView, CeremonyRequestView, CeremonyResponseView};
use crate::compose::System;
use crate::exchange_journal::ExchangeJournal;
use crate::exit::Failure;
use crate::open_requests::OpenRequests;

/// How many responses are shown.
const SHOWN: usize = 100;

pub(super) fn show(system: &System) -> Result<CeremoniesView, Failure> {
    let releases = release_acts::releases(system).releases;
    let Some(directory) = &system.exchanges else {
        let (requests, responses) = (Vec::new(), Vec::new());
        return Ok(CeremoniesView { exchanges: None, requests, responses, journal_head: None, releases });
    };
    let (requests, responses, head) = exchange(directory)?;
    Ok(CeremoniesView {
        exchanges: Some(directory.display().to_string()),
        requests,
        responses,
        journal_head: Some(head),
        releases,
    })
}

/// Reads a directory of the exchange; its journal is checked on the way.
fn exchange(
    directory: &Path,
) -> Result<(Vec<CeremonyRequestView>, Vec<CeremonyResponseView>, String), Failure> {
    let requests = OpenRequests::at(directory).list()?.iter().map(request).collect();
    let (trail, records) = ExchangeJournal::read(directory)?;
    let responses = records.into_iter().rev().take(SHOWN).map(response).collect();
    Ok((requests, responses, hex::encode(trail.head())))
}

fn request(request: &SubordinateRequest) -> CeremonyRequestView {
    let words = Fingerprint::new(request.digest()).words();
    CeremonyRequestView {
        nonce: request.nonce().to_string(),
        sha256: hex::encode(request.digest()),
        words: words.into_iter().map(str::to_owned).collect(),
        subject: request.subject().to_string(),
        profile: request.profile().to_string(),
        made: request.created().to_string(),
        stale_from: request.created().plus_seconds(FRESH_SECONDS).to_string(),
    }
}

fn response(record: AuditRecord) -> CeremonyResponseView {
    let event = record.event;
    CeremonyResponseView {
        number: record.sequence,
        time: event.time.to_string(),
        actor: event.actor,
        act: event.act.name().to_owned(),
        reason: event.reason,
        sha256: hex::encode(event.digest),
        detail: event.detail,
    }
}

#[cfg(test)]
mod tests {
    use ca_core::audit::{Act, AuditEvent};
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    #[test]
    fn an_exchange_in_which_nothing_happened_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let (requests, responses, head) = exchange(directory.path()).unwrap();
        assert_eq!((requests.len(), responses.len(), head), (0, 0, "00".repeat(32)));
    }

    #[test]
    fn what_was_refused_is_told_the_youngest_first_and_an_altered_journal_is_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = ExchangeJournal::open(directory.path()).unwrap();
        for reason in ["exchange.stale", "exchange.not-open"] {
            let event = AuditEvent {
                time: UnixTime::from_seconds(1_800_000_000),
                tenant: TenantId::parse("ceremony").unwrap(),
                actor: "operator:ada".to_owned(),
                act: Act::RequestRefused,
                issuer: None,
                serial: None,
                reason: reason.to_owned(),
                detail: String::new(),
                digest: vec![7; 32],
            };
            journal.append(event).unwrap();
        }
        drop(journal);
        let (_, responses, _) = exchange(directory.path()).unwrap();
        let reasons: Vec<&str> = responses.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons, ["exchange.not-open", "exchange.stale"]);
        let file = directory.path().join("journal");
        let text = std::fs::read_to_string(&file).unwrap().replacen("1 ", "3 ", 1);
        std::fs::write(&file, text).unwrap();
        assert!(exchange(directory.path()).is_err());
    }
}
