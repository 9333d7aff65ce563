//! The chapter on the guided ceremony, step by step as it stands in `docs/operate/guided-ceremony.md`; people answer as it says.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::tool::openssl;

use crate::{commands, make_room, path_with_programs, run_block};

/// What people answer; nothing while it is no question yet.
fn answer(question: &str, said: &str) -> Option<String> {
    let after = |mark: &str| said.rsplit(mark).next().unwrap_or_default().to_owned();
    let words: Vec<String> = after("SHA-256 of ")
        .lines()
        .filter(|line| line.starts_with("  ") && line.split_whitespace().count() == 5)
        .flat_map(|row| row.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let answers = [
        ("type the time", after("speaks for ").split(".\n").next().unwrap_or_default().to_owned()),
        ("type the first word", words.first().cloned().unwrap_or_default()),
        ("type the last word", words.last().cloned().unwrap_or_default()),
        ("those who are absent", String::new()),
        ("type yes", "yes".to_owned()),
    ];
    answers.into_iter().find(|(mark, _)| question.contains(mark)).map(|(_, answer)| answer)
}

/// Runs a block on a machine without a network, and answers.
fn hold(room: &Path, block: &str) -> String {
    let alone = "mount -t sysfs none /sys && exec bash -eu -c \"$1\"";
    let mut process = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "sh", "-c", alone, "sh", block])
        .current_dir(room)
        .env("PATH", path_with_programs(room))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare is installed");
    let mut keyboard = process.stdin.take().expect("it is piped");
    let mut screen = process.stderr.take().expect("it is piped");
    let (mut said, mut last, mut octets) = (String::new(), 0, [0; 4096]);
    loop {
        let read = screen.read(&mut octets).expect("it can be read");
        if read == 0 {
            break;
        }
        said += core::str::from_utf8(&octets[..read]).expect("it is text");
        let line = said.get(last..).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let Some(answer) = line.ends_with(": ").then(|| answer(line, &said)).flatten() else { continue };
        last = said.len();
        writeln!(keyboard, "{answer}").expect("it listens");
    }
    let ended = process.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{said}");
    said
}

#[test]
fn the_chapter_on_the_guided_ceremony_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/guided-ceremony.md");
    let room = make_room();
    let blocks = commands(chapter);
    assert_eq!(blocks.len(), 4, "one block for each step");
    let _ = run_block(room.path(), &blocks[0], "");
    let checked = run_block(room.path(), &blocks[1], "");
    assert!(checked.contains("The ceremony file is in order."), "{checked}");
    let said = hold(room.path(), &blocks[2]);
    assert!(said.contains("operational.crt is signed, verified, linted and read back"), "{said}");
    let verified = run_block(room.path(), &blocks[3], "");
    assert!(verified.contains("The bundle is intact."), "{verified}");

    // OpenSSL believes the sub-CA and every CRL.
    let ceremony = std::fs::read_dir(room.path().join("room/ceremonies"))
        .expect("it is there")
        .next()
        .expect("there is one")
        .expect("it can be read")
        .path();
    let export = ceremony.join("export");
    let at = |name: &str| export.join(name).to_string_lossy().into_owned();
    let said = openssl(["verify", "-x509_strict", "-CAfile", &at("s1.crt"), &at("operational.crt")]).ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
    let mut crls = 0;
    for file in std::fs::read_dir(&export).expect("it is there") {
        let name = file.expect("it can be read").file_name().to_string_lossy().into_owned();
        if let Some((root, _)) = name.split_once('-').filter(|_| name.ends_with(".crl")) {
            let root = at(&format!("{root}.crt"));
            let said = openssl(["crl", "-inform", "DER", "-noout", "-in", &at(&name), "-CAfile", &root]).ok();
            assert!(said.all().contains("verify OK"), "{}", said.all());
            crls += 1;
        }
    }
    assert_eq!(crls, 8, "four for each root");
}
