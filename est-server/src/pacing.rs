//! How often who may ask: token buckets for each client and each tenant, so that nobody who asks too much keeps others waiting.
//!
//! A client is whoever is known: a device, the owner of a token, a registration authority; where nobody is known, a network
//! address. Bounded in memory; a restart fills every bucket. A refusal is on record once a minute for each bucket, with the
//! number of those between that are not: a flood must not become one of records. It is *not* the limit on wrong passwords,
//! which is `guessing`, nor that on connections, which is the listener's.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ca_core::actor::{Actor, Identity};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::guessing::network;

/// How fast a bucket fills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run; 0 for no limit.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Of a network address, for requests of which nobody knows who sent them.
    pub address: Rate,
    /// Of a device, or the owner of a token.
    pub device: Rate,
    /// Of a registration authority.
    pub registration_authority: Rate,
    /// Of all clients of a tenant together.
    pub tenant: Rate,
    /// How many buckets of each kind are kept at most.
    pub capacity: usize,
}

impl RateLimits {
    /// No limits.
    pub const NONE: Self = {
        let none = Rate { per_second: 0, burst: 0 };
        Self { address: none, device: none, registration_authority: none, tenant: none, capacity: 0 }
    };
}

impl Default for RateLimits {
    /// What no sound installation comes near: an address 50 a second, a device 10, a registration authority 500, a tenant 1,000.
    fn default() -> Self {
        Self {
            address: Rate { per_second: 50, burst: 500 },
            device: Rate { per_second: 10, burst: 100 },
            registration_authority: Rate { per_second: 500, burst: 2_000 },
            tenant: Rate { per_second: 1_000, burst: 5_000 },
            capacity: 65_536,
        }
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Client,
    Tenant,
}

/// Somebody asked too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, try again in {wait_seconds} s")]
pub(crate) struct Excess {
    pub(crate) scope: Scope,
    /// When to ask again: one after another, as fast as the bucket fills.
    pub(crate) wait_seconds: u64,
    /// How many refusals before this one are not on record, where this one is to be.
    pub(crate) unrecorded: Option<u64>,
}

impl Excess {
    /// Returns the stable reason code.
    pub(crate) const fn code(&self) -> &'static str {
        match self.scope {
            Scope::Client => "limit.client",
            Scope::Tenant => "limit.tenant",
        }
    }
}

/// How often a refusal of one bucket is put on record.
const RECORD_SECONDS: i64 = 60;
/// The longest wait that is told.
const LONGEST_WAIT: u64 = 600;

/// All buckets.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: RateLimits,
    addresses: Buckets<IpAddr>,
    clients: Buckets<String>,
    tenants: Buckets<TenantId>,
}

impl Pace {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { limits, addresses: Buckets::new(), clients: Buckets::new(), tenants: Buckets::new() }
    }

    /// Counts a request of somebody who is known.
    pub(crate) fn admit(&self, now: UnixTime, actor: &Actor) -> Result<(), Excess> {
        let rate = match actor.identity {
            Identity::RegistrationAuthority(_) => self.limits.registration_authority,
            Identity::Device(_)
            | Identity::OneTimeToken { .. }
            | Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Unauthenticated { .. } => self.limits.device,
        };
        let client = format!("{} {actor}", actor.tenant);
        self.take(&self.clients, client, (rate, 1, now)).map_err(|excess| excess.of(Scope::Client))?;
        self.admit_many(now, &actor.tenant, 1)
    }

    /// Counts so many requests of a tenant.
    pub(crate) fn admit_many(&self, now: UnixTime, tenant: &TenantId, count: usize) -> Result<(), Excess> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let taken = self.take(&self.tenants, tenant.clone(), (self.limits.tenant, count, now));
        taken.map_err(|excess| excess.of(Scope::Tenant))
    }

    /// Counts a request of which nobody knows who sent it.
    pub(crate) fn admit_stranger(&self, now: UnixTime, address: IpAddr) -> Result<(), Excess> {
        let taken = self.take(&self.addresses, network(address), (self.limits.address, 1, now));
        taken.map_err(|excess| excess.of(Scope::Client))
    }

    fn take<K: Eq + Hash + Clone>(
        &self,
        buckets: &Buckets<K>,
        key: K,
        (rate, count, now): (Rate, u32, UnixTime),
    ) -> Result<(), Spill> {
        if rate.per_second == 0 {
            Ok(())
        } else {
            buckets.take(key, self.limits.capacity, (rate, count, now))
        }
    }
}

/// What a bucket says when it is empty.
struct Spill {
    wait_seconds: u64,
    unrecorded: Option<u64>,
}

impl Spill {
    const fn of(self, scope: Scope) -> Excess {
        Excess { scope, wait_seconds: self.wait_seconds, unrecorded: self.unrecorded }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: u32,
    /// How many were sent away and told when to come back.
    promised: u32,
    filled_at: UnixTime,
    recorded_at: Option<UnixTime>,
    unrecorded: u64,
}

impl Bucket {
    const fn full(rate: Rate, now: UnixTime) -> Self {
        Self { tokens: rate.burst, promised: 0, filled_at: now, recorded_at: None, unrecorded: 0 }
    }

    /// A clock that has gone back fills nothing.
    fn fill(&mut self, rate: Rate, now: UnixTime) {
        let seconds = now.seconds().saturating_sub(self.filled_at.seconds()).max(0);
        let new = u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(rate.per_second);
        self.tokens = self.tokens.saturating_add(new).min(rate.burst);
        self.promised = self.promised.saturating_sub(new);
        self.filled_at = now;
    }

    fn take(&mut self, rate: Rate, count: u32, now: UnixTime) -> Result<(), Spill> {
        self.fill(rate, now);
        // More than a bucket holds is what it holds.
        match self.tokens.checked_sub(count.min(rate.burst)) {
            Some(tokens) => {
                self.tokens = tokens;
                Ok(())
            }
            None => {
                self.promised = self.promised.saturating_add(count);
                let turn = u64::from(self.promised).div_ceil(u64::from(rate.per_second.max(1)));
                Err(Spill { wait_seconds: turn.clamp(1, LONGEST_WAIT), unrecorded: self.note_refusal(now) })
            }
        }
    }

    fn note_refusal(&mut self, now: UnixTime) -> Option<u64> {
        let due = |at: UnixTime| now < at || now >= at.plus_seconds(RECORD_SECONDS);
        if self.recorded_at.is_none_or(due) {
            self.recorded_at = Some(now);
            Some(std::mem::take(&mut self.unrecorded))
        } else {
            self.unrecorded += 1;
            None
        }
    }
}

/// The buckets of one kind.
#[derive(Debug)]
struct Buckets<K> {
    known: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    fn new() -> Self {
        Self { known: Mutex::default() }
    }

    fn take(&self, key: K, capacity: usize, (rate, count, now): (Rate, u32, UnixTime)) -> Result<(), Spill> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= capacity && !known.contains_key(&key) {
            make_room(&mut known, rate, now);
        }
        known.entry(key).or_insert_with(|| Bucket::full(rate, now)).take(rate, count, now)
    }
}

/// A bucket that is full again is as good as none. Where all are in use, any half of them goes, which is rare and costs each
/// newcomer little.
fn make_room<K: Eq + Hash + Clone>(known: &mut HashMap<K, Bucket>, rate: Rate, now: UnixTime) {
    let before = known.len();
    known.retain(|_, bucket| {
        bucket.fill(rate, now);
        bucket.tokens < rate.burst
    });
    if known.len() > before / 2 {
        let mut kept = false;
        known.retain(|_, _| {
            kept = !kept;
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RateLimits = RateLimits {
        address: Rate { per_second: 2, burst: 4 },
        device: Rate { per_second: 1, burst: 2 },
        registration_authority: Rate { per_second: 10, burst: 10 },
        tenant: Rate { per_second: 5, burst: 5 },
        capacity: 8,
    };

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(1_795_219_200 + seconds)
    }

    fn operator(tenant: &str, name: &str) -> Actor {
        let tenant = TenantId::parse(tenant).unwrap();
        Actor { tenant, identity: Identity::Unauthenticated { peer: name.to_owned() } }
    }

    #[test]
    fn t_18_one_client_and_one_tenant_have_their_own_limits() {
        let pace = Pace::new(LIMITS);
        let scope = |actor: &Actor| pace.admit(at(0), actor).map_err(|excess| excess.scope);
        let noisy = operator("maker", "1");
        assert_eq!((scope(&noisy), scope(&noisy)), (Ok(()), Ok(())));
        assert_eq!(scope(&noisy), Err(Scope::Client));
        assert_eq!(scope(&operator("maker", "2")), Ok(()));
        assert_eq!(scope(&operator("maker", "3")), Ok(()));
        assert_eq!(scope(&operator("maker", "4")), Ok(()));
        assert_eq!(scope(&operator("maker", "5")), Err(Scope::Tenant), "five of one tenant");
        assert_eq!(scope(&operator("other", "1")), Ok(()), "the other tenant does not notice");
        assert_eq!(pace.admit(at(1), &noisy), Ok(()));
    }

    #[test]
    fn those_who_are_sent_away_come_back_one_after_another() {
        let pace = Pace::new(LIMITS);
        let tenant = TenantId::parse("maker").unwrap();
        pace.admit_many(at(0), &tenant, 5).unwrap();
        let waits: Vec<u64> =
            (0..20).map(|_| pace.admit_many(at(0), &tenant, 1).unwrap_err().wait_seconds).collect();
        assert_eq!(waits, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4]);
        assert_eq!(pace.admit_many(at(4), &tenant, 1), Ok(()));
        assert_eq!(pace.admit_many(at(60), &tenant, 1_000), Ok(()), "more than it holds is what it holds");
    }

    #[test]
    fn a_flood_is_on_record_once_a_minute_with_the_number_of_what_is_not() {
        let pace = Pace::new(LIMITS);
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..4 {
            pace.admit_stranger(at(0), address).unwrap();
        }
        let recorded: Vec<u64> = (0..240)
            .filter_map(|turn| pace.admit_stranger(at(turn / 8), address).err())
            .filter_map(|excess| excess.unrecorded)
            .collect();
        assert_eq!(recorded, [0], "of many refusals in half a minute");
        let later =
            (0..8).filter_map(|_| pace.admit_stranger(at(61), address).err()?.unrecorded).collect::<Vec<_>>();
        assert!(matches!(later.as_slice(), [unrecorded] if *unrecorded > 150), "{later:?}");
    }

    #[test]
    fn memory_is_bounded_and_a_clock_that_goes_back_locks_nobody_out() {
        let pace = Pace::new(LIMITS);
        for last in 0..200 {
            let _ = pace.admit_stranger(at(0), IpAddr::from([192, 0, 2, last]));
            assert!(pace.addresses.known.lock().unwrap().len() <= LIMITS.capacity);
        }
        let address = IpAddr::from([192, 0, 2, 199]);
        while pace.admit_stranger(at(0), address).is_ok() {}
        assert!(pace.admit_stranger(at(-3_600), address).is_err());
        assert!(pace.admit_stranger(at(-3_599), address).is_ok());
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let pace = Pace::new(RateLimits::NONE);
        assert!((0..10_000).all(|_| pace.admit(at(0), &operator("maker", "1")).is_ok()));
        assert!(pace.clients.known.lock().unwrap().is_empty());
    }
}
