//! How the verbs of `hsm` come to a token: the URI, the PIN of its pin-source, the signer with one key.

use std::num::NonZeroUsize;

use ca_core::ports::Signer;
use ca_core::public_key::PublicKey;
use serde::Serialize;
use signer_pkcs11::{
    Export, KeyAttributes, KeyProtection, Pin, PinSource, TokenDescription, TokenKey, TokenOptions,
    TokenSigner, TokenUri, UriParts,
};
use utoipa::ToSchema;
use x509_cert::der::pem::{LineEnding, encode_string};

use super::failure;
use crate::cli::hsm::ExportArgs;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{CurveWord, KeyName};

/// Parses a URI.
pub(in crate::commands) fn uri(text: &str) -> Result<TokenUri, Failure> {
    TokenUri::parse(text).map_err(|error| {
        failure::usage("hsm.uri-faulty", error)
            .then("meter-pki hsm uri --module PATH --token LABEL writes one; meter-pki hsm list shows those of what is there")
    })
}

/// Takes the PIN from where the URI says it is, if it says so.
pub(super) fn pin_if_named(uri: &TokenUri) -> Result<Option<Pin>, Failure> {
    uri.pin_source().map(|source| load(source.clone())).transpose()
}

/// Takes the PIN from where the URI says it is.
pub(in crate::commands) fn pin(uri: &TokenUri) -> Result<Pin, Failure> {
    pin_if_named(uri)?.ok_or_else(|| {
        failure::usage("hsm.no-pin-source", "the URI names no pin-source, and this needs the PIN")
            .then("add &pin-source=file:/path to the URI, for a file of mode 0600")
    })
}

/// Loads a PIN from where it is.
pub(super) fn load(source: impl Into<PinSource>) -> Result<Pin, Failure> {
    Pin::load(source)
        .map_err(|error| Failure::new(Exit::Permission, "hsm.pin-source", error).then("no PIN was tried"))
}

/// A URI names one key.
pub(super) fn names_a_key(uri: &TokenUri) -> Result<(), Failure> {
    if uri.parts().names_a_key() {
        return Ok(());
    }
    Err(failure::usage("hsm.no-key-named", "the URI names a token and no key on it")
        .then("add ;object= or ;id=; meter-pki hsm list URI shows the URI of each key"))
}

/// Opens the signer for the one key that a URI names; it signs with keys that may leave the token as well.
pub(super) fn one_key(uri: &TokenUri, sessions: NonZeroUsize) -> Result<(TokenSigner, TokenKey), Failure> {
    names_a_key(uri)?;
    let options =
        TokenOptions { sessions, weakest_protection: KeyProtection::Extractable, ..TokenOptions::default() };
    let signer = TokenSigner::open_with(uri, pin(uri)?, options).map_err(|error| failure::open(&error))?;
    let keys = signer.keys().map_err(|error| failure::token(&error))?;
    let key = keys.into_iter().find_map(|object| object.key.ok()).ok_or_else(|| {
        Failure::new(Exit::NotFound, "hsm.key-missing", "the key is no longer on the token")
    })?;
    Ok((signer, key))
}

/// Signs a text that is no DER, and verifies that.
pub(super) fn sign_once(signer: &TokenSigner, key: &PublicKey) -> Result<(), Failure> {
    const TEXT: &[u8] = b"meter-pki hsm: does this key sign?";
    let signature = signer.sign(&key.key_ref(), TEXT).map_err(|error| {
        Failure::new(Exit::Unavailable, "hsm.not-signed", error)
            .then("meter-pki hsm doctor URI --login says what is wrong")
    })?;
    key.verify(TEXT, &signature).map_err(|_| {
        let message = format!("the token signs, but not with the key {}", key.key_ref());
        Failure::new(Exit::Integrity, "hsm.signs-wrongly", message)
            .then("a public key that belongs to another private key has its id: look with meter-pki hsm list")
    })
}

/// What the options say of leaving the token.
pub(super) const fn export(args: ExportArgs) -> Export {
    match (args.exportable_by_wrap, args.by_any_wrapping_key) {
        (false, _) => Export::Never,
        (true, false) => Export::ByTrustedWrap,
        (true, true) => Export::ByAnyWrap,
    }
}

/// A key as it is printed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmKey)]
pub(in crate::commands) struct KeyView {
    pub(super) token: TokenView,
    #[schema(value_type = KeyName)]
    pub(super) key: String,
    pub(super) label: String,
    pub(super) id: String,
    #[schema(value_type = CurveWord)]
    pub(super) curve: String,
    pub(super) attributes: AttributesView,
    pub(super) uri: String,
    pub(super) public_key_pem: String,
}

/// A token as it is printed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = HsmToken)]
pub(in crate::commands) struct TokenView {
    pub(in crate::commands) label: String,
    pub(in crate::commands) serial: String,
    pub(in crate::commands) manufacturer: String,
    pub(in crate::commands) model: String,
}

impl TokenView {
    pub(in crate::commands) fn of(token: &TokenDescription) -> Self {
        let TokenDescription { label, serial, manufacturer, model } = token.clone();
        Self { label, serial, manufacturer, model }
    }
}

/// What a token says of a private key.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = HsmAttributes)]
#[expect(clippy::struct_excessive_bools, reason = "PKCS#11 attributes are what they are")]
pub(in crate::commands) struct AttributesView {
    pub(super) sensitive: bool,
    pub(super) always_sensitive: bool,
    pub(super) extractable: bool,
    pub(super) never_extractable: bool,
    pub(super) local: bool,
}

impl AttributesView {
    pub(in crate::commands) const fn of(said: KeyAttributes) -> Self {
        Self {
            sensitive: said.sensitive,
            always_sensitive: said.always_sensitive,
            extractable: said.extractable,
            never_extractable: said.never_extractable,
            local: said.local,
        }
    }

    /// As words, those that are not so with "not".
    pub(in crate::commands) fn words(self) -> String {
        let word = |is: bool, name: &str| if is { name.to_owned() } else { format!("not {name}") };
        [
            word(self.sensitive, "sensitive"),
            word(self.always_sensitive, "always sensitive"),
            word(self.extractable, "extractable"),
            word(self.never_extractable, "never extractable"),
            word(self.local, "local"),
        ]
        .join(", ")
    }
}

/// A key with the URI to type for it, which has the pin-source of `uri`.
pub(super) fn key_view(
    uri: &TokenUri,
    token: &TokenDescription,
    (label, id): (&str, &[u8]),
    (public_key, said): (&PublicKey, KeyAttributes),
) -> KeyView {
    KeyView {
        token: TokenView::of(token),
        key: public_key.key_ref().to_string(),
        label: label.to_owned(),
        id: hex::encode(id),
        curve: public_key.curve().to_string(),
        attributes: AttributesView::of(said),
        uri: uri_of_key(uri, token, (label, id)),
        public_key_pem: pem(public_key.spki_der()),
    }
}

/// The complete URI of a key on a token, with the module and the pin-source of another URI.
pub(super) fn uri_of_key(uri: &TokenUri, token: &TokenDescription, (label, id): (&str, &[u8])) -> String {
    let parts = UriParts::of_token(uri.module_path().to_owned(), token).with_key(label, id);
    UriParts { pin_source: uri.parts().pin_source, ..parts }.to_string()
}

/// Lines of a key for people.
pub(super) fn key_lines(view: &KeyView) -> Vec<String> {
    vec![
        format!("key: {}, {}, labelled {:?}", view.key, view.curve, view.label),
        format!("token: {:?}, serial {}", view.token.label, view.token.serial),
        format!("the private key is {}", view.attributes.words()),
        format!("URI: {}", view.uri),
        view.public_key_pem.trim_end().to_owned(),
    ]
}

/// A SubjectPublicKeyInfo as PEM (RFC 7468 §13).
pub(super) fn pem(spki: &[u8]) -> String {
    encode_string("PUBLIC KEY", LineEnding::LF, spki).unwrap_or_default()
}
