//! What fails: before a request was sent whole nothing was signed, after that nobody knows.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use signer_link::client::{LinkBounds, LinkEvent, SignerLink};
use signer_link::desk::KeyAbsence;

use crate::desks::{Ground, Mood, OneKey};

/// The hello of either side: kind 1, three octets, INTEGER 3.
const HELLO: [u8; 8] = [1, 0, 0, 0, 3, 2, 1, 3];

/// A request of 100 octets: 5 + 27 for the question, 5 + 100 for its piece.
const WHOLE: usize = 137;

/// Answers hello, keys and state as the desk would, reads so many octets of the next request, and does what `then` says.
fn reads(octets: usize, mut stream: UnixStream, desk: &OneKey) -> UnixStream {
    let mut hello = HELLO;
    stream.read_exact(&mut hello).unwrap();
    assert_eq!(hello, HELLO);
    stream.write_all(&HELLO).unwrap();
    let mut asked = vec![0; 5];
    stream.read_exact(&mut asked).unwrap();
    if asked[0] == 2 {
        let spki = desk.public().spki_der().to_vec();
        let length = u8::try_from(spki.len()).unwrap();
        // One key, none that is awaited, and no time to come again for it.
        let list = [&[0x30, length + 2, 0x04, length], spki.as_slice(), &[0x30, 0, 2, 1, 0]].concat();
        let keys = [&[6, 0, 0, 0, length + 11, 0x30, length + 9], list.as_slice()].concat();
        stream.write_all(&keys).unwrap();
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(asked[0], 3, "how the signer stands");
        // No records, a hash of zeros, no keys and no tokens.
        let state = [&[7, 0, 0, 0, 43, 0x30, 41, 2, 1, 0, 4, 32][..], &[0; 32], &[0x30, 0, 0x30, 0]].concat();
        stream.write_all(&state).unwrap();
        return stream;
    }
    assert_eq!(asked[0], 4, "a request to sign");
    let mut rest = vec![0; octets - 5];
    stream.read_exact(&mut rest).unwrap();
    stream
}

fn link(ground: &Ground, deadline: Duration) -> SignerLink {
    SignerLink::open(&ground.socket(), LinkBounds { requests: 1, turn: deadline, answer: deadline }).unwrap()
}

/// Signs 100 octets or more with a signer that ends after so many octets of the request.
fn signed_by_one_that_ends_after(octets: usize, message: usize) -> SignError {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let listener = UnixListener::bind(ground.socket()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(reads(0, listener.accept().unwrap().0, &desk));
            drop(reads(octets, listener.accept().unwrap().0, &desk));
            drop(listener);
        });
        let link = link(&ground, Duration::from_secs(10));
        let error = link.sign(&desk.public().key_ref(), &vec![7; message]).unwrap_err();
        assert!(link.condition().is_err(), "whoever watches is told");
        error
    })
}

#[test]
fn a_signer_that_ends_when_it_was_asked_leaves_an_unknown_outcome() {
    let error = signed_by_one_that_ends_after(WHOLE, 100);
    assert!(matches!(error, SignError::OutcomeUnknown { .. }), "{error}");
}

#[test]
fn a_signer_that_ends_before_it_was_asked_has_signed_nothing() {
    // More than the system takes in for a process that does not read.
    let error = signed_by_one_that_ends_after(1_000, 8_000_000);
    assert!(matches!(error, SignError::Unavailable { .. }), "{error}");
}

#[test]
fn a_signer_that_does_not_answer_in_time_leaves_an_unknown_outcome_and_is_left_alone() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let listener = UnixListener::bind(ground.socket()).unwrap();
    let (done, is_done) = sync_channel::<()>(0);
    thread::scope(|scope| {
        let desk = &desk;
        scope.spawn(move || {
            drop(reads(0, listener.accept().unwrap().0, desk));
            let _held = reads(WHOLE, listener.accept().unwrap().0, desk);
            // It says no more, to nobody.
            let _silence = is_done.recv();
        });
        let link = link(&ground, Duration::from_millis(100));
        let key = desk.public().key_ref();
        assert!(matches!(link.sign(&key, &[7; 100]), Err(SignError::OutcomeUnknown { .. })));
        // Nothing more becomes uncertain: as long as it says nothing, it is not asked.
        for _ in 0..3 {
            assert!(matches!(link.sign(&key, &[7; 100]), Err(SignError::Unavailable { .. })));
        }
        drop(done);
    });
}

#[test]
fn h_14_more_requests_than_turns_wait_and_are_told_when_it_takes_too_long() {
    let (asked, was_asked) = sync_channel(1);
    let (release, released) = sync_channel(1);
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Waits(asked, released)));
    let _serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(1, Duration::from_secs(2)), desk.public().key_ref());
    thread::scope(|scope| {
        let signing = scope.spawn(|| link.sign(&key, b"first"));
        was_asked.recv().unwrap();
        // The first answer is late by then, too: it waits as long for it as the second for its turn.
        let second = scope.spawn(|| link.sign(&key, b"second"));
        release.send(()).unwrap();
        assert!(signing.join().unwrap().is_ok());
        was_asked.recv().unwrap();
        release.send(()).unwrap();
        assert!(second.join().unwrap().is_ok());
    });
}

#[test]
fn a_link_that_finds_nobody_says_so_at_once_and_heals_by_itself() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let serving = ground.serve(desk.clone());
    let (link, key) = (ground.link(2, Duration::from_secs(10)), desk.public());
    serving.stop();
    let error = link.sign(&key.key_ref(), b"octets").unwrap_err();
    assert!(matches!(error, SignError::Unavailable { .. }), "{error}");
    assert!(link.condition().unwrap_err().contains("does not answer"));
    let _again = ground.serve(desk);
    let healed = (0..100_000_000).any(|_| {
        thread::yield_now();
        link.condition().is_ok()
    });
    assert!(healed, "the thread that looks finds the signer");
    key.verify(b"octets", &link.sign(&key.key_ref(), b"octets").unwrap()).unwrap();
}

#[test]
fn h_04_a_link_begins_while_its_signer_is_absent_and_signs_once_it_is_there() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let bounds = LinkBounds { requests: 2, ..LinkBounds::default() };
    assert!(SignerLink::open(&ground.socket(), bounds).is_err(), "whoever ends does not wait");
    let link = SignerLink::attend(&ground.socket(), bounds).unwrap();
    let (tell, told) = sync_channel(8);
    link.observe(Arc::new(move |event| tell.send(event.clone()).unwrap()));
    assert!(matches!(told.recv().unwrap(), LinkEvent::Failed { token: None, .. }));
    let key = desk.public();
    for refused in [
        link.sign(&key.key_ref(), b"octets").unwrap_err(),
        link.public_key(&key.key_ref()).unwrap_err(),
        link.check_at_hand(&key.key_ref()).unwrap_err(),
    ] {
        assert!(matches!(refused, SignError::Unavailable { .. }), "{refused}");
    }

    let _serving = ground.serve(desk);
    assert_eq!(told.recv().unwrap(), LinkEvent::Recovered { token: None });
    assert_eq!(link.public_key(&key.key_ref()).unwrap(), key);
    link.check_at_hand(&key.key_ref()).unwrap();
    key.verify(b"octets", &link.sign(&key.key_ref(), b"octets").unwrap()).unwrap();
}

#[test]
fn h_04_of_each_key_the_signer_tells_whether_its_token_is_away() {
    let (ground, desk) = (Ground::new(), OneKey::new(Mood::Signs));
    let (key, again_in) = (desk.public().key_ref(), Some(Duration::from_secs(7)));
    *desk.absence.lock().unwrap() = Some(KeyAbsence { again_in });
    let _serving = ground.serve(desk.clone());
    let link = ground.link(2, Duration::from_secs(10));
    let away = link.check_at_hand(&key).unwrap_err();
    assert!(matches!(&away, SignError::Unavailable { again_in: told, .. } if *told == again_in), "{away}");
    link.check_at_hand(&KeyRef::new([9; 20])).unwrap();
    *desk.absence.lock().unwrap() = None;
    let told = (0..100_000_000).any(|_| {
        thread::yield_now();
        link.check_at_hand(&key).is_ok()
    });
    assert!(told, "the thread that looks is told that it is back");
}
