//! A-XDR (IEC 61334-6) of the COSEM type `Data` (IEC 62056-5-3), as far as class 64 and what stands beside it need it.
//!
//! Not a decoder of every type: floating point, compact arrays, dates and the rest are refused by their tag. Reading is strict:
//! every length in its shortest form, nothing behind the value, and bounds on depth, elements and octets that hold before
//! anything is allocated. Errors say at which octet.

mod reader;
#[cfg(test)]
mod tests;

pub use reader::{AxdrError, AxdrFault, Reader};

/// The most octets that one value is read from, or put together from blocks of.
pub const MAX_OCTETS: usize = 65_536;
/// The most elements in one value, at all depths together: the parts of 146 certificates in attribute 6.
pub const MAX_ELEMENTS: usize = 1_024;
/// How deep arrays and structures may stand in each other. Class 64 needs three.
pub const MAX_DEPTH: usize = 6;

/// A value of the COSEM type `Data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// null-data, tag 0.
    Null,
    /// array, tag 1.
    Array(Vec<Self>),
    /// structure, tag 2.
    Structure(Vec<Self>),
    /// boolean, tag 3.
    Boolean(bool),
    /// bit-string, tag 4.
    BitString(BitString),
    /// double-long, tag 5.
    DoubleLong(i32),
    /// double-long-unsigned, tag 6.
    DoubleLongUnsigned(u32),
    /// octet-string, tag 9.
    OctetString(Vec<u8>),
    /// visible-string, tag 10: ASCII.
    VisibleString(String),
    /// utf8-string, tag 12.
    Utf8String(String),
    /// integer, tag 15.
    Integer(i8),
    /// long, tag 16.
    Long(i16),
    /// unsigned, tag 17.
    Unsigned(u8),
    /// long-unsigned, tag 18.
    LongUnsigned(u16),
    /// long64, tag 20.
    Long64(i64),
    /// long64-unsigned, tag 21.
    Long64Unsigned(u64),
    /// enum, tag 22.
    Enum(u8),
}

/// Bits, the first one in the highest place of the first octet; the places behind the last one are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitString {
    octets: Vec<u8>,
    unused: u8,
}

impl BitString {
    /// Takes the octets that hold this many bits.
    ///
    /// Nothing when the octets are more or fewer than the bits fill, or a place behind the last bit is not zero.
    #[must_use]
    pub fn new(bits: usize, octets: Vec<u8>) -> Option<Self> {
        let unused = u8::try_from(octets.len().checked_mul(8)?.checked_sub(bits)?).ok()?;
        let last = octets.last().copied().unwrap_or_default();
        let clear = unused < 8 && u16::from(last) & ((1_u16 << unused) - 1) == 0;
        (clear || octets.is_empty() && unused == 0).then_some(Self { octets, unused })
    }

    /// Returns how many bits there are.
    #[must_use]
    pub fn bits(&self) -> usize {
        (self.octets.len() * 8).saturating_sub(usize::from(self.unused))
    }

    /// Returns the octets that hold them.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

impl Data {
    /// Reads one value that takes up all of the octets.
    ///
    /// # Errors
    /// [`AxdrError`], with the octet at which it was met.
    pub fn decode(octets: &[u8]) -> Result<Self, AxdrError> {
        let mut reader = Reader::new(octets)?;
        let data = reader.data()?;
        reader.finish()?;
        Ok(data)
    }

    /// Writes the value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Returns the name of the type, as IEC 62056-5-3 writes it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null-data",
            Self::Array(_) => "array",
            Self::Structure(_) => "structure",
            Self::Boolean(_) => "boolean",
            Self::BitString(_) => "bit-string",
            Self::DoubleLong(_) => "double-long",
            Self::DoubleLongUnsigned(_) => "double-long-unsigned",
            Self::OctetString(_) => "octet-string",
            Self::VisibleString(_) => "visible-string",
            Self::Utf8String(_) => "utf8-string",
            Self::Integer(_) => "integer",
            Self::Long(_) => "long",
            Self::Unsigned(_) => "unsigned",
            Self::LongUnsigned(_) => "long-unsigned",
            Self::Long64(_) => "long64",
            Self::Long64Unsigned(_) => "long64-unsigned",
            Self::Enum(_) => "enum",
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0),
            Self::Array(elements) => write_elements(out, 1, elements),
            Self::Structure(elements) => write_elements(out, 2, elements),
            Self::Boolean(value) => out.extend([3, u8::from(*value)]),
            Self::BitString(value) => {
                out.push(4);
                write_length(out, value.bits());
                out.extend(&value.octets);
            }
            Self::DoubleLong(value) => write_fixed(out, 5, &value.to_be_bytes()),
            Self::DoubleLongUnsigned(value) => write_fixed(out, 6, &value.to_be_bytes()),
            Self::OctetString(octets) => write_string(out, 9, octets),
            Self::VisibleString(text) => write_string(out, 10, text.as_bytes()),
            Self::Utf8String(text) => write_string(out, 12, text.as_bytes()),
            Self::Integer(value) => write_fixed(out, 15, &value.to_be_bytes()),
            Self::Long(value) => write_fixed(out, 16, &value.to_be_bytes()),
            Self::Unsigned(value) => out.extend([17, *value]),
            Self::LongUnsigned(value) => write_fixed(out, 18, &value.to_be_bytes()),
            Self::Long64(value) => write_fixed(out, 20, &value.to_be_bytes()),
            Self::Long64Unsigned(value) => write_fixed(out, 21, &value.to_be_bytes()),
            Self::Enum(value) => out.extend([22, *value]),
        }
    }
}

fn write_elements(out: &mut Vec<u8>, tag: u8, elements: &[Data]) {
    out.push(tag);
    write_length(out, elements.len());
    elements.iter().for_each(|element| element.write(out));
}

fn write_string(out: &mut Vec<u8>, tag: u8, octets: &[u8]) {
    out.push(tag);
    write_length(out, octets.len());
    out.extend(octets);
}

fn write_fixed(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    out.extend(value);
}

/// Writes a length in its shortest form: one octet below 128, else how many octets follow and those.
pub(crate) fn write_length(out: &mut Vec<u8>, length: usize) {
    let octets = length.to_be_bytes();
    let leading = octets.iter().take_while(|octet| **octet == 0).count();
    let significant = octets.get(leading..).unwrap_or_default();
    match significant {
        [] => out.push(0),
        [short @ 0..=0x7F] => out.push(*short),
        long => {
            // At most eight octets: it fits beside the flag.
            out.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            out.extend(long);
        }
    }
}
