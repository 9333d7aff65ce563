//! The rows of how many requests wait, and how many transactions are open.

use core::marker::PhantomData;

use ca_core::tenant::TenantId;

use super::Row;
use crate::keyspace::{Keyspace, count_key};

/// Whatever is counted by tenant and by requester.
pub(crate) trait Counted {
    const COUNTS: Keyspace;
}

/// Requests that are neither answered, refused nor taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting;

impl Counted for Waiting {
    const COUNTS: Keyspace = Keyspace::WaitingCounts;
}

/// Transactions that are not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transacting;

impl Counted for Transacting {
    const COUNTS: Keyspace = Keyspace::TransactionCounts;
}

/// ```text
/// CountRow ::= INTEGER   -- never 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountRow<C> {
    pub(crate) count: u32,
    of: PhantomData<C>,
}

impl<C> CountRow<C> {
    pub(crate) const fn new(count: u32) -> Self {
        Self { count, of: PhantomData }
    }
}

impl<C: Counted> Row for CountRow<C> {
    /// Of a tenant, or of one requester of it.
    type Key = (TenantId, Option<String>);
    type Wire = u32;
    const KEYSPACE: Keyspace = C::COUNTS;

    fn key((tenant, requester): &Self::Key) -> Vec<u8> {
        count_key(tenant, requester.as_deref())
    }

    fn to_wire(&self) -> der::Result<u32> {
        Ok(self.count)
    }

    fn from_wire(wire: u32) -> Option<Self> {
        (wire > 0).then_some(Self::new(wire))
    }
}
