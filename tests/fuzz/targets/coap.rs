//! What a peer says over CoAP, datagram after datagram, as it comes out of DTLS: messages, tokens, options, blocks.
//!
//! What happens between two of them is said by an octet in front of each: the question is answered, or put off, or time goes by.

use std::sync::Arc;
use std::time::Duration;

use coap_kit::{
    Answering, BlockSize, Budget, Conversation, Format, House, Link, Method, Question, Resources, Response,
    Target,
};
use server_kit::listener::PeerConnection;
use tokio::time::Instant;

use crate::shape::{datagrams, of_datagrams};

/// What all connections may keep of bodies.
const BUDGET: usize = 4_096;
const MAX_BODY: usize = 1_500;
/// A block of 1,024 octets and what stands around it.
const MAX_MESSAGE: usize = 1_024 + 40;
/// As many as are heard of one input.
const MAX_DATAGRAMS: usize = 64;
/// How many messages one conversation may take the room of: it keeps its last answers.
pub(crate) const ROOM: u64 = 2;

const ANSWERED: u8 = 0;
const PUT_OFF: u8 = 1;
const LATER: u8 = 2;

/// Two resources for whoever shows a certificate.
struct Desk;

impl Resources for Desk {
    fn links(&self) -> Vec<Link> {
        let link = |name: &str| Link {
            path: format!("/{name}"),
            resource_type: Some(format!("fuzz.{name}")),
            formats: vec![Format::of(281)],
        };
        ["read", "act"].map(link).into()
    }

    fn wants_certificates(&self) -> bool {
        true
    }

    fn room(&self, target: &Target, _: &PeerConnection) -> Option<usize> {
        let is_fine = match target.method {
            Method::Get => target.is_at(&["read"]),
            Method::Post => target.is_at(&["act"]) && target.announced == Some(Format::of(286)),
            Method::Other => false,
        };
        is_fine.then_some(MAX_BODY)
    }

    fn answer(&self, question: Question) -> Answering {
        let method = question.target.method;
        Box::pin(async move { Response::content(method, Format::of(281), Vec::new()) })
    }
}

/// One datagram has one answer, to it and by a token that was heard; questions come one at a time, with bodies no longer than
/// there is room for; and what was kept is given back.
pub(crate) fn conversation(octets: &[u8]) {
    let budget = Budget::new(BUDGET);
    let house = House { resources: Arc::new(Desk), block: BlockSize::LARGEST, budget: budget.clone() };
    let mut one = Conversation::new(house, PeerConnection::plain(([192, 0, 2, 1], 1).into()), 0);
    let mut now = Instant::now();
    let heard: Vec<(u8, &[u8])> = datagrams(octets)
        .into_iter()
        .take(MAX_DATAGRAMS)
        .filter_map(|all| all.split_first().map(|(then, datagram)| (*then, datagram)))
        .collect();
    for (place, (then, datagram)) in heard.iter().enumerate() {
        hear(&mut one, &heard[..=place], now);
        match then % 4 {
            ANSWERED => {
                let length = datagram.len() * 3;
                one.answered(Response::content(Method::Post, Format::of(281), vec![5; length]), now);
            }
            PUT_OFF => one.put_off(Duration::from_secs(1), now),
            LATER => now += Duration::from_millis(1_500),
            _ => {}
        }
        one.pass(now);
        one.take_outbox().iter().for_each(|answer| check(answer, &heard));
        assert!(budget.left() <= BUDGET);
    }
    drop(one);
    assert_eq!(budget.left(), BUDGET, "everything is given back");
}

fn hear(one: &mut Conversation, heard: &[(u8, &[u8])], now: Instant) {
    let Some((_, datagram)) = heard.last() else { return };
    let was_busy = one.is_busy();
    one.hear(datagram, now);
    let sent = one.take_outbox();
    assert!(sent.len() <= 1, "one message, one answer");
    for answer in &sent {
        check(answer, heard);
        // RFC 7252 §4.2: an acknowledgement and a reset name the message that they are of.
        assert!(kind(answer) < 2 || answer[2..4] == datagram[2..4]);
    }
    let question = one.take_question();
    assert!(question.is_none() || !was_busy, "one question at a time");
    if let Some(Ok(body)) = question.map(|question| question.body) {
        assert!(body.len() <= MAX_BODY);
    }
}

/// RFC 7252 §3, §5.3.1: a message in order, no longer than it may be; and a response has the token of a request.
fn check(answer: &[u8], heard: &[(u8, &[u8])]) {
    assert!((4..=MAX_MESSAGE).contains(&answer.len()), "{} octets", answer.len());
    assert_eq!(answer[0] >> 6, 1, "the version");
    let token = token(answer).expect("a token of at most eight octets");
    let is_empty = answer[1] == 0;
    assert!(if is_empty {
        answer.len() == 4
    } else {
        heard.iter().any(|(_, one)| self::token(one) == Some(token))
    });
}

fn kind(message: &[u8]) -> u8 {
    (message[0] >> 4) & 3
}

fn token(message: &[u8]) -> Option<&[u8]> {
    let length = usize::from(message.first()? & 15);
    if length > 8 { None } else { message.get(4..4 + length) }
}

/// A message of type Confirmable: code, message ID, a token of two octets, options and payload.
fn message(code: u8, id: u8, options: &[(u16, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x42, code, 0, id, 0xC0, id];
    let mut before = 0;
    for (number, value) in options {
        let delta = number - before;
        let length = u8::try_from(value.len()).expect("it is short");
        let nibble = |value: u16| u8::try_from(value.min(13)).expect("it is small");
        octets.push(nibble(delta) << 4 | nibble(length.into()));
        for extended in [delta, length.into()].into_iter().filter(|value| *value >= 13) {
            octets.push(u8::try_from(extended - 13).expect("it is small"));
        }
        octets.extend_from_slice(value);
        before = *number;
    }
    if !payload.is_empty() {
        octets.push(0xFF);
        octets.extend_from_slice(payload);
    }
    octets
}

/// Something to read, something to have done in one message and in blocks, an answer in blocks, the list, a ping.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let (path, format, block2, block1, size1, query): (u16, u16, u16, u16, u16, u16) =
        (11, 12, 23, 27, 60, 15);
    let (get, post) = (1, 2);
    let wish: &[u8] = &[1, 30];
    let then = |what: u8, message: Vec<u8>| [vec![what], message].concat();
    let act = |id: u8, block: &[u8], payload: &[u8]| {
        message(post, id, &[(path, b"act"), (format, wish), (block1, block)], payload)
    };
    let read = then(ANSWERED, message(get, 1, &[(path, b"read")], b""));
    let whole = then(ANSWERED, message(post, 2, &[(path, b"act"), (format, wish), (size1, &[64])], &[7; 64]));
    let in_blocks = [
        then(3, act(3, &[0x0A], &[1; 64])),
        then(3, act(4, &[0x1A], &[2; 64])),
        then(ANSWERED, act(5, &[0x22], &[3; 40])),
    ];
    let in_parts = [
        then(ANSWERED, message(get, 6, &[(path, b"read"), (block2, &[0x00])], &[4; 64])),
        then(3, message(get, 7, &[(path, b"read"), (block2, &[0x10])], b"")),
        then(LATER, message(get, 8, &[(path, b"read"), (block2, &[0x20])], b"")),
    ];
    let list =
        then(3, message(get, 9, &[(path, b".well-known"), (path, b"core"), (query, b"rt=fuzz.*")], b""));
    let slow = [
        then(LATER, message(get, 10, &[(path, b"read")], b"")),
        then(ANSWERED, vec![0x40, 0, 0, 11]),
        then(3, vec![0x60, 0, 0, 0]),
    ];
    let put_off = then(PUT_OFF, message(get, 12, &[(path, b"read")], b""));
    let all = [vec![read, whole], in_blocks.into(), in_parts.into(), vec![list], slow.into(), vec![put_off]];
    all.iter().map(|one| of_datagrams(one)).chain([of_datagrams(&all.concat())]).collect()
}
