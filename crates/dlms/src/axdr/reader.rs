//! Reads A-XDR from the front, and knows at which octet it stands.
//!
//! Also for what surrounds `Data`: APDUs are read with the same reader, so that positions in errors count from their start.

use super::{BitString, Data, MAX_DEPTH, MAX_ELEMENTS, MAX_OCTETS};

/// A place in octets that are read.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    octets: &'a [u8],
    position: usize,
    elements: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first octet.
    ///
    /// # Errors
    /// [`AxdrFault::TooLong`].
    pub const fn new(octets: &'a [u8]) -> Result<Self, AxdrError> {
        if octets.len() > MAX_OCTETS {
            return Err(AxdrError { position: 0, fault: AxdrFault::TooLong { octets: octets.len() } });
        }
        Ok(Self { octets, position: 0, elements: 0 })
    }

    /// Returns how many octets were read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Returns how many are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.octets.len().saturating_sub(self.position)
    }

    /// Makes an error of what is met here.
    #[must_use]
    pub const fn fail(&self, fault: AxdrFault) -> AxdrError {
        AxdrError { position: self.position, fault }
    }

    /// Makes sure that everything was read.
    ///
    /// # Errors
    /// [`AxdrFault::Trailing`].
    pub const fn finish(&self) -> Result<(), AxdrError> {
        if self.left() == 0 { Ok(()) } else { Err(self.fail(AxdrFault::Trailing { octets: self.left() })) }
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// [`AxdrFault::Ends`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], AxdrError> {
        let end = self.position.checked_add(count);
        let taken = end.and_then(|end| self.octets.get(self.position..end));
        let taken = taken.ok_or_else(|| self.fail(AxdrFault::Ends { wanted: count }))?;
        self.position = self.position.saturating_add(count);
        Ok(taken)
    }

    /// Takes so many octets as an array has.
    ///
    /// # Errors
    /// [`AxdrFault::Ends`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], AxdrError> {
        let at = self.clone();
        self.take(N)?.try_into().map_err(|_| at.fail(AxdrFault::Ends { wanted: N }))
    }

    /// Takes one octet.
    ///
    /// # Errors
    /// [`AxdrFault::Ends`].
    pub fn octet(&mut self) -> Result<u8, AxdrError> {
        self.array::<1>().map(|[octet]| octet)
    }

    /// Takes a BOOLEAN: 0 is false, every other octet is true (IEC 61334-6 §6.2). Only 0, 1 and 0xFF are taken: the others
    /// are more often a reader that stands in a wrong place.
    ///
    /// # Errors
    /// [`AxdrFault::Boolean`].
    pub fn boolean(&mut self) -> Result<bool, AxdrError> {
        let at = self.clone();
        match self.octet()? {
            0 => Ok(false),
            1 | 0xFF => Ok(true),
            octet => Err(at.fail(AxdrFault::Boolean { octet })),
        }
    }

    /// Takes a length, of at most what is in the whole message.
    ///
    /// # Errors
    /// [`AxdrFault::Length`] for another form than the shortest one, and for lengths that no message has.
    pub fn length(&mut self) -> Result<usize, AxdrError> {
        let at = self.clone();
        let first = self.octet()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let wrong = at.fail(AxdrFault::Length { first });
        let value = match first {
            0x81 => usize::from(self.octet()?),
            0x82 => usize::from(u16::from_be_bytes(self.array()?)),
            0x83 => {
                let [high, middle, low] = self.array()?;
                usize::try_from(u32::from_be_bytes([0, high, middle, low])).map_err(|_| wrong)?
            }
            _ => return Err(wrong),
        };
        let least = match first {
            0x81 => 0x80,
            0x82 => 0x100,
            _ => 0x1_0000,
        };
        if value < least || value > MAX_OCTETS { Err(wrong) } else { Ok(value) }
    }

    /// Takes an OCTET STRING: a length and as many octets.
    ///
    /// # Errors
    /// [`AxdrError`].
    pub fn octet_string(&mut self) -> Result<&'a [u8], AxdrError> {
        let length = self.length()?;
        self.take(length)
    }

    /// Takes a value of the type `Data`.
    ///
    /// # Errors
    /// [`AxdrError`].
    pub fn data(&mut self) -> Result<Data, AxdrError> {
        self.data_at(0)
    }

    fn data_at(&mut self, depth: usize) -> Result<Data, AxdrError> {
        let at = self.clone();
        if depth > MAX_DEPTH {
            return Err(at.fail(AxdrFault::TooDeep));
        }
        Ok(match self.octet()? {
            0 => Data::Null,
            1 => Data::Array(self.elements(depth)?),
            2 => Data::Structure(self.elements(depth)?),
            3 => Data::Boolean(self.boolean()?),
            4 => Data::BitString(self.bit_string()?),
            5 => Data::DoubleLong(i32::from_be_bytes(self.array()?)),
            6 => Data::DoubleLongUnsigned(u32::from_be_bytes(self.array()?)),
            9 => Data::OctetString(self.octet_string()?.to_vec()),
            10 => Data::VisibleString(self.text(str::is_ascii)?),
            12 => Data::Utf8String(self.text(|_| true)?),
            15 => Data::Integer(i8::from_be_bytes(self.array()?)),
            16 => Data::Long(i16::from_be_bytes(self.array()?)),
            17 => Data::Unsigned(self.octet()?),
            18 => Data::LongUnsigned(u16::from_be_bytes(self.array()?)),
            20 => Data::Long64(i64::from_be_bytes(self.array()?)),
            21 => Data::Long64Unsigned(u64::from_be_bytes(self.array()?)),
            22 => Data::Enum(self.octet()?),
            tag => return Err(at.fail(AxdrFault::Type { tag })),
        })
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Data>, AxdrError> {
        let at = self.clone();
        let count = self.length()?;
        // Each element has one octet at least: nothing is allocated for elements that cannot be there.
        if count > self.left() {
            return Err(at.fail(AxdrFault::Ends { wanted: count }));
        }
        self.elements = self.elements.saturating_add(count);
        if self.elements > MAX_ELEMENTS {
            return Err(at.fail(AxdrFault::TooMany));
        }
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(self.data_at(depth.saturating_add(1))?);
        }
        Ok(elements)
    }

    fn bit_string(&mut self) -> Result<BitString, AxdrError> {
        let at = self.clone();
        let bits = self.length()?;
        let octets = self.take(bits.div_ceil(8))?.to_vec();
        BitString::new(bits, octets).ok_or_else(|| at.fail(AxdrFault::Bits))
    }

    fn text(&mut self, allowed: fn(&str) -> bool) -> Result<String, AxdrError> {
        let at = self.clone();
        let octets = self.octet_string()?;
        let text = core::str::from_utf8(octets).ok().filter(|text| allowed(text));
        text.map(str::to_owned).ok_or_else(|| at.fail(AxdrFault::Text))
    }
}

/// Why octets are not what they should be, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("octet {position}: {fault}")]
pub struct AxdrError {
    /// The octet, counted from 0, at which the element stands that is at fault.
    pub position: usize,
    /// What is wrong there.
    pub fault: AxdrFault,
}

/// What is wrong with octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AxdrFault {
    /// There are more octets than any value has.
    #[error("{octets} octets are more than the {MAX_OCTETS} that are read at once")]
    TooLong {
        /// How many.
        octets: usize,
    },
    /// The octets end in the middle.
    #[error("the octets end where {wanted} more are announced")]
    Ends {
        /// How many should follow.
        wanted: usize,
    },
    /// Octets stand behind the end.
    #[error("{octets} octets stand behind the end")]
    Trailing {
        /// How many.
        octets: usize,
    },
    /// A length is not in its shortest form, or is longer than anything that is read.
    ///
    /// Libraries exist that write a string of 128 to 255 octets with one octet of length, which is read as a length of
    /// lengths: names of certificates of that size cannot be read back from them.
    #[error("0x{first:02X} begins a length that is not in its shortest form, or too long")]
    Length {
        /// Its first octet.
        first: u8,
    },
    /// A type that is not read here.
    #[error("the tag {tag} is of no type that is read here")]
    Type {
        /// Its tag.
        tag: u8,
    },
    /// An octet that is neither true nor false.
    #[error("0x{octet:02X} is neither true nor false")]
    Boolean {
        /// The octet.
        octet: u8,
    },
    /// A bit behind the last one is set.
    #[error("a bit is set behind the end of the bit string")]
    Bits,
    /// A string with characters that its type does not have.
    #[error("the string has octets that its type does not allow")]
    Text,
    /// Arrays and structures stand too deep in each other.
    #[error("arrays and structures stand more than {MAX_DEPTH} deep in each other")]
    TooDeep,
    /// More elements than any value has.
    #[error("there are more than {MAX_ELEMENTS} elements")]
    TooMany,
    /// A CHOICE with a number that is not known.
    #[error("the choice {number} is not one of {what}")]
    Choice {
        /// The number.
        number: u8,
        /// Of what it should be a choice.
        what: &'static str,
    },
}
