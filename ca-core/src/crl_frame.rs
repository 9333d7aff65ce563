//! A CRL without its entries: few octets, whatever the number of entries, and where the entries stand (RFC 5280 §5.1).
//!
//! Walks from value to value and judges no more than that they are nested as DER nests them. What the fields say is for others
//! to read, from octets as short as those of a CRL with nothing revoked.

use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag};

use crate::octets::{OctetReader, Octets, OctetsError};

/// How many octets a field other than the entries has at most, and an entry.
const LONGEST: usize = 64 * 1024;

/// How many octets of a value tell its tag and its length, at most: one, and five.
const HEADER_OCTETS: usize = 6;

/// A `TBSCertList` without its revokedCertificates.
#[derive(Debug, Clone)]
pub(crate) struct CrlFrame {
    /// The DER of the `TBSCertList` as it would be were there no revokedCertificates.
    pub(crate) octets: Vec<u8>,
    /// The entries, one after the other; `None` when the field is absent.
    pub(crate) entries: Option<Octets>,
}

impl CrlFrame {
    /// Takes the `TBSCertList` apart.
    pub(crate) fn read(tbs: &Octets) -> Result<Self, WalkError> {
        let mut values = Values::within(tbs)?;
        let (mut fields, mut entries, mut dated) = (Vec::new(), None, false);
        while let Some(tag) = values.next_tag()? {
            // RFC 5280 §5.1: revokedCertificates is the one SEQUENCE behind the times.
            if dated && entries.is_none() && tag == Tag::Sequence {
                entries = Some(values.skip()?);
                continue;
            }
            dated |= matches!(tag, Tag::UtcTime | Tag::GeneralizedTime);
            fields.extend_from_slice(values.take()?);
            if fields.len() > LONGEST {
                return Err(values.not_der());
            }
        }
        Ok(Self { octets: sequence(&fields)?, entries })
    }
}

/// A `CertificateList`, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct SignedFrame {
    /// The DER of the `CertificateList` as it would be were there no revokedCertificates, with the signature of this one.
    pub(crate) octets: Vec<u8>,
    /// The `TBSCertList`, as it was signed.
    pub(crate) tbs: Octets,
    /// As in [`CrlFrame`].
    pub(crate) entries: Option<Octets>,
}

impl SignedFrame {
    /// Takes the `CertificateList` apart.
    pub(crate) fn read(der: &Octets) -> Result<Self, WalkError> {
        let mut values = Values::within(der)?;
        let start = values.reader.position();
        values.skip()?;
        let tbs = der.part(start, values.reader.position() - start);
        let CrlFrame { mut octets, entries } = CrlFrame::read(&tbs)?;
        while values.next_tag()?.is_some() {
            octets.extend_from_slice(values.take()?);
            if octets.len() > 2 * LONGEST {
                return Err(values.not_der());
            }
        }
        Ok(Self { octets: sequence(&octets)?, tbs, entries })
    }
}

fn sequence(content: &[u8]) -> Result<Vec<u8>, WalkError> {
    let position = |_| WalkError::NotDer { position: 0 };
    let header = Header::new(Tag::Sequence, Length::try_from(content.len()).map_err(position)?);
    Ok([header.to_der().map_err(position)?.as_slice(), content].concat())
}

/// Returns the tag that stands first, the length of its header, and that of its content.
fn read_header(octets: &[u8]) -> der::Result<(Tag, u64, u64)> {
    // X.690 §8.1.3.4: the short form, as each entry of a list has it, needs no codec.
    if let [0x30, content @ ..0x80, ..] = octets {
        return Ok((Tag::Sequence, 2, (*content).into()));
    }
    let mut reader = SliceReader::new(octets)?;
    let header = Header::decode(&mut reader)?;
    Ok((header.tag(), u32::from(reader.position()).into(), u32::from(header.length()).into()))
}

/// DER values that stand one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    octets: Octets,
    reader: OctetReader,
}

impl Values {
    /// Begins with the first.
    pub(crate) fn of(octets: Octets) -> Self {
        Self { reader: OctetReader::new(octets.clone()), octets }
    }

    /// Begins with the first of those in the one SEQUENCE that the octets are.
    fn within(octets: &Octets) -> Result<Self, WalkError> {
        let mut values = Self::of(octets.clone());
        let (tag, header, content) = values.header()?;
        if tag != Tag::Sequence || header + content != octets.length() {
            return Err(values.not_der());
        }
        values.reader.skip(header);
        Ok(values)
    }

    /// Returns the tag of the next, if there is one.
    fn next_tag(&mut self) -> Result<Option<Tag>, WalkError> {
        if self.reader.left() == 0 { Ok(None) } else { self.header().map(|(tag, ..)| Some(tag)) }
    }

    /// Returns tag, length of the header, and length of the content of the next, which lies whole before the end.
    fn header(&mut self) -> Result<(Tag, u64, u64), WalkError> {
        let position = self.reader.position();
        let (tag, header, content) =
            read_header(self.reader.peek(HEADER_OCTETS)?).map_err(|_| WalkError::NotDer { position })?;
        if header + content > self.reader.left() {
            return Err(WalkError::NotDer { position });
        }
        Ok((tag, header, content))
    }

    /// Returns the next whole, and moves behind it. There must be one.
    fn take(&mut self) -> Result<&[u8], WalkError> {
        let (_, header, content) = self.header()?;
        let length = usize::try_from(header + content).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| self.not_der())?;
        Ok(self.reader.take(length)?)
    }

    /// Returns the content of the next unread, and moves behind it. There must be one.
    fn skip(&mut self) -> Result<Octets, WalkError> {
        let (_, header, content) = self.header()?;
        let start = self.reader.position() + header;
        self.reader.skip(header + content);
        Ok(self.octets.part(start, content))
    }

    /// Returns the next whole, if there is one, and moves behind it.
    pub(crate) fn next_value(&mut self) -> Result<Option<&[u8]>, WalkError> {
        if self.reader.left() == 0 { Ok(None) } else { self.take().map(Some) }
    }

    fn not_der(&self) -> WalkError {
        WalkError::NotDer { position: self.reader.position() }
    }
}

/// Why a CRL cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WalkError {
    #[error("a value is not DER, or longer than any of a CRL, at octet {position}")]
    NotDer { position: u64 },
    #[error(transparent)]
    Octets(#[from] OctetsError),
}
