//! A visit, as far as the ledger decides on it: its name, under which one a certificate is asked for, and why it is not given.
//!
//! Not what a visit is, and who says what of it: that is `visits`. Not a work order, which is a list of calls to meters.

use core::fmt;

use crate::validity::UnixTime;

/// What a visit is called, in this installation once: 1 to 48 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_` and `-`, the first of
/// which is a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitId(String);

impl VisitId {
    /// Parses a name, such as the number of the order in the owner's own books.
    ///
    /// # Errors
    /// [`ParseVisitIdError`].
    pub fn parse(text: &str) -> Result<Self, ParseVisitIdError> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-');
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if begins && text.len() <= 48 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseVisitIdError)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VisitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the name of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a visit is named by 1 to 48 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")]
pub struct ParseVisitIdError;

/// On which visit a certificate for a hand-held unit is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitOf {
    /// On this one.
    Visit(VisitId),
    /// On none, where one is needed: nothing is issued.
    None,
}

/// Why a certificate is not issued on a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitRefusal {
    /// It needs a visit, and names none.
    Required,
    /// There is no such visit of this tenant.
    Unknown,
    /// The visit is not that of whoever asks.
    Technician,
    /// Who asks has the role of a technician for this tenant no more.
    NoTechnician,
    /// The request is for another hand-held unit.
    Unit,
    /// The profile is not one of hand-held units.
    Profile,
    /// Somebody refused the visit.
    Refused,
    /// Somebody ended it.
    Ended,
    /// It begins later.
    Early {
        /// When.
        from: UnixTime,
    },
    /// Its time is over.
    Over {
        /// The last second it had.
        until: UnixTime,
    },
    /// Too few people approved it who may still approve.
    Unapproved {
        /// How many must.
        needed: u8,
        /// How many did.
        given: u8,
    },
    /// Who opened it may not any more.
    Void,
    /// Less time is left than a certificate is valid at least.
    Ending {
        /// The last second of the visit.
        until: UnixTime,
    },
    /// As many certificates were asked for as a visit has.
    TooMany,
}

impl VisitRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Required => "visit.required",
            Self::Unknown => "visit.unknown",
            Self::Technician => "visit.technician",
            Self::NoTechnician => "visit.no-technician",
            Self::Unit => "visit.unit",
            Self::Profile => "visit.profile",
            Self::Refused => "visit.refused",
            Self::Ended => "visit.ended",
            Self::Early { .. } => "visit.early",
            Self::Over { .. } => "visit.over",
            Self::Unapproved { .. } => "visit.unapproved",
            Self::Void => "visit.void",
            Self::Ending { .. } => "visit.ending",
            Self::TooMany => "visit.too-many",
        }
    }
}

impl fmt::Display for VisitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => {
                f.write_str("such a certificate is issued on a visit, and the request names none")
            }
            Self::Unknown => f.write_str("there is no such visit"),
            Self::Technician => f.write_str("the visit is another technician's"),
            Self::NoTechnician => f.write_str("who asks is no technician of this tenant any more"),
            Self::Unit => f.write_str("the request is for another hand-held unit than that of the visit"),
            Self::Profile => f.write_str("a visit gives certificates for hand-held units alone"),
            Self::Refused => f.write_str("the visit was refused"),
            Self::Ended => f.write_str("the visit was ended"),
            Self::Early { from } => write!(f, "the visit begins at {from}"),
            Self::Over { until } => write!(f, "the visit was over at {until}"),
            Self::Unapproved { needed, given } => {
                write!(f, "{given} people approved the visit who may, and {needed} must")
            }
            Self::Void => f.write_str("the visit is void: who opened it may not any more"),
            Self::Ending { until } => {
                write!(f, "the visit is over at {until}, too soon for another certificate")
            }
            Self::TooMany => f.write_str("as many certificates were asked for as one visit has"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for good in ["1", "V-2026_08.15", &"a".repeat(48)] {
            assert_eq!(VisitId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "a;b", "ä", &"a".repeat(49)] {
            assert_eq!(VisitId::parse(bad), Err(ParseVisitIdError), "{bad}");
        }
    }
}
