//! The command line of `meter-pki signer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `signer`
#[derive(Debug, Args)]
pub struct SignerCommand {
    /// What to do, unless it is to sign.
    #[command(subcommand)]
    pub verb: Option<SignerVerb>,
}

/// `signer …`
#[derive(Debug, Subcommand)]
pub enum SignerVerb {
    /// Ask a signer that runs what its keys did.
    State,
    /// Print the signer's configuration that fits the authority's, which --config names.
    Propose {
        /// Where the socket is to be, beside the configuration unless it begins at the root.
        #[arg(long, value_name = "FILE", default_value = "signer/signer.sock")]
        socket: PathBuf,
        /// Where the log is to be, likewise.
        #[arg(long, value_name = "FILE", default_value = "signer/signatures.log")]
        log: PathBuf,
    },
    /// The signer's log.
    #[command(subcommand)]
    Log(SignerLogVerb),
}

/// `signer log`
#[derive(Debug, Subcommand)]
pub enum SignerLogVerb {
    /// Verify the chain of a log, from its first record to its last, over all its files.
    Verify {
        /// The log, as the signer's configuration names it; its other segments are found beside it. And once for each place where
        /// closed segments were moved to.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Only from the segment on in which this record is: those before it are elsewhere.
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        from: u64,
        /// The hash of a record that was kept elsewhere, which must be in it.
        #[arg(long, value_name = "HEX")]
        record: Option<String>,
    },
    /// Print records of a log.
    Show {
        /// The log, as for `verify`.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Only those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
}
