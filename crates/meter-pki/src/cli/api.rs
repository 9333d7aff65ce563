//! `api`: the interface of the server, for programs of others.

use clap::Subcommand;

/// `api`
#[derive(Debug, Subcommand)]
pub enum ApiCommand {
    /// Print the document of the operator's interface (OpenAPI 3.1); no server is asked.
    Document,
}
