//! Who is connected, how many of them, and who has been waiting longest for its client.
//!
//! When the house is full, a newcomer takes the seat of the connection that has been waiting longest for its client (for
//! a handshake, a request, the rest of a head or of a body): thousands of stalled connections then lose their seats to those who
//! come to do something, and cannot starve them. A connection whose request is being answered keeps its seat; when
//! all do, the newcomer waits, or is turned away where nobody can be let wait.
//!
//! A client on its way to its first request loses its seat only when that takes much longer than handshakes have been taking: in a
//! crowd of honest clients each newcomer would otherwise undo what the one before has begun. Where too many are in a handshake,
//! those who have not said their hello give way at once. It is *not* a rate limiter.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// A step on the way to the first request that takes so many times as long as a handshake is given up for a newcomer.
const STALLED: u32 = 4;

/// Until somebody leaves.
const LONG: Duration = Duration::from_secs(3_600);

/// How many may sit, in all, per address, and in a handshake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seats {
    pub(super) in_all: usize,
    pub(super) per_address: usize,
    pub(super) handshakes: usize,
}

#[derive(Debug)]
pub(super) struct Roster {
    seats: Seats,
    book: Mutex<Book>,
    /// A seat was left, or its connection waits for its client again.
    eased: Notify,
}

/// All indices hold the same connections: `rows` by number, the others those of them that wait, oldest turn first.
#[derive(Debug, Default)]
struct Book {
    last_number: u64,
    last_turn: u64,
    rows: HashMap<u64, Row>,
    per_network: HashMap<IpAddr, usize>,
    waiting: BTreeMap<u64, u64>,
    waiting_by_network: BTreeSet<(IpAddr, u64)>,
    /// The turns of those who have not said their hello.
    hellos: BTreeSet<u64>,
    /// The turns of those who have, and have not shaken hands.
    handshakes: BTreeSet<u64>,
    /// The turns of all who are on their way to their first request, and since when.
    arriving: BTreeMap<u64, Instant>,
    /// How long a handshake takes: the mean of the last few that came to an end.
    handshake_takes: Duration,
}

#[derive(Debug)]
struct Row {
    network: IpAddr,
    turn: Option<u64>,
    displaced: watch::Sender<bool>,
}

/// What a connection that waits for its client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// The first message of a handshake, which clients have at hand: nothing has been spent on it.
    Hello,
    /// The rest of it.
    Handshake,
    /// The first request.
    FirstRequest,
    /// The rest of a request, or the next one.
    Request,
}

/// Why a newcomer is turned away. The codes stand in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnedAway {
    Full,
    AddressFull,
}

impl TurnedAway {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
        }
    }
}

/// A place in the roster, given back on drop.
#[derive(Debug)]
pub(super) struct Seat {
    roster: Arc<Roster>,
    number: u64,
    displaced: watch::Receiver<bool>,
}

impl Roster {
    pub(super) fn new(seats: Seats) -> Arc<Self> {
        Arc::new(Self { seats, book: Mutex::default(), eased: Notify::new() })
    }

    /// Waits until a newcomer to a handshake, whoever it is, would find a seat. One at a time may wait.
    pub(super) async fn has_room(&self) {
        loop {
            let full_until = self.lock().full_until(&self.seats);
            let Some(until) = full_until else { return };
            // Whichever comes first, it is looked at anew.
            drop(tokio::time::timeout_at(until, self.eased.notified()).await);
        }
    }

    /// Gives a newcomer a seat, at the cost of another who waits if need be.
    ///
    /// # Errors
    /// [`TurnedAway`] when all seats, or all of this address, belong to connections at work.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, awaits: Awaits) -> Result<Seat, TurnedAway> {
        let network = network_of(address);
        let mut book = self.lock();
        let of_network = book.per_network.get(&network).copied().unwrap_or(0);
        if of_network >= self.seats.per_address && !book.displace_one_of(network) {
            return Err(TurnedAway::AddressFull);
        }
        if awaits == Awaits::Hello && book.in_handshakes() >= self.seats.handshakes {
            book.displace_one_in_handshake();
        }
        if book.rows.len() >= self.seats.in_all && !book.displace_one() {
            return Err(TurnedAway::Full);
        }
        let (number, displaced) = book.seat(network);
        book.wait(number, awaits);
        Ok(Seat { roster: Arc::clone(self), number, displaced })
    }

    /// Takes the seat of whoever has been waiting longest. Returns whether there was one.
    pub(super) fn displace_one(&self) -> bool {
        self.lock().displace_one()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// From now on the connection waits for its client, and may lose its seat.
    pub(super) fn waits(&self, awaits: Awaits) {
        self.roster.lock().wait(self.number, awaits);
        self.roster.eased.notify_one();
    }

    /// From now on the server is at work for this connection.
    pub(super) fn at_work(&self) {
        self.roster.lock().stop_waiting(self.number);
    }

    /// Waits until the seat is lost. The connection must then close.
    pub(super) fn displaced(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut displaced = self.displaced.clone();
        async move {
            // The sender is dropped with the row, and the row only by a displacement or by this seat itself.
            let _gone = displaced.wait_for(|displaced| *displaced).await.is_err();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.roster.lock().leave(self.number);
        self.roster.eased.notify_one();
    }
}

impl Book {
    fn seat(&mut self, network: IpAddr) -> (u64, watch::Receiver<bool>) {
        self.last_number += 1;
        let (displaced, is_displaced) = watch::channel(false);
        self.rows.insert(self.last_number, Row { network, turn: None, displaced });
        *self.per_network.entry(network).or_default() += 1;
        (self.last_number, is_displaced)
    }

    fn wait(&mut self, number: u64, awaits: Awaits) {
        if let Some(since) = self.stop_waiting(number) {
            self.handshake_took(since.elapsed());
        }
        let Some(row) = self.rows.get_mut(&number) else {
            return;
        };
        self.last_turn += 1;
        row.turn = Some(self.last_turn);
        self.waiting.insert(self.last_turn, number);
        self.waiting_by_network.insert((row.network, self.last_turn));
        match awaits {
            Awaits::Hello => drop(self.hellos.insert(self.last_turn)),
            Awaits::Handshake => drop(self.handshakes.insert(self.last_turn)),
            Awaits::FirstRequest | Awaits::Request => {}
        }
        if awaits != Awaits::Request {
            self.arriving.insert(self.last_turn, Instant::now());
        }
    }

    /// Returns since when it was in a handshake, if it was.
    fn stop_waiting(&mut self, number: u64) -> Option<Instant> {
        let row = self.rows.get_mut(&number)?;
        let turn = row.turn.take()?;
        self.waiting.remove(&turn);
        self.waiting_by_network.remove(&(row.network, turn));
        self.hellos.remove(&turn);
        let since = self.arriving.remove(&turn);
        since.filter(|_| self.handshakes.remove(&turn))
    }

    fn handshake_took(&mut self, time: Duration) {
        let mean = self.handshake_takes;
        self.handshake_takes = if mean.is_zero() { time } else { (mean * 7 + time) / 8 };
    }

    fn leave(&mut self, number: u64) -> Option<Row> {
        self.stop_waiting(number);
        let row = self.rows.remove(&number)?;
        if let Some(count) = self.per_network.get_mut(&row.network) {
            *count -= 1;
            if *count == 0 {
                self.per_network.remove(&row.network);
            }
        }
        Some(row)
    }

    fn in_handshakes(&self) -> usize {
        self.hellos.len() + self.handshakes.len()
    }

    /// Until when a newcomer to a handshake can have no seat, unless something changes before; nothing where it can have one.
    fn full_until(&self, seats: &Seats) -> Option<Instant> {
        let nobody_waits_but_those_who_arrive = self.waiting.len() == self.arriving.len();
        let oldest = if self.in_handshakes() >= seats.handshakes {
            self.hellos.is_empty().then(|| self.handshakes.first())?
        } else if self.rows.len() >= seats.in_all && nobody_waits_but_those_who_arrive {
            self.arriving.keys().next()
        } else {
            return None;
        };
        let since = oldest.and_then(|turn| self.arriving.get(turn));
        let until = since.map_or_else(|| Instant::now() + LONG, |since| self.stalled_at(*since));
        Some(until).filter(|until| *until > Instant::now())
    }

    fn stalled_at(&self, since: Instant) -> Instant {
        since + self.handshake_takes.saturating_mul(STALLED)
    }

    /// Whether whoever has this turn has no claim to its seat any more.
    fn may_lose(&self, turn: u64) -> bool {
        self.arriving.get(&turn).is_none_or(|since| self.stalled_at(*since) <= Instant::now())
    }

    fn displace_one(&mut self) -> bool {
        let turn = self.waiting.keys().copied().find(|turn| self.may_lose(*turn));
        self.displace(turn)
    }

    fn displace_one_of(&mut self, network: IpAddr) -> bool {
        let of_network = self.waiting_by_network.range((network, 0)..=(network, u64::MAX));
        let turn = of_network.map(|(_, turn)| *turn).find(|turn| self.may_lose(*turn));
        self.displace(turn)
    }

    /// Of those with a hello the oldest, however young it is: whoever admits has waited for room.
    fn displace_one_in_handshake(&mut self) -> bool {
        let turn = self.hellos.first().or_else(|| self.handshakes.first()).copied();
        self.displace(turn)
    }

    fn displace(&mut self, turn: Option<u64>) -> bool {
        let number = turn.and_then(|turn| self.waiting.get(&turn).copied());
        let Some(row) = number.and_then(|number| self.leave(number)) else {
            return false;
        };
        row.displaced.send_replace(true);
        true
    }
}

/// What counts as one address: an IPv4 address, also when written as IPv6, or an IPv6 /64, since one host has all of it.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(in_all: usize, per_address: usize, handshakes: usize) -> Arc<Roster> {
        Roster::new(Seats { in_all, per_address, handshakes })
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn lost(seat: &Seat) -> bool {
        *seat.displaced.borrow()
    }

    #[test]
    fn a_newcomer_takes_the_seat_of_who_waited_longest() {
        let roster = roster(2, 2, 2);
        let first = roster.admit(ip(1), Awaits::Request).unwrap();
        let second = roster.admit(ip(2), Awaits::Request).unwrap();
        first.at_work();
        first.waits(Awaits::Request);
        let third = roster.admit(ip(3), Awaits::Request).unwrap();
        assert_eq!((lost(&first), lost(&second), lost(&third)), (false, true, false));
        assert_eq!(roster.lock().rows.len(), 2);
    }

    #[test]
    fn who_is_at_work_keeps_the_seat() {
        let roster = roster(1, 1, 1);
        let seat = roster.admit(ip(1), Awaits::Request).unwrap();
        seat.at_work();
        assert_eq!(roster.admit(ip(2), Awaits::Request).unwrap_err(), TurnedAway::Full);
        assert!(!lost(&seat));
        drop(seat);
        roster.admit(ip(2), Awaits::Request).unwrap();
    }

    #[tokio::test]
    async fn a_house_full_of_work_has_room_once_somebody_waits_again_or_leaves() {
        let roster = roster(2, 2, 2);
        let first = roster.admit(ip(1), Awaits::Request).unwrap();
        let second = roster.admit(ip(2), Awaits::Request).unwrap();
        first.at_work();
        roster.has_room().await;
        second.at_work();
        let is_full = async || tokio::time::timeout(Duration::ZERO, roster.has_room()).await.is_err();
        assert!(is_full().await);
        first.waits(Awaits::Request);
        roster.has_room().await;
        first.at_work();
        assert!(is_full().await);
        tokio::join!(roster.has_room(), async { drop(second) });
    }

    #[test]
    fn one_address_cannot_take_the_seats_of_others() {
        let roster = roster(10, 2, 10);
        let other = roster.admit(ip(9), Awaits::Request).unwrap();
        let seats: Vec<_> = (0..5).map(|_| roster.admit(ip(1), Awaits::Request).unwrap()).collect();
        assert!(!lost(&other));
        assert_eq!(seats.iter().map(lost).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert_eq!(roster.lock().rows.len(), 3);
        seats[3].at_work();
        seats[4].at_work();
        assert_eq!(roster.admit(ip(1), Awaits::Request).unwrap_err(), TurnedAway::AddressFull);
    }

    #[test]
    fn handshakes_have_their_own_cap() {
        let roster = roster(10, 10, 2);
        let first = roster.admit(ip(1), Awaits::Hello).unwrap();
        let second = roster.admit(ip(2), Awaits::Hello).unwrap();
        let third = roster.admit(ip(3), Awaits::Hello).unwrap();
        assert_eq!((lost(&first), lost(&second), lost(&third)), (true, false, false));
    }

    // K-14: where all others are at work, a newcomer does not undo what the one before has begun; T-02: unless that one stalls.
    #[tokio::test(start_paused = true)]
    async fn k_14_t_02_newcomers_to_a_house_full_of_work_do_not_displace_one_another() {
        let roster = roster(2, 2, 2);
        let worker = roster.admit(ip(1), Awaits::Hello).unwrap();
        worker.waits(Awaits::Handshake);
        tokio::time::advance(Duration::from_millis(100)).await;
        worker.waits(Awaits::FirstRequest);
        worker.at_work();
        for step in [Awaits::Hello, Awaits::Handshake, Awaits::FirstRequest] {
            let arriving = roster.admit(ip(2), Awaits::Hello).unwrap();
            arriving.waits(step);
            assert_eq!(roster.admit(ip(3), Awaits::Hello).unwrap_err(), TurnedAway::Full, "{step:?}");
            roster.has_room().await;
            drop(roster.admit(ip(3), Awaits::Hello).unwrap());
            assert!(lost(&arriving), "{step:?}");
        }
    }

    // K-14: in a crowd of honest clients a newcomer waits; T-05: who stalls makes room for it.
    #[tokio::test(start_paused = true)]
    async fn k_14_t_05_a_handshake_keeps_its_seat_for_some_times_as_long_as_they_take() {
        let roster = roster(10, 10, 2);
        let begin = |address| {
            let seat = roster.admit(address, Awaits::Hello).unwrap();
            seat.waits(Awaits::Handshake);
            seat
        };
        let quick = begin(ip(1));
        tokio::time::advance(Duration::from_millis(100)).await;
        quick.waits(Awaits::Request);
        let first = begin(ip(2));
        let silent = roster.admit(ip(3), Awaits::Hello).unwrap();
        let begun = Instant::now();
        roster.has_room().await;
        assert!(begun.elapsed().is_zero(), "who has said nothing goes at once");
        let _third = begin(ip(4));
        assert_eq!((lost(&first), lost(&silent)), (false, true));
        roster.has_room().await;
        assert_eq!(begun.elapsed().as_millis() / 10, 40, "four times as long as the quick one took");
        let _fourth = begin(ip(5));
        assert!(lost(&first));
    }

    #[test]
    fn all_of_a_64_network_is_one_address() {
        let roster = roster(10, 1, 10);
        let first = roster.admit("2001:db8:1:2::1".parse().unwrap(), Awaits::Request).unwrap();
        let second = roster.admit("2001:db8:1:2:ffff::9".parse().unwrap(), Awaits::Request).unwrap();
        let third = roster.admit("2001:db8:1:3::1".parse().unwrap(), Awaits::Request).unwrap();
        assert_eq!((lost(&first), lost(&second), lost(&third)), (true, false, false));
        let fourth = roster.admit("::ffff:192.0.2.1".parse().unwrap(), Awaits::Request).unwrap();
        let fifth = roster.admit(ip(1), Awaits::Request).unwrap();
        assert_eq!((lost(&fourth), lost(&fifth)), (true, false));
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let roster = roster(3, 2, 1);
        for turn in 0..20 {
            let seat = roster.admit(ip(turn % 3), Awaits::Hello).unwrap();
            seat.waits(Awaits::Request);
            if turn % 2 == 0 {
                seat.at_work();
            }
        }
        let book = roster.lock();
        assert!(book.rows.is_empty() && book.per_network.is_empty());
        assert!(book.waiting.is_empty() && book.waiting_by_network.is_empty() && book.handshakes.is_empty());
    }
}
