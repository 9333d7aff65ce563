//! The server's side of block transfer: parameters come in blocks, and what is too long goes out in blocks.

use super::{Ended, wire_result};
use crate::apdu::{
    ActionRequest, ActionResponse, ActionResult, Apdu, Block, DataAccessResult, GetBlock, GetRequest,
    GetResponse, GetResult, InvokeId,
};
use crate::axdr::Data;
use crate::block::{Assembly, fitting};
use crate::cosem::Descriptor;

/// One service at a time: what came of it, or what is still to go out.
#[derive(Debug)]
pub(super) struct Transfer {
    max_pdu: usize,
    invoke: InvokeId,
    coming: Option<(Descriptor, Assembly)>,
    going: Vec<Vec<u8>>,
    sent: u32,
}

/// The head of a response with a block: tag, choice, invoke-id, last-block, block-number, and in GET the choice of the result.
const HEAD: usize = 1 + 1 + 1 + 1 + 4 + 1;

impl Transfer {
    pub(super) fn new(max_pdu: u16) -> Self {
        Self { max_pdu: usize::from(max_pdu), invoke: InvokeId(0), coming: None, going: Vec::new(), sent: 0 }
    }

    /// Forgets what was under way.
    pub(super) fn forget(&mut self) {
        self.coming = None;
        self.going.clear();
        self.sent = 0;
    }

    /// Takes a request of ACTION; gives what is to be invoked, or the answer that goes back at once.
    pub(super) fn take_action(&mut self, request: ActionRequest) -> Result<(Descriptor, Option<Data>), Apdu> {
        self.invoke = request.invoke();
        match request {
            ActionRequest::Normal { method, parameters, .. } => {
                self.forget();
                Ok((method, parameters))
            }
            ActionRequest::NextBlock { number, .. } => Err(self.next_of_action(number)),
            ActionRequest::FirstBlock { method, block, .. } => {
                self.forget();
                self.coming = Some((method, Assembly::new()));
                self.take_block(block)
            }
            ActionRequest::Block { block, .. } => self.take_block(block),
        }
    }

    fn take_block(&mut self, block: Block) -> Result<(Descriptor, Option<Data>), Apdu> {
        let Some((method, mut assembly)) = self.coming.take() else {
            return Err(self.refuse(NO_LONG_ACTION));
        };
        match assembly.add(block.number, block.last, &block.octets) {
            Err(_) => Err(self.refuse(LONG_ACTION_ABORTED)),
            Ok(false) => {
                self.coming = Some((method, assembly));
                let next = ActionResponse::NextBlock { invoke: self.invoke, number: block.number };
                Err(Apdu::ActionResponse(next))
            }
            Ok(true) => {
                let octets = assembly.finish().unwrap_or_default();
                match Data::decode(&octets) {
                    Ok(data) => Ok((method, Some(data))),
                    Err(_) => Err(self.refuse(ActionResult::TYPE_UNMATCHED)),
                }
            }
        }
    }

    /// Answers an ACTION, whole if it fits.
    pub(super) fn answer_action(&mut self, ended: Ended<ActionResult>) -> Apdu {
        let data = match ended {
            Err(result) => return self.refuse(result),
            Ok(data) => data,
        };
        let octets = data.as_ref().map(Data::encode).unwrap_or_default();
        let returned = data.map(GetResult::Data);
        let whole = ActionResponse::Normal { invoke: self.invoke, result: ActionResult::SUCCESS, returned };
        if whole.encode().len() <= self.max_pdu {
            return Apdu::ActionResponse(whole);
        }
        self.cut(&octets);
        self.next_of_action(0)
    }

    /// Takes a request of GET; gives what is to be read, or the answer that goes back at once.
    pub(super) fn take_get(&mut self, request: GetRequest) -> Result<Descriptor, Apdu> {
        match request {
            GetRequest::Normal { invoke, attribute } => {
                self.invoke = invoke;
                self.forget();
                Ok(attribute)
            }
            GetRequest::Next { invoke, number } => {
                self.invoke = invoke;
                Err(self.next_of_get(number))
            }
        }
    }

    /// Answers a GET, whole if it fits.
    pub(super) fn answer_get(&mut self, ended: Result<Data, DataAccessResult>) -> Apdu {
        let octets = ended.as_ref().map(Data::encode).unwrap_or_default();
        let whole = GetResponse::Normal { invoke: self.invoke, result: wire_result(ended) };
        if whole.encode().len() <= self.max_pdu {
            return Apdu::GetResponse(whole);
        }
        self.cut(&octets);
        self.next_of_get(0)
    }

    fn cut(&mut self, octets: &[u8]) {
        let part = fitting(self.max_pdu.saturating_sub(HEAD)).max(1);
        self.going = octets.chunks(part).map(<[u8]>::to_vec).collect();
        self.sent = 0;
    }

    /// Returns the block behind the one that was received, its number, and whether it is the last.
    fn next_block(&mut self, received: u32) -> Option<(bool, u32, Vec<u8>)> {
        let at = usize::try_from(received).ok().filter(|_| received == self.sent)?;
        let octets = self.going.get(at)?.clone();
        self.sent = self.sent.saturating_add(1);
        Some((at.saturating_add(1) == self.going.len(), self.sent, octets))
    }

    fn next_of_action(&mut self, received: u32) -> Apdu {
        match self.next_block(received) {
            None => self.refuse(ActionResult::DATA_BLOCK_UNAVAILABLE),
            Some((last, number, octets)) => {
                let block = Block { last, number, octets };
                Apdu::ActionResponse(ActionResponse::WithBlock { invoke: self.invoke, block })
            }
        }
    }

    fn next_of_get(&mut self, received: u32) -> Apdu {
        let block = match self.next_block(received) {
            None => {
                let result = Err(DataAccessResult::DATA_BLOCK_NUMBER_INVALID);
                GetBlock { last: true, number: received, result }
            }
            Some((last, number, octets)) => GetBlock { last, number, result: Ok(octets) },
        };
        Apdu::GetResponse(GetResponse::WithBlock { invoke: self.invoke, block })
    }

    const fn refuse(&self, result: ActionResult) -> Apdu {
        Apdu::ActionResponse(ActionResponse::Normal { invoke: self.invoke, result, returned: None })
    }
}

/// long-action-aborted.
const LONG_ACTION_ABORTED: ActionResult = ActionResult(15);
/// no-long-action-in-progress.
const NO_LONG_ACTION: ActionResult = ActionResult(16);
