//! What works: octets of every length, several requests at a time, a signer that is started again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::{SignError, Signer};
use ca_core::suite::Curve;
use ca_core::to_be_signed::ToBeSigned;
use signer_link::client::{LinkBounds, SignerLink};
use signer_link::denial::{Denial, Meaning};
use signer_link::desk::SigningDesk as _;
use signer_link::server::{BindLinkError, LinkServer};

use crate::desks::{Ground, Mood, OneKey};

const DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn signs_what_fits_into_a_frame_and_what_fits_into_none() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let _serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(4, DEADLINE), desk.public());
    assert_eq!(link.public_key(&key.key_ref()).unwrap(), key);
    for length in [1, 65_535, 65_536, 65_537, 1_000_000] {
        let message: Vec<u8> = (0..=250).cycle().take(length).collect();
        key.verify(&message, &link.sign(&key.key_ref(), &message).unwrap()).unwrap();
        let tbs = ToBeSigned::read(Curve::P256, Octets::from(message.clone())).unwrap();
        key.verify(&message, &link.sign_read(&key.key_ref(), &tbs).unwrap()).unwrap();
    }
    assert_eq!(link.state().unwrap(), desk.state());
}

#[test]
fn many_requesters_share_few_turns() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let _serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(3, DEADLINE), desk.public());
    thread::scope(|scope| {
        for number in 0..16_u8 {
            let (link, key) = (&link, &key);
            scope.spawn(move || {
                for _ in 0..8 {
                    key.verify(&[number; 100], &link.sign(&key.key_ref(), &[number; 100]).unwrap()).unwrap();
                }
            });
        }
    });
}

#[test]
fn each_denial_has_the_meaning_that_the_signer_gave_it() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let _serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(1, DEADLINE), desk.public().key_ref());
    let asked = |meaning| {
        let denial = Denial { meaning, ..Denial::unavailable("why.not", "So it is.", 5) };
        *desk.mood.lock().unwrap() = Mood::Denies(denial);
        link.sign(&key, b"octets").unwrap_err()
    };
    let refused = asked(Meaning::Refused);
    assert_eq!(refused.to_string(), "the signer refuses: So it is. (why.not); again in 5 s");
    assert!(matches!(refused, SignError::Refused { .. }));
    assert!(matches!(asked(Meaning::NoSuchKey), SignError::KeyNotFound { .. }));
    assert!(matches!(asked(Meaning::Unavailable), SignError::Unavailable { .. }));
    assert!(matches!(asked(Meaning::OutcomeUnknown), SignError::OutcomeUnknown { .. }));
    let other = KeyRef::new([1; 20]);
    assert!(matches!(link.sign(&other, b"octets"), Err(SignError::KeyNotFound { key }) if key == other));
    // A denial is an answer: the signer is there.
    assert_eq!(link.condition(), Ok(()));
}

#[test]
fn a_signer_that_was_started_again_is_asked_without_more_ado() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(2, DEADLINE), desk.public());
    link.sign(&key.key_ref(), b"before").unwrap();
    serving.stop();
    let _again = ground.serve(desk);
    key.verify(b"after", &link.sign(&key.key_ref(), b"after").unwrap()).unwrap();
}

#[test]
fn a_signer_that_stops_finishes_what_was_begun() {
    let (asked, was_asked) = sync_channel(1);
    let (release, released) = sync_channel(1);
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Waits(asked, released)));
    let serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(2, DEADLINE), desk.public());
    thread::scope(|scope| {
        let signing = scope.spawn(|| link.sign(&key.key_ref(), b"octets"));
        was_asked.recv().unwrap();
        let stopping = scope.spawn(|| serving.stop());
        release.send(()).unwrap();
        stopping.join().unwrap();
        key.verify(b"octets", &signing.join().unwrap().unwrap()).unwrap();
    });
    assert!(!ground.socket().exists(), "the socket is taken away");
}

#[test]
fn the_socket_is_its_owners_alone_unless_others_are_named() {
    let ground = Ground::new();
    let mode = |others: &[u32]| {
        let others: BTreeSet<u32> = others.iter().copied().collect();
        let _bound = LinkServer::bind(&ground.socket(), &others, &ground.folder()).unwrap();
        let mode = fs::metadata(ground.socket()).unwrap().permissions().mode() & 0o777;
        fs::remove_file(ground.socket()).unwrap();
        mode
    };
    assert_eq!(mode(&[]), 0o600);
    assert_eq!(mode(&[65_534]), 0o666);
}

#[test]
fn a_socket_in_use_and_one_that_others_can_replace_are_refused() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let serving = ground.serve(desk);
    let bind = || LinkServer::bind(&ground.socket(), &BTreeSet::new(), &ground.folder());
    assert!(matches!(bind(), Err(BindLinkError::InUse { .. })));
    serving.stop();
    fs::set_permissions(ground.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(bind(), Err(BindLinkError::OpenDirectory { mode: 0o777, .. })));
}

#[test]
fn without_a_signer_there_is_no_link() {
    let ground = Ground::new();
    let error = SignerLink::open(&ground.socket(), LinkBounds::default()).unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
}
