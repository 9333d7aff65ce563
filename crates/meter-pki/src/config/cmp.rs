//! `[cmp]`: the CMP front end. Without the section there is none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use server_kit::limits::Limits;

use super::RawCoaps;

/// `[cmp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCmp {
    /// `listen`: address and port of a listener of its own, plain HTTP, since messages protect themselves; CMP is served on the
    /// listener of EST as well.
    pub listen: Option<SocketAddr>,
    /// `labels`: the labels of offers that CMP opens, none unless given.
    #[serde(default)]
    pub labels: Vec<String>,
    /// `default_label`: answers where neither path nor message names one; none unless given.
    pub default_label: Option<String>,
    /// `message_certificate_file`: DER, of profile `cmp-signer`: who signs the answers.
    pub message_certificate_file: PathBuf,
    /// `message_chain_files`: the certificates above it up to the root, DER, in that order.
    #[serde(default)]
    pub message_chain_files: Vec<PathBuf>,
    /// `message_key_file`: its key, an encrypted PEM key file, mode 0600; without one, the key is in `[keys]`.
    pub message_key_file: Option<PathBuf>,
    /// `message_passphrase_file`: the passphrase of that file.
    pub message_passphrase_file: Option<PathBuf>,
    /// `secrets_directory`: shared secrets, each the secret of a one-time token in a file named by its reference, mode 0600 in a
    /// directory of mode 0700; without it, nobody is known by a MAC.
    pub secrets_directory: Option<PathBuf>,
    /// `implicit_confirmation`: whether who asks to confirm nothing is granted that; `true` unless given.
    #[serde(default = "yes")]
    pub implicit_confirmation: bool,
    /// `confirm_wait_seconds`: how long a confirmation is waited for, after which the certificate is revoked; 300 unless given.
    #[serde(default = "five_minutes")]
    pub confirm_wait_seconds: u32,
    /// `time_window_seconds`: by how much the clock of a sender may differ; 3600 unless given.
    #[serde(default = "an_hour")]
    pub time_window_seconds: u32,
    /// `final_nonce`: which senderNonce the answer after polling gives back: of the `request` (default, RFC 9483), or of the last
    /// `poll`, as OpenSSL before 3.3 wants it.
    #[serde(default)]
    pub final_nonce: RawFinalNonce,
    /// `alias_paths`: further paths of labels, such as `{ "/pkix/" = "meter-op-ds" }`.
    #[serde(default)]
    pub alias_paths: BTreeMap<String, String>,
    /// `limits`, of the listener of its own.
    #[serde(default)]
    pub limits: Limits,
    /// `[cmp.nested]`
    #[serde(default)]
    pub nested: RawNested,
    /// `[cmp.coaps]`: the same over CoAP and DTLS; without it, none.
    pub coaps: Option<RawCoaps>,
}

/// `final_nonce`
#[derive(Debug, Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum RawFinalNonce {
    /// `request`
    #[default]
    Request,
    /// `poll`
    Poll,
}

const fn yes() -> bool {
    true
}

const fn five_minutes() -> u32 {
    300
}

const fn an_hour() -> u32 {
    3_600
}

/// `[cmp.nested]`: many messages in one, from registration authorities.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawNested {
    /// `max_messages`: 10,000 unless given.
    pub max_messages: usize,
    /// `max_octets`: octets of a body on the path `nested`, which is held in memory; 32 MiB unless given.
    pub max_octets: u32,
    /// `at_once`: how many such bodies are worked on at once; 2 unless given.
    pub at_once: usize,
    /// `upload_seconds`: how long one may take to arrive; 300 unless given.
    pub upload_seconds: u16,
}

impl Default for RawNested {
    fn default() -> Self {
        Self { max_messages: 10_000, max_octets: 32 * 1024 * 1024, at_once: 2, upload_seconds: 300 }
    }
}
