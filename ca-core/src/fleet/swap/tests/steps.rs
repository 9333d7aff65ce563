//! The two roads, step by step, and what is done where something goes wrong.

use super::super::*;
use super::fixtures::{
    NOW, TITLE, answer, asked, at, given, id, made, patience, planned, request, shown, take,
};

#[test]
fn the_head_end_works_it_from_the_claim_to_activation() {
    let swap = planned(Road::HeadEnd);
    assert_eq!(swap.next(NOW, &patience()), Action::Wait(None));
    let swap = take(&swap, Event::Claimed, NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::GenerateKeyPair));
    let swap = answer(&given(&swap, NOW), Answer::KeyMade, NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::GenerateRequest));
    let swap = answer(&given(&swap, NOW), request(), NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Issue);
    let swap = take(&swap, Event::Issued(made()), NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::Import));
    let swap = given(&swap, NOW);
    assert_eq!(swap.stage, Stage::Importing { made: made(), refused: false });
    let swap = answer(&swap, Answer::Imported, NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::Export));
    let swap = answer(&given(&swap, NOW), shown(7, false), NOW).unwrap();
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::Activate));
    let swap = answer(&given(&swap, NOW), Answer::Activated, NOW).unwrap();
    assert!(swap.is_complete() && swap.turn == 5);
    assert_eq!(swap.next(NOW, &patience()), Action::Nothing);
}

#[test]
fn a_device_that_asks_by_itself_is_done_when_it_shows_the_certificate() {
    for proof in [Proof::Message, Proof::Use] {
        let swap = take(&planned(Road::Device), Event::Claimed, NOW).unwrap();
        let swap = take(&swap, Event::Asked(asked()), NOW).unwrap();
        let swap = take(&swap, Event::Issued(made()), NOW).unwrap();
        assert!(matches!(swap.next(NOW, &patience()), Action::Wait(Some(_))), "no calls on this road");
        let other = take(&swap, Event::Confirmed { certificate: id(8), proof }, NOW);
        assert_eq!(other, Err(SwapRefusal::OtherCertificate));
        let swap = take(&swap, Event::Confirmed { certificate: id(7), proof }, NOW).unwrap();
        assert!(swap.is_complete());
        assert_eq!(swap.stage, Stage::Activated { made: made(), proof });
    }
}

#[test]
fn a_device_that_does_not_ask_or_does_not_confirm_is_stuck_after_its_time_and_goes_on_when_it_does() {
    let late = NOW.plus_seconds(604_801);
    let silent = take(&planned(Road::Device), Event::Elapsed, late).unwrap();
    assert_eq!((silent.stuck, &silent.trouble), (true, &Some(Trouble::Silent)));
    let swap = take(&silent, Event::Asked(asked()), late).unwrap();
    assert!(!swap.stuck);
    let swap = take(&swap, Event::Issued(made()), late).unwrap();
    assert!(!take(&swap, Event::Elapsed, late.plus_seconds(604_800)).unwrap().stuck, "its last second");
    let unconfirmed = take(&swap, Event::Elapsed, late.plus_seconds(604_801)).unwrap();
    assert_eq!(unconfirmed.trouble, Some(Trouble::NotConfirmed));
    let used = Event::Confirmed { certificate: id(7), proof: Proof::Use };
    assert!(take(&unconfirmed, used, late).unwrap().is_complete());
}

#[test]
fn a_call_that_is_not_answered_is_given_again_after_a_pause_and_then_a_person_looks() {
    let mut swap = at(Road::HeadEnd, Stage::Claimed);
    let mut now = NOW;
    for attempt in 1..=5 {
        swap = given(&swap, now);
        let until = swap.given.unwrap().until;
        assert_eq!(swap.next(now, &patience()), Action::Wait(Some(until)));
        assert_eq!(take(&swap, Event::Elapsed, until).unwrap(), swap, "its last second");
        now = until.plus_seconds(1);
        swap = take(&swap, Event::Elapsed, now).unwrap();
        assert_eq!((swap.attempts, swap.stuck), (attempt, attempt == 5));
        assert_eq!(take(&swap, Event::Elapsed, now).unwrap(), swap, "counted once");
        if !swap.stuck {
            assert_eq!(swap.next(now, &patience()), Action::Wait(Some(swap.not_before)));
            now = swap.not_before;
        }
    }
    assert_eq!(swap.trouble, Some(Trouble::NoAnswer));
    assert_eq!(swap.next(now, &patience()), Action::Nothing);
    let swap = take(&swap, Event::Again, now).unwrap();
    assert_eq!(swap.next(now, &patience()), Action::Call(Call::GenerateKeyPair));
    assert_eq!(take(&swap, Event::Again, now), Err(SwapRefusal::NotStuck));
}

#[test]
fn an_answer_counts_however_late_unless_the_call_was_given_again() {
    let first = given(&at(Road::HeadEnd, Stage::Claimed), NOW);
    let late = NOW.plus_seconds(3_601);
    let lapsed = take(&first, Event::Elapsed, late).unwrap();
    let event = |turn| Event::Answered { turn, answer: Answer::KeyMade };
    assert_eq!(take(&lapsed, event(1), late).unwrap().stage, Stage::KeyGenerated);
    let again = given(&lapsed, lapsed.not_before);
    let refusal = take(&again, event(1), late).unwrap_err();
    assert_eq!(refusal.code(), "swap.out_of_order");
    assert_eq!(take(&again, event(3), late), Err(SwapRefusal::NotGiven { turn: 3 }));
    assert_eq!(take(&again, event(0), late), Err(SwapRefusal::NotGiven { turn: 0 }));
    let made = take(&again, event(2), late).unwrap();
    assert_eq!(take(&made, event(2), late).unwrap(), made, "the same answer again changes nothing");
}

#[test]
fn a_device_that_lost_its_new_key_makes_one_again_and_a_person_looks_when_that_helps_not() {
    let mut swap = at(Road::HeadEnd, Stage::Claimed);
    let mut now = NOW;
    for attempt in 1..=5 {
        let turn = swap.turn.saturating_add(1);
        swap = take(&given(&swap, now), Event::Answered { turn, answer: Answer::KeyMade }, now).unwrap();
        assert_eq!((&swap.stage, swap.attempts), (&Stage::KeyGenerated, attempt - 1));
        swap = given(&swap, now);
        let old_key = Answer::Request {
            octets: vec![0x30],
            asked: asked(),
            title: Some(TITLE),
            key: KeyStanding::Certified,
        };
        let refused = take(&swap, Event::Answered { turn: swap.turn, answer: old_key }, now);
        assert_eq!(refused, Err(SwapRefusal::KeyNotNew));
        now = swap.given.unwrap().until.plus_seconds(1);
        swap = take(&swap, Event::Elapsed, now).unwrap();
        assert_eq!((&swap.stage, swap.attempts, swap.stuck), (&Stage::Claimed, attempt, attempt == 5));
        // The request is taken as long as no other call was given.
        assert!(
            swap.stuck || matches!(answer(&swap, request(), now).unwrap().stage, Stage::Requested { .. })
        );
        now = swap.not_before.max(now);
    }
}

#[test]
fn an_import_whose_answer_was_lost_is_asked_for_and_never_made_again_unasked() {
    let importing = given(&at(Road::HeadEnd, Stage::Issued(made())), NOW);
    let late = NOW.plus_seconds(3_601);
    let lapsed = take(&importing, Event::Elapsed, late).unwrap();
    let now = lapsed.not_before;
    assert_eq!(lapsed.next(now, &patience()), Action::Call(Call::Export));
    let asking = given(&lapsed, now);
    // It had taken place.
    assert!(matches!(answer(&asking, shown(7, false), now).unwrap().stage, Stage::Confirmed { .. }));
    // It had not: the former certificate, or none.
    for former in [shown(1, true), Answer::Exported(Shown::Nothing)] {
        let again = answer(&asking, former, now).unwrap();
        // One import went wrong, and counts once.
        assert_eq!((again.stage.clone(), again.attempts), (Stage::Issued(made()), 1));
        assert_eq!(again.trouble, Some(Trouble::NotImported));
        assert_eq!(again.next(again.not_before, &patience()), Action::Call(Call::Import));
    }
    // The late answer to the import is overtaken by the question.
    let late_answer = Event::Answered { turn: 1, answer: Answer::Imported };
    assert_eq!(take(&asking, late_answer, now).unwrap_err().code(), "swap.out_of_order");
}

#[test]
fn a_certificate_that_is_neither_the_new_one_nor_a_former_one_stops_the_device() {
    for stage in [Stage::Importing { made: made(), refused: false }, Stage::Imported(made())] {
        let swap = given(&at(Road::HeadEnd, stage), NOW);
        let swap = answer(&swap, shown(66, false), NOW).unwrap();
        assert_eq!(swap.trouble.as_ref().unwrap().code(), "swap.other_certificate");
        assert_eq!(swap.next(NOW, &patience()), Action::Nothing);
        let swap = take(&swap, Event::Again, NOW).unwrap();
        assert_eq!(
            swap.next(NOW, &patience()),
            Action::Call(Call::Export),
            "it is asked again, nothing else"
        );
    }
}

#[test]
fn a_refused_import_is_asked_for_and_then_withdrawn_and_the_device_begins_anew() {
    let mut swap = at(Road::HeadEnd, Stage::Issued(made()));
    for restart in 1..=3 {
        swap = answer(&given(&swap, NOW), Answer::Refused { result: 3 }, NOW).unwrap();
        assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::Export));
        swap = answer(&given(&swap, NOW), shown(1, true), NOW).unwrap();
        assert_eq!(swap.next(NOW, &patience()), Action::Withdraw(id(7)));
        swap = take(&swap, Event::Revoked { certificate: id(7) }, NOW).unwrap();
        assert_eq!((swap.stage.clone(), swap.restarts), (Stage::Claimed, restart));
        if restart < 3 {
            swap = answer(&given(&swap, NOW), Answer::KeyMade, NOW).unwrap();
            swap = answer(&given(&swap, NOW), request(), NOW).unwrap();
            swap = take(&swap, Event::Issued(made()), NOW).unwrap();
        }
    }
    assert_eq!(swap.trouble, Some(Trouble::ImportRefused));
}

#[test]
fn a_device_that_refused_an_import_and_shows_the_certificate_has_taken_it() {
    let swap =
        answer(&given(&at(Road::HeadEnd, Stage::Issued(made())), NOW), Answer::Refused { result: 3 }, NOW)
            .unwrap();
    let swap = answer(&given(&swap, NOW), shown(7, false), NOW).unwrap();
    assert!(matches!(swap.stage, Stage::Confirmed { .. }));
}

#[test]
fn a_request_of_another_device_or_with_another_key_is_refused_and_asked_for_again() {
    let refused = |title, key| {
        let swap = given(&at(Road::HeadEnd, Stage::KeyGenerated), NOW);
        let wrong = Answer::Request { octets: vec![0x30], asked: asked(), title, key };
        let refusal = answer(&swap, wrong, NOW).unwrap_err();
        assert_eq!(answer(&swap, request(), NOW).unwrap().stage.name(), "requested", "the right one follows");
        refusal.code()
    };
    let other = SystemTitle::new([1; 8]);
    assert_eq!(refused(Some(other), KeyStanding::New), "swap.other_device");
    assert_eq!(refused(None, KeyStanding::New), "swap.other_device");
    assert_eq!(refused(Some(TITLE), KeyStanding::OtherType), "swap.key_of_other_type");
    assert_eq!(refused(Some(TITLE), KeyStanding::OtherDevice), "swap.key_of_other_device");
    assert_eq!(refused(Some(TITLE), KeyStanding::Certified), "swap.key_not_new");
}

#[test]
fn giving_up_undoes_what_the_device_did_not_take_and_finishes_what_it_took() {
    let end = |stage| take(&at(Road::HeadEnd, stage), Event::Ended, NOW).unwrap();
    for stage in [Stage::Planned, Stage::Claimed, Stage::KeyGenerated] {
        assert_eq!(end(stage).stage, Stage::Undone { asked: None });
    }
    let withdrawing = end(Stage::Issued(made()));
    assert_eq!(withdrawing.next(NOW, &patience()), Action::Withdraw(id(7)));
    let undone = take(&withdrawing, Event::Revoked { certificate: id(7) }, NOW).unwrap();
    assert!(undone.is_over() && !undone.is_complete());
    // Ordered already: only the device knows.
    let importing = given(&end(Stage::Importing { made: made(), refused: false }), NOW);
    assert_eq!(importing.given.unwrap().call, Call::Export);
    assert_eq!(answer(&importing, shown(7, false), NOW).unwrap().stage.name(), "confirmed");
    assert_eq!(answer(&importing, shown(1, true), NOW).unwrap().stage.name(), "withdrawing");
}

#[test]
fn what_was_being_signed_when_it_was_given_up_is_withdrawn() {
    let requested = Stage::Requested { asked: asked(), octets: vec![0x30] };
    let undone = take(&at(Road::HeadEnd, requested), Event::Ended, NOW).unwrap();
    let late = take(&undone, Event::Issued(made()), NOW).unwrap();
    assert_eq!(late.next(NOW, &patience()), Action::Withdraw(id(7)));
    // What a device asked for by itself it has.
    let device = at(Road::Device, Stage::Undone { asked: Some(asked()) });
    assert_eq!(take(&device, Event::Issued(made()), NOW), Err(SwapRefusal::Finished));
}

#[test]
fn an_authority_that_cannot_sign_is_asked_again_and_one_that_refuses_is_told_to_a_person() {
    let requested = at(Road::HeadEnd, Stage::Requested { asked: asked(), octets: vec![0x30] });
    let trouble = || Trouble::NotIssued { code: "unavailable".to_owned() };
    let mut swap = requested.clone();
    for _ in 0..100 {
        swap = take(&swap, Event::NotIssued { trouble: trouble(), later: true }, NOW).unwrap();
    }
    assert_eq!(swap.next(swap.not_before, &patience()), Action::Issue);
    let swap = take(&requested, Event::NotIssued { trouble: trouble(), later: false }, NOW).unwrap();
    assert!(swap.stuck);
    assert_eq!(take(&swap, Event::Again, NOW).unwrap().stage, Stage::Claimed, "with another request");
}

#[test]
fn the_audit_records_of_its_stages_are_kept_each_once() {
    let mut swap = at(Road::HeadEnd, Stage::Claimed);
    swap.note(NOW, 4);
    swap.stage = Stage::KeyGenerated;
    swap.note(NOW, 5);
    swap.stage = Stage::Claimed;
    swap.note(NOW, 9);
    let told: Vec<_> = swap.passed.iter().map(|passed| (passed.stage, passed.record)).collect();
    assert_eq!(told, [("key-generated", 5), ("claimed", 9)]);
}

#[test]
fn a_device_that_is_lifted_says_its_suite_before_it_makes_a_key_and_one_of_another_suite_is_left_alone() {
    let asks_suite = Some(SecuritySuite::Suite2);
    let swap = Swap { asks_suite, ..at(Road::HeadEnd, Stage::Claimed) };
    assert_eq!(swap.next(NOW, &patience()), Action::Call(Call::ReadSuite));
    let early = Event::Given { call: Call::GenerateKeyPair, until: NOW.plus_seconds(9) };
    assert_eq!(take(&swap, early, NOW).unwrap_err().code(), "swap.out_of_order");
    let asking = given(&swap, NOW);
    let lifted = answer(&asking, Answer::Suite(2), NOW).unwrap();
    assert_eq!((&lifted.stage, lifted.asks_suite), (&Stage::Claimed, None));
    assert_eq!(lifted.next(NOW, &patience()), Action::Call(Call::GenerateKeyPair));
    for number in [0, 1, 3] {
        let stuck = answer(&asking, Answer::Suite(number), NOW).unwrap();
        assert_eq!(stuck.trouble, Some(Trouble::OtherSuite { suite: number }));
        assert_eq!(stuck.trouble.as_ref().unwrap().code(), "swap.meter_suite");
        let again = take(&stuck, Event::Again, NOW).unwrap();
        assert_eq!(again.next(NOW, &patience()), Action::Call(Call::ReadSuite), "asked again, nothing else");
        assert_eq!(take(&stuck, Event::Ended, NOW).unwrap().stage, Stage::Undone { asked: None });
    }
}
