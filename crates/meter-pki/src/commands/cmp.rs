//! `meter-pki cmp`: the CMP client of gateways, hand-held units and registration authorities.
//!
//! It asks any authority, and never the ledger; over HTTP, or by files that somebody carries.

pub(super) mod general;
mod enrolment;
mod talk;
mod peer;
mod failure;

pub(super) use enrolment::read_request;

use std::path::Path;

use ca_core::distinguished_name::DistinguishedName;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use cmp_client::{Operation, Outcome, Question, Revocation, RevocationChange};
use serde::Serialize;
use utoipa::ToSchema;

use self::peer::{Peer, one_certificate};
use self::talk::{Got, Talk};
use super::printer::Printer;
use crate::cli::cmp::{CmpCommand, RevocationArgs};
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::Serial;

/// A message that waits in a file for somebody to carry it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpMessageWritten)]
pub(in crate::commands) struct WrittenView {
    file: String,
    deliver_after_seconds: Option<u64>,
}

/// A certificate that was revoked, or taken off hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpRevoked)]
pub(in crate::commands) struct RevokedView {
    #[schema(value_type = Serial)]
    serial: String,
    issuer: String,
    reason: String,
    /// Whether it was so before it was asked for.
    before: bool,
}

pub(super) async fn run(verb: &CmpCommand, printer: &Printer) -> Result<(), Failure> {
    match verb {
        CmpCommand::Ir(args) => enrolment::enrol(args, Operation::Initialization, printer).await,
        CmpCommand::Cr(args) => enrolment::enrol(args, Operation::Certification, printer).await,
        CmpCommand::P10cr(args) => enrolment::pkcs10(args, printer).await,
        CmpCommand::Kur(args) => enrolment::update(args, printer).await,
        CmpCommand::Rr(args) => revoke(args, printer).await,
        CmpCommand::Genm(args) => general::ask(args, printer).await,
    }
}

async fn revoke(args: &RevocationArgs, printer: &Printer) -> Result<(), Failure> {
    let peer = Peer::of(&args.peer, None)?;
    let (issuer, serial) = to_revoke(args, &peer)?;
    let change = change(&args.reason)?;
    let talk = Talk::new(&peer, &args.peer, Operation::Revocation, None)?;
    let revocation = Revocation { issuer: &issuer, serial: &serial, change };
    match talk.go_on(|| peer.client.begin(&Question::Revocation(revocation))).await? {
        Got::Written { file, after } => written(&file, after, printer),
        Got::Outcome(outcome) => {
            let view = RevokedView {
                serial: serial.to_string(),
                issuer: issuer.to_string(),
                reason: args.reason.clone(),
                before: outcome == Outcome::RevokedBefore,
            };
            printer.result(&view, |view| {
                vec![match change {
                    RevocationChange::Revoke(_) if view.before => {
                        format!(
                            "certificate {} was revoked before, or is on hold; nothing has changed",
                            view.serial
                        )
                    }
                    RevocationChange::Revoke(ReasonCode::CertificateHold) => {
                        format!("certificate {} is on hold", view.serial)
                    }
                    RevocationChange::Revoke(_) => {
                        format!("certificate {} is revoked: {}", view.serial, view.reason)
                    }
                    RevocationChange::TakeOffHold => {
                        format!("certificate {} is off hold", view.serial)
                    }
                }]
            });
            talk.over();
        }
    }
    Ok(())
}

fn to_revoke(args: &RevocationArgs, peer: &Peer) -> Result<(DistinguishedName, SerialNumber), Failure> {
    if let (Some(serial), Some(issuer)) = (&args.serial, &args.issuer) {
        let serial =
            SerialNumber::parse(serial).map_err(|error| Failure::new(Exit::Usage, "serial.faulty", error))?;
        return Ok((one_certificate(issuer)?.subject().clone(), serial));
    }
    let certificate = match (&args.certificate, &peer.held) {
        (Some(file), _) => one_certificate(file)?,
        (None, Some(held)) => held.clone(),
        (None, None) => {
            let message = "--certificate, or --serial and --issuer, say what is to be revoked";
            return Err(Failure::new(Exit::Usage, "certificate.missing", message));
        }
    };
    Ok((certificate.issuer().clone(), certificate.serial().clone()))
}

fn change(reason: &str) -> Result<RevocationChange, Failure> {
    if reason == "removeFromCRL" {
        return Ok(RevocationChange::TakeOffHold);
    }
    ReasonCode::from_name(reason).map(RevocationChange::Revoke).ok_or_else(|| {
        let known: Vec<&str> = ReasonCode::ALL.into_iter().map(ReasonCode::name).collect();
        Failure::new(Exit::Usage, "reason.unknown", format!("{reason:?} is no reason of RFC 5280"))
            .then(format!("one of {}, removeFromCRL", known.join(", ")))
    })
}

/// Says that a message waits in a file.
fn written(file: &Path, after: Option<u64>, printer: &Printer) {
    let view = WrittenView { file: file.display().to_string(), deliver_after_seconds: after };
    printer.result(&view, |view| {
        let when = view.deliver_after_seconds.map(|seconds| format!(", not before {seconds} s are over"));
        vec![
            format!("the message is in {}: bring it to the authority{}", view.file, when.unwrap_or_default()),
            "go on with its answer by --in-response FILE.pki".to_owned(),
        ]
    });
}
