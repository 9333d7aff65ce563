//! The configuration after every value was checked and every file it names was read.
//!
//! Keys of authorities are not read here: `compose` opens them. Nothing here can be wrong in itself any more.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::orders::OrderRule;
use ca_core::path::TrustAnchor;
use ca_core::profile::{Approval, CertificateProfile, CrlProfile, OcspProfile, ProfileId};
use ca_core::registration::{ApprovalRule, Door, ProductionRule, RepeatRule};
use ca_core::tenant::TenantId;
use est_server::config::{BindingPolicy, ChallengeMeaning, ServerKeys};
use est_server::wire::base64::LineLength;
use policies::ProfileSet;
use server_kit::limits::Limits;
use signer_pkcs11::TokenOptions;

use crate::backup::recovery_key::RecoveryPublicKey;

use super::checker::{Checker, Stage};
use super::{CheckedSignIn, RawCmp, RawConfig, RawEst, RawStatus, StorePlace, beside};

/// A configuration that is sound.
#[derive(Debug)]
pub struct Config {
    pub(crate) tenant: TenantId,
    pub(crate) store: StorePlace,
    pub(crate) keys: KeySource,
    pub(crate) est: RawEst,
    pub(crate) cmp: Option<RawCmp>,
    pub(crate) status: RawStatus,
    pub(crate) operator_socket: PathBuf,
    /// Operators beside the user who runs the server, and root.
    pub(crate) operator_users: BTreeSet<u32>,
    /// Where operators come with client certificates.
    pub(crate) operator_door: Option<OperatorDoor>,
    /// The profiles of operators' certificates.
    pub(crate) operator_profiles: Vec<String>,
    /// For how many hours somebody has a role in an emergency at most.
    pub(crate) break_glass_hours: u8,
    /// Whether it takes two administrators to give somebody a role or a credential.
    pub(crate) two_give: bool,
    /// The directory of the exchange with the offline root, where it is to be shown.
    pub(crate) exchanges: Option<PathBuf>,
    /// Where what responses of the offline root bring is written, where the server takes them in.
    pub(crate) incoming: Option<PathBuf>,
    pub(crate) audit: CheckedAudit,
    /// The file itself, which goes into backups.
    pub(crate) file: PathBuf,
    pub(crate) recovery_key: Option<RecoveryPublicKey>,
    pub(crate) orders: OrderRule,
    /// How many people must approve a visit.
    pub(crate) visit_approvals: Approval,
    pub(crate) authorities: Vec<CheckedAuthority>,
    /// Authorities that were closed, whose last CRLs go on being published.
    pub(crate) closed_authorities: Vec<Certificate>,
    pub(crate) manufacturers: Vec<CheckedManufacturer>,
    pub(crate) registration_authorities: Vec<CheckedRegistrationAuthority>,
    /// Which meters may be lifted to which suite.
    pub(crate) uplifts: UpliftMatrix,
    /// What certificates, CRLs and OCSP answers are made by.
    pub(crate) profiles: Arc<ProfileSet>,
}

/// The listener for operators with client certificates.
#[derive(Debug, Clone)]
pub(crate) struct OperatorDoor {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate_file: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) limits: Option<Limits>,
    /// Whose tokens are taken.
    pub(crate) sign_in: Option<CheckedSignIn>,
}

/// Where private keys are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a directory of encrypted files.
    Files {
        /// The directory.
        directory: PathBuf,
        /// The file whose content opens them.
        passphrase_file: PathBuf,
    },
    /// On one token, or on several.
    Tokens {
        /// Their PKCS#11 URIs, at least one.
        uris: Vec<String>,
        /// How each is used.
        options: TokenOptions,
    },
    /// With a signer in a process of its own.
    Signer {
        /// Its socket.
        socket: PathBuf,
    },
}

/// Checkpoints and copies of the audit trail.
#[derive(Debug)]
pub struct CheckedAudit {
    /// The key of the checkpoints and the name of the log.
    pub(crate) notary: Option<(KeyRef, String)>,
    pub(crate) export_directory: Option<PathBuf>,
    pub(crate) syslog: Option<Collector>,
    /// How many records a copy may lack before nothing new is issued.
    pub(crate) allowance: u64,
}

/// Who takes records over syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collector {
    /// Host and port.
    Tcp(String),
    /// A datagram socket, such as `/dev/log`.
    Unix(PathBuf),
}

/// A certification authority as configured.
#[derive(Debug)]
pub struct CheckedAuthority {
    pub(crate) name: String,
    pub(crate) issuer: Issuer,
    pub(crate) path: Vec<Certificate>,
    /// The files of its certificate and of those above it, without the root.
    pub(crate) chain_files: Vec<PathBuf>,
    /// Other generations of the root, and after them the links between generations.
    pub(crate) generations: Vec<Certificate>,
    pub(crate) crl_profile: CrlProfile,
    pub(crate) ocsp_profile: OcspProfile,
    pub(crate) responder_profile: CertificateProfile,
    pub(crate) uncertain_grace_seconds: i64,
    pub(crate) responder_key: KeyRef,
    pub(crate) manufacturers: BTreeSet<TenantId>,
    pub(crate) offers: Vec<CheckedOffer>,
}

/// What an authority issues, to whom, and under which EST label.
#[derive(Debug)]
pub struct CheckedOffer {
    pub(crate) profile: CertificateProfile,
    pub(crate) label: Option<String>,
    pub(crate) doors: Vec<Door>,
    pub(crate) line_length: LineLength,
    pub(crate) binding: BindingPolicy,
    pub(crate) challenge: ChallengeMeaning,
    pub(crate) server_keys: ServerKeys,
    pub(crate) full_cmc: bool,
    pub(crate) repeats: RepeatRule,
    pub(crate) approval: ApprovalRule,
    pub(crate) production: ProductionRule,
}

/// A trusted manufacturer.
#[derive(Debug)]
pub struct CheckedManufacturer {
    pub(crate) tenant: TenantId,
    pub(crate) anchors: Vec<TrustAnchor>,
    pub(crate) shipments: ShipmentTrust,
}

/// Who may sign the manifests of a manufacturer.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShipmentTrust {
    /// Who vouches for the signer.
    pub(crate) anchors: Vec<TrustAnchor>,
    /// The organization in the signer's name, where that matters.
    pub(crate) organization: Option<String>,
}

/// A registration authority and its bounds.
#[derive(Debug)]
pub struct CheckedRegistrationAuthority {
    pub(crate) name: String,
    pub(crate) tenant: TenantId,
    pub(crate) common_name: String,
    pub(crate) anchors: Vec<TrustAnchor>,
    pub(crate) profiles: Vec<ProfileId>,
    pub(crate) title_prefix: Vec<u8>,
    pub(crate) dns_suffixes: Vec<String>,
    pub(crate) forwards: bool,
}

/// Everything that is wrong with a configuration, each in one sentence.
#[derive(Debug)]
pub struct CheckConfigError {
    /// The sentences, at least one.
    pub faults: Vec<String>,
}

impl std::fmt::Display for CheckConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for CheckConfigError {}

impl Config {
    /// Reads, checks, and resolves a configuration file.
    ///
    /// # Errors
    /// Every fault of the file and of the files it names.
    pub fn load(file: &Path) -> Result<Self, CheckConfigError> {
        Checker::new(file, Stage::Service).check(read(file)?)
    }

    /// As [`Self::load`], before the EST server has its certificate and key: the very system that is configured issues them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) fn load_in_founding(file: &Path) -> Result<Self, CheckConfigError> {
        Checker::new(file, Stage::Founding).check(read(file)?)
    }

    /// Reads only where the ledger is, or is to be restored.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub(crate) fn store_place(file: &Path) -> Result<StorePlace, CheckConfigError> {
        let raw = read(file)?;
        StorePlace::read(file, raw.store.get_ref()).map_err(|fault| CheckConfigError { faults: vec![fault] })
    }

    /// Reads the file as it is written.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub(crate) fn raw(file: &Path) -> Result<RawConfig, CheckConfigError> {
        read(file)
    }

    /// Reads only where the operator's socket is, so that a client needs no key, certificate or profile to be sound.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub fn socket(file: &Path) -> Result<PathBuf, CheckConfigError> {
        Ok(beside(file, &read(file)?.operator.get_ref().socket))
    }
}

fn read(file: &Path) -> Result<RawConfig, CheckConfigError> {
    super::load(file)
}
