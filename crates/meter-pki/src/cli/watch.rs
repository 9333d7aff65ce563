//! `watch`: what is typed to have somebody told.

use clap::Args;

/// `watch`
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Look once, tell what is news, and end.
    #[arg(long)]
    pub once: bool,
    /// Send a test to everybody who is told, and say what each answered.
    #[arg(long, conflicts_with = "once")]
    pub test: bool,
}
