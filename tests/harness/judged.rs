//! A ledger before its judges: ledger-checker, which shares no code with it, and the check that it has of itself.

use std::fs;

use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{Opening, Settings, Store};
use ledger_checker::{Evidence, check};

use crate::rehearsal::Rehearsal;

/// Stops the server and has its ledger judged; `all_published` says that nothing revoked is missing on what is published.
///
/// # Panics
/// When a judge finds anything.
pub fn is_sound(rehearsal: &mut Rehearsal, all_published: bool) {
    rehearsal.stop();
    let clients = rehearsal.unique("clients");
    fs::write(&clients, "").expect("it can be written");
    let evidence = Evidence {
        store: Some(rehearsal.state("store")),
        database: None,
        password_file: None,
        again: None,
        again_database: None,
        signatures: None,
        signer_log: Vec::new(),
        signer_log_from: 1,
        clients: Some(clients),
        authorities: rehearsal.state("authorities"),
        published: rehearsal.state("published"),
        grace: 3_600,
        marks_may_be_lost: false,
        machine_restarted: false,
        all_published,
    };
    assert_eq!(check(&evidence).expect("it can be read"), []);
    let tenant = TenantId::parse("dso").expect("a tenant");
    let opening = Opening { now: UnixTime::from_seconds(1_900_000_000), tenant, boot: None };
    let settings = Settings::new(Box::new(|fatal| panic!("{fatal}")));
    let (store, _) = Store::open(&rehearsal.state("store"), &opening, settings).expect("the ledger opens");
    store.check_integrity().map(|_| ()).expect("it agrees with itself");
}
