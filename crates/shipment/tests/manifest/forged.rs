//! What a faulty or dishonest manufacturer signs: counts that do not match, records that are wrong.

use crate::forge::Forgery;
use crate::ground::{Ground, bare, title};
use crate::hierarchy::NOW;

fn three(ground: &Ground) -> Forgery<'_> {
    Forgery::of(ground, &[ground.device(1), ground.device(2), ground.device(3)])
}

#[test]
fn what_another_writer_writes_by_the_same_words_is_accepted() {
    for suite in ["s1", "s2"] {
        let ground = Ground::new(suite);
        let checked = ground.check(&three(&ground).written(|_| {})).unwrap();
        assert_eq!((checked.signed.header().devices, checked.certificates, checked.secrets), (3, 3, 6));
    }
}

#[test]
fn counts_that_do_not_match_are_refused() {
    let ground = Ground::new("s1");
    let more = |forgery: Forgery<'_>| forgery.written(|header| header.devices += 1);
    assert_eq!(ground.refusal(&more(three(&ground))), "shipment.count");
    let chunks = three(&ground).written(|header| header.chunks = 2);
    assert_eq!(ground.refusal(&chunks), "shipment.count");
    let group = three(&ground).written(|header| header.groups[0].devices = 2);
    assert_eq!(ground.refusal(&group), "shipment.count");
    let none = three(&ground).written(|header| header.groups.clear());
    assert_eq!(ground.refusal(&none), "shipment.count");
    // One record less than header and list say; the list and the chunk are bound to each other again.
    let mut short = three(&ground);
    short.chunks[0].pop();
    assert_eq!(ground.refusal(&short.written(|_| {})), "shipment.count");
}

#[test]
fn a_root_of_other_records_is_refused() {
    let ground = Ground::new("s1");
    assert_eq!(ground.refusal(&three(&ground).written(|header| header.root[0] ^= 1)), "shipment.root");
}

#[test]
fn a_device_that_is_there_twice_is_refused_and_named() {
    let ground = Ground::new("s1");
    let mut forgery = three(&ground);
    let again = forgery.chunks[0][1].clone();
    forgery.chunks[0][2] = again;
    let refused = ground.check(&forgery.written(|_| {})).unwrap_err();
    assert_eq!(refused.code(), "shipment.repeated-title");
    assert!(refused.to_string().contains(&title(2).to_string()), "{refused}");
    // Across chunks, and out of order, the same.
    let mut forgery = three(&ground);
    let moved = forgery.chunks[0].split_off(2);
    forgery.chunks.push(moved);
    let apart = forgery.chunks.clone();
    assert!(ground.check(&forgery.written(|header| header.chunks = 2)).is_ok());
    let mut forgery = three(&ground);
    forgery.chunks = vec![apart[0].clone(), vec![apart[0][1].clone()]];
    assert_eq!(ground.refusal(&forgery.written(|header| header.chunks = 2)), "shipment.repeated-title");
    let mut forgery = three(&ground);
    forgery.chunks[0].swap(0, 2);
    assert_eq!(ground.refusal(&forgery.written(|_| {})), "shipment.record-order");
}

#[test]
fn a_record_with_a_certificate_of_another_device_is_refused_and_both_are_named() {
    let ground = Ground::new("s1");
    let mut forgery = three(&ground);
    let record = &mut forgery.chunks[0][2];
    let own = *title(3).octets();
    // The first octets that read like it are the system title; those in the certificate are text.
    let place = record.windows(8).position(|found| found == own).unwrap();
    record[place..place + 8].copy_from_slice(title(4).octets());
    let refused = ground.check(&forgery.written(|_| {})).unwrap_err();
    assert_eq!(refused.code(), "shipment.other-title");
    let said = refused.to_string();
    assert!(said.contains(&title(4).to_string()) && said.contains(&title(3).to_string()), "{said}");
}

#[test]
fn a_record_with_something_else_than_certificates_is_refused() {
    let ground = Ground::new("s1");
    let mut forgery = three(&ground);
    let certificate = ground.device(1).certificates[0].clone();
    let record = &mut forgery.chunks[0][0];
    let place = record.windows(certificate.len()).position(|found| found == certificate).unwrap();
    // Its signature's algorithm is another: still DER.
    let algorithm = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    let at = record[place..].windows(8).position(|found| found == algorithm).unwrap();
    record[place + at + 7] = 0x01;
    assert_eq!(ground.refusal(&forgery.written(|_| {})), "shipment.certificate");
}

#[test]
fn a_secret_under_a_key_that_is_not_carried_is_refused() {
    let ground = Ground::new("s1");
    let without = three(&ground).written(|header| header.transport_keys.retain(|key| key.label != "tk-1"));
    assert_eq!(ground.refusal(&without), "shipment.unlisted-key");
}

#[test]
fn what_is_no_record_is_refused() {
    let ground = Ground::new("s1");
    let mut forgery = three(&ground);
    forgery.chunks[0][1] = vec![0x30, 0x03, 0x02, 0x01, 0x07];
    assert_eq!(ground.refusal(&forgery.written(|_| {})), "shipment.record");
    // A kind of secret that nobody knows.
    let mut forgery = three(&ground);
    let record = &mut forgery.chunks[0][0];
    let kind = [0x02, 0x01, 0x03, 0x0C, 0x04, b't', b'k', b'-', b'1'];
    let place = record.windows(kind.len()).position(|found| found == kind).unwrap();
    record[place + 2] = 6;
    assert_eq!(ground.refusal(&forgery.written(|_| {})), "shipment.record");
}

#[test]
fn a_header_of_another_format_or_with_wrong_fields_is_refused() {
    let ground = Ground::new("s1");
    let other = three(&ground).of_format("meter-pki shipment 2").written(|_| {});
    assert_eq!(ground.refusal(&other), "shipment.format");
    let edits: [fn(&mut shipment::Header); 5] = [
        |header| header.shipment.clear(),
        |header| header.order = "two\nlines".to_owned(),
        |header| header.transport_keys.reverse(),
        |header| header.groups[0].devices = 0,
        |header| header.transport_keys[0].label = "two words".to_owned(),
    ];
    for edit in edits {
        assert_eq!(ground.refusal(&three(&ground).written(edit)), "shipment.header");
    }
    // The time is told, and decides nothing.
    assert!(ground.check(&three(&ground).written(|header| header.made_at = NOW.plus_seconds(60))).is_ok());
    let empty = Forgery::of(&ground, &[bare(1)]);
    assert!(ground.check(&empty.written(|_| {})).is_ok());
}
