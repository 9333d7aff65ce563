//! `meter-pki est`: the words of the EST client.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `est`
#[derive(Debug, Subcommand)]
pub enum EstCommand {
    /// Fetch the CA certificates and write them to a file (PEM).
    Cacerts(CacertsArgs),
    /// Ask what a certification request should say.
    Csrattrs(ServerArgs),
    /// Get the first certificate: with a new key, or the swap of a factory certificate.
    Enrol(EnrolArgs),
    /// Renew a certificate with a new key, in the same file.
    ReEnrol(ReEnrolArgs),
    /// Get a certificate with a key that the server makes.
    Serverkeygen(ServerKeyArgs),
}

/// Which server, and who asks it.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The server, such as `https://est.example/.well-known/est/gw-op-tls-s1`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The roots that vouch for the server (PEM, or one in DER).
    #[arg(long, value_name = "FILE")]
    pub trust: PathBuf,
    /// The certificate to show, and its key unless that is on the token (PEM).
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// The token with keys, as a PKCS#11 URI with module-path and pin-source.
    #[arg(long, value_name = "URI")]
    pub token: Option<String>,
    /// The file with the secret of a one-time token, mode 0600, instead of a certificate.
    #[arg(long, value_name = "FILE", conflicts_with = "credential")]
    pub password_file: Option<PathBuf>,
    /// The user name beside it: the system title, or nothing.
    #[arg(long, default_value = "", value_name = "NAME", requires = "password_file")]
    pub user: String,
}

/// `est cacerts`
#[derive(Debug, Clone, Args)]
pub struct CacertsArgs {
    /// The server, such as `https://est.example/.well-known/est/gw-op-tls-s1`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The roots that vouch for the server (PEM, or one in DER).
    #[arg(long, value_name = "FILE", required_unless_present = "fingerprint")]
    pub trust: Option<PathBuf>,
    /// Without such a file: the SHA-256 of the root that must be among what the server gives, in hexadecimal.
    #[arg(long, value_name = "HEX", conflicts_with = "trust")]
    pub fingerprint: Option<String>,
    /// The file for the certificates (PEM), replaced if it is there.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// How a request is made and how long it may take.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
    /// Bind the request to its connection by challengePassword; done anyway where the server wants it.
    #[arg(long)]
    pub bind: bool,
    /// For how long to come again, in seconds, where the server is busy or somebody must approve; not at all unless given.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
}

/// `est enrol`
#[derive(Debug, Clone, Args)]
pub struct EnrolArgs {
    /// Which server, and who asks it.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The common name to ask for, such as a system title; as the server says unless given.
    #[arg(long, value_name = "NAME")]
    pub common_name: Option<String>,
    /// The security suite, 1 or 2, where the server does not say which curve it wants.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), value_name = "1|2")]
    pub suite: u8,
    /// The file for the certificate and its key (PEM, mode 0600); for the certificate alone where the key is on the token.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `est serverkeygen`
#[derive(Debug, Clone, Args)]
pub struct ServerKeyArgs {
    /// Where, who, and what.
    #[command(flatten)]
    pub enrol: EnrolArgs,
    /// A certificate for key agreement and its key (PEM), to which the server is to encrypt the new key; inside TLS alone unless
    /// given. Whoever signs what is encrypted must lead to a root of --trust.
    #[arg(long, value_name = "FILE")]
    pub decrypt_by: Option<PathBuf>,
}

/// `est re-enrol`
#[derive(Debug, Clone, Args)]
pub struct ReEnrolArgs {
    /// Which server, and who asks it: the credential is what is renewed, and replaced in its file.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How.
    #[command(flatten)]
    pub ask: AskArgs,
    /// Keep the key, where the profile allows that.
    #[arg(long)]
    pub same_key: bool,
    /// Do nothing before half of the certificate's time is over.
    #[arg(long)]
    pub at_half_life: bool,
    /// Destroy the former key on the token once the new certificate is in its file.
    #[arg(long, requires = "token", conflicts_with = "same_key")]
    pub destroy_former_key: bool,
}
