//! The frames of the link: one octet of kind, four of length, and a content of at most 64 KiB, in DER but for pieces.
//!
//! A connection begins with a hello of either side that names the version. A request to sign names key and length, and its
//! octets follow in pieces; it is sent whole when they are all there. One request at a time on a connection.

use std::io::{self, Read, Write};

use ca_core::octets::PAGE_OCTETS;
use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};

/// The version of these frames.
pub(crate) const VERSION: u8 = 3;

/// How many octets can be signed at most: a CRL of some ten million entries.
pub(crate) const LONGEST_REQUEST: u64 = 1 << 29;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello,
    AskKeys,
    AskState,
    AskSignature,
    Piece,
    Keys,
    State,
    Signature,
    Denial,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Hello,
        Self::AskKeys,
        Self::AskState,
        Self::AskSignature,
        Self::Piece,
        Self::Keys,
        Self::State,
        Self::Signature,
        Self::Denial,
    ];

    const fn octet(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::AskKeys => 2,
            Self::AskState => 3,
            Self::AskSignature => 4,
            Self::Piece => 5,
            Self::Keys => 6,
            Self::State => 7,
            Self::Signature => 8,
            Self::Denial => 9,
        }
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) content: Vec<u8>,
}

impl Frame {
    /// Makes a frame of a DER value.
    pub(crate) fn of(kind: Kind, value: &impl Encode) -> io::Result<Self> {
        Ok(Self { kind, content: value.to_der().map_err(unsound)? })
    }

    /// Makes the hello of either side.
    pub(crate) fn hello() -> io::Result<Self> {
        Self::of(Kind::Hello, &VERSION)
    }

    /// Writes the frame behind others that are to be sent together.
    pub(crate) fn append_to(&self, octets: &mut Vec<u8>) -> io::Result<()> {
        let length = u32::try_from(self.content.len()).map_err(unsound)?;
        if self.content.len() > PAGE_OCTETS {
            return Err(unsound("a frame has more than 64 KiB"));
        }
        octets.push(self.kind.octet());
        octets.extend_from_slice(&length.to_be_bytes());
        octets.extend_from_slice(&self.content);
        Ok(())
    }

    /// Sends the frame.
    pub(crate) fn send(&self, mut to: impl Write) -> io::Result<()> {
        let mut octets = Vec::with_capacity(self.content.len() + 5);
        self.append_to(&mut octets)?;
        to.write_all(&octets)
    }

    /// Reads the rest of a frame of which the first octet was read.
    pub(crate) fn read_after(first: u8, mut from: impl Read) -> io::Result<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.octet() == first);
        let kind = kind.ok_or_else(|| unsound("a frame is of no known kind"))?;
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > PAGE_OCTETS {
            return Err(unsound("a frame has more than 64 KiB"));
        }
        let mut content = vec![0; length];
        from.read_exact(&mut content)?;
        Ok(Self { kind, content })
    }

    /// Reads a frame.
    pub(crate) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut first = [0];
        from.read_exact(&mut first)?;
        let [first] = first;
        Self::read_after(first, from)
    }

    /// Reads the content as a DER value.
    pub(crate) fn value<'a, T: Decode<'a, Error = der::Error>>(&'a self) -> io::Result<T> {
        T::from_der(&self.content).map_err(unsound)
    }
}

/// Says that what the other side sent is not what these frames are.
pub(crate) fn unsound(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// ```text
/// AskSignature ::= SEQUENCE { key OCTET STRING, length INTEGER }
/// ```
#[derive(Debug, Sequence)]
pub(crate) struct AskSignature {
    pub(crate) key: OctetString,
    pub(crate) length: u64,
}

/// ```text
/// Denial ::= SEQUENCE { meaning INTEGER, code UTF8String, sentence UTF8String, againSeconds INTEGER }   -- 0: not said
/// ```
#[derive(Debug, Sequence)]
pub(crate) struct DenialFields {
    pub(crate) meaning: u8,
    pub(crate) code: String,
    pub(crate) sentence: String,
    pub(crate) again_seconds: u32,
}

/// ```text
/// Keys ::= SEQUENCE { keys SEQUENCE OF OCTET STRING, awaited SEQUENCE OF OCTET STRING, againSeconds INTEGER }
/// ```
/// The keys as SubjectPublicKeyInfo; the names of those whose token is away.
#[derive(Debug, Sequence)]
pub(crate) struct KeysFields {
    pub(crate) keys: Vec<OctetString>,
    pub(crate) awaited: Vec<OctetString>,
    pub(crate) again_seconds: u32,
}

/// ```text
/// State ::= SEQUENCE { records INTEGER, head OCTET STRING, keys SEQUENCE OF KeyState, tokens SEQUENCE OF TokenReport }
/// ```
#[derive(Debug, Sequence)]
pub(crate) struct StateFields {
    pub(crate) records: u64,
    pub(crate) head: OctetString,
    pub(crate) keys: Vec<KeyStateFields>,
    pub(crate) tokens: Vec<TokenFields>,
}

/// ```text
/// TokenReport ::= SEQUENCE {
///   token UTF8String, standing INTEGER, againSeconds INTEGER, cause UTF8String, counts SEQUENCE OF INTEGER }
/// ```
#[derive(Debug, Sequence)]
pub(crate) struct TokenFields {
    pub(crate) token: String,
    pub(crate) standing: u8,
    pub(crate) again_seconds: u32,
    pub(crate) cause: String,
    pub(crate) counts: Vec<u64>,
}

/// ```text
/// KeyState ::= SEQUENCE {
///   key OCTET STRING, purposes UTF8String, signed INTEGER, denied INTEGER, today INTEGER, away BOOLEAN, againSeconds INTEGER }
/// ```
#[derive(Debug, Sequence)]
pub(crate) struct KeyStateFields {
    pub(crate) key: OctetString,
    pub(crate) purposes: String,
    pub(crate) signed: u64,
    pub(crate) denied: u64,
    pub(crate) today: u64,
    pub(crate) away: bool,
    pub(crate) again_seconds: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_frame_that_it_sends() {
        for kind in Kind::ALL {
            let frame = Frame { kind, content: vec![7; PAGE_OCTETS] };
            let mut sent = Vec::new();
            frame.send(&mut sent).unwrap();
            assert_eq!(Frame::read(sent.as_slice()).unwrap(), frame);
        }
    }

    #[test]
    fn neither_sends_nor_reads_a_frame_that_is_too_long() {
        let frame = Frame { kind: Kind::Piece, content: vec![7; PAGE_OCTETS + 1] };
        frame.send(Vec::new()).unwrap_err();
        let length = u32::try_from(PAGE_OCTETS + 1).unwrap().to_be_bytes();
        let header = [&[Kind::Piece.octet()], length.as_slice(), &frame.content].concat();
        assert_eq!(Frame::read(header.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_frame_cut_short_or_of_an_unknown_kind_is_none() {
        let mut sent = Vec::new();
        Frame::hello().unwrap().send(&mut sent).unwrap();
        for length in 0..sent.len() {
            assert_eq!(Frame::read(&sent[..length]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        sent[0] = 77;
        assert_eq!(Frame::read(sent.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
