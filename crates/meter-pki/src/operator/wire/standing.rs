//! How the whole stands, as JSON: the doctor's report, the keys, and the overview of a first page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{
    CurveWord, DateText, KeyName, KeyPlaceWord, KeyUseWord, LightWord, SeverityWord, TenantId, TimeText,
};

/// What the doctor found when the server had it look.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DoctorView {
    /// When it looked; a report is given again for a minute.
    #[schema(value_type = TimeText)]
    pub at: String,
    /// The worst of all findings.
    #[schema(value_type = SeverityWord)]
    pub worst: String,
    /// How many checks found all in order.
    pub ok: usize,
    /// How many could not be made.
    pub not_checked: usize,
    /// How many findings are notices.
    pub notices: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are faults.
    pub faults: usize,
    /// Every finding, in the order of the checks.
    pub findings: Vec<DoctorFindingView>,
}

/// A finding of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorFindingView {
    /// The stable name of the check.
    pub id: String,
    /// How bad it is.
    #[schema(value_type = SeverityWord)]
    pub severity: String,
    /// What was found, in one sentence.
    pub says: String,
    /// What to type, or to do, next; empty where there is nothing to do.
    pub next: String,
}

/// The keys that the server uses, and where they are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeysView {
    /// Where keys are: in files, on tokens of this process, or with a signer in another.
    #[schema(value_type = KeyPlaceWord)]
    pub place: String,
    /// The directory, the URIs of the tokens without what leads to a PIN, or the socket; none for whoever is there for single tenants.
    pub places: Vec<String>,
    /// How each token stands; none where keys are in files, and for whoever is there for single tenants.
    pub tokens: Vec<TokenView>,
    /// The keys: those of the authorities that whoever asks may see, and for whoever is there for all tenants that of checkpoints.
    pub keys: Vec<KeyView>,
}

/// A token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = TokenStandingView)]
pub struct TokenView {
    /// Its name.
    pub token: String,
    /// Whether it serves now.
    pub serves: bool,
    /// Why it does not, as it said last; empty while it serves.
    pub cause: String,
    /// How many signatures it made since the start.
    pub signed: u64,
    /// How many requests wait for it.
    pub waiting: u64,
}

/// A key of the server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ServerKeyView)]
pub struct KeyView {
    /// Its name.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// What it is for.
    #[schema(value_type = KeyUseWord)]
    pub used_as: String,
    /// The authority whose it is; absent for the key of checkpoints.
    pub authority: Option<String>,
    /// That authority's owner.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Its curve, where the key can be looked at.
    #[schema(value_type = Option<CurveWord>)]
    pub curve: Option<String>,
    /// Whether it answers now. A token is not asked for it: how it stands was seen where it was used last.
    pub answers: bool,
    /// The end of its certificate; of an authority.
    #[schema(value_type = Option<TimeText>)]
    pub not_after: Option<String>,
}

/// The first page of a console.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OverviewView {
    /// The server's time.
    #[schema(value_type = TimeText)]
    pub at: String,
    /// All of it in one word, by the doctor's last report; `unknown` until there is one.
    #[schema(value_type = LightWord)]
    pub light: String,
    /// When the doctor looked.
    #[schema(value_type = Option<TimeText>)]
    pub looked_at: Option<String>,
    /// The worst three warnings and faults of that report.
    pub worst: Vec<DoctorFindingView>,
    /// The CRLs on record, complete ones and deltas.
    pub crls: FreshnessView,
    /// The OCSP responders of the authorities.
    pub ocsp: RespondersView,
    /// How many tokens there are, and how many of them do not serve.
    pub tokens: TokensView,
    /// How many certificates were issued.
    pub issued: IssuedView,
    /// What ends soon.
    pub ending: EndingView,
    /// What waits for people.
    pub waiting: WaitingView,
}

/// How fresh CRLs are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FreshnessView {
    /// How many there are.
    pub total: usize,
    /// How many should have been replaced by now.
    pub late: usize,
    /// When the first of them has to be replaced.
    #[schema(value_type = Option<TimeText>)]
    pub first_next_update: Option<String>,
}

/// How fresh OCSP is: answers are signed when they are asked for, as long as a responder's certificate lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RespondersView {
    /// For how many authorities OCSP is answered, or is to be.
    pub total: usize,
    /// Of which of them the responder has no certificate yet, or one that is over.
    pub silent: Vec<String>,
    /// When the first certificate of a responder ends. It is renewed by itself before that.
    #[schema(value_type = Option<TimeText>)]
    pub first_not_after: Option<String>,
}

/// What ends soon, by the counts that the ledger keeps of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingView {
    /// How many days are looked ahead, with today.
    pub days: i64,
    /// The day behind the last of them.
    #[schema(value_type = DateText)]
    pub until: String,
    /// How many certificates end in these days that are neither revoked nor on hold; those that ended today are among them.
    pub certificates: u64,
}

/// How many tokens serve.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokensView {
    /// How many there are; none where keys are in files.
    pub total: usize,
    /// Those that do not serve, by name.
    pub away: Vec<String>,
}

/// How many certificates were issued, counted as the audit log goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedView {
    /// In the last minute.
    pub minute: u64,
    /// In the last hour.
    pub hour: u64,
    /// In the last day.
    pub day: u64,
    /// For how many seconds the process has counted: what was before is in no number.
    pub counted_seconds: u64,
}

/// What waits for people, each up to 1,000: that many or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    /// Requests for certificates.
    pub requests: usize,
    /// Orders to revoke or release many.
    pub orders: usize,
    /// Campaigns.
    pub campaigns: usize,
}
