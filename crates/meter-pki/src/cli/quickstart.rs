//! The options of the quickstart.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `quickstart`
#[derive(Debug, Clone, Args)]
pub struct QuickstartArgs {
    /// Where everything is kept; made when absent, resumed when present.
    #[arg(long, default_value = "state", value_name = "DIR")]
    pub state: PathBuf,
    /// How many meters the fleet has.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub meters: u32,
    /// End after the report instead of serving on.
    #[arg(long)]
    pub exit: bool,
    /// Where EST listens; kept for later starts from the same state.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub est: SocketAddr,
    /// Where CMP listens; kept for later starts from the same state.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub cmp: SocketAddr,
    /// Where CRL and OCSP are served; kept for later starts from the same state.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub status: SocketAddr,
    /// Where operators come with client certificates; kept for later starts from the same state.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub operator: SocketAddr,
}
