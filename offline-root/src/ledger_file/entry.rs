//! What one entry of the ledger holds: one durable step, and the audit records that tell of it.
//!
//! Values only. How they are written stands in `wire` and `page`; which may follow which, in `book`.

use ca_core::key_ref::KeyRef;
use ca_core::octets::OctetsError;
use ca_core::record::{CertificateId, CrlRecord, Revocation, Settlement, StoredCertificate};
use ca_core::scope::CrlScope;
use ca_core::validity::UnixTime;

/// One durable step of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number, from 1, without gaps.
    pub(crate) number: u64,
    /// SHA-256 of the DER of the entry before; 32 zero octets in the first.
    pub(crate) previous: [u8; 32],
    /// The DER of the audit records of this step, in their order.
    pub(crate) records: Vec<Vec<u8>>,
    /// What was done.
    pub(crate) step: Step,
}

/// What an entry records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// T1: intents.
    Intents(Vec<IntentRow>),
    /// Intents given to the signer.
    Signing(Vec<CertificateId>),
    /// T2: certificates.
    Issued(Vec<IssuedRow>),
    /// Intents that do not become certificates.
    Settled(Vec<SettledRow>),
    /// An audit record and nothing else.
    Event,
    /// A revocation.
    Revocation {
        /// Of which certificate.
        id: CertificateId,
        /// When and why.
        revocation: Revocation,
    },
    /// A reserved CRL number.
    CrlIntent {
        /// The signing key.
        issuer: KeyRef,
        /// The number.
        number: u64,
        /// thisUpdate of the CRL.
        this_update: UnixTime,
    },
    /// A CRL.
    Crl(KeptCrl),
}

impl Step {
    /// Returns the word that the file name carries.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Intents(_) => "intent",
            Self::Signing(_) => "signing",
            Self::Issued(_) => "certificate",
            Self::Settled(_) => "settled",
            Self::Event => "event",
            Self::Revocation { .. } => "revocation",
            Self::CrlIntent { .. } => "crl-intent",
            Self::Crl(_) => "crl",
        }
    }
}

/// An intent as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IntentRow {
    /// Everything that will also be known of the certificate; its octets are empty and its status is pending.
    pub(crate) row: StoredCertificate,
    /// The to-be-signed octets.
    pub(crate) tbs: Vec<u8>,
    /// By what "the same request again" is known.
    pub(crate) idempotency: Option<[u8; 32]>,
}

/// A certificate as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedRow {
    /// Which.
    pub(crate) id: CertificateId,
    /// Its DER octets.
    pub(crate) certificate: Vec<u8>,
    /// When it was signed.
    pub(crate) issued_at: UnixTime,
}

/// The end of an intent as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettledRow {
    /// Which intent.
    pub(crate) id: CertificateId,
    /// How it ended.
    pub(crate) settlement: Settlement,
    /// When that was recorded.
    pub(crate) time: UnixTime,
}

/// A signed CRL as a root keeps it: complete and of all that its key has issued, so few that it is held whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCrl {
    /// The signing key.
    pub issuer: KeyRef,
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
    /// How many entries it has.
    pub entries: u64,
    /// Its DER octets.
    pub der: Vec<u8>,
}

impl KeptCrl {
    /// Takes the octets from wherever they are kept.
    pub(crate) fn read(crl: CrlRecord) -> Result<Self, OctetsError> {
        let CrlRecord { issuer, number, this_update, next_update, entries, der, .. } = crl;
        Ok(Self { issuer, number, this_update, next_update, entries, der: der.to_vec()? })
    }

    /// Returns it as ca-core has it.
    pub(crate) fn record(self) -> CrlRecord {
        let Self { issuer, number, this_update, next_update, entries, der } = self;
        CrlRecord {
            issuer,
            scope: CrlScope::All,
            base: None,
            // Nothing is ever a delta to it.
            seen: 0,
            number,
            this_update,
            next_update,
            entries,
            der: der.into(),
        }
    }
}
