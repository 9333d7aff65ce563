//! Calls that may be repeated: begun, answered, forgotten. What is over is taken away when another begins.

use ca_core::record::{Call, CallAnswer, CallStanding};
use ca_core::validity::UnixTime;

use super::parts;
use crate::keyspace::{Keyspace, call_part_key, parse_request, request_end_key, time_octets};
use crate::row::{CallRow, RowFault};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many calls that are over are taken away at a time: more than can come in.
const STEP: usize = 16;

/// Puts a call on record as begun, unless one with its key is remembered.
pub(crate) fn begin(tx: &mut Transaction<'_>, call: &Call) -> Result<CallStanding, ActFault> {
    forget_over(tx, call.at)?;
    match tx.row::<CallRow>(&call.key)? {
        Some(known) if known.until >= call.at => Ok(standing(tx, &call.key, (&known, &call.digest))?),
        over => {
            if let Some(over) = over {
                remove(tx, &call.key, &over);
            }
            let row =
                CallRow { digest: call.digest, at: call.at, until: call.until, status: None, octets: None };
            tx.put(&call.key, &row)?;
            tx.put_octets(Keyspace::CallEnds, request_end_key(call.until, &call.key), Vec::new())?;
            Ok(CallStanding::New)
        }
    }
}

/// Puts the answer on record.
pub(crate) fn answer(tx: &mut Transaction<'_>, key: &[u8; 32], answer: &CallAnswer) -> Result<(), ActFault> {
    let Some(known) = tx.row::<CallRow>(key)?.filter(|known| known.status.is_none()) else { return Ok(()) };
    let too_long = |octets| ActFault::TooLong { keyspace: Keyspace::CallOctets.name(), octets };
    let mut octets = None;
    if let Some(body) = &answer.body {
        octets = Some(u32::try_from(body.len()).map_err(|_| too_long(body.len()))?);
        parts::put(tx, Keyspace::CallOctets, |part| call_part_key(key, part), body)?;
    }
    tx.put(key, &CallRow { status: Some(answer.status), octets, ..known })
}

/// Forgets a call of which nothing was done.
pub(crate) fn forget(tx: &mut Transaction<'_>, key: &[u8; 32]) -> Result<(), ActFault> {
    if let Some(known) = tx.row::<CallRow>(key)? {
        remove(tx, key, &known);
    }
    Ok(())
}

fn standing(
    rows: &impl Rows,
    key: &[u8; 32],
    (known, digest): (&CallRow, &[u8; 32]),
) -> Result<CallStanding, ReadFault> {
    if known.digest != *digest {
        return Ok(CallStanding::Other);
    }
    let Some(status) = known.status else { return Ok(CallStanding::Begun(known.at)) };
    let body = |octets| parts::read(rows, Keyspace::CallOctets, |part| call_part_key(key, part), octets);
    let body = known.octets.map(body).transpose()?;
    Ok(CallStanding::Answered(CallAnswer { status, body }))
}

fn forget_over(tx: &mut Transaction<'_>, now: UnixTime) -> Result<(), ActFault> {
    let now = time_octets(now);
    for (place, _) in tx.committed_after(Keyspace::CallEnds, &[], STEP)? {
        if place.get(..now.len()).is_none_or(|end| *end >= *now.as_slice()) {
            break;
        }
        let damaged = RowFault::Key { keyspace: Keyspace::CallEnds.name() };
        let key = parse_request(&place).ok_or(damaged)?;
        // The key may have been used anew since.
        match tx.row::<CallRow>(&key)? {
            Some(known) if request_end_key(known.until, &key) == place => remove(tx, &key, &known),
            Some(_) | None => tx.remove_key(Keyspace::CallEnds, place),
        }
    }
    Ok(())
}

fn remove(tx: &mut Transaction<'_>, key: &[u8; 32], known: &CallRow) {
    tx.remove::<CallRow>(key);
    tx.remove_key(Keyspace::CallEnds, request_end_key(known.until, key));
    let octets = usize::try_from(known.octets.unwrap_or_default()).unwrap_or(usize::MAX);
    parts::remove(tx, Keyspace::CallOctets, |part| call_part_key(key, part), 0..parts::count(octets));
}
