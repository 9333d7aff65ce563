//! The xDLMS APDUs in which methods are invoked and attributes are read: ACTION and GET, with their block forms, and the
//! exception that a server may answer instead (IEC 62056-5-3, clause 8).
//!
//! In clear. Ciphering (glo, ded, general-ciphering, general-signing) is the head-end's: it holds the association, the global
//! keys and the invocation counters, and puts around these octets what the meter's policy wants. Lists of methods are not
//! here, nor general block transfer, which a head-end may use for whole APDUs as it pleases.

mod action;
mod get;
mod result;
#[cfg(test)]
mod tests;

pub use action::{ActionRequest, ActionResponse};
pub use get::{GetBlock, GetRequest, GetResponse, GetResult};
pub use result::{ActionResult, DataAccessResult};

use crate::axdr::{AxdrError, AxdrFault, Reader, write_length};

/// An xDLMS APDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apdu {
    /// get-request, tag 192.
    GetRequest(GetRequest),
    /// action-request, tag 195.
    ActionRequest(ActionRequest),
    /// get-response, tag 196.
    GetResponse(GetResponse),
    /// action-response, tag 199.
    ActionResponse(ActionResponse),
    /// exception-response, tag 216: the server would not even look at the request.
    Exception(Exception),
}

/// ```text
/// ExceptionResponse ::= SEQUENCE {
///     state-error   [0] IMPLICIT ENUMERATED { service-not-allowed (1), service-unknown (2) },
///     service-error [1] CHOICE { operation-not-possible [1] NULL, service-not-supported [2] NULL, other-reason [3] NULL,
///         pdu-too-long [4] NULL, deciphering-error [5] NULL, invocation-counter-error [6] Unsigned32 } }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// state-error.
    pub state: u8,
    /// service-error.
    pub service: u8,
    /// The counter that the server expects, with invocation-counter-error.
    pub invocation_counter: Option<u32>,
}

impl Exception {
    /// Returns the name of the service error.
    #[must_use]
    pub const fn service_name(self) -> &'static str {
        match self.service {
            1 => "operation-not-possible",
            2 => "service-not-supported",
            3 => "other-reason",
            4 => "pdu-too-long",
            5 => "deciphering-error",
            6 => "invocation-counter-error",
            _ => "unknown service error",
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let [state, service] = reader.array()?;
        let invocation_counter = if service == 6 { Some(u32::from_be_bytes(reader.array()?)) } else { None };
        Ok(Self { state, service, invocation_counter })
    }
}

impl Apdu {
    /// Reads an APDU that takes up all of the octets.
    ///
    /// # Errors
    /// [`AxdrError`], with the octet at which it was met; for a ciphered APDU, its tag at octet 0.
    pub fn decode(octets: &[u8]) -> Result<Self, AxdrError> {
        let mut reader = Reader::new(octets)?;
        let at = reader.clone();
        let apdu = match reader.octet()? {
            GetRequest::TAG => Self::GetRequest(GetRequest::read(&mut reader)?),
            ActionRequest::TAG => Self::ActionRequest(ActionRequest::read(&mut reader)?),
            GetResponse::TAG => Self::GetResponse(GetResponse::read(&mut reader)?),
            ActionResponse::TAG => Self::ActionResponse(ActionResponse::read(&mut reader)?),
            Self::EXCEPTION => Self::Exception(Exception::read(&mut reader)?),
            number => {
                return Err(
                    at.fail(AxdrFault::Choice { number, what: "the APDUs that are read here, in clear" })
                );
            }
        };
        reader.finish()?;
        Ok(apdu)
    }

    /// Writes the APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::GetRequest(request) => request.encode(),
            Self::ActionRequest(request) => request.encode(),
            Self::GetResponse(response) => response.encode(),
            Self::ActionResponse(response) => response.encode(),
            Self::Exception(exception) => {
                let mut out = vec![Self::EXCEPTION, exception.state, exception.service];
                out.extend(exception.invocation_counter.iter().flat_map(|counter| counter.to_be_bytes()));
                out
            }
        }
    }

    const EXCEPTION: u8 = 216;
}

/// Invoke-Id-And-Priority: bits 0 to 3 the invoke-id, bit 6 confirmed service, bit 7 high priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvokeId(pub u8);

impl InvokeId {
    /// A confirmed service of high priority with this invoke-id, of which the lowest four bits count.
    #[must_use]
    pub const fn confirmed(number: u8) -> Self {
        Self(0xC0 | number & 0x0F)
    }

    /// Returns the invoke-id: 0 to 15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0 & 0x0F
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        reader.octet().map(Self)
    }
}

/// A part of something that is longer than an APDU.
///
/// ```text
/// DataBlock-SA ::= SEQUENCE {
///     last-block   BOOLEAN,
///     block-number Unsigned32,
///     raw-data     OCTET STRING }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Whether it is the last one.
    pub last: bool,
    /// Its number, from 1.
    pub number: u32,
    /// Its octets.
    pub octets: Vec<u8>,
}

impl Block {
    fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        let last = reader.boolean()?;
        let number = u32::from_be_bytes(reader.array()?);
        Ok(Self { last, number, octets: reader.octet_string()?.to_vec() })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last));
        out.extend(self.number.to_be_bytes());
        write_length(out, self.octets.len());
        out.extend(&self.octets);
    }
}
