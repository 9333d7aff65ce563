//! The rows of campaigns, their devices and swaps, by definitions of our own: what invariant I20 is about.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::{AnyRef, OctetStringRef, Utf8StringRef};
use der::{Decode, Sequence};

use crate::engines::{Rows, keyspace_name as name};
use crate::rows::{Id, WireId};
use crate::unreadable::Unreadable;

#[derive(Sequence)]
struct WireCampaign<'a> {
    digest: &'a OctetStringRef,
    tenant: AnyRef<'a>,
    name: AnyRef<'a>,
    goal: AnyRef<'a>,
    road: AnyRef<'a>,
    wanted: Vec<WireWanted<'a>>,
    selection: AnyRef<'a>,
    waves: Vec<u64>,
    stop_percent: AnyRef<'a>,
    per_minute: AnyRef<'a>,
    per_concentrator: AnyRef<'a>,
    patience: AnyRef<'a>,
    count: u64,
    listed: bool,
    needed: AnyRef<'a>,
    planned: AnyRef<'a>,
    expires_at: AnyRef<'a>,
    approvals: AnyRef<'a>,
    wave: AnyRef<'a>,
    minute: AnyRef<'a>,
    begun_in_minute: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    window: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requested: Option<AnyRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    refusal: Option<AnyRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    paused: Option<AnyRef<'a>>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    abandoned: Option<AnyRef<'a>>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    begun_at: Option<AnyRef<'a>>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    finished_at: Option<AnyRef<'a>>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    object: Option<AnyRef<'a>>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    policy: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WireWanted<'a> {
    purpose: AnyRef<'a>,
    profile: Utf8StringRef<'a>,
    issuer: AnyRef<'a>,
    suite: AnyRef<'a>,
}

#[derive(Sequence)]
struct WireMember<'a> {
    campaign: &'a OctetStringRef,
    title: &'a OctetStringRef,
    wave: u32,
    spread: u32,
    phase: u8,
    at: i64,
    trouble: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    concentrator: Option<Utf8StringRef<'a>>,
}

#[derive(Sequence)]
struct WireSwap<'a> {
    title: &'a OctetStringRef,
    purpose: AnyRef<'a>,
    campaign: &'a OctetStringRef,
    road: AnyRef<'a>,
    profile: Utf8StringRef<'a>,
    issuer: AnyRef<'a>,
    stage: u8,
    since: AnyRef<'a>,
    attempts: AnyRef<'a>,
    restarts: AnyRef<'a>,
    not_before: AnyRef<'a>,
    turn: AnyRef<'a>,
    ending: AnyRef<'a>,
    stuck: bool,
    passed: Vec<WirePassed>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    asked: Option<WireAsked<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    request: Option<AnyRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    made: Option<WireMade<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    detail: Option<AnyRef<'a>>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    given: Option<AnyRef<'a>>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    trouble: Option<AnyRef<'a>>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    asks_suite: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WirePassed {
    stage: u8,
    at: i64,
    record: u64,
}

#[derive(Sequence)]
struct WireAsked<'a> {
    request: AnyRef<'a>,
    key: &'a OctetStringRef,
}

#[derive(Sequence)]
struct WireMade<'a> {
    id: WireId<'a>,
    digest: &'a OctetStringRef,
}

#[derive(Sequence)]
struct WireEvidence<'a> {
    title: AnyRef<'a>,
    campaign: AnyRef<'a>,
    goal: AnyRef<'a>,
    finished_at: AnyRef<'a>,
    record: u64,
    certificates: Vec<WireSwapped<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    factory_record: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WireSwapped<'a> {
    purpose: AnyRef<'a>,
    id: WireId<'a>,
    digest: &'a OctetStringRef,
    key: &'a OctetStringRef,
    proof: AnyRef<'a>,
    passed: AnyRef<'a>,
}

/// A campaign.
pub(crate) struct Campaign {
    /// The numbers of the types, in their order.
    pub(crate) types: Vec<u8>,
    pub(crate) waves: Vec<u64>,
    pub(crate) count: u64,
    pub(crate) listed: bool,
}

/// A device in a campaign.
pub(crate) struct Member {
    pub(crate) wave: u32,
    pub(crate) spread: u32,
    pub(crate) phase: u8,
    pub(crate) at: i64,
    pub(crate) concentrator: Option<String>,
}

/// A certificate, and the key that was asked for.
pub(crate) struct Taken {
    pub(crate) purpose: u8,
    pub(crate) id: Id,
    pub(crate) digest: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// The swap of a certificate.
pub(crate) struct Swap {
    pub(crate) campaign: Vec<u8>,
    pub(crate) profile: String,
    pub(crate) stage: u8,
    pub(crate) stuck: bool,
    /// The stages that it came to, and the audit record of each.
    pub(crate) passed: Vec<(u8, u64)>,
    pub(crate) made: Option<Taken>,
}

/// The rows of campaigns by their keys.
#[derive(Default)]
pub(crate) struct Campaigns {
    pub(crate) campaigns: BTreeMap<Vec<u8>, Campaign>,
    /// Digest of a campaign and system title.
    pub(crate) members: BTreeMap<Vec<u8>, Member>,
    pub(crate) agenda: BTreeSet<Vec<u8>>,
    pub(crate) counts: BTreeMap<Vec<u8>, u64>,
    pub(crate) places: BTreeMap<Vec<u8>, u64>,
    /// System title and the number of the type.
    pub(crate) swaps: BTreeMap<Vec<u8>, Swap>,
    /// System title and digest of a campaign; the number of the record, and the certificates.
    pub(crate) evidence: BTreeMap<Vec<u8>, (u64, Vec<Taken>)>,
}

impl Campaigns {
    pub(crate) fn read(rows: &Rows) -> Result<Self, Unreadable> {
        let mut all = Self::default();
        for ((keyspace, key), value) in rows {
            all.take(*keyspace, key, value).ok_or_else(|| Unreadable::Row { keyspace: name(*keyspace) })?;
        }
        Ok(all)
    }

    fn take(&mut self, keyspace: u8, key: &[u8], value: &[u8]) -> Option<()> {
        let key = key.to_vec();
        match keyspace {
            47 => drop(self.swaps.insert(key, swap(value)?)),
            48 => drop(self.campaigns.insert(key, campaign(value)?)),
            49 => drop(self.members.insert(key, member(value)?)),
            50 => drop(self.agenda.insert(key)),
            51 => drop(self.counts.insert(key, wire(value)?)),
            52 => drop(self.places.insert(key, wire(value)?)),
            53 => drop(self.evidence.insert(key, evidence(value)?)),
            _ => {}
        }
        Some(())
    }
}

fn campaign(value: &[u8]) -> Option<Campaign> {
    let row = wire::<WireCampaign<'_>>(value)?;
    let types = row.wanted.iter().map(|one| one.purpose.value().first().copied()).collect::<Option<_>>()?;
    Some(Campaign { types, waves: row.waves, count: row.count, listed: row.listed })
}

fn member(value: &[u8]) -> Option<Member> {
    let row = wire::<WireMember<'_>>(value)?;
    let concentrator = row.concentrator.map(|name| name.as_str().to_owned());
    Some(Member { wave: row.wave, spread: row.spread, phase: row.phase, at: row.at, concentrator })
}

fn swap(value: &[u8]) -> Option<Swap> {
    let row = wire::<WireSwap<'_>>(value)?;
    let purpose = *row.purpose.value().first()?;
    let key = row.asked.map(|asked| asked.key.as_bytes().to_vec()).unwrap_or_default();
    let made = row.made.map(|made| Taken {
        purpose,
        id: made.id.id(),
        digest: made.digest.as_bytes().to_vec(),
        key,
    });
    Some(Swap {
        campaign: row.campaign.as_bytes().to_vec(),
        profile: row.profile.as_str().to_owned(),
        stage: row.stage,
        stuck: row.stuck,
        passed: row.passed.iter().map(|passed| (passed.stage, passed.record)).collect(),
        made,
    })
}

fn evidence(value: &[u8]) -> Option<(u64, Vec<Taken>)> {
    let row = wire::<WireEvidence<'_>>(value)?;
    let taken = |one: &WireSwapped<'_>| {
        Some(Taken {
            purpose: *one.purpose.value().first()?,
            id: one.id.id(),
            digest: one.digest.as_bytes().to_vec(),
            key: one.key.as_bytes().to_vec(),
        })
    };
    Some((row.record, row.certificates.iter().map(taken).collect::<Option<_>>()?))
}

fn wire<'a, T: Decode<'a, Error = der::Error>>(value: &'a [u8]) -> Option<T> {
    match value.split_first() {
        Some((1, der)) => T::from_der(der).ok(),
        _ => None,
    }
}
