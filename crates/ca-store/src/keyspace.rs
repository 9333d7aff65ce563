//! The keyspaces of the ledger and the octets of their keys.
//!
//! Not the values: those are rows. `‖` joins octet strings, `u64` and `u32` are big-endian, *id* is issuer ‖ serial: the 20
//! octets of the issuing key's reference and the 1 to 20 content octets of the serial number. Keys therefore sort as ca-core
//! sorts certificate ids. *scope* is an issuer alone for the CRLs of all it issued, and issuer ‖ name ‖ 00 for those of a shard: no name has the octet 00,
//! and no CRL number, which counts seconds, begins as a name does. The octet is what sled puts in front of a key; fjall has one
//! tree of each name.
//!
//! | octet | name | key | value |
//! |--:|---|---|---|
//! | 1 | `meta` | `trail` | [`TrailRow`](crate::row::TrailRow) |
//! | | | `boot` | the run of the machine on which the ledger was opened last, a UUID in 36 characters |
//! | | | `checkpoint` | text of the latest signed checkpoint |
//! | | | `cursor/` ‖ name of a copy of the trail | number of the last record copied, u64 |
//! | | | `fleet` | one octet 01: the rows of 39, 40 and 41 are whole; absent from a ledger, or a backup, of format 2 |
//! | | | `days` | one octet 01: the rows of 59 are whole |
//! | | | `installation` | [`InstallationRow`](crate::row::InstallationRow); absent until the ledger was guarded or restored |
//! | | | `profile/` …, `profile-octets/` … | what profiles said, see [`profiles`] and [`ProfileVersionRow`](crate::row::ProfileVersionRow) |
//! | 2 | `audit` | sequence u64 | DER of ca-core's `AuditRecord`, nothing in front |
//! | 3 | `open` | id | [`IntentRow`](crate::row::IntentRow): intents that have not ended |
//! | 4 | `signing` | id | empty: the intent was given to the signer |
//! | 5 | `certificates` | id | [`CertificateRow`](crate::row::CertificateRow): intents that have ended, one way or another |
//! | 6 | `titles` | system title ‖ id | empty: every intent and certificate of a device |
//! | 7 | `expiry` | notAfter ‖ id | empty: every issued certificate; seconds since 1970 as u64 with the top bit flipped |
//! | 8 | `keys` | SHA-256 of SubjectPublicKeyInfo | [`KeyRow`](crate::row::KeyRow) |
//! | 9 | `slots` | tenant ‖ 00 ‖ system title ‖ hierarchy ‖ purpose | [`SlotRow`](crate::row::SlotRow); the last two are one octet each, the numbers of the ENUMERATED |
//! | 10 | `requests` | idempotency key, 32 octets | [`RequestRow`](crate::row::RequestRow) |
//! | 11 | `revocations` | id | [`RevocationRow`](crate::row::RevocationRow) |
//! | 12 | `uncertain` | id | [`UncertainRow`](crate::row::UncertainRow): uncertain and not revoked |
//! | 13 | `crl-heads` | scope | [`CrlHeadRow`](crate::row::CrlHeadRow) |
//! | 14 | `crls` | scope ‖ CRL number u64 | [`CrlRow`](crate::row::CrlRow): reserved and issued |
//! | 15 | `crl-octets` | scope ‖ CRL number u64 ‖ part u32, from 0 | up to 4,096 octets of the CRL's DER; of the latest complete CRL and of the latest delta only |
//! | 16 | `tokens` | SHA-256 of the secret | [`TokenRow`](crate::row::TokenRow) |
//! | 17 | `devices` | system title | [`DeviceRow`](crate::row::DeviceRow) |
//! | 18 | `device-lists` | tenant ‖ 00 ‖ system title | empty |
//! | 19 | `tree` | level u8 ‖ index u64 | hash of a perfect subtree over the audit records, 32 octets; level 1 and above |
//! | 20 | `request-ends` | time ‖ idempotency key | id: when the request may be forgotten that this certificate answers |
//! | 21 | `waiting` | digest of a request, 32 octets | [`WaitingRow`](crate::row::WaitingRow): requests that wait or waited for approval |
//! | 22 | `waiting-ends` | time ‖ digest of a request | empty: when the request of `waiting` is over |
//! | 23 | `waiting-counts` | tenant ‖ 00, and for one requester ‖ the first 16 octets of the SHA-256 of its name | [`CountRow`](crate::row::CountRow) |
//! | 24 | `transactions` | key of a transaction, 32 octets | [`TransactionRow`](crate::row::TransactionRow): those that are open, and closed ones for a time |
//! | 25 | `transaction-octets` | key of a transaction ‖ 00 for its answer, 01 for its memo ‖ part u32, from 0 | up to 4,096 octets of it |
//! | 26 | `transaction-deadlines` | time ‖ key of a transaction | empty: the last second of one that is open |
//! | 27 | `transaction-ends` | time ‖ key of a transaction | empty: the last second for which one that is closed is kept |
//! | 28 | `transaction-counts` | as in `waiting-counts` | [`CountRow`](crate::row::CountRow) |
//! | 29 | `unconfirmed` | id | key of the transaction in which this certificate waits to be confirmed |
//! | 30 | `releases` | id | [`ReleaseRow`](crate::row::ReleaseRow): released from hold and not revoked since |
//! | 31 | `shards` | issuer ‖ name ‖ 00 | [`ShardRow`](crate::row::ShardRow): every shard that ever had a certificate |
//! | 32 | `shard-revocations` | issuer ‖ name ‖ 00 ‖ serial | empty: those of `revocations` whose certificates are in a shard |
//! | 33 | `changes` | issuer ‖ name, empty for all ‖ 00 ‖ number of an audit record u64 | serial number: what was revoked, held, made final or released |
//! | 34 | `orders` | digest of an order, 32 octets | [`OrderRow`](crate::row::OrderRow): orders to change the revocation of many certificates |
//! | 35 | `order-parts` | digest of an order ‖ part u32, from 0 | [`OrderPartRow`](crate::row::OrderPartRow): its certificates |
//! | 36 | `scheduled` | id | [`ScheduledRow`](crate::row::ScheduledRow): a revocation that is due later |
//! | 37 | `scheduled-times` | time ‖ id | empty: when the revocation of `scheduled` is due |
//! | 38 | `blocked` | key of an authority, 20 octets | [`BlockedRow`](crate::row::BlockedRow): nobody is let in by certificates below it |
//! | 39 | `device-index` | 16 octets of the SHA-256 of tenant ‖ 00 ‖ what ‖ text, ‖ system title | empty: a device has this text in this field, stands in this state, came by this delivery, or with a certificate of this serial number; *what* is one octet, see [`fleet`] |
//! | 40 | `device-counts` | 16 octets of the SHA-256 of tenant ‖ 00 ‖ field, 00 for all, ‖ 16 octets of that of the text | [`DeviceCountRow`](crate::row::DeviceCountRow): how many devices have it, by their states |
//! | 41 | `device-history` | system title ‖ number of an audit record u64 | [`HistoryRow`](crate::row::HistoryRow): what became of the device |
//! | 42 | `device-credentials` | system title ‖ SHA-256 of SubjectPublicKeyInfo | [`CredentialRow`](crate::row::CredentialRow): a certificate that came with the device |
//! | 43 | `device-secrets` | system title ‖ kind u8 ‖ 16 octets of the SHA-256 of the wrapping key's label | [`SecretRow`](crate::row::SecretRow): a wrapped secret that came with the device |
//! | 44 | `deliveries` | SHA-256 of the delivery's file | [`DeliveryRow`](crate::row::DeliveryRow) |
//! | 45 | `delivery-parts` | digest of a delivery ‖ part u32, from 0 | [`DeliveryPartRow`](crate::row::DeliveryPartRow): what became of a part |
//! | 46 | `delivery-refusals` | digest of a delivery ‖ part u32 ‖ place u32, from 0 | [`RefusalRow`](crate::row::RefusalRow): a device of it that was not taken in |
//! | 47 | `swaps` | system title ‖ purpose u8 | [`SwapRow`](crate::row::SwapRow): the swap of a certificate, the last one of its type |
//! | 48 | `campaigns` | digest of a campaign, 32 octets | [`CampaignRow`](crate::row::CampaignRow) |
//! | 49 | `campaign-members` | digest of a campaign ‖ system title | [`MemberRow`](crate::row::MemberRow): its devices |
//! | 50 | `campaign-agenda` | digest of a campaign ‖ phase u8 ‖ wave u32 and spread u32, or time ‖ system title | empty: its devices by how they stand, and from when on something can be done |
//! | 51 | `campaign-counts` | digest of a campaign ‖ wave u32 ‖ phase u8 | [`MemberCountRow`](crate::row::MemberCountRow): how many devices stand so |
//! | 52 | `campaign-places` | digest of a campaign ‖ the first 16 octets of the SHA-256 of a concentrator's name | [`PlaceCountRow`](crate::row::PlaceCountRow): how many behind it are under way |
//! | 53 | `evidence` | system title ‖ digest of a campaign | [`EvidenceRow`](crate::row::EvidenceRow): what was done to a device |
//! | 54 | `replaced` | id | [`ReplacedRow`](crate::row::ReplacedRow): what this certificate replaced, until it is known to be in use |
//! | 55 | `production-orders` | name | [`ProductionRow`](crate::row::ProductionRow) |
//! | 56 | `production-devices` | tenant ‖ 00 ‖ system title | [`ProducedRow`](crate::row::ProducedRow): devices that have a place in an order |
//! | 57 | `production-lists` | name of an order ‖ 00 ‖ system title | how often the device was scrapped under the order, u32: titles that it names singly, and all that were made |
//! | 58 | `production-stations` | tenant ‖ 00 ‖ name of a registration authority | name of the open order that it works on |
//! | 59 | `day-counts` | tenant ‖ 00 ‖ time at which a day begins ‖ issuer | [`DayCountRow`](crate::row::DayCountRow): certificates issued, revoked and ending on the day |
//! | 63 | `people` | id of a person | [`PersonRow`](crate::row::PersonRow): who may do what; removed ones stay |
//! | 64 | `person-credentials` | SHA-256 of a credential's text | id of the person whose it is, or was |
//! | 65 | `visits` | name | [`VisitRow`](crate::row::VisitRow) |
//! | 66 | `visit-units` | tenant ‖ 00 ‖ system title of a hand-held unit ‖ name of a visit | empty: the visit has not ended |
//! | 68 | `calls` | who called and the key he gave, hashed, 32 octets | [`CallRow`](crate::row::CallRow): calls that may be repeated |
//! | 69 | `call-ends` | time ‖ key of a call | empty: the last second for which the call is remembered |
//! | 70 | `call-octets` | key of a call ‖ part u32, from 0 | up to 4,096 octets of its answer |

use ca_core::key_ref::KeyRef;
use ca_core::people::Credential;
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::record::{CertificateId, ProductionId, Slot, VisitId};
use ca_core::scope::{CrlScope, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

pub(crate) mod campaign;
pub(crate) mod days;
pub(crate) mod fleet;
pub(crate) mod profiles;

/// The format of keyspaces and rows that this version reads and writes.
pub const FORMAT: u32 = 3;

/// A named set of rows, each under its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Keyspace {
    Meta,
    Audit,
    Open,
    Signing,
    Certificates,
    Titles,
    Expiry,
    Keys,
    Slots,
    Requests,
    Revocations,
    Uncertain,
    CrlHeads,
    Crls,
    CrlOctets,
    Tokens,
    Devices,
    DeviceLists,
    Tree,
    RequestEnds,
    Waiting,
    WaitingEnds,
    WaitingCounts,
    Transactions,
    TransactionOctets,
    TransactionDeadlines,
    TransactionEnds,
    TransactionCounts,
    Unconfirmed,
    Releases,
    Shards,
    ShardRevocations,
    Changes,
    Orders,
    OrderParts,
    Scheduled,
    ScheduledTimes,
    Blocked,
    DeviceIndex,
    DeviceCounts,
    DeviceHistory,
    DeviceCredentials,
    DeviceSecrets,
    Deliveries,
    DeliveryParts,
    DeliveryRefusals,
    Swaps,
    Campaigns,
    CampaignMembers,
    CampaignAgenda,
    CampaignCounts,
    CampaignPlaces,
    Evidence,
    Replaced,
    ProductionOrders,
    ProductionDevices,
    ProductionLists,
    ProductionStations,
    DayCounts,
    People,
    PersonCredentials,
    Visits,
    VisitUnits,
    Calls,
    CallEnds,
    CallOctets,
}

impl Keyspace {
    pub(crate) const ALL: [Self; 66] = [
        Self::Meta,
        Self::Audit,
        Self::Open,
        Self::Signing,
        Self::Certificates,
        Self::Titles,
        Self::Expiry,
        Self::Keys,
        Self::Slots,
        Self::Requests,
        Self::Revocations,
        Self::Uncertain,
        Self::CrlHeads,
        Self::Crls,
        Self::CrlOctets,
        Self::Tokens,
        Self::Devices,
        Self::DeviceLists,
        Self::Tree,
        Self::RequestEnds,
        Self::Waiting,
        Self::WaitingEnds,
        Self::WaitingCounts,
        Self::Transactions,
        Self::TransactionOctets,
        Self::TransactionDeadlines,
        Self::TransactionEnds,
        Self::TransactionCounts,
        Self::Unconfirmed,
        Self::Releases,
        Self::Shards,
        Self::ShardRevocations,
        Self::Changes,
        Self::Orders,
        Self::OrderParts,
        Self::Scheduled,
        Self::ScheduledTimes,
        Self::Blocked,
        Self::DeviceIndex,
        Self::DeviceCounts,
        Self::DeviceHistory,
        Self::DeviceCredentials,
        Self::DeviceSecrets,
        Self::Deliveries,
        Self::DeliveryParts,
        Self::DeliveryRefusals,
        Self::Swaps,
        Self::Campaigns,
        Self::CampaignMembers,
        Self::CampaignAgenda,
        Self::CampaignCounts,
        Self::CampaignPlaces,
        Self::Evidence,
        Self::Replaced,
        Self::ProductionOrders,
        Self::ProductionDevices,
        Self::ProductionLists,
        Self::ProductionStations,
        Self::DayCounts,
        Self::People,
        Self::PersonCredentials,
        Self::Visits,
        Self::VisitUnits,
        Self::Calls,
        Self::CallEnds,
        Self::CallOctets,
    ];

    /// Returns its octet and its name; both are on disk and never change.
    const fn on_disk(self) -> (u8, &'static str) {
        match self {
            Self::Meta => (1, "meta"),
            Self::Audit => (2, "audit"),
            Self::Open => (3, "open"),
            Self::Signing => (4, "signing"),
            Self::Certificates => (5, "certificates"),
            Self::Titles => (6, "titles"),
            Self::Expiry => (7, "expiry"),
            Self::Keys => (8, "keys"),
            Self::Slots => (9, "slots"),
            Self::Requests => (10, "requests"),
            Self::Revocations => (11, "revocations"),
            Self::Uncertain => (12, "uncertain"),
            Self::CrlHeads => (13, "crl-heads"),
            Self::Crls => (14, "crls"),
            Self::CrlOctets => (15, "crl-octets"),
            Self::Tokens => (16, "tokens"),
            Self::Devices => (17, "devices"),
            Self::DeviceLists => (18, "device-lists"),
            Self::Tree => (19, "tree"),
            Self::RequestEnds => (20, "request-ends"),
            Self::Waiting => (21, "waiting"),
            Self::WaitingEnds => (22, "waiting-ends"),
            Self::WaitingCounts => (23, "waiting-counts"),
            Self::Transactions => (24, "transactions"),
            Self::TransactionOctets => (25, "transaction-octets"),
            Self::TransactionDeadlines => (26, "transaction-deadlines"),
            Self::TransactionEnds => (27, "transaction-ends"),
            Self::TransactionCounts => (28, "transaction-counts"),
            Self::Unconfirmed => (29, "unconfirmed"),
            Self::Releases => (30, "releases"),
            Self::Shards => (31, "shards"),
            Self::ShardRevocations => (32, "shard-revocations"),
            Self::Changes => (33, "changes"),
            Self::Orders => (34, "orders"),
            Self::OrderParts => (35, "order-parts"),
            Self::Scheduled => (36, "scheduled"),
            Self::ScheduledTimes => (37, "scheduled-times"),
            Self::Blocked => (38, "blocked"),
            Self::DeviceIndex => (39, "device-index"),
            Self::DeviceCounts => (40, "device-counts"),
            Self::DeviceHistory => (41, "device-history"),
            Self::DeviceCredentials => (42, "device-credentials"),
            Self::DeviceSecrets => (43, "device-secrets"),
            Self::Deliveries => (44, "deliveries"),
            Self::DeliveryParts => (45, "delivery-parts"),
            Self::DeliveryRefusals => (46, "delivery-refusals"),
            Self::Swaps => (47, "swaps"),
            Self::Campaigns => (48, "campaigns"),
            Self::CampaignMembers => (49, "campaign-members"),
            Self::CampaignAgenda => (50, "campaign-agenda"),
            Self::CampaignCounts => (51, "campaign-counts"),
            Self::CampaignPlaces => (52, "campaign-places"),
            Self::Evidence => (53, "evidence"),
            Self::Replaced => (54, "replaced"),
            Self::ProductionOrders => (55, "production-orders"),
            Self::ProductionDevices => (56, "production-devices"),
            Self::ProductionLists => (57, "production-lists"),
            Self::ProductionStations => (58, "production-stations"),
            Self::DayCounts => (59, "day-counts"),
            Self::People => (63, "people"),
            Self::PersonCredentials => (64, "person-credentials"),
            Self::Visits => (65, "visits"),
            Self::VisitUnits => (66, "visit-units"),
            Self::Calls => (68, "calls"),
            Self::CallEnds => (69, "call-ends"),
            Self::CallOctets => (70, "call-octets"),
        }
    }

    pub(crate) const fn tag(self) -> u8 {
        self.on_disk().0
    }

    /// Returns the keyspace with this octet.
    pub(crate) fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|keyspace| keyspace.tag() == tag)
    }

    pub(crate) const fn name(self) -> &'static str {
        self.on_disk().1
    }
}

/// The key of the row of `meta` that says where the audit trail ends.
pub(crate) const TRAIL: &[u8] = b"trail";

/// The key of the row of `meta` that says on which run of the machine the ledger was opened last.
pub(crate) const BOOT: &[u8] = b"boot";

/// The key of the latest signed checkpoint in `meta`.
pub(crate) const CHECKPOINT: &[u8] = b"checkpoint";

/// The key in `meta` that tells how far a copy of the trail has come.
pub(crate) fn cursor_key(copy: &str) -> Vec<u8> {
    [b"cursor/", copy.as_bytes()].concat()
}

/// The key of the row of `meta` that tells that devices are indexed, counted and followed.
pub(crate) const FLEET: &[u8] = b"fleet";

/// The key of the row of `meta` that tells whose ledger it is and whether it is in recovery.
pub(crate) const INSTALLATION: &[u8] = b"installation";

/// How many octets one row holds of what is too long for a row: a CRL, or an answer.
pub(crate) const PART_OCTETS: usize = 4_096;

/// issuer ‖ serial.
pub(crate) fn id_key(id: &CertificateId) -> Vec<u8> {
    [id.issuer.octets().as_slice(), id.serial.octets()].concat()
}

/// Reads what [`id_key`] wrote.
pub(crate) fn parse_id(key: &[u8]) -> Option<CertificateId> {
    let (issuer, serial) = key.split_first_chunk()?;
    Some(CertificateId { issuer: KeyRef::new(*issuer), serial: SerialNumber::from_octets(serial).ok()? })
}

/// system title ‖ id.
pub(crate) fn title_key(title: &SystemTitle, id: &CertificateId) -> Vec<u8> {
    [title.octets().as_slice(), id.issuer.octets(), id.serial.octets()].concat()
}

/// Reads the id that [`title_key`] or [`expiry_key`] wrote behind eight octets.
pub(crate) fn parse_indexed_id(key: &[u8]) -> Option<CertificateId> {
    parse_id(key.get(8..)?)
}

/// Eight octets that sort as the time does.
pub(crate) fn time_octets(time: UnixTime) -> [u8; 8] {
    (u64::from_be_bytes(time.seconds().to_be_bytes()) ^ (1 << 63)).to_be_bytes()
}

/// Reads the time with whose octets a key begins.
pub(crate) fn parse_time(key: &[u8]) -> Option<UnixTime> {
    let octets = u64::from_be_bytes(*key.first_chunk()?) ^ (1 << 63);
    Some(UnixTime::from_seconds(i64::from_be_bytes(octets.to_be_bytes())))
}

/// notAfter ‖ id.
pub(crate) fn expiry_key(not_after: UnixTime, id: &CertificateId) -> Vec<u8> {
    [time_octets(not_after).as_slice(), id.issuer.octets(), id.serial.octets()].concat()
}

/// digest of an order ‖ part.
pub(crate) fn order_part_key(digest: &[u8; 32], part: u32) -> Vec<u8> {
    [digest.as_slice(), &part.to_be_bytes()].concat()
}

/// time ‖ idempotency key.
pub(crate) fn request_end_key(end: UnixTime, request: &[u8; 32]) -> Vec<u8> {
    [time_octets(end).as_slice(), request].concat()
}

/// time ‖ digest of a request that waits.
pub(crate) fn waiting_end_key(end: UnixTime, digest: &[u8; 32]) -> Vec<u8> {
    request_end_key(end, digest)
}

/// time ‖ key of a transaction.
pub(crate) fn transaction_time_key(time: UnixTime, key: &[u8; 32]) -> Vec<u8> {
    request_end_key(time, key)
}

/// key of a call ‖ part.
pub(crate) fn call_part_key(key: &[u8; 32], part: u32) -> Vec<u8> {
    order_part_key(key, part)
}

/// key of a transaction ‖ what of it ‖ part.
pub(crate) fn transaction_part_key(key: &[u8; 32], what: u8, part: u32) -> Vec<u8> {
    [key.as_slice(), &[what], &part.to_be_bytes()].concat()
}

/// tenant ‖ 00, and for one requester 16 octets of the digest of its name.
pub(crate) fn count_key(tenant: &TenantId, requester: Option<&str>) -> Vec<u8> {
    let mut key = device_list_prefix(tenant);
    let name = requester.map(|requester| <[u8; 32]>::from(Sha256::digest(requester)));
    key.extend(name.iter().flatten().take(16));
    key
}

/// Reads what [`request_end_key`], [`waiting_end_key`] or [`transaction_time_key`] wrote behind the time.
pub(crate) fn parse_request(key: &[u8]) -> Option<[u8; 32]> {
    key.get(8..)?.try_into().ok()
}

/// issuer, and for a shard its name ‖ 00.
pub(crate) fn scope_key(issuer: &KeyRef, scope: &CrlScope) -> Vec<u8> {
    match scope {
        CrlScope::All => issuer.octets().to_vec(),
        CrlScope::Shard(shard) => shard_key(issuer, shard),
    }
}

/// Reads what [`scope_key`] wrote.
pub(crate) fn parse_scope(key: &[u8]) -> Option<(KeyRef, CrlScope)> {
    let (issuer, rest) = key.split_first_chunk()?;
    let scope = match rest.split_last() {
        None => CrlScope::All,
        Some((0, name)) => CrlScope::Shard(shard_named(name)?),
        Some(_) => return None,
    };
    Some((KeyRef::new(*issuer), scope))
}

/// issuer ‖ name ‖ 00.
pub(crate) fn shard_key(issuer: &KeyRef, shard: &Shard) -> Vec<u8> {
    [issuer.octets().as_slice(), shard.as_str().as_bytes(), &[0]].concat()
}

fn shard_named(name: &[u8]) -> Option<Shard> {
    Shard::parse(core::str::from_utf8(name).ok()?).ok()
}

/// issuer ‖ name ‖ 00 ‖ serial.
pub(crate) fn shard_revocation_key(issuer: &KeyRef, shard: &Shard, serial: &SerialNumber) -> Vec<u8> {
    let mut key = shard_key(issuer, shard);
    key.extend_from_slice(serial.octets());
    key
}

/// Reads what [`shard_revocation_key`] wrote.
pub(crate) fn parse_shard_revocation(key: &[u8]) -> Option<(CertificateId, Shard)> {
    let (issuer, rest) = key.split_first_chunk()?;
    // The first 00 ends the name; a serial number may have more of them.
    let end = rest.iter().position(|octet| *octet == 0)?;
    let (name, serial) = rest.split_at_checked(end)?;
    let serial = SerialNumber::from_octets(serial.get(1..)?).ok()?;
    Some((CertificateId { issuer: KeyRef::new(*issuer), serial }, shard_named(name)?))
}

/// issuer ‖ name, empty for all ‖ 00: what every change of a scope begins with.
pub(crate) fn changes_prefix(issuer: &KeyRef, scope: &CrlScope) -> Vec<u8> {
    match scope {
        CrlScope::All => [issuer.octets().as_slice(), &[0]].concat(),
        CrlScope::Shard(shard) => shard_key(issuer, shard),
    }
}

/// issuer ‖ name, empty for all ‖ 00 ‖ number of an audit record.
pub(crate) fn change_key(issuer: &KeyRef, scope: &CrlScope, sequence: u64) -> Vec<u8> {
    let mut key = changes_prefix(issuer, scope);
    key.extend_from_slice(&sequence.to_be_bytes());
    key
}

/// Reads the number of an audit record at the end of what [`change_key`] wrote.
pub(crate) fn parse_change(key: &[u8]) -> Option<u64> {
    key.last_chunk().copied().map(u64::from_be_bytes)
}

/// scope ‖ CRL number.
pub(crate) fn crl_key(issuer: &KeyRef, scope: &CrlScope, number: u64) -> Vec<u8> {
    let mut key = scope_key(issuer, scope);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Reads what [`crl_key`] wrote.
pub(crate) fn parse_crl(key: &[u8]) -> Option<((KeyRef, CrlScope), u64)> {
    let (scope, number) = key.split_last_chunk()?;
    Some((parse_scope(scope)?, u64::from_be_bytes(*number)))
}

/// scope ‖ CRL number ‖ part.
pub(crate) fn crl_part_key(issuer: &KeyRef, scope: &CrlScope, number: u64, part: u32) -> Vec<u8> {
    let mut key = crl_key(issuer, scope, number);
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// tenant ‖ 00: what every key of a tenant's list starts with. No tenant's name contains that octet.
pub(crate) fn device_list_prefix(tenant: &TenantId) -> Vec<u8> {
    [tenant.as_str().as_bytes(), &[0]].concat()
}

/// tenant ‖ 00 ‖ system title.
pub(crate) fn device_list_key(tenant: &TenantId, title: &SystemTitle) -> Vec<u8> {
    [tenant.as_str().as_bytes(), &[0], title.octets()].concat()
}

/// tenant ‖ 00 ‖ system title ‖ hierarchy ‖ purpose.
pub(crate) fn slot_key(slot: &Slot) -> Vec<u8> {
    let hierarchy = match slot.hierarchy {
        Hierarchy::Authority => 0,
        Hierarchy::Factory => 1,
        Hierarchy::Operational => 2,
        Hierarchy::Maintenance => 3,
        Hierarchy::Infrastructure => 4,
    };
    let purpose = match slot.purpose {
        KeyPurpose::CertificateSigning => 0,
        KeyPurpose::Signature => 1,
        KeyPurpose::KeyAgreement => 2,
        KeyPurpose::Tls => 3,
    };
    let mut key = device_list_key(&slot.tenant, &slot.title);
    key.extend_from_slice(&[hierarchy, purpose]);
    key
}

/// name of a production order ‖ 00 ‖ system title; a name contains no such octet.
pub(crate) fn production_list_key(order: &ProductionId, title: &SystemTitle) -> Vec<u8> {
    [order.as_str().as_bytes(), &[0], title.octets()].concat()
}

/// name of a production order ‖ 00: what every key of its list starts with.
pub(crate) fn production_list_prefix(order: &ProductionId) -> Vec<u8> {
    [order.as_str().as_bytes(), &[0]].concat()
}

/// tenant ‖ 00 ‖ name of a registration authority.
pub(crate) fn station_key(tenant: &TenantId, station: &str) -> Vec<u8> {
    [tenant.as_str().as_bytes(), &[0], station.as_bytes()].concat()
}

/// tenant ‖ 00 ‖ system title of a hand-held unit: what every key of its visits starts with.
pub(crate) fn unit_visit_prefix(tenant: &TenantId, unit: &SystemTitle) -> Vec<u8> {
    device_list_key(tenant, unit)
}

/// tenant ‖ 00 ‖ system title of a hand-held unit ‖ name of a visit.
pub(crate) fn unit_visit_key(tenant: &TenantId, unit: &SystemTitle, visit: &VisitId) -> Vec<u8> {
    let mut key = unit_visit_prefix(tenant, unit);
    key.extend_from_slice(visit.as_str().as_bytes());
    key
}

/// Reads the name of the visit at the end of what [`unit_visit_key`] wrote.
pub(crate) fn parse_unit_visit(key: &[u8]) -> Option<VisitId> {
    // The first 00 ends the tenant; a title has eight octets, whatever they are.
    let end = key.iter().position(|octet| *octet == 0)?;
    let name = key.get(end.checked_add(9)?..)?;
    VisitId::parse(core::str::from_utf8(name).ok()?).ok()
}

/// SHA-256 of a credential's text.
pub(crate) fn credential_key(credential: &Credential) -> Vec<u8> {
    Sha256::digest(credential.to_string()).to_vec()
}

/// level ‖ index.
pub(crate) fn subtree_key(level: u8, index: u64) -> Vec<u8> {
    [[level].as_slice(), &index.to_be_bytes()].concat()
}

/// Reads the system title that [`device_list_key`] or [`production_list_key`] wrote.
pub(crate) fn parse_listed_title(key: &[u8]) -> Option<SystemTitle> {
    key.last_chunk().copied().map(SystemTitle::new)
}

#[cfg(test)]
mod tests;
