//! `factory`: what is typed about production orders and the line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `factory`
#[derive(Debug, Subcommand)]
pub enum FactoryCommand {
    /// Production orders: how many devices a line makes, which ones, and with which certificates.
    #[command(subcommand)]
    Order(OrderCommand),
    /// Issue for a line, from a directory or an archive of certification requests. The same command again goes on where it ended.
    Issue(IssueArgs),
    /// Scrap a device: its certificates are revoked, and its place in the order is free again.
    Scrap {
        /// The system title, 16 hexadecimal digits.
        system_title: String,
        /// The production order.
        #[arg(long, value_name = "ID")]
        order: String,
        /// Why its certificates are revoked, as RFC 5280 names it.
        #[arg(long, default_value = "cessationOfOperation")]
        reason: String,
    },
    /// Close an order, reconcile it, and write what a delivery says of its devices.
    Close(CloseArgs),
    /// Reconcile an order as it stands: ordered, complete, scrapped, missing.
    Report {
        /// The production order.
        #[arg(long, value_name = "ID")]
        order: String,
        /// Also write what a delivery says of the devices that are complete, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        delivery: Option<PathBuf>,
        /// The numbers on the plates: CSV with the columns `system_title` and `serial_number`.
        #[arg(long, value_name = "FILE", requires = "delivery")]
        serial_numbers: Option<PathBuf>,
    },
}

/// `factory order`
#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Open an order.
    Open(OpenArgs),
    /// List orders, by their names.
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// Only of this state: open, closed or cancelled.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this one, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show one with its counts.
    Show {
        /// Its name.
        id: String,
    },
    /// Close one without writing a delivery.
    Close {
        /// Its name.
        id: String,
        /// Also when devices are missing.
        #[arg(long)]
        accept_missing: bool,
    },
    /// Cancel one: nothing more is issued under it, and what was issued stays.
    Cancel {
        /// Its name.
        id: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
}

/// `factory order open`
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// Its name: 1 to 48 letters, digits, `.`, `_` and `-`, such as its number in the books.
    pub id: String,
    /// The manufacturer.
    #[arg(long)]
    pub tenant: String,
    /// How many devices.
    #[arg(long, value_name = "NUMBER")]
    pub devices: u64,
    /// The profile of a certificate that each device gets; one for each purpose.
    #[arg(long = "profile", value_name = "PROFILE", required = true)]
    pub profiles: Vec<String>,
    /// A range of system titles, such as 4D504B0100000001-4D504B01000003E8; may be given several times.
    #[arg(long = "range", value_name = "FIRST-LAST", conflicts_with = "titles")]
    pub ranges: Vec<String>,
    /// A file with a system title a line.
    #[arg(long, value_name = "FILE")]
    pub titles: Option<PathBuf>,
    /// Model, as the delivery will say.
    #[arg(long, default_value = "")]
    pub model: String,
    /// Firmware version at delivery.
    #[arg(long, default_value = "")]
    pub firmware: String,
    /// Delivery batch.
    #[arg(long, default_value = "")]
    pub batch: String,
    /// For whom they are made: the tenant name of the customer.
    #[arg(long)]
    pub customer: Option<String>,
    /// The name of a registration authority whose requests over EST and CMP count for it; may be given several times.
    #[arg(long = "station", value_name = "NAME")]
    pub stations: Vec<String>,
    /// The last second in which it is open, such as 2026-12-31T23:59:59Z.
    #[arg(long, value_name = "TIME")]
    pub until: String,
}

/// `factory issue`
#[derive(Debug, Args)]
pub struct IssueArgs {
    /// The production order.
    #[arg(long, value_name = "ID")]
    pub order: String,
    /// A directory, or a .zip, .tar, .tar.gz or .tgz, of certification requests: .csr, .der or .pem.
    #[arg(long, value_name = "DIR|FILE")]
    pub requests: PathBuf,
    /// Where the certificates are written; made when absent.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// CSV with the columns `file`, `system_title` and `purpose`, in the place of names such as D4D504B0100000001.csr; a
    /// `manifest.csv` in the directory or archive is taken by itself.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
}

/// `factory close`
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// The production order.
    #[arg(long, value_name = "ID")]
    pub order: String,
    /// Where to write what the delivery says of the devices, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub delivery: PathBuf,
    /// The numbers on the plates: CSV with the columns `system_title` and `serial_number`.
    #[arg(long, value_name = "FILE")]
    pub serial_numbers: Option<PathBuf>,
    /// Also when devices are missing.
    #[arg(long)]
    pub accept_missing: bool,
    /// Also make the signed and sealed manifest of the delivery, for the customer that the order names.
    #[command(flatten)]
    pub manifest: ManifestArgs,
}

/// How the manifest of a delivery is made, as `shipment create` makes it.
#[derive(Debug, Clone, Args)]
pub struct ManifestArgs {
    /// The manifest to be made; never over an existing file.
    #[arg(long, value_name = "FILE", requires_all = ["signer", "recipient"])]
    pub manifest: Option<PathBuf>,
    /// The manufacturer's certificate, of the profile ship-signer, those above it, and its key unless that is on the token (PEM).
    #[arg(long, value_name = "FILE", requires = "manifest")]
    pub signer: Option<PathBuf>,
    /// The token with the key, as a PKCS#11 URI with module-path and pin-source.
    #[arg(long, value_name = "URI", requires = "manifest")]
    pub token: Option<String>,
    /// The customer's certificate for manifests, of the profile ship-recipient (PEM or DER).
    #[arg(long, value_name = "FILE", requires = "manifest")]
    pub recipient: Option<PathBuf>,
    /// What the shipment is called; as the order is unless given.
    #[arg(long, value_name = "ID", requires = "manifest")]
    pub shipment: Option<String>,
}
