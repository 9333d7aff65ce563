//! Whom a front end of an offer knows by certificate, and which certificates stand above what it issues: the same for EST and CMP.

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};

use crate::config::{CheckedAuthority, CheckedOffer, CheckedRegistrationAuthority, Config};

/// The trust anchors of an offer: manufacturers', the authority's own, and those of its registration authorities.
pub(super) fn anchors(config: &Config, one: &CheckedAuthority, offer: &CheckedOffer) -> Vec<Anchor> {
    let factory = config
        .manufacturers
        .iter()
        .filter(|manufacturer| one.manufacturers.contains(&manufacturer.tenant))
        .flat_map(|manufacturer| {
            manufacturer.anchors.iter().map(|anchor| Anchor {
                anchor: anchor.clone(),
                vouches_for: Voucher::Factory { manufacturer: manufacturer.tenant.clone() },
            })
        });
    let own = TrustAnchor::from_certificate(one.issuer.certificate());
    let mut anchors: Vec<Anchor> = factory.collect();
    anchors.push(Anchor { anchor: own, vouches_for: Voucher::Operational });
    for anchor in stations(config, one, offer).flat_map(|station| &station.anchors) {
        let anchor = Anchor { anchor: anchor.clone(), vouches_for: Voucher::Infrastructure };
        if !anchors.contains(&anchor) {
            anchors.push(anchor);
        }
    }
    anchors
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
    let mut certificates = one.path.clone();
    certificates.reverse();
    certificates.push(one.issuer.certificate().clone());
    certificates.extend(one.generations.iter().cloned());
    certificates
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
