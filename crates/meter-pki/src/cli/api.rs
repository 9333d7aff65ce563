//! `api`: the interface of the server, for programs of others.

use clap::{Args, Subcommand};

/// `api`
#[derive(Debug, Subcommand)]
pub enum ApiCommand {
    /// Print the document of the operator's interface (OpenAPI 3.1); no server is asked.
    Document,
    /// Print what a verb prints with --json, as a JSON Schema; of all verbs, unless one is named.
    Schema(SchemaArgs),
}

/// `api schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The verb, such as `cert list`.
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
    /// What every verb prints on standard error with --json when it fails.
    #[arg(long, conflicts_with = "verb")]
    pub failure: bool,
}
