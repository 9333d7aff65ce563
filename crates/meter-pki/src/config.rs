//! The configuration file of `meter-pki serve`: what it may say, and the checked form that the rest of the program sees.
//!
//! Read once, by the binary. Paths are relative to the file. An absent allow-list allows nothing; nothing is created that
//! should exist. Every fault of the file is reported, with its line.

mod checked;
mod checker;
mod cmp;
mod front;
mod push;
mod remote;
mod sign_in;
mod signer;
mod store;
mod watch;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use server_kit::limits::Limits;
use server_kit::workers::PoolSize;
use toml::Spanned;

use crate::coaps::CoapsLimits;

pub use checked::{
    CheckConfigError, CheckedAudit, CheckedAuthority, CheckedManufacturer, CheckedOffer,
    CheckedRegistrationAuthority, Collector, Config, KeySource,
};
pub(crate) use checked::{OperatorDoor, ShipmentTrust};
pub use cmp::{RawCentralKeys, RawCmp, RawFinalNonce, RawNested, RawPasswordWrap};
pub use front::{
    CheckedUpstream, Elsewhere, ForwardedOffer, FrontConfig, RawElsewhere, RawForwardedOffer, RawFront,
    RawHealth, RawUpstream,
};
pub use push::RawPush;
pub(crate) use remote::{RemoteServer, RemoteSignIn};
pub(crate) use sign_in::CheckedSignIn;
pub use sign_in::{RawConsoleSignIn, RawSignIn};
pub(crate) use signer::CheckedKey;
pub use signer::{RawKey, RawSigner, SignerConfig};
pub(crate) use store::{CheckedDatabase, ENGINES, StorePlace, reach};
pub use store::{RawDatabase, RawStore};
pub(crate) use watch::{CheckedTarget, MailWay, NoticeLog, Way};
pub use watch::{MailSecurity, RawMail, RawNoticeLog, RawUnusual, RawWatch, RawWebhook, WatchConfig};

/// The file as it is written. Tables know their places in it, so that faults can be told with their lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Where records are kept.
    pub store: Spanned<RawStore>,
    /// Where private keys are.
    pub keys: Spanned<RawKeys>,
    /// The profiles and how they are encoded.
    #[serde(default = "built_in")]
    pub profiles: Spanned<RawProfiles>,
    /// The EST listener.
    pub est: Spanned<RawEst>,
    /// The CMP front end; without it, none.
    pub cmp: Option<Spanned<RawCmp>>,
    /// The listener for CRLs, CA certificates and OCSP.
    pub status: Spanned<RawStatus>,
    /// The operator's interface.
    pub operator: Spanned<RawOperator>,
    /// Checkpoints and copies of the audit trail.
    #[serde(default = "no_copies")]
    pub audit: Spanned<RawAudit>,
    /// Backups.
    #[serde(default)]
    pub backup: RawBackup,
    /// How many people a change of many certificates needs.
    #[serde(default = "usual_revocation")]
    pub revocation: Spanned<RawRevocation>,
    /// `[visits]`: what visits of technicians need.
    #[serde(default = "usual_visits")]
    pub visits: Spanned<RawVisits>,
    /// The certification authorities, at least one.
    #[serde(rename = "authority")]
    pub authorities: Vec<Spanned<RawAuthority>>,
    /// Manufacturers whose factory certificates are trusted.
    #[serde(rename = "manufacturer", default)]
    pub manufacturers: Vec<Spanned<RawManufacturer>>,
    /// Registration authorities and their bounds.
    #[serde(rename = "registration_authority", default)]
    pub registration_authorities: Vec<Spanned<RawRegistrationAuthority>>,
    /// Which meters may be lifted to which suite; without a line for it, none is.
    #[serde(rename = "uplift", default)]
    pub uplifts: Vec<Spanned<RawUplift>>,
}

fn built_in() -> Spanned<RawProfiles> {
    Spanned::new(0..0, RawProfiles::default())
}

fn no_copies() -> Spanned<RawAudit> {
    Spanned::new(0..0, RawAudit::default())
}

fn usual_visits() -> Spanned<RawVisits> {
    Spanned::new(0..0, RawVisits::default())
}

fn usual_revocation() -> Spanned<RawRevocation> {
    Spanned::new(0..0, RawRevocation::default())
}

/// `[keys]`: a directory of encrypted key files, a token, or a signer in a process of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// `allow_software_key`: lets keys be used that are kept by software, in files; not unless given.
    #[serde(default)]
    pub allow_software_key: bool,
    /// `directory`: encrypted PKCS#8 files, mode 0600 in a directory of mode 0700.
    pub directory: Option<PathBuf>,
    /// `passphrase_file`: opens the key files; mode 0600.
    pub passphrase_file: Option<PathBuf>,
    /// `token_uri`: a PKCS#11 URI (RFC 7512) with module-path and pin-source.
    pub token_uri: Option<String>,
    /// `token_uris`: several of them, in the place of `token_uri`: other keys on each token, or the same key on more than one.
    #[serde(default)]
    pub token_uris: Vec<String>,
    /// `token`: how each token is used.
    pub token: Option<RawTokenBounds>,
    /// `signer_socket`: the socket of `meter-pki signer`, which has the keys; this program then opens none.
    pub signer_socket: Option<PathBuf>,
}

/// `[keys.token]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawTokenBounds {
    /// `sessions`: how many signatures are made at once at most, each in a session of its own; 8 unless given.
    pub sessions: Option<NonZeroUsize>,
    /// `longest_queue_seconds`: how long a signature waits for a session that is free; 10 unless given.
    pub longest_queue_seconds: Option<u16>,
    /// `longest_call_seconds`: after how long a call is given up; 10 unless given.
    pub longest_call_seconds: Option<u16>,
    /// `shortest_rest_seconds`: how long a token is left alone after it failed; 1 unless given.
    pub shortest_rest_seconds: Option<u16>,
    /// `longest_rest_seconds`: how long at most, after it failed again and again; 60 unless given.
    pub longest_rest_seconds: Option<u16>,
}

/// `[profiles]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawProfiles {
    /// `directory`: profile files instead of the ones built in.
    pub directory: Option<PathBuf>,
    /// `variant`: `gurux-safe` (default), `greenbook-san`, `strict-empty` or `small`.
    pub variant: Option<String>,
    /// `hw_type`: the object identifier in hardwareModuleName, for variants that have one.
    pub hw_type: Option<String>,
    /// `policy_arc`: the arc of certificate policies; the documentation arc of RFC 5612 unless given.
    pub policy_arc: Option<String>,
}

/// `[est]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEst {
    /// `listen`: address and port.
    pub listen: SocketAddr,
    /// `certificate_file`: PEM, the server's certificate first.
    pub certificate_file: PathBuf,
    /// `key_file`: PEM PKCS#8, mode 0600.
    pub key_file: PathBuf,
    /// `message_certificate_file`: DER, of profile `cmp-signer`: who signs what is said in CMS.
    pub message_certificate_file: Option<PathBuf>,
    /// `message_key_file`: its key, an encrypted PEM key file, mode 0600; without one, the key is in `[keys]`.
    pub message_key_file: Option<PathBuf>,
    /// `message_passphrase_file`: the passphrase of that file.
    pub message_passphrase_file: Option<PathBuf>,
    /// `default_label`: answers where the path has no label (RFC 7030 §3.2.2).
    pub default_label: String,
    /// `limits`
    #[serde(default)]
    pub limits: Limits,
    /// `pool`
    #[serde(default)]
    pub pool: PoolSize,
    /// `rates`
    #[serde(default)]
    pub rates: RawRates,
    /// `bulk`
    #[serde(default)]
    pub bulk: RawBulk,
    /// `dlms_tools`: not served unless given.
    pub dlms_tools: Option<RawDlmsTools>,
    /// `[est.coaps]`: the same over CoAP and DTLS; without it, none.
    pub coaps: Option<RawCoaps>,
}

/// `[est.rates]`: how often who may ask; each key is `{ per_second, burst }`, with `per_second = 0` for no limit.
#[derive(Debug, Clone, Copy, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawRates {
    /// `address`: a network address, for requests of which nobody knows who sent them.
    pub address: Option<RawRate>,
    /// `device`: a device, or the owner of a token.
    pub device: Option<RawRate>,
    /// `registration_authority`: one of them.
    pub registration_authority: Option<RawRate>,
    /// `tenant`: all clients of a tenant together.
    pub tenant: Option<RawRate>,
}

/// A rate.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRate {
    /// `per_second`: requests a second in the long run.
    pub per_second: u32,
    /// `burst`: requests at once.
    pub burst: u32,
}

/// `[est.bulk]`: uploads of head-ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBulk {
    /// `max_lines`: lines of an upload; 10,000 unless given.
    pub max_lines: usize,
    /// `max_octets`: octets of an upload, which is held in memory; 16 MiB unless given.
    pub max_octets: u32,
    /// `uploads`: how many are worked at once; 4 unless given.
    pub uploads: usize,
    /// `upload_seconds`: how long one may take to arrive; 300 unless given.
    pub upload_seconds: u16,
}

impl Default for RawBulk {
    fn default() -> Self {
        Self { max_lines: 10_000, max_octets: 16 * 1024 * 1024, uploads: 4, upload_seconds: 300 }
    }
}

/// `[est.dlms_tools]`: the JSON service that DLMS tools call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDlmsTools {
    /// `path`: `/api/CertificateGenerator` unless given.
    #[serde(default = "tool_path")]
    pub path: String,
    /// `labels`: where it enrols: for each request, the first label whose profile fits key usage and curve.
    pub labels: Vec<String>,
}

fn tool_path() -> String {
    "/api/CertificateGenerator".to_owned()
}

/// `[est.coaps]`, `[cmp.coaps]`: certificate and key are those of `[est]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCoaps {
    /// `listen`: address and port, UDP; the port of `coaps` is 5684.
    pub listen: SocketAddr,
    /// `limits`
    #[serde(default)]
    pub limits: CoapsLimits,
}

/// `[status]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStatus {
    /// `listen`: address and port, plain HTTP.
    pub listen: SocketAddr,
    /// `directory`: where CRLs are published as files.
    pub directory: PathBuf,
    /// `releases_directory`: where what a ceremony made for later is kept until its date; without it, nothing is kept.
    pub releases_directory: Option<PathBuf>,
    /// `closed_authority_files`: certificates of authorities that were closed, DER; their last CRLs go on being published.
    #[serde(default)]
    pub closed_authority_files: Vec<PathBuf>,
    /// `push`: where what is published is also put.
    #[serde(default)]
    pub push: Vec<RawPush>,
    /// `limits`
    #[serde(default)]
    pub limits: Limits,
    /// `pool`
    #[serde(default)]
    pub pool: PoolSize,
}

/// `[operator]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOperator {
    /// `socket`: a Unix socket; who may open it is decided by its directory's mode and the peer's user id.
    pub socket: PathBuf,
    /// `users`: user ids of operators who may use it beside the user who runs the server, root, and those on record; none unless given.
    /// Whom nobody put on record may do everything.
    #[serde(default)]
    pub users: BTreeSet<u32>,
    /// `listen`: address and port where operators also come with client certificates, over TLS 1.3; nowhere unless given.
    pub listen: Option<SocketAddr>,
    /// `certificate_file`: PEM, the certificate of that listener first; that of `[est]` unless given.
    pub certificate_file: Option<PathBuf>,
    /// `key_file`: PEM PKCS#8, mode 0600; given with `certificate_file`.
    pub key_file: Option<PathBuf>,
    /// `certificate_profiles`: the profiles of operators' certificates; `ra-operator-s1` and `ra-operator-s2` unless given.
    pub certificate_profiles: Option<Vec<String>>,
    /// `limits` of that listener.
    pub limits: Option<Limits>,
    /// `[operator.sign_in]`: whose tokens are taken at that listener; nobody's unless given.
    pub sign_in: Option<RawSignIn>,
    /// `break_glass_hours`: for how many hours somebody has a role in an emergency at most, 1 to 24; 4 unless given.
    pub break_glass_hours: Option<u8>,
    /// `exchanges_directory`: the directory of the exchange with the offline root, to be shown; nothing of it is shown unless given.
    pub exchanges_directory: Option<PathBuf>,
    /// `incoming_directory`: where this server writes what the responses of the offline root bring, and that it makes requests to it at all;
    /// goes with `exchanges_directory`. Neither is done by the server unless given.
    pub incoming_directory: Option<PathBuf>,
    /// `people`: how many administrators it takes to give somebody a role or a credential: `one`, which is usual, or `two`.
    pub people: Option<String>,
}

/// `[audit]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawAudit {
    /// `checkpoint_key`: the name of the key that signs checkpoints, 40 hexadecimal digits; it signs nothing else.
    pub checkpoint_key: Option<String>,
    /// `origin`: the name of the log in its checkpoints, such as `example.org/meter-pki`.
    pub origin: Option<String>,
    /// `export_directory`: where the trail is copied to files, on another disk if possible.
    pub export_directory: Option<PathBuf>,
    /// `records_behind`: how many records a copy may lack before nothing new is issued; 10,000 unless given.
    pub records_behind: Option<u64>,
    /// `[audit.syslog]`
    pub syslog: Option<RawSyslog>,
}

/// `[audit.syslog]`: one of the two.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawSyslog {
    /// `tcp`: host and port of a collector that counts octets (RFC 6587).
    pub tcp: Option<String>,
    /// `socket`: a datagram socket of this machine, such as `/dev/log`.
    pub socket: Option<PathBuf>,
}

/// `[backup]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawBackup {
    /// `recovery_key_file`: the public half of the recovery key, PEM, as `meter-pki backup keygen` wrote it.
    pub recovery_key_file: Option<PathBuf>,
}

/// `[visits]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawVisits {
    /// `approvals`: how many people must approve a visit beside who opens it: `none`, `one` or `two`, which is usual.
    pub approvals: Option<String>,
}

/// `[revocation]`
#[derive(Debug, Clone, Copy, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawRevocation {
    /// `two_people_from`: from how many certificates on another operator must approve; 10 unless given, 1 for always, 0 for never.
    pub two_people_from: Option<u64>,
    /// `wait_hours`: how long what was looked at can be asked for and approved; 24 unless given.
    pub wait_hours: Option<u16>,
}

/// `[[authority]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAuthority {
    /// `name`: what operators call it, unique.
    pub name: String,
    /// `tenant`: the owner.
    pub tenant: String,
    /// `certificate_file`: its certificate, DER.
    pub certificate_file: PathBuf,
    /// `path_files`: the certificates above it up to the root, DER, in that order.
    pub path_files: Vec<PathBuf>,
    /// `further_root_files`: other generations of its root, DER, which devices are to trust as well.
    #[serde(default)]
    pub further_root_files: Vec<PathBuf>,
    /// `link_files`: the certificates that lead from one generation of the root to another, DER.
    #[serde(default)]
    pub link_files: Vec<PathBuf>,
    /// `issues_until`: the end of its issuing window, RFC 3339; its certificate's notAfter unless given.
    pub issues_until: Option<String>,
    /// `crl_profile`
    pub crl_profile: String,
    /// `ocsp_profile`
    pub ocsp_profile: String,
    /// `responder_profile`: the profile of its OCSP responder's certificates.
    pub responder_profile: String,
    /// `responder_key`: the name of the responder's key, 40 hexadecimal digits.
    pub responder_key: String,
    /// `uncertain_grace_seconds`: how long a signing outcome may stay unknown before its serial number is revoked; 3600 unless
    /// given.
    pub uncertain_grace_seconds: Option<u32>,
    /// `crl_uri`, plain http; with shards or deltas it ends in `.crl`.
    pub crl_uri: Option<String>,
    /// `crl_shards`: into how many shards CRLs are divided by a hash of the serial number, 2 to 4096; not divided unless given.
    /// With `crl_grid`, what has no place is divided so.
    pub crl_shards: Option<u16>,
    /// `crl_grid`: `region` or `concentrator`: CRLs are divided by where devices are; what has no place goes into a shard called
    /// `rest`, or into `crl_shards`.
    pub crl_grid: Option<String>,
    /// `ca_issuers_uri`, plain http.
    pub ca_issuers_uri: Option<String>,
    /// `ocsp_uri`, plain http.
    pub ocsp_uri: Option<String>,
    /// `manufacturers`: whose factory certificates may claim devices here.
    #[serde(default)]
    pub manufacturers: Vec<String>,
    /// `[[authority.offer]]`: what it issues, and to whom.
    #[serde(rename = "offer", default)]
    pub offers: Vec<Spanned<RawOffer>>,
}

/// `[[authority.offer]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOffer {
    /// `profile`
    pub profile: String,
    /// `label`: the EST label; not served over EST unless given.
    pub label: Option<String>,
    /// `doors`: `registration-authority`, `one-time-token`, `factory-certificate`, `operational-certificate`, `operator`.
    #[serde(default)]
    pub doors: Vec<String>,
    /// `grace_minutes`: how long after the first operational certificate the factory certificate still opens the door.
    #[serde(default)]
    pub grace_minutes: u32,
    /// `accept_expired_days`: how long after its end an expired factory certificate still opens the door; not at all unless
    /// given. Its end alone is waived, and each use is on record.
    #[serde(default)]
    pub accept_expired_days: u16,
    /// `base64_line`: characters a line of EST answers; 0 for one line.
    #[serde(default = "default_line")]
    pub base64_line: u16,
    /// `channel_binding`: `if-present` (default), `required` or `off`.
    pub channel_binding: Option<String>,
    /// `challenge_password`: what it is: `channel-binding` (default), `enrolment-code`, or `either`, where a code begins with `code:`.
    pub challenge_password: Option<String>,
    /// `server_key_generation`: `off` (default), `in-tls`, or `encrypted`: to who names a key of its own to encrypt to.
    pub server_key_generation: Option<String>,
    /// `full_cmc`: whether `/fullcmc` is answered; not unless given.
    #[serde(default)]
    pub full_cmc: bool,
    /// `repeat_window_hours`: how long the same request gets the same octets; 24 unless given.
    pub repeat_window_hours: Option<u16>,
    /// `[authority.offer.approval]`: who must approve a request before it is answered, beside what the profile says.
    #[serde(default)]
    pub approval: RawApproval,
    /// `order`: `none` (default), or `required`: issued under production orders alone, whoever asks; for factory profiles.
    pub order: Option<String>,
    /// `after_window`: `new` (default), `return-existing` or `refuse`: what becomes of the same request later.
    pub after_window: Option<String>,
}

/// `[authority.offer.approval]`
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RawApproval {
    /// `operators`: `none` (default), `one` or `two`; where the profile asks for more, the profile counts.
    pub operators: Option<String>,
    /// `wait_hours`: how long a request waits at most; 168, a week, unless given.
    pub wait_hours: Option<u16>,
    /// `retry_seconds`: after how long who waits is to ask again; 600 unless given.
    pub retry_seconds: Option<u32>,
    /// `per_requester`: how many requests of one requester may wait at once; 256 unless given.
    pub per_requester: Option<u32>,
    /// `per_tenant`: how many of one tenant; 10,000 unless given.
    pub per_tenant: Option<u32>,
}

const fn default_line() -> u16 {
    64
}

/// `[[manufacturer]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawManufacturer {
    /// `tenant`
    pub tenant: String,
    /// `anchor_files`: DER certificates of the CAs trusted for its factory certificates.
    pub anchor_files: Vec<PathBuf>,
    /// `shipment_anchor_files`: DER certificates of the roots that vouch for who signs its manifests; without, none is taken in.
    #[serde(default)]
    pub shipment_anchor_files: Vec<PathBuf>,
    /// `shipment_organization`: the organization in that signer's name, where the same root vouches for several manufacturers.
    pub shipment_organization: Option<String>,
}

/// `[[uplift]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUplift {
    /// `manufacturer`: who makes them, one of `[[manufacturer]]`; whoever unless given.
    pub manufacturer: Option<String>,
    /// `model`: exactly as it was delivered.
    pub model: String,
    /// `firmware_from`: the first firmware; any up to the last unless given.
    pub firmware_from: Option<String>,
    /// `firmware_to`: the last firmware; any from the first on unless given.
    pub firmware_to: Option<String>,
    /// `suites`: the security suites to which they can go, 1 or 2 or both.
    pub suites: Vec<u8>,
}

/// `[[registration_authority]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRegistrationAuthority {
    /// `name`: what audit records call it.
    pub name: String,
    /// `tenant`
    pub tenant: String,
    /// `common_name`: of its certificate, which has id-kp-cmcRA.
    pub common_name: String,
    /// `anchor_files`: DER certificates of the CAs trusted for its certificate.
    pub anchor_files: Vec<PathBuf>,
    /// `profiles`: what it may ask for.
    pub profiles: Vec<String>,
    /// `title_prefix`: the leading hexadecimal digits that system titles must have; all unless given.
    #[serde(default)]
    pub title_prefix: String,
    /// `dns_suffixes`: the domains in which it may name hosts.
    #[serde(default)]
    pub dns_suffixes: Vec<String>,
    /// `forwards`: whether it is a front end, whose word is taken for which certificate a device showed it; not unless given.
    #[serde(default)]
    pub forwards: bool,
}

/// Reads a file of either kind.
fn load<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, CheckConfigError> {
    server_kit::config::load(file).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let faults = format!("{error}{cause}");
        CheckConfigError { faults: faults.lines().map(str::to_owned).collect() }
    })
}

/// Returns `path` as seen from the directory of the configuration file.
pub(crate) fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().map_or_else(|| path.to_path_buf(), |directory| directory.join(path))
}
