//! `init`: makes the root of one suite, its key and the exchange key, in a directory of its own.
//!
//! Everything that can be wrong is looked for before the first file is made. `ceremony.toml` is written last: a directory
//! without one holds no root. What an interrupted founding leaves is never taken up again; its ledger tells how far it came.

use std::fmt;
use std::path::{Path, PathBuf};

use ca_core::actor::Actor;
use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::{Certificate, CertificateError};
use ca_core::distinguished_name::{DistinguishedName, NameError};
use ca_core::issuance::IssueError;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::issuer::{IssuerError, PublicationPoints};
use ca_core::oid;
use ca_core::ports::{Ledger, Unavailable};
use ca_core::profile::{CertificateProfile, SubjectRule};
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_core::validity::Validity;
use der::pem;
use policies::ProfileSet;
use serde::Serialize;
use sha2::{Digest, Sha256};
use signer_file::SystemEntropy;

use super::certify::{self, CertifyError};
use super::{EXCHANGE_KEY, LEDGER, PUBLIC, ROOT_CERTIFICATE, armour, listed, shares_dealt};
use crate::charter::{self, Charter, ChooseProfilesError, KeyStore, ProfileChoice, ReadCharterError};
use crate::exchange_log::ExchangeLog;
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::keys::{KeyMaker, MadeKeys, SecretSource, UnlockError, UnlockedKeys};
use crate::ledger_file::{FileLedger, OpenLedgerError};
use crate::new_file::{self, NewFileError, Readers};
use crate::operator;
use crate::refusal::{code_of_issue, exit_of_issue, sentence, sentence_of};
use crate::shares::{DealWish, DealtReport};
use crate::stated_time::StatedTime;

/// What a root is to be.
#[derive(Debug, Clone)]
pub(crate) struct RootWish {
    pub(crate) directory: PathBuf,
    pub(crate) suite: SecuritySuite,
    pub(crate) tenant: TenantId,
    pub(crate) country: String,
    pub(crate) organization: String,
    pub(crate) common_name: String,
    /// The profile without its suite.
    pub(crate) profile: String,
    pub(crate) profiles: ProfileChoice,
    pub(crate) time: StatedTime,
    pub(crate) keys: KeyStore,
    /// Who is to hold shares, if the keys are to be shared.
    pub(crate) dealing: Option<DealWish>,
    pub(crate) key_label: Option<String>,
    pub(crate) secrets: SecretSource,
    pub(crate) points: PublicationPoints,
    /// The root certificate that this one is to succeed.
    pub(crate) successor_of: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FoundedRoot {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) suite: u8,
    pub(crate) profile: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) key: String,
    pub(crate) certificate_sha256: String,
    pub(crate) exchange_key_sha256: String,
    pub(crate) directory: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) exchange_key: PathBuf,
    /// The shares that were dealt, of a shared root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shares: Option<DealtReport>,
}

impl fmt::Display for FoundedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The root is made.")?;
        writeln!(f, "  Subject               {}", self.subject)?;
        writeln!(f, "  Serial                {}", self.serial)?;
        writeln!(f, "  Profile               {}", self.profile)?;
        writeln!(f, "  Valid                 {} to {}", self.not_before, self.not_after)?;
        writeln!(f, "  Key                   {}", self.key)?;
        writeln!(f, "  Certificate SHA-256   {}", fingerprint::aloud(&self.certificate_sha256))?;
        writeln!(f, "  Exchange key SHA-256  {}", fingerprint::aloud(&self.exchange_key_sha256))?;
        if let Some(shares) = &self.shares {
            writeln!(f, "{shares}")?;
        }
        writeln!(f, "  May leave             {}", self.certificate.display())?;
        writeln!(f, "                        {}", self.exchange_key.display())?;
        writeln!(f, "Read both fingerprints aloud and have them written down.")?;
        write!(
            f,
            "Next: offline-root crl --dir {} --this-update TIME --next-update TIME --out FILE",
            self.directory.display()
        )
    }
}

/// What was checked before anything is made.
struct Prepared {
    subject: DistinguishedName,
    profile: CertificateProfile,
    maker: KeyMaker,
}

/// Makes a root.
pub(crate) fn found(wish: &RootWish) -> Result<FoundedRoot, FoundRootError> {
    found_with_keys(wish).map(|(founded, _)| founded)
}

/// Makes a root; its keys are left open.
pub(crate) fn found_with_keys(wish: &RootWish) -> Result<(FoundedRoot, UnlockedKeys), FoundRootError> {
    let prepared = prepare(wish)?;
    new_file::directory(&wish.directory)?;
    make(wish, prepared)
        .map_err(|cause| FoundRootError::Unfinished { path: wish.directory.clone(), cause: Box::new(cause) })
}

fn prepare(wish: &RootWish) -> Result<Prepared, FoundRootError> {
    let subject = DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, &wish.country),
        (oid::ORGANIZATION_NAME, &wish.organization),
        (oid::COMMON_NAME, &wish.common_name),
    ])?;
    let profile = root_profile(&wish.profiles.load()?, &wish.profile, wish.suite)?;
    check_length(&subject, &profile)?;
    if let Some(path) = &wish.successor_of {
        check_succession(&certify::read_certificate(path)?, wish, (&subject, &profile))?;
    }
    wish.points.check()?;
    new_file::check_free(&wish.directory)?;
    let maker = KeyMaker::prepare(&wish.keys, wish.dealing.as_ref(), &wish.secrets)?;
    Ok(Prepared { subject, profile, maker })
}

/// Returns a profile of roots: a CA's that no other CA issues.
fn root_profile(
    profiles: &ProfileSet,
    name: &str,
    suite: SecuritySuite,
) -> Result<CertificateProfile, ChooseProfilesError> {
    let id = format!("{name}-{}", suite.suffix());
    let is_root = |profile: &&CertificateProfile| {
        profile.is_authority() && profiles.issuers(profile.id().as_str()).is_empty()
    };
    let of_suite = |profile: &&CertificateProfile| profile.parts().suite == suite;
    profiles.certificate(&id).filter(is_root).cloned().ok_or_else(|| ChooseProfilesError::Unknown {
        known: listed(profiles.certificates().filter(is_root).filter(of_suite).map(CertificateProfile::id)),
        id,
    })
}

/// The chain refuses a long name as well, but only after the keys were made.
fn check_length(subject: &DistinguishedName, profile: &CertificateProfile) -> Result<(), FoundRootError> {
    let octets = subject.der().len();
    match profile.parts().subject {
        SubjectRule::DistinguishedName { max_octets } if octets > usize::from(max_octets) => {
            Err(FoundRootError::NameTooLong { octets, max_octets })
        }
        SubjectRule::DistinguishedName { .. }
        | SubjectRule::SystemTitle
        | SubjectRule::Empty
        | SubjectRule::Label16 => Ok(()),
    }
}

/// A successor can be linked to the root that it succeeds: the same name and suite, and it takes over before that one ends and
/// ends no earlier (RFC 9810 §4.4.1). Looked at before there is a key.
fn check_succession(
    old: &Certificate,
    wish: &RootWish,
    (subject, profile): (&DistinguishedName, &CertificateProfile),
) -> Result<(), FoundRootError> {
    let (now, ends) = (wish.time.time(), old.validity().not_after());
    let new_ends = profile.validity_at(now, None).map(Validity::not_after);
    let what = if old.subject().der() != subject.der() {
        format!("its name is not that of the root which it succeeds, {}", old.subject())
    } else if old.public_key().curve() != wish.suite.curve() {
        "the root which it succeeds is of another suite".to_owned()
    } else if now < old.validity().not_before() || now > ends || new_ends.is_none_or(|new| new < ends) {
        format!(
            "the root which it succeeds is valid until {ends}, and must end within the validity of this one"
        )
    } else {
        return Ok(());
    };
    Err(FoundRootError::NoSuccessor { what })
}

fn make(wish: &RootWish, prepared: Prepared) -> Result<(FoundedRoot, UnlockedKeys), FoundRootError> {
    let Prepared { subject, profile, maker } = prepared;
    let ledger = FileLedger::create(&wish.directory.join(LEDGER))?;
    ExchangeLog::create(&wish.directory)?;
    let label = wish.key_label.as_ref().unwrap_or(&wish.common_name);
    let keys = maker.make(&wish.directory, wish.suite.curve(), label, wish.secrets.gate.as_ref())?;
    let actor = operator::actor(wish.tenant.clone());
    match establish(wish, (&subject, &profile), &keys, (&ledger, &actor)) {
        Ok(founded) => Ok((founded, keys.keys)),
        Err(cause) => Err(give_up(wish, &keys, (&ledger, &actor), cause)),
    }
}

fn establish(
    wish: &RootWish,
    (subject, profile): (&DistinguishedName, &CertificateProfile),
    keys: &MadeKeys,
    (ledger, actor): (&FileLedger, &Actor),
) -> Result<FoundedRoot, FoundRootError> {
    let signer = keys.keys.clone().behind(wish.secrets.gate.clone());
    let issued = establish_root(&RootFounding {
        actor,
        profile,
        subject,
        key: &keys.root.key_ref(),
        now: wish.time.time(),
        linter: &policies::lint::linter(),
        entropy: &SystemEntropy,
        signer: &signer,
        ledger,
    })?;
    let certificate = Certificate::from_der(issued.der())?;
    let charter = Charter {
        suite: wish.suite,
        tenant: wish.tenant.clone(),
        profile: profile.id().to_string(),
        certificate: certificate.serial().clone(),
        exchange_key: keys.exchange.clone(),
        profiles: wish.profiles.clone(),
        keys: wish.keys.clone(),
        points: wish.points.clone(),
    };
    let public = publish(&wish.directory, &certificate, keys)?;
    if let Some(shares) = &keys.shares {
        ledger.record_event(shares_dealt(shares, &certificate, actor, wish.time))?;
    }
    store_charter(wish, &charter, &certificate, (ledger, actor))?;
    Ok(FoundedRoot { shares: keys.shares.clone(), ..founded(wish, &certificate, &charter, public) })
}

/// Case R-21: keys of which no root came are destroyed, and that is on record; what cannot be is named.
fn give_up(
    wish: &RootWish,
    keys: &MadeKeys,
    (ledger, actor): (&FileLedger, &Actor),
    cause: FoundRootError,
) -> FoundRootError {
    let destroyed = keys.destroy().map_err(|error| sentence(&error)).and_then(|()| {
        let event = AuditEvent {
            time: wish.time.time(),
            tenant: wish.tenant.clone(),
            actor: actor.to_string(),
            act: Act::KeyDestroyed,
            issuer: Some(keys.root.key_ref()),
            serial: None,
            reason: cause.code().to_owned(),
            detail: format!("no root came of it; the exchange key {} as well", keys.exchange.key_ref()),
            digest: Sha256::digest(keys.root.spki_der()).to_vec(),
        };
        ledger.record_event(event).map_err(|error| sentence(&error))
    });
    let cause = Box::new(cause);
    match destroyed {
        Ok(()) => FoundRootError::GivenUp { cause },
        Err(why) => FoundRootError::KeysLeft { cause, why },
    }
}

/// Writes what may leave: the root certificate and the public exchange key.
fn publish(
    directory: &Path,
    certificate: &Certificate,
    keys: &MadeKeys,
) -> Result<(PathBuf, PathBuf), FoundRootError> {
    let public = directory.join(PUBLIC);
    new_file::directory(&public)?;
    let (root, exchange) = (public.join(ROOT_CERTIFICATE), public.join(EXCHANGE_KEY));
    new_file::create(&root, armour("CERTIFICATE", certificate.der())?.as_bytes(), Readers::Everybody)?;
    new_file::create(
        &exchange,
        armour("PUBLIC KEY", keys.exchange.spki_der())?.as_bytes(),
        Readers::Everybody,
    )?;
    Ok((root, exchange))
}

/// Records the digest of the charter, then writes it: from then on there is a root.
fn store_charter(
    wish: &RootWish,
    charter: &Charter,
    certificate: &Certificate,
    (ledger, actor): (&FileLedger, &Actor),
) -> Result<(), FoundRootError> {
    let text = charter.to_text()?;
    ledger.record_event(AuditEvent {
        time: wish.time.time(),
        tenant: wish.tenant.clone(),
        actor: actor.to_string(),
        act: Act::AuthorityRegistered,
        issuer: Some(certificate.public_key().key_ref()),
        serial: Some(certificate.serial().clone()),
        reason: String::new(),
        detail: format!("{} of {}", charter::FILE_NAME, certificate.subject()),
        digest: Sha256::digest(&text).to_vec(),
    })?;
    Ok(new_file::place(&wish.directory.join(charter::FILE_NAME), text.as_bytes())?)
}

fn founded(
    wish: &RootWish,
    certificate: &Certificate,
    charter: &Charter,
    public: (PathBuf, PathBuf),
) -> FoundedRoot {
    FoundedRoot {
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        suite: wish.suite.number(),
        profile: charter.profile.clone(),
        not_before: certificate.validity().not_before().to_string(),
        not_after: certificate.validity().not_after().to_string(),
        key: certificate.public_key().key_ref().to_string(),
        certificate_sha256: fingerprint::of(certificate.der()),
        exchange_key_sha256: fingerprint::of(charter.exchange_key.spki_der()),
        directory: wish.directory.clone(),
        certificate: public.0,
        exchange_key: public.1,
        shares: None,
    }
}

/// Why no root was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundRootError {
    /// The name has text that a name must not have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name is too long for meters.
    #[error("the name of the root has {octets} octets, of which the profile allows {max_octets}")]
    NameTooLong {
        /// Its length in octets.
        octets: usize,
        /// What the profile allows.
        max_octets: u16,
    },
    /// It could not be linked to the root that it succeeds.
    #[error("this is no successor: {what}")]
    NoSuccessor {
        /// What does not fit.
        what: String,
    },
    /// The certificate of the root that it succeeds cannot be read.
    #[error(transparent)]
    Predecessor(#[from] CertifyError),
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The keys cannot be made.
    #[error(transparent)]
    Keys(#[from] UnlockError),
    /// The directory or a file in it cannot be made.
    #[error(transparent)]
    NotMade(#[from] NewFileError),
    /// The ledger cannot be made.
    #[error(transparent)]
    Ledger(#[from] OpenLedgerError),
    /// The certificate was not issued.
    #[error("{}", sentence_of(.0))]
    NotIssued(IssueError),
    /// What was issued cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A publication point is not one.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The charter cannot be written.
    #[error(transparent)]
    Charter(#[from] ReadCharterError),
    /// A certificate or key cannot be written as text.
    #[error("a certificate or key cannot be written as text: {0}")]
    Text(#[from] pem::Error),
    /// The ledger takes no record.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Something failed after the keys were made, which were destroyed.
    #[error("{cause}; the keys that were made are destroyed")]
    GivenUp {
        /// What failed.
        #[source]
        cause: Box<Self>,
    },
    /// Something failed after the keys were made, and they could not be destroyed.
    #[error("{cause}; the keys that were made are not destroyed, or not on record as such: {why}")]
    KeysLeft {
        /// What failed.
        #[source]
        cause: Box<Self>,
        /// Why the keys are left.
        why: String,
    },
    /// Something failed after the directory was made.
    #[error("{cause}")]
    Unfinished {
        /// The directory.
        path: PathBuf,
        /// What failed.
        #[source]
        cause: Box<Self>,
    },
}

// Not a source: the sentence says it all.
impl From<IssueError> for FoundRootError {
    fn from(error: IssueError) -> Self {
        Self::NotIssued(error)
    }
}

impl Explained for FoundRootError {
    fn exit(&self) -> Exit {
        match self {
            Self::Name(_) | Self::NameTooLong { .. } | Self::Issuer(_) => Exit::Usage,
            Self::NoSuccessor { .. } => Exit::Refused,
            Self::Predecessor(error) => error.exit(),
            Self::Profiles(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::NotMade(error) => error.exit(),
            Self::Ledger(error) => error.exit(),
            Self::NotIssued(error) => exit_of_issue(error),
            Self::Certificate(_) => Exit::Integrity,
            Self::Charter(error) => error.exit(),
            Self::Text(_) => Exit::Failed,
            Self::Unavailable(_) => Exit::Unavailable,
            Self::GivenUp { cause } | Self::KeysLeft { cause, .. } | Self::Unfinished { cause, .. } => {
                cause.exit()
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) | Self::NameTooLong { .. } => "subject.unfit",
            Self::NoSuccessor { .. } => "root.no-successor",
            Self::Predecessor(error) => error.code(),
            Self::Profiles(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::NotMade(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::NotIssued(error) => code_of_issue(error),
            Self::Certificate(_) => "certificate.altered",
            Self::Issuer(_) => "publication.point",
            Self::Charter(error) => error.code(),
            Self::Text(_) => "file.text",
            Self::Unavailable(_) => "unavailable",
            Self::GivenUp { cause } | Self::KeysLeft { cause, .. } | Self::Unfinished { cause, .. } => {
                cause.code()
            }
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Name(_) | Self::NameTooLong { .. } => {
                "correct --country, --organization or --common-name".to_owned()
            }
            Self::NoSuccessor { .. } => {
                "correct what the sentence says, or leave out --successor-of".to_owned()
            }
            Self::Predecessor(error) => error.next(),
            Self::Profiles(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::NotMade(error) => error.next(),
            Self::Ledger(error) => error.next(),
            Self::NotIssued(_) | Self::Certificate(_) | Self::Charter(_) | Self::Text(_) => {
                "correct what the sentence says".to_owned()
            }
            Self::Issuer(_) => "correct --crl-uri, --ca-issuers-uri or --ocsp-uri".to_owned(),
            Self::Unavailable(_) => "check the disk".to_owned(),
            Self::GivenUp { cause } | Self::KeysLeft { cause, .. } => cause.next(),
            Self::Unfinished { path, cause } => {
                let (next, path) = (cause.next(), path.display());
                let given_up = matches!(**cause, Self::GivenUp { .. });
                let keys =
                    if given_up { "" } else { ", and keys in it or on the token are never to be used" };
                format!("{next}; move {path} away: it holds no root{keys}")
            }
        }
    }
}
