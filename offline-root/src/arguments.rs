//! The command line. What the options say is checked here; what they mean is in the modules of the verbs.
//!
//! No option takes a secret: a command line is seen by every process of the machine (case I-03).

mod guided;
mod people;

use std::path::PathBuf;

use ca_core::issuer::PublicationPoints;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use clap::{ArgGroup, Args, Parser, Subcommand};
use policies::{Settings, Variant};

use crate::ceremony::closing::ClosingWish;
use crate::ceremony::crl::CrlWish;
use crate::ceremony::crl_series::SeriesWish;
use crate::ceremony::cross::{CrossCandidate, CrossWish};
use crate::ceremony::destruction::DestructionWish;
use crate::ceremony::link::LinkWish;
use crate::ceremony::revocation::RevocationWish;
use crate::ceremony::root::RootWish;
use crate::ceremony::subordinate::SubordinateWish;
use crate::charter::{KeyStore, ProfileChoice};
use crate::keys::SecretSource;
use crate::stated_time::StatedTime;
use guided::{RehearseArguments, RunArguments};
use people::{DealArguments, ShareArguments};
pub(crate) use people::{
    PersonCheckArguments, PersonVerb, ShareCheckArguments, ShareRenewArguments, ShareVerb,
};

/// The ceremony program for a root that is kept off line.
#[derive(Debug, Parser)]
#[command(name = "offline-root", version, about, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Prints JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes the root of one suite in a new directory
    Init(Box<InitArguments>),
    /// Says in words what is in a request, response, certificate, CRL or public key
    Show(ShowArguments),
    /// Signs the certificate of a sub-CA, from a request file into a response file
    SignSubca(SignSubcaArguments),
    /// Signs the next CRL of the root
    Crl(CrlArguments),
    /// Signs the CRLs of the coming periods, each to be released when its time comes
    CrlSeries(CrlSeriesArguments),
    /// Certifies the root of another generation: a link certificate, new with old or old with new
    Link(LinkArguments),
    /// Certifies the issuing CA of another PKI
    CrossCertify(CrossCertifyArguments),
    /// Records that a sub-CA is closed, shown by its last CRL
    CloseSubca(CloseSubcaArguments),
    /// Destroys the keys of the root, for good
    DestroyKey(DestroyKeyArguments),
    /// Records that a certificate of the root is revoked; the next CRL will say so
    Revoke(RevokeArguments),
    /// Looks at everything in the directory of a root once more, and changes nothing
    Verify(VerifyArguments),
    /// The ceremony as a whole: its file, its script, its bundle
    #[command(subcommand)]
    Ceremony(CeremonyVerb),
    /// Looks at everything on a medium before it leaves the room, and refuses what is not public
    Medium(MediumArguments),
    /// Files on paper
    #[command(subcommand)]
    Qr(QrVerb),
    /// Makes and checks the own signing keys of people
    #[command(subcommand)]
    Person(PersonVerb),
    /// Checks and renews the shares of a root's keys
    #[command(subcommand)]
    Share(ShareVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CeremonyVerb {
    /// Checks a ceremony file and its inputs, shows its SHA-256 in digits and words, and writes the script
    Check {
        /// The ceremony file; its inputs lie in `inputs` beside it
        file: PathBuf,
        /// Where the script goes: a name that ends in .md or .html
        #[arg(long, value_name = "FILE")]
        script: Option<PathBuf>,
    },
    /// Holds a ceremony step by step, or goes on with one that was interrupted
    Run(Box<RunArguments>),
    /// The same in a place of its own, with soft tokens for those that the file names; everything that it makes says REHEARSAL
    Rehearse(Box<RehearseArguments>),
    /// Checks the bundle of a ceremony again, from the bundle alone
    Verify {
        /// The directory of the bundle, or a .tar of it
        bundle: PathBuf,
        /// The bundle of the ceremony before: then it is also checked that the one goes on where the other ended
        #[arg(long, value_name = "BUNDLE")]
        previous: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("store").required(true))]
pub(crate) struct InitArguments {
    /// The DLMS security suite: 1 (P-256) or 2 (P-384)
    #[arg(long, value_parser = suite)]
    suite: SecuritySuite,
    /// The directory to make
    #[arg(long)]
    dir: PathBuf,
    /// Country of the root's name, two upper-case letters
    #[arg(long)]
    country: String,
    /// Organization of the root's name
    #[arg(long)]
    organization: String,
    /// Common name of the root, such as "Example Root S1 G1"
    #[arg(long)]
    common_name: String,
    /// The time of the ceremony as the people present agree, from when the root is valid: RFC 3339, or `now` for that of the
    /// machine
    #[arg(long, visible_alias = "not-before")]
    time: StatedTime,
    /// The owner, as audit records name it
    #[arg(long, default_value = "root", value_parser = TenantId::parse)]
    tenant: TenantId,
    /// The profile of the root, without its suite
    #[arg(long, default_value = "root")]
    profile: String,
    #[command(flatten)]
    form: ProfileArguments,
    /// The root certificate that this root succeeds: it must be one that can be linked to it
    #[arg(long, value_name = "FILE")]
    successor_of: Option<PathBuf>,
    /// Keeps the keys in encrypted files in the directory
    #[arg(long, group = "store")]
    key_file: bool,
    /// Keeps the keys in encrypted files in the directory, under a wrap key shared among the holders
    #[arg(long, group = "store", requires = "holder")]
    shared: bool,
    #[command(flatten)]
    dealing: DealArguments,
    /// Keeps the keys on a PKCS#11 token, such as pkcs11:token=root?module-path=/usr/lib/module.so
    #[arg(long, group = "store", value_name = "URI")]
    token_uri: Option<String>,
    /// What the key is called on the token [default: --common-name]
    #[arg(long, requires = "token_uri")]
    key_label: Option<String>,
    #[command(flatten)]
    secrets: SecretArguments,
    /// http:// URI of the root's CRL, for sub-CA certificates that carry one
    #[arg(long, value_name = "URI")]
    crl_uri: Option<String>,
    /// http:// URI of the root's certificate
    #[arg(long, value_name = "URI")]
    ca_issuers_uri: Option<String>,
    /// http:// URI of an OCSP responder for the root
    #[arg(long, value_name = "URI")]
    ocsp_uri: Option<String>,
}

/// In which form certificates are written.
#[derive(Debug, Args)]
struct ProfileArguments {
    /// The form: gurux-safe, greenbook-san, strict-empty or small
    #[arg(long, value_name = "VARIANT", default_value = Variant::NAMES[0])]
    profile_set: String,
    /// The hwType of hardwareModuleNames, where the form has them
    #[arg(long, value_name = "OID")]
    hw_type: Option<String>,
    /// The arc of the certificate policies
    #[arg(long, value_name = "OID", default_value_t = Settings::PLACEHOLDER_ARC.to_string())]
    policy_arc: String,
}

/// Where the secret is read from.
#[derive(Debug, Args)]
pub(crate) struct SecretArguments {
    /// File with the passphrase of the key files, mode 0600; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the PIN of the token, mode 0600; asked for at the terminal when absent, unless the URI has a pin-source
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pin_file: Option<PathBuf>,
    #[command(flatten)]
    shares: ShareArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The file
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SignSubcaArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The request file
    #[arg(long)]
    request: PathBuf,
    /// SHA-256 of the request as people compared it; another request is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    request_sha256: Option<[u8; 32]>,
    /// The response file to make
    #[arg(long)]
    out: PathBuf,
    /// The form of the certificate, if it is another than that of the root
    #[arg(long, value_name = "VARIANT")]
    profile_set: Option<String>,
    /// The hwType that goes with --profile-set
    #[arg(long, value_name = "OID", requires = "profile_set")]
    hw_type: Option<String>,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CrlArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// From when the CRL speaks: RFC 3339, or `now` for the time of the machine
    #[arg(long)]
    pub(crate) this_update: StatedTime,
    /// By when there will be another one
    #[arg(long)]
    next_update: StatedTime,
    /// The present, if --this-update lies more than a year after what was last recorded
    #[arg(long)]
    time: Option<StatedTime>,
    /// The CRL file to make, in DER
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CrlSeriesArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// From when the first CRL speaks
    #[arg(long)]
    first: StatedTime,
    /// From one CRL to the next, in days
    #[arg(long, value_name = "DAYS")]
    every_days: u32,
    /// How long each is valid beyond the beginning of the next, in days
    #[arg(long, value_name = "DAYS")]
    overlap_days: u32,
    /// How many CRLs
    #[arg(long)]
    count: u32,
    /// The directory to make, for the CRLs and series.json
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// The directory of the root that signs
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The root certificate of the other generation
    #[arg(long, value_name = "FILE")]
    other: PathBuf,
    /// SHA-256 of that certificate as people compared it; another one is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    other_sha256: Option<[u8; 32]>,
    /// The certificate to make, in PEM
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("candidate").required(true))]
pub(crate) struct CrossCertifyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The certification request (PKCS#10) of the other CA
    #[arg(long, group = "candidate", value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The certificate that the other CA signed for itself
    #[arg(long, group = "candidate", value_name = "FILE")]
    root_certificate: Option<PathBuf>,
    /// SHA-256 of the DER of either as people compared it; another one is refused
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<[u8; 32]>,
    /// The profile, without its suite
    #[arg(long, default_value = "cross")]
    profile: String,
    /// The certificate to make, in PEM
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CloseSubcaArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the sub-CA's certificate, in hexadecimal
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Its last CRL
    #[arg(long, value_name = "FILE")]
    last_crl: PathBuf,
    /// How its key was destroyed, for the record
    #[arg(long, value_parser = sentence)]
    statement: String,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyKeyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the root certificate, in hexadecimal: whoever types it means this root
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Why, for the record
    #[arg(long, value_parser = sentence)]
    reason: String,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the certificate, in hexadecimal
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Why: the name that RFC 5280 has for it, such as keyCompromise or superseded
    #[arg(long, value_parser = reason)]
    reason: ReasonCode,
    /// Since when the key is suspected
    #[arg(long)]
    invalidity_date: Option<StatedTime>,
}

#[derive(Debug, Args)]
pub(crate) struct MediumArguments {
    /// The directory that the medium is mounted at
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QrVerb {
    /// Writes a request, response, certificate, CRL or public key as a series of QR codes
    Encode {
        /// The file
        file: PathBuf,
        /// The folder to make, for sheets (SVG) and pictures (PNG)
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Makes a file of the codes in pictures (PNG), in any order
    Scan {
        /// The pictures, or folders of them
        #[arg(required = true)]
        pictures: Vec<PathBuf>,
        /// The file to make
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

impl InitArguments {
    pub(crate) fn into_wish(self) -> RootWish {
        let ProfileArguments { profile_set, hw_type, policy_arc } = self.form;
        RootWish {
            directory: self.dir,
            suite: self.suite,
            tenant: self.tenant,
            country: self.country,
            organization: self.organization,
            common_name: self.common_name,
            profile: self.profile,
            profiles: ProfileChoice { variant: profile_set, hw_type, policy_arc },
            time: self.time,
            // The group makes sure that exactly one of the three is given.
            keys: match self.token_uri {
                Some(uri) => KeyStore::Token { uri },
                None if self.shared => KeyStore::Shared,
                None => KeyStore::File,
            },
            dealing: self.dealing.into_wish(),
            key_label: self.key_label,
            secrets: self.secrets.into(),
            successor_of: self.successor_of,
            points: PublicationPoints {
                crl: self.crl_uri,
                ca_issuers: self.ca_issuers_uri,
                ocsp: self.ocsp_uri,
            },
        }
    }
}

impl SignSubcaArguments {
    /// Makes a wish of the arguments; `own` are the settings of the root.
    pub(crate) fn into_wish(self, own: &ProfileChoice) -> SubordinateWish {
        let (hw_type, policy_arc) = (self.hw_type, own.policy_arc.clone());
        SubordinateWish {
            request: self.request,
            digest: self.request_sha256,
            out: self.out,
            profiles: self.profile_set.map(|variant| ProfileChoice { variant, hw_type, policy_arc }),
            secrets: self.secrets.into(),
        }
    }
}

impl From<CrlArguments> for CrlWish {
    fn from(arguments: CrlArguments) -> Self {
        let CrlArguments { this_update, next_update, time, out, secrets, .. } = arguments;
        Self { this_update, next_update, time, out, secrets: secrets.into() }
    }
}

impl From<CrlSeriesArguments> for SeriesWish {
    fn from(arguments: CrlSeriesArguments) -> Self {
        let CrlSeriesArguments { first, every_days, overlap_days, count, out, secrets, .. } = arguments;
        Self { first, every_days, overlap_days, count, out, secrets: secrets.into() }
    }
}

impl From<LinkArguments> for LinkWish {
    fn from(arguments: LinkArguments) -> Self {
        let LinkArguments { other, other_sha256, out, secrets, .. } = arguments;
        Self { other, digest: other_sha256, out, secrets: secrets.into() }
    }
}

impl From<CrossCertifyArguments> for CrossWish {
    fn from(arguments: CrossCertifyArguments) -> Self {
        let CrossCertifyArguments { csr, root_certificate, sha256, profile, out, secrets, .. } = arguments;
        // The group makes sure that exactly one of the two is given.
        let candidate = csr.map_or_else(
            || CrossCandidate::Root(root_certificate.unwrap_or_default()),
            CrossCandidate::Request,
        );
        Self { candidate, digest: sha256, profile, out, secrets: secrets.into() }
    }
}

impl From<CloseSubcaArguments> for ClosingWish {
    fn from(arguments: CloseSubcaArguments) -> Self {
        let CloseSubcaArguments { serial, last_crl, statement, .. } = arguments;
        Self { serial, last_crl, statement }
    }
}

impl From<DestroyKeyArguments> for DestructionWish {
    fn from(arguments: DestroyKeyArguments) -> Self {
        let DestroyKeyArguments { serial, reason, secrets, .. } = arguments;
        Self { serial, reason, secrets: secrets.into() }
    }
}

impl From<RevokeArguments> for RevocationWish {
    fn from(arguments: RevokeArguments) -> Self {
        let RevokeArguments { serial, reason, invalidity_date, .. } = arguments;
        Self { serial, reason, invalidity_date }
    }
}

impl From<SecretArguments> for SecretSource {
    fn from(arguments: SecretArguments) -> Self {
        let SecretArguments { passphrase_file, pin_file, shares } = arguments;
        Self { passphrase_file, pin_file, shares: shares.into(), ..Self::default() }
    }
}

fn suite(text: &str) -> Result<SecuritySuite, &'static str> {
    text.parse().ok().and_then(SecuritySuite::from_number).ok_or("the suites with public keys are 1 and 2")
}

fn reason(text: &str) -> Result<ReasonCode, String> {
    ReasonCode::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = ReasonCode::ALL.into_iter().map(ReasonCode::name).collect();
        format!("the reasons are {}", names.join(", "))
    })
}

/// A text for the record: something is said, and not a book.
fn sentence(text: &str) -> Result<String, &'static str> {
    let said = text.trim();
    let sound = (1..=200).contains(&said.chars().count()) && !said.chars().any(char::is_control);
    if sound { Ok(said.to_owned()) } else { Err("it has 1 to 200 characters, in one line") }
}

fn digest(text: &str) -> Result<[u8; 32], &'static str> {
    let digits: String = text.chars().filter(|character| !matches!(character, ' ' | ':')).collect();
    let octets = hex::decode(digits).ok().and_then(|octets| octets.try_into().ok());
    octets.ok_or("a SHA-256 has 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_digest_may_be_written_in_groups() {
        let text = "00".repeat(32);
        let grouped = crate::fingerprint::grouped(&text);
        assert_eq!((digest(&text), digest(&grouped)), (Ok([0; 32]), Ok([0; 32])));
        assert!(digest("00").is_err() && digest(&"zz".repeat(32)).is_err());
    }
}
