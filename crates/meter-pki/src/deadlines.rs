//! Meets the deadlines of transactions: at the start before anything is served, and then on the server's own clock.
//!
//! Decides nothing: which are over and what is revoked with them is the authority's. RFC 9483 §4.1.1.

use std::sync::Arc;
use std::time::Duration;

use ca_core::authority::CertificationAuthority;
use ca_core::confirmation::Lapses;
use ca_core::ports::Unavailable;
use server_kit::metrics::{Counter, Metrics};
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::duty::Duty;
use crate::publisher::Publisher;
use crate::rounds::Rounds;

/// How often it is looked whether a deadline has passed.
const PERIOD: Duration = Duration::from_secs(5);

/// How many transactions are closed together.
const STEP: usize = 256;

/// The deadlines of one authority.
pub(crate) struct Deadlines {
    authority: Arc<CertificationAuthority>,
    publisher: Arc<Publisher>,
    duty: Duty,
    lapsed: Counter,
    revoked: Counter,
}

impl Deadlines {
    pub(crate) fn new(
        authority: Arc<CertificationAuthority>,
        publisher: Arc<Publisher>,
        (duty, metrics): (Duty, &Metrics),
    ) -> Self {
        metrics.describe_counter(
            "transactions_lapsed_total",
            "Transactions that were closed by their deadline.",
        );
        metrics.describe_counter(
            "certificates_unconfirmed_total",
            "Certificates that were revoked because nobody confirmed them in time.",
        );
        Self {
            authority,
            publisher,
            duty,
            lapsed: metrics.counter("transactions_lapsed_total", &[]),
            revoked: metrics.counter("certificates_unconfirmed_total", &[]),
        }
    }

    /// Closes whatever is over by now, if that is this node's; what is another's is met there. Blocks.
    pub(crate) fn meet_on_duty(&self) -> Result<(), Unavailable> {
        if self.duty.is_ours()? { self.meet() } else { Ok(()) }
    }

    /// Closes whatever is over by now. Blocks.
    fn meet(&self) -> Result<(), Unavailable> {
        loop {
            let Lapses { closed, revoked, more } = self.authority.lapse(STEP)?;
            self.lapsed.increment(u64::try_from(closed).unwrap_or_default());
            self.revoked.increment(u64::try_from(revoked).unwrap_or_default());
            if revoked > 0 {
                let issuer = self.authority.issuer().name();
                tracing::info!(%issuer, revoked, "certificates are revoked that nobody confirmed in time");
                self.publisher.notice();
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Meets deadlines until shutdown. What cannot be done now is done at the next look.
    pub(crate) async fn run(self: Arc<Self>, pool: WorkerPool, shutdown: Shutdown) {
        let rounds =
            Rounds { period: PERIOD, what: "deadlines of transactions", duty: Some(self.duty.clone()) };
        rounds.run((pool, shutdown), move || self.meet().map(|()| false)).await;
    }
}
