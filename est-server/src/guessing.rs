//! How often a password was wrong, by address and by user name, and who has to wait (`PP_CA` `FIA_AFL.1`).
//!
//! Bounded in memory and forgetful in time; a restart forgets everything. It does not know whether a user exists, so that
//! those who do and those who do not are treated alike. It is *not* a limit on requests that fail otherwise.

use std::collections::HashMap;
use std::mem::discriminant;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

/// How many failures are suffered, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessLimits {
    /// Failures from one IPv4 address or one IPv6 /64 network until it has to wait.
    pub failures_per_address: u32,
    /// Failures under one user name until it has to wait.
    pub failures_per_user: u32,
    /// How long the first wait is, in seconds; each later one is twice as long as the one before.
    pub wait_seconds: u32,
    /// How long a wait is at most, in seconds.
    pub max_wait_seconds: u32,
    /// How long after the last failure, or the end of the last wait, all is forgotten, in seconds.
    pub forget_seconds: u32,
    /// How many addresses, and how many user names, are remembered at most; beyond that the oldest are forgotten.
    pub capacity: usize,
}

impl Default for GuessLimits {
    /// 20 per address, since many devices may stand behind one; 5 per user name; a minute to an hour; forgotten after a
    /// quarter of an hour; 8,192 of each remembered.
    fn default() -> Self {
        Self {
            failures_per_address: 20,
            failures_per_user: 5,
            wait_seconds: 60,
            max_wait_seconds: 3_600,
            forget_seconds: 900,
            capacity: 8_192,
        }
    }
}

/// Who guesses: where from, or under which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Guesser {
    /// An IPv4 address, or the lowest address of an IPv6 /64 network.
    Address(IpAddr),
    /// The SHA-256 of a user name, which makes every name equally long.
    User([u8; 32]),
}

impl Guesser {
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    pub(crate) fn named(user: &str) -> Self {
        Self::User(Sha256::digest(user).into())
    }
}

/// Returns the address as it is, or the lowest of its IPv6 /64 network, which one subscriber has.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    waits: u32,
    last_failure: UnixTime,
    waits_until: UnixTime,
}

impl Record {
    const fn fresh(now: UnixTime) -> Self {
        Self { failures: 0, waits: 0, last_failure: now, waits_until: now }
    }

    /// A clock that has gone back makes a record worthless: better to forget a guess than to lock somebody out for long.
    fn is_forgotten(&self, now: UnixTime, limits: &GuessLimits) -> bool {
        let last = self.last_failure.max(self.waits_until);
        now < self.last_failure || now > last.plus_seconds(i64::from(limits.forget_seconds))
    }
}

/// Remembers failures.
#[derive(Debug)]
pub(crate) struct GuessWatch {
    limits: GuessLimits,
    records: Mutex<HashMap<Guesser, Record>>,
}

impl GuessWatch {
    pub(crate) fn new(limits: GuessLimits) -> Self {
        Self { limits, records: Mutex::default() }
    }

    /// Returns for how many seconds one of `guessers` still has to wait, if one does.
    pub(crate) fn wait(&self, now: UnixTime, guessers: &[Guesser]) -> Option<u64> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |guesser| {
            let record = records.get(guesser).filter(|record| !record.is_forgotten(now, &self.limits))?;
            u64::try_from(record.waits_until.seconds() - now.seconds()).ok().filter(|seconds| *seconds > 0)
        };
        guessers.iter().filter_map(left).max()
    }

    /// Notes that each of `guessers` was wrong.
    pub(crate) fn failed(&self, now: UnixTime, guessers: &[Guesser]) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for guesser in guessers {
            if !records.contains_key(guesser) {
                make_room(&mut records, guesser, now, &self.limits);
            }
            let record = records.entry(*guesser).or_insert_with(|| Record::fresh(now));
            if record.is_forgotten(now, &self.limits) {
                *record = Record::fresh(now);
            }
            record.last_failure = now;
            record.failures += 1;
            if record.failures >= self.suffered(guesser) {
                record.failures = 0;
                record.waits_until = now.plus_seconds(self.next_wait(record.waits));
                record.waits = record.waits.saturating_add(1);
            }
        }
    }

    const fn suffered(&self, guesser: &Guesser) -> u32 {
        match guesser {
            Guesser::Address(_) => self.limits.failures_per_address,
            Guesser::User(_) => self.limits.failures_per_user,
        }
    }

    fn next_wait(&self, waits: u32) -> i64 {
        let doubled = 1_u64.checked_shl(waits).unwrap_or(u64::MAX);
        let seconds = u64::from(self.limits.wait_seconds)
            .saturating_mul(doubled)
            .min(u64::from(self.limits.max_wait_seconds));
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

/// Addresses make room for addresses and names for names, so that a crowd of one kind does not wash away the other.
fn make_room(
    records: &mut HashMap<Guesser, Record>,
    newcomer: &Guesser,
    now: UnixTime,
    limits: &GuessLimits,
) {
    if records.len() < limits.capacity {
        return;
    }
    records.retain(|_, record| !record.is_forgotten(now, limits));
    let kind = discriminant(newcomer);
    let of_kind = || records.iter().filter(|(guesser, _)| discriminant(*guesser) == kind);
    if of_kind().count() < limits.capacity {
        return;
    }
    let oldest = of_kind()
        .min_by_key(|(_, record)| record.last_failure.max(record.waits_until))
        .map(|(guesser, _)| *guesser);
    if let Some(oldest) = oldest {
        records.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GuessLimits = GuessLimits {
        failures_per_address: 4,
        failures_per_user: 2,
        wait_seconds: 60,
        max_wait_seconds: 200,
        forget_seconds: 900,
        capacity: 3,
    };

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(1_795_219_200 + seconds)
    }

    fn address(last: u8) -> Guesser {
        Guesser::at(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn waits_begin_at_the_limit_double_and_stop_growing() {
        let watch = GuessWatch::new(LIMITS);
        let user = [Guesser::named("4D504B0001FEA042")];
        let mut now = 0;
        for wait in [60, 120, 200, 200] {
            watch.failed(at(now), &user);
            assert_eq!(watch.wait(at(now), &user), None);
            watch.failed(at(now), &user);
            assert_eq!(watch.wait(at(now), &user), Some(wait));
            now += i64::try_from(wait).unwrap();
            assert_eq!(watch.wait(at(now - 1), &user), Some(1));
            assert_eq!(watch.wait(at(now), &user), None);
        }
    }

    #[test]
    fn addresses_and_names_are_counted_apart() {
        let watch = GuessWatch::new(LIMITS);
        for user in ["a", "b", "c", "d"] {
            watch.failed(at(0), &[address(1), Guesser::named(user)]);
        }
        assert_eq!(watch.wait(at(0), &[address(1), Guesser::named("e")]), Some(60));
        assert_eq!(watch.wait(at(0), &[address(2), Guesser::named("a")]), None);
    }

    #[test]
    fn all_is_forgotten_after_a_quiet_time_and_when_the_clock_goes_back() {
        let watch = GuessWatch::new(LIMITS);
        let user = [Guesser::named("a")];
        watch.failed(at(0), &user);
        watch.failed(at(901), &user);
        assert_eq!(watch.wait(at(901), &user), None, "the first failure no longer counts");
        watch.failed(at(902), &user);
        assert_eq!(watch.wait(at(902), &user), Some(60));
        assert_eq!(watch.wait(at(-3_600), &user), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let watch = GuessWatch::new(LIMITS);
        for last in 0..100 {
            watch.failed(at(i64::from(last)), &[address(last)]);
            watch.failed(at(i64::from(last)), &[Guesser::named(&last.to_string())]);
            assert!(watch.records.lock().unwrap().len() <= 2 * LIMITS.capacity);
        }
        assert!(watch.records.lock().unwrap().contains_key(&address(99)));
        assert!(!watch.records.lock().unwrap().contains_key(&address(0)));
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_guesser() {
        let at = |text: &str| Guesser::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
