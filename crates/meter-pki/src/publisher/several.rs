//! CRLs where several nodes share the ledger: one node makes them, and every node shows what is on record.
//!
//! A node hears of nothing that another one records. It looks every second how far the ledger has come, which is one short read; what
//! came since is then looked for by the numbers of CRLs and by the log of changes.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::scope::{CrlKind, CrlLine, CrlScope};
use ca_core::validity::UnixTime;

use super::{AGAIN, Publisher, unavailable};
use crate::exit::Failure;

/// How often it is looked how far the ledger has come.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// What was found at the last look.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The last audit record at that time.
    end: u64,
    /// When everything is looked at, whatever is heard.
    thoroughly_at: UnixTime,
    /// Whether this node was the one that makes CRLs.
    on_duty: bool,
}

impl Publisher {
    /// Shows what other nodes made, and makes what is owed if that is this node's.
    pub(super) fn keep_up(&self) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut looked = self.looked();
        let key = self.authority.issuer().key();
        // Whatever changes in a shard changes in the scope of all.
        let told = self.status.changes((&key, &CrlScope::All), looked.end, 1).map_err(unavailable)?;
        if told.seen != looked.end {
            // Not between the making of one here and its showing: it would come behind a later one.
            let _turn = self.turn();
            self.show_newer()?;
        }
        let on_duty = self.duty.is_ours().map_err(unavailable)?;
        let thoroughly = looked.thoroughly_at <= now || (on_duty && !looked.on_duty);
        (looked.end, looked.on_duty) = (told.seen, on_duty);
        if on_duty && (thoroughly || !told.changes.is_empty()) {
            let made = self.keep_current();
            looked.thoroughly_at =
                now.plus_seconds(seconds(made.as_ref().map_or(AGAIN, |()| self.until_due())));
            return made;
        }
        if thoroughly {
            self.forget_others(&self.scopes()?);
            looked.thoroughly_at = now.plus_seconds(seconds(super::LONGEST_WAIT));
        }
        Ok(())
    }

    /// Has everything looked at next time.
    pub(super) fn look_thoroughly(&self) {
        self.looked().thoroughly_at = UnixTime::default();
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        // What a panic leaves is a number that is too small: more is looked at than needs be.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes CRLs on record that are later than those published here: another node made them.
    pub(super) fn show_newer(&self) -> Result<(), Failure> {
        let key = self.authority.issuer().key();
        let numbers = self.status.last_numbers(&key).map_err(unavailable)?;
        let is_newer = |(line, number): &(CrlLine, u64)| {
            self.repository.standing_of(line).is_none_or(|standing| standing.number < *number)
        };
        let mut newer: Vec<CrlLine> = numbers.into_iter().filter(is_newer).map(|(line, _)| line).collect();
        if newer.is_empty() {
            return Ok(());
        }
        let scopes = self.scopes()?;
        newer.retain(|line| scopes.contains(&line.scope));
        // A delta behind the complete CRL that it builds on.
        newer.sort_by_key(|line| line.kind == CrlKind::Delta);
        newer.iter().try_for_each(|line| self.show_latest_of(line))
    }

    fn show_latest_of(&self, line: &CrlLine) -> Result<(), Failure> {
        let Some(crl) = self.latest(&line.scope, line.kind)? else { return Ok(()) };
        let base = self.repository.standing_of(&line.base()).map(|standing| standing.number);
        if line.kind == CrlKind::Delta && (self.profile.deltas().is_none() || crl.base != base) {
            return Ok(());
        }
        self.show(&crl)?;
        self.has_seen(&crl);
        let issuer = self.authority.issuer().name();
        tracing::info!(%issuer, %line, number = crl.number, "a CRL that another node made is published here");
        Ok(())
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
