//! Which requests were answered, and when each may be forgotten.
//!
//! Not whether a request is a repetition: that is decided with the intent. What is over is taken away in bounded steps, so that
//! the ledger holds no more requests than came in one window.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ca_core::record::{AfterWindow, Idempotency, Intent};
use ca_core::validity::UnixTime;

use crate::keyspace::{Keyspace, id_key, parse_id, parse_request, request_end_key, time_octets};
use crate::row::{RequestRow, RowFault};
use crate::transaction::{ActFault, Rows, Transaction};

/// Remembers which intent answers a request, and until when.
pub(super) fn remember(
    tx: &mut Transaction<'_>,
    idempotency: &Idempotency,
    intent: &Intent,
) -> Result<(), ActFault> {
    let window = intent.recorded_at.seconds().saturating_sub(idempotency.since.seconds());
    let end = match idempotency.after {
        AfterWindow::New => intent.recorded_at.plus_seconds(window),
        AfterWindow::ReturnExisting | AfterWindow::Refuse => intent.validity.not_after(),
    };
    tx.put(&idempotency.key, &RequestRow { id: intent.id.clone() })?;
    tx.put_octets(Keyspace::RequestEnds, request_end_key(end, &idempotency.key), id_key(&intent.id))
}

/// Forgets what is over, a few at a time.
///
/// Keeps the place where the last step ended, so that no step goes again over what those before took away. A start begins at
/// the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forgetting(Arc<Mutex<Turn>>);

#[derive(Debug, Default)]
struct Turn {
    place: Vec<u8>,
    /// How many requests may still be forgotten for what was added.
    owed: usize,
    /// When it was looked last.
    looked: Option<UnixTime>,
}

/// How many requests may be owed before it is looked within the same second.
const OWED: usize = 512;

/// Where a step ended.
#[derive(Debug)]
pub(crate) struct Place(Vec<u8>);

impl Forgetting {
    /// Forgets requests whose time was over before `now`, at most `limit`. The next step begins here again unless it is told
    /// to [go on](Self::go_on_from): an act that fails afterwards takes this back with everything else.
    pub(crate) fn step(
        &self,
        tx: &mut Transaction<'_>,
        now: UnixTime,
        limit: usize,
    ) -> Result<Place, ActFault> {
        let Some(limit) = self.due(tx, now, limit) else { return Ok(Place(self.turn().place.clone())) };
        self.each_over(tx, Keyspace::RequestEnds, (now, limit), |tx, request, value| {
            let damaged = || RowFault::Key { keyspace: Keyspace::RequestEnds.name() };
            let answer = parse_id(value).ok_or_else(damaged)?;
            // The request may have been answered anew since.
            if tx.row::<RequestRow>(request)?.is_some_and(|row| row.id == answer) {
                tx.remove::<RequestRow>(request);
            }
            Ok(())
        })
    }

    /// Returns how many are due to be forgotten. Where each look is a question to a database, it is looked once in a second, or
    /// when many are owed.
    fn due(&self, tx: &Transaction<'_>, now: UnixTime, more: usize) -> Option<usize> {
        let mut turn = self.turn();
        turn.owed = turn.owed.saturating_add(more);
        let waits = tx.node().is_some() && turn.looked == Some(now) && turn.owed < OWED;
        if waits {
            return None;
        }
        turn.looked = Some(now);
        Some(core::mem::take(&mut turn.owed))
    }

    /// Takes away keys that begin with a time before `now`, at most `limit`, and has `forget` done for each.
    pub(crate) fn each_over(
        &self,
        tx: &mut Transaction<'_>,
        keyspace: Keyspace,
        (now, limit): (UnixTime, usize),
        mut forget: impl FnMut(&mut Transaction<'_>, &[u8; 32], &[u8]) -> Result<(), ActFault>,
    ) -> Result<Place, ActFault> {
        let mut place = self.turn().place.clone();
        let over = time_octets(now);
        for (key, value) in tx.committed_after(keyspace, &place, limit)? {
            if key.get(..over.len()).is_none_or(|end| *end >= *over.as_slice()) {
                break;
            }
            let damaged = RowFault::Key { keyspace: keyspace.name() };
            forget(tx, &parse_request(&key).ok_or(damaged)?, &value)?;
            tx.remove_key(keyspace, key.clone());
            place = key;
        }
        Ok(Place(place))
    }

    /// Lets the next step begin where one ended whose act was done.
    pub(crate) fn go_on_from(&self, place: Place) {
        self.turn().place = place.0;
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
