//! Block transfer of one service: parameters that do not fit an APDU are cut into blocks, and blocks put together again.
//!
//! Which side sends what when is the head-end's affair, or [`meter`](crate::meter)'s: here are the parts and their order. What
//! the blocks carry is the encoding of the parameters, or of the returned value, alone (IEC 62056-5-3, ACTION and GET with
//! blocks); general block transfer, which carries whole APDUs, is not used.

use crate::apdu::{ActionRequest, ActionResponse, Apdu, Block, GetRequest, GetResponse};
use crate::axdr::MAX_OCTETS;

/// The shortest APDU that parameters are cut for, in octets.
pub const MIN_PDU: u16 = 64;

/// Returns the requests in which a request reaches a server that takes APDUs of so many octets, at least [`MIN_PDU`]: itself,
/// if it fits, or with-first-pblock and as many with-pblock as are needed. The server answers each but the last with
/// action-response-next-pblock.
#[must_use]
pub fn cut(request: &ActionRequest, max_pdu: u16) -> Vec<ActionRequest> {
    let max_pdu = usize::from(max_pdu.max(MIN_PDU));
    let ActionRequest::Normal { invoke, method, parameters: Some(parameters) } = request else {
        return vec![request.clone()];
    };
    if request.encode().len() <= max_pdu {
        return vec![request.clone()];
    }
    let octets = parameters.encode();
    let mut rest = octets.as_slice();
    let mut requests = Vec::new();
    let mut number = 1_u32;
    while !rest.is_empty() {
        let head = if number == 1 { FIRST_HEAD } else { FURTHER_HEAD };
        let (part, behind) = rest.split_at(fitting(max_pdu.saturating_sub(head)).min(rest.len()));
        let block = Block { last: behind.is_empty(), number, octets: part.to_vec() };
        requests.push(if number == 1 {
            ActionRequest::FirstBlock { invoke: *invoke, method: *method, block }
        } else {
            ActionRequest::Block { invoke: *invoke, block }
        });
        rest = behind;
        number = number.saturating_add(1);
    }
    requests
}

/// Tag, choice, invoke-id, descriptor, last-block, block-number.
const FIRST_HEAD: usize = 1 + 1 + 1 + 9 + 1 + 4;
/// The same without descriptor.
const FURTHER_HEAD: usize = FIRST_HEAD - 9;

/// How many octets fit into so much room together with their length.
pub(crate) const fn fitting(room: usize) -> usize {
    match room {
        0..=128 => room.saturating_sub(1),
        129..=257 => room.saturating_sub(2),
        _ => room.saturating_sub(3),
    }
}

/// Returns the request for the block behind this answer's, if the answer is a block and not the last one.
#[must_use]
pub fn request_for_more(answer: &[u8]) -> Option<Vec<u8>> {
    match Apdu::decode(answer).ok()? {
        Apdu::ActionResponse(ActionResponse::WithBlock { invoke, block }) if !block.last => {
            Some(ActionRequest::NextBlock { invoke, number: block.number }.encode())
        }
        Apdu::GetResponse(GetResponse::WithBlock { invoke, block }) if !block.last => {
            Some(GetRequest::Next { invoke, number: block.number }.encode())
        }
        Apdu::GetResponse(_)
        | Apdu::ActionResponse(_)
        | Apdu::GetRequest(_)
        | Apdu::ActionRequest(_)
        | Apdu::Exception(_) => None,
    }
}

/// What has been put together of blocks.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    octets: Vec<u8>,
    received: u32,
    whole: bool,
}

impl Assembly {
    /// Begins with nothing; block 1 is awaited.
    #[must_use]
    pub const fn new() -> Self {
        Self { octets: Vec::new(), received: 0, whole: false }
    }

    /// Adds the next block; tells whether it was the last one.
    ///
    /// # Errors
    /// [`BlockError`]; what was there stays.
    pub fn add(&mut self, number: u32, last: bool, octets: &[u8]) -> Result<bool, BlockError> {
        let awaited = self.received.saturating_add(1);
        if self.whole || number != awaited {
            return Err(BlockError::Order { awaited, number });
        }
        if self.octets.len().saturating_add(octets.len()) > MAX_OCTETS {
            return Err(BlockError::TooLong);
        }
        self.octets.extend(octets);
        self.received = number;
        self.whole = last;
        Ok(last)
    }

    /// Returns all octets, once the last block is there.
    ///
    /// # Errors
    /// [`BlockError::Incomplete`].
    pub fn finish(self) -> Result<Vec<u8>, BlockError> {
        if self.whole { Ok(self.octets) } else { Err(BlockError::Incomplete { received: self.received }) }
    }
}

/// Why blocks do not make a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A block came that is not the next one.
    #[error("block {number} came where block {awaited} was awaited")]
    Order {
        /// Which should come.
        awaited: u32,
        /// Which came.
        number: u32,
    },
    /// The blocks together are longer than anything that is read.
    #[error("the blocks together have more than {MAX_OCTETS} octets")]
    TooLong,
    /// The last block is missing.
    #[error("block {received} was the last that came, and it is not the last one")]
    Incomplete {
        /// How many came.
        received: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apdu::{Apdu, InvokeId};
    use crate::axdr::Data;
    use crate::cosem::{Descriptor, LogicalName, SECURITY_SETUP};

    fn request(octets: usize) -> ActionRequest {
        let method =
            Descriptor { class_id: SECURITY_SETUP, instance: LogicalName::security_setup(0), number: 6 };
        let content = (0..octets).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let parameters = Some(Data::OctetString(content));
        ActionRequest::Normal { invoke: InvokeId::confirmed(5), method, parameters }
    }

    fn parts(requests: &[ActionRequest]) -> Vec<Block> {
        let block = |request: &ActionRequest| match request {
            ActionRequest::FirstBlock { block, .. } | ActionRequest::Block { block, .. } => {
                Some(block.clone())
            }
            ActionRequest::Normal { .. } | ActionRequest::NextBlock { .. } => None,
        };
        requests.iter().filter_map(block).collect()
    }

    #[test]
    fn what_fits_is_not_cut() {
        let whole = request(100);
        let length = u16::try_from(whole.encode().len()).unwrap();
        assert_eq!(cut(&whole, length), std::slice::from_ref(&whole));
        assert_eq!(cut(&whole, length - 1).len(), 2);
    }

    #[test]
    fn blocks_fill_their_apdus_and_make_the_parameters_again() {
        for max_pdu in [64, 128, 144, 145, 146, 200, 273, 274, 275, 400, 512] {
            let whole = request(700);
            let requests = cut(&whole, max_pdu);
            let mut assembly = Assembly::new();
            for (at, request) in requests.iter().enumerate() {
                let octets = request.encode();
                assert_eq!(Apdu::decode(&octets), Ok(Apdu::ActionRequest(request.clone())));
                assert!(octets.len() <= usize::from(max_pdu));
                // One octet more may need one more octet of length.
                let full = octets.len() + 2 > usize::from(max_pdu);
                assert!(full || at + 1 == requests.len(), "{max_pdu}: block {at} has {}", octets.len());
            }
            for block in parts(&requests) {
                assembly.add(block.number, block.last, &block.octets).unwrap();
            }
            let ActionRequest::Normal { parameters: Some(parameters), .. } = whole else { panic!() };
            assert_eq!(Data::decode(&assembly.finish().unwrap()), Ok(parameters));
        }
    }

    #[test]
    fn blocks_out_of_order_too_many_and_too_few_are_refused() {
        let mut assembly = Assembly::new();
        assert_eq!(assembly.add(2, false, &[1]), Err(BlockError::Order { awaited: 1, number: 2 }));
        assert_eq!(assembly.add(1, false, &[1]), Ok(false));
        assert_eq!(assembly.add(1, false, &[1]), Err(BlockError::Order { awaited: 2, number: 1 }));
        assert_eq!(assembly.clone().finish(), Err(BlockError::Incomplete { received: 1 }));
        assert_eq!(assembly.add(2, false, &vec![0; MAX_OCTETS]), Err(BlockError::TooLong));
        assert_eq!(assembly.add(2, true, &[2]), Ok(true));
        assert_eq!(assembly.add(3, true, &[3]), Err(BlockError::Order { awaited: 3, number: 3 }));
        assert_eq!(assembly.finish(), Ok(vec![1, 2]));
    }
}
