//! What a head-end brings back of a call, and how the result is read out of it.
//!
//! Either the APDUs that came from the meter, deciphered, one or as many blocks as there were; or, from a head-end whose own
//! DLMS stack read them, the result and the returned value alone.

use super::Call;
use crate::apdu::{
    ActionResponse, ActionResult, Apdu, DataAccessResult, Exception, GetResponse, GetResult, InvokeId,
};
use crate::axdr::{AxdrError, Data, Reader};
use crate::block::{Assembly, BlockError};

/// An answer, and to which call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The number of the call.
    pub call: u16,
    /// What came.
    pub answer: Answer,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The meter's APDUs in their order, in clear. Those that only ask for the next block may be left out.
    Apdus(Vec<Vec<u8>>),
    /// What the head-end's own DLMS stack made of them.
    Result {
        /// Action-Result, or Data-Access-Result of a read.
        result: u8,
        /// The returned value, or that of the attribute, as A-XDR.
        returned: Option<Vec<u8>>,
    },
    /// Nothing came in time.
    Nothing,
}

/// How a call ended on the meter: what it returned.
pub(super) fn value(call: &Call, answer: &Answer) -> Result<Option<Data>, AnswerError> {
    let reading = call.method().is_none();
    match answer {
        Answer::Nothing => Err(AnswerError::Nothing),
        Answer::Result { result, returned } => {
            succeeded(reading, *result)?;
            returned.as_deref().map(Data::decode).transpose().map_err(AnswerError::Unreadable)
        }
        Answer::Apdus(apdus) if reading => value_of_get(call.invoke(), apdus).map(Some),
        Answer::Apdus(apdus) => value_of_action(call.invoke(), apdus),
    }
}

fn succeeded(reading: bool, result: u8) -> Result<(), AnswerError> {
    match (result, reading) {
        (0, _) => Ok(()),
        (result, true) => Err(AnswerError::ReadRefused(DataAccessResult(result))),
        (result, false) => Err(AnswerError::Refused(ActionResult(result))),
    }
}

fn value_of_action(awaited: InvokeId, apdus: &[Vec<u8>]) -> Result<Option<Data>, AnswerError> {
    let mut assembly = Assembly::new();
    let mut blocks = false;
    for (at, octets) in apdus.iter().enumerate() {
        let response = match decode(octets)? {
            Apdu::ActionResponse(response) => response,
            Apdu::Exception(exception) => return Err(AnswerError::Exception(exception)),
            Apdu::GetRequest(_) | Apdu::ActionRequest(_) | Apdu::GetResponse(_) => {
                return Err(AnswerError::OtherApdu);
            }
        };
        same(awaited, response.invoke())?;
        match response {
            ActionResponse::NextBlock { .. } => {}
            ActionResponse::WithBlock { block, .. } => {
                blocks = true;
                assembly.add(block.number, block.last, &block.octets).map_err(AnswerError::Blocks)?;
            }
            ActionResponse::Normal { result, returned, .. }
                if at.saturating_add(1) == apdus.len() && !blocks =>
            {
                return returned_by(result, returned);
            }
            ActionResponse::Normal { .. } => return Err(AnswerError::OtherApdu),
        }
    }
    if !blocks {
        return Err(AnswerError::Nothing);
    }
    let octets = assembly.finish().map_err(AnswerError::Blocks)?;
    // The blocks carry the returned value. Servers exist that let them carry Action-Response-With-Optional-Data, which begins
    // with a result of 0 and more behind it: as a value that would be null-data, which has nothing behind it.
    match Data::decode(&octets) {
        Ok(data) => Ok(Some(data)),
        Err(error) => with_optional_data(&octets).unwrap_or(Err(AnswerError::Unreadable(error))),
    }
}

fn with_optional_data(octets: &[u8]) -> Option<Result<Option<Data>, AnswerError>> {
    let mut reader = Reader::new(octets).ok()?;
    let (result, returned) = ActionResponse::read_optional_data(&mut reader).ok()?;
    reader.finish().ok()?;
    Some(returned_by(result, returned))
}

fn returned_by(result: ActionResult, returned: Option<GetResult>) -> Result<Option<Data>, AnswerError> {
    succeeded(false, result.0)?;
    match returned {
        None => Ok(None),
        Some(GetResult::Data(data)) => Ok(Some(data)),
        // A success that returns the result success: nothing is returned.
        Some(GetResult::Refused(DataAccessResult(0))) => Ok(None),
        Some(GetResult::Refused(result)) => Err(AnswerError::ReadRefused(result)),
    }
}

fn value_of_get(awaited: InvokeId, apdus: &[Vec<u8>]) -> Result<Data, AnswerError> {
    let mut assembly = Assembly::new();
    for (at, octets) in apdus.iter().enumerate() {
        let response = match decode(octets)? {
            Apdu::GetResponse(response) => response,
            Apdu::Exception(exception) => return Err(AnswerError::Exception(exception)),
            Apdu::GetRequest(_) | Apdu::ActionRequest(_) | Apdu::ActionResponse(_) => {
                return Err(AnswerError::OtherApdu);
            }
        };
        same(awaited, response.invoke())?;
        match response {
            GetResponse::Normal { result, .. } if at == 0 && apdus.len() == 1 => {
                return match result {
                    GetResult::Data(data) => Ok(data),
                    GetResult::Refused(result) => Err(AnswerError::ReadRefused(result)),
                };
            }
            GetResponse::Normal { .. } => return Err(AnswerError::OtherApdu),
            GetResponse::WithBlock { block, .. } => {
                let octets = block.result.map_err(AnswerError::ReadRefused)?;
                assembly.add(block.number, block.last, &octets).map_err(AnswerError::Blocks)?;
            }
        }
    }
    if apdus.is_empty() {
        return Err(AnswerError::Nothing);
    }
    Data::decode(&assembly.finish().map_err(AnswerError::Blocks)?).map_err(AnswerError::Unreadable)
}

fn decode(octets: &[u8]) -> Result<Apdu, AnswerError> {
    Apdu::decode(octets).map_err(AnswerError::Unreadable)
}

const fn same(awaited: InvokeId, found: InvokeId) -> Result<(), AnswerError> {
    let (awaited, found) = (awaited.number(), found.number());
    if awaited == found { Ok(()) } else { Err(AnswerError::OtherInvokeId { awaited, found }) }
}

/// Why an answer is none that says success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nothing came.
    #[error("nothing came from the meter")]
    Nothing,
    /// Not an APDU, or not a value.
    #[error("the answer cannot be read: {0}")]
    Unreadable(AxdrError),
    /// An APDU that is no answer to this call, or too many.
    #[error("the answer is not one to this call")]
    OtherApdu,
    /// The answer belongs to another call.
    #[error("the answer has the invoke-id {found}, not {awaited}")]
    OtherInvokeId {
        /// Which it should have.
        awaited: u8,
        /// Which it has.
        found: u8,
    },
    /// The blocks do not make a whole.
    #[error(transparent)]
    Blocks(BlockError),
    /// The meter would not look at the request.
    #[error("the meter answers an exception: {}", .0.service_name())]
    Exception(Exception),
    /// The method failed.
    #[error("the meter answers {0}")]
    Refused(ActionResult),
    /// The attribute could not be read, or what the method returns.
    #[error("the meter answers {0}")]
    ReadRefused(DataAccessResult),
}

impl AnswerError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "dlms.no_answer",
            Self::Unreadable(_) => "dlms.unreadable",
            Self::OtherApdu => "dlms.other_apdu",
            Self::OtherInvokeId { .. } => "dlms.other_invoke_id",
            Self::Blocks(_) => "dlms.blocks",
            Self::Exception(_) => "dlms.exception",
            Self::Refused(ActionResult::TEMPORARY_FAILURE)
            | Self::ReadRefused(DataAccessResult::TEMPORARY_FAILURE) => "dlms.temporary_failure",
            Self::Refused(_) | Self::ReadRefused(_) => "dlms.refused",
        }
    }
}
