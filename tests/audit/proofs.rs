//! Checkpoints and proofs, checked by OpenSSL and by a program that knows nothing of ours.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

use crate::{act, exported, kept_checkpoint, serving, since, size, verify_export};

fn python(arguments: &[&str]) -> Said {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("audit/check_proof.py");
    run("python3", [&[script.to_str().unwrap()], arguments].concat())
}

fn key(rehearsal: &Rehearsal) -> String {
    rehearsal.state("audit/checkpoint-key.pem").to_string_lossy().into_owned()
}

/// Splits a note into what is signed and the signature, each in a file.
fn split(rehearsal: &Rehearsal, note: &Path) -> (PathBuf, PathBuf, Vec<u8>) {
    let note = fs::read_to_string(note).unwrap();
    let (above, line) = note.rsplit_once("\n\n").unwrap();
    let (_, octets) = line.trim_end().rsplit_once(' ').unwrap();
    let octets = STANDARD.decode(octets).unwrap();
    let (text, signature) = (rehearsal.unique("text"), rehearsal.unique("signature"));
    fs::write(&text, format!("{above}\n")).unwrap();
    fs::write(&signature, &octets[4..]).unwrap();
    (text, signature, octets[..4].to_vec())
}

#[test]
fn openssl_verifies_the_signature_of_a_checkpoint_over_its_plain_text() {
    let rehearsal = serving();
    let note = kept_checkpoint(&rehearsal);
    let (text, signature, key_id) = split(&rehearsal, &note);
    let key = key(&rehearsal);
    let signature = signature.to_string_lossy().into_owned();
    let verify = |text: &Path| {
        openssl(["dgst", "-sha256", "-verify", &key, "-signature", &signature, &text.to_string_lossy()])
    };
    assert!(verify(&text).ok().out.contains("Verified OK"));
    let told = fs::read_to_string(&text).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "rehearsal.example/meter-pki"));
    assert_eq!(STANDARD.decode(lines[2]).unwrap().len(), 32);
    // As docs/operate/audit.md says it.
    let taken_apart = "cd \"$0\" && sed '/^$/,$d' \"$1\" > t && tail -n 1 \"$1\" | cut -d' ' -f3 | base64 -d | tail -c +5 > s \\
         && openssl dgst -sha256 -verify \"$2\" -signature s t";
    let scratch = rehearsal.scratch("").to_string_lossy().into_owned();
    let said = run("sh", ["-c", taken_apart, &scratch, &note.to_string_lossy(), &key]).ok();
    assert!(said.out.contains("Verified OK"), "{}", said.all());
    let other = rehearsal.unique("other");
    fs::write(&other, told.replace(lines[1], "1")).unwrap();
    assert!(!verify(&other).success);
    // C2SP signed-note: with ECDSA a key's number is the front of SHA-256 over its SubjectPublicKeyInfo.
    let der = rehearsal.unique("key.der").to_string_lossy().into_owned();
    drop(openssl(["pkey", "-pubin", "-in", &key, "-outform", "DER", "-out", &der]).ok());
    let digest = openssl(["dgst", "-sha256", "-r", &der]).ok().out;
    let front: String = key_id.iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(digest.starts_with(&front), "{digest} {front}");
}

#[test]
fn a_proof_of_issuance_is_checked_with_the_proof_and_the_public_key_alone() {
    let rehearsal = serving();
    let serial = rehearsal.text("revoked_serial").to_owned();
    let text = rehearsal.operator(&["audit", "prove", &serial]).ok().out;
    let file = rehearsal.unique("proof");
    fs::write(&file, &text).unwrap();
    let key = key(&rehearsal);
    let record = python(&[&file.to_string_lossy(), &key]).ok().out;
    let index: usize = text.lines().find_map(|line| line.strip_prefix("index ")).unwrap().parse().unwrap();
    let line = exported(&rehearsal)[index].clone();
    let der = STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap();
    let hex: String = der.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(record.trim(), hex, "the record that is proven is the one of the export");
    assert!(hex.contains(&serial.to_lowercase()), "and it names the serial number");
    // Nothing of it can be another.
    let lines: Vec<&str> = text.lines().collect();
    let elsewhere = format!("index {}", index + 1);
    for (number, other) in [(1, lines[1].replacen('A', "B", 1)), (2, elsewhere), (3, lines[4].to_owned())] {
        let mut forged = lines.clone();
        forged[number] = &other;
        let file = rehearsal.unique("forged");
        fs::write(&file, forged.join("\n") + "\n").unwrap();
        assert!(!python(&[&file.to_string_lossy(), &key]).success, "line {number}");
    }
    let other_key = rehearsal.unique("other.pem").to_string_lossy().into_owned();
    let private = rehearsal.unique("other.key").to_string_lossy().into_owned();
    drop(
        openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &private])
            .ok(),
    );
    drop(openssl(["pkey", "-in", &private, "-pubout", "-out", &other_key]).ok());
    assert!(!python(&[&file.to_string_lossy(), &other_key]).success);
}

#[test]
fn a_certificate_that_nobody_issued_cannot_be_proven() {
    let said = serving().operator(&["audit", "prove", "0102030405"]);
    assert_eq!(said.code, Some(5), "{}", said.all());
}

#[test]
fn the_log_is_proven_to_continue_a_kept_checkpoint() {
    let mut rehearsal = serving();
    let kept = kept_checkpoint(&rehearsal);
    drop(act(&rehearsal).ok());
    let said = since(&rehearsal, &kept).ok();
    assert!(said.out.contains("continue the"), "{}", said.out);
    rehearsal.stop();
    rehearsal.serve();
    drop(since(&rehearsal, &kept).ok());
    // A checkpoint whose text was changed is not believed.
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, text.replacen(&size(&text).to_string(), "3", 1)).unwrap();
    let said = since(&rehearsal, &kept);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("signature of the checkpoint is false"), "{}", said.err);
}

#[test]
fn what_was_recorded_last_is_signed_and_copied_when_the_program_ends() {
    let mut rehearsal = serving();
    drop(act(&rehearsal).ok());
    rehearsal.stop();
    let latest = fs::read_to_string(rehearsal.state("audit/latest-checkpoint")).unwrap();
    assert_eq!(size(&latest), u64::try_from(exported(&rehearsal).len()).unwrap());
    // Without a server, by the directory alone.
    let said = verify_export(&rehearsal).ok();
    assert!(
        said.out.contains(&format!("the checkpoint over {} records agrees", size(&latest))),
        "{}",
        said.out
    );
}

#[test]
fn a_checkpoint_key_is_made_where_the_keys_are_and_its_public_half_is_shown() {
    let rehearsal = serving();
    let (keys, passphrase) = (rehearsal.state("keys"), rehearsal.state("passphrase"));
    let before = fs::read_dir(&keys).unwrap().count();
    let arguments = [
        "audit",
        "key",
        "--key-directory",
        &keys.to_string_lossy(),
        "--passphrase-file",
        &passphrase.to_string_lossy(),
    ];
    let said = rehearsal.operator(&arguments).ok();
    assert_eq!(fs::read_dir(&keys).unwrap().count(), before + 1);
    let (name, pem) = said.out.split_once('\n').unwrap();
    let name = name.strip_prefix("checkpoint_key = \"").unwrap().trim_end_matches('"');
    assert!(name.len() == 40 && name.chars().all(|digit| digit.is_ascii_hexdigit()), "{name}");
    let file = rehearsal.unique("made.pem");
    fs::write(&file, pem).unwrap();
    let shown = openssl(["pkey", "-pubin", "-in", &file.to_string_lossy(), "-noout", "-text"]).ok();
    assert!(shown.out.contains("prime256v1"), "{}", shown.out);
}
