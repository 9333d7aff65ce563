//! `stats`: counts and plots of them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `stats`
#[derive(Debug, Subcommand)]
pub enum StatsCommand {
    /// How many good certificates end when.
    Expiries {
        /// How long a span is: `day`, `week` or `month`.
        #[arg(long, default_value = "month")]
        by: String,
        /// Which.
        #[command(flatten)]
        which: ExpiryArgs,
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
    /// The same by days; as a plot, a calendar.
    Calendar {
        /// When; from today for two years unless it is said.
        #[command(flatten)]
        days: DayArgs,
        /// Only what this authority issued.
        #[arg(long, value_name = "AUTHORITY")]
        issuer: Option<String>,
        /// Only what is this tenant's.
        #[arg(long)]
        tenant: Option<String>,
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
    /// How many certificates were issued and revoked when.
    Issuance {
        /// How long a span is: `day`, `week` or `month`.
        #[arg(long, default_value = "day")]
        by: String,
        /// When.
        #[command(flatten)]
        days: DayArgs,
        /// Only what this authority issued.
        #[arg(long, value_name = "AUTHORITY")]
        issuer: Option<String>,
        /// Only what is this tenant's.
        #[arg(long)]
        tenant: Option<String>,
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
    /// How far a tenant's devices are swapped, by `manufacturer`, `firmware`, `region`, `model`, `batch` or `concentrator`.
    Swaps {
        /// The owner.
        #[arg(long)]
        tenant: String,
        /// By what.
        #[arg(long, default_value = "manufacturer")]
        by: String,
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
    /// How long CRLs were.
    Crls {
        /// When.
        #[command(flatten)]
        days: DayArgs,
        /// Only those of this authority.
        #[arg(long)]
        authority: Option<String>,
        /// Those of this shard, instead of those of all certificates.
        #[arg(long)]
        shard: Option<String>,
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
    /// How long signatures took since the server was started, by key.
    Signing {
        /// Where plots go.
        #[command(flatten)]
        files: PlotFiles,
    },
}

/// Which certificates are counted by their ends.
#[derive(Debug, Clone, Args)]
pub struct ExpiryArgs {
    /// When; from today for two years unless it is said.
    #[command(flatten)]
    pub days: DayArgs,
    /// By what each span is parted: `issuer` or `hierarchy`.
    #[arg(long, default_value = "issuer")]
    pub series: String,
    /// Only what this authority issued.
    #[arg(long, value_name = "AUTHORITY")]
    pub issuer: Option<String>,
    /// Only what is this tenant's.
    #[arg(long)]
    pub tenant: Option<String>,
}

/// Days of UTC.
#[derive(Debug, Clone, Args)]
pub struct DayArgs {
    /// The first day, such as 2031-11-21.
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// The day behind the last.
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
}

/// New files for plots.
#[derive(Debug, Clone, Args)]
pub struct PlotFiles {
    /// A new file for the plot as a drawing.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// A new file for the plot as a picture.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// A new file for the numbers in the plot.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}
