//! What load does to a ledger: readers that stand still, collisions, clocks that go back, many certificates, a slow disk.
//!
//! Counted, never timed: rows read, syncs made, rows left on disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca_core::audit::Act;
use ca_core::ports::{Ledger, StatusSource};
use ca_core::record::{CertificateQuery, IntentConflict, SlotUse};
use ca_core::validity::{UnixTime, Validity};

use super::faults::{Step, try_open};
use super::ground::{
    END, Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, issued, opening, settings,
};
use crate::engine::postgres::PostgresEngine;
use crate::engine::{Durability, Engine, EngineError, KeyValue, NotWritten, Turn, View, Write};
use crate::keyspace::Keyspace;
use crate::{Settings, Store};

// S-10: whoever reads for long reads page by page, and holds nothing while it stands still.
fn s_10_a_reader_that_stands_still_holds_back_no_write_and_keeps_no_old_rows(ground: &Ground) {
    let grown = |ground: &Ground, reading: bool| {
        let store = ground.open();
        rotate_all(&store, 0..600);
        let mut walk = store.verify_audit().unwrap();
        let mut listed = CertificateQuery { limit: 10, ..CertificateQuery::default() };
        if reading {
            // Both stand in the midst of what they read.
            walk.next().unwrap().unwrap();
            listed.after = store.certificates(&listed).unwrap().last().map(|row| row.id.clone());
        }
        // Thousands of changes to a few rows: the slots, and the end of the trail.
        rotate_all(&store, 600..1_500);
        if reading {
            assert!(
                walk.by_ref().all(|record| record.is_ok()),
                "it ends where the trail ended when it began"
            );
            let next = store.certificates(&listed).unwrap();
            assert_eq!(next.first().map(|row| row.id.clone()), Some(id(10)));
        }
        drop(store);
        let (directory, engine) = ground.engine();
        drop(engine);
        let path = directory.engine_path();
        drop(directory);
        octets_below(&path)
    };
    let (alone, beside_readers) = (grown(&ground.anew(), false), grown(&ground.anew(), true));
    assert!(
        beside_readers <= alone + alone / 4,
        "{beside_readers} octets beside readers that stand still, {alone} without"
    );
}

/// How many octets of disk the files of a directory take.
fn octets_below(directory: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { octets_below(&entry.path()) } else { meta.blocks() * 512 }
        })
        .sum()
}

// S-11: the collision is the answer to T1, so that there is nothing yet that could be given to the signer.
fn s_11_a_serial_number_that_was_used_is_caught_before_anything_can_be_signed(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.record(intent(2)).unwrap();
    let before = store.acts();
    for taken in [1, 2] {
        let mut again = intent(9);
        again.id = id(taken);
        assert_eq!(store.record(again), Err(IntentConflict::SerialTaken));
    }
    assert!(store.begin_signing(&[id(1)]).is_err(), "the first of the number is what it was");
    assert_eq!(store.acts(), before);
    // In one batch the first of two has the number.
    let mut twin = intent(8);
    twin.id = id(7);
    let outcomes = store.record_intents(vec![intent(7), twin]).unwrap();
    assert_eq!(outcomes, [Ok(()), Err(IntentConflict::SerialTaken)]);
}

// S-12: what is stored stands in the order in which it was decided, whatever the clock says.
fn s_12_a_clock_that_goes_back_does_not_change_the_order_of_what_is_stored(ground: &Ground) {
    let store = ground.open();
    let times: Vec<UnixTime> = (0..20).map(|step| NOW.plus_seconds(-3_600 * step)).collect();
    for (number, time) in (0..).zip(&times) {
        let mut wanted = intent(number).for_slot(4, SlotUse::Rotation).at(*time);
        wanted.event.time = *time;
        wanted.validity = Validity::new(*time, END).unwrap();
        store.issue(wanted);
    }
    drop(store);
    // The next start is earlier still.
    let (store, _) = ground.reopen_at(NOW.plus_seconds(-1_000_000));
    let trail = store.trail();
    let numbers: Vec<u64> = trail.iter().map(|record| record.sequence).collect();
    // Each step back is on record itself: nineteen between acts, and one at the start.
    let steps = trail.iter().filter(|record| record.event.act == Act::ClockChanged).count();
    assert_eq!((numbers, steps), ((1..=62).collect::<Vec<_>>(), 20));
    let told: Vec<UnixTime> = trail
        .iter()
        .filter(|record| record.event.act == Act::IntentRecorded)
        .map(|record| record.event.time)
        .collect();
    assert_eq!(told, times, "in the order of the acts");
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
    // The slot is that of the certificate that was issued last, though its time is the earliest.
    let first = intent(99).for_slot(4, SlotUse::First);
    assert_eq!(store.record(first), Err(IntentConflict::SlotTaken { holder: id(19) }));
}

/// An engine that counts the rows it is asked for.
struct Counted {
    inner: Box<dyn Engine>,
    rows: Arc<AtomicU64>,
}

struct CountedView<'e> {
    inner: Box<dyn View + 'e>,
    rows: &'e AtomicU64,
}

struct CountedTurn<'e> {
    inner: Box<dyn Turn + 'e>,
    rows: &'e AtomicU64,
}

impl Engine for Counted {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        Ok(Box::new(CountedView { inner: self.inner.view()?, rows: &self.rows }))
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        Ok(Box::new(CountedTurn { inner: self.inner.turn()?, rows: &self.rows }))
    }

    fn shared(&self) -> Option<&PostgresEngine> {
        self.inner.shared()
    }
}

impl Turn for CountedTurn<'_> {
    fn view(&self) -> &dyn View {
        self
    }

    fn token(&self) -> Option<u64> {
        self.inner.token()
    }

    fn commit(self: Box<Self>, batch: Vec<Write>, durability: Durability) -> Result<(), NotWritten> {
        self.inner.commit(batch, durability)
    }
}

impl View for CountedTurn<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.rows.fetch_add(1, Ordering::Relaxed);
        self.inner.view().value(keyspace, key)
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        let rows = self.inner.view().rows_after(keyspace, prefix, after, limit)?;
        self.rows.fetch_add(1 + u64::try_from(rows.len()).unwrap(), Ordering::Relaxed);
        Ok(rows)
    }
}

impl View for CountedView<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.rows.fetch_add(1, Ordering::Relaxed);
        self.inner.value(keyspace, key)
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        let rows = self.inner.rows_after(keyspace, prefix, after, limit)?;
        self.rows.fetch_add(1 + u64::try_from(rows.len()).unwrap(), Ordering::Relaxed);
        Ok(rows)
    }
}

/// How many rows are read between the opening of the engine and the first answer.
fn rows_read_at_opening(ground: &Ground) -> u64 {
    let (directory, inner) = ground.engine();
    let rows = Arc::new(AtomicU64::new(0));
    let engine = Counted { inner, rows: Arc::clone(&rows) };
    let (_store, _) =
        Store::start(directory, (ground.kind, Arc::new(engine)), &opening(NOW), settings()).unwrap();
    rows.load(Ordering::Relaxed)
}

/// Issues certificates that follow each other in a hundred slots, a hundred to a transaction.
fn rotate_all(store: &Store, numbers: std::ops::Range<u16>) {
    for first in numbers.clone().step_by(100) {
        let batch = first..numbers.end.min(first + 100);
        let slot = |number: u16| u8::try_from(number % 100).unwrap();
        let intents =
            batch.clone().map(|number| intent(number).for_slot(slot(number), SlotUse::Rotation)).collect();
        assert!(store.record_intents(intents).unwrap().iter().all(Result::is_ok));
        store.begin_signing(&batch.clone().map(id).collect::<Vec<_>>()).unwrap();
        store.record_issued(batch.map(|number| issued(&id(number), NOW)).collect()).unwrap();
    }
}

// S-13: nothing that is read at a start grows with the number of certificates: no list on start.
fn s_13_opening_reads_as_many_rows_whatever_the_number_of_certificates(ground: &Ground) {
    let (few, many) = (&ground.anew(), &ground.anew());
    // Both have more audit records than a start checks.
    for (ground, count) in [(few, 600), (many, 1_800)] {
        rotate_all(&ground.open(), 0..count);
    }
    let (of_few, of_many) = (rows_read_at_opening(few), rows_read_at_opening(many));
    // The right edge of the tree over the audit records grows with the logarithm of their number.
    assert!(of_many.abs_diff(of_few) <= 64, "{of_few} rows with 600 certificates, {of_many} with 1800");
    assert!(of_many < 4_000, "{of_many}");
}

// S-14: a disk that syncs in half a second costs time and loses nothing: all who wait share the next sync.
fn s_14_whoever_comes_while_a_slow_sync_is_under_way_shares_the_next_one(ground: &Ground) {
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let slow = move |number, _: Durability| {
        // The opening is number 0; the first sync of the test is the slow one.
        if number == 1 {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
        }
        Step::Pass
    };
    let store = try_open(ground, settings(), slow).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| store.record_event(event(Act::RequestRefused)));
        entering.recv().unwrap();
        let waiting: Vec<_> = (0..200)
            .map(|number| {
                scope.spawn({
                    let store = &store;
                    move || store.record(intent(number))
                })
            })
            .collect();
        while store.counters().waiting < 200 {
            std::thread::yield_now();
        }
        leave.send(()).unwrap();
        first.join().unwrap().unwrap();
        assert!(waiting.into_iter().all(|one| one.join().unwrap() == Ok(())), "nobody is given up");
    });
    let counters = store.counters();
    assert_eq!((counters.commands, counters.durable_commits), (201, 2), "two syncs for 201 commands");
    assert_eq!((counters.largest_group, counters.given_up), (200, 0));
}

// S-14: the queue is bounded. Who finds it full is told so at once when patience is over, and nothing of it is done.
fn s_14_a_full_queue_pushes_back_and_takes_in_nothing(ground: &Ground) {
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let slow = move |number, _: Durability| {
        if number == 1 {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
        }
        Step::Pass
    };
    let settings = Settings { queue_length: 4, patience: Duration::ZERO, ..settings() };
    let store = try_open(ground, settings, slow).unwrap();
    std::thread::scope(|scope| {
        // Without patience the asker hears nothing of its own act; what it did is on record all the same.
        let first = scope.spawn(|| {
            while store.record_event(event(Act::RequestRefused)).is_err() && store.counters().commits == 0 {}
        });
        entering.recv().unwrap();
        let refused = (0..50).filter(|number| store.record_intents(vec![intent(*number)]).is_err()).count();
        assert_eq!(refused, 50, "nobody is told that something was done");
        assert!(store.counters().waiting <= 4, "{}", store.counters().waiting);
        leave.send(()).unwrap();
        first.join().unwrap();
    });
    let intents = store.acts().into_iter().filter(|act| *act == Act::IntentRecorded).count();
    assert_eq!(intents, 0, "whoever was given up did nothing");
}

super::on_every_engine! {
    s_11_a_serial_number_that_was_used_is_caught_before_anything_can_be_signed,
    s_12_a_clock_that_goes_back_does_not_change_the_order_of_what_is_stored,
    s_13_opening_reads_as_many_rows_whatever_the_number_of_certificates,
    s_14_whoever_comes_while_a_slow_sync_is_under_way_shares_the_next_one,
    s_14_a_full_queue_pushes_back_and_takes_in_nothing,
}

mod embedded {
    use super::*;

    super::super::on_embedded_engines! { s_10_a_reader_that_stands_still_holds_back_no_write_and_keeps_no_old_rows }
}
