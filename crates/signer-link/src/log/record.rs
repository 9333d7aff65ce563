//! One record of the log, and its DER.

use std::io;

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;
use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};

use crate::wire::unsound;

/// The outcome of what was signed; any other outcome is a reason code, or one of the two below.
pub const SIGNED: &str = "signed";

/// The outcome of the record that a segment of the log begins with; its name says how many records are carried over behind it.
pub const BEGUN: &str = "begun";

/// The outcome of a record that repeats, at the beginning of a segment, what has to be known of those before it.
pub const CARRIED: &str = "carried";

/// What was to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A `TBSCertificate`.
    Certificate,
    /// A `TBSCertList`.
    Crl,
    /// A `ResponseData`.
    Ocsp,
    /// A checkpoint of the audit trail.
    Checkpoint,
    /// A message of an enrolment protocol.
    Message,
    /// A `CertificationRequestInfo` for the key itself.
    Request,
    /// Nothing: the log goes on in another file.
    Segment,
    /// Nothing of these.
    Unknown,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Certificate,
        Self::Crl,
        Self::Ocsp,
        Self::Checkpoint,
        Self::Message,
        Self::Request,
        Self::Segment,
        Self::Unknown,
    ];

    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Crl => "crl",
            Self::Ocsp => "ocsp",
            Self::Checkpoint => "checkpoint",
            Self::Message => "message",
            Self::Request => "request",
            Self::Segment => "segment",
            Self::Unknown => "unknown",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: UnixTime,
    /// Who asked.
    pub user: u32,
    /// With which key.
    pub key: KeyRef,
    /// What was to be signed.
    pub kind: Kind,
    /// The key of the authority that it speaks for, if it speaks for one.
    pub issuer: Option<KeyRef>,
    /// The serial number in hexadecimal, the number of the CRL, the size of the tree; empty where there is none.
    pub name: String,
    /// Of what a CRL speaks; empty for all else.
    pub scope: String,
    /// The SHA-256 of what was to be signed.
    pub digest: [u8; 32],
    /// What became of it: [`SIGNED`], or a reason code.
    pub outcome: String,
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1.
    pub number: u64,
    /// The SHA-256 of the record before; zeros for the first.
    pub previous: [u8; 32],
    /// What happened.
    pub entry: Entry,
}

/// ```text
/// SignatureRecord ::= SEQUENCE {
///     number   INTEGER,
///     previous OCTET STRING,   -- SHA-256 of the record before, zeros for the first
///     time     INTEGER,        -- seconds since 1970
///     user     INTEGER,
///     key      OCTET STRING,   -- SHA-1 of its public point
///     kind     UTF8String,
///     issuer   OCTET STRING,   -- as key; empty where there is none
///     name     UTF8String,
///     scope    UTF8String,
///     digest   OCTET STRING,   -- SHA-256 of what was to be signed
///     outcome  UTF8String }
/// ```
#[derive(Sequence)]
struct SignatureRecord {
    number: u64,
    previous: OctetString,
    time: i64,
    user: u32,
    key: OctetString,
    kind: String,
    issuer: OctetString,
    name: String,
    scope: String,
    digest: OctetString,
    outcome: String,
}

impl Record {
    pub(super) fn to_der(&self) -> io::Result<Vec<u8>> {
        let Self { number, previous, entry } = self;
        let octets = |octets: &[u8]| OctetString::new(octets).map_err(unsound);
        let issuer = entry.issuer.as_ref().map_or(&[][..], |issuer| issuer.octets().as_slice());
        let fields = SignatureRecord {
            number: *number,
            previous: octets(previous)?,
            time: entry.time.seconds(),
            user: entry.user,
            key: octets(entry.key.octets())?,
            kind: entry.kind.name().to_owned(),
            issuer: octets(issuer)?,
            name: entry.name.clone(),
            scope: entry.scope.clone(),
            digest: octets(&entry.digest)?,
            outcome: entry.outcome.clone(),
        };
        fields.to_der().map_err(unsound)
    }

    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let fields = SignatureRecord::from_der(der).ok()?;
        let key = |octets: &OctetString| octets.as_bytes().try_into().ok().map(KeyRef::new);
        let issuer = match fields.issuer.as_bytes() {
            [] => None,
            _ => Some(key(&fields.issuer)?),
        };
        let entry = Entry {
            time: UnixTime::from_seconds(fields.time),
            user: fields.user,
            key: key(&fields.key)?,
            kind: Kind::ALL.into_iter().find(|kind| kind.name() == fields.kind)?,
            issuer,
            name: fields.name,
            scope: fields.scope,
            digest: fields.digest.as_bytes().try_into().ok()?,
            outcome: fields.outcome,
        };
        Some(Self { number: fields.number, previous: fields.previous.as_bytes().try_into().ok()?, entry })
    }
}

pub(super) fn hash(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}
