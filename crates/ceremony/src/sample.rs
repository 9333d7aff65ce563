//! Ceremonies for tests: people with soft keys, and the text of files.

pub(crate) mod held;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use der::pem::{self, LineEnding};

use crate::file::CeremonyFile;
use crate::people::Person;
use crate::words::Fingerprint;

/// The name of the first root.
pub(crate) const ROOT_A: &str = "a";

/// Who takes part.
pub(crate) const PEOPLE: [(&str, &str); 8] = [
    ("Ada", "administrator"),
    ("Olga", "operator"),
    ("Wim", "witness"),
    ("Sara", "share-holder"),
    ("Samir", "share-holder"),
    ("Sven", "share-holder"),
    ("Sita", "share-holder"),
    ("Simon", "share-holder"),
];

/// Signs with every key of these tests. A key is known by its number; keys with odd numbers have P-384.
pub(crate) struct SoftKeys;

impl SoftKeys {
    /// The curve of a key.
    fn curve(number: u8) -> Curve {
        if number.is_multiple_of(2) { Curve::P256 } else { Curve::P384 }
    }

    /// The public half of a key.
    pub(crate) fn public(number: u8) -> PublicKey {
        use p256::elliptic_curve::sec1::ToSec1Point;
        let scalar = [number + 1; 48];
        let point = match Self::curve(number) {
            Curve::P256 => {
                let key = p256::SecretKey::from_slice(&scalar[..32]).unwrap();
                key.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
            Curve::P384 => {
                let key = p384::SecretKey::from_slice(&scalar).unwrap();
                key.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
        };
        PublicKey::from_point(Self::curve(number), &point).unwrap()
    }
}

impl Signer for SoftKeys {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let all = (0..64).map(Self::public);
        all.into_iter().find(|public| public.key_ref() == *key).ok_or(SignError::KeyNotFound { key: *key })
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let number = (0..64).find(|number| Self::public(*number).key_ref() == *key);
        let number = number.ok_or(SignError::KeyNotFound { key: *key })?;
        let scalar = [number + 1; 48];
        let octets = match Self::curve(number) {
            Curve::P256 => {
                use p256::ecdsa::signature::Signer as _;
                let key = p256::ecdsa::SigningKey::from_slice(&scalar[..32]).unwrap();
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Curve::P384 => {
                use p384::ecdsa::signature::Signer as _;
                let key = p384::ecdsa::SigningKey::from_slice(&scalar).unwrap();
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        };
        Ok(EcdsaSignature::from_fixed(Self::curve(number), &octets).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// The public key of a person, in PEM.
pub(crate) fn key_of(place: usize) -> String {
    let key = SoftKeys::public(u8::try_from(place).unwrap());
    pem::encode_string("PUBLIC KEY", LineEnding::LF, key.spki_der()).unwrap()
}

/// Finds a person of the file.
pub(crate) fn person<'a>(file: &'a CeremonyFile, name: &str) -> &'a Person {
    file.people().named(name).unwrap()
}

fn root(name: &str) -> String {
    format!(
        r#"
[[root]]
name = "{name}"
suite = 1
tenant = "grid"
subject = {{ country = "NL", organization = "Example Grid", common_name = "Example Root {name}" }}
profile = "root"
profiles = {{ variant = "gurux-safe", policy_arc = "1.3.6.1.4.1.32473.1" }}
publication = {{ crl = "http://pki.example/{name}.crl", ca_issuers = "http://pki.example/{name}.crt" }}
keys = {{ store = "shared" }}
"#
    )
}

/// The text of a ceremony that founds one root.
pub(crate) fn founding() -> String {
    let mut text = String::from(
        "format = 1\ntitle = \"The first ceremony\"\nheld = \"2026-11-28T09:00:00Z\"\n\n[quorum]\nthreshold = 3\n",
    );
    for (place, (name, role)) in PEOPLE.iter().enumerate() {
        let key = key_of(place);
        text += &format!("\n[[person]]\nname = \"{name}\"\nrole = \"{role}\"\nkey = \"\"\"\n{key}\"\"\"\n");
    }
    text + &root(ROOT_A) + "\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n"
}

/// The text of an act that signs a CRL.
pub(crate) fn crl(this_update: &str, next_update: &str) -> String {
    format!(
        "\n[[act]]\nkind = \"crl\"\nroot = \"a\"\nthis_update = \"{this_update}\"\nnext_update = \"{next_update}\"\n"
    )
}

/// The text of a ceremony with every kind of act.
pub(crate) fn everything() -> String {
    let sha256 = Fingerprint::of(b"request");
    let signs = |more: &str| {
        format!(
            "\n[[act]]\nkind = \"sign-sub-ca\"\nroot = \"a\"\nrequest = \"factory.request\"\nsha256 = \"{sha256}\"\n\
             profile = \"sub-factory-s1\"\n{more}"
        )
    };
    founding()
        + &crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z")
        + &signs("")
        + &signs("renews = \"0123\"\n")
        + &signs("rekeys = \"0123\"\n")
        + &format!(
            r#"
[[act]]
kind = "cross-certificate"
root = "a"
request = "neighbour.crt"
sha256 = "{sha256}"
profile = "sub-operational-s1"

[[act]]
kind = "revoke"
root = "a"
serial = "0123"
reason = "keyCompromise"
invalidity_date = "2026-11-01T00:00:00Z"

[[act]]
kind = "close-sub-ca"
root = "a"
serial = "0123"
last_crl = "factory.crl"
last_crl_sha256 = "{sha256}"

[[act]]
kind = "crl-series"
root = "a"
first = "2026-12-01T00:00:00Z"
every_days = 91
count = 4
overlap_days = 30

[[act]]
kind = "found-root"
root = "next"

[[act]]
kind = "link-certificates"
old = "a"
new = "next"

[[act]]
kind = "destroy-key"
root = "a"
key = "exchange"
why = "its successor signs responses"
"#
        )
        + &successor()
}

/// The text of a root that follows the first one, under its name.
pub(crate) fn successor() -> String {
    root("next").replace("Example Root next", "Example Root a")
}
