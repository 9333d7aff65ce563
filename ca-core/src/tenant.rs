//! The tenant: whose devices, profiles and certificates something belongs to.
//!
//! Not a permission by itself: every decision compares tenants, none grants by tenant alone.

use core::fmt;

/// A manufacturer or distribution system operator, named by 1 to 32 of `a`–`z`, `0`–`9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

impl TenantId {
    /// Parses a tenant name.
    ///
    /// # Errors
    /// [`ParseTenantError`] for an empty or long text, or one with other characters.
    pub fn parse(text: &str) -> Result<Self, ParseTenantError> {
        let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseTenantError)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a tenant name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is named by 1 to 32 of the characters a-z, 0-9 and -")]
pub struct ParseTenantError;
