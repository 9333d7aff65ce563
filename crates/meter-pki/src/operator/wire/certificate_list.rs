//! Lists of certificates as JSON: what they are searched by, and their pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CertificateView;
use super::words::{
    AuthorityName, CertificatePlace, HierarchyWord, ProfileName, PurposeWord, SerialStart, Sha256, ShortText,
    StatusWord, SystemTitle, TenantId, TimeText,
};

/// Which certificates to list. An answer passes over 4,096 rows at most, and says in `next` where to go on: it may be short, or
/// empty, and not the last. By an index are `system_title`, the `key` of a device, `serial`, `recorded_from` and `recorded_until`,
/// `status` other than `good` and `aborted`, and, where none of these is given, `expires_from` and `expires_until`; by all else rows
/// are compared.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateQueryText {
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// Only of this device.
    #[schema(value_type = Option<SystemTitle>)]
    pub system_title: Option<String>,
    /// Only those of this status: `good`, `revoked`, `uncertain`, `aborted` or `intent`.
    #[schema(value_type = Option<StatusWord>)]
    pub status: Option<String>,
    /// Only those whose serial number begins so; by an index.
    #[serde(default)]
    #[schema(value_type = Option<SerialStart>)]
    pub serial: Option<String>,
    /// Only those under this profile.
    #[serde(default)]
    #[schema(value_type = Option<ProfileName>)]
    pub profile: Option<String>,
    /// Only those whose keys are for this.
    #[serde(default)]
    #[schema(value_type = Option<PurposeWord>)]
    pub purpose: Option<String>,
    /// Only those of this hierarchy; of devices alone.
    #[serde(default)]
    #[schema(value_type = Option<HierarchyWord>)]
    pub hierarchy: Option<String>,
    /// Only those that end at this time or later; by an index, of issued ones, and in the order of their ends.
    #[serde(default)]
    #[schema(value_type = Option<TimeText>)]
    pub expires_from: Option<String>,
    /// Only those that end at this time at the latest; by an index, as `expires_from`.
    #[serde(default)]
    #[schema(value_type = Option<TimeText>)]
    pub expires_until: Option<String>,
    /// Only those recorded at this time or later; by the day with which serial numbers begin.
    #[serde(default)]
    #[schema(value_type = Option<TimeText>)]
    pub recorded_from: Option<String>,
    /// Only those recorded at this time at the latest; by the day with which serial numbers begin.
    #[serde(default)]
    #[schema(value_type = Option<TimeText>)]
    pub recorded_until: Option<String>,
    /// Only those of the key with this SHA-256 of its SubjectPublicKeyInfo; by an index where it is a device's.
    #[serde(default)]
    #[schema(value_type = Option<Sha256>)]
    pub key: Option<String>,
    /// Only those in whose subject this text is.
    #[serde(default)]
    #[schema(value_type = Option<ShortText>)]
    pub subject: Option<String>,
    /// Only those after this place, as `next` of the page before said.
    #[schema(value_type = Option<CertificatePlace>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some certificates and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertificatePage {
    /// The certificates.
    pub certificates: Vec<CertificateView>,
    /// `after` of the next page; absent on the last. A page with one may have fewer certificates than were asked for.
    pub next: Option<String>,
}
