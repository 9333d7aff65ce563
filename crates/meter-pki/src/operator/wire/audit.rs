//! Audit records as JSON, decoded: what a search finds, and one record with its proof.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{ActWord, Base64Text, Serial, Sha256, ShortText, SystemTitle, TenantId, TimeText};

/// Which audit records to find. No field is indexed but the time: an answer looks at 10,000 records at most, found or not, and
/// says in `next` where to go on.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSearchQuery {
    /// Only those behind this number, as `next` of the answer before said: younger ones where the oldest comes first, older ones
    /// otherwise.
    pub after: Option<u64>,
    /// At most so many, up to 10,000.
    pub limit: u32,
    /// The oldest in front; the youngest unless given.
    #[serde(default)]
    pub oldest_first: bool,
    /// Only those from this time on; by the order of times in the trail, so that nothing before is read.
    #[schema(value_type = Option<TimeText>)]
    pub from: Option<String>,
    /// Only those up to this time; by the order of times in the trail.
    #[schema(value_type = Option<TimeText>)]
    pub until: Option<String>,
    /// Only about what is this tenant's.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only those of this act.
    #[schema(value_type = Option<ActWord>)]
    pub act: Option<String>,
    /// Only those of actors in whose name this text is.
    #[schema(value_type = Option<ShortText>)]
    pub actor: Option<String>,
    /// Only those of the authority with this name, or with a key of this name.
    #[schema(value_type = Option<ShortText>)]
    pub issuer: Option<String>,
    /// Only those of this serial number.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
    /// Only those that name this device, in what they tell or as who acted.
    #[schema(value_type = Option<SystemTitle>)]
    pub title: Option<String>,
    /// Only those whose reason code begins so.
    #[schema(value_type = Option<ShortText>)]
    pub reason: Option<String>,
}

/// What a search found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditSearchPage {
    /// The records, in the order that was asked for.
    pub records: Vec<AuditRecordView>,
    /// How many records were looked at for this answer.
    pub looked_at: u64,
    /// `after` of the next answer; absent when nothing is left. An answer with a `next` may have few records, or none.
    pub next: Option<u64>,
    /// The number of the last record in the trail.
    pub end: u64,
}

/// An audit record, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecordView {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// When.
    #[schema(value_type = TimeText)]
    pub time: String,
    /// Whose the thing is that it tells of.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Who did it, or asked for it.
    pub actor: String,
    /// What it was.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// The name of the authority concerned, or of its key where no authority here has it.
    pub issuer: Option<String>,
    /// The serial number concerned.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
    /// The reason code of a refusal or revocation; empty otherwise.
    pub reason: String,
    /// What a reader needs besides.
    pub detail: String,
    /// SHA-256 of the octets concerned.
    #[schema(value_type = Option<Sha256>)]
    pub digest: Option<String>,
}

/// An audit record with the proof that it is in the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditRecordDetailView {
    /// The record.
    #[serde(flatten)]
    pub record: AuditRecordView,
    /// Its DER octets, in base64.
    #[schema(value_type = Base64Text)]
    pub der: String,
    /// The proof (C2SP `tlog-proof`), against the last checkpoint that covers the record; absent where the installation signs none.
    pub proof: Option<String>,
    /// The public key that verifies the checkpoint, PEM; absent with the proof.
    pub key: Option<String>,
}
