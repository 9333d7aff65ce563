//! Who is connected, how many of them, and who has been waiting longest for its client.
//!
//! When the house is full, a newcomer takes the seat of the connection that has been waiting longest for its client (for
//! a handshake, a request, the rest of a head or of a body): thousands of stalled connections then lose their seats to those who
//! come to do something, and cannot starve them. A connection whose request is being answered keeps its seat; when
//! all do, the newcomer waits, or is turned away where nobody can be let wait.
//!
//! A client on its way to its first request loses its seat only where the step it is at is at a standstill: in a crowd of honest
//! clients each newcomer would otherwise undo what the one before has begun. Who has said its hello
//! waits, in turn, for a place among the handshakes: that wait is the server's, and costs nobody a seat. It is *not* a rate
//! limiter.

mod fading;
mod step;

use self::step::{Leeway, Step};
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

/// A client has its hello at hand.
const HELLO: Leeway = Leeway { usual: Duration::from_secs(1), in_a_flood: Duration::from_millis(250) };

/// In the rest of the handshake a small device agrees on a key, checks a path and signs.
const HANDSHAKE: Leeway = Leeway { usual: Duration::from_secs(3), in_a_flood: Duration::from_secs(1) };

/// A first request takes a slow link its time, and the device none.
const FIRST_REQUEST: Leeway = Leeway { usual: Duration::from_secs(1), in_a_flood: Duration::from_secs(1) };

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
    /// A seat was left, or its connection waits for its client again: for who waits at the door.
    eased: Notify,
    /// The same, for who is next in line for a handshake.
    handshakes_eased: Notify,
    /// Those who have said their hello, one after another.
    line: tokio::sync::Mutex<()>,
}

/// All indices hold the same connections: `rows` by number, the others those of them that wait, oldest turn first.
#[derive(Debug)]
struct Book {
    last_number: u64,
    last_turn: u64,
    rows: HashMap<u64, Row>,
    per_network: HashMap<IpAddr, usize>,
    waiting: BTreeMap<u64, u64>,
    waiting_by_network: BTreeSet<(IpAddr, u64)>,
    /// Who is on the way to its first request, by the step it is at.
    hellos: Step,
    handshakes: Step,
    first_requests: Step,
}

#[derive(Debug)]
struct Row {
    network: IpAddr,
    turn: Option<u64>,
    awaits: Awaits,
    displaced: watch::Sender<Option<Awaits>>,
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

impl Awaits {
    /// Why a connection ended that lost its seat meanwhile. The codes stand in the metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Hello => "displaced_hello",
            Self::Handshake => "displaced_handshake",
            Self::FirstRequest => "displaced_first_request",
            Self::Request => "displaced_request",
        }
    }
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
    displaced: watch::Receiver<Option<Awaits>>,
}

impl Roster {
    pub(super) fn new(seats: Seats) -> Arc<Self> {
        Arc::new(Self {
            seats,
            book: Mutex::new(Book::new()),
            eased: Notify::new(),
            handshakes_eased: Notify::new(),
            line: tokio::sync::Mutex::default(),
        })
    }

    /// Waits until a newcomer, whoever it is, would find a seat. One at a time may wait.
    pub(super) async fn has_room(&self) {
        loop {
            let full_until = self.lock().full_until(self.seats.in_all);
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

    fn ease(&self) {
        self.eased.notify_one();
        self.handshakes_eased.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// From now on the connection waits for its client, and may lose its seat.
    pub(super) fn waits(&self, awaits: Awaits) {
        self.roster.lock().wait(self.number, awaits);
        self.roster.ease();
    }

    /// The client has said its hello: waits for its turn among the handshakes, and then for the rest of this one.
    ///
    /// Where all places are taken, the oldest handshake that stalls gives up its own.
    pub(super) async fn waits_for_handshake(&self) {
        self.at_work();
        let _next = self.roster.line.lock().await;
        loop {
            let full_until = self.roster.lock().enter_handshake(self.number, self.roster.seats.handshakes);
            let Some(until) = full_until else { break };
            // Whichever comes first, it is looked at anew.
            drop(tokio::time::timeout_at(until, self.roster.handshakes_eased.notified()).await);
        }
        self.roster.ease();
    }

    /// From now on the server is at work for this connection.
    pub(super) fn at_work(&self) {
        self.roster.lock().work(self.number);
    }

    /// Waits until the seat is lost, and tells what its client was waited for. The connection must then close.
    pub(super) fn displaced(&self) -> impl Future<Output = Awaits> + Send + use<> {
        let mut displaced = self.displaced.clone();
        async move {
            // The sender is dropped with the row, and the row only by a displacement or by this seat itself.
            let awaited = displaced.wait_for(Option::is_some).await;
            awaited.ok().and_then(|awaited| *awaited).unwrap_or(Awaits::Request)
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.roster.lock().leave(self.number);
        self.roster.ease();
    }
}

impl Book {
    fn new() -> Self {
        Self {
            last_number: 0,
            last_turn: 0,
            rows: HashMap::new(),
            per_network: HashMap::new(),
            waiting: BTreeMap::new(),
            waiting_by_network: BTreeSet::new(),
            hellos: Step::new(HELLO),
            handshakes: Step::new(HANDSHAKE),
            first_requests: Step::new(FIRST_REQUEST),
        }
    }

    fn seat(&mut self, network: IpAddr) -> (u64, watch::Receiver<Option<Awaits>>) {
        self.last_number += 1;
        let (displaced, is_displaced) = watch::channel(None);
        let row = Row { network, turn: None, awaits: Awaits::Request, displaced };
        self.rows.insert(self.last_number, row);
        *self.per_network.entry(network).or_default() += 1;
        (self.last_number, is_displaced)
    }

    fn wait(&mut self, number: u64, awaits: Awaits) {
        self.work(number);
        let Some(row) = self.rows.get_mut(&number) else {
            return;
        };
        self.last_turn += 1;
        let turn = self.last_turn;
        (row.turn, row.awaits) = (Some(turn), awaits);
        self.waiting.insert(turn, number);
        self.waiting_by_network.insert((row.network, turn));
        if let Some(step) = self.step(awaits) {
            step.begun.insert(turn, Instant::now());
        }
    }

    /// The client has done what was waited for.
    fn work(&mut self, number: u64) {
        if let Some((awaits, since)) = self.stop_waiting(number)
            && let Some(step) = self.step(awaits)
        {
            step.took(since.elapsed());
        }
    }

    /// Returns at which step it was on the way to its first request, and since when, if it was.
    fn stop_waiting(&mut self, number: u64) -> Option<(Awaits, Instant)> {
        let row = self.rows.get_mut(&number)?;
        let (turn, awaits) = (row.turn.take()?, row.awaits);
        self.waiting.remove(&turn);
        self.waiting_by_network.remove(&(row.network, turn));
        let since = self.step(awaits)?.begun.remove(&turn)?;
        Some((awaits, since))
    }

    fn step(&mut self, awaits: Awaits) -> Option<&mut Step> {
        match awaits {
            Awaits::Hello => Some(&mut self.hellos),
            Awaits::Handshake => Some(&mut self.handshakes),
            Awaits::FirstRequest => Some(&mut self.first_requests),
            Awaits::Request => None,
        }
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

    /// Begins a handshake where there is a place or one that stalls; else tells until when that is not to be looked at again,
    /// unless something changes before.
    fn enter_handshake(&mut self, number: u64, places: usize) -> Option<Instant> {
        if self.handshakes.begun.len() >= places {
            let stalls = self.handshakes.next_to_stall();
            if let Some((_, at)) = stalls.filter(|(_, at)| *at > Instant::now()) {
                return Some(at);
            }
            self.displace(stalls.map(|(turn, _)| turn));
        }
        self.wait(number, Awaits::Handshake);
        None
    }

    /// Until when a newcomer can have no seat, unless something changes before; nothing where it can have one.
    fn full_until(&self, seats: usize) -> Option<Instant> {
        let steps = [&self.hellos, &self.handshakes, &self.first_requests];
        let arriving: usize = steps.iter().map(|step| step.begun.len()).sum();
        if self.rows.len() < seats || self.waiting.len() > arriving {
            return None;
        }
        let stalls = steps.into_iter().filter_map(Step::next_to_stall).map(|(_, at)| at).min();
        Some(stalls.unwrap_or_else(|| Instant::now() + LONG)).filter(|until| *until > Instant::now())
    }

    /// Whether whoever has this turn has no claim to its seat any more.
    fn may_lose(&self, turn: u64) -> bool {
        let steps = [&self.hellos, &self.handshakes, &self.first_requests];
        let at = steps.into_iter().find_map(|step| Some(step.stalls_at(*step.begun.get(&turn)?)));
        at.is_none_or(|at| at <= Instant::now())
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

    fn displace(&mut self, turn: Option<u64>) -> bool {
        let number = turn.and_then(|turn| self.waiting.get(&turn).copied());
        let Some(row) = number.and_then(|number| self.leave(number)) else {
            return false;
        };
        if let Some(step) = self.step(row.awaits) {
            step.gave_up();
        }
        row.displaced.send_replace(Some(row.awaits));
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
    use std::pin::{Pin, pin};

    fn roster(in_all: usize, per_address: usize, handshakes: usize) -> Arc<Roster> {
        Roster::new(Seats { in_all, per_address, handshakes })
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Whether nothing has come of it yet.
    async fn waits(future: Pin<&mut impl Future<Output = ()>>) -> bool {
        tokio::time::timeout(Duration::ZERO, future).await.is_err()
    }

    fn lost(seat: &Seat) -> bool {
        seat.displaced.borrow().is_some()
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

    #[tokio::test]
    async fn handshakes_have_their_own_cap_and_are_begun_in_turn() {
        let roster = roster(10, 10, 1);
        let [first, second, third] = [1, 2, 3].map(|last| roster.admit(ip(last), Awaits::Hello).unwrap());
        first.waits_for_handshake().await;
        let mut order = Vec::new();
        let (mut second_begins, mut third_begins) =
            (pin!(second.waits_for_handshake()), pin!(third.waits_for_handshake()));
        assert!(waits(second_begins.as_mut()).await && waits(third_begins.as_mut()).await);
        first.waits(Awaits::FirstRequest);
        tokio::select! {
            () = &mut third_begins => order.push("third"),
            () = &mut second_begins => order.push("second"),
        }
        drop(first);
        assert!(waits(third_begins.as_mut()).await, "the second is at it");
        second.at_work();
        second.waits(Awaits::Request);
        third_begins.await;
        assert_eq!(order, ["second"]);
        assert!(!lost(&second) && !lost(&third));
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

    // K-14: while handshakes come to an end, those of a crowd keep their places, and others wait; T-05: at a standstill the oldest
    // makes room.
    #[tokio::test(start_paused = true)]
    async fn k_14_t_05_a_handshake_loses_its_place_only_at_a_standstill() {
        let roster = roster(10, 10, 2);
        let begin = async |last| {
            let seat = roster.admit(ip(last), Awaits::Hello).unwrap();
            seat.waits_for_handshake().await;
            seat
        };
        let (slow, mut quick) = (begin(1).await, begin(2).await);
        for _ in 0..40 {
            tokio::time::advance(HANDSHAKE.usual / 10).await;
            let next = roster.admit(ip(3), Awaits::Hello).unwrap();
            let mut begins = Box::pin(next.waits_for_handshake());
            assert!(waits(begins.as_mut()).await, "one place is moving, and it is half of them");
            quick.waits(Awaits::Request);
            begins.await;
            quick = next;
        }
        assert!(!lost(&slow), "it has taken four times as long as it must be given");
        let (begun, last) = (Instant::now(), begin(4).await);
        assert!(
            begun.elapsed() >= HANDSHAKE.usual && begun.elapsed() <= 2 * HANDSHAKE.usual,
            "{:?}",
            begun.elapsed()
        );
        assert_eq!((lost(&slow), lost(&quick), lost(&last)), (true, false, false));
    }

    // T-01: who says nothing goes soon, however long handshakes take, and takes no place of a handshake.
    #[tokio::test(start_paused = true)]
    async fn t_01_who_has_said_no_hello_keeps_nobody_from_a_handshake_and_gives_its_seat_soon() {
        let roster = roster(2, 10, 1);
        let silent = roster.admit(ip(1), Awaits::Hello).unwrap();
        let begun = Instant::now();
        let talks = roster.admit(ip(2), Awaits::Hello).unwrap();
        talks.waits_for_handshake().await;
        assert!(begun.elapsed().is_zero());
        roster.has_room().await;
        assert_eq!(begun.elapsed().as_millis() / 10, HELLO.usual.as_millis() / 10);
        drop(roster.admit(ip(3), Awaits::Hello).unwrap());
        assert_eq!((lost(&silent), lost(&talks)), (true, false));
    }

    // T-01: once it is known for a flood, those who say nothing go sooner.
    #[tokio::test(start_paused = true)]
    async fn t_01_in_a_flood_of_silent_clients_each_is_given_less_time() {
        let roster = roster(1, 10, 1);
        let mut held = Vec::new();
        let mut silent = roster.admit(ip(1), Awaits::Hello).unwrap();
        for _ in 0..3 {
            let begun = Instant::now();
            roster.has_room().await;
            held.push(begun.elapsed().as_millis() / 10);
            let next = roster.admit(ip(2), Awaits::Hello).unwrap();
            assert!(lost(&silent));
            silent = next;
        }
        let [usual, in_a_flood] = [HELLO.usual, HELLO.in_a_flood].map(|time| time.as_millis() / 10);
        assert_eq!(held, [usual, in_a_flood, in_a_flood]);
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
        assert!(
            book.waiting.is_empty()
                && book.waiting_by_network.is_empty()
                && book.handshakes.begun.is_empty()
                && book.hellos.begun.is_empty()
        );
    }
}
