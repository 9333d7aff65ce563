//! The ports [`Registry`] and [`Deliveries`]: devices, one-time tokens, and what is delivered. Whether a device may enrol is
//! decided with the intent, not here.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Deliveries, Registry, Unavailable};
use ca_core::record::{
    CountRule, Delivery, DeliveryConflict, DeliveryPart, Device, ExpectedDevice, ImportOutcome, Mark,
    PartOutcome, Token,
};
use ca_core::system_title::SystemTitle;

use crate::act::{delivery, device};
use crate::engine::Durability;
use crate::keyspace::Keyspace;
use crate::row::{DeliveryRow, DeviceRow, Row, TokenRow};
use crate::store::Store;
use crate::transaction::Rows;

const PORT: &str = "registry";

impl Registry for Store {
    fn import_devices(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable> {
        self.write_new(PORT, Durability::Durable, move |tx| device::import(tx, devices, &event))
    }

    fn device(&self, title: &SystemTitle) -> Result<Option<Device>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<DeviceRow>(title)?.map(|row| row.device)))
    }

    fn keep_token(&self, token: Token, event: AuditEvent) -> Result<(), Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| device::keep_token(tx, token, event))
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<TokenRow>(hash)?.map(|row| row.token)))
    }
}

impl Deliveries for Store {
    fn open_delivery(
        &self,
        delivery: Delivery,
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| delivery::open(tx, delivery, event))
    }

    fn take_part(&self, part: DeliveryPart) -> Result<Result<PartOutcome, DeliveryConflict>, Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| delivery::take_part(tx, part))
    }

    fn close_delivery(
        &self,
        digest: &[u8; 32],
        closing: (Mark, CountRule),
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable> {
        let digest = *digest;
        self.write(PORT, Durability::Durable, move |tx| delivery::close(tx, &digest, closing, event))
    }

    fn deliveries(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<Delivery>, Unavailable> {
        let after = after.map(Vec::from).unwrap_or_default();
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Deliveries, &[], &after, limit)?;
            rows.into_iter().map(|(_, octets)| Ok(DeliveryRow::decode(&octets)?.delivery)).collect()
        })
    }

    fn delivery(&self, digest: &[u8; 32]) -> Result<Option<Delivery>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<DeliveryRow>(digest)?.map(|row| row.delivery)))
    }
}
