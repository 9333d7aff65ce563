//! A private key that was made here and given away in one answer, and whether that answer was lost.
//!
//! Nobody confirms to EST that an answer came (RFC 7030 §4.4 knows no such message), so that it is told by what follows: who
//! shows a certificate has its key; who asks for another key within the time in which a lost answer is asked for again, and
//! does not show it, has not. The one definition, for registration and for the ledger that decides.

use super::{CertificateId, CertificateStatus, StoredCertificate};
use crate::key_ref::KeyRef;
use crate::profile::ProfileId;
use crate::validity::UnixTime;

/// To whom a private key goes that was made here, with the answer and by no other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Who asks for it, whoever forwards the request.
    pub to: String,
    /// The key that certifies it.
    pub issuer: KeyRef,
    /// Under which profile.
    pub profile: ProfileId,
    /// An answer before this time is not asked for again: what follows it is a renewal.
    pub since: UnixTime,
    /// The certificate that is shown with the request.
    pub shown: Option<CertificateId>,
}

impl Handover {
    /// Tells whether a certificate is good whose key went to the same requester a short time ago, and did not arrive.
    #[must_use]
    pub fn lost(&self, earlier: &StoredCertificate) -> bool {
        let shown = self.shown.as_ref() == Some(&earlier.id);
        earlier.status == CertificateStatus::Good && !shown && self.repeats(earlier)
    }

    /// Tells whether a key of the same kind is on its way to the same requester at this moment.
    #[must_use]
    pub fn underway(&self, earlier: &StoredCertificate) -> bool {
        earlier.status == CertificateStatus::Pending && self.repeats(earlier)
    }

    fn repeats(&self, earlier: &StoredCertificate) -> bool {
        earlier.handed_to.as_ref() == Some(&self.to)
            && earlier.id.issuer == self.issuer
            && earlier.profile == self.profile
            && earlier.recorded_at >= self.since
    }
}
