//! `meter-pki ca close`: the end of an authority. Its last CRL is signed, then its key is destroyed; no server runs meanwhile.
//!
//! Each step is on record before the next: that the authority is closed and by which CRL, that its key is to be destroyed, that it
//! is. Whatever stops it in between, the same command reads the records and does what is left: what is recorded is not done again,
//! and a key that is gone after its intent is destroyed. Copies of key files, and what a token or a disk keeps inside, are beyond
//! its reach: whoever made copies destroys them.

use std::path::Path;
use std::sync::Arc;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Ledger, StatusSource, Unavailable};
use ca_core::record::CrlRecord;
use ca_store::Store;
use ceremony::words::Fingerprint;
use serde::Serialize;
use utoipa::ToSchema;

use super::config::faulty;
use super::printer::{Printer, aloud};
use crate::cli::CloseArgs;
use crate::compose::{SystemClock, Vault, compose_on, keys, open_vault};
use crate::config::{CheckedAuthority, Config};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_same_or_new};
use crate::operator::wire::words::{KeyName, Serial, Sha256, TimeText};

/// How many records are read at once.
const PER_READ: usize = 1_000;

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClosedAuthority)]
pub(in crate::commands) struct ClosedView {
    authority: String,
    subject: String,
    #[schema(value_type = Serial)]
    serial: String,
    #[schema(value_type = KeyName)]
    key: String,
    last_crl_file: String,
    last_crl_number: u64,
    #[schema(value_type = Sha256)]
    last_crl_sha256: Fingerprint,
    #[schema(value_type = TimeText)]
    last_crl_until: String,
    #[schema(value_type = TimeText)]
    time: String,
}

/// How far the closing of an authority has come, by its records.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    /// SHA-256 of the last CRL, once the authority is closed.
    closed_by: Option<Vec<u8>>,
    /// Whether its key is to be destroyed since then.
    intended: bool,
    destroyed: bool,
}

/// An authority that is being closed.
struct Closing<'a> {
    config: &'a Config,
    one: &'a CheckedAuthority,
    args: &'a CloseArgs,
    vault: Arc<Vault>,
}

/// Closes an authority, or finishes what was cut short.
pub(super) fn close(args: &CloseArgs, file: &Path, printer: &Printer) -> Result<(), Failure> {
    let config = Config::load_in_founding(file).map_err(|error| faulty(&error))?;
    let one = named(&config, args)?;
    // Before anything is done that would be left half done.
    keys::at_hand(&config.keys)?;
    let closing = Closing { config: &config, one, args, vault: Arc::new(open_vault(&config)?) };
    let crl = closing.run()?;
    let sha256 = Fingerprint::new(sha256_of(&crl)?);
    printer.result(&view(one, args, (&crl, sha256)), lines);
    Ok(())
}

/// Finds the authority that is meant, by its name and by the serial number of its certificate.
fn named<'a>(config: &'a Config, args: &CloseArgs) -> Result<&'a CheckedAuthority, Failure> {
    let name = &args.name;
    let one = config.authorities.iter().find(|one| one.name == *name).ok_or_else(|| {
        Failure::new(Exit::NotFound, "authority.unknown", format!("there is no authority called {name}"))
            .then("look at [[authority]] in the configuration")
    })?;
    let serial = one.issuer.certificate().serial().to_string();
    if !serial.eq_ignore_ascii_case(&args.serial) {
        let message =
            format!("the certificate of {name} has the serial number {serial}, not {}", args.serial);
        return Err(Failure::new(Exit::Refused, "close.another-authority", message)
            .then("read the serial number from the certificate"));
    }
    Ok(one)
}

impl Closing<'_> {
    fn run(&self) -> Result<CrlRecord, Failure> {
        if let Some(recovery) = self.vault.recovery() {
            let message = format!("in recovery since {}: {}", recovery.since, recovery.reason);
            return Err(Failure::new(Exit::Unavailable, "store.in-recovery", message)
                .then("meter-pki restore reconcile, then meter-pki restore finish"));
        }
        let key = self.one.issuer.key();
        let mut standing = Standing::of(&self.vault.store, &key)?;
        if standing.destroyed {
            let message = format!("{} was closed before, and its key is destroyed", self.one.name);
            return Err(Failure::new(Exit::Conflict, "close.done", message)
                .then("take its [[authority]] out of the configuration"));
        }
        let latest = self.vault.store.latest_crl(&key).map_err(unavailable)?;
        let closing = latest.map(|crl| Ok((sha256_of(&crl)?, crl))).transpose()?;
        let closed_by = |digest: &[u8; 32]| standing.closed_by.as_deref() == Some(digest.as_slice());
        let crl = match closing.filter(|(digest, _)| closed_by(digest)).map(|(_, crl)| crl) {
            Some(crl) => crl,
            // Not closed, or a server signed another CRL since.
            None => {
                standing.intended = false;
                self.sign_last_crl()?
            }
        };
        if !standing.intended {
            self.record(Act::KeyDestructionIntended, &crl)?;
        }
        // It is in a file of its own before the key that signed it goes.
        let der = crl.der.to_vec().map_err(|error| unavailable(error.into()))?;
        write_same_or_new(&self.args.last_crl, &der)?;
        keys::destroy(&self.config.keys, &key)?;
        self.record(Act::KeyDestroyed, &crl)?;
        Ok(crl)
    }

    fn sign_last_crl(&self) -> Result<CrlRecord, Failure> {
        refuse_existing(&self.args.last_crl)?;
        let keys = keys::open(&self.config.keys, keys::Absence::Fails)?;
        let system = compose_on(Arc::clone(&self.vault), self.config, keys, std::convert::identity)?;
        let served = system.served(&self.one.issuer.key()).ok_or_else(|| {
            Failure::new(Exit::NotFound, "authority.unknown", "the authority is not in service")
        })?;
        let crl = served.publish_last_crl(&self.actor())?;
        self.record(Act::AuthorityClosed, &crl)?;
        Ok(crl)
    }

    fn actor(&self) -> Actor {
        let tenant = self.one.issuer.tenant().clone();
        Actor { tenant, identity: Identity::Operator { name: super::user() } }
    }

    fn record(&self, act: Act, crl: &CrlRecord) -> Result<(), Failure> {
        let (issuer, actor) = (&self.one.issuer, self.actor());
        let digest = if act == Act::AuthorityClosed {
            sha256_of(crl)?.to_vec()
        } else {
            issuer.certificate().public_key().fingerprint().to_vec()
        };
        let event = AuditEvent {
            time: SystemClock.now(),
            actor: actor.to_string(),
            tenant: actor.tenant,
            act,
            issuer: Some(issuer.key()),
            serial: Some(issuer.certificate().serial().clone()),
            reason: String::new(),
            detail: format!(
                "{}; last CRL {} until {}; {}",
                issuer.name(),
                crl.number,
                crl.next_update,
                self.args.reason
            ),
            digest,
        };
        self.vault.store.record_event(event).map_err(unavailable)
    }
}

impl Standing {
    /// Reads the audit trail for what was recorded of an authority's end.
    fn of(store: &Store, key: &KeyRef) -> Result<Self, Failure> {
        let (mut standing, mut after) = (Self::default(), 0_u64);
        loop {
            let records = store.audit_records(after, PER_READ).map_err(unavailable)?;
            if records.is_empty() {
                return Ok(standing);
            }
            for der in &records {
                let record = AuditRecord::from_der(der)
                    .map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
                after = record.sequence;
                if record.event.issuer == Some(*key) {
                    standing.follow(record.event);
                }
            }
        }
    }

    fn follow(&mut self, event: AuditEvent) {
        if event.act == Act::AuthorityClosed {
            *self = Self { closed_by: Some(event.digest), ..Self::default() };
        } else if event.act == Act::KeyDestructionIntended {
            self.intended = true;
        } else if event.act == Act::KeyDestroyed {
            self.destroyed = true;
        }
    }
}

fn unavailable(error: Unavailable) -> Failure {
    Failure::new(Exit::Unavailable, "unavailable", error).then("look at the disk, then repeat")
}

fn sha256_of(crl: &CrlRecord) -> Result<[u8; 32], Failure> {
    crl.der.sha256().map_err(|error| unavailable(error.into()))
}

fn view(
    one: &CheckedAuthority,
    args: &CloseArgs,
    (crl, last_crl_sha256): (&CrlRecord, Fingerprint),
) -> ClosedView {
    ClosedView {
        authority: one.name.clone(),
        subject: one.issuer.name().to_string(),
        serial: one.issuer.certificate().serial().to_string(),
        key: one.issuer.key().to_string(),
        last_crl_file: args.last_crl.display().to_string(),
        last_crl_number: crl.number,
        last_crl_sha256,
        last_crl_until: crl.next_update.to_string(),
        time: SystemClock.now().to_string(),
    }
}

fn lines(view: &ClosedView) -> Vec<String> {
    let mut lines = vec![
        format!("{} is closed, and its key {} is destroyed", view.subject, view.key),
        format!(
            "its last CRL, {} until {}, is in {}",
            view.last_crl_number, view.last_crl_until, view.last_crl_file
        ),
    ];
    lines.extend(aloud("SHA-256 of the last CRL", &view.last_crl_sha256));
    lines.extend([
        "destroy every copy of the key, and the token as its maker says".to_owned(),
        format!(
            "next: take [[authority]] {} out of the configuration and name its certificate in \
             status.closed_authority_files; then offline-root close-subca --serial {} --last-crl {}",
            view.authority, view.serial, view.last_crl_file
        ),
    ]);
    lines
}
