//! Leaving recovery: the one act that lets a restored ledger record again, under the next epoch.

use ca_core::audit::{Act, AuditEvent};
use ca_core::fleet::campaign::CampaignStanding;
use ca_core::record::{Mark, Stage};
use ca_core::validity::UnixTime;

use crate::act::{crl, transactions, waiting};
use crate::committer::NotDone;
use crate::keyspace::{Keyspace, id_key, parse_request, parse_scope};
use crate::recovery::open_intents;
use crate::row::{CampaignRow, InstallationRow, OrderRow, Row, RowFault, TokenRow, WaitingRow};
use crate::store::Store;
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many rows are read at a time.
const PAGE: usize = 256;

impl Store {
    /// Ends recovery under epoch `epoch`, durably; returns how many one-time tokens were made void.
    ///
    /// Intents that are open were perhaps signed after the copy was made: they are marked so, and the next opening settles them
    /// as uncertain. Unspent tokens were perhaps spent: they open nothing any more. Requests that wait, approved or not, were
    /// perhaps answered: they are forgotten, and whoever asks again asks anew. Certificates that wait to be confirmed were
    /// perhaps confirmed, and are in use: they stay, and other open transactions are forgotten. Orders that were not carried out to their
    /// end were perhaps refused: they are. Campaigns that run are paused. The CRLs on record are perhaps not the last
    /// that were signed: none is the latest, and the next start signs new ones. `event` says who ends recovery and why he
    /// may; that recovery was entered is put on record in front of it.
    ///
    /// # Errors
    /// [`LeaveError`]; the ledger is then in recovery as before.
    pub fn leave_recovery(&self, epoch: u64, event: AuditEvent) -> Result<u64, LeaveError> {
        let recovery = self.recovery().cloned().ok_or(LeaveError::NotInRecovery)?;
        let entered = AuditEvent {
            act: Act::RecoveryEntered,
            detail: format!("since {}: {}", recovery.since, recovery.reason),
            ..event.clone()
        };
        Ok(self.write_in_recovery(move |tx| {
            let mut row = tx.row::<InstallationRow>(&())?.ok_or(ActFault::NotGuarded)?;
            for (id, _) in open_intents(tx.view())? {
                tx.put_octets(Keyspace::Signing, id_key(&id), Vec::new())?;
            }
            let void = void_tokens(tx)?;
            let forgotten = forget_waiting(tx)?;
            let by = Mark { by: event.actor.clone(), at: event.time };
            void_orders(tx, &by)?;
            pause_campaigns(tx, &by)?;
            let unconfirmed = end_transactions(tx, by.at)?;
            forget_latest_crls(tx)?;
            row.installation.epoch = epoch;
            row.recovery = None;
            tx.put(&(), &row)?;
            tx.seal(entered)?;
            let detail = format!(
                "{}; epoch {epoch}; {void} unspent tokens are void; {unconfirmed} unconfirmed certificates stay; {forgotten} waiting requests are forgotten",
                event.detail
            );
            tx.seal(AuditEvent { detail, ..event })?;
            Ok(void)
        })?)
    }
}

fn void_tokens(tx: &mut Transaction<'_>) -> Result<u64, ActFault> {
    let (mut void, mut after) = (0_u64, Vec::new());
    loop {
        let page = tx.view().rows_after(Keyspace::Tokens, &[], &after, PAGE).map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(void) };
        after.clone_from(last);
        for (_, octets) in page {
            let mut row = TokenRow::decode(&octets)?;
            if !row.token.spent {
                row.token.spent = true;
                void = void.saturating_add(1);
                tx.put(&row.token.hash.clone(), &row)?;
            }
        }
    }
}

fn forget_waiting(tx: &mut Transaction<'_>) -> Result<u64, ActFault> {
    let (mut forgotten, mut after) = (0_u64, Vec::new());
    loop {
        let page = tx.view().rows_after(Keyspace::Waiting, &[], &after, PAGE).map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(forgotten) };
        after.clone_from(last);
        for (_, octets) in page {
            let WaitingRow { request } = WaitingRow::decode(&octets)?;
            if request.is_open() {
                forgotten = forgotten.saturating_add(1);
                waiting::take_away(tx, &request.digest)?;
            }
        }
    }
}

/// What was ordered and not carried out to its end may have been refused since: it is asked for anew.
fn void_orders(tx: &mut Transaction<'_>, by: &Mark) -> Result<(), ActFault> {
    let mut after = Vec::new();
    loop {
        let page = tx.view().rows_after(Keyspace::Orders, &[], &after, PAGE).map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (_, octets) in page {
            let OrderRow { mut order } = OrderRow::decode(&octets)?;
            if order.refusal.is_none() && order.progress.finished_at.is_none() {
                order.refusal = Some((by.clone(), "the ledger was restored".to_owned()));
                tx.put(&order.digest.clone(), &OrderRow { order })?;
            }
        }
    }
}

/// What a device took since the copy was made is not known: nothing is begun until a person has looked.
fn pause_campaigns(tx: &mut Transaction<'_>, by: &Mark) -> Result<(), ActFault> {
    let mut after = Vec::new();
    loop {
        let page = tx.view().rows_after(Keyspace::Campaigns, &[], &after, PAGE).map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (_, octets) in page {
            let CampaignRow { mut campaign } = CampaignRow::decode(&octets)?;
            if campaign.standing(by.at) == CampaignStanding::Running {
                campaign.paused = Some((by.clone(), "the ledger was restored".to_owned()));
                tx.put(&campaign.digest.clone(), &CampaignRow { campaign })?;
            }
        }
    }
}

/// Returns how many certificates waited to be confirmed.
fn end_transactions(tx: &mut Transaction<'_>, now: UnixTime) -> Result<u64, ActFault> {
    let (mut unconfirmed, mut after) = (0_u64, Vec::new());
    loop {
        let page = tx
            .view()
            .rows_after(Keyspace::TransactionDeadlines, &[], &after, PAGE)
            .map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(unconfirmed) };
        after.clone_from(last);
        for (key, _) in page {
            let fault = RowFault::Key { keyspace: Keyspace::TransactionDeadlines.name() };
            let Some(known) = transactions::read(tx, &parse_request(&key).ok_or(fault)?)? else { continue };
            if let Stage::Unconfirmed { .. } = known.stage {
                unconfirmed = unconfirmed.saturating_add(1);
                transactions::let_be(tx, &known, now)?;
            } else {
                transactions::nobody_confirms(tx, &known, now)?;
                transactions::forget(tx, &known)?;
            }
        }
    }
}

fn forget_latest_crls(tx: &mut Transaction<'_>) -> Result<(), ActFault> {
    let mut after = Vec::new();
    loop {
        let page = tx.view().rows_after(Keyspace::CrlHeads, &[], &after, PAGE).map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (key, _) in page {
            let fault = RowFault::Key { keyspace: Keyspace::CrlHeads.name() };
            crl::forget_latest(tx, &parse_scope(&key).ok_or(fault)?)?;
        }
    }
}

/// Why a ledger stays in recovery.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// There is nothing to leave.
    #[error("the ledger is not in recovery")]
    NotInRecovery,
    /// It could not be written.
    #[error("the end of the recovery cannot be recorded: {cause}")]
    NotRecorded {
        /// Why.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

impl From<NotDone> for LeaveError {
    fn from(cause: NotDone) -> Self {
        Self::NotRecorded { cause: cause.into() }
    }
}
