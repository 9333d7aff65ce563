//! Keys that were made here and lost on their way: what is superseded with the next one, and what is not.

use ca_core::audit::Act;
use ca_core::ports::StatusSource;
use ca_core::profile::ProfileId;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, Handover, Intent, IntentConflict, Revocation, Settlement, SlotUse,
};

use super::ground::{Ground, IntentWords, LedgerTold, LedgerWords, NOW, id, intent, issuer};

const DEVICE: u8 = 4;
const WHO: &str = "ra:line-1";
const DAY: i64 = 86_400;

/// What waits in a slot for one of these is a day old at most.
fn handed(number: u16, to: &str) -> Intent {
    let mut handed = intent(number).for_slot(DEVICE, SlotUse::Rotation);
    handed.conditions.handover = Some(Box::new(Handover {
        to: to.to_owned(),
        issuer: issuer(1),
        profile: handed.profile.clone(),
        since: NOW.plus_seconds(-DAY),
        shown: None,
    }));
    handed
}

fn showing(number: u16, shown: CertificateId) -> Intent {
    let mut handed = handed(number, WHO);
    handed.conditions.handover.as_mut().unwrap().shown = Some(shown);
    handed
}

const SUPERSEDED: CertificateStatus = CertificateStatus::Revoked(Revocation {
    time: NOW,
    reason: ReasonCode::Superseded,
    invalidity_date: None,
});

fn what_was_lost_is_superseded_with_the_intent_that_takes_its_place(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    store.record(handed(2, WHO)).unwrap();
    assert_eq!((store.status(1), store.status(2)), (SUPERSEDED, CertificateStatus::Pending));
    let trail = store.trail();
    let [.., revoked, intended] = &trail[..] else { panic!("{trail:?}") };
    assert_eq!((revoked.event.act, intended.event.act), (Act::CertificateRevoked, Act::IntentRecorded));
    assert_eq!((revoked.event.serial.as_ref(), &*revoked.event.reason), (Some(&id(1).serial), "superseded"));
    assert_eq!(revoked.event.actor, intended.event.actor);
    let listed = store.revoked(&issuer(1), None, 10).unwrap();
    assert_eq!(listed.iter().map(|entry| &entry.serial).collect::<Vec<_>>(), [&id(1).serial]);
    // Over a restart too.
    drop(store);
    assert_eq!(ground.reopen_at(NOW).0.status(1), SUPERSEDED);
}

fn each_that_is_lost_is_superseded_by_the_next(ground: &Ground) {
    let store = ground.open();
    for number in 1..=3 {
        store.issue(handed(number, WHO));
    }
    assert_eq!(
        [1, 2, 3].map(|number| store.status(number)),
        [SUPERSEDED, SUPERSEDED, CertificateStatus::Good]
    );
}

fn nobody_supersedes_what_another_was_given(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, "ra:line-2"));
    store.issue(handed(2, WHO));
    assert_eq!(store.status(1), CertificateStatus::Good);
}

fn a_certificate_that_is_shown_is_not_lost(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    store.issue(showing(2, id(1)));
    assert_eq!(store.status(1), CertificateStatus::Good);
}

fn a_key_of_the_holders_own_is_not_lost(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(DEVICE, SlotUse::First));
    store.issue(handed(2, WHO));
    assert_eq!(store.status(1), CertificateStatus::Good);
    // Nor does a request with such a key tell that an earlier answer was lost.
    store.issue(intent(3).for_slot(DEVICE, SlotUse::Rotation));
    assert_eq!(store.status(2), CertificateStatus::Good);
}

// A renewal has its overlap: what was given long ago is in use.
fn what_was_given_before_the_window_is_not_lost(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO).at(NOW.plus_seconds(-DAY - 1)));
    store.issue(handed(2, WHO));
    assert_eq!(store.status(1), CertificateStatus::Good);
}

fn another_profile_or_issuer_is_not_the_same_again(ground: &Ground) {
    let store = ground.open();
    store.issue(Intent { profile: ProfileId::parse("other").unwrap(), ..handed(1, WHO) });
    store.issue(Intent { id: CertificateId { issuer: issuer(2), ..id(2) }, ..handed(2, WHO) });
    store.issue(handed(3, WHO));
    assert_eq!(store.status(1), CertificateStatus::Good);
    let other = CertificateId { issuer: issuer(2), ..id(2) };
    assert_eq!(store.status_of(&other).unwrap(), CertificateStatus::Good);
}

fn while_one_is_on_its_way_another_is_not_made(ground: &Ground) {
    let store = ground.open();
    store.record(handed(1, WHO)).unwrap();
    assert_eq!(store.record(handed(2, WHO)), Err(IntentConflict::InFlight));
    store.settle(1, Settlement::Aborted);
    assert_eq!(store.record(handed(2, WHO)), Ok(()));
}

// A factory certificate opens once, whoever has a copy of its key.
fn a_first_enrolment_supersedes_nothing(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    let mut first = handed(2, WHO);
    first.conditions.slot.as_mut().unwrap().1 = SlotUse::First;
    assert_eq!(store.record(first), Err(IntentConflict::SlotTaken { holder: id(1) }));
    assert_eq!(store.status(1), CertificateStatus::Good);
}

// The whole act or none of it.
fn nothing_is_superseded_when_the_intent_is_refused(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    let acts = store.acts();
    assert_eq!(store.record(handed(2, WHO).with_token(1)), Err(IntentConflict::TokenUnknown));
    assert_eq!((store.status(1), store.acts()), (CertificateStatus::Good, acts));
}

fn what_is_on_hold_stays_and_bars_the_next(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    store.revoke(1, ReasonCode::CertificateHold);
    assert_eq!(store.record(handed(2, WHO)), Err(IntentConflict::SlotTaken { holder: id(1) }));
    assert!(store.status(1) != SUPERSEDED);
}

fn the_successor_of_what_was_lost_is_recorded(ground: &Ground) {
    let store = ground.open();
    store.issue(handed(1, WHO));
    let mut next = handed(2, WHO);
    next.conditions.successor_of = Some(id(1));
    store.issue(next);
    assert_eq!((store.status(1), store.status(2)), (SUPERSEDED, CertificateStatus::Good));
    assert_eq!(store.certificate(&id(2)).unwrap().unwrap().handed_to.as_deref(), Some(WHO));
}

super::on_every_engine! {
    what_was_lost_is_superseded_with_the_intent_that_takes_its_place,
    each_that_is_lost_is_superseded_by_the_next,
    nobody_supersedes_what_another_was_given,
    a_certificate_that_is_shown_is_not_lost,
    a_key_of_the_holders_own_is_not_lost,
    what_was_given_before_the_window_is_not_lost,
    another_profile_or_issuer_is_not_the_same_again,
    while_one_is_on_its_way_another_is_not_made,
    a_first_enrolment_supersedes_nothing,
    nothing_is_superseded_when_the_intent_is_refused,
    what_is_on_hold_stays_and_bars_the_next,
    the_successor_of_what_was_lost_is_recorded,
}
