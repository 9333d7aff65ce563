//! The public description of a set of shares: who holds which, and what tells a right share from a wrong one.
//!
//! Lies beside the root, and its SHA-256 in the ledger. Tells nothing about the wrap key.

use core::fmt;

use ca_core::ports::{Entropy, Unavailable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signer_file::SystemEntropy;

use super::holder::Holder;
use crate::fingerprint;

/// The one version of the format.
const FORMAT: u8 = 1;

/// The name of a set: 8 random octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SetId([u8; 8]);

impl SetId {
    pub(super) fn draw() -> Result<Self, Unavailable> {
        let mut octets = [0; 8];
        SystemEntropy.fill(&mut octets)?;
        Ok(Self(octets))
    }

    /// Reads what `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let octets = hex::decode(text.replace(' ', "")).ok()?.try_into().ok()?;
        Some(Self(octets)).filter(|set| set.to_string() == text)
    }

    pub(super) const fn octets(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fingerprint::grouped(&hex::encode(self.0)))
    }
}

/// Who holds one share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) number: u8,
    pub(super) holder: Holder,
    /// The commitment to the point in the share.
    pub(super) share: [u8; 32],
}

/// A set of shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShareSet {
    pub(super) id: SetId,
    pub(super) threshold: u8,
    /// The commitment to the wrap key.
    pub(super) wrap_key: [u8; 32],
    pub(super) members: Vec<Member>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    format: u8,
    set: String,
    threshold: u8,
    wrap_key_sha256: String,
    shares: Vec<RawMember>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMember {
    number: u8,
    holder: String,
    key_sha256: String,
    share_sha256: String,
}

impl ShareSet {
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn member(&self, number: u8) -> Option<&Member> {
        self.members.iter().find(|member| member.number == number)
    }

    /// Says how many of how many, and who.
    pub(crate) fn summary(&self) -> String {
        format!("{} of {}: {}", self.threshold, self.members.len(), self.holders().join(", "))
    }

    /// Returns the names of the holders in the order of their shares.
    pub(crate) fn holders(&self) -> Vec<String> {
        self.members.iter().map(|member| member.holder.to_string()).collect()
    }

    /// Writes the description.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        let raw = RawSet {
            format: FORMAT,
            set: self.id.to_string(),
            threshold: self.threshold,
            wrap_key_sha256: hex::encode(self.wrap_key),
            shares: self
                .members
                .iter()
                .map(|member| RawMember {
                    number: member.number,
                    holder: member.holder.to_string(),
                    key_sha256: hex::encode(member.holder.key()),
                    share_sha256: hex::encode(member.share),
                })
                .collect(),
        };
        Ok(format!("{}\n", serde_json::to_string_pretty(&raw)?))
    }

    /// Reads a description; nothing when it is not one.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let raw: RawSet = serde_json::from_str(text).ok()?;
        let members = raw.shares.iter().map(member).collect::<Option<Vec<_>>>()?;
        let in_order = members.iter().zip(1..).all(|(member, number)| member.number == number);
        let set = Self {
            id: SetId::parse(&raw.set)?,
            threshold: raw.threshold,
            wrap_key: digest(&raw.wrap_key_sha256)?,
            members,
        };
        (raw.format == FORMAT && in_order).then_some(set)
    }
}

fn member(raw: &RawMember) -> Option<Member> {
    Some(Member {
        number: raw.number,
        holder: Holder::from_parts(&raw.holder, digest(&raw.key_sha256)?)?,
        share: digest(&raw.share_sha256)?,
    })
}

fn digest(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// Returns the SHA-256 of a description, as the ledger has it.
pub(super) fn digest_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
