//! Requests in whichever form they come: our message as text or DER, or a CMP message.

use super::message::{MessageError, MessageKind};
use super::request::{RequestError, SubordinateRequest};
use super::transfer;

impl SubordinateRequest {
    /// Reads the octets of a file: the text form, or a CMP message, which travels as DER (RFC 9483 §6.4.1).
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn from_file(octets: &[u8]) -> Result<Self, RequestError> {
        if transfer::is_transfer(octets) {
            return Self::from_der(octets);
        }
        let wanted = MessageKind::SubordinateRequest;
        Self::from_text(core::str::from_utf8(octets).map_err(|_| MessageError::NotText { wanted })?)
    }

    /// Reads a DER request, in our form or as a CMP message of type p10cr, and verifies both signatures. Its age is for
    /// [`Self::check_fresh`] to judge.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        if transfer::is_transfer(der) { transfer::read(der) } else { Self::from_message(der) }
    }

    /// Reads the text form of a request, as [`Self::from_der`] does.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn from_text(text: &str) -> Result<Self, RequestError> {
        Self::from_der(&MessageKind::SubordinateRequest.unarmour(text)?)
    }
}
