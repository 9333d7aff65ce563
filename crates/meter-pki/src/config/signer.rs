//! The configuration file of `meter-pki signer`: who may ask, where its keys are, and what each is for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use signer_link::charter::{Purpose, Rates};
use signer_link::log::LogPlan;
use toml::Spanned;

use super::checker::Checker;
use super::{CheckConfigError, KeySource, RawKeys, RawProfiles, built_in};

/// The file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSigner {
    /// `socket`: a Unix socket, in a directory that nobody else may write into.
    pub socket: PathBuf,
    /// `users`: user ids that may ask beside the user who runs the signer, and root; none unless given.
    #[serde(default)]
    pub users: BTreeSet<u32>,
    /// `log`: the file of its log; made when it is absent.
    pub log: PathBuf,
    /// `log_segment_records`: after how many records the log goes on in another file; a million unless given.
    pub log_segment_records: Option<u64>,
    /// `log_segment_octets`: the same by octets; 268,435,456 (256 MiB) unless given.
    pub log_segment_octets: Option<u64>,
    /// `metrics_file`: where its counts are written for Prometheus' `node_exporter`; nowhere unless given.
    pub metrics_file: Option<PathBuf>,
    /// Where its private keys are.
    pub keys: Spanned<RawKeys>,
    /// The profiles, as the authority has them.
    #[serde(default = "built_in")]
    pub profiles: Spanned<RawProfiles>,
    /// What each key is for, at least one.
    #[serde(rename = "key")]
    pub charters: Vec<Spanned<RawKey>>,
}

/// `[[key]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKey {
    /// `purposes`: `certificate` and `crl`, together or alone; or `ocsp`, `checkpoint` or `message`, alone.
    pub purposes: BTreeSet<String>,
    /// `key`: the name of the key, 40 hexadecimal digits; that of an authority is in its certificate.
    pub key: Option<String>,
    /// `certificate_file`: the authority's certificate, DER; for `ocsp` that of the authority it answers for.
    pub certificate_file: Option<PathBuf>,
    /// `profiles`: the profiles of certificates that it signs.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// `crl_profiles`: the profiles of CRLs that it signs; `last` for that of an authority that is closed.
    #[serde(default)]
    pub crl_profiles: Vec<String>,
    /// `issues_until`, as in `[[authority]]`.
    pub issues_until: Option<String>,
    /// `crl_uri`, as in `[[authority]]`.
    pub crl_uri: Option<String>,
    /// `ca_issuers_uri`, as in `[[authority]]`.
    pub ca_issuers_uri: Option<String>,
    /// `ocsp_uri`, as in `[[authority]]`.
    pub ocsp_uri: Option<String>,
    /// `crl_shards`, as in `[[authority]]`.
    pub crl_shards: Option<u16>,
    /// `crl_grid`, as in `[[authority]]`.
    pub crl_grid: Option<String>,
    /// `origin`: for `checkpoint`, the name of the log.
    pub origin: Option<String>,
    /// `per_second`: how often it is asked in a second at most; no bound unless given.
    pub per_second: Option<u32>,
    /// `per_day`: how often it signs on a day (UTC) at most; no bound unless given.
    pub per_day: Option<u64>,
}

/// A configuration that is sound.
#[derive(Debug)]
pub struct SignerConfig {
    pub(crate) socket: PathBuf,
    pub(crate) users: BTreeSet<u32>,
    pub(crate) log: LogPlan,
    pub(crate) metrics_file: Option<PathBuf>,
    pub(crate) keys: KeySource,
    pub(crate) charters: Vec<CheckedKey>,
}

/// What a key is for, before anybody has looked for it.
#[derive(Debug)]
pub(crate) struct CheckedKey {
    pub(crate) key: ca_core::key_ref::KeyRef,
    pub(crate) purpose: Purpose,
    pub(crate) rates: Rates,
}

impl SignerConfig {
    /// Reads, checks, and resolves a configuration file.
    ///
    /// # Errors
    /// Every fault of the file and of the files it names.
    pub fn load(file: &Path) -> Result<Self, CheckConfigError> {
        Checker::of_service(file).check_signer(&super::load(file)?)
    }

    /// Reads only where the socket is.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub fn socket(file: &Path) -> Result<PathBuf, CheckConfigError> {
        let raw: RawSigner = super::load(file)?;
        Ok(super::beside(file, &raw.socket))
    }
}
