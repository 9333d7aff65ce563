//! The command line: nouns, verbs, options. What a verb does stands in `commands`.

pub mod api;
pub mod audit;
pub mod cert;
pub mod campaign;
pub mod cmp;
pub mod device;
pub mod dlms;
pub mod delivery;
pub mod doctor;
pub mod est;
pub mod factory;
pub mod hsm;
pub mod migration;
pub mod emergency;
pub mod people;
pub mod profile;
pub mod qr;
pub mod quickstart;
pub mod request;
pub mod revocation;
pub mod shipment;
pub mod secrets;
pub mod signer;
pub mod sim;
pub mod stats;
pub mod store;
pub mod watch;
pub mod visit;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use quickstart::QuickstartArgs;
use revocation::{RevocationCommand, TrustCommand};
pub use store::{ReachArgs, SecretArgs, StoreCommand};

/// Certificate authority and PKI suite for smart meters, gateways and hand-held units.
#[derive(Debug, Parser)]
#[command(name = "meter-pki", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// How the server is reached.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How the server is reached, and what is asked of the calls to it.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The configuration file.
    #[arg(long, global = true, default_value = "meter-pki.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Show each call to the server as a command of curl.
    #[arg(long, global = true)]
    pub api: bool,
    /// Typed again with this key within a day, nothing is done twice.
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rehearse a ceremony, start all servers on loopback, enrol a simulated fleet, and go on serving.
    Quickstart(QuickstartArgs),
    /// Measure what this machine does of issuance, enrolment and status, beside what it could.
    Bench(figures::Options),
    /// Serve EST, CRL, OCSP and the operator's interface as the configuration says.
    Serve,
    /// Serve EST for an authority elsewhere, which is asked over CMP: without ledger, and without any key of an authority.
    Front,
    /// Hold the keys and sign for an authority in another process: what they are for, and no more.
    Signer(signer::SignerCommand),
    /// Look at the whole PKI again and again, and tell people and programs when something turns bad, or good again.
    Watch(watch::WatchArgs),
    /// Tokens (HSMs) and the keys on them.
    #[command(subcommand)]
    Hsm(hsm::HsmCommand),
    /// Symmetric keys and passwords of devices, wrapped under keys on tokens.
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Certification authorities.
    #[command(subcommand)]
    Ca(CaCommand),
    /// The exchange with the offline root.
    #[command(subcommand)]
    Ceremony(CeremonyCommand),
    /// Files on paper.
    #[command(subcommand)]
    Qr(qr::QrCommand),
    /// Certificates.
    #[command(subcommand)]
    Cert(cert::CertCommand),
    /// Profiles: what certificates, CRLs and OCSP answers are made by.
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Orders to revoke or release many certificates.
    #[command(subcommand)]
    Revocation(RevocationCommand),
    /// Swapping or renewing the certificates of many devices.
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    /// Authorities by whose certificates somebody is let in.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Requests that wait for the approval of operators.
    #[command(subcommand)]
    Request(request::RequestCommand),
    /// Who may do what.
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// Roles in emergencies: for hours, for a reason, on the word of two people with different roles.
    #[command(subcommand)]
    BreakGlass(emergency::BreakGlassCommand),
    /// Visits of technicians, and certificates for their hand-held units.
    #[command(subcommand)]
    Visit(visit::VisitCommand),
    /// Devices that their owner expects.
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// The factory line: production orders, and certificates for a batch.
    #[command(subcommand)]
    Factory(factory::FactoryCommand),
    /// Manifests of delivered devices: made by the manufacturer, checked and taken in by the distribution system operator.
    #[command(subcommand)]
    Shipment(shipment::ShipmentCommand),
    /// Octets that head-ends exchange with meters (DLMS/COSEM, class 64).
    #[command(subcommand)]
    Dlms(dlms::DlmsCommand),
    /// Files that meter makers deliver, read by maps.
    #[command(subcommand)]
    Delivery(delivery::DeliveryCommand),
    /// Coming from another CA program.
    #[command(subcommand)]
    Migrate(migration::MigrateCommand),
    /// Certificate revocation lists.
    #[command(subcommand)]
    Crl(CrlCommand),
    /// OCSP answers signed ahead.
    #[command(subcommand)]
    Ocsp(OcspCommand),
    /// The EST client: for gateways, hand-held units and head-ends.
    #[command(subcommand)]
    Est(est::EstCommand),
    /// The CMP client: for gateways, hand-held units and registration authorities.
    #[command(subcommand)]
    Cmp(cmp::CmpCommand),
    /// Simulated meters, to rehearse a roll-out.
    #[command(subcommand)]
    Sim(sim::SimCommand),
    /// The audit trail.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Counts of certificates, devices, CRLs and signatures, and plots of them.
    #[command(subcommand)]
    Stats(stats::StatsCommand),
    /// The ledger's directory.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Backups of the ledger and the configuration.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Bringing a ledger back from a backup.
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The operator's interface, for programs of others.
    #[command(subcommand)]
    Api(api::ApiCommand),
    /// Show how the whole stands, in short, as the server knows it.
    Overview,
    /// Examine the whole PKI: certificates, keys, CRLs and OCSP as others get them, files, disks, clock, records, and what waits.
    Doctor(doctor::DoctorArgs),
    /// Print the completion script of a shell.
    Completion {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// `ca`
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// List the authorities.
    List,
    /// Show one authority.
    Show {
        /// Its name.
        name: String,
    },
    /// List the keys that the server uses, where they are, and how their tokens stand.
    Keys,
    /// Close an authority for good, without a server: its last CRL, then the destruction of its key.
    Close(CloseArgs),
}

/// `ca close`
#[derive(Debug, Clone, Args)]
pub struct CloseArgs {
    /// The name of the authority.
    pub name: String,
    /// The serial number of its certificate, in hexadecimal: whoever types it means this authority.
    #[arg(long, value_name = "HEX")]
    pub serial: String,
    /// Why, for the record.
    #[arg(long)]
    pub reason: String,
    /// The file for the last CRL, DER, which the offline root asks for.
    #[arg(long, value_name = "FILE")]
    pub last_crl: PathBuf,
}

/// `ceremony`
#[derive(Debug, Subcommand)]
pub enum CeremonyCommand {
    /// Make the key of a new authority and a request file for the offline root; the request is open from then on.
    Request(RequestArgs),
    /// Take in the response to an open request and write the certificates it brings.
    Import(ImportArgs),
    /// Take in what the ceremony made for later: a directory with series.json, or one file. The server publishes each by its date.
    Keep {
        /// The directory with `series.json`, or a CRL or CA certificate (DER or PEM).
        path: PathBuf,
        /// The date of a single file, such as 2027-11-21T00:00:00Z; its thisUpdate or notBefore unless given.
        #[arg(long, value_name = "TIME")]
        release: Option<String>,
    },
    /// Show what is kept, what comes next, and when the CRLs and certificates of the roots end.
    Releases,
    /// Check the bundle of a ceremony again, from the bundle alone.
    Verify {
        /// The directory of the bundle, or a .tar of it.
        bundle: PathBuf,
        /// Have the server check it, which takes a .tar of up to 11 MiB.
        #[arg(long)]
        served: bool,
        /// The bundle of the ceremony before: then it is also checked that the one goes on where the other ended
        #[arg(long, value_name = "BUNDLE")]
        previous: Option<PathBuf>,
    },
    /// Show which responses were taken in and which were refused, and why; the journal is checked first.
    Journal {
        /// The directory of the open requests, with the journal.
        #[arg(long, default_value = "exchanges", value_name = "DIR")]
        exchanges: PathBuf,
    },
    /// Show what the server knows: requests that are out, responses, and what is kept for later.
    State,
    /// List the open requests.
    Requests {
        /// The directory of the open requests.
        #[arg(long, default_value = "exchanges", value_name = "DIR")]
        exchanges: PathBuf,
    },
}

/// `ceremony request`
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// The profile of the authority, such as sub-operational-s1.
    #[arg(long)]
    pub profile: String,
    /// Country of its name, two letters.
    #[arg(long)]
    pub country: String,
    /// Organization of its name.
    #[arg(long)]
    pub organization: String,
    /// Common name, with its generation.
    #[arg(long)]
    pub common_name: String,
    /// The request file to be made.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Have the server make key and request, where its own keys and exchanges are.
    #[arg(long, group = "KeyArgs", conflicts_with_all = ["key_directory", "token_uri", "exchanges"])]
    pub served: bool,
    /// The directory of the open requests; made when absent.
    #[arg(long, default_value = "exchanges", value_name = "DIR")]
    pub exchanges: PathBuf,
    /// The name of the key to be certified again, 40 hexadecimal digits: a renewal, for which no key is made.
    #[arg(long, value_name = "KEY")]
    pub renew: Option<String>,
    /// Where the key is, or is made.
    #[command(flatten)]
    pub keys: KeyArgs,
}

/// Where keys are.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub struct KeyArgs {
    /// A directory of encrypted key files; made when absent.
    #[arg(long, value_name = "DIR", requires = "passphrase_file", conflicts_with = "token_uri")]
    pub key_directory: Option<PathBuf>,
    /// The file with the passphrase of the key files, mode 0600.
    #[arg(long, value_name = "FILE", requires = "key_directory")]
    pub passphrase_file: Option<PathBuf>,
    /// A PKCS#11 token by its URI (RFC 7512), with module-path and pin-source.
    #[arg(long, value_name = "URI")]
    pub token_uri: Option<String>,
}

/// `ceremony import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The response file.
    pub response: PathBuf,
    /// The directory of the open requests.
    #[arg(long, default_value = "exchanges", value_name = "DIR")]
    pub exchanges: PathBuf,
    /// SHA-256 of the ceremony's exchange key, as the ceremony showed it: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX64")]
    pub exchange_key: String,
    /// The directory for the certificates and the root's CRL.
    #[arg(long, value_name = "DIR", required_unless_present = "served")]
    pub out: Option<PathBuf>,
    /// Have the server take it in, and write what it brings where its configuration says.
    #[arg(long, conflicts_with_all = ["out", "exchanges"])]
    pub served: bool,
}

/// `crl`
#[derive(Debug, Subcommand)]
pub enum CrlCommand {
    /// List the latest CRLs of every authority: of all, of its shards, and the deltas to them.
    List,
    /// Issue and publish new CRLs now: of all, of every shard, and the deltas to them.
    Publish {
        /// The name of the authority.
        name: String,
        /// Only those of this shard.
        #[arg(long)]
        shard: Option<String>,
        /// Only deltas to the complete CRLs that are published.
        #[arg(long)]
        delta: bool,
    },
    /// Sign and publish new CRLs without a server: from the ledger and the key alone.
    Resign {
        /// The name of the authority.
        name: String,
    },
    /// Compare published CRLs with the ledger, by a reader that shares nothing with what makes them.
    Verify(CrlVerifyArgs),
    /// Publish a CRL that an offline root signed.
    Import {
        /// The CRL, DER.
        file: PathBuf,
    },
}

/// `crl verify`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("elsewhere").args(["url", "file"]))]
pub struct CrlVerifyArgs {
    /// The name of the authority; without it, every authority.
    pub name: Option<String>,
    /// Fetch the CRL here, and not where certificates say it is; with a name only.
    #[arg(long, requires = "name", conflicts_with = "file")]
    pub url: Option<String>,
    /// Read the CRL, DER, from here; with a name only.
    #[arg(long, requires = "name", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is there is the CRL of this shard.
    #[arg(long, requires = "elsewhere")]
    pub shard: Option<String>,
    /// What is there is a delta.
    #[arg(long, requires = "elsewhere")]
    pub delta: bool,
}

/// `ocsp`
#[derive(Debug, Subcommand)]
pub enum OcspCommand {
    /// Have answers signed for an authority's certificates, as files that any web server serves to GET.
    Export(OcspExportArgs),
}

/// `ocsp export`
#[derive(Debug, Clone, Args)]
pub struct OcspExportArgs {
    /// The name of the authority.
    pub name: String,
    /// The directory; made when absent, brought up to date when present.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Only for the certificate with this serial number, in hexadecimal; may be given several times.
    #[arg(long, value_name = "HEX", conflicts_with = "expiring_before")]
    pub serial: Vec<String>,
    /// Sign only for certificates that end before this time, such as 2027-11-21T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub expiring_before: Option<String>,
}

/// `backup`
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Make a recovery key: its public half for the server, and shares of its private half for people.
    Keygen {
        /// How many shares are needed of how many, such as 2-of-3.
        #[arg(long, value_name = "M-of-N")]
        shares: String,
        /// The directory for `recovery.pub` and the shares; made when absent.
        directory: PathBuf,
    },
    /// Back up the ledger of the serving program, which goes on.
    Create {
        /// The file to be made; never over an existing one.
        file: PathBuf,
    },
    /// Decrypt a backup, restore it into a scratch directory, and check that everything agrees.
    Verify(VerifyArgs),
}

/// `backup verify`
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The backup.
    pub file: PathBuf,
    /// A share of the recovery key; as many as are needed.
    #[arg(long = "share", value_name = "FILE", required = true)]
    pub shares: Vec<PathBuf>,
    /// Where the scratch directory is made; beside the backup unless given.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Write the configuration that is in the backup to a new file.
    #[arg(long, value_name = "FILE")]
    pub configuration_out: Option<PathBuf>,
}

/// `restore`
#[derive(Debug, Subcommand)]
pub enum RestoreCommand {
    /// Make a ledger of a backup where none is; it is in recovery and issues nothing.
    Begin(BeginArgs),
    /// Compare a ledger in recovery with the exported audit log, and take in what the log has and the ledger has not.
    Reconcile {
        /// The directory of the exported log; that of the configuration unless given.
        #[arg(long, value_name = "DIR")]
        export: Option<PathBuf>,
        /// Take it in; without this, only tell.
        #[arg(long)]
        apply: bool,
    },
    /// End the recovery under a new epoch: the next start issues again.
    Finish {
        /// The directory of the exported log; that of the configuration unless given.
        #[arg(long, value_name = "DIR")]
        export: Option<PathBuf>,
        /// End it although no exported log was taken in: certificates may exist that the ledger does not know.
        #[arg(long)]
        without_log: bool,
    },
}

/// `restore begin`
#[derive(Debug, Clone, Args)]
pub struct BeginArgs {
    /// The backup.
    pub file: PathBuf,
    /// A share of the recovery key; as many as are needed.
    #[arg(long = "share", value_name = "FILE", required = true)]
    pub shares: Vec<PathBuf>,
    /// The directory to be made; that of the configuration unless given.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// `fjall` or `sled`; that of the configuration unless given. It need not be that of the backup.
    #[arg(long)]
    pub engine: Option<String>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the configuration and every file it names, and tell every fault.
    Check,
    /// Write the certificate policy and practice statement that the configuration amounts to, Markdown, in the outline of RFC 3647.
    Statement {
        /// Only what is still to be filled in, and by whom.
        #[arg(long)]
        open: bool,
        /// Leave out what every founding has its own of: names of keys, serial numbers, fingerprints, dates and addresses.
        #[arg(long)]
        template: bool,
    },
}
