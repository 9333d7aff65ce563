//! What is known of a PKI at one moment, gathered before anything is judged. Plain values; times are seconds since 1970.
//!
//! Nothing is read here, and nothing is an opinion: what is too old, too open or too little is for `judge`.

use crate::operator::wire::NodeView;
use std::net::SocketAddr;

/// Everything that checks look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The wall clock of who looks.
    pub(crate) now: i64,
    /// The version of the program that looks.
    pub(crate) version: String,
    /// Every fault of the configuration.
    pub(crate) faults: Vec<String>,
    /// What the configuration says; none when it is faulty.
    pub(crate) configured: Option<Configured>,
    /// What files and disks show; the places come from the configuration.
    pub(crate) files: Files,
    /// What the server tells; none when nobody serves.
    pub(crate) served: Option<Served>,
    /// What answers from outside.
    pub(crate) outside: Outside,
    /// Signatures that were asked for to see whether they are made.
    pub(crate) signatures: Vec<Attempt>,
}

/// What the configuration says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configured {
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) sha256: String,
    /// SHA-256 over the profile files; none where the profiles are built in.
    pub(crate) profiles_sha256: Option<String>,
    /// Certificates by which this system acts, or which it trusts.
    pub(crate) certificates: Vec<OwnCertificate>,
    /// Each authority.
    pub(crate) authorities: Vec<Authority>,
    /// Whether keys are kept by software, or may be.
    pub(crate) software_keys: bool,
    /// Name and address of each listener.
    pub(crate) listeners: Vec<(String, SocketAddr)>,
    /// The key that signs checkpoints.
    pub(crate) checkpoint_key: Option<String>,
    /// Whether the audit log is copied, to files or over syslog.
    pub(crate) copied: bool,
    /// Whether backups have a recovery key.
    pub(crate) recovery_key: bool,
    /// User ids that may use the operator's socket, root left out.
    pub(crate) people: Vec<u32>,
    /// From how many certificates on a revocation needs two people; 0 for never.
    pub(crate) two_people_from: u64,
    /// Profiles that are issued after two people approved.
    pub(crate) approved_by_two: Vec<String>,
    /// Rates that were switched off.
    pub(crate) without_limit: Vec<String>,
    /// The most connections of all TLS and plain listeners together.
    pub(crate) most_connections: u64,
    /// Issued by operators where nobody else may: the fault when an offer has no door.
    pub(crate) offers_without_door: Vec<String>,
}

/// An authority of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authority {
    pub(crate) name: String,
    /// The end of its issuing window.
    pub(crate) issues_until: i64,
    /// Whether its path leads, signature by signature, to the last certificate of it.
    pub(crate) path_fault: Option<String>,
    /// URIs that its certificates name, with what they lead to.
    pub(crate) uris: Vec<(String, String)>,
    /// Each profile that it offers, with how many seconds a certificate is valid that is issued now.
    pub(crate) offers: Vec<(String, i64)>,
}

/// In which part a certificate acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Part {
    #[default]
    Root,
    Authority,
    Tls,
    MessageSigner,
    Manufacturer,
    RegistrationAuthority,
}

/// A certificate of the system itself, or one that it trusts.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnCertificate {
    pub(crate) part: Part,
    /// What operators call it, such as `authority dso-operational-s1`.
    pub(crate) name: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// Its serial number in hexadecimal.
    pub(crate) serial: String,
    /// What is wrong with it beside the file's other certificates or its key; none when all fits.
    pub(crate) fault: Option<String>,
}

/// What files and disks show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathFact>,
    pub(crate) disks: Vec<Disk>,
    /// When a file of the ledger was last written.
    pub(crate) ledger_written_at: Option<i64>,
    /// When a file of the exported log was last written.
    pub(crate) export_written_at: Option<i64>,
    /// The number of the last record in the exported log; none where it cannot be read.
    pub(crate) exported: Option<u64>,
    /// The size of the tree that the last exported checkpoint tells of.
    pub(crate) checkpointed: Option<u64>,
    /// The format that the ledger's directory says it has, and the one of this program.
    pub(crate) ledger_format: Option<(String, String)>,
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The configuration itself.
    Configuration,
    /// Directory of key files.
    KeyDirectory,
    /// An encrypted key file.
    KeyFile,
    /// Opens key files.
    Passphrase,
    /// The PIN of a token.
    Pin,
    /// The private key of TLS.
    TlsKey,
    /// The ledger's directory.
    Ledger,
    /// The exported log's directory.
    Export,
    /// The directory of published CRLs.
    Published,
    /// The directory in which the operator's socket is.
    SocketDirectory,
    /// The socket of a signer.
    SignerSocket,
}

/// A file or directory.
#[derive(Debug, Clone)]
pub(crate) struct PathFact {
    pub(crate) used_as: Use,
    pub(crate) path: String,
    /// Permission bits; none when there is nothing.
    pub(crate) mode: Option<u32>,
}

/// The file system under a directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) used_as: Option<Use>,
    pub(crate) path: String,
    pub(crate) free_octets: u64,
    pub(crate) octets: u64,
    pub(crate) free_files: u64,
    pub(crate) files: u64,
    /// The number of the device.
    pub(crate) device: u64,
}

/// What the server tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    /// What it was asked and did not answer, with the reason.
    pub(crate) unanswered: Vec<(String, String)>,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) profiles_sha256: Option<String>,
    /// Its wall clock, and ours when its answer came.
    pub(crate) clock: (i64, i64),
    /// The number and the time of the last audit record.
    pub(crate) last_record: Option<(u64, i64)>,
    /// When the last backup was made, as far back as the trail was looked through.
    pub(crate) last_backup: Option<i64>,
    /// How many open files the process may have.
    pub(crate) open_files: Option<u64>,
    /// Since when and why the ledger is in recovery.
    pub(crate) recovery: Option<(String, String)>,
    /// The nodes that share the ledger.
    pub(crate) nodes: Vec<NodeView>,
    /// Parts that are not well: name, whether they failed, reason.
    pub(crate) unwell: Vec<(String, bool, String)>,
    /// CRLs on record.
    pub(crate) crls: Vec<RecordedCrl>,
    /// Uncertain intents, by serial number.
    pub(crate) uncertain: Vec<String>,
    /// Pending intents: serial number and when recorded.
    pub(crate) pending: Vec<(String, i64)>,
    /// Waiting requests: id, when they came, when they end.
    pub(crate) requests: Vec<Waiting>,
    /// Orders to revoke many that wait for people.
    pub(crate) orders: Vec<Waiting>,
    /// Orders that are being carried out.
    pub(crate) orders_running: Vec<Waiting>,
    /// Campaigns that are not over.
    pub(crate) campaigns: Vec<Campaign>,
    /// Revocations that are due later: serial number and when due.
    pub(crate) scheduled: Vec<(String, i64)>,
    /// Open production orders.
    pub(crate) production: Vec<Production>,
    /// Authorities that are shut out, by subject.
    pub(crate) blocked: Vec<String>,
    /// Authorities whose letting in again waits for a second person.
    pub(crate) unblock_asked: Vec<String>,
    /// Emergencies that are open or not reviewed: whose, which role, `open` or until when it is to be reviewed, and whether that is
    /// over.
    pub(crate) emergencies: Vec<(String, String, String, bool)>,
    /// Profiles whose last version comes to something else than the one before under the same `version`: name, version, file, since when.
    pub(crate) reused_versions: Vec<(String, u32, String, String)>,
    /// The ends of what roots made: sentence and days.
    pub(crate) roots: Vec<(String, i64)>,
    /// Own certificates that are not good any more: name and status.
    pub(crate) not_good: Vec<(String, String)>,
    /// What is wrong with the last audit records; none when they hold together.
    pub(crate) broken_tail: Option<String>,
    /// What is wrong with the checkpoint that was signed now.
    pub(crate) broken_checkpoint: Option<String>,
    /// Values of the metrics that checks look at, summed over their labels.
    pub(crate) metrics: Vec<(String, f64)>,
}

impl Served {
    /// Returns a metric, 0 when it was never counted.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.metrics.iter().find(|(known, _)| known == name).map_or(0.0, |(_, value)| *value)
    }
}

/// A CRL on record.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordedCrl {
    /// Authority, with shard and base where there are any.
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) this_update: i64,
    pub(crate) next_update: i64,
    /// The number of the complete CRL that a delta needs.
    pub(crate) base: Option<u64>,
}

/// What waits for people, or for its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) since: i64,
    pub(crate) until: i64,
}

/// A campaign that is not over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Campaign {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) stuck: u64,
    pub(crate) expected_at: Option<i64>,
}

/// A production order that is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Production {
    pub(crate) id: String,
    pub(crate) ordered: u64,
    pub(crate) complete: u64,
    pub(crate) until: i64,
}

/// What answers from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    pub(crate) crls: Vec<SeenCrl>,
    /// Certificates of authorities, as the URIs in certificates lead to them.
    pub(crate) certificates: Vec<Seen>,
    pub(crate) ocsp: Vec<SeenAnswer>,
    /// Listeners: name, address, and why none answered.
    pub(crate) listeners: Vec<(String, Option<String>)>,
    /// Dates of HTTP answers: whose, and how many seconds they were ahead of us.
    pub(crate) dates: Vec<(String, i64)>,
}

/// What came from a URI.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) uri: String,
    /// Why nothing came.
    pub(crate) unreachable: Option<String>,
    /// Why what came is not what it should be.
    pub(crate) unfit: Option<String>,
}

/// A CRL as relying parties get it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeenCrl {
    pub(crate) seen: Seen,
    /// What it says, when its signature verified.
    pub(crate) crl: Option<RecordedCrl>,
    pub(crate) octets: u64,
    /// The number on record when it was fetched, or soon after.
    pub(crate) recorded: u64,
}

/// An OCSP answer as relying parties get it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeenAnswer {
    pub(crate) seen: Seen,
    /// When the answer was signed, when its signature verified.
    pub(crate) this_update: Option<i64>,
    pub(crate) next_update: Option<i64>,
    /// The end of the responder's certificate.
    pub(crate) responder_ends: Option<i64>,
    /// What the ledger says and what the answer says, where they differ.
    pub(crate) differs: Option<String>,
}

/// A signature that was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempt {
    /// By whom, such as `checkpoint key`.
    pub(crate) by: String,
    /// Why it was not made, or did not verify.
    pub(crate) fault: Option<String>,
}
