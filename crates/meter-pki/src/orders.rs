//! Carries out what was ordered of many certificates, on the server's own clock: part by part, over restarts, each once.
//!
//! Decides nothing: which orders are approved is on record. Only that nobody's approval counts who may not approve any more is
//! found here, since this is where operators are known.

use std::sync::Arc;
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::orders::OrderError;
use ca_core::people::Permission;
use ca_core::ports::Unavailable;
use ca_core::record::{OrderAct, OrderQuery, OrderStanding, RevocationOrder};
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::compose::System;
use crate::duty::name;
use crate::operator::order_acts::at_desk;
use crate::people::first_objection;
use crate::rounds::Rounds;

/// How often it is looked for orders.
const PERIOD: Duration = Duration::from_secs(1);

/// How many orders are carried out side by side.
const SIDE_BY_SIDE: usize = 16;

/// How many parts are done before others are let in.
const PARTS: usize = 16;

/// Carries out orders until shutdown. What cannot be done now is done at the next look.
pub(crate) async fn run(system: Arc<System>, pool: WorkerPool, shutdown: Shutdown) {
    let duty = Some(system.duty(name::ORDERS));
    let rounds = Rounds { period: PERIOD, what: "orders", duty };
    rounds.run((pool, shutdown), move || look(&system)).await;
}

/// Does some parts of every order that is to be carried out; tells whether there are more.
fn look(system: &System) -> Result<bool, OrderError> {
    let now = system.clock.now();
    let running =
        OrderQuery { standing: Some(OrderStanding::Running), now, after: None, limit: SIDE_BY_SIDE };
    let mut more = false;
    for mut order in system.orders.orders(&running)? {
        if let Some(reason) = void(system, &order)? {
            let process = Identity::Process { name: "orders" };
            let actor = Actor { tenant: system.tenant.clone(), identity: process };
            at_desk(system, |desk| desk.take(&actor, order.digest, OrderAct::Void { reason }, now))?;
            continue;
        }
        for _ in 0..PARTS {
            order = at_desk(system, |desk| desk.carry_on(order, system.clock.now()))?;
        }
        system.authorities.iter().for_each(crate::compose::ServedAuthority::notice_revocation);
        more |= order.standing(now) == OrderStanding::Running;
    }
    Ok(more)
}

/// Says why an order is void, if it is: who asked for it, or approved it, may not do so any more.
fn void(system: &System, order: &RevocationOrder) -> Result<Option<String>, Unavailable> {
    let asked = order.requested.iter().map(|mark| (mark, Permission::Revoke));
    let approved = order.approvals.iter().map(|mark| (mark, Permission::Approve));
    first_objection(system, asked.chain(approved))
}
