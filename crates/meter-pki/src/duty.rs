//! What one node does for all, as the loop that does it sees it.
//!
//! A loop that asks before each look does nothing on the other nodes. It may find out late that the duty is another node's by now:
//! what it writes then is refused by the ledger, so that nothing here has to be quick (case K-05).

use std::sync::Arc;

use ca_core::ports::{Duties, Unavailable};

/// The duties, by their names: one for each loop.
pub(crate) mod name {
    /// Closes transactions whose deadline is over.
    pub(crate) const DEADLINES: &str = "deadlines";
    /// Makes CRLs.
    pub(crate) const CRL: &str = "crl";
    /// Revokes what is due.
    pub(crate) const SCHEDULE: &str = "schedule";
    /// Carries out orders.
    pub(crate) const ORDERS: &str = "orders";
    /// Carries out campaigns.
    pub(crate) const CAMPAIGNS: &str = "campaigns";
    /// Ends visits.
    pub(crate) const VISITS: &str = "visits";
    /// Puts the ends of emergencies on record.
    pub(crate) const EMERGENCIES: &str = "emergencies";
    /// Signs checkpoints of the audit trail.
    pub(crate) const CHECKPOINTS: &str = "audit-checkpoints";
    /// Sends the audit trail to the collector.
    pub(crate) const SYSLOG: &str = "audit-syslog";
}

/// How many processes share the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nodes {
    /// This one alone: every duty is its own.
    One,
    /// Any number.
    Several,
}

/// Something that one node does for all.
#[derive(Clone)]
pub(crate) struct Duty {
    name: &'static str,
    duties: Arc<dyn Duties>,
    nodes: Nodes,
}

impl Duty {
    pub(crate) const fn new(name: &'static str, duties: Arc<dyn Duties>, nodes: Nodes) -> Self {
        Self { name, duties, nodes }
    }

    /// Tells whether this node does it now; takes it on if nobody does.
    ///
    /// # Errors
    /// [`Unavailable`]: nobody can tell, and it is not this node's.
    pub(crate) fn is_ours(&self) -> Result<bool, Unavailable> {
        self.duties.on_duty(self.name)
    }

    /// Tells whether other nodes may do it, too.
    pub(crate) fn is_shared(&self) -> bool {
        self.nodes == Nodes::Several
    }
}

impl std::fmt::Debug for Duty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Duty").field("name", &self.name).finish_non_exhaustive()
    }
}
