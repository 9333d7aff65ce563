//! CRLs: numbers that only grow, and the latest CRL whole.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Spools, StatusSource};
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};
use ca_core::scope::CrlScope;

use super::ground::{Ground, LedgerTold, NOW, cause, event, issuer};
use crate::Store;
use crate::act;
use crate::engine::Durability;
use crate::keyspace::Keyspace;
use crate::transaction::Transaction;

fn reserve(store: &Store, authority: u8, number: u64) -> Result<(), CrlNumberTaken> {
    let event = event(Act::CrlIntended);
    store
        .record_crl_intent(CrlIntent {
            issuer: issuer(authority),
            number,
            this_update: NOW,
            event,
            scope: CrlScope::All,
        })
        .unwrap()
}

fn crl(authority: u8, number: u64, octets: usize) -> CrlRecord {
    CrlRecord {
        issuer: issuer(authority),
        number,
        this_update: NOW,
        next_update: NOW.plus_seconds(86_400),
        entries: number + 1,
        der: (0..octets).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<u8>>().into(),
        scope: CrlScope::All,
        base: None,
        seen: 0,
    }
}

fn latest(store: &Store) -> Option<CrlRecord> {
    store.latest_crl(&issuer(1)).unwrap()
}

// RFC 5280 §5.2.3: the numbers of an issuer's CRLs only grow.
fn crl_numbers_strictly_increase_for_each_issuer(ground: &Ground) {
    let store = ground.open();
    assert_eq!(reserve(&store, 1, 0), Ok(()));
    assert_eq!(reserve(&store, 1, 0), Err(CrlNumberTaken { last: 0 }));
    assert_eq!(reserve(&store, 1, 1_795_219_200), Ok(()));
    let before = store.acts();
    assert_eq!(reserve(&store, 1, 7), Err(CrlNumberTaken { last: 1_795_219_200 }));
    assert_eq!(store.acts(), before);
    assert_eq!(reserve(&store, 2, 7), Ok(()));
    drop(store);
    let store = ground.open();
    assert_eq!(reserve(&store, 1, 1_795_219_200), Err(CrlNumberTaken { last: 1_795_219_200 }));
    assert_eq!(reserve(&store, 1, u64::MAX), Ok(()));
}

fn a_crl_is_recorded_once_under_a_reserved_number(ground: &Ground) {
    let store = ground.open();
    let record = |number| store.record_crl(crl(1, number, 300), event(Act::CrlIssued));
    assert!(cause(record(5)).contains("is not reserved"));
    reserve(&store, 1, 5).unwrap();
    assert!(cause(record(4)).contains("is not reserved"));
    assert_eq!(latest(&store), None);
    record(5).unwrap();
    assert_eq!(latest(&store), Some(crl(1, 5, 300)));
    assert!(cause(record(5)).contains("is not reserved"));
    assert_eq!(store.acts(), [Act::LedgerOpened, Act::CrlIntended, Act::CrlIssued]);
}

fn the_latest_crl_is_the_one_with_the_highest_number(ground: &Ground) {
    let store = ground.open();
    for number in [1, 2, 3] {
        reserve(&store, 1, number).unwrap();
    }
    for (number, highest) in [(2, 2), (1, 2), (3, 3)] {
        store.record_crl(crl(1, number, 10), event(Act::CrlIssued)).unwrap();
        assert_eq!(latest(&store), Some(crl(1, highest, 10)));
    }
    assert_eq!(store.latest_crl(&issuer(2)).unwrap(), None);
}

fn rows_of_octets(store: &Store) -> usize {
    store.read("test", |view| Ok(view.rows_after(Keyspace::CrlOctets, &[], &[], usize::MAX)?.len())).unwrap()
}

/// More octets than one transaction takes.
const LONG: usize = 600 * 4_096 + 5;

fn a_long_crl_reads_back_whole_and_only_the_latest_is_kept(ground: &Ground) {
    let store = ground.open();
    // Several transactions, again, one; whole parts, one octet more, less than one part, nothing.
    for (number, octets) in [(1, LONG), (2, 256 * 4_096), (3, LONG), (4, 4_097), (5, 17), (6, 0)] {
        reserve(&store, 1, number).unwrap();
        store.record_crl(crl(1, number, octets), event(Act::CrlIssued)).unwrap();
        assert_eq!(latest(&store), Some(crl(1, number, octets)));
        assert_eq!(rows_of_octets(&store), octets.div_ceil(4_096));
    }
    drop(store);
    assert_eq!(latest(&ground.open()), Some(crl(1, 6, 0)));
}

fn the_octets_of_a_crl_that_is_replaced_are_an_error_and_never_others(ground: &Ground) {
    let store = ground.open();
    for number in [1, 2] {
        reserve(&store, 1, number).unwrap();
    }
    store.record_crl(crl(1, 1, LONG), event(Act::CrlIssued)).unwrap();
    let replaced = latest(&store).unwrap();
    store.record_crl(crl(1, 2, LONG), event(Act::CrlIssued)).unwrap();
    let why = replaced.der.to_vec().unwrap_err().to_string();
    assert!(why.contains("CRL 1 is not the latest one on record any more"), "{why}");
    let kept = latest(&store).unwrap();
    drop(store);
    kept.der.to_vec().unwrap_err();
}

/// What a process leaves that dies while it writes the octets of a CRL.
fn half_written(store: &Store, number: u64) {
    let crl = crl(1, number, LONG);
    let begun = crl.clone();
    store.write("test", Durability::ProcessCrash, move |tx| act::crl::begin_octets(tx, &begun)).unwrap();
    let octets = vec![7; 256 * 4_096];
    store
        .write("test", Durability::ProcessCrash, move |tx| act::crl::put_octets(tx, &crl, 0, &octets))
        .unwrap();
}

// Case L-07, in the ledger: the process dies between the transactions of one CRL.
fn l_07_a_crl_whose_octets_were_half_written_never_was_and_leaves_nothing(ground: &Ground) {
    let store = ground.open();
    for number in 1..=5 {
        reserve(&store, 1, number).unwrap();
    }
    store.record_crl(crl(1, 1, LONG), event(Act::CrlIssued)).unwrap();
    half_written(&store, 2);
    assert_eq!((latest(&store), rows_of_octets(&store)), (Some(crl(1, 1, LONG)), 601 + 256));
    drop(store);
    let store = ground.open();
    assert_eq!((latest(&store), rows_of_octets(&store)), (Some(crl(1, 1, LONG)), 601));
    // Within one process, too: the ledger was full for a while.
    half_written(&store, 3);
    store.record_crl(crl(1, 4, LONG), event(Act::CrlIssued)).unwrap();
    assert_eq!((latest(&store), rows_of_octets(&store)), (Some(crl(1, 4, LONG)), 601));
    // One that was signed before it, and recorded later, is not kept.
    store.record_crl(crl(1, 2, LONG), event(Act::CrlIssued)).unwrap();
    assert_eq!((latest(&store), rows_of_octets(&store)), (Some(crl(1, 4, LONG)), 601));
}

/// What was begun is taken away by whoever begins another CRL of the scope, or starts: perhaps another node.
fn k_05_a_long_crl_whose_octets_another_node_took_away_is_refused_and_leaves_nothing(ground: &Ground) {
    let store = ground.open();
    for number in 1..=4 {
        reserve(&store, 1, number).unwrap();
    }
    half_written(&store, 1);
    store.record_crl(crl(1, 2, LONG), event(Act::CrlIssued)).unwrap();
    let goes_on = |number| {
        let crl = crl(1, number, LONG);
        let put = move |tx: &mut Transaction<'_>| act::crl::put_octets(tx, &crl, 256, &[7; 4_096]);
        store.write("test", Durability::ProcessCrash, put)
    };
    assert!(cause(goes_on(1)).contains("another node took away"));
    // Nor does it end while another one is being written.
    half_written(&store, 3);
    let ended = crl(1, 1, LONG);
    let end = move |tx: &mut Transaction<'_>| act::crl::record(tx, &ended, &[], event(Act::CrlIssued));
    assert!(cause(store.write("test", Durability::Durable, end)).contains("another node took away"));
    goes_on(3).unwrap();
    drop(store);
    let store = ground.open();
    assert_eq!((latest(&store), rows_of_octets(&store)), (Some(crl(1, 2, LONG)), 601));
}

fn a_spool_gives_back_what_it_was_given_and_leaves_no_file(ground: &Ground) {
    let store = ground.open();
    let files = || std::fs::read_dir(ground.path()).unwrap().count();
    let before = files();
    let mut spool = store.spool().unwrap();
    let piece: Vec<u8> = (0..100_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    for _ in 0..3 {
        spool.append(&piece).unwrap();
    }
    let octets = spool.finish().unwrap();
    assert_eq!(octets.to_vec().unwrap(), piece.repeat(3));
    assert_eq!(octets.part(99_999, 2).to_vec().unwrap(), [piece[99_999], piece[0]]);
    assert_eq!(files(), before);
}

super::on_every_engine! {
    crl_numbers_strictly_increase_for_each_issuer,
    a_crl_is_recorded_once_under_a_reserved_number,
    the_latest_crl_is_the_one_with_the_highest_number,
    a_long_crl_reads_back_whole_and_only_the_latest_is_kept,
    the_octets_of_a_crl_that_is_replaced_are_an_error_and_never_others,
    l_07_a_crl_whose_octets_were_half_written_never_was_and_leaves_nothing,
    k_05_a_long_crl_whose_octets_another_node_took_away_is_refused_and_leaves_nothing,
    a_spool_gives_back_what_it_was_given_and_leaves_no_file,
}
