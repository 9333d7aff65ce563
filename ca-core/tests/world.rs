//! A certification authority under test with everything it stands among: its root, its ports, a manufacturer, devices.
//!
//! The owner is `dso`, the manufacturer `maker`. Root and CA are made by the code under test, through the doubles.

use std::sync::Arc;

use ca_core::actor::{Actor, DeviceIdentity, Identity, Origin, Presented, RegistrationAuthority};
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::issuance::{IssueError, IssuedCertificate};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::lint::Linter;
use ca_core::oid;
use ca_core::profile::{CertificateProfile, CrlProfile, ProfileParts, ValidityRule};
use ca_core::record::CertificateStatus;
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::certificate_octets::CertificateOctets;
use crate::doubles::clock::{DAY, HOUR, NOW, SetClock, at};
use crate::doubles::entropy::ScriptedEntropy;
use crate::doubles::journal::{Failing, Journal};
use crate::doubles::keys::KeyPair;
use crate::doubles::ledger::MemoryLedger;
use crate::doubles::signer::MemorySigner;
use crate::profiles;
use crate::request_octets::RequestOctets;

/// How long a factory certificate still opens the door after the first operational one.
pub(crate) const GRACE: i64 = 2 * HOUR;

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(crate) fn dso() -> TenantId {
    tenant("dso")
}

pub(crate) fn maker() -> TenantId {
    tenant("maker")
}

/// The system title with this number.
pub(crate) fn title(number: u8) -> SystemTitle {
    SystemTitle::new([b'M', b'P', b'K', 0, 0, 0, 0, number])
}

pub(crate) fn distinguished(common_name: &str) -> DistinguishedName {
    DistinguishedName::from_attributes(&[(oid::COMMON_NAME, common_name)]).unwrap()
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) suite: SecuritySuite,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) entropy: Arc<ScriptedEntropy>,
    pub(crate) signer: Arc<MemorySigner>,
    pub(crate) ledger: Arc<MemoryLedger>,
    /// The CA under test.
    pub(crate) authority: CertificationAuthority,
    /// The root above it, which offers operators the profile `sub`.
    pub(crate) root: CertificationAuthority,
    charter: Charter,
    ports: Ports,
}

impl World {
    /// A CA of suite 1 that offers every profile through every door.
    pub(crate) fn new() -> Self {
        Self::of(SecuritySuite::Suite1)
    }

    pub(crate) fn of(suite: SecuritySuite) -> Self {
        Self::with(suite, |_| {})
    }

    /// A CA whose charter a test changes before it opens.
    pub(crate) fn with(suite: SecuritySuite, change: impl FnOnce(&mut Charter)) -> Self {
        let journal = Arc::new(Journal::new());
        let clock = Arc::new(SetClock::at(NOW - 20 * DAY));
        let entropy = Arc::new(ScriptedEntropy::new(&journal));
        let signer = Arc::new(MemorySigner::new(&journal));
        let ledger = Arc::new(MemoryLedger::new(&journal));
        let ports = Ports {
            clock: clock.clone(),
            entropy: entropy.clone(),
            signer: signer.clone(),
            ledger: ledger.clone(),
            status: ledger.clone(),
            registry: ledger.clone(),
            waiting: ledger.clone(),
            transactions: ledger.clone(),
        };
        let (root, mut charter) = found(suite, &ports, &signer);
        clock.set(NOW);
        ledger.forget_events();
        change(&mut charter);
        let authority = CertificationAuthority::new(charter.clone(), ports.clone());
        journal.start(Failing::Never);
        Self { suite, journal, clock, entropy, signer, ledger, authority, root, charter, ports }
    }

    /// The same records under another charter, as after a change of the configuration.
    pub(crate) fn reopened(&self, change: impl FnOnce(&mut Charter)) -> CertificationAuthority {
        let mut charter = self.charter.clone();
        change(&mut charter);
        CertificationAuthority::new(charter, self.ports.clone())
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        self.authority.issuer()
    }

    /// The key pair with this number, on the curve of the suite.
    pub(crate) fn key(&self, number: u16) -> KeyPair {
        KeyPair::new(self.suite.curve(), number)
    }

    /// A request of an operator for this device.
    pub(crate) fn by_operator(&self, profile: &str, number: u8, key: u16) -> EnrolmentRequest {
        let csr = RequestOctets::of_device(&self.key(key), &title(number)).read();
        request(operator(), profile, Subject::device(title(number)), csr)
    }

    /// Issues a certificate to a device by the operator's hand, and returns what the device can show.
    pub(crate) fn credential(&self, profile: &str, number: u8, key: u16) -> Presented {
        let issued = self.authority.enrol(self.by_operator(profile, number, key)).unwrap();
        Presented {
            certificate: Certificate::from_der(issued.der()).unwrap(),
            above: Vec::new(),
            issuer: self.issuer().key(),
            anchor: self.issuer().key(),
        }
    }

    /// A device with such a credential.
    pub(crate) fn device(number: u8, certificate: Presented) -> Actor {
        let identity = DeviceIdentity {
            title: title(number),
            origin: Origin::Operational,
            certificate,
            forwarded_by: None,
        };
        Actor { tenant: dso(), identity: Identity::Device(identity) }
    }

    /// A device with the factory certificate of this manufacturer over this key.
    pub(crate) fn factory_device(&self, number: u8, key: u16, manufacturer: &TenantId) -> Actor {
        let (maker_key, key) = (self.key(500), self.key(key));
        let octets = CertificateOctets::client("maker", &title(number).to_string(), &key);
        let certificate = Presented {
            certificate: octets.read(&maker_key),
            above: Vec::new(),
            issuer: maker_key.public_key().key_ref(),
            anchor: maker_key.public_key().key_ref(),
        };
        let origin = Origin::Factory { manufacturer: manufacturer.clone(), expired_at: None };
        let identity = DeviceIdentity { title: title(number), origin, certificate, forwarded_by: None };
        Actor { tenant: manufacturer.clone(), identity: Identity::Device(identity) }
    }

    /// A registration authority that may ask for every profile, for every device, in `example.org`.
    pub(crate) fn station(&self) -> RegistrationAuthority {
        let offers = &self.charter.offers;
        let certificate = CertificateOctets::client("infra", "station", &self.key(600)).read(&self.key(601));
        RegistrationAuthority {
            name: "station".to_owned(),
            profiles: offers.iter().map(|offer| offer.profile.id().clone()).collect(),
            title_prefix: Vec::new(),
            dns_suffixes: vec!["example.org".to_owned()],
            forwards: false,
            certificate: Presented {
                certificate,
                above: Vec::new(),
                issuer: self.key(601).public_key().key_ref(),
                anchor: self.key(601).public_key().key_ref(),
            },
        }
    }

    /// Nothing was signed, nothing is in the ledger beyond `rows`, and the one event is a refusal with this code.
    pub(crate) fn assert_refused(
        &self,
        outcome: Result<IssuedCertificate, IssueError>,
        code: &str,
        rows: usize,
    ) {
        let error = outcome.expect_err("refused");
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(self.ledger.statuses().len(), rows, "{code}: rows in the ledger");
        assert_eq!(self.ledger.refusals(), [code], "one refusal on record");
        assert_eq!(self.ledger.events().len(), 1, "{code}: one event");
    }

    /// How many certificates and intents the ledger holds in this status.
    pub(crate) fn count(&self, status: CertificateStatus) -> usize {
        self.ledger.statuses().into_iter().filter(|known| *known == status).count()
    }
}

/// How many certificates the ledger of a new world holds: the root's and the CA's.
pub(crate) const FOUNDED: usize = 2;

pub(crate) fn operator() -> Actor {
    Actor { tenant: dso(), identity: Identity::Operator { name: "ada".to_owned() } }
}

/// A first request with a certification request.
pub(crate) fn request(
    actor: Actor,
    profile: &str,
    subject: Subject,
    csr: CertificationRequest,
) -> EnrolmentRequest {
    EnrolmentRequest {
        actor,
        profile: profiles::id(profile),
        subject,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    }
}

/// Every door there is.
pub(crate) fn every_door() -> Vec<Door> {
    vec![
        Door::RegistrationAuthority,
        Door::OneTimeToken,
        Door::FactoryCertificate { grace_seconds: GRACE, expired_seconds: 0 },
        Door::OperationalCertificate,
        Door::Operator,
        Door::Process,
    ]
}

pub(crate) fn offers(suite: SecuritySuite) -> Vec<Offer> {
    let all: [fn(SecuritySuite) -> ProfileParts; 8] = [
        profiles::operational,
        profiles::key_agreement,
        profiles::gateway,
        profiles::maintenance,
        profiles::factory,
        profiles::server,
        profiles::named,
        profiles::responder,
    ];
    all.map(|parts| Offer {
        profile: profiles::made(parts(suite)),
        doors: every_door(),
        repeats: RepeatRule::default(),
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    })
    .to_vec()
}

/// Makes a root and below it the CA under test.
fn found(suite: SecuritySuite, ports: &Ports, signer: &MemorySigner) -> (CertificationAuthority, Charter) {
    let [root_key, ca_key] = [100, 101].map(|number| signer.keep(&KeyPair::new(suite.curve(), number)));
    let profile = profiles::made(profiles::authority(suite, 1));
    let root = establish_root(&RootFounding {
        actor: &operator(),
        profile: &profile,
        subject: &distinguished("Root"),
        key: &root_key,
        now: at(NOW - 30 * DAY),
        linter: &Linter::new(Vec::new()),
        entropy: &*ports.entropy,
        signer: &*ports.signer,
        ledger: &*ports.ledger,
    })
    .unwrap();
    let below = ProfileParts {
        validity: ValidityRule::Fixed { seconds: 4_000 * DAY },
        ..profiles::authority(suite, 0)
    };
    let offer = Offer {
        profile: profiles::made(below),
        doors: vec![Door::Operator],
        repeats: RepeatRule::default(),
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    };
    let root = charter(issuer(root.der()), vec![offer], Vec::new());
    let request = EnrolmentRequest {
        actor: operator(),
        profile: profiles::id("sub"),
        subject: Subject::distinguished(distinguished("Operational CA")),
        evidence: Evidence::OwnSigner { key: ca_key },
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    };
    let root = CertificationAuthority::new(root, ports.clone());
    let issued = root.enrol(request).unwrap();
    let charter = charter(issuer(issued.der()), offers(suite), vec![root_key, ca_key]);
    (root, charter)
}

fn issuer(der: &[u8]) -> Issuer {
    let points = PublicationPoints {
        crl: Some("http://crl.example.org/a.crl".to_owned()),
        ca_issuers: Some("http://ca.example.org/a.cer".to_owned()),
        ocsp: Some("http://ocsp.example.org/".to_owned()),
    };
    Issuer::new(Certificate::from_der(der).unwrap(), dso(), at(NOW + 3_000 * DAY), points).unwrap()
}

/// The same issuer with another issuing window.
pub(crate) fn with_window(issuer: &Issuer, window_ends: UnixTime) -> Issuer {
    let (tenant, points) = (issuer.tenant().clone(), issuer.points().clone());
    Issuer::new(issuer.certificate().clone(), tenant, window_ends, points).unwrap()
}

fn charter(issuer: Issuer, offers: Vec<Offer>, own_issuers: Vec<KeyRef>) -> Charter {
    Charter {
        issuer,
        offers,
        linter: Linter::new(Vec::new()),
        crl_profile: CrlProfile::new(DAY, HOUR).unwrap(),
        uncertain_grace_seconds: HOUR,
        own_issuers,
        uplifts: UpliftMatrix::default(),
        threads: 2,
    }
}

/// Changes one profile of a charter.
pub(crate) fn change_profile(charter: &mut Charter, profile: &str, change: impl FnOnce(&mut ProfileParts)) {
    let offer = charter.offers.iter_mut().find(|offer| offer.profile.id().as_str() == profile).unwrap();
    let mut parts = offer.profile.parts().clone();
    change(&mut parts);
    offer.profile = CertificateProfile::new(parts).unwrap();
}

/// Leaves only these doors of a profile open.
pub(crate) fn leave_open(charter: &mut Charter, profile: &str, doors: &[Door]) {
    let offer = charter.offers.iter_mut().find(|offer| offer.profile.id().as_str() == profile).unwrap();
    offer.doors = doors.to_vec();
}
