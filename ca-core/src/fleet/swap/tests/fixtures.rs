//! A swap at each of its stages.

use super::super::*;
use crate::serial_number::SerialNumber;

pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);
pub(super) const TITLE: SystemTitle = SystemTitle::new(*b"MPK\x00\x01\xFE\xA0\x42");

pub(super) fn patience() -> Patience {
    Patience::default()
}

pub(super) fn id(number: u8) -> CertificateId {
    CertificateId { issuer: KeyRef::new([1; 20]), serial: SerialNumber::from_octets(&[number]).unwrap() }
}

pub(super) fn asked() -> Asked {
    Asked { request: [2; 32], key: [3; 32] }
}

pub(super) fn made() -> Made {
    Made { asked: asked(), certificate: id(7), digest: [7; 32] }
}

pub(super) fn planned(road: Road) -> Swap {
    Swap {
        title: TITLE,
        purpose: KeyPurpose::Signature,
        campaign: [9; 32],
        road,
        profile: ProfileId::parse("operational-ds-s1").unwrap(),
        issuer: KeyRef::new([1; 20]),
        stage: Stage::Planned,
        since: NOW,
        attempts: 0,
        restarts: 0,
        asks_suite: None,
        not_before: NOW,
        turn: 0,
        given: None,
        ending: false,
        stuck: false,
        trouble: None,
        passed: Vec::new(),
    }
}

pub(super) fn at(road: Road, stage: Stage) -> Swap {
    Swap { stage, ..planned(road) }
}

/// Every stage, with what it carries.
pub(super) fn stages() -> Vec<Stage> {
    let proof = Proof::Export;
    vec![
        Stage::Planned,
        Stage::Claimed,
        Stage::KeyGenerated,
        Stage::Requested { asked: asked(), octets: vec![0x30] },
        Stage::Issued(made()),
        Stage::Importing { made: made(), refused: false },
        Stage::Importing { made: made(), refused: true },
        Stage::Imported(made()),
        Stage::Confirmed { made: made(), proof },
        Stage::Activated { made: made(), proof },
        Stage::Withdrawing { made: made(), then: Then::Again },
        Stage::Withdrawing { made: made(), then: Then::End },
        Stage::Undone { asked: Some(asked()) },
    ]
}

pub(super) fn take(swap: &Swap, event: Event, now: UnixTime) -> Result<Swap, SwapRefusal> {
    swap.advance(event, now, &patience()).map(|step| step.swap)
}

/// Gives the call that is next.
pub(super) fn given(swap: &Swap, now: UnixTime) -> Swap {
    let Action::Call(call) = swap.next(now, &patience()) else {
        panic!("no call is next: {:?}", swap.next(now, &patience()))
    };
    take(swap, Event::Given { call, until: now.plus_seconds(3_600) }, now).unwrap()
}

pub(super) fn answer(swap: &Swap, answer: Answer, now: UnixTime) -> Result<Swap, SwapRefusal> {
    take(swap, Event::Answered { turn: swap.turn, answer }, now)
}

pub(super) fn request() -> Answer {
    Answer::Request { octets: vec![0x30], asked: asked(), title: Some(TITLE), key: KeyStanding::New }
}

pub(super) fn shown(digest: u8, former: bool) -> Answer {
    Answer::Exported(Shown::Certificate { digest: [digest; 32], former })
}
