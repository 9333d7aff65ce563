//! `cert`: what is typed to list, show, issue, revoke and release certificates.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::revocation::{ReleaseArgs, RevokeArgs};

/// `cert`
#[derive(Debug, Subcommand)]
pub enum CertCommand {
    /// List certificates, by whatever is known of them.
    List(Box<CertFilter>),
    /// Show one certificate with its status.
    Show {
        /// Its serial number in hexadecimal.
        serial: String,
        /// The name of its authority, if several issued this number.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Show the path above a certificate, how it was asked for, and what became of it.
    History {
        /// Its serial number in hexadecimal.
        serial: String,
        /// The name of its authority, if several issued this number.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Certify a request for what operators issue, such as servers and stations.
    Issue(IssueArgs),
    /// Make key and certificate of who signs the server's messages.
    MessageSigner(MessageSignerArgs),
    /// Revoke certificates; final, unless for certificateHold. Many are shown first.
    Revoke(Box<RevokeArgs>),
    /// Release certificates from hold; they are good again. Many are shown first.
    Release(Box<ReleaseArgs>),
}

/// `cert issue`
#[derive(Debug, Clone, Args)]
pub struct IssueArgs {
    /// The certification request (PKCS#10), PEM or DER.
    pub request: PathBuf,
    /// The name of the authority.
    #[arg(long, value_name = "NAME")]
    pub issuer: String,
    /// The profile, which must be offered to operators.
    #[arg(long)]
    pub profile: String,
    /// The file for the certificate, PEM; never over an existing one.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `cert message-signer`
#[derive(Debug, Clone, Args)]
pub struct MessageSignerArgs {
    /// The file for the certificate, DER, beside the configuration.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The common name of the signer; country and organization are those of its authority.
    #[arg(long, default_value = "Messages", value_name = "NAME")]
    pub common_name: String,
    /// The profile, where operators are offered several with id-kp-cmcCA.
    #[arg(long)]
    pub profile: Option<String>,
}

/// Which certificates to list.
#[derive(Debug, Clone, Args)]
pub struct CertFilter {
    /// Only of this tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    #[arg(long)]
    pub issuer: Option<String>,
    /// Only of the device with this system title.
    #[arg(long, value_name = "HEX16")]
    pub system_title: Option<String>,
    /// Only of this status: good, revoked, uncertain, aborted or intent.
    #[arg(long, value_name = "STATUS")]
    pub status: Option<String>,
    /// Only those whose serial number begins so, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub serial: Option<String>,
    /// Only those under this profile.
    #[arg(long)]
    pub profile: Option<String>,
    /// Only those whose keys are for this: signature, key-agreement, tls or certificate-signing.
    #[arg(long)]
    pub purpose: Option<String>,
    /// Only those of devices in this hierarchy: factory, operational or maintenance.
    #[arg(long)]
    pub hierarchy: Option<String>,
    /// Only those that end at this time or later, such as 2027-11-21T00:00:00Z; in the order of their ends.
    #[arg(long, value_name = "TIME")]
    pub expires_from: Option<String>,
    /// Only those that end at this time at the latest.
    #[arg(long, value_name = "TIME")]
    pub expires_until: Option<String>,
    /// Only those recorded at this time or later.
    #[arg(long, value_name = "TIME")]
    pub recorded_from: Option<String>,
    /// Only those recorded at this time at the latest.
    #[arg(long, value_name = "TIME")]
    pub recorded_until: Option<String>,
    /// Only those of the key with this SHA-256 of its SubjectPublicKeyInfo.
    #[arg(long, value_name = "SHA256")]
    pub key: Option<String>,
    /// Only those in whose subject this text is.
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Only those after this place in the list, as the list before said.
    #[arg(long)]
    pub after: Option<String>,
}
