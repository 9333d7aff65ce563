//! A device as the registry knows it, the states of its life, and which may follow which.
//!
//! The table stands here and nowhere else. When an act is done, and in which transaction, is the ledger's affair.

use core::fmt;

use crate::scope::Shard;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// A device that its owner expects, or that its maker has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedDevice {
    /// The owner.
    pub tenant: TenantId,
    /// The device.
    pub title: SystemTitle,
    /// The manufacturer whose factory certificate will open the door; `None` for any trusted one.
    pub manufacturer: Option<TenantId>,
    /// The manufacturer's own number, as on the plate; may be empty.
    pub serial_number: String,
    /// Model name as delivered; may be empty.
    pub model: String,
    /// Firmware version as delivered; may be empty.
    pub firmware: String,
    /// Delivery batch; may be empty.
    pub batch: String,
    /// The region of the grid that it is in, if that was said.
    pub region: Option<Shard>,
    /// The data concentrator that it is behind, if that was said.
    pub concentrator: Option<Shard>,
}

impl ExpectedDevice {
    /// Makes a device of which nothing is known but whose it is.
    #[must_use]
    pub const fn new(tenant: TenantId, title: SystemTitle) -> Self {
        Self {
            tenant,
            title,
            manufacturer: None,
            serial_number: String::new(),
            model: String::new(),
            firmware: String::new(),
            batch: String::new(),
            region: None,
            concentrator: None,
        }
    }

    /// Returns what stands in a field; `None` when that is nothing.
    #[must_use]
    pub fn field(&self, field: DeviceField) -> Option<&str> {
        let text = match field {
            DeviceField::Manufacturer => self.manufacturer.as_ref().map(TenantId::as_str),
            DeviceField::Model => Some(self.model.as_str()),
            DeviceField::Firmware => Some(self.firmware.as_str()),
            DeviceField::Batch => Some(self.batch.as_str()),
            DeviceField::Region => self.region.as_ref().map(Shard::as_str),
            DeviceField::Concentrator => self.concentrator.as_ref().map(Shard::as_str),
            DeviceField::SerialNumber => Some(self.serial_number.as_str()),
        };
        text.filter(|text| !text.is_empty())
    }

    /// Tells whether another description says only another place of the grid.
    #[must_use]
    pub fn differs_in_place_alone(&self, told: &Self) -> bool {
        let (region, concentrator) = (self.region.clone(), self.concentrator.clone());
        Self { region, concentrator, ..told.clone() } == *self
    }
}

/// What of a device it is searched and counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceField {
    /// Who made it.
    Manufacturer,
    /// Its model.
    Model,
    /// Its firmware.
    Firmware,
    /// The batch it was delivered in.
    Batch,
    /// Its region of the grid.
    Region,
    /// Its data concentrator.
    Concentrator,
    /// The manufacturer's own number. Not counted by: each has its own.
    SerialNumber,
}

impl DeviceField {
    /// Every field.
    pub const ALL: [Self; 7] = [
        Self::Manufacturer,
        Self::Model,
        Self::Firmware,
        Self::Batch,
        Self::Region,
        Self::Concentrator,
        Self::SerialNumber,
    ];

    /// Those that devices are counted by.
    pub const COUNTED: [Self; 6] =
        [Self::Manufacturer, Self::Model, Self::Firmware, Self::Batch, Self::Region, Self::Concentrator];

    /// Returns the word that searches and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::Firmware => "firmware",
            Self::Batch => "batch",
            Self::Region => "region",
            Self::Concentrator => "concentrator",
            Self::SerialNumber => "serial_number",
        }
    }

    /// Returns the field of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// Where a device stands between the production line and the scrapyard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// On the list, not heard of yet.
    Expected,
    /// Its factory key spoke; no operational certificate is delivered yet.
    Claimed,
    /// It has operational certificates; its factory certificates are superseded.
    Operational,
    /// Made, and still at its maker's.
    Manufactured,
    /// Sent to an owner who has not taken it in yet.
    Shipped,
    /// Taken out of service for a time: it gets no certificate, and none is renewed.
    Suspended,
    /// Taken out of service for good.
    Retired,
}

impl DeviceState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Manufactured,
        Self::Shipped,
        Self::Expected,
        Self::Claimed,
        Self::Operational,
        Self::Suspended,
        Self::Retired,
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manufactured => "manufactured",
            Self::Shipped => "shipped",
            Self::Expected => "expected",
            Self::Claimed => "claimed",
            Self::Operational => "operational",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
        }
    }

    /// Returns the state that this word names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Returns how it is out of service, if it is.
    #[must_use]
    pub const fn out_of_use(self) -> Option<OutOfUse> {
        match self {
            Self::Suspended => Some(OutOfUse::Suspended),
            Self::Retired => Some(OutOfUse::Retired),
            Self::Manufactured | Self::Shipped | Self::Expected | Self::Claimed | Self::Operational => None,
        }
    }
}

impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a device is out of service: it enrols nothing and renews nothing, through whichever door it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfUse {
    /// For a time.
    Suspended,
    /// For good.
    Retired,
}

impl OutOfUse {
    /// Returns the stable reason code of what is refused because of it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Suspended => "device.suspended",
            Self::Retired => "device.retired",
        }
    }
}

impl fmt::Display for OutOfUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suspended => "suspended",
            Self::Retired => "retired",
        })
    }
}

/// What moves a device from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceAct {
    /// Its maker sends it to an owner, whom he names.
    Ship,
    /// The owner to whom it was sent takes it in.
    Receive,
    /// Its factory key claims it for its owner.
    Claim,
    /// It gets its first operational certificate.
    Operate,
    /// It is taken out of service for a time.
    Suspend,
    /// It is put back where it stood.
    Resume,
    /// It is taken out of service for good.
    Retire,
    /// It passes from one owner to another, and is expected there anew.
    Transfer,
}

/// Who may cause an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An operator, by a command of his own for it.
    Operator,
    /// An operator, by importing what was delivered to his tenant.
    Delivery,
    /// The device itself, by its key, through one of the doors of enrolment.
    Device,
}

/// Where an act leads: into a state, or back to where a suspended device stood.
#[derive(Debug, Clone, Copy)]
enum Leads {
    To(DeviceState),
    Back,
}

/// Every legal transition: the act, the states from which it is legal, where it leads, and who causes it.
///
/// Retired is final. What is suspended is resumed or retired, and nothing else.
const TABLE: [(DeviceAct, &[DeviceState], Leads, Cause); 8] = {
    use DeviceState::{Claimed, Expected, Manufactured, Operational, Retired, Shipped, Suspended};
    [
        (DeviceAct::Ship, &[Manufactured], Leads::To(Shipped), Cause::Operator),
        (DeviceAct::Receive, &[Shipped], Leads::To(Expected), Cause::Delivery),
        (DeviceAct::Claim, &[Expected], Leads::To(Claimed), Cause::Device),
        (DeviceAct::Operate, &[Expected, Claimed], Leads::To(Operational), Cause::Device),
        (
            DeviceAct::Suspend,
            &[Manufactured, Shipped, Expected, Claimed, Operational],
            Leads::To(Suspended),
            Cause::Operator,
        ),
        (DeviceAct::Resume, &[Suspended], Leads::Back, Cause::Operator),
        (
            DeviceAct::Retire,
            &[Manufactured, Shipped, Expected, Claimed, Operational, Suspended],
            Leads::To(Retired),
            Cause::Operator,
        ),
        (DeviceAct::Transfer, &[Expected, Claimed, Operational], Leads::To(Expected), Cause::Operator),
    ]
};

impl DeviceAct {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::Receive => "receive",
            Self::Claim => "claim",
            Self::Operate => "operate",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Retire => "retire",
            Self::Transfer => "transfer",
        }
    }

    /// Returns who may cause it.
    #[must_use]
    pub fn cause(self) -> Option<Cause> {
        TABLE.iter().find(|(act, ..)| *act == self).map(|(.., cause)| *cause)
    }
}

/// A device as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// How it was described last, and whose it is.
    pub expected: ExpectedDevice,
    /// Where it stands.
    pub state: DeviceState,
    /// When it was put on its owner's list.
    pub imported_at: UnixTime,
    /// Fingerprint of the factory key that claimed it.
    pub claimed_by: Option<[u8; 32]>,
    /// Since when its factory certificates are superseded.
    pub factory_superseded_at: Option<UnixTime>,
    /// Where it stood before it was suspended, and where it will stand when it is resumed.
    pub suspended_from: Option<DeviceState>,
    /// The owner to whom its maker has sent it.
    pub shipped_to: Option<TenantId>,
    /// SHA-256 of the delivery that described it last.
    pub delivery: Option<[u8; 32]>,
    /// How many factory keys were delivered with it. If there are any, one of them claims it and no other.
    pub delivered_keys: u16,
}

impl Device {
    /// Makes a device that its owner expects since `now`.
    #[must_use]
    pub const fn new(expected: ExpectedDevice, now: UnixTime) -> Self {
        Self {
            expected,
            state: DeviceState::Expected,
            imported_at: now,
            claimed_by: None,
            factory_superseded_at: None,
            suspended_from: None,
            shipped_to: None,
            delivery: None,
            delivered_keys: 0,
        }
    }

    /// Takes an act, if it is legal from where the device stands; changes nothing otherwise.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn take(&mut self, act: DeviceAct) -> Result<(), IllegalTransition> {
        let refused = IllegalTransition { act, state: self.state };
        let (_, from, leads, _) = TABLE.iter().find(|(known, ..)| *known == act).ok_or(refused)?;
        if !from.contains(&self.state) {
            return Err(refused);
        }
        let before = self.state;
        self.state = match leads {
            Leads::To(state) => *state,
            Leads::Back => self.suspended_from.ok_or(refused)?,
        };
        self.suspended_from = (self.state == DeviceState::Suspended).then_some(before);
        Ok(())
    }

    /// Notes by which factory key it was claimed. One that is in operation already stays so.
    pub fn claim(&mut self, factory_key: [u8; 32]) {
        self.claimed_by = Some(factory_key);
        if self.state == DeviceState::Expected {
            self.state = DeviceState::Claimed;
        }
    }

    /// Notes that it got an operational certificate. One that was asked for before the device was suspended may arrive
    /// after, and counts when it is resumed.
    pub fn operate(&mut self, now: UnixTime) {
        if let Some(before) = &mut self.suspended_from {
            *before = DeviceState::Operational;
        } else if self.take(DeviceAct::Operate).is_err() {
            return;
        }
        self.factory_superseded_at.get_or_insert(now);
    }

    /// Passes to another owner, who expects it anew: what it claimed and had at the last one is over.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn pass_to(
        &mut self,
        act: DeviceAct,
        owner: TenantId,
        now: UnixTime,
    ) -> Result<(), IllegalTransition> {
        self.take(act)?;
        self.expected.tenant = owner;
        self.imported_at = now;
        self.claimed_by = None;
        self.factory_superseded_at = None;
        self.shipped_to = None;
        Ok(())
    }
}

/// An act is not legal from where the device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{act} is not possible where a device is {state}", act = act.name())]
pub struct IllegalTransition {
    /// The act.
    pub act: DeviceAct,
    /// Where the device stands.
    pub state: DeviceState,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportOutcome {
    /// New on the list, or described anew.
    pub added: u64,
    /// On the list already, with the same content.
    pub unchanged: u64,
    /// Not taken: on the list of another tenant, or with other content and no longer only expected.
    pub refused: Vec<SystemTitle>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

    fn device(state: DeviceState) -> Device {
        let owner = TenantId::parse("dso").unwrap();
        Device { state, ..Device::new(ExpectedDevice::new(owner, SystemTitle::new([1; 8])), NOW) }
    }

    #[test]
    fn every_act_stands_in_the_table_once_and_a_retired_device_takes_none() {
        for (place, (act, ..)) in TABLE.iter().enumerate() {
            assert_eq!(TABLE.iter().position(|(other, ..)| other == act), Some(place));
            let refused = device(DeviceState::Retired).take(*act);
            assert_eq!(refused, Err(IllegalTransition { act: *act, state: DeviceState::Retired }));
        }
    }

    #[test]
    fn what_is_resumed_stands_where_it_stood() {
        for state in DeviceState::ALL.into_iter().filter(|state| state.out_of_use().is_none()) {
            let mut device = device(state);
            device.take(DeviceAct::Suspend).unwrap();
            assert_eq!((device.state, device.suspended_from), (DeviceState::Suspended, Some(state)));
            assert!(device.clone().take(DeviceAct::Suspend).is_err());
            device.take(DeviceAct::Resume).unwrap();
            assert_eq!((device.state, device.suspended_from), (state, None));
        }
    }

    #[test]
    fn a_certificate_that_arrives_after_the_suspension_counts_when_it_is_over() {
        let mut device = device(DeviceState::Claimed);
        device.take(DeviceAct::Suspend).unwrap();
        device.operate(NOW);
        assert_eq!(device.state, DeviceState::Suspended);
        device.take(DeviceAct::Resume).unwrap();
        assert_eq!((device.state, device.factory_superseded_at), (DeviceState::Operational, Some(NOW)));
    }

    #[test]
    fn another_owner_expects_it_anew() {
        let mut device = device(DeviceState::Operational);
        (device.claimed_by, device.factory_superseded_at) = (Some([9; 32]), Some(NOW));
        let other = TenantId::parse("dso-2").unwrap();
        device.pass_to(DeviceAct::Transfer, other.clone(), NOW).unwrap();
        assert_eq!((device.state, &device.expected.tenant), (DeviceState::Expected, &other));
        assert_eq!((device.claimed_by, device.factory_superseded_at), (None, None));
        assert!(device.pass_to(DeviceAct::Receive, other, NOW).is_err(), "nobody sent it");
    }

    #[test]
    fn states_and_fields_are_found_by_their_names() {
        assert!(DeviceState::ALL.into_iter().all(|state| DeviceState::named(state.name()) == Some(state)));
        assert!(DeviceField::ALL.into_iter().all(|field| DeviceField::named(field.name()) == Some(field)));
    }

    #[test]
    fn an_empty_field_is_none() {
        let mut device = device(DeviceState::Expected).expected;
        assert!(DeviceField::ALL.into_iter().all(|field| device.field(field).is_none()));
        device.firmware = "1.2".to_owned();
        assert_eq!(device.field(DeviceField::Firmware), Some("1.2"));
    }
}
