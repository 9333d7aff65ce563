//! `meter-pki shipment`: the words of manifests of delivered devices.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `shipment`
#[derive(Debug, Subcommand)]
pub enum ShipmentCommand {
    /// Make a manifest: signed by the manufacturer, sealed for one distribution system operator.
    Create(Box<CreateArgs>),
    /// Show the header of a manifest, for which no key is needed; who signed it is not judged.
    Show {
        /// The manifest.
        file: PathBuf,
    },
    /// Check a manifest from its first octet to its last: signer, recipient, every record, counts and root.
    Check {
        /// The manifest.
        file: PathBuf,
        /// Whose it should be.
        #[command(flatten)]
        signer: SignerArgs,
        /// For whom it should be.
        #[command(flatten)]
        recipient: RecipientArgs,
    },
    /// Take the record of one device out of a manifest, with what proves it alone.
    Extract(ExtractArgs),
    /// Check such a record: without the manifest, and without the recipient's key.
    VerifyRecord {
        /// The record, as `shipment extract` wrote it.
        file: PathBuf,
        /// Whose it should be.
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Check a manifest and give its devices to the serving program; run again, it goes on where it was.
    Import(ImportArgs),
}

/// `shipment create`
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// The devices: a file with one JSON object a line (.jsonl), or a table with a heading (.csv).
    #[arg(long, value_name = "FILE")]
    pub devices: PathBuf,
    /// The manufacturer, as its tenant is called.
    #[arg(long, value_name = "TENANT")]
    pub manufacturer: String,
    /// The distribution system operator to whom the devices go, as its tenant is called.
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,
    /// The operator's certificate for manifests, of the profile ship-recipient (PEM or DER).
    #[arg(long, value_name = "FILE")]
    pub recipient: PathBuf,
    /// The manufacturer's certificate, of the profile ship-signer, those above it, and its key unless that is on the token (PEM).
    #[arg(long, value_name = "FILE")]
    pub signer: PathBuf,
    /// The token with the key, as a PKCS#11 URI with module-path and pin-source.
    #[arg(long, value_name = "URI")]
    pub token: Option<String>,
    /// What the manufacturer calls the shipment.
    #[arg(long, value_name = "ID")]
    pub shipment: String,
    /// The order that it answers.
    #[arg(long, default_value = "", value_name = "REFERENCE")]
    pub order: String,
    /// The transport keys that secrets are wrapped under (JSON), where devices have secrets.
    #[arg(long, value_name = "FILE")]
    pub transport_keys: Option<PathBuf>,
    /// The manifest to be made; never over an existing file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Whose a manifest should be.
#[derive(Debug, Clone, Args)]
pub struct SignerArgs {
    /// The manufacturer, as its tenant is called.
    #[arg(long, value_name = "TENANT")]
    pub manufacturer: String,
    /// The roots that vouch for its signer (PEM, or one in DER).
    #[arg(long, value_name = "FILE")]
    pub anchor: PathBuf,
    /// The organization in the signer's name, where the same root vouches for several manufacturers.
    #[arg(long, value_name = "NAME")]
    pub organization: Option<String>,
    /// Judge certificates as of this time, such as 2027-11-21T00:00:00Z; as of now unless given.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// For whom a manifest should be.
#[derive(Debug, Clone, Args)]
pub struct RecipientArgs {
    /// The certificate of the profile ship-recipient, and its key unless that is on the token (PEM).
    #[arg(long, value_name = "FILE")]
    pub recipient: PathBuf,
    /// The token with the key, as a PKCS#11 URI with module-path and pin-source.
    #[arg(long, value_name = "URI")]
    pub token: Option<String>,
}

/// `shipment extract`
#[derive(Debug, Clone, Args)]
pub struct ExtractArgs {
    /// The manifest.
    pub file: PathBuf,
    /// The device.
    #[arg(long, value_name = "HEX16")]
    pub system_title: String,
    /// Whose the manifest should be.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// For whom it should be.
    #[command(flatten)]
    pub recipient: RecipientArgs,
    /// The file to be made; never over an existing one.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `shipment import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The manifest.
    pub file: PathBuf,
    /// The owner of the devices, as its tenant is called.
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,
    /// Whose the manifest should be.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// For whom it should be.
    #[command(flatten)]
    pub recipient: RecipientArgs,
    /// Close the delivery although the server received another number of devices than the manifest says.
    #[arg(long)]
    pub accept_count: bool,
}
