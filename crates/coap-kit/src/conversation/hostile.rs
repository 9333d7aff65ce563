//! Whatever is said, a conversation stays within its bounds: random octets, damaged messages, blocks in any order.
//!
//! proptest prints the seed of what fails and keeps it beside this file.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::message::integer_octets;
use crate::resources::fake::{Fake, OUTCOME};
use crate::transfer::KEPT;
use coap_lite::{CoapOption, RequestType};

const BUDGET: usize = 4_096;
const MAX_BODY: usize = 1_500;
/// A block of 1,024 octets and what stands around it.
const MAX_MESSAGE: usize = 1_024 + 40;

fn conversation(is_known: bool) -> Conversation {
    let house = House {
        resources: Arc::new(Fake::new(MAX_BODY)),
        block: BlockSize::LARGEST,
        budget: Budget::new(BUDGET),
    };
    let certificates: Vec<Vec<u8>> = if is_known { vec![vec![1]] } else { Vec::new() };
    let connection = PeerConnection {
        certificates: certificates.into(),
        ..PeerConnection::plain(([192, 0, 2, 1], 1).into())
    };
    Conversation::new(house, connection, 0)
}

/// Hears something, and checks what is true whatever it was.
fn hear(one: &mut Conversation, octets: &[u8], now: Instant) -> Result<bool, TestCaseError> {
    let was_busy = one.is_busy();
    one.hear(octets, now);
    let sent = one.take_outbox();
    prop_assert!(sent.len() <= 1, "one message, one answer");
    for answer in sent {
        prop_assert!(answer.len() <= MAX_MESSAGE, "{} octets", answer.len());
        prop_assert!(message::read(&answer).is_ok(), "the answer can be read");
    }
    let question = one.take_question();
    prop_assert!(question.is_none() || !was_busy, "one question at a time");
    if let Some(Ok(body)) = question.as_ref().map(|question| &question.body) {
        prop_assert!(body.len() <= MAX_BODY);
    }
    Ok(question.is_some())
}

/// A request with some of what requests have.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let path = prop_oneof![
        2 => Just(&["read"][..]),
        4 => Just(&["act"][..]),
        1 => Just(&["elsewhere"][..]),
        1 => Just(&[".well-known", "core"][..]),
    ];
    let blocks = (option_block(), option_block());
    (path, 0_u8..4, any::<u16>(), vec(any::<u8>(), 0..=8), blocks, payload()).prop_map(
        |(path, kind, id, token, (block1, block2), payload)| {
            let mut packet = Packet::new();
            packet.header.set_version(1);
            packet.header.message_id = id % 16;
            packet.set_token(token);
            let is_get = path != ["act"];
            packet.header.code =
                MessageClass::Request(if is_get { RequestType::Get } else { RequestType::Post });
            packet.header.set_type(if kind == 0 {
                MessageType::NonConfirmable
            } else {
                MessageType::Confirmable
            });
            for segment in path {
                packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
            }
            packet.add_option(CoapOption::ContentFormat, integer_octets(286));
            for (option, block) in [(CoapOption::Block1, block1), (CoapOption::Block2, block2)] {
                if let Some(octets) = block {
                    packet.add_option(option, octets);
                }
            }
            packet.payload = payload;
            message::written(&packet)
        },
    )
}

/// Most often as long as a block may be.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![Just(16), Just(64), Just(256), Just(1_024), 0_usize..1_100];
    (size, any::<u8>()).prop_map(|(size, octet)| vec![octet; size])
}

fn option_block() -> impl Strategy<Value = Option<Vec<u8>>> {
    let likely = (0_u32..4, any::<bool>(), 0_u32..8)
        .prop_map(|(number, more, size)| integer_octets(number << 4 | u32::from(more) << 3 | size));
    prop_oneof![3 => Just(None), 3 => likely.prop_map(Some), 1 => vec(any::<u8>(), 0..5).prop_map(Some)]
}

/// One octet changed, left out or put in.
fn damage(mut octets: Vec<u8>, place: usize, value: u8, how: u8) -> Vec<u8> {
    let place = place % octets.len().max(1);
    match how % 4 {
        0 => octets.insert(place, value),
        1 if !octets.is_empty() => drop(octets.remove(place)),
        2 => octets.truncate(place),
        _ => {
            if let Some(octet) = octets.get_mut(place) {
                *octet = value;
            }
        }
    }
    octets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_octets_lead_to_nothing(octets in vec(any::<u8>(), 0..200)) {
        hear(&mut conversation(true), &octets, Instant::now())?;
    }

    #[test]
    fn what_is_read_is_written_as_it_came(octets in vec(any::<u8>(), 0..64), first in 0x40_u8..0x80) {
        let octets = [&[first][..], &octets].concat();
        if let Ok(packet) = message::read(&octets) {
            prop_assert_eq!(message::written(&packet), octets);
        }
    }

    #[test]
    fn damaged_requests_stay_within_bounds(
        octets in request(),
        place in any::<usize>(),
        (value, how) in any::<(u8, u8)>(),
    ) {
        hear(&mut conversation(true), &damage(octets, place, value, how), Instant::now())?;
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_of_requests_keeps_no_more_than_it_may(
        is_known in any::<bool>(),
        said in vec((request(), 0_u8..4, 0_u16..400), 1..24),
    ) {
        let mut one = conversation(is_known);
        let budget = one.house.budget.clone();
        let mut now = Instant::now();
        for (octets, then, octets_of_answer) in said {
            hear(&mut one, &octets, now)?;
            match then {
                0 => {
                    let payload = vec![5; usize::from(octets_of_answer) * 10];
                    one.answered(Response::content(Method::Post, OUTCOME, payload), now);
                }
                1 => one.put_off(Duration::from_secs(1), now),
                2 => now += Duration::from_millis(1_500),
                _ => {}
            }
            one.pass(now);
            for answer in one.take_outbox() {
                prop_assert!(answer.len() <= MAX_MESSAGE);
            }
        }
        one.pass(now + KEPT);
        prop_assert!(one.assembly.is_none() && one.kept.is_none());
        drop(one);
        prop_assert_eq!(budget.left(), BUDGET, "everything is given back");
    }
}
