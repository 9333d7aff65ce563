//! `meter-pki ca close`: the end of an authority. Its last CRL is signed, then its key is destroyed; no server runs meanwhile.
//!
//! Each step is on record before the next: the last CRL, that the authority is closed, that its key is to be destroyed, that it
//! is. Copies of key files, and what a token or a disk keeps inside, are beyond its reach: whoever made copies destroys them.

use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::record::CrlRecord;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::ceremony::{refuse_existing, write_new};
use super::config::faulty;
use super::printer::Printer;
use crate::cli::CloseArgs;
use crate::compose::{ServedAuthority, System, compose, keys};
use crate::config::Config;
use crate::exit::{Exit, Failure};

/// What was done.
#[derive(Debug, Serialize)]
struct ClosedView {
    authority: String,
    subject: String,
    serial: String,
    key: String,
    last_crl_file: String,
    last_crl_number: u64,
    last_crl_sha256: String,
    last_crl_until: String,
    time: String,
}

/// Closes an authority.
pub(super) fn close(args: &CloseArgs, file: &Path, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.last_crl)?;
    let config = Config::load_in_founding(file).map_err(|error| faulty(&error))?;
    let system = compose(&config, std::convert::identity)?;
    let served = named(&system, args)?;
    let tenant = served.authority.issuer().tenant().clone();
    let actor = Actor { tenant, identity: Identity::Operator { name: super::user() } };
    let crl = served.publish_last_crl(&actor)?;
    // It is in a file of its own before the key that signed it goes.
    write_new(&args.last_crl, &crl.der)?;
    for act in [Act::AuthorityClosed, Act::KeyDestructionIntended] {
        record(&system, served, (&actor, act), (args, &crl))?;
    }
    keys::destroy(&config.keys, &served.key())?;
    record(&system, served, (&actor, Act::KeyDestroyed), (args, &crl))?;
    printer.result(&view(&system, served, args, &crl), lines);
    Ok(())
}

/// Finds the authority that is meant, by its name and by the serial number of its certificate.
fn named<'a>(system: &'a System, args: &CloseArgs) -> Result<&'a ServedAuthority, Failure> {
    if let Some(recovery) = system.vault.recovery() {
        let message = format!("in recovery since {}: {}", recovery.since, recovery.reason);
        return Err(Failure::new(Exit::Unavailable, "store.in-recovery", message)
            .then("meter-pki restore reconcile, then meter-pki restore finish"));
    }
    let name = &args.name;
    let served = system.authorities.iter().find(|served| served.name == *name).ok_or_else(|| {
        Failure::new(Exit::NotFound, "authority.unknown", format!("there is no authority called {name}"))
            .then("look at [[authority]] in the configuration")
    })?;
    let serial = served.authority.issuer().certificate().serial().to_string();
    if !serial.eq_ignore_ascii_case(&args.serial) {
        let message =
            format!("the certificate of {name} has the serial number {serial}, not {}", args.serial);
        return Err(Failure::new(Exit::Refused, "close.another-authority", message)
            .then("read the serial number from the certificate"));
    }
    Ok(served)
}

fn record(
    system: &System,
    served: &ServedAuthority,
    (actor, act): (&Actor, Act),
    (args, crl): (&CloseArgs, &CrlRecord),
) -> Result<(), Failure> {
    let issuer = served.authority.issuer();
    let digest = if act == Act::AuthorityClosed {
        Sha256::digest(&crl.der).to_vec()
    } else {
        issuer.certificate().public_key().fingerprint().to_vec()
    };
    let event = AuditEvent {
        time: system.clock.now(),
        tenant: issuer.tenant().clone(),
        actor: actor.to_string(),
        act,
        issuer: Some(issuer.key()),
        serial: Some(issuer.certificate().serial().clone()),
        reason: String::new(),
        detail: format!(
            "{}; last CRL {} until {}; {}",
            issuer.name(),
            crl.number,
            crl.next_update,
            args.reason
        ),
        digest,
    };
    system.ports.ledger.record_event(event).map_err(|error| {
        Failure::new(Exit::Unavailable, "unavailable", error).then("look at the disk, then repeat")
    })
}

fn view(system: &System, served: &ServedAuthority, args: &CloseArgs, crl: &CrlRecord) -> ClosedView {
    ClosedView {
        authority: served.name.clone(),
        subject: served.authority.issuer().name().to_string(),
        serial: served.authority.issuer().certificate().serial().to_string(),
        key: served.key().to_string(),
        last_crl_file: args.last_crl.display().to_string(),
        last_crl_number: crl.number,
        last_crl_sha256: hex::encode(Sha256::digest(&crl.der)),
        last_crl_until: crl.next_update.to_string(),
        time: system.clock.now().to_string(),
    }
}

fn lines(view: &ClosedView) -> Vec<String> {
    vec![
        format!("{} is closed, and its key {} is destroyed", view.subject, view.key),
        format!(
            "its last CRL, {} until {}, is in {}",
            view.last_crl_number, view.last_crl_until, view.last_crl_file
        ),
        format!("SHA-256: {}", view.last_crl_sha256),
        "destroy every copy of the key, and the token as its maker says".to_owned(),
        format!(
            "next: take [[authority]] {} out of the configuration and name its certificate in \
             status.closed_authority_files; then offline-root close-subca --serial {} --last-crl {}",
            view.authority, view.serial, view.last_crl_file
        ),
    ]
}
