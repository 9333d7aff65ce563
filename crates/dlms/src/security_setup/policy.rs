//! `security_policy` of version 1: which protection requests and responses must have.

use core::fmt;

/// `security_policy`: bit 2 authenticated request, 3 encrypted request, 4 signed request, 5 to 7 the same for responses. Bits 0
/// and 1 are unused in version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityPolicy(u8);

const NAMES: [(u8, &str); 6] = [
    (0x04, "authenticated-request"),
    (0x08, "encrypted-request"),
    (0x10, "signed-request"),
    (0x20, "authenticated-response"),
    (0x40, "encrypted-response"),
    (0x80, "signed-response"),
];

impl SecurityPolicy {
    /// No protection is demanded.
    pub const NOTHING: Self = Self(0);

    /// Takes the bits; nothing when one is set that version 1 does not have.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & 0x03 == 0 { Some(Self(bits)) } else { None }
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the policy of these words, such as `authenticated-request`.
    #[must_use]
    pub fn of<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Self> {
        names.try_fold(Self::NOTHING, |policy, name| {
            let (bit, _) = NAMES.into_iter().find(|(_, known)| *known == name)?;
            Some(Self(policy.0 | bit))
        })
    }

    /// Returns the words for the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| name)
    }

    /// Tells whether this demands all that the other one does: `security_activate` can only strengthen the policy.
    #[must_use]
    pub const fn demands_all_of(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for SecurityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("nothing");
        }
        for (at, name) in self.names().enumerate() {
            write!(f, "{}{name}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_have_names_and_the_lowest_two_are_refused() {
        let policy = SecurityPolicy::of(["signed-response", "authenticated-request"].into_iter()).unwrap();
        assert_eq!(policy.bits(), 0x84);
        assert_eq!(policy.to_string(), "authenticated-request, signed-response");
        assert_eq!(SecurityPolicy::from_bits(0x84), Some(policy));
        assert_eq!(SecurityPolicy::from_bits(0x01), None);
        assert_eq!(SecurityPolicy::of(["signed"].into_iter()), None);
        assert!(
            policy.demands_all_of(SecurityPolicy::NOTHING) && !SecurityPolicy::NOTHING.demands_all_of(policy)
        );
    }
}
