//! Nested messages: one under an added protection, or many in a batch (RFC 9483 §5.2.2).
//!
//! Each inner message is answered as if it had come alone; the outer protection proves nothing for it.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread;

use ca_core::actor::Identity;
use cmp_messages::body::PkiBody;
use cmp_messages::message::PkiMessage;
use cmp_messages::nested;
use der::Decode;
use der::asn1::Any;

use super::{Case, Exchange, Worked};
use crate::observation;
use crate::protect::Draft;
use crate::refusal::{Refusal, TransferRefusal};
use cmp_messages::operation::Operation;

/// On how many threads inner messages are worked, so that their records share what they wait for.
const LANES: usize = 32;

/// Answers each inner message, in order.
pub(super) fn answer_each(case: &Case<'_>, messages: &[Any]) -> Result<Worked, Refusal> {
    if case.exchange.is_inner {
        return Err(Refusal::NotServed { body: case.message.body().name() });
    }
    let Identity::RegistrationAuthority(_) = &case.sender.actor.identity else {
        return Err(Refusal::NotRegistrationAuthority);
    };
    let max = case.exchange.config.batches().messages;
    if !(1..=max).contains(&messages.len()) {
        return Err(Refusal::BatchSize { count: messages.len(), max });
    }
    case.check_answerable()?;
    let octets = nested::octets(messages)?;
    let names = names(&octets)?;
    // The path of nested messages says nothing of what is in them; any other path does.
    let operation = case.exchange.operation.filter(|operation| *operation != Operation::Nested);
    let exchange = Exchange { operation, is_inner: true, ..case.exchange.clone() };
    // RFC 9483 §5.2.2.1: the same transactionID adds protection to one message, whose response is not nested.
    if let ([only], [(id, _)]) = (octets.as_slice(), names.as_slice())
        && *id == case.transaction_id
    {
        return exchange.answer(only).map(Worked::again).map_err(|refusal| Box::new(refusal).into());
    }
    check_names(&names)?;
    let answers: Vec<Any> =
        answer_all(&exchange, &octets).iter().map(|der| Any::from_der(der)).collect::<der::Result<_>>()?;
    Ok(Worked::answered(case.seal(Draft::of(PkiBody::Nested(answers)))?))
}

/// RFC 9483 §5.2.2.2: all responses that are available; one that is missing the sender of the batch answers itself.
fn answer_all(exchange: &Exchange, octets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let lane = octets.len().div_ceil(LANES).max(1);
    let answer = |part: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let told = |refusal: &TransferRefusal| observation::not_transferred(exchange.peer, refusal);
        part.iter().filter_map(|one| exchange.answer(one).inspect_err(told).ok()).collect()
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = octets.chunks(lane).map(|part| scope.spawn(move || answer(part))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// The transactionID and senderNonce of each inner message.
type Names = Vec<(Vec<u8>, Vec<u8>)>;

/// RFC 9483 §3.5: the whole message is DER of CMP messages, or none is answered.
fn names(octets: &[Vec<u8>]) -> Result<Names, Refusal> {
    let name = |der: &Vec<u8>| {
        let message = PkiMessage::decode(der)?;
        let text = |field: &Option<der::asn1::OctetString>| {
            field.as_ref().map(|octets| octets.as_bytes().to_vec()).unwrap_or_default()
        };
        Ok((text(&message.header().transaction_id), text(&message.header().sender_nonce)))
    };
    octets.iter().map(name).collect()
}

/// C-28: transactionIDs and nonces of a batch are unique.
fn check_names(names: &Names) -> Result<(), Refusal> {
    let ids: BTreeSet<&Vec<u8>> = names.iter().map(|(id, _)| id).collect();
    let nonces: BTreeSet<&Vec<u8>> = names.iter().map(|(_, nonce)| nonce).collect();
    if ids.len() == names.len() && nonces.len() == names.len() { Ok(()) } else { Err(Refusal::BatchNames) }
}
