//! Restarts: what a process that died left open is ended by the rule, once, before anything is asked.

use std::fs;
use std::sync::Arc;

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Registry, StatusSource};
use ca_core::record::{CertificateStatus, IntentConflict, Settlement, SlotUse};

use super::ground::{
    END, Ground, IntentWords, LedgerTold, LedgerWords, NOW, boot, certificate, id, intent, issued, issuer,
    opening, tenant, token,
};
use crate::engine::KeyValue;
use crate::keyspace::Keyspace;
use crate::{CreateError, EngineKind, Machine, OpenDirectoryError, OpenError, RecoveryReport, Store};

fn an_intent_that_was_not_given_to_the_signer_is_aborted(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    store.record(intent(1).for_slot(4, SlotUse::First).for_request(3).with_token(7)).unwrap();
    drop(store);
    let (store, report) = ground.reopen_at(NOW.plus_seconds(60));
    assert_eq!(report, RecoveryReport { aborted: vec![id(1)], ..RecoveryReport::default() });
    assert_eq!(store.status(1), CertificateStatus::Aborted);
    assert_eq!(store.record(intent(1)), Err(IntentConflict::SerialTaken));
    assert_eq!(store.token(&[7; 32]).unwrap(), Some(token(7)));
    let trail = store.trail();
    let told = &trail[trail.len() - 2].event;
    assert_eq!(
        (told.act, told.time, &told.tenant),
        (Act::IntentAborted, NOW.plus_seconds(60), &tenant("dso"))
    );
    assert_eq!((told.issuer, told.serial.clone()), (Some(id(1).issuer), Some(id(1).serial)));
    assert_eq!(trail.last().unwrap().event.act, Act::LedgerOpened);
    // The slot, the request and the token serve a fresh intent.
    let fresh = intent(2).for_slot(4, SlotUse::First).for_request(3).with_token(7);
    assert_eq!(store.record(fresh), Ok(()));
}

fn an_intent_that_was_given_to_the_signer_is_uncertain(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1).for_slot(4, SlotUse::First).for_request(3)).unwrap();
    store.begin(1);
    drop(store);
    let since = NOW.plus_seconds(60);
    let (store, report) = ground.reopen_at(since);
    assert_eq!(report, RecoveryReport { uncertain: vec![id(1)], ..RecoveryReport::default() });
    assert_eq!(store.status(1), CertificateStatus::Uncertain { since });
    assert_eq!(store.uncertain(&issuer(1), since).unwrap(), [id(1).serial]);
    assert!(store.begin_signing(&[id(1)]).is_err());
    assert!(store.record_issued(vec![issued(&id(1), NOW)]).is_err());
    assert!(store.acts().contains(&Act::IntentUncertain));
    assert_eq!(store.record(intent(2).for_slot(4, SlotUse::First).for_request(3)), Ok(()));
}

fn an_issued_certificate_is_the_same_after_a_restart(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(4, SlotUse::First).for_request(3));
    let before = store.certificate(&id(1)).unwrap();
    drop(store);
    let (store, report) = ground.reopen_at(NOW);
    assert_eq!(report, RecoveryReport::default());
    assert_eq!(store.certificate(&id(1)).unwrap(), before);
    let Err(IntentConflict::AlreadyIssued(again)) = store.record(intent(2).for_request(3)) else {
        panic!("the request was answered");
    };
    assert_eq!(again.certificate, certificate(&id(1)));
}

/// R9: the mark survives the death of the process and not that of the machine, so that its absence then says nothing.
fn after_another_boot_every_open_intent_is_uncertain(ground: &Ground) {
    let known = ["the machine was started anew", "whether the machine was started anew is not known"];
    for (first, second, machine, words) in [
        (boot(1), boot(2), Machine::StartedAnew, known[0]),
        (boot(1), None, Machine::Unknown, known[1]),
        (None, boot(1), Machine::Unknown, known[1]),
        (None, None, Machine::Unknown, known[1]),
    ] {
        let ground = &ground.anew();
        let (store, _) = ground.reopen_on(first, NOW);
        store.issue(intent(3));
        store.record(intent(1).for_slot(4, SlotUse::First).for_request(3)).unwrap();
        store.record(intent(2)).unwrap();
        store.begin(2);
        drop(store);
        let since = NOW.plus_seconds(60);
        let (store, report) = ground.reopen_on(second, since);
        assert_eq!(report, RecoveryReport { aborted: Vec::new(), uncertain: vec![id(1), id(2)], machine });
        assert_eq!(store.status(1), CertificateStatus::Uncertain { since });
        assert_eq!(store.status(3), CertificateStatus::Good);
        assert!(store.begin_signing(&[id(1)]).is_err());
        // A fresh intent serves the requester, as after any end.
        assert_eq!(store.record(intent(4).for_slot(4, SlotUse::First).for_request(3)), Ok(()));
        for record in store.trail().iter().filter(|record| record.event.time == since) {
            assert!(record.event.detail.ends_with(words), "{}", record.event.detail);
        }
    }
}

fn the_boot_is_remembered_from_opening_to_opening(ground: &Ground) {
    let machine = |boot| ground.reopen_on(boot, NOW).1.machine;
    assert_eq!(machine(boot(1)), Machine::Unknown, "a new ledger was never opened");
    assert_eq!(machine(boot(1)), Machine::RanOn);
    assert_eq!(machine(boot(2)), Machine::StartedAnew);
    assert_eq!(machine(boot(2)), Machine::RanOn);
    assert_eq!(machine(boot(1)), Machine::StartedAnew);
    assert_eq!(machine(None), Machine::Unknown);
    assert_eq!(
        machine(boot(1)),
        Machine::Unknown,
        "what was remembered before an unknown boot counts no more"
    );
    assert_eq!(machine(boot(1)), Machine::RanOn);
}

fn more_intents_than_one_page_are_ended(ground: &Ground) {
    let store = ground.open();
    store.record_intents((0..600).map(intent).collect()).unwrap();
    store.begin_signing(&(300..600).map(id).collect::<Vec<_>>()).unwrap();
    drop(store);
    let (store, report) = ground.reopen_at(NOW);
    assert_eq!(report.aborted, (0..300).map(id).collect::<Vec<_>>());
    assert_eq!(report.uncertain, (300..600).map(id).collect::<Vec<_>>());
    assert_eq!(store.uncertain(&issuer(1), END).unwrap().len(), 300);
}

/// Every row but those of the audit trail.
fn rows(ground: &Ground) -> Vec<(Keyspace, KeyValue)> {
    let (_directory, engine) = ground.engine();
    let view = engine.view().unwrap();
    let mut rows = Vec::new();
    for keyspace in Keyspace::ALL {
        if !matches!(keyspace, Keyspace::Meta | Keyspace::Audit | Keyspace::Tree) {
            let of_keyspace = view.rows_after(keyspace, &[], &[], usize::MAX).unwrap();
            rows.extend(of_keyspace.into_iter().map(|row| (keyspace, row)));
        }
    }
    rows
}

fn a_second_restart_adds_nothing_but_the_record_of_the_opening(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    store.issue(intent(1).for_slot(4, SlotUse::First));
    store.record(intent(2).for_request(3).with_token(7)).unwrap();
    store.record(intent(3)).unwrap();
    store.begin(3);
    drop(store);
    let (store, _) = ground.reopen_at(NOW.plus_seconds(60));
    let acts = store.acts();
    drop(store);
    let before = rows(ground);
    let (store, report) = ground.reopen_at(NOW.plus_seconds(120));
    assert_eq!(report, RecoveryReport::default());
    assert_eq!(store.acts().split_last(), Some((&Act::LedgerOpened, acts.as_slice())));
    drop(store);
    assert_eq!(rows(ground), before);
}

fn intents_that_ended_before_stay_as_they_ended(ground: &Ground) {
    let store = ground.open();
    store.record_intents(vec![intent(1), intent(2)]).unwrap();
    store.settle(1, Settlement::Aborted);
    store.begin(2);
    store.settle(2, Settlement::Uncertain);
    drop(store);
    let (store, report) = ground.reopen_at(NOW.plus_seconds(60));
    assert_eq!(report, RecoveryReport::default());
    assert_eq!(store.status(1), CertificateStatus::Aborted);
    assert_eq!(store.status(2), CertificateStatus::Uncertain { since: NOW });
}

fn a_ledger_is_open_once(ground: &Ground) {
    let store = ground.open();
    let second = Store::open(&ground.path(), &opening(NOW), ground.settings());
    assert!(matches!(second, Err(OpenError::Directory(OpenDirectoryError::InUse { .. }))));
    assert!(matches!(Store::create(&ground.path(), ground.kind), Err(CreateError::Directory(_))));
    store.issue(intent(1));
    drop(store);
    assert_eq!(ground.open().status(1), CertificateStatus::Good);
}

fn a_ledger_can_be_opened_again_as_soon_as_it_is_closed(ground: &Ground) {
    for number in 0..20 {
        let store = ground.open();
        store.issue(intent(number));
    }
    assert_eq!(ground.open().trail().len(), 61);
}

fn a_ledger_is_opened_with_the_engine_it_was_made_with(ground: &Ground) {
    for asked in EngineKind::ALL {
        let settings = crate::Settings { engine: Some(asked), ..ground.settings() };
        let outcome = Store::open(&ground.path(), &opening(NOW), settings);
        let refused = matches!(outcome, Err(OpenError::Directory(OpenDirectoryError::OtherEngine { .. })));
        assert_eq!(refused, asked != ground.kind);
        assert_eq!(outcome.is_ok(), asked == ground.kind);
    }
}

fn a_ledger_without_its_engines_files_is_not_made_anew(ground: &Ground) {
    let engine = ground.path().join("engine");
    fs::remove_dir_all(&engine).unwrap();
    fs::create_dir(&engine).unwrap();
    let outcome = Store::open(&ground.path(), &opening(NOW), ground.settings());
    assert!(matches!(outcome, Err(OpenError::Engine { .. })), "{outcome:?}");
    assert_eq!(fs::read_dir(&engine).unwrap().count(), 0);
}

fn a_ledger_serves_its_three_ports_at_once(ground: &Ground) {
    let store = Arc::new(ground.open());
    let ledger: Arc<dyn Ledger> = store.clone();
    let status_source: Arc<dyn StatusSource> = store.clone();
    let registry: Arc<dyn Registry> = store;
    ledger.record_intents(vec![intent(1)]).unwrap();
    assert_eq!(status_source.status_of(&id(1)).unwrap(), CertificateStatus::Pending);
    assert_eq!(registry.device(&super::ground::title(1)).unwrap(), None);
}

super::on_every_engine! {
    an_intent_that_was_not_given_to_the_signer_is_aborted,
    an_intent_that_was_given_to_the_signer_is_uncertain,
    an_issued_certificate_is_the_same_after_a_restart,
    more_intents_than_one_page_are_ended,
    a_second_restart_adds_nothing_but_the_record_of_the_opening,
    intents_that_ended_before_stay_as_they_ended,
    a_ledger_is_open_once,
    a_ledger_can_be_opened_again_as_soon_as_it_is_closed,
    a_ledger_is_opened_with_the_engine_it_was_made_with,
    a_ledger_serves_its_three_ports_at_once,
}

mod embedded {
    use super::*;

    super::super::on_embedded_engines! {
        after_another_boot_every_open_intent_is_uncertain,
        the_boot_is_remembered_from_opening_to_opening,
        a_ledger_without_its_engines_files_is_not_made_anew,
    }
}
