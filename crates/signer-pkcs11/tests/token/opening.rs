//! Opening: which token and which key a URI means, the PIN, and the PIN file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ca_core::ports::Signer;
use ca_core::suite::Curve;
use signer_pkcs11::{
    FindTokenError, LoadModuleError, LoadPinError, OpenTokenError, Pin, TokenSigner, TokenUri, UseTokenError,
};

use crate::softhsm::{self, on_softhsm, pin, pin_of};

// Case H-10: two tokens that both fit are refused, by name; the serial number tells them apart.
#[test]
fn h_10_refuses_two_tokens_of_one_label_and_takes_the_one_with_the_serial() {
    on_softhsm(|softhsm| {
        let serials = [softhsm.make_token("twin"), softhsm.make_token("twin")];
        softhsm.make_token("other");
        let refusal = TokenSigner::open(&softhsm.uri("token=twin"), pin()).unwrap_err();
        let OpenTokenError::Token(UseTokenError::Token(FindTokenError::Ambiguous { there, .. })) = &refusal
        else {
            panic!("{refusal:?}");
        };
        assert_eq!(there.len(), 2);
        for serial in &serials {
            assert!(refusal.to_string().contains(serial), "{refusal}");
            let signer =
                TokenSigner::open(&softhsm.uri(&format!("serial={serial};token=twin")), pin()).unwrap();
            assert_eq!(signer.token().serial, *serial);
        }
    });
}

#[test]
fn says_which_tokens_are_there_when_none_is_as_wanted() {
    on_softhsm(|softhsm| {
        let serial = softhsm.make_token("root of the north");
        for wanted in [
            "token=root",
            "token=root%20of%20the%20north;serial=0000",
            "token=root%20of%20the%20north;model=HSM%202000",
            "token=root%20of%20the%20north;manufacturer=nobody",
            "serial=0000",
        ] {
            let refusal = TokenSigner::open(&softhsm.uri(wanted), pin()).unwrap_err();
            assert!(
                matches!(
                    refusal,
                    OpenTokenError::Token(UseTokenError::Token(FindTokenError::NotFound { .. }))
                ),
                "{refusal:?}"
            );
            let said = refusal.to_string();
            assert!(said.contains(wanted), "it must say what was wanted: {said}");
            assert!(said.contains("\"root of the north\"") && said.contains(&serial), "{said}");
        }
        let everything = "token=root%20of%20the%20north;manufacturer=SoftHSM%20project;model=SoftHSM%20v2";
        TokenSigner::open(&softhsm.uri(everything), pin()).unwrap();
    });
}

#[test]
fn says_that_there_is_no_token_at_all() {
    on_softhsm(|softhsm| {
        let refusal = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap_err().to_string();
        assert!(refusal.ends_with("tokens there: none"), "{refusal}");
    });
}

// Case H-04: a token that was missing at the start is found when it has come, without a new process.
#[test]
fn h_04_opens_a_token_that_was_missing_before() {
    on_softhsm(|softhsm| {
        TokenSigner::open(&softhsm.uri("token=late"), pin()).unwrap_err();
        softhsm.make_token_in_this_process("late");
        TokenSigner::open(&softhsm.uri("token=late"), pin()).unwrap();
    });
}

#[test]
fn refuses_modules_that_are_absent_or_none() {
    on_softhsm(|softhsm| {
        let open = |path: &Path| {
            let uri = TokenUri::parse(&format!("pkcs11:token=t?module-path={}", path.display())).unwrap();
            match TokenSigner::open(&uri, pin()) {
                Err(OpenTokenError::Module(refusal)) => refusal,
                other => panic!("{other:?}"),
            }
        };
        let absent = open(&softhsm.path("absent.so"));
        assert!(matches!(absent, LoadModuleError::Absent { .. }), "{absent:?}");
        let text = softhsm.path("text.so");
        fs::write(&text, "not a library").unwrap();
        let refusal = open(&text);
        assert!(matches!(refusal, LoadModuleError::Refused { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("text.so"), "{refusal}");
    });
}

// Case H-05: a wrong PIN is tried once, says so, and shows nowhere.
#[test]
fn h_05_refuses_a_wrong_pin_and_names_the_function_that_did() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        let refusal = TokenSigner::open(&softhsm.uri("token=t"), pin_of("9876-wrong")).unwrap_err();
        assert!(matches!(refusal, OpenTokenError::Token(UseTokenError::PinRefused(_))), "{refusal:?}");
        assert!(refusal.to_string().contains("C_Login answered CKR_PIN_INCORRECT"), "{refusal}");
        assert!(!format!("{refusal} {refusal:?}").contains("9876"), "{refusal:?}");
        TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
    });
}

// Case H-12.
#[test]
fn h_12_shows_the_pin_in_no_debug_output() {
    assert_eq!(format!("{:?}", pin()), "Pin(not shown)");
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        let signer = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
        let key = signer.generate(Curve::P256, "k").unwrap();
        let shown = format!("{signer:?}");
        assert!(!shown.contains(softhsm::PIN), "{shown}");
        assert!(shown.contains(&key.key_ref().to_string()), "{shown}");
    });
}

// Case H-13: who is logged in already stays logged in.
#[test]
fn h_13_opens_a_token_that_the_process_is_logged_in_to() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        let first = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
        let key = first.generate(Curve::P256, "k").unwrap();
        let second = TokenSigner::open(&softhsm.uri("token=t"), pin()).unwrap();
        drop(first);
        let signature = second.sign(&key.key_ref(), b"message").unwrap();
        key.verify(b"message", &signature).unwrap();
    });
}

fn pin_file(directory: &Path, content: &[u8], mode: u32) -> std::path::PathBuf {
    let path = directory.join("pin");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn logs_in_with_the_pin_file_that_the_uri_names() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        for content in
            [softhsm::PIN.to_owned(), format!("{}\n", softhsm::PIN), format!("{}\r\n", softhsm::PIN)]
        {
            let file = pin_file(&softhsm.path(""), content.as_bytes(), 0o600);
            let uri = format!("{}&pin-source=file:{}", softhsm.uri("token=t"), file.display());
            let uri = TokenUri::parse(&uri).unwrap();
            let pin = Pin::load(uri.pin_source().unwrap()).unwrap();
            TokenSigner::open(&uri, pin).unwrap();
        }
    });
}

#[test]
fn refuses_pin_files_that_others_can_read() {
    let directory = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let refusal = Pin::load(&pin_file(directory.path(), b"1234", mode)).unwrap_err();
        assert!(matches!(refusal, LoadPinError::TooOpen { mode: found, .. } if found == mode), "{refusal:?}");
        assert!(refusal.to_string().contains("chmod 0600"), "{refusal}");
    }
    Pin::load(&pin_file(directory.path(), b"1234", 0o400)).unwrap();
}

#[test]
fn refuses_pin_files_that_hold_no_pin_or_are_no_files() {
    let directory = tempfile::tempdir().unwrap();
    for content in [&b""[..], b"\n", b"\r\n", b"1234\n5678\n", b"1234\n\n", &[b'1'; 257], &[b'1'; 400]] {
        let refusal = Pin::load(&pin_file(directory.path(), content, 0o600)).unwrap_err();
        assert!(matches!(refusal, LoadPinError::NotAPin { .. }), "{refusal:?}");
    }
    Pin::load(&pin_file(directory.path(), &[b'1'; 256], 0o600)).unwrap();
    let refusal = Pin::load(&pin_file(directory.path(), b"\xFF\xFE", 0o600)).unwrap_err();
    assert!(matches!(refusal, LoadPinError::Unreadable { .. }), "{refusal:?}");
    let link = directory.path().join("link");
    symlink(pin_file(directory.path(), b"1234", 0o600), &link).unwrap();
    for path in [directory.path(), &link] {
        let refusal = Pin::load(path).unwrap_err();
        assert!(matches!(refusal, LoadPinError::NotAFile { .. }), "{refusal:?}");
    }
    let refusal = Pin::load(&directory.path().join("absent")).unwrap_err();
    assert!(matches!(refusal, LoadPinError::Unreadable { .. }), "{refusal:?}");
}
