//! `meter-pki restore begin`, `restore reconcile` and `restore finish`: without a server, on a ledger that nobody uses.

use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::ports::{Clock, StatusSource};
use ca_store::{EngineKind, Installation, Places, Recovery, ReplayReport, Store};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::backup::failure;
use super::config::faulty;
use super::printer::Printer;
use crate::backup::unpack::{Destination, unpack};
use crate::cli::BeginArgs;
use crate::compose::{SystemClock, open_store, random_id};
use crate::config::{Config, ENGINES};
use crate::exit::{Exit, Failure};
use crate::exported_log::{ClaimError, ExportedLog, Line, LogError};
use crate::operator::wire::words::TimeText;

/// The ledger that was taken out of the backup.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoreBegun)]
pub(in crate::commands) struct BegunView {
    store: String,
    engine: String,
    #[schema(value_type = TimeText)]
    created_at: String,
    sequence: u64,
}

/// Makes a ledger, in recovery, of a backup.
pub(super) fn begin(args: &BeginArgs, file: &Path, printer: &Printer) -> Result<(), Failure> {
    let named = args.engine.as_deref().map(|name| {
        EngineKind::from_name(name).ok_or_else(|| {
            Failure::new(Exit::Usage, "store.engine", format!("there is no engine {name}")).then(ENGINES)
        })
    });
    let (directory, engine, database) = match (&args.store, named.transpose()?) {
        (Some(store), Some(engine)) if engine != EngineKind::Postgres => (store.clone(), engine, None),
        (store, engine) => {
            let place = Config::store_place(file).map_err(|error| faulty(&error))?;
            let database = place.database.map(|checked| checked.database);
            (store.clone().unwrap_or(place.directory), engine.unwrap_or(place.engine), database)
        }
    };
    let database = database.as_ref().filter(|_| engine == EngineKind::Postgres);
    let destination = Destination {
        directory: &directory,
        engine,
        database,
        installation: random_id()?,
        now: SystemClock.now(),
    };
    let unpacked = unpack(&args.file, &args.shares, &destination).map_err(|error| failure(&error))?;
    let view = BegunView {
        store: directory.display().to_string(),
        engine: engine.to_string(),
        created_at: unpacked.manifest.created_at,
        sequence: unpacked.manifest.sequence,
    };
    printer.result(&view, |view| {
        vec![
            format!(
                "{} on {}: as of {}, audit record {}, in recovery",
                view.store, view.engine, view.created_at, view.sequence
            ),
            "next: meter-pki restore reconcile".to_owned(),
        ]
    });
    Ok(())
}

/// A certificate that the log has and the ledger has not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MissingCertificate)]
pub(in crate::commands) struct MissingView {
    record: u64,
    issuer: String,
    serial: String,
    detail: String,
}

/// What has to be brought in by hand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnrestoredRecord)]
pub(in crate::commands) struct UnrestoredView {
    record: u64,
    act: String,
    detail: String,
}

/// What the log knows and the restored ledger does not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoreReconciled)]
pub(in crate::commands) struct ReconciledView {
    ledger: u64,
    log: u64,
    applied: bool,
    missing: Vec<MissingView>,
    records: u64,
    certificates: u64,
    burned: u64,
    revocations: u64,
    crl_numbers: u64,
    unrestored: Vec<UnrestoredView>,
}

/// Compares the ledger with the log, and takes in what the ledger lacks.
pub(super) fn reconcile(
    file: &Path,
    export: Option<&Path>,
    apply: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let site = Site::open(file, export)?;
    let log = site.log.as_ref().ok_or_else(no_log)?;
    let ledger = same_history(&site.store, log)?;
    log.check(site.config.audit.notary.as_ref().map(|(key, _)| *key)).map_err(|error| unusable(&error))?;
    let mut view = ReconciledView {
        ledger,
        log: log.last().map_err(|error| unusable(&error))?.map_or(0, |line| line.sequence),
        applied: apply,
        missing: Vec::new(),
        records: 0,
        certificates: 0,
        burned: 0,
        revocations: 0,
        crl_numbers: 0,
        unrestored: Vec::new(),
    };
    for line in log.after(ledger).map_err(|error| unusable(&error))? {
        view.missing.extend(missing(&line.map_err(|error| unusable(&error))?)?);
    }
    if apply {
        let tail = log.after(ledger).map_err(|error| unusable(&error))?;
        let records = tail.map(|line| line.map(|line| line.record));
        let report = site.store.replay(records, &places(&site.config)).map_err(|error| {
            Failure::new(Exit::Integrity, "restore.misfit", error)
                .then("keep ledger and log as they are, and call")
        })?;
        view.take(report);
    }
    printer.result(&view, lines);
    Ok(())
}

impl ReconciledView {
    fn take(&mut self, report: ReplayReport) {
        self.records = report.records;
        self.certificates = report.certificates;
        self.burned = report.burned;
        self.revocations = report.revocations;
        self.crl_numbers = report.crl_numbers;
        self.unrestored = report
            .unrestored
            .into_iter()
            .map(|one| UnrestoredView {
                record: one.sequence,
                act: one.act.name().to_owned(),
                detail: one.detail,
            })
            .collect();
    }
}

fn lines(view: &ReconciledView) -> Vec<String> {
    let mut lines = vec![format!(
        "the ledger ends with audit record {}, the exported log with {}",
        view.ledger, view.log
    )];
    lines.extend(view.missing.iter().map(|one| {
        format!(
            "missing: certificate {} of {} ({}), record {}",
            one.serial, one.issuer, one.detail, one.record
        )
    }));
    if view.applied {
        lines.push(format!(
            "taken in: {} records, {} certificates, {} revocations, {} burned numbers, {} CRL numbers",
            view.records, view.certificates, view.revocations, view.burned, view.crl_numbers
        ));
        lines.extend(view.unrestored.iter().map(|one| {
            format!("bring in again by hand: {} ({}), record {}", one.act, one.detail, one.record)
        }));
        lines.push("next: meter-pki restore finish".to_owned());
    } else {
        lines.push("nothing was changed; next: meter-pki restore reconcile --apply".to_owned());
    }
    lines
}

fn missing(line: &Line) -> Result<Option<MissingView>, Failure> {
    let record = AuditRecord::from_der(&line.record.der)
        .map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
    let event = record.event;
    Ok(event.act.brings_certificate().then(|| MissingView {
        record: record.sequence,
        issuer: event.issuer.map(|issuer| issuer.to_string()).unwrap_or_default(),
        serial: event.serial.map(|serial| serial.to_string()).unwrap_or_default(),
        detail: event.detail,
    }))
}

/// Where the ledger and the log are the same for as long as both go; returns where the ledger ends.
fn same_history(store: &Store, log: &ExportedLog) -> Result<u64, Failure> {
    let end = store.audit_end().map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    let last = log.last().map_err(|error| unusable(&error))?.ok_or_else(no_log)?;
    let common = end.sequence().min(last.sequence);
    let ours = store
        .audit_records(common.saturating_sub(1), 1)
        .map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    let ours: Option<[u8; 32]> = ours.first().map(|der| Sha256::digest(der).into());
    let line = log.after(common.saturating_sub(1)).map_err(|error| unusable(&error))?.next();
    let exported = line.transpose().map_err(|error| unusable(&error))?.map(|line| line.head());
    if common == 0 || ours == exported {
        return Ok(end.sequence());
    }
    let message = format!(
        "audit record {common} of the ledger is not that of the exported log: ledger and log are of different histories"
    );
    Err(Failure::new(Exit::Integrity, "restore.other-history", message)
        .then("restore the backup that belongs to this log, or name the log that belongs to this ledger with --export"))
}

/// Which place a certificate holds, by the profiles of the configuration.
fn places(config: &Config) -> Places {
    let offered = config.authorities.iter().flat_map(|one| &one.offers).map(|offer| &offer.profile);
    offered.map(|profile| (profile.id().clone(), (profile.parts().hierarchy, profile.purpose()))).collect()
}

/// With what the restored ledger serves again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RestoreFinished)]
pub(in crate::commands) struct FinishedView {
    epoch: u64,
    void_tokens: u64,
    with_log: bool,
}

/// Ends the recovery.
pub(super) fn finish(
    file: &Path,
    export: Option<&Path>,
    without_log: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let site = Site::open(file, export)?;
    let known = site.log.as_ref().filter(|_| !without_log);
    let reason = match (known, without_log) {
        (_, true) if site.log.as_ref().is_some_and(is_there) => return Err(log_is_there()),
        (_, true) => "without an exported log: certificates may exist that are not on record".to_owned(),
        (Some(log), false) => reconciled(&site, log)?,
        (None, false) => return Err(no_log()),
    };
    let epoch = site.installation.epoch.saturating_add(1);
    if let Some(log) = &site.log {
        claim(log, Installation { id: site.installation.id, epoch })?;
    }
    let actor =
        Actor { tenant: site.config.tenant.clone(), identity: Identity::Operator { name: super::user() } };
    let event = AuditEvent {
        time: SystemClock.now(),
        tenant: actor.tenant.clone(),
        actor: actor.to_string(),
        act: Act::RecoveryEnded,
        issuer: None,
        serial: None,
        reason: if without_log { "without-log".to_owned() } else { String::new() },
        detail: reason,
        digest: Vec::new(),
    };
    let void_tokens = site
        .store
        .leave_recovery(epoch, event)
        .map_err(|error| Failure::new(Exit::Failed, "restore.not-finished", error))?;
    printer.result(&FinishedView { epoch, void_tokens, with_log: !without_log }, |view| {
        let mut lines = vec![format!("recovery is over; epoch {}, {} unspent tokens are void", view.epoch, view.void_tokens)];
        if !view.with_log {
            lines.push(
                "WARNING: what was issued, revoked or imported after the backup is not on record: certificates may be in use \
                 whose status nobody can tell. Tell the auditor, and re-enrol what does not appear in `meter-pki cert list`"
                    .to_owned(),
            );
        }
        lines.push("next: meter-pki serve".to_owned());
        lines
    });
    Ok(())
}

/// The log was taken in to its end.
fn reconciled(site: &Site, log: &ExportedLog) -> Result<String, Failure> {
    let ledger = same_history(&site.store, log)?;
    let end = log.last().map_err(|error| unusable(&error))?.map_or(0, |line| line.sequence);
    if end > ledger {
        let message = format!(
            "the exported log has {} audit records that the ledger has not",
            end.saturating_sub(ledger)
        );
        return Err(Failure::new(Exit::Refused, "restore.not-reconciled", message)
            .then("meter-pki restore reconcile --apply; only when the log is lost: meter-pki restore finish --without-log"));
    }
    Ok(format!("reconciled with the exported log up to audit record {ledger}"))
}

/// The new epoch is ours alone, and nobody issues under the old one.
fn claim(log: &ExportedLog, next: Installation) -> Result<(), Failure> {
    let refused = |error: ClaimError| {
        Failure::new(Exit::Conflict, "epoch.taken", error)
            .then("end the other copy for good, then meter-pki restore reconcile --apply")
    };
    // An epoch that nobody ever claimed has no file, and nobody to stop.
    match log.hold(next.epoch.saturating_sub(1)) {
        Err(error @ ClaimError::InUse { .. }) => return Err(refused(error)),
        Ok(_) | Err(ClaimError::Taken { .. } | ClaimError::Io { .. }) => {}
    }
    log.claim(next).map_err(refused)
}

/// A ledger in recovery, nobody else using it, and the log beside it.
struct Site {
    config: Config,
    store: Store,
    installation: Installation,
    log: Option<ExportedLog>,
}

impl Site {
    fn open(file: &Path, export: Option<&Path>) -> Result<Self, Failure> {
        let config = Config::load_in_founding(file).map_err(|error| faulty(&error))?;
        let log = export.or(config.audit.export_directory.as_deref()).map(ExportedLog::new);
        // A copy of files that is behind its log is put into recovery by this very opening.
        let (store, _) = open_store(&config, SystemClock.now(), log.as_ref())?;
        let installation = store.installation().ok().flatten();
        let Some((installation, _)) =
            installation.zip(store.recovery().map(|recovery: &Recovery| recovery.since))
        else {
            return Err(Failure::new(
                Exit::Conflict,
                "restore.not-in-recovery",
                "the ledger is not in recovery",
            )
            .then("meter-pki serve"));
        };
        Ok(Self { config, store, installation, log })
    }
}

fn no_log() -> Failure {
    let message = "no exported audit log is named, or nothing was exported to it";
    Failure::new(Exit::Usage, "restore.no-log", message).then(
        "name its directory with --export or as audit.export_directory; only when it is lost: meter-pki restore finish --without-log",
    )
}

/// Tells whether there is a log, damaged or not.
fn is_there(log: &ExportedLog) -> bool {
    !matches!(log.last(), Ok(None))
}

/// A ledger that goes on beside a log that it does not know would be of another history than that log for ever.
fn log_is_there() -> Failure {
    Failure::new(Exit::Refused, "restore.log-is-there", "there is an exported log, which the ledger has not taken in").then(
        "meter-pki restore reconcile --apply; where the log cannot be used, move it away, keep it for the auditor, and begin with \
         an empty export directory",
    )
}

fn unusable(error: &LogError) -> Failure {
    Failure::new(Exit::Integrity, "restore.log-damaged", error)
        .then("take another copy of the exported log, and name its directory with --export")
}
