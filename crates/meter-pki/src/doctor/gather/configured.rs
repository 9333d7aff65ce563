//! What the configuration says, as values: certificates with their ends, addresses, and what people it asks for.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::ports::Clock;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use server_kit::tls::TlsIdentity;

use super::super::facts::{Authority, Configured, OwnCertificate, Part};
use crate::compose::SystemClock;
use crate::config::{CheckedAuthority, Config, KeySource, RawConfig, beside};
use crate::started::{profiles_sha256, sha256};

pub(super) fn read(config: &Config, raw: &RawConfig) -> Configured {
    let (est, status) = (&config.est, &config.status);
    let mut listeners = vec![("est".to_owned(), est.listen), ("status".to_owned(), status.listen)];
    listeners.extend(config.cmp.as_ref().and_then(|cmp| cmp.listen).map(|listen| ("cmp".to_owned(), listen)));
    let door = config.operator_door.as_ref();
    listeners.extend(door.map(|door| ("operator".to_owned(), door.listen)));
    let cmp_connections = config.cmp.as_ref().map_or(0, |cmp| cmp.limits.max_connections());
    let most = est.limits.max_connections() + status.limits.max_connections() + cmp_connections;
    let most = most + door.map_or(0, |door| door.limits.clone().unwrap_or_default().max_connections());
    Configured {
        sha256: sha256(&config.file),
        profiles_sha256: profiles_sha256(&config.file, raw),
        certificates: certificates(config, raw),
        authorities: config.authorities.iter().map(authority).collect(),
        software_keys: raw.keys.get_ref().allow_software_key
            || matches!(config.keys, KeySource::Files { .. }),
        listeners,
        checkpoint_key: config.audit.notary.as_ref().map(|(key, _)| key.to_string()),
        copied: config.audit.export_directory.is_some() || config.audit.syslog.is_some(),
        recovery_key: config.recovery_key.is_some(),
        people: people(config),
        two_people_from: config.orders.two_people_from,
        approved_by_two: approved_by_two(config),
        without_limit: without_limit(raw),
        most_connections: u64::try_from(most).unwrap_or(u64::MAX),
        offers_without_door: offers_without_door(config),
    }
}

/// Who serves is who owns the ledger.
fn people(config: &Config) -> Vec<u32> {
    let owner = fs::metadata(&config.store.directory).ok().map(|found| found.uid());
    let all: BTreeSet<u32> = config.operator_users.iter().copied().chain(owner).collect();
    all.into_iter().filter(|user| *user != 0).collect()
}

fn approved_by_two(config: &Config) -> Vec<String> {
    let offers = config.authorities.iter().flat_map(|one| &one.offers);
    let by_two = offers
        .filter(|offer| offer.profile.parts().approval.max(offer.approval.needed).operators() >= 2)
        .map(|offer| offer.profile.id().to_string());
    by_two.collect::<BTreeSet<_>>().into_iter().collect()
}

fn without_limit(raw: &RawConfig) -> Vec<String> {
    let rates = &raw.est.get_ref().rates;
    let named = [
        ("address", rates.address),
        ("device", rates.device),
        ("registration_authority", rates.registration_authority),
        ("tenant", rates.tenant),
    ];
    let off = named.into_iter().filter(|(_, rate)| rate.is_some_and(|rate| rate.per_second == 0));
    off.map(|(name, _)| name.to_owned()).collect()
}

fn offers_without_door(config: &Config) -> Vec<String> {
    let offers = config.authorities.iter().flat_map(|one| one.offers.iter().map(move |offer| (one, offer)));
    let shut = offers.filter(|(_, offer)| offer.doors.is_empty());
    shut.map(|(one, offer)| format!("{} of {}", offer.profile.id(), one.name)).collect()
}

fn authority(one: &CheckedAuthority) -> Authority {
    let (points, now) = (one.issuer.points(), SystemClock.now());
    let named = [("crl", &points.crl), ("ca", &points.ca_issuers), ("ocsp", &points.ocsp)];
    let uris = named.into_iter().filter_map(|(what, uri)| Some((what.to_owned(), uri.clone()?)));
    let offers = one.offers.iter().filter_map(|offer| {
        let end = offer.profile.validity_at(now, None)?.not_after();
        Some((offer.profile.id().to_string(), end.seconds() - now.seconds()))
    });
    Authority {
        name: one.name.clone(),
        issues_until: one.issuer.window_ends().seconds(),
        path_fault: path_fault(one),
        uris: uris.collect(),
        offers: offers.collect(),
    }
}

/// Each certificate is signed by the one above it, and the last by itself (RFC 5280 §6.1: as a path is built).
fn path_fault(one: &CheckedAuthority) -> Option<String> {
    let path: Vec<&Certificate> = std::iter::once(one.issuer.certificate()).chain(&one.path).collect();
    let above = path.iter().skip(1).chain(path.last());
    path.iter().zip(above).find_map(|(below, above)| {
        let signed = TrustAnchor::from_certificate(above).has_signed(below);
        (!signed).then(|| format!("{} is not signed by {}", below.subject(), above.subject()))
    })
}

fn certificates(config: &Config, raw: &RawConfig) -> Vec<OwnCertificate> {
    let mut found: Vec<OwnCertificate> = Vec::new();
    for one in &config.authorities {
        found.push(own(Part::Authority, format!("authority {}", one.name), one.issuer.certificate()));
        for above in one.path.iter().chain(&one.generations) {
            let part = if above.subject() == above.issuer() { Part::Root } else { Part::Authority };
            found.push(own(part, format!("{} above {}", above.subject(), one.name), above));
        }
    }
    // The same root stands above several authorities.
    let mut seen = BTreeSet::new();
    found.retain(|one| {
        seen.insert(if one.part == Part::Root { one.serial.clone() } else { one.name.clone() })
    });
    found.extend(tls(config));
    found.extend(message_signers(config));
    found.extend(anchors(&config.file, raw));
    found
}

fn own(part: Part, name: String, certificate: &Certificate) -> OwnCertificate {
    OwnCertificate {
        part,
        name,
        not_before: certificate.validity().not_before().seconds(),
        not_after: certificate.validity().not_after().seconds(),
        serial: certificate.serial().to_string(),
        fault: None,
    }
}

/// The certificates of EST, and of the listener for operators where it has another.
fn tls(config: &Config) -> Vec<OwnCertificate> {
    let est = (config.est.certificate_file.as_path(), config.est.key_file.as_path());
    let door =
        config.operator_door.iter().map(|door| (door.certificate_file.as_path(), door.key_file.as_path()));
    std::iter::once(est).chain(door.filter(|files| *files != est)).flat_map(tls_of).collect()
}

fn tls_of((certificate_file, key_file): (&Path, &Path)) -> Vec<OwnCertificate> {
    let name = || format!("the certificate of TLS in {}", certificate_file.display());
    let failed = |fault: String| OwnCertificate {
        part: Part::Tls,
        name: name(),
        not_after: i64::MAX,
        fault: Some(fault),
        ..OwnCertificate::default()
    };
    let (pem, key) = match (fs::read(certificate_file), fs::read(key_file)) {
        (Ok(pem), Ok(key)) => (pem, key),
        (Err(error), _) | (_, Err(error)) => return vec![failed(error.to_string())],
    };
    let one = |der: Result<CertificateDer<'_>, rustls::pki_types::pem::Error>| {
        let der = der.map_err(|error| error.to_string())?;
        Certificate::from_der(der.as_ref()).map_err(|error| error.to_string())
    };
    let read: Result<Vec<Certificate>, String> = CertificateDer::pem_slice_iter(&pem).map(one).collect();
    let certificates = match read {
        Ok(certificates) => certificates,
        Err(error) => return vec![failed(error)],
    };
    let Some(first) = certificates.first() else { return vec![failed("there is none".to_owned())] };
    let mismatch = TlsIdentity::from_pem(&pem, &key).err().map(|error| error.to_string());
    let pairs = certificates.iter().zip(certificates.iter().skip(1));
    let broken = pairs.filter(|(below, above)| !TrustAnchor::from_certificate(above).has_signed(below));
    let broken = broken
        .map(|(below, above)| format!("{} is not signed by {}", below.subject(), above.subject()))
        .next();
    vec![OwnCertificate { fault: mismatch.or(broken), ..own(Part::Tls, name(), first) }]
}

fn message_signers(config: &Config) -> Vec<OwnCertificate> {
    let of_cmp = config.cmp.as_ref().map(|cmp| cmp.message_certificate_file.clone());
    let files: BTreeSet<_> = config.est.message_certificate_file.clone().into_iter().chain(of_cmp).collect();
    files.iter().filter_map(|file| one_of(Part::MessageSigner, "the signer of messages in", file)).collect()
}

fn one_of(part: Part, what: &str, file: &Path) -> Option<OwnCertificate> {
    let certificate = Certificate::from_der(&fs::read(file).ok()?).ok()?;
    Some(own(part, format!("{what} {}", file.display()), &certificate))
}

fn anchors(file: &Path, raw: &RawConfig) -> Vec<OwnCertificate> {
    let manufacturers = raw.manufacturers.iter().flat_map(|one| {
        let one = one.get_ref();
        let files = one.anchor_files.iter().chain(&one.shipment_anchor_files);
        files.map(move |anchor| {
            (Part::Manufacturer, format!("the anchor of manufacturer {} in", one.tenant), anchor)
        })
    });
    let registration = raw.registration_authorities.iter().flat_map(|one| {
        let one = one.get_ref();
        let what = move || format!("the anchor of registration authority {} in", one.name);
        one.anchor_files.iter().map(move |anchor| (Part::RegistrationAuthority, what(), anchor))
    });
    let all = manufacturers.chain(registration);
    all.filter_map(|(part, what, anchor)| one_of(part, &what, &beside(file, anchor))).collect()
}
