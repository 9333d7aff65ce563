//! What the certification authority's owner asks of a fleet: searching, counting, history, acts on devices, deliveries.

use super::Unavailable;
use crate::audit::AuditEvent;
use crate::record::{
    ChangeOutcome, CountRule, Delivery, DeliveryConflict, DeliveryPart, DeviceChange, DeviceCount,
    DeviceCredential, DeviceEvent, DeviceField, DeviceQuery, ExpectedDevice, FoundDevices, ImportOutcome,
    Mark, PartOutcome, WrappedSecret,
};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;

/// Knows the whole life of every device: where it stands, whose it was when, and what came with it.
pub trait Fleet: Send + Sync {
    /// Finds devices by whatever is known of them, without looking at the others.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn find_devices(&self, query: &DeviceQuery) -> Result<FoundDevices, Unavailable>;

    /// Counts the devices of an owner by what stands in a field, in the order of no meaning, or all of them together.
    /// Nothing is gone through for it: the counts are kept with the rows.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn count_devices(
        &self,
        tenant: &TenantId,
        field: Option<DeviceField>,
    ) -> Result<Vec<DeviceCount>, Unavailable>;

    /// Lists what became of a device, oldest first, after the audit record numbered `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn history(&self, title: &SystemTitle, after: u64, limit: usize)
    -> Result<Vec<DeviceEvent>, Unavailable>;

    /// Lists the certificates that came with a device.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn credentials(&self, title: &SystemTitle) -> Result<Vec<DeviceCredential>, Unavailable>;

    /// Lists the wrapped secrets that came with a device, octets included; to be shown without.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn secrets(&self, title: &SystemTitle) -> Result<Vec<WrappedSecret>, Unavailable>;

    /// Records that the wrapped secrets of a device are given out, and returns them; none if the device is not this
    /// owner's.
    ///
    /// # Errors
    /// [`Unavailable`]: they must not be given out.
    fn export_secrets(
        &self,
        title: &SystemTitle,
        event: AuditEvent,
    ) -> Result<Option<Vec<WrappedSecret>>, Unavailable>;

    /// Does something to devices, each if it is legal from where it stands; one durable transaction with its audit events.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was changed.
    fn change_devices(&self, change: DeviceChange) -> Result<ChangeOutcome, Unavailable>;

    /// Puts devices on record that their maker has made; what is known already is left alone.
    ///
    /// # Errors
    /// [`Unavailable`]: none was recorded.
    fn record_made(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable>;
}

/// Takes in deliveries part by part, each once.
pub trait Deliveries: Send + Sync {
    /// Opens a delivery, or tells where one stands that was opened before.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn open_delivery(
        &self,
        delivery: Delivery,
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable>;

    /// Takes in the next part of a delivery; one durable transaction with its audit events. A part that was taken in before
    /// is answered as it was then, and changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was taken in.
    fn take_part(&self, part: DeliveryPart) -> Result<Result<PartOutcome, DeliveryConflict>, Unavailable>;

    /// Closes a delivery; one that is closed already is returned as it is.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn close_delivery(
        &self,
        digest: &[u8; 32],
        closing: (Mark, CountRule),
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable>;

    /// Lists deliveries in the order of their digests, after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn deliveries(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<Delivery>, Unavailable>;

    /// Returns a delivery.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn delivery(&self, digest: &[u8; 32]) -> Result<Option<Delivery>, Unavailable>;
}
