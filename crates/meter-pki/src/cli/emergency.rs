//! `break-glass`: what is typed in emergencies.

use clap::Subcommand;

/// `break-glass`
#[derive(Debug, Subcommand)]
pub enum BreakGlassCommand {
    /// List what was asked for, is open, or waits to be reviewed.
    List,
    /// Show somebody's, the newest in front.
    Show {
        /// Whose.
        id: String,
    },
    /// Ask for a role, for oneself, until somebody with another role agrees.
    Ask {
        /// Which: administrator, ca-operations, ra-officer, auditor or approver.
        #[arg(long)]
        role: String,
        /// Why, in one line, for the record.
        #[arg(long)]
        reason: String,
        /// For how many hours; as many as are configured unless given.
        #[arg(long)]
        hours: Option<u8>,
    },
    /// Agree to what another asked for: from then on he has the role.
    Agree {
        /// Who asked.
        id: String,
    },
    /// End it before its time, or take back what was asked for.
    End {
        /// Whose.
        id: String,
    },
    /// Put on record that an emergency was looked at after its end.
    Review {
        /// Whose.
        id: String,
        /// What was found, in one line.
        #[arg(long)]
        finding: String,
    },
}
