//! What another program issued under an authority's key, as JSON: certificates in parts, and the number of its last CRL.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{AuthorityName, Base64Text, ProfileName, ReasonWord, Serial, Sha256, ShortText, TimeText};

/// Certificates that are to be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeOverText {
    /// The name of the authority that has the key now.
    #[schema(value_type = AuthorityName)]
    pub issuer: String,
    /// Which program issued them.
    #[schema(value_type = ShortText)]
    pub source: String,
    /// SHA-256 of the list that they are from.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// Whether they are recorded; otherwise it is only said what would become of them.
    pub apply: bool,
    /// Up to 250 of them.
    pub certificates: Vec<TakenOverText>,
}

/// A certificate that is to be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenOverText {
    /// Where it stands in the list.
    #[schema(value_type = ShortText)]
    pub place: String,
    /// Its DER.
    #[schema(value_type = Base64Text)]
    pub certificate: String,
    /// How it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevokedBeforeText>,
}

/// A revocation that another program recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedBeforeText {
    /// When.
    #[schema(value_type = TimeText)]
    pub at: String,
    /// Why.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
    /// Since when the key is suspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TimeText>)]
    pub invalidity_date: Option<String>,
}

/// What became, or would become, of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakeOverView {
    /// How many are on record now that were not.
    pub recorded: u64,
    /// Of how many that were on record before the revocation is new.
    pub revoked: u64,
    /// How many stood there so before.
    pub unchanged: u64,
    /// How many of all these have expired.
    pub expired: u64,
    /// What was not taken over, and why.
    pub faults: Vec<TakeOverFaultView>,
    /// How many break no rule of a profile of this authority, by the profile.
    pub profiles: Vec<ProfileFitView>,
    /// How many break a rule of the profile that they are nearest to, by the rule.
    pub findings: Vec<RuleCountView>,
}

/// Something that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakeOverFaultView {
    /// Where it stands in the list.
    pub place: String,
    /// The stable reason code.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// How many certificates would pass as one of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileFitView {
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// How many.
    pub count: u64,
}

/// How many certificates break a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleCountView {
    /// The rule.
    pub rule: String,
    /// How many.
    pub count: u64,
}

/// The last CRL of another program, or its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LastCrlText {
    /// The name of the authority that has the key now.
    #[schema(value_type = AuthorityName)]
    pub issuer: String,
    /// Which program made it.
    #[schema(value_type = ShortText)]
    pub source: String,
    /// Its DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Base64Text>)]
    pub crl: Option<String>,
    /// Its number, where that is known otherwise or is higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Whether the number is taken; otherwise it is only said what would become of it.
    pub apply: bool,
}

/// How CRLs are numbered from now on, and what the last one has beyond the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastCrlView {
    /// The highest number on record before.
    pub before: Option<u64>,
    /// The highest number of the other program.
    pub old: Option<u64>,
    /// The number that the next CRL has at least.
    pub next: u64,
    /// How many entries of the CRL are not revoked on record.
    pub missing: u64,
    /// Their serial numbers, the first thousand.
    #[schema(value_type = Vec<Serial>)]
    pub serials: Vec<String>,
}
