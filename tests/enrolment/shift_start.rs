//! A shift start in small: more devices than the queue has places for, all at once; each has its certificate in the end. The long
//! form is `shift-start` (tests/load).

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Answer, Operation, send_request};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Outcome, born, crowd, short_queue};

// K-14: nobody is lost, each is told when to come back, and comes back in its turn.
#[test]
fn k_14_a_shift_start_loses_no_device_where_the_queue_is_far_too_short() {
    let rehearsal = Rehearsal::start_with(1, |text| short_queue(&text, 4, 160));
    let fleet = born(&rehearsal, 0..300);
    let rush = crowd(&rehearsal, &fleet, 120);
    assert_eq!((rush.refused.as_slice(), rush.served.len()), ([].as_slice(), 300), "{}", rush.sent_away);
    assert!(rush.sent_away > 0, "the queue was too short for all");
    assert!(rush.longest_wait <= 600, "{}", rush.longest_wait);
    // Each was sent away a few times at most: turns are told one after another.
    assert!(rush.sent_away < 300 * 6, "{} times", rush.sent_away);
}

// T-18: devices of a factory that knock too often are sent away, and those of another are served meanwhile.
#[test]
fn t_18_a_noisy_factory_does_not_starve_another_over_real_connections() {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let limits = short_queue(&text, 64, 160);
        let label = "default_label = \"meter-op-ds-s1\"\n";
        limits.replace(label, &format!("{label}rates = {{ tenant = {{ per_second = 20, burst = 40 }} }}\n"))
    });
    let noisy = beside_the_crowd(&rehearsal);
    assert!(noisy.sent_away > 40, "the noisy one is sent away: {}", noisy.sent_away);
}

// H-09, T-18: whoever fills the queue waits behind itself, also where nothing limits how often it may ask.
#[test]
fn h_09_a_factory_that_fills_the_queue_keeps_no_other_tenant_out() {
    let rehearsal = Rehearsal::start_with(1, |text| {
        short_queue(&text, 4, 160).replace("queue_jobs = 4", "workers = 1, queue_jobs = 4")
    });
    let noisy = beside_the_crowd(&rehearsal);
    assert!(noisy.sent_away > 40, "the noisy one finds the queue full: {}", noisy.sent_away);
}

/// Has a crowd of the maker's devices ask, of whom none is lost, and some of the owner's beside them, of whom none has to ask twice.
fn beside_the_crowd(rehearsal: &Rehearsal) -> Outcome {
    // The devices are the maker's until they are the owner's.
    let fleet = born(rehearsal, 0..120);
    let noisy = std::thread::scope(|scope| {
        let noisy = scope.spawn(|| crowd(rehearsal, &fleet, 60));
        for number in 0..10 {
            let answer = enrolled_by_token(rehearsal, &format!("4D504B04{number:08X}"));
            assert_eq!(answer.status, 200, "the other tenant does not notice: {}", answer.text());
        }
        noisy.join().expect("the crowd ends")
    });
    assert_eq!(
        (noisy.refused.as_slice(), noisy.served.len()),
        ([].as_slice(), 120),
        "it loses nothing either"
    );
    noisy
}

fn enrolled_by_token(rehearsal: &Rehearsal, title: &str) -> Answer {
    rehearsal.expect_devices("dso", &[title]);
    let meter = Meter::new(rehearsal, title, Suite::One);
    let token = rehearsal.token(title, "meter-op-ds-s1").into();
    let label = meter.label("meter-op-ds");
    send_request(rehearsal, (Operation::Enrol, &label), &meter.ask().request, &token, &[])
}
