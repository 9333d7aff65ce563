//! What the online side knows of ceremonies, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ReleaseView;
use super::words::{ActWord, ProfileName, Sha256, TimeText};

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
