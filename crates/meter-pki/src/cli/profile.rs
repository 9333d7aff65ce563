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
        /// What it said in this version, as `profile versions` numbers them; what is in force unless given.
        #[arg(long, value_name = "NUMBER")]
        number: Option<u32>,
    },
    /// List what a profile said since when, and what was changed each time.
    Versions {
        /// The profile.
        id: String,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: u32,
        /// Only those behind this number, as the page before said.
        #[arg(long, value_name = "NUMBER")]
        after: Option<u32>,
    },
    /// Make a sample certificate and lint it; nothing is recorded, and no real key signs.
    Sample {
        /// The profile.
        id: String,
        /// A file for the certificate and those above it, PEM; there must be none.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compare a profile with another, with the built-in one of its name, or with what it said before.
    Diff {
        /// The one.
        one: String,
        /// The other; the built-in one of the same name unless given.
        #[arg(conflicts_with = "from")]
        other: Option<String>,
        /// What the one said in this version, as `profile versions` numbers them.
        #[arg(long, value_name = "NUMBER")]
        from: Option<u32>,
        /// The version to compare that with; what is in force unless given.
        #[arg(long, value_name = "NUMBER", requires = "from")]
        to: Option<u32>,
    },
    /// Write the files of the built-in profiles into a directory, to begin one's own with; without a server.
    Files {
        /// Where; it is made where there is none, and nothing in it is written over.
        directory: PathBuf,
    },
    /// Write the reference of profiles, Markdown: all that is in each certificate, CRL and OCSP answer; without a server.
    Reference {
        /// Of the profiles that the configuration names, in place of those that are built in.
        #[arg(long)]
        configured: bool,
    },
}
