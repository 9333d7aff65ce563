//! A root in its directory: its charter, its ledger, its certificate; and the ceremony that a command holds with it.
//!
//! The directory holds everything but what is in people's heads: `ceremony.toml`, `keys/` (unless the keys are on a token),
//! `ledger/`, `exchanges/`, and in `public/` what may leave. What the commands do stands in the modules below.

pub(crate) mod crl_series;
pub(crate) mod crl;
pub(crate) mod closing;
pub(crate) mod cross;
pub(crate) mod destruction;
pub(crate) mod issue_again;
pub(crate) mod link;
pub(crate) mod review;
pub(crate) mod revocation;
pub(crate) mod root;
pub(crate) mod share_renewal;
pub(crate) mod subordinate;
pub(crate) mod certify;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::actor::Actor;
use ca_core::audit::{Act, AuditEvent};
use ca_core::authority::{CertificationAuthority, Charter as AuthorityCharter, Ports};
use ca_core::certificate::{Certificate, CertificateError};
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuer::{Issuer, IssuerError};
use ca_core::ports::{Ledger, NoTransactions, Signer, Unavailable};
use ca_core::profile::{CrlProfile, ProfileId};
use ca_core::public_key::PublicKey;
use ca_core::record::{CertificateId, CertificateStatus, Settlement, StoredCertificate};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use der::pem::{self, LineEnding};
use policies::ProfileSet;
use signer_file::SystemEntropy;

use crate::charter::{Charter, ChooseProfilesError, KeyStore, ReadCharterError};
use crate::explain::{Exit, Explained};
use crate::keys::{self, KeyPlace, SecretSource, UnlockError, UnlockedKeys};
use crate::ledger_file::{Destruction, FileLedger, OpenLedgerError, UnsettledLedger};
use crate::new_file;
use crate::operator;
use crate::shares::{DealtReport, ShareSet, SharesShelf, ShelfError};
use crate::stated_time::StatedTime;

/// The name of the directory of the ledger.
const LEDGER: &str = "ledger";

/// The name of the directory of what may leave.
const PUBLIC: &str = "public";

/// Files in it.
const ROOT_CERTIFICATE: &str = "root.crt";
const EXCHANGE_KEY: &str = "exchange-key.pem";

/// The profile of the root's CRLs.
const CRL_PROFILE: &str = "crl-root";

/// A root whose directory is open and in order; nothing was written yet.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    pub(crate) charter: Charter,
    ledger: UnsettledLedger,
    pub(crate) certificate: Certificate,
    pub(crate) profiles: ProfileSet,
}

impl Root {
    /// Opens a root and checks its charter against the ledger.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenRootError> {
        check_private(path)?;
        let (charter, digest) = Charter::load(path)?;
        let ledger = FileLedger::open(&path.join(LEDGER))?;
        check_charter(ledger.registered_digest().as_deref(), &digest)?;
        let certificate = root_certificate(&ledger.certificates(), &charter)?;
        Ok(Self { path: path.to_owned(), profiles: charter.profiles.load()?, charter, ledger, certificate })
    }

    /// Returns the set of shares in force, if the keys are shared.
    pub(crate) fn share_set(&self) -> Result<ShareSet, OpenRootError> {
        Ok(SharesShelf::of(&self.path).in_force(self.ledger.shares_digest().as_deref())?.1)
    }

    /// Says that nothing was signed of what a power cut left open: it still waited for the people in the room.
    pub(crate) fn knowing_that_nothing_was_signed(self) -> Self {
        Self { ledger: self.ledger.knowing_that_nothing_was_signed(), ..self }
    }

    /// Lists the serial numbers that will be settled, or were and are on no CRL yet: those that nothing was signed with, and
    /// those of which it cannot be told.
    pub(crate) fn settled_serials(&self) -> [Vec<SerialNumber>; 2] {
        let (mut unused, mut uncertain) = (Vec::new(), Vec::new());
        for (serial, settlement) in self.ledger.open_intents() {
            match settlement {
                Settlement::Aborted => unused.push(serial),
                Settlement::Uncertain => uncertain.push(serial),
            }
        }
        let rows = self.ledger.certificates().into_iter();
        let left = rows.filter(|row| matches!(row.status, CertificateStatus::Uncertain { .. }));
        uncertain.extend(left.map(|row| row.id.serial));
        [unused, uncertain]
    }

    /// Begins a ceremony: settles what a power cut left open, also where keys under old shares were to be destroyed. There is none once the keys are destroyed, or are to be.
    pub(crate) fn begin(self, time: StatedTime) -> Result<Ceremony, OpenRootError> {
        match self.ledger.destruction() {
            Destruction::None => self.settle(time),
            Destruction::Intended { at } => Err(OpenRootError::KeysToBeDestroyed { at }),
            Destruction::Done { at } => Err(OpenRootError::KeysDestroyed { at }),
        }
    }

    /// Begins the ceremony in which the keys are destroyed, also when one was cut short.
    fn begin_destruction(self, time: StatedTime) -> Result<Ceremony, OpenRootError> {
        match self.ledger.destruction() {
            Destruction::None | Destruction::Intended { .. } => self.settle(time),
            Destruction::Done { at } => Err(OpenRootError::KeysDestroyed { at }),
        }
    }

    fn settle(self, time: StatedTime) -> Result<Ceremony, OpenRootError> {
        let Self { path, charter, ledger, certificate, profiles } = self;
        let ledger = Arc::new(ledger.settle(time.time())?);
        if charter.keys == KeyStore::Shared {
            let shelf = SharesShelf::of(&path);
            shelf.retire_others(&shelf.in_force(ledger.shares_digest().as_deref())?.0)?;
        }
        Ok(Ceremony { path, charter, ledger, certificate, time, profiles })
    }
}

/// A root, and the time for which a command acts.
#[derive(Debug)]
pub(crate) struct Ceremony {
    pub(crate) path: PathBuf,
    pub(crate) charter: Charter,
    pub(crate) ledger: Arc<FileLedger>,
    pub(crate) certificate: Certificate,
    pub(crate) time: StatedTime,
    pub(crate) profiles: ProfileSet,
}

impl Ceremony {
    /// Returns who sits at the machine.
    pub(crate) fn actor(&self) -> Actor {
        operator::actor(self.charter.tenant.clone())
    }

    /// Unlocks the root's key, and others beside it.
    pub(crate) fn unlock(
        &self,
        others: &[&PublicKey],
        secrets: &SecretSource,
    ) -> Result<UnlockedKeys, UnlockError> {
        let mut wanted = vec![self.certificate.public_key()];
        wanted.extend(others);
        keys::unlock(&self.key_place(), &wanted, secrets)
    }

    /// Returns the root as an issuer.
    fn issuer(&self) -> Result<Issuer, IssuerError> {
        let (certificate, charter) = (self.certificate.clone(), &self.charter);
        let not_after = certificate.validity().not_after();
        Issuer::new(certificate, charter.tenant.clone(), not_after, charter.points.clone())
    }

    /// Says where the keys are.
    fn key_place(&self) -> KeyPlace<'_> {
        let shares = self.ledger.shares_digest();
        KeyPlace { store: &self.charter.keys, root: &self.path, shares }
    }

    /// Puts the certification authority together: it issues to sub-CAs, asked by an operator, and signs CRLs.
    pub(crate) fn authority(
        &self,
        signer: Arc<dyn Signer>,
        crl_profile: CrlProfile,
        profiles: &ProfileSet,
    ) -> Result<CertificationAuthority, OpenRootError> {
        self.authority_offering(signer, crl_profile, self.offers(profiles))
    }

    /// Puts the certification authority together, with these offers.
    fn authority_offering(
        &self,
        signer: Arc<dyn Signer>,
        crl_profile: CrlProfile,
        offers: Vec<Offer>,
    ) -> Result<CertificationAuthority, OpenRootError> {
        let issuer = self.issuer()?;
        let charter = AuthorityCharter {
            own_issuers: vec![issuer.key()],
            issuer,
            offers,
            linter: policies::lint::linter(),
            crl_profile,
            // Nobody but this directory could hold a certificate of unknown outcome: it goes on the very next CRL.
            uncertain_grace_seconds: 0,
            uplifts: UpliftMatrix::default(),
            threads: 1,
        };
        let ports = Ports {
            clock: Arc::new(self.time),
            entropy: Arc::new(SystemEntropy),
            signer,
            ledger: self.ledger.clone(),
            status: self.ledger.clone(),
            registry: self.ledger.clone(),
            waiting: self.ledger.clone(),
            transactions: Arc::new(NoTransactions),
        };
        Ok(CertificationAuthority::new(charter, ports))
    }

    /// The profiles of sub-CAs whose issuer may have the profile of this root.
    fn offers(&self, profiles: &ProfileSet) -> Vec<Offer> {
        let own = |id: &ProfileId| id.as_str() == self.charter.profile;
        profiles
            .certificates()
            .filter(|profile| {
                profile.is_authority() && profiles.issuers(profile.id().as_str()).iter().any(own)
            })
            .map(|profile| Offer {
                profile: profile.clone(),
                doors: vec![Door::Operator],
                repeats: RepeatRule::default(),
                approval: ApprovalRule::default(),
                production: ProductionRule::default(),
            })
            .collect()
    }

    /// Returns the numbers of the CRLs that were signed ahead for a time after this one.
    fn obsolete_crls(&self) -> Vec<u64> {
        let key = self.certificate.public_key().key_ref();
        self.ledger.crls_ahead(&key, self.time.time()).into_iter().map(|(number, _)| number).collect()
    }

    /// Makes an audit event of this root at the stated time.
    pub(crate) fn event(&self, act: Act, detail: String) -> AuditEvent {
        AuditEvent {
            time: self.time.time(),
            tenant: self.charter.tenant.clone(),
            actor: self.actor().to_string(),
            act,
            issuer: Some(self.certificate.public_key().key_ref()),
            serial: None,
            reason: String::new(),
            detail,
            digest: Vec::new(),
        }
    }

    /// Puts a refusal on record.
    pub(crate) fn record_refusal(&self, detail: &str, code: &str) -> Result<(), Unavailable> {
        let event = self.event(Act::RequestRefused, detail.to_owned());
        self.ledger.record_event(AuditEvent { reason: code.to_owned(), ..event })
    }

    /// Returns the profile of the root's CRLs.
    pub(crate) fn crl_profile(&self) -> Result<CrlProfile, ChooseProfilesError> {
        self.profiles.crl(CRL_PROFILE).copied().ok_or_else(|| ChooseProfilesError::Unknown {
            id: CRL_PROFILE.to_owned(),
            known: listed(self.profiles.crl_ids()),
        })
    }
}

/// Writes the names of profiles in a row.
fn listed<'a>(ids: impl Iterator<Item = &'a ProfileId>) -> String {
    ids.map(ProfileId::as_str).collect::<Vec<_>>().join(", ")
}

/// Case I-11: a directory that lets others in is refused.
fn check_private(path: &Path) -> Result<(), OpenRootError> {
    let unreadable = |cause| OpenRootError::Unreadable { path: path.to_owned(), cause };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(OpenRootError::TooOpen { path: path.to_owned(), mode }) }
}

/// The charter is the one whose digest was recorded when the root was founded.
fn check_charter(registered: Option<&[u8]>, digest: &[u8; 32]) -> Result<(), ReadCharterError> {
    if registered == Some(digest) { Ok(()) } else { Err(ReadCharterError::Altered) }
}

/// Writes a PEM text (RFC 7468).
pub(crate) fn armour(label: &'static str, der: &[u8]) -> Result<String, pem::Error> {
    pem::encode_string(label, LineEnding::LF, der)
}

/// The record that puts a set of shares in force.
fn shares_dealt(shares: &DealtReport, root: &Certificate, actor: &Actor, time: StatedTime) -> AuditEvent {
    AuditEvent {
        time: time.time(),
        tenant: actor.tenant.clone(),
        actor: actor.to_string(),
        act: Act::SharesDealt,
        issuer: Some(root.public_key().key_ref()),
        serial: Some(root.serial().clone()),
        reason: String::new(),
        detail: shares.detail(),
        digest: shares.digest(),
    }
}

/// Finds the certificate of the root in its ledger.
fn root_certificate(rows: &[StoredCertificate], charter: &Charter) -> Result<Certificate, OpenRootError> {
    let row = rows
        .iter()
        .find(|row| row.id.serial == charter.certificate && !row.certificate.is_empty())
        .ok_or(OpenRootError::NoCertificate)?;
    let certificate = Certificate::from_der(&row.certificate)?;
    let issuer = certificate.public_key().key_ref();
    let own = row.id == CertificateId { issuer, serial: certificate.serial().clone() };
    if own { Ok(certificate) } else { Err(OpenRootError::NoCertificate) }
}

/// Why a root was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenRootError {
    /// The directory is not there, or the operating system refuses.
    #[error("{path} cannot be opened: {cause}", path = path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The directory lets others in.
    #[error("{path} has mode {mode:04o}, which lets others than its owner in", path = path.display())]
    TooOpen {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The keys are gone, and nothing can be done with this root.
    #[error("the keys of this root were destroyed on {at}: nothing is signed with them any more")]
    KeysDestroyed {
        /// When.
        at: UnixTime,
    },
    /// The keys are to be destroyed, and that was cut short.
    #[error(
        "the destruction of the keys of this root was begun on {at} and is not finished: nothing is signed with them"
    )]
    KeysToBeDestroyed {
        /// When.
        at: UnixTime,
    },
    /// The charter is not in order.
    #[error(transparent)]
    Charter(#[from] ReadCharterError),
    /// The ledger is not in order.
    #[error(transparent)]
    Ledger(#[from] OpenLedgerError),
    /// The ledger does not hold the root certificate.
    #[error("the ledger does not hold the certificate of the root that ceremony.toml names")]
    NoCertificate,
    /// The root certificate is unreadable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The root certificate is no issuer's.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The profiles cannot be loaded.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The shares are not in order.
    #[error(transparent)]
    Shares(#[from] ShelfError),
}

impl Explained for OpenRootError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::TooOpen { .. } => Exit::Permission,
            Self::KeysDestroyed { .. } | Self::KeysToBeDestroyed { .. } => Exit::Conflict,
            Self::Charter(error) => error.exit(),
            Self::Ledger(error) => error.exit(),
            Self::NoCertificate | Self::Certificate(_) | Self::Issuer(_) => Exit::Integrity,
            Self::Profiles(error) => error.exit(),
            Self::Shares(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "root.absent",
            Self::TooOpen { .. } => "root.too-open",
            Self::KeysDestroyed { .. } => "key.destroyed",
            Self::KeysToBeDestroyed { .. } => "key.destruction-unfinished",
            Self::Charter(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::NoCertificate | Self::Certificate(_) | Self::Issuer(_) => "ledger.altered",
            Self::Profiles(error) => error.code(),
            Self::Shares(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check --dir".to_owned(),
            Self::KeysDestroyed { .. } => {
                "use the successor of this root; what it signed stays as it is".to_owned()
            }
            Self::KeysToBeDestroyed { .. } => "finish it: offline-root destroy-key --help".to_owned(),
            Self::TooOpen { path, .. } => format!("find out who was in, then: chmod 0700 {}", path.display()),
            Self::Charter(error) => error.next(),
            Self::Ledger(error) => error.next(),
            Self::NoCertificate | Self::Certificate(_) | Self::Issuer(_) => {
                "stop, sign nothing, and compare the directory with its copies".to_owned()
            }
            Self::Profiles(error) => error.next(),
            Self::Shares(error) => error.next(),
        }
    }
}
