//! A device, a network that loses, repeats and re-orders, and a ledger: whatever happens, at most one certificate is good, what
//! counts as swapped is swapped, and what counts as undone is as it was.
//!
//! Deterministic: every run draws the same cases from a fixed seed.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use super::super::*;
use super::fixtures::{NOW, TITLE, at, id, patience};

/// The certificate that the device was made with.
const FACTORY: u8 = 0;

/// A call on its way, and what comes with it.
#[derive(Debug, Clone, PartialEq)]
struct Order {
    turn: u32,
    call: Call,
    until: UnixTime,
    certificate: Option<(u8, u8)>,
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Deed {
    Give,
    /// A call arrives; perhaps it will once more.
    Make(Index, bool),
    LoseOrder(Index),
    /// An answer arrives; perhaps it will once more.
    Hear(Index, bool),
    LoseAnswer(Index),
    /// The server does what is its own.
    Serve,
    /// It cannot just now.
    CannotServe,
    Wait(u16),
    End,
    Again,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => proptest::strategy::Just(Deed::Give),
        8 => (any::<Index>(), any::<bool>()).prop_map(|(which, twice)| Deed::Make(which, twice)),
        1 => any::<Index>().prop_map(Deed::LoseOrder),
        8 => (any::<Index>(), any::<bool>()).prop_map(|(which, twice)| Deed::Hear(which, twice)),
        2 => any::<Index>().prop_map(Deed::LoseAnswer),
        6 => proptest::strategy::Just(Deed::Serve),
        1 => proptest::strategy::Just(Deed::CannotServe),
        4 => (0..7_200_u16).prop_map(Deed::Wait),
        1 => proptest::strategy::Just(Deed::Again),
    ]
}

/// The device, the network and the ledger.
struct World {
    now: UnixTime,
    swap: Swap,
    /// The certificate that the device holds.
    holds: u8,
    /// The key that it made and has no certificate for.
    pending: Option<u8>,
    keys: u8,
    orders: Vec<Order>,
    answers: Vec<(u32, Answer)>,
    /// Certificates that are good, with their keys.
    good: Vec<(u8, u8)>,
    issued: u8,
    certified: BTreeSet<u8>,
}

impl World {
    fn new() -> Self {
        Self {
            now: NOW,
            swap: Swap { asks_suite: Some(SecuritySuite::Suite2), ..at(Road::HeadEnd, Stage::Claimed) },
            holds: FACTORY,
            pending: None,
            keys: 0,
            orders: Vec::new(),
            answers: Vec::new(),
            good: Vec::new(),
            issued: 0,
            certified: BTreeSet::new(),
        }
    }

    fn happens(&mut self, event: Event) -> bool {
        match self.swap.advance(event, self.now, &patience()) {
            Ok(step) => self.swap = step.swap,
            Err(_) => return false,
        }
        true
    }

    fn do_one(&mut self, deed: Deed) {
        match deed {
            Deed::Give => self.give(),
            Deed::Make(which, twice) if !self.orders.is_empty() => {
                let place = which.index(self.orders.len());
                let order = if twice { self.orders[place].clone() } else { self.orders.remove(place) };
                self.make(&order);
            }
            Deed::Hear(which, twice) if !self.answers.is_empty() => {
                let place = which.index(self.answers.len());
                let (turn, answer) =
                    if twice { self.answers[place].clone() } else { self.answers.remove(place) };
                self.happens(Event::Answered { turn, answer });
            }
            Deed::LoseOrder(which) if !self.orders.is_empty() => {
                self.orders.remove(which.index(self.orders.len()));
            }
            Deed::LoseAnswer(which) if !self.answers.is_empty() => {
                self.answers.remove(which.index(self.answers.len()));
            }
            Deed::Make(..) | Deed::Hear(..) | Deed::LoseOrder(_) | Deed::LoseAnswer(_) => {}
            Deed::Serve => self.serve(),
            Deed::CannotServe => {
                let trouble = Trouble::NotIssued { code: "unavailable".to_owned() };
                self.happens(Event::NotIssued { trouble, later: true });
            }
            Deed::Wait(seconds) => {
                self.now = self.now.plus_seconds(i64::from(seconds));
                self.happens(Event::Elapsed);
            }
            Deed::End => {
                self.happens(Event::Ended);
            }
            Deed::Again => {
                self.happens(Event::Again);
            }
        }
    }

    fn give(&mut self) {
        let Action::Call(call) = self.swap.next(self.now, &patience()) else { return };
        let until = self.now.plus_seconds(3_600);
        assert!(self.happens(Event::Given { call, until }));
        let certificate = self.swap.stage.made().map(|made| (made.digest[0], made.asked.key[0]));
        self.orders.push(Order { turn: self.swap.turn, call, until, certificate });
    }

    /// The device answers a call, if the head-end still may make it.
    fn make(&mut self, order: &Order) {
        if self.now > order.until {
            return;
        }
        let answer = match order.call {
            Call::ReadSuite => Answer::Suite(2),
            Call::GenerateKeyPair => {
                assert_eq!(self.swap.asks_suite, None, "the suite is known before a key is made");
                self.keys += 1;
                self.pending = Some(self.keys);
                Answer::KeyMade
            }
            Call::GenerateRequest => match self.pending {
                Some(key) => self.request(key),
                None => Answer::Refused { result: 3 },
            },
            Call::Import => {
                let (certificate, key) = order.certificate.unwrap();
                if self.pending == Some(key) {
                    (self.holds, self.pending) = (certificate, None);
                    Answer::Imported
                } else {
                    Answer::Refused { result: 3 }
                }
            }
            Call::Export => Answer::Exported(Shown::Certificate {
                digest: [self.holds; 32],
                former: self.holds == FACTORY,
            }),
            Call::Activate => Answer::Activated,
        };
        self.answers.push((order.turn, answer));
    }

    fn request(&self, key: u8) -> Answer {
        let standing = if self.certified.contains(&key) { KeyStanding::Certified } else { KeyStanding::New };
        let asked = Asked { request: [key; 32], key: [key; 32] };
        Answer::Request { octets: vec![key], asked, title: Some(TITLE), key: standing }
    }

    fn serve(&mut self) {
        match self.swap.next(self.now, &patience()) {
            Action::Issue => {
                let asked = self.swap.stage.asked().unwrap();
                self.issued += 1;
                self.good.push((self.issued, asked.key[0]));
                self.certified.insert(asked.key[0]);
                let made = Made { asked, certificate: id(self.issued), digest: [self.issued; 32] };
                assert!(self.happens(Event::Issued(made)));
            }
            Action::Withdraw(certificate) => {
                self.good.retain(|(number, _)| id(*number) != certificate);
                assert!(self.happens(Event::Revoked { certificate }));
            }
            Action::Nothing | Action::Wait(_) | Action::Call(_) => {}
        }
    }

    fn check(&self) {
        assert!(self.good.len() <= 1, "two certificates are good: {:?}", self.swap);
        if self.swap.is_complete() {
            let made = self.swap.stage.made().unwrap();
            assert_eq!([self.holds; 32], made.digest, "it counts as swapped, and the device holds another");
            assert!(self.good.iter().any(|(number, _)| *number == self.holds), "what it holds is not good");
        }
        if matches!(self.swap.stage, Stage::Undone { .. }) {
            assert_eq!((self.holds, self.good.len()), (FACTORY, 0), "it counts as undone");
        }
        if self.holds != FACTORY {
            let holder = self.swap.stage.made().map(|made| made.digest);
            assert_eq!(holder, Some([self.holds; 32]), "the device holds what is not known of");
        }
    }

    /// From now on nothing is lost, and people look at what is stuck.
    fn settle(&mut self) {
        self.orders.clear();
        self.answers.clear();
        for _ in 0..200 {
            if self.swap.is_over() {
                return;
            }
            if self.swap.stuck {
                self.happens(Event::Again);
            }
            self.now = self.now.plus_seconds(30_000);
            self.happens(Event::Elapsed);
            self.now = self.now.plus_seconds(30_000);
            self.serve();
            self.give();
            for order in core::mem::take(&mut self.orders) {
                self.make(&order);
            }
            for (turn, answer) in core::mem::take(&mut self.answers) {
                self.happens(Event::Answered { turn, answer });
            }
            self.check();
        }
        panic!("it comes to no end: {:?}", self.swap);
    }
}

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 1_000,
        rng_seed: RngSeed::Fixed(20_261_129),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_losses_lead_to_two_good_certificates_or_to_a_device_that_holds_another(deeds in vec(deed(), 1..80)) {
        let mut world = World::new();
        for deed in deeds {
            world.do_one(deed);
            world.check();
        }
        world.settle();
        assert!(world.swap.is_complete());
    }

    #[test]
    fn giving_up_at_any_point_ends_with_the_old_certificate_or_with_the_new_one(
        before in vec(deed(), 0..40),
        after in vec(deed(), 0..40),
    ) {
        let mut world = World::new();
        for deed in before.into_iter().chain([Deed::End]).chain(after) {
            world.do_one(deed);
            world.check();
        }
        world.settle();
        assert!(world.swap.is_over());
    }
}
