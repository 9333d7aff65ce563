//! The command line of `meter-pki hsm`. Tokens and keys are named by PKCS#11 URIs (RFC 7512), and never by slots.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

/// `hsm`
#[derive(Debug, Subcommand)]
pub enum HsmCommand {
    /// List tokens and their keys, each with the URI to type for it.
    List(ListArgs),
    /// Write the URI for what you have, or explain a URI: what it matches now.
    Uri(Box<UriArgs>),
    /// Look at module, token and key from end to end, and say of each finding what to type next. Tries no PIN unless told to.
    Doctor(DoctorArgs),
    /// Make a key pair on a token, and verify that it is kept as it was asked for.
    Generate(GenerateArgs),
    /// Write a certification request for a key on a token.
    Request(RequestArgs),
    /// Prove that a key signs.
    Test(TestArgs),
    /// Measure signatures per second: the module alone beside the signer, in one run.
    Bench(BenchArgs),
    /// Make the key on a backup token for which other tokens wrap theirs.
    Recipient(RecipientArgs),
    /// Wrap a key for a recipient, into a file.
    Backup(BackupKeyArgs),
    /// Restore a key from such a file, on the recipient's token.
    Restore(RestoreKeyArgs),
    /// Copy a key from one token to another at once.
    Copy(CopyArgs),
    /// Have a key that could be wrapped never leave its token again.
    Seal(UriArg),
    /// Keep what a token can show about the origin of a key.
    Attest(AttestArgs),
    /// Destroy a key, with a record of it.
    Destroy(DestroyArgs),
}

/// One URI.
#[derive(Debug, Clone, Args)]
pub struct UriArg {
    /// The PKCS#11 URI of the key, with module-path and pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
}

/// `hsm list`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct ListArgs {
    /// Of this token; with a pin-source everything on it, otherwise what is public.
    #[arg(value_name = "URI", group = "what")]
    pub uri: Option<String>,
    /// Of every token behind this PKCS#11 module: what is public.
    #[arg(long, value_name = "PATH", group = "what")]
    pub module: Option<PathBuf>,
}

/// `hsm uri`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct UriArgs {
    /// The URI to explain.
    #[arg(value_name = "URI", group = "what")]
    pub uri: Option<String>,
    /// The PKCS#11 module, to write a URI with.
    #[arg(long, value_name = "PATH", group = "what")]
    pub module: Option<PathBuf>,
    /// The label of the token.
    #[arg(long, value_name = "LABEL", requires = "module")]
    pub token: Option<String>,
    /// Its serial number.
    #[arg(long, requires = "module")]
    pub serial: Option<String>,
    /// The label of the key.
    #[arg(long, value_name = "LABEL", requires = "module")]
    pub object: Option<String>,
    /// Its id, in hexadecimal.
    #[arg(long, value_name = "HEX", requires = "module")]
    pub id: Option<String>,
    /// Where the PIN is, such as `file:/run/credentials/pin`.
    #[arg(long, value_name = "SOURCE", requires = "module")]
    pub pin_source: Option<String>,
}

/// `hsm doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// The PKCS#11 URI of the token; with `object` or `id`, of the key that is to sign.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Offer the PIN of the pin-source, once, and only if the token has all its tries left: then keys and signing are looked at too.
    #[arg(long)]
    pub login: bool,
}

/// Curves by the names of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CurveName {
    /// NIST P-256: suite 1.
    P256,
    /// NIST P-384: suite 2.
    P384,
}

/// What a new key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PurposeName {
    /// It signs.
    #[default]
    Signing,
    /// It opens what is sealed for it, such as shipments (`CKA_DERIVE`). It signs too, for its own certification request.
    KeyAgreement,
}

/// Whether a key may leave a token.
#[derive(Debug, Clone, Copy, Args)]
pub struct ExportArgs {
    /// The key may leave the token wrapped for another token, by a wrapping key that the security officer makes.
    #[arg(long)]
    pub exportable_by_wrap: bool,
    /// By any wrapping key: whoever has the PIN can then take the key away. For tokens without trusted wrapping keys.
    #[arg(long, requires = "exportable_by_wrap")]
    pub by_any_wrapping_key: bool,
}

/// `hsm generate`
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// The PKCS#11 URI of the token, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// On which curve.
    #[arg(long)]
    pub curve: CurveName,
    /// What it is for. One for key agreement stays on its token.
    #[arg(long, default_value = "signing")]
    pub purpose: PurposeName,
    /// The label of the new key, which no key on the token has.
    #[arg(long)]
    pub label: String,
    /// The file for the public key, PEM; printed as well.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Whether it may leave the token.
    #[command(flatten)]
    pub export: ExportArgs,
}

/// `hsm request`
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Country of its name, two letters.
    #[arg(long)]
    pub country: String,
    /// Organization of its name.
    #[arg(long)]
    pub organization: String,
    /// Common name.
    #[arg(long)]
    pub common_name: String,
    /// The file for the request (PKCS#10), PEM.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `hsm test`
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// How many signatures.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
}

/// `hsm bench`
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// How long each of the two figures is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How many ask the signer at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub requesters: u16,
    /// How many sessions the signer has; the module alone is measured with as many threads.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub sessions: u16,
}

/// `hsm recipient`
#[derive(Debug, Clone, Args)]
pub struct RecipientArgs {
    /// The PKCS#11 URI of the token that is to receive keys, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The label of the recipient's key.
    #[arg(long)]
    pub label: String,
    /// The file for its public half, PEM, which goes to the giving token.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `hsm backup`
#[derive(Debug, Clone, Args)]
pub struct BackupKeyArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The public half of the recipient's key, as `hsm recipient` wrote it.
    #[arg(long, value_name = "FILE")]
    pub recipient: PathBuf,
    /// Its SHA-256, as `hsm recipient` showed it: whoever puts in another key gets the private key.
    #[arg(long, value_name = "HEX64")]
    pub recipient_sha256: String,
    /// The file to be made.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The file with the PIN of the security officer, mode 0600, for a key that a trusted key alone may wrap.
    #[arg(long, value_name = "FILE")]
    pub officer_pin_file: Option<PathBuf>,
}

/// `hsm restore`
#[derive(Debug, Clone, Args)]
pub struct RestoreKeyArgs {
    /// The file that `hsm backup` made.
    pub file: PathBuf,
    /// The PKCS#11 URI of the recipient's token, with pin-source.
    #[arg(long, value_name = "URI")]
    pub to: String,
    /// Whether the copy may leave its token in turn.
    #[command(flatten)]
    pub export: ExportArgs,
}

/// `hsm copy`
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The PKCS#11 URI of the token that is to have it too, with pin-source.
    #[arg(long, value_name = "URI")]
    pub to: String,
    /// The file with the PIN of the giving token's security officer, mode 0600, for a key that a trusted key alone may wrap.
    #[arg(long, value_name = "FILE")]
    pub officer_pin_file: Option<PathBuf>,
    /// Seal the original when the copy is proven: neither leaves its token again.
    #[arg(long)]
    pub seal: bool,
    /// Whether the copy may leave its token in turn.
    #[command(flatten)]
    pub export: ExportArgs,
}

/// `hsm attest`
#[derive(Debug, Clone, Args)]
pub struct AttestArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The file to be made.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `hsm destroy`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("recorded").required(true).multiple(true))]
pub struct DestroyArgs {
    /// The PKCS#11 URI of the key, with pin-source.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// The name of the key, 40 hexadecimal digits as `hsm list` shows it: whoever types it means this key.
    #[arg(long, value_name = "KEY")]
    pub key: String,
    /// Why, for the record.
    #[arg(long)]
    pub reason: String,
    /// The file for the record.
    #[arg(long, value_name = "FILE", group = "recorded")]
    pub record: Option<PathBuf>,
    /// Record it in the ledger that --config names, while no server runs.
    #[arg(long, group = "recorded")]
    pub in_ledger: bool,
}
