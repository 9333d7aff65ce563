//! Section 5: roles, the log and backups, as far as the configuration decides them.

use ca_core::people::Role;
use policies::described::length;

use super::known::{Known, people};
use super::writer::Writer;
use crate::config::Collector;

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    roles(known, writer);
    audit(known, writer);
    backup(known, writer);
}

fn roles(known: &Known<'_>, writer: &mut Writer) {
    let config = known.config;
    let rows = Role::ALL.into_iter().map(|role| {
        let permissions: Vec<&str> = role.permissions().iter().map(|permission| permission.name()).collect();
        let alone =
            if role.is_exclusive() { "with no other role" } else { "with others that are not held alone" };
        vec![format!("`{}`", role.name()), permissions.join(", "), alone.to_owned()]
    });
    writer.says(
        "5.2.1",
        "Each person is on record once, with roles, for one tenant or for all, on whose word and until when:",
    );
    writer.table("5.2.1", &["role", "may", "held"], rows);
    let unrecorded = match config.operator_users.len() {
        0 => "Who runs the server, and root, may do everything as long as nobody put them on record."
            .to_owned(),
        count => format!(
            "Who runs the server, root, and {count} users named in the configuration may do everything as long as nobody put them on record."
        ),
    };
    writer.says("5.2.1", unrecorded);
    let orders = match config.orders.two_people_from {
        0 => "one".to_owned(),
        1 => "two".to_owned(),
        count => format!("one; two from {count} certificates on"),
    };
    let rows = [
        [
            "a role or a credential is given".to_owned(),
            if config.two_give { "two administrators" } else { "one administrator" }.to_owned(),
        ],
        ["certificates are revoked, released or swapped".to_owned(), orders],
        [
            "a visit of a technician".to_owned(),
            format!("who opens it, and {}", people(config.visit_approvals)),
        ],
        [
            "a role in an emergency".to_owned(),
            format!(
                "two people with different roles, for {} hours at most; an auditor reviews it",
                config.break_glass_hours
            ),
        ],
        ["a request that waits".to_owned(), "as 4.2.2 says".to_owned()],
        ["a ceremony of the root".to_owned(), "as its ceremony file says".to_owned()],
    ];
    writer.table("5.2.2", &["task", "people"], rows.map(|row| row.to_vec()));
    let mut ways =
        vec!["the user id of a Unix socket of the server's machine, which the kernel tells".to_owned()];
    if let Some(door) = &config.operator_door {
        let profiles: Vec<String> = config.operator_profiles.iter().map(|name| format!("`{name}`")).collect();
        ways.push(format!(
            "a client certificate of {} over TLS 1.3 at {}",
            profiles.join(" or "),
            known.own(door.listen, "an address and port")
        ));
        if let Some(sign_in) = &door.sign_in {
            let factors = &sign_in.expected;
            let strong = match (factors.acr_values.is_empty(), factors.amr_values.is_empty()) {
                (true, true) => String::new(),
                _ => format!(", with acr {:?} and amr {:?}", factors.acr_values, factors.amr_values),
            };
            ways.push(format!("a token of the identity provider `{}`{strong}", factors.issuer));
        }
    }
    writer.says("5.2.3", format!("A person is known by a credential on record: {}.", ways.join("; ")));
}

fn audit(known: &Known<'_>, writer: &mut Writer) {
    let audit = &known.config.audit;
    let notary = match &audit.notary {
        Some((key, origin)) => format!(
            "Checkpoints of the log `{origin}` are signed by the key {}, which signs nothing else.",
            known.own(key, "name of a key")
        ),
        None => "No checkpoint is signed: `audit.checkpoint_key` is not configured.".to_owned(),
    };
    writer.says("5.4.4", notary);
    let export = match &audit.export_directory {
        Some(directory) => format!("The log is copied to files in {}.", known.place(directory)),
        None => "The log is copied nowhere: `audit.export_directory` is not configured.".to_owned(),
    };
    let collector = match &audit.syslog {
        Some(Collector::Tcp(address)) => format!(" It goes to the collector `{address}` (RFC 6587)."),
        Some(Collector::Unix(path)) => format!(" It goes to the socket {}.", known.place(path)),
        None => String::new(),
    };
    writer.says(
        "5.4.5",
        format!(
            "{export}{collector} While a copy lacks more than {} records nothing new is issued.",
            audit.allowance
        ),
    );
    let inside = "Inside: the program writes each record in the transaction of the act.";
    writer.says(
        "5.4.6",
        if audit.syslog.is_some() {
            format!("{inside} A copy goes to a collector outside (5.4.5).")
        } else {
            inside.to_owned()
        },
    );
}

fn backup(known: &Known<'_>, writer: &mut Writer) {
    let said = match &known.config.recovery_key {
        Some(_) => {
            "Backups of the ledger and the configuration are encrypted with a recovery key, whose private half exists in shares that people \
             hold; the server can make a backup and cannot read one. Keys are in none."
        }
        None => "No recovery key is configured (`backup.recovery_key_file`), so that no backup can be made.",
    };
    writer.says("5.1.8", said);
    writer.says("5.5.4", said);
    let store = &known.config.store;
    let place = match &store.database {
        Some(database) => format!("in PostgreSQL, shared by nodes of which this one is `{}`", database.node),
        None => format!("in {}, by the engine `{}`", known.place(&store.directory), store.engine),
    };
    writer.says("5.5.1", format!("The ledger keeps {place}: intents, certificates, revocations, CRLs, devices, orders, people and the audit log."));
    let windows: Vec<String> = known
        .config
        .authorities
        .iter()
        .filter(|one| one.issuer.window_ends() < one.issuer.certificate().validity().not_after())
        .map(|one| format!("`{}`", one.name))
        .collect();
    if !windows.is_empty() {
        writer.says("5.6", format!("{} stop issuing before their certificates end (1.3.1); a successor has a new key and a new name.", windows.join(", ")));
    }
    let kept = known.config.exchanges.as_ref().map(|directory| known.place(directory));
    if let Some(directory) = kept {
        writer.says("5.6", format!("The exchange with the offline root is kept in {directory}."));
    }
    writer.says(
        "5.7.2",
        format!(
            "After a loss the ledger is restored from a backup and compared with the exported log, of which it takes in what it lacks; to end the recovery without that is asked for by a word of its own. Serial numbers of which nobody knows whether they were used are revoked after {}.",
            length(known.config.authorities.iter().map(|one| one.uncertain_grace_seconds).max().unwrap_or_default())
        ),
    );
}
