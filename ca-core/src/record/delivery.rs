//! What a delivery tells of one device: its plate, its factory certificates, its wrapped secrets. Values only.

use crate::scope::Shard;
use crate::system_title::SystemTitle;

/// A device as whoever delivers it describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredDevice {
    /// The device.
    pub title: SystemTitle,
    /// The manufacturer's own number, as on the plate; may be empty.
    pub serial_number: String,
    /// Model name; may be empty.
    pub model: String,
    /// Firmware version at delivery; may be empty.
    pub firmware: String,
    /// Delivery batch; may be empty.
    pub batch: String,
    /// The region of the grid that it is meant for, if that was said.
    pub region: Option<Shard>,
    /// The data concentrator that it will be behind, if that was said.
    pub concentrator: Option<Shard>,
    /// Its factory certificates, DER each.
    pub certificates: Vec<Vec<u8>>,
    /// Its symmetric keys and passwords, each wrapped.
    pub secrets: Vec<WrappedSecret>,
}

/// A symmetric key or password of a device, which is nowhere in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedSecret {
    /// What it is for.
    pub kind: SecretKind,
    /// The label of the key that it is wrapped with.
    pub wrapped_by: String,
    /// The wrapped octets (RFC 3394 or RFC 5649): 24 for a key of 16 octets, 40 for one of 32.
    pub octets: Vec<u8>,
}

/// What a secret of a DLMS server is for (Green Book 9.2.3.3, 9.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// Key encryption key, the master key: wraps the others in `key_transfer`.
    Kek,
    /// Global unicast encryption key.
    Guek,
    /// Global broadcast encryption key.
    Gbek,
    /// Global authentication key.
    Gak,
    /// Secret of high level security.
    Hls,
    /// Password of low level security.
    Lls,
}

impl SecretKind {
    /// Every kind, in the order of the numbers by which rows and files know them.
    pub const ALL: [Self; 6] = [Self::Kek, Self::Guek, Self::Gbek, Self::Gak, Self::Hls, Self::Lls];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kek => "kek",
            Self::Guek => "guek",
            Self::Gbek => "gbek",
            Self::Gak => "gak",
            Self::Hls => "hls",
            Self::Lls => "lls",
        }
    }

    /// Returns the kind that this word names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_secret_is_found_by_its_name() {
        for kind in SecretKind::ALL {
            assert_eq!(SecretKind::named(kind.name()), Some(kind));
        }
        assert_eq!(SecretKind::named("KEK"), None);
    }
}
