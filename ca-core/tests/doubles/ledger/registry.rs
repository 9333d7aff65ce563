//! What the memory knows of devices and tokens.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Registry, Unavailable};
use ca_core::record::{Device, DeviceState, ExpectedDevice, ImportOutcome, Token};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use super::super::clock::{NOW, at};
use super::super::journal::Step;
use super::MemoryLedger;

impl MemoryLedger {
    /// Puts a device on an owner's list.
    pub(crate) fn expect(&self, title: &SystemTitle, tenant: &TenantId, manufacturer: Option<&TenantId>) {
        let expected = ExpectedDevice {
            tenant: tenant.clone(),
            title: *title,
            manufacturer: manufacturer.cloned(),
            model: String::new(),
            batch: String::new(),
            region: None,
            concentrator: None,
        };
        let device = Device {
            expected,
            state: DeviceState::Expected,
            imported_at: at(NOW),
            claimed_by: None,
            factory_superseded_at: None,
        };
        self.state.lock().unwrap().devices.insert(*title, device);
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

    fn devices(
        &self,
        tenant: &TenantId,
        _: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<Vec<Device>, Unavailable> {
        let devices = self.enter(Step::Device)?.devices.clone();
        Ok(devices.into_values().filter(|device| device.expected.tenant == *tenant).take(limit).collect())
    }

    fn keep_token(&self, token: Token, _: AuditEvent) -> Result<(), Unavailable> {
        self.keep(token);
        Ok(())
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable> {
        Ok(self.enter(Step::Token)?.tokens.get(hash).cloned())
    }
}
