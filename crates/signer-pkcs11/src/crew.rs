//! Threads that make the calls, so that a call which hangs keeps nobody: case H-03.
//!
//! A PKCS#11 call cannot be ended from outside. Who waits for one goes away at its deadline; the thread is given up with
//! whatever it holds, and another takes its place. The queue before the threads is first come, first served: fairness
//! between tenants is made before, where it is known who asks.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Instant;

/// Threads that hang at once at most. Beyond that nothing is asked until one of them comes back.
const MOST_HANGING: usize = 64;

/// How long at most the end of a crew waits for threads that are at work.
const LONGEST_LEAVE: Duration = Duration::from_secs(1);

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// For a thread and a session.
    pub(crate) queue: Duration,
    /// For the calls.
    pub(crate) call: Duration,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// No thread or no session became free in time; no call was made.
    InQueue,
    /// A call did not come back, or its thread ended in a panic. `signing` tells whether it may have signed.
    InCall { signing: bool },
}

/// How far a job is, known to the thread that does it and to the one that waits.
pub(crate) struct Ticket(Mutex<Stage>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Queued { since: Instant },
    Calling { since: Instant },
    Signing { since: Instant },
    Done,
    GivenUp(Verdict),
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    /// Jobs that wait for a thread.
    pub(crate) waiting: usize,
    /// Threads at work, those that hang not counted.
    pub(crate) under_way: usize,
    /// Threads that hang.
    pub(crate) hanging: usize,
}

/// A job was given up by the one who waited for it, and does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenUp;

/// The threads.
pub(crate) struct Crew(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    /// A thread has left.
    left: Condvar,
    limit: NonZeroUsize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn FnOnce() -> Verdict + Send>>,
    threads: usize,
    idle: usize,
    hanging: usize,
    closed: bool,
    /// Those that were started and may not have ended.
    started: Vec<JoinHandle<()>>,
    /// Which of them are done with their last job.
    leaving: Vec<ThreadId>,
}

/// Whether the thread is still one of the crew after its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stays,
    Replaced,
}

impl Crew {
    /// A crew of at most so many threads, those that hang not counted.
    pub(crate) fn new(limit: NonZeroUsize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), left: Condvar::new(), limit }))
    }

    /// Tells what is under way.
    pub(crate) fn busy(&self) -> Busy {
        let state = self.0.state();
        let under_way = state.threads.saturating_sub(state.idle);
        Busy { waiting: state.queue.len(), under_way, hanging: state.hanging }
    }

    /// Has a thread do something, and waits for the answer as long as it may take.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        pace: Pace,
        work: impl FnOnce(&Ticket) -> T + Send + 'static,
    ) -> Result<T, Late> {
        let ticket = Arc::new(Ticket(Mutex::new(Stage::Queued { since: now() })));
        let (answer, answered) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&ticket);
        let hand_in = self.0.push(Box::new(move || {
            // A panic ends the job and not the thread: the next job may be waiting for this very thread already.
            match catch_unwind(AssertUnwindSafe(|| work(&theirs))) {
                Ok(done) => {
                    let verdict = theirs.finish();
                    // Nobody waits when the job was given up, or the requester panicked.
                    drop(answer.send(done));
                    verdict
                }
                Err(_panic) => theirs.cut_short(),
            }
        }));
        hand_in?;
        loop {
            // Not longer than a call may take: one may begin, and hang, while it is waited for a thread.
            match answered.recv_timeout(ticket.left(pace).min(pace.call)) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Late::InCall { signing: ticket.is_signing() });
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(late) = self.0.give_up(&ticket, pace) {
                        return Err(late);
                    }
                }
            }
        }
    }
}

impl Drop for Crew {
    /// Waits until the threads have ended that do not hang. What a vendor's library keeps for a thread it gives back when that ends,
    /// and many crash when this comes as the process ends as well.
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.work.notify_all();
        let state = self.0.state();
        let (mut state, _timed_out) = self
            .0
            .left
            .wait_timeout_while(state, LONGEST_LEAVE, |state| state.threads > 0)
            .unwrap_or_else(PoisonError::into_inner);
        let (started, leaving) = (core::mem::take(&mut state.started), core::mem::take(&mut state.leaving));
        drop(state);
        let own = thread::current().id();
        for one in started {
            let id = one.thread().id();
            if id != own && leaving.contains(&id) {
                // It ended in a panic, or it did not: it ended.
                drop(one.join());
            }
        }
    }
}

impl Shared {
    fn push(self: &Arc<Self>, job: Box<dyn FnOnce() -> Verdict + Send>) -> Result<(), Late> {
        let mut state = self.state();
        if state.hanging >= MOST_HANGING {
            return Err(Late::InQueue);
        }
        state.queue.push_back(job);
        // Without another thread the others will come to it, if there are any.
        if self.staff(&mut state).is_err() && state.threads == 0 {
            state.queue.pop_back();
            return Err(Late::InQueue);
        }
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Starts another thread, if there is work that none waits for, and room for one.
    fn staff(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.idle < state.queue.len() && state.threads < self.limit.get() {
            let crew = Arc::clone(self);
            let one = thread::Builder::new().name("token".to_owned()).spawn(move || crew.serve())?;
            state.threads += 1;
            state.started.retain(|other| !other.is_finished());
            state.started.push(one);
            let known: Vec<ThreadId> = state.started.iter().map(|one| one.thread().id()).collect();
            state.leaving.retain(|id| known.contains(id));
        }
        Ok(())
    }

    fn staff_or_tell(self: &Arc<Self>, state: &mut State) {
        if let Err(error) = self.staff(state) {
            tracing::error!(%error, "no thread for a call to the token; who waits for it goes away at its deadline");
        }
    }

    /// Gives a job up whose deadline has passed. A thread that hangs is no longer one of the crew: another one is started for
    /// the next job. Under one lock, so that a thread which comes back at this moment finds itself counted among those that hang.
    fn give_up(self: &Arc<Self>, ticket: &Ticket, pace: Pace) -> Option<Late> {
        let mut state = self.state();
        let late = ticket.give_up(pace)?;
        if matches!(late, Late::InCall { .. }) {
            state.hanging += 1;
            state.threads = state.threads.saturating_sub(1);
            self.staff_or_tell(&mut state);
        }
        Some(late)
    }

    fn serve(self: &Arc<Self>) {
        let _counted = Counted(self);
        loop {
            let mut state = self.state();
            state.idle += 1;
            state = self
                .work
                .wait_while(state, |state| state.queue.is_empty() && !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
            let Some(job) = state.queue.pop_front() else { return };
            drop(state);
            if job() == Verdict::Replaced {
                let mut state = self.state();
                // Its place may be taken; it is counted again for as long as it takes to leave.
                state.hanging = state.hanging.saturating_sub(1);
                state.threads += 1;
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread of the crew, however it ends.
struct Counted<'a>(&'a Arc<Shared>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads = state.threads.saturating_sub(1);
        // Work that came while this one still counted among those who might do it.
        self.0.staff_or_tell(&mut state);
        state.leaving.push(thread::current().id());
        drop(state);
        self.0.left.notify_all();
    }
}

impl Ticket {
    /// A thread and a session are there: calls begin.
    pub(crate) fn begin(&self) -> Result<(), GivenUp> {
        self.enter(Stage::Calling { since: now() })
    }

    /// `C_Sign` is called next. Never, once the requester has gone with the answer that nothing was signed.
    pub(crate) fn begin_signing(&self) -> Result<(), GivenUp> {
        self.enter(Stage::Signing { since: now() })
    }

    fn enter(&self, next: Stage) -> Result<(), GivenUp> {
        let mut stage = self.stage();
        if matches!(*stage, Stage::GivenUp(_)) {
            return Err(GivenUp);
        }
        *stage = next;
        Ok(())
    }

    /// Tells whether the thread was given up meanwhile.
    fn finish(&self) -> Verdict {
        let mut stage = self.stage();
        if let Stage::GivenUp(verdict) = *stage {
            return verdict;
        }
        *stage = Stage::Done;
        Verdict::Stays
    }

    /// The job ended in a panic: what it was at stays to be read by the requester.
    fn cut_short(&self) -> Verdict {
        if let Stage::GivenUp(verdict) = *self.stage() { verdict } else { Verdict::Stays }
    }

    fn is_signing(&self) -> bool {
        matches!(*self.stage(), Stage::Signing { .. })
    }

    /// How long the requester may still wait at this stage.
    fn left(&self, pace: Pace) -> Duration {
        let (since, most) = match *self.stage() {
            Stage::Queued { since } => (since, pace.queue),
            Stage::Calling { since } | Stage::Signing { since } => (since, pace.call),
            // The answer is on its way.
            Stage::Done | Stage::GivenUp(_) => return pace.call,
        };
        most.saturating_sub(now().saturating_duration_since(since))
    }

    /// Gives the job up if its deadline has passed at the stage where it is by now.
    fn give_up(&self, pace: Pace) -> Option<Late> {
        let mut stage = self.stage();
        let (since, most, late) = match *stage {
            Stage::Queued { since } => (since, pace.queue, Late::InQueue),
            Stage::Calling { since } => (since, pace.call, Late::InCall { signing: false }),
            Stage::Signing { since } => (since, pace.call, Late::InCall { signing: true }),
            Stage::Done | Stage::GivenUp(_) => return None,
        };
        (now().saturating_duration_since(since) >= most).then(|| {
            let verdict = if late == Late::InQueue { Verdict::Stays } else { Verdict::Replaced };
            *stage = Stage::GivenUp(verdict);
            late
        })
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock that deadlines and rests are measured by.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a call lasts is no date: the clock that cannot be set"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Barrier;

    use super::*;

    const SOON: Pace = Pace { queue: Duration::from_millis(50), call: Duration::from_millis(50) };
    const NEVER: Pace = Pace { queue: Duration::from_secs(600), call: Duration::from_secs(600) };

    fn crew(limit: usize) -> Crew {
        Crew::new(NonZeroUsize::new(limit).unwrap())
    }

    #[test]
    fn h_03_a_thread_that_hangs_is_given_up_and_replaced() {
        let crew = crew(1);
        for signing in [false, true] {
            let (release, released) = mpsc::channel::<()>();
            let late = crew.run(SOON, move |ticket| {
                ticket.begin().unwrap();
                if signing {
                    ticket.begin_signing().unwrap();
                }
                let _until_the_end_of_the_test = released.recv();
                ticket.begin()
            });
            assert_eq!(late.unwrap_err(), Late::InCall { signing });
            assert_eq!(crew.run(NEVER, |_| 7), Ok(7));
            drop(release);
        }
    }

    #[test]
    fn a_job_given_up_in_the_queue_never_begins() {
        let crew = Arc::new(crew(1));
        let (started, done) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (theirs, busy) = ((Arc::clone(&started), Arc::clone(&done)), Arc::clone(&crew));
        let first = thread::spawn(move || {
            busy.run(NEVER, move |ticket| {
                ticket.begin().unwrap();
                theirs.0.wait();
                theirs.1.wait();
            })
        });
        started.wait();
        let (begun, tell) = mpsc::channel();
        let (crew_of_second, pace) = (Arc::clone(&crew), Pace { call: NEVER.call, ..SOON });
        let late = crew_of_second.run(pace, move |ticket| begun.send(ticket.begin()).unwrap());
        assert_eq!(late, Err(Late::InQueue));
        done.wait();
        assert_eq!(first.join().unwrap(), Ok(()));
        assert_eq!(tell.recv(), Ok(Err(GivenUp)), "it does not make a call that nobody waits for");
        assert_eq!(crew.run(NEVER, |_| 7), Ok(7), "its thread did not hang, and is still there");
    }

    // What a library keeps for a thread is given back as the thread ends, and not as the process does.
    #[test]
    fn a_crew_that_is_dropped_has_ended_to_the_last_of_its_threads() {
        struct Kept(mpsc::Sender<()>);
        impl Drop for Kept {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        thread_local!(static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) });
        for _ in 0..100 {
            let (tell, told) = mpsc::channel();
            let crew = crew(1);
            crew.run(NEVER, move |_| KEPT.set(Some(Kept(tell)))).unwrap();
            drop(crew);
            assert_eq!(told.try_recv(), Ok(()));
        }
    }

    #[test]
    fn a_thread_that_panics_keeps_nobody() {
        let crew = crew(1);
        // Often, since the next job may come before the thread that ends is counted out.
        for _ in 0..200 {
            let late = crew.run(NEVER, |_| panic!("as a fault in a call would"));
            assert_eq!(late, Err::<(), _>(Late::InCall { signing: false }));
            assert_eq!(crew.run(NEVER, |_| 7), Ok(7));
        }
    }

    #[test]
    fn h_03_who_waits_behind_a_call_that_hangs_is_served_once_that_is_given_up() {
        let crew = crew(1);
        let ((release, released), (begun, has_begun)) = (mpsc::channel::<()>(), mpsc::channel());
        thread::scope(|scope| {
            let crew = &crew;
            let first = scope.spawn(move || {
                crew.run(Pace { call: Duration::from_millis(200), ..NEVER }, move |ticket| {
                    ticket.begin().unwrap();
                    begun.send(()).unwrap();
                    let _until_it_was_given_up = released.recv();
                })
            });
            has_begun.recv().unwrap();
            assert_eq!(crew.run(NEVER, |_| 7), Ok(7));
            assert_eq!(first.join().unwrap(), Err(Late::InCall { signing: false }));
            drop(release);
        });
    }

    /// A call that hangs until its sender is dropped.
    fn hang(crew: &Crew) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let late = crew.run(Pace { call: Duration::from_millis(1), ..NEVER }, move |ticket| {
            ticket.begin().unwrap();
            let _until_it_was_given_up = released.recv();
        });
        assert_eq!(late, Err(Late::InCall { signing: false }));
        release
    }

    /// Waits until so many threads hang, and no other is there.
    fn await_hanging(crew: &Crew, hanging: usize) {
        let more = |state: &mut State| state.hanging > hanging || state.threads > 0;
        let state = crew.0.left.wait_while(crew.0.state(), more).unwrap();
        assert_eq!((state.hanging, state.threads), (hanging, 0), "nobody is counted out twice");
    }

    #[test]
    fn h_03_as_many_threads_may_hang_as_there_is_room_for_and_those_that_come_back_make_room() {
        let crew = crew(1);
        let mut held: Vec<mpsc::Sender<()>> = Vec::new();
        for hanging in 1..=MOST_HANGING {
            held.push(hang(&crew));
            assert_eq!(crew.busy().hanging, hanging);
        }
        assert_eq!(crew.run(NEVER, |_| 7), Err(Late::InQueue), "nothing is asked any more");
        drop(held.pop());
        await_hanging(&crew, MOST_HANGING - 1);
        assert_eq!(crew.run(NEVER, |_| 7), Ok(7));
        held.push(hang(&crew));
        assert_eq!(crew.run(NEVER, |_| 7), Err(Late::InQueue), "one came back, and one went");
        drop(held);
        await_hanging(&crew, 0);
        assert_eq!(crew.run(NEVER, |_| 7), Ok(7));
    }
}
