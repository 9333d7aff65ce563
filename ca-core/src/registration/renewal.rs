//! Whether a device may replace its certificate now: not too early, not too often, not after its key was compromised.
//!
//! Binds those who ask by showing a certificate, and nobody else: a station or an operator vouches for what is asked. That no
//! two requests replace the same certificate is decided by the ledger. RFC 7030 §4.2.2.

use super::predecessor::Lineage;
use crate::actor::Identity;
use crate::profile::CertificateProfile;
use crate::record::{CertificateId, Handover};
use crate::request::{EnrolmentKind, EnrolmentRequest};
use crate::validity::UnixTime;

/// Why a device may not replace its certificate now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenewalError {
    /// The renewal window is not open yet.
    #[error("the certificate may be renewed from {opens} on")]
    TooEarly {
        /// When it opens for this device.
        opens: UnixTime,
        /// How long that is from now, in seconds.
        wait_seconds: i64,
    },
    /// It was renewed as often as the profile allows within one length of validity.
    #[error(
        "the certificate was renewed {limit} times within one length of its validity, which is the limit"
    )]
    TooOften {
        /// How often the profile allows.
        limit: u16,
    },
    /// A successor of the certificate was revoked because its key was compromised: whoever has the older key may have made it.
    #[error("a key of this device was reported compromised, so that it enrols anew instead of renewing")]
    Compromised,
    /// Its holder has not confirmed yet that he took it.
    #[error("the certificate waits to be confirmed by its holder, and is not renewed before")]
    Unconfirmed,
}

impl RenewalError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooEarly { .. } => "renewal.too-early",
            Self::TooOften { .. } => "renewal.limit",
            Self::Compromised => "renewal.compromised",
            Self::Unconfirmed => "renewal.unconfirmed",
        }
    }
}

/// Returns the certificate that must still be the current one when the successor is recorded.
pub(super) fn check(
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    lineage: Option<&Lineage>,
    (now, handover): (UnixTime, Option<&Handover>),
) -> Result<Option<CertificateId>, RenewalError> {
    let by_itself = matches!(
        (&request.actor.identity, &request.kind),
        (Identity::Device(_), EnrolmentKind::ReEnrolment { .. })
    );
    let title = request.subject.system_title().filter(|_| by_itself);
    let Some((lineage, title)) = lineage.zip(title) else { return Ok(None) };
    let rule = profile.parts().renewal;
    if lineage.compromised {
        return Err(RenewalError::Compromised);
    }
    let opens = rule.opens(&lineage.latest.validity, title);
    // Who lost the key that was made for it asks again, and is not told that it is too early for another.
    let lost = handover.is_some_and(|handover| handover.lost(&lineage.latest));
    // Who is lifted does not come before the end of what he has, but because he can.
    let lifted = lineage.latest.profile != *profile.id();
    if now < opens && !lost && !lifted {
        let wait_seconds = opens.seconds() - now.seconds();
        return Err(RenewalError::TooEarly { opens, wait_seconds });
    }
    if lineage.replacements(now) >= usize::from(rule.limit) {
        return Err(RenewalError::TooOften { limit: rule.limit });
    }
    Ok(Some(lineage.latest.id.clone()))
}
