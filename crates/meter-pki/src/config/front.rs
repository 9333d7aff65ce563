//! The configuration file of `meter-pki front`: EST for an authority that is elsewhere.
//!
//! There is no ledger and no key of an authority: what would need one is refused here, each with a sentence.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ca_core::certificate::Certificate;
use ca_core::profile::CertificateProfile;
use ca_core::tenant::TenantId;
use est_server::config::BindingPolicy;
use est_server::wire::base64::LineLength;
use serde::Deserialize;
use server_kit::limits::Limits;
use toml::Spanned;

use super::checker::Checker;
use super::{CheckConfigError, CheckedManufacturer, RawEst, RawManufacturer, RawProfiles, built_in, load};

/// The file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFront {
    /// The EST listener.
    pub est: Spanned<RawEst>,
    /// The authority's CMP server, and who asks it.
    pub upstream: Spanned<RawUpstream>,
    /// Health and metrics; without it, they are served nowhere.
    pub health: Option<RawHealth>,
    /// The profiles and how they are encoded, as at the authority.
    #[serde(default = "built_in")]
    pub profiles: Spanned<RawProfiles>,
    /// The authorities that are asked, at least one.
    #[serde(rename = "authority")]
    pub authorities: Vec<Spanned<RawElsewhere>>,
    /// Manufacturers whose factory certificates are trusted.
    #[serde(rename = "manufacturer", default)]
    pub manufacturers: Vec<Spanned<RawManufacturer>>,
    /// Not here: a front end has no ledger.
    pub store: Option<Spanned<toml::Value>>,
    /// Not here: a front end has no key of an authority.
    pub keys: Option<Spanned<toml::Value>>,
    /// Not here: whoever speaks CMP asks the authority itself.
    pub cmp: Option<Spanned<toml::Value>>,
    /// Not here: status is published by the authority.
    pub status: Option<Spanned<toml::Value>>,
    /// Not here: there is nothing to operate.
    pub operator: Option<Spanned<toml::Value>>,
    /// Not here: the audit trail is the authority's.
    pub audit: Option<Spanned<toml::Value>>,
    /// Not here: there is nothing to back up.
    pub backup: Option<Spanned<toml::Value>>,
    /// Not here: registration authorities ask the authority itself.
    pub registration_authority: Option<Vec<Spanned<toml::Value>>>,
}

/// `[upstream]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUpstream {
    /// `url`: `http[s]://HOST[:PORT][/PATH]` of the CMP server.
    pub url: String,
    /// `trust_files`: roots, DER, that vouch for the server, for who signs its answers, and for what it issues.
    pub trust_files: Vec<PathBuf>,
    /// `certificate_files`: the front end's certificate with id-kp-cmcRA, DER, and those above it, in that order.
    pub certificate_files: Vec<PathBuf>,
    /// `key_file`: its key, an encrypted PEM key file, mode 0600.
    pub key_file: PathBuf,
    /// `passphrase_file`: the passphrase of that file.
    pub passphrase_file: PathBuf,
    /// `timeout_seconds`: how long an answer is waited for; 20 unless given.
    #[serde(default = "twenty")]
    pub timeout_seconds: u16,
    /// `time_window_seconds`: by how much the authority's clock may differ; 3600 unless given.
    #[serde(default = "an_hour")]
    pub time_window_seconds: u32,
}

const fn twenty() -> u16 {
    20
}

const fn an_hour() -> u32 {
    3_600
}

/// `[health]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHealth {
    /// `listen`: address and port, plain HTTP, for the inside only.
    pub listen: SocketAddr,
    /// `limits`
    #[serde(default)]
    pub limits: Limits,
}

/// `[[authority]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawElsewhere {
    /// `name`: what the log calls it, unique.
    pub name: String,
    /// `tenant`: the owner.
    pub tenant: String,
    /// `certificate_file`: its certificate, DER.
    pub certificate_file: PathBuf,
    /// `path_files`: the certificates above it up to the root, DER, in that order.
    pub path_files: Vec<PathBuf>,
    /// `further_root_files`: other generations of its root, DER.
    #[serde(default)]
    pub further_root_files: Vec<PathBuf>,
    /// `link_files`: the certificates that lead from one generation of the root to another, DER.
    #[serde(default)]
    pub link_files: Vec<PathBuf>,
    /// `manufacturers`: whose factory certificates are forwarded.
    #[serde(default)]
    pub manufacturers: Vec<String>,
    /// `[[authority.offer]]`: what is asked for there.
    #[serde(rename = "offer", default)]
    pub offers: Vec<Spanned<RawForwardedOffer>>,
}

/// `[[authority.offer]]` of an authority that is elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawForwardedOffer {
    /// `profile`
    pub profile: String,
    /// `label`: the EST label.
    pub label: String,
    /// `certificate_profile`: what the authority's CMP server calls it (certProfile, RFC 9810 §5.1.1.4); the label unless given.
    pub certificate_profile: Option<String>,
    /// `base64_line`: characters a line of EST answers; 0 for one line.
    #[serde(default = "super::default_line")]
    pub base64_line: u16,
    /// `channel_binding`: `if-present` (default), `required` or `off`.
    pub channel_binding: Option<String>,
}

/// A configuration that is sound.
#[derive(Debug)]
pub struct FrontConfig {
    pub(crate) est: RawEst,
    pub(crate) upstream: CheckedUpstream,
    pub(crate) health: Option<RawHealth>,
    pub(crate) authorities: Vec<Elsewhere>,
    pub(crate) manufacturers: Vec<CheckedManufacturer>,
}

/// How the authority is asked.
#[derive(Debug)]
pub struct CheckedUpstream {
    pub(crate) endpoint: cmp_client::Endpoint,
    pub(crate) trust: Vec<Certificate>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) key_file: PathBuf,
    pub(crate) passphrase_file: PathBuf,
    pub(crate) timeout_seconds: u16,
    pub(crate) time_window_seconds: u32,
}

/// An authority that is elsewhere.
#[derive(Debug)]
pub struct Elsewhere {
    pub(crate) tenant: TenantId,
    pub(crate) certificate: Certificate,
    pub(crate) path: Vec<Certificate>,
    pub(crate) generations: Vec<Certificate>,
    pub(crate) manufacturers: BTreeSet<TenantId>,
    pub(crate) offers: Vec<ForwardedOffer>,
}

/// What is asked for there, under which EST label.
#[derive(Debug)]
pub struct ForwardedOffer {
    pub(crate) profile: CertificateProfile,
    pub(crate) label: String,
    pub(crate) certificate_profile: String,
    pub(crate) line_length: LineLength,
    pub(crate) binding: BindingPolicy,
}

impl FrontConfig {
    /// Reads, checks, and resolves a configuration file.
    ///
    /// # Errors
    /// Every fault of the file and of the files it names.
    pub fn load(file: &Path) -> Result<Self, CheckConfigError> {
        Checker::of_service(file).check_front(&load(file)?)
    }
}
