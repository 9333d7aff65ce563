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
    let end = end_of(idempotency, intent);
    tx.put(&idempotency.key, &RequestRow { id: intent.id.clone() })?;
    tx.put_octets(Keyspace::RequestEnds, request_end_key(end, &idempotency.key), id_key(&intent.id))
}

/// Until when a request is remembered.
fn end_of(idempotency: &Idempotency, intent: &Intent) -> UnixTime {
    let window = intent.recorded_at.seconds().saturating_sub(idempotency.since.seconds());
    match idempotency.after {
        AfterWindow::New => intent.recorded_at.plus_seconds(window),
        AfterWindow::ReturnExisting | AfterWindow::Refuse => intent.validity.not_after(),
    }
}

/// Forgets what is over, a few at a time.
///
/// Keeps the place where the last step ended, so that no step goes again over what those before took away. A start begins at
/// the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forgetting(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    place: Vec<u8>,
    /// No request ends before this time; none where that is not known.
    earliest: Option<[u8; 8]>,
}

/// Where a step ended, and before which time no request ends that stands behind it.
#[derive(Debug)]
pub(crate) struct Place {
    key: Vec<u8>,
    earliest: Option<[u8; 8]>,
}

/// Returns the earliest time at which one of these requests may be forgotten.
pub(crate) fn earliest_end(intents: &[Intent]) -> Option<[u8; 8]> {
    let ends = intents.iter().filter_map(|intent| Some((intent.conditions.idempotency.as_ref()?, intent)));
    ends.map(|(idempotency, intent)| time_octets(end_of(idempotency, intent))).min()
}

impl Forgetting {
    /// Forgets requests whose time was over before `now`, at most `limit`. The next step begins here again unless it is told
    /// to [go on](Self::go_on_from): an act that fails afterwards takes this back with everything else.
    pub(crate) fn step(
        &self,
        tx: &mut Transaction<'_>,
        now: UnixTime,
        limit: usize,
    ) -> Result<Place, ActFault> {
        // To look is a question to a database, and mostly in vain.
        let known = self.known().earliest.filter(|earliest| *earliest >= time_octets(now));
        if let Some(earliest) = known {
            return Ok(Place { key: self.known().place.clone(), earliest: Some(earliest) });
        }
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

    /// Hears of requests that are remembered now, and when the first of them may be forgotten.
    pub(crate) fn expect(&self, end: Option<[u8; 8]>) {
        if let (Some(earliest), Some(end)) = (&mut self.known().earliest, end) {
            *earliest = end.min(*earliest);
        }
    }

    /// Takes away keys that begin with a time before `now`, at most `limit`, and has `forget` done for each.
    pub(crate) fn each_over(
        &self,
        tx: &mut Transaction<'_>,
        keyspace: Keyspace,
        (now, limit): (UnixTime, usize),
        mut forget: impl FnMut(&mut Transaction<'_>, &[u8; 32], &[u8]) -> Result<(), ActFault>,
    ) -> Result<Place, ActFault> {
        let mut place = self.known().place.clone();
        let over = time_octets(now);
        let page = tx.committed_after(keyspace, &place, limit)?;
        let mut earliest = (page.len() < limit).then_some([u8::MAX; 8]);
        for (key, value) in page {
            if key.get(..over.len()).is_none_or(|end| *end >= *over.as_slice()) {
                earliest = key.first_chunk().copied();
                break;
            }
            let damaged = RowFault::Key { keyspace: keyspace.name() };
            forget(tx, &parse_request(&key).ok_or(damaged)?, &value)?;
            tx.remove_key(keyspace, key.clone());
            place = key;
        }
        Ok(Place { key: place, earliest })
    }

    /// Lets the next step begin where one ended whose act was done.
    pub(crate) fn go_on_from(&self, place: Place) {
        *self.known() = Known { place: place.key, earliest: place.earliest };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
