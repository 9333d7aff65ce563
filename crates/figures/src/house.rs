//! A small PKI of one suite in a directory of its own: a root, a factory CA, an operational CA, an infrastructure CA, one
//! ledger, keys in encrypted files. Put together from the same parts as the installed program, by the same verbs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use ca_core::actor::{Actor, Identity, Presented, RegistrationAuthority};
use ca_core::authority::{CertificationAuthority, Ports};
use ca_core::certificate::Certificate;
use ca_core::key_ref::KeyRef;
use ca_core::ports::Production;
use ca_core::production::{MAX_ORDERED, ProductionDesk, WantedOrder, WantedTitles};
use ca_core::profile::ProfileId;
use ca_core::record::{CertificateQuery, CertificateStatus, ProductionId};
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Store};
use policies::ProfileSet;
use signer_file::{FileSigner, Iterations, KeyDirectory, Passphrase, SystemEntropy};
use zeroize::Zeroizing;

use crate::Means;
use crate::applicants::Credential;
use crate::authorities::{Builder, FACTORY, INFRASTRUCTURE, OPERATIONAL, certified};
use crate::counted::CountedLedger;

/// The common name and the leading octets of the factory line.
pub(crate) const STATION: &str = "Line Station 1";
pub(crate) const PREFIX: &[u8] = b"MPK";

/// The PKI.
pub(crate) struct House {
    /// Its directory.
    pub(crate) place: PathBuf,
    pub(crate) suite: SecuritySuite,
    pub(crate) engine: EngineKind,
    pub(crate) ports: Ports,
    pub(crate) profiles: ProfileSet,
    pub(crate) root: Certificate,
    pub(crate) factory: Arc<CertificationAuthority>,
    pub(crate) operational: Arc<CertificationAuthority>,
    pub(crate) infrastructure: Arc<CertificationAuthority>,
    /// The key of the factory CA's OCSP responder.
    pub(crate) responder_key: KeyRef,
    /// The key that signs the messages of the CMP server.
    pub(crate) message_key: KeyRef,
    /// What the factory line shows.
    pub(crate) station: Credential,
    /// The factory line as an actor.
    pub(crate) line: Actor,
    /// Production orders.
    production: Arc<dyn Production>,
    orders: AtomicU32,
    titles: AtomicU32,
    /// How many certificates are in the ledger.
    issued: Arc<AtomicU32>,
    /// Some of those that were issued before anything was measured.
    kept: Mutex<Vec<SerialNumber>>,
}

impl House {
    /// Founds it in a directory that is absent.
    pub(crate) fn found(
        place: &Path,
        means: &Means,
        (suite, engine): (SecuritySuite, EngineKind),
    ) -> anyhow::Result<Self> {
        std::fs::create_dir(place)?;
        let passphrase = Passphrase::new(Zeroizing::new(vec![b'p'; 24])).context("no passphrase")?;
        let keys = KeyDirectory::create(&place.join("keys"))?.with_iterations(Iterations::LEAST);
        let generate = || anyhow::Ok(keys.generate(suite.curve(), &passphrase)?.key_ref());
        let [root, factory, operational, infrastructure, responder_key, message_key] =
            [generate()?, generate()?, generate()?, generate()?, generate()?, generate()?];
        let (mut ports, production) = ports((place, means), engine, FileSigner::unlock(&keys, &passphrase)?)?;
        let issued = Arc::new(AtomicU32::new(0));
        ports.ledger = Arc::new(CountedLedger::new(ports.ledger, Arc::clone(&issued)));
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
        Ok(Self {
            place: place.to_owned(),
            suite,
            engine,
            root,
            factory,
            operational,
            infrastructure,
            responder_key,
            message_key,
            station,
            line,
            production,
            orders: AtomicU32::new(0),
            titles: AtomicU32::new(0),
            issued,
            kept: Mutex::new(Vec::new()),
            ports,
            profiles,
        })
    }

    /// Returns how many certificates there are in the ledger.
    pub(crate) fn stored(&self) -> u32 {
        self.issued.load(Ordering::Relaxed)
    }

    /// Keeps serial numbers of certificates that were issued before anything was measured, evenly spread over them.
    pub(crate) fn keep(&self, serials: Vec<SerialNumber>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = serials;
    }

    /// Returns at most so many of the kept, evenly spread.
    pub(crate) fn kept(&self, count: usize) -> Vec<SerialNumber> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().step_by(kept.len().div_ceil(count.max(1)).max(1)).cloned().collect()
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

    /// Opens a production order for more devices than are ever named, and returns its name.
    pub(crate) fn open_order(&self) -> anyhow::Result<ProductionId> {
        let profile = self.profile("meter-factory-ds")?;
        let end =
            |octet| SystemTitle::new([b'M', b'P', b'K', self.suite.number(), octet, octet, octet, octet]);
        let id = ProductionId::parse(&format!("benchmark-{}", self.orders.fetch_add(1, Ordering::Relaxed)))?;
        let identity = Identity::Operator { name: "benchmark".to_owned() };
        let actor = Actor { tenant: TenantId::parse(FACTORY.tenant)?, identity };
        let now = self.ports.clock.now();
        let desk = ProductionDesk { production: &*self.production, actor: &actor, now };
        desk.open(WantedOrder {
            id: id.clone(),
            ordered: MAX_ORDERED,
            profiles: self.profiles.certificate(profile.as_str()).cloned().into_iter().collect(),
            titles: WantedTitles::Ranges(vec![(end(0), end(0xFF))]),
            model: String::new(),
            firmware: String::new(),
            batch: String::new(),
            customer: None,
            stations: Vec::new(),
            until: now.plus_seconds(86_400),
        })?;
        Ok(id)
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

fn ports(
    (place, means): (&Path, &Means),
    engine: EngineKind,
    signer: FileSigner,
) -> anyhow::Result<(Ports, Arc<dyn Production>)> {
    let directory = place.join("store");
    Store::create(&directory, engine)?;
    let opening = Opening { now: means.clock.now(), tenant: TenantId::parse("dso")?, boot: None };
    let (store, _) = Store::open(&directory, &opening, (means.settings)())?;
    let store = Arc::new(store);
    let ports = Ports {
        clock: Arc::clone(&means.clock),
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(signer),
        ledger: store.clone(),
        status: store.clone(),
        registry: store.clone(),
        waiting: store.clone(),
        transactions: store.clone(),
    };
    Ok((ports, store))
}

/// The factory line, as the EST server would make it of its certificate.
fn line(
    station: &Credential,
    infrastructure: &CertificationAuthority,
    profiles: Vec<ProfileId>,
) -> anyhow::Result<Actor> {
    let own = station.certificates.first().context("the station has no certificate")?;
    let certificate = Presented {
        certificate: Certificate::from_der(own)?,
        above: Vec::new(),
        issuer: infrastructure.issuer().key(),
        anchor: infrastructure.issuer().key(),
    };
    let identity = Identity::RegistrationAuthority(RegistrationAuthority {
        name: STATION.to_owned(),
        profiles,
        title_prefix: PREFIX.to_vec(),
        dns_suffixes: Vec::new(),
        forwards: false,
        certificate,
    });
    Ok(Actor { tenant: TenantId::parse(FACTORY.tenant)?, identity })
}
