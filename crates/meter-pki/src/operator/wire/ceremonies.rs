//! What the online side knows of ceremonies, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ReleaseView;
use super::words::{
    ActWord, Base64Text, CountryCode, GroupedDigits, KeyName, ProfileName, Sha256, ShownName, TimeText,
};

/// Requests that are out, responses that came, and what is kept for later.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CeremoniesView {
    /// The directory of the exchange (`exchanges_directory` of `[operator]`); absent where none is named, and nothing is known of requests
    /// and responses then.
    pub exchanges: Option<String>,
    /// The requests that wait for their responses, the oldest first.
    pub requests: Vec<CeremonyRequestView>,
    /// The last 100 responses that were taken in or refused, the youngest first.
    pub responses: Vec<CeremonyResponseView>,
    /// SHA-256 of the last record of the journal that these are from.
    #[schema(value_type = Option<Sha256>)]
    pub journal_head: Option<String>,
    /// The objects of ceremonies that are kept until their dates.
    pub releases: Vec<ReleaseView>,
}

/// A request that waits for its response.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CeremonyRequestView {
    /// What makes it unlike every other.
    pub nonce: String,
    /// SHA-256 of the request, as `offline-root show` says it.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// The same in the words that are read aloud.
    pub words: Vec<String>,
    /// The subject of the authority.
    pub subject: String,
    /// The profile that is asked for.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// When it was made.
    #[schema(value_type = TimeText)]
    pub made: String,
    /// From when on its response is refused as stale.
    #[schema(value_type = TimeText)]
    pub stale_from: String,
}

/// A response that was taken in or refused.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CeremonyResponseView {
    /// The number of its record in the journal.
    pub number: u64,
    /// When.
    #[schema(value_type = TimeText)]
    pub time: String,
    /// Who brought it.
    pub actor: String,
    /// What became of it.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// The reason code of a refusal; empty otherwise.
    pub reason: String,
    /// SHA-256 of the response.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// What a reader needs besides.
    pub detail: String,
}

/// An authority that the offline root is to be asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CeremonyRequestText {
    /// The profile of the authority, such as `sub-operational-s1`.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// The country of its name.
    #[schema(value_type = CountryCode)]
    pub country: String,
    /// The organization of its name.
    #[schema(value_type = ShownName)]
    pub organization: String,
    /// Its common name, with its generation.
    #[schema(value_type = ShownName)]
    pub common_name: String,
    /// The key that is to be certified again; a new one is made unless given.
    #[schema(value_type = Option<KeyName>)]
    pub renew: Option<String>,
}

/// A request that was made, and is open from now on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeCeremonyRequestView {
    /// The request file in base64, to be carried to the offline root as it is.
    #[schema(value_type = Base64Text)]
    pub file: String,
    /// SHA-256 of the request, as `offline-root show` says it.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// The same in the words that are read aloud.
    pub words: Vec<String>,
    /// SHA-256 of the octets of the file, as the ceremony file names it.
    #[schema(value_type = Sha256)]
    pub file_sha256: String,
    /// The same in words.
    pub file_words: Vec<String>,
    /// The key that it is for.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// The subject of the authority.
    pub subject: String,
    /// From when on its response is refused as stale.
    #[schema(value_type = TimeText)]
    pub stale_from: String,
    /// What to do with it.
    pub next: String,
}

/// The response of a ceremony.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CeremonyResponseText {
    /// The response file.
    #[schema(value_type = Base64Text)]
    pub response: String,
    /// SHA-256 of the exchange key, as the ceremony showed it and somebody wrote it down.
    #[schema(value_type = GroupedDigits)]
    pub exchange_key: String,
}

/// What a response brought. Nothing of it is in force before the configuration names it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CeremonyTakenInView {
    /// Where the authority's certificate is, on the machine that serves.
    pub certificate_file: String,
    /// Where its root's is.
    pub root_file: String,
    /// Where the root's CRL is, if one came along.
    pub crl_file: Option<String>,
    /// The authority's key.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// Its subject.
    pub subject: String,
    /// SHA-256 of the root's certificate.
    #[schema(value_type = Sha256)]
    pub root_sha256: String,
    /// The same in the words that are read aloud.
    pub root_words: Vec<String>,
    /// What has to be done before the authority serves.
    pub next: String,
}
