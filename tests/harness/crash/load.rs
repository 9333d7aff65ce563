//! The load: meters that enrol over mutual TLS, batches, revocations, CRLs and the life of a batch of devices at the same time,
//! until the issuer dies or enough was done. Whatever got no answer is asked again in the next life.

mod fleet;

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::RootCertStore;
use serde_json::{Value, json};

use super::http::{Connection, Credential};
use super::issuer::Issuer;
use super::kill::Kill;
use super::wish::{For, STEPS, Wish, certificate_of};
use super::world::{Acknowledged, Revocable, World};

/// How many clients enrol meters at the same time.
const CLIENTS: usize = 3;

/// How many requests a client makes in one life of the issuer, and how many rounds the operator.
const REQUESTS: usize = 30;
const ROUNDS: usize = 8;

/// How many stations a batch has.
const BATCH: usize = 3;

/// The authorities whose CRLs are published.
pub const AUTHORITIES: [&str; 4] =
    ["maker-factory-s1", "maker-infra-s1", "dso-operational-s1", "maker-factory-s2"];

/// What is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// The issuer.
    pub issuer: &'a Issuer,
    /// Where it serves EST.
    pub est: SocketAddr,
    /// The house it serves.
    pub directory: &'a Path,
    /// Whom the clients trust.
    pub roots: &'a Arc<RootCertStore>,
    /// How it is to end.
    pub kill: Kill,
}

/// Whether a client goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load<'_> {
    /// Loads the issuer until it dies, or everybody has done enough.
    pub fn until_dead(&self, world: &Mutex<World>) {
        if self.set_up(world).is_none() {
            return;
        }
        let answers = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| self.enrol(world, &answers, REQUESTS));
            }
            scope.spawn(|| self.operate(world, |load| load.transact(world)));
            scope.spawn(|| self.carry_batch(world));
        });
    }

    /// One client, then the operator, each waiting for the other: at no time are two requests under way, nor a deadline met.
    pub fn one_after_the_other(&self, world: &Mutex<World>) {
        if self.set_up(world).is_some() {
            self.enrol(world, &AtomicU64::new(0), REQUESTS);
            self.operate(world, |_| Some(()));
        }
    }

    /// Serves every wish that is left, and asks for nothing new.
    pub fn until_served(&self, world: &Mutex<World>) {
        lock(world).calm();
        let _served =
            self.batch(world).and_then(|()| self.transact(world)).and_then(|()| self.meet_deadlines(world));
        self.enrol(world, &AtomicU64::new(0), usize::MAX);
        let waiting = std::mem::take(&mut lock(world).unacknowledged);
        if let Ok(mut operator) = self.operator() {
            for one in waiting {
                let _done = self.revoke(world, &mut operator, one);
            }
        }
        self.finish_batch(world);
        self.publish_all(world);
    }

    /// Publishes every CRL.
    pub fn publish_all(&self, world: &Mutex<World>) {
        if let Ok(mut operator) = self.operator() {
            for authority in AUTHORITIES {
                let _published = self.publish(world, &mut operator, authority);
            }
        }
    }

    /// Sees to it that there is a line and that its meters are expected.
    fn set_up(&self, world: &Mutex<World>) -> Option<()> {
        let (titles, first) = {
            let mut world = lock(world);
            let wanted = if world.expected.len() < 2 * CLIENTS * REQUESTS / 4 { 96 } else { 0 };
            (world.new_titles(wanted), world.station.is_none())
        };
        if !titles.is_empty() {
            let devices: Vec<Value> = titles
                .iter()
                .map(|(title, _)| json!({"system_title": title, "manufacturer": "maker"}))
                .collect();
            let body = json!({"tenant": "dso", "devices": devices}).to_string();
            let answer = self
                .operator()
                .and_then(|mut operator| operator.post("/v1/devices", "application/json", body.as_bytes()))
                .ok()?;
            if answer.status != 200 {
                return self.refused(world, "devices", answer.status, &answer.body);
            }
            lock(world).expected.extend(titles);
        }
        if first {
            self.batch(world)?;
        }
        lock(world).station.as_ref().map(drop)
    }

    fn enrol(&self, world: &Mutex<World>, answers: &AtomicU64, requests: usize) {
        let mut line = None;
        for _ in 0..requests {
            let Some(wish) = lock(world).next_wish() else { return };
            if self.enrol_one(world, answers, wish, &mut line) == Next::Stop {
                return;
            }
        }
    }

    /// Asks for what a wish wants; puts it back when no answer comes.
    fn enrol_one(
        &self,
        world: &Mutex<World>,
        answers: &AtomicU64,
        wish: Wish,
        line: &mut Option<EstConnection>,
    ) -> Next {
        let mut own = None;
        let (shown, connection) = match &wish.subject {
            For::Meter { step, factory: Some(factory), .. } if STEPS[*step].1 => {
                (Some(factory.clone()), &mut own)
            }
            For::Meter { .. } | For::Station | For::Made => (lock(world).station.clone(), line),
        };
        let Some(shown) = shown else { return Next::Stop };
        let Some(certificate) = self.ask(world, &wish, &shown, connection) else {
            lock(world).wishes.push_front(wish);
            return Next::Stop;
        };
        lock(world).received(&wish, &certificate);
        if let Kill::AfterAnswers(count) = self.kill
            && answers.fetch_add(1, Ordering::SeqCst) + 1 == count
        {
            self.issuer.kill();
        }
        // Now and then the same again: the answer must be the same.
        if lock(world).random.below(4) == 0
            && let Some(again) = self.ask(world, &wish, &shown, connection)
        {
            lock(world).received(&wish, &again);
        }
        lock(world).fulfilled(wish, certificate);
        Next::GoOn
    }

    /// Posts one request; returns the certificate, or nothing when none came.
    fn ask(
        &self,
        world: &Mutex<World>,
        wish: &Wish,
        shown: &Credential,
        connection: &mut Option<EstConnection>,
    ) -> Option<Vec<u8>> {
        let path = format!("/.well-known/est/{}/simpleenroll", wish.profile());
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::est(self.est, self.roots, shown).ok()?,
        };
        let answer = open.post(&path, "application/pkcs10", wish.body().as_bytes()).ok()?;
        if answer.status != 200 {
            return self.refused(
                world,
                &format!("wish {} for {path}", wish.number),
                answer.status,
                &answer.body,
            );
        }
        *connection = Some(open);
        let certificate = certificate_of(&answer.body);
        if certificate.is_none() {
            lock(world).complain(format!("wish {} was answered with something else", wish.number));
        }
        certificate
    }

    /// "Not now" is an answer while the issuer is dying; any other refusal is a fault of somebody's.
    fn refused<T>(&self, world: &Mutex<World>, what: &str, status: u16, body: &[u8]) -> Option<T> {
        if status != 503 || self.kill == Kill::Never {
            lock(world).complain(format!("{what}: {status} {}", String::from_utf8_lossy(body).trim()));
        }
        None
    }

    fn operator(&self) -> std::io::Result<Connection<UnixStream>> {
        Connection::operator(&self.directory.join("state/operator.sock"))
    }

    fn operate(&self, world: &Mutex<World>, between: impl Fn(&Self) -> Option<()>) {
        let Ok(mut operator) = self.operator() else { return };
        for round in 0..ROUNDS {
            let (revocation, authority) = {
                let mut world = lock(world);
                let revocation = match world.unacknowledged.pop() {
                    None if world.revocable.is_empty() => None,
                    None => {
                        let count = world.revocable.len();
                        let index = world.random.index(count);
                        Some(world.revocable.swap_remove(index))
                    }
                    waiting => waiting,
                };
                (revocation, AUTHORITIES[world.random.index(AUTHORITIES.len())])
            };
            let done = revocation.map_or(Some(()), |one| self.revoke(world, &mut operator, one));
            let done = done.and_then(|()| self.publish(world, &mut operator, authority));
            let done = done.and_then(|()| if round % 2 == 0 { self.batch(world) } else { between(self) });
            if done.is_none() {
                return;
            }
        }
    }

    fn revoke(
        &self,
        world: &Mutex<World>,
        operator: &mut Connection<UnixStream>,
        one: Revocable,
    ) -> Option<()> {
        let serial = hex::encode_upper(&one.serial);
        let body = json!({"issuer": one.authority, "serial": serial, "reason": "superseded"}).to_string();
        let answer = operator.post("/v1/revocations", "application/json", body.as_bytes());
        let code = |body: &[u8]| serde_json::from_slice::<Value>(body).ok().map(|view| view["code"].clone());
        match answer {
            Ok(answer) if answer.status == 200 => lock(world).revoked(&one),
            // It was recorded in a life before this one, and nobody was told.
            Ok(answer) if code(&answer.body).is_some_and(|code| code == "revoke.already") => {
                lock(world).revoked(&one);
            }
            Ok(answer) => {
                lock(world).unacknowledged.push(one);
                return self.refused(world, "a revocation", answer.status, &answer.body);
            }
            Err(_) => {
                lock(world).unacknowledged.push(one);
                return None;
            }
        }
        Some(())
    }

    fn publish(
        &self,
        world: &Mutex<World>,
        operator: &mut Connection<UnixStream>,
        authority: &str,
    ) -> Option<()> {
        let path = format!("/v1/crls/{authority}");
        let answer = operator.post(&path, "application/json", b"").ok()?;
        if answer.status == 200 {
            lock(world).count(Acknowledged::Crl);
            return Some(());
        }
        // A disk that fails may fail the publication alone; the issuer lives on with the CRL before.
        if matches!(self.kill, Kill::SyncFails(_) | Kill::NoSpace(_)) {
            return None;
        }
        self.refused(world, &path, answer.status, &answer.body)
    }

    /// Has the wishes of stations answered by the verb for many; nothing when the issuer ends.
    fn batch(&self, world: &Mutex<World>) -> Option<()> {
        let wishes = {
            let mut world = lock(world);
            if world.stations.is_empty() && !world.expected.is_empty() {
                world.new_stations(BATCH);
            }
            world.stations.clone()
        };
        if wishes.is_empty() {
            return Some(());
        }
        let words: Vec<String> =
            wishes.iter().map(|wish| format!("{}:{}", wish.number, hex::encode(&wish.csr))).collect();
        self.issuer.tell(&words.join(" "));
        loop {
            let line = self.issuer.line()?;
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let numbered =
                |number: &str| wishes.iter().find(|wish| wish.number.to_string() == number).cloned();
            match words.as_slice() {
                ["issued", number, der] => {
                    let wish = numbered(number)?;
                    let certificate = hex::decode(der).ok()?;
                    let mut world = lock(world);
                    world.stations.retain(|waiting| waiting.number != wish.number);
                    world.received(&wish, &certificate);
                    world.fulfilled(wish, certificate);
                }
                ["refused", number, why] => {
                    if self.kill == Kill::Never || !why.starts_with("Unavailable: ") {
                        lock(world).complain(format!("station {number}: {why}"));
                    }
                }
                _ => return Some(()),
            }
        }
    }

    /// Has certificates given in transactions, and says of each what is to be said; nothing when the issuer ends.
    fn transact(&self, world: &Mutex<World>) -> Option<()> {
        let wishes = {
            let mut world = lock(world);
            if world.transactions.is_empty() && !world.expected.is_empty() {
                world.new_transactions();
            }
            world.transactions.clone()
        };
        for (wish, fate) in wishes {
            self.issuer.tell(&format!(
                "transaction {}:{} {}",
                wish.number,
                hex::encode(&wish.csr),
                fate.word()
            ));
            let mut given = None;
            loop {
                let line = self.issuer.line()?;
                match line.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
                    ["given", _, der] => {
                        let certificate = hex::decode(der).ok()?;
                        lock(world).received(&wish, &certificate);
                        given = Some(certificate);
                    }
                    ["refused", number, why] => {
                        if self.kill == Kill::Never || !why.starts_with("Unavailable: ") {
                            lock(world).complain(format!("transaction {number}: {why}"));
                        }
                    }
                    ["transaction"] => break,
                    // What is said of a certificate, or that nothing more is: its time is over, or nobody speaks.
                    _ => {
                        let mut world = lock(world);
                        world.transactions.retain(|(waiting, _)| waiting.number != wish.number);
                        if let Some(certificate) = &given {
                            world.spoken(&wish, fate, certificate);
                        }
                    }
                }
            }
        }
        // A life is shorter than it takes until deadlines are looked at; whoever dies of one waits for it.
        if self.kill.is_of_a_deadline() { self.meet_deadlines(world) } else { Some(()) }
    }

    /// Waits until every certificate that nobody confirms is revoked; nothing when the issuer ends.
    #[must_use]
    pub fn meet_deadlines(&self, world: &Mutex<World>) -> Option<()> {
        self.issuer.tell("deadlines");
        let line = self.issuer.line()?;
        if line != "deadlines" {
            lock(world).complain(format!("instead of meeting deadlines the issuer said {line}"));
        }
        Some(())
    }
}

/// A connection to EST.
type EstConnection = Connection<rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>>;
