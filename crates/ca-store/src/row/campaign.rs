//! The rows of campaigns, of their devices, and of how many of those stand how.

use ca_core::fleet::campaign::{Campaign, CampaignProgress, Goal, Pacing, Setup, Wanted, Window};
use ca_core::fleet::member::{Agenda, Member, Phase};
use ca_core::fleet::patience::Patience;
use ca_core::fleet::swap::Road;
use ca_core::key_ref::KeyRef;
use ca_core::scope::Shard;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use der::Sequence;
use der::asn1::OctetString;

use super::swap::place_of;
use super::waiting::{WireMark, WireRefusal};
use super::{Row, WirePurpose, fixed, octets, profile, read_shard, tenant, time, title};
use crate::keyspace::Keyspace;
use crate::keyspace::campaign::{count_key, member_key, place_key};

/// ```text
/// CampaignRow ::= SEQUENCE {
///     digest           Digest,            -- its key again
///     tenant           UTF8String,
///     name             UTF8String,
///     goal             INTEGER,           -- swap(0), renew(1), uplift(2)
///     road             INTEGER,           -- device(0), headEnd(1)
///     wanted           SEQUENCE OF SEQUENCE { purpose Purpose, profile UTF8String, issuer OCTET STRING, suite INTEGER },
///     selection        UTF8String,
///     waves            SEQUENCE OF INTEGER,
///     stopPercent      INTEGER,
///     perMinute        INTEGER,
///     perConcentrator  INTEGER,
///     patience         SEQUENCE { lease, pause, longestPause, attempts, restarts, device INTEGER },
///     count            INTEGER,
///     listed           BOOLEAN,
///     needed           INTEGER,
///     planned          Mark,
///     expiresAt        Time,
///     approvals        SEQUENCE OF Mark,
///     wave             INTEGER,
///     minute           INTEGER,
///     begunInMinute    INTEGER,
///     window           [0] SEQUENCE { from INTEGER, to INTEGER } OPTIONAL,
///     requested        [1] Mark OPTIONAL,
///     refusal          [2] Refusal OPTIONAL,
///     paused           [3] Refusal OPTIONAL,
///     abandoned        [4] Refusal OPTIONAL,
///     begunAt          [5] Time OPTIONAL,
///     finishedAt       [6] Time OPTIONAL,
///     object           [7] INTEGER OPTIONAL,  -- instance of the Security setup object; absent for 0
///     policy           [8] INTEGER OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CampaignRow {
    pub(crate) campaign: Campaign,
}

#[derive(Sequence)]
pub(crate) struct WireCampaign {
    digest: OctetString,
    tenant: String,
    name: String,
    goal: u8,
    road: u8,
    wanted: Vec<WireWanted>,
    selection: String,
    waves: Vec<u64>,
    stop_percent: u8,
    per_minute: u32,
    per_concentrator: u32,
    patience: WirePatience,
    count: u64,
    listed: bool,
    needed: u8,
    planned: WireMark,
    expires_at: i64,
    approvals: Vec<WireMark>,
    wave: u32,
    minute: i64,
    begun_in_minute: u32,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    window: Option<WireWindow>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requested: Option<WireMark>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    refusal: Option<WireRefusal>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    paused: Option<WireRefusal>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    abandoned: Option<WireRefusal>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    begun_at: Option<i64>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    finished_at: Option<i64>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    object: Option<u8>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    policy: Option<u8>,
}

#[derive(Sequence)]
struct WireWanted {
    purpose: WirePurpose,
    profile: String,
    issuer: OctetString,
    suite: u8,
}

#[derive(Sequence)]
struct WirePatience {
    lease: u32,
    pause: u32,
    longest_pause: u32,
    attempts: u8,
    restarts: u8,
    device: u32,
}

#[derive(Sequence)]
struct WireWindow {
    from: u16,
    to: u16,
}

impl Row for CampaignRow {
    type Key = [u8; 32];
    type Wire = WireCampaign;
    const KEYSPACE: Keyspace = Keyspace::Campaigns;

    fn key(digest: &Self::Key) -> Vec<u8> {
        digest.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireCampaign> {
        let campaign = &self.campaign;
        let progress = &campaign.progress;
        Ok(WireCampaign {
            digest: octets(&campaign.digest)?,
            tenant: campaign.tenant.to_string(),
            name: campaign.name.clone(),
            goal: place_of(&Goal::ALL, &campaign.goal),
            road: place_of(&Road::ALL, &campaign.road),
            wanted: campaign.wanted.iter().map(WireWanted::new).collect::<der::Result<_>>()?,
            selection: campaign.selection.clone(),
            waves: campaign.waves.clone(),
            stop_percent: campaign.stop_percent,
            per_minute: campaign.pacing.per_minute,
            per_concentrator: campaign.pacing.per_concentrator,
            patience: WirePatience::new(&campaign.patience),
            count: campaign.count,
            listed: campaign.listed,
            needed: campaign.needed,
            planned: WireMark::new(&campaign.planned),
            expires_at: campaign.expires_at.seconds(),
            approvals: campaign.approvals.iter().map(WireMark::new).collect(),
            wave: progress.wave,
            minute: progress.minute,
            begun_in_minute: progress.begun_in_minute,
            window: campaign.window.map(|window| WireWindow { from: window.from, to: window.to }),
            requested: campaign.requested.as_ref().map(WireMark::new),
            refusal: campaign.refusal.as_ref().map(WireRefusal::new),
            paused: campaign.paused.as_ref().map(WireRefusal::new),
            abandoned: campaign.abandoned.as_ref().map(WireRefusal::new),
            begun_at: progress.begun_at.map(UnixTime::seconds),
            finished_at: progress.finished_at.map(UnixTime::seconds),
            object: Some(campaign.setup.object).filter(|object| *object > 0),
            policy: campaign.setup.policy,
        })
    }

    fn from_wire(wire: WireCampaign) -> Option<Self> {
        let campaign = Campaign {
            digest: fixed(&wire.digest)?,
            tenant: tenant(&wire.tenant)?,
            name: wire.name,
            goal: *Goal::ALL.get(usize::from(wire.goal))?,
            road: *Road::ALL.get(usize::from(wire.road))?,
            wanted: wire.wanted.iter().map(WireWanted::wanted).collect::<Option<_>>()?,
            setup: Setup { object: wire.object.unwrap_or_default(), policy: wire.policy },
            selection: wire.selection,
            waves: wire.waves,
            stop_percent: wire.stop_percent,
            pacing: Pacing { per_minute: wire.per_minute, per_concentrator: wire.per_concentrator },
            window: wire.window.map(|window| Window { from: window.from, to: window.to }),
            patience: wire.patience.patience(),
            count: wire.count,
            listed: wire.listed,
            needed: wire.needed,
            planned: wire.planned.mark(),
            expires_at: time(wire.expires_at),
            requested: wire.requested.map(WireMark::mark),
            approvals: wire.approvals.into_iter().map(WireMark::mark).collect(),
            refusal: wire.refusal.map(WireRefusal::refusal),
            paused: wire.paused.map(WireRefusal::refusal),
            abandoned: wire.abandoned.map(WireRefusal::refusal),
            progress: CampaignProgress {
                wave: wire.wave,
                begun_at: wire.begun_at.map(time),
                finished_at: wire.finished_at.map(time),
                minute: wire.minute,
                begun_in_minute: wire.begun_in_minute,
            },
        };
        Some(Self { campaign })
    }
}

impl WireWanted {
    fn new(wanted: &Wanted) -> der::Result<Self> {
        Ok(Self {
            purpose: wanted.purpose.into(),
            profile: wanted.profile.to_string(),
            issuer: octets(wanted.issuer.octets())?,
            suite: wanted.suite.number(),
        })
    }

    fn wanted(&self) -> Option<Wanted> {
        Some(Wanted {
            purpose: self.purpose.into(),
            profile: profile(&self.profile)?,
            issuer: KeyRef::new(fixed(&self.issuer)?),
            suite: SecuritySuite::from_number(self.suite)?,
        })
    }
}

impl WirePatience {
    const fn new(patience: &Patience) -> Self {
        Self {
            lease: patience.lease_seconds,
            pause: patience.pause_seconds,
            longest_pause: patience.longest_pause_seconds,
            attempts: patience.attempts,
            restarts: patience.restarts,
            device: patience.device_seconds,
        }
    }

    const fn patience(&self) -> Patience {
        Patience {
            lease_seconds: self.lease,
            pause_seconds: self.pause,
            longest_pause_seconds: self.longest_pause,
            attempts: self.attempts,
            restarts: self.restarts,
            device_seconds: self.device,
        }
    }
}

/// ```text
/// MemberRow ::= SEQUENCE {
///     campaign      Digest,
///     title         OCTET STRING,         -- 8 octets
///     wave          INTEGER,
///     spread        INTEGER,
///     phase         INTEGER,              -- waiting(0), due(1), callable(2), stuck(3), done(4), ended(5)
///     at            Time,
///     trouble       UTF8String,           -- a reason code, or empty
///     concentrator  [0] UTF8String OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberRow {
    pub(crate) member: Member,
}

#[derive(Sequence)]
pub(crate) struct WireMember {
    campaign: OctetString,
    title: OctetString,
    wave: u32,
    spread: u32,
    phase: u8,
    at: i64,
    trouble: String,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    concentrator: Option<String>,
}

impl Row for MemberRow {
    type Key = ([u8; 32], SystemTitle);
    type Wire = WireMember;
    const KEYSPACE: Keyspace = Keyspace::CampaignMembers;

    fn key((campaign, title): &Self::Key) -> Vec<u8> {
        member_key(campaign, title)
    }

    fn to_wire(&self) -> der::Result<WireMember> {
        let member = &self.member;
        Ok(WireMember {
            campaign: octets(&member.campaign)?,
            title: octets(member.title.octets())?,
            wave: member.wave,
            spread: member.spread,
            phase: member.agenda.phase.number(),
            at: member.agenda.at.seconds(),
            trouble: member.trouble.clone(),
            concentrator: member.concentrator.as_ref().map(ToString::to_string),
        })
    }

    fn from_wire(wire: WireMember) -> Option<Self> {
        let member = Member {
            campaign: fixed(&wire.campaign)?,
            title: title(&wire.title)?,
            wave: wire.wave,
            spread: wire.spread,
            concentrator: read_shard(wire.concentrator.as_deref())?,
            agenda: Agenda { phase: Phase::from_number(wire.phase)?, at: time(wire.at) },
            trouble: wire.trouble,
        };
        Some(Self { member })
    }
}

/// ```text
/// MemberCountRow ::= INTEGER   -- never 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberCountRow(pub(crate) u64);

impl Row for MemberCountRow {
    /// Campaign, wave, phase.
    type Key = ([u8; 32], u32, Phase);
    type Wire = u64;
    const KEYSPACE: Keyspace = Keyspace::CampaignCounts;

    fn key((campaign, wave, phase): &Self::Key) -> Vec<u8> {
        count_key(campaign, *wave, *phase)
    }

    fn to_wire(&self) -> der::Result<u64> {
        Ok(self.0)
    }

    fn from_wire(wire: u64) -> Option<Self> {
        (wire > 0).then_some(Self(wire))
    }
}

/// ```text
/// PlaceCountRow ::= INTEGER   -- never 0: how many devices behind a concentrator are under way
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceCountRow(pub(crate) u32);

impl Row for PlaceCountRow {
    /// Campaign and concentrator.
    type Key = ([u8; 32], Shard);
    type Wire = u32;
    const KEYSPACE: Keyspace = Keyspace::CampaignPlaces;

    fn key((campaign, concentrator): &Self::Key) -> Vec<u8> {
        place_key(campaign, concentrator)
    }

    fn to_wire(&self) -> der::Result<u32> {
        Ok(self.0)
    }

    fn from_wire(wire: u32) -> Option<Self> {
        (wire > 0).then_some(Self(wire))
    }
}
