//! The port on production orders.

use super::Unavailable;
use crate::audit::AuditEvent;
use crate::record::{
    ProducedDevice, ProductionConflict, ProductionEnd, ProductionId, ProductionOrder, ProductionQuery,
    ScrapRecord, Scrapped,
};
use crate::system_title::SystemTitle;

/// Keeps production orders and counts what is made of them. Places are taken with intents, by
/// [`record_intents`](super::Ledger::record_intents), and given back by those that are aborted or uncertain.
pub trait Production: Send + Sync {
    /// Puts an order on record, with the list of its titles where it has one; returns it as it stands then. What the ledger
    /// holds for an order of this name, after a recovery, counts for it.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn open_production(
        &self,
        order: ProductionOrder,
        titles: Vec<SystemTitle>,
        event: AuditEvent,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable>;

    /// Ends an open order under which nothing is being made at this moment; returns it as it stands then.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn end_production(
        &self,
        end: ProductionEnd,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable>;

    /// Revokes what a device was given under an order and frees its place, one durable transaction. The order may have ended.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing of it was done.
    fn scrap_device(&self, scrap: ScrapRecord) -> Result<Result<Scrapped, ProductionConflict>, Unavailable>;

    /// Returns an order.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn production(&self, id: &ProductionId) -> Result<Option<ProductionOrder>, Unavailable>;

    /// Lists orders by their names.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn productions(&self, query: &ProductionQuery) -> Result<Vec<ProductionOrder>, Unavailable>;

    /// Lists the devices of an order that were made or scrapped, in the order of their system titles, after `after`. Of a long
    /// list of titles at most `limit` are looked at; returns the last that was, if there are more.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn produced(
        &self,
        id: &ProductionId,
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<(Vec<ProducedDevice>, Option<SystemTitle>), Unavailable>;
}
