//! What happens before a ledger answers its first question: the end of the audit trail is checked, and what the last process
//! left open is ended.
//!
//! An intent that was not given to the signer is aborted; one that was is uncertain, since a signature may exist. That it was
//! given is a mark which survives the process and not the machine: when the machine was started anew meanwhile, or nobody knows
//! whether it was, every open intent is uncertain. Neither is ever signed again. A second start finds nothing open and adds nothing
//! but the record that the ledger was opened.
//!
//! Where several nodes share the ledger, what a node has open that is alive is left to it; what is nobody's any more is ended by
//! whoever starts next, or sees that a node is gone. A database keeps the mark as it keeps everything else.

use ca_core::audit::{Act, AuditEvent, AuditTrail};
use ca_core::record::{CertificateId, Settlement};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use crate::acknowledged::Acknowledged;
use crate::act::intent::is_signing;
use crate::act::settlement::settle;
use crate::audit_walk::{AuditFault, AuditWalk};
use crate::boot::{BootId, Machine};
use crate::engine::postgres::Census;
use crate::engine::{Durability, Engine, EngineError, EngineKind, NotWritten, Turn, View};
use crate::keyspace::{BOOT, Keyspace, parse_id};
use crate::row::{IntentRow, Row, RowFault};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many audit records are checked at every start.
const CHECKED_RECORDS: u64 = 1_000;

/// How many open intents are read at a time.
const PAGE: usize = 256;

/// Who ends intents, as audit records name it.
const ACTOR: &str = "process:ledger";

/// What a start found open and ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveryReport {
    /// Intents that were never given to the signer: aborted, their serial numbers burned.
    pub aborted: Vec<CertificateId>,
    /// Intents whose signing has an unknown outcome: to be revoked after the grace time.
    pub uncertain: Vec<CertificateId>,
    /// What became of the machine since the ledger was opened before.
    pub machine: Machine,
}

/// What was open and nobody's any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// Intents that were never given to the signer: aborted, their serial numbers burned.
    pub aborted: Vec<CertificateId>,
    /// Intents whose signing has an unknown outcome: to be revoked after the grace time.
    pub uncertain: Vec<CertificateId>,
}

/// By whom and when a ledger is opened.
pub(crate) struct Occasion<'a> {
    pub(crate) now: UnixTime,
    pub(crate) tenant: &'a TenantId,
    pub(crate) boot: Option<&'a BootId>,
    pub(crate) engine: EngineKind,
}

/// Checks and ends; returns the end of the audit trail and what was ended.
pub(crate) fn recover(
    engine: &dyn Engine,
    occasion: &Occasion<'_>,
) -> Result<(AuditTrail, RecoveryReport), RecoverError> {
    let trail = checked_end(engine)?;
    let (census, turn) = first_turn(engine)?;
    let view = turn.view();
    let machine = match &census {
        Some(_) => Machine::RanOn,
        None => {
            let before = view.value(Keyspace::Meta, BOOT)?.and_then(|octets| BootId::from_octets(&octets));
            Machine::since(before.as_ref(), occasion.boot)
        }
    };
    // Others may have written since the end was checked.
    let trail = Acknowledged(trail).look_again(view)?;
    let mut tx = Transaction::new(view, trail, turn.token());
    let found = Found { machine, how: "found open at start" };
    let ended = end(&mut tx, census.as_ref(), (occasion.now, found))?;
    let report = RecoveryReport { aborted: ended.aborted, uncertain: ended.uncertain, machine };
    tx.seal(opened_event(occasion, &report))?;
    match occasion.boot.filter(|_| census.is_none()) {
        Some(boot) => tx.put_octets(Keyspace::Meta, BOOT.to_vec(), boot.octets().to_vec())?,
        None => tx.remove_key(Keyspace::Meta, BOOT.to_vec()),
    }
    let (batch, trail) = tx.into_batch()?;
    turn.commit(batch, Durability::Durable)?;
    Ok((trail, report))
}

/// How often a node tries to take its first turn.
const TRIES: u8 = 5;

/// Takes the first turn, with who is alive where several nodes are. What came before, and waiting for the turn, may take longer than
/// a lease, so that others have fenced this node meanwhile: then it joins again and waits once more.
fn first_turn(engine: &dyn Engine) -> Result<(Option<Census>, Box<dyn Turn + '_>), EngineError> {
    let Some(shared) = engine.shared() else { return Ok((None, engine.turn()?)) };
    let mut tries = 1..TRIES;
    loop {
        shared.keep_alive()?;
        let census = shared.living()?;
        match engine.turn() {
            Err(NotWritten::Nothing(cause)) if tries.next().is_some() => {
                tracing::warn!(%cause, "this node waits once more for its first turn");
            }
            turn => return Ok((Some(census), turn?)),
        }
    }
}

/// Tells whether anything is open that is nobody's any more.
pub(crate) fn has_orphans(view: &dyn View, census: &Census) -> Result<bool, ReadFault> {
    Ok(open_intents(view)?.iter().any(|(_, intent)| census.is_orphan(intent.node)))
}

/// Ends what is open and nobody's any more, and puts on record that a node is gone.
pub(crate) fn end_orphans(
    tx: &mut Transaction<'_>,
    census: &Census,
    (now, tenant): (UnixTime, &TenantId),
) -> Result<Ended, ActFault> {
    let found = Found { machine: Machine::RanOn, how: "left open by a node that is gone" };
    let ended = end(tx, Some(census), (now, found))?;
    let (aborted, uncertain) = (ended.aborted.len(), ended.uncertain.len());
    if aborted + uncertain > 0 {
        tx.seal(AuditEvent {
            time: now,
            tenant: tenant.clone(),
            actor: ACTOR.to_owned(),
            act: Act::NodeGone,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("{aborted} intents aborted, {uncertain} uncertain"),
            digest: Vec::new(),
        })?;
    }
    Ok(ended)
}

/// How intents were found open.
#[derive(Debug, Clone, Copy)]
struct Found {
    machine: Machine,
    how: &'static str,
}

/// Ends open intents: all of them, or those that are nobody's any more.
fn end(
    tx: &mut Transaction<'_>,
    census: Option<&Census>,
    (now, found): (UnixTime, Found),
) -> Result<Ended, ActFault> {
    let mut ended = Ended::default();
    for (id, intent) in open_intents(tx.view())? {
        if census.is_some_and(|census| !census.is_orphan(intent.node)) || !tx.has::<IntentRow>(&id)? {
            continue;
        }
        let event = |act| end_event(act, (&id, &intent), (now, found));
        if found.machine != Machine::RanOn || is_signing(tx, &id)? {
            settle(tx, &id, Settlement::Uncertain, event(Act::IntentUncertain))?;
            ended.uncertain.push(id);
        } else {
            settle(tx, &id, Settlement::Aborted, event(Act::IntentAborted))?;
            ended.aborted.push(id);
        }
    }
    Ok(ended)
}

/// Checks the end of the audit trail and returns it.
pub(crate) fn checked_end(engine: &dyn Engine) -> Result<AuditTrail, AuditFault> {
    AuditWalk::over_last(engine, CHECKED_RECORDS)?.finish()
}

/// Returns every intent that is open.
pub(crate) fn open_intents(view: &dyn View) -> Result<Vec<(CertificateId, IntentRow)>, ReadFault> {
    let mut intents = Vec::new();
    let mut after = Vec::new();
    loop {
        let page = view.rows_after(Keyspace::Open, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(intents) };
        after.clone_from(last);
        for (key, octets) in page {
            let id = parse_id(&key).ok_or(RowFault::Key { keyspace: Keyspace::Open.name() })?;
            intents.push((id, IntentRow::decode(&octets)?));
        }
    }
}

fn end_event(
    act: Act,
    (id, intent): (&CertificateId, &IntentRow),
    (now, Found { machine, how }): (UnixTime, Found),
) -> AuditEvent {
    AuditEvent {
        time: now,
        tenant: intent.certificate.tenant.clone(),
        actor: ACTOR.to_owned(),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: format!("{}; {how}; {}", intent.certificate.subject, machine.words()),
        digest: Sha256::digest(&intent.certificate.octets).to_vec(),
    }
}

fn opened_event(occasion: &Occasion<'_>, report: &RecoveryReport) -> AuditEvent {
    let (engine, aborted, uncertain) = (occasion.engine, report.aborted.len(), report.uncertain.len());
    AuditEvent {
        time: occasion.now,
        tenant: occasion.tenant.clone(),
        actor: ACTOR.to_owned(),
        act: Act::LedgerOpened,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: format!(
            "engine {engine}; {aborted} intents aborted, {uncertain} uncertain; {}",
            report.machine.words()
        ),
        digest: Vec::new(),
    }
}

/// Why a ledger cannot be opened although its engine can.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoverError {
    #[error(transparent)]
    Audit(#[from] AuditFault),
    #[error(transparent)]
    Act(#[from] ActFault),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<NotWritten> for RecoverError {
    fn from(cause: NotWritten) -> Self {
        Self::Engine(cause.into())
    }
}
