//! GET: an attribute is read, and what comes back (IEC 62056-5-3, Get-Request and Get-Response).

use super::{DataAccessResult, InvokeId};
use crate::axdr::{AxdrError, AxdrFault, Data, Reader, write_length};
use crate::cosem::Descriptor;

/// ```text
/// Get-Request ::= CHOICE {
///     get-request-normal    [1] IMPLICIT Get-Request-Normal,
///     get-request-next      [2] IMPLICIT Get-Request-Next,
///     get-request-with-list [3] }
/// Get-Request-Normal ::= SEQUENCE {
///     invoke-id-and-priority     Invoke-Id-And-Priority,
///     cosem-attribute-descriptor Cosem-Attribute-Descriptor,
///     access-selection           Selective-Access-Descriptor OPTIONAL }
/// ```
///
/// Lists and selective access, which class 64 does not have, are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetRequest {
    /// Asks for an attribute.
    Normal {
        /// Which of those under way.
        invoke: InvokeId,
        /// Which attribute.
        attribute: Descriptor,
    },
    /// Asks for the next part of an answer.
    Next {
        /// Which of those under way.
        invoke: InvokeId,
        /// The block that was received.
        number: u32,
    },
}

impl GetRequest {
    pub(super) const TAG: u8 = 192;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let at = reader.clone();
        let choice = reader.octet()?;
        let invoke = InvokeId::read(reader)?;
        match choice {
            1 => {
                let attribute = Descriptor::read(reader)?;
                let selection = reader.clone();
                if reader.boolean()? {
                    let what = "reading without selective access";
                    return Err(selection.fail(AxdrFault::Choice { number: 1, what }));
                }
                Ok(Self::Normal { invoke, attribute })
            }
            2 => Ok(Self::Next { invoke, number: u32::from_be_bytes(reader.array()?) }),
            number => Err(at.fail(AxdrFault::Choice { number, what: "Get-Request without lists" })),
        }
    }

    /// Writes the APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::TAG];
        match self {
            Self::Normal { invoke, attribute } => {
                out.extend([1, invoke.0]);
                attribute.write(&mut out);
                out.push(0);
            }
            Self::Next { invoke, number } => {
                out.extend([2, invoke.0]);
                out.extend(number.to_be_bytes());
            }
        }
        out
    }
}

/// ```text
/// Get-Data-Result ::= CHOICE {
///     data               [0] Data,
///     data-access-result [1] IMPLICIT Data-Access-Result }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetResult {
    /// The value.
    Data(Data),
    /// Why there is none.
    Refused(DataAccessResult),
}

impl GetResult {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let at = reader.clone();
        match reader.octet()? {
            0 => reader.data().map(Self::Data),
            1 => reader.octet().map(DataAccessResult).map(Self::Refused),
            number => Err(at.fail(AxdrFault::Choice { number, what: "Get-Data-Result" })),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Data(data) => {
                out.push(0);
                data.write(out);
            }
            Self::Refused(result) => out.extend([1, result.0]),
        }
    }
}

/// ```text
/// Get-Response ::= CHOICE {
///     get-response-normal         [1] IMPLICIT Get-Response-Normal,
///     get-response-with-datablock [2] IMPLICIT Get-Response-With-Datablock,
///     get-response-with-list      [3] }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetResponse {
    /// The whole answer.
    Normal {
        /// Which of those under way.
        invoke: InvokeId,
        /// The value, or why there is none.
        result: GetResult,
    },
    /// A part of the answer.
    WithBlock {
        /// Which of those under way.
        invoke: InvokeId,
        /// The part.
        block: GetBlock,
    },
}

/// ```text
/// DataBlock-G ::= SEQUENCE {
///     last-block   BOOLEAN,
///     block-number Unsigned32,
///     result CHOICE { raw-data [0] IMPLICIT OCTET STRING, data-access-result [1] IMPLICIT Data-Access-Result } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBlock {
    /// Whether it is the last one.
    pub last: bool,
    /// Its number, from 1.
    pub number: u32,
    /// Its octets, or why there are none.
    pub result: Result<Vec<u8>, DataAccessResult>,
}

impl GetResponse {
    pub(super) const TAG: u8 = 196;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let at = reader.clone();
        let choice = reader.octet()?;
        let invoke = InvokeId::read(reader)?;
        match choice {
            1 => Ok(Self::Normal { invoke, result: GetResult::read(reader)? }),
            2 => Ok(Self::WithBlock { invoke, block: GetBlock::read(reader)? }),
            number => Err(at.fail(AxdrFault::Choice { number, what: "Get-Response without lists" })),
        }
    }

    /// Writes the APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::TAG];
        match self {
            Self::Normal { invoke, result } => {
                out.extend([1, invoke.0]);
                result.write(&mut out);
            }
            Self::WithBlock { invoke, block } => {
                out.extend([2, invoke.0]);
                block.write(&mut out);
            }
        }
        out
    }

    /// Returns which of the services under way this belongs to.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. } | Self::WithBlock { invoke, .. } => *invoke,
        }
    }
}

impl GetBlock {
    fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let last = reader.boolean()?;
        let number = u32::from_be_bytes(reader.array()?);
        let at = reader.clone();
        let result = match reader.octet()? {
            0 => Ok(reader.octet_string()?.to_vec()),
            1 => Err(DataAccessResult(reader.octet()?)),
            number => return Err(at.fail(AxdrFault::Choice { number, what: "the result of DataBlock-G" })),
        };
        Ok(Self { last, number, result })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last));
        out.extend(self.number.to_be_bytes());
        match &self.result {
            Ok(octets) => {
                out.push(0);
                write_length(out, octets.len());
                out.extend(octets);
            }
            Err(result) => out.extend([1, result.0]),
        }
    }
}
