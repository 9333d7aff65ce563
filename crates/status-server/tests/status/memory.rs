//! What a long list costs: a piece, however long it is.

use std::io::Read;
use std::sync::Arc;

use ca_core::record::CrlRecord;
use ca_core::scope::{CrlLine, CrlScope};
use status_server::document::Document;
use status_server::publish::CrlFolder;
use status_server::repository::crl_path;

use crate::world::{NOW, World, revoked};

/// Less than the list has, and as much for one of any length.
const BOUND: u64 = 512 * 1024;

fn with_a_long_list() -> (World, CrlRecord) {
    let world = World::new();
    for number in 0..40_000 {
        world.put(number, revoked(NOW));
    }
    let crl = world.crl();
    assert!(crl.der.length() > 3 * BOUND);
    (world, crl)
}

#[test]
fn publishing_and_taking_up_a_long_list_costs_a_few_pieces() {
    let (world, crl) = with_a_long_list();
    let folder = CrlFolder::open(world.path()).unwrap();
    let name = CrlLine::complete(world.issuer.key(), CrlScope::All);
    let publish = || drop(folder.publish(&name, &world.issuer, crl.der.reader()).unwrap());
    let cost = allocation_counter::measure(publish);
    assert!(cost.bytes_max < BOUND, "{} octets", cost.bytes_max);
    let cost = allocation_counter::measure(|| world.repository.refresh().unwrap());
    assert!(cost.bytes_max < BOUND, "{} octets", cost.bytes_max);
}

#[test]
fn a_long_list_is_read_a_piece_at_a_time() {
    let (world, crl) = with_a_long_list();
    world.repository.publish(&crl.issuer, crl.der.reader()).unwrap();
    let document: Arc<Document> = world.repository.document(&crl_path(&crl.issuer)).unwrap();
    let mut octets = 0;
    let cost = allocation_counter::measure(|| {
        let (mut reader, mut piece) = (document.content().reader(), vec![0; 4_096]);
        loop {
            match reader.read(&mut piece).unwrap() {
                0 => break,
                read => octets += read,
            }
        }
    });
    assert_eq!(u64::try_from(octets).unwrap(), crl.der.length());
    assert!(cost.bytes_max < BOUND / 4, "{} octets", cost.bytes_max);
}
