//! From a CoAP message to what is asked for: options understood or refused (RFC 7252 §5.4, §5.10).

use std::collections::LinkedList;

use coap_lite::{CoapOption, MessageClass, Packet, RequestType, ResponseType};

use crate::block::Block;
use crate::format::Format;
use crate::message::option_integer;
use crate::method::Method;
use crate::response::Response;

/// Critical options that are understood, and whether each may stand more than once (RFC 7252 §5.10, RFC 7959 §2.1).
const UNDERSTOOD: [(CoapOption, bool); 7] = [
    (CoapOption::UriHost, false),
    (CoapOption::UriPort, false),
    (CoapOption::UriPath, true),
    (CoapOption::UriQuery, true),
    (CoapOption::Accept, false),
    (CoapOption::Block2, false),
    (CoapOption::Block1, false),
];

/// What is asked for, and in which form; two messages of one block-wise transfer have it in common (RFC 7959 §2.4, §2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How it is asked for.
    pub method: Method,
    /// The segments of the path as they came; none where one is not text.
    pub path: Option<Vec<String>>,
    /// The queries that are text.
    pub queries: Vec<String>,
    /// What the body is announced as.
    pub announced: Option<Format>,
    /// The form in which the answer is wanted.
    pub accept: Option<Format>,
}

/// A request, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) block1: Option<Block>,
    pub(crate) block2: Option<Block>,
    /// How long the whole body is said to be.
    pub(crate) size1: Option<u32>,
    pub(crate) payload: Vec<u8>,
}

/// Reads a request.
///
/// # Errors
/// The answer to one that cannot be understood.
pub(crate) fn read(packet: Packet, kind: RequestType) -> Result<Request, Response> {
    check_options(&packet)?;
    let target = Target {
        method: kind.into(),
        path: texts(&packet, CoapOption::UriPath),
        queries: texts(&packet, CoapOption::UriQuery).unwrap_or_default(),
        announced: format(&packet, CoapOption::ContentFormat)?,
        accept: format(&packet, CoapOption::Accept)?,
    };
    Ok(Request {
        target,
        block1: block(&packet, CoapOption::Block1)?,
        block2: block(&packet, CoapOption::Block2)?,
        size1: option_integer(&packet, CoapOption::Size1),
        payload: packet.payload,
    })
}

impl Target {
    /// Returns the form of the answer of those that it can be given in, the usual one first: the one that is wanted, or the
    /// usual one; none where the wanted one is not among them (RFC 7252 §5.10.4).
    #[must_use]
    pub fn form_among(&self, forms: &[Format]) -> Option<Format> {
        match self.accept {
            Some(wanted) => forms.iter().copied().find(|form| *form == wanted),
            None => forms.first().copied(),
        }
    }

    /// Tells whether the path is this one, segment by segment.
    #[must_use]
    pub fn is_at(&self, path: &[&str]) -> bool {
        self.path.as_ref().is_some_and(|segments| segments == path)
    }
}

/// RFC 7252 §5.4.1: a critical option that is not understood is refused; one that is not critical is ignored.
fn check_options(packet: &Packet) -> Result<(), Response> {
    for (number, values) in packet.options() {
        let option = CoapOption::from(*number);
        // RFC 7252 §5.7.2, §5.10.2: there is no proxy here.
        if matches!(option, CoapOption::ProxyUri | CoapOption::ProxyScheme) {
            return Err(Response::told(ResponseType::ProxyingNotSupported, "there is no proxy here"));
        }
        let is_critical = number & 1 == 1;
        let known = UNDERSTOOD.iter().find(|(known, _)| *known == option);
        // RFC 7252 §5.4.5: what stands once too often is treated like what is not understood.
        let is_fine = known.is_some_and(|(_, is_repeatable)| *is_repeatable || values.len() == 1);
        if is_critical && !is_fine {
            return Err(Response::told(
                ResponseType::BadOption,
                &format!("option {number} is not understood"),
            ));
        }
    }
    Ok(())
}

/// The values of an option as text; none where one is not UTF-8.
fn texts(packet: &Packet, option: CoapOption) -> Option<Vec<String>> {
    let none = LinkedList::new();
    let values = packet.get_option(option).unwrap_or(&none);
    values.iter().map(|value| String::from_utf8(value.clone()).ok()).collect()
}

fn format(packet: &Packet, option: CoapOption) -> Result<Option<Format>, Response> {
    let Some(value) = packet.get_first_option(option) else { return Ok(None) };
    let format = crate::message::integer(value).and_then(Format::read);
    format.map(Some).ok_or_else(|| Response::told(ResponseType::BadRequest, "a format is not a number"))
}

/// RFC 7959 §2.2: the reserved size is answered by 4.00.
fn block(packet: &Packet, option: CoapOption) -> Result<Option<Block>, Response> {
    let Some(value) = packet.get_first_option(option) else { return Ok(None) };
    let block = Block::read(value);
    block.map(Some).ok_or_else(|| Response::told(ResponseType::BadRequest, "a block option is malformed"))
}

/// Returns the method of a message that is a request.
pub(crate) const fn method_of(packet: &Packet) -> Option<RequestType> {
    match packet.header.code {
        MessageClass::Request(kind) => Some(kind),
        MessageClass::Empty | MessageClass::Response(_) | MessageClass::Reserved(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(options: &[(CoapOption, &[u8])]) -> Packet {
        let mut packet = Packet::new();
        for (option, value) in options {
            packet.add_option(*option, value.to_vec());
        }
        packet
    }

    fn refused(options: &[(CoapOption, &[u8])]) -> ResponseType {
        read(packet(options), RequestType::Post).unwrap_err().code
    }

    #[test]
    fn reads_path_formats_and_blocks() {
        let options: [(CoapOption, &[u8]); 6] = [
            (CoapOption::UriPath, b"a"),
            (CoapOption::UriPath, b"B"),
            (CoapOption::ContentFormat, &[0x01, 0x1E]),
            (CoapOption::Accept, &[0x01, 0x1F]),
            (CoapOption::Block1, &[0x0E]),
            (CoapOption::UriHost, b"est.example"),
        ];
        let request = read(packet(&options), RequestType::Post).unwrap();
        assert!(request.target.is_at(&["a", "B"]));
        assert!(!request.target.is_at(&["a"]) && !request.target.is_at(&["a", "b"]));
        assert_eq!(request.target.announced, Some(Format::of(286)));
        assert_eq!(request.target.accept, Some(Format::of(287)));
        assert!(request.block1.unwrap().more);
    }

    // RFC 7252 §5.10.4: what is wanted, or the usual form; what is not among the forms is not acceptable.
    #[test]
    fn the_first_form_is_the_usual_one() {
        let forms = [Format::of(281), Format::of(287)];
        for (accept, form) in [
            (None, Some(281)),
            (Some(&[0x01, 0x19][..]), Some(281)),
            (Some(&[0x01, 0x1F]), Some(287)),
            (Some(&[]), None),
        ] {
            let options: Vec<_> = accept.map(|value| (CoapOption::Accept, value)).into_iter().collect();
            let request = read(packet(&options), RequestType::Post).unwrap();
            assert_eq!(request.target.form_among(&forms), form.map(Format::of), "{accept:?}");
        }
    }

    // RFC 7252 §5.4.1, §5.4.5: Bad Option.
    #[test]
    fn refuses_critical_options_that_it_does_not_understand_and_ignores_others() {
        assert_eq!(refused(&[(CoapOption::IfMatch, b"x")]), ResponseType::BadOption);
        assert_eq!(refused(&[(CoapOption::Unknown(65_001), b"")]), ResponseType::BadOption);
        let twice: (CoapOption, &[u8]) = (CoapOption::Accept, &[40]);
        assert_eq!(refused(&[twice, twice]), ResponseType::BadOption);
        assert!(read(packet(&[(CoapOption::Unknown(65_000), b"")]), RequestType::Get).is_ok());
        assert!(
            read(packet(&[(CoapOption::ETag, b"x"), (CoapOption::Observe, b"")]), RequestType::Get).is_ok()
        );
    }

    // RFC 7252 §5.7.2.
    #[test]
    fn is_no_proxy() {
        let uri: (CoapOption, &[u8]) = (CoapOption::ProxyUri, b"coap://elsewhere/");
        assert_eq!(refused(&[uri]), ResponseType::ProxyingNotSupported);
        assert_eq!(refused(&[(CoapOption::ProxyScheme, b"https")]), ResponseType::ProxyingNotSupported);
    }

    // RFC 7959 §2.2.
    #[test]
    fn refuses_the_reserved_block_size() {
        assert_eq!(refused(&[(CoapOption::Block1, &[0x07])]), ResponseType::BadRequest);
        assert_eq!(refused(&[(CoapOption::Block2, &[0x0F])]), ResponseType::BadRequest);
        assert_eq!(refused(&[(CoapOption::ContentFormat, &[1, 0, 0])]), ResponseType::BadRequest);
    }

    #[test]
    fn a_path_that_is_no_text_names_nothing() {
        let request = read(packet(&[(CoapOption::UriPath, &[0xFF])]), RequestType::Get).unwrap();
        assert_eq!(request.target.path, None);
        assert!(!request.target.is_at(&[]));
    }
}
