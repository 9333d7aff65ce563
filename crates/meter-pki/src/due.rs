//! Revokes what is due: certificates that were replaced a while ago, and those for which an operator named a time.
//!
//! Decides nothing: which revocations are legal is the authority's. In recovery it does not run.

use std::sync::Arc;
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::Unavailable;
use ca_core::record::ScheduledRevocation;
use ca_core::request::RevocationRequest;
use ca_core::revocation::RevokeError;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::compose::{ServedAuthority, System};
use crate::duty::name;
use crate::rounds::Rounds;

/// How often it is looked for what is due.
const PERIOD: Duration = Duration::from_secs(5);

/// How many are revoked before others are let in.
const STEP: usize = 64;

/// In whose name.
const NAME: &str = "schedule";

/// Revokes what is due until shutdown. What cannot be done now is done at the next look.
pub(crate) async fn run(system: Arc<System>, pool: WorkerPool, shutdown: Shutdown) {
    let duty = Some(system.duty(name::SCHEDULE));
    let rounds = Rounds { period: PERIOD, what: "revocations that are due", duty };
    rounds.run((pool, shutdown), move || look(&system)).await;
}

/// Revokes some of what is due; tells whether there is more.
fn look(system: &System) -> Result<bool, Unavailable> {
    let due = system.schedule.scheduled(system.clock.now(), None, STEP)?;
    let more = due.len() == STEP;
    for one in due {
        // What an authority signed that is closed since is on its last CRL or on none.
        match system.served(&one.id.issuer) {
            Some(served) => revoke(system, served, one)?,
            None => give_up(system, &one, "its authority is not served here")?,
        }
    }
    Ok(more)
}

fn revoke(system: &System, served: &ServedAuthority, one: ScheduledRevocation) -> Result<(), Unavailable> {
    if one.if_replaced && !served.authority.is_replaced(&one.id)? {
        return give_up(system, &one, "nothing is in its place any more");
    }
    let request = RevocationRequest {
        actor: Actor {
            tenant: served.authority.issuer().tenant().clone(),
            identity: Identity::Process { name: NAME },
        },
        id: one.id.clone(),
        reason: one.reason,
        invalidity_date: one.invalidity_date,
    };
    match served.authority.revoke(request) {
        Ok(_) => {
            served.notice_revocation();
            // A hold leaves what is due later as it was; this one is done.
            if system.schedule.cancel_schedule(&one.id, cancelled(system, &one, "done"))? {
                tracing::debug!(serial = %one.id.serial, "a scheduled hold is done");
            }
            Ok(())
        }
        Err(RevokeError::Unavailable(unavailable)) => Err(unavailable),
        Err(RevokeError::BeingIssued) => Ok(()),
        Err(error) => give_up(system, &one, error.code()),
    }
}

/// Takes back what cannot be done, so that it is told once.
fn give_up(system: &System, one: &ScheduledRevocation, why: &str) -> Result<(), Unavailable> {
    tracing::warn!(serial = %one.id.serial, why, "a scheduled revocation is given up");
    system.schedule.cancel_schedule(&one.id, cancelled(system, one, why)).map(drop)
}

fn cancelled(system: &System, one: &ScheduledRevocation, why: &str) -> AuditEvent {
    AuditEvent {
        time: system.clock.now(),
        tenant: system.tenant.clone(),
        actor: format!("process:{NAME}"),
        act: Act::ScheduleCancelled,
        issuer: Some(one.id.issuer),
        serial: Some(one.id.serial.clone()),
        reason: String::new(),
        detail: why.to_owned(),
        digest: Vec::new(),
    }
}
