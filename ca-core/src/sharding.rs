//! Which shard a certificate belongs to: decided once, when it is drafted, by its serial number or by where its device is.
//!
//! From then on the shard is on record with the certificate and is never computed again, so that another plan moves nothing
//! that was issued. Makes no CRL.

use core::num::NonZeroU16;

use sha2::{Digest, Sha256};

use crate::record::ExpectedDevice;
use crate::scope::Shard;
use crate::serial_number::SerialNumber;

/// How an authority's CRLs are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrlPlan {
    /// What divides its certificates into shards.
    pub sharding: Sharding,
    /// Whether delta CRLs are published beside the complete ones.
    pub deltas: bool,
}

/// What divides certificates into shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharding {
    /// Nothing: there is the CRL of all, and no shard.
    #[default]
    None,
    /// A hash of the serial number, into so many shards.
    ByHash(HashShards),
    /// Where the device is; whatever has no place falls to the rest.
    AlongGrid {
        /// What names the place.
        by: GridPlace,
        /// Where the rest goes.
        rest: Rest,
    },
}

/// What of the grid names a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridPlace {
    /// The region.
    Region,
    /// The data concentrator.
    Concentrator,
}

/// Where certificates go whose device has no place, or that are no device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Into one shard, called `rest`.
    OneShard,
    /// Into shards by a hash of the serial number.
    ByHash(HashShards),
}

/// Into how many shards a hash divides: 2 to 4,096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashShards(NonZeroU16);

impl HashShards {
    /// Takes a number of shards, if it is 2 to 4,096.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).filter(|number| (2..=4_096).contains(&number.get())).map(Self)
    }

    /// Two hexadecimal digits or more: the SHA-256 of the serial number's octets, its first four, modulo the number.
    fn shard_of(self, serial: &SerialNumber) -> Option<Shard> {
        let digest = Sha256::digest(serial.octets());
        let first = u32::from_be_bytes(*digest.first_chunk()?);
        let number = first.checked_rem(u32::from(self.0.get()))?;
        Shard::parse(&format!("{number:02x}")).ok()
    }
}

/// The shard of what has no place.
const REST: &str = "rest";

impl Sharding {
    /// Tells whether the device must be known to find a shard.
    #[must_use]
    pub const fn asks_for_device(self) -> bool {
        matches!(self, Self::AlongGrid { .. })
    }

    /// Returns the shard of a certificate that is about to be issued.
    #[must_use]
    pub fn shard_of(self, serial: &SerialNumber, device: Option<&ExpectedDevice>) -> Option<Shard> {
        match self {
            Self::None => None,
            Self::ByHash(shards) => shards.shard_of(serial),
            Self::AlongGrid { by, rest } => {
                let place = device.and_then(|device| match by {
                    GridPlace::Region => device.region.clone(),
                    GridPlace::Concentrator => device.concentrator.clone(),
                });
                place.or_else(|| match rest {
                    Rest::OneShard => Shard::parse(REST).ok(),
                    Rest::ByHash(shards) => shards.shard_of(serial),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system_title::SystemTitle;
    use crate::tenant::TenantId;

    fn serial(number: u16) -> SerialNumber {
        let [high, low] = number.to_be_bytes();
        SerialNumber::from_octets(&[1, high, low]).unwrap()
    }

    fn device() -> ExpectedDevice {
        let owner = TenantId::parse("dso").unwrap();
        ExpectedDevice {
            region: Shard::parse("north").ok(),
            ..ExpectedDevice::new(owner, SystemTitle::new([1; 8]))
        }
    }

    #[test]
    fn a_hash_fills_every_shard_evenly() {
        let plan = Sharding::ByHash(HashShards::new(16).unwrap());
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..16_000 {
            *counts.entry(plan.shard_of(&serial(number), None).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 16);
        assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_eq!([0, 1, 4_097].map(HashShards::new), [None; 3]);
    }

    #[test]
    fn the_grid_comes_first_and_the_rest_has_its_place() {
        let shards = HashShards::new(256).unwrap();
        let by_region = |rest| Sharding::AlongGrid { by: GridPlace::Region, rest };
        let name = |plan: Sharding, device: Option<&ExpectedDevice>| {
            plan.shard_of(&serial(5), device).map(|shard| shard.to_string())
        };
        let hashed = name(Sharding::ByHash(shards), None);
        assert_eq!(name(by_region(Rest::OneShard), Some(&device())).as_deref(), Some("north"));
        assert_eq!(name(by_region(Rest::OneShard), None).as_deref(), Some("rest"));
        assert_eq!(name(by_region(Rest::ByHash(shards)), None), hashed);
        let by_concentrator = Sharding::AlongGrid { by: GridPlace::Concentrator, rest: Rest::OneShard };
        assert_eq!(name(by_concentrator, Some(&device())).as_deref(), Some("rest"));
        assert_eq!(name(Sharding::None, Some(&device())), None);
    }
}
