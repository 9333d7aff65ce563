//! What a token and its module can do, as far as they say before anybody logs in: for finding out why something does not work.
//!
//! No PIN is tried, and nothing is changed. Sessions are opened to see how many there may be, and closed again.

use cryptoki::mechanism::MechanismType;
use cryptoki::slot::Limit;

use crate::call::CallFailed;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::survey::TokenSurvey;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// What was found out.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "PKCS#11 flags are what they are")]
pub struct Examination {
    /// What the token says of itself.
    pub survey: TokenSurvey,
    /// What the module says of itself: maker, description, version.
    pub library: String,
    /// The version of PKCS#11 that the module follows.
    pub cryptoki: String,
    /// `CKF_USER_PIN_INITIALIZED`
    pub user_pin_set: bool,
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is entered at the token.
    pub pin_pad: bool,
    /// `CKF_WRITE_PROTECTED`
    pub write_protected: bool,
    /// `CKF_ERROR_STATE`
    pub error_state: bool,
    /// The time of the token's clock, `YYYY-MM-DDThh:mm:ssZ`; nothing when it has none.
    pub clock: Option<String>,
    /// How many sessions the token says it has at most; nothing when it says none or unlimited.
    pub most_sessions: Option<u64>,
    /// How many could be opened at once, of those that were tried.
    pub opened: usize,
    /// How many were tried.
    pub tried: usize,
    /// What it can do, of what matters here.
    pub mechanisms: Vec<MechanismFound>,
}

/// A mechanism that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MechanismFound {
    /// Its name in PKCS#11.
    pub name: &'static str,
    /// What it is needed for.
    pub for_what: Need,
    /// Whether the token has it, for that.
    pub there: bool,
}

/// What a mechanism is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Signing: without it the token is of no use.
    Signing,
    /// Making keys on the token.
    Making,
    /// Bringing keys from token to token.
    Copying,
}

/// How many sessions are tried at most; a signer uses 8 unless told otherwise.
const SESSIONS: usize = 8;

/// Examines the token that a URI names.
///
/// # Errors
/// [`OpenTokenError`].
pub fn examine(uri: &TokenUri) -> Result<Examination, OpenTokenError> {
    let visit = Visit::open_to_read(uri)?;
    let failed = |cause| UseTokenError::from(CallFailed::from(cause));
    let info = visit.module.get_library_info().map_err(failed)?;
    let token = &visit.found.token;
    let most_sessions = match token.max_session_count() {
        Limit::Max(sessions) => Some(sessions),
        Limit::Unavailable | Limit::Infinite => None,
    };
    let (gate, slot) = (visit.module.gate(), visit.found.slot);
    let sessions: Vec<_> =
        (1..SESSIONS).map_while(|_| gate.open(|| visit.module.open_ro_session(slot)).ok()).collect();
    let clock = token.utc_time().map(|time| time.as_iso8601_string());
    Ok(Examination {
        survey: TokenSurvey::of(&visit.found),
        library: format!(
            "{} {} {}",
            info.manufacturer_id(),
            info.library_description(),
            info.library_version()
        ),
        cryptoki: info.cryptoki_version().to_string(),
        user_pin_set: token.user_pin_initialized(),
        pin_pad: token.protected_authentication_path(),
        write_protected: token.write_protected(),
        error_state: token.error_state(),
        clock,
        most_sessions,
        opened: sessions.len() + 1,
        tried: SESSIONS,
        mechanisms: mechanisms(&visit),
    })
}

fn mechanisms(visit: &Visit) -> Vec<MechanismFound> {
    let has = |kind: MechanismType| visit.module.get_mechanism_info(visit.found.slot, kind).ok();
    let found = |name, for_what, there| MechanismFound { name, for_what, there };
    vec![
        found("CKM_ECDSA", Need::Signing, has(MechanismType::ECDSA).is_some_and(|info| info.sign())),
        found(
            "CKM_EC_KEY_PAIR_GEN",
            Need::Making,
            has(MechanismType::ECC_KEY_PAIR_GEN).is_some_and(|info| info.generate_key_pair()),
        ),
        found(
            "CKM_RSA_PKCS_KEY_PAIR_GEN",
            Need::Copying,
            has(MechanismType::RSA_PKCS_KEY_PAIR_GEN).is_some_and(|info| info.generate_key_pair()),
        ),
        found(
            "CKM_AES_KEY_GEN",
            Need::Copying,
            has(MechanismType::AES_KEY_GEN).is_some_and(|info| info.generate()),
        ),
        found(
            "CKM_RSA_PKCS_OAEP",
            Need::Copying,
            has(MechanismType::RSA_PKCS_OAEP).is_some_and(|info| info.wrap() && info.unwrap()),
        ),
        found(
            "CKM_AES_KEY_WRAP_PAD",
            Need::Copying,
            has(MechanismType::AES_KEY_WRAP_PAD).is_some_and(|info| info.wrap() && info.unwrap()),
        ),
    ]
}
