//! `campaign`: what is typed about swapping or renewing the certificates of many devices.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `campaign`
#[derive(Debug, Subcommand)]
pub enum CampaignCommand {
    /// Show what a campaign would come to, and write it down; nothing is done to any device.
    Plan(Box<CampaignPlanArgs>),
    /// List campaigns.
    List {
        /// Only of this state: planned, waiting, running, paused, ending, done, abandoned, refused or expired.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this digest, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show one campaign, and how many of its devices stand how.
    Show {
        /// Its name, its digest, or the first 8 or more digits of that.
        campaign: String,
        /// Show one of its devices, with what audit records tell of it.
        #[arg(long, value_name = "HEX16")]
        system_title: Option<String>,
    },
    /// Ask for exactly what was planned with this digest.
    Start {
        /// Its digest.
        digest: String,
    },
    /// Approve a campaign that another operator asked for; it is then carried out.
    Approve {
        /// Its digest, or the first 8 or more digits of it.
        digest: String,
    },
    /// Refuse a campaign that was not begun, or withdraw your own.
    Refuse {
        /// Its name, or its digest.
        campaign: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Begin no device for now; what is under way goes on.
    Pause {
        /// Its name, or its digest.
        campaign: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Go on with a campaign that is paused.
    Resume {
        /// Its name, or its digest.
        campaign: String,
        /// Have what is stuck tried again, whether it is paused or not.
        #[arg(long)]
        stuck: bool,
    },
    /// Give a campaign up: what no device has taken yet is undone, all else finished.
    Abandon {
        /// Its name, or its digest.
        campaign: String,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Report how far a campaign is, and what is stuck and why.
    Report {
        /// Its name, or its digest.
        campaign: String,
        /// In which form.
        #[arg(long, value_enum, default_value_t = ReportForm::Text)]
        form: ReportForm,
        /// Into a file that must not exist; needed for XLSX.
        #[arg(long, value_name = "FILE", required_if_eq("form", "xlsx"))]
        out: Option<PathBuf>,
    },
    /// List the devices that a person has to look at, and why.
    Stuck {
        /// Its name, or its digest.
        campaign: String,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this system title, as the list before said.
        #[arg(long)]
        after: Option<String>,
    },
    /// Take calls for a head-end, each for a time.
    WorkOrders {
        /// Its name, or its digest; without it, of every campaign that a head-end works.
        campaign: Option<String>,
        /// For how many devices.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
        /// The longest APDU that the meters take, in octets, without what ciphering adds.
        #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u16).range(64..))]
        max_pdu: u16,
        /// Into a file that must not exist: one JSON object on each line.
        #[arg(long, value_name = "FILE.jsonl")]
        out: PathBuf,
    },
    /// Bring the answers of meters, one JSON object on each line.
    Answers {
        /// The file.
        file: PathBuf,
    },
}

/// In which form a campaign is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// For people.
    Text,
    /// Every device, comma-separated.
    Csv,
    /// The same as a workbook.
    Xlsx,
    /// A plot of how many are done when.
    Svg,
}

/// `campaign plan`
#[derive(Debug, Clone, Args)]
pub struct CampaignPlanArgs {
    /// Whose devices.
    #[arg(long)]
    pub tenant: String,
    /// What people call it.
    #[arg(long)]
    pub name: String,
    /// What it is for: swap, renew or uplift.
    #[arg(long)]
    pub goal: String,
    /// How the certificates come to the devices: device (it asks by itself, over EST or CMP) or head-end (by calls).
    #[arg(long)]
    pub road: String,
    /// The profile of a certificate; repeated for further types, in the order in which they are swapped.
    #[arg(long = "profile", required = true)]
    pub profiles: Vec<String>,
    /// The instance of the Security setup object on the meters (the e of 0.0.43.0.e.255), for a head-end.
    #[arg(long, default_value_t = 0, value_name = "E")]
    pub security_setup: u8,
    /// A word of the `security_policy` that a head-end activates last, such as authenticated-request; repeated for further ones, or
    /// nothing. An uplift by a head-end needs it.
    #[arg(long = "security-policy", value_name = "WORD")]
    pub security_policy: Vec<String>,
    /// The system titles of the devices, one on each line.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Only of this manufacturer: his name, or the FLAG id (three capital letters) with which system titles begin.
    #[arg(long, value_name = "NAME")]
    pub manufacturer: Option<String>,
    /// Only of this model.
    #[arg(long)]
    pub model: Option<String>,
    /// Only with this firmware, as it was delivered.
    #[arg(long)]
    pub firmware: Option<String>,
    /// Only of this batch.
    #[arg(long)]
    pub batch: Option<String>,
    /// Only in this region.
    #[arg(long)]
    pub region: Option<String>,
    /// Only behind this concentrator.
    #[arg(long)]
    pub concentrator: Option<String>,
    /// Renew only those one of whose certificates in question ends before this time.
    #[arg(long, value_name = "TIME")]
    pub expires_before: Option<String>,
    /// How many devices the first wave has; repeated for further waves. What is left is the last one.
    #[arg(long = "wave", value_name = "COUNT")]
    pub waves: Vec<u64>,
    /// Pause when more than so many of a hundred devices of a wave are stuck.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub stop_percent: u8,
    /// How many devices are begun in a minute.
    #[arg(long, default_value_t = 60)]
    pub per_minute: u32,
    /// How many behind one concentrator may be under way together; 0 for any number.
    #[arg(long, default_value_t = 0)]
    pub per_concentrator: u32,
    /// In which hours, UTC, such as 22:00-05:00.
    #[arg(long)]
    pub window: Option<String>,
    /// How long a head-end has for a call, in seconds; 3600 unless given.
    #[arg(long)]
    pub lease_seconds: Option<u32>,
    /// How long is waited after the first attempt that failed, in seconds, and twice as long each time; 300 unless given.
    #[arg(long)]
    pub pause_seconds: Option<u32>,
    /// How often one step is tried before a person has to look; 5 unless given.
    #[arg(long)]
    pub attempts: Option<u8>,
    /// How long is waited for a device that asks by itself, in seconds; a week unless given.
    #[arg(long)]
    pub device_seconds: Option<u32>,
}
