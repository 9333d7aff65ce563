//! Responses: from an answer or a refusal to a CoAP message (RFC 9148 §4.5, RFC 8075 §7).

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, ResponseType};
use est_server::reply::Reply;

use crate::block::Block;
use crate::format::Format;
use crate::message::{integer_octets, written};

/// A response before it has a message ID.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
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

    /// A response that asks to come again (RFC 7252 §5.9.3.4, RFC 9148 §4.7).
    pub(crate) fn later(code: ResponseType, sentence: &str, seconds: u32) -> Self {
        Self { max_age: Some(seconds), ..Self::told(code, sentence) }
    }

    /// A response with a body.
    pub(crate) fn content(code: ResponseType, format: Format, payload: Vec<u8>) -> Self {
        Self { format: Some(format), payload, ..Self::bare(code) }
    }

    /// The answer to a request that was refused.
    pub(crate) fn refusal(reply: &Reply, max_body_octets: usize) -> Self {
        let code = code_of(reply.status);
        let too_large = code == ResponseType::RequestEntityTooLarge;
        Self {
            max_age: reply.retry_after.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            // RFC 7959 §2.9.3: how long a body would have been read.
            size1: too_large.then(|| u32::try_from(max_body_octets).unwrap_or(u32::MAX)),
            ..Self::told(code, reply.text.trim_end())
        }
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

/// RFC 9148 §4.5: HTTP's status codes as CoAP has them; 202 has no equivalent and is 5.03 with Max-Age (§4.7).
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

    fn reply(status: u16, retry_after: Option<u64>) -> Reply {
        let text = "the body is too large (body.too-large)\n".to_owned();
        Reply { status, text, retry_after, allow: None, challenge: None, cmc: None }
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
            let response = Response::refusal(&reply(status, None), 1);
            assert_eq!(u8::from(MessageClass::Response(response.code)), code, "{status}");
        }
    }

    // RFC 9148 §4.7: who has to wait is told by 5.03 and Max-Age.
    #[test]
    fn waiting_is_told_by_max_age() {
        for status in [202, 503] {
            let response = Response::refusal(&reply(status, Some(300)), 1);
            assert_eq!((response.code, response.max_age), (ResponseType::ServiceUnavailable, Some(300)));
        }
    }

    // RFC 7959 §2.9.3.
    #[test]
    fn a_body_that_is_too_large_is_told_what_would_not_be() {
        let response = Response::refusal(&reply(413, None), 65_536);
        assert_eq!(response.size1, Some(65_536));
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
