//! `meter-pki migrate`: coming from another CA program.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `migrate`
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Take over what another program issued under the key of an authority that is served here; without --apply, say what would be done.
    From(Box<MigrateArgs>),
}

/// A program that can be come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// `openssl ca`: its index.txt, and newcerts and crlnumber beside it.
    OpensslCa,
    /// CFSSL: the table of its certdb as CSV.
    Cfssl,
    /// step-ca: two tables of its database, joined, as CSV.
    StepCa,
    /// EJBCA: the table of certificates as CSV.
    Ejbca,
    /// Anything else: CSV with columns of our own.
    Csv,
}

/// `migrate from`
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// The program.
    pub program: Origin,
    /// Its index, or the export of its database.
    pub file: PathBuf,
    /// The authority here that has the key.
    #[arg(long, value_name = "NAME")]
    pub issuer: String,
    /// Where `openssl ca` keeps the certificates; newcerts beside the index unless given.
    #[arg(long, value_name = "DIRECTORY")]
    pub certificates: Option<PathBuf>,
    /// The last complete CRL of the program, DER or PEM.
    #[arg(long, value_name = "FILE")]
    pub crl: Option<PathBuf>,
    /// The number of its last CRL, where that is known otherwise or is higher.
    #[arg(long, value_name = "N")]
    pub crl_number: Option<u64>,
    /// Write drafts of profiles into this new directory: of certificates that were issued, and of --program-config.
    #[arg(long, value_name = "DIRECTORY")]
    pub drafts: Option<PathBuf>,
    /// The configuration of the program: openssl.cnf, config.json, ca.json or an exported certificate profile; given again for more.
    #[arg(long, value_name = "FILE", requires = "drafts")]
    pub program_config: Vec<PathBuf>,
    /// Write every fault to this new file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Take over the rows without a fault although others have one.
    #[arg(long)]
    pub accept_good_rows: bool,
    /// Carry it out.
    #[arg(long)]
    pub apply: bool,
}
