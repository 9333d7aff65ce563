//! The rehearsal ceremony: roots of both suites for a manufacturer and for a distribution system operator, and their sub-CAs.
//!
//! The same verbs of ca-core as the real one, with keys in files and everything on one machine; `offline-root` is the program
//! for the real one. Roots are used here and never again: their keys stay in the `offline` directory.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use ca_core::actor::{Actor, Identity};
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::lint::Linter;
use ca_core::oid;
use ca_core::ports::Clock;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Store};
use policies::ProfileSet;
use signer_file::{FileSigner, Iterations, KeyDirectory, Passphrase, SystemEntropy};
use status_server::publish::CrlFolder;
use status_server::repository::{certificate_path, crl_path};

use super::layout::Layout;
use crate::compose::{SystemClock, abort_on_fatal, boot_id};
use crate::progress::Progress;

/// A tenant of the rehearsal and the sub-CAs it has in both suites.
struct House {
    tenant: &'static str,
    organization: &'static str,
    sub_authorities: &'static [SubAuthority],
}

struct SubAuthority {
    name: &'static str,
    common_name: &'static str,
    profile: &'static str,
    suites: &'static [SecuritySuite],
}

const BOTH: &[SecuritySuite] = &SecuritySuite::ALL;

const HOUSES: [House; 2] = [
    House {
        tenant: "maker",
        organization: "Example Meters",
        sub_authorities: &[
            SubAuthority { name: "factory", common_name: "Factory CA", profile: "sub-factory", suites: BOTH },
            SubAuthority {
                name: "infra",
                common_name: "Infrastructure CA",
                profile: "sub-infra",
                suites: &[SecuritySuite::Suite1],
            },
        ],
    },
    House {
        tenant: "dso",
        organization: "Example Grid",
        sub_authorities: &[
            SubAuthority {
                name: "operational",
                common_name: "Operational CA",
                profile: "sub-operational",
                suites: BOTH,
            },
            SubAuthority {
                name: "infra",
                common_name: "Infrastructure CA",
                profile: "sub-infra",
                suites: &[SecuritySuite::Suite1],
            },
            SubAuthority {
                name: "maintenance",
                common_name: "Maintenance CA",
                profile: "sub-maintenance",
                suites: &[SecuritySuite::Suite1],
            },
        ],
    },
];

/// An online authority that came out of the ceremony.
#[derive(Debug, Clone)]
pub(super) struct Founded {
    pub name: String,
    pub tenant: &'static str,
    pub root: String,
    pub suite: SecuritySuite,
    pub key: ca_core::key_ref::KeyRef,
}

/// What the ceremony works with.
pub(super) struct Room<'a> {
    pub layout: &'a Layout,
    pub profiles: &'a ProfileSet,
    pub passphrase: &'a Passphrase,
    /// Where the keys of the online authorities are made.
    pub online: &'a KeyDirectory,
    /// The plain-HTTP address at which roots and sub-CAs will be found.
    pub status_uri: &'a str,
}

/// Holds the ceremony; returns the online authorities.
pub(super) fn hold(room: &Room<'_>, progress: &Progress) -> anyhow::Result<Vec<Founded>> {
    let mut founded = Vec::new();
    for house in &HOUSES {
        for suite in SecuritySuite::ALL {
            let root = OfflineRoot::establish(room, house, suite)?;
            progress.tell(&format!("root {}: SHA-256 {}", root.name, root.fingerprint()));
            for sub in house.sub_authorities.iter().filter(|sub| sub.suites.contains(&suite)) {
                founded.push(root.sign_subordinate(room, house, sub)?);
            }
            root.publish_crl(room, house)?;
        }
    }
    Ok(founded)
}

/// A root of the rehearsal with its own ledger and its own keys.
struct OfflineRoot {
    name: String,
    suite: SecuritySuite,
    certificate: Certificate,
    authority: CertificationAuthority,
}

impl OfflineRoot {
    fn establish(room: &Room<'_>, house: &House, suite: SecuritySuite) -> anyhow::Result<Self> {
        let name = format!("{}-root-{}", house.tenant, suite.suffix());
        let place = room.layout.offline(&name);
        let (ports, key) = open_room(&place, room.passphrase, (suite, &TenantId::parse(house.tenant)?))?;
        let actor = officer(house.tenant)?;
        let linter = policies::lint::linter();
        let profile = profile(room.profiles, "root", suite)?;
        let common_name = format!("{} Root {} G1", house.organization, suite.suffix().to_uppercase());
        let now = ports.clock.now();
        let issued = establish_root(&RootFounding {
            actor: &actor,
            profile,
            subject: &authority_name(house.organization, &common_name)?,
            key: &key,
            now,
            linter: &linter,
            entropy: &*ports.entropy,
            signer: &*ports.signer,
            ledger: &*ports.ledger,
        })?;
        let certificate = Certificate::from_der(issued.der())?;
        std::fs::write(room.layout.authority(&name), issued.der())?;
        let points = PublicationPoints {
            crl: Some(format!("{}{}", room.status_uri, crl_path(&key))),
            ca_issuers: Some(format!("{}{}", room.status_uri, certificate_path(&key))),
            ocsp: None,
        };
        let window_ends = certificate.validity().not_after();
        let issuer = Issuer::new(certificate.clone(), TenantId::parse(house.tenant)?, window_ends, points)?;
        let charter = charter(issuer, offers(room, house, suite)?, room.profiles, linter)?;
        Ok(Self { name, suite, certificate, authority: CertificationAuthority::new(charter, ports) })
    }

    fn fingerprint(&self) -> String {
        use sha2::Digest;
        hex::encode(sha2::Sha256::digest(self.certificate.der()))
    }

    /// Signs the root's CRL and puts it where the status server will find it.
    fn publish_crl(&self, room: &Room<'_>, house: &House) -> anyhow::Result<()> {
        let crl = self.authority.issue_crl(&officer(house.tenant)?)?;
        let issuer = self.authority.issuer();
        let line = CrlLine::complete(issuer.key(), CrlScope::All);
        CrlFolder::open(&room.layout.published())?.publish(&line, issuer, crl.der.reader())?;
        Ok(())
    }

    fn sign_subordinate(
        &self,
        room: &Room<'_>,
        house: &House,
        sub: &SubAuthority,
    ) -> anyhow::Result<Founded> {
        let name = format!("{}-{}-{}", house.tenant, sub.name, self.suite.suffix());
        let public_key = room.online.generate(self.suite.curve(), room.passphrase)?;
        let key = public_key.key_ref();
        let signer = FileSigner::new();
        signer.add(room.online, &key, room.passphrase)?;
        let common_name =
            format!("{} {} {} G1", house.organization, sub.common_name, self.suite.suffix().to_uppercase());
        let csr = certification_request(&authority_name(house.organization, &common_name)?, &key, &signer)?;
        let request = EnrolmentRequest {
            actor: officer(house.tenant)?,
            profile: profile(room.profiles, sub.profile, self.suite)?.id().clone(),
            subject: Subject::distinguished(csr.subject().clone()),
            evidence: Evidence::Request(Box::new(csr)),
            kind: EnrolmentKind::First,
            validity_seconds: None,
            transaction: None,
        };
        let issued = self.authority.enrol(request).with_context(|| format!("cannot certify {name}"))?;
        std::fs::write(room.layout.authority(&name), issued.der())?;
        Ok(Founded { name, tenant: house.tenant, root: self.name.clone(), suite: self.suite, key })
    }
}

/// Makes key and ledger of a root in a directory of its own.
fn open_room(
    place: &Path,
    passphrase: &Passphrase,
    (suite, tenant): (SecuritySuite, &TenantId),
) -> anyhow::Result<(Ports, ca_core::key_ref::KeyRef)> {
    if place.exists() {
        bail!(
            "{} is left over from a ceremony that did not end: take the state directory away and begin again",
            place.display()
        );
    }
    std::fs::create_dir_all(place)?;
    let keys = KeyDirectory::create(&place.join("keys"))?.with_iterations(Iterations::LEAST);
    let key = keys.generate(suite.curve(), passphrase)?.key_ref();
    let directory = place.join("store");
    Store::create(&directory, EngineKind::Fjall)?;
    let clock = Arc::new(SystemClock);
    let opening = Opening { now: clock.now(), tenant: tenant.clone(), boot: boot_id() };
    let (store, _) = Store::open(&directory, &opening, abort_on_fatal())?;
    let store = Arc::new(store);
    let ports = Ports {
        clock,
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(FileSigner::unlock(&keys, passphrase)?),
        ledger: store.clone(),
        status: store.clone(),
        registry: store.clone(),
        waiting: store.clone(),
        transactions: store,
    };
    Ok((ports, key))
}

fn offers(room: &Room<'_>, house: &House, suite: SecuritySuite) -> anyhow::Result<Vec<Offer>> {
    let subs = house.sub_authorities.iter().filter(|sub| sub.suites.contains(&suite));
    subs.map(|sub| {
        Ok(Offer {
            profile: profile(room.profiles, sub.profile, suite)?.clone(),
            doors: vec![Door::Operator],
            repeats: RepeatRule::default(),
            approval: ApprovalRule::default(),
            production: ProductionRule::default(),
        })
    })
    .collect()
}

fn charter(
    issuer: Issuer,
    offers: Vec<Offer>,
    profiles: &ProfileSet,
    linter: Linter,
) -> anyhow::Result<Charter> {
    let crl_profile = *profiles.crl("crl-root").context("there is no profile crl-root")?;
    let own_issuers = vec![issuer.key()];
    let uplifts = UpliftMatrix::default();
    Ok(Charter {
        issuer,
        offers,
        linter,
        crl_profile,
        uncertain_grace_seconds: 0,
        own_issuers,
        uplifts,
        threads: 1,
    })
}

fn officer(tenant: &str) -> anyhow::Result<Actor> {
    let identity = Identity::Operator { name: "rehearsal".to_owned() };
    Ok(Actor { tenant: TenantId::parse(tenant)?, identity })
}

fn authority_name(organization: &str, common_name: &str) -> anyhow::Result<DistinguishedName> {
    Ok(DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, "DE"),
        (oid::ORGANIZATION_NAME, organization),
        (oid::COMMON_NAME, common_name),
    ])?)
}

/// Finds the profile of a row of the profile table in a suite.
pub(super) fn profile<'a>(
    profiles: &'a ProfileSet,
    row: &str,
    suite: SecuritySuite,
) -> anyhow::Result<&'a CertificateProfile> {
    let id = ProfileId::parse(&format!("{row}-{}", suite.suffix()))?;
    profiles.certificate(id.as_str()).with_context(|| format!("there is no profile {id}"))
}
