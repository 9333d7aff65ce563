//! The port [`Registry`]: devices and one-time tokens. Whether a device may enrol is decided with the intent, not here.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Registry, Unavailable};
use ca_core::record::{Device, ExpectedDevice, ImportOutcome, Token};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use crate::act::device;
use crate::engine::{Durability, View};
use crate::keyspace::{Keyspace, device_list_key, device_list_prefix, parse_listed_title};
use crate::row::{DeviceRow, RowFault, TokenRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "registry";

impl Registry for Store {
    fn import_devices(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| device::import(tx, devices, event))
    }

    fn device(&self, title: &SystemTitle) -> Result<Option<Device>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<DeviceRow>(title)?.map(|row| row.device)))
    }

    fn devices(
        &self,
        tenant: &TenantId,
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<Vec<Device>, Unavailable> {
        self.read(PORT, |view| listed(view, tenant, after, limit))
    }

    fn keep_token(&self, token: Token, event: AuditEvent) -> Result<(), Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| device::keep_token(tx, token, event))
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<TokenRow>(hash)?.map(|row| row.token)))
    }
}

fn listed(
    view: &dyn View,
    tenant: &TenantId,
    after: Option<&SystemTitle>,
    limit: usize,
) -> Result<Vec<Device>, ReadFault> {
    let after = after.map(|title| device_list_key(tenant, title)).unwrap_or_default();
    let rows = view.rows_after(Keyspace::DeviceLists, &device_list_prefix(tenant), &after, limit)?;
    let mut devices = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        let fault = RowFault::Key { keyspace: Keyspace::DeviceLists.name() };
        let title = parse_listed_title(&key).ok_or(fault)?;
        devices.extend(view.row::<DeviceRow>(&title)?.map(|row| row.device));
    }
    Ok(devices)
}
