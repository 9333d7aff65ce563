//! CRLs: numbers that only grow, and the latest CRL whole.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, StatusSource};
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};
use ca_core::scope::CrlScope;

use super::ground::{Ground, LedgerTold, NOW, cause, event, issuer};
use crate::Store;
use crate::keyspace::Keyspace;

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
        der: (0..octets).map(|at| u8::try_from(at % 251).unwrap()).collect(),
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

fn a_long_crl_reads_back_whole_and_only_the_latest_is_kept(ground: &Ground) {
    let store = ground.open();
    // Whole parts, one octet more, less than one part, nothing.
    for (number, octets) in [(1, 300 * 4_096), (2, 4_097), (3, 17), (4, 0)] {
        reserve(&store, 1, number).unwrap();
        store.record_crl(crl(1, number, octets), event(Act::CrlIssued)).unwrap();
        assert_eq!(latest(&store), Some(crl(1, number, octets)));
        let parts = store
            .read("test", |view| Ok(view.rows_after(Keyspace::CrlOctets, &[], &[], usize::MAX)?.len()))
            .unwrap();
        assert_eq!(parts, octets.div_ceil(4_096));
    }
    drop(store);
    assert_eq!(latest(&ground.open()), Some(crl(1, 4, 0)));
}

super::on_every_engine! {
    crl_numbers_strictly_increase_for_each_issuer,
    a_crl_is_recorded_once_under_a_reserved_number,
    the_latest_crl_is_the_one_with_the_highest_number,
    a_long_crl_reads_back_whole_and_only_the_latest_is_kept,
}
