//! How many people must agree before a certificate of a profile is issued. Not who they are.

/// How many operators must approve a request before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Approval {
    /// None: whoever may ask is answered at once.
    #[default]
    NotNeeded,
    /// One.
    One,
    /// Two different ones: four eyes.
    Two,
}

impl Approval {
    /// Every choice with its word.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::NotNeeded, "none"), (Self::One, "one"), (Self::Two, "two")];

    /// Returns the choice of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, word)| *word == name).map(|(approval, _)| approval)
    }

    /// Returns how many operators.
    #[must_use]
    pub const fn operators(self) -> u8 {
        match self {
            Self::NotNeeded => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }
}
