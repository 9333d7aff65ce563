//! `request`: what is typed about requests that wait for approval.

use clap::Subcommand;

/// `request`
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// List requests, those that end first in front.
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// Only of this state: waiting, approved, refused, answered or expired.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this place in the list, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show all that would be approved.
    Show {
        /// The id of the request, or its first 8 or more digits.
        id: String,
    },
    /// Approve a request; it is answered when it comes again.
    Approve {
        /// The id of the request, or its first 8 or more digits.
        id: String,
    },
    /// Refuse a request; this is final until the request is over.
    Refuse {
        /// The id of the request, or its first 8 or more digits.
        id: String,
        /// Why, for the record; the requester is not told.
        #[arg(long)]
        reason: String,
    },
}
