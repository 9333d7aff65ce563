//! What goes over the operator's socket for who compares published CRLs with the records.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{AuthorityName, Base64Text, GridPlace, Serial, Sha256, UnixSeconds};

/// A CRL on record, for who compares what is published with it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecordedCrlView {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub authority: String,
    /// The authority's certificate, DER in base64.
    #[schema(value_type = Base64Text)]
    pub certificate: String,
    /// The path below which the CRL is served, such as `/crl/<key>.crl`.
    pub path: String,
    /// Where it is.
    pub uri: Option<String>,
    /// The shard of which it speaks; absent when it speaks of all.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
    /// Where certificates say that the complete CRL of the shard is, which it has to name itself (RFC 5280 §5.2.5).
    pub point: Option<String>,
    /// The complete CRL that it is a delta to.
    pub base: Option<BaseView>,
    /// Its CRL number.
    pub number: u64,
    /// thisUpdate, in seconds since 1970.
    #[schema(value_type = UnixSeconds)]
    pub this_update: i64,
    /// nextUpdate, in seconds since 1970.
    #[schema(value_type = UnixSeconds)]
    pub next_update: i64,
    /// SHA-256 of its octets.
    #[schema(value_type = Sha256)]
    pub sha256: String,
}

/// The complete CRL to which another is a delta.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct BaseView {
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate, in seconds since 1970; absent when another one is on record by now.
    #[schema(value_type = Option<UnixSeconds>)]
    pub this_update: Option<i64>,
}

/// Which revocations to list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedQueryText {
    /// After this serial number, in hexadecimal.
    #[schema(value_type = Option<Serial>)]
    pub after: Option<String>,
    /// Of this shard; without, all.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
}

/// A revocation on record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevokedView {
    /// The serial number, in hexadecimal.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// When, in seconds since 1970.
    #[schema(value_type = UnixSeconds)]
    pub time: i64,
    /// The number of the reason (RFC 5280 §5.3.1).
    pub reason: u8,
    /// Since when it is suspected, in seconds since 1970.
    #[schema(value_type = Option<UnixSeconds>)]
    pub invalidity_date: Option<i64>,
    /// The end of the certificate, in seconds since 1970.
    #[schema(value_type = UnixSeconds)]
    pub not_after: i64,
}

/// Since when a certificate is not on hold any more.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReleasedView {
    /// In seconds since 1970.
    #[schema(value_type = Option<UnixSeconds>)]
    pub released_at: Option<i64>,
}
