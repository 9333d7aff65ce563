//! The chapter on the ceremony, step by step as it stands in `docs/operate/ceremony.md`, and what comes out of it.

mod acts;
mod exchange;
mod releases;
mod stops;
mod tpm;

mod guided;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use e2e::chapter::steps;
use e2e::process::program;
use e2e::tool::{finish, openssl};
use tempfile::TempDir;

/// The chapter that people read.
const CHAPTER: &str = include_str!("../../docs/operate/ceremony.md");

/// Makes a room: a directory with a passphrase and the two programs under their own names.
fn make_room() -> TempDir {
    let room = e2e::ground::directory();
    let passphrase = room.path().join("passphrase");
    std::fs::write(&passphrase, "a passphrase of a rehearsal").expect("it can be written");
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    std::fs::create_dir(room.path().join("programs")).expect("it can be made");
    for name in ["meter-pki", "offline-root"] {
        symlink(program(name), room.path().join("programs").join(name)).expect("it can be made");
    }
    room
}

/// The path with the programs of this workspace in front of it.
fn path_with_programs(room: &Path) -> std::ffi::OsString {
    let mut path = room.join("programs").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").expect("there is a path"));
    path
}

/// Runs a block with the programs of this workspace in front of the path; the first command that fails ends it.
fn run_block(room: &Path, block: &str, exchange_key: &str) -> String {
    let path = path_with_programs(room);
    let mut command = Command::new("bash");
    command.args(["-eu", "-c", block]).current_dir(room).env("PATH", path).env("EXCHANGE_KEY", exchange_key);
    finish(&mut command).ok().out
}

/// The fingerprint that the first step shows.
fn exchange_key(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("Exchange key SHA-256")).expect("it is shown");
    line.split("SHA-256").nth(1).expect("digits follow").trim().to_owned()
}

#[test]
fn the_chapter_on_the_ceremony_works_as_it_stands() {
    let room = make_room();
    let blocks: [&str; 5] = steps(CHAPTER);
    let said = run_block(room.path(), blocks[0], "");
    let key = exchange_key(&said);
    for block in &blocks[1..] {
        let _ = run_block(room.path(), block, &key);
    }

    // OpenSSL finds the path, and the root's CRL does not stand against it.
    let found = |place: &str| {
        let directory = std::fs::read_dir(room.path().join(place)).expect("the directory is there");
        let files = directory.map(|entry| entry.expect("it can be read").path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == "cer")).collect::<Vec<_>>()
    };
    let certificates = found("incoming");
    assert_eq!(certificates.len(), 2, "the certificate and its root: {certificates:?}");
    let pem = |der: &Path| {
        let out = der.with_extension("pem");
        e2e::peer::to_pem(der, &out);
        out
    };
    let is_root = |file: &Path| {
        let said =
            openssl(["x509", "-in", &file.to_string_lossy(), "-noout", "-subject", "-issuer"]).ok().out;
        let lines: Vec<&str> = said.lines().map(|line| line.split_once('=').expect("a name").1).collect();
        lines[0] == lines[1]
    };
    let (roots, subs): (Vec<_>, Vec<_>) =
        certificates.iter().map(|file| pem(file)).partition(|file| is_root(file));
    let crl = room.path().join("root.crl.pem");
    let der = room.path().join("root-s1.crl");
    let _ = openssl(["crl", "-inform", "DER", "-in", &der.to_string_lossy(), "-out", &crl.to_string_lossy()])
        .ok();
    let said = openssl([
        "verify",
        "-x509_strict",
        "-crl_check",
        "-CAfile",
        &roots[0].to_string_lossy(),
        "-CRLfile",
        &crl.to_string_lossy(),
        &subs[0].to_string_lossy(),
    ])
    .ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
}

#[test]
fn a_response_is_taken_in_once_and_only_from_the_ceremony_that_is_known() {
    let room = make_room();
    let blocks: [&str; 5] = steps(CHAPTER);
    let key = exchange_key(&run_block(room.path(), blocks[0], ""));
    for block in &blocks[1..4] {
        let _ = run_block(room.path(), block, &key);
    }
    std::fs::create_dir(room.path().join("incoming")).expect("it can be made");
    let import = |exchange_key: &str| {
        finish(
            Command::new(program("meter-pki"))
                .current_dir(room.path())
                .args(["ceremony", "import", "response.pem", "--out", "incoming"])
                .args(["--exchange-key", exchange_key]),
        )
    };
    let stranger = "00".repeat(32);
    let refused = import(&stranger);
    assert_eq!(refused.code, Some(4), "{}", refused.all());
    assert!(refused.err.contains("exchange.unknown-key"), "{}", refused.err);
    assert_eq!(
        std::fs::read_dir(room.path().join("incoming")).expect("there").count(),
        0,
        "nothing half done"
    );
    assert_eq!(import(&key).code, Some(0));
    let again = import(&key);
    assert_eq!(again.code, Some(7), "the request is closed: {}", again.all());
    assert!(again.err.contains("exchange.answered"), "{}", again.err);
}

#[test]
fn a_sub_ca_is_renewed_with_its_key_and_rekeyed_with_another() {
    let room = make_room();
    let names = "--country DE --organization 'Example Grid' --common-name";
    let block = format!(
        r#"
        offline-root init --suite 1 --dir root {names} Root --time now --key-file \
          --passphrase-file passphrase >/dev/null
        request() {{ # name, more options
          meter-pki ceremony request --profile sub-operational-s1 {names} Sub --out $1.req --key-directory keys \
            --passphrase-file passphrase ${{2:-}} ${{3:-}} >/dev/null
          offline-root sign-subca --dir root --time now --request $1.req --out $1.res --passphrase-file passphrase >/dev/null
          mkdir $1
          exchange=$(openssl pkey -pubin -in root/public/exchange-key.pem -outform DER | sha256sum | cut -d' ' -f1)
          meter-pki ceremony import $1.res --out $1 --exchange-key $exchange >/dev/null
        }}
        request first
        key=$(basename keys/*.pem .pem)
        request renewed --renew $key
        request rekeyed
        ls keys | wc -l
        openssl x509 -in root/public/root.crt -outform DER -out root.cer
        for name in first renewed rekeyed; do
          for file in $name/*.cer; do
            cmp -s $file root.cer && continue
            openssl x509 -inform DER -in $file -out $name.pem
            openssl verify -x509_strict -CAfile root/public/root.crt $name.pem
            openssl x509 -in $name.pem -noout -pubkey | sha256sum
          done
        done
        meter-pki ceremony request --profile sub-operational-s1 {names} Sub --out x.req --key-directory keys \
          --passphrase-file passphrase --renew 00 && exit 1 || true
        "#
    );
    let said = run_block(room.path(), &block, "");
    let lines: Vec<&str> = said.lines().collect();
    let [count, first_ok, first, renewed_ok, renewed, rekeyed_ok, rekeyed] = lines[..] else {
        panic!("seven lines: {said}");
    };
    assert_eq!(count, "2", "a renewal makes no key");
    assert!([first_ok, renewed_ok, rekeyed_ok].iter().all(|line| line.ends_with(": OK")), "{said}");
    assert!(first == renewed && first != rekeyed, "{said}");
}
