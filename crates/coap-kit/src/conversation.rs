//! What is said over one connection: messages, blocks, one question at a time, and when to speak without being asked
//! (RFC 7252 §4, §5; RFC 7959).
//!
//! It has no socket and no clock, and answers nothing itself: octets and the time come in, octets and questions go out.

mod recent;
mod unconfirmed;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coap_lite::{MessageClass, MessageType, Packet, ResponseType};
use server_kit::listener::PeerConnection;
use tokio::time::Instant;

use crate::block::{Block, BlockSize};
use crate::format::LINKS;
use crate::links;
use crate::message::{self, Unreadable};
use crate::method::Method;
use crate::request::{self, Request, Target};
use crate::resources::{Question, Resources, TooLarge};
use crate::response::Response;
use crate::transfer::{Assembly, BlockFault, Budget, Kept};
use recent::{Recent, Seen};
use unconfirmed::Unconfirmed;

/// How long an answer may take until the request is acknowledged by itself: before a client asks again, which it does after
/// two seconds (RFC 7252 §4.8, §5.2.2).
const ACKNOWLEDGED_AFTER: Duration = Duration::from_secs(1);
/// After how many seconds to come again when another request of the same connection is being answered.
const RETRY_IN_FLIGHT: u32 = 5;
/// After how many seconds to come again when there is no room for a body.
const RETRY_NO_ROOM: u32 = 30;
/// RFC 6690 §4: where resources are discovered.
const DISCOVERY: [&str; 2] = [".well-known", "core"];

/// What all conversations of a listener have in common.
#[derive(Clone)]
pub struct House {
    /// What there is to ask for.
    pub resources: Arc<dyn Resources>,
    /// The largest block of an answer.
    pub block: BlockSize,
    /// What all connections may keep.
    pub budget: Budget,
}

/// Whom to answer and how.
#[derive(Debug)]
struct Inquiry {
    id: u16,
    token: Vec<u8>,
    confirmable: bool,
    /// Whether it was acknowledged by itself.
    acknowledged: bool,
}

/// A question that is not answered yet.
#[derive(Debug)]
struct Pending {
    inquiry: Inquiry,
    target: Target,
    block1: Option<Block>,
    block2: Option<Block>,
    /// When the request is acknowledged by itself.
    due: Instant,
}

/// One peer's. Whoever carries the datagrams of a peer, behind whatever protects them, can lead one.
pub struct Conversation {
    house: House,
    connection: PeerConnection,
    recent: Recent,
    assembly: Option<Assembly>,
    kept: Option<Kept>,
    pending: Option<Pending>,
    unconfirmed: Option<Unconfirmed>,
    next_id: u16,
    outbox: Vec<Vec<u8>>,
    question: Option<Question>,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").field("block", &self.block).finish_non_exhaustive()
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What a request leads to.
enum Step {
    /// An answer.
    Respond(Response),
    /// A question to the front end, with this body.
    Ask(Result<Vec<u8>, TooLarge>),
}

impl Conversation {
    /// Begins one. Messages of its own are numbered from `first_id` on, which nobody should guess (RFC 7252 §4.4).
    #[must_use]
    pub fn new(house: House, connection: PeerConnection, first_id: u16) -> Self {
        Self {
            house,
            connection,
            recent: Recent::default(),
            assembly: None,
            kept: None,
            pending: None,
            unconfirmed: None,
            next_id: first_id,
            outbox: Vec::new(),
            question: None,
        }
    }

    /// Takes out what is to be sent.
    pub fn take_outbox(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.outbox)
    }

    /// Takes out what is to be asked; it is answered by [`Self::answered`] or [`Self::put_off`].
    pub fn take_question(&mut self) -> Option<Question> {
        self.question.take()
    }

    /// Tells whether the peer waits for something.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    /// Hears one message.
    pub fn hear(&mut self, octets: &[u8], now: Instant) {
        let packet = match message::read(octets) {
            Ok(packet) => packet,
            Err(Unreadable::Malformed { reset: Some(id) }) => return self.reset(id),
            Err(Unreadable::Malformed { reset: None } | Unreadable::Foreign) => return,
        };
        let id = packet.header.message_id;
        match (packet.header.get_type(), packet.header.code) {
            (MessageType::Confirmable | MessageType::NonConfirmable, MessageClass::Request(_)) => {
                self.request(packet, now);
            }
            // RFC 7252 §4.2, §4.3: an Empty one is a ping; a response was not asked for.
            (MessageType::Confirmable, _) => self.reset(id),
            (MessageType::Acknowledgement | MessageType::Reset, MessageClass::Empty) => self.settle(id),
            // RFC 7252 §4.2, §4.3: all else is ignored.
            (MessageType::NonConfirmable | MessageType::Acknowledgement | MessageType::Reset, _) => {}
        }
    }

    fn reset(&mut self, id: u16) {
        self.outbox.push(message::empty(MessageType::Reset, id));
    }

    /// RFC 7252 §4.2: an acknowledgement, or a reset, ends the sending of a message.
    fn settle(&mut self, id: u16) {
        if self.unconfirmed.as_ref().is_some_and(|message| message.id == id) {
            self.unconfirmed = None;
        }
    }

    fn request(&mut self, packet: Packet, now: Instant) {
        let confirmable = packet.header.get_type() == MessageType::Confirmable;
        let id = packet.header.message_id;
        match self.recent.see(id, now) {
            Seen::New => {}
            // RFC 7252 §4.5: acted on once, answered as often as it comes.
            Seen::Before(Some(answer)) if confirmable => return self.outbox.push(answer),
            Seen::Before(_) => return,
        }
        let Some(kind) = request::method_of(&packet) else { return };
        let inquiry = Inquiry { id, token: packet.get_token().to_vec(), confirmable, acknowledged: false };
        let request = match request::read(packet, kind) {
            Ok(request) => request,
            Err(response) => return self.respond(&inquiry, &response, now),
        };
        let (target, block1, block2) = (request.target.clone(), request.block1, request.block2);
        match self.step(request, now) {
            Step::Respond(response) => {
                let response = self.in_blocks((&target, block2), response, now);
                self.respond(&inquiry, &response, now);
            }
            Step::Ask(body) => {
                self.question =
                    Some(Question { target: target.clone(), connection: self.connection.clone(), body });
                let due = now + ACKNOWLEDGED_AFTER;
                self.pending = Some(Pending { inquiry, target, block1, block2, due });
            }
        }
    }

    fn step(&mut self, request: Request, now: Instant) -> Step {
        if let Some(block) = request.block2.filter(|block| block.number > 0)
            && let Some(step) = self.later_block(&request.target, block, now)
        {
            return step;
        }
        if request.target.is_at(&DISCOVERY) {
            return Step::Respond(self.discovery(&request.target));
        }
        if self.pending.is_some() {
            let sentence = "another request of this connection is being answered";
            let code = ResponseType::ServiceUnavailable;
            return Step::Respond(Response::later(code, sentence, RETRY_IN_FLIGHT));
        }
        // What will be refused whatever its body is need not be kept until it is whole.
        let Some(max_octets) = self.house.resources.room(&request.target, &self.connection) else {
            return Step::Ask(Ok(Vec::new()));
        };
        match request.block1.filter(|_| request.target.method == Method::Post) {
            Some(block) => self.early_block(&request, block, max_octets, now),
            None if request.payload.len() > max_octets => Step::Ask(Err(TooLarge)),
            None => Step::Ask(Ok(request.payload)),
        }
    }

    /// RFC 7959 §2.5, RFC 9148 §4.6: a block of a body that comes.
    fn early_block(&mut self, request: &Request, block: Block, max_octets: usize, now: Instant) -> Step {
        let is_too_large = |said: u32| usize::try_from(said).map_or(true, |octets| octets > max_octets);
        if block.number == 0 {
            // RFC 7959 §2.5: a first block begins anew.
            self.assembly = None;
            if request.size1.is_some_and(is_too_large) {
                return Step::Ask(Err(TooLarge));
            }
        }
        let begin = || Assembly::begin(request.target.clone(), &self.house.budget, now);
        let mut assembly = self.assembly.take().unwrap_or_else(begin);
        match assembly.take(&request.target, (block, &request.payload), max_octets, now) {
            Ok(()) if block.more => {
                self.assembly = Some(assembly);
                Step::Respond(Response { block1: Some(block), ..Response::bare(ResponseType::Continue) })
            }
            Ok(()) => Step::Ask(Ok(assembly.whole())),
            Err(BlockFault::OutOfPlace) => Step::Respond(Response::told(
                ResponseType::RequestEntityIncomplete,
                "the blocks before this one are not here, begin anew",
            )),
            Err(BlockFault::Length) => {
                Step::Respond(Response::told(ResponseType::BadRequest, "the block has not its size"))
            }
            Err(BlockFault::TooLarge) => Step::Ask(Err(TooLarge)),
            Err(BlockFault::NoRoom) => Step::Respond(no_room()),
        }
    }

    /// RFC 7959 §2.4, RFC 9148 §4.6: a later block of a body that goes. None where what is asked for can be asked for anew.
    fn later_block(&mut self, target: &Target, block: Block, now: Instant) -> Option<Step> {
        let block = block.at_most(self.house.block);
        match self.kept.as_mut().filter(|kept| kept.answers(target)) {
            Some(kept) => Some(Step::Respond(kept.part(block, now).unwrap_or_else(|| {
                Response::told(ResponseType::BadRequest, "the body ends before this block")
            }))),
            None if target.method == Method::Get => None,
            None => Some(Step::Respond(Response::told(
                ResponseType::RequestEntityIncomplete,
                "the answer is not kept any more, send the request again",
            ))),
        }
    }

    /// RFC 6690 §4.
    fn discovery(&self, target: &Target) -> Response {
        if target.method != Method::Get {
            return Response::told(ResponseType::MethodNotAllowed, "the list can only be read");
        }
        if target.accept.is_some_and(|wanted| wanted != LINKS) {
            return Response::told(ResponseType::NotAcceptable, "the list comes in link format");
        }
        let list = links::list(&self.house.resources.links(), &target.queries);
        Response::content(target.method, LINKS, list.into_bytes())
    }

    /// Hears the answer to the question.
    pub fn answered(&mut self, response: Response, now: Instant) {
        let Some(pending) = self.pending.take() else { return };
        self.finish(pending, response, now);
    }

    /// The question is not asked: its requester asks too much (RFC 8516).
    pub fn put_off(&mut self, wait: Duration, now: Instant) {
        let Some(pending) = self.pending.take() else { return };
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let response = Response::later(ResponseType::TooManyRequests, "too many requests", seconds);
        self.finish(pending, response, now);
    }

    fn finish(&mut self, pending: Pending, response: Response, now: Instant) {
        let Pending { inquiry, target, block1, block2, due: _ } = pending;
        let mut response = self.in_blocks((&target, block2), response, now);
        // RFC 7959 §2.5: the last block of the request is named by the response. An error ends the transfer likewise.
        response.block1 = block1.map(Block::last);
        self.respond(&inquiry, &response, now);
    }

    /// RFC 7959 §2.4: what does not fit into one block is kept and goes in several, as large as the requester wishes.
    fn in_blocks(
        &mut self,
        (target, wanted): (&Target, Option<Block>),
        response: Response,
        now: Instant,
    ) -> Response {
        if response.format.is_none() || response.block2.is_some() {
            return response;
        }
        let block = wanted.unwrap_or_else(|| Block::first(self.house.block)).at_most(self.house.block);
        if wanted.is_none() && response.payload.len() <= block.size() {
            return response;
        }
        let Ok(mut kept) = Kept::new(target.clone(), response, &self.house.budget, now) else {
            return no_room();
        };
        let part = kept.part(block, now);
        self.kept = Some(kept);
        part.unwrap_or_else(|| Response::told(ResponseType::BadRequest, "the body ends before this block"))
    }

    fn respond(&mut self, inquiry: &Inquiry, response: &Response, now: Instant) {
        if inquiry.confirmable && !inquiry.acknowledged {
            // RFC 7252 §5.2.1.
            let octets = response.message(MessageType::Acknowledgement, inquiry.id, &inquiry.token);
            self.recent.answered(inquiry.id, &octets);
            return self.outbox.push(octets);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        if inquiry.confirmable {
            // RFC 7252 §5.2.2: a separate response is confirmable itself.
            let octets = response.message(MessageType::Confirmable, id, &inquiry.token);
            self.unconfirmed = Some(Unconfirmed::sent(id, octets.clone(), now));
            self.outbox.push(octets);
        } else {
            // RFC 7252 §5.2.3.
            self.outbox.push(response.message(MessageType::NonConfirmable, id, &inquiry.token));
        }
    }

    /// Returns when [`Self::pass`] has something to do.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let waits = self.pending.as_ref().filter(|pending| pending.waits()).map(|pending| pending.due);
        let bodies = [self.assembly.as_ref().map(|one| one.until), self.kept.as_ref().map(|one| one.until)];
        let times = bodies.into_iter().chain([waits, self.unconfirmed.as_ref().map(Unconfirmed::due)]);
        times.flatten().min()
    }

    /// Does what is due.
    pub fn pass(&mut self, now: Instant) {
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.waits() && pending.due <= now) {
            // RFC 7252 §5.2.2, RFC 9148 §4.7: it will take longer.
            pending.inquiry.acknowledged = true;
            let octets = message::empty(MessageType::Acknowledgement, pending.inquiry.id);
            self.recent.answered(pending.inquiry.id, &octets);
            self.outbox.push(octets);
        }
        if let Some(message) = self.unconfirmed.as_mut().filter(|message| message.due() <= now) {
            match message.again(now) {
                Some(octets) => self.outbox.push(octets.to_vec()),
                None => self.unconfirmed = None,
            }
        }
        self.assembly.take_if(|assembly| assembly.until <= now);
        self.kept.take_if(|kept| kept.until <= now);
    }
}

impl Pending {
    const fn waits(&self) -> bool {
        self.inquiry.confirmable && !self.inquiry.acknowledged
    }
}

fn no_room() -> Response {
    let sentence = "there is no room for the body at this moment";
    Response::later(ResponseType::ServiceUnavailable, sentence, RETRY_NO_ROOM)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod hostile;
