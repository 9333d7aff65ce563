//! ACTION: a method is invoked, and what comes back (IEC 62056-5-3, Action-Request and Action-Response).

use super::{ActionResult, Block, GetResult, InvokeId};
use crate::axdr::{AxdrError, AxdrFault, Data, Reader};
use crate::cosem::Descriptor;

/// ```text
/// Action-Request ::= CHOICE {
///     action-request-normal                     [1] IMPLICIT Action-Request-Normal,
///     action-request-next-pblock                [2] IMPLICIT Action-Request-Next-Pblock,
///     action-request-with-list                  [3],
///     action-request-with-first-pblock          [4] IMPLICIT Action-Request-With-First-Pblock,
///     action-request-with-list-and-first-pblock [5],
///     action-request-with-pblock                [6] IMPLICIT Action-Request-With-Pblock }
/// ```
///
/// The forms with lists are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionRequest {
    /// The whole request.
    Normal {
        /// Which of those under way.
        invoke: InvokeId,
        /// Which method.
        method: Descriptor,
        /// method-invocation-parameters.
        parameters: Option<Data>,
    },
    /// Asks for the next part of an answer.
    NextBlock {
        /// Which of those under way.
        invoke: InvokeId,
        /// The block that was received.
        number: u32,
    },
    /// The first part of the parameters.
    FirstBlock {
        /// Which of those under way.
        invoke: InvokeId,
        /// Which method.
        method: Descriptor,
        /// The part.
        block: Block,
    },
    /// A further part of the parameters.
    Block {
        /// Which of those under way.
        invoke: InvokeId,
        /// The part.
        block: Block,
    },
}

impl ActionRequest {
    pub(super) const TAG: u8 = 195;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let at = reader.clone();
        let choice = reader.octet()?;
        let invoke = InvokeId::read(reader)?;
        Ok(match choice {
            1 => {
                let method = Descriptor::read(reader)?;
                let parameters = if reader.boolean()? { Some(reader.data()?) } else { None };
                Self::Normal { invoke, method, parameters }
            }
            2 => Self::NextBlock { invoke, number: u32::from_be_bytes(reader.array()?) },
            4 => Self::FirstBlock { invoke, method: Descriptor::read(reader)?, block: Block::read(reader)? },
            6 => Self::Block { invoke, block: Block::read(reader)? },
            number => return Err(at.fail(AxdrFault::Choice { number, what: "Action-Request without lists" })),
        })
    }

    /// Writes the APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::TAG];
        match self {
            Self::Normal { invoke, method, parameters } => {
                out.extend([1, invoke.0]);
                method.write(&mut out);
                out.push(u8::from(parameters.is_some()));
                parameters.iter().for_each(|data| data.write(&mut out));
            }
            Self::NextBlock { invoke, number } => {
                out.extend([2, invoke.0]);
                out.extend(number.to_be_bytes());
            }
            Self::FirstBlock { invoke, method, block } => {
                out.extend([4, invoke.0]);
                method.write(&mut out);
                block.write(&mut out);
            }
            Self::Block { invoke, block } => {
                out.extend([6, invoke.0]);
                block.write(&mut out);
            }
        }
        out
    }

    /// Returns which of the services under way this belongs to.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::NextBlock { invoke, .. }
            | Self::FirstBlock { invoke, .. }
            | Self::Block { invoke, .. } => *invoke,
        }
    }
}

/// ```text
/// Action-Response ::= CHOICE {
///     action-response-normal      [1] IMPLICIT Action-Response-Normal,
///     action-response-with-pblock [2] IMPLICIT Action-Response-With-Pblock,
///     action-response-with-list   [3],
///     action-response-next-pblock [4] IMPLICIT Action-Response-Next-Pblock }
/// Action-Response-With-Optional-Data ::= SEQUENCE {
///     result            Action-Result,
///     return-parameters Get-Data-Result OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionResponse {
    /// The whole answer.
    Normal {
        /// Which of those under way.
        invoke: InvokeId,
        /// How it ended.
        result: ActionResult,
        /// return-parameters.
        returned: Option<GetResult>,
    },
    /// A part of the answer.
    WithBlock {
        /// Which of those under way.
        invoke: InvokeId,
        /// The part.
        block: Block,
    },
    /// The part of the parameters was received, and the next one is awaited.
    NextBlock {
        /// Which of those under way.
        invoke: InvokeId,
        /// The block that was received.
        number: u32,
    },
}

impl ActionResponse {
    pub(super) const TAG: u8 = 199;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let at = reader.clone();
        let choice = reader.octet()?;
        let invoke = InvokeId::read(reader)?;
        Ok(match choice {
            1 => {
                let (result, returned) = Self::read_optional_data(reader)?;
                Self::Normal { invoke, result, returned }
            }
            2 => Self::WithBlock { invoke, block: Block::read(reader)? },
            4 => Self::NextBlock { invoke, number: u32::from_be_bytes(reader.array()?) },
            number => {
                return Err(at.fail(AxdrFault::Choice { number, what: "Action-Response without lists" }));
            }
        })
    }

    /// Reads Action-Response-With-Optional-Data.
    pub(crate) fn read_optional_data(
        reader: &mut Reader<'_>,
    ) -> Result<(ActionResult, Option<GetResult>), AxdrError> {
        let result = ActionResult(reader.octet()?);
        // Servers exist that leave out the flag as well as the data.
        let returned =
            if reader.left() > 0 && reader.boolean()? { Some(GetResult::read(reader)?) } else { None };
        Ok((result, returned))
    }

    /// Writes the APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::TAG];
        match self {
            Self::Normal { invoke, result, returned } => {
                out.extend([1, invoke.0, result.0, u8::from(returned.is_some())]);
                returned.iter().for_each(|result| result.write(&mut out));
            }
            Self::WithBlock { invoke, block } => {
                out.extend([2, invoke.0]);
                block.write(&mut out);
            }
            Self::NextBlock { invoke, number } => {
                out.extend([4, invoke.0]);
                out.extend(number.to_be_bytes());
            }
        }
        out
    }

    /// Returns which of the services under way this belongs to.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. } | Self::WithBlock { invoke, .. } | Self::NextBlock { invoke, .. } => {
                *invoke
            }
        }
    }
}
