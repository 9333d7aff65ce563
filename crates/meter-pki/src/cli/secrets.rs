//! The command line of `meter-pki secrets`. Tokens are named by PKCS#11 URIs (RFC 7512), wrapping keys on them by their labels.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `secrets`
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Make a key on a token under which secrets are stored: it wraps and unwraps, and never leaves the token.
    Key(StorageKeyArgs),
    /// List the wrapping keys of a token, with what each may do.
    List(TokenArg),
    /// Make the key under which the secrets of a delivery travel, and wrap it for the token that is to receive it.
    Transport(TransportArgs),
    /// Take a transport key into the token for which it was wrapped.
    Receive(ReceiveArgs),
    /// Destroy a wrapping key, with a record of it.
    Forget(ForgetArgs),
    /// Wrap the secrets of many devices under another key of the token, from file to file.
    Rewrap(RewrapArgs),
    /// Make new keys for devices: wrapped under the KEK of each, for its `key_transfer`, and under the storage key.
    KeyTransfer(KeyTransferArgs),
}

/// One token.
#[derive(Debug, Clone, Args)]
pub struct TokenArg {
    /// The PKCS#11 URI of the token, with module-path and pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
}

/// `secrets key`
#[derive(Debug, Clone, Args)]
pub struct StorageKeyArgs {
    /// The PKCS#11 URI of the token, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the new key, which no secret key on the token has.
    #[arg(long)]
    pub label: String,
}

/// `secrets transport`
#[derive(Debug, Clone, Args)]
pub struct TransportArgs {
    /// The PKCS#11 URI of the token that makes the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the new key, on both tokens.
    #[arg(long)]
    pub label: String,
    /// The public half of the recipient's key, as `hsm recipient` wrote it.
    #[arg(long = "for", value_name = "FILE")]
    pub recipient: PathBuf,
    /// Its SHA-256, as `hsm recipient` showed it: whoever puts in another key gets all that travels.
    #[arg(long, value_name = "HEX64")]
    pub recipient_sha256: String,
    /// The file to be made.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `secrets receive`
#[derive(Debug, Clone, Args)]
pub struct ReceiveArgs {
    /// The file that `secrets transport` made.
    pub file: PathBuf,
    /// The PKCS#11 URI of the recipient's token, with pin-source.
    #[arg(long, value_name = "URI")]
    pub to: String,
    /// The SHA-256 of the file, as `secrets transport` showed it.
    #[arg(long, value_name = "HEX64")]
    pub sha256: Option<String>,
}

/// `secrets forget`
#[derive(Debug, Clone, Args)]
pub struct ForgetArgs {
    /// The PKCS#11 URI of the token, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the key: whoever types it means this key.
    #[arg(long)]
    pub label: String,
    /// Why, for the record.
    #[arg(long)]
    pub reason: String,
    /// The file for the record.
    #[arg(long, value_name = "FILE")]
    pub record: PathBuf,
    /// Destroy a storage key: everything that is under it is lost.
    #[arg(long)]
    pub storage_key: bool,
}

/// `secrets rewrap`
#[derive(Debug, Clone, Args)]
pub struct RewrapArgs {
    /// The PKCS#11 URI of the token, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the key that the secrets are under.
    #[arg(long, value_name = "LABEL")]
    pub from: String,
    /// The label of the key that they are to be under.
    #[arg(long, value_name = "LABEL")]
    pub to: String,
    /// What is read and written, and how.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What `rewrap` and `key-transfer` share.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The devices: a JSON object a line, with `system_title` and `secrets`.
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// The file to be made; what is refused stands in FILE.refused.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The security suite of all devices, where the lines do not say it.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub suite: Option<u8>,
    /// How many sessions of the token work at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub sessions: u16,
}

/// `secrets key-transfer`
#[derive(Debug, Clone, Args)]
pub struct KeyTransferArgs {
    /// The PKCS#11 URI of the token, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the key that the KEKs are under, and the new keys are to be under.
    #[arg(long, value_name = "LABEL")]
    pub storage: String,
    /// Which keys are made anew.
    #[arg(long, value_name = "KEY", value_delimiter = ',', required = true)]
    pub keys: Vec<KeyName>,
    /// What is read and written, and how.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The keys that `key_transfer` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyName {
    /// Global unicast encryption key.
    Guek,
    /// Global broadcast encryption key.
    Gbek,
    /// Global authentication key.
    Gak,
    /// Key encryption key.
    Kek,
}
