//! Whether a ledger that is being opened may record: asked of its own row, and of a witness outside that saw its trail.
//!
//! Reads and writes the one row; what the witness is, and where it stands, its owner knows.

use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use crate::engine::{Durability, Engine, View, Write};
use crate::installation::{Installation, Recovery};
use crate::keyspace::Keyspace;
use crate::row::{InstallationRow, Row, TrailRow};
use crate::transaction::{ActFault, ReadFault, Rows};

/// Asks a witness before anything is recorded in a ledger that is being opened.
pub struct Guard<'a> {
    /// The id of this installation, should its ledger have none yet: 16 random octets.
    pub newcomer: [u8; 16],
    /// Looks at the end of the trail; an error says, in one sentence, why the ledger must not go on.
    pub witness: &'a dyn Fn(&TrailEnd<'_>) -> Result<(), String>,
}

impl core::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// What a witness is shown of a ledger.
pub struct TrailEnd<'a> {
    view: &'a dyn View,
    sequence: u64,
    installation: Installation,
}

impl core::fmt::Debug for TrailEnd<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TrailEnd").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl TrailEnd<'_> {
    /// Returns the number of the last audit record; 0 when there is none.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns whose ledger it is.
    #[must_use]
    pub const fn installation(&self) -> Installation {
        self.installation
    }

    /// Returns the SHA-256 of an audit record; `None` when there is no such record or it cannot be read.
    #[must_use]
    pub fn head_at(&self, sequence: u64) -> Option<[u8; 32]> {
        let record = self.view.value(Keyspace::Audit, &sequence.to_be_bytes()).ok()??;
        Some(Sha256::digest(record).into())
    }
}

/// Tells whether other nodes serve the ledger: then it is theirs, and a witness that says no speaks of this node alone.
fn others_serve(engine: &dyn Engine) -> Result<bool, ActFault> {
    let Some(shared) = engine.shared() else { return Ok(false) };
    Ok(shared.has_others().map_err(|fault| ReadFault::Engine(fault.into()))?)
}

/// Finds out whether a ledger may record. A witness that says no puts it into recovery, durably; of several nodes it keeps the one
/// out that has this witness.
pub(crate) fn at_open(
    engine: &dyn Engine,
    now: UnixTime,
    guard: Option<&Guard<'_>>,
) -> Result<Option<Recovery>, ActFault> {
    let view = engine.view().map_err(ReadFault::from)?;
    let known = view.row::<InstallationRow>(&())?;
    let Some(guard) = guard else { return Ok(known.and_then(|row| row.recovery)) };
    let installation =
        known.as_ref().map_or(Installation { id: guard.newcomer, epoch: 1 }, |row| row.installation);
    let mut recovery = known.as_ref().and_then(|row| row.recovery.clone());
    let mut refused = None;
    if recovery.is_none() {
        let sequence = view.row::<TrailRow>(&())?.map_or(0, |TrailRow(trail)| trail.sequence());
        refused = (guard.witness)(&TrailEnd { view: &*view, sequence, installation }).err();
    }
    // Whether others serve may take a while to find out.
    drop(view);
    if let Some(reason) = refused {
        if others_serve(engine)? {
            return Err(ActFault::Witness { reason });
        }
        recovery = Some(Recovery { since: now, reason, reconciled: None });
    }
    let row = InstallationRow { installation, recovery };
    if known.as_ref() != Some(&row) {
        let write = Write {
            keyspace: InstallationRow::KEYSPACE,
            key: InstallationRow::key(&()),
            value: Some(row.encode()?),
        };
        engine.commit(vec![write], Durability::Durable).map_err(ReadFault::from)?;
    }
    Ok(row.recovery)
}
