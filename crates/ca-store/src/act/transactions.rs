//! Transactions: opening, answering, closing, and taking away those whose time is long over. Which step may follow which is
//! ca-core's; that it follows once, and that what is not accepted is revoked with it, is decided here.

use ca_core::fleet::swap::Proof;
use ca_core::record::{
    CertificateId, Conclusion, IntentConflict, Opened, Outcome, Stage, Transaction as Kept,
    TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::validity::UnixTime;

use super::count::{self, Step};
use super::refusal::Refusal;
use super::repeats::{Forgetting, Place};
use super::{parts, replacement, revocation, swap};
use crate::certificate::certificate_row;
use crate::keyspace::{Keyspace, id_key, transaction_part_key, transaction_time_key};
use crate::row::{CertificateRow, CertificateState, RequestRow, RevocationRow, Transacting, TransactionRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many that are over are taken away whenever one comes: more than one, so that they never gather.
const SWEPT: usize = 4;

/// What stands in parts beside the row.
const ANSWER: u8 = 0;
const MEMO: u8 = 1;

const OCTETS: Keyspace = Keyspace::TransactionOctets;

/// Opens a transaction, if none of its name is on record and there is room. The place is that of `forgetting`.
pub(crate) fn open(
    tx: &mut Transaction<'_>,
    opening: &Kept,
    bounds: TransactionBounds,
    forgetting: &Forgetting,
) -> Result<(Opened, Place), ActFault> {
    let now = opening.opened_at;
    let place = forgetting.each_over(tx, Keyspace::TransactionEnds, (now, SWEPT), |tx, key, _| {
        match read(tx, key)? {
            Some(known) if is_over(&known, now) => forget(tx, &known),
            // The same name was opened anew.
            Some(_) | None => Ok(()),
        }
    })?;
    match read(tx, &opening.key)? {
        Some(known) if is_over(&known, now) => forget(tx, &known)?,
        Some(known) => return Ok((Opened::Known(Box::new(known)), place)),
        None => {}
    }
    if count::is_full::<Transacting>(tx, owner(opening), (bounds.of_tenant, bounds.of_requester))? {
        return Ok((Opened::TooMany, place));
    }
    count::step::<Transacting>(tx, owner(opening), Step::Up)?;
    put_time(tx, opening)?;
    put(tx, None, opening)?;
    Ok((Opened::New, place))
}

/// A certificate that answers a transaction is made while that is open.
pub(super) fn is_open(tx: &Transaction<'_>, key: Option<&[u8; 32]>) -> Result<(), Refusal> {
    let Some(key) = key else { return Ok(()) };
    let known = tx.row::<TransactionRow>(key)?;
    if known.is_some_and(|row| row.transaction.is_open()) {
        Ok(())
    } else {
        Err(IntentConflict::TransactionOver.into())
    }
}

/// Keeps an answer.
pub(crate) fn answer(
    tx: &mut Transaction<'_>,
    answer: TransactionAnswer,
) -> Result<Result<Kept, TransactionConflict>, ActFault> {
    let Some(before) = read(tx, &answer.key)? else { return Ok(Err(TransactionConflict::Unknown)) };
    let (mut known, now) = (before.clone(), answer.now);
    if let Err(conflict) = known.answer(answer) {
        return Ok(Err(conflict));
    }
    match (&known.stage, made_in(tx, &known)?) {
        (Stage::Unconfirmed { certificate }, Some((id, row)))
            if id == *certificate && row.state == CertificateState::Issued => {}
        (Stage::Unconfirmed { .. }, _) => return Ok(Err(TransactionConflict::OtherCertificate)),
        (_, Some((_, row))) if row.state == CertificateState::Intended => {
            return Ok(Err(TransactionConflict::BeingIssued));
        }
        (Stage::Answering | Stage::Waiting | Stage::Closed(_), _) => {}
    }
    change(tx, &before, &known)?;
    if !known.is_open() {
        nobody_confirms(tx, &known, now)?;
    }
    Ok(Ok(known))
}

/// Nobody will say of what was made in a transaction that it is in use: what it replaced waits for nobody.
pub(crate) fn nobody_confirms(tx: &mut Transaction<'_>, known: &Kept, now: UnixTime) -> Result<(), ActFault> {
    match made_in(tx, known)? {
        Some((id, _)) => replacement::answered(tx, &id, now),
        None => Ok(()),
    }
}

/// Closes a transaction, and revokes what was not accepted in it.
pub(crate) fn conclude(
    tx: &mut Transaction<'_>,
    conclusion: Conclusion,
) -> Result<Result<Kept, TransactionConflict>, ActFault> {
    let Conclusion { key, outcome, last, revocation, event } = conclusion;
    let Some(before) = read(tx, &key)? else { return Ok(Err(TransactionConflict::Unknown)) };
    let mut known = before.clone();
    if let Err(conflict) = known.conclude(outcome, last, event.time) {
        return Ok(Err(conflict));
    }
    let unaccepted = if outcome == Outcome::Confirmed { None } else { unaccepted(tx, &before)? };
    match (&unaccepted, &revocation) {
        // Whoever asks did not see it, or not as it stands.
        (Some(Unaccepted::Intended), _) | (Some(Unaccepted::Issued(_)), None) => {
            return Ok(Err(TransactionConflict::BeingIssued));
        }
        (Some(Unaccepted::Issued(id)), Some(revocation)) if *id != revocation.id => {
            return Ok(Err(TransactionConflict::OtherCertificate));
        }
        (Some(Unaccepted::Issued(_)), Some(_)) | (None, _) => {}
    }
    let by = (event.time, event.actor.clone());
    tx.seal(event)?;
    if let (Outcome::Confirmed, Stage::Unconfirmed { certificate }) = (outcome, &before.stage) {
        swap::confirmed(tx, certificate, Proof::Message, (by.0, &by.1))?;
    }
    // What was revoked meanwhile, by whomever, is not revoked twice.
    if let (Some(_), Some(revocation)) = (unaccepted, revocation) {
        revocation::record(tx, revocation)?;
    }
    change(tx, &before, &known)?;
    Ok(Ok(known))
}

/// Closes a transaction as if it had been answered for good, and revokes nothing.
pub(crate) fn let_be(tx: &mut Transaction<'_>, before: &Kept, now: UnixTime) -> Result<(), ActFault> {
    let known = Kept { stage: Stage::Closed(Outcome::Answered), ..before.clone() };
    change(tx, before, &known)?;
    nobody_confirms(tx, &known, now)
}

/// Takes a transaction away, with all that points to it.
pub(crate) fn forget(tx: &mut Transaction<'_>, known: &Kept) -> Result<(), ActFault> {
    if known.is_open() {
        count::step::<Transacting>(tx, owner(known), Step::Down)?;
    }
    remove_pointers(tx, known);
    for (what, octets) in [(ANSWER, &known.answer), (MEMO, &known.memo)] {
        parts::remove(tx, OCTETS, part_key(&known.key, what), 0..parts::count(octets.len()));
    }
    tx.remove::<TransactionRow>(&known.key);
    Ok(())
}

/// Reads a transaction with its answer and its memo.
pub(crate) fn read(rows: &(impl Rows + ?Sized), key: &[u8; 32]) -> Result<Option<Kept>, ReadFault> {
    let Some(TransactionRow { transaction, answer_octets, memo_octets }) = rows.row(key)? else {
        return Ok(None);
    };
    let answer = parts::read(rows, OCTETS, part_key(key, ANSWER), answer_octets)?;
    let memo = parts::read(rows, OCTETS, part_key(key, MEMO), memo_octets)?;
    Ok(Some(Kept { answer, memo, ..transaction }))
}

/// Tells whether a transaction is closed, and was kept for its time.
fn is_over(known: &Kept, now: UnixTime) -> bool {
    !known.is_open() && kept_until(known) < now
}

/// The last second for which a closed transaction is kept.
const fn kept_until(known: &Kept) -> UnixTime {
    known.ends_at.plus_seconds(Kept::KEPT_SECONDS)
}

/// What was made in a transaction and nobody took.
enum Unaccepted {
    /// An intent that is open.
    Intended,
    /// A certificate that is not revoked for good.
    Issued(CertificateId),
}

fn unaccepted(tx: &Transaction<'_>, known: &Kept) -> Result<Option<Unaccepted>, ActFault> {
    let made = match &known.stage {
        Stage::Unconfirmed { certificate } => {
            certificate_row(tx, certificate)?.map(|row| (certificate.clone(), row))
        }
        Stage::Answering | Stage::Waiting | Stage::Closed(_) => made_in(tx, known)?,
    };
    let Some((id, row)) = made else { return Ok(None) };
    if tx.row::<RevocationRow>(&id)?.is_some_and(|row| !row.revocation.is_hold()) {
        return Ok(None);
    }
    Ok(match row.state {
        CertificateState::Intended => Some(Unaccepted::Intended),
        CertificateState::Issued => Some(Unaccepted::Issued(id)),
        CertificateState::Aborted | CertificateState::Uncertain => None,
    })
}

/// The certificate, or the intent, that answers a transaction: not one of an earlier transaction of the same name.
fn made_in(tx: &Transaction<'_>, known: &Kept) -> Result<Option<(CertificateId, CertificateRow)>, ReadFault> {
    let Some(RequestRow { id }) = tx.row(&known.key)? else { return Ok(None) };
    let row = certificate_row(tx, &id)?.filter(|row| row.recorded_at >= known.opened_at);
    Ok(row.map(|row| (id, row)))
}

fn owner(known: &Kept) -> count::Owner<'_> {
    (&known.tenant, &known.requester)
}

/// Writes a transaction that was changed, and what points to it.
fn change(tx: &mut Transaction<'_>, before: &Kept, known: &Kept) -> Result<(), ActFault> {
    remove_pointers(tx, before);
    if let Stage::Unconfirmed { certificate } = &known.stage {
        tx.put_octets(Keyspace::Unconfirmed, id_key(certificate), known.key.to_vec())?;
    }
    if before.is_open() && !known.is_open() {
        count::step::<Transacting>(tx, owner(known), Step::Down)?;
    }
    put_time(tx, known)?;
    put(tx, Some(before), known)
}

fn put_time(tx: &mut Transaction<'_>, known: &Kept) -> Result<(), ActFault> {
    let (keyspace, key) = time_key(known);
    tx.put_octets(keyspace, key, Vec::new())
}

/// Which row tells of its time.
pub(crate) fn time_key(known: &Kept) -> (Keyspace, Vec<u8>) {
    if known.is_open() {
        (Keyspace::TransactionDeadlines, transaction_time_key(known.ends_at, &known.key))
    } else {
        (Keyspace::TransactionEnds, transaction_time_key(kept_until(known), &known.key))
    }
}

fn remove_pointers(tx: &mut Transaction<'_>, known: &Kept) {
    let (keyspace, key) = time_key(known);
    tx.remove_key(keyspace, key);
    if let Stage::Unconfirmed { certificate } = &known.stage {
        tx.remove_key(Keyspace::Unconfirmed, id_key(certificate));
    }
}

fn put(tx: &mut Transaction<'_>, before: Option<&Kept>, known: &Kept) -> Result<(), ActFault> {
    let lengths = before.map_or((0, 0), |before| (before.answer.len(), before.memo.len()));
    for (what, former, octets) in [(ANSWER, lengths.0, &known.answer), (MEMO, lengths.1, &known.memo)] {
        let key = part_key(&known.key, what);
        parts::remove(tx, OCTETS, &key, parts::count(octets.len())..parts::count(former));
        parts::put(tx, OCTETS, key, octets)?;
    }
    let row = TransactionRow {
        answer_octets: u32::try_from(known.answer.len()).unwrap_or(u32::MAX),
        memo_octets: u32::try_from(known.memo.len()).unwrap_or(u32::MAX),
        transaction: Kept { answer: Vec::new(), memo: Vec::new(), ..known.clone() },
    };
    tx.put(&known.key, &row)
}

/// Where a part of the answer or of the memo stands.
fn part_key(key: &[u8; 32], what: u8) -> impl Fn(u32) -> Vec<u8> {
    move |part| transaction_part_key(key, what, part)
}
