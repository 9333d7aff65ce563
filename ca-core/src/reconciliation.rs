//! Whether a meter holds the certificate that it should: what a head-end exported from it, against what is on record.
//!
//! Pure: what is on record is looked up outside. Every difference has a code, and each is somebody's to look at.

use crate::profile::{Hierarchy, KeyPurpose};
use crate::record::{CertificateStatus, Device, DeviceState, OutOfUse, StoredCertificate};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What is known of one certificate of one meter.
#[derive(Debug, Clone)]
pub struct Holding<'a> {
    /// The meter, if it is on record.
    pub device: Option<&'a Device>,
    /// What its certificate is to be for.
    pub purpose: KeyPurpose,
    /// Whether the meter shows a certificate at all.
    pub shows_one: bool,
    /// The certificate that it shows, if it is one of ours.
    pub shown: Option<&'a StoredCertificate>,
    /// Whether it is one of those that were delivered with the meter.
    pub delivered: bool,
    /// The other meter whose certificate it is, if it is none of ours: by the title in it, or by whose its key is.
    pub of_other: Option<SystemTitle>,
    /// What was issued for the meter here.
    pub issued: &'a [StoredCertificate],
}

/// A difference between a meter and the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// No such meter is on record.
    UnknownMeter,
    /// The meter belongs to another owner.
    OtherOwner,
    /// The meter is suspended or retired, and in use.
    OutOfUse,
    /// The meter has none where it should have one.
    WithoutCertificate,
    /// The certificate is the manufacturer's still, though another was issued.
    FactoryCertificate,
    /// The certificate is not ours.
    NotOurs,
    /// The certificate was issued for another owner.
    OtherOwnersCertificate,
    /// The certificate was issued for another meter.
    OtherMetersCertificate,
    /// The certificate was issued for another purpose.
    OtherPurpose,
    /// The certificate is revoked or on hold.
    Revoked,
    /// The certificate has expired.
    Expired,
    /// A younger one was issued in its place.
    Older,
    /// The meter is in operation, and the export does not name it.
    NotExported,
}

impl Difference {
    /// Every difference.
    pub const ALL: [Self; 13] = [
        Self::UnknownMeter,
        Self::OtherOwner,
        Self::OutOfUse,
        Self::WithoutCertificate,
        Self::FactoryCertificate,
        Self::NotOurs,
        Self::OtherOwnersCertificate,
        Self::OtherMetersCertificate,
        Self::OtherPurpose,
        Self::Revoked,
        Self::Expired,
        Self::Older,
        Self::NotExported,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownMeter => "reconcile.unknown_meter",
            Self::OtherOwner => "reconcile.other_owner",
            Self::OutOfUse => "reconcile.out_of_service",
            Self::WithoutCertificate => "reconcile.without_certificate",
            Self::FactoryCertificate => "reconcile.factory_certificate",
            Self::NotOurs => "reconcile.not_ours",
            Self::OtherOwnersCertificate => "reconcile.other_owners_certificate",
            Self::OtherMetersCertificate => "reconcile.other_meters_certificate",
            Self::OtherPurpose => "reconcile.other_purpose",
            Self::Revoked => "reconcile.revoked",
            Self::Expired => "reconcile.expired",
            Self::Older => "reconcile.older",
            Self::NotExported => "reconcile.not_exported",
        }
    }

    /// Returns one sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownMeter => "no such meter is on record",
            Self::OtherOwner => "the meter belongs to another owner",
            Self::OutOfUse => "the meter is suspended or retired, and answers all the same",
            Self::WithoutCertificate => "the meter has no certificate of this purpose, and one was issued",
            Self::FactoryCertificate => {
                "the meter shows its factory certificate still, and one of ours was issued"
            }
            Self::NotOurs => "the certificate was not issued here",
            Self::OtherOwnersCertificate => "the certificate was issued for another owner",
            Self::OtherMetersCertificate => "the certificate, or its key, is another meter's",
            Self::OtherPurpose => "the certificate was issued for another purpose",
            Self::Revoked => "the certificate is revoked or on hold, and in use",
            Self::Expired => "the certificate has expired, and is in use",
            Self::Older => "a younger certificate was issued, and the meter shows an older one",
            Self::NotExported => "the meter is in operation, and nothing was exported from it",
        }
    }
}

/// Compares what one meter shows with what is on record; every difference, worst first where one rules out the others.
#[must_use]
pub fn compare(
    owner: &TenantId,
    title: &SystemTitle,
    holding: &Holding<'_>,
    now: UnixTime,
) -> Vec<Difference> {
    let Some(device) = holding.device else { return vec![Difference::UnknownMeter] };
    if device.expected.tenant != *owner {
        return vec![Difference::OtherOwner];
    }
    let mut found = Vec::new();
    if matches!(device.state.out_of_use(), Some(OutOfUse::Suspended | OutOfUse::Retired)) {
        found.push(Difference::OutOfUse);
    }
    let current = current(owner, holding, now);
    match holding.shown {
        Some(shown) => found.extend(differences(owner, title, holding, (shown, current, now))),
        None if holding.delivered => {
            // Before its first operational certificate a meter has nothing else.
            found.extend(current.map(|_| Difference::FactoryCertificate));
        }
        None if holding.of_other.is_some() => found.push(Difference::OtherMetersCertificate),
        None if holding.shows_one => found.push(Difference::NotOurs),
        None if current.is_some() || device.state == DeviceState::Operational => {
            found.push(Difference::WithoutCertificate);
        }
        None => {}
    }
    found
}

/// Says of a meter that the export does not name whether it should.
#[must_use]
pub fn missing(owner: &TenantId, device: Option<&Device>) -> Option<Difference> {
    let device = device.filter(|device| device.expected.tenant == *owner)?;
    (device.state == DeviceState::Operational).then_some(Difference::NotExported)
}

fn differences(
    owner: &TenantId,
    title: &SystemTitle,
    holding: &Holding<'_>,
    (shown, current, now): (&StoredCertificate, Option<&StoredCertificate>, UnixTime),
) -> Vec<Difference> {
    let named =
        shown.slot.as_ref().map_or_else(|| SystemTitle::parse(&shown.subject).ok(), |slot| Some(slot.title));
    if shown.tenant != *owner {
        return vec![Difference::OtherOwnersCertificate];
    }
    if named != Some(*title) {
        return vec![Difference::OtherMetersCertificate];
    }
    let mut found = Vec::new();
    if shown.purpose != holding.purpose {
        found.push(Difference::OtherPurpose);
    }
    if matches!(shown.status, CertificateStatus::Revoked(_)) {
        found.push(Difference::Revoked);
    } else if shown.validity.not_after() < now {
        found.push(Difference::Expired);
    }
    if current.is_some_and(|current| current.age() > shown.age()) {
        found.push(Difference::Older);
    }
    found
}

/// The youngest certificate of the purpose that was issued for the meter, is good, and has not ended.
fn current<'a>(owner: &TenantId, holding: &Holding<'a>, now: UnixTime) -> Option<&'a StoredCertificate> {
    let in_service = |one: &&StoredCertificate| {
        one.tenant == *owner
            && one.purpose == holding.purpose
            && one.status == CertificateStatus::Good
            && one.validity.not_after() >= now
            && one.slot.as_ref().is_some_and(|slot| slot.hierarchy == Hierarchy::Operational)
    };
    holding.issued.iter().filter(in_service).max_by_key(|one| one.age())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_ref::KeyRef;
    use crate::profile::ProfileId;
    use crate::reason::ReasonCode;
    use crate::record::{CertificateId, DeviceAct, ExpectedDevice, Revocation, Slot};
    use crate::scope::CrlListing;
    use crate::serial_number::SerialNumber;
    use crate::validity::Validity;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);
    const TITLE: SystemTitle = SystemTitle::new([1; 8]);

    fn owner() -> TenantId {
        TenantId::parse("dso").unwrap()
    }

    fn device() -> Device {
        let mut device = Device::new(ExpectedDevice::new(owner(), TITLE), NOW);
        device.operate(NOW);
        device
    }

    fn certificate(number: u8) -> StoredCertificate {
        let slot = Slot {
            tenant: owner(),
            title: TITLE,
            hierarchy: Hierarchy::Operational,
            purpose: KeyPurpose::Signature,
        };
        StoredCertificate {
            id: CertificateId {
                issuer: KeyRef::new([1; 20]),
                serial: SerialNumber::from_octets(&[number]).unwrap(),
            },
            certificate: vec![number],
            tenant: owner(),
            profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
            profile_version: 1,
            subject: TITLE.to_string(),
            key_fingerprint: [number; 32],
            purpose: KeyPurpose::Signature,
            validity: Validity::new(NOW, NOW.plus_seconds(100)).unwrap(),
            recorded_at: NOW.plus_seconds(i64::from(number)),
            record: 0,
            status: CertificateStatus::Good,
            slot: Some(slot),
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: crate::record::Provenance::Issued,
        }
    }

    fn shown<'a>(
        device: &'a Device,
        shown: Option<&'a StoredCertificate>,
        issued: &'a [StoredCertificate],
    ) -> Holding<'a> {
        Holding {
            device: Some(device),
            purpose: KeyPurpose::Signature,
            shows_one: shown.is_some(),
            shown,
            delivered: false,
            of_other: None,
            issued,
        }
    }

    #[test]
    fn a_meter_with_its_current_certificate_differs_in_nothing() {
        let (device, issued) = (device(), [certificate(1), certificate(2)]);
        assert_eq!(compare(&owner(), &TITLE, &shown(&device, Some(&issued[1]), &issued), NOW), []);
    }

    #[test]
    fn every_difference_is_told_by_its_own_code() {
        let (device, issued) = (device(), [certificate(1), certificate(2)]);
        let other = TenantId::parse("dso-2").unwrap();
        let revocation = Revocation { time: NOW, reason: ReasonCode::Superseded, invalidity_date: None };
        let changed = |change: &dyn Fn(&mut StoredCertificate)| {
            let mut one = certificate(2);
            change(&mut one);
            one
        };
        let others = changed(&|one| one.tenant = other.clone());
        let meters = changed(&|one| one.slot.as_mut().unwrap().title = SystemTitle::new([2; 8]));
        let purpose = changed(&|one| one.purpose = KeyPurpose::KeyAgreement);
        let revoked = changed(&|one| one.status = CertificateStatus::Revoked(revocation));
        for (one, wanted) in [
            (&others, Difference::OtherOwnersCertificate),
            (&meters, Difference::OtherMetersCertificate),
            (&purpose, Difference::OtherPurpose),
            (&revoked, Difference::Revoked),
            (&issued[0], Difference::Older),
        ] {
            assert_eq!(compare(&owner(), &TITLE, &shown(&device, Some(one), &issued), NOW), [wanted]);
        }
        let late = NOW.plus_seconds(101);
        let expired = compare(&owner(), &TITLE, &shown(&device, Some(&issued[1]), &issued), late);
        assert_eq!(expired, [Difference::Expired]);
        let foreign = Holding { shows_one: true, ..shown(&device, None, &issued) };
        assert_eq!(compare(&owner(), &TITLE, &foreign, NOW), [Difference::NotOurs]);
        let of_other = Holding { of_other: Some(SystemTitle::new([2; 8])), ..foreign.clone() };
        assert_eq!(compare(&owner(), &TITLE, &of_other, NOW), [Difference::OtherMetersCertificate]);
        let factory = Holding { delivered: true, ..foreign.clone() };
        assert_eq!(compare(&owner(), &TITLE, &factory, NOW), [Difference::FactoryCertificate]);
        assert_eq!(
            compare(&owner(), &TITLE, &shown(&device, None, &issued), NOW),
            [Difference::WithoutCertificate]
        );
        assert_eq!(compare(&other, &TITLE, &foreign, NOW), [Difference::OtherOwner]);
        let unknown = Holding { device: None, ..foreign };
        assert_eq!(compare(&owner(), &TITLE, &unknown, NOW), [Difference::UnknownMeter]);
    }

    #[test]
    fn a_meter_that_is_out_of_service_and_answers_is_told_beside_what_it_shows() {
        let (mut device, issued) = (device(), [certificate(2)]);
        device.take(DeviceAct::Suspend).unwrap();
        let found = compare(&owner(), &TITLE, &shown(&device, Some(&issued[0]), &issued), NOW);
        assert_eq!(found, [Difference::OutOfUse]);
    }

    #[test]
    fn only_the_owners_meters_that_are_in_operation_are_missed() {
        let (mut device, other) = (device(), TenantId::parse("dso-2").unwrap());
        assert_eq!(missing(&owner(), Some(&device)), Some(Difference::NotExported));
        assert_eq!(missing(&other, Some(&device)), None);
        assert_eq!(missing(&owner(), None), None);
        device.take(DeviceAct::Suspend).unwrap();
        assert_eq!(missing(&owner(), Some(&device)), None);
        let codes: std::collections::BTreeSet<_> = Difference::ALL.map(Difference::code).into();
        assert_eq!(codes.len(), Difference::ALL.len());
    }

    #[test]
    fn a_meter_that_waits_for_its_first_certificate_differs_in_nothing() {
        let device = Device::new(ExpectedDevice::new(owner(), TITLE), NOW);
        let factory = Holding { shows_one: true, delivered: true, ..shown(&device, None, &[]) };
        assert_eq!(compare(&owner(), &TITLE, &factory, NOW), []);
        assert_eq!(compare(&owner(), &TITLE, &shown(&device, None, &[]), NOW), []);
    }
}
