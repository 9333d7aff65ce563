//! What stands in several sections at once because a deployment lacks something that an auditor looks for.

use super::known::Known;
use super::writer::Writer;

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    let config = known.config;
    if config.recovery_key.is_none() {
        writer.asks("5.1.8", "operations", "who makes the recovery key (`meter-pki backup keygen`), who holds its shares, and where do backups go?");
    }
    if config.audit.notary.is_none() {
        writer.asks(
            "5.4.4",
            "operations",
            "which key signs checkpoints of the log, and who keeps them elsewhere?",
        );
    }
    if config.audit.export_directory.is_none() && config.audit.syslog.is_none() {
        writer.asks("5.4.5", "operations", "where is the log copied to, on which other disk or machine?");
    }
    if !config.two_give {
        writer.asks("5.2.2", "the security officer", "is it accepted that one administrator alone gives roles (`operator.people = \"two\"` asks for two)?");
    }
    if !config.operator_users.is_empty() {
        writer.asks("5.2.1", "the security officer", "when will the users named in the configuration be put on record and be taken out of `operator.users`?");
    }
    if config.recovery_key.is_some() {
        writer.asks(
            "5.1.8",
            "operations",
            "who holds the shares of the recovery key, and where do backups go?",
        );
    }
}
