//! The rows that the invariants are about, by definitions of our own, taken from the documentation of the formats.
//!
//! An octet 0x01, then DER with EXPLICIT tags. What no invariant needs is not read.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::{AnyRef, GeneralizedTime, Null, OctetStringRef, Utf8StringRef};
use der::{Decode, Sequence};

use crate::engines::{Rows, keyspace_name as name};
use crate::unreadable::Unreadable;

/// Issuing key and serial number, as the keys of rows have them: 20 octets and the rest.
pub(crate) type Id = Vec<u8>;

/// The keyspace of the tree over the audit records: level and index, and the hash of a perfect subtree.
pub(crate) const TREE: u8 = 19;

/// Where a certificate stands.
pub(crate) const INTENDED: u8 = 0;
pub(crate) const ISSUED: u8 = 1;
pub(crate) const ABORTED: u8 = 2;
pub(crate) const UNCERTAIN: u8 = 3;

/// Which acts audit records tell of.
pub(crate) const INTENT_RECORDED: u8 = 0;
pub(crate) const CERTIFICATE_ISSUED: u8 = 1;
pub(crate) const INTENT_ABORTED: u8 = 2;
pub(crate) const INTENT_UNCERTAIN: u8 = 3;
pub(crate) const CERTIFICATE_REVOKED: u8 = 5;
pub(crate) const CRL_INTENDED: u8 = 6;
pub(crate) const LEDGER_OPENED: u8 = 12;
pub(crate) const REQUEST_WAITS: u8 = 40;
pub(crate) const REQUEST_APPROVED: u8 = 41;
pub(crate) const APPROVAL_REFUSED: u8 = 42;
pub(crate) const CERTIFICATE_CONFIRMED: u8 = 50;
pub(crate) const CERTIFICATE_REFUSED: u8 = 51;
pub(crate) const TRANSACTION_LAPSED: u8 = 52;
pub(crate) const CERTIFICATE_HELD: u8 = 60;
pub(crate) const CERTIFICATE_RELEASED: u8 = 61;
pub(crate) const PRODUCTION_OPENED: u8 = 120;
pub(crate) const PRODUCTION_CLOSED: u8 = 121;
pub(crate) const PRODUCTION_CANCELLED: u8 = 122;
pub(crate) const DEVICE_SCRAPPED: u8 = 123;
pub(crate) const CREDENTIAL_ADDED: u8 = 133;
pub(crate) const APPROVAL_VOIDED: u8 = 136;
pub(crate) const VISIT_OPENED: u8 = 137;
pub(crate) const VISIT_AMENDED: u8 = 138;
pub(crate) const VISIT_APPROVED: u8 = 139;
pub(crate) const VISIT_REFUSED: u8 = 140;
pub(crate) const VISIT_ENDED: u8 = 141;
pub(crate) const DEVICES_SUSPENDED: u8 = 91;
pub(crate) const DEVICES_RESUMED: u8 = 92;
pub(crate) const DEVICES_RETIRED: u8 = 93;
pub(crate) const DEVICES_MOVED: u8 = 94;

pub(crate) const CERTIFICATE_TAKEN_OVER: u8 = 147;

pub(crate) const DEVICE_SWAPPED: u8 = 112;

/// The acts that tell how the swap of a certificate goes: begun, another step, stuck, undone, given to a head-end.
pub(crate) const SWAP_ACTS: [u8; 5] = [108, 109, 110, 111, 113];

/// The reason certificateHold (RFC 5280 §5.3.1).
const HOLD: u8 = 6;

#[derive(Sequence)]
struct WireCertificate<'a> {
    state: AnyRef<'a>,
    since: i64,
    octets: &'a OctetStringRef,
    tenant: Utf8StringRef<'a>,
    profile: Utf8StringRef<'a>,
    profile_version: AnyRef<'a>,
    subject: AnyRef<'a>,
    key_fingerprint: &'a OctetStringRef,
    purpose: AnyRef<'a>,
    not_before: i64,
    not_after: i64,
    recorded_at: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    slot: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    shard: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    on_no_crl: Option<Null>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    handed_to: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    record: Option<AnyRef<'a>>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    taken_over: Option<Null>,
}

#[derive(Sequence)]
struct WireIntent<'a> {
    certificate: WireCertificate<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    request: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    token: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    claim: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    approval: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    revoke_replaced_after: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WireRevocation<'a> {
    time: i64,
    reason: u8,
    not_after: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    invalidity_date: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    final_since: Option<i64>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    on_no_crl: Option<Null>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    recorded_at: Option<i64>,
}

#[derive(Sequence)]
struct WireTransaction<'a> {
    key: AnyRef<'a>,
    issuer: AnyRef<'a>,
    tenant: AnyRef<'a>,
    requester: AnyRef<'a>,
    opened_at: AnyRef<'a>,
    ends_at: AnyRef<'a>,
    request: AnyRef<'a>,
    answer: AnyRef<'a>,
    memo: AnyRef<'a>,
    stage: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificate: Option<WireId<'a>>,
}

/// Which certificate.
#[derive(Sequence)]
pub(crate) struct WireId<'a> {
    issuer: &'a OctetStringRef,
    serial: &'a OctetStringRef,
}

impl WireId<'_> {
    pub(crate) fn id(&self) -> Id {
        [self.issuer.as_bytes(), self.serial.as_bytes()].concat()
    }
}

#[derive(Sequence)]
struct WireOrdered<'a> {
    purpose: AnyRef<'a>,
    profile: AnyRef<'a>,
}

#[derive(Sequence)]
struct WireRange<'a> {
    first: &'a OctetStringRef,
    last: &'a OctetStringRef,
}

#[derive(Sequence)]
struct WireProduction<'a> {
    id: Utf8StringRef<'a>,
    tenant: AnyRef<'a>,
    ordered: u64,
    certificates: Vec<WireOrdered<'a>>,
    listed: u64,
    ranges: Vec<WireRange<'a>>,
    model: AnyRef<'a>,
    firmware: AnyRef<'a>,
    batch: AnyRef<'a>,
    stations: AnyRef<'a>,
    until: AnyRef<'a>,
    opened: AnyRef<'a>,
    state: AnyRef<'a>,
    places: u64,
    complete: u64,
    under_way: u64,
    scrapped: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    customer: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    ended: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WireMade<'a> {
    purpose: AnyRef<'a>,
    id: WireId<'a>,
    issued: bool,
}

#[derive(Sequence)]
struct WireProduced<'a> {
    order: Utf8StringRef<'a>,
    certificates: Vec<WireMade<'a>>,
}

/// A production order.
pub(crate) struct ProductionRow {
    pub(crate) ordered: u64,
    pub(crate) places: u64,
    /// First and last system titles, 8 octets each; none where there is a list.
    pub(crate) ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A device that has a place in an order.
pub(crate) struct ProducedRow {
    pub(crate) order: String,
    pub(crate) ids: Vec<Id>,
}

/// An intent or what became of it.
pub(crate) struct CertificateRow {
    pub(crate) state: u8,
    pub(crate) since: i64,
    pub(crate) not_after: i64,
    pub(crate) tenant: String,
    /// The certificate if it is issued, otherwise what was to be signed.
    pub(crate) octets: Vec<u8>,
    pub(crate) profile: String,
    pub(crate) key_fingerprint: Vec<u8>,
    /// The shard of CRLs that lists it when it is revoked.
    pub(crate) shard: Option<String>,
    /// Short-lived: no CRL lists it.
    pub(crate) on_no_crl: bool,
    /// Who was given its private key, where the server made that.
    pub(crate) handed_to: Option<String>,
    /// Another program issued it under the same key.
    pub(crate) taken_over: bool,
}

impl WireCertificate<'_> {
    fn row(&self) -> Option<CertificateRow> {
        Some(CertificateRow {
            state: *self.state.value().first()?,
            since: self.since,
            not_after: self.not_after,
            tenant: self.tenant.as_str().to_owned(),
            octets: self.octets.as_bytes().to_vec(),
            profile: self.profile.as_str().to_owned(),
            key_fingerprint: self.key_fingerprint.as_bytes().to_vec(),
            shard: self.shard.map(|shard| shard.as_str().to_owned()),
            on_no_crl: self.on_no_crl.is_some(),
            handed_to: self.handed_to.map(|requester| requester.as_str().to_owned()),
            taken_over: self.taken_over.is_some(),
        })
    }
}

/// A revocation.
pub(crate) struct RevocationRow {
    pub(crate) time: i64,
    /// When it was revoked for good, if it was on hold before.
    pub(crate) final_since: Option<i64>,
    /// When it was recorded, where it was revoked elsewhere before.
    pub(crate) recorded_at: Option<i64>,
    pub(crate) not_after: i64,
    pub(crate) on_hold: bool,
    pub(crate) on_no_crl: bool,
}

/// The rows by their keys.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) open: BTreeMap<Id, CertificateRow>,
    pub(crate) signing: BTreeSet<Id>,
    pub(crate) certificates: BTreeMap<Id, CertificateRow>,
    pub(crate) revocations: BTreeMap<Id, RevocationRow>,
    pub(crate) uncertain: BTreeSet<Id>,
    /// Released from hold, and not revoked since.
    pub(crate) released: BTreeSet<Id>,
    /// Idempotency keys and what answers them.
    pub(crate) requests: BTreeMap<Vec<u8>, Id>,
    /// Scope and number of every CRL that is signed or reserved; the scope of all is an issuing key alone, that of a shard is one
    /// with the shard's name and an octet 00.
    pub(crate) crls: BTreeSet<(Vec<u8>, u64)>,
    /// Scopes of shards, and the revoked certificates of each.
    pub(crate) in_shards: BTreeSet<(Vec<u8>, Id)>,
    /// Scope, an octet 00 behind the issuing key for that of all; audit record, and the serial number that it changed.
    pub(crate) changes: BTreeMap<(Vec<u8>, u64), Vec<u8>>,
    /// Transactions, and the certificate that waits to be confirmed in each.
    pub(crate) transactions: BTreeMap<Vec<u8>, Option<Id>>,
    /// The last second of each transaction that is open.
    pub(crate) deadlines: BTreeSet<(i64, Vec<u8>)>,
    /// Certificates that wait to be confirmed, and the transaction of each.
    pub(crate) unconfirmed: BTreeMap<Id, Vec<u8>>,
    /// Production orders by their names.
    pub(crate) production: BTreeMap<String, ProductionRow>,
    /// Devices that have places, by their system titles in 16 digits: one owner makes a title once.
    pub(crate) produced: BTreeMap<String, ProducedRow>,
    /// Name of an order, an octet 00, and a system title that is on its list.
    pub(crate) listed: BTreeSet<Vec<u8>>,
}

impl Ledger {
    pub(crate) fn read(rows: &Rows) -> Result<Self, Unreadable> {
        let mut ledger = Self::default();
        for ((keyspace, key), value) in rows {
            ledger
                .take(*keyspace, key, value)
                .ok_or_else(|| Unreadable::Row { keyspace: name(*keyspace) })?;
        }
        Ok(ledger)
    }

    /// Takes a row; nothing when it is not what it should be.
    fn take(&mut self, keyspace: u8, key: &[u8], value: &[u8]) -> Option<()> {
        let id = key.to_vec();
        match keyspace {
            3 => {
                self.open.insert(id, wire::<WireIntent<'_>>(value)?.certificate.row()?);
            }
            4 => {
                self.signing.insert(id);
            }
            5 => {
                self.certificates.insert(id, wire::<WireCertificate<'_>>(value)?.row()?);
            }
            10 => {
                self.requests.insert(id, wire::<WireId<'_>>(value)?.id());
            }
            11 => {
                let row = wire::<WireRevocation<'_>>(value)?;
                let (time, not_after, on_hold) = (row.time, row.not_after, row.reason == HOLD);
                let on_no_crl = row.on_no_crl.is_some();
                let (final_since, recorded_at) = (row.final_since, row.recorded_at);
                let read = RevocationRow { time, final_since, recorded_at, not_after, on_hold, on_no_crl };
                self.revocations.insert(id, read);
            }
            12 => {
                self.uncertain.insert(id);
            }
            14 => {
                let (issuer, number) = key.split_last_chunk()?;
                self.crls.insert((issuer.to_vec(), u64::from_be_bytes(*number)));
            }
            24 => {
                let row = wire::<WireTransaction<'_>>(value)?;
                self.transactions.insert(id, row.certificate.map(|certificate| certificate.id()));
            }
            26 => {
                let (time, transaction) = key.split_first_chunk()?;
                let seconds = i64::from_be_bytes((u64::from_be_bytes(*time) ^ (1 << 63)).to_be_bytes());
                self.deadlines.insert((seconds, transaction.to_vec()));
            }
            29 => {
                self.unconfirmed.insert(id, value.to_vec());
            }
            30 => {
                self.released.insert(id);
            }
            32 => {
                let name = key.iter().skip(20).position(|octet| *octet == 0)?;
                let (scope, serial) = key.split_at_checked(20 + name + 1)?;
                let id = [key.get(..20)?, serial].concat();
                self.in_shards.insert((scope.to_vec(), id));
            }
            55 => {
                let row = wire::<WireProduction<'_>>(value)?;
                let range =
                    |range: &WireRange<'_>| (range.first.as_bytes().to_vec(), range.last.as_bytes().to_vec());
                let read = ProductionRow {
                    ordered: row.ordered,
                    places: row.places,
                    ranges: row.ranges.iter().map(range).collect(),
                };
                self.production.insert(row.id.as_str().to_owned(), read);
            }
            56 => {
                let row = wire::<WireProduced<'_>>(value)?;
                let ids = row.certificates.iter().map(|made| made.id.id()).collect();
                let title: &[u8; 8] = key.last_chunk()?;
                let read = ProducedRow { order: row.order.as_str().to_owned(), ids };
                self.produced.insert(hex::encode_upper(title), read);
            }
            57 => {
                self.listed.insert(id);
            }
            33 => {
                let (scope, sequence) = key.split_last_chunk()?;
                self.changes.insert((scope.to_vec(), u64::from_be_bytes(*sequence)), value.to_vec());
            }
            _ => {}
        }
        Some(())
    }

    /// Returns the row of an intent or certificate.
    pub(crate) fn of(&self, id: &Id) -> Option<&CertificateRow> {
        self.certificates.get(id).or_else(|| self.open.get(id))
    }

    /// Lists the issued certificates.
    pub(crate) fn issued(&self) -> impl Iterator<Item = (&Id, &CertificateRow)> {
        self.certificates.iter().filter(|(_, row)| row.state == ISSUED)
    }
}

fn wire<'a, T: Decode<'a, Error = der::Error>>(value: &'a [u8]) -> Option<T> {
    match value.split_first() {
        Some((1, der)) => T::from_der(der).ok(),
        _ => None,
    }
}

#[derive(Sequence)]
struct WireAudit<'a> {
    sequence: u64,
    previous: &'a OctetStringRef,
    time: GeneralizedTime,
    tenant: AnyRef<'a>,
    actor: Utf8StringRef<'a>,
    act: AnyRef<'a>,
    issuer: &'a OctetStringRef,
    serial: &'a OctetStringRef,
    reason: AnyRef<'a>,
    detail: Utf8StringRef<'a>,
    digest: &'a OctetStringRef,
}

/// An audit record.
pub(crate) struct AuditRecord {
    pub(crate) sequence: u64,
    pub(crate) previous: Vec<u8>,
    pub(crate) time: i64,
    pub(crate) actor: String,
    pub(crate) act: u8,
    pub(crate) id: Id,
    pub(crate) detail: String,
    pub(crate) digest: Vec<u8>,
}

impl AuditRecord {
    /// Reads all, in the order of their keys, each with its octets.
    pub(crate) fn all(rows: &Rows) -> Result<Vec<(Vec<u8>, Self)>, Unreadable> {
        let audit = rows.iter().filter(|((keyspace, _), _)| *keyspace == 2);
        audit
            .map(|(_, der)| Some((der.clone(), Self::read(der)?)))
            .collect::<Option<_>>()
            .ok_or_else(|| Unreadable::Row { keyspace: name(2) })
    }

    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let wire = WireAudit::from_der(der).ok()?;
        Some(Self {
            sequence: wire.sequence,
            previous: wire.previous.as_bytes().to_vec(),
            time: i64::try_from(wire.time.to_unix_duration().as_secs()).ok()?,
            actor: wire.actor.as_str().to_owned(),
            detail: wire.detail.as_str().to_owned(),
            act: act(wire.act.value())?,
            id: [wire.issuer.as_bytes(), wire.serial.as_bytes()].concat(),
            digest: wire.digest.as_bytes().to_vec(),
        })
    }
}

/// Reads the number of an act: the content of an ENUMERATED, which has an octet 0 in front from 128 on.
const fn act(content: &[u8]) -> Option<u8> {
    match content {
        [act @ ..=0x7F] | [0, act @ 0x80..=0xFF] => Some(*act),
        _ => None,
    }
}

#[derive(Sequence)]
struct WireTrail<'a> {
    sequence: u64,
    head: &'a OctetStringRef,
    peaks: &'a OctetStringRef,
}

/// Where the audit trail ends: its last number, the digest of its last record, and the right edge of its tree.
#[derive(PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) sequence: u64,
    pub(crate) head: Vec<u8>,
    pub(crate) peaks: Vec<u8>,
}

/// Reads where the ledger remembers the end of the audit trail: a row of form 2.
pub(crate) fn trail(rows: &Rows) -> Option<Trail> {
    let (version, der) = rows.get(&(1, b"trail".to_vec()))?.split_first()?;
    let row = WireTrail::from_der(der).ok().filter(|_| *version == 2)?;
    let octets = |field: &OctetStringRef| field.as_bytes().to_vec();
    Some(Trail { sequence: row.sequence, head: octets(row.head), peaks: octets(row.peaks) })
}
