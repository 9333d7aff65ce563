//! Who waits for a thread: a lane for each party, the lanes taken in turn, so that a party with many jobs waits behind itself.
//!
//! Within a lane: first come, first served. A party that has nothing waiting has no lane and costs nothing. It does *not* know
//! what a party is.

use crate::workers::queue::Job;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// On whose behalf a job is done: whoever has a share of the threads of its own. [`Party::default`] is nobody in particular.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Party(Arc<str>);

impl From<&str> for Party {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// The jobs that wait.
#[derive(Default)]
pub(super) struct Lanes {
    /// None of them is empty.
    lanes: HashMap<Party, VecDeque<Job>>,
    /// The parties with a lane, in the order in which they are served next.
    order: VecDeque<Party>,
    waiting: usize,
}

impl Lanes {
    pub(super) fn push(&mut self, party: Party, job: Job) {
        self.waiting += 1;
        if let Some(lane) = self.lanes.get_mut(&party) {
            lane.push_back(job);
        } else {
            self.order.push_back(party.clone());
            self.lanes.insert(party, VecDeque::from([job]));
        }
    }

    /// Takes the first job of the party whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Job> {
        let party = self.order.pop_front()?;
        let lane = self.lanes.get_mut(&party)?;
        let job = lane.pop_front()?;
        self.waiting -= 1;
        if lane.is_empty() {
            self.lanes.remove(&party);
        } else {
            self.order.push_back(party);
        }
        Some(job)
    }

    /// How many jobs wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many jobs of a party wait.
    pub(super) fn of(&self, party: &Party) -> usize {
        self.lanes.get(party).map_or(0, VecDeque::len)
    }

    /// How many parties share the threads once one more job of this party waits.
    pub(super) fn parties_with(&self, party: &Party) -> usize {
        self.lanes.len() + usize::from(!self.lanes.contains_key(party))
    }

    /// How many jobs are begun, at most, before one more job of this party is: all of its own, and of the others as many each and
    /// one more.
    pub(super) fn ahead_of(&self, party: &Party) -> usize {
        let own = self.of(party);
        let others = self.lanes.iter().filter(|(other, _)| *other != party);
        own + others.map(|(_, lane)| lane.len().min(own + 1)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Takes the jobs in, each of which notes its name, and does them all; returns the names as they were done.
    fn order_of(names: &[(&str, &'static str)]) -> Vec<&'static str> {
        let (mut lanes, done) = (Lanes::default(), Arc::new(Mutex::new(Vec::new())));
        for &(party, name) in names {
            let done = Arc::clone(&done);
            let job: Job = Box::new(move || {
                done.lock().unwrap().push(name);
                Box::new(|| ())
            });
            lanes.push(Party::from(party), job);
        }
        assert_eq!(lanes.waiting(), names.len());
        while let Some(job) = lanes.pop() {
            job()();
        }
        assert_eq!((lanes.waiting(), lanes.order.len(), lanes.lanes.len()), (0, 0, 0));
        Arc::try_unwrap(done).unwrap().into_inner().unwrap()
    }

    #[test]
    fn h_09_parties_are_served_in_turn_and_each_in_its_own_order() {
        assert_eq!(
            order_of(&[("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("b", "b2"), ("c", "c1")]),
            ["a1", "b1", "c1", "a2", "b2", "a3"]
        );
    }

    #[test]
    fn h_09_what_is_ahead_of_a_newcomer_is_never_less_than_what_is_begun_before_it() {
        let (mut lanes, job) = (Lanes::default(), || -> Job { Box::new(|| Box::new(|| ())) });
        for party in ["a", "a", "a", "b"] {
            lanes.push(Party::from(party), job());
        }
        let ahead = |name| lanes.ahead_of(&Party::from(name));
        assert_eq!((ahead("a"), ahead("b"), ahead("c")), (4, 3, 2));
        assert_eq!(lanes.parties_with(&Party::from("a")), 2);
        assert_eq!(lanes.parties_with(&Party::from("c")), 3);
    }
}
