//! What happens when the disk fails, a thread dies, or too many wait: nobody hears "done" of what is not on disk.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Registry, StatusSource, Unavailable};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, CrlIntent, CrlRecord, Settlement};
use ca_core::scope::CrlScope;

use super::ground::{
    Ground, LedgerTold, LedgerWords, NOW, cause, event, expected, id, intent, issued, issuer, revocation,
    settings, title, token,
};
use crate::engine::postgres::PostgresEngine;
use crate::engine::{Durability, Engine, EngineError, NotWritten, Turn, View, Write};
use crate::{EngineKind, OpenError, Settings, Store};

/// What an engine does with one commit.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Pass,
    /// The error of the operating system with this number, before anything is written.
    FailBefore(i32),
    /// The same, when everything is written but its fsync says it is not.
    FailAfter(i32),
    Panic,
}

/// An engine whose commits go as a test says. The first one, number 0, is that of the opening.
struct Staged {
    inner: Box<dyn Engine>,
    commits: AtomicU64,
    step: Box<dyn Fn(u64, Durability) -> Step + Send + Sync>,
}

impl Engine for Staged {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        self.inner.view()
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        Ok(Box::new(StagedTurn { engine: self, inner: self.inner.turn()? }))
    }

    fn close(&self) {
        self.inner.close();
    }

    fn shared(&self) -> Option<&PostgresEngine> {
        self.inner.shared()
    }

    fn writes_at_once(&self) -> bool {
        self.inner.writes_at_once()
    }
}

struct StagedTurn<'e> {
    engine: &'e Staged,
    inner: Box<dyn Turn + 'e>,
}

impl Turn for StagedTurn<'_> {
    fn view(&self) -> &dyn View {
        self.inner.view()
    }

    fn token(&self) -> Option<u64> {
        self.inner.token()
    }

    fn commit(self: Box<Self>, batch: Vec<Write>, durability: Durability) -> Result<(), NotWritten> {
        let number = self.engine.commits.fetch_add(1, Ordering::SeqCst);
        let failure = |errno| EngineError::doing("fsync")(io::Error::from_raw_os_error(errno));
        match (self.engine.step)(number, durability) {
            Step::Pass => self.inner.commit(batch, durability),
            Step::FailBefore(errno) => Err(NotWritten::Unknown(failure(errno))),
            Step::FailAfter(errno) => {
                self.inner.commit(batch, durability)?;
                Err(NotWritten::Unknown(failure(errno)))
            }
            Step::Panic => panic!("the engine panics, as the test wants"),
        }
    }
}

fn open(
    ground: &Ground,
    settings: Settings,
    step: impl Fn(u64, Durability) -> Step + Send + Sync + 'static,
) -> Store {
    try_open(ground, settings, step).unwrap()
}

pub(super) fn try_open(
    ground: &Ground,
    settings: Settings,
    step: impl Fn(u64, Durability) -> Step + Send + Sync + 'static,
) -> Result<Store, OpenError> {
    let (directory, inner) = ground.engine();
    let engine = Staged { inner, commits: AtomicU64::new(0), step: Box::new(step) };
    ground.start(directory, Arc::new(engine), settings)
}

/// Counts how often the hook is called.
fn counting() -> (Settings, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let hook = Box::new(move |_: &crate::FatalError| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    (Settings { on_fatal: hook, ..settings() }, calls)
}

/// One act of every kind, each a commit of its own, and what the trail then says.
fn acts(store: &Store) -> Vec<(Result<(), Unavailable>, Option<Act>)> {
    let crl_intent = CrlIntent {
        issuer: issuer(1),
        number: 5,
        this_update: NOW,
        event: event(Act::CrlIntended),
        scope: CrlScope::All,
    };
    let crl = CrlRecord {
        issuer: issuer(1),
        number: 5,
        this_update: NOW,
        next_update: NOW,
        entries: 0,
        der: vec![1; 9_000].into(),
        scope: CrlScope::All,
        base: None,
        seen: 0,
    };
    let ended = vec![(id(2), Settlement::Aborted, event(Act::IntentAborted))];
    vec![
        (store.record_intents(vec![intent(1)]).map(drop), Some(Act::IntentRecorded)),
        (store.begin_signing(&[id(1)]), None),
        (store.record_issued(vec![issued(&id(1), NOW)]), Some(Act::CertificateIssued)),
        (store.record_intents(vec![intent(2)]).map(drop), Some(Act::IntentRecorded)),
        (store.settle_intents(ended), Some(Act::IntentAborted)),
        (
            store.record_revocation(revocation(&id(1), ReasonCode::Superseded)).map(drop),
            Some(Act::CertificateRevoked),
        ),
        (store.record_crl_intent(crl_intent).map(drop), Some(Act::CrlIntended)),
        (store.record_crl(crl, event(Act::CrlIssued)), Some(Act::CrlIssued)),
        (
            store.import_devices(vec![expected(4)], event(Act::DevicesImported)).map(drop),
            Some(Act::DevicesImported),
        ),
        (store.keep_token(token(7), event(Act::TokenIssued)), Some(Act::TokenIssued)),
        (store.record_event(event(Act::RequestRefused)), Some(Act::RequestRefused)),
    ]
}

/// Fails one commit and checks that nothing was answered "done" from there on, and that the next start has all before it.
fn fails_at(kind: EngineKind, failing: u64, step: Step) {
    let ground = Ground::new(kind);
    let (settings, calls) = counting();
    let store = open(&ground, settings, move |number, _| if number == failing { step } else { Step::Pass });
    let outcomes = acts(&store);
    let done = usize::try_from(failing).unwrap() - 1;
    assert!(outcomes.iter().take(done).all(|(outcome, _)| outcome.is_ok()));
    assert!(outcomes.iter().skip(done).all(|(outcome, _)| outcome.is_err()), "after {failing}");
    assert!(store.status_of(&id(1)).is_err() && store.device(&title(4)).is_err());
    drop(store);
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    let store = ground.open();
    let told = store.acts();
    let acknowledged: Vec<Act> = outcomes.iter().take(done).filter_map(|(_, act)| *act).collect();
    assert_eq!(told.get(1..=acknowledged.len()), Some(acknowledged.as_slice()));
    if done < 3 && !matches!(step, Step::FailAfter(_)) {
        assert_ne!(store.status(1), CertificateStatus::Good);
    }
    assert!(store.status(1) != CertificateStatus::Pending && store.status(2) != CertificateStatus::Pending);
}

// S-03, S-04: an fsync that fails is never tried again, and a full disk is a clean end.
fn s03_s04_a_commit_that_fails_is_the_end_and_the_next_start_recovers(ground: &Ground) {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    for failing in 1..=11 {
        fails_at(ground.kind, failing, Step::FailBefore(ENOSPC));
    }
    for failing in [1, 3, 8] {
        fails_at(ground.kind, failing, Step::FailAfter(EIO));
    }
}

fn a_panic_of_the_committer_is_the_end(ground: &Ground) {
    fails_at(ground.kind, 3, Step::Panic);
    let (settings, calls) = counting();
    let store = open(ground, settings, |_, _| Step::Pass);
    let outcome: Result<(), Unavailable> =
        store.write("ledger", Durability::Durable, |_| panic!("the act panics, as the test wants"));
    assert!(cause(outcome).contains("panicked"));
    assert!(store.record_intents(vec![intent(1)]).is_err());
    drop(store);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

fn a_commit_that_fails_fails_its_whole_group(ground: &Ground) {
    let (settings, calls) = counting();
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let store = open(ground, settings, move |number, _| match number {
        1 => {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
            Step::Pass
        }
        2 => Step::FailBefore(5),
        _ => Step::Pass,
    });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| store.record_intents(vec![intent(1)]));
        entering.recv().unwrap();
        let group: Vec<_> = (2..10)
            .map(|number| {
                scope.spawn({
                    let store = &store;
                    move || store.record_intents(vec![intent(number)])
                })
            })
            .collect();
        wait_for(&store, 8);
        leave.send(()).unwrap();
        assert!(first.join().unwrap().is_ok());
        assert!(group.into_iter().all(|asker| asker.join().unwrap().is_err()));
    });
    drop(store);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let store = ground.open();
    assert_eq!(store.status(1), CertificateStatus::Aborted);
    assert!((2..10).all(|number| store.status(number) == CertificateStatus::NeverIssued));
}

fn those_who_wait_share_one_commit(ground: &Ground) {
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let store = open(ground, settings(), move |number, _| {
        if number == 1 {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
        }
        Step::Pass
    });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| store.record(intent(0)));
        entering.recv().unwrap();
        let group: Vec<_> = (1..64)
            .map(|number| {
                scope.spawn({
                    let store = &store;
                    move || store.record(intent(number))
                })
            })
            .collect();
        wait_for(&store, 63);
        leave.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(()));
        assert!(group.into_iter().all(|asker| asker.join().unwrap() == Ok(())));
    });
    let counters = store.counters();
    assert_eq!((counters.commits, counters.durable_commits), (2, 2));
    assert_eq!((counters.commands, counters.largest_group), (64, 63));
    // For each: the open intent, its key, its audit record; for each commit the end of the trail. The records are 65 with
    // that of the opening, which have 63 perfect subtrees above them.
    assert_eq!((counters.rows, counters.given_up, counters.waiting), (64 * 3 + 2 + 63, 0, 0));
    assert_eq!(store.trail().len(), 65);
}

fn wait_for(store: &Store, waiting: u64) {
    while store.counters().waiting < waiting {
        std::thread::yield_now();
    }
}

// S-14: who waits too long for a slow disk is told so, and then nothing was done.
fn s_14_whoever_loses_patience_did_nothing(ground: &Ground) {
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let settings = Settings { patience: Duration::from_millis(50), queue_length: 1, ..settings() };
    let store = open(ground, settings, move |number, _| {
        if number == 1 {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
        }
        Step::Pass
    });
    std::thread::scope(|scope| {
        // It may be given up before the committer has even started: then it asks again.
        let first = scope.spawn(|| while store.record_event(event(Act::RequestRefused)).is_err() {});
        entering.recv().unwrap();
        let outcome = store.record_intents(vec![intent(1)]);
        assert_eq!(cause(outcome), "too many requests wait for the ledger");
        leave.send(()).unwrap();
        first.join().unwrap();
    });
    assert!(store.counters().given_up >= 1);
    assert_eq!(store.acts(), [Act::LedgerOpened, Act::RequestRefused]);
    assert_eq!(store.status(1), CertificateStatus::NeverIssued);
}

// On fjall a mark that waits with an intent is written before it, and answered before the sync.
fn a_group_is_as_durable_as_its_most_demanding_act(ground: &Ground) {
    let (entered, entering) = channel();
    let (leave, leaving) = channel();
    let leaving = Mutex::new(leaving);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let store = open(ground, settings(), move |number, durability| {
        seen.lock().unwrap().push(durability);
        if number == 2 {
            entered.send(()).unwrap();
            leaving.lock().unwrap().recv().unwrap();
        }
        Step::Pass
    });
    store.record(intent(1)).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| store.record_event(event(Act::RequestRefused)));
        entering.recv().unwrap();
        let mark = scope.spawn(|| store.begin_signing(&[id(1)]));
        let intent = scope.spawn(|| store.record_intents(vec![intent(2)]));
        wait_for(&store, 2);
        leave.send(()).unwrap();
        assert!(
            first.join().unwrap().is_ok() && mark.join().unwrap().is_ok() && intent.join().unwrap().is_ok()
        );
    });
    let expected = match ground.kind {
        EngineKind::Fjall => {
            let mut each = vec![Durability::Durable; 5];
            each[3] = Durability::ProcessCrash;
            each
        }
        EngineKind::Sled | EngineKind::Postgres => vec![Durability::Durable; 4],
    };
    assert_eq!(*asked.lock().unwrap(), expected);
}

fn only_the_mark_of_signing_may_be_lost_in_a_power_cut(ground: &Ground) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let store = open(ground, settings(), move |_, durability| {
        seen.lock().unwrap().push(durability);
        Step::Pass
    });
    assert!(acts(&store).iter().all(|(outcome, _)| outcome.is_ok()));
    drop(store);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 12);
    for (number, durability) in asked.iter().enumerate() {
        let expected = if number == 2 { Durability::ProcessCrash } else { Durability::Durable };
        assert_eq!(*durability, expected, "commit {number}");
    }
}

// The engine on fjall tells by it what a power cut may have torn.
fn a_record_of_the_trail_is_synced_whatever_was_asked(ground: &Ground) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let store = open(ground, settings(), move |_, durability| {
        seen.lock().unwrap().push(durability);
        Step::Pass
    });
    let refused = event(Act::RequestRefused);
    store.write("ledger", Durability::ProcessCrash, |tx| tx.seal(refused).map(drop)).unwrap();
    assert_eq!(*asked.lock().unwrap(), [Durability::Durable; 2]);
}

super::on_every_engine! {
    s03_s04_a_commit_that_fails_is_the_end_and_the_next_start_recovers,
    a_panic_of_the_committer_is_the_end,
    a_commit_that_fails_fails_its_whole_group,
    those_who_wait_share_one_commit,
    s_14_whoever_loses_patience_did_nothing,
    a_group_is_as_durable_as_its_most_demanding_act,
    only_the_mark_of_signing_may_be_lost_in_a_power_cut,
    a_record_of_the_trail_is_synced_whatever_was_asked,
}
