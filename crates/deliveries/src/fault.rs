//! What is wrong with a delivery: a fault of one row, with its place, or what stops the reading of the whole file.
//!
//! Nothing here shows what might be a key: see [`Shown`].

use core::fmt;

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line, counted from 1, on which the row of a text begins.
    Line(u64),
    /// The row of a sheet, counted from 1.
    Row(u64),
    /// An element of XML among those that are devices, counted from 1, and the line on which it begins: many may stand on one.
    Nth {
        /// Which.
        number: u64,
        /// The line, counted from 1.
        line: u64,
    },
    /// The element of an array, counted from 0 as JSON Pointer does (RFC 6901).
    Element(u64),
    /// The file as a whole.
    File,
}

impl Place {
    /// Returns the number: of the line, row, device or element; 0 for the file as a whole.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Line(number) | Self::Row(number) | Self::Element(number) | Self::Nth { number, .. } => {
                number
            }
            Self::File => 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
            Self::Nth { number, line } => write!(f, "device {number} (line {line})"),
            Self::Element(number) => write!(f, "element {number}"),
            Self::File => f.write_str("the file"),
        }
    }
}

/// What kind of fault a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The row itself is not formed as the others.
    Row,
    /// A value that must be there is not.
    Missing,
    /// A value is not of the form that its field needs.
    Value,
    /// The system title is none.
    Title,
    /// The system title stood in an earlier row.
    Duplicate,
    /// A certificate is none, or is for another purpose.
    Certificate,
    /// A certificate is that of another device.
    OtherTitle,
    /// A certificate or secret does not fit the security suite.
    Suite,
    /// No certification path leads from a certificate to the factory CA.
    Path,
    /// A checksum or fingerprint differs from what it is of.
    Checksum,
    /// A secret cannot be a wrapped key.
    Secret,
    /// A secret is in clear.
    ClearSecret,
    /// The file has another number of devices than it announces.
    Count,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Row,
        Self::Missing,
        Self::Value,
        Self::Title,
        Self::Duplicate,
        Self::Certificate,
        Self::OtherTitle,
        Self::Suite,
        Self::Path,
        Self::Checksum,
        Self::Secret,
        Self::ClearSecret,
        Self::Count,
    ];

    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Row => "delivery.row",
            Self::Missing => "delivery.missing",
            Self::Value => "delivery.value",
            Self::Title => "delivery.title",
            Self::Duplicate => "delivery.duplicate",
            Self::Certificate => "delivery.certificate",
            Self::OtherTitle => "delivery.other_title",
            Self::Suite => "delivery.suite",
            Self::Path => "delivery.path",
            Self::Checksum => "delivery.checksum",
            Self::Secret => "delivery.secret",
            Self::ClearSecret => "delivery.clear_secret",
            Self::Count => "delivery.count",
        }
    }
}

/// One fault of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where the row stands.
    pub place: Place,
    /// Where in the row: the letters of a column, or the path; empty when it is the row as a whole.
    pub column: String,
    /// Which field of the device; empty when it is the row as a whole.
    pub field: String,
    /// What kind it is.
    pub kind: FaultKind,
    /// The value as it stands in the file, where it may be shown.
    pub value: Shown,
    /// What is wrong, in one sentence without the value.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if !self.column.is_empty() {
            write!(f, ", {}", self.column)?;
        }
        if !self.field.is_empty() {
            write!(f, " ({})", self.field)?;
        }
        f.write_str(": ")?;
        if !self.value.as_str().is_empty() {
            write!(f, "{:?}: ", self.value.as_str())?;
        }
        write!(f, "{} ({})", self.message, self.kind.code())
    }
}

/// A value as it may be shown: cut short, and not at all when it looks like a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown(String);

/// How many characters of a value are shown.
const SHOWN_CHARACTERS: usize = 48;
/// From so many hexadecimal digits on, a value may be a key of 16 octets.
const KEY_DIGITS: usize = 32;
/// From so many characters of base64 on, a value may be a key of 16 octets.
const KEY_BASE64: usize = 22;

impl Shown {
    /// Shows nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(String::new())
    }

    /// Shows a value that is no secret by its place, if it does not look like one: columns of a file may be shifted.
    #[must_use]
    pub fn of(value: &str) -> Self {
        if looks_like_a_key(value) {
            return Self(format!("[{} characters, not shown]", value.chars().count()));
        }
        let mut shown: String = value
            .chars()
            .take(SHOWN_CHARACTERS)
            .map(|one| if one.is_control() { ' ' } else { one })
            .collect();
        if value.chars().count() > SHOWN_CHARACTERS {
            shown.push('…');
        }
        Self(shown)
    }

    /// Returns the text; empty when nothing is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn looks_like_a_key(value: &str) -> bool {
    let base64 = value.chars().all(|one| one.is_ascii_alphanumeric() || "+/=_- ".contains(one));
    let word = value.split_whitespace().map(str::len).max().unwrap_or_default();
    has_digits_of_a_key(value) || (base64 && word >= KEY_BASE64)
}

/// Tells whether a value is as many hexadecimal digits as a key of 16 octets has, or more, and else only what separates them.
pub(crate) fn has_digits_of_a_key(value: &str) -> bool {
    let letters = value.chars().filter(|one| one.is_alphanumeric());
    let (digits, others) = letters.fold((0_usize, 0_usize), |(digits, others), one| {
        if one.is_ascii_hexdigit() {
            (digits.saturating_add(1), others)
        } else {
            (digits, others.saturating_add(1))
        }
    });
    digits >= KEY_DIGITS && others == 0
}

/// Why a file cannot be read to its end. Nothing of it counts then.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Octets that are no text in the encoding that was said.
    #[error("{place}: {what}")]
    Encoding {
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// The file is not of the form that the map says.
    #[error("{place}: {what}")]
    Form {
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// The map names a column or sheet that the file does not have.
    #[error("{what}")]
    Column {
        /// What is not there, and what is.
        what: String,
    },
    /// Something in the file is larger than anything a delivery needs.
    #[error("{place}: {what}")]
    Limit {
        /// Where.
        place: Place,
        /// Which limit.
        what: String,
    },
    /// An XML file declares a document type or uses an entity.
    #[error("{place}: {what}")]
    Entity {
        /// Where.
        place: Place,
        /// What stands there.
        what: String,
    },
    /// Whoever takes the devices wants no more of them.
    #[error("stopped")]
    Stopped,
}

impl ReadError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "delivery.file",
            Self::Encoding { .. } => "delivery.encoding",
            Self::Form { .. } => "delivery.form",
            Self::Column { .. } => "delivery.column",
            Self::Limit { .. } => "delivery.limit",
            Self::Entity { .. } => "delivery.entity",
            Self::Stopped => "delivery.stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        for key in [
            "00112233445566778899AABBCCDDEEFF",
            "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff",
            "00-11-22-33-44-55-66-77-88-99-AA-BB-CC-DD-EE-FF",
            "ABEiM0RVZneImaq7zN3u/w==",
            "ABEiM0RVZneImaq7zN3u_w",
        ] {
            let shown = Shown::of(key);
            assert!(shown.as_str().contains("not shown"), "{key}");
        }
        for plain in ["4D504B0001FEA04Z", "MX-3 three phase", "Straße 7", "454c56 0000f42400"] {
            assert_eq!(Shown::of(plain).as_str(), plain);
        }
        assert_eq!(Shown::of(&"x y ".repeat(20)).as_str().chars().count(), 49);
        assert_eq!(Shown::of("a\u{1b}[31mb").as_str(), "a [31mb");
    }

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes = FaultKind::ALL.map(FaultKind::code).to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), FaultKind::ALL.len());
    }

    #[test]
    fn a_fault_is_one_line() {
        let fault = Fault {
            place: Place::Line(7),
            column: "C".to_owned(),
            field: "system_title".to_owned(),
            kind: FaultKind::Title,
            value: Shown::of("4D50"),
            message: "a system title has 16 hexadecimal characters, not 4".to_owned(),
        };
        assert_eq!(
            fault.to_string(),
            "line 7, C (system_title): \"4D50\": a system title has 16 hexadecimal characters, not 4 (delivery.title)"
        );
    }
}
