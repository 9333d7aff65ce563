//! The port on what profiles said.

use super::Unavailable;
use crate::profile::ProfileId;
use crate::record::{ProfileVersion, ProfilesInForce};

/// Keeps what profiles said while they were in force.
pub trait ProfileVersions: Send + Sync {
    /// Records each profile that says something else than its last version on record, all with one audit record; returns those
    /// versions. Where none does, nothing is recorded.
    ///
    /// # Errors
    /// [`Unavailable`]: none is on record.
    fn record_profiles(&self, in_force: ProfilesInForce) -> Result<Vec<ProfileVersion>, Unavailable>;

    /// Returns every version of a profile on record, the first one in front; none where it was never in force here.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn profile_versions(&self, profile: &ProfileId) -> Result<Vec<ProfileVersion>, Unavailable>;
}
