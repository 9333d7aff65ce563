//! `profile`: what is typed to look at profiles.

use std::path::PathBuf;

use clap::Subcommand;

/// `profile`
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the profiles that are in force.
    List {
        /// Only those of this kind: certificate, crl or ocsp.
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: u32,
        /// Only those after this one, as the page before said.
        #[arg(long, value_name = "PROFILE")]
        after: Option<String>,
    },
    /// Show all that a profile says, be it said in its file or left to what is usual.
    Show {
        /// Its name, such as meter-op-ds-s1.
        id: String,
        /// The text of its file in place of the fields.
        #[arg(long)]
        text: bool,
    },
    /// Make a sample certificate and lint it; nothing is recorded, and no real key signs.
    Sample {
        /// The profile.
        id: String,
        /// A file for the certificate and those above it, PEM; there must be none.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compare a profile with another, or with the built-in one of its name.
    Diff {
        /// The one.
        one: String,
        /// The other; the built-in one of the same name unless given.
        other: Option<String>,
    },
    /// Write the reference of profiles, Markdown: all that is in each certificate, CRL and OCSP answer; without a server.
    Reference {
        /// Of the profiles that the configuration names, in place of those that are built in.
        #[arg(long)]
        configured: bool,
    },
}
