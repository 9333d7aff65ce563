//! Key directories, key files and passphrase files as an operator meets them: on a disk, beside the `openssl` program.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::suite::Curve;
use signer_file::{
    CopyKeyError, CreateKeyDirectoryError, DecryptKeyError, FileSigner, GenerateKeyError, Iterations,
    KeyDirectory, ListKeysError, LoadPassphraseError, NewKeyFile, Passphrase, PrivatePathError, ReadKeyError,
    UnlockError,
};
use tempfile::TempDir;

/// A temporary directory with a key directory in it.
struct Place {
    outside: TempDir,
    keys: KeyDirectory,
}

impl Place {
    fn new() -> Self {
        let outside = tempfile::tempdir().unwrap();
        let keys =
            KeyDirectory::create(&outside.path().join("keys")).unwrap().with_iterations(Iterations::LEAST);
        Self { outside, keys }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    fn key_file(&self, key: &KeyRef) -> PathBuf {
        self.keys.path().join(format!("{key}.pem"))
    }

    /// Writes a passphrase file of mode 0600.
    fn pass_file(&self, content: &[u8]) -> PathBuf {
        let path = self.path("passphrase");
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }

    fn passphrase(&self) -> Passphrase {
        Passphrase::load(&self.pass_file(b"correct horse\n")).unwrap()
    }

    /// Runs openssl with the passphrase file and returns what it prints.
    fn openssl(&self, arguments: &[&str]) -> String {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.outside.path())
            .output()
            .expect("the openssl program; tests/run installs what the tests need");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn makes_directories_0700_and_files_0600() {
    let place = Place::new();
    let key = place.keys.generate(Curve::P256, &place.passphrase()).unwrap();
    assert_eq!(mode(place.keys.path()), 0o700);
    assert_eq!(mode(&place.key_file(&key.key_ref())), 0o600);
    let names: Vec<_> =
        fs::read_dir(place.keys.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [format!("{}.pem", key.key_ref()).as_str()], "nothing else is left behind");
}

#[test]
fn refuses_to_make_a_directory_where_something_stands() {
    let place = Place::new();
    let refusal = KeyDirectory::create(place.keys.path()).unwrap_err();
    assert!(matches!(refusal, CreateKeyDirectoryError::AlreadyExists { .. }), "{refusal:?}");
    let refusal = KeyDirectory::create(&place.path("absent/keys")).unwrap_err();
    assert!(matches!(refusal, CreateKeyDirectoryError::NotMade { .. }), "{refusal:?}");
}

#[test]
fn refuses_to_open_a_directory_that_is_absent() {
    let place = Place::new();
    let refusal = KeyDirectory::open(&place.path("absent")).unwrap_err();
    assert!(refusal.to_string().contains("does not exist"), "{refusal}");
    assert!(!place.path("absent").exists(), "it must not be made");
}

#[test]
fn refuses_to_open_a_file_as_a_directory() {
    let place = Place::new();
    let refusal = KeyDirectory::open(&place.pass_file(b"x")).unwrap_err();
    assert!(refusal.to_string().contains("is not a directory"), "{refusal}");
}

#[test]
fn refuses_a_directory_that_is_open_to_others() {
    let place = Place::new();
    for looser in [0o710, 0o701, 0o750, 0o755, 0o702] {
        set_mode(place.keys.path(), looser);
        let refusal = KeyDirectory::open(place.keys.path()).unwrap_err().to_string();
        assert!(refusal.contains(&format!("has mode {looser:04o}")), "{refusal}");
        assert!(refusal.contains("chmod 0700"), "the message must say what to do: {refusal}");
    }
    set_mode(place.keys.path(), 0o500);
    KeyDirectory::open(place.keys.path()).unwrap();
}

#[test]
fn refuses_to_generate_into_a_directory_that_was_opened_to_others() {
    let place = Place::new();
    set_mode(place.keys.path(), 0o770);
    let refusal = place.keys.generate(Curve::P256, &place.passphrase()).unwrap_err();
    assert!(
        matches!(refusal, GenerateKeyError::Directory(PrivatePathError::TooOpen { mode: 0o770, .. })),
        "{refusal:?}"
    );
    assert_eq!(fs::read_dir(place.keys.path()).unwrap().count(), 0);
}

#[test]
fn refuses_a_key_file_that_is_open_to_others() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    for looser in [0o640, 0o604, 0o660, 0o644, 0o601] {
        set_mode(&place.key_file(&key), looser);
        let refusal = FileSigner::unlock(&place.keys, &passphrase).unwrap_err();
        let UnlockError::Read(ReadKeyError::File(PrivatePathError::TooOpen { mode, .. })) = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(mode, looser);
    }
    set_mode(&place.key_file(&key), 0o400);
    FileSigner::unlock(&place.keys, &passphrase).unwrap();
}

#[test]
fn refuses_a_key_file_behind_a_symbolic_link() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    fs::rename(place.key_file(&key), place.path("elsewhere.pem")).unwrap();
    symlink(place.path("elsewhere.pem"), place.key_file(&key)).unwrap();
    let refusal = FileSigner::unlock(&place.keys, &passphrase).unwrap_err();
    assert!(
        matches!(refusal, UnlockError::Read(ReadKeyError::File(PrivatePathError::WrongKind { .. }))),
        "{refusal:?}"
    );
}

#[test]
fn tells_a_wrong_passphrase_and_damage_by_one_and_the_same_answer() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    let path = place.key_file(&key);
    let not_opened = |passphrase: &Passphrase| match FileSigner::new().add(&place.keys, &key, passphrase) {
        Err(ReadKeyError::NotOpened { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    // Enough wrong ones that some of them give good padding by chance.
    for number in 0..600 {
        let wrong = Passphrase::new(format!("wrong {number}").into_bytes().into()).unwrap();
        assert_eq!(not_opened(&wrong), DecryptKeyError::WrongPassphrase);
    }
    let pem = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    // Lines 1 to 3 hold the scheme with its salt; what follows is encrypted.
    for line in 4..lines.len() - 1 {
        for column in [0, 7] {
            let mut damaged = lines[line].as_bytes().to_vec();
            damaged[column] = if damaged[column] == b'x' { b'y' } else { b'x' };
            let mut lines = lines.clone();
            lines[line] = core::str::from_utf8(&damaged).unwrap();
            fs::write(&path, lines.join("\n") + "\n").unwrap();
            assert_eq!(not_opened(&passphrase), DecryptKeyError::WrongPassphrase);
        }
    }
}

#[test]
fn says_which_file_a_passphrase_does_not_open() {
    let place = Place::new();
    let key = place.keys.generate(Curve::P384, &place.passphrase()).unwrap().key_ref();
    let wrong = Passphrase::new(b"incorrect horse".to_vec().into()).unwrap();
    let refusal = FileSigner::unlock(&place.keys, &wrong).unwrap_err().to_string();
    assert!(refusal.contains(&key.to_string()), "{refusal}");
    assert!(refusal.ends_with("the passphrase does not open it, or it is damaged"), "{refusal}");
    assert!(!refusal.contains("horse"), "{refusal}");
}

#[test]
fn refuses_to_unlock_a_directory_without_keys() {
    let place = Place::new();
    let refusal = FileSigner::unlock(&place.keys, &place.passphrase()).unwrap_err();
    assert!(matches!(refusal, UnlockError::NoKeys { .. }), "{refusal:?}");
}

#[test]
fn refuses_a_key_file_under_a_name_that_is_not_a_key_reference() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    fs::write(place.keys.path().join("README"), "not a key").unwrap();
    assert_eq!(place.keys.key_refs().unwrap(), [key]);
    for name in ["root.pem".to_owned(), format!("{}.pem", key.to_string().to_uppercase())] {
        let path = place.keys.path().join(name);
        fs::copy(place.key_file(&key), &path).unwrap();
        let refusal = place.keys.key_refs().unwrap_err();
        assert!(matches!(refusal, ListKeysError::NotAKeyRef { .. }), "{refusal:?}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn refuses_a_key_file_that_holds_another_key_than_its_name_says() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let one = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    let other = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    fs::rename(place.key_file(&one), place.key_file(&other)).unwrap();
    let refusal = FileSigner::unlock(&place.keys, &passphrase).unwrap_err();
    assert!(
        matches!(refusal, UnlockError::Read(ReadKeyError::AnotherKey { found, .. }) if found == one),
        "{refusal:?}"
    );
}

#[test]
fn ignores_what_a_crash_left_under_a_dot_name() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = place.keys.generate(Curve::P256, &passphrase).unwrap().key_ref();
    fs::write(place.keys.path().join(".0011.pem.new"), "half a fi").unwrap();
    fs::write(place.keys.path().join(".0011.pem"), "half a fi").unwrap();
    assert_eq!(place.keys.key_refs().unwrap(), [key]);
}

#[test]
fn unlocks_every_key_of_both_curves_and_shows_only_their_references() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let mut keys: Vec<_> = [Curve::P256, Curve::P384, Curve::P256]
        .into_iter()
        .map(|curve| place.keys.generate(curve, &passphrase).unwrap())
        .collect();
    keys.sort_by_key(ca_core::public_key::PublicKey::key_ref);
    let signer = FileSigner::unlock(&place.keys, &passphrase).unwrap();
    assert_eq!(signer.public_keys(), keys);
    let shown: Vec<_> = keys.iter().map(|key| format!("{:?}", key.key_ref())).collect();
    assert_eq!(format!("{signer:?}"), format!("[{}]", shown.join(", ")));
}

#[test]
fn adds_one_key_to_a_signer_in_use() {
    let place = Place::new();
    let passphrase = place.passphrase();
    place.keys.generate(Curve::P256, &passphrase).unwrap();
    let signer = FileSigner::unlock(&place.keys, &passphrase).unwrap();
    let later = place.keys.generate(Curve::P384, &passphrase).unwrap();
    let refusal = signer.sign(&later.key_ref(), b"message").unwrap_err();
    assert!(matches!(refusal, SignError::KeyNotFound { .. }), "{refusal:?}");
    assert_eq!(signer.add(&place.keys, &later.key_ref(), &passphrase).unwrap(), later);
    later.verify(b"message", &signer.sign(&later.key_ref(), b"message").unwrap()).unwrap();
    let absent = KeyRef::new([7; 20]);
    let refusal = signer.add(&place.keys, &absent, &passphrase).unwrap_err();
    assert!(matches!(refusal, ReadKeyError::File(PrivatePathError::Missing { .. })), "{refusal:?}");
}

#[test]
fn a_key_moves_to_another_passphrase_in_another_directory_and_stays_the_same_key() {
    let place = Place::new();
    let key = place.keys.generate(Curve::P384, &place.passphrase()).unwrap();
    let new = Passphrase::new(b"another".to_vec().into()).unwrap();
    let target = KeyDirectory::create(&place.path("target")).unwrap().with_iterations(Iterations::LEAST);
    let copied = place.keys.copy_key(&key.key_ref(), &place.passphrase(), (&target, &new)).unwrap();
    assert_eq!(copied, key);
    FileSigner::unlock(&target, &new).unwrap();
    assert!(FileSigner::unlock(&target, &place.passphrase()).is_err());
    FileSigner::unlock(&place.keys, &place.passphrase()).unwrap();
    // Nothing is written over, and nothing is copied that cannot be opened.
    let again = place.keys.copy_key(&key.key_ref(), &place.passphrase(), (&target, &new));
    assert!(matches!(again, Err(CopyKeyError::NotCopied(GenerateKeyError::NotStored { .. }))));
    let wrong = place.keys.copy_key(&key.key_ref(), &new, (&target, &new));
    assert!(matches!(wrong, Err(CopyKeyError::NotRead(ReadKeyError::NotOpened { .. }))));
}

#[test]
fn a_key_in_a_single_file_of_any_name_is_unlocked() {
    let place = Place::new();
    let new = NewKeyFile::draw(Curve::P256, &place.passphrase(), Iterations::LEAST).unwrap();
    let path = place.path("anna.pem");
    fs::write(&path, new.pem()).unwrap();
    let signer = FileSigner::new();
    set_mode(&path, 0o644);
    let open = signer.add_file(&path, &place.passphrase());
    assert!(matches!(open, Err(ReadKeyError::File(PrivatePathError::TooOpen { .. }))));
    set_mode(&path, 0o600);
    assert_eq!(&signer.add_file(&path, &place.passphrase()).unwrap(), new.public_key());
    let signature = signer.sign(&new.public_key().key_ref(), b"octets").unwrap();
    new.public_key().verify(b"octets", &signature).unwrap();
    assert!(!format!("{new:?}").contains("BEGIN"));
}

#[test]
fn writes_files_that_openssl_reads() {
    let place = Place::new();
    let passphrase = place.passphrase();
    for curve in [Curve::P256, Curve::P384] {
        let key = place.keys.generate(curve, &passphrase).unwrap();
        let path = place.key_file(&key.key_ref());
        let shown =
            place.openssl(&["pkey", "-in", path.to_str().unwrap(), "-passin", "file:passphrase", "-pubout"]);
        fs::write(place.path("public.pem"), shown).unwrap();
        place.openssl(&["pkey", "-pubin", "-in", "public.pem", "-outform", "DER", "-out", "public.der"]);
        assert_eq!(fs::read(place.path("public.der")).unwrap(), key.spki_der());
        let scheme = place.openssl(&["asn1parse", "-in", path.to_str().unwrap()]);
        for part in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"] {
            assert!(scheme.contains(part), "{part} is missing in {scheme}");
        }
    }
}

/// Stores a key that openssl drew under the reference it belongs to and returns that.
fn import_from_openssl(place: &Place, curve: &str, pkcs8_options: &[&str]) -> KeyRef {
    place.openssl(&["ecparam", "-name", curve, "-genkey", "-noout", "-out", "plain.pem"]);
    place.openssl(&["pkey", "-in", "plain.pem", "-pubout", "-outform", "DER", "-out", "public.der"]);
    let key = fs::read(place.path("public.der")).unwrap();
    let key = ca_core::public_key::PublicKey::from_spki_der(&key)
        .map_or(KeyRef::new([0xEE; 20]), |key| key.key_ref());
    let path = place.key_file(&key);
    let mut arguments = vec!["pkcs8", "-topk8", "-in", "plain.pem", "-out", path.to_str().unwrap()];
    arguments.extend(["-passout", "file:passphrase"]);
    arguments.extend(pkcs8_options);
    place.openssl(&arguments);
    set_mode(&path, 0o600);
    key
}

const OURS: [&str; 6] = ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "20000"];

#[test]
fn reads_files_that_openssl_wrote() {
    let place = Place::new();
    let passphrase = place.passphrase();
    for curve in ["prime256v1", "secp384r1"] {
        let key = import_from_openssl(&place, curve, &OURS);
        let signer = FileSigner::new();
        let public_key = signer.add(&place.keys, &key, &passphrase).unwrap();
        public_key.verify(b"message", &signer.sign(&key, b"message").unwrap()).unwrap();
    }
}

#[test]
fn refuses_weaker_and_other_encryption_than_its_own() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let refusal = |options: &[&str]| {
        let key = import_from_openssl(&place, "prime256v1", options);
        match FileSigner::new().add(&place.keys, &key, &passphrase) {
            Err(ReadKeyError::NotOpened { cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    };
    // What openssl does without options: 2048 iterations.
    assert_eq!(refusal(&[]), DecryptKeyError::IterationsOutOfRange { iterations: 2048 });
    for options in [
        &["-scrypt"][..],
        &["-v2", "aes-128-cbc", "-iter", "20000"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "20000"],
    ] {
        let cause = refusal(options);
        assert!(matches!(cause, DecryptKeyError::SchemeNotSupported { .. }), "{options:?}: {cause:?}");
    }
    assert_eq!(refusal(&["-nocrypt"]), DecryptKeyError::NotEncryptedPkcs8);
}

#[test]
fn refuses_keys_on_other_curves() {
    let place = Place::new();
    let passphrase = place.passphrase();
    for curve in ["secp256k1", "secp521r1"] {
        let key = import_from_openssl(&place, curve, &OURS);
        let refusal = FileSigner::new().add(&place.keys, &key, &passphrase).unwrap_err();
        assert!(
            matches!(refusal, ReadKeyError::NotOpened { cause: DecryptKeyError::NotOurCurve, .. }),
            "{refusal:?}"
        );
        fs::remove_file(place.key_file(&key)).unwrap();
    }
}

#[test]
fn refuses_octets_that_are_no_key_file() {
    let place = Place::new();
    let passphrase = place.passphrase();
    let key = KeyRef::new([1; 20]);
    let pem = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for content in [&b""[..], b"\xFF\xFE", b"text", pem.as_bytes()] {
        fs::write(place.key_file(&key), content).unwrap();
        set_mode(&place.key_file(&key), 0o600);
        let refusal = FileSigner::new().add(&place.keys, &key, &passphrase).unwrap_err();
        assert!(
            matches!(refusal, ReadKeyError::NotOpened { cause: DecryptKeyError::NotEncryptedPkcs8, .. }),
            "{refusal:?}"
        );
    }
    fs::write(place.key_file(&key), vec![b'-'; 8193]).unwrap();
    let refusal = FileSigner::new().add(&place.keys, &key, &passphrase).unwrap_err();
    assert!(
        matches!(refusal, ReadKeyError::File(PrivatePathError::TooLong { limit: 8192, .. })),
        "{refusal:?}"
    );
}

#[test]
fn takes_one_line_ending_off_a_passphrase() {
    let place = Place::new();
    let key = place.keys.generate(Curve::P256, &place.passphrase()).unwrap().key_ref();
    let opens = |content: &[u8]| {
        let passphrase = Passphrase::load(&place.pass_file(content)).unwrap();
        FileSigner::new().add(&place.keys, &key, &passphrase).is_ok()
    };
    assert!(opens(b"correct horse"));
    assert!(opens(b"correct horse\n"));
    assert!(opens(b"correct horse\r\n"));
    assert!(!opens(b"correct horse "));
    assert!(!opens(b"correct horse\r"));
}

#[test]
fn refuses_passphrase_files_that_are_empty_long_or_of_several_lines() {
    let place = Place::new();
    let refusal = |content: &[u8]| Passphrase::load(&place.pass_file(content)).unwrap_err();
    assert!(matches!(refusal(b""), LoadPassphraseError::Empty { .. }));
    assert!(matches!(refusal(b"\n"), LoadPassphraseError::Empty { .. }));
    assert!(matches!(refusal(b"one\ntwo\n"), LoadPassphraseError::SeveralLines { .. }));
    assert!(matches!(refusal(b"one\n\n"), LoadPassphraseError::SeveralLines { .. }));
    assert!(matches!(
        refusal(&[b'x'; 1025]),
        LoadPassphraseError::File(PrivatePathError::TooLong { limit: 1024, .. })
    ));
    Passphrase::load(&place.pass_file(&[b'x'; 1024])).unwrap();
}

#[test]
fn refuses_passphrase_files_that_others_can_read() {
    let place = Place::new();
    let path = place.pass_file(b"correct horse");
    set_mode(&path, 0o640);
    let refusal = Passphrase::load(&path).unwrap_err().to_string();
    assert!(refusal.contains("has mode 0640"), "{refusal}");
    assert!(refusal.contains("chmod 0600"), "the message must say what to do: {refusal}");
    assert!(!refusal.contains("horse"), "{refusal}");
    let refusal = Passphrase::load(&place.path("absent")).unwrap_err();
    assert!(matches!(refusal, LoadPassphraseError::File(PrivatePathError::Missing { .. })), "{refusal:?}");
}

#[test]
fn never_shows_a_passphrase() {
    let passphrase = Passphrase::new(b"correct horse".to_vec().into()).unwrap();
    assert_eq!(format!("{passphrase:?}"), "Passphrase(not shown)");
}
