//! What this process acknowledged last, held against the trail before every group.
//!
//! An engine on this machine alone keeps what it has. A database elsewhere may have lost its last commits, when a standby took
//! over that did not have them, or an old copy was put in its place: then nothing more may be built on it.

use ca_core::audit::{AuditRecord, AuditTrail};
use sha2::{Digest, Sha256};

use crate::engine::{EngineError, NotWritten, View};
use crate::keyspace::Keyspace;
use crate::row::TrailRow;
use crate::transaction::{ReadFault, Rows};

/// The trail up to the last record that somebody was told of here.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged(pub(crate) AuditTrail);

impl Acknowledged {
    /// Returns the trail as it stands, which holds what was acknowledged here.
    pub(crate) fn look_again(&self, view: &dyn View) -> Result<AuditTrail, NotWritten> {
        let Self(known) = self;
        let TrailRow(now) = view.row::<TrailRow>(&()).map_err(not_read)?.ok_or_else(|| lost(Lost::End))?;
        if now.sequence() < known.sequence() {
            return Err(lost(Lost::Records { known: known.sequence(), end: now.sequence() }));
        }
        if now.sequence() == known.sequence() {
            let is_ours = now.head() == known.head();
            return if is_ours { Ok(known.clone()) } else { Err(lost(Lost::Record(known.sequence()))) };
        }
        if known.sequence() > 0 && Sha256::digest(record(view, known.sequence())?).as_slice() != known.head()
        {
            return Err(lost(Lost::Record(known.sequence())));
        }
        // Somebody else sealed the last one, at a time that is to be read.
        let last = record(view, now.sequence())?;
        let last = AuditRecord::from_der(&last)
            .map_err(|cause| NotWritten::Unknown(EngineError { doing: LOOKING, cause: cause.into() }))?;
        Ok(now.after(last.event.time))
    }
}

fn record(view: &dyn View, sequence: u64) -> Result<Vec<u8>, NotWritten> {
    let record = view.octets(Keyspace::Audit, &sequence.to_be_bytes()).map_err(not_read)?;
    record.ok_or_else(|| lost(Lost::Record(sequence)))
}

/// The database may only be away; octets that are no row are the end.
fn not_read(fault: ReadFault) -> NotWritten {
    match fault {
        ReadFault::Engine(cause) => NotWritten::Nothing(cause),
        ReadFault::Row(cause) => NotWritten::Unknown(EngineError { doing: LOOKING, cause: cause.into() }),
    }
}

fn lost(lost: Lost) -> NotWritten {
    NotWritten::Unknown(EngineError { doing: LOOKING, cause: lost.into() })
}

const LOOKING: &str = "looking for what was acknowledged";

/// What was acknowledged is not there.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the ledger holds no end of its audit trail")]
    End,
    #[error(
        "audit record {known} was acknowledged, and the trail ends at {end}: acknowledged records are lost"
    )]
    Records { known: u64, end: u64 },
    #[error("audit record {0} is not the one that was acknowledged: the ledger is another one")]
    Record(u64),
}
