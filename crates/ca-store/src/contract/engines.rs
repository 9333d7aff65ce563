//! What the ledger relies on in an engine, asked of the engine itself.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ground::Ground;
use crate::EngineKind;
use crate::engine::{Durability, Engine, KeyValue, MAX_VALUE_OCTETS, Write};
use crate::keyspace::Keyspace;

fn put(keyspace: Keyspace, key: &[u8], value: &[u8]) -> Write {
    Write { keyspace, key: key.to_vec(), value: Some(value.to_vec()) }
}

fn remove(keyspace: Keyspace, key: &[u8]) -> Write {
    Write { keyspace, key: key.to_vec(), value: None }
}

fn rows(engine: &dyn Engine, prefix: &[u8], after: &[u8], limit: usize) -> Vec<KeyValue> {
    engine.view().unwrap().rows_after(Keyspace::Slots, prefix, after, limit).unwrap()
}

fn a_batch_is_read_back_and_survives_a_restart(ground: &Ground) {
    let (directory, engine) = ground.engine();
    let longest = vec![0xEE; MAX_VALUE_OCTETS];
    let batch = vec![
        put(Keyspace::Keys, b"k", b"in keys"),
        put(Keyspace::Slots, b"k", b""),
        put(Keyspace::Certificates, b"k", &longest),
        put(Keyspace::Tokens, b"k", b"gone"),
    ];
    engine.commit(batch, Durability::Durable).unwrap();
    let second = vec![remove(Keyspace::Tokens, b"k"), remove(Keyspace::Devices, b"never there")];
    engine.commit(second, Durability::ProcessCrash).unwrap();
    let check = |engine: &dyn Engine| {
        let view = engine.view().unwrap();
        assert_eq!(view.value(Keyspace::Keys, b"k").unwrap().as_deref(), Some(b"in keys".as_slice()));
        assert_eq!(view.value(Keyspace::Slots, b"k").unwrap().as_deref(), Some([].as_slice()));
        assert_eq!(view.value(Keyspace::Certificates, b"k").unwrap(), Some(longest.clone()));
        assert_eq!(view.value(Keyspace::Tokens, b"k").unwrap(), None);
        assert_eq!(view.value(Keyspace::Devices, b"k").unwrap(), None);
    };
    check(&*engine);
    drop((engine, directory));
    check(&*ground.engine().1);
}

fn rows_are_listed_in_order_within_a_prefix_behind_a_key(ground: &Ground) {
    let (_directory, engine) = ground.engine();
    let keys: [&[u8]; 6] = [b"a", b"a\xFF", b"b", b"b\x00", b"b\x01", b"c"];
    let mut batch: Vec<Write> = keys.iter().rev().map(|key| put(Keyspace::Slots, key, key)).collect();
    // Neighbours in order of keyspaces, which must not show.
    batch.push(put(Keyspace::Keys, b"b\x00", b"not here"));
    batch.push(put(Keyspace::Requests, b"b\x00", b"not here"));
    engine.commit(batch, Durability::Durable).unwrap();
    let listed = |prefix: &[u8], after: &[u8], limit| {
        let rows = rows(&*engine, prefix, after, limit);
        assert!(rows.iter().all(|(key, value)| key == value));
        rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(listed(b"", b"", 99), keys);
    assert_eq!(listed(b"b", b"", 99), [&b"b"[..], b"b\x00", b"b\x01"]);
    assert_eq!(listed(b"b", b"b", 99), [&b"b\x00"[..], b"b\x01"]);
    assert_eq!(listed(b"b", b"b\x00\x00", 1), [b"b\x01"]);
    assert_eq!(listed(b"b", b"a", 99).len(), 3);
    assert_eq!(listed(b"b", b"b\x01", 99).len(), 0);
    assert_eq!(listed(b"b", b"c", 99).len(), 0);
    assert_eq!(listed(b"", b"b\x01", 99), [b"c"]);
    assert_eq!(listed(b"", b"", 0).len(), 0);
    assert_eq!(listed(b"z", b"", 99).len(), 0);
}

fn a_view_shows_a_batch_whole_or_not_at_all(ground: &Ground) {
    let (_directory, engine) = ground.engine();
    let spread = [Keyspace::Meta, Keyspace::Certificates, Keyspace::DeviceLists];
    let write = |number: u32| spread.map(|keyspace| put(keyspace, b"both", &number.to_be_bytes())).to_vec();
    engine.commit(write(0), Durability::Durable).unwrap();
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while writing.load(Ordering::Relaxed) {
                        let view = engine.view().unwrap();
                        let values = spread.map(|keyspace| view.value(keyspace, b"both").unwrap().unwrap());
                        assert!(values.iter().all(|value| *value == values[0]));
                    }
                })
            })
            .collect();
        (1..300).for_each(|number| engine.commit(write(number), Durability::ProcessCrash).unwrap());
        writing.store(false, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

/// sled puts a node that is too long into a file that it never syncs; rows of the greatest length must not lead there.
#[test]
fn the_longest_rows_stay_in_the_log_of_sled() {
    let ground = Ground::new(EngineKind::Sled);
    let (_directory, engine) = ground.engine();
    for group in 0..40_u32 {
        let batch = (0..50_u32)
            .map(|row| {
                // Half of the keys in order, half scattered, all of the greatest length.
                let number = group * 50 + row;
                let spread = if row % 2 == 0 { number } else { number.wrapping_mul(0x9E37_79B9) };
                let key = [spread.to_be_bytes().as_slice(), &[0; 60]].concat();
                put(Keyspace::Certificates, &key, &[0xEE; MAX_VALUE_OCTETS])
            })
            .collect();
        engine.commit(batch, Durability::Durable).unwrap();
    }
    let off_log = fs::read_dir(ground.path().join("engine").join("blobs")).unwrap();
    assert_eq!(off_log.count(), 0);
}

/// sled writes a snapshot under this name and renames it when it is whole, but reads it at the next start if it is not.
#[test]
fn a_snapshot_that_sled_was_killed_over_does_not_keep_the_ledger_shut() {
    let ground = Ground::new(EngineKind::Sled);
    let (directory, engine) = ground.engine();
    engine.commit(vec![put(Keyspace::Keys, b"k", b"v")], Durability::Durable).unwrap();
    drop((engine, directory));
    let unfinished = ground.path().join("engine").join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&unfinished, "half of a snapshot").unwrap();
    let (_directory, engine) = ground.engine();
    assert_eq!(engine.view().unwrap().value(Keyspace::Keys, b"k").unwrap().as_deref(), Some(b"v".as_slice()));
    assert!(!unfinished.exists());
}

super::on_every_engine! {
    a_batch_is_read_back_and_survives_a_restart,
    rows_are_listed_in_order_within_a_prefix_behind_a_key,
    a_view_shows_a_batch_whole_or_not_at_all,
}
