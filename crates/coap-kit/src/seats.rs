//! Who has a place and who may ask: connections in all, per address and in handshakes; and requests per address and time.
//!
//! An address is an IPv4 address or an IPv6 /64 network. A place is given only to who has proved that its address can be
//! reached, so that nobody takes another one's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{CoapsLimits, RawCoapsLimits};

const MINUTE: Duration = Duration::from_secs(60);

/// The places of a listener. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    limits: Arc<RawCoapsLimits>,
    room: Arc<Mutex<Room>>,
}

#[derive(Debug, Default)]
struct Room {
    connections: usize,
    handshakes: usize,
    accounts: HashMap<IpAddr, Account>,
}

/// One address.
#[derive(Debug)]
struct Account {
    connections: usize,
    /// When all that was asked would have been asked at the steady pace.
    paid_until: Instant,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// There are as many connections as may be.
    InAll,
    /// There are as many from this address as may be.
    Address,
    /// There are as many unfinished handshakes as may be.
    Handshakes,
}

impl Full {
    /// Returns the stable reason code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InAll => "full",
            Self::Address => "full_address",
            Self::Handshakes => "full_handshakes",
        }
    }
}

impl Seats {
    pub(crate) fn new(limits: &CoapsLimits) -> Self {
        Self { limits: Arc::new(limits.raw().clone()), room: Arc::default() }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a handshake.
    pub(crate) fn take(&self, peer: SocketAddr, now: Instant) -> Result<Seat, Full> {
        let address = neighbourhood(peer.ip());
        let mut room = self.room();
        if let Some(full) = self.is_full(&room, address) {
            return Err(full);
        }
        // Accounts outlive connections while they owe something, and no longer.
        if room.accounts.len() >= 2 * self.limits.max_connections {
            room.accounts.retain(|_, account| account.connections > 0 || account.paid_until > now);
        }
        room.connections += 1;
        room.handshakes += 1;
        let account = room.accounts.entry(address).or_insert(Account { connections: 0, paid_until: now });
        account.connections += 1;
        drop(room);
        Ok(Seat { seats: self.clone(), address, in_handshake: true })
    }

    /// Tells whether somebody from this address would get no place.
    pub(crate) fn full(&self, peer: SocketAddr) -> Option<Full> {
        self.is_full(&self.room(), neighbourhood(peer.ip()))
    }

    fn is_full(&self, room: &Room, address: IpAddr) -> Option<Full> {
        let from_there = room.accounts.get(&address).map_or(0, |account| account.connections);
        if room.connections >= self.limits.max_connections {
            Some(Full::InAll)
        } else if from_there >= self.limits.max_connections_per_address {
            Some(Full::Address)
        } else if room.handshakes >= self.limits.max_handshakes {
            Some(Full::Handshakes)
        } else {
            None
        }
    }
}

/// One place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    address: IpAddr,
    in_handshake: bool,
}

impl Seat {
    /// The handshake has ended.
    pub(crate) fn established(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            self.seats.room().handshakes -= 1;
        }
    }

    /// Counts a request, or returns how long to wait before the next one.
    pub(crate) fn may_ask(&self, now: Instant) -> Result<(), Duration> {
        let limits = &self.seats.limits;
        let pace = MINUTE / limits.requests_per_minute;
        let ahead = pace * limits.requests_at_once;
        let mut room = self.seats.room();
        let Some(account) = room.accounts.get_mut(&self.address) else { return Ok(()) };
        let paid_until = account.paid_until.max(now) + pace;
        let wait = paid_until.saturating_duration_since(now + ahead);
        if wait.is_zero() {
            account.paid_until = paid_until;
            Ok(())
        } else {
            Err(wait)
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.established();
        let mut room = self.seats.room();
        room.connections -= 1;
        if let Some(account) = room.accounts.get_mut(&self.address) {
            account.connections -= 1;
        }
    }
}

/// What counts as one address.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(raw: RawCoapsLimits) -> Seats {
        Seats::new(&CoapsLimits::try_from(raw).unwrap())
    }

    fn peer(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 1_000).into()
    }

    #[test]
    fn no_more_connections_than_may_be_in_all_per_address_and_in_handshakes() {
        let now = Instant::now();
        let raw = RawCoapsLimits {
            max_connections: 3,
            max_connections_per_address: 2,
            max_handshakes: 2,
            ..RawCoapsLimits::default()
        };
        let seats = seats(raw);
        let mut first = seats.take(peer(1), now).unwrap();
        let second = seats.take(peer(1), now).unwrap();
        assert_eq!(seats.full(peer(1)), Some(Full::Address));
        assert_eq!(seats.take(peer(2), now).err(), Some(Full::Handshakes));
        first.established();
        let third = seats.take(peer(2), now).unwrap();
        assert_eq!(seats.full(peer(3)), Some(Full::InAll));
        drop((second, third));
        assert_eq!(seats.full(peer(1)), None);
        drop(first);
        let room = seats.room();
        assert_eq!((room.connections, room.handshakes), (0, 0));
    }

    #[test]
    fn neighbours_of_one_ipv6_network_count_as_one() {
        let raw = RawCoapsLimits { max_connections_per_address: 1, ..RawCoapsLimits::default() };
        let seats = seats(raw);
        let there = |text: &str| SocketAddr::new(text.parse().unwrap(), 1);
        let _seat = seats.take(there("2001:db8::1"), Instant::now()).unwrap();
        assert_eq!(seats.full(there("2001:db8::2")), Some(Full::Address));
        assert_eq!(seats.full(there("2001:db8:0:1::1")), None);
        let _mapped = seats.take(there("::ffff:192.0.2.1"), Instant::now()).unwrap();
        assert_eq!(seats.full(peer(1)), Some(Full::Address));
    }

    #[test]
    fn an_address_asks_as_often_as_it_may_whatever_its_connections() {
        let raw =
            RawCoapsLimits { requests_per_minute: 60, requests_at_once: 3, ..RawCoapsLimits::default() };
        let (seats, now) = (seats(raw), Instant::now());
        let (one, two) = (seats.take(peer(1), now).unwrap(), seats.take(peer(1), now).unwrap());
        assert_eq!([one.may_ask(now), two.may_ask(now), one.may_ask(now)], [Ok(()); 3]);
        assert_eq!(two.may_ask(now), Err(Duration::from_secs(1)));
        drop((one, two));
        let again = seats.take(peer(1), now).unwrap();
        assert_eq!(again.may_ask(now), Err(Duration::from_secs(1)), "a new connection forgets nothing");
        assert_eq!(again.may_ask(now + Duration::from_secs(1)), Ok(()));
        assert_eq!(seats.take(peer(2), now).unwrap().may_ask(now), Ok(()));
    }

    #[test]
    fn accounts_that_owe_nothing_are_forgotten() {
        let raw = RawCoapsLimits {
            max_connections: 2,
            max_connections_per_address: 2,
            max_handshakes: 2,
            ..RawCoapsLimits::default()
        };
        let (seats, now) = (seats(raw), Instant::now());
        for last in 0..100 {
            drop(seats.take(peer(last), now).unwrap());
        }
        assert!(seats.room().accounts.len() <= 4);
    }
}
