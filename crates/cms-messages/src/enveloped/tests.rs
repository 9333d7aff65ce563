//! What is sealed is opened by its key or secret, by OpenSSL too, and by nothing else.

use std::process::Command;

use ca_core::ports::Unavailable;
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

use super::*;

const CONTENT: (ObjectIdentifier, &[u8]) = (rfc5911::ID_DATA, b"what only one may read");

struct Random;

impl Entropy for Random {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        aws_lc_rs::rand::fill(octets).unwrap();
        Ok(())
    }
}

fn public(spki: &[u8]) -> PublicKey {
    PublicKey::from_spki_der(spki).unwrap()
}

fn to_key(key: &PublicKey, wrap: KeyWrap, ukm: Option<&[u8]>) -> Vec<u8> {
    let name = KeyName::Identifier(b"one".to_vec());
    seal(&Recipient::Key(KeyRecipient { key, name: &name, wrap, ukm }), CONTENT, &Random).unwrap()
}

fn under_secret(secret: &[u8], wrap: KeyWrap, form: PasswordWrap) -> Vec<u8> {
    seal(&Recipient::Secret(SecretRecipient { secret, wrap, form }), CONTENT, &Random).unwrap()
}

fn openssl_opens(sealed: &[u8], arguments: &[&str], key_pem: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("envelope.der"), to_content_info(sealed).unwrap()).unwrap();
    std::fs::write(path("key.pem"), key_pem).unwrap();
    let output = Command::new("openssl")
        .current_dir(directory.path())
        .args(["cms", "-decrypt", "-inform", "DER", "-binary", "-in", "envelope.der"])
        .args(arguments)
        .output()
        .expect("openssl is not installed: run tests/run, which installs what the tests need");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, CONTENT.1);
}

#[test]
fn its_key_opens_it_openssl_too_and_another_key_does_not() {
    let (short, long) = (p256::SecretKey::generate(), p384::SecretKey::generate());
    let short_public = public(short.public_key().to_public_key_der().unwrap().as_bytes());
    let long_public = public(long.public_key().to_public_key_der().unwrap().as_bytes());
    let (short_pem, long_pem) =
        (short.to_pkcs8_pem(LineEnding::LF).unwrap(), long.to_pkcs8_pem(LineEnding::LF).unwrap());
    let other = (p256::SecretKey::generate(), p384::SecretKey::generate());
    let cases: [(&PublicKey, &dyn AgreementKey, &str, &dyn AgreementKey); 2] = [
        (&short_public, &short, short_pem.as_str(), &other.0),
        (&long_public, &long, long_pem.as_str(), &other.1),
    ];
    for (public, secret, pem, other) in cases {
        for wrap in [KeyWrap::Aes128, KeyWrap::Aes256] {
            for ukm in [None, Some(&b"sixteen octets.."[..])] {
                let sealed = to_key(public, wrap, ukm);
                let envelope = Envelope::from_der(&sealed).unwrap();
                assert_eq!(envelope.key_name(), Some(&KeyName::Identifier(b"one".to_vec())));
                let opened = envelope.open_by_key(secret).unwrap();
                assert_eq!((opened.content_type, opened.content.as_slice()), CONTENT);
                assert_eq!(envelope.open_by_key(other).err(), Some(NotOpened));
                assert_eq!(envelope.open_by_secret(b"secret").err(), Some(NotOpened));
                openssl_opens(&sealed, &["-inkey", "key.pem"], pem);
            }
        }
    }
}

#[test]
fn its_secret_opens_it_and_another_secret_does_not() {
    for wrap in [KeyWrap::Aes128, KeyWrap::Aes256] {
        for form in [PasswordWrap::AesWrap, PasswordWrap::PwriKek] {
            let envelope = Envelope::from_der(&under_secret(b"secret", wrap, form)).unwrap();
            assert_eq!((envelope.key_name(), envelope.wrap()), (None, wrap));
            assert_eq!(envelope.open_by_secret(b"secret").unwrap().content.as_slice(), CONTENT.1);
            assert_eq!(envelope.open_by_secret(b"Secret").err(), Some(NotOpened));
            assert_eq!(envelope.open_by_key(&p256::SecretKey::generate()).err(), Some(NotOpened));
        }
    }
}

// OpenSSL knows no other key wrap under a password than PWRI-KEK.
#[test]
fn openssl_opens_what_is_sealed_under_a_secret_by_pwri_kek() {
    for wrap in [KeyWrap::Aes128, KeyWrap::Aes256] {
        let sealed = under_secret(b"secret", wrap, PasswordWrap::PwriKek);
        openssl_opens(&sealed, &["-pwri_password", "secret"], "");
    }
}

#[test]
fn an_altered_key_wrap_is_not_opened() {
    let secret = p256::SecretKey::generate();
    let key = public(secret.public_key().to_public_key_der().unwrap().as_bytes());
    let sealed = to_key(&key, KeyWrap::Aes128, None);
    let Lock::Agreement(agreement) = Envelope::from_der(&sealed).unwrap().lock else { panic!() };
    let place = sealed.windows(agreement.wrapped.len()).position(|found| found == agreement.wrapped).unwrap();
    for place in place..place + agreement.wrapped.len() {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        assert_eq!(Envelope::from_der(&altered).unwrap().open_by_key(&secret).err(), Some(NotOpened));
    }
}

// RFC 9483 §4.1.6.2: issuer and serial number, where there is no subject key identifier.
#[test]
fn a_certificate_without_key_identifier_is_named_by_its_issuer_and_serial_number() {
    let directory = tempfile::tempdir().unwrap();
    let made = |identifier: &str| {
        let output = Command::new("openssl")
            .current_dir(directory.path())
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-outform",
                "DER",
            ])
            .args(["-keyout", "key.pem", "-subj", "/CN=one", "-set_serial", "77", "-config", "/dev/null"])
            .args(["-addext", identifier])
            .output()
            .unwrap();
        Certificate::from_der(&output.stdout).unwrap()
    };
    assert!(matches!(KeyName::of(&made("subjectKeyIdentifier=hash")).unwrap(), KeyName::Identifier(_)));
    let without = made("subjectKeyIdentifier=none");
    let KeyName::OfCertificate(name) = KeyName::of(&without).unwrap() else { panic!() };
    assert_eq!(
        (name.issuer.to_der().unwrap().as_slice(), name.serial_number.as_bytes()),
        (without.issuer().der(), &[77][..])
    );
}
