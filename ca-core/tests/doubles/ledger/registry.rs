//! What the memory knows of devices and tokens.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Registry, Unavailable};
use ca_core::record::{Device, DeviceAct, DeviceState, ExpectedDevice, ImportOutcome, Token};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use super::super::clock::{NOW, at};
use super::super::journal::Step;
use super::MemoryLedger;

impl MemoryLedger {
    /// Puts a device on an owner's list.
    pub(crate) fn expect(&self, title: &SystemTitle, tenant: &TenantId, manufacturer: Option<&TenantId>) {
        let expected = ExpectedDevice {
            manufacturer: manufacturer.cloned(),
            ..ExpectedDevice::new(tenant.clone(), *title)
        };
        self.state.lock().unwrap().devices.insert(*title, Device::new(expected, at(NOW)));
    }

    /// Has a device stand somewhere.
    pub(crate) fn stand(&self, title: &SystemTitle, state: DeviceState) {
        self.state.lock().unwrap().devices.get_mut(title).unwrap().state = state;
    }

    /// Has something happen to a device that is legal.
    pub(crate) fn move_device(&self, title: &SystemTitle, act: DeviceAct) {
        self.state.lock().unwrap().devices.get_mut(title).unwrap().take(act).unwrap();
    }

    /// Keeps a token.
    pub(crate) fn keep(&self, token: Token) {
        self.state.lock().unwrap().tokens.insert(token.hash, token);
    }

    /// Returns what is known of a device.
    pub(crate) fn known(&self, title: &SystemTitle) -> Device {
        self.state.lock().unwrap().devices[title].clone()
    }

    /// Tells whether a token was spent.
    pub(crate) fn is_spent(&self, hash: &[u8; 32]) -> bool {
        self.state.lock().unwrap().tokens[hash].spent
    }
}

impl Registry for MemoryLedger {
    fn import_devices(&self, _: Vec<ExpectedDevice>, _: AuditEvent) -> Result<ImportOutcome, Unavailable> {
        Err(Unavailable { port: "registry", cause: "this double takes devices from tests only".into() })
    }

    fn device(&self, title: &SystemTitle) -> Result<Option<Device>, Unavailable> {
        Ok(self.enter(Step::Device)?.devices.get(title).cloned())
    }

    fn keep_token(&self, token: Token, _: AuditEvent) -> Result<(), Unavailable> {
        self.keep(token);
        Ok(())
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        Ok(self.enter(Step::Token)?.tokens.get(hash).cloned())
    }
}
