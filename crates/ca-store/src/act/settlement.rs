//! Ending intents that do not become certificates. Their serial numbers stay burned.

use ca_core::audit::AuditEvent;
use ca_core::record::{CertificateId, Settlement};
use ca_core::validity::UnixTime;

use super::{production, slot, waiting};
use crate::keyspace::{Keyspace, id_key};
use crate::row::{
    CertificateRow, CertificateState, IntentRow, KeyRow, RequestRow, RevocationRow, TokenRow, UncertainRow,
};
use crate::transaction::{ActFault, Rows, Transaction};

/// Ends an open intent; gives back its slot, its place in a production order, its token, its approval and its request.
///
/// The key of an aborted intent counts as never certified; that of an uncertain one as certified, since a signature may exist.
pub(crate) fn settle(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    settlement: Settlement,
    event: AuditEvent,
) -> Result<(), ActFault> {
    let since = event.time;
    if !tx.has::<IntentRow>(id)? {
        return Err(ActFault::NotOpen { id: id.clone() });
    }
    tx.seal(event)?;
    end(tx, id, settlement, since)
}

/// Ends an open intent whose audit record stands already.
pub(crate) fn end(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    settlement: Settlement,
    since: UnixTime,
) -> Result<(), ActFault> {
    let intent = tx.row::<IntentRow>(id)?.ok_or_else(|| ActFault::NotOpen { id: id.clone() })?;
    tx.remove::<IntentRow>(id);
    tx.remove_key(Keyspace::Signing, id_key(id));
    give_back(tx, id, &intent)?;
    production::ended(tx, id, &intent.certificate)?;
    let state = match settlement {
        Settlement::Aborted => {
            release_key(tx, &intent.certificate.key_fingerprint)?;
            CertificateState::Aborted
        }
        Settlement::Uncertain => {
            if !tx.has::<RevocationRow>(id)? {
                tx.put(id, &UncertainRow { since })?;
            }
            CertificateState::Uncertain
        }
    };
    tx.put(id, &CertificateRow { state, since, ..intent.certificate })
}

fn give_back(tx: &mut Transaction<'_>, id: &CertificateId, intent: &IntentRow) -> Result<(), ActFault> {
    if let Some(slot) = &intent.certificate.slot {
        slot::leave(tx, slot, id)?;
    }
    if let Some(hash) = &intent.token
        && let Some(mut row) = tx.row::<TokenRow>(hash)?
    {
        row.token.spent = false;
        row.spent_by = None;
        tx.put(hash, &row)?;
    }
    if let Some(digest) = &intent.approval {
        waiting::give_back(tx, digest, id)?;
    }
    if let Some(key) = &intent.request
        && tx.row::<RequestRow>(key)?.is_some_and(|row| row.id == *id)
    {
        tx.remove::<RequestRow>(key);
    }
    Ok(())
}

fn release_key(tx: &mut Transaction<'_>, fingerprint: &[u8; 32]) -> Result<(), ActFault> {
    let Some(mut key) = tx.row::<KeyRow>(fingerprint)? else { return Ok(()) };
    key.holders = key.holders.saturating_sub(1);
    if key.holders == 0 && !key.blocked {
        tx.remove::<KeyRow>(fingerprint);
        Ok(())
    } else {
        tx.put(fingerprint, &key)
    }
}
