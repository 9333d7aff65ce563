//! `store`: the words of making a ledger, moving it, and looking at it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `store`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Make an empty ledger; never over an existing one.
    Create {
        /// The directory to be made; with PostgreSQL that of the first node.
        directory: PathBuf,
        /// `fjall`, `sled` or `postgres`.
        #[arg(long, default_value = "fjall")]
        engine: String,
        /// Make only the directory of a further node of a ledger that is in the database.
        #[arg(long, requires = "database")]
        join: bool,
        /// The database of the ledger, where there is one.
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// Move the ledger of the configuration into a PostgreSQL database; what was interrupted goes on.
    Migrate {
        /// The database that is to hold it, such as `postgres://pki@db1,db2/ledger`; it must hold no ledger.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
        /// The directory of the first node, to be made.
        #[arg(long, value_name = "DIRECTORY")]
        node_directory: PathBuf,
        /// What is shown to the database.
        #[command(flatten)]
        secrets: SecretArgs,
    },
    /// Show at which step the schema of the database is, or bring it to another one, forward or back.
    Schema {
        /// The step; the newest one that this program knows is `latest`.
        #[arg(long, value_name = "STEP")]
        to: Option<String>,
    },
    /// Show the nodes that share the ledger.
    Nodes,
    /// Show engine, audit trail, epoch, and whether the ledger is in recovery.
    Show,
}

/// Where a database is, and how it is reached.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// The database, with `--engine postgres`: `postgres://USER@HOST/NAME`, or `host=HOST user=USER dbname=NAME`.
    #[arg(long, value_name = "ADDRESS")]
    pub database: Option<String>,
    /// What is shown to it.
    #[command(flatten)]
    pub secrets: SecretArgs,
}

/// What is shown to a database, and what it has to show.
#[derive(Debug, Args)]
pub struct SecretArgs {
    /// The file of the password, mode 0600.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Who vouches for the servers, PEM; needed unless the database is on this machine.
    #[arg(long, value_name = "PEM_FILE")]
    pub tls_anchor_file: Option<PathBuf>,
}
