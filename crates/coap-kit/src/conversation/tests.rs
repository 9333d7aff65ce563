//! Conversations without a socket: what comes in, what goes out, what is asked.

use std::time::Duration;

use coap_lite::{CoapOption, RequestType};
use server_kit::tls::TlsVersion;

use super::*;
use crate::format::Format;
use crate::message::{integer_octets, option_integer};
use crate::resources::fake::{Fake, OUTCOME};

const TOKEN: [u8; 2] = [0xAB, 0xCD];

fn house(budget: usize) -> House {
    House { resources: Arc::new(Fake::new(2_000)), block: BlockSize::LARGEST, budget: Budget::new(budget) }
}

fn connection(certificates: &[&[u8]]) -> PeerConnection {
    let certificates: Vec<Vec<u8>> = certificates.iter().map(|octets| octets.to_vec()).collect();
    PeerConnection {
        certificates: certificates.into(),
        tls_version: Some(TlsVersion::Tls12),
        ..PeerConnection::plain(([192, 0, 2, 1], 1).into())
    }
}

fn known() -> Conversation {
    Conversation::new(house(1 << 20), connection(&[b"certificate"]), 0x7000)
}

/// A request under construction.
struct Asks(Packet);

impl Asks {
    fn new(kind: RequestType, path: &[&str], id: u16) -> Self {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.code = MessageClass::Request(kind);
        packet.header.message_id = id;
        packet.set_token(TOKEN.to_vec());
        for segment in path {
            packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
        }
        Self(packet)
    }

    fn read(id: u16) -> Self {
        Self::new(RequestType::Get, &["read"], id)
    }

    fn act(id: u16) -> Self {
        Self::new(RequestType::Post, &["act"], id).number(CoapOption::ContentFormat, 286)
    }

    fn number(mut self, option: CoapOption, value: u32) -> Self {
        self.0.add_option(option, integer_octets(value));
        self
    }

    fn block(self, option: CoapOption, number: u32, more: bool, octets: usize) -> Self {
        let size = BlockSize::of_octets(octets).unwrap();
        let mut block = Block::first(size);
        (block.number, block.more) = (number, more);
        let value = message::integer(&block.octets()).unwrap();
        self.number(option, value)
    }

    fn with(mut self, payload: &[u8]) -> Self {
        self.0.payload = payload.to_vec();
        self
    }

    fn non_confirmable(mut self) -> Self {
        self.0.header.set_type(MessageType::NonConfirmable);
        self
    }

    fn octets(&self) -> Vec<u8> {
        message::written(&self.0)
    }
}

/// Says something and returns the one answer.
fn say(conversation: &mut Conversation, asks: &Asks) -> Packet {
    conversation.hear(&asks.octets(), Instant::now());
    only(conversation)
}

fn only(conversation: &mut Conversation) -> Packet {
    let mut sent = conversation.take_outbox();
    assert_eq!(sent.len(), 1, "{sent:?}");
    message::read(&sent.remove(0)).unwrap()
}

fn code(packet: &Packet) -> String {
    packet.header.get_code()
}

fn done(octets: usize) -> Response {
    Response::content(Method::Post, OUTCOME, (0..=255).cycle().take(octets).collect())
}

fn found(octets: usize) -> Response {
    Response::content(Method::Get, OUTCOME, vec![9; octets])
}

// RFC 7252 §5.2.1: the answer comes with the acknowledgement.
#[test]
fn answers_with_the_acknowledgement() {
    let mut one = known();
    one.hear(&Asks::read(5).octets(), Instant::now());
    let question = one.take_question().unwrap();
    assert!(question.target.is_at(&["read"]) && question.target.method == Method::Get);
    one.answered(found(300), Instant::now());
    let answer = only(&mut one);
    assert_eq!(answer.header.get_type(), MessageType::Acknowledgement);
    assert_eq!((answer.header.message_id, answer.get_token()), (5, &TOKEN[..]));
    assert_eq!((code(&answer), answer.payload.len()), ("2.05".to_owned(), 300));
    assert_eq!(option_integer(&answer, CoapOption::ContentFormat), Some(281));
}

// RFC 7252 §5.8.2, §5.10.4: 2.04, and the front end hears which form is wanted.
#[test]
fn what_was_done_is_changed_and_the_form_that_is_wanted_is_asked_for() {
    for accept in [None, Some(281), Some(60)] {
        let mut one = known();
        let mut asks = Asks::act(5).with(b"wish");
        if let Some(accept) = accept {
            asks = asks.number(CoapOption::Accept, accept.into());
        }
        one.hear(&asks.octets(), Instant::now());
        let question = one.take_question().unwrap();
        assert_eq!(question.body, Ok(b"wish".to_vec()));
        assert_eq!(question.target.announced, Some(Format::of(286)));
        assert_eq!(question.target.accept, accept.map(Format::of));
        one.answered(done(600), Instant::now());
        let answer = only(&mut one);
        assert_eq!((code(&answer), answer.payload.len()), ("2.04".to_owned(), 600));
        assert_eq!(option_integer(&answer, CoapOption::ContentFormat), Some(281));
    }
}

// RFC 7252 §4.5: what comes twice is acted on once and answered alike.
#[test]
fn a_request_that_comes_twice_is_asked_once() {
    let mut one = known();
    let asks = Asks::act(5).with(b"wish");
    one.hear(&asks.octets(), Instant::now());
    assert!(one.take_question().is_some());
    one.hear(&asks.octets(), Instant::now());
    assert!(one.take_question().is_none() && one.take_outbox().is_empty(), "it is being answered");
    one.answered(done(100), Instant::now());
    let first = only(&mut one);
    for _ in 0..3 {
        assert_eq!(say(&mut one, &asks), first);
        assert!(one.take_question().is_none());
    }
}

// RFC 7959 §2.5, RFC 9148 §4.6: 2.31 for each block, the question after the last.
#[test]
fn a_body_comes_in_blocks_of_every_size() {
    let body: Vec<u8> = (0..=255).cycle().take(1_500).collect();
    for size in [16, 32, 64, 128, 256, 512, 1_024] {
        let mut one = known();
        let parts: Vec<&[u8]> = body.chunks(size).collect();
        for (number, part) in (0_u16..).zip(&parts) {
            let more = usize::from(number) + 1 < parts.len();
            let block = |asks: Asks| asks.block(CoapOption::Block1, u32::from(number), more, size);
            let asks = block(Asks::act(number)).with(part);
            one.hear(&asks.octets(), Instant::now());
            if more {
                let answer = only(&mut one);
                assert_eq!(code(&answer), "2.31");
                let said = answer.get_first_option(CoapOption::Block1);
                assert_eq!(said, asks.0.get_first_option(CoapOption::Block1));
            }
        }
        assert_eq!(one.take_question().unwrap().body.as_deref(), Ok(&body[..]), "{size}");
        one.answered(done(100), Instant::now());
        assert!(only(&mut one).get_first_option(CoapOption::Block1).is_some());
    }
}

// RFC 7959 §2.4, RFC 9148 §4.6, §4.7: later blocks are asked for by the same request without its body.
#[test]
fn an_answer_goes_in_blocks_of_the_size_that_is_wanted() {
    for size in [16, 64, 256, 1_024] {
        let mut one = known();
        let asks = Asks::act(0).block(CoapOption::Block2, 0, false, size).with(b"wish");
        one.hear(&asks.octets(), Instant::now());
        assert!(one.take_question().is_some());
        one.answered(done(1_500), Instant::now());
        let mut answer = only(&mut one);
        let (mut got, mut number) = (answer.payload.clone(), 0);
        while Block::read(answer.get_first_option(CoapOption::Block2).unwrap()).unwrap().more {
            number += 1;
            let asks = Asks::new(RequestType::Post, &["act"], number);
            answer = say(&mut one, &asks.block(CoapOption::Block2, u32::from(number), false, size));
            assert_eq!(code(&answer), "2.04");
            assert!(answer.payload.len() <= size);
            got.extend(&answer.payload);
        }
        assert!(one.take_question().is_none(), "nothing is asked again");
        assert_eq!(got, done(1_500).payload, "{size}");
    }
}

#[test]
fn an_answer_that_is_not_kept_is_asked_for_anew_or_incomplete() {
    let mut one = known();
    let answer = say(&mut one, &Asks::act(1).block(CoapOption::Block2, 2, false, 64));
    assert_eq!(code(&answer), "4.08");
    one.hear(&Asks::read(2).block(CoapOption::Block2, 2, false, 64).octets(), Instant::now());
    assert!(one.take_question().is_some(), "what is read is the same every time");
    one.answered(found(150), Instant::now());
    assert_eq!(only(&mut one).payload, [9; 22]);
    let answer = say(&mut one, &Asks::read(3).block(CoapOption::Block2, 9, false, 64));
    assert_eq!(code(&answer), "4.00", "it ends before");
}

// RFC 7959 §2.5, §2.9.3.
#[test]
fn blocks_out_of_place_are_incomplete_and_bodies_too_long_are_refused() {
    let mut one = known();
    let block = |id: u16, number, size: usize| {
        Asks::act(id).block(CoapOption::Block1, number, true, size).with(&vec![1; size])
    };
    assert_eq!(code(&say(&mut one, &block(1, 1, 64))), "4.08");
    assert_eq!(code(&say(&mut one, &block(2, 0, 1_024))), "2.31");
    one.hear(&block(3, 1, 1_024).octets(), Instant::now());
    assert_eq!(one.take_question().unwrap().body, Err(TooLarge), "2,048 octets of 2,000");
    one.answered(Response::refused(413, "the body is too large", None).with_room(2_000), Instant::now());
    let answer = only(&mut one);
    assert_eq!((code(&answer), option_integer(&answer, CoapOption::Size1)), ("4.13".to_owned(), Some(2_000)));
    let announced = block(4, 0, 64).number(CoapOption::Size1, 2_001);
    one.hear(&announced.octets(), Instant::now());
    assert_eq!(one.take_question().unwrap().body, Err(TooLarge), "said beforehand");
}

#[test]
fn nothing_is_kept_for_who_will_be_refused_anyway() {
    let first = |asks: Asks| asks.block(CoapOption::Block1, 0, true, 64).with(&[1; 64]);
    let elsewhere = Asks::new(RequestType::Post, &["elsewhere"], 1);
    let unannounced = Asks::new(RequestType::Post, &["act"], 1).number(CoapOption::ContentFormat, 0);
    for (mut one, asks) in [
        (Conversation::new(house(0), connection(&[]), 0), Asks::act(1)),
        (Conversation::new(house(0), connection(&[b"x"]), 0), elsewhere),
        (Conversation::new(house(0), connection(&[b"x"]), 0), unannounced),
    ] {
        one.hear(&first(asks).octets(), Instant::now());
        assert_eq!(one.take_question().unwrap().body, Ok(Vec::new()));
    }
    let mut full = Conversation::new(house(63), connection(&[b"x"]), 0);
    let answer = say(&mut full, &first(Asks::act(1)));
    assert_eq!((code(&answer), option_integer(&answer, CoapOption::MaxAge)), ("5.03".to_owned(), Some(30)));
}

// RFC 7252 §5.2.2, RFC 9148 §4.7: an empty acknowledgement first, then a confirmable response, sent until it is confirmed.
#[test]
fn a_slow_answer_is_acknowledged_and_comes_by_itself() {
    let mut one = known();
    let (asks, start) = (Asks::act(5).with(b"wish"), Instant::now());
    one.hear(&asks.octets(), start);
    assert!(one.take_question().is_some());
    let due = one.due().unwrap();
    assert_eq!(due - start, ACKNOWLEDGED_AFTER);
    one.pass(due);
    assert_eq!(one.take_outbox(), [vec![0x60, 0, 0, 5]]);
    one.hear(&asks.octets(), due);
    assert_eq!(one.take_outbox(), [vec![0x60, 0, 0, 5]], "as often as the request comes");

    let later = due + Duration::from_secs(20);
    one.answered(done(100), later);
    let response = only(&mut one);
    assert_eq!(response.header.get_type(), MessageType::Confirmable);
    assert_eq!((response.header.message_id, response.get_token()), (0x7000, &TOKEN[..]));
    let mut now = later;
    for _ in 0..4 {
        now = one.due().unwrap();
        one.pass(now);
        assert_eq!(only(&mut one), response);
    }
    one.hear(&message::empty(MessageType::Acknowledgement, 0x7000), now);
    one.pass(now + Duration::from_secs(100));
    assert!(one.take_outbox().is_empty());
}

#[test]
fn a_response_that_nobody_confirms_is_given_up() {
    for kind in [MessageType::Reset, MessageType::Acknowledgement] {
        let mut one = known();
        let start = Instant::now();
        one.hear(&Asks::act(5).with(b"wish").octets(), start);
        one.pass(start + ACKNOWLEDGED_AFTER);
        one.answered(done(100), start);
        assert_eq!(one.take_outbox().len(), 2);
        one.hear(&message::empty(kind, 0x7001), start);
        assert!(one.unconfirmed.is_some(), "another message's");
        one.hear(&message::empty(kind, 0x7000), start);
        assert!(one.unconfirmed.is_none());
    }
    let mut one = known();
    let start = Instant::now();
    one.hear(&Asks::act(5).with(b"wish").octets(), start);
    one.pass(start + ACKNOWLEDGED_AFTER);
    one.answered(done(100), start);
    let mut sent = one.take_outbox().len();
    while let Some(due) = one.due() {
        one.pass(due);
        sent += one.take_outbox().len();
    }
    assert_eq!(sent, 2 + 4);
}

// RFC 7252 §4.2, §4.3.
#[test]
fn a_ping_is_reset_and_what_makes_no_sense_is_reset_or_ignored() {
    let mut one = known();
    let mut hear = |octets: &[u8]| {
        one.hear(octets, Instant::now());
        assert!(one.take_question().is_none());
        one.take_outbox()
    };
    let reset = [vec![0x70, 0, 0x12, 0x34]];
    assert_eq!(hear(&[0x40, 0, 0x12, 0x34]), reset, "a ping");
    assert_eq!(hear(&[0x40, 0x45, 0x12, 0x34]), reset, "a response");
    assert_eq!(hear(&[0x40, 0xE1, 0x12, 0x34]), reset, "a reserved class");
    assert_eq!(hear(&[0x40, 0x01, 0x12, 0x34, 0xFF]), reset, "malformed");
    for first in [0x50, 0x60, 0x70] {
        assert_eq!(hear(&[first, 0x45, 0x12, 0x34]), Vec::<Vec<u8>>::new());
    }
    assert_eq!(hear(&[0x60, 0x01, 0x12, 0x34]), Vec::<Vec<u8>>::new(), "a request that acknowledges");
    assert_eq!(hear(&[0x50, 0x01, 0x12, 0x34, 0xFF]), Vec::<Vec<u8>>::new());
    assert_eq!(hear(&[0x00]), Vec::<Vec<u8>>::new());
}

#[test]
fn a_request_that_need_not_be_confirmed_gets_an_answer_of_its_kind() {
    let mut one = known();
    one.hear(&Asks::read(5).non_confirmable().octets(), Instant::now());
    assert_eq!(one.due(), None, "nothing is acknowledged");
    one.answered(found(1), Instant::now());
    let answer = only(&mut one);
    assert_eq!(answer.header.get_type(), MessageType::NonConfirmable);
    assert_eq!((answer.header.message_id, answer.get_token()), (0x7000, &TOKEN[..]));
}

// RFC 7252 §4.7: a client has one request under way; another one has to wait.
#[test]
fn one_question_at_a_time() {
    let mut one = known();
    one.hear(&Asks::act(5).with(b"wish").octets(), Instant::now());
    assert!(one.take_question().is_some());
    let answer = say(&mut one, &Asks::act(6).with(b"another"));
    assert_eq!((code(&answer), option_integer(&answer, CoapOption::MaxAge)), ("5.03".to_owned(), Some(5)));
    assert!(one.take_question().is_none());
    one.put_off(Duration::from_millis(1_500), Instant::now());
    let answer = only(&mut one);
    assert_eq!((code(&answer), option_integer(&answer, CoapOption::MaxAge)), ("4.29".to_owned(), Some(2)));
}

// RFC 6690 §4.
#[test]
fn the_list_of_resources_is_open_to_everybody() {
    let mut one = Conversation::new(house(1_000), connection(&[]), 0);
    let core = |kind, id| Asks::new(kind, &[".well-known", "core"], id);
    let mut asks = core(RequestType::Get, 1);
    asks.0.add_option(CoapOption::UriQuery, b"rt=fake*".to_vec());
    let answer = say(&mut one, &asks);
    assert_eq!(option_integer(&answer, CoapOption::ContentFormat), Some(40));
    let text = String::from_utf8(answer.payload).unwrap();
    assert_eq!(text, "</read>;rt=\"fake.read\";ct=281,</act>;rt=\"fake.act\";ct=281");
    assert_eq!(code(&say(&mut one, &core(RequestType::Post, 2))), "4.05");
    assert_eq!(code(&say(&mut one, &core(RequestType::Get, 3).number(CoapOption::Accept, 50))), "4.06");
}

#[test]
fn bodies_are_forgotten_after_the_lifetime_of_an_exchange() {
    let mut one = known();
    let start = Instant::now();
    one.hear(&Asks::act(1).block(CoapOption::Block1, 0, true, 16).with(&[1; 16]).octets(), start);
    assert_eq!(one.take_outbox().len(), 1);
    assert_eq!(one.due().unwrap() - start, crate::transfer::KEPT);
    one.pass(one.due().unwrap());
    assert!(one.assembly.is_none() && one.due().is_none());
}
