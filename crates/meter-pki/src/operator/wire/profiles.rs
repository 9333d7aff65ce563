//! Profiles as JSON: what they say, a sample of each, and in what two of them differ.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{
    AuthorityName, HierarchyWord, ProfileKindWord, ProfileName, PurposeWord, Serial, Sha256, TimeText,
};

/// Which profiles to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileQueryText {
    /// Only those of this kind: `certificate`, `crl` or `ocsp`.
    #[schema(value_type = Option<ProfileKindWord>)]
    pub kind: Option<String>,
    /// Only those after this one, as `next` of the page before said.
    #[schema(value_type = Option<ProfileName>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some profiles, by their names, and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfilePage {
    /// The profiles.
    pub profiles: Vec<ProfileView>,
    /// `after` of the next page; absent on the last.
    #[schema(value_type = Option<ProfileName>)]
    pub next: Option<String>,
}

/// A profile of certificates, CRLs or OCSP answers, as it is in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileView {
    /// Its name.
    #[schema(value_type = ProfileName)]
    pub id: String,
    /// `certificate`, `crl` or `ocsp`.
    #[schema(value_type = ProfileKindWord)]
    pub kind: String,
    /// Its version, which is on record with each certificate; absent of CRLs and OCSP answers, whose profiles have none.
    pub version: Option<u32>,
    /// Which of its versions on record is in force, from 1; absent where what it says could not be put on record.
    pub number: Option<u32>,
    /// When that came into force here.
    #[schema(value_type = Option<TimeText>)]
    pub since: Option<String>,
    /// Whether its last version on record comes to something else than the one before it though `version` is the same: certificates
    /// name that, and it does not tell what they were issued by.
    pub version_reused: bool,
    /// Its security suite, 1 or 2; of certificates.
    pub suite: Option<u8>,
    /// What a certified key is for; of certificates.
    #[schema(value_type = Option<PurposeWord>)]
    pub purpose: Option<String>,
    /// Of which hierarchy; of certificates.
    #[schema(value_type = Option<HierarchyWord>)]
    pub hierarchy: Option<String>,
    /// The authorities here that issue under it.
    #[schema(value_type = Vec<AuthorityName>)]
    pub authorities: Vec<String>,
    /// Whether it is compiled into the program, and comes from no file of the deployment.
    pub built_in: bool,
    /// Its file; two suites share one.
    pub file: String,
    /// SHA-256 of the file.
    #[schema(value_type = Sha256)]
    pub sha256: String,
}

/// All that a profile says.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileDetailView {
    /// Which it is.
    #[serde(flatten)]
    pub profile: ProfileView,
    /// The text of its file, TOML.
    pub text: String,
    /// What is in force, field by field, be it said in the file or left to what is usual; after the deployment's variant.
    pub fields: Vec<ProfileFieldView>,
}

/// One field of a profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileFieldView {
    /// The key of profile files that decides it; a length without its unit.
    pub key: String,
    /// What it is.
    pub value: String,
}

/// Which versions to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileVersionQueryText {
    /// Only those behind this number, as `next` of the page before said.
    pub after: Option<u32>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some versions of a profile, the oldest in front, and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileVersionPage {
    /// The versions.
    pub versions: Vec<ProfileVersionView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<u32>,
}

/// What a profile said from some moment on. A server puts that on record when it starts with a profile that says something else than
/// before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileVersionView {
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub id: String,
    /// The number of the version, from 1.
    pub number: u32,
    /// When a server began to serve with it.
    #[schema(value_type = TimeText)]
    pub since: String,
    /// Whether it says what is in force now.
    pub in_force: bool,
    /// What its file calls `version`; absent of CRLs and OCSP answers.
    pub version: Option<u32>,
    /// The fields in which it differs from the version before it; none in the first one, and where only words around them were
    /// changed.
    pub changed: Vec<String>,
    /// Whether it was compiled into the program.
    pub built_in: bool,
    /// Its file.
    pub file: String,
    /// SHA-256 of the file.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// The number of the audit record that tells so.
    pub record: u64,
}

/// All that a profile said from some moment on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileVersionDetailView {
    /// Which version it is.
    #[serde(flatten)]
    pub version: ProfileVersionView,
    /// In what it differs from the version before it: `one` is what that said, `other` what this one says.
    pub changes: Vec<ProfileDifferenceView>,
    /// What was in force, field by field.
    pub fields: Vec<ProfileFieldView>,
    /// The text of its file, TOML.
    pub text: String,
}

/// Which profiles to compare, or which versions of one.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileDifferenceQueryText {
    /// A profile that is in force, or was.
    #[schema(value_type = ProfileName)]
    pub one: String,
    /// Another that is in force; the built-in one of the same name unless given.
    #[schema(value_type = Option<ProfileName>)]
    pub other: Option<String>,
    /// The number of a version of `one`, in place of what is in force.
    pub from: Option<u32>,
    /// The number of the version to compare that with; what is in force unless given.
    pub to: Option<u32>,
}

/// In what two profiles differ.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileDifferencesView {
    /// The one.
    #[schema(value_type = ProfileName)]
    pub one: String,
    /// The other.
    #[schema(value_type = ProfileName)]
    pub other: String,
    /// Which version of it; absent for what is in force.
    pub one_number: Option<u32>,
    /// Which version of the other; absent for what is in force.
    pub other_number: Option<u32>,
    /// Whether the other is the built-in one.
    pub other_is_built_in: bool,
    /// The fields in which they differ, by their keys; none when both say the same.
    pub differences: Vec<ProfileDifferenceView>,
}

/// A field in which two profiles differ.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileDifferenceView {
    /// The key of profile files.
    pub key: String,
    /// What the one says; absent where it has no such field.
    pub one: Option<String>,
    /// What the other says; absent where it has no such field.
    pub other: Option<String>,
}

/// A sample certificate of a profile, made for this answer: recorded nowhere, signed by a key that is thrown away.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileSampleView {
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// The subject, which is made up.
    pub subject: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// How long it is, in octets.
    pub octets: usize,
    /// The certificate, PEM.
    pub pem: String,
    /// The made-up certificates above it, PEM, the nearest first.
    pub path: Vec<String>,
    /// How many rules find something; a certificate of which one does is never signed.
    pub found: usize,
    /// Every rule that applies, with what it says.
    pub rules: Vec<LintRuleView>,
}

/// What a rule says of a certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LintRuleView {
    /// Its stable name.
    pub rule: String,
    /// The clause that asks for it.
    pub citation: String,
    /// What is wrong; absent when nothing is.
    pub finding: Option<String>,
}
