//! The profiles of what a CA says of its certificates: CRLs (RFC 5280 §5) and OCSP answers (RFC 6960, RFC 9654).
//!
//! Times and bounds only; what stands in a CRL or an answer is drafted elsewhere.

use super::ProfileFault;
use crate::validity::UnixTime;

/// The profile of the CRLs of one CA (RFC 5280 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlProfile {
    validity_seconds: i64,
    reissue_seconds: i64,
    key: KeyPlace,
    deltas: Option<DeltaTimes>,
}

/// The times of delta CRLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeltaTimes {
    /// How long after thisUpdate nextUpdate lies, in seconds.
    pub validity_seconds: i64,
    /// After how many seconds a new one is made even when nothing changed.
    pub reissue_seconds: i64,
}

/// Where the key is that signs the CRLs, which bounds how long they may be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyPlace {
    Online,
    Offline,
    /// Nowhere, once the CRL is signed.
    Destroyed,
}

impl CrlProfile {
    /// How long a CRL may be valid at most, in seconds: 10 days.
    pub const MAX_SECONDS: i64 = 10 * 86_400;

    /// How long the CRL of a CA may be valid at most whose key is kept off line, in seconds: 366 days.
    pub const MAX_OFFLINE_SECONDS: i64 = 366 * 86_400;

    /// Makes a profile: each CRL is valid for `validity_seconds` and replaced after `reissue_seconds`.
    ///
    /// # Errors
    /// [`ProfileFault::CrlTimes`] unless 60 s ≤ reissue ≤ half the validity ≤ half of 10 days.
    pub fn new(validity_seconds: i64, reissue_seconds: i64) -> Result<Self, ProfileFault> {
        Self::within(Self::MAX_SECONDS, validity_seconds, reissue_seconds)
    }

    /// Makes a profile for a CA whose key is kept off line, such as a root.
    ///
    /// # Errors
    /// [`ProfileFault::CrlTimes`] unless 60 s ≤ reissue ≤ half the validity ≤ half of 366 days.
    pub fn offline(validity_seconds: i64, reissue_seconds: i64) -> Result<Self, ProfileFault> {
        let profile = Self::within(Self::MAX_OFFLINE_SECONDS, validity_seconds, reissue_seconds)?;
        Ok(Self { key: KeyPlace::Offline, ..profile })
    }

    /// Makes the profile of the last CRL of a CA, whose key is destroyed next: valid until the CA's certificate ends.
    #[must_use]
    pub const fn last() -> Self {
        let validity_seconds = UnixTime::NO_EXPIRY.seconds();
        Self {
            validity_seconds,
            reissue_seconds: validity_seconds / 2,
            key: KeyPlace::Destroyed,
            deltas: None,
        }
    }

    /// Returns the same profile with delta CRLs between the complete ones.
    ///
    /// # Errors
    /// [`ProfileFault::DeltaTimes`] unless 60 s ≤ reissue ≤ half the validity, the validity is no longer than that of a
    /// complete CRL, and the key is on line.
    pub fn with_deltas(self, times: DeltaTimes) -> Result<Self, ProfileFault> {
        let sound = times.reissue_seconds >= 60
            && times.reissue_seconds <= times.validity_seconds / 2
            && times.validity_seconds <= self.validity_seconds
            && self.key == KeyPlace::Online;
        sound.then_some(Self { deltas: Some(times), ..self }).ok_or(ProfileFault::DeltaTimes)
    }

    /// Returns the times of delta CRLs, if there are any.
    #[must_use]
    pub const fn deltas(&self) -> Option<DeltaTimes> {
        self.deltas
    }

    fn within(max_seconds: i64, validity_seconds: i64, reissue_seconds: i64) -> Result<Self, ProfileFault> {
        let sound = reissue_seconds >= 60
            && reissue_seconds <= validity_seconds / 2
            && validity_seconds <= max_seconds;
        sound
            .then_some(Self { validity_seconds, reissue_seconds, key: KeyPlace::Online, deltas: None })
            .ok_or(ProfileFault::CrlTimes)
    }

    /// Tells whether the CA's key is kept off line.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        matches!(self.key, KeyPlace::Offline)
    }

    /// Returns how long a CRL may be valid at most, in seconds.
    #[must_use]
    pub const fn longest_seconds(&self) -> i64 {
        match self.key {
            KeyPlace::Online => Self::MAX_SECONDS,
            KeyPlace::Offline => Self::MAX_OFFLINE_SECONDS,
            KeyPlace::Destroyed => UnixTime::NO_EXPIRY.seconds(),
        }
    }

    /// Tells whether CRLs may have been signed ahead of their thisUpdate.
    pub(crate) const fn signs_ahead(&self) -> bool {
        self.is_offline()
    }

    /// Tells whether entries stay when their certificates have expired.
    pub(crate) const fn keeps_entries(&self) -> bool {
        matches!(self.key, KeyPlace::Offline | KeyPlace::Destroyed)
    }

    /// Tells whether certificates can be put on hold: only where entries can leave. What was signed ahead would go on listing
    /// what has been released.
    #[must_use]
    pub const fn offers_hold(&self) -> bool {
        !self.keeps_entries()
    }

    /// Returns how long after thisUpdate nextUpdate lies, in seconds.
    #[must_use]
    pub const fn validity_seconds(&self) -> i64 {
        self.validity_seconds
    }

    /// Returns after how many seconds a new CRL is made even when nothing was revoked.
    #[must_use]
    pub const fn reissue_seconds(&self) -> i64 {
        self.reissue_seconds
    }
}

/// The profile of the OCSP answers for one CA (RFC 6960, RFC 9654).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OcspProfile {
    validity_seconds: i64,
    max_requests: u8,
    never_issued: NeverIssued,
    expired_answered_seconds: Option<i64>,
}

/// What is said of a serial number under which nothing was issued (RFC 6960 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NeverIssued {
    /// "unknown": we say nothing of it, and a relying party may ask elsewhere.
    #[default]
    Unknown,
    /// "revoked" in the extended sense: on hold since 1970, which a relying party must refuse.
    ExtendedRevoked,
}

impl OcspProfile {
    /// The most days after its end that a certificate is answered for, unless it is for ever: a century.
    pub const MAX_EXPIRED_DAYS: u16 = 36_525;

    /// Makes a profile: answers are valid for `validity_seconds`; one request may ask for at most `max_requests`
    /// certificates. What was never issued is unknown, and what has expired is answered for like everything else.
    ///
    /// # Errors
    /// [`ProfileFault::OcspTimes`] unless 60 s ≤ validity ≤ 10 days and 1 ≤ `max_requests` ≤ 64.
    pub fn new(validity_seconds: i64, max_requests: u8) -> Result<Self, ProfileFault> {
        let sound = (60..=864_000).contains(&validity_seconds) && (1..=64).contains(&max_requests);
        let profile = Self {
            validity_seconds,
            max_requests,
            never_issued: NeverIssued::Unknown,
            expired_answered_seconds: None,
        };
        sound.then_some(profile).ok_or(ProfileFault::OcspTimes)
    }

    /// Returns the profile with another word for what was never issued.
    #[must_use]
    pub const fn saying(self, never_issued: NeverIssued) -> Self {
        Self { never_issued, ..self }
    }

    /// Returns the profile with an end to the answers for certificates that have expired.
    ///
    /// # Errors
    /// [`ProfileFault::OcspArchive`] unless 1 ≤ `days` ≤ 36,525.
    pub fn answering_expired_for(self, days: u16) -> Result<Self, ProfileFault> {
        let sound = (1..=Self::MAX_EXPIRED_DAYS).contains(&days);
        let expired_answered_seconds = Some(i64::from(days).saturating_mul(86_400));
        sound.then_some(Self { expired_answered_seconds, ..self }).ok_or(ProfileFault::OcspArchive)
    }

    /// Returns how long after thisUpdate nextUpdate lies, in seconds.
    #[must_use]
    pub const fn validity_seconds(&self) -> i64 {
        self.validity_seconds
    }

    /// Returns how many certificates one request may ask for.
    #[must_use]
    pub const fn max_requests(&self) -> u8 {
        self.max_requests
    }

    /// Returns what is said of a serial number under which nothing was issued.
    #[must_use]
    pub const fn never_issued(&self) -> NeverIssued {
        self.never_issued
    }

    /// Returns how long after their end certificates are answered for, in seconds; `None` when it is for ever.
    #[must_use]
    pub const fn expired_answered_seconds(&self) -> Option<i64> {
        self.expired_answered_seconds
    }
}
