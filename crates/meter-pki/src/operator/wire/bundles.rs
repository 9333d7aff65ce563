//! The report on a ceremony's bundle, as JSON.

use ceremony::verify::{BundleFinding, Checked, Report};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{Base64Text, Sha256};

/// A bundle that is to be checked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleText {
    /// The `.tar` of the bundle.
    #[schema(value_type = Base64Text)]
    pub bundle: String,
    /// That of the ceremony before: then it is also checked that the one goes on where the other ended.
    #[schema(value_type = Option<Base64Text>)]
    pub previous: Option<String>,
}

/// What there is to say of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckedBundle)]
pub struct CheckedBundleView {
    /// Whether it is as the ceremony left it, and everything was done as the ceremony file says.
    pub intact: bool,
    /// The title of the ceremony.
    pub title: String,
    /// For which time it speaks.
    pub held: String,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// SHA-256 of the ceremony file.
    #[schema(value_type = Option<Sha256>)]
    pub ceremony: Option<String>,
    /// SHA-256 of the manifest.
    #[schema(value_type = Option<Sha256>)]
    pub manifest: Option<String>,
    /// SHA-256 of the manifest of the bundle before, if one was looked at.
    #[schema(value_type = Option<Sha256>)]
    pub previous: Option<String>,
    /// What was looked at.
    pub checked: CheckedCounts,
    /// What is worth knowing and no fault.
    pub remarks: Vec<String>,
    /// What is not in order.
    pub findings: Vec<BundleFindingView>,
}

/// How much was looked at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckedBundleCounts)]
pub struct CheckedCounts {
    /// Files under the manifest.
    pub files: usize,
    /// Steps of the transcript.
    pub steps: usize,
    /// Signatures by people.
    pub signatures: usize,
    /// Certificates whose to-be-signed octets were derived once more.
    pub certificates: usize,
    /// CRLs whose to-be-signed octets were derived once more.
    pub crls: usize,
    /// Responses that were opened.
    pub responses: usize,
}

/// Something that is not in order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckedBundleFinding)]
pub struct BundleFindingView {
    /// The file in which it was found.
    pub file: Option<String>,
    /// The step that it is about.
    pub step: Option<u32>,
    /// What is wrong, in a sentence.
    pub what: String,
}

impl From<&Report> for CheckedBundleView {
    fn from(report: &Report) -> Self {
        let Report { title, held, rehearsal, ceremony, manifest, previous, checked, remarks, findings } =
            report.clone();
        let Checked { files, steps, signatures, certificates, crls, responses } = checked;
        let one = |BundleFinding { file, step, what }| BundleFindingView { file, step, what };
        Self {
            intact: report.is_intact(),
            title,
            held,
            rehearsal,
            ceremony: ceremony.map(|digest| digest.to_string()),
            manifest: manifest.map(|digest| digest.to_string()),
            previous: previous.map(|digest| digest.to_string()),
            checked: CheckedCounts { files, steps, signatures, certificates, crls, responses },
            remarks,
            findings: findings.into_iter().map(one).collect(),
        }
    }
}
