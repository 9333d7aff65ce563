//! The authority of a node: one that certifies signature keys of devices by an operator's hand. All nodes have the same.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ca_core::actor::{Actor, Identity};
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::lint::Linter;
use ca_core::ports::{Clock, Entropy, Unavailable};
use ca_core::profile::{
    AlternativeNameRule, Approval, CertificateProfile, CrlProfile, Hierarchy, KeyReuse, KeyUsageBit,
    NameChange, Pointers, ProfileId, ProfileParts, RenewalRule, SubjectRule, ValidityRule,
};
use ca_core::public_key::KeyIdentifierMethod;
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_store::Store;
use e2e::cluster::{GRACE, PROFILE};

use crate::hsm::FakeHsm;

/// For how long certificates are valid, in seconds.
const YEAR: i64 = 365 * 86_400;

/// Who runs the installation.
pub(crate) fn tenant() -> anyhow::Result<TenantId> {
    Ok(TenantId::parse("dso")?)
}

/// Who asks for everything: the same on all nodes, so that a request is the same on all.
pub(crate) fn operator() -> anyhow::Result<Actor> {
    Ok(Actor { tenant: tenant()?, identity: Identity::Operator { name: "line".to_owned() } })
}

/// Puts it together.
pub(crate) fn found(
    house: &Path,
    store: &Arc<Store>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<CertificationAuthority> {
    let certificate = std::fs::read(house.join("issuer.cer")).context("issuer.cer")?;
    let certificate = Certificate::from_der(&certificate)?;
    let ends = certificate.validity().not_after();
    let issuer = Issuer::new(certificate, tenant()?, ends, PublicationPoints::default())?;
    let signer = FakeHsm::open(house)?;
    let own_issuers = vec![issuer.key()];
    let charter = Charter {
        issuer,
        offers: vec![offer()?],
        linter: Linter::new(Vec::new()),
        crl_profile: CrlProfile::new(86_400, 3_600)?,
        uncertain_grace_seconds: GRACE,
        own_issuers,
        uplifts: UpliftMatrix::default(),
        threads: 1,
    };
    let ports = Ports {
        clock,
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(signer),
        ledger: store.clone(),
        status: store.clone(),
        registry: store.clone(),
        waiting: store.clone(),
        transactions: store.clone(),
    };
    Ok(CertificationAuthority::new(charter, ports))
}

fn offer() -> anyhow::Result<Offer> {
    let parts = ProfileParts {
        id: ProfileId::parse(PROFILE)?,
        version: 1,
        suite: SecuritySuite::Suite1,
        hierarchy: Hierarchy::Operational,
        subject: SubjectRule::SystemTitle,
        alternative_name: AlternativeNameRule::Absent,
        path_length: None,
        key_usage: vec![KeyUsageBit::DigitalSignature],
        extended_key_usage: None,
        validity: ValidityRule::Fixed { seconds: YEAR },
        backdate_seconds: 0,
        issuing_window_seconds: None,
        policy: None,
        key_identifier: KeyIdentifierMethod::Sha1Full,
        pointers: Pointers::None,
        ocsp_no_check: false,
        full_length_signature: true,
        key_reuse: KeyReuse::Refused,
        name_change: NameChange::Refused,
        renewal: RenewalRule::DEFAULT,
        approval: Approval::NotNeeded,
        transition_issuer: false,
        short_lived: false,
        revoke_replaced_after_seconds: None,
        max_octets: 700,
    };
    let profile = CertificateProfile::new(parts)
        .map_err(|faults| anyhow::anyhow!("the profile is unsound: {faults:?}"))?;
    Ok(Offer {
        profile,
        doors: vec![Door::Operator],
        repeats: RepeatRule::default(),
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    })
}

/// Randomness of the operating system.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        use std::io::Read;
        std::fs::File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(octets))
            .map_err(|cause| Unavailable { port: "entropy", cause: cause.into() })
    }
}
