//! `meter-pki ceremony import` takes a response in; `ceremony journal` shows what was taken in and refused.
//!
//! Every response that was read leaves one record in the journal, with the reason code of a refusal: before its request is closed,
//! and before a refusal is told.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::exchange::{
    AcceptedResponse, ExpectedResponse, MessageKind, SubordinateRequest, SubordinateResponse,
};
use ca_core::ports::Clock;
use ca_core::tenant::TenantId;
use ceremony::words::Fingerprint;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::cli::ImportArgs;
use crate::commands::new_file::write_same_or_new;
use crate::commands::printer::{Printer, aloud, heading, table};
use crate::commands::user;
use crate::compose::SystemClock;
use crate::exchange_journal::ExchangeJournal;
use crate::exit::{Exit, Failure};
use crate::open_requests::OpenRequests;
use crate::operator::wire::words::{self, KeyName, TimeText};
use crate::plain_text::plain;

/// What a response brought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CeremonyImport)]
pub(in crate::commands) struct ImportView {
    certificate_file: String,
    root_file: String,
    crl_file: Option<String>,
    #[schema(value_type = KeyName)]
    key: String,
    subject: String,
}

/// A line of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::commands) struct JournalLine {
    number: u64,
    #[schema(value_type = TimeText)]
    time: String,
    actor: String,
    act: String,
    reason: String,
    #[schema(value_type = words::Sha256)]
    sha256: String,
    detail: String,
}

/// The journal, and the SHA-256 of its last record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExchangeJournal)]
pub(in crate::commands) struct JournalView {
    records: Vec<JournalLine>,
    #[schema(value_type = words::Sha256)]
    head: String,
}

pub(super) fn import(args: &ImportArgs, printer: &Printer) -> Result<(), Failure> {
    let exchange_key = digest(&args.exchange_key).ok_or_else(|| {
        Failure::new(Exit::Usage, "exchange.key", "--exchange-key has 64 hexadecimal digits")
    })?;
    let octets = read(&args.response)?;
    let mut journal = ExchangeJournal::open(&args.exchanges)?;
    let requests = OpenRequests::at(&args.exchanges);
    let taken_in = judge(&octets, &exchange_key, &requests)
        .and_then(|(request, accepted)| Ok((request, take_in(&accepted, &args.out)?, accepted)));
    let (request, view, accepted) = match taken_in {
        Ok(taken_in) => taken_in,
        Err(failure) => {
            journal.append(refusal(&octets, &failure)?)?;
            return Err(failure);
        }
    };
    journal.append(acceptance(&octets, &request, &accepted)?)?;
    requests.close(&request, &octets)?;
    let root_sha256 = Fingerprint::of(accepted.root.der());
    printer.result(&view, |view| {
        let mut lines = vec![
            format!("certificate of {} is in {}", view.subject, view.certificate_file),
            format!("its root is in {}", view.root_file),
        ];
        lines.extend(aloud("SHA-256 of the root", &root_sha256));
        lines.push(format!(
            "next: add an [[authority]] with certificate_file and path_files to the configuration; its key is {}",
            view.key
        ));
        lines
    });
    Ok(())
}

/// Decides whether a response answers an open request.
fn judge(
    octets: &[u8],
    exchange_key: &[u8; 32],
    requests: &OpenRequests,
) -> Result<(SubordinateRequest, AcceptedResponse), Failure> {
    let refused = |code: &str, error: &dyn std::fmt::Display| {
        Failure::new(Exit::Refused, code, error)
            .then("compare what the ceremony showed: request SHA-256 and exchange key SHA-256")
    };
    let text = core::str::from_utf8(octets).map_err(|error| refused("exchange.not-text", &error))?;
    let response = SubordinateResponse::from_text(text).map_err(|error| refused(error.code(), &error))?;
    let request = requests.find(&response.parts().nonce)?;
    let expected = ExpectedResponse { request: &request, exchange_key, now: SystemClock.now() };
    let accepted = response.verify(&expected).map_err(|error| refused(error.code(), &error))?;
    Ok((request, accepted))
}

/// Writes what came. What an import before a power cut wrote already is no conflict.
fn take_in(accepted: &AcceptedResponse, out: &Path) -> Result<ImportView, Failure> {
    let (key, root) = (accepted.certificate.public_key().key_ref(), accepted.root.public_key().key_ref());
    let put = |name: String, octets: &[u8]| {
        let path = out.join(name);
        write_same_or_new(&path, octets).map(|()| path.display().to_string())
    };
    Ok(ImportView {
        certificate_file: put(format!("{key}.cer"), accepted.certificate.der())?,
        root_file: put(format!("{root}.cer"), accepted.root.der())?,
        crl_file: accepted.crl.as_ref().map(|crl| put(format!("{root}.crl"), crl)).transpose()?,
        key: key.to_string(),
        subject: accepted.certificate.subject().to_string(),
    })
}

fn refusal(octets: &[u8], failure: &Failure) -> Result<AuditEvent, Failure> {
    Ok(AuditEvent {
        reason: failure.code.clone(),
        detail: failure.message.clone(),
        ..event(Act::RequestRefused, octets)?
    })
}

fn acceptance(
    octets: &[u8],
    request: &SubordinateRequest,
    accepted: &AcceptedResponse,
) -> Result<AuditEvent, Failure> {
    let certificate = &accepted.certificate;
    Ok(AuditEvent {
        issuer: Some(accepted.root.public_key().key_ref()),
        serial: Some(certificate.serial().clone()),
        detail: format!(
            "the certificate of {} answers the request with the nonce {}",
            certificate.subject(),
            request.nonce()
        ),
        ..event(Act::AuthorityRegistered, octets)?
    })
}

/// What every record has: now, who typed it, and the SHA-256 of the response as it was read.
fn event(act: Act, octets: &[u8]) -> Result<AuditEvent, Failure> {
    // No tenant is known yet: the authority belongs to one once it stands in a configuration.
    let tenant = TenantId::parse("exchange").map_err(|error| Failure::new(Exit::Failed, "tenant", error))?;
    let actor = Actor { tenant: tenant.clone(), identity: Identity::Operator { name: user() } };
    Ok(AuditEvent {
        time: SystemClock.now(),
        tenant,
        actor: actor.to_string(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: Sha256::digest(octets).to_vec(),
    })
}

/// Shows the journal, after its chain was checked.
pub(super) fn journal(exchanges: &Path, printer: &Printer) -> Result<(), Failure> {
    let (trail, records) = ExchangeJournal::read(exchanges)?;
    let view = JournalView {
        records: records.into_iter().map(journal_line).collect(),
        head: hex::encode(trail.head()),
    };
    printer.result(&view, |view| {
        let mut rows = vec![heading(&["NUMBER", "TIME", "ACTOR", "ACT", "REASON", "SHA-256", "DETAIL"])];
        rows.extend(view.records.iter().map(|one| {
            let texts = [&one.time, &one.actor, &one.act, &one.reason, &one.sha256, &one.detail];
            core::iter::once(one.number.to_string()).chain(texts.map(|text| plain(text))).collect()
        }));
        let mut lines = table(&rows);
        lines.push(format!(
            "{} records, each bound to the one before; the last has the SHA-256 {}",
            view.records.len(),
            view.head
        ));
        lines
    });
    Ok(())
}

fn journal_line(record: AuditRecord) -> JournalLine {
    let event = record.event;
    JournalLine {
        number: record.sequence,
        time: event.time.to_string(),
        actor: event.actor,
        act: event.act.name().to_owned(),
        reason: event.reason,
        sha256: hex::encode(event.digest),
        detail: event.detail,
    }
}

/// Reads 64 hexadecimal digits, as fingerprints are shown: in groups of four.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(digits).ok()?.try_into().ok()
}

/// Reads a response, as far as one may go.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let longest = 2 * MessageKind::SubordinateResponse.max_octets() + 1;
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(u64::try_from(longest).unwrap_or(u64::MAX)).read_to_end(&mut octets))
        .map(|_| octets)
        .map_err(|error| {
            Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", path.display()))
        })
}
