//! `audit`: what is typed to read the audit trail, and to prove what is in it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::KeyArgs;

/// `audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check every record, the tree over them, and both against the signed checkpoint.
    Verify(AuditVerifyArgs),
    /// Prove that the issuance of a certificate is in the log, to whoever has the public key of the checkpoints.
    Prove {
        /// The certificate's serial number, in hexadecimal.
        serial: String,
        /// The authority that issued it, where several issued the number.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Print a signed checkpoint of all records, to be kept elsewhere.
    Checkpoint,
    /// Make the key that signs checkpoints, and print its name and its public half.
    Key(KeyArgs),
    /// List records.
    List {
        /// Only those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Search the records, the youngest in front. Nothing is indexed: an answer looks at 10,000 records at most, and says where to
    /// go on.
    Search(AuditSearchArgs),
    /// Show one record, with the proof that it is in the log; the proof is checked here.
    Show {
        /// Its number.
        number: u64,
    },
}

/// `audit search`
#[derive(Debug, Args)]
pub struct AuditSearchArgs {
    /// Only records from this time on, such as 2027-11-21T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only records up to this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only of this act, such as certificate-revoked.
    #[arg(long, value_name = "WORD")]
    pub act: Option<String>,
    /// Only of actors in whose name this text is, such as operator:ada.
    #[arg(long, value_name = "TEXT")]
    pub actor: Option<String>,
    /// Only of this tenant's objects.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Only of this authority, by its name or its key.
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// Only of this serial number, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub serial: Option<String>,
    /// Only those that name this device.
    #[arg(long, value_name = "TITLE")]
    pub system_title: Option<String>,
    /// Only with reason codes that begin so, such as people. or keyCompromise.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// The oldest in front.
    #[arg(long)]
    pub oldest_first: bool,
    /// Go on behind this record, as the answer before said.
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// `audit verify`
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    /// A checkpoint that was kept: check that the log continues what was signed then.
    #[arg(long, value_name = "CHECKPOINT_FILE")]
    pub since: Option<PathBuf>,
    /// Check an exported directory instead, without a server.
    #[arg(long, value_name = "DIRECTORY")]
    pub export: Option<PathBuf>,
    /// The public key of the checkpoints, PEM, from where you trust; otherwise the one that server or export shows.
    #[arg(long, value_name = "PEM_FILE")]
    pub key: Option<PathBuf>,
}
