//! The ledger, its audit log, backups, and the server as a whole.

use super::super::facts::{Configured, Facts, Served};
use super::super::{Check, Finding, Judge, Severity};
use super::{DAY, HOUR, at, check};

pub(super) const CHECKS: &[Check] = &[
    check("doctor.server.nobody", Severity::Fault, "somebody serves", Judge::Always(nobody)),
    check(
        "doctor.server.unanswered",
        Severity::Fault,
        "the server answered everything it was asked",
        Judge::Served(unanswered),
    ),
    check(
        "doctor.server.unwell",
        Severity::Fault,
        "every part of the server says that it is well",
        Judge::Served(unwell),
    ),
    check("doctor.server.panics", Severity::Fault, "no request made the server panic", Judge::Served(panics)),
    check(
        "doctor.store.recovery",
        Severity::Fault,
        "the ledger is in service, and not in recovery",
        Judge::Served(recovery),
    ),
    check(
        "doctor.store.format",
        Severity::Fault,
        "the ledger's format is the one of this program",
        Judge::Always(format),
    ),
    check(
        "doctor.audit.no-checkpoint",
        Severity::Warning,
        "a key signs checkpoints of the audit log",
        Judge::Configured(no_checkpoint),
    ),
    check(
        "doctor.audit.no-copy",
        Severity::Warning,
        "the audit log is copied somewhere",
        Judge::Configured(no_copy),
    ),
    check(
        "doctor.audit.checkpoint",
        Severity::Fault,
        "a checkpoint of all records was signed just now, and verifies",
        Judge::Served(checkpoint),
    ),
    check("doctor.audit.tail", Severity::Fault, "the last audit records hold together", Judge::Served(tail)),
    check(
        "doctor.audit.copy-behind",
        Severity::Warning,
        "the exported log has every audit record",
        Judge::Served(copy_behind),
    ),
    check(
        "doctor.audit.copy-ahead",
        Severity::Fault,
        "the exported log has no record that the ledger lacks",
        Judge::Served(copy_ahead),
    ),
    check(
        "doctor.audit.checkpoint-age",
        Severity::Warning,
        "the last checkpoint in the exported log is of its last records",
        Judge::Served(checkpoint_age),
    ),
    check(
        "doctor.audit.differs",
        Severity::Warning,
        "the last reconciliation with meters found no difference",
        Judge::Served(reconciliation),
    ),
    check(
        "doctor.backup.no-key",
        Severity::Warning,
        "backups can be made: there is a recovery key",
        Judge::Configured(no_recovery_key),
    ),
    check(
        "doctor.backup.age",
        Severity::Warning,
        "the last backup is younger than a week",
        Judge::Served(backup_age),
    ),
];

fn nobody(facts: &Facts) -> Vec<Finding> {
    if facts.served.is_some() {
        return Vec::new();
    }
    let says = "nobody answers on the operator's socket: nothing is issued, and no CRL is renewed";
    vec![Finding::fault(
        says,
        "start `meter-pki serve` with the same --config; run this as a user whom the server lets in",
    )]
}

fn unanswered(_: &Facts, served: &Served) -> Vec<Finding> {
    let questions = served.unanswered.iter();
    questions
        .map(|(what, why)| {
            Finding::fault(format!("{what}: {why}"), "read the server's log, then repeat this")
        })
        .collect()
}

/// The token has a check of its own.
fn unwell(_: &Facts, served: &Served) -> Vec<Finding> {
    let parts = served.unwell.iter().filter(|(name, ..)| name != "signer");
    parts
        .map(|(name, failed, reason)| {
            let says = format!("{name}: {reason}");
            let next = "docs/operate/failures.md tells of each part";
            if *failed { Finding::fault(says, next) } else { Finding::warning(says, next) }
        })
        .collect()
}

fn panics(_: &Facts, served: &Served) -> Vec<Finding> {
    let panics = served.metric("pki_panics_total");
    if panics <= 0.0 {
        return Vec::new();
    }
    let says = format!("requests made the server panic {panics} times since it was started");
    vec![Finding::fault(says, "keep its log, and report it: SECURITY.md says how")]
}

fn recovery(_: &Facts, served: &Served) -> Vec<Finding> {
    let recovery = served.recovery.iter();
    recovery
        .map(|(since, why)| {
            let says = format!("the ledger is in recovery since {since}, and issues nothing: {why}");
            Finding::fault(says, "meter-pki restore reconcile; docs/operate/backup.md")
        })
        .collect()
}

fn format(facts: &Facts) -> Vec<Finding> {
    match &facts.files.ledger_format {
        Some((there, ours)) if there != ours => {
            let says = format!("the ledger has format {there}, and this program works on {ours}");
            vec![Finding::fault(says, "use the program that belongs to the ledger; docs/operate/failures.md")]
        }
        Some(_) | None => Vec::new(),
    }
}

fn no_checkpoint(_: &Facts, configured: &Configured) -> Vec<Finding> {
    if configured.checkpoint_key.is_some() {
        return Vec::new();
    }
    let says = "nothing signs checkpoints: a tail of the audit log that was cut off would not be seen";
    vec![Finding::warning(
        says,
        "meter-pki audit key, then audit.checkpoint_key and audit.origin; docs/operate/audit.md",
    )]
}

fn no_copy(_: &Facts, configured: &Configured) -> Vec<Finding> {
    if configured.copied {
        return Vec::new();
    }
    let says = "the audit log is nowhere but in the ledger: what is lost after the last backup cannot be known again";
    vec![Finding::warning(says, "set audit.export_directory to another disk; docs/operate/audit.md")]
}

const STOP: &str = "stop issuing, keep the store and the export as they are, and call the auditor";

fn checkpoint(_: &Facts, served: &Served) -> Vec<Finding> {
    let broken = served.broken_checkpoint.iter();
    broken.map(|why| Finding::fault(why.clone(), "meter-pki audit verify")).collect()
}

fn tail(_: &Facts, served: &Served) -> Vec<Finding> {
    served.broken_tail.iter().map(|why| Finding::fault(why.clone(), STOP)).collect()
}

/// The copy is made five times a second; so many records come meanwhile at the most.
const ON_THE_WAY: u64 = 5_000;

fn copy_behind(facts: &Facts, served: &Served) -> Vec<Finding> {
    let (Some(exported), Some((last, _))) = (facts.files.exported, served.last_record) else {
        return Vec::new();
    };
    let lacks = last.saturating_sub(exported);
    if lacks <= ON_THE_WAY {
        return Vec::new();
    }
    let says = format!("the exported log lacks {lacks} of {last} audit records");
    vec![Finding::warning(says, "look at the disk of audit.export_directory, and at the server's log")]
}

fn copy_ahead(facts: &Facts, served: &Served) -> Vec<Finding> {
    // The ledger was asked after the file was read: it can only have more.
    let (Some(exported), Some((last, _))) = (facts.files.exported, served.last_record) else {
        return Vec::new();
    };
    if exported <= last {
        return Vec::new();
    }
    let says = format!(
        "the exported log has {exported} audit records and the ledger {last}: the ledger is an older copy"
    );
    vec![Finding::fault(says, STOP)]
}

fn checkpoint_age(facts: &Facts, served: &Served) -> Vec<Finding> {
    let Some((last, time)) = served.last_record else { return Vec::new() };
    let Some(signed) = facts.files.checkpointed.filter(|signed| *signed < last) else { return Vec::new() };
    let age = facts.now - time;
    if last - signed <= ON_THE_WAY && age < 60 {
        return Vec::new();
    }
    let says = format!(
        "the last exported checkpoint tells of {signed} of {last} audit records, the last {age} s old"
    );
    vec![Finding::warning(says, "look at the key of checkpoints and its token: meter-pki audit checkpoint")]
}

fn reconciliation(_: &Facts, served: &Served) -> Vec<Finding> {
    let differences = served.metric("pki_reconciliation_differences_total");
    if differences <= 0.0 {
        return Vec::new();
    }
    let says = format!("reconciliations found {differences} differences since the server was started");
    vec![Finding::warning(
        says,
        "meter-pki device reconcile; docs/operate/devices.md tells what each difference means",
    )]
}

fn no_recovery_key(_: &Facts, configured: &Configured) -> Vec<Finding> {
    if configured.recovery_key {
        return Vec::new();
    }
    let says = "the configuration names no recovery key: no backup can be made";
    vec![Finding::warning(says, "meter-pki backup keygen --shares 2-of-3 DIR; docs/operate/backup.md")]
}

fn backup_age(facts: &Facts, served: &Served) -> Vec<Finding> {
    let next = "meter-pki backup create FILE; docs/operate/backup.md";
    match served.last_backup {
        None => vec![Finding::warning("the audit log tells of no backup", next)],
        Some(time) if facts.now - time > 7 * DAY => {
            let hours = (facts.now - time) / HOUR;
            vec![Finding::warning(format!("the last backup is of {}, {hours} hours ago", at(time)), next)]
        }
        Some(_) => Vec::new(),
    }
}
