//! The certification authorities of a house: what each issues, how the root is founded and the others are certified by it.

use std::sync::Arc;

use anyhow::Context;
use ca_core::actor::{Actor, Identity};
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use policies::ProfileSet;

use crate::applicants::{Credential, named_request, processors};

/// How long the factory certificate still opens the door, and an unknown outcome stays unrevoked, in seconds.
const GRACE_SECONDS: i64 = 3_600;

/// An online CA: its profile, its owner, what it issues.
pub(crate) struct Subordinate {
    row: &'static str,
    pub(crate) tenant: &'static str,
    common_name: &'static str,
    offers: &'static [(&'static str, &'static [Door])],
}

pub(crate) const FACTORY: Subordinate = Subordinate {
    row: "sub-factory",
    tenant: "maker",
    common_name: "Factory CA",
    offers: &[
        ("meter-factory-ds", &[Door::RegistrationAuthority]),
        ("meter-factory-tls", &[Door::RegistrationAuthority]),
        ("ocsp", &[Door::Process]),
    ],
};

pub(crate) const OPERATIONAL: Subordinate = Subordinate {
    row: "sub-operational",
    tenant: "dso",
    common_name: "Operational CA",
    offers: &[(
        "meter-op-ds",
        &[Door::FactoryCertificate { grace_seconds: GRACE_SECONDS, expired_seconds: 0 }],
    )],
};

pub(crate) const INFRASTRUCTURE: Subordinate = Subordinate {
    row: "sub-infra",
    tenant: "maker",
    common_name: "Infrastructure CA",
    offers: &[
        ("est-tls", &[Door::Operator]),
        ("ra-station", &[Door::Operator]),
        ("cmp-signer", &[Door::Operator]),
    ],
};

/// Founds the authorities of one suite.
pub(crate) struct Builder<'a> {
    pub(crate) suite: SecuritySuite,
    pub(crate) ports: &'a Ports,
    pub(crate) profiles: &'a ProfileSet,
    /// The keys of the CAs that are told apart from end entities.
    pub(crate) own_issuers: &'a [KeyRef],
}

impl Builder<'_> {
    pub(crate) fn root(&self, key: &KeyRef) -> anyhow::Result<(Certificate, CertificationAuthority)> {
        let now = self.ports.clock.now();
        let issued = establish_root(&RootFounding {
            actor: &operator("dso")?,
            profile: self.profile("root")?,
            subject: &authority_name("Root")?,
            key,
            now,
            linter: &policies::lint::linter(),
            entropy: &*self.ports.entropy,
            signer: &*self.ports.signer,
            ledger: &*self.ports.ledger,
        })?;
        let certificate = Certificate::from_der(issued.der())?;
        let doors: &[Door] = &[Door::Operator];
        let rows = [FACTORY.row, OPERATIONAL.row, INFRASTRUCTURE.row].map(|row| (row, doors));
        Ok((certificate.clone(), self.authority(certificate, "dso", &rows)?))
    }

    pub(crate) fn subordinate(
        &self,
        root: &CertificationAuthority,
        key: &KeyRef,
        sub: &Subordinate,
    ) -> anyhow::Result<Arc<CertificationAuthority>> {
        let csr = certification_request(&authority_name(sub.common_name)?, key, &*self.ports.signer)?;
        let issued = root.enrol(EnrolmentRequest {
            actor: operator("dso")?,
            profile: self.profile(sub.row)?.id().clone(),
            subject: Subject::distinguished(csr.subject().clone()),
            evidence: Evidence::Request(Box::new(csr)),
            kind: EnrolmentKind::First,
            validity_seconds: None,
            transaction: None,
        })?;
        let certificate = Certificate::from_der(issued.der())?;
        Ok(Arc::new(self.authority(certificate, sub.tenant, sub.offers)?))
    }

    fn authority(
        &self,
        certificate: Certificate,
        tenant: &str,
        offers: &[(&str, &[Door])],
    ) -> anyhow::Result<CertificationAuthority> {
        let window_ends = certificate.validity().not_after();
        let point = |end: &str| Some(format!("http://127.0.0.1:8080/{end}"));
        let points =
            PublicationPoints { crl: point("ca.crl"), ca_issuers: point("ca.cer"), ocsp: point("ocsp") };
        let offer = |(row, doors): &(&str, &[Door])| {
            anyhow::Ok(Offer {
                profile: self.profile(row)?.clone(),
                doors: doors.to_vec(),
                repeats: RepeatRule::default(),
                approval: ApprovalRule::default(),
                production: ProductionRule::default(),
            })
        };
        let charter = Charter {
            issuer: Issuer::new(certificate, TenantId::parse(tenant)?, window_ends, points)?,
            offers: offers.iter().map(offer).collect::<anyhow::Result<_>>()?,
            linter: policies::lint::linter(),
            crl_profile: *self.profiles.crl("crl-online").context("there is no profile crl-online")?,
            uncertain_grace_seconds: GRACE_SECONDS,
            own_issuers: self.own_issuers.to_vec(),
            uplifts: UpliftMatrix::default(),
            threads: processors(),
        };
        Ok(CertificationAuthority::new(charter, self.ports.clone()))
    }

    fn profile(&self, row: &str) -> anyhow::Result<&CertificateProfile> {
        let id = format!("{row}-{}", self.suite.suffix());
        self.profiles.certificate(&id).with_context(|| format!("there is no profile {id}"))
    }
}

fn operator(tenant: &str) -> anyhow::Result<Actor> {
    let identity = Identity::Operator { name: "benchmark".to_owned() };
    Ok(Actor { tenant: TenantId::parse(tenant)?, identity })
}

pub(crate) fn authority_name(common_name: &str) -> anyhow::Result<DistinguishedName> {
    Ok(DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, "DE"),
        (oid::ORGANIZATION_NAME, "Example"),
        (oid::COMMON_NAME, common_name),
    ])?)
}

/// Gets a certificate for a named end entity, with a path up to the authority.
pub(crate) fn certified(
    authority: &CertificationAuthority,
    suite: SecuritySuite,
    profile: &ProfileId,
    (common_name, hosts): (&str, &[&str]),
) -> anyhow::Result<Credential> {
    let (csr, key) = named_request(suite, common_name, hosts)?;
    let certificates = certified_request(authority, profile, CertificationRequest::from_der(&csr)?)?;
    Ok(Credential { certificates, key })
}

/// Gets a certificate for whoever signed a request, with a path up to the authority.
pub(crate) fn certified_request(
    authority: &CertificationAuthority,
    profile: &ProfileId,
    csr: CertificationRequest,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let names = csr.requested_extensions().iter().find(|one| one.extn_id == oid::SUBJECT_ALT_NAME);
    let issuer = authority.issuer();
    let issued = authority.enrol(EnrolmentRequest {
        actor: operator(issuer.tenant().as_str())?,
        profile: profile.clone(),
        subject: Subject::read(csr.subject(), names.map(|one| one.extn_value.as_bytes()))?,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })?;
    Ok(vec![issued.der().to_vec(), issuer.certificate().der().to_vec()])
}
