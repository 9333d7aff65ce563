//! What the verbs of `hsm` fail with: one reason code and exit code for each way a token can refuse, and what to type next.

use signer_pkcs11::{
    CopyKeyError, DestroyKeyError, FindTokenError, GenerateKeyError, LoadModuleError, OpenTokenError,
    UseTokenError,
};

use crate::exit::{Exit, Failure};

pub(in crate::commands) fn usage(code: &str, message: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, code, message)
}

pub(in crate::commands) fn open(error: &OpenTokenError) -> Failure {
    match error {
        OpenTokenError::Module(cause) => module(cause),
        OpenTokenError::Token(cause) => token(cause),
        OpenTokenError::NoSuchKey { .. } => Failure::new(Exit::NotFound, "hsm.key-missing", error)
            .then("meter-pki hsm list URI shows the URI of each key that is there"),
        OpenTokenError::AmbiguousKey { .. } => Failure::new(Exit::Conflict, "hsm.key-ambiguous", error)
            .then("name one by id=; meter-pki hsm list URI shows the URI of each"),
        OpenTokenError::UnusableKey { .. } => Failure::new(Exit::Refused, "hsm.key-unusable", error)
            .then("meter-pki hsm doctor URI --login says what is wrong with it"),
    }
}

pub(super) fn module(error: &LoadModuleError) -> Failure {
    match error {
        LoadModuleError::Absent { .. } => Failure::new(Exit::NotFound, "hsm.module-absent", error)
            .then("install the vendor's package, and name its module by module-path"),
        LoadModuleError::Refused { .. } => Failure::new(Exit::Unavailable, "hsm.module-refused", error).then(
            "look at the vendor's configuration file and log; many modules want one named in the environment",
        ),
    }
}

pub(in crate::commands) fn token(error: &UseTokenError) -> Failure {
    match error {
        UseTokenError::Token(FindTokenError::NotFound { .. } | FindTokenError::NoSlots { .. }) => {
            Failure::new(Exit::NotFound, "hsm.token-missing", error)
                .then("meter-pki hsm list --module PATH shows the tokens that are there")
        }
        UseTokenError::Token(FindTokenError::Ambiguous { .. }) => {
            Failure::new(Exit::Conflict, "hsm.token-ambiguous", error)
                .then("meter-pki hsm list --module PATH shows the URI of each")
        }
        UseTokenError::PinRefused(_) | UseTokenError::PinNotTriedAgain => {
            Failure::new(Exit::Permission, "hsm.pin-refused", error)
                .then("correct the PIN at the pin-source before anything tries it again; each wrong one brings the token nearer to its lock")
        }
        UseTokenError::NoUserPin(_) => Failure::new(Exit::Unavailable, "hsm.no-user-pin", error)
            .then("have the security officer set the PIN with the vendor's tool; if it is set, do this while no other program writes the token"),
        UseTokenError::LoginLocked(_) | UseTokenError::PinLocked { .. } => Failure::new(Exit::Permission, "hsm.pin-locked", error)
            .then("have the security officer set a new PIN with the vendor's tool"),
        UseTokenError::PinFinalTry { .. } => Failure::new(Exit::Permission, "hsm.pin-last-try", error)
            .then("log in once with the vendor's tool, by hand"),
        UseTokenError::KeyGone { .. } => Failure::new(Exit::NotFound, "hsm.key-missing", error),
        UseTokenError::AmbiguousKey { .. } => Failure::new(Exit::Conflict, "hsm.key-ambiguous", error)
            .then("meter-pki hsm list URI shows them; destroy or rename one with the vendor's tool"),
        UseTokenError::ExtractableKey { .. } => Failure::new(Exit::Refused, "hsm.key-extractable", error)
            .then("meter-pki hsm seal URI, once its copies are made"),
        UseTokenError::Token(FindTokenError::Call(_))
        | UseTokenError::Call(_)
        | UseTokenError::LoggedOut
        | UseTokenError::Resting { .. }
        | UseTokenError::Hangs { .. }
        | UseTokenError::NoSessionInTime { .. }
        | UseTokenError::SignsWrongly { .. } => Failure::new(Exit::Unavailable, "hsm.token-fails", error)
            .then("meter-pki hsm doctor URI; then look at the vendor's log"),
    }
}

pub(super) fn generate(error: &GenerateKeyError) -> Failure {
    match error {
        GenerateKeyError::UriNamesAKey | GenerateKeyError::NoLabel => usage("hsm.uri-names-a-key", error),
        GenerateKeyError::LabelTaken { .. } => {
            Failure::new(Exit::Conflict, "hsm.label-taken", error).then("choose another --label")
        }
        GenerateKeyError::NotProtected
        | GenerateKeyError::WrappedByAny
        | GenerateKeyError::DoesNotAgree
        | GenerateKeyError::Refused(_) => Failure::new(Exit::Refused, "hsm.key-not-as-asked", error)
            .then("nothing is left on the token; do not use it for keys of authorities"),
        GenerateKeyError::Token(cause @ UseTokenError::Call(_)) => {
            Failure::new(Exit::Refused, "hsm.not-made", cause)
                .then("meter-pki hsm doctor URI says what the token can do; one without trusted wrapping keys needs --by-any-wrapping-key, and one that lets no id be changed its vendor's tool")
        }
        GenerateKeyError::Token(cause) => token(cause),
    }
}

pub(in crate::commands) fn copy(error: &CopyKeyError) -> Failure {
    match error {
        CopyKeyError::Open(cause) => open(cause),
        CopyKeyError::Token(cause) => token(cause),
        CopyKeyError::Call { .. } => Failure::new(Exit::Refused, "hsm.wrap-refused", error)
            .then("meter-pki hsm doctor URI says which mechanisms for copying the token has; otherwise use its vendor's backup"),
        CopyKeyError::StaysThere { .. } => Failure::new(Exit::Refused, "hsm.key-stays", error)
            .then("a key that is to have copies is made with hsm generate --exportable-by-wrap"),
        CopyKeyError::NeedsOfficer { .. } => Failure::new(Exit::Permission, "hsm.needs-officer", error)
            .then("add --officer-pin-file FILE"),
        CopyKeyError::SameToken { .. } => usage("hsm.same-token", error),
        CopyKeyError::Taken { .. } => Failure::new(Exit::Conflict, "hsm.label-taken", error)
            .then("if it is the copy of before, meter-pki hsm test proves it"),
        CopyKeyError::NotTheRecipient { .. } => Failure::new(Exit::Refused, "hsm.another-recipient", error)
            .then("plug in the token on which hsm recipient made the key"),
        CopyKeyError::RecipientNotProtected | CopyKeyError::CopyNotProtected | CopyKeyError::NotSealed => {
            Failure::new(Exit::Refused, "hsm.key-not-as-asked", error)
        }
        CopyKeyError::AnotherKey => Failure::new(Exit::Integrity, "hsm.another-key", error)
            .then("make the backup again, and find out who or what changed this one"),
    }
}

pub(super) fn destroy(error: &DestroyKeyError) -> Failure {
    match error {
        DestroyKeyError::NotThere { .. } => Failure::new(Exit::NotFound, "hsm.key-missing", error),
        DestroyKeyError::StillThere { .. } | DestroyKeyError::LabelStillThere { .. } => {
            Failure::new(Exit::Failed, "hsm.not-destroyed", error)
                .then("look with the vendor's tool, then repeat the same command")
        }
        DestroyKeyError::Token(cause) => token(cause),
    }
}
