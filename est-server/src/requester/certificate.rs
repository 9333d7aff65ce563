//! A certificate shown in the TLS handshake, made into a device or a registration authority.
//!
//! The handshake proved possession of its key, and nothing else; the path to an anchor of the label is validated here.

use ca_core::actor::{Actor, DeviceIdentity, Identity, Origin, Presented, RegistrationAuthority};
use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::path::{PathError, ValidatedPath, validate_client};
use sha2::{Digest, Sha256};

use super::{AuthenticateError, Gate};
use crate::config::{Label, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};

/// The most certificates that are looked at: the end entity's and 16 others.
const MAX_CERTIFICATES: usize = 17;

pub(super) fn authenticate(gate: &Gate<'_>, shown: &[Vec<u8>]) -> Result<Actor, AuthenticateError> {
    if shown.len() > MAX_CERTIFICATES {
        return Err(PathError::TooManyCertificates { count: shown.len() - 1 }.into());
    }
    let (first, rest) = shown.split_first().ok_or(AuthenticateError::NoCredentials)?;
    let end_entity = Certificate::from_der(first)?;
    // One that we cannot read, such as an RSA root sent along, can be no part of a path of ours.
    let others: Vec<Certificate> = rest.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let (path, expired_at) = match validate_client(end_entity, &others, gate.label.trust_anchors(), gate.now)
    {
        Ok(path) => (path, None),
        Err(PathError::Expired { not_after, path }) if is_from_factory(gate.label, &path) => {
            (*path, Some(not_after))
        }
        Err(error) => return Err(error.into()),
    };
    // RFC 7030 §3.7: id-kp-cmcRA makes its holder a registration authority.
    if path.end_entity().extended_key_usages().contains(&oid::CMC_RA) {
        return registration_authority(gate.label, &path);
    }
    let mut origins = gate.label.vouchers(path.anchor()).filter_map(|voucher| match voucher {
        Voucher::Factory { manufacturer } => {
            Some(Origin::Factory { manufacturer: manufacturer.clone(), expired_at })
        }
        Voucher::Operational => Some(Origin::Operational),
        Voucher::Infrastructure => None,
    });
    device(gate.label, &path, origins.next().ok_or(AuthenticateError::NoDevice)?)
}

/// Only where a manufacturer vouches, and nobody else, may registration look past an expiry.
fn is_from_factory(label: &Label, path: &ValidatedPath) -> bool {
    let registration_authority = path.end_entity().extended_key_usages().contains(&oid::CMC_RA);
    !registration_authority
        && label.vouchers(path.anchor()).all(|voucher| matches!(voucher, Voucher::Factory { .. }))
}

fn presented(path: &ValidatedPath) -> Presented {
    Presented { certificate: path.end_entity().clone(), issuer: path.issuer() }
}

fn device(label: &Label, path: &ValidatedPath, origin: Origin) -> Result<Actor, AuthenticateError> {
    let title = path.end_entity().system_title().ok_or(AuthenticateError::NoDevice)?;
    let tenant = match &origin {
        Origin::Factory { manufacturer, .. } => manufacturer.clone(),
        Origin::Operational => label.parts().authority.issuer().tenant().clone(),
    };
    let identity = Identity::Device(DeviceIdentity { title, origin, certificate: presented(path) });
    Ok(Actor { tenant, identity })
}

fn registration_authority(label: &Label, path: &ValidatedPath) -> Result<Actor, AuthenticateError> {
    if !label.vouchers(path.anchor()).any(|voucher| *voucher == Voucher::Infrastructure) {
        return Err(AuthenticateError::UnknownRegistrationAuthority);
    }
    let certificate = path.end_entity();
    let is_meant = |entry: &&RegistrationAuthorityEntry| match &entry.matched_by {
        RegistrationAuthorityMatch::CommonName(name) => {
            certificate.subject().common_name() == Some(name.as_str())
        }
        RegistrationAuthorityMatch::Sha256(hash) => *hash == *Sha256::digest(certificate.der()),
    };
    let entry = label
        .parts()
        .registration_authorities
        .iter()
        .find(is_meant)
        .ok_or(AuthenticateError::UnknownRegistrationAuthority)?;
    Ok(Actor {
        tenant: entry.tenant.clone(),
        identity: Identity::RegistrationAuthority(RegistrationAuthority {
            name: entry.name.clone(),
            profiles: entry.profiles.clone(),
            title_prefix: entry.title_prefix.clone(),
            dns_suffixes: entry.dns_suffixes.clone(),
            certificate: presented(path),
        }),
    })
}
