//! Secrets are shown where they must be and nowhere else.

use std::path::{Path, PathBuf};

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Shown, encoded};
use e2e::rehearsal::Rehearsal;

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).filter(|file| file.is_file()).collect()
}

fn holds(file: &Path, secret: &[u8]) -> bool {
    let octets = std::fs::read(file).expect("a file");
    octets.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn m_07_the_secret_of_a_token_is_shown_once_and_kept_nowhere() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.serve();
    let title = "4D504B0100000A01";
    rehearsal.expect_devices("dso", &[title]);
    let (user, secret) = rehearsal.token(title, "meter-op-tls-s1");
    let meter = Meter::new(&rehearsal, title, Suite::One);
    drop(meter.enrol("meter-op-tls", &Shown::Password { user: user.clone(), password: secret.clone() }));
    // Used again and in vain, so that refusals are looked at, too.
    drop(meter.try_enrol("meter-op-tls", &Shown::Password { user: user.clone(), password: secret.clone() }));
    let in_header = encoded(format!("{user}:{secret}").as_bytes());
    let audit = rehearsal.audit_after(0);
    rehearsal.stop();
    for secret in [&secret, &in_header] {
        assert!(!audit.iter().any(|record| record.to_string().contains(secret)), "not in the audit trail");
        for file in files(&rehearsal.state("")).into_iter().chain([rehearsal.scratch("serve.log")]) {
            assert!(!holds(&file, secret.as_bytes()), "{} holds the secret of a token", file.display());
        }
    }
}

#[test]
fn the_passphrase_stands_in_its_own_file_only_and_keys_are_encrypted() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.serve();
    rehearsal.stop();
    let passphrase = std::fs::read(rehearsal.state("passphrase")).unwrap();
    let own = [rehearsal.state("passphrase")];
    for file in files(&rehearsal.state("")).into_iter().chain([rehearsal.scratch("serve.log")]) {
        assert_eq!(holds(&file, &passphrase), own.contains(&file), "{}", file.display());
    }
    let keys = files(&rehearsal.state("keys"));
    assert_eq!(keys.len(), 16, "seven authorities and their responders, the checkpoints, and the messages");
    for key in keys.iter().chain(&files(&rehearsal.state("offline"))) {
        if key.extension().is_some_and(|ending| ending == "pem") {
            let text = std::fs::read_to_string(key).unwrap();
            assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{}", key.display());
        }
    }
}
