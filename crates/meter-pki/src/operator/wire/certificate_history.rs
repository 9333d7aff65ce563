//! What became of a certificate and how it came to be, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shut_out::ScheduledView;
use super::words::{
    ActWord, CampaignName, PossessionWord, ProductionName, ProfileName, Serial, Sha256, TenantId, TimeText,
    VisitName,
};

/// The path, the request and the acts of a certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertificateHistoryView {
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// Itself and the certificates above it up to the root; itself is left out while it is not signed.
    pub path: Vec<PathCertificateView>,
    /// How it was asked for.
    pub request: CertificateRequestView,
    /// What became of it, the oldest in front.
    pub acts: Vec<CertificateActView>,
    /// Whether `acts` has every act. So for certificates of devices, whose histories are kept; of others there are the issuance
    /// and the revocation that stands, and the rest is found among the audit records, by the serial number.
    pub whole: bool,
    /// The revocation that is due later, if there is one.
    pub scheduled: Option<ScheduledView>,
}

/// A certificate of a path.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PathCertificateView {
    /// Its subject.
    pub subject: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// Its last second.
    #[schema(value_type = TimeText)]
    pub not_after: String,
    /// SHA-256 of it.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// Itself, PEM.
    pub pem: String,
}

/// How a certificate was asked for, as the audit record of its intent tells.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertificateRequestView {
    /// Under which profile it was issued.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// Under which version of it.
    pub profile_version: u32,
    /// Its owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// When it was recorded.
    #[schema(value_type = TimeText)]
    pub recorded_at: String,
    /// The number of the audit record of the intent; absent where none is known, as for what an earlier version issued.
    pub sequence: Option<u64>,
    /// Who asked.
    pub requester: Option<String>,
    /// The record's own words: subject, profile, and what besides.
    pub detail: Option<String>,
    /// How it is known that whoever asked holds the key.
    #[schema(value_type = Option<PossessionWord>)]
    pub possession: Option<String>,
    /// SHA-256 of the request, where there was one.
    #[schema(value_type = Option<Sha256>)]
    pub request_sha256: Option<String>,
    /// The request that operators approved, by its id.
    #[schema(value_type = Option<Sha256>)]
    pub approved: Option<String>,
    /// The campaign of its device in which it was issued, by its digest.
    #[schema(value_type = Option<CampaignName>)]
    pub campaign: Option<String>,
    /// What people call that campaign.
    pub campaign_name: Option<String>,
    /// The production order for which it was issued.
    #[schema(value_type = Option<ProductionName>)]
    pub production_order: Option<String>,
    /// The visit for which it was issued.
    #[schema(value_type = Option<VisitName>)]
    pub visit: Option<String>,
    /// Who was given the private key, where it was made here.
    pub handed_to: Option<String>,
}

/// An act on a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateActView {
    /// The number of its audit record.
    pub sequence: u64,
    /// When.
    #[schema(value_type = TimeText)]
    pub time: String,
    /// What it was.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// Who did it, or asked for it.
    pub by: String,
    /// The reason of a revocation; empty otherwise.
    pub reason: String,
    /// What a reader needs besides.
    pub detail: String,
}
