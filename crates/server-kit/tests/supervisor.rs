//! A supervisor hears over a real datagram socket what `sd_notify(3)` promises it.

#![cfg(test)]

use server_kit::{
    health::{Condition, Health},
    shutdown::Shutdown,
    supervisor::Supervisor,
};
use std::{
    ffi::OsStr,
    os::{linux::net::SocketAddrExt, unix::net::SocketAddr, unix::net::UnixDatagram},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A watchdog of a day: it is fed once while a test looks, whatever the machine does meanwhile.
const DAY: Duration = Duration::from_secs(86_400);

/// The next message; the test fails when none comes within a minute.
fn heard(socket: &UnixDatagram) -> String {
    let mut octets = [0; 4_096];
    let length = socket.recv(&mut octets).unwrap();
    String::from_utf8(octets[..length].to_vec()).unwrap()
}

fn listening(directory: &tempfile::TempDir) -> (UnixDatagram, std::path::PathBuf) {
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    (socket, path)
}

#[test]
fn each_word_is_one_datagram() {
    let directory = tempfile::tempdir().unwrap();
    let (socket, path) = listening(&directory);
    let supervisor = Supervisor::at(path.as_os_str(), None).unwrap();
    supervisor.starting("reading the ledger");
    supervisor.ready();
    supervisor.stopping();
    assert_eq!(heard(&socket), "STATUS=reading the ledger\n");
    assert_eq!(heard(&socket), "READY=1\nSTATUS=serving\n");
    assert_eq!(heard(&socket), "STOPPING=1\nSTATUS=finishing what is under way\n");
}

#[test]
fn a_socket_may_have_a_name_that_is_no_file() {
    let name = format!("meter-pki-test-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    Supervisor::at(OsStr::new(&format!("@{name}")), None).unwrap().ready();
    assert_eq!(heard(&socket), "READY=1\nSTATUS=serving\n");
}

#[test]
fn nobody_at_the_address_is_an_error_and_nobody_at_all_is_none() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Supervisor::at(directory.path().join("nobody").as_os_str(), None).is_err());
    Supervisor::nobody().ready();
}

/// Health whose checks fail as the flags say: of liveness, of readiness.
fn health(dead: &Arc<AtomicBool>, away: &Arc<AtomicBool>) -> Health {
    let health = Health::new();
    let check = |flag: &Arc<AtomicBool>| {
        let flag = Arc::clone(flag);
        move || if flag.load(Ordering::SeqCst) { Condition::Failed("so".to_owned()) } else { Condition::Well }
    };
    health.live("threads", check(dead));
    health.ready("signer", check(away));
    health.started();
    health
}

/// What is heard until the watch has ended, when it was told to stop right after its first look.
async fn watched(dead: bool, away: bool) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let (socket, path) = listening(&directory);
    let (dead, away) = (Arc::new(AtomicBool::new(dead)), Arc::new(AtomicBool::new(away)));
    let shutdown = Shutdown::new(Duration::ZERO);
    shutdown.trigger();
    let supervisor = Supervisor::at(path.as_os_str(), Some(DAY)).unwrap();
    supervisor.watch(health(&dead, &away), shutdown).await;
    socket.set_nonblocking(true).unwrap();
    let mut octets = [0; 4_096];
    let words = std::iter::from_fn(|| socket.recv(&mut octets).ok().map(|length| octets[..length].to_vec()));
    words.map(|word| String::from_utf8(word).unwrap()).collect()
}

const STOPPING: &str = "STOPPING=1\nSTATUS=finishing what is under way\n";

#[tokio::test]
async fn a_process_that_lives_feeds_the_watchdog() {
    assert_eq!(watched(false, false).await, ["WATCHDOG=1\n", STOPPING]);
}

#[tokio::test]
async fn a_process_that_only_a_restart_can_heal_lets_the_watchdog_starve() {
    assert_eq!(watched(true, false).await, ["STATUS=not ready: threads\n", STOPPING]);
}

#[tokio::test]
async fn a_check_of_readiness_that_fails_is_named_and_starves_nobody() {
    assert_eq!(watched(false, true).await, ["WATCHDOG=1\n", "STATUS=not ready: signer\n", STOPPING]);
}

#[tokio::test]
async fn the_watchdog_is_fed_again_and_again_and_hears_of_what_came_back() {
    let directory = tempfile::tempdir().unwrap();
    let (socket, path) = listening(&directory);
    let (dead, away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let shutdown = Shutdown::new(Duration::ZERO);
    // Checks are asked once a second at most: what was found before may be told once more.
    let supervisor = Supervisor::at(path.as_os_str(), Some(Duration::from_millis(20))).unwrap();
    let watching = tokio::spawn(supervisor.watch(health(&dead, &away), shutdown.clone()));
    let told = tokio::task::spawn_blocking(move || {
        let mut fed = 0;
        let mut next = || loop {
            match heard(&socket) {
                word if word == "WATCHDOG=1\n" => fed += 1,
                word => return (word, fed),
            }
        };
        let (named, _) = next();
        away.store(false, Ordering::SeqCst);
        let (back, fed) = next();
        (named, back, fed)
    });
    let (named, back, fed) = told.await.unwrap();
    assert_eq!((named.as_str(), back.as_str()), ("STATUS=not ready: signer\n", "STATUS=serving\n"));
    assert!(fed >= 2, "fed {fed} times");
    shutdown.trigger();
    watching.await.unwrap();
}
