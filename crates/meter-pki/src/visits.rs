//! Ends visits whose time is over. Nothing that was issued on them is valid any more by then: a certificate ends with its visit.
//!
//! Decides nothing. In recovery it does not run.

use std::sync::Arc;
use std::time::Duration;

use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::compose::System;
use crate::duty::name;
use crate::rounds::Rounds;

/// How often it is looked for visits that are over.
const PERIOD: Duration = Duration::from_secs(30);

/// How many are ended before others are let in.
const STEP: usize = 64;

/// Ends visits until shutdown.
pub(crate) async fn run(system: Arc<System>, pool: WorkerPool, shutdown: Shutdown) {
    let duty = Some(system.duty(name::VISITS));
    let rounds = Rounds { period: PERIOD, what: "visits that are over", duty };
    let look = move || system.visits.end_visits_over(system.clock.now(), STEP).map(|ended| ended == STEP);
    rounds.run((pool, shutdown), look).await;
}
