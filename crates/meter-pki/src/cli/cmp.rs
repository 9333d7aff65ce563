//! `meter-pki cmp`: the words of the CMP client.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `cmp`
#[derive(Debug, Subcommand)]
pub enum CmpCommand {
    /// Get the first certificate, by a shared secret or by the certificate of another authority.
    Ir(EnrolArgs),
    /// Get a further certificate of the same authority.
    Cr(EnrolArgs),
    /// Get a certificate by a certification request of PKCS#10.
    P10cr(Pkcs10Args),
    /// Renew a certificate with a new key, in the same file.
    Kur(KeyUpdateArgs),
    /// Have a certificate revoked.
    Rr(RevocationArgs),
    /// Ask for CA certificates, the next root, a request template or a CRL.
    Genm(GeneralArgs),
}

/// Which authority, who asks it, and how messages travel.
#[derive(Debug, Clone, Args)]
pub struct PeerArgs {
    /// The server, such as `http://cmp.example` or `https://cmp.example/.well-known/cmp`, or with a path of its own.
    #[arg(long, value_name = "URL", required_unless_present_any = ["out_request", "in_response"])]
    pub url: Option<String>,
    /// The name of the profile in the path: `/.well-known/cmp/p/LABEL`.
    #[arg(long, value_name = "LABEL", requires = "url")]
    pub label: Option<String>,
    /// The roots that vouch for the authority, for new certificates, and for the server under TLS (PEM, or one in DER).
    #[arg(long, value_name = "FILE", required_unless_present = "reference")]
    pub trust: Option<PathBuf>,
    /// The certificate that signs messages, with its chain, and its key unless that is on the token (PEM).
    #[arg(long, value_name = "FILE", required_unless_present = "reference")]
    pub credential: Option<PathBuf>,
    /// The token with keys, as a PKCS#11 URI with module-path and pin-source.
    #[arg(long, value_name = "URI")]
    pub token: Option<String>,
    /// What names the shared secret that protects messages, instead of a certificate.
    #[arg(long, value_name = "NAME", conflicts_with = "credential", requires = "secret_file")]
    pub reference: Option<String>,
    /// The file with the shared secret, mode 0600.
    #[arg(long, value_name = "FILE", requires = "reference")]
    pub secret_file: Option<PathBuf>,
    /// Make MACs by `PasswordBasedMac`, for old servers, whose HMAC-SHA1 is then read; by PBMAC1 unless given.
    #[arg(long, requires = "reference")]
    pub password_based_mac: bool,
    /// The certificate of the CA that messages are for (PEM or DER); the issuer of the credential, or nobody, unless given.
    #[arg(long, value_name = "FILE")]
    pub recipient: Option<PathBuf>,
    /// The certificate profile to name in the message.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// For how long to come again, in seconds, where the server is busy or somebody must approve; not at all unless given.
    #[arg(long, default_value_t = 0, value_name = "SECONDS", requires = "url")]
    pub wait: u64,
    /// Send nothing: write the message to this file (.pki), and stop.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub out_request: Option<PathBuf>,
    /// Go on with the answer in this file (.pki).
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub in_response: Option<PathBuf>,
    /// Where the conversation is kept until it is over; beside --out, with .cmp after its name, unless given.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// Where a certificate goes, and how it is confirmed.
#[derive(Debug, Clone, Args)]
pub struct ResultArgs {
    /// Confirm the certificate even where the authority does not want that.
    #[arg(long)]
    pub confirm: bool,
    /// The file for the certificates between the new one and its root (PEM), replaced if it is there.
    #[arg(long, value_name = "FILE")]
    pub chain_out: Option<PathBuf>,
    /// Take roots that come with the answer, and write them to this file (PEM), replaced if it is there.
    #[arg(long, value_name = "FILE")]
    pub roots_out: Option<PathBuf>,
}

/// What a new key and its certificate are.
#[derive(Debug, Clone, Args)]
pub struct NewKeyArgs {
    /// The common name to ask for; the subject of the credential, or the reference of the secret, unless given.
    #[arg(long, value_name = "NAME")]
    pub common_name: Option<String>,
    /// The security suite, 1 or 2, which says the curve of the new key.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), value_name = "1|2")]
    pub suite: u8,
    /// The file for the certificate and its key (PEM, mode 0600); for the certificate alone where the key is not here.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `cmp ir` and `cmp cr`
#[derive(Debug, Clone, Args)]
pub struct EnrolArgs {
    /// Which authority, and who asks it.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// Have the authority make the key, sealed for the key of the credential or under the shared secret.
    #[arg(long, conflicts_with_all = ["suite", "token"])]
    pub central_key: bool,
    /// The key and the file.
    #[command(flatten)]
    pub new: NewKeyArgs,
    /// What comes with the certificate.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// `cmp p10cr`
#[derive(Debug, Clone, Args)]
pub struct Pkcs10Args {
    /// Which authority, and who asks it.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// A request that is there already (PEM or DER), whose key is elsewhere; one is made with a new key unless given.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["common_name", "suite"])]
    pub csr: Option<PathBuf>,
    /// The key and the file.
    #[command(flatten)]
    pub new: NewKeyArgs,
    /// What comes with the certificate.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// `cmp kur`
#[derive(Debug, Clone, Args)]
pub struct KeyUpdateArgs {
    /// Which authority, and who asks it: the credential is what is renewed, and replaced in its file.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// What is renewed instead, and replaced in its file, where it cannot sign: a certificate for key agreement.
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,
    /// What comes with the certificate.
    #[command(flatten)]
    pub result: ResultArgs,
    /// Which key.
    #[command(flatten)]
    pub key: UpdateKeyArgs,
    /// Do nothing before half of the certificate's time is over.
    #[arg(long)]
    pub at_half_life: bool,
    /// Destroy the former key on the token once the new certificate is in its file.
    #[arg(long, requires = "token", conflicts_with = "same_key")]
    pub destroy_former_key: bool,
}

/// Another key than a new one of the client's own.
#[derive(Debug, Clone, Args)]
pub struct UpdateKeyArgs {
    /// Keep the key, where the profile allows that.
    #[arg(long)]
    pub same_key: bool,
    /// Have the authority make the new key, sealed for the key of the credential.
    #[arg(long, conflicts_with_all = ["same_key", "token"])]
    pub central_key: bool,
}

/// `cmp rr`
#[derive(Debug, Clone, Args)]
pub struct RevocationArgs {
    /// Which authority, and who asks it.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// The certificate to be revoked (PEM or DER), as a registration authority names it; the credential unless given.
    #[arg(long, value_name = "FILE", conflicts_with = "serial")]
    pub certificate: Option<PathBuf>,
    /// Its serial number instead, in hexadecimal.
    #[arg(long, value_name = "HEX", requires = "issuer")]
    pub serial: Option<String>,
    /// The certificate of the CA that issued it (PEM or DER).
    #[arg(long, value_name = "FILE", requires = "serial")]
    pub issuer: Option<PathBuf>,
    /// Why, as RFC 5280 names it; removeFromCRL takes it off hold.
    #[arg(long, default_value = "unspecified", value_name = "REASON")]
    pub reason: String,
}

/// `cmp genm`
#[derive(Debug, Clone, Args)]
pub struct GeneralArgs {
    /// What to ask for.
    #[arg(value_enum, value_name = "WHAT")]
    pub what: GeneralWhat,
    /// Which authority, and who asks it.
    #[command(flatten)]
    pub peer: PeerArgs,
    /// The root whose successor is asked for, or the certificate of the CA whose CRL is (PEM or DER).
    #[arg(long, value_name = "FILE")]
    pub of: Option<PathBuf>,
    /// Where the CRL is published, as certificates say it.
    #[arg(long, value_name = "URI")]
    pub distribution_point: Option<String>,
    /// The file for what comes (PEM), replaced if it is there; a CRL that is there already is asked to be younger.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a general message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GeneralWhat {
    /// The CA certificates.
    CaCerts,
    /// The root that follows the one of --of.
    RootUpdate,
    /// What a request should say.
    Template,
    /// The CRL of the CA of --of.
    Crl,
}
