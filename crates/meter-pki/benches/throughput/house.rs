//! A small PKI of one suite in a directory of its own: a root, a factory CA, an operational CA, an infrastructure CA, one
//! ledger, keys in encrypted files. Put together from the same parts as the installed program, by the same verbs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};
use ca_core::actor::{Actor, Identity, Presented, RegistrationAuthority};
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::Clock;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::record::{CertificateQuery, CertificateStatus};
use ca_core::registration::{Door, Offer};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Store};
use meter_pki::compose::{SystemClock, abort_on_fatal};
use policies::ProfileSet;
use signer_file::{FileSigner, Iterations, KeyDirectory, Passphrase, SystemEntropy};
use zeroize::Zeroizing;

use crate::applicants::{Credential, named_request, processors};

/// How long the factory certificate still opens the door, in seconds.
const GRACE_SECONDS: i64 = 3_600;

/// The common name and the leading octets of the factory line.
pub(crate) const STATION: &str = "Line Station 1";
pub(crate) const PREFIX: &[u8] = b"MPK";

/// The PKI.
pub(crate) struct House {
    pub(crate) suite: SecuritySuite,
    pub(crate) ports: Ports,
    pub(crate) profiles: ProfileSet,
    pub(crate) root: Certificate,
    pub(crate) factory: Arc<CertificationAuthority>,
    pub(crate) operational: Arc<CertificationAuthority>,
    pub(crate) infrastructure: Arc<CertificationAuthority>,
    /// The key of the factory CA's OCSP responder.
    pub(crate) responder_key: KeyRef,
    /// What the factory line shows.
    pub(crate) station: Credential,
    /// The factory line as an actor.
    pub(crate) line: Actor,
    titles: AtomicU32,
}

impl House {
    /// Founds it in a directory that is absent.
    pub(crate) fn found(place: &Path, suite: SecuritySuite, engine: EngineKind) -> anyhow::Result<Self> {
        std::fs::create_dir(place)?;
        let passphrase = Passphrase::new(Zeroizing::new(vec![b'p'; 24])).context("no passphrase")?;
        let keys = KeyDirectory::create(&place.join("keys"))?.with_iterations(Iterations::LEAST);
        let generate = || anyhow::Ok(keys.generate(suite.curve(), &passphrase)?.key_ref());
        let [root, factory, operational, infrastructure, responder_key] =
            [generate()?, generate()?, generate()?, generate()?, generate()?];
        let ports = ports(place, engine, FileSigner::unlock(&keys, &passphrase)?)?;
        let profiles = ProfileSet::load_embedded(&policies::Settings::default())?;
        let founding = Builder { suite, ports: &ports, profiles: &profiles, own_issuers: &[root] };
        let (root, above) = founding.root(&root)?;
        let online = [factory, operational, infrastructure];
        let builder = Builder { own_issuers: &online, ..founding };
        let factory = builder.subordinate(&above, &factory, &FACTORY)?;
        let operational = builder.subordinate(&above, &operational, &OPERATIONAL)?;
        let infrastructure = builder.subordinate(&above, &infrastructure, &INFRASTRUCTURE)?;
        let id = |row: &str| ProfileId::parse(&format!("{row}-{}", suite.suffix()));
        let station = certified(&infrastructure, suite, &id("ra-station")?, (STATION, &[]))?;
        let line = line(&station, &infrastructure, vec![id("meter-factory-ds")?, id("meter-factory-tls")?])?;
        let titles = AtomicU32::new(0);
        Ok(Self {
            suite,
            root,
            factory,
            operational,
            infrastructure,
            responder_key,
            station,
            line,
            titles,
            ports,
            profiles,
        })
    }

    /// Returns the id of a profile of the house's suite.
    pub(crate) fn profile(&self, row: &str) -> anyhow::Result<ProfileId> {
        Ok(ProfileId::parse(&format!("{row}-{}", self.suite.suffix()))?)
    }

    /// Names so many devices that were never named before.
    pub(crate) fn new_titles(&self, count: usize) -> Vec<SystemTitle> {
        (0..count)
            .map(|_| {
                let [a, b, c, d] = self.titles.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                SystemTitle::new([b'M', b'P', b'K', self.suite.number(), a, b, c, d])
            })
            .collect()
    }

    /// Issues a certificate for a server by the operator's own door.
    pub(crate) fn server(&self, host: &str) -> anyhow::Result<Credential> {
        let profile = self.profile("est-tls")?;
        certified(&self.infrastructure, self.suite, &profile, ("EST Server", &[host]))
    }

    /// Makes sure that a device has a certificate of this authority, signed by it.
    pub(crate) fn expect_issued(
        &self,
        authority: &CertificationAuthority,
        title: &SystemTitle,
    ) -> anyhow::Result<()> {
        let issuer = authority.issuer();
        let query = CertificateQuery { title: Some(*title), limit: 16, ..CertificateQuery::default() };
        let stored = self.ports.status.certificates(&query)?;
        let one = stored
            .iter()
            .find(|one| one.id.issuer == issuer.key() && one.status == CertificateStatus::Good)
            .with_context(|| format!("there is no good certificate of {title}"))?;
        let certificate = Certificate::from_der(&one.certificate)?;
        issuer.certificate().public_key().verify(certificate.tbs(), certificate.signature())?;
        ensure!(certificate.system_title() == Some(*title), "the certificate names another device");
        Ok(())
    }
}

fn ports(place: &Path, engine: EngineKind, signer: FileSigner) -> anyhow::Result<Ports> {
    let directory = place.join("store");
    Store::create(&directory, engine)?;
    let opening = Opening { now: SystemClock.now(), tenant: TenantId::parse("dso")? };
    let (store, _) = Store::open(&directory, &opening, abort_on_fatal())?;
    let store = Arc::new(store);
    Ok(Ports {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(signer),
        ledger: store.clone(),
        status: store.clone(),
        registry: store,
    })
}

/// An online CA: its profile, its owner, what it issues.
struct Subordinate {
    row: &'static str,
    tenant: &'static str,
    common_name: &'static str,
    offers: &'static [(&'static str, &'static [Door])],
}

const FACTORY: Subordinate = Subordinate {
    row: "sub-factory",
    tenant: "maker",
    common_name: "Factory CA",
    offers: &[
        ("meter-factory-ds", &[Door::RegistrationAuthority]),
        ("meter-factory-tls", &[Door::RegistrationAuthority]),
        ("ocsp", &[Door::Process]),
    ],
};

const OPERATIONAL: Subordinate = Subordinate {
    row: "sub-operational",
    tenant: "dso",
    common_name: "Operational CA",
    offers: &[("meter-op-ds", &[Door::FactoryCertificate { grace_seconds: GRACE_SECONDS }])],
};

const INFRASTRUCTURE: Subordinate = Subordinate {
    row: "sub-infra",
    tenant: "maker",
    common_name: "Infrastructure CA",
    offers: &[("est-tls", &[Door::Operator]), ("ra-station", &[Door::Operator])],
};

struct Builder<'a> {
    suite: SecuritySuite,
    ports: &'a Ports,
    profiles: &'a ProfileSet,
    /// The keys of the CAs that are told apart from end entities.
    own_issuers: &'a [KeyRef],
}

impl Builder<'_> {
    fn root(&self, key: &KeyRef) -> anyhow::Result<(Certificate, CertificationAuthority)> {
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

    fn subordinate(
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
            anyhow::Ok(Offer { profile: self.profile(row)?.clone(), doors: doors.to_vec() })
        };
        let charter = Charter {
            issuer: Issuer::new(certificate, TenantId::parse(tenant)?, window_ends, points)?,
            offers: offers.iter().map(offer).collect::<anyhow::Result<_>>()?,
            linter: policies::lint::linter(),
            crl_profile: *self.profiles.crl("crl-online").context("there is no profile crl-online")?,
            uncertain_grace_seconds: GRACE_SECONDS,
            own_issuers: self.own_issuers.to_vec(),
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
fn certified(
    authority: &CertificationAuthority,
    suite: SecuritySuite,
    profile: &ProfileId,
    (common_name, hosts): (&str, &[&str]),
) -> anyhow::Result<Credential> {
    let (csr, key) = named_request(suite, common_name, hosts)?;
    let csr = CertificationRequest::from_der(&csr)?;
    let names = csr.requested_extensions().iter().find(|one| one.extn_id == oid::SUBJECT_ALT_NAME);
    let issuer = authority.issuer();
    let issued = authority.enrol(EnrolmentRequest {
        actor: operator(issuer.tenant().as_str())?,
        profile: profile.clone(),
        subject: Subject::read(csr.subject(), names.map(|one| one.extn_value.as_bytes()))?,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
    })?;
    let certificates = vec![issued.der().to_vec(), issuer.certificate().der().to_vec()];
    Ok(Credential { certificates, key })
}

/// The factory line, as the EST server would make it of its certificate.
fn line(
    station: &Credential,
    infrastructure: &CertificationAuthority,
    profiles: Vec<ProfileId>,
) -> anyhow::Result<Actor> {
    let own = station.certificates.first().context("the station has no certificate")?;
    let certificate =
        Presented { certificate: Certificate::from_der(own)?, issuer: infrastructure.issuer().key() };
    let identity = Identity::RegistrationAuthority(RegistrationAuthority {
        name: STATION.to_owned(),
        profiles,
        title_prefix: PREFIX.to_vec(),
        dns_suffixes: Vec::new(),
        certificate,
    });
    Ok(Actor { tenant: TenantId::parse(FACTORY.tenant)?, identity })
}
