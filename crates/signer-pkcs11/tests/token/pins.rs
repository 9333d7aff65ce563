//! Where the PIN may come from (RFC 7512 §2.4): each place, with a token that the PIN opens, and what is refused there.

use std::fs::{self, Permissions};
use std::io::{BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use signer_pkcs11::{AskError, LoadPinError, Pin, TokenSigner, TokenUri};

use crate::again::{self, VARIABLE};
use crate::softhsm::{PIN, Softhsm, on_softhsm};

fn uri(softhsm: &Softhsm, source: &str) -> TokenUri {
    TokenUri::parse(&format!("{}&pin-source={source}", softhsm.uri("token=t"))).unwrap()
}

/// Takes the PIN from a place, and logs in with it.
fn opens(softhsm: &Softhsm, source: &str) {
    let uri = uri(softhsm, source);
    let pin = Pin::load(uri.pin_source().unwrap()).unwrap();
    TokenSigner::open(&uri, pin).unwrap();
}

fn refusal(softhsm: &Softhsm, source: &str) -> LoadPinError {
    let refusal = Pin::load(uri(softhsm, source).pin_source().unwrap()).unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains(PIN), "{refusal:?}");
    refusal
}

/// Writes a credential as systemd does.
fn credential(softhsm: &Softhsm, content: &[u8], mode: u32) {
    let directory = softhsm.path("credentials");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("hsm-pin");
    drop(fs::remove_file(&file));
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
}

// Case I-03: a secret comes from a place that is named, and never stands in the configuration.
#[test]
fn i_03_takes_the_pin_from_a_variable_that_is_named() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        opens(softhsm, &format!("env:{VARIABLE}"));
        let refusal = refusal(softhsm, "env:SIGNER_PKCS11_TEST_NO_PIN");
        assert!(matches!(refusal, LoadPinError::NoVariable { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("SIGNER_PKCS11_TEST_NO_PIN"), "{refusal}");
    });
}

#[test]
fn i_03_takes_the_pin_from_a_credential_of_systemd() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        // 0440: systemd lets the user of the service in by an access list.
        for mode in [0o400, 0o440] {
            credential(softhsm, PIN.as_bytes(), mode);
            opens(softhsm, "credential:hsm-pin");
        }
        for mode in [0o444, 0o460] {
            credential(softhsm, PIN.as_bytes(), mode);
            let refusal = refusal(softhsm, "credential:hsm-pin");
            assert!(matches!(refusal, LoadPinError::TooOpen { .. }), "{refusal:?}");
        }
        let refusal = refusal(softhsm, "credential:other");
        assert!(matches!(refusal, LoadPinError::Unreadable { .. }), "{refusal:?}");
    });
}

#[test]
fn i_03_says_that_there_are_no_credentials_outside_a_service() {
    // The first run of a test is no service.
    if std::env::var_os("CREDENTIALS_DIRECTORY").is_none() {
        let uri = TokenUri::parse("pkcs11:token=t?module-path=/m&pin-source=credential:hsm-pin").unwrap();
        let refusal = Pin::load(uri.pin_source().unwrap()).unwrap_err();
        assert!(matches!(refusal, LoadPinError::NoCredentials { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("LoadCredential="), "{refusal}");
    }
}

#[test]
fn i_03_takes_the_pin_from_a_descriptor_that_somebody_opened() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(format!("{PIN}\n").as_bytes()).unwrap();
        drop(writer);
        let source = format!("fd:{}", reader.as_raw_fd());
        opens(softhsm, &source);
        // A pipe gives what it holds once.
        let second = refusal(softhsm, &source);
        assert!(matches!(second, LoadPinError::NotAPin { .. }), "{second:?}");

        let (left, _right) = UnixStream::pair().unwrap();
        let socket = refusal(softhsm, &format!("fd:{}", left.as_raw_fd()));
        assert!(matches!(socket, LoadPinError::NotADescriptorToRead { .. }), "{socket:?}");
        let closed = refusal(softhsm, "fd:9999");
        assert!(matches!(closed, LoadPinError::UnreadableDescriptor { number: 9999, .. }), "{closed:?}");
    });
}

/// Runs this test program once more, for one test, by way of another program.
fn through(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Tells the runs of a test apart: set where there is, or is not, a terminal.
const AT: &str = "SIGNER_PKCS11_TEST_AT";

fn me(test: &str) -> String {
    format!("{} {test} --exact --nocapture", std::env::current_exe().unwrap().display())
}

// Case I-08: where nobody can be asked, nothing is asked.
#[test]
fn i_08_refuses_to_ask_where_there_is_no_terminal() {
    on_softhsm(|softhsm| {
        let asked = || Pin::load(uri(softhsm, "prompt:").pin_source().unwrap());
        if std::env::var_os(AT).is_some() {
            let refusal = asked().unwrap_err();
            assert!(matches!(refusal, LoadPinError::Terminal(AskError::NoTerminal)), "{refusal:?}");
            assert!(refusal.to_string().contains("no terminal to ask for it"), "{refusal}");
            return;
        }
        let test = "pins::i_08_refuses_to_ask_where_there_is_no_terminal";
        let mut without = through("setsid", &["--wait", "sh", "-c", &me(test)]);
        again::passed(test, &without.env(AT, "nowhere").output().unwrap());
    });
}

#[test]
fn i_03_asks_at_the_terminal_and_shows_nothing_of_what_is_typed() {
    on_softhsm(|softhsm| {
        if std::env::var_os(AT).is_some() {
            opens(softhsm, "prompt:");
            return;
        }
        softhsm.make_token("t");
        let test = "pins::i_03_asks_at_the_terminal_and_shows_nothing_of_what_is_typed";
        let mut at_terminal =
            through("script", &["--quiet", "--return", "--command", &me(test), "/dev/null"])
                .env(AT, "terminal")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("script is not installed: run tests/run, which installs what the tests need");
        let mut screen = BufReader::new(at_terminal.stdout.take().unwrap());
        let shown = read_until(&mut screen, "PIN of the token token=t: ");
        at_terminal.stdin.as_mut().unwrap().write_all(format!("{PIN}\n").as_bytes()).unwrap();
        let mut rest = String::new();
        screen.read_to_string(&mut rest).unwrap();
        assert!(at_terminal.wait().unwrap().success(), "{shown}{rest}");
        assert!(rest.contains("1 passed") && !rest.contains(PIN), "{shown}{rest}");
    });
}

fn read_until(screen: &mut impl Read, question: &str) -> String {
    let mut shown = Vec::new();
    let mut octet = [0];
    while !shown.ends_with(question.as_bytes()) {
        let read = screen.read(&mut octet).unwrap();
        assert!(read == 1, "it ended without a question: {}", String::from_utf8_lossy(&shown));
        shown.extend_from_slice(&octet);
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn takes_a_pin_file_by_its_path_as_well() {
    on_softhsm(|softhsm| {
        softhsm.make_token("t");
        let file = softhsm.path("pin");
        fs::write(&file, PIN).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let path: &Path = &file;
        TokenSigner::open(&softhsm.uri("token=t"), Pin::load(path).unwrap()).unwrap();
    });
}
