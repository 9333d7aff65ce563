//! Responses: from an answer or a refusal to a CoAP message (RFC 7252 §5.9, RFC 8075 §7).

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, ResponseType};

use crate::block::Block;
use crate::format::Format;
use crate::message::{integer_octets, written};
use crate::method::Method;

/// A response before it has a message ID.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub(crate) code: ResponseType,
    pub(crate) format: Option<Format>,
    /// After how many seconds to come again.
    pub(crate) max_age: Option<u32>,
    /// How long a body may be.
    pub(crate) size1: Option<u32>,
    pub(crate) block1: Option<Block>,
    pub(crate) block2: Option<Block>,
    pub(crate) payload: Vec<u8>,
}

impl Response {
    /// A response without a payload.
    pub(crate) const fn bare(code: ResponseType) -> Self {
        Self {
            code,
            format: None,
            max_age: None,
            size1: None,
            block1: None,
            block2: None,
            payload: Vec::new(),
        }
    }

    /// A response with a sentence for whoever looks for the fault (RFC 7252 §5.5.2).
    pub(crate) fn told(code: ResponseType, sentence: &str) -> Self {
        Self { payload: sentence.as_bytes().to_vec(), ..Self::bare(code) }
    }

    /// A response that asks to come again (RFC 7252 §5.9.3.4).
    pub(crate) fn later(code: ResponseType, sentence: &str, seconds: u32) -> Self {
        Self { max_age: Some(seconds), ..Self::told(code, sentence) }
    }

    /// The answer to a request that was answered as it wished: 2.05 where something was to be got, 2.04 where something was
    /// to be done (RFC 7252 §5.8).
    #[must_use]
    pub fn content(method: Method, format: Format, payload: Vec<u8>) -> Self {
        let code = match method {
            Method::Get => ResponseType::Content,
            Method::Post | Method::Other => ResponseType::Changed,
        };
        Self { format: Some(format), payload, ..Self::bare(code) }
    }

    /// The answer to a request that was refused: HTTP's status code, a sentence, and after how many seconds to come again.
    #[must_use]
    pub fn refused(status: u16, sentence: &str, retry_after: Option<u64>) -> Self {
        let max_age = retry_after.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
        Self { max_age, ..Self::told(code_of(status), sentence.trim_end()) }
    }

    /// The same, for a body that is too long, with how long it may be (RFC 7959 §2.9.3).
    #[must_use]
    pub fn with_room(self, max_octets: usize) -> Self {
        let too_large = self.code == ResponseType::RequestEntityTooLarge;
        Self { size1: too_large.then(|| u32::try_from(max_octets).unwrap_or(u32::MAX)), ..self }
    }

    /// Writes it.
    pub(crate) fn message(&self, kind: MessageType, id: u16, token: &[u8]) -> Vec<u8> {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(kind);
        packet.header.code = MessageClass::Response(self.code);
        packet.header.message_id = id;
        packet.set_token(token.to_vec());
        let numbers = [
            (CoapOption::ContentFormat, self.format.map(|format| u32::from(format.number()))),
            (CoapOption::MaxAge, self.max_age),
            (CoapOption::Size1, self.size1),
        ];
        for (option, value) in numbers {
            if let Some(value) = value {
                packet.add_option(option, integer_octets(value));
            }
        }
        for (option, block) in [(CoapOption::Block1, self.block1), (CoapOption::Block2, self.block2)] {
            if let Some(block) = block {
                packet.add_option(option, block.octets());
            }
        }
        packet.payload.clone_from(&self.payload);
        written(&packet)
    }
}

/// RFC 8075 §7, RFC 9148 §4.5: HTTP's status codes as CoAP has them; 202 has no equivalent and is 5.03 with Max-Age (RFC 9148 §4.7).
const fn code_of(status: u16) -> ResponseType {
    match status {
        400 => ResponseType::BadRequest,
        401 => ResponseType::Unauthorized,
        403 => ResponseType::Forbidden,
        404 => ResponseType::NotFound,
        405 => ResponseType::MethodNotAllowed,
        406 => ResponseType::NotAcceptable,
        409 => ResponseType::Conflict,
        413 => ResponseType::RequestEntityTooLarge,
        415 => ResponseType::UnsupportedContentFormat,
        // RFC 8516.
        429 => ResponseType::TooManyRequests,
        202 | 503 => ResponseType::ServiceUnavailable,
        501 => ResponseType::NotImplemented,
        _ => ResponseType::InternalServerError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> Response {
        Response::refused(status, "the body is too large (body.too-large)\n", retry_after).with_room(65_536)
    }

    // RFC 9148 §4.5.
    #[test]
    fn refusals_have_the_codes_of_the_table() {
        for (status, code) in [
            (400, 0x80),
            (401, 0x81),
            (403, 0x83),
            (404, 0x84),
            (405, 0x85),
            (406, 0x86),
            (409, 0x89),
            (413, 0x8D),
            (415, 0x8F),
            (429, 0x9D),
            (500, 0xA0),
            (503, 0xA3),
            (999, 0xA0),
        ] {
            let response = refused(status, None);
            assert_eq!(u8::from(MessageClass::Response(response.code)), code, "{status}");
        }
    }

    // RFC 9148 §4.7: who has to wait is told by 5.03 and Max-Age.
    #[test]
    fn waiting_is_told_by_max_age() {
        for status in [202, 503] {
            let response = refused(status, Some(300));
            assert_eq!((response.code, response.max_age), (ResponseType::ServiceUnavailable, Some(300)));
        }
    }

    // RFC 7959 §2.9.3.
    #[test]
    fn a_body_that_is_too_large_is_told_what_would_not_be() {
        let response = refused(413, None);
        assert_eq!(response.size1, Some(65_536));
        assert_eq!(refused(400, None).size1, None);
        assert_eq!(response.payload, b"the body is too large (body.too-large)");
    }

    #[test]
    fn a_message_has_its_parts_in_their_places() {
        let response =
            Response { max_age: Some(30), ..Response::told(ResponseType::ServiceUnavailable, "x") };
        let octets = response.message(MessageType::Acknowledgement, 0x1234, &[0xAB]);
        assert_eq!(octets, [0x61, 0xA3, 0x12, 0x34, 0xAB, 0xD1, 0x01, 30, 0xFF, b'x']);
    }
}
