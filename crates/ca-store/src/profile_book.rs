//! The port [`ProfileVersions`]: what profiles said while they were in force.

use ca_core::ports::{ProfileVersions, Unavailable};
use ca_core::profile::ProfileId;
use ca_core::record::{ProfileVersion, ProfilesInForce};

use crate::act::profiles;
use crate::engine::Durability;
use crate::keyspace::Keyspace;
use crate::keyspace::profiles::versions_prefix;
use crate::store::Store;

const PORT: &str = "profile book";

impl ProfileVersions for Store {
    fn record_profiles(&self, in_force: ProfilesInForce) -> Result<Vec<ProfileVersion>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| profiles::enter(tx, &in_force))
    }

    fn profile_versions(&self, profile: &ProfileId) -> Result<Vec<ProfileVersion>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Meta, &versions_prefix(profile), &[], usize::MAX)?;
            rows.iter().map(|(_, row)| profiles::read(view, row)).collect()
        })
    }
}
