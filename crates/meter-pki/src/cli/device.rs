//! `device`: the registry of devices.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `device`
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Put the devices of a CSV file on their owner's list.
    Import {
        /// A CSV file with the columns `system_title`, and if wanted `manufacturer`, `serial_number`, `model`, `firmware`,
        /// `batch`, `region`, `concentrator`.
        file: PathBuf,
        /// The owner.
        #[arg(long)]
        tenant: String,
        /// The owner is their maker, and has them still: they are manufactured, and nobody expects them yet.
        #[arg(long)]
        manufactured: bool,
    },
    /// List a tenant's devices in the order of their system titles.
    List {
        /// Which.
        #[command(flatten)]
        criteria: CriteriaArgs,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this system title.
        #[arg(long, value_name = "HEX16")]
        after: Option<String>,
    },
    /// Show everything that is known of a device: owner, state, certificates of each hierarchy, secrets' kinds, history.
    Show {
        /// The device.
        system_title: String,
    },
    /// Count a tenant's devices, without going through them.
    Count {
        /// The owner.
        #[arg(long)]
        tenant: String,
        /// By what: `state`, or one of `manufacturer`, `model`, `firmware`, `batch`, `region`, `concentrator`, with `state` behind
        /// a comma if each is to be told by its states.
        #[arg(long, value_delimiter = ',', default_value = "state")]
        by: Vec<String>,
    },
    /// List what became of a device, each line with the number of its audit record.
    History {
        /// The device.
        system_title: String,
        /// Write the proofs that these records are in the audit log into a file, for whoever has the public key of the
        /// checkpoints.
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
        /// Check the proofs in a file instead, without a server.
        #[arg(long, value_name = "FILE", conflicts_with = "proof")]
        verify: Option<PathBuf>,
        /// The public key of the checkpoints, PEM, from where you trust; for --verify.
        #[arg(long, value_name = "PEM_FILE", requires = "verify")]
        key: Option<PathBuf>,
    },
    /// Suspend devices: they enrol nothing and renew nothing until they are resumed.
    Suspend(ChangeArgs),
    /// Put suspended devices back where they stood.
    Resume(ChangeArgs),
    /// Retire devices for good.
    Retire(ChangeArgs),
    /// Send manufactured devices to the owner who will take in their delivery.
    Ship(PassArgs),
    /// Pass devices from one owner to another, both of this ledger; they are expected there anew.
    Move(PassArgs),
    /// Give out the wrapped secrets of a device, which is put on record.
    Secrets {
        /// The device.
        system_title: String,
        /// The owner.
        #[arg(long)]
        tenant: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Where the wrapped octets go, as JSON; never over an existing file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Compare what a head-end exported from meters with what was issued, and with whose they are.
    Reconcile(ReconcileArgs),
    /// Make a one-time token, with which a device enrols by HTTP Basic.
    Token {
        /// The device.
        system_title: String,
        /// The profile that it opens.
        #[arg(long)]
        profile: String,
        /// How long it is good.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=43_200))]
        valid_minutes: u32,
    },
}

/// Which devices.
#[derive(Debug, Clone, Args)]
pub struct CriteriaArgs {
    /// The owner.
    #[arg(long)]
    pub tenant: String,
    /// Only those of this manufacturer: his name, or the FLAG id (three capital letters) with which system titles begin.
    #[arg(long, value_name = "NAME|FLAG")]
    pub manufacturer: Option<String>,
    /// Only those that have no operational certificate yet.
    #[arg(long)]
    pub without_operational: bool,
    /// Only those that are `manufactured`, `shipped`, `expected`, `claimed`, `operational`, `suspended` or `retired`.
    #[arg(long)]
    pub state: Option<String>,
    /// Only those of this model.
    #[arg(long)]
    pub model: Option<String>,
    /// Only those with this firmware.
    #[arg(long)]
    pub firmware: Option<String>,
    /// Only those of this batch.
    #[arg(long)]
    pub batch: Option<String>,
    /// Only those in this region.
    #[arg(long)]
    pub region: Option<String>,
    /// Only those behind this concentrator.
    #[arg(long)]
    pub concentrator: Option<String>,
    /// Only those with this number of the manufacturer's.
    #[arg(long)]
    pub serial_number: Option<String>,
    /// Only those whose system titles begin so.
    #[arg(long, value_name = "HEX")]
    pub title_prefix: Option<String>,
    /// Only the one with this key: SHA-256 of the SubjectPublicKeyInfo.
    #[arg(long, value_name = "HEX64")]
    pub key: Option<String>,
    /// Only those with a certificate of this serial number, delivered or issued here.
    #[arg(long, value_name = "HEX")]
    pub certificate: Option<String>,
    /// Only those that this delivery described last: its SHA-256.
    #[arg(long, value_name = "HEX64")]
    pub delivery: Option<String>,
}

/// `device suspend`, `device resume`, `device retire`
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Which of the owner's devices: those that are named, or all that fit.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Plan an order as well that revokes what they have, for this reason of RFC 5280, such as `cessationOfOperation`, or
    /// `certificateHold` to put it on hold.
    #[arg(long, value_name = "REASON")]
    pub revoke: Option<String>,
}

/// `device ship`, `device move`
#[derive(Debug, Args)]
pub struct PassArgs {
    /// Which of the owner's devices: those that are named, or all that fit.
    #[command(flatten)]
    pub which: WhichArgs,
    /// The new owner.
    #[arg(long, value_name = "TENANT")]
    pub to: String,
}

/// Which devices an act is for.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// System titles; one alone is done at once, several are shown first.
    pub system_titles: Vec<String>,
    /// A file with one system title a line.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What they have in common, where none is named.
    #[command(flatten)]
    pub criteria: CriteriaArgs,
    /// Why; it stands in the audit log.
    #[arg(long)]
    pub reason: String,
    /// Do exactly what a dry run showed.
    #[arg(long, value_name = "DIGEST")]
    pub apply: Option<String>,
}

/// `device reconcile`
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// The owner.
    #[arg(long)]
    pub tenant: String,
    /// JSON lines: `system_title`, `purpose` (`signature`, `key-agreement` or `tls`), and `certificate` (base64 of DER) or
    /// `sha256` (of it); neither for a meter without one.
    #[arg(long, value_name = "FILE")]
    pub exported: PathBuf,
    /// Write the report as CSV into a file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// The export is of some meters only: do not tell of those in operation that it does not name.
    #[arg(long, conflicts_with_all = ["model", "batch", "region", "concentrator"])]
    pub partial: bool,
    /// The export is of the meters of this model: tell only of these that it does not name.
    #[arg(long)]
    pub model: Option<String>,
    /// The export is of the meters of this batch.
    #[arg(long)]
    pub batch: Option<String>,
    /// The export is of the meters in this region.
    #[arg(long)]
    pub region: Option<String>,
    /// The export is of the meters behind this concentrator.
    #[arg(long)]
    pub concentrator: Option<String>,
}
