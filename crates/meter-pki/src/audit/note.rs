//! Checkpoints of the log as signed notes (C2SP `tlog-checkpoint` and `signed-note`), with ECDSA on P-256.
//!
//! Text and signature only: which tree is signed, and when, is decided elsewhere. The note's text, up to and with the newline
//! before the empty line, is what is signed, so that `openssl dgst -sha256 -verify` checks it.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::proof::TreeHead;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use sha2::{Digest, Sha256};

use crate::exit::{Exit, Failure, SIGNER_AWAY};

/// Signs checkpoints, with a key that signs nothing else.
#[derive(Clone)]
pub struct Notary {
    signer: Arc<dyn Signer>,
    key: KeyRef,
    /// Its public half, from when its token was there for the first time.
    public_key: OnceLock<PublicKey>,
    origin: String,
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notary").field("origin", &self.origin).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Notary {
    /// Takes the key and the name of the log.
    ///
    /// # Errors
    /// A [`Failure`] when the signer has no such key, or it is not one on P-256. While its token is away, that is found out later.
    pub fn new(signer: Arc<dyn Signer>, key: KeyRef, origin: &str) -> Result<Self, Failure> {
        let notary = Self { signer, key, public_key: OnceLock::new(), origin: origin.to_owned() };
        match notary.public_key().map(drop) {
            Err(failure) if failure.code == SIGNER_AWAY => {
                tracing::warn!(%failure, "no checkpoints until the token is there");
                Ok(notary)
            }
            looked_at => looked_at.map(|()| notary),
        }
    }

    /// Returns the name of the key.
    pub(crate) const fn key(&self) -> &KeyRef {
        &self.key
    }

    /// Returns the public half of the key.
    ///
    /// # Errors
    /// As [`Notary::new`], and while the token is away.
    pub fn public_key(&self) -> Result<&PublicKey, Failure> {
        if let Some(known) = self.public_key.get() {
            return Ok(known);
        }
        let advice = "look at audit.checkpoint_key and [keys] in the configuration";
        let held = self.signer.public_key(&self.key).map_err(|error| {
            let code =
                if matches!(error, SignError::Unavailable { .. }) { SIGNER_AWAY } else { "key.missing" };
            Failure::new(Exit::Unavailable, code, format!("the checkpoint key: {error}")).then(advice)
        })?;
        if held.curve() != Curve::P256 {
            let message = "the checkpoint key is not one on P-256";
            return Err(Failure::new(Exit::Usage, "audit.key", message).then(advice));
        }
        Ok(self.public_key.get_or_init(|| held))
    }

    /// Signs a checkpoint; the signature is verified before anybody sees it.
    ///
    /// # Errors
    /// A [`Failure`] when the signer cannot sign, or signs something else.
    pub fn sign(&self, head: TreeHead) -> Result<String, Failure> {
        let public_key = self.public_key()?;
        let text = text(&self.origin, &head);
        let signature = self
            .signer
            .sign(&self.key, text.as_bytes())
            .map_err(|error| Failure::new(Exit::Unavailable, "audit.not-signed", error))?;
        public_key
            .verify(text.as_bytes(), &signature)
            .map_err(|error| Failure::new(Exit::Integrity, "audit.not-signed", error))?;
        let der =
            signature.to_der().map_err(|error| Failure::new(Exit::Integrity, "audit.not-signed", error))?;
        let line = STANDARD.encode([key_id(public_key).as_slice(), &der].concat());
        Ok(format!("{text}\n\u{2014} {} {line}\n", self.origin))
    }
}

/// The text of a checkpoint: origin, size, root, each on a line.
fn text(origin: &str, head: &TreeHead) -> String {
    format!("{origin}\n{}\n{}\n", head.size, STANDARD.encode(head.root))
}

/// The first four octets of SHA-256 over the public key: what `signed-note` says of signatures with ECDSA.
fn key_id(key: &PublicKey) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(key.spki_der()).into();
    [a, b, c, d]
}

/// A checkpoint whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// What was signed.
    pub head: TreeHead,
}

impl Checkpoint {
    /// Reads a signed note and verifies it.
    ///
    /// # Errors
    /// [`NoteRefused`].
    pub fn open(note: &str, key: &PublicKey) -> Result<Self, NoteRefused> {
        let (above, signatures) = note.rsplit_once("\n\n").ok_or(NoteRefused::Malformed)?;
        let text = format!("{above}\n");
        let mut lines = above.lines();
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(NoteRefused::Malformed)?;
        let size = lines.next().and_then(decimal).ok_or(NoteRefused::Malformed)?;
        let root = lines.next().and_then(|line| STANDARD.decode(line).ok());
        let root = root.and_then(|octets| octets.try_into().ok()).ok_or(NoteRefused::Malformed)?;
        let ours = signatures.lines().find_map(|line| signature(line, origin, key));
        let signature = ours.ok_or_else(|| NoteRefused::OtherKey { origin: origin.to_owned() })?;
        key.verify(text.as_bytes(), &signature).map_err(|_| NoteRefused::BadSignature)?;
        Ok(Self { origin: origin.to_owned(), head: TreeHead { size, root } })
    }
}

/// A number as a checkpoint writes it: without zeros in front.
/// Returns how many records a note speaks of, as it says itself.
pub(super) fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1).and_then(decimal)
}

pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Reads a signature line, if it is one by this key.
fn signature(line: &str, origin: &str, key: &PublicKey) -> Option<EcdsaSignature> {
    let (name, octets) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let octets = STANDARD.decode(octets).ok()?;
    let (id, der) = octets.split_first_chunk()?;
    (name == origin && *id == key_id(key)).then(|| EcdsaSignature::from_der(key.curve(), der).ok())?
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteRefused {
    /// It has another form.
    #[error(
        "this is no signed checkpoint: origin, size and root are expected, an empty line, and a signature"
    )]
    Malformed,
    /// No signature is by the key.
    #[error("the checkpoint of {origin} bears no signature by this key")]
    OtherKey {
        /// The name of the log, as the note has it.
        origin: String,
    },
    /// The signature is not that of this text.
    #[error("the signature of the checkpoint is false")]
    BadSignature,
}

/// Reads a public key from PEM.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn public_key(pem: &str) -> Result<PublicKey, String> {
    let (label, der) = der::pem::decode_vec(pem.as_bytes()).map_err(|error| error.to_string())?;
    if label != "PUBLIC KEY" {
        return Err(format!("a PUBLIC KEY is expected, there is a {label}"));
    }
    PublicKey::from_spki_der(&der).map_err(|error| error.to_string())
}

/// Writes a public key as PEM.
#[must_use]
pub fn pem(key: &PublicKey) -> String {
    // A label of letters and octets in memory cannot fail to be encoded.
    der::pem::encode_string("PUBLIC KEY", der::pem::LineEnding::LF, key.spki_der()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    /// A signer with one key, in memory.
    struct OneKey(EcdsaKeyPair);

    impl OneKey {
        fn new() -> Arc<Self> {
            Arc::new(Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
        }

        fn key(&self) -> PublicKey {
            PublicKey::from_point(Curve::P256, self.0.public_key().as_ref()).unwrap()
        }
    }

    impl Signer for OneKey {
        fn public_key(&self, _: &KeyRef) -> Result<PublicKey, SignError> {
            Ok(self.key())
        }

        fn sign(&self, _: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
            let signature = self.0.sign(&aws_lc_rs::rand::SystemRandom::new(), message).unwrap();
            Ok(EcdsaSignature::from_fixed(Curve::P256, signature.as_ref()).unwrap())
        }

        fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
            Ok(())
        }
    }

    fn note(signer: &Arc<OneKey>) -> String {
        let notary = Notary::new(signer.clone(), signer.key().key_ref(), "example.org/log").unwrap();
        notary.sign(TreeHead { size: 12, root: [7; 32] }).unwrap()
    }

    #[test]
    fn opens_what_it_signs_whoever_signs_besides() {
        let signer = OneKey::new();
        let note = note(&signer);
        let opened = Checkpoint::open(&note, &signer.key()).unwrap();
        assert_eq!(opened.origin, "example.org/log");
        assert_eq!(opened.head, TreeHead { size: 12, root: [7; 32] });
        let witnessed = format!("{note}\u{2014} witness.example/w AAAAAAAA\n");
        assert_eq!(Checkpoint::open(&witnessed, &signer.key()), Ok(opened));
        assert_eq!(public_key(&pem(&signer.key())).unwrap(), signer.key());
    }

    #[test]
    fn refuses_another_text_another_key_and_another_form() {
        let signer = OneKey::new();
        let note = note(&signer);
        let key = signer.key();
        assert_eq!(Checkpoint::open(&note.replace("\n12\n", "\n13\n"), &key), Err(NoteRefused::BadSignature));
        assert_eq!(
            Checkpoint::open(&note, &OneKey::new().key()),
            Err(NoteRefused::OtherKey { origin: "example.org/log".to_owned() })
        );
        for other in
            ["", "\n\n", "a\n\n", &note.replace("\n12\n", "\n012\n"), &note.replace("\n12\n", "\n+12\n")]
        {
            assert_eq!(Checkpoint::open(other, &key), Err(NoteRefused::Malformed), "{other}");
        }
    }
}
