//! Whom a front end of an offer knows by certificate, and which certificates stand above what it issues: the same for EST and CMP.

use std::collections::{BTreeMap, BTreeSet};

use ca_core::certificate::Certificate;
use ca_core::key_ref::KeyRef;
use ca_core::path::TrustAnchor;
use ca_core::profile::Hierarchy;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};

use crate::config::{
    CheckedAuthority, CheckedManufacturer, CheckedOffer, CheckedRegistrationAuthority, Config, ShipmentTrust,
};

/// An authority by whose certificates somebody is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trusted {
    /// Its key.
    pub(crate) key: KeyRef,
    /// Its distinguished name.
    pub(crate) subject: String,
    /// For whom it vouches: `manufacturer NAME`, `owner NAME`, or `station NAME`.
    pub(crate) vouches_for: String,
}

/// Every authority by whose certificates somebody is let in, each once for whom it vouches.
pub(super) fn trusted(config: &Config) -> Vec<Trusted> {
    let of = |anchor: &TrustAnchor, vouches_for: String| Trusted {
        key: anchor.key(),
        subject: anchor.name().to_string(),
        vouches_for,
    };
    let manufacturers = config.manufacturers.iter().flat_map(|one| {
        one.anchors.iter().map(move |anchor| of(anchor, format!("manufacturer {}", one.tenant)))
    });
    let owners = config.authorities.iter().map(|one| {
        let own = TrustAnchor::from_certificate(one.issuer.certificate());
        of(&own, format!("owner {}", one.issuer.tenant()))
    });
    let stations = config
        .registration_authorities
        .iter()
        .flat_map(|one| one.anchors.iter().map(move |anchor| of(anchor, format!("station {}", one.name))));
    manufacturers.chain(owners).chain(stations).collect()
}

/// The trust anchors of each manufacturer.
pub(super) fn factory_anchors(config: &Config) -> BTreeMap<TenantId, Vec<TrustAnchor>> {
    config.manufacturers.iter().map(|one| (one.tenant.clone(), one.anchors.clone())).collect()
}

/// Who may sign the manifests of each manufacturer.
pub(super) fn shipment_trust(config: &Config) -> BTreeMap<TenantId, ShipmentTrust> {
    config.manufacturers.iter().map(|one| (one.tenant.clone(), one.shipments.clone())).collect()
}

/// The trust anchors of an offer: manufacturers', the authority's own, its owner's of lower suites, and those of its registration
/// authorities.
pub(super) fn anchors(config: &Config, one: &CheckedAuthority, offer: &CheckedOffer) -> Vec<Anchor> {
    let mut anchors =
        anchors_of_devices((&config.manufacturers, &one.manufacturers), one.issuer.certificate());
    anchors.extend(config.authorities.iter().filter(|other| lifts_from(one, other)).map(|other| Anchor {
        anchor: TrustAnchor::from_certificate(other.issuer.certificate()),
        vouches_for: Voucher::Operational,
    }));
    for anchor in stations(config, one, offer).flat_map(|station| &station.anchors) {
        let anchor = Anchor { anchor: anchor.clone(), vouches_for: Voucher::Infrastructure };
        if !anchors.contains(&anchor) {
            anchors.push(anchor);
        }
    }
    anchors
}

/// Tells whether another authority issues to the same owner's devices in a lower suite: a device that is lifted has nothing to show
/// but what it got there.
fn lifts_from(one: &CheckedAuthority, other: &CheckedAuthority) -> bool {
    let to_devices = |authority: &CheckedAuthority| {
        authority.offers.iter().any(|offer| offer.profile.parts().hierarchy == Hierarchy::Operational)
    };
    let suite = |authority: &CheckedAuthority| SecuritySuite::of_curve(authority.issuer.curve());
    other.issuer.tenant() == one.issuer.tenant()
        && suite(other) < suite(one)
        && to_devices(one)
        && to_devices(other)
}

/// The trust anchors of devices: those of the manufacturers that are named, and the authority's own.
pub(super) fn anchors_of_devices(
    (manufacturers, named): (&[CheckedManufacturer], &BTreeSet<TenantId>),
    authority: &Certificate,
) -> Vec<Anchor> {
    let factory = manufacturers.iter().filter(|manufacturer| named.contains(&manufacturer.tenant)).flat_map(
        |manufacturer| {
            manufacturer.anchors.iter().map(|anchor| Anchor {
                anchor: anchor.clone(),
                vouches_for: Voucher::Factory { manufacturer: manufacturer.tenant.clone() },
            })
        },
    );
    let own = TrustAnchor::from_certificate(authority);
    factory.chain([Anchor { anchor: own, vouches_for: Voucher::Operational }]).collect()
}

/// The registration authorities of an offer.
pub(super) fn registration_authorities(
    config: &Config,
    one: &CheckedAuthority,
    offer: &CheckedOffer,
) -> Vec<RegistrationAuthorityEntry> {
    stations(config, one, offer)
        .map(|station| RegistrationAuthorityEntry {
            name: station.name.clone(),
            tenant: station.tenant.clone(),
            matched_by: RegistrationAuthorityMatch::CommonName(station.common_name.clone()),
            profiles: station.profiles.clone(),
            title_prefix: station.title_prefix.clone(),
            dns_suffixes: station.dns_suffixes.clone(),
            forwards: station.forwards,
        })
        .collect()
}

/// The certificates from the root down to the authority's own. RFC 7030 §4.1.3: around a change of the root also the other root
/// and the links between the two, always in one order.
pub(super) fn ca_certificates(one: &CheckedAuthority) -> Vec<Certificate> {
    from_root_down(&one.path, one.issuer.certificate(), &one.generations)
}

/// The same of an authority whose path, from its issuer up, is known, and the other generations of its root.
pub(super) fn from_root_down(
    path: &[Certificate],
    authority: &Certificate,
    generations: &[Certificate],
) -> Vec<Certificate> {
    path.iter().rev().chain([authority]).chain(generations).cloned().collect()
}

fn stations<'a>(
    config: &'a Config,
    one: &'a CheckedAuthority,
    offer: &'a CheckedOffer,
) -> impl Iterator<Item = &'a CheckedRegistrationAuthority> {
    config.registration_authorities.iter().filter(|station| {
        station.tenant == *one.issuer.tenant() && station.profiles.contains(offer.profile.id())
    })
}
