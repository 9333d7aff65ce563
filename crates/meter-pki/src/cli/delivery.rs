//! `meter-pki delivery`: nouns of files that meter makers deliver.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `delivery`
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// List the maps that come with the program, or print one of them to be copied and changed.
    Maps {
        /// Print this map.
        #[arg(long, value_name = "NAME")]
        show: Option<String>,
    },
    /// Read a delivery to its end, without a server, and tell every faulty row.
    Check(CheckArgs),
    /// Check a delivery, then put its devices on their owner's list.
    Import(ImportArgs),
    /// List the deliveries that were imported or begun, manifests too, and what came of each.
    List {
        /// Only those after this digest, as the page before says it.
        #[arg(long, value_name = "DIGEST")]
        after: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Propose a map for a file, by the names in its heading.
    Draft {
        /// The file.
        file: PathBuf,
    },
    /// Show what one row becomes.
    ShowRow(ShowRowArgs),
}

/// A delivery and its map.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// The delivery: CSV, XLSX, XML or JSON.
    pub file: PathBuf,
    /// A map file, or the name of a map that comes with the program.
    #[arg(long, value_name = "MAP")]
    pub map: String,
    /// The certificates of the factory CA, DER or PEM: each factory certificate must stand below one of them.
    #[arg(long, value_name = "FILE")]
    pub factory_ca: Option<PathBuf>,
}

/// `delivery check`
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The delivery and its map.
    #[command(flatten)]
    pub delivery: FileArgs,
    /// Write every fault to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// How many devices were announced, if the file itself does not say it.
    #[arg(long, value_name = "N")]
    pub announced: Option<u64>,
}

/// `delivery import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What is checked before.
    #[command(flatten)]
    pub check: CheckArgs,
    /// The owner.
    #[arg(long)]
    pub tenant: String,
    /// Who made the devices.
    #[arg(long)]
    pub manufacturer: String,
    /// What the delivery is called; the name of the file unless given.
    #[arg(long)]
    pub batch: Option<String>,
    /// Import the rows without a fault although others have one.
    #[arg(long)]
    pub accept_good_rows: bool,
    /// Close the import although more or fewer devices came than were announced.
    #[arg(long)]
    pub accept_count: bool,
}

/// `delivery show-row`
#[derive(Debug, Clone, Args)]
pub struct ShowRowArgs {
    /// The delivery and its map.
    #[command(flatten)]
    pub delivery: FileArgs,
    /// Which row, by the number that faults tell: of the line, of the row of a sheet, of the device of XML, of the element of an array.
    #[arg(long, value_name = "N")]
    pub row: u64,
}
