//! The rows of swaps, and of what is kept of devices whose certificates were swapped.

use ca_core::fleet::campaign::Goal;
use ca_core::fleet::evidence::{Evidence, SwappedCertificate};
use ca_core::fleet::swap::{Asked, Call, Given, Made, Passed, Proof, Road, Stage, Swap, Then, Trouble};
use ca_core::key_ref::KeyRef;
use ca_core::profile::KeyPurpose;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use der::Sequence;
use der::asn1::OctetString;

use super::{Row, WireId, WirePurpose, fixed, octets, profile, time, title};
use crate::keyspace::Keyspace;
use crate::keyspace::campaign::{evidence_key, swap_key};

/// ```text
/// SwapRow ::= SEQUENCE {
///     title      OCTET STRING,            -- 8 octets
///     purpose    Purpose,
///     campaign   Digest,
///     road       INTEGER,                 -- device(0), headEnd(1)
///     profile    UTF8String,
///     issuer     OCTET STRING,            -- 20 octets
///     stage      INTEGER,                 -- the place of its word among all stages
///     since      Time,
///     attempts   INTEGER,
///     restarts   INTEGER,
///     notBefore  Time,
///     turn       INTEGER,
///     ending     BOOLEAN,
///     stuck      BOOLEAN,
///     passed     SEQUENCE OF Passed,
///     asked      [0] Asked OPTIONAL,
///     request    [1] OCTET STRING OPTIONAL,  -- DER of the certification request
///     made       [2] Certificate OPTIONAL,
///     detail     [3] INTEGER OPTIONAL,    -- importing: 1 if refused; confirmed, activated: the proof; withdrawing: 1 if it ends
///     given      [4] Given OPTIONAL,
///     trouble    [5] Trouble OPTIONAL,
///     asksSuite  [6] INTEGER OPTIONAL }   -- the suite that the device is asked for first
/// Passed      ::= SEQUENCE { stage INTEGER, at Time, record INTEGER }
/// Asked       ::= SEQUENCE { request Digest, key Digest }
/// Certificate ::= SEQUENCE { id Id, digest Digest }
/// Given       ::= SEQUENCE { call INTEGER, until Time, lapsed BOOLEAN }
/// Trouble     ::= SEQUENCE { code UTF8String, result INTEGER }  -- result of a call that was refused, a suite, else 0
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SwapRow {
    pub(crate) swap: Swap,
}

#[derive(Sequence)]
pub(crate) struct WireSwap {
    title: OctetString,
    purpose: WirePurpose,
    campaign: OctetString,
    road: u8,
    profile: String,
    issuer: OctetString,
    stage: u8,
    since: i64,
    attempts: u8,
    restarts: u8,
    not_before: i64,
    turn: u32,
    ending: bool,
    stuck: bool,
    passed: Vec<WirePassed>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    asked: Option<WireAsked>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    request: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    made: Option<WireMade>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    detail: Option<u8>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    given: Option<WireGiven>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    trouble: Option<WireTrouble>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    asks_suite: Option<u8>,
}

#[derive(Sequence)]
struct WirePassed {
    stage: u8,
    at: i64,
    record: u64,
}

#[derive(Sequence)]
struct WireAsked {
    request: OctetString,
    key: OctetString,
}

#[derive(Sequence)]
struct WireMade {
    id: WireId,
    digest: OctetString,
}

#[derive(Sequence)]
struct WireGiven {
    call: u8,
    until: i64,
    lapsed: bool,
}

#[derive(Sequence)]
struct WireTrouble {
    code: String,
    result: u8,
}

impl Row for SwapRow {
    type Key = (SystemTitle, KeyPurpose);
    type Wire = WireSwap;
    const KEYSPACE: Keyspace = Keyspace::Swaps;

    fn key((title, purpose): &Self::Key) -> Vec<u8> {
        swap_key(title, *purpose)
    }

    fn to_wire(&self) -> der::Result<WireSwap> {
        let swap = &self.swap;
        let request = if let Stage::Requested { octets: der, .. } = &swap.stage
            && !der.is_empty()
        {
            Some(octets(der)?)
        } else {
            None
        };
        Ok(WireSwap {
            title: octets(swap.title.octets())?,
            purpose: swap.purpose.into(),
            campaign: octets(&swap.campaign)?,
            road: place_of(&Road::ALL, &swap.road),
            profile: swap.profile.to_string(),
            issuer: octets(swap.issuer.octets())?,
            stage: place_of(&Stage::NAMES, &swap.stage.name()),
            since: swap.since.seconds(),
            attempts: swap.attempts,
            restarts: swap.restarts,
            not_before: swap.not_before.seconds(),
            turn: swap.turn,
            ending: swap.ending,
            stuck: swap.stuck,
            passed: swap.passed.iter().map(WirePassed::new).collect(),
            asked: swap.stage.asked().map(|asked| WireAsked::new(&asked)).transpose()?,
            request,
            made: swap.stage.made().map(WireMade::new).transpose()?,
            detail: detail(&swap.stage),
            given: swap.given.map(|given| WireGiven {
                call: place_of(&Call::ALL, &given.call),
                until: given.until.seconds(),
                lapsed: given.lapsed,
            }),
            trouble: swap.trouble.as_ref().map(WireTrouble::new),
            asks_suite: swap.asks_suite.map(SecuritySuite::number),
        })
    }

    fn from_wire(wire: WireSwap) -> Option<Self> {
        let asked = wire.asked.as_ref().map(WireAsked::asked);
        let asked = match asked {
            Some(asked) => Some(asked?),
            None => None,
        };
        let made = match (&wire.made, asked) {
            (Some(made), Some(asked)) => Some(made.made(asked)?),
            (Some(_), None) => return None,
            (None, _) => None,
        };
        let request = wire.request.map(|request| request.into_bytes().into_vec()).unwrap_or_default();
        let given = match wire.given {
            Some(given) => Some(given.given()?),
            None => None,
        };
        let asks_suite = match wire.asks_suite {
            Some(number) => Some(SecuritySuite::from_number(number)?),
            None => None,
        };
        let swap = Swap {
            asks_suite,
            title: title(&wire.title)?,
            purpose: wire.purpose.into(),
            campaign: fixed(&wire.campaign)?,
            road: *Road::ALL.get(usize::from(wire.road))?,
            profile: profile(&wire.profile)?,
            issuer: KeyRef::new(fixed(&wire.issuer)?),
            stage: stage((wire.stage, wire.detail), asked, made, request)?,
            since: time(wire.since),
            attempts: wire.attempts,
            restarts: wire.restarts,
            not_before: time(wire.not_before),
            turn: wire.turn,
            given,
            ending: wire.ending,
            stuck: wire.stuck,
            trouble: wire.trouble.map(WireTrouble::trouble),
            passed: wire.passed.iter().map(WirePassed::passed).collect::<Option<_>>()?,
        };
        Some(Self { swap })
    }
}

/// The place of a value among all.
pub(super) fn place_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|known| known == one);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn detail(stage: &Stage) -> Option<u8> {
    match stage {
        Stage::Importing { refused, .. } => Some(u8::from(*refused)),
        Stage::Confirmed { proof, .. } | Stage::Activated { proof, .. } => Some(place_of(&Proof::ALL, proof)),
        Stage::Withdrawing { then, .. } => Some(u8::from(*then == Then::End)),
        Stage::Planned
        | Stage::Claimed
        | Stage::KeyGenerated
        | Stage::Requested { .. }
        | Stage::Issued(_)
        | Stage::Imported(_)
        | Stage::Undone { .. } => None,
    }
}

/// Puts a stage together of what it carries; `None` where something is missing.
fn stage(
    (number, detail): (u8, Option<u8>),
    asked: Option<Asked>,
    made: Option<Made>,
    request: Vec<u8>,
) -> Option<Stage> {
    let proof = || Proof::ALL.get(usize::from(detail?)).copied();
    Some(match number {
        0 => Stage::Planned,
        1 => Stage::Claimed,
        2 => Stage::KeyGenerated,
        3 => Stage::Requested { asked: asked?, octets: request },
        4 => Stage::Issued(made?),
        5 => Stage::Importing { made: made?, refused: detail? == 1 },
        6 => Stage::Imported(made?),
        7 => Stage::Confirmed { made: made?, proof: proof()? },
        8 => Stage::Activated { made: made?, proof: proof()? },
        9 => Stage::Withdrawing { made: made?, then: if detail? == 1 { Then::End } else { Then::Again } },
        10 => Stage::Undone { asked },
        _ => return None,
    })
}

impl WirePassed {
    fn new(passed: &Passed) -> Self {
        let stage = place_of(&Stage::NAMES, &passed.stage);
        Self { stage, at: passed.at.seconds(), record: passed.record }
    }

    fn passed(&self) -> Option<Passed> {
        let stage = Stage::NAMES.get(usize::from(self.stage)).copied()?;
        Some(Passed { stage, at: time(self.at), record: self.record })
    }
}

impl WireAsked {
    fn new(asked: &Asked) -> der::Result<Self> {
        Ok(Self { request: octets(&asked.request)?, key: octets(&asked.key)? })
    }

    fn asked(&self) -> Option<Asked> {
        Some(Asked { request: fixed(&self.request)?, key: fixed(&self.key)? })
    }
}

impl WireMade {
    fn new(made: &Made) -> der::Result<Self> {
        Ok(Self { id: WireId::new(&made.certificate)?, digest: octets(&made.digest)? })
    }

    fn made(&self, asked: Asked) -> Option<Made> {
        Some(Made { asked, certificate: self.id.id()?, digest: fixed(&self.digest)? })
    }
}

impl WireGiven {
    fn given(&self) -> Option<Given> {
        let call = Call::ALL.get(usize::from(self.call)).copied()?;
        Some(Given { call, until: time(self.until), lapsed: self.lapsed })
    }
}

impl WireTrouble {
    fn new(trouble: &Trouble) -> Self {
        let result = match trouble {
            Trouble::CallRefused { result } => *result,
            Trouble::OtherSuite { suite } => *suite,
            Trouble::NoAnswer
            | Trouble::Silent
            | Trouble::NotConfirmed
            | Trouble::OtherCertificate
            | Trouble::NotImported
            | Trouble::ImportRefused
            | Trouble::CertificateRevoked
            | Trouble::Overtaken
            | Trouble::NotIssued { .. } => 0,
        };
        Self { code: trouble.code().to_owned(), result }
    }

    fn trouble(self) -> Trouble {
        let plain = [
            Trouble::NoAnswer,
            Trouble::Silent,
            Trouble::NotConfirmed,
            Trouble::OtherCertificate,
            Trouble::NotImported,
            Trouble::ImportRefused,
            Trouble::CallRefused { result: self.result },
            Trouble::OtherSuite { suite: self.result },
            Trouble::CertificateRevoked,
            Trouble::Overtaken,
        ];
        let known = plain.into_iter().find(|trouble| trouble.code() == self.code);
        known.unwrap_or(Trouble::NotIssued { code: self.code })
    }
}

/// ```text
/// EvidenceRow ::= SEQUENCE {
///     title          OCTET STRING,        -- 8 octets
///     campaign       Digest,
///     goal           INTEGER,             -- swap(0), renew(1), uplift(2)
///     finishedAt     Time,
///     record         INTEGER,             -- number of the audit record
///     certificates   SEQUENCE OF Swapped,
///     factoryRecord  [0] INTEGER OPTIONAL }
/// Swapped ::= SEQUENCE { purpose Purpose, id Id, digest Digest, key Digest, proof INTEGER, passed SEQUENCE OF Passed }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvidenceRow {
    pub(crate) evidence: Evidence,
}

#[derive(Sequence)]
pub(crate) struct WireEvidence {
    title: OctetString,
    campaign: OctetString,
    goal: u8,
    finished_at: i64,
    record: u64,
    certificates: Vec<WireSwapped>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    factory_record: Option<u64>,
}

#[derive(Sequence)]
struct WireSwapped {
    purpose: WirePurpose,
    id: WireId,
    digest: OctetString,
    key: OctetString,
    proof: u8,
    passed: Vec<WirePassed>,
}

impl Row for EvidenceRow {
    type Key = (SystemTitle, [u8; 32]);
    type Wire = WireEvidence;
    const KEYSPACE: Keyspace = Keyspace::Evidence;

    fn key((title, campaign): &Self::Key) -> Vec<u8> {
        evidence_key(title, campaign)
    }

    fn to_wire(&self) -> der::Result<WireEvidence> {
        let evidence = &self.evidence;
        Ok(WireEvidence {
            title: octets(evidence.title.octets())?,
            campaign: octets(&evidence.campaign)?,
            goal: place_of(&Goal::ALL, &evidence.goal),
            finished_at: evidence.finished_at.seconds(),
            record: evidence.record,
            certificates: evidence.certificates.iter().map(WireSwapped::new).collect::<der::Result<_>>()?,
            factory_record: evidence.factory_record,
        })
    }

    fn from_wire(wire: WireEvidence) -> Option<Self> {
        let evidence = Evidence {
            title: title(&wire.title)?,
            campaign: fixed(&wire.campaign)?,
            goal: *Goal::ALL.get(usize::from(wire.goal))?,
            finished_at: UnixTime::from_seconds(wire.finished_at),
            record: wire.record,
            factory_record: wire.factory_record,
            certificates: wire.certificates.iter().map(WireSwapped::swapped).collect::<Option<_>>()?,
        };
        Some(Self { evidence })
    }
}

impl WireSwapped {
    fn new(one: &SwappedCertificate) -> der::Result<Self> {
        Ok(Self {
            purpose: one.purpose.into(),
            id: WireId::new(&one.certificate)?,
            digest: octets(&one.digest)?,
            key: octets(&one.key)?,
            proof: place_of(&Proof::ALL, &one.proof),
            passed: one.passed.iter().map(WirePassed::new).collect(),
        })
    }

    fn swapped(&self) -> Option<SwappedCertificate> {
        Some(SwappedCertificate {
            purpose: self.purpose.into(),
            certificate: self.id.id()?,
            digest: fixed(&self.digest)?,
            key: fixed(&self.key)?,
            proof: *Proof::ALL.get(usize::from(self.proof))?,
            passed: self.passed.iter().map(WirePassed::passed).collect::<Option<_>>()?,
        })
    }
}
